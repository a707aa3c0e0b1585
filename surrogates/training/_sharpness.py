"""Surrogate sharpness: how far the mean prediction can be moved by a small change of the weights.

    h(w) = mean over designs (and outputs) of g(x; w), on the z-scored scale
    S_ρ(w) = max over ‖δ‖ <= ρ of h(w + δ) - h(w)  ≈  ρ ‖∇h(w)‖

M. Dao, T. Le Nguyen, D. Truong, T. N. Hoang, NeurIPS 2024 (IGNITE, 2503.04242). It needs no scores,
so that any designs will do. Sharpness-aware minimisation perturbs the loss instead.
"""

import abc
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PyTree

from ..models import AbstractSurrogate, split_weights

Scalar = Float[Array, ""]


def mean_prediction(model: AbstractSurrogate, x: Float[Array, "b d"]) -> Scalar:
    """h: the mean of the standardised predictions."""
    return jnp.mean(jax.vmap(model.standardised)(x))


def sharpness(
    model: AbstractSurrogate, x: Float[Array, "b d"], radius: float | int | Array
) -> Scalar:
    """First order in the radius: ρ ‖∇h‖, over all trainable weights."""
    return radius * optax.tree.norm(_slope(model, x)(split_weights(model)[0]))


def _slope(model: AbstractSurrogate, x: Float[Array, "b d"]):
    """The function weights -> ∇h."""
    rest = split_weights(model)[1]
    return jax.grad(lambda weights: mean_prediction(eqx.combine(weights, rest), x))


class AbstractCurvature(eqx.Module):
    """How the derivative of ‖∇h‖ is taken: H q/‖q‖ with q = ∇h and H the Hessian of h."""

    @abc.abstractmethod
    def __call__(self, slope, weights: PyTree) -> tuple[PyTree, Callable[[PyTree], PyTree]]:
        """(q, the function that makes H·unit of a unit vector), where `slope` is ∇h."""


class ExactCurvature(AbstractCurvature):
    """The Hessian's product by forward over reverse mode: for smooth models.

    The product is linear in its vector, and what it needs of h is kept from the pass that gives q.
    """

    def __call__(self, slope, weights: PyTree) -> tuple[PyTree, Callable[[PyTree], PyTree]]:
        return jax.linearize(slope, weights)


class FiniteStep(AbstractCurvature):
    """(∇h(w + r·unit) - ∇h(w))/r: crosses kinks that the Hessian does not know of.

    The published form. For piecewise linear models the Hessian is that of the pieces, and the
    product with it differs from what a step of r finds.
    """

    step: float | int | Array = 0.05

    def __call__(self, slope, weights: PyTree) -> tuple[PyTree, Callable[[PyTree], PyTree]]:
        q = slope(weights)

        def product(unit: PyTree) -> PyTree:
            def moved(w, u):
                return w + jnp.asarray(self.step, w.dtype) * u

            there = slope(jax.tree.map(moved, weights, unit))
            return jax.tree.map(lambda a, b: (a - b) / jnp.asarray(self.step, a.dtype), there, q)

        return q, product


def curvature_for(model: AbstractSurrogate, step: float | int | Array) -> AbstractCurvature:
    """The exact product for a model that declares itself smooth, else a finite step."""
    return ExactCurvature() if model.smoothness == "smooth" else FiniteStep(step)


def sharpness_and_gradient(
    model: AbstractSurrogate,
    x: Float[Array, "b d"],
    radius: float | int | Array,
    curvature: AbstractCurvature | None = None,
) -> tuple[Scalar, PyTree]:
    """(ρ‖∇h‖, its gradient in the weights), to be used with any Equinox model.

    Where ∇h vanishes the norm has no derivative; zero is returned for it.
    """
    weights, _ = split_weights(model)
    slope = _slope(model, x)
    curvature = curvature_for(model, radius) if curvature is None else curvature
    q, product = curvature(slope, weights)
    norm = optax.tree.norm(q)
    safe = jnp.where(norm > 0, norm, 1.0)
    unit = jax.tree.map(lambda leaf: leaf / safe.astype(leaf.dtype), q)
    gradient = jax.tree.map(lambda leaf: jnp.asarray(radius, leaf.dtype) * leaf, product(unit))
    return radius * norm, gradient
