"""Equilibria of a family of potentials Π(q; λ), followed along their path by its length."""

import abc
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from .._status import RESULTS, code, from_code
from .._types import BoolScalar, IntScalar, Scalar
from ._algebra import AbstractSymmetricMatrix
from ._newton import NewtonSettings
from ._potential import Potential


class Point(NamedTuple):
    """A state (n,) and its factor; also a direction or a change of both."""

    q: Float[Array, " n"]
    factor: Scalar


class AbstractFamily(eqx.Module):
    """Potentials that depend on one number, and the measure of the path of their equilibria."""

    @abc.abstractmethod
    def potential(self, factor: Scalar) -> Potential:
        """Π(·; λ), of one pattern whatever λ, without slant, loose elements or encounters."""

    @abc.abstractmethod
    def weights(self) -> Float[Array, " n"]:
        """The squared length of a change dq of the free unknowns is Σ weights·dq²."""

    @abc.abstractmethod
    def residual(self, point: Point, before: Point, value: Scalar) -> Scalar:
        """Zero where the path is to stop next, `before` being where it has stopped last; of either
        sign beside it, in the units of unknowns."""


class PathSettings(eqx.Module):
    """How a path is followed.

    **Fields:**

    - `newton`: when a point is found; `newton.max_steps` factorisations at most until the next one.
    - `first`: change of the factor in the first step; its sign is the direction.
    - `corrections`: Newton steps that a step of the path may take before it is halved, and that it
      should take.
    - `halvings`: of a step that fails, before the path is given up.
    """

    newton: NewtonSettings
    first: Float[Array, ""] = eqx.field(converter=jnp.asarray, default=0.1)
    corrections: tuple[int, int] = eqx.field(static=True, default=(12, 5))
    halvings: int = eqx.field(static=True, default=30)


class Reached(NamedTuple):
    """A point of the path, and what is known for going on from it.

    **Fields:** `tangent`: of length one, along the path; `arc`: length of the next step, zero if it
    must still be found; `stable`: whether the Hessian is positive definite; `result`; `steps`:
    factorisations; `residual`: the largest force left by the last correction.
    """

    point: Point
    tangent: Point
    arc: Scalar
    stable: BoolScalar
    result: RESULTS
    steps: IntScalar
    residual: Scalar


def begin(q: Float[Array, " n"], factor: Scalar) -> Reached:
    """Before the first step: there is no tangent yet."""
    zero, result = jnp.zeros(()), from_code(code(RESULTS.successful))
    nothing = Point(jnp.zeros_like(q), zero)
    return Reached(Point(q, factor), nothing, zero, jnp.asarray(True), result, jnp.asarray(0), zero)


class _State(NamedTuple):
    anchor: Point
    tangent: Point
    arc: Scalar
    stable: BoolScalar
    trial: Point
    guess: Point  # where the corrections of this step began
    stress: tuple[Float[Array, "_ _"], ...]
    settling: BoolScalar  # the start is made an equilibrium, at its factor
    fresh: BoolScalar  # the next step of the path begins
    landing: BoolScalar  # it is to end where the residual is zero
    landed: BoolScalar
    corrections: IntScalar
    halvings: IntScalar
    steps: IntScalar
    residual: Scalar
    done: BoolScalar
    failed: BoolScalar


# Of a step of the path: how far the corrections may lead from where the tangent pointed, and how
# much longer or shorter the next may be.
_ASIDE, _LONGER, _SHORTER = 0.5, 2.0, 0.5
# Of the largest diagonal entry.
_BESIDE = 1e-14


def follow(
    family: AbstractFamily, start: Reached, value: Scalar, settings: PathSettings
) -> Reached:
    """From an equilibrium (or, at first, near one) along the path to where `family.residual` is
    zero.

    Steps of the path are a predictor along the tangent and Newton's corrections in the plane
    normal to it (E. Riks, Int. J. Solids Struct. 15 (1979) 529); the last one has the residual as
    its constraint in place of the plane. Each linear problem is one factorisation for two right
    sides. The geometric stiffness takes the extrapolated stress, as in `mixed_newton`. The length
    of steps follows from the number of corrections, and is halved where these fail or lead aside.
    Steps end before a collision.

    Not differentiable; see `on_path`. Ends with `RESULTS.diverged` where no step succeeds.
    """
    weights, newton = family.weights(), settings.newton
    stop = lambda point: family.residual(_placed(family, point), start.point, value)
    begun = stop(start.point)

    def cond(state: _State):
        return ~(state.done | state.failed) & (state.steps < newton.max_steps)

    def body(state: _State) -> _State:
        potential = family.potential(state.trial.factor)
        exact = potential.stress(state.trial.q)
        pick = lambda own, kept: jnp.where(state.fresh, own, kept)
        stress = jax.tree.map(pick, exact, state.stress)
        matrix = potential.hessian(state.trial.q, stress)
        forces, pull = _forces(family, state.trial)
        _, definite = matrix.cholesky_solve(-forces)
        solve = _regular(matrix, pull).solver()
        back, along = jax.vmap(solve)(jnp.stack([-forces, -pull]))
        before, state = state.trial, state._replace(steps=state.steps + 1)
        state = jax.lax.cond(state.fresh, predicted, corrected, state, back, along, definite)
        return state._replace(stress=_extrapolated(family, before, state.trial))

    def predicted(state: _State, back, along, stable) -> _State:
        length = jnp.sqrt(jnp.sum(weights * along**2))
        first = ~jnp.any(state.tangent.q != 0)
        ahead = jnp.where(first, settings.first, jnp.sum(weights * along * state.tangent.q))
        scale = jnp.where(ahead < 0, -1.0, 1.0) / length
        tangent = Point(scale * along, scale)
        arc = jnp.where(state.arc > 0, state.arc, jnp.abs(settings.first) * length)
        whole = _moved(state.anchor, arc, tangent)
        here, there = stop(state.anchor), stop(whole)
        part = here / (here - there)
        crossed = jnp.sign(here) != jnp.sign(begun)
        landing = crossed | ((part > 0) & (part <= 1)) | (begun == 0)
        part = jnp.where(begun == 0, 0.0, jnp.clip(part, -1.0, 1.0))
        trial, _ = _free(family, state.anchor, jnp.where(landing, part, 1.0) * arc, tangent)
        fine = _finite(trial)
        return state._replace(
            tangent=tangent,
            arc=arc,
            stable=stable,
            trial=trial,
            guess=trial,
            fresh=jnp.asarray(False),
            landing=landing,
            corrections=jnp.asarray(0),
            done=state.landed,
            failed=~fine & ~state.landed,
        )

    def corrected(state: _State, back, along, stable) -> _State:
        plane = lambda point: (
            jnp.sum(weights * state.tangent.q * (point.q - state.anchor.q)) - state.arc
        )
        constraint = lambda point: jax.lax.cond(state.landing, stop, plane, point)
        missing, slope = jax.value_and_grad(constraint)(state.trial)
        rate = -(missing + slope.q @ back) / (slope.q @ along + slope.factor)
        rate = jnp.where(state.settling, 0.0, rate)
        change = Point(back + rate * along, rate)
        trial, free = _free(family, state.trial, 1.0, change)
        forces = family.potential(trial.factor).gradient(trial.q)
        fine = _finite(trial) & jnp.all(jnp.isfinite(forces))
        residual = jnp.max(jnp.abs(forces))
        small = residual <= newton.force_tolerance
        small &= state.settling | (jnp.abs(constraint(trial)) <= newton.step_tolerance)
        short = free & (jnp.max(jnp.abs(change.q)) <= newton.step_tolerance)
        there = fine & (small | short)
        corrections = state.corrections + 1
        aside = jnp.sqrt(jnp.sum(weights * (trial.q - state.guess.q) ** 2))
        near = aside <= _ASIDE * state.arc
        # Landing from where the path has begun may be no step at all.
        near |= state.settling | (state.landing & (aside <= newton.step_tolerance))
        accepted = there & near
        long = ~state.settling & (corrections >= settings.corrections[0])
        refused = ~accepted & (~fine | there | long)
        wanted = jnp.sqrt(settings.corrections[1] / corrections)
        longer = state.arc * jnp.clip(wanted, _SHORTER, _LONGER)
        arc = jnp.where(accepted & ~state.landing & ~state.settling, longer, state.arc)
        arc = jnp.where(refused, 0.5 * state.arc, arc)
        halvings = jnp.where(refused, state.halvings + 1, jnp.where(accepted, 0, state.halvings))
        anchor = _chosen(accepted, trial, state.anchor)
        return state._replace(
            anchor=anchor,
            arc=arc,
            trial=_chosen(refused, anchor, trial),
            settling=state.settling & ~accepted,
            fresh=accepted | refused,
            landed=accepted & state.landing,
            corrections=corrections,
            halvings=halvings,
            residual=residual,
            failed=(halvings > settings.halvings) | (refused & state.settling),
        )

    point = _placed(family, start.point)
    stress = family.potential(point.factor).stress(point.q)
    no, zero, new = jnp.asarray(False), jnp.asarray(0), start.arc == 0
    failed = code(start.result) != code(RESULTS.successful)
    state = _State(
        *(point, start.tangent, start.arc, start.stable, point, point, stress),
        *(new, ~new, no, no, zero, zero, zero, jnp.asarray(jnp.inf), no, failed),
    )
    end = jax.lax.while_loop(cond, body, state)
    result = jnp.where(end.done, code(RESULTS.successful), code(RESULTS.diverged))
    found = end.anchor, end.tangent, end.arc, end.stable
    return Reached(*found, from_code(result), end.steps, end.residual)


def on_path(family: AbstractFamily, point: Point, before: Point, value: Scalar) -> Point:
    """`point`, which must solve ∂Π/∂q = 0 and `family.residual` = 0 together, with its derivatives
    with respect to the leaves of `family`, `before` and `value`.

    The bordered system is regular at limit points, where the Hessian is singular. One
    factorisation, four solves with it, in either mode. Derivatives with respect to the `point`
    given are zero.
    """
    found = _root(_Stop(family, before, value), jax.lax.stop_gradient(point))
    return _placed(family, found)


class _Stop(eqx.Module):
    """The equations of a point where the path stops."""

    family: AbstractFamily
    before: Point
    value: Scalar

    def __call__(self, point: Point) -> tuple[Float[Array, " n"], Scalar]:
        placed = _placed(self.family, point)
        forces = self.family.potential(point.factor).gradient(placed.q)
        return forces, self.family.residual(placed, self.before, self.value)


@eqx.filter_custom_jvp
def _root(stop: _Stop, point: Point) -> Point:
    return point


@_root.def_jvp
def _root_jvp(primals, tangents):
    stop, point = primals
    change, _ = tangents
    _, (forces, missing) = eqx.filter_jvp(lambda s: s(point), (stop,), (change,))
    potential = stop.family.potential(point.factor)
    free, (_, pull) = potential.free, _forces(stop.family, point)
    slope = jax.grad(lambda p: stop(p)[1])(point)
    matrix = _regular(potential.hessian(point.q), pull)
    border = _Border(free, pull, slope.q, slope.factor)
    stiff = lambda v: jnp.where(free, jax.jvp(potential.gradient, (point.q,), (v,))[1], v)
    solve = jax.vmap(matrix.solver())
    turned = border.transposed()
    dq, rate = jax.lax.custom_linear_solve(
        lambda x: border.product(stiff, x),
        (-forces, -missing),
        lambda _, b: border.solve(stiff, solve, b),
        lambda _, b: turned.solve(stiff, solve, b),
    )
    return point, Point(jnp.where(free, dq, 0.0), rate)


class _Border(eqx.Module):
    """A symmetric matrix with a column to its right, a row below it and a number in the corner."""

    free: Bool[Array, " n"]
    column: Float[Array, " n"]
    row: Float[Array, " n"]
    corner: Scalar

    def transposed(self) -> "_Border":
        return _Border(self.free, self.row, self.column, self.corner)

    def product(self, stiff, x):
        return stiff(x[0]) + self.column * x[1], self.row @ x[0] + self.corner * x[1]

    def solve(self, stiff, solve, right):
        """By elimination of the block, and once more for what is left: near a limit point the
        matrix alone is almost singular."""
        found = self._eliminated(solve, right)
        left = jax.tree.map(jnp.subtract, right, self.product(stiff, found))
        return jax.tree.map(jnp.add, found, self._eliminated(solve, left))

    def _eliminated(self, solve, right):
        back, along = solve(jnp.stack([right[0], self.column]))
        rate = (right[1] - self.row @ back) / (self.corner - self.row @ along)
        return back - rate * along, rate


def _regular(matrix: AbstractSymmetricMatrix, pull: Float[Array, " n"]) -> AbstractSymmetricMatrix:
    """The matrix; where it is singular to the last digit, as at a limit point it may be, one beside
    it: with that the path has a direction, and a border corrects what is left."""
    singular = ~jnp.all(jnp.isfinite(matrix.solver()(pull)))
    return matrix.shifted(jnp.where(singular, _BESIDE, 0.0))


def _forces(family: AbstractFamily, point: Point) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
    """∂Π/∂q of the free unknowns and its derivative with respect to the factor."""
    slope = lambda factor: family.potential(factor).gradient(point.q)
    return jax.jvp(slope, (point.factor,), (jnp.ones(()),))


def _extrapolated(
    family: AbstractFamily, old: Point, new: Point
) -> tuple[Float[Array, "_ _"], ...]:
    """ψʹ + dψʹ of every element, as the problem linearised at `old` predicts it at `new`; that
    which obstacles have at `new`."""
    stress = lambda q, factor: family.potential(factor).stress(q)
    change = jax.tree.map(jnp.subtract, new, old)
    own, slope = jax.jvp(stress, (old.q, old.factor), (change.q, change.factor))
    batches = family.potential(new.factor).elements
    if not any(batch.obstructs for batch in batches):
        return jax.tree.map(jnp.add, own, slope)
    pieces = zip(batches, own, slope, stress(new.q, new.factor), strict=True)
    return tuple(there if b.obstructs else s + ds for b, s, ds, there in pieces)


def _moved(point: Point, length, along: Point) -> Point:
    return Point(point.q + length * along.q, point.factor + length * along.factor)


def _free(family: AbstractFamily, point: Point, length, along: Point) -> tuple[Point, BoolScalar]:
    """As far along as no obstacle is in the way, and whether that is all the way."""
    to = _placed(family, _moved(point, length, along))
    now, then = family.potential(point.factor), family.potential(to.factor)
    if not now.obstructed:
        return to, jnp.asarray(True)
    free = now.free_path(point.q, then, to.q)
    return _placed(family, _moved(point, free * length, along)), free == 1.0


def _placed(family: AbstractFamily, point: Point) -> Point:
    """With the held unknowns where this factor has them."""
    return Point(family.potential(point.factor).supported(point.q), point.factor)


def _finite(point: Point) -> BoolScalar:
    return jnp.all(jnp.isfinite(point.q)) & jnp.isfinite(point.factor)


def _chosen(which: BoolScalar, one: Point, other: Point) -> Point:
    return jax.tree.map(lambda a, b: jnp.where(which, a, b), one, other)
