"""Reduction of the protons of a weak acid at a microelectrode."""

import dataclasses
import math
from collections.abc import Mapping
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._observables import Observables
from .._simulator import AbstractLens, AbstractSimulator, AdjointName, Leaf
from ._checks import check_positive
from ._voltammetry import Integrator, Voltammetry
from .kinetics import Tafel
from .kinetics._base import parameter
from .mechanism import ChemicalReaction, ElectrodeReaction, Mechanism, Species
from .transport import Grid, Sphere
from .waveforms import PiecewiseLinear

Number = Float[Array, "..."]

# V above the final potential, where nothing is reduced yet.
_RAMP = 1.5

_NAMES = (
    "dissociation_constant",
    "forward",
    "diffusivity_acid",
    "diffusivity_proton",
    "diffusivity_anion",
    "radius",
    "k0",
    "duration",
    "potential",
)


class WeakAcidReduction(AbstractSimulator):
    """Steady currents of a weak acid that dissociates before its protons are reduced (CE).

        HA ⇌ H⁺ + A⁻ (k_f, k_f/K),   H⁺ + e⁻ → H at a hemisphere

    A ramp to a potential so low that no proton survives at the electrode, held until the current
    no longer changes. A microdisc of radius a counts as the hemisphere of radius 2a/π,
    which has its limiting current. The bulk is at equilibrium:

        c_H = c_A = (−K + √(K² + 4 K c)) / 2

    **Arguments** (SI, all differentiable):

    - `dissociation_constant`: K in mol/m³ (acetic acid: 0.0175).
    - `forward`: k_f in 1/s (acetic acid: about 8e5).
    - `diffusivity_acid`, `diffusivity_proton`, `diffusivity_anion`: in m²/s.
    - `radius`: of the hemisphere in m.
    - `potential`, `k0`: at the end in V against E⁰′, and the rate constant in m/s.
    - `duration`: in s; the current approaches its limit as 1 + r/√(πDt).

    **Call:** `simulator(concentrations)` with the total concentrations (n,) in mol/m³ returns
    "current" (n,) in A, negative.

    **Raises:** `ValueError` for any number that is not positive (the potential excepted).

    **Limits:** supporting electrolyte in excess; activity coefficients are one; a hemisphere in
    place of the disc is exact only where chemistry is much slower or much faster than diffusion
    over the radius.

    Source: R. G. Compton, C. E. Banks, Understanding Voltammetry, 3rd ed. (2018), chapter 7;
    K. Oldham, J. Electroanal. Chem. 313 (1991) 3.
    """

    dissociation_constant: Number = eqx.field(converter=parameter("K", "mol/m^3"))
    forward: Number = eqx.field(converter=parameter("forward", "1/s"))
    diffusivity_acid: Number = eqx.field(converter=parameter("diffusivity"), default=1.29e-9)
    diffusivity_proton: Number = eqx.field(converter=parameter("diffusivity"), default=9.311e-9)
    diffusivity_anion: Number = eqx.field(converter=parameter("diffusivity"), default=1.089e-9)
    radius: Number = eqx.field(converter=parameter("radius", "m"), default=1e-5 / math.pi)
    k0: Number = eqx.field(converter=parameter("k0", "m/s"), default=1.0)
    duration: Number = eqx.field(converter=parameter("duration", "s"), default=100.0)
    potential: Number = eqx.field(converter=parameter("potential", "V"), default=-0.5)
    grid: Grid = Grid()
    integrator: Integrator = Integrator()
    adjoint: AdjointName = eqx.field(static=True, default="forward")

    adjoints: ClassVar[tuple[AdjointName, ...]] = Voltammetry.adjoints

    def __check_init__(self):
        for name in _NAMES[:-1]:
            check_positive(self, name, "SI units")

    def with_adjoint(self, adjoint: AdjointName) -> "WeakAcidReduction":
        return dataclasses.replace(self, adjoint=adjoint)  # pyright: ignore

    def lenses(self) -> Mapping[str, AbstractLens]:
        return {name: Leaf(name) for name in _NAMES}

    def __call__(self, inputs: Float[Array, " n"]) -> Observables:
        found = jax.vmap(self._steady)(jnp.asarray(inputs, float))
        worst = jax.tree.map(lambda leaf: jnp.max(leaf), found.result)
        stats = {name: jnp.sum(value) for name, value in found.stats.items()}
        return Observables(found.values, worst, stats)

    def free_protons(self, total: Array) -> Array:
        """c_H in mol/m³ in a solution of the total concentration."""
        k = self.dissociation_constant
        # Without the cancellation of the formula above where K is small.
        return 2.0 * total / (1.0 + jnp.sqrt(1.0 + 4.0 * total / k))

    def cell(self, total: Array) -> Voltammetry:
        """The voltammetric cell of one total concentration."""
        ions = self.free_protons(total)
        return Voltammetry(
            Mechanism(
                ElectrodeReaction("H+ + e- <=> H", Tafel(self.k0, 0.5), 0.0),
                ChemicalReaction(
                    "HA <=> H+ + A-", self.forward, self.forward / self.dissociation_constant
                ),
            ),
            {
                "HA": Species(self.diffusivity_acid, total - ions, charge=0),
                "H+": Species(self.diffusivity_proton, ions),
                "A-": Species(self.diffusivity_anion, ions),
                "H": Species(self.diffusivity_proton, charge=0),
            },
            Sphere(self.radius, fraction=0.5),
            grid=self.grid,
            integrator=self.integrator,
            adjoint=self.adjoint,
        )

    def _steady(self, total: Array) -> Observables:
        # A ramp, not a step: whose first instants would ask for times of diffusion over a
        # reaction layer of less than a nanometre, which no steady current depends on.
        share = jnp.array([0.1, 0.9])
        corners = self.potential + jnp.array([_RAMP, 0.0, 0.0])
        waveform = PiecewiseLinear(self.duration * share, corners)
        observed = self.cell(total)((waveform, self.duration[None]))
        return Observables(
            {"current": observed.values["current"][0]}, observed.result, observed.stats
        )
