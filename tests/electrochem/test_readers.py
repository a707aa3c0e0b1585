"""Readers of instrument files: the real ferrocene files, and a small sample of every other format.

The samples are written by the functions below in the layout that the instruments use.
"""

import hashlib
import importlib.metadata
import itertools
import re
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from diffsim.electrochem import data, readers
from diffsim.electrochem.readers import Measurement, ReaderError, ReaderWarning, read, read_all

# -- samples ---------------------------------------------------------------------------------------

E_UP = np.round(np.arange(-0.4, 0.4, 0.01), 6)
POTENTIAL = np.concatenate([E_UP, np.round(np.arange(0.4, -0.4, -0.01), 6)])  # a closed loop
TIME = np.arange(len(POTENTIAL)) * 0.1
CURRENT = np.round(1e-6 * np.tanh(POTENTIAL / 0.05) + 2e-7 * np.sign(np.gradient(POTENTIAL)), 10)


def chi(potential=POTENTIAL, current=CURRENT, *, end="\r\n", **header):
    values = {
        "Init E (V)": "-0.4",
        "High E (V)": "0.4",
        "Low E (V)": "-0.4",
        "Init P/N": "P",
        "Scan Rate (V/s)": "0.1",
        "Segment": "2",
        "Sample Interval (V)": "0.01",
        "Sensitivity (A/V)": "1e-6",
    } | header
    lines = ["Nov. 2, 2020   12:00:00", "Cyclic Voltammetry", "File: c:\\data\\a.bin"]
    lines += ["Data Source:  Experiment", "Instrument Model:  CHI760E", "Header: ", "Note: ", ""]
    lines += [f"{key} = {value}" for key, value in values.items() if value is not None]
    lines += ["", "Results:", "", "Segment 1:", "Ep = 0.213V", "ip = 1.2e-6A", ""]
    lines += ["Potential/V, Current/A", ""]
    lines += [f"{e:.3f}, {i:.4e}" for e, i in zip(potential, current, strict=True)]
    return (end.join(lines) + end).encode()


def biologic(*, comma=True, header_lines=None, cycles=True):
    top = ["EC-Lab ASCII FILE", "Nb header lines : {}", "", "Cyclic Voltammetry", ""]
    top += ["Run on channel : 1 (SN 11259)", "Device : SP-200 (SN 0961)"]
    top += ["Electrode surface area : 0,001 cm²", "Ei (V)              -0,400              "]
    top += ["vs.                 Ref                 ", "dE/dt               100,000             "]
    top += ["dE/dt unit          mV/s                ", "vs.                 Eoc                 "]
    names = ["mode", "ox/red", "time/s", "control/V", "Ewe/V", "<I>/mA"]
    top.append("\t".join(names + ["cycle number"] * cycles) + "\t")
    top[1] = top[1].format(header_lines or len(top))
    rows = []
    for k, (t, e, i) in enumerate(zip(TIME, POTENTIAL, CURRENT, strict=True)):
        cells = ["2", "1", f"{t:.15E}", f"{e + 0.1:.7E}", f"{e:.7E}", f"{i * 1e3:.15E}"]
        row = "\t".join(cells + [f"{1 + (k > 80):.15E}"] * cycles)
        rows.append(row.replace(".", ",") if comma else row)
    return ("\r\n".join(top + rows) + "\r\n").encode("latin-1")


def gamry(*, tables=2, restart=False, count=None, unit="mV/s"):
    lines = ["EXPLAIN", "TAG\tCV", "TITLE\tLABEL\tCyclic Voltammetry\tTest &Identifier"]
    lines += ["CHECKNOTES\tNOTES\t1\t&Notes...", "\tcell 3", "PSTAT\tPSTAT\tREF600\tPotentiostat"]
    lines += [f"SCANRATE\tQUANT\t1.00000E+002\t&Scan Rate ({unit})", "OCVCURVE\tTABLE\t1"]
    lines += ["\tPt\tT\tVf\tVm", "\t#\ts\tV vs. Ref.\tV", "\t0\t0.5\t0.1\t0.1"]
    for k, rows in enumerate(np.array_split(np.arange(len(TIME)), tables)):
        lines.append(f"CURVE{k + 1}\tTABLE" + (f"\t{count}" if count else ""))
        lines.append("\tPt\tT\tVf\tIm\tVu\tIERange\tOver")
        lines.append("\t#\ts\tV vs. Ref.\tA\tV\t#\tbits")
        start = TIME[rows[0]] if restart else 0.0
        lines += [
            f"\t{r}\t{TIME[r] - start:.5g}\t{POTENTIAL[r]:.5E}\t{CURRENT[r]:.5E}\t0\t5\t..........."
            for r in rows
        ]
    return ("\r\n".join(lines) + "\r\n").encode("latin-1")


def palmsens(*, scans=2, encoding="utf-16", gap=0.0, unit="µA"):
    parts = np.array_split(np.arange(len(TIME)), scans)
    titles, dates, units = [], [], []
    for k in range(scans):
        titles += [f"Cyclic Voltammetry: CV i vs E Scan {k + 1}", ""]
        dates += ["Date and time measurement:", "2026-05-28 10:38:50"]
        units += ["V", unit]
    lines = ["Date and time:,2026-05-28 10:38:50", "Notes:,blue cell", "," * (2 * scans - 1)]
    lines += [",".join(titles), ",".join(dates), ",".join(units)]
    for k in range(max(len(p) for p in parts)):
        cells = []
        for scan, part in enumerate(parts):
            inside = k < len(part)
            r = part[k] if inside else 0
            cells += (
                [f"{POTENTIAL[r] + gap * scan:.5f}", f"{CURRENT[r] * 1e6:.6f}"]
                if inside
                else ["", ""]
            )
        lines.append(",".join(cells))
    return ("\r\n".join(lines) + "\r\n").encode(encoding)


def plain(header="time_s,potential_V,current_A", scale=(1.0, 1.0, 1.0), separator=","):
    rows = zip(TIME * scale[0], POTENTIAL * scale[1], CURRENT * scale[2], strict=True)
    lines = [header] + [separator.join(repr(float(x)) for x in row) for row in rows]
    return "\n".join(lines).encode()


SAMPLES = {
    "chi": (chi, {}),
    "biologic": (biologic, {}),
    "gamry": (gamry, {}),
    "palmsens": (palmsens, {"scan_rate": 0.1}),
    "csv": (plain, {}),
}


@pytest.fixture
def file(tmp_path):
    """Write bytes under a name that gives nothing away, and hand the path back."""

    def write(content, name="measurement.dat"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


# -- the real files --------------------------------------------------------------------------------


def test_ferrocene_files_are_the_published_bytes():
    folder = data.folder() / "ferrocene"
    sums = dict(
        reversed(line.split())
        for line in (folder / "PROVENANCE.md").read_text().splitlines()
        if re.match(r"[0-9a-f]{64}  ", line)
    )
    assert len(sums) == 7
    assert {p.name for p in folder.glob("*.txt")} == {*sums, "LICENSE-ecat.txt"}
    for name, expected in sums.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == expected
    assert "Luke Elissiry" in (folder / "LICENSE-ecat.txt").read_text()
    assert {*data.ferrocene().values(), data.ferrocene_repeat(), data.ferrocene_blank()} == {
        folder / name for name in sums
    }


@pytest.mark.parametrize("rate", data.ferrocene())
def test_ferrocene_series(rate):
    measured = read(data.ferrocene()[rate])
    assert len(measured) == 5400
    assert (measured.potential[0], measured.potential[-1]) == (0.0, 0.001)
    assert measured.metadata["scan_rate"] == rate
    assert measured.metadata["compensated_resistance"] == (134.2 if rate == 0.05 else 131.5)
    assert measured.metadata["vertices"] == (0.0, -1.7, 1.0, 0.0)
    assert measured.metadata["instrument"] == "CHI660D"
    assert measured.metadata["technique"] == "Cyclic Voltammetry"
    assert measured.metadata["quiet_time"] == 2.0
    assert measured.metadata["sample_interval"] == 0.001
    assert measured.metadata["header"]["Sensitivity (A/V)"] == "1e-4"
    assert [len(part) for part in measured.segments] == [1701, 2700, 999]
    np.testing.assert_allclose(measured.time, np.arange(5400) * 0.001 / rate, rtol=1e-12)


@pytest.mark.parametrize("path", [*data.ferrocene().values(), data.ferrocene_repeat()])
def test_ferrocene_peaks_agree_with_the_instruments_own_table(path):
    measured = read(path)
    up = measured.select(potential=(0.2, 0.8), segments=(1,))
    down = measured.select(potential=(0.2, 0.8), segments=(2,))
    tabled = {
        (p["segment"], np.sign(p["ip"])): p for p in measured.metadata["peaks"] if p["Ep"] > 0.2
    }
    oxidation, reduction = tabled[2, 1.0], tabled[3, -1.0]
    # The instrument finds the peak above its own baseline, which may shift it by a few mV.
    assert up.potential[up.current.argmax()] == pytest.approx(oxidation["Ep"], abs=0.005)
    assert down.potential[down.current.argmin()] == pytest.approx(reduction["Ep"], abs=0.005)
    assert up.current.max() == pytest.approx(oxidation["ip"], rel=0.10)


def test_blank_and_repeat():
    assert len(read(data.ferrocene_blank())) == len(read(data.ferrocene_repeat())) == 4400
    assert np.abs(read(data.ferrocene_blank()).current).max() < 3.2e-6


# -- every format ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("forced", [False, True])
def test_the_content_decides_the_format_and_all_give_the_same(file, name, forced):
    sample, options = SAMPLES[name]
    measured = read(file(sample()), format=name if forced else None, **options)
    np.testing.assert_allclose(measured.potential, POTENTIAL, atol=1e-9)
    np.testing.assert_allclose(measured.current, CURRENT, rtol=1e-4, atol=1e-13)
    np.testing.assert_allclose(measured.time, TIME, atol=1e-9)
    assert measured.metadata["source"] == "measurement.dat"
    assert measured.metadata["scan_rate"] == pytest.approx(0.1)
    assert measured.metadata["vertices"] == pytest.approx((-0.4, 0.4, -0.4), abs=0.011)
    assert len(measured.segments) == 2


@pytest.mark.parametrize("name", SAMPLES)
def test_the_other_sign_is_turned_round(file, name):
    sample, options = SAMPLES[name]
    path = file(sample())
    us = read(path, convention="iupac", **options)
    with pytest.warns(ReaderWarning, match="probably has the other sign: pass convention='iupac'"):
        turned = read(path, convention="us", **options)
    np.testing.assert_array_equal(turned.current, -us.current)
    np.testing.assert_array_equal(turned.potential, us.potential)
    assert (us.metadata["convention"], turned.metadata["convention"]) == ("iupac", "us")


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("content", [b"", b"  \r\n\n ", b"\xff\xfe"])
def test_empty_files(file, name, content):
    for format in (None, name):
        with pytest.raises(ReaderError, match=r"measurement\.dat"):
            read(file(content), format=format)


@pytest.mark.parametrize("name", SAMPLES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(fraction=st.floats(0, 1))
def test_a_file_cut_anywhere_never_passes_for_whole(tmp_path, name, fraction):
    sample, options = SAMPLES[name]
    whole = sample()
    cut = whole[: int(fraction * len(whole))]
    path = tmp_path / "cut.dat"
    path.write_bytes(cut)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            measured = read(path, **options)
        except ReaderError as error:
            assert "cut.dat" in str(error)
            return
    # What cannot be told from a shorter measurement is at least the measurement's beginning.
    n = len(measured) - 1
    np.testing.assert_allclose(measured.potential[:n], POTENTIAL[:n], atol=1e-9)
    if name == "chi":  # whose header says how far the sweep goes
        assert n > len(POTENTIAL) - 15


@pytest.mark.parametrize("name", SAMPLES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(place=st.floats(0, 1, exclude_max=True), byte=st.binary(min_size=1, max_size=3))
def test_a_damaged_file_is_read_or_refused_but_nothing_else(tmp_path, name, place, byte):
    sample, options = SAMPLES[name]
    content = bytearray(sample())
    start = int(place * len(content))
    content[start : start + len(byte)] = byte
    path = tmp_path / "damaged.dat"
    path.write_bytes(bytes(content))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            assert isinstance(read(path, **options), Measurement)
        except ReaderError as error:
            assert "damaged.dat" in str(error)


def _replace_number(content, bad):
    """Put `bad` in place of the current in the tenth row from the end."""
    lines = content.split(b"\n")
    cells = re.split(rb"([,\t])", lines[-10])
    where = max(k for k, cell in enumerate(cells) if b"E-0" in cell or b"e-0" in cell)
    cells[where] = bad
    lines[-10] = b"".join(cells)
    return b"\n".join(lines), len(lines) - 9


@pytest.mark.parametrize("name", ["chi", "gamry", "csv"])
@pytest.mark.parametrize("bad", [b"nan", b"inf", b"abc", b"", b"1_0", b"0x1"])
def test_what_is_no_number_is_named_with_its_line(file, name, bad):
    content, line = _replace_number(SAMPLES[name][0](), bad)
    with pytest.raises(
        ReaderError, match=rf"line {line}: the current must be a finite number"
    ) as e:
        read(file(content))
    assert repr(bad.decode()) in str(e.value)


# -- CHI -------------------------------------------------------------------------------------------


def test_chi_truncated_and_partial(file):
    half = slice(0, 100)
    path = file(chi(POTENTIAL[half], CURRENT[half]))
    with pytest.raises(ReaderError, match=r"must run through -0\.4, 0\.4, -0\.4 V.*partial=True"):
        read(path)
    assert len(read(path, partial=True)) == 100


def test_chi_header_cut_off(file):
    whole = chi()
    with pytest.raises(ReaderError, match='must have a line such as "Potential/V, Current/A"'):
        read(file(whole[: whole.index(b"Potential/V")]))


def test_chi_without_scan_rate(file):
    path = file(chi(**{"Scan Rate (V/s)": None}))
    with pytest.raises(ReaderError, match=r'scan_rate: it must be given \(scan_rate="50 mV/s"\)'):
        read(path)
    assert read(path, scan_rate="50 mV/s").time[-1] == pytest.approx(2 * TIME[-1])


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ({"Scan Rate (V/s)": "fast"}, r"Scan Rate must be a number in V/s, but it is 'fast'"),
        ({"Scan Rate (V/s)": None, "Scan Rate (A)": "1"}, r"line \d+: Scan Rate must be in V/s"),
        ({"Segment": "1e12"}, r"Segment must be positive and no absurdity, but it is '1e12'"),
        ({"Frequency (Hz)": "0"}, r"Frequency must be positive"),
        ({"Scan Rate (V/s)": "-0.1"}, r"scan_rate: it must be positive, but it is -0.1"),
    ],
)
def test_chi_bad_header(file, header, words):
    with pytest.raises(ReaderError, match=words):
        read(file(chi(**header)))


def test_chi_amperometry_has_the_header_potential(file):
    text = "\r\n".join(
        ["Nov. 2, 2020   12:00:00", "i - t Curve", "File: a", "Data Source:  Experiment"]
        + ["Instrument Model:  CHI760E", "", "Init E (V) = 0.5", "Sample Interval (s) = 0.1"]
        + ["Time/sec, Current/A", ""]
        + [f"{t:.2f}, {1e-6 / t**0.5:.4e}" for t in np.arange(0.1, 2, 0.1)]
    )
    measured = read(file(text))
    assert measured.time[0] == 0.1
    assert set(measured.potential) == {0.5}
    assert measured.metadata["vertices"] == (0.5, 0.5)


def test_chi_square_wave_has_one_row_per_period(file):
    header = dict.fromkeys(("High E (V)", "Low E (V)", "Scan Rate (V/s)", "Segment"))
    header |= {"Frequency (Hz)": "25"}
    content = chi(np.linspace(0, 0.2, 50), np.ones(50), **header)
    content = content.replace(b"Potential/V, Current/A", b"Potential/V, Diff(i/A)")
    measured = read(file(content))
    np.testing.assert_allclose(measured.time, np.arange(50) / 25, rtol=1e-12)
    assert measured.metadata["time_source"] == "row_interval"


def test_chi_further_currents_are_kept(file):
    content = chi().replace(b"Potential/V, Current/A", b"Potential/V, i1/A, i2/A")
    head, rows = content.split(b"i2/A")
    rows = re.sub(rb"(e-\d\d)", rb"\1, 3.0e-9", rows)
    measured = read(file(head + b"i2/A" + rows))
    np.testing.assert_allclose(measured.current, CURRENT, rtol=1e-4, atol=1e-13)
    assert set(measured.extra["i2/A"]) == {3e-9}


# -- BioLogic --------------------------------------------------------------------------------------


@pytest.mark.parametrize("comma", [True, False])
def test_biologic_decimal_sign_and_metadata(file, comma):
    measured = read(file(biologic(comma=comma)))
    np.testing.assert_allclose(measured.current, CURRENT, rtol=1e-12)
    assert measured.metadata["technique"] == "Cyclic Voltammetry"
    assert measured.metadata["instrument"] == "SP-200 (SN 0961)"
    assert measured.metadata["header"]["Electrode surface area"] == "0,001 cm²"
    assert measured.metadata["header"]["vs. (2)"] == "Eoc"
    assert measured.metadata["scan_rate"] == 0.1
    assert list(measured.extra["cycle number"]) == [1] * 81 + [2] * (len(TIME) - 81)


def test_biologic_header_longer_than_the_file(file):
    with pytest.raises(ReaderError, match=r"line 2: the number of header lines must be.*it is 999"):
        read(file(biologic(header_lines=999)))


def test_biologic_wrong_unit_of_the_scan_rate_names_its_line(file):
    with pytest.raises(ReaderError, match=r"line 12: dE/dt must be in V/s"):
        read(file(biologic().replace(b"mV/s ", b"mV/m ")))


def test_biologic_missing_column(file):
    content = biologic().replace(b"<I>/mA", b"Q/mA.h")
    with pytest.raises(ReaderError, match=r"line 14: one of the columns must be the current"):
        read(file(content))


def test_time_that_runs_back_is_an_error_with_its_line(file):
    lines = biologic().split(b"\r\n")
    lines[30], lines[31] = lines[31], lines[30]
    with pytest.raises(ReaderError, match=r"line 32: time must increase"):
        read(file(b"\r\n".join(lines)))


def test_repeated_times_are_dropped_with_a_warning(file):
    lines = biologic().split(b"\r\n")
    lines.insert(31, lines[30])
    with pytest.warns(ReaderWarning, match=r"1 rows have the time of the row after.*line 31\)"):
        measured = read(file(b"\r\n".join(lines)))
    assert len(measured) == len(TIME)
    assert measured.metadata["repeated_times"] == 1


# -- Gamry -----------------------------------------------------------------------------------------


def test_gamry_cycles_are_joined_or_chosen(file):
    path = file(gamry(tables=3))
    whole = read(path)
    assert [int(x) for x in np.unique(whole.extra["curve"])] == [0, 1, 2]
    parts = read_all(path)
    assert sum(map(len, parts)) == len(whole) == len(TIME)
    np.testing.assert_array_equal(read(path, curve=1).current, parts[1].current)
    assert whole.metadata["instrument"] == "REF600"
    with pytest.raises(ReaderError, match="curve: it must be from 0 to 2, but it is 3"):
        read(path, curve=3)


def test_curves_that_do_not_follow_must_be_chosen(file):
    path = file(gamry(restart=True))
    with pytest.raises(
        ReaderError, match=r"one of the curves must be chosen.*0: 'CURVE1', 1: 'CUR"
    ):
        read(path)
    assert len(read_all(path)) == 2


def test_gamry_row_count_is_checked(file):
    with pytest.raises(ReaderError, match="the table CURVE1 must have 500 rows"):
        read(file(gamry(count=500)))
    assert len(read(file(gamry(count=500)), partial=True)) == len(TIME)
    assert len(read(file(gamry(tables=1, count=len(TIME))))) == len(TIME)


def test_gamry_wrong_units_and_tables(file):
    with pytest.raises(ReaderError, match=r"line \d+: SCANRATE must be in V/s"):
        read(file(gamry(unit="mV")))
    with pytest.raises(ReaderError, match=r"line \d+: current must be in A"):
        read(file(gamry().replace(b"V vs. Ref.\tA", b"V vs. Ref.\tW")))
    with pytest.raises(ReaderError, match=r"must have the columns T, Vf and Im, but Im missing"):
        read(file(gamry().replace(b"Im", b"Jm")))
    with pytest.raises(ReaderError, match="must have a table of measured values"):
        read(file(gamry().replace(b"CURVE", b"ZCURVE")))


# -- PalmSens --------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8", "utf-8-sig", "latin-1"])
def test_palmsens_encodings(file, encoding):
    measured = read(file(palmsens(encoding=encoding)), scan_rate="100 mV/s")
    np.testing.assert_allclose(measured.current, CURRENT, atol=1e-12)
    assert measured.metadata["header"]["Notes"] == "blue cell"
    assert measured.metadata["technique"] == "Cyclic Voltammetry"


def test_palmsens_units_and_scans(file):
    with pytest.raises(ReaderError, match="scan_rate: it must be given"):
        read(file(palmsens()))
    nano = read(file(palmsens(unit="nA")), scan_rate=0.1)
    np.testing.assert_allclose(nano.current, 1e-3 * CURRENT, atol=1e-15)
    apart = file(palmsens(gap=0.5))
    with pytest.raises(ReaderError, match="one of the curves must be chosen"):
        read(apart, scan_rate=0.1)
    second = read(apart, scan_rate=0.1, curve=1)
    assert second.potential[0] == pytest.approx(POTENTIAL[len(POTENTIAL) // 2] + 0.5)


def test_palmsens_row_cut_between_scans(file):
    lines = palmsens(encoding="utf-8").split(b"\r\n")
    cut = b"\r\n".join([*lines[:-2], lines[-2].rsplit(b",", 2)[0]])
    with pytest.raises(ReaderError, match=r"line \d+: a row must have 4 cells .* but it has 2"):
        read(file(cut), scan_rate=0.1)
    first, second = read_all(file(cut), scan_rate=0.1, partial=True)
    assert len(first) == len(second) + 1


def test_palmsens_amperometry_needs_its_potential(file):
    lines = ["Date and time:,2026", "Notes:", "", "CA i vs t,", "s,µA", "0.1,5.0", "0.2,4.0"]
    path = file("\n".join(lines))
    with pytest.raises(ReaderError, match="potential: it must be given"):
        read(path)
    measured = read(path, potential="500 mV")
    assert list(measured.potential) == [0.5, 0.5]
    assert list(measured.current) == pytest.approx([5e-6, 4e-6])


# -- CSV -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "scale"),
    [
        ("time_s,potential_V,current_A", (1, 1, 1)),
        ("t/s,E/V,I/A", (1, 1, 1)),
        ("Time (s),Potential applied (V),WE(1).Current (uA)", (1, 1, 1e6)),
        ("t [ms],E [mV],I [nA]", (1e3, 1e3, 1e9)),
        ("time_min,potential_V_vs_RHE,current_mA", (1 / 60, 1, 1e3)),
        ("time/s,E/V vs. Ag/AgCl,<I>/mA", (1, 1, 1e3)),
        ("time (s),E (mV vs SCE),i (µA)", (1, 1e3, 1e6)),
        ("time / s,Ewe / V,current / pA", (1, 1, 1e12)),
    ],
)
def test_csv_units_stand_in_the_names(file, header, scale):
    measured = read(file(plain(header, scale)))
    np.testing.assert_allclose(measured.time, TIME, rtol=1e-14)
    np.testing.assert_allclose(measured.potential, POTENTIAL, rtol=1e-14)
    np.testing.assert_allclose(measured.current, CURRENT, rtol=1e-14)


@pytest.mark.parametrize("separator", [";", "\t", " "])
@pytest.mark.parametrize("comma", [True, False])
def test_csv_separators_and_decimal_commas(file, separator, comma):
    content = plain(separator.join(["t/s", "E/V", "I/A"]), separator=separator)
    measured = read(file(content.replace(b".", b",") if comma else content))
    np.testing.assert_array_equal(measured.current, CURRENT)


@pytest.mark.parametrize("header", ["j_mA_per_cm2", "j (mA/cm²)", "current density / mA cm-2"])
def test_csv_current_density_needs_the_area(file, header):
    path = file(plain(f"t/s,E/V,{header}"))
    with pytest.raises(ReaderError, match="electrode_area must be given"):
        read(path)
    measured = read(path, electrode_area="0.5 cm2")
    np.testing.assert_allclose(measured.current, 0.5e-3 * CURRENT, rtol=1e-14)


def test_csv_side_file(file):
    path = file(plain("a,b,c", (1, 1e3, -1e6)), "cv.csv")
    side = """
        columns:
          time: {name: a, unit: s}
          potential: {name: b, unit: mV}
          current: {name: c, unit: uA}
        convention: us
        scan_rate: 100 mV/s
        compensated_resistance: 0.1 kohm
        metadata: {electrolyte: 1 M H2SO4}
    """
    file(side, "cv.yaml")
    measured = read(path)
    np.testing.assert_allclose(measured.potential, POTENTIAL, rtol=1e-14)
    np.testing.assert_allclose(measured.current, CURRENT, rtol=1e-14)
    assert measured.metadata["scan_rate"] == 0.1
    assert measured.metadata["compensated_resistance"] == 100.0
    assert measured.metadata["convention"] == "us"
    assert measured.metadata["header"]["electrolyte"] == "1 M H2SO4"
    other = file("columns: {time: s, potential: V, current: A}", "other.yml")
    named = read(file(plain("time,E,I")), side_file=other)
    np.testing.assert_array_equal(named.current, CURRENT)


@pytest.mark.parametrize(
    ("side", "words"),
    [
        ("scanrate: 1", r"'scanrate' \(did you mean 'scan_rate'\?\) is not"),
        ("scan_rate: 50 mV", r"cv\.yaml: scan_rate must be in V/s"),
        ("columns: {current: {name: z, unit: A}}", r"line 1: the current must be one of the col"),
        ("columns: {curent: A}", r"did you mean 'current'"),
        ("columns: 3", r"columns: it must hold"),
        ("columns: {current: 3}", r"it must be a unit, or name and unit"),
        ("convention: polish", r'must be "iupac" or "us", but it is \'polish\''),
        ("a: [", r"must be YAML"),
        ("3", r"must hold \"key: value\" pairs"),
        ("x: !!python/object/apply:os.system ['true']", r"must be YAML"),
    ],
)
def test_csv_bad_side_file(file, side, words):
    path = file(plain(), "cv.csv")
    file(side, "cv.yaml")
    with pytest.raises(ReaderError, match=words):
        read(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("1,2\n3,4\n", r"line 1: a line of column names such as .* must come before numbers"),
        ("a,b\n1,2\n", r"line 1: one column must be the potential"),
        ("E/V,b\n1,2\n", r"line 1: one column must be the current"),
        ("E,I/A\n1,2\n", r"line 1: the potential must have a unit"),
        ("E/A,I/A\n1,2\n", r"line 1: potential must be in V .*its unit 'A' has the dimension"),
        ("E/blorb,I/A\n1,2\n", r"line 1: potential must be in V .*'blorb' is not a known unit"),
        ("E/V,I/A\n", r"rows of numbers must follow the header, but there are none"),
        ("E/V,I/A\n1,2\n3\n", r"line 3: a row must have 2 values like the first, but it has 1"),
        ("E/V,I/A\n1,2\n", r"a curve must have at least 2 rows, but it has 1"),
        ("# only a comment\n", r"must have a line of column names"),
        ("E/V,I/A\n1,2\n1,3\n", r"potential: it must change"),
        ("t/s,E/V,I/A\n0,1,2\n2,1,3\n1,1,3\n", r"line 4: time must increase.*but it is 1 s"),
        ("# scan_rate: quick\nE/V,I/A\n1,2\n", r"line 1: scan_rate must be in V/s"),
    ],
)
def test_csv_bad_content(file, content, words):
    with pytest.raises(ReaderError, match=words):
        read(file(content), **({} if "t/s" in content else {"scan_rate": 0.1}))


def test_text_in_cells_is_never_executed(file, tmp_path):
    target = tmp_path / "made"
    cell = f"__import__('pathlib').Path({str(target)!r}).touch()"
    for content in (f"E/V,I/A\n1,2\n{cell},3\n", f"E/{cell},I/A\n1,2\n3,4\n"):
        with pytest.raises(ReaderError):
            read(file(content), scan_rate=1.0)
    assert not target.exists()


_finite = st.floats(-1e9, 1e9, allow_nan=False)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    times=st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30, unique=True),
    seed=st.data(),
    rate=st.one_of(st.none(), st.floats(1e-6, 1e6)),
)
def test_written_csv_is_read_back_to_the_bit(tmp_path, times, seed, rate):
    n = len(times)
    columns = [seed.draw(st.lists(_finite, min_size=n, max_size=n)) for _ in range(2)]
    metadata = {"scan_rate": rate, "technique": "Cyclic\nVoltammetry", "convention": "us"}
    before = Measurement(np.array(sorted(times)), *map(np.array, columns), metadata)
    readers.write_csv(before, tmp_path / "a.csv")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ReaderWarning)
        after = read(tmp_path / "a.csv")
    for name in ("time", "potential", "current"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))
    assert after.metadata["technique"] == "Cyclic Voltammetry"
    assert after.metadata["convention"] == "iupac"
    if rate is not None:
        assert after.metadata["scan_rate"] == rate


# -- the door --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"scan_rate": "50 mV"}, "scan_rate must be in V/s"),
        ({"scan_rate": 0.0}, "scan_rate must be positive"),
        ({"electrode_area": "-1 cm2"}, "electrode_area must be positive"),
        ({"potential": "1 s"}, "potential must be in V"),
        ({"format": "mpr"}, "format: it must be one of biologic, gamry, chi, palmsens, csv"),
        ({"curve": 1}, "curve: it must be from 0 to 0, but it is 1"),
        ({"side_file": "absent.yaml"}, "side file must be readable"),
    ],
)
def test_bad_options(file, options, words):
    with pytest.raises(ValueError, match=words):
        read(file(plain()), **options)


def test_missing_file_and_folder(tmp_path):
    for path in (tmp_path / "absent.txt", tmp_path):
        with pytest.raises(ReaderError, match="the file must be readable"):
            read(path)


BINARY = b"BIO-LOGIC MODULAR FILE\x1a" + bytes(range(256)) * 4


class FakeEntry:
    name, value = "fake", "fake:FakeReader"

    def __init__(self, target):
        self.target = target

    def load(self):
        if isinstance(self.target, Exception):
            raise self.target
        return self.target


class FakeReader(readers.AbstractReader):
    name = "fake"

    def matches(self, head):
        return head.startswith(b"BIO-LOGIC")

    def curves(self, path, options):
        columns = {"time": TIME, "potential": POTENTIAL, "current": CURRENT}
        return [readers.Curve(columns, np.arange(len(TIME)), {"header": {}})]


def _plug_in(monkeypatch, *targets):
    def entry_points(*, group):
        assert group == "diffsim.readers"
        return [FakeEntry(target) for target in targets]

    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)


def test_binary_files_need_a_plug_in(file, monkeypatch):
    path = file(BINARY)
    _plug_in(monkeypatch)
    with pytest.raises(ReaderError, match=r"it is binary, and no plug-in.*'diffsim.readers'"):
        read(path)
    with pytest.raises(ReaderError, match="must be a text file"):
        read(path, format="csv")
    _plug_in(monkeypatch, FakeReader)
    np.testing.assert_array_equal(read(path).current, CURRENT)
    np.testing.assert_array_equal(read(path, format="fake").current, CURRENT)
    assert readers.formats() == ("biologic", "gamry", "chi", "palmsens", "csv", "fake")


def test_broken_plug_ins_are_named_and_passed_over(file, monkeypatch):
    _plug_in(monkeypatch, ImportError("no such module"), dict, FakeReader)
    with pytest.warns(ReaderWarning) as caught:
        assert len(read(file(BINARY))) == len(TIME)
    messages = " ".join(str(w.message) for w in caught)
    assert "no such module" in messages
    assert "must be an AbstractReader" in messages


def test_plug_ins_are_not_imported_for_built_in_formats(file, monkeypatch):
    def refuse(*, group):
        raise AssertionError("plug-ins were asked")

    monkeypatch.setattr(importlib.metadata, "entry_points", refuse)
    for sample, options in SAMPLES.values():
        read(file(sample()), **options)


def test_samples_differ_from_each_other():
    contents = [sample() for sample, _ in SAMPLES.values()]
    assert all(a != b for a, b in itertools.combinations(contents, 2))
