"""Curve fits with known truth: closed formulae in place of simulations, with seeded noise."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._problem import Problem
from .._space import Linear, Log
from .._types import Vector
from ._analytic import formula_problem

# F / RT at 298.15 K, 1/V; F, C/mol.
_INVERSE_THERMAL_VOLTAGE = 38.92174
_FARADAY = 96485.33212


def _noisy(clean: Float[Array, " t"], noise: float, seed: int) -> np.ndarray:
    return np.asarray(clean) + noise * np.random.default_rng(seed).standard_normal(clean.shape)


def _decay(x: Vector, t: Float[Array, " t"]) -> Array:
    return x[0] * jnp.exp(-x[1] * t) + x[2]


DECAY_TRUTH = (2.0, 1.3, 0.3)


def exponential_decay(noise: float = 0.02, seed: int = 0, points: int = 40) -> Problem:
    """amplitude·exp(-rate·t) + offset; all three identifiable. Truth: `DECAY_TRUTH`."""
    t = jnp.linspace(0.0, 5.0, points)
    clean = _decay(jnp.asarray(DECAY_TRUTH), t)
    scales = {"amplitude": Log(0.1, 100.0), "rate": Log(0.01, 100.0), "offset": Linear(-1.0, 5.0)}
    return formula_problem(
        _decay,
        scales,
        start=(1.0, 1.0, 0.1),
        inputs=t,
        data=_noisy(clean, noise, seed),
        noise=noise or 1.0,
        name="exponential_decay",
    )


def _product(x: Vector, t: Float[Array, " t"]) -> Array:
    return x[0] * x[1] * jnp.sqrt(x[2]) * jnp.exp(-t) + x[3] * t


PRODUCT_TRUTH = (2.0, 3.0, 4.0, 0.5)


def unidentifiable_product(noise: float = 0.02, seed: int = 0) -> Problem:
    """A·C·√D·exp(-t) + slope·t: only the product A·C·√D is determined, and the slope."""
    t = jnp.linspace(0.0, 3.0, 30)
    clean = _product(jnp.asarray(PRODUCT_TRUTH), t)
    scales = {name: Log(0.05, 100.0) for name in "ACD"} | {"slope": Linear(-5.0, 5.0)}
    return formula_problem(
        _product,
        scales,
        start=(1.0, 1.0, 1.0, 0.0),
        inputs=t,
        data=_noisy(clean, noise, seed),
        noise=noise,
        name="unidentifiable_product",
    )


def _straight_line(x: Vector, t: Float[Array, " t"]) -> Array:
    return x[0] + x[1] * t


LINE_TRUTH = (0.7, -1.2)


def straight_line(noise: float = 0.1, seed: int = 0, points: int = 20) -> Problem:
    """Linear and Gaussian: every textbook formula is exact here. Truth: `LINE_TRUTH`."""
    t = jnp.linspace(0.0, 1.0, points)
    clean = _straight_line(jnp.asarray(LINE_TRUTH), t)
    scales = {"intercept": Linear(-10.0, 10.0), "slope": Linear(-10.0, 10.0)}
    return formula_problem(
        _straight_line,
        scales,
        start=(0.0, 0.0),
        inputs=t,
        data=_noisy(clean, noise, seed),
        noise=noise,
        name="straight_line",
    )


def _steady_state(x: Vector, inputs: tuple[Float[Array, " t"], float, float]) -> Array:
    potential, radius, concentration = inputs
    k0, alpha, formal, diffusivity = x
    theta = _INVERSE_THERMAL_VOLTAGE * (potential - formal)
    transport = diffusivity / (radius * k0)
    limit = 4 * _FARADAY * concentration * diffusivity * radius
    return -limit / (1 + jnp.exp(theta) + transport * jnp.exp(alpha * theta))


def steady_state_voltammogram(
    k0: float = 1e-4, noise: float = 0.005, seed: int = 0, points: int = 60
) -> Problem:
    """A one-electron reduction at a microelectrode of uniform accessibility, current in A.

        i = -4FcDr / (1 + exp(θ) + D/(r·k0)·exp(αθ)),  θ = F(E - E0)/RT

    Truth: `k0`, alpha 0.45, E0 0.02 V, D 8e-10 m²/s; r 5 µm, c 2 mol/m³. Where k0 is far above
    D/r = 1.6e-4 m/s the couple is reversible: k0 is bounded from below only, and alpha not
    determined. `noise` is relative to the limiting current.
    """
    potential = jnp.linspace(0.3, -0.4, points)
    radius, concentration, diffusivity = 5e-6, 2.0, 8e-10
    inputs = (potential, radius, concentration)
    clean = _steady_state(jnp.asarray([k0, 0.45, 0.02, diffusivity]), inputs)
    limit = 4 * _FARADAY * concentration * diffusivity * radius
    scales = {
        "k0": Log(1e-8, 1.0, unit="m/s"),
        "alpha": Linear(0.2, 0.8),
        "E0": Linear(-0.2, 0.2, unit="V"),
        "D": Log(1e-11, 1e-7, unit="m^2/s"),
    }
    return formula_problem(
        _steady_state,
        scales,
        start=(1e-5, 0.5, 0.0, 1e-9),
        inputs=inputs,
        data=_noisy(clean, noise * limit, seed),
        noise=(noise or 0.005) * limit,
        name="steady_state_voltammogram",
    )
