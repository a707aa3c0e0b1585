"""The log: bit exact, and honest about where it was torn."""

import numpy as np
import pytest

from diffsim.optimise._records import MAGIC, EvaluationLog, Record, pack


def records():
    random = np.random.default_rng(0)
    for i in range(4):
        arrays = {
            "x": random.uniform(size=(i + 1, 2)),
            "value": np.array([np.nan, -0.0, np.inf, 5e-324])[: i + 1],
            "constraints": np.zeros((i + 1, 0)),
            "result": np.arange(i + 1, dtype=np.int32),
        }
        yield Record({"order": "value", "seconds": 0.1 * i}, arrays)


def write(path):
    log = EvaluationLog(path)
    for record in records():
        log.append(record)
    log.close()
    return path.read_bytes()


def read(path):
    log = EvaluationLog(path)
    log.close()
    return log.records


def same(one, other):
    return one.header == other.header and all(
        one.arrays[name].tobytes() == other.arrays[name].tobytes()
        and one.arrays[name].shape == other.arrays[name].shape
        and one.arrays[name].dtype == other.arrays[name].dtype
        for name in one.arrays
    )


def test_what_is_written_is_read_bit_by_bit(tmp_path):
    path = tmp_path / "log"
    write(path)
    assert all(same(a, b) for a, b in zip(records(), read(path), strict=True))


def test_a_log_torn_at_any_byte_is_cut_to_its_whole_records(tmp_path):
    path = tmp_path / "log"
    whole = write(path)
    ends = np.cumsum([len(MAGIC), *(len(pack(record)) for record in records())])
    for size in range(0, len(whole), 7):
        path.write_bytes(whole[:size])
        kept = read(path)
        expected = max(int(np.sum(ends <= size)) - 1, 0)
        assert len(kept) == expected
        assert path.stat().st_size == max(ends[expected], len(MAGIC))


def test_a_torn_log_goes_on(tmp_path):
    path = tmp_path / "log"
    whole = write(path)
    path.write_bytes(whole[:-5])
    log = EvaluationLog(path)
    log.append(list(records())[-1])
    log.close()
    assert path.read_bytes() == whole


def test_damage_at_the_end_is_cut_off_but_in_the_middle_it_is_an_error(tmp_path):
    path = tmp_path / "log"
    whole = bytearray(write(path))
    whole[-1] ^= 1
    path.write_bytes(whole)
    assert len(read(path)) == 3
    whole[len(MAGIC) + 40] ^= 1
    path.write_bytes(whole)
    with pytest.raises(ValueError, match="wrong checksum"):
        read(path)


def test_a_log_in_use_is_refused(tmp_path):
    path = tmp_path / "log"
    write(path)
    first = EvaluationLog(path)
    with pytest.raises(ValueError, match="another run has it open"):
        EvaluationLog(path)
    first.close()
    assert len(read(path)) == 4


def test_another_file_is_no_log(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"something else, and long enough")
    with pytest.raises(ValueError, match="must be a log of evaluations"):
        EvaluationLog(path)
