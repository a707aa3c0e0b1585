"""Batch transesterification with a heat balance: five species, two controls."""

import dataclasses
from typing import ClassVar

import diffrax
import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._objective import Constraint, Maximise
from .._observables import Observables, observe
from .._problem import Problem
from .._simulator import AbstractLens, AbstractSimulator, Leaf
from .._space import DesignSpace, Linear
from .._status import RESULTS
from .._types import Scalar

SPECIES = ("TG", "DG", "MG", "G", "ME")
# Rate constants at 50 °C (m³/(mol s) times the excess of methanol, so that 1/min remains) and
# activation energies (J/mol): H. Noureddini, D. Zhu, J. Am. Oil Chem. Soc. 74 (1997) 1457-1463,
# table 3 (soybean oil, 6:1 methanol), forward and reverse of TG -> DG -> MG -> G.
_RATES = (0.050, 0.110, 0.215, 1.228, 0.242, 0.007)
_ENERGIES = (54999.0, 41555.0, 83094.0, 61250.0, 26866.0, 40117.0)
_REFERENCE, _GAS = 323.15, 8.314462618
_TRIGLYCERIDE, _METHANOL = 0.85, 5.1  # mol/L at the start, 1 : 6


class TransesterificationReactor(AbstractSimulator):
    """A batch of oil and methanol under heating: TG + M ⇌ DG + E, DG + M ⇌ MG + E, MG + M ⇌ G + E.

    Mass action with Arrhenius rates, and one heat balance for the whole batch,
    C dT/dt = Q - U (T - T_ambient). Reaction heat is neglected, as it is a few kelvin.

    **Parameters:** `duration` t (min), `heating` Q (W), `capacity` C (J/K), `loss` U (W/K),
    `ambient`, `initial` temperature (K).

    **Observables:** `concentrations` (5,) of TG, DG, MG, G, ME at the end, mol/L; `temperature` at
    the end, K; `energy` t·Q (min W); `yield`: esters over the most that the oil can give.

    **Valid** between 20 and 80 °C; methanol is taken as dissolved and does not boil off.
    """

    duration: Float[Array, ""] = eqx.field(converter=jnp.asarray, default=40.0)
    heating: Float[Array, ""] = eqx.field(converter=jnp.asarray, default=6.0)
    capacity: Float[Array, ""] = eqx.field(converter=jnp.asarray, default=420.0)
    loss: Float[Array, ""] = eqx.field(converter=jnp.asarray, default=0.11)
    ambient: Float[Array, ""] = eqx.field(converter=jnp.asarray, default=296.15)
    initial: Float[Array, ""] = eqx.field(converter=jnp.asarray, default=298.15)
    adjoint: str = eqx.field(static=True, default="checkpointed")

    adjoints: ClassVar = ("forward", "checkpointed")

    def with_adjoint(self, adjoint):
        return dataclasses.replace(self, adjoint=adjoint)

    def lenses(self) -> dict[str, AbstractLens]:
        return {name: Leaf(name) for name in ("duration", "heating", "capacity", "loss")}

    def __call__(self, inputs) -> Observables:
        forward = self.adjoint == "forward"
        start = jnp.asarray([_TRIGLYCERIDE, 0.0, 0.0, 0.0, 0.0, self.initial])
        # Time in units of the duration, so that the duration is a number to differentiate in.
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(lambda s, y, reactor: reactor.duration * reactor.slope(y)),
            diffrax.Kvaerno5(),
            t0=0.0,
            t1=1.0,
            dt0=1e-4,
            y0=start,
            args=self,
            stepsize_controller=diffrax.PIDController(rtol=1e-8, atol=1e-10),
            adjoint=diffrax.ForwardMode() if forward else diffrax.RecursiveCheckpointAdjoint(),
            max_steps=4096,
            throw=False,
        )
        ended = solution.result == diffrax.RESULTS.successful
        result = RESULTS.where(ended, RESULTS.successful, RESULTS.step_limit)
        end = solution.ys[-1]  # pyright: ignore
        values = {
            "concentrations": end[:5],
            "temperature": end[5],
            "energy": self.duration * self.heating,
            "yield": end[4] / (3.0 * _TRIGLYCERIDE),
        }
        return observe(values, result, {"num_steps": solution.stats["num_steps"]})

    def slope(self, state: Float[Array, " 6"]) -> Float[Array, " 6"]:
        """Rates of change per minute of the five concentrations and the temperature."""
        tg, dg, mg, g, me, temperature = state
        methanol = _METHANOL - me
        inverse = (1.0 / temperature - 1.0 / _REFERENCE) / _GAS
        k = jnp.asarray(_RATES) * jnp.exp(-jnp.asarray(_ENERGIES) * inverse)
        first = k[0] * tg * methanol - k[1] * dg * me
        second = k[2] * dg * methanol - k[3] * mg * me
        third = k[4] * mg * methanol - k[5] * g * me
        heat = 60.0 * (self.heating - self.loss * (temperature - self.ambient)) / self.capacity
        return jnp.stack(
            [-first, first - second, second - third, third, first + second + third, heat]
        )


def _ester_ratio(observables: Observables) -> Scalar:
    """Esters over what is not yet converted: the score of the published study."""
    c = observables.values["concentrations"]
    return c[4] / (c[0] + c[1] + c[2])


def _limits(observables: Observables) -> Array:
    """t·Q <= 500 and T <= 65 °C, each over its limit."""
    energy = observables.values["energy"] / 500.0 - 1.0
    return jnp.stack([energy, (observables.values["temperature"] - 338.15) / 65.0])


def transesterification() -> Problem:
    """The ratio of esters to glycerides after a batch, for t in 5-120 min and Q in 0-20 W.

    Subject to tQ <= 500 and T <= 65 °C at the end. The start is t = 40, Q = 6, as in the
    published study of a network in place of the reactor.
    """
    space = DesignSpace(
        duration=Linear(5.0, 120.0, unit="min"), heating=Linear(0.0, 20.0, unit="W")
    )
    return Problem(
        TransesterificationReactor(),
        None,
        space,
        Maximise(_ester_ratio),
        (Constraint(_limits, "energy and temperature"),),
        name="transesterification",
    )
