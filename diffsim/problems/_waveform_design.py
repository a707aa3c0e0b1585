"""Design of a waveform: the potential programme that says most about one rate constant."""

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._objective import Constraint, Maximise
from .._observables import Observables, observe
from .._problem import Problem
from .._simulator import AbstractLens, AbstractSimulator, Leaf
from .._space import DesignSpace, Linear
from .._status import from_code
from .._types import Scalar
from ..design import marginal_root
from ..electrochem import (
    ButlerVolmer,
    Disc,
    Grid,
    Integrator,
    Mechanism,
    PiecewiseLinear,
    Species,
    Voltammetry,
)

_FORMAL, _RADIUS = 0.0, 5e-4
# Potential before the first corner: the couple is oxidised there and no current flows.
_REST = 0.3
_NOISE = 2e-8
_SAMPLES = 120


class WaveformInformation(AbstractSimulator):
    """What a programme of straight lines tells of k0 of Ox + e ⇌ Red at a disc of 0.5 mm.

    The current i(t) is sampled at 120 times with noise of standard deviation σ = 20 nA. Its
    sensitivity s = ∂i/∂ln k0 is taken in forward mode, and so are those to E0' and ln D, which are
    unknown, too, as is a constant offset. What these can imitate says nothing of k0; the
    Fisher information is that of the rest,

        I = |(1 − P) s|²/σ²,   P the projection onto the span of ∂i/∂E0', ∂i/∂ln D and 1,

    and √(1/I) the least standard deviation of an estimate of ln k0 (H. Cramér, C. R. Rao).

    **Parameters:** `corner1`, ... : the corners of the programme after the rest potential, V
    against E0'; `duration` s of all of it. k0 = 5e-5 m/s, α = 0.5, D = 7e-10 m²/s, 1 mol/m³.
    `tolerance` is that of the integrator.

    **Observables:** `log_information`, log₁₀ I; `peak_current`, the largest |i|, A; `slew`, the
    steepest line, V/s.

    **Raises:** `ValueError` for fewer than two corners.
    """

    corners: Float[Array, " c"] = eqx.field(converter=jnp.asarray)
    duration: Float[Array, ""] = eqx.field(converter=jnp.asarray, default=2.0)
    tolerance: float = eqx.field(static=True, default=1e-4)
    adjoint: str = eqx.field(static=True, default="forward")

    adjoints: ClassVar = ("forward",)

    def __check_init__(self):
        if jnp.ndim(self.corners) != 1 or jnp.size(self.corners) < 2:
            raise ValueError(
                f"corners must be at least two numbers, but have shape {jnp.shape(self.corners)}."
            )

    def with_adjoint(self, adjoint):
        return dataclasses.replace(self, adjoint=adjoint)

    def lenses(self) -> Mapping[str, AbstractLens]:
        corners = {f"corner{i + 1}": Leaf("corners", index=i) for i in range(self.corners.size)}
        return corners | {"duration": Leaf("duration")}

    def __call__(self, inputs) -> Observables:
        count = self.corners.size
        durations = jnp.broadcast_to(self.duration / count, (count,))
        corners = jnp.concatenate([jnp.array([_FORMAL + _REST]), _FORMAL + self.corners])
        waveform = PiecewiseLinear(durations, corners, samples=_SAMPLES)

        def current(shift):
            answer = _cell(shift, self.tolerance)(waveform)
            return answer.values["current"], (answer.result._value, answer.stats)

        def along(tangent):
            return jax.jvp(current, (jnp.zeros(3),), (tangent,), has_aux=True)

        currents, rows, (codes, stats) = jax.vmap(along, out_axes=(None, 0, None))(jnp.eye(3))
        information = _information(rows[0], rows[1:]) / _NOISE**2
        values = {
            "log_information": jnp.log10(jnp.maximum(information, 1e-6)),
            "peak_current": jnp.max(jnp.abs(currents)),
            "slew": jnp.max(jnp.abs(jnp.diff(corners)) / durations),
        }
        return observe(values, from_code(codes), stats)


def _cell(shift: Float[Array, " 3"], tolerance: float) -> Voltammetry:
    """The cell with ln k0, E0' (V) and ln D moved."""
    diffusivity = 7e-10 * jnp.exp(shift[2])
    cell = Voltammetry(
        Mechanism(
            "Ox + e- <=> Red",
            kinetics=ButlerVolmer(k0=5e-5 * jnp.exp(shift[0])),
            formal_potential=_FORMAL + shift[1],
        ),
        species={"Ox": Species(diffusivity, concentration=1.0), "Red": Species(diffusivity)},
        electrode=Disc(_RADIUS),
        integrator=Integrator(tolerance=tolerance),
        grid=Grid(cells=16),
    )
    return cell.with_adjoint("forward")


def _information(wanted: Float[Array, " t"], others: Float[Array, "p t"]) -> Scalar:
    """Squared length of what is left of `wanted` outside the span of the others and 1."""
    columns = jnp.concatenate([others, jnp.ones((1, wanted.size)), wanted[None]])
    root, _ = marginal_root(columns.T, (columns.shape[0] - 1,))
    return root[0, 0] ** 2


def _score(observables: Observables) -> Scalar:
    return observables.values["log_information"]


def _limits(observables: Observables) -> Array:
    values = observables.values
    return jnp.stack([values["peak_current"] / 4e-6 - 1.0, values["slew"] / 2.0 - 1.0])


def waveform_design(corners: int = 8) -> Problem:
    """The decimal logarithm of the Fisher information on ln k0, over corners within ±0.35 V.

    Subject to |i| <= 4 µA (the range of the instrument) and 2 V/s. The start is a
    triangular sweep to 0.2 V beyond E0' and back, which is feasible.

    **Raises:** `ValueError` for fewer than two corners.
    """
    if corners < 2:
        raise ValueError(f"corners must be at least 2, but are {corners}.")
    times = np.linspace(0.0, 1.0, corners + 1)[1:]
    start = np.interp(times, [0.0, 0.5, 1.0], [_REST, -0.2, _REST])
    simulator = WaveformInformation(jnp.asarray(start))
    space = DesignSpace({f"corner{i + 1}": Linear(-0.35, 0.35, unit="V") for i in range(corners)})
    limits = Constraint(_limits, "current and slew")
    return Problem(simulator, None, space, Maximise(_score), (limits,), name="waveform_design")
