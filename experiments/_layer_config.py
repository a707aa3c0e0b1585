"""A layer of adsorbates in a configuration."""

from typing import Literal

from pydantic import Field, model_validator

from ._cell_config import LAWS
from ._schema import (
    ElectronVolt,
    MetrePerSecond,
    MolePerSquareMetre,
    PerSecond,
    PureNumber,
    Strict,
    Volt,
    nearest,
)

# Isotherm -> (class in `diffsim.electrochem`, its one field).
ISOTHERMS = {
    "langmuir": ("Langmuir", None),
    "frumkin": ("Frumkin", "interaction"),
    "temkin": ("Temkin", "heterogeneity"),
}


class Adsorbate(Strict):
    """A dissolved species that the electrode binds."""

    adsorption: MetrePerSecond
    desorption: PerSecond
    coverage: PureNumber | None = None


class Layer(Strict):
    """The block `adsorption`; with a `law`, the adsorbed couple reacts."""

    saturation: MolePerSquareMetre
    adsorbates: dict[str, Adsorbate] = Field(min_length=1)
    isotherm: Literal["langmuir", "frumkin", "temkin"] = "langmuir"
    interaction: PureNumber | None = None
    heterogeneity: PureNumber | None = None
    law: str | None = None
    k0: PerSecond | None = None
    alpha: PureNumber | None = None
    beta: PureNumber | None = None
    reorganisation_energy: ElectronVolt | None = None
    formal_potential: Volt | None = None

    @model_validator(mode="after")
    def _check(self):
        needed = ISOTHERMS[self.isotherm][1]
        for field in ("interaction", "heterogeneity"):
            if (getattr(self, field) is not None) != (field == needed):
                verb = "must be" if field == needed else "must not be"
                raise ValueError(f"{field} {verb} given with isotherm {self.isotherm}")
        if self.law is None and self._given_of_law():
            raise ValueError(f"law must be given with {', '.join(self._given_of_law())}")
        if self.law is not None and (self.law not in LAWS or self.law == "nernst"):
            known = [name for name in LAWS if name != "nernst"]
            raise ValueError(
                f"law must be one of {', '.join(known)} for adsorbates, but is {self.law!r}"
                f"{nearest(self.law, known)}"
            )
        if self.law is not None:
            missing = [f for f in LAWS[self.law][2] if getattr(self, f) is None]
            extra = [f for f in self._given_of_law() if f not in LAWS[self.law][1]]
            if missing or extra:
                wrong = f"lacks {missing}" if missing else f"has {extra}"
                raise ValueError(f"adsorption with law {self.law} {wrong}")
        return self

    def _given_of_law(self) -> list[str]:
        fields = ("k0", "alpha", "beta", "reorganisation_energy")
        return [name for name in fields if getattr(self, name) is not None]

    def kinetics(self) -> tuple[str, dict[str, float]] | None:
        """Class and arguments of the adsorbed couple's law."""
        if self.law is None:
            return None
        return LAWS[self.law][0], {name: getattr(self, name) for name in self._given_of_law()}

    def units(self) -> dict[str, str]:
        """Units of what may be fitted, by name."""
        units = {"saturation": "mol/m^2"}
        for name, adsorbate in self.adsorbates.items():
            units |= {f"adsorption[{name}]": "m/s", f"desorption[{name}]": "1/s"}
            if adsorbate.coverage is not None:
                units[f"coverage[{name}]"] = ""
        field = ISOTHERMS[self.isotherm][1]
        units |= {field: ""} if field else {}
        if self.formal_potential is not None:
            units["adsorbed_formal_potential"] = "V"
        if self.law is not None:
            _, fields, required = LAWS[self.law]
            kept = {*required, "alpha", *self._given_of_law()} & set(fields)
            units |= {f"adsorbed_{f}": "1/s" if f == "k0" else fields[f] for f in kept}
        return units
