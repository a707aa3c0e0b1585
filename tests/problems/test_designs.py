"""The design problems: a waveform for one parameter, a shell for a shape under load."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import diffsim as ds
from diffsim import problems
from diffsim.problems import _shell_design, _waveform_design

STEPS = (1e-4, -1e-4)


def start_of(problem):
    return jnp.asarray(problem.space.initial(problem.simulator))


# One program for all that is asked of a simulator of one shape: shells are slow to compile.
_call = eqx.filter_jit(lambda simulator: simulator(None))


def answer_of(problem, x):
    """Value and slacks by the simulator's own program."""
    observables = _call(problem.space.apply(problem.simulator, x)).checked()
    slacks = problem.constraints[0].slacks(observables)
    return float(problem.objective(observables)), np.asarray(slacks)


def unloaded(simulator, share=0.0):
    gravity = jnp.array([0.0, 0.0, -9.80665 * share])
    return eqx.tree_at(lambda s: s.equilibrium.shell.loads[0].acceleration, simulator, gravity)


class TestShell:
    def test_without_weight_it_is_the_arc_that_it_wants_to_be(self):
        curvature = 6.0
        problem = problems.shell_design()
        simulator = eqx.tree_at(
            lambda s: s.curvatures, unloaded(problem.simulator), jnp.full(10, curvature)
        )
        values = _call(simulator).checked().values
        arc = np.linspace(0.02, 0.2, 10)
        exact = np.stack([np.sin(6.0 * arc), 1.0 - np.cos(6.0 * arc)], axis=1) / curvature
        np.testing.assert_allclose(values["centreline"], exact, atol=2e-3 * 0.2)
        # The clamp alone, which holds the root straight where the arc begins, strains it.
        assert float(values["strain"]) < 2e-4

    def test_the_strain_of_a_little_weight_is_the_beam_s(self):
        simulator = unloaded(problems.shell_design().simulator, 1e-3)
        simulator = eqx.tree_at(lambda s: s.curvatures, simulator, jnp.zeros(10))
        values = _call(simulator).checked().values
        # ε = ½hM/D with M = ½q(L - x)²; the root zone spans x = 0...20 mm, its faces an average.
        weight, thickness = 1000.0 * 2e-4 * 9.80665e-3, 2e-4
        stiffness = 3e9 * thickness**3 / 12.0
        root, end = (0.5 * weight * (0.2 - x) ** 2 / stiffness * thickness / 2 for x in (0.0, 0.02))
        assert 0.9 * end < float(values["strain"]) < root
        assert float(values["mass"]) == pytest.approx(1000.0 * 0.2 * 0.04 * thickness)

    def test_the_start_is_feasible_and_the_target_is_not_met(self):
        problem = problems.shell_design()
        value, slacks = answer_of(problem, start_of(problem))
        assert np.all(slacks <= 0)
        assert 0.1 < value < 1.0

    def test_a_flat_sheet_lies_on_the_table(self):
        simulator = problems.shell_design().simulator
        simulator = eqx.tree_at(lambda s: s.curvatures, simulator, jnp.zeros(10))
        values = _call(simulator).checked().values
        # The clamp carries its own faces and lifts a little of the rest.
        weight = 1000.0 * 0.2 * 0.04 * 2e-4 * 9.80665
        assert 0.5 * weight < float(values["press"]) < 0.9 * weight
        heights = np.asarray(values["centreline"])[:, 1]
        assert np.all(np.diff(heights[:6]) < 0)
        assert np.all((heights > -4e-3) & (heights < 0))

    @pytest.mark.slow
    def test_derivatives(self):
        problem = problems.shell_design()
        x = start_of(problem).at[:10].set(0.5).at[3].set(0.6).at[14].set(0.5)  # on the table
        answer = ds.evaluate(problem, x, "linearised")
        for i in (3, 14):
            (one, above), (other, below) = (answer_of(problem, x.at[i].add(s)) for s in STEPS)
            assert float(answer.gradient[i]) == pytest.approx((one - other) / 2e-4, rel=1e-5)
            slopes = (above - below) / 2e-4
            np.testing.assert_allclose(answer.constraint_jacobian[:, i], slopes, rtol=1e-4)

    def test_bad_input(self):
        with pytest.raises(ValueError, match="zones must be at least 2"):
            problems.shell_design(1)


def sharp(problem):
    """With an integrator whose steps leave no trace in differences."""
    simulator = dataclasses.replace(problem.simulator, tolerance=1e-8)
    return eqx.tree_at(lambda p: p.simulator, problem, simulator)


class TestWaveform:
    @pytest.mark.slow
    def test_the_information_is_that_of_finite_differences(self):
        """Sensitivities by central differences of the current, the projection by least squares."""
        simulator = sharp(problems.waveform_design(3)).simulator
        values = _call(simulator).checked().values
        corners = jnp.concatenate([jnp.array([0.3]), simulator.corners])
        waveform = _waveform_design.PiecewiseLinear(jnp.full(3, 2.0 / 3.0), corners, samples=120)

        @jax.jit
        def current(shift):
            return _waveform_design._cell(shift, 1e-8)(waveform).values["current"]

        s, *others = (np.asarray(current(h) - current(-h)) / 2e-4 for h in 1e-4 * np.eye(3))
        columns = np.stack([*others, np.ones_like(s)], axis=1)
        columns /= np.linalg.norm(columns, axis=0)
        rest = s - columns @ np.linalg.lstsq(columns, s)[0]
        expected = np.log10(np.sum(rest**2) / (2e-8) ** 2)
        assert float(values["log_information"]) == pytest.approx(expected, abs=1e-4)
        peak = np.max(np.abs(current(np.zeros(3))))
        assert float(values["peak_current"]) == pytest.approx(peak, rel=1e-9)
        slew = np.max(np.abs(np.diff(corners))) * 1.5
        assert float(values["slew"]) == pytest.approx(slew)

    @pytest.mark.slow
    def test_derivatives(self):
        problem = sharp(problems.waveform_design(3))
        x = start_of(problem)
        gradient = ds.evaluate(problem, x, "gradient").gradient
        for i in range(2):
            (one, _), (other, _) = (answer_of(problem, x.at[i].add(s)) for s in STEPS)
            assert float(gradient[i]) == pytest.approx((one - other) / 2e-4, rel=1e-3)

    def test_the_projection_leaves_what_others_cannot_imitate(self):
        t = jnp.linspace(0.0, 1.0, 50)
        others = jnp.stack([t, t**2])
        assert float(_waveform_design._information(3.0 * t + 1.0, others)) < 1e-20
        away = _waveform_design._information(t**3 + 5.0 * t, others)
        assert float(away) == pytest.approx(
            float(_waveform_design._information(t**3, others)), rel=1e-9
        )
        assert float(away) > 1e-3

    def test_bad_input(self):
        with pytest.raises(ValueError, match="corners must be at least 2"):
            problems.waveform_design(1)
        with pytest.raises(ValueError, match="corners must be at least two numbers"):
            problems.WaveformInformation(jnp.asarray(0.1))


def test_unit_curvature_makes_up_the_tensor():
    mesh = _shell_design.strip(0.3, 0.1, (3, 2), "unstructured")
    shape = _shell_design.unit_curvature(mesh)
    positions, faces = np.asarray(mesh.positions), np.asarray(mesh.faces)
    for angles, face, area in zip(shape, faces, mesh.areas(), strict=True):
        tensor = np.zeros((2, 2))
        for i in range(3):
            edge = (positions[face[(i + 2) % 3]] - positions[face[(i + 1) % 3]])[:2]
            length = np.linalg.norm(edge)
            normal = np.array([edge[1], -edge[0]]) / length
            tensor += angles[i] * length / float(area) * np.outer(normal, normal)
        np.testing.assert_allclose(tensor, [[-1.0, 0.0], [0.0, 0.0]], atol=1e-9)
