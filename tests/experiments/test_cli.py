"""The command line: quick help, one message for a mistake, JSON last."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from diffsim import results
from experiments import _registry, cli
from experiments._schema import Strict
from experiments._study import AbstractStudy
from tests.experiments._saved_run import saved_run

ROOT = Path(__file__).parents[2]


class Settings(Strict):
    count: int = 3


class Example(AbstractStudy):
    name = "example"
    line = "an example for tests"
    configuration = Settings

    def run(self, configuration, directory):
        print("progress", file=sys.stderr)
        return {"count": configuration.count, "verdict": "fine"}


@pytest.fixture
def diffsim(capsys, monkeypatch, tmp_path):
    """Run the command in this process: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(_registry, "studies", lambda: {"example": Example()})

    def run(*arguments):
        code = 0
        try:
            cli.main([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = stop.code or 0
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.mark.parametrize(
    "arguments", [["--help"], ["list"], ["recover", "--help"], ["compare", "offline", "--help"]]
)
def test_help_and_list_import_nothing_heavy(arguments):
    code = (
        "import sys; from experiments.cli import main\n"
        f"try: main({arguments!r})\n"
        "except SystemExit: pass\n"
        "heavy = {'jax', 'jaxlib', 'torch', 'equinox', 'xarray', 'matplotlib', 'scipy', 'numpy'}\n"
        "print('HEAVY', sorted({m.split('.')[0] for m in sys.modules} & heavy))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "HEAVY []", done.stdout + done.stderr


def test_list(diffsim):
    code, out, _ = diffsim("list")
    assert code == 0
    assert out == "example  ready    an example for tests\n"


def test_run_ends_with_json(diffsim, tmp_path):
    code, out, err = diffsim("run", "example", "--json", "--set", "count=5")
    assert code == 0
    assert json.loads(out) == {"count": 5, "verdict": "fine"}
    assert "progress" in err
    assert len(list((tmp_path / "results").iterdir())) == 1
    _, out, err = diffsim("run", "example", "--json", "--set", "count=5")
    assert json.loads(out)["count"] == 5
    assert "progress" not in err
    assert "was there already" in err


def test_run_into_a_directory_and_resume(diffsim, tmp_path):
    assert diffsim("run", "example", "--output", tmp_path / "here")[0] == 0
    (tmp_path / "here" / "figures.json").unlink()
    code, out, err = diffsim("resume", tmp_path / "here", "--json")
    assert code == 0
    assert json.loads(out)["count"] == 3
    assert "progress" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "exmple"], "did you mean 'example'"),
        (["run", "example", "--set", "cuont=1"], "did you mean 'count'"),
        (["run", "example", "--set", "count"], "key=value"),
        (["recover", "none.yaml"], "none.yaml"),
        (["resume", "nothing"], "nothing must hold a run"),
        (["report", "none.nc"], "none.nc must be a file"),
        (["plot", "none.nc"], "none.nc must be a file"),
        (["plot", "none.nc", "--format", "gif"], "png, pdf or svg"),
        (["check-gradients", "rosenbrok"], "did you mean 'rosenbrock'"),
        (["frobnicate"], "frobnicate"),
    ],
)
def test_a_mistake_is_one_message_and_code_two(diffsim, arguments, message):
    code, out, err = diffsim(*arguments)
    assert code == 2
    assert message in " ".join(err.replace("│", " ").split())
    assert "Traceback" not in err
    assert out == ""


def test_debug_shows_the_traceback(diffsim):
    with pytest.raises(ValueError, match="must be one of"):
        diffsim("run", "exmple", "--debug")


def test_report_and_plot(diffsim, tmp_path):
    run = results.write(saved_run(), tmp_path / "run.nc")
    code, out, _ = diffsim("report", run)
    assert (code, out.strip()) == (0, str(tmp_path / "run.html"))
    assert (tmp_path / "run.html").stat().st_size > 10_000
    code, out, _ = diffsim("plot", run, "--format", "svg", "--output", tmp_path / "figs")
    assert code == 0
    assert set(out.split()) == {str(path) for path in (tmp_path / "figs").iterdir()}


def test_a_file_of_something_else_is_no_run(diffsim, tmp_path):
    (tmp_path / "run.nc").write_text("hello")
    code, _, err = diffsim("report", tmp_path / "run.nc")
    assert code == 2
    assert "run.nc" in err


def test_check_gradients(diffsim):
    code, out, err = diffsim("check-gradients", "exponential_decay", "--json")
    assert code == 0
    assert json.loads(out)["passed"] is True
    assert "amplitude" in err


def _job(folder):
    """A job on data that the cell itself makes, so that the answer is known."""
    import numpy as np

    from diffsim import electrochem as ec

    cell = ec.Voltammetry(
        mechanism=ec.Mechanism(
            "Fe3+ + e- <=> Fe2+", kinetics=ec.ButlerVolmer(k0=3e-5), formal_potential=0.43
        ),
        species={"Fe3+": ec.Species(5e-10, 4.85), "Fe2+": ec.Species(5e-10)},
        electrode=ec.PlanarDisc(0.85e-3),
    )
    sweep = ec.CyclicSweep(start=0.8, vertex=0.1, scan_rate=0.1, samples=141)
    values = cell(sweep).checked().values
    noise = 2e-8 * np.random.default_rng(1).standard_normal(141)
    rows = zip(values["potential"], values["current"] + noise, strict=True)
    (folder / "cv.csv").write_text(
        "potential_V,current_A\n" + "\n".join(f"{e:.6f},{i:.6e}" for e, i in rows) + "\n"
    )
    job = {
        "name": "known",
        "files": [{"path": "cv.csv", "scan_rate": "0.1 V/s"}],
        "species": {
            "Fe3+": {"diffusivity": 5e-10, "concentration": "4.85 mM"},
            "Fe2+": {"diffusivity": 5e-10},
        },
        "reactions": [
            {"reaction": "Fe3+ + e- <=> Fe2+", "k0": 1e-5, "alpha": 0.5, "formal_potential": 0.4}
        ],
        "electrode": {"shape": "planar_disc", "radius": "0.85 mm"},
        "parameters": {
            "k0": {"scale": "log", "low": 1e-7, "high": 1e-2},
            "formal_potential": {"low": 0.3, "high": 0.5},
        },
    }
    (folder / "job.yaml").write_text(yaml.safe_dump(job))
    return folder / "job.yaml"


def test_recover_from_file_to_report(diffsim, tmp_path):
    job = _job(tmp_path)
    code, out, err = diffsim("recover", job, "--json", "--output", "out")
    assert code == 0, err
    figures = json.loads(out)
    assert figures["k0"] == pytest.approx(3e-5, rel=0.05)
    assert figures["k0_low"] < 3e-5 < figures["k0_high"]
    assert figures["formal_potential"] == pytest.approx(0.43, abs=1e-3)
    assert figures["k0_verdict"] == "identified"
    assert {"run.nc", "report.html", "figures.json", "request.json", "log"} == {
        path.name for path in Path("out").iterdir()
    }
    # A run that was killed before its end goes on from its log.
    (tmp_path / "out" / "figures.json").unlink()
    code, out, _ = diffsim("resume", "out", "--json")
    assert code == 0
    assert json.loads(out)["k0"] == figures["k0"]
    # Data that have changed since are not resumed.
    (tmp_path / "out" / "figures.json").unlink()
    with (tmp_path / "cv.csv").open("a") as stream:
        stream.write("0.801,0\n")
    code, _, err = diffsim("resume", "out")
    assert code == 2
    assert "have changed" in err


def test_the_compilation_cache_is_the_users_own(monkeypatch, tmp_path):
    from experiments._jax import cache_directory

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_directory() == tmp_path / "diffsim" / "jax"
    code = (
        "import os; os.environ.pop('JAX_COMPILATION_CACHE_DIR', None)\n"
        "from experiments._jax import prepare_jax; prepare_jax(); import jax\n"
        "print(jax.config.jax_compilation_cache_dir)\n"
        "print(jax.config.jax_persistent_cache_min_compile_time_secs)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=120
    )
    assert done.stdout.split() == [str(tmp_path / "diffsim" / "jax"), "0.5"], done.stderr
    assert (tmp_path / "diffsim" / "jax").stat().st_mode & 0o077 == 0
