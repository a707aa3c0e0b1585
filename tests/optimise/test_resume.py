"""A run that was killed goes on with the same bits; another run is refused."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import diffsim.optimise as opt
from diffsim.optimise import Budget, LevenbergMarquardt, Multistart, resume, solve
from diffsim.problems import branin, exponential_decay, half_failing

LOG = "evaluations.log"

# One of each class of method: pure JAX, stacked, by Optimistix and Optax, in a thread, with
# a library's state, precomputed.
METHODS = {
    "levenberg_marquardt": (exponential_decay, LevenbergMarquardt()),
    "multistart": (exponential_decay, Multistart(LevenbergMarquardt(), 3)),
    "sequential_multistart": (branin, Multistart(opt.ScipyMinimise("L-BFGS-B"), 3)),
    "bfgs": (branin, opt.BFGS()),
    "adam_sam": (half_failing, opt.AdamSAM(steps=30)),
    "nelder_mead": (half_failing, opt.NelderMead()),
    "differential_evolution": (branin, opt.DifferentialEvolution(members=5)),
    "cmaes": (half_failing, opt.CMAES()),
    "particle_swarm": (half_failing, opt.ParticleSwarm(particles=6)),
    "direct_search": (half_failing, opt.DirectSearch()),
    "sobol": (branin, opt.SobolSearch(points=40)),
}


def go(name, directory=None, evaluations=60, key=7):
    build, method = METHODS[name]
    return solve(
        build(),
        method,
        budget=Budget(evaluations=evaluations),
        key=key,
        directory=directory,
        progress=False,
    )


def assert_same_bits(one, other):
    for field in ("x", "start", "order", "value", "violation", "result", "best", "cost"):
        a, b = getattr(one.history, field), getattr(other.history, field)
        assert a.shape == b.shape, field
        if field == "order":
            assert list(a) == list(b)
        else:
            assert a.tobytes() == b.tobytes(), field
    assert one.best_x.tobytes() == other.best_x.tobytes()
    for name, array in one.best_arrays.items():
        assert array.tobytes() == other.best_arrays[name].tobytes(), name
    assert one.reason == other.reason
    assert one.starts.reason.tobytes() == other.starts.reason.tobytes()
    for name in ("evaluations", "columns", "cost", "failed", "idle"):
        assert getattr(one.counts, name) == getattr(other.counts, name), name


@pytest.mark.parametrize("name", METHODS)
def test_a_torn_log_goes_on_with_the_same_bits(name, tmp_path):
    whole = go(name)
    logged = go(name, tmp_path / "run")
    assert_same_bits(whole, logged)
    content = (tmp_path / "run" / LOG).read_bytes()
    for size in random.Random(name).sample(range(len(content)), 3):
        (tmp_path / "run" / LOG).write_bytes(content[:size])
        assert_same_bits(whole, go(name, tmp_path / "run"))


def test_replay_does_not_simulate(tmp_path):
    first = go("cmaes", tmp_path)
    size = (tmp_path / LOG).stat().st_size
    again = go("cmaes", tmp_path)
    assert (tmp_path / LOG).stat().st_size == size
    assert again.counts.evaluation_seconds == first.counts.evaluation_seconds


def test_a_larger_budget_continues(tmp_path):
    go("cmaes", tmp_path, evaluations=20)
    assert_same_bits(go("cmaes", tmp_path, evaluations=60), go("cmaes"))


def test_resume_takes_start_and_key_from_the_directory(tmp_path):
    build, method = METHODS["particle_swarm"]
    run = go("particle_swarm", tmp_path)
    again = resume(tmp_path, build(), method, budget=Budget(evaluations=60), progress=False)
    assert_same_bits(run, again)


def test_resume_needs_a_run(tmp_path):
    with pytest.raises(FileNotFoundError):
        resume(tmp_path, branin(), opt.CMAES(), budget=10)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(problem=exponential_decay(seed=1)), "problem_sha256 is"),
        (dict(method=LevenbergMarquardt(value_tolerance=1e-5)), "optimiser.value_tolerance is"),
        (dict(method=opt.BFGS()), "optimiser.class is 'BFGS', was 'LevenbergMarquardt'"),
        (dict(key=8), "key is"),
        (dict(x0=np.asarray([0.5, 0.5, 0.5])), "x0 is"),
    ],
)
def test_the_directory_of_another_run_is_refused(change, message, tmp_path):
    def run(problem=exponential_decay(), method=LevenbergMarquardt(), key=7, x0=None):  # noqa: B008
        return solve(problem, method, budget=60, key=key, x0=x0, directory=tmp_path, progress=False)

    run()
    before = (tmp_path / LOG).read_bytes()
    with pytest.raises(ValueError, match=message):
        run(**change)
    assert (tmp_path / LOG).read_bytes() == before


def test_other_versions_are_warned_of(tmp_path):
    go("bfgs", tmp_path)
    path = tmp_path / "run.json"
    stored = json.loads(path.read_text())
    stored["versions"]["jax"] = "0.0.1"
    path.write_text(json.dumps(stored))
    with pytest.warns(UserWarning, match=r"jax is '.*', was '0\.0\.1'"):
        go("bfgs", tmp_path)


def test_a_log_of_other_questions_is_refused(tmp_path):
    go("cmaes", tmp_path / "one")
    go("cmaes", tmp_path / "other", key=8)
    shutil.copy(tmp_path / "other" / LOG, tmp_path / "one" / LOG)
    with pytest.raises(ValueError, match="must answer the questions"):
        go("cmaes", tmp_path / "one")


VICTIM = """
import sys, time
sys.path.insert(0, {tests!r})
import importlib.util
spec = importlib.util.spec_from_file_location("victim", {this!r})
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
from diffsim.optimise import _records
append = _records.EvaluationLog.append
def slow(self, record):  # so that kills fall into the run, and into the middle of writing
    content = _records.pack(record)
    self._stream.write(content[: len(content) // 2]); self._stream.flush()
    time.sleep(0.004)
    self._stream.write(content[len(content) // 2 :]); self._stream.flush()
_records.EvaluationLog.append = slow
print("ready", flush=True)
for name in module.METHODS:
    module.go(name, {directory!r} + "/" + name)
print("done", flush=True)
"""


@pytest.mark.slow
def test_a_killed_process_goes_on_with_the_same_bits(tmp_path):
    """SIGKILL at random moments, until all methods are through."""
    code = VICTIM.format(
        tests=str(Path(__file__).parents[1]), this=__file__, directory=str(tmp_path)
    )
    delays, kills = random.Random(0), 0
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    for _ in range(20):
        with subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment
        ) as victim:
            assert victim.stdout.readline() == "ready\n"
            time.sleep(delays.uniform(0.1, 1.5))
            if victim.poll() is None and kills < 5:
                victim.send_signal(signal.SIGKILL)
                kills += 1
            finished = "done" in victim.stdout.read()
            assert victim.wait() in (0, -signal.SIGKILL)
        if finished:
            break
    assert finished
    assert kills >= 2
    for name in METHODS:
        assert_same_bits(go(name), go(name, tmp_path / name))
