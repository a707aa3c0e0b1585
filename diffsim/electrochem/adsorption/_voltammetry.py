"""A voltammetric cell whose electrode adsorbs."""

import dataclasses
import difflib
from collections.abc import Mapping
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from ..._observables import Observables, observe
from ..._simulator import AbstractLens, AbstractSimulator, AdjointName, Leaf
from ..._status import RESULTS, worst
from ...constants import faraday, gas_constant
from ...solvers import Bordered
from .._cell_system import CellSystem, Scales
from .._lenses import _fields
from .._voltammetry import Voltammetry, _all_finite, _result
from ..waveforms import AbstractWaveform
from ._equilibrium import equilibrium_coverage
from ._layer import AdsorbedLayer
from ._system import AdsorptionSystem

# Coverages may leave [0, 1] by what the tolerance allows, in units of it.
_SLACK = 100.0


class AdsorptiveVoltammetry(AbstractSimulator):
    """A cell with adsorption: the current of dissolved and of adsorbed couples.

        −D_j ∂c_j/∂x = Σ_k ν_kj r_k − v_j                     at the electrode
        Γ dθ_j/dt = v_j + ν_j r_ads,   v_j = k_a c_j sites − Γ k_d activity_j
        r_ads = Γ (k_red activity_ox − k_ox activity_red)
        I = −F A (Σ_k n_k r_k + n r_ads) + double layer

    **Arguments:**

    - `cell`: the `Voltammetry` without adsorption. A couple that reacts adsorbed only has the law
      `Inert()` there.
    - `layer`: the `AdsorbedLayer`.

    **Call:** as of `Voltammetry`; the values have "coverage[name]" (t,) for each adsorbate, too.
    A coverage that leaves 0 to 1, as Temkin's may, ends as `RESULTS.out_of_range`.

    **Names in a design space:** those of the cell, `saturation`, `adsorption[A]`,
    `desorption[A]`, `coverage[A]` and the isotherm's field; of the adsorbed couple `adsorbed_k0`,
    `adsorbed_alpha` and so on, `adsorbed_formal_potential`.

    **Raises:** `ValueError` for an adsorbate that is no species of the cell, for kinetics of a
    layer that does not hold both partners of the cell's one couple, and for an adsorbate without
    starting coverage that Temkin's isotherm cannot give one.

    **Limits:** the layer takes no part in the double layer's capacitance; one adsorbed couple.

    **Starting values:** Γ 2e-6 mol/m², K 1-1e3 m³/mol, k_a 1e-4 m/s, adsorbed k⁰ 1-1e4 1/s.
    """

    cell: Voltammetry
    layer: AdsorbedLayer

    adjoints: ClassVar[tuple[AdjointName, ...]] = Voltammetry.adjoints

    def __check_init__(self):
        for name in self.layer.adsorbates:
            if name not in self.cell.species:
                near = difflib.get_close_matches(name, self.cell.species, n=1, cutoff=0.0)
                raise ValueError(
                    f"adsorbates must be among {list(self.cell.species)}, but {name!r} is given; "
                    f"did you mean {near[0]!r}?"
                )
        if self.layer.kinetics is not None:
            self._check_couple()

    def _check_couple(self) -> None:
        steps = self.cell.mechanism.electrode
        equation = steps[0].equation
        sides = (*equation.left.items(), *equation.right.items())
        whole = len(sides) == 2 and all(count == 1 for _, count in sides)
        if len(steps) != 1 or not whole or any(n not in self.layer.adsorbates for n, _ in sides):
            raise ValueError(
                "a layer with kinetics must hold both partners of the cell's one electrode "
                f"reaction A + n e- <=> B, but {list(self.layer.adsorbates)} are adsorbed and the "
                f"reactions are {[s.equation.text for s in steps]}."
            )

    def with_adjoint(self, adjoint: AdjointName) -> "AdsorptiveVoltammetry":
        return dataclasses.replace(self, cell=self.cell.with_adjoint(adjoint))  # pyright: ignore

    def lenses(self) -> Mapping[str, AbstractLens]:
        made: dict[str, AbstractLens] = {}
        for name, lens in self.cell.lenses().items():
            assert isinstance(lens, Leaf)
            made[name] = Leaf(*(f"cell.{path}" for path in lens.paths))
        made["saturation"] = Leaf("layer.saturation")
        for name, adsorbate in self.layer.adsorbates.items():
            made |= _fields(adsorbate, f"layer.adsorbates.{name}", "", f"[{name}]")
        made |= _fields(self.layer.isotherm, "layer.isotherm", "", "")
        if self.layer.kinetics is not None:
            made |= _fields(self.layer.kinetics, "layer.kinetics", "adsorbed_", "")
        if self.layer.formal_potential is not None:
            made["adsorbed_formal_potential"] = Leaf("layer.formal_potential")
        return made

    def __call__(self, inputs) -> Observables:
        waveform, times = inputs if isinstance(inputs, tuple) else (inputs, inputs.times())
        system, state = self._system(waveform)
        solution = self.cell._integrate(system, state)  # pyright: ignore
        segment, fraction = waveform.locate(times)
        clock = segment + fraction * (1.0 - 1e-11)
        border = jax.vmap(lambda t: solution.evaluate(t).border)(clock)
        potential = waveform.potential(times)
        coverage = border[:, : system.number]
        values = {
            "current": system.cell.unit_current * border[:, -1] + self.cell.baseline(potential),
            "potential": potential,
            "time": times,
        }
        for i, name in enumerate(self.layer.adsorbates):
            values[f"coverage[{name}]"] = coverage[:, i]
        stats = {
            "num_steps": solution.stats["num_accepted_steps"],
            "num_rejected_steps": solution.stats["num_rejected_steps"],
        }
        result = worst(_result(solution.result, _all_finite(system)), self._range(coverage))
        return observe(values, result, stats)

    def _range(self, coverage: Array) -> RESULTS:
        slack = _SLACK * self.cell.integrator.tolerance
        inside = jnp.all(coverage > -slack) & jnp.all(jnp.sum(coverage, axis=1) < 1.0 + slack)
        # What is NaN is some other failure.
        wrong = ~inside & jnp.all(jnp.isfinite(coverage))
        return RESULTS.where(wrong, RESULTS.out_of_range, RESULTS.successful)

    def _system(self, waveform: AbstractWaveform) -> tuple[AdsorptionSystem, Bordered]:
        """The dimensionless equations and their state at rest."""
        cell, state = self.cell._system(waveform)
        layer = self.layer
        names = self.cell.mechanism.species
        places = tuple(names.index(name) for name in layer.adsorbates)
        uptake, release = layer.constants()
        bulk = jnp.stack([self.cell.species[n].concentration for n in layer.adsorbates])
        equilibrium = uptake / (layer.saturation * release)
        start = self._coverage(equilibrium * bulk)
        cell, nodes = _rescaled(cell, state.nodes, self._largest_rate(cell, start))
        scales = cell.scales
        capacity = layer.saturation / (scales.concentration * scales.length)
        couple = self._couple()
        system = AdsorptionSystem(  # pyright: ignore[reportCallIssue]
            cell=cell,
            isotherm=layer.isotherm,
            kinetics=layer.kinetics,
            formal_potential=self._formal_potential(couple, equilibrium),
            log_uptake=jnp.log(uptake / scales.velocity),
            log_release=jnp.log(release * capacity * scales.time),
            capacity=capacity,
            places=places,
            couple=couple,
        )
        size = system._production().shape[0]
        border = jnp.concatenate([start, jnp.zeros(size - start.size)])
        return system, Bordered(nodes, border)

    def _couple(self) -> tuple[int, int] | None:
        if self.layer.kinetics is None:
            return None
        equation = self.cell.mechanism.electrode[0].equation
        names = list(self.layer.adsorbates)
        return names.index(next(iter(equation.left))), names.index(next(iter(equation.right)))

    def _formal_potential(self, couple: tuple[int, int] | None, equilibrium: Array) -> Array:
        if self.layer.formal_potential is not None:
            return self.layer.formal_potential
        step = self.cell.mechanism.electrode[0]
        if couple is None:
            return step.formal_potential
        thermal = gas_constant * self.cell.temperature / faraday / step.equation.electrons
        ratio = jnp.log(equilibrium[couple[0]]) - jnp.log(equilibrium[couple[1]])
        return step.formal_potential - thermal * ratio

    def _coverage(self, load: Array) -> Array:
        """Coverages at the start: as given, else at equilibrium with the bulk."""
        given = [a.coverage for a in self.layer.adsorbates.values()]
        if all(c is not None for c in given):
            return jnp.stack(given)  # pyright: ignore
        found = equilibrium_coverage(self.layer.isotherm, load)
        return jnp.stack(
            [f if c is None else c for f, c in zip(found, given, strict=True)]  # pyright: ignore
        )

    def _largest_rate(self, cell: CellSystem, start: Array) -> Array:
        """What a layer can hold over the time that a sweep takes for RT/F, in mol/(m² s).

        It holds what is there at the start and what diffusion brings, at most a monolayer.
        """
        segments = cell.waveform.segments()
        thermal = gas_constant * cell.temperature / faraday
        slope = jnp.max(jnp.abs(segments.end - segments.start) / segments.duration) / thermal
        bulk = jnp.stack([s.concentration for s in self.cell.species.values()])
        supply = jnp.sum(bulk) * cell.scales.length / self.layer.saturation
        held = jnp.clip(jnp.sum(start) + supply, 0.0, 1.0)
        return jax.lax.stop_gradient(0.25 * self.layer.saturation * held * slope)


def _rescaled(cell: CellSystem, nodes: Array, rate: Array) -> tuple[CellSystem, Array]:
    """The cell in units in which neither its own largest rate nor `rate` is large."""
    old = cell.scales
    concentration = jnp.maximum(old.concentration, rate / old.velocity)
    ratio = old.concentration / concentration
    scales = Scales(concentration, old.length, old.time)
    cell = eqx.tree_at(
        lambda c: (c.scales, c.transport), cell, (scales, cell.transport.scaled(ratio))
    )
    return cell, nodes * ratio
