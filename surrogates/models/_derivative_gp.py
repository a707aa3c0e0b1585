"""Gaussian processes that learn from derivatives as well, where a simulator gives them."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ._activations import Smoothness
from ._interface import kind_named
from ._kernels import RBF, AbstractKernel
from ._normalisation import Normalisation
from ._process import (
    AbstractProcess,
    conditioned,
    maximised,
    negative_log_likelihood,
    prior_of,
    thinned,
    unpacked,
)


class DerivativeProcess(AbstractProcess):
    """The posterior of a Gaussian process, given values at n designs and gradients at p of them.

    Derivatives of a Gaussian process are jointly normal with it. For k = σ² f(s) with
    s = Σ((a - b)/l)² and u = (a - b)/l²

        cov(g(a), ∂g(b)/∂b_j)          = -2 σ² f' u_j
        cov(∂g(a)/∂a_i, ∂g(b)/∂b_j)    = -σ² (4 f'' u_i u_j + 2 f' δ_ij/l_i²).

    E. Solak et al., NIPS 2003; C. E. Rasmussen, C. K. I. Williams (2006), section 9.4. One output.

    **Arguments:**

    - `log_noise`, `log_slope_noise`: logarithms of the variances of the noise of z-scored values
      and of their derivatives per z-score of the inputs.
    - `x` (n, d) of the unit cube, `y` (n, 1), `at` (p, d), `slopes` (p, d) in the unit cube.
    """

    kernel: AbstractKernel
    log_noise: Float[Array, ""]
    log_slope_noise: Float[Array, ""]
    inputs: Float[Array, "n d"]
    sloped: Float[Array, "p d"]
    factor: Float[Array, "q q"]
    weights: Float[Array, "q 1"]
    normalisation: Normalisation
    size: int = eqx.field(static=True)
    outputs: int = eqx.field(static=True)
    smoothness: Smoothness = eqx.field(static=True)

    def __init__(
        self,
        kernel: AbstractKernel,
        log_noise: Float[Array, ""],
        log_slope_noise: Float[Array, ""],
        normalisation: Normalisation,
        x: Float[Array, "n d"],
        y: Float[Array, "n 1"],
        at: Float[Array, "p d"],
        slopes: Float[Array, "p d"],
    ):
        self.kernel, self.normalisation = kernel, normalisation
        self.log_noise, self.log_slope_noise = log_noise, log_slope_noise
        self.inputs, self.sloped, targets = _standardised(normalisation, x, y, at, slopes)
        self.factor, self.weights = _condition(
            kernel, log_noise, log_slope_noise, self.inputs, self.sloped, targets
        )
        self.size, self.outputs, self.smoothness = x.shape[1], 1, "smooth"

    def _covariance(self, x: Float[Array, " d"]) -> Float[Array, " q"]:
        at = self.normalisation.inputs(x)[None]
        values, slopes = self.kernel(at, self.inputs), _value_slope(self.kernel, at, self.sloped)
        return jnp.concatenate([values[0], slopes[0]])

    def description(self) -> dict[str, Any]:
        (rows, size), sloped = self.inputs.shape, len(self.sloped)
        return {"kernel": type(self.kernel).__name__, "rows": rows, "sloped": sloped, "size": size}

    @classmethod
    def skeleton(cls, description: dict[str, Any]) -> "DerivativeProcess":
        rows, sloped, size = (int(description[name]) for name in ("rows", "sloped", "size"))
        kernel = kind_named(AbstractKernel, str(description["kernel"]))
        zero = jnp.asarray(0.0)
        return DerivativeProcess(
            kernel(jnp.zeros(size), zero),
            zero,
            zero,
            Normalisation.identity(size, 1),
            jnp.zeros((rows, size)),
            jnp.zeros((rows, 1)),
            jnp.zeros((sloped, size)),
            jnp.zeros((sloped, size)),
        )


def _standardised(normalisation, x, y, at, slopes):
    """(inputs, inputs with a slope, values followed by slopes (q, 1)), on the z-scored scales."""
    slopes = slopes * normalisation.x_scale / normalisation.y_scale
    targets = jnp.concatenate([normalisation.standardise(y), slopes.reshape(-1, 1)])
    inside = jax.vmap(normalisation.inputs)
    return inside(x), inside(at), targets


def _apart(kernel: AbstractKernel, one: Float[Array, "a d"], other: Float[Array, "b d"]):
    """(σ², f', f'', u (a, b, d)); distances by differences, exact where two points are one."""
    lengths = jnp.exp(kernel.log_lengths)
    apart = (one[:, None] - other[None]) / lengths
    first, second = kernel.derivatives(jnp.sum(apart**2, axis=-1))
    return jnp.exp(kernel.log_signal), first, second, apart / lengths


def _value_slope(kernel, one, other) -> Float[Array, "a bd"]:
    """Covariances of values at `one` with derivatives at `other`, by design, then by variable."""
    signal, first, _, u = _apart(kernel, one, other)
    return (-2.0 * signal * first[..., None] * u).reshape(len(one), -1)


def _slope_slope(kernel, at) -> Float[Array, "pd pd"]:
    """Covariances of derivatives at the same designs."""
    signal, first, second, u = _apart(kernel, at, at)
    same = jnp.diag(jnp.exp(-2.0 * kernel.log_lengths))
    blocks = 4.0 * second[..., None, None] * u[..., :, None] * u[..., None, :]
    blocks = -signal * (blocks + 2.0 * first[..., None, None] * same)
    count, size = at.shape
    return blocks.transpose(0, 2, 1, 3).reshape(count * size, count * size)


def _condition(kernel, log_noise, log_slope_noise, inputs, sloped, targets):
    """(Cholesky factor of the data's covariance, its inverse times the targets)."""
    across = _value_slope(kernel, inputs, sloped)
    covariance = jnp.block(
        [[kernel(inputs, inputs), across], [across.T, _slope_slope(kernel, sloped)]]
    )
    noise = jnp.concatenate(
        [
            jnp.full(len(inputs), jnp.exp(log_noise)),
            jnp.full(sloped.size, jnp.exp(log_slope_noise)),
        ]
    )
    return conditioned(covariance, noise, targets)


def fit_derivative_process(
    x: Float[Array | np.ndarray, "n d"],
    y: Float[Array | np.ndarray, "n m"],
    slopes: Float[Array | np.ndarray, "..."],
    *,
    kernel: type[AbstractKernel] = RBF,
    steps: int = 60,
    learning_rate: float = 0.1,
    most: int = 200,
    most_fitted: int = 60,
) -> DerivativeProcess:
    """A process whose settings maximise the posterior, by Adam, from values and true gradients.

    Its cost grows with the cube of n(1 + d): `most` designs are kept, and of their gradients those
    of `most_fitted` when the settings are sought, but all in the process itself. In either case
    they are the best half and an even choice of the others. Priors are those of
    `fit_gaussian_process`, the slopes' noise having that of the values.

    **Raises:** `ValueError` if the data are empty, not finite or constant, there is more than one
    output, or the slopes have another shape than the designs.
    """
    x, y, slopes = np.asarray(x, float), np.asarray(y, float), np.asarray(slopes, float)
    normalisation = Normalisation.of(x, y)
    if y.shape[1] != 1:
        raise ValueError(f"y must have one output, but has {y.shape[1]}.")
    if slopes.shape != x.shape or not np.all(np.isfinite(slopes)):
        raise ValueError(
            f"slopes must be finite and of shape {x.shape} as the designs, but have shape "
            f"{slopes.shape} and {np.sum(~np.isfinite(slopes))} that are not finite."
        )
    rows = thinned(y[:, 0], most)
    x, y, slopes = (jnp.asarray(a[rows]) for a in (x, y, slopes))
    some = thinned(np.asarray(y[:, 0]), most_fitted)
    inputs, sloped, targets = _standardised(normalisation, x, y, x[some], slopes[some])
    settings = _maximise(kernel, inputs, sloped, targets, steps, jnp.asarray(learning_rate))
    found, (log_noise, log_slope_noise) = unpacked(settings, kernel)
    return DerivativeProcess(found, log_noise, log_slope_noise, normalisation, x, y, x, slopes)


def _negative_log_posterior(settings, kind, inputs, sloped, targets) -> Float[Array, ""]:
    """Per datum, as `_gp` has it."""
    kernel, (log_noise, log_slope_noise) = unpacked(settings, kind)
    factor, weights = _condition(kernel, log_noise, log_slope_noise, inputs, sloped, targets)
    fit = negative_log_likelihood(factor, weights, targets)
    prior = prior_of(kernel.log_lengths, kernel.log_signal, log_noise, log_slope_noise)
    return (fit + prior) / len(targets)


@eqx.filter_jit
def _maximise(kind, inputs, sloped, targets, steps: int, learning_rate) -> Any:
    def objective(settings):
        return _negative_log_posterior(settings, kind, inputs, sloped, targets)

    return maximised(objective, inputs.shape[1], 2, steps, learning_rate)
