"""Figures: all are drawn from a file alone, and say what the file says."""

import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from diffsim import plotting, results
from diffsim.plotting._labels import (
    axis_label,
    interval,
    number,
    p_value,
    prefixed,
    pretty_unit,
    symbol,
)
from tests.experiments._saved_run import LABELS, saved_run


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    path = results.write(saved_run(), tmp_path_factory.mktemp("run") / "run.nc")
    return results.read(path)


def _texts(figure):
    return " ".join(text.get_text() for text in figure.findobj(matplotlib.text.Text))


def test_all_figures_are_drawn_from_a_file(tree, tmp_path):
    paths = plotting.save_figures(tree, tmp_path / "new" / "folder")
    names = {path.stem for path in paths}
    assert names == {
        "overview",
        "fit",
        "residuals",
        "parameters",
        "singular_values",
        "correlation",
        "profiles",
        "history",
        "starts",
    }
    assert all(path.stat().st_size > 5000 for path in paths)
    assert {path.name for path in (tmp_path / "new" / "folder").iterdir()} == {
        f"{name}.png" for name in names
    }


def test_vector_figures_are_the_same_bytes_again(tree, tmp_path):
    paths = [plotting.save_figures(tree, tmp_path / name, format="svg") for name in "ab"]
    for one, other in zip(*paths, strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_only_what_the_tree_has_is_drawn(tree):
    bare = tree.copy()
    for name in (results.FIT, results.IDENTIFIABILITY, results.PROFILES, results.STARTS):
        del bare[name]
    assert set(plotting.figures(bare)) == {"history"}


@pytest.mark.parametrize(
    "draw",
    [
        plotting.fit_figure,
        plotting.overview_figure,
        plotting.residual_figure,
        plotting.parameter_figure,
        plotting.singular_value_figure,
        plotting.correlation_figure,
        plotting.profile_figure,
        plotting.history_figure,
        plotting.starts_figure,
    ],
)
def test_a_tree_without_the_node_is_refused(tree, draw):
    empty = tree.copy()
    for name in list(empty.children):
        del empty[name]
    with pytest.raises(ValueError, match="the tree must have"):
        draw(empty)


def test_curves_are_those_of_the_file(tree):
    figure = plotting.fit_figure(tree)
    upper, lower = figure.axes[:2]
    measured, fitted = upper.lines[:2]
    data = tree["fit/0"]
    np.testing.assert_allclose(measured.get_ydata(), 1e6 * data["measured"].values)
    np.testing.assert_allclose(fitted.get_ydata(), 1e6 * data["fitted"].values)
    np.testing.assert_allclose(lower.lines[-1].get_ydata(), 1e6 * data["residual"].values)
    assert upper.get_title(loc="left") == LABELS[0]
    assert upper.get_ylabel() == "Current / µA"
    assert lower.get_xlabel() == "Potential / V"


def test_a_misfit_with_a_shape_is_named(tree):
    flagged = tree.copy()
    node = flagged["identifiability"].to_dataset()
    node["structured"].values[:] = [0.0, 1.0]
    flagged = results.with_nodes(flagged, {"identifiability": node})
    texts = _texts(plotting.fit_figure(flagged))
    assert texts.count("misfit has a shape") == 1
    residuals = _texts(plotting.residual_figure(flagged))
    assert "has a shape" in residuals
    assert "looks like noise" in residuals


def test_curves_against_time_where_the_potential_stands(tree):
    step = tree["fit/0"].to_dataset().assign(potential=("point", np.full(14, 0.4)))
    figure = plotting.fit_figure(results.with_nodes(tree, {"fit/0": step}))
    assert "Time" in figure.axes[1].get_xlabel()


def test_history_of_several_runs(tree):
    figure = plotting.history_figure({"one": tree, "other": tree})
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert labels == ["one", "other"]


def test_history_marks_failures_and_values_below_zero(tree):
    history = tree["history"].to_dataset().copy(deep=True)
    history["result"].values[3] = 3
    history["value"].values -= 10.0
    history["best_so_far"].values -= 10.0
    figure = plotting.history_figure(results.with_nodes(tree, {"history": history}))
    assert "failed (1)" in _texts(figure)
    assert figure.axes[0].get_ylabel() == "Value above the lowest"


def test_open_profiles_say_so(tree):
    profiles = tree["profiles"].to_dataset().copy(deep=True)
    profiles["high"].values[:] = np.inf
    figure = plotting.profile_figure(results.with_nodes(tree, {"profiles": profiles}))
    assert "open above" in _texts(figure)


def test_parameters_show_verdicts(tree):
    texts = _texts(plotting.parameter_figure(tree))
    assert "only in combination" in texts
    assert "identified" in texts


def test_the_users_style_is_left_alone(tree):
    before = dict(matplotlib.rcParams)
    assert isinstance(plotting.overview_figure(tree), Figure)
    assert dict(matplotlib.rcParams) == before


def test_nothing_below_imports_plotting():
    code = "import sys, diffsim, diffsim.electrochem; print("
    code += "'diffsim.plotting' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("unit", "shown"),
    [
        ("", ""),
        ("1", ""),
        ("m/s", "m s⁻¹"),
        ("m^2/s", "m² s⁻¹"),
        ("F/m^2", "F m⁻²"),
        ("1/V^2", "V⁻²"),
        ("ohm", "Ω"),
        ("(m^3/mol)^1/s", None),
    ],
)
def test_units(unit, shown):
    assert shown is None or pretty_unit(unit) == shown


def test_labels():
    assert axis_label("Current", "µA") == "Current / µA"
    assert axis_label("alpha", "") == "alpha"
    assert symbol("k0") == "k⁰"
    assert symbol("diffusivity[Fe3+]") == "D[Fe3+]"
    assert symbol("resistance@50 mV/s") == "R, 50 mV/s"
    assert symbol("strange name!") == "strange name!"
    assert prefixed(np.array([3e-6, np.nan]), "A") == (1e6, "µA")
    assert prefixed(np.array([0.8]), "V") == (1.0, "V")
    assert prefixed(np.array([0.0]), "A") == (1.0, "A")
    assert prefixed(np.array([1e-9]), "m/s") == (1.0, "m/s")


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ((4.649e-5, 3.954e-5, 5.466e-5), "4.649 (3.954 to 5.466) × 10⁻⁵"),
        ((0.3046, 0.241, 0.3682), "0.3046 (0.2410 to 0.3682)"),
        ((-12.3, -15.0, -9.1), "−12.30 (−15.00 to −9.10)"),
        ((1.0, 0.5, float("inf")), "1.000 (0.500 to ∞)"),
    ],
)
def test_intervals(arguments, shown):
    assert interval(*arguments) == shown


def test_numbers():
    assert number(0.0) == "0"
    assert number(1.5e-9, 3) == "1.5 × 10⁻⁹"
    assert number(float("-inf")) == "−∞"
    assert number(float("nan")) == "–"
    assert p_value(0.234) == "p = 0.23"
    assert p_value(3e-8) == "p < 10⁻⁷"
    assert p_value(0.0) == "p < 10⁻³⁰⁰"
