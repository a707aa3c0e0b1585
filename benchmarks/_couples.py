"""The cells that are timed, and what is asked of them."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import diffsim as ds
from diffsim import electrochem as ec
from diffsim.constants import faraday, gas_constant
from diffsim.electrochem.analytic import integral_equation

TEMPERATURE = 298.15
THERMAL = gas_constant * TEMPERATURE / faraday
AREA, DIFFUSIVITY, CONCENTRATION, SCAN_RATE = 1e-4, 1e-9, 1.0, 0.1
START, VERTEX = 20.0, -20.0  # in RT/F
# k0 in m/s for which the dimensionless K0 = k0 √(RT/(F ν D)) is one.
UNIT_K0 = float(np.sqrt(DIFFUSIVITY * SCAN_RATE / THERMAL))
# Amperes for a dimensionless current of one.
UNIT_CURRENT = faraday * AREA * CONCENTRATION * float(np.sqrt(DIFFUSIVITY * SCAN_RATE / THERMAL))
# Reversible at a glance: within 1e-5 of Nernst, for peers that have no Nernst law.
FAST_K0 = 1e5 * UNIT_K0
# The peak of a reversible couple, Nicholson and Shain, Anal. Chem. 36 (1964) 706, with the
# digits that the integral equation gives it.
REVERSIBLE_PEAK = 0.446294694


def sweep(samples: int = 1000) -> ec.CyclicSweep:
    """Over ±20 RT/F and back."""
    return ec.CyclicSweep(THERMAL * START, THERMAL * VERTEX, SCAN_RATE, samples=samples)


def cell(kinetics: ec.AbstractKinetics) -> ec.Voltammetry:
    """A simple couple at a plane, default numerics."""
    return ec.Voltammetry(
        mechanism=ec.Mechanism(ec.ElectrodeReaction("O + e- <=> P", kinetics, 0.0)),
        species={"O": ec.Species(DIFFUSIVITY, CONCENTRATION), "P": ec.Species(DIFFUSIVITY, 0.0)},
        electrode=ec.Planar(AREA),
        temperature=TEMPERATURE,
    )


def dimerisation() -> ec.Voltammetry:
    """EC2: the product dimerises, K = k c RT/(F ν) = 20; transport is no longer linear."""
    rate = 20.0 * SCAN_RATE / THERMAL / CONCENTRATION
    return ec.Voltammetry(
        mechanism=ec.Mechanism(
            ec.ElectrodeReaction("A + e- <=> B", ec.ButlerVolmer(10 * UNIT_K0, 0.5), 0.0),
            ec.ChemicalReaction("2 B -> C", rate),
        ),
        species={
            "A": ec.Species(DIFFUSIVITY, CONCENTRATION),
            "B": ec.Species(0.7 * DIFFUSIVITY, 0.0),
            "C": ec.Species(0.5 * DIFFUSIVITY, 0.0),
        },
        electrode=ec.Planar(AREA),
        temperature=TEMPERATURE,
    )


def current(simulator: ec.Voltammetry, waveform: ec.AbstractWaveform) -> Float[Array, " t"]:
    """In A."""
    return simulator(waveform).values["current"]


def _space() -> ds.DesignSpace:
    return ds.DesignSpace(
        k0=ds.Log(1e-7, 1e-2, unit="m/s"),
        alpha=ds.Linear(0.2, 0.8),
        formal_potential=ds.Linear(-0.2, 0.2, unit="V"),
        diffusivity=ds.Log(1e-11, 1e-8, unit="m^2/s"),
    )


def four_parameters() -> tuple[ec.Voltammetry, ds.DesignSpace, Float[Array, " 4"]]:
    """A quasi-reversible couple, its four parameters, and the point where it stands."""
    simulator = cell(ec.ButlerVolmer(UNIT_K0, 0.5))
    space = _space().bind(simulator)
    return simulator, space, jnp.asarray(space.initial(simulator))


def current_at(simulator, space, x: Float[Array, " 4"], waveform) -> Float[Array, " t"]:
    """Current as a function of the four parameters."""
    return current(space.apply(simulator, x), waveform)


def jacobian(simulator, space, x: Float[Array, " 4"], waveform):
    """Current (t,) and its Jacobian (t, 4), in forward mode."""

    def both(x):
        values = current_at(simulator.with_adjoint("forward"), space, x, waveform)
        return values, values

    return jax.jacfwd(both, has_aux=True)(x)


def value_and_gradient(simulator, space, x: Float[Array, " 4"], waveform):
    """A sum of squares and its gradient (4,), in reverse mode."""

    def loss(x):
        values = current_at(simulator.with_adjoint("checkpointed"), space, x, waveform)
        return jnp.sum((values / UNIT_CURRENT) ** 2)

    return jax.value_and_grad(loss)(x)


def run_forward() -> None:
    """One voltammogram, from nothing."""
    jax.block_until_ready(eqx.filter_jit(current_at)(*four_parameters(), sweep()))


def run_gradient() -> None:
    """One value and reverse gradient, from nothing."""
    jax.block_until_ready(eqx.filter_jit(value_and_gradient)(*four_parameters(), sweep()))


@functools.cache
def exact(rate: float | None = None) -> integral_equation.Voltammogram:
    """The integral equation's answer: ψ against time in RT/F, positive for a reduction."""
    law = None if rate is None else integral_equation.butler_volmer(rate)
    return integral_equation.solve(integral_equation.cyclic(START, VERTEX), law)


def curve_error(
    times: Float[np.ndarray, " t"],
    found: Float[np.ndarray, " t"],
    rate: float | None = None,
    *,
    skip: int = 1,
) -> float:
    """Largest error of a dimensionless current, relative to the exact peak.

    `times` in RT/F since the start; the corner belongs to the sweep that ends there.
    """
    truth = -exact(rate)(np.clip(times * (1 - 1e-12), 0.0, 2 * (START - VERTEX)))
    error = np.abs(found - truth)[skip:]
    return float(error.max() / np.abs(truth).max())
