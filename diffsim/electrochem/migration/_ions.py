"""Ions on finite volumes: diffusion and migration between neighbouring nodes.

Everything is dimensionless: concentrations in c*, potentials Φ in RT/F, lengths in ℓ, time in the
duration of the experiment; potentials are counted from the bulk.
"""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Weight = Callable[[Array], Array]

# Below this the series of (eˣ − 1)/x is exact to 1e-16, above it the quotient is.
_SMALL = 1e-2


def growth(x: Array) -> Array:
    """(eˣ − 1)/x, with its derivatives, through x = 0."""
    small = jnp.abs(x) < _SMALL
    safe = jnp.where(small, 1.0, x)
    series = 1.0 + x / 2 * (1.0 + x / 3 * (1.0 + x / 4 * (1.0 + x / 5 * (1.0 + x / 6))))
    return jnp.where(small, series, jnp.expm1(safe) / safe)


def bernoulli(x: Array) -> Array:
    """x/(eˣ − 1): the field between two nodes is constant, their flux is exact for any drop."""
    return 1.0 / growth(x)


def mean(x: Array) -> Array:
    """1 − x/2: the mean of both concentrations migrates; linear in the potential."""
    return 1.0 - 0.5 * x


class FluxSlopes(NamedTuple):
    """Derivatives of the fluxes (m, n) through the outer faces by the concentrations on either
    side and by the rise of the potential."""

    left: Float[Array, "m n"]
    right: Float[Array, "m n"]
    rise: Float[Array, "m n"]


class Ions(eqx.Module):
    """All dissolved species, charged or not, on finite volumes before an electrode.

    The flux between two nodes is

        N = −D g (w(−z ΔΦ) c_right − w(z ΔΦ) c_left),    w(−x) = w(x) + x

    with a weight w: `bernoulli` (D. L. Scharfetter, H. K. Gummel, IEEE Trans. Electron Devices 16
    (1969) 64) or `mean`.

    **Fields:** `charges`; `diffusivity`, `bulk` (m,); `volumes` (n,); `conductances` g (n + 1,).
    """

    charges: tuple[int, ...] = eqx.field(static=True)
    diffusivity: Float[Array, " m"]
    bulk: Float[Array, " m"]
    volumes: Float[Array, " n"]
    conductances: Float[Array, " n_plus_1"]

    @property
    def z(self) -> Float[Array, "m 1"]:
        """Charges as a column."""
        return jnp.asarray(self.charges, float)[:, None]

    @property
    def mobility(self) -> Float[Array, "m n"]:
        """D g of the outer faces."""
        return self.diffusivity[:, None] * self.conductances[1:]

    def _sides(self, c: Array, potential: Array) -> tuple[Array, Array, Array]:
        """Concentrations left and right of the outer faces, and the rise of the potential."""
        right = jnp.concatenate([c[:, 1:], self.bulk[:, None]], axis=1)
        return c, right, jnp.diff(jnp.append(potential, 0.0))

    def _flux(self, weight: Weight, left: Array, right: Array, rise: Array) -> Array:
        drop = self.z * rise
        return self.mobility * (weight(drop) * (left - right) - drop * right)

    def fluxes(self, weight: Weight, c: Array, potential: Array) -> Float[Array, "m n"]:
        """Through the outer face of every cell, outwards."""
        return self._flux(weight, *self._sides(c, potential))

    def slopes(self, weight: Weight, c: Array, potential: Array) -> FluxSlopes:
        """Derivatives of `fluxes`."""
        left, right, rise = self._sides(c, potential)
        drop = self.z * rise
        here, by_drop = jax.jvp(weight, (drop,), (jnp.ones_like(drop),))
        migration = self.mobility * self.z * (by_drop * (left - right) - right)
        mobility = self.mobility
        return FluxSlopes(mobility * here, -mobility * (here + drop), migration)

    def change(self, fluxes: Float[Array, "m n"], production: Float[Array, " m"]) -> Array:
        """dc/dt from the fluxes and what the electrode produces."""
        inward = jnp.concatenate([production[:, None], fluxes[:, :-1]], axis=1)
        return (inward - fluxes) / self.volumes

    def surface(
        self, first: Float[Array, " m"], production: Float[Array, " m"], drop: Array
    ) -> Float[Array, " m"]:
        """Concentrations at the electrode, from those of the first node.

        `drop` is the potential of the first node less that of the surface.
        """
        x = self.z[:, 0] * drop
        resistance = 1.0 / (self.diffusivity * self.conductances[0])
        return first * jnp.exp(x) + resistance * production * growth(x)


def spread(slopes: FluxSlopes) -> tuple[list[Array], list[Array]]:
    """Bands (lower, diagonal, upper) of what flows in less what flows out of each cell: by the
    concentration of the same species (m, n), and by the potential (m, n)."""

    def inner(a):
        return jnp.concatenate([jnp.zeros_like(a[:, :1]), a[:, :-1]], axis=1)

    left, right, rise = slopes
    own = [inner(left), inner(right) - left, -right]
    through = [-inner(rise), inner(rise) + rise, -rise]
    return own, through
