"""The project as a whole: what the wheel carries, what is declared, what the README promises."""

import ast
import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parent.parent
PACKAGES = ("diffsim", "surrogates", "experiments")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# Import name -> distribution, where they differ.
DISTRIBUTIONS = {
    "PIL": "pillow",
    "PyNomad": "pynomadbbo",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
    "netCDF4": "netcdf4",
}


def _names(requirements):
    return {re.match(r"[\w.-]+", requirement)[0].lower() for requirement in requirements}


CORE = _names(PROJECT["dependencies"])
EXTRAS = {name: _names(reqs) for name, reqs in PROJECT["optional-dependencies"].items()}
FOR_USERS = set().union(*(EXTRAS[name] for name in EXTRAS if name not in ("dev", "docs")))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    (built,) = WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    with zipfile.ZipFile(built) as archive:
        yield archive


def _metadata(wheel, name):
    path = next(x for x in wheel.namelist() if x.endswith(f".dist-info/{name}"))
    return wheel.read(path).decode()


def test_the_wheel_has_the_console_script(wheel):
    assert "[console_scripts]\ndiffsim = experiments.cli:main" in _metadata(
        wheel, "entry_points.txt"
    )


def test_the_wheel_carries_every_file_of_the_packages_and_nothing_else(wheel):
    carried = {x for x in wheel.namelist() if ".dist-info/" not in x}
    assert {x.split("/")[0] for x in carried} == set(PACKAGES)
    for package in PACKAGES:
        sources = [p for p in (ROOT / package).rglob("*") if p.is_file()]
        missing = {
            str(p.relative_to(ROOT)) for p in sources if "__pycache__" not in p.parts
        } - carried
        assert not missing
    ferrocene = ROOT / "diffsim/electrochem/data/ferrocene"
    for path in ferrocene.iterdir():
        assert wheel.read(str(path.relative_to(ROOT))) == path.read_bytes()
    assert len(list(ferrocene.glob("*.txt"))) == 8


def test_the_wheel_states_licences_and_python(wheel):
    text = _metadata(wheel, "METADATA")
    assert "License-Expression: MIT" in text
    assert "License-File: diffsim/electrochem/data/ferrocene/LICENSE-ecat.txt" in text
    assert "Requires-Python: >=3.11" in text
    assert f"Version: {_version()}" in text


def _version():
    text = (ROOT / "diffsim/__init__.py").read_text(encoding="utf-8")
    return re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)[1]


def test_core_is_light():
    heavy = {"torch", "botorch", "gpytorch", "pyvista", "h5py", "nevergrad", "pandas"}
    assert not CORE & heavy
    assert set(EXTRAS) == {
        "bo",
        "cholmod",
        "bench",
        "nomad",
        "digits",
        "mesh",
        "viz3d",
        "mcmc",
        "sweep",
        "docs",
        "dev",
    }
    assert "torch==2.13.0" in (ROOT / "constraints/cpu.txt").read_text(encoding="utf-8")


def _imports(path):
    """(distribution, whether it is imported when the module is) of each import of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [node.module]
        for name in names:
            top = name.split(".")[0]
            if top not in sys.stdlib_module_names and top not in PACKAGES:
                yield DISTRIBUTIONS.get(top, top).lower(), id(node) not in inside


@pytest.mark.parametrize("package", PACKAGES)
def test_every_import_is_declared(package):
    for path in sorted((ROOT / package).rglob("*.py")):
        for distribution, at_once in _imports(path):
            assert distribution in CORE | FOR_USERS, f"{path}: {distribution} is not declared"
            assert not (at_once and package != "surrogates") or distribution in CORE, (
                f"{path}: {distribution} belongs to an extra: import it where it is used"
            )


def _readme_command(marker):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(rf"<!-- {marker} -->\n```bash\n(.*?)```", text, re.DOTALL)
    (line,) = block.splitlines()
    return line


@pytest.mark.parametrize(
    ("marker", "words"),
    [
        ("run-command", ("cpu.txt . &&", "diffsim run ferrocene")),
        ("test-command", ('".[dev]"', "-m pytest")),
    ],
)
def test_readme_commands_start_from_nothing(marker, words):
    line = _readme_command(marker)
    assert line.startswith("python3 -m venv .venv && .venv/bin/pip install -c constraints/cpu.txt")
    for word in words:
        assert word in line


def _small_repository(folder, readme):
    (folder / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci/run", folder / ".ci/run")
    (folder / "README.md").write_text(readme, encoding="utf-8")
    (folder / ".gitignore").write_text("ignored\n")
    (folder / "ignored").touch()
    (folder / "new file").touch()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    subprocess.run(["git", "init", "-q", str(folder)], check=True, env=environment)
    return subprocess.run(
        ["bash", str(folder / ".ci/run")],
        env=environment | {"CI": "true", "TMPDIR": str(folder.parent)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_ci_runs_the_readmes_command_in_a_copy(tmp_path):
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "data").touch()
    command = "pwd && ls -a && ls ../shared && exit 7"
    readme = f"# x\n<!-- test-command -->\n```bash\n{command}\n```\n```bash\nexit 9\n```\n"
    done = _small_repository(tmp_path / "main", readme)
    assert done.returncode == 7
    assert f"+ {command}" in done.stdout
    assert "new file" in done.stdout
    assert "ignored" not in done.stdout.replace(".gitignore", "")
    assert "data" in done.stdout
    assert str(tmp_path / "main") not in done.stdout.splitlines()
    assert {p.name for p in tmp_path.iterdir()} == {"main", "shared"}  # the copy is gone


def test_ci_without_a_command_fails(tmp_path):
    done = _small_repository(tmp_path / "main", "# no command\n")
    assert done.returncode == 2
    assert "test-command" in done.stderr


def test_ci_is_executable():
    assert (ROOT / ".ci/run").stat().st_mode & stat.S_IXUSR


def _modules_imported_by(*command):
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return done.stdout, {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in lines[1:]}


def test_imports_are_seen():
    assert "json" in _modules_imported_by("-c", "import json.decoder")[1]


if (ROOT / "experiments" / "cli.py").exists():  # the command line is built beside this file

    def test_help_comes_without_the_heavy_libraries():
        help_text, modules = _modules_imported_by("-m", "experiments.cli", "--help")
        assert not modules & {"jax", "jaxlib", "torch", "diffrax", "xarray", "matplotlib", "scipy"}
        for command in ("run", "recover", "list", "report", "plot", "check-gradients", "resume"):
            assert command in help_text
