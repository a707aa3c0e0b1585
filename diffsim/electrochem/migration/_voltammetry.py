"""A voltammetric cell without an excess of supporting electrolyte."""

import dataclasses
import difflib
from collections.abc import Mapping
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from ..._observables import Observables, observe
from ..._precision import require_x64
from ..._simulator import AbstractLens, AbstractSimulator, AdjointName, Leaf
from ..._status import RESULTS, worst
from ...solvers import Bordered
from .._lenses import _fields
from .._nodes import NodesInSpace
from .._voltammetry import Voltammetry, _all_finite, _result
from ..mechanism import Species
from ..mechanism._parse import charge_of
from ..transport import Grid, SemiInfinite
from ..waveforms import AbstractWaveform
from ._fields import AbstractField, Electroneutral, neutral_bulk
from ._ions import Ions
from ._system import AbstractIonSystem

# Cells that a current right to 1e-4 needs, and more for each decade below (measured).
_CELLS, _CELLS_PER_DECADE = 64, 32

# A bulk with more charge than this part of that of its ions is not neutral.
_NEUTRAL = 1e-9


class MigrationVoltammetry(AbstractSimulator):
    """A cell whose ions migrate: weakly supported and unsupported solutions.

        ∂c_j/∂t = ∇·D_j (∇c_j + z_j c_j ∇Φ) + Σ chemistry,    Φ = Fφ/RT
        ∇·(ε ∇φ) = −F Σ z_j c_j        (`Poisson`), or  Σ z_j c_j = 0   (`Electroneutral`)
        N_j = Σ_k ν_kj r_k              at the electrode; c_j = c_j*, φ = 0 far away

    Kinetic laws see the potential across the interface, E − φ(0) − R I.

    **Arguments:**

    - `cell`: the `Voltammetry`; its species have the charges of their names, or those given.
    - `supporting`: the ions that do not react, `Species` by name; may be empty.
    - `field`: `Electroneutral()` or `Poisson(permittivity, interface)`.
    - `counter`: the ion whose bulk concentration follows from those of all others, so that each of
      these may be varied; its own is then left out. Without it the bulk must be neutral as given.

    **Call:** as of `Voltammetry`; the values have "surface_potential" (t,) in V, too, that of the
    solution at the electrode against the bulk.

    **Names in a design space:** those of the cell, `diffusivity[K+]`, `concentration[K+]` of the
    supporting ions, `permittivity`, `capacitance`, `zero_charge_potential`.

    **Raises:** `ValueError` for a bulk that is not neutral, a solution without ions, a reaction
    whose charges do not balance, a supporting ion that reacts or has no charge, a double layer
    `circuit.capacitance` (use `Stern`), a resistance together with `Stern`, and domains that flow
    or are sealed.

    **Limits:** dilute solution, without convection; no ion pairs unless as chemistry. The far
    boundary is the reference electrode: a planar semi-infinite cell has the ohmic drop of the
    whole diffusion field.

    **Starting values:** D 1e-9 m²/s; support of 0.5 to 1000 times the reactant.

    Source: J. Newman, K. Thomas-Alyea, Electrochemical Systems, 3rd ed. (2004), chapters 11, 19;
    E. Dickinson, J. Limon-Petersen, N. Rees, R. Compton, J. Phys. Chem. C 113 (2009) 11157.
    """

    cell: Voltammetry
    supporting: dict[str, Species] = eqx.field(default_factory=dict)
    field: AbstractField = Electroneutral()
    counter: str | None = eqx.field(static=True, default=None)

    adjoints: ClassVar[tuple[AdjointName, ...]] = Voltammetry.adjoints

    def __check_init__(self):
        require_x64()
        self._check_names()
        self._check_reactions()
        self._check_cell()
        self._check_bulk()

    # -- bad input -----------------------------------------------------------------------------

    def _check_names(self) -> None:
        reacting = list(self.cell.species)
        for name in self.supporting:
            if name in reacting:
                raise ValueError(
                    f"supporting ions must not react, but {name!r} is a species of the mechanism."
                )
            if not self.charges[self.names.index(name)]:
                raise ValueError(
                    f"supporting ions must have a charge, but {name!r} has none: write it as "
                    f"'{name}+' or give Species(charge=...)."
                )
        if self.counter is not None and self.counter not in self.names:
            near = difflib.get_close_matches(self.counter, self.names, n=1, cutoff=0.0)
            raise ValueError(
                f"counter must be one of {list(self.names)}, but is {self.counter!r}; did you mean "
                f"{near[0]!r}?"
            )
        if self.counter is not None and not self.charges[self.names.index(self.counter)]:
            raise ValueError(f"counter must be an ion, but {self.counter!r} has no charge.")

    def _check_reactions(self) -> None:
        mechanism = self.cell.mechanism
        charges = np.array(self.charges[: len(mechanism.species)], float)
        for step in mechanism.steps:
            left, right = mechanism.orders(step)
            gained = float((left - right) @ charges)
            if gained != step.equation.electrons:
                raise ValueError(
                    f"charge must be balanced where ions migrate, but {step.equation.text!r} has "
                    f"charges {dict(zip(mechanism.species, charges, strict=True))}; give "
                    "Species(charge=...)."
                )

    def _check_cell(self) -> None:
        domain, circuit = self.cell.domain, self.cell.circuit
        if domain.moving or domain.sealed:
            raise ValueError(
                "domain must be SemiInfinite or DiffusionLayer where ions migrate, but is "
                f"{type(domain).__name__}."
            )
        charged = getattr(getattr(self.field, "interface", None), "charged", False)
        for name, wrong in (("capacitance", True), ("resistance", charged)):
            value = getattr(circuit, name)
            if wrong and not isinstance(value, Tracer) and np.any(np.asarray(value) != 0):
                raise ValueError(
                    f"{name} of Circuit must be zero here, but {name}={float(value):g}: "
                    + ("Poisson(interface=Stern(...)) is" if name == "capacitance" else "beside ")
                    + ("the double layer." if name == "capacitance" else "Stern it is not solved.")
                )

    def _check_bulk(self) -> None:
        if not any(self.charges):
            raise ValueError(f"at least one species must be an ion, but none of {self.names} is.")
        bulk = self._given()
        if isinstance(bulk, Tracer) or bulk.ndim > 1:
            return
        if self.counter is not None and float(bulk[self.names.index(self.counter)]) != 0:
            raise ValueError(
                f"concentration of the counter ion {self.counter!r} must be left out, as it "
                f"follows from the others, but is {float(bulk[self.names.index(self.counter)]):g}."
            )
        found = np.asarray(neutral_bulk(np.array(self.charges, float), bulk, self._counter))
        charge, ions = found @ self.charges, found @ np.abs(self.charges)
        if np.any(found < 0):
            raise ValueError(
                f"concentration of the counter ion {self.counter!r} must not be negative, but "
                f"neutrality asks for {float(np.min(found)):g} mol/m3: choose an ion of the other "
                "sign."
            )
        if not ions > 0:
            raise ValueError("the bulk must conduct, but all its ions have concentration zero.")
        if abs(charge) > _NEUTRAL * ions:
            raise ValueError(
                f"the bulk must be electrically neutral, but sum of z c = {charge:g} mol/m3 for "
                f"{dict(zip(self.names, map(float, found), strict=True))}; name a `counter` ion, "
                "whose concentration then follows."
            )

    # -- what the parts are --------------------------------------------------------------------

    @property
    def names(self) -> tuple[str, ...]:
        """Species of the mechanism, then supporting ions."""
        return (*self.cell.mechanism.species, *self.supporting)

    @property
    def charges(self) -> tuple[int, ...]:
        """In the order of `names`; unsigned names are neutral."""
        everything = {**self.cell.species, **self.supporting}
        given = [(name, everything[name].charge) for name in self.names]
        return tuple((charge_of(n) or 0) if charge is None else charge for n, charge in given)

    @property
    def _counter(self) -> int | None:
        return None if self.counter is None else self.names.index(self.counter)

    def _given(self) -> Array:
        everything = {**self.cell.species, **self.supporting}
        return jnp.stack([everything[name].concentration for name in self.names])

    def bulk(self) -> Float[Array, " m"]:
        """Concentrations in the bulk in mol/m³, in the order of `names`."""
        return neutral_bulk(np.array(self.charges, float), self._given(), self._counter)

    def with_adjoint(self, adjoint: AdjointName) -> "MigrationVoltammetry":
        return dataclasses.replace(self, cell=self.cell.with_adjoint(adjoint))  # pyright: ignore

    def lenses(self) -> Mapping[str, AbstractLens]:
        made: dict[str, AbstractLens] = {}
        for name, lens in self.cell.lenses().items():
            assert isinstance(lens, Leaf)
            made[name] = Leaf(*(f"cell.{path}" for path in lens.paths))
        tied = made["diffusivity"]
        assert isinstance(tied, Leaf)
        paths = [f"supporting.{name}.diffusivity" for name in self.supporting]
        made["diffusivity"] = Leaf(*tied.paths, *paths)
        for name in self.supporting:
            made[f"diffusivity[{name}]"] = Leaf(f"supporting.{name}.diffusivity")
            made[f"concentration[{name}]"] = Leaf(f"supporting.{name}.concentration")
        made.pop(f"concentration[{self.counter}]", None)
        made |= _fields(self.field, "field", "", "")
        if hasattr(self.field, "interface"):
            for unused in ("capacitance", "capacitance_slope", "capacitance_curvature"):
                made.pop(unused, None)
            made |= _fields(self.field.interface, "field.interface", "", "")  # pyright: ignore
        return made

    # -- simulation ----------------------------------------------------------------------------

    def __call__(self, inputs) -> Observables:
        require_x64()
        waveform, times = inputs if isinstance(inputs, tuple) else (inputs, inputs.times())
        system, state = self._system(waveform)
        solution = self.cell._integrate(system, state)
        # A little before the corner for what is sampled at a corner.
        segment, fraction = waveform.locate(times)
        clock = segment + fraction * (1.0 - 1e-11)
        border = jax.vmap(lambda t: solution.evaluate(t).border)(clock)
        potential = waveform.potential(times)
        values = {
            "current": system.cell.unit_current * border[:, -1] + self.cell.baseline(potential),
            "potential": potential,
            "time": times,
            "surface_potential": system.thermal * border[:, -2],
        }
        stats = {
            "num_steps": solution.stats["num_accepted_steps"],
            "num_rejected_steps": solution.stats["num_rejected_steps"],
        }
        result = worst(self._neutrality(), _result(solution.result, _all_finite(system)))
        return observe(values, result, stats)

    def _neutrality(self) -> RESULTS:
        """`out_of_range` for a bulk that is not neutral or has a negative counter ion."""
        bulk, charges = self.bulk(), np.array(self.charges, float)
        charge, ions = jnp.sum(charges * bulk), jnp.sum(jnp.abs(charges) * bulk)
        wrong = (jnp.abs(charge) > _NEUTRAL * ions) | jnp.any(bulk < 0)
        return RESULTS.where(wrong, RESULTS.out_of_range, RESULTS.successful)

    def decided_grid(self) -> Grid:
        """The grid with its number of cells."""
        grid, tolerance = self.cell.grid, self.cell.integrator.tolerance
        decades = max(0.0, float(np.ceil(np.log10(1e-4 / tolerance) - 1e-9)))
        return Grid(grid.cells or _CELLS + int(_CELLS_PER_DECADE * decades), grid.first)

    def _system(self, waveform: AbstractWaveform) -> tuple[AbstractIonSystem, Bordered]:
        """The dimensionless equations and their state at rest."""
        bare, _ = self.cell._system(waveform, NodesInSpace)
        scales = bare.scales
        everything = {**self.cell.species, **self.supporting}
        diffusivity = jnp.stack([everything[name].diffusivity for name in self.names])
        bulk = self.bulk()
        thickness = self.cell.domain.thickness(diffusivity, waveform.duration)
        # Fine at the electrode in thin layers, too: there the potential falls where ions run out.
        reach = SemiInfinite().thickness(diffusivity, waveform.duration)
        reach = jnp.minimum(reach, 5.0 * thickness)
        reacting = len(self.cell.mechanism.species)
        layers = (
            self.field.layer(jnp.sum(np.array(self.charges) ** 2 * bulk), self.cell.temperature),
            self.cell._reaction_layer(diffusivity[:reacting], bulk[:reacting]),
        )
        layer = 1.0 / (1.0 / layers[0] + 1.0 / layers[1])
        volumes = self.decided_grid().volumes(
            self.cell.electrode, self.cell.domain, thickness, layer, reach
        )
        ions = Ions(
            self.charges,
            diffusivity * scales.time / scales.length**2,
            bulk / scales.concentration,
            volumes.volumes / scales.length,
            volumes.conductances * scales.length,
        )
        return self.field.assemble(bare, ions)
