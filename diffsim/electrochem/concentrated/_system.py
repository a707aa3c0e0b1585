"""The semi-discrete equations: finite volumes for the salt, a velocity that follows at once."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..._types import BoolScalar, Scalar
from ...constants import faraday
from ...solvers import AbstractBorderedSystem, AlgebraicMatrix, BlockMatrix, Bordered
from ._electrolyte import BinaryElectrolyte
from ._programme import CurrentProgramme


class Faces(NamedTuple):
    """At the n + 1 faces: concentration (mol/m³), flux in the solvent's frame (mol/(m² s))."""

    concentration: Float[Array, " n_plus_1"]
    flux: Float[Array, " n_plus_1"]


class PolarisationSystem(AbstractBorderedSystem):
    """Salt between two electrodes of its cation's metal, in units of `unit` (mol/m³); n cells.

        dc_j/dt = −(N_{j+½} − N_{j−½})/Δx,           N = J + c v,   N = i/F at both walls
        J       = −D χ ∂c/∂x + (i/F) t₊⁰             in the interior, i/F at both walls
        v_{j+½} = v_{j−½} − V̄(c_j) (J_{j+½} − J_{j−½}),   v = 0 at both walls

    Fluxes leave one cell as they enter the next, so that the salt is kept to round-off.
    """

    electrolyte: BinaryElectrolyte
    programme: CurrentProgramme
    width: Scalar
    unit: Scalar

    def during(self, t: Scalar) -> "PolarisationSystem":
        return self

    def enter(self, t: Scalar, state: Bordered, jumped: BoolScalar) -> Bordered:
        return state

    def mass(self) -> Float[Array, " k"]:
        return jnp.zeros(0)

    def relative_flux(self, left: Array, right: Array, density: Scalar) -> Array:
        """J between the centres of two cells, for a current density in A/m²."""
        c = 0.5 * (left + right)
        diffusion = self.electrolyte.effective_diffusivity(c) * (right - left) / self.width
        return density / faraday * self.electrolyte.transference(c) - diffusion

    def _faces(self, c: Float[Array, " n"], density: Scalar) -> Faces:
        wall = (density / faraday)[None]
        inner = self.relative_flux(c[:-1], c[1:], density)
        mean = jnp.concatenate([c[:1], 0.5 * (c[:-1] + c[1:]), c[-1:]])
        return Faces(mean, jnp.concatenate([wall, inner, wall]))

    def velocity(self, t: Scalar, c: Float[Array, " n"]) -> Float[Array, " n_plus_1"]:
        """Of the solvent in m/s at the faces.

        The last entry is what the volume of mixing would push out at the far wall; it is
        not zero unless V̄ is constant, and no flux knows of it.
        """
        faces = self._faces(c, self.programme.density(t))
        steps = self.electrolyte.salt_volume(c) * jnp.diff(faces.flux)
        return jnp.concatenate([jnp.zeros(1), -jnp.cumsum(steps)])

    def field(self, t: Scalar, state: Bordered) -> Bordered:
        c = state.nodes[0] * self.unit
        faces = self._faces(c, self.programme.density(t))
        velocity = self.velocity(t, c).at[-1].set(0.0)
        rate = -jnp.diff(faces.flux + faces.concentration * velocity) / self.width
        return Bordered(rate[None] / self.unit, state.border)

    def linearise(self, t: Scalar, state: Bordered) -> tuple[AlgebraicMatrix, Bordered]:
        c = state.nodes[0] * self.unit
        density = self.programme.density(t)
        by_left, by_right = jax.vmap(
            jax.grad(self.relative_flux, argnums=(0, 1)), in_axes=(0, 0, None)
        )(c[:-1], c[1:], density)
        _, slope = jax.jvp(lambda t: self.field(t, state).nodes, (t,), (jnp.ones_like(t),))
        whole = self._blocks(t, c, by_left, by_right)
        return AlgebraicMatrix(whole), Bordered(slope, jnp.zeros(0))  # pyright: ignore

    def _blocks(self, t: Scalar, c: Array, by_left: Array, by_right: Array) -> BlockMatrix:
        """Derivatives by (c_j/unit, w_j), w_j being the velocity at the far face of cell j.

        Rows: dc_j/dt/unit, and the balance w_{j−1} − w_j − V̄_j (J_{j+½} − J_{j−½}) = 0.
        """
        zero = jnp.zeros(1)
        faces = self._faces(c, self.programme.density(t))
        velocity = self.velocity(t, c)
        volume, bend = jax.jvp(self.electrolyte.salt_volume, (c,), (jnp.ones_like(c),))
        drift = 0.5 * velocity[1:-1]

        def spread(left, right):
            """Bands of the difference over each cell of a flux with these derivatives."""
            near, far = jnp.concatenate([left, zero]), jnp.concatenate([right, zero])
            enter_left, enter_right = jnp.concatenate([zero, left]), jnp.concatenate([zero, right])
            return -enter_left, near - enter_right, far

        salt = [-band / self.width for band in spread(by_left + drift, by_right + drift)]
        push = [-volume * band * self.unit for band in spread(by_left, by_right)]
        push[1] = push[1] - self.unit * bend * jnp.diff(faces.flux)
        carried = faces.concentration[1:-1] / (self.width * self.unit)
        into, out = jnp.concatenate([zero, carried]), -jnp.concatenate([carried, zero])
        one, none = jnp.ones_like(c), jnp.zeros_like(c)

        def block(cc, cw, wc, ww):
            return jnp.stack([jnp.stack([cc, cw]), jnp.stack([wc, ww])])

        return BlockMatrix(
            block(salt[0], into, push[0], one),
            block(salt[1], out, push[1], -one),
            block(salt[2], none, push[2], none),
            jnp.zeros((2, 0)),
            jnp.zeros((0, 2)),
            jnp.zeros((0, 0)),
        )
