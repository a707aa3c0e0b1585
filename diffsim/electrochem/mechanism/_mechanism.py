"""A mechanism: steps in any number, checked for balance, as stoichiometric matrices."""

import difflib
from collections.abc import Mapping

import equinox as eqx
import numpy as np
import scipy

from ._parse import charge_of
from ._reactions import ChemicalReaction, ElectrodeReaction, Species


class Mechanism(eqx.Module):
    """The reactions of a cell: data, not a solver.

    `Mechanism(step, step, ...)` with `ElectrodeReaction`s and `ChemicalReaction`s in any
    order, or `Mechanism("Fe3+ + e- <=> Fe2+", kinetics=..., formal_potential=...)` for one.

    **Raises:** `ValueError` if no step transfers electrons, if charge is not balanced, or if
    no positive masses of the species can make the steps conserve mass ("A -> 2 A").
    """

    electrode: tuple[ElectrodeReaction, ...]
    chemical: tuple[ChemicalReaction, ...]

    def __init__(self, *steps, kinetics=None, formal_potential=None):
        if len(steps) == 1 and isinstance(steps[0], str):
            if kinetics is None or formal_potential is None:
                raise ValueError(
                    "a mechanism given as one text must also be given `kinetics` and "
                    "`formal_potential`."
                )
            steps = (ElectrodeReaction(steps[0], kinetics, formal_potential),)
        for step in steps:
            if not isinstance(step, ElectrodeReaction | ChemicalReaction):
                raise TypeError(
                    "a step must be an ElectrodeReaction or a ChemicalReaction, but one is "
                    f"{step!r}."
                )
        self.electrode = tuple(s for s in steps if isinstance(s, ElectrodeReaction))
        self.chemical = tuple(s for s in steps if isinstance(s, ChemicalReaction))
        if not self.electrode:
            raise ValueError("a mechanism must have an electrode reaction, but has none.")
        self._check_mass()

    @property
    def steps(self) -> tuple[ElectrodeReaction | ChemicalReaction, ...]:
        """All steps, electrode reactions first."""
        return (*self.electrode, *self.chemical)

    @property
    def species(self) -> tuple[str, ...]:
        """Names of the species in order of appearance; the order of every species axis."""
        return tuple(dict.fromkeys(n for step in self.steps for n in step.equation.species))

    def orders(self, step) -> tuple[np.ndarray, np.ndarray]:
        """Reaction orders (m,) of the left and the right side of a step."""
        left, right = step.equation.left, step.equation.right
        names = self.species
        return (
            np.array([left.get(n, 0) for n in names], float),
            np.array([right.get(n, 0) for n in names], float),
        )

    def stoichiometry(self, steps) -> np.ndarray:
        """Stoichiometric numbers (steps, m), products positive."""
        rows = [np.subtract(*self.orders(step)[::-1]) for step in steps]
        return np.array(rows).reshape(len(rows), len(self.species))

    def check_species(self, species: Mapping[str, Species]) -> None:
        """Check that exactly the species of the mechanism are given, and charge balance.

        **Raises:** `ValueError` naming the unknown or missing species, or the step that does
        not conserve charge.
        """
        for name in species:
            if name not in self.species:
                near = difflib.get_close_matches(name, self.species, n=1, cutoff=0.0)
                raise ValueError(
                    f"species must be among {list(self.species)}, but {name!r} is given; did "
                    f"you mean {near[0]!r}?"
                )
        missing = [name for name in self.species if name not in species]
        if missing:
            raise ValueError(f"species must hold all of the mechanism's, but lacks {missing}.")
        for step in self.steps:
            _check_charge(step, {name: species[name].charge for name in step.equation.species})

    def _check_mass(self) -> None:
        matrix = self.stoichiometry(self.steps)
        size = matrix.shape[1]
        found = scipy.optimize.linprog(
            np.ones(size), A_eq=matrix, b_eq=np.zeros(len(matrix)), bounds=[(1.0, None)] * size
        )
        if not found.success:
            texts = [step.equation.text for step in self.steps]
            raise ValueError(
                f"mass must be conserved, but no positive masses of {list(self.species)} make "
                f"{texts} do so."
            )


def _check_charge(step, given: Mapping[str, int | None]) -> None:
    """Charge balance of one step; unsigned names are neutral once any name is signed."""
    names = step.equation.species
    charges = {n: given[n] if given[n] is not None else charge_of(n) for n in names}
    if all(charge is None for charge in charges.values()):
        return
    left = sum((charges[n] or 0) * count for n, count in step.equation.left.items())
    right = sum((charges[n] or 0) * count for n, count in step.equation.right.items())
    if left - step.equation.electrons != right:
        raise ValueError(
            f"charge must be balanced, but {step.equation.text!r} has "
            f"{left - step.equation.electrons:+d} on the oxidised and {right:+d} on the reduced "
            "side (electrons included). Mend the reaction, or give Species(charge=...)."
        )
