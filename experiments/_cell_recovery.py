"""The part of a configuration that describes a voltammetric cell, whatever is measured on it."""

from pydantic import Field

from ._asked_config import AbstractRecovery
from ._cell_config import Baseline, Circuit, Domain, Electrode, Numerics, Reaction, Species
from ._light import charge_of
from ._schema import Kelvin, nearest


class AbstractCellRecovery(AbstractRecovery):
    """A recovery of parameters of a cell."""

    species: dict[str, Species] = Field(min_length=1)
    reactions: tuple[Reaction, ...] = Field(min_length=1)
    electrode: Electrode
    domain: Domain = Domain()
    temperature: Kelvin = 298.15
    circuit: Circuit = Circuit()
    baseline: Baseline = Baseline()
    numerics: Numerics = Numerics()

    def check_cell(self) -> None:
        """Whether species, reactions, charges and temperature go together.

        **Raises:** `ValueError` naming the key.
        """
        named = dict.fromkeys(n for r in self.reactions for n in r.equation.species)
        for name in self.species:
            if name not in named:
                raise ValueError(
                    f"species must stand in a reaction, but {name!r} does not{nearest(name, named)}"
                )
        missing = [name for name in named if name not in self.species]
        if missing:
            raise ValueError(f"species must hold all of the reactions', but {missing} are missing")
        if not any(species.concentration > 0 for species in self.species.values()):
            raise ValueError("the concentration of at least one species must be positive")
        if self.temperature < 150 or self.temperature > 1500:
            raise ValueError(
                f"temperature must be between 150 and 1500 K, but is {self.temperature:g} K"
            )
        for reaction in self.reactions:
            self._check_charge(reaction)

    def _check_charge(self, reaction: Reaction) -> None:
        given = {name: self.species[name].charge for name in reaction.equation.species}
        charges = {n: charge_of(n) if c is None else c for n, c in given.items()}
        if all(charge is None for charge in charges.values()):
            return
        equation = reaction.equation
        left = sum((charges[n] or 0) * k for n, k in equation.left.items()) - equation.electrons
        right = sum((charges[n] or 0) * k for n, k in equation.right.items())
        if left != right:
            raise ValueError(
                f"charge must be balanced, but {reaction.reaction!r} has {left:+d} on one side and "
                f"{right:+d} on the other (electrons included)"
            )
