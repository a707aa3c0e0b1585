"""The cell in a configuration: species, reactions, electrode, domain, circuit."""

from typing import Any, Literal

from pydantic import Field, PrivateAttr, model_validator

from ._light import parse_reaction, quantity
from ._schema import (
    Ampere,
    AmperePerVolt,
    ElectronVolt,
    FaradPerSquareMetre,
    Metre,
    MetrePerSecond,
    MolePerCubicMetre,
    Ohm,
    PerVolt,
    PerVoltSquared,
    PureNumber,
    RadianPerSecond,
    SquareMetre,
    SquareMetrePerSecond,
    Strict,
    Volt,
    nearest,
)

# Law -> (class in `diffsim.electrochem`, parameters with their units, those that must be given).
LAWS: dict[str, tuple[str, dict[str, str], tuple[str, ...]]] = {
    "nernst": ("Nernst", {}, ()),
    "butler_volmer": ("ButlerVolmer", {"k0": "m/s", "alpha": "", "beta": ""}, ("k0",)),
    "tafel": ("Tafel", {"k0": "m/s", "alpha": ""}, ("k0",)),
}
for _name, _class in (
    ("marcus_hush", "MarcusHush"),
    ("marcus_hush_chidsey", "MarcusHushChidsey"),
    ("asymptotic_marcus_hush_chidsey", "AsymptoticMarcusHushChidsey"),
):
    _fields = {"k0": "m/s", "reorganisation_energy": "eV"}
    LAWS[_name] = (_class, _fields, tuple(_fields))

# Shape -> (class or function in `diffsim.electrochem`, its fields with their units).
SHAPES: dict[str, tuple[str, dict[str, str]]] = {
    "disc": ("Disc", {"radius": "m"}),
    "planar_disc": ("PlanarDisc", {"radius": "m"}),
    "planar": ("Planar", {"surface_area": "m^2"}),
    "sphere": ("Sphere", {"radius": "m"}),
    "hemisphere": ("hemisphere", {"radius": "m"}),
    "cylinder": ("Cylinder", {"radius": "m", "length": "m"}),
}
_FLOW = {"rotation_rate": "rad/s", "kinematic_viscosity": "m^2/s"}
DOMAINS: dict[str, tuple[str, dict[str, str]]] = {
    "semi_infinite": ("SemiInfinite", {}),
    "diffusion_layer": ("DiffusionLayer", {"depth": "m"}),
    "thin_layer": ("ThinLayer", {"depth": "m"}),
    "levich": ("Levich", _FLOW),
    "von_karman": ("VonKarman", _FLOW),
}


class Species(Strict):
    """A dissolved species."""

    diffusivity: SquareMetrePerSecond
    concentration: MolePerCubicMetre = 0.0
    charge: int | None = None

    @model_validator(mode="after")
    def _check(self):
        if not self.diffusivity > 0:
            raise ValueError(f"diffusivity must be positive, but is {self.diffusivity:g} m2/s")
        if not self.concentration >= 0:
            raise ValueError(f"concentration must not be negative, but is {self.concentration:g}")
        return self


class Reaction(Strict):
    """A step: of the electrode (with a `law`), or in solution (with `forward`)."""

    reaction: str
    law: str | None = None
    formal_potential: Volt | None = None
    k0: MetrePerSecond | None = None
    alpha: PureNumber | None = None
    beta: PureNumber | None = None
    reorganisation_energy: ElectronVolt | None = None
    forward: float | str | None = None
    backward: float | str | None = None
    _equation: Any = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _check(self):
        self._equation = parse_reaction(self.reaction)
        given = {k for k in type(self).model_fields if getattr(self, k) is not None} - {"reaction"}
        if self._equation.electrons:
            self._check_electrode(given)
        else:
            self._check_chemical(given)
        return self

    def _check_electrode(self, given: set[str]) -> None:
        law = self.law or "butler_volmer"
        if law not in LAWS:
            raise ValueError(
                f"law must be one of {', '.join(LAWS)}, but is {law!r}{nearest(law, LAWS)}"
            )
        _, fields, required = LAWS[law]
        _refuse(given - {"law", "formal_potential", *fields}, f"with law {law}")
        _require({"formal_potential", *required} - given, f"with law {law}")
        if self.k0 is not None and not self.k0 > 0:
            raise ValueError(f"k0 must be positive, but is {self.k0:g} m/s")

    def _check_chemical(self, given: set[str]) -> None:
        _refuse(given - {"forward", "backward"}, f"for {self.reaction!r}, which has no electrons")
        _require({"forward"} - given, f"for {self.reaction!r}, which has no electrons")
        if self.backward is not None and not self._equation.reversible:
            raise ValueError(f"backward must not be given for {self.reaction!r}, written with '->'")
        for name, value in self.rates().items():
            if not value >= 0:
                raise ValueError(f"{name} must not be negative, but is {value:g}")

    @property
    def equation(self) -> Any:
        """The parsed reaction."""
        return self._equation

    @property
    def is_electrode(self) -> bool:
        """Whether electrons are transferred."""
        return bool(self._equation.electrons)

    def kinetics(self) -> tuple[str, dict[str, float]]:
        """Class and arguments of the kinetic law."""
        kind, fields, _ = LAWS[self.law or "butler_volmer"]
        return kind, {f: getattr(self, f) for f in fields if getattr(self, f) is not None}

    def units(self) -> dict[str, str]:
        """Units of what may be fitted, by name."""
        if self.is_electrode:
            _, fields, required = LAWS[self.law or "butler_volmer"]
            # An alpha left out stands at its default; a beta left out is 1 - alpha, no number.
            optional = {"alpha"} | ({"beta"} if self.beta is not None else set())
            kept = {f: u for f, u in fields.items() if f in required or f in optional}
            return {"formal_potential": "V"} | kept
        return {
            "forward": _rate_unit(self._equation.left),
            "backward": _rate_unit(self._equation.right),
        }

    def rates(self) -> dict[str, float]:
        """Rate constants of a step in solution, SI."""
        return {
            name: quantity(getattr(self, name), unit, field=name)
            for name, unit in self.units().items()
            if getattr(self, name) is not None
        }


def _rate_unit(side: dict[str, int]) -> str:
    order = sum(side.values())
    return "1/s" if order == 1 else f"(m^3/mol)^{order - 1}/s"


def _refuse(extra: set[str], where: str) -> None:
    if extra:
        raise ValueError(f"{', '.join(sorted(extra))} must not be given {where}")


def _require(missing: set[str], where: str) -> None:
    if missing:
        raise ValueError(f"{', '.join(sorted(missing))} must be given {where}, but is missing")


class Electrode(Strict):
    """Shape and size."""

    shape: Literal["disc", "planar_disc", "planar", "sphere", "hemisphere", "cylinder"]
    radius: Metre | None = None
    length: Metre | None = None
    surface_area: SquareMetre | None = None

    @model_validator(mode="after")
    def _check(self):
        _check_fields(self, SHAPES[self.shape][1], f"for a {self.shape}", "shape")
        return self

    def arguments(self) -> tuple[str, dict[str, float]]:
        """Class and arguments."""
        kind, fields = SHAPES[self.shape]
        return kind, {name: getattr(self, name) for name in fields}


class Domain(Strict):
    """How far the solution reaches."""

    kind: Literal["semi_infinite", "diffusion_layer", "thin_layer", "levich", "von_karman"] = (
        "semi_infinite"
    )
    depth: Metre | None = None
    rotation_rate: RadianPerSecond | None = None
    kinematic_viscosity: SquareMetrePerSecond | None = None

    @model_validator(mode="after")
    def _check(self):
        _check_fields(self, DOMAINS[self.kind][1], f"for a {self.kind} domain", "kind")
        return self

    def arguments(self) -> tuple[str, dict[str, float]]:
        """Class and arguments."""
        kind, fields = DOMAINS[self.kind]
        return kind, {name: getattr(self, name) for name in fields}


def _check_fields(model: Strict, fields: dict[str, str], where: str, kind: str) -> None:
    given = {k for k in type(model).model_fields if getattr(model, k) is not None} - {kind}
    _refuse(given - set(fields), where)
    _require(set(fields) - given, where)
    for name in fields:
        if not getattr(model, name) > 0:
            raise ValueError(f"{name} must be positive, but is {getattr(model, name):g}")


class Circuit(Strict):
    """Between potentiostat and interface."""

    resistance: Ohm = 0.0
    capacitance: FaradPerSquareMetre = 0.0
    capacitance_slope: PerVolt = 0.0
    capacitance_curvature: PerVoltSquared = 0.0
    reference_shift: Volt = 0.0

    @model_validator(mode="after")
    def _check(self):
        if not self.capacitance >= 0:
            raise ValueError(f"capacitance must not be negative, but is {self.capacitance:g} F/m2")
        return self


class Baseline(Strict):
    """A straight line that the instrument adds."""

    offset: Ampere = 0.0
    slope: AmperePerVolt = 0.0


class Numerics(Strict):
    """Grid and integrator; what is left out is their default."""

    tolerance: float | None = Field(default=None, gt=1e-12, lt=0.1)
    max_steps: int | None = Field(default=None, ge=16)
    cells: int | None = Field(default=None, ge=4)
