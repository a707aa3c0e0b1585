"""Configurations: every mistake is named before anything is computed."""

import copy
import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from experiments._config import METHODS, load
from experiments._schema import ConfigurationError

ROOT = Path(__file__).parents[2]
CONFIGS = sorted((ROOT / "experiments" / "configs").glob("*.yaml"))

GOOD = {
    "name": "couple",
    "files": [{"path": "cv.csv", "scan_rate": "50 mV/s"}],
    "species": {
        "Fe3+": {"diffusivity": "5e-6 cm2/s", "concentration": "4.85 mM"},
        "Fe2+": {"diffusivity": 5e-10},
    },
    "reactions": [
        {"reaction": "Fe3+ + e- <=> Fe2+", "k0": "1e-3 cm/s", "formal_potential": "430 mV"}
    ],
    "electrode": {"shape": "disc", "radius": "0.85 mm"},
    "parameters": {"k0": {"scale": "log", "low": "1e-6 m/s", "high": "1e-1 m/s"}},
}


def write_sweep(path, amplitude=1e-6):
    """A little triangular sweep with a peak, as a CSV file."""
    potential = np.concatenate([np.linspace(0.7, 0.1, 60), np.linspace(0.11, 0.7, 59)])
    current = -amplitude * np.exp(-(((potential - 0.4) / 0.1) ** 2))
    current[60:] *= -1
    rows = "\n".join(f"{e:.5f},{i:.5e}" for e, i in zip(potential, current, strict=True))
    path.write_text(f"potential_V,current_A\n{rows}\n")
    return path


@pytest.fixture
def folder(tmp_path):
    write_sweep(tmp_path / "cv.csv")
    return tmp_path


def _write(folder, content):
    path = folder / "job.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True))
    return path


def _changed(place, value):
    content = copy.deepcopy(GOOD)
    *parents, last = place
    at = content
    for key in parents:
        at = at[key]
    if value is KeyError:
        del at[last]
    else:
        at[last] = value
    return content


def test_units_end_up_in_si(folder):
    config = load(_write(folder, GOOD))
    assert config.species["Fe3+"].diffusivity == 5e-10
    assert config.species["Fe3+"].concentration == 4.85
    assert config.reactions[0].k0 == 1e-5
    assert config.electrode.radius == 0.85e-3
    (path, _, selection) = config.selections[0]
    assert path == folder / "cv.csv"
    assert selection.scan_rate == 0.05
    assert config.scales()["k0"].low == 1e-6


def test_plain_numbers_of_a_parameter_are_in_its_unit(folder):
    parameters = {"k0": {"scale": "log", "low": "1e-4", "high": 10, "unit": "cm/s"}}
    scale = load(_write(folder, GOOD | {"parameters": parameters})).scales()["k0"]
    assert (scale.low, scale.high, scale.unit) == (1e-6, 0.1, "m/s")


MISTAKES = {
    "misspelt key": (("speceis",), {}, r"speceis.*did you mean 'species'"),
    "misspelt nested key": (("electrode", "radus"), 1, r"electrode.*radus.*'radius'"),
    "misspelt parameter": (
        ("parameters",),
        {"k_0": {"low": 1, "high": 2}},
        r"parameters.k_0.*did you mean 'k0'",
    ),
    "misspelt law": (("reactions", 0, "law"), "butler_vollmer", "did you mean 'butler_volmer'"),
    "misspelt method": (("optimiser",), {"method": "cmaes"}, "did you mean 'cma_es'"),
    "wrong dimension": (("species", "Fe3+", "diffusivity"), "5 mV", r"diffusivity.*m\^2/s.*5 mV"),
    "wrong dimension of a bound": (
        ("parameters", "k0", "low"),
        "1 s",
        r"parameters.k0.low.*m/s.*'1 s'",
    ),
    "no number": (("temperature",), "warm", "temperature.*'warm'"),
    "negative diffusivity": (("species", "Fe2+", "diffusivity"), -1e-9, "positive.*-1e-09"),
    "negative concentration": (("species", "Fe2+", "concentration"), -1, "not be negative"),
    "no concentration": (
        ("species", "Fe3+", "concentration"),
        0,
        "concentration of at least one species",
    ),
    "bounds swapped": (("parameters", "k0", "high"), "1e-9 m/s", "low must be less than high"),
    "log of nothing": (("parameters", "k0", "low"), 0, "positive on a log scale"),
    "initial outside": (("parameters", "k0", "initial"), 5, r"initial must lie in \[1e-06, 0.1\]"),
    "not finite": (("parameters", "k0", "high"), float("inf"), "finite"),
    "unknown species": (
        ("species", "Fe4+"),
        {"diffusivity": 1e-9},
        "must stand in a reaction, but 'Fe4.'",
    ),
    "missing species": (("species", "Fe2+"), KeyError, r"\['Fe2\+'\] are missing"),
    "charge": (("reactions", 0, "reaction"), "Fe3+ + 2 e- <=> Fe2+", "charge must be balanced"),
    "reaction": (("reactions", 0, "reaction"), "Fe3+ + e-", "one arrow"),
    "missing k0": (("reactions", 0, "k0"), KeyError, "k0 must be given with law butler_volmer"),
    "extra field": (("reactions", 0, "forward"), 1, "forward must not be given"),
    "extra size": (("electrode", "length"), "1 mm", "length must not be given for a disc"),
    "missing size": (("electrode", "radius"), KeyError, "radius must be given for a disc"),
    "missing file": (("files", 0, "path"), "nothing_*.csv", "no file matches"),
    "file twice": (("files",), ["cv.csv", "c*.csv"], "cv.csv is given twice"),
    "window": (("data",), {"window": ["0.5 V", "0.1 V"]}, "low < high"),
    "few points": (("data",), {"points": 3}, "greater than or equal to 8"),
    "convention": (("data",), {"convention": "american"}, "'iupac' or 'us'"),
    "temperature": (("temperature",), "25 K", "between 150 and 1500 K"),
    "no parameters": (("parameters",), {}, "parameters"),
    "profile": (("identifiability",), {"profiles": ["k1"]}, "did you mean 'k0'"),
    "name": (("name",), "../up", "name"),
    "missing key": (("electrode",), KeyError, "electrode: this key must be given"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_named(folder, mistake):
    place, value, message = MISTAKES[mistake]
    with pytest.raises(ConfigurationError, match=message):
        load(_write(folder, _changed(place, value)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: a\nname: b\n", "line 2: .*'name' stands twice"),
        ("- a list\n", "key: value"),
        ("name: [unclosed\n", "not valid YAML"),
        ("name: !!python/object/apply:os.system ['true']\n", "not valid YAML"),
        ("", "key: value"),
    ],
)
def test_files_that_are_no_configuration(tmp_path, text, message):
    path = tmp_path / "job.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=message):
        load(path)


def test_a_missing_configuration(tmp_path):
    with pytest.raises(ConfigurationError, match=r"none\.yaml"):
        load(tmp_path / "none.yaml")


def test_all_mistakes_are_told_at_once(folder):
    content = GOOD | {"temperature": "warm", "weighting": "heavy"}
    with pytest.raises(ConfigurationError, match=r"(?s)temperature.*weighting"):
        load(_write(folder, content))


def test_mistakes_are_found_without_jax(folder):
    path = _write(folder, _changed(("parameters", "k0", "low"), "1 s"))
    code = (
        "import sys; from experiments._config import load\n"
        f"try: load({str(path)!r})\n"
        "except ValueError as error: print(error)\n"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'jax', 'torch', 'xarray'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    assert "parameters.k0.low" in done.stdout, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_the_examples_are_valid(path, monkeypatch):
    if path.stem == "my_files":
        with pytest.raises(ConfigurationError) as caught:
            load(path)
        lines = str(caught.value).splitlines()
        assert all("no file matches" in line for line in lines), lines
        return
    if "shared/data" in path.read_text() and not (ROOT.parent / "shared/data").is_dir():
        pytest.skip("the shared data are not here")
    files = {"fe3_fe2": 5, "ferrocene": 5, "hydrogen_evolution": 1, "rotating_disc": 3}
    config = load(path)
    assert len(config.measured) == files.get(path.stem, len(config.measured))
    assert config.scales()


SALT = {
    "K+": {"diffusivity": 2e-9, "concentration": "10 mM"},
    "Cl-": {"diffusivity": 2e-9},
}
CELLS = {
    "couple": {},
    "beta": {"reactions": [GOOD["reactions"][0] | {"alpha": 0.4, "beta": 0.5}]},
    "nernst": {
        "reactions": [{"reaction": "Fe3+ + e- <=> Fe2+", "law": "nernst", "formal_potential": 0.4}],
        "parameters": {"formal_potential": {"low": 0.3, "high": 0.5}},
    },
    "marcus": {
        "reactions": [
            {
                "reaction": "Fe3+ + e- <=> Fe2+",
                "law": "marcus_hush_chidsey",
                "k0": "1 cm/s",
                "reorganisation_energy": "0.8 eV",
                "formal_potential": "0.4 V",
            }
        ]
    },
    "two steps and chemistry": {
        "species": {
            n: {"diffusivity": 1e-9, "concentration": 1, "charge": c}
            for n, c in (("A", 1), ("B", 0), ("C", -1), ("P", -1))
        },
        "reactions": [
            {"reaction": "A + e- <=> B", "k0": 1e-4, "formal_potential": 0.1},
            {"reaction": "B + e- <=> C", "k0": 1e-4, "formal_potential": -0.1},
            {"reaction": "C <=> P", "forward": "2 1/s", "backward": 0.5},
            {"reaction": "A + C <=> 2 B", "forward": "1e3 1/M/s"},
        ],
        "parameters": {"forward[2]": {"scale": "log", "low": "1 1/M/s", "high": "1e6 1/M/s"}},
        "electrode": {"shape": "cylinder", "radius": "25 um", "length": "1 cm"},
        "domain": {"kind": "thin_layer", "depth": "50 um"},
    },
    "sphere": {
        "electrode": {"shape": "hemisphere", "radius": "10 um"},
        "domain": {"kind": "diffusion_layer", "depth": "50 um"},
    },
    "planar": {"electrode": {"shape": "planar", "surface_area": "0.07 cm2"}},
    "adsorbing": {
        "adsorption": {
            "saturation": "2 umol/m2",
            "isotherm": "frumkin",
            "interaction": -0.5,
            "law": "butler_volmer",
            "k0": "100 1/s",
            "adsorbates": {
                "Fe3+": {"adsorption": "1e-3 cm/s", "desorption": 1.0},
                "Fe2+": {"adsorption": "1e-3 cm/s", "desorption": 2.0, "coverage": 0.1},
            },
        },
    },
    "migrating": {"migration": {"supporting": SALT, "counter": "Cl-"}},
    "with a diffuse layer": {
        "migration": {
            "supporting": SALT,
            "counter": "Cl-",
            "field": "poisson",
            "permittivity": 78.0,
            "interface": "stern",
            "capacitance": "20 uF/cm2",
        },
    },
    "rotating": {
        "electrode": {"shape": "planar_disc", "radius": "3 mm"},
        "domain": {
            "kind": "levich",
            "rotation_rate": "1600 rpm",
            "kinematic_viscosity": "0.01 cm2/s",
        },
    },
}


@pytest.mark.parametrize("cell", CELLS)
def test_names_and_the_cell_agree(folder, cell):
    """What the configuration takes for a parameter is one of the cell, and the other way round."""
    from experiments._build import cell as build_cell
    from experiments._parameter_names import parameter_units

    config = load(_write(folder, GOOD | CELLS[cell]))
    built = build_cell(config)
    lenses = built.lenses()
    assert set(parameter_units(config)) == set(lenses)
    assert float(lenses["temperature"].get(built)) == 298.15
    if cell == "two steps and chemistry":
        assert float(lenses["forward[1]"].get(built)) == 2.0
        assert float(lenses["forward[2]"].get(built)) == 1.0


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"interface": "stern", "capacitance": 0.2}, "interface must be given with field: poisson"),
        ({"field": "poisson", "capacitance": 0.2}, "capacitance must be given with interface"),
        ({"field": "poisson", "interface": "stern"}, "capacitance must be given with interface"),
        ({"field": "poisson", "permittivity": -1}, "permittivity must be positive, but is -1"),
        ({"counter": "Cl"}, "'Cl' is none; did you mean 'Cl-'"),
        ({"field": "neutral"}, "field"),
    ],
)
def test_migration_that_makes_no_sense(folder, block, message):
    content = copy.deepcopy(GOOD) | {"migration": {"supporting": SALT} | block}
    with pytest.raises(ConfigurationError, match=message):
        load(_write(folder, content))


def test_a_parameter_per_file_and_labels(folder):
    import diffsim as ds
    from experiments._build import build

    write_sweep(folder / "other.csv", 2e-6)
    content = copy.deepcopy(GOOD)
    content["files"] += [
        {"path": "other.csv", "scan_rate": 0.05},
        {"path": "other.csv", "scan_rate": 0.2, "curve": 0, "label": "again"},
    ]
    content["data"] = {"window": ["0.15 V", "0.65 V"], "points": 40}
    content["parameters"]["resistance"] = {"low": 0, "high": "1 kohm", "per": "file"}
    content["optimiser"] = {"starts": 3}
    task = build(load(_write(folder, content)))
    assert task.problem.space.names == (
        "k0",
        "resistance@50 mV/s #1",
        "resistance@50 mV/s #2",
        "resistance@again",
    )
    assert [entry["label"] for entry in task.provenance][2] == "again"
    other = hashlib.sha256((folder / "other.csv").read_bytes()).hexdigest()
    assert [(entry["file"], entry["sha256"]) for entry in task.provenance][2] == (
        "other.csv",
        other,
    )
    assert [entry["points_fitted"] for entry in task.provenance] == [39, 39, 39]
    assert task.group.tolist() == [0] * 39 + [1] * 39 + [2] * 39  # the first instant is not fitted
    assert task.budget.evaluations == 180
    assert isinstance(task.optimiser, ds.AbstractOptimiser)


def test_an_unknown_option_of_the_method(folder):
    from experiments._build import optimiser

    content = GOOD | {"optimiser": {"options": {"value_tolerence": 1e-9}}}
    with pytest.raises(ConfigurationError, match="did you mean 'value_tolerance'"):
        optimiser(load(_write(folder, content)))


@pytest.mark.parametrize("method", METHODS)
def test_every_method_exists(folder, method):
    import diffsim as ds
    from experiments._build import optimiser

    options = {"learning_rate": 0.1} if method == "sgd" else {}
    content = GOOD | {"optimiser": {"method": method, "options": options}}
    assert isinstance(optimiser(load(_write(folder, content))), ds.AbstractOptimiser)


def test_a_method_without_its_option(folder):
    from experiments._build import optimiser

    with pytest.raises(ConfigurationError, match="must give learning_rate for sgd"):
        optimiser(load(_write(folder, GOOD | {"optimiser": {"method": "sgd"}})))
