"""Configurations of `recover` for what is no plain voltammogram: loaded, built, and one run."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from experiments import cli
from experiments._config import SYSTEMS, load
from experiments._schema import ConfigurationError

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "experiments" / "configs"
CELL = yaml.safe_load((CONFIGS / "chronoamperometry.yaml").read_text())


def table(path, names, *columns):
    rows = zip(*columns, strict=True)
    lines = [",".join(f"{v:.10g}" for v in row) for row in rows]
    path.write_text("\n".join([names, *lines]) + "\n")


@pytest.fixture
def folder(tmp_path):
    """Small made-up measurements of every kind."""
    t, x = np.linspace(0.0, 3.0, 40), np.linspace(0.1, 2.9, 12)
    table(tmp_path / "step.csv", "time_s,current_A", t, -1e-6 * np.exp(-t))
    table(tmp_path / "pulses.csv", "forward_uA,reverse_uA", np.ones(9), -np.ones(9))
    record = (t, 0.1 * t, np.cos(t))
    table(tmp_path / "measured.csv", "time_s,potential_V,current_mA", *record)
    table(tmp_path / "z.csv", "freq_Hz,Re(Z) [ohm],-Im(Z) [ohm]", [1.0, 9.0], [5.0, 4.0], [1.0, 2])
    table(tmp_path / "acid.csv", "concentration_mM,current_nA", [10.0, 20.0, 40.0], [-3.0, -6, -9])
    eta = np.linspace(-0.2, 0.2, 10)
    table(tmp_path / "metal.csv", "overpotential_mV,j_mA_per_cm2", 1e3 * eta, np.sinh(20 * eta))
    table(tmp_path / "i.csv", "time_h,current_density_mA_per_cm2", [0.0, 9.0], [0.5, 0.1])
    table(tmp_path / "c.csv", "position_mm,concentration_mol_per_L", x, 2.0 - 0.1 * x)
    table(tmp_path / "v.csv", "time_h,velocity_nm_per_s", [1.0, 2.0], [3.0, 2.0])
    table(tmp_path / "d.csv", "c,d", [0.5, 2.0, 4.0], [1e-7, 1.2e-7, 1e-7])
    return tmp_path


def step(**waveform):
    content = copy.deepcopy(CELL)
    content["files"] = [{"path": "step.csv"}]
    default = {"kind": "potential_step", "step": "0.1 V", "step_duration": "3 s"}
    content["files"][0]["waveform"] = waveform or default
    return content


IMPEDANCE = {
    key: CELL[key] for key in ("name", "species", "reactions", "electrode")
} | {
    "system": "impedance",
    "files": [{"path": "z.csv", "potential": "0.4 V", "negated": True}],
    "hold": "10 s",
    "parameters": {"k0": {"scale": "log", "low": 1e-8, "high": 1e-2}},
}  # fmt: skip
ACID = {
    "name": "acid",
    "system": "weak_acid",
    "file": "acid.csv",
    "acid": {"dissociation_constant": "1e-5 M", "forward": 1e6, "disc_radius": "5 um"},
    "parameters": {"forward": {"scale": "log", "low": 1e2, "high": 1e10}},
}
METAL = {
    "name": "metal",
    "system": "metal_kinetics",
    "file": {"path": "metal.csv", "units": ["mV", "mA/cm2"]},
    "law": "butler_volmer",
    "alpha": 0.4,
    "exchange_current_density": "2 mA/cm2",
    "parameters": {
        "exchange_current_density": {"scale": "log", "low": 0.1, "high": 1e4},
        "alpha": {"low": 0.1, "high": 0.9},
    },
}
ELECTROLYTE = {
    "name": "polymer",
    "system": "concentrated_electrolyte",
    "current": "i.csv",
    "profiles": [{"path": "c.csv", "time": "1 h"}],
    "velocities": [{"path": "v.csv", "position": "1 mm"}],
    "velocity_scale": "30 nm/s",
    "relation": {"path": "d.csv", "units": ["M", "cm2/s"]},
    "length": "3 mm",
    "concentration": "1.87 M",
    "salt_molar_mass": "287 g/mol",
    "solvent_molar_mass": "44 g/mol",
    "density": [1123.0, 0.1],
    "transference": {"reference": "1.87 M", "coefficients": [0.1, -0.2]},
    "parameters": {"transference[1]": {"low": -1, "high": 1}},
}
GOOD = {
    "voltammetry": step(),
    "impedance": IMPEDANCE,
    "weak_acid": ACID,
    "metal_kinetics": METAL,
    "concentrated_electrolyte": ELECTROLYTE,
}


def written(folder, content):
    path = folder / "job.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True))
    return path


def changed(system, place, value):
    content = copy.deepcopy(GOOD[system])
    *parents, last = place
    at = content
    for key in parents:
        at = at[key]
    if value is KeyError:
        del at[last]
    else:
        at[last] = value
    return content


def test_every_system_is_tried():
    assert set(GOOD) == set(SYSTEMS)


MISTAKES = [
    ("impedance", ("system",), "impedence", "system must be one of.*did you mean 'impedance'"),
    ("voltammetry", ("files", 0, "waveform", "kind"), "pulse", "'linear_sweep'.*'measured'"),
    ("voltammetry", ("files", 0, "waveform", "step"), KeyError, "step must be given for a wave"),
    ("voltammetry", ("files", 0, "waveform", "tread"), 1, "tread must not be given.*step_dur"),
    ("voltammetry", ("files", 0, "window"), [0, 1], "window must not be given with a waveform"),
    ("voltammetry", ("files", 0, "times"), [2, 1], "first < last"),
    ("voltammetry", ("files", 0, "fixed"), {"radus": 1}, "did you mean 'radius'"),
    ("voltammetry", ("files", 0, "fixed"), {"k0": 1}, "k0 must not be both"),
    ("impedance", ("files", 0, "potential"), KeyError, "files.0.potential: this key"),
    ("impedance", ("hold",), 0, "hold must be positive"),
    ("impedance", ("weighting",), "peak", "'modulus' or 'absolute'"),
    ("impedance", ("parameters", "k0", "per"), "file", "per must be shared with system impedance"),
    ("impedance", ("parameters", "baseline_offset"), {"low": 0, "high": 1}, "no such parameter"),
    ("impedance", ("files", 0, "path"), "none.csv", "no file matches 'none.csv'"),
    ("weak_acid", ("acid", "radius"), "1 um", "exactly one of radius"),
    ("weak_acid", ("acid", "forward"), -1, "forward must be positive, but is -1"),
    ("weak_acid", ("acid", "diffusivity"), 1, "did you mean 'diffusivity_"),
    ("weak_acid", ("noise",), "0 A", "noise must be positive"),
    ("metal_kinetics", ("law",), "marcus", "did you mean 'marcus_hush'"),
    ("metal_kinetics", ("alpha",), KeyError, "alpha must be given with law butler_volmer"),
    ("metal_kinetics", ("reorganisation_energy",), 0.3, "must not be given with law"),
    ("metal_kinetics", ("residual",), "log", "'linear' or 'logarithmic'"),
    ("concentrated_electrolyte", ("velocity_scale",), KeyError, "both or neither"),
    ("concentrated_electrolyte", ("relation",), KeyError, "exactly one of relation and diff"),
    ("concentrated_electrolyte", ("transference", "knots"), [1, 2, 3], "knots must not be given"),
    ("concentrated_electrolyte", ("profiles", 0, "time"), 0, "positive and differ"),
    ("concentrated_electrolyte", ("cells",), 2, "greater than or equal to 4"),
    (
        "concentrated_electrolyte",
        ("parameters", "transference[2]"),
        {"low": 0, "high": 1},
        r"did you mean 'transference\[",
    ),
]


@pytest.mark.parametrize(("system", "place", "value", "message"), MISTAKES)
def test_mistakes_are_named(folder, system, place, value, message):
    with pytest.raises(ConfigurationError, match=message):
        load(written(folder, changed(system, place, value)))


def built(folder, content):
    from experiments._build import build

    return build(load(written(folder, content)))


@pytest.mark.parametrize("system", GOOD)
def test_names_and_the_simulator_agree(folder, system):
    """What the configuration takes for a parameter is one of the simulator."""
    config = load(written(folder, GOOD[system]))
    lenses = built(folder, GOOD[system]).problem.simulator.lenses()
    assert set(config.units()) <= set(lenses)
    unlisted = {name for name in set(lenses) - set(config.units()) if "@" not in name}
    assert unlisted <= {"baseline_offset", "baseline_slope", "adjustable"}


WAVEFORMS = {
    "linear_sweep": {"start": 0.5, "end": 0.2, "scan_rate": 0.1},
    "cyclic_sweep": {"start": 0.5, "vertex": "350 mV", "scan_rate": 0.1},
    "piecewise_linear": {"durations": [1, "2 s"], "corners": [0.1, 0.2, "0.3 V"]},
    "double_step": {"first": 0, "second": 1, "first_duration": 1, "second_duration": 2},
    "staircase": {"start": 0.5, "step": -0.1, "tread": 1, "steps": 3},
    "measured": {"pieces": 4},
    "square_wave": {"start": 0.5, "step": -0.005, "amplitude": 0.025, "frequency": "3 Hz"},
    "differential_pulse": {
        "start": 0.5, "step": -0.005, "amplitude": 0.05, "period": 0.3, "pulse": 0.1,
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", WAVEFORMS)
def test_every_waveform_can_be_declared(folder, kind):
    from experiments._build_waveform import waveform_experiment
    from experiments._waveform_config import PULSES

    content = step(kind=kind, **WAVEFORMS[kind])
    pulses = kind in PULSES
    name = "pulses.csv" if pulses else "measured.csv" if kind == "measured" else "step.csv"
    content["files"][0]["path"] = name
    experiment = waveform_experiment(*load(written(folder, content)).selections[0])
    assert type(experiment.waveform).__name__.lower() == kind.replace("_", "")
    assert np.all(np.diff(experiment.times) > 0)
    if pulses:
        assert experiment.current.size == 18
        # The pulse of a square wave comes first, that of differential pulses last.
        first = 1e-6 if kind == "square_wave" else -1e-6
        np.testing.assert_allclose(experiment.current[:2], [first, -first])


def test_a_sine_on_top(folder):
    from diffsim import electrochem as ec

    content = step(**{"kind": "linear_sweep"} | WAVEFORMS["linear_sweep"])
    content["files"][0]["waveform"]["modulation"] = {"amplitude": "20 mV", "frequency": 5}
    task = built(folder, content)
    (group,) = task.problem.simulator.groups
    assert isinstance(group.waveform, ec.Sinusoidal)
    assert float(group.waveform.amplitude[0]) == 0.02


def test_numbers_of_one_file_and_ohmic_drop(folder):
    content = copy.deepcopy(CELL)
    t = np.linspace(0.0, 4.0, 60)
    columns = "time_s,potential_V,current_A"
    for name in ("a.csv", "b.csv"):
        table(folder / name, columns, t, 0.8 - 0.2 * t, -1e-6 * t)
    content["files"] = [{"path": "a.csv", "fixed": {"radius": "2 mm"}}, {"path": "b.csv"}]
    content["data"] = {"ohmic_drop": True}
    content["parameters"]["ohmic_resistance"] = {"low": -50, "high": "50 ohm"}
    task = built(folder, content)
    (group,) = task.problem.simulator.groups
    np.testing.assert_allclose(group.cell.electrode.radius, [2e-3, 1.5e-3])
    assert "ohmic_resistance" in task.problem.space.names


def test_a_spectrum_as_files_have_it(folder):
    task = built(folder, IMPEDANCE)
    np.testing.assert_allclose(task.problem.objective.data, [[5.0, -1.0], [4.0, -2.0]])
    assert task.group.tolist() == [0, 1, 0, 1]
    real, imaginary = (panel.dataset(np.array([0.1, 0.2, 0.3, 0.4])) for panel in task.panels)
    np.testing.assert_allclose(
        real["fitted"], np.array([5, 4]) + [0.1, 0.3] * np.hypot(*[[5, 4], [1, 2]])
    )
    assert imaginary.attrs["label"] == "400 mV, imaginary"


def test_the_density_is_re_expanded(folder):
    """Powers of c in the file, of (c - mean)/mean in the law."""
    import jax.numpy as jnp

    task = built(folder, ELECTROLYTE)
    density = task.problem.simulator.electrolyte.density
    np.testing.assert_allclose(density(jnp.asarray(1000.0)), 1123.0 + 0.1 * 1000.0)


def test_a_table_that_lacks_a_column(folder):
    with pytest.raises(ValueError, match=r"z.csv, line 1: exactly one column must be the conc"):
        built(folder, ACID | {"file": "z.csv"})


@pytest.mark.parametrize(
    "path", sorted(p for p in CONFIGS.glob("*.yaml") if p.stem != "my_files"), ids=lambda p: p.stem
)
def test_the_examples_can_be_built(path):
    from experiments._build import build

    if "shared/data" in path.read_text() and not (ROOT.parent / "shared/data").is_dir():
        pytest.skip("the shared data are not here")
    task = build(load(path))
    assert task.problem.space.names
    assert task.group.size > 0


def test_ratios_of_nothing(folder):
    table(folder / "zero.csv", "overpotential_V,j_A_per_m2", [-0.1, 0.0, 0.1], [3.0, 0.1, 3.0])
    with pytest.raises(ConfigurationError, match=r"zero.csv: overpotential.*row 2"):
        built(folder, METAL | {"file": "zero.csv", "residual": "logarithmic"})


def test_recover_the_kinetics_of_a_metal(folder, capsys, monkeypatch):
    """From the file to the report, by the command."""
    from diffsim import electrochem as ec

    monkeypatch.chdir(folder)
    eta = np.linspace(-0.2, 0.2, 20)
    law = ec.MetalElectrode(ec.ButlerVolmer(1.0, 0.42), 30.0)
    noise = 0.02 * np.random.default_rng(0).standard_normal(20)
    density = np.asarray(law(eta).values["magnitude"]) * (1.0 + noise)
    table(folder / "metal.csv", "overpotential_V,j_A_per_m2", eta, density)
    content = METAL | {"file": "metal.csv", "residual": "logarithmic"}
    with pytest.raises(SystemExit) as stop:
        cli.main(["recover", str(written(folder, content)), "--json", "--output", "out"])
    assert not stop.value.code
    figures = json.loads(capsys.readouterr().out)
    assert figures["exchange_current_density"] == pytest.approx(30.0, rel=0.05)
    assert figures["alpha_low"] < 0.42 < figures["alpha_high"]
    assert (folder / "out" / "report.html").stat().st_size > 10_000
