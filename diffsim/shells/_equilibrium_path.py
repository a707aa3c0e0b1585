"""Static equilibrium beyond limit points: the load is an unknown, too."""

import abc
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from .._observables import Observables, observe
from .._simulator import AbstractLens, AbstractSimulator, Leaf
from .._status import code, from_code, is_successful
from .._types import Scalar
from ..solvers import AbstractFamily, PathSettings, Point, Potential, begin, follow, on_path
from ._equilibrium import at_rest_under, check_statics
from ._shell import Shell
from .mesh import AbstractMesh


class AbstractControl(eqx.Module):
    """What the inputs of an `EquilibriumPath` are: where on the path its points lie."""

    @abc.abstractmethod
    def missing(
        self,
        mesh: AbstractMesh,
        place: tuple[Float[Array, "v 3"], Scalar],
        before: tuple[Float[Array, "v 3"], Scalar],
        value: Scalar,
    ) -> Scalar:
        """Zero at the point of `value`, in m, from positions and factor there and at the last
        point."""

    def located(self, mesh: AbstractMesh) -> "AbstractControl":
        """The control with places (predicates) replaced by vertices of the mesh."""
        return self


class ByDistance(AbstractControl):
    """Each point at a given distance from the one before, √(mean |Δx|²) over vertices, in m."""

    def missing(self, mesh, place, before, value):
        moved = jnp.mean(jnp.sum((place[0] - before[0]) ** 2, axis=1))
        return 0.5 * (moved / value - value)


class ByDisplacement(AbstractControl):
    """Each point at a given mean displacement of the vertices `where` (a predicate of x, y, z, or
    indices) from rest, along `axis` ("x", "y" or "z"), in m.

    The path has such a point only if the displacement goes on growing (or falling) along it: where
    it turns back, take `ByDistance`.

    **Raises:** `ValueError` for another axis.
    """

    where: Any
    axis: str = eqx.field(static=True, default="z")

    def __check_init__(self):
        if self.axis not in ("x", "y", "z"):
            raise ValueError(f"axis must be x, y or z, but is {self.axis!r}.")

    def located(self, mesh: AbstractMesh) -> "ByDisplacement":
        return ByDisplacement(jnp.asarray(mesh.select(self.where)), self.axis)

    def missing(self, mesh, place, before, value):
        moved = (place[0] - mesh.positions)[self.where, "xyz".index(self.axis)]
        return jnp.mean(moved) - value


class ByFactor(AbstractControl):
    """Each point at a given load factor, as in `Equilibrium`: up to a limit point only."""

    def missing(self, mesh, place, before, value):
        return mesh.longest() * (place[1] - value)


class EquilibriumPath(AbstractSimulator):
    """The shapes in which a sheet is at rest, ∂Π/∂q (q, λ) = 0, along their path in (q, λ).

    Where a load has a maximum (snap-through) or the path turns back (snap-back), the load factor λ
    cannot be prescribed. Here it is an unknown, and the path is followed by its length.

    **Arguments:**

    - `shell`: a `Shell`; λ multiplies its loads and is the time of its supports' schedules.
    - `control`: where the points are, `ByDistance()` (default), `ByDisplacement(where, axis)` or
      `ByFactor()`.
    - `start`: (v, 3) positions near which the path begins; the rest shape by default.
    - `factor`: λ there.
    - `first`: change of λ in the first step; its sign says which way to go.
    - `tolerance`: of the last Newton step, relative to the size of the sheet.
    - `max_steps`: of Newton's method from one point to the next.

    **Call:** `path(values)` with the (t,) values of the control. The `Observables` are those of
    `Equilibrium`, with the "factor" (t,) found, and "stable" (t,): 1 where the Hessian at this
    load is positive definite, else 0. Of a stable sheet that becomes unstable, a limit point lies
    between if the factor begins to fall there; else it is a bifurcation, which the path goes
    straight through: give the mesh a small imperfection to buckle.

    Between two points the steps have a length of their own, which follows from how well Newton's
    method does; creases (`PlasticBending`) yield from point to point, as in `Equilibrium`.

    Derivatives, forward or reverse, are those of the points at the given values, by the
    implicit-function theorem for (q, λ) together: one factorisation a point, limit points included.
    With `ByDistance` each point depends on the one before, and so do its derivatives.

    **Raises:** `ValueError` as `Equilibrium` does, or for a `first` of zero.

    **Limits:** a point that is not found makes the result `RESULTS.diverged`; `stats` say which
    ("failed_point", 1 is the first), and with which largest force in N the last correction ended
    ("failed_residual"). "stable" is about the given load, and about motions that the
    mesh can make.
    """

    shell: Shell
    control: AbstractControl
    start: Float[Array, "v 3"] | None
    factor: float = eqx.field(static=True)
    first: float = eqx.field(static=True)
    tolerance: float = eqx.field(static=True)
    max_steps: int = eqx.field(static=True)

    adjoints: ClassVar = ("implicit",)
    batches: ClassVar = "in turn"

    def __init__(
        self,
        shell: Shell,
        control: AbstractControl | None = None,
        *,
        start=None,
        factor: float = 0.0,
        first: float = 0.1,
        tolerance: float = 1e-9,
        max_steps: int = 400,
    ):
        if not (np.isfinite(first) and first):
            raise ValueError(f"first must be a change of the factor, not zero, but is {first!r}.")
        checked = check_statics(shell, start, tolerance)
        self.start = None if start is None else checked
        self.shell = shell
        self.control = (ByDistance() if control is None else control).located(shell.mesh)
        self.factor, self.first = float(factor), float(first)
        self.tolerance, self.max_steps = tolerance, max_steps

    def lenses(self) -> dict[str, AbstractLens]:
        return {name: Leaf(f"shell.{path}") for name, path in self.shell.numbers().items()}

    def __call__(self, inputs: Float[Array, " t"]) -> Observables:
        values = jnp.asarray(inputs, float)
        newton = self.shell.settings(self.tolerance, self.max_steps)
        settings = PathSettings(newton, self.first)
        places = self.shell.mesh.positions if self.start is None else self.start
        started = begin(self.shell.unknowns(places), jnp.asarray(self.factor))

        def stop(carry, value):
            reached, before, memory = carry
            family = _Family(self.shell, self.control, memory)
            # The search is not differentiated.
            reached = reached._replace(point=before)
            reached = follow(*jax.lax.stop_gradient((family, reached, value)), settings)
            point = on_path(family, reached.point, before, value)
            memory = self.shell.remembered(point.q, point.factor, memory)
            return (reached, point, memory), (point, memory, reached)

        begun = (started, started.point, self.shell.fresh())
        _, (points, memory, reached) = jax.lax.scan(stop, begun, values)
        of = lambda q, factor, memory: at_rest_under(self.shell, q, factor, memory)
        observed = jax.vmap(of)(points.q, points.factor, memory)
        observed["stable"] = reached.stable.astype(float)
        found = is_successful(reached.result)
        first = jnp.argmin(found)
        stats = {
            "newton_steps": jnp.sum(reached.steps),
            "failed_point": jnp.where(jnp.all(found), 0, first + 1),
            "failed_residual": jnp.where(jnp.all(found), 0.0, reached.residual[first]),
        }
        result = from_code(code(reached.result)[jnp.where(jnp.all(found), 0, first)])
        return observe(observed, result, stats)


class _Family(AbstractFamily):
    """A shell under a load that grows, with the memory of its last point."""

    shell: Shell
    control: AbstractControl
    memory: PyTree

    def potential(self, factor: Scalar) -> Potential:
        potential = self.shell.potential(factor, factor, memory=self.memory)
        return self.shell.unslanted(potential)

    def weights(self) -> Float[Array, " n"]:
        count = self.shell.mesh.num_vertices
        return jnp.zeros(self.shell.size).at[: 3 * count].set(1.0 / count)

    def residual(self, point: Point, before: Point, value: Scalar) -> Scalar:
        place, last = ((self.shell.positions(p.q), p.factor) for p in (point, before))
        return self.control.missing(self.shell.mesh, place, last, value)
