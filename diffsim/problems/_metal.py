"""Kinetics of metal deposition from a polarisation curve."""

from typing import Literal

import numpy as np
from jaxtyping import Float

from .._objective import LeastSquares
from .._problem import Problem
from .._space import DesignSpace, Linear, Log
from ..electrochem import (
    AsymptoticMarcusHushChidsey,
    ButlerVolmer,
    MarcusHush,
    MarcusHushChidsey,
    MetalElectrode,
)

# Name in figures and tables -> the law with a neutral start.
METAL_LAWS = {
    "bv": ButlerVolmer(1.0, 0.5),
    "mh": MarcusHush(1.0, 0.3),
    "mhc": MarcusHushChidsey(1.0, 0.3),
    "asymptotic": AsymptoticMarcusHushChidsey(1.0, 0.3),
}

Residual = Literal["linear", "logarithmic"]
Column = Float[np.ndarray, " t"]


def metal_kinetics(
    overpotential: Column,
    current_density: Column,
    law: str = "mhc",
    residual: Residual = "linear",
    *,
    temperature: float = 298.0,
) -> Problem:
    """Exchange current density and one number of the law, from |j| against η.

    **Arguments:**

    - `overpotential` in V, `current_density` |j| in A/m², positive.
    - `law`: a name of `METAL_LAWS`. "bv" fits α in 0.05-0.95, the others λ in 0.05-1 eV
      (at 2 eV the closed approximation has a second minimum of its own).
    - `residual`: "linear" weighs differences of |j| alike, which the largest currents decide;
      "logarithmic" relative ones, which lets the small ones speak.

    **Raises:** `ValueError` for an unknown law or residual, or currents that are not positive.
    """
    if law not in METAL_LAWS:
        raise ValueError(f"law must be one of {', '.join(METAL_LAWS)}, but is {law!r}.")
    if residual not in ("linear", "logarithmic"):
        raise ValueError(f"residual must be linear or logarithmic, but is {residual!r}.")
    if not np.all(current_density > 0):
        raise ValueError(
            "current_density must be positive (its magnitude), but its minimum is "
            f"{np.min(current_density):g} A/m2."
        )
    if residual == "linear":
        scale = float(np.sqrt(np.mean(current_density**2)))
        objective = LeastSquares(current_density, scale, observable="magnitude")
    else:
        objective = LeastSquares(np.log(current_density), observable="log_magnitude")
    second = {
        "bv": {"alpha": Linear(0.05, 0.95)},
    }.get(law, {"reorganisation_energy": Log(0.05, 1.0, unit="eV")})
    space = DesignSpace({"exchange_current_density": Log(0.1, 1e4, unit="A/m2")} | second)
    electrode = MetalElectrode(METAL_LAWS[law], 50.0, temperature)
    return Problem(electrode, overpotential, space, objective, name=f"li_metal {law} {residual}")


def synthetic_metal_kinetics(seed: int = 0, noise: float = 0.03) -> dict[str, tuple]:
    """Two made-up electrolytes that obey Marcus, Hush and Chidsey: (η in V, |j| in A/m²) by name.

    j₀ 90 and 20 A/m², λ 0.22 and 0.21 eV; `noise` is relative.
    """
    random, made = np.random.default_rng(seed), {}
    for name, density, energy, count in (("ecdec", 90.0, 0.22, 13), ("pc", 20.0, 0.21, 6)):
        branch = np.linspace(0.25 / count, 0.25, count)
        eta = np.concatenate([-branch[::-1], branch])
        electrode = MetalElectrode(MarcusHushChidsey(1.0, energy), density, 298.0)
        clean = np.asarray(electrode(eta).values["magnitude"])
        made[name] = (eta, clean * (1.0 + noise * random.standard_normal(eta.size)))
    return made
