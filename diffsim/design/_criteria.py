"""What makes an experiment good: one number of the information it gives."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.scipy.linalg import solve_triangular
from jaxtyping import Array, Float

from .._objective import AbstractObjective
from .._observables import Observables
from .._types import Scalar

Root = Float[Array, "q q"]


class AbstractCriterion(AbstractObjective):
    """The logarithm of a variance, to be made small, of the information RᵀR.

    All parameters are counted in edges of the unit cube of their design space: in parts of the
    range that is thought possible. Over several assumed points the mean of the logarithms is
    taken (the pseudo-Bayesian criterion: K. Chaloner, I. Verdinelli, Statist. Sci. 10 (1995) 273).
    Because it is a logarithm, exp of a difference of two values compares two designs: `efficiency`.
    """

    @abc.abstractmethod
    def log_variance(self, root: Root) -> Scalar:
        """Of one information matrix, given its upper triangular root."""

    def __call__(self, observables: Observables) -> Scalar:
        return jnp.mean(jax.vmap(self.log_variance)(observables.values["root"]))


class DOptimal(AbstractCriterion):
    """−ln det(I) / q: the geometric mean of the variances along the axes of the confidence
    ellipsoid, whose volume it makes least. Does not depend on units or scales."""

    def log_variance(self, root: Root) -> Scalar:
        return -2.0 * jnp.mean(jnp.log(jnp.abs(jnp.diagonal(root))))


class AOptimal(AbstractCriterion):
    """ln Σ wᵢ (I⁻¹)ᵢᵢ: the weighted sum of the variances of the parameters.

    **Arguments:** `weights`: not negative, one for each parameter of interest in their order; all 1
    if left out. With one 1 and zeros it is the variance of a single parameter.
    """

    weights: Float[Array, "..."] = eqx.field(converter=jnp.asarray, default=1.0)

    def __check_init__(self):
        if not isinstance(self.weights, Tracer) and hasattr(self.weights, "dtype"):
            weights = np.asarray(self.weights)
            if not (np.all(np.isfinite(weights) & (weights >= 0)) and np.any(weights > 0)):
                raise ValueError(
                    "weights of AOptimal must be finite, not negative and not all zero, but are "
                    f"{weights}."
                )

    def log_variance(self, root: Root) -> Scalar:
        inverse = solve_triangular(root, jnp.eye(root.shape[0]))
        return jnp.log(jnp.sum(self.weights * jnp.sum(inverse**2, axis=1)))


class COptimal(AbstractCriterion):
    """ln cᵀ I⁻¹ c: the variance of the linear combination `direction` of the parameters."""

    direction: Float[Array, " q"] = eqx.field(converter=jnp.asarray)

    def log_variance(self, root: Root) -> Scalar:
        return jnp.log(jnp.sum(solve_triangular(root, self.direction, trans=1) ** 2))


class EOptimal(AbstractCriterion):
    """−ln λ_min(I): the variance along the worst axis of the ellipsoid.

    It has a kink where the two worst axes change places; methods for smooth functions may stop
    there.
    """

    def log_variance(self, root: Root) -> Scalar:
        return -2.0 * jnp.log(jnp.linalg.svd(root, compute_uv=False)[-1])


def efficiency(value: float, best: float) -> float:
    """By what factor the best design needs fewer repetitions than one of this value.

    Variances fall as one over the number of repetitions, so exp(best − value), at most 1 if `best`
    is, is the part of the measurements that the best design would have needed.
    """
    return float(np.exp(best - value))
