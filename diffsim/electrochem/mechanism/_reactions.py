"""Steps of a mechanism and the species that take part."""

import equinox as eqx
from jaxtyping import Array, Float

from .._checks import check_value
from ..kinetics import AbstractKinetics
from ..kinetics._base import parameter
from ._parse import ReactionText, parse_reaction


class Species(eqx.Module):
    """A dissolved species.

    **Arguments:**

    - `diffusivity`: in m²/s.
    - `concentration`: in the bulk, mol/m³ (equal to mM).
    - `charge`: only where its name does not tell.

    **Raises:** `ValueError` if the diffusivity is not positive or the concentration negative.
    """

    diffusivity: Float[Array, "..."] = eqx.field(converter=parameter("diffusivity"))
    concentration: Float[Array, "..."] = eqx.field(
        converter=parameter("concentration"), default=0.0
    )
    charge: int | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        check_value(
            "Species", "diffusivity", self.diffusivity, "positive, in m2/s", lambda v: v > 0
        )
        check_value(
            "Species", "concentration", self.concentration, "not negative", lambda v: v >= 0
        )


class ElectrodeReaction(eqx.Module):
    """A heterogeneous step, ox + n e⁻ ⇌ red, with its kinetic law.

    **Arguments:**

    - `text`: such as "Fe3+ + e- <=> Fe2+"; written either way round.
    - `kinetics`: the law.
    - `formal_potential`: E⁰′ in V against the reference of the measurement.
    """

    equation: ReactionText = eqx.field(static=True, converter=lambda text: parse_reaction(text))
    kinetics: AbstractKinetics
    formal_potential: Float[Array, "..."] = eqx.field(converter=parameter("formal_potential"))

    def __check_init__(self):
        if self.equation.electrons < 1:
            raise ValueError(
                f"an electrode reaction must transfer electrons, but {self.equation.text!r} does "
                "not: use ChemicalReaction."
            )
        if self.kinetics.single_electron and self.equation.electrons != 1:
            raise ValueError(
                f"electrons must be 1 for {type(self.kinetics).__name__}, but "
                f"{self.equation.text!r} transfers {self.equation.electrons}: write it as "
                "one-electron steps."
            )
        check_value(
            "ElectrodeReaction",
            "formal_potential",
            self.formal_potential,
            "between -10 and 10 V",
            lambda v: abs(v) < 10,
        )


class ChemicalReaction(eqx.Module):
    """A homogeneous step of mass-action kinetics.

    **Arguments:**

    - `text`: such as "A + B <=> C".
    - `forward`: rate constant in (mol/m³)^(1-order)/s; 1 /(M s) is 1e-3 m³/(mol s).
    - `backward`: likewise; not for "->".
    """

    equation: ReactionText = eqx.field(static=True, converter=lambda text: parse_reaction(text))
    forward: Float[Array, "..."] = eqx.field(converter=parameter("forward"))
    backward: Float[Array, "..."] = eqx.field(converter=parameter("backward"), default=0.0)

    def __check_init__(self):
        if self.equation.electrons:
            raise ValueError(
                f"a chemical reaction must not transfer electrons, but {self.equation.text!r} "
                "does: use ElectrodeReaction."
            )
        for name in ("forward", "backward"):
            value = getattr(self, name)
            check_value("ChemicalReaction", name, value, "not negative", lambda v: v >= 0)
        if not self.equation.reversible:
            check_value(
                "ChemicalReaction",
                "backward",
                self.backward,
                f"zero for {self.equation.text!r}, which is written with '->'",
                lambda v: v == 0,
            )
