"""A layer of adsorbates: data, not a solver."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from .._checks import check_positive, check_value, optional_parameter
from ..kinetics import AbstractKinetics
from ..kinetics._base import parameter
from ._isotherms import AbstractIsotherm, Langmuir

Number = Float[Array, "..."]


class Adsorbate(eqx.Module):
    """A dissolved species that the electrode binds.

        v = k_a c sites(θ) − Γ k_d activity(θ)      mol m⁻² s⁻¹

    so that K = k_a / (Γ k_d), in m³/mol.

    **Arguments:**

    - `adsorption`: k_a in m/s, positive.
    - `desorption`: k_d in 1/s, positive.
    - `coverage`: θ at the start; left out, it is at equilibrium with the bulk.
    """

    adsorption: Number = eqx.field(converter=parameter("adsorption", "m/s"))
    desorption: Number = eqx.field(converter=parameter("desorption", "1/s"))
    coverage: Number | None = eqx.field(default=None, converter=optional_parameter("coverage"))

    def __check_init__(self):
        check_positive(self, "adsorption", "m/s")
        check_positive(self, "desorption", "1/s")
        check_value(
            "Adsorbate", "coverage", self.coverage, "between 0 and 1", lambda v: (v >= 0) & (v <= 1)
        )


class AdsorbedLayer(eqx.Module):
    """Adsorbates on an electrode, and the electron transfer between them.

        Γ dθ_j/dt = v_j + ν_j r,   r = Γ (k_red activity_ox − k_ox activity_red)

    **Arguments:**

    - `saturation`: Γ in mol/m², the adsorbate of a full monolayer; 1e-6 to 1e-5 is usual.
    - `adsorbates`: `Adsorbate` by the name of the dissolved species.
    - `isotherm`: `Langmuir()`, `Frumkin(g)`, `Temkin(g)`.
    - `kinetics`: the law of the adsorbed couple, with a rate constant in 1/s; none if adsorbates
      do not react. The couple is that of the mechanism's one electrode reaction.
    - `formal_potential`: of the adsorbed couple in V. Left out, it follows from the cycle of
      adsorption and electron transfer: E⁰′ − (RT/nF) ln(K_ox/K_red).

    **Raises:** `ValueError` for no adsorbate, for coverages whose sum is over 1, and for a
    reversible law: coverages would then have no rates, give a large rate constant instead.

    Source: E. Laviron, J. Electroanal. Chem. 101 (1979) 19; A. J. Bard, L. R. Faulkner,
    Electrochemical Methods, 2nd ed. (2001), section 14.3.
    """

    saturation: Number = eqx.field(converter=parameter("saturation", "mol/m^2"))
    adsorbates: dict[str, Adsorbate]
    isotherm: AbstractIsotherm = Langmuir()
    kinetics: AbstractKinetics | None = None
    formal_potential: Number | None = eqx.field(
        default=None, converter=optional_parameter("formal_potential", "V")
    )

    def __check_init__(self):
        check_positive(self, "saturation", "mol/m2")
        if not self.adsorbates:
            raise ValueError("adsorbates of AdsorbedLayer must be at least one, but there is none.")
        if self.kinetics is not None and self.kinetics.reversible:
            raise ValueError(
                "kinetics of AdsorbedLayer must have a finite rate, but "
                f"{type(self.kinetics).__name__} has none: use ButlerVolmer with a large k0."
            )
        given = [a.coverage for a in self.adsorbates.values() if a.coverage is not None]
        if not any(isinstance(c, Tracer) for c in given):
            total = sum(float(np.max(c)) for c in given)
            if total > 1.0 + 1e-12:
                raise ValueError(
                    "coverages of AdsorbedLayer must sum to at most 1, a full layer, but their "
                    f"sum at the start is {total:g}."
                )

    def constants(self) -> tuple[Array, Array]:
        """k_a in m/s and k_d in 1/s of the adsorbates, (a,) each."""
        made = self.adsorbates.values()
        return jnp.stack([a.adsorption for a in made]), jnp.stack([a.desorption for a in made])
