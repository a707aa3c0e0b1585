"""Names for the parameters of a cell, so that a design space needs no hand-written lens."""

import dataclasses

import equinox as eqx
import jax
from jax.core import Tracer

from .._simulator import Leaf


def cell_lenses(cell: eqx.Module) -> dict[str, Leaf]:
    """Lenses by name for the array leaves of a `Voltammetry`.

    - Of an electrode reaction: `formal_potential` and the fields of its law (`k0`, `alpha`,
      ...), numbered `k0[1]`, `k0[2]` if there are several; of a chemical reaction likewise
      `forward` and `backward`.
    - Of a species: `diffusivity[Fe3+]`, `concentration[Fe3+]`; plain `diffusivity` ties all.
    - Of electrode, domain, circuit and baseline: their fields, the baseline's as
      `baseline_offset` and `baseline_slope`; and `temperature`.
    """
    lenses: dict[str, Leaf] = {"temperature": Leaf("temperature")}
    mechanism = cell.mechanism  # pyright: ignore
    for kind in ("electrode", "chemical"):
        steps = getattr(mechanism, kind)
        for i, step in enumerate(steps):
            suffix = f"[{i + 1}]" if len(steps) > 1 else ""
            path = f"mechanism.{kind}.{i}"
            lenses |= _fields(step, path, "", suffix)
            if kind == "electrode":
                lenses |= _fields(step.kinetics, f"{path}.kinetics", "", suffix)
    names = tuple(cell.species)  # pyright: ignore
    for field in ("diffusivity", "concentration"):
        for name in names:
            lenses[f"{field}[{name}]"] = Leaf(f"species.{name}.{field}")
    lenses["diffusivity"] = Leaf(*(f"species.{name}.diffusivity" for name in names))
    for part, prefix in (
        ("electrode", ""),
        ("domain", ""),
        ("circuit", ""),
        ("baseline", "baseline_"),
    ):
        lenses |= _fields(getattr(cell, part), part, prefix, "")
    return lenses


def _fields(module: eqx.Module, path: str, prefix: str, suffix: str) -> dict[str, Leaf]:
    """Lenses for the array fields of one module."""
    return {
        f"{prefix}{field.name}{suffix}": Leaf(f"{path}.{field.name}")
        for field in dataclasses.fields(module)  # pyright: ignore
        if isinstance(getattr(module, field.name), jax.Array | Tracer)
    }
