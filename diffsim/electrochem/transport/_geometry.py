"""Electrode geometries: how the area open to diffusion grows with the distance from the surface.

A geometry is a relative area a(x) with a(0) = 1, given by its two integrals, so that the finite
volumes have exact steady-state resistances on any grid.
"""

import abc
import math
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from .._checks import check_positive_fields
from ..kinetics._base import parameter

Positive = Float[Array, "..."]


class AbstractGeometry(eqx.Module):
    """Shape of an electrode and of the diffusion field before it.

    **Class attributes:** `least_cells`, the finite volumes that a current right to 1e-4 needs:
    few where the scheme converges spectrally, more where only with second order (measured).
    """

    least_cells: ClassVar[int] = 24

    @property
    @abc.abstractmethod
    def area(self) -> Array:
        """Area of the electrode in m²."""

    @abc.abstractmethod
    def contents(self, x: ArrayLike) -> Array:
        """∫₀ˣ a dx′ in m, for x in m."""

    @abc.abstractmethod
    def resistance(self, x: ArrayLike) -> Array:
        """∫₀ˣ dx′ / a in m, for x in m."""

    def __check_init__(self):
        check_positive_fields(self)


class Planar(AbstractGeometry):
    """Linear diffusion to a plane; a = 1.

    **Arguments:** `surface_area` in m².
    """

    surface_area: Positive = eqx.field(converter=parameter("surface_area"))

    @property
    def area(self) -> Array:
        return self.surface_area

    def contents(self, x: ArrayLike) -> Array:
        return jnp.asarray(x)

    def resistance(self, x: ArrayLike) -> Array:
        return jnp.asarray(x)


class PlanarDisc(AbstractGeometry):
    """A disc so large that diffusion to its edge may be neglected; a = 1.

    **Arguments:** `radius` in m.
    """

    radius: Positive = eqx.field(converter=parameter("radius"))

    @property
    def area(self) -> Array:
        return math.pi * self.radius**2

    def contents(self, x: ArrayLike) -> Array:
        return jnp.asarray(x)

    def resistance(self, x: ArrayLike) -> Array:
        return jnp.asarray(x)


class Disc(AbstractGeometry):
    """An inlaid disc with diffusion to its edge, from macro- to microdisc.

    The two-dimensional field is replaced by a one-dimensional one with the area

        a(x) = 1 + 2 x/r + 2 (x/r)²

    which is exact in both limits: a′(0)/2 = 1/r is the first edge term of the short-time
    expansion of the disc, ∫₀^∞ dx/a = π r/4 gives the steady current 4nFDcr, and far away
    π r² a → 2πx² is a hemisphere. In between the current after a step is up to 1.4 % too high,
    worst at Dt/r² = 0.5 (0.1 % at 4e-3 and at 60; measured against `analytic.disc_step_exact`).

    **Arguments:** `radius` in m.

    Sources for the limits: K. B. Oldham, J. Electroanal. Chem. 122 (1981) 1; Y. Saito,
    Rev. Polarogr. 15 (1968) 177; D. Shoup, A. Szabo, J. Electroanal. Chem. 140 (1982) 237.
    """

    least_cells: ClassVar[int] = 32

    radius: Positive = eqx.field(converter=parameter("radius"))

    @property
    def area(self) -> Array:
        return math.pi * self.radius**2

    def contents(self, x: ArrayLike) -> Array:
        u = jnp.asarray(x) / self.radius
        return self.radius * u * (1.0 + u + (2.0 / 3.0) * u**2)

    def resistance(self, x: ArrayLike) -> Array:
        # r (arctan(1 + 2u) - π/4), written without cancellation at small u.
        u = jnp.asarray(x) / self.radius
        return self.radius * jnp.arctan(u / (1.0 + u))


class Sphere(AbstractGeometry):
    """A sphere, or a hemisphere on an insulating plane; a = (1 + x/r)².

    **Arguments:**

    - `radius` in m.
    - `fraction`: the part of the full sphere that is there: 1, or 1/2 for a hemisphere.
    """

    radius: Positive = eqx.field(converter=parameter("radius"))
    fraction: float = eqx.field(static=True, default=1.0)

    @property
    def area(self) -> Array:
        return 4.0 * math.pi * self.fraction * self.radius**2

    def contents(self, x: ArrayLike) -> Array:
        u = jnp.asarray(x) / self.radius
        return self.radius * u * (1.0 + u + u**2 / 3.0)

    def resistance(self, x: ArrayLike) -> Array:
        u = jnp.asarray(x) / self.radius
        return self.radius * u / (1.0 + u)


class Cylinder(AbstractGeometry):
    """The mantle of a wire; a = 1 + x/r.

    **Arguments:** `radius`, `length` in m.
    """

    least_cells: ClassVar[int] = 48

    radius: Positive = eqx.field(converter=parameter("radius"))
    length: Positive = eqx.field(converter=parameter("length"))

    @property
    def area(self) -> Array:
        return 2.0 * math.pi * self.radius * self.length

    def contents(self, x: ArrayLike) -> Array:
        u = jnp.asarray(x) / self.radius
        return self.radius * u * (1.0 + 0.5 * u)

    def resistance(self, x: ArrayLike) -> Array:
        return self.radius * jnp.log1p(jnp.asarray(x) / self.radius)


def hemisphere(radius: ArrayLike) -> Sphere:
    """A hemisphere of the given radius (m) on an insulating plane."""
    return Sphere(radius, fraction=0.5)
