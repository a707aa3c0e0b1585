"""Which directions the data determine, and error bars that never hide the others."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from ._fit import Fit
from ._noise import Noise, estimate_noise

# A direction is not identified if its interval is longer than the box that was searched...
_LONGEST_HALF_WIDTH = 0.5
# ...or if its singular value is rounding error beside the largest.
_ROUNDING = 1e-10
# A parameter is touched by the null directions if this much of its axis lies in them.
_TOUCH = 0.05


@dataclass(frozen=True)
class Covariance:
    """Singular value analysis of the Jacobian in the unit cube.

    **Fields** (d: all parameters; f: those not held at a bound, in order)

    - `singular_values` (f,), `directions` (d, f): columns are right singular vectors.
    - `null` (f,): directions that are not identified.
    - `touched` (d,): parameters with a part in a null direction; their interval is infinite.
    - `covariance` (d, d) of the unit cube: infinite on the diagonal for touched parameters,
      NaN where a touched or a held one meets another: there is no such number. For the
      others it holds what the identified directions give, widened by how far the null
      directions could carry them across the box.
    - `correlation` (d, d): from all directions, so that a null direction shows as ±1.
    - `decrement`: by how much the half sum of squares would still fall if the identified
      directions were linear: 0 at an optimum.
    - `half_width`, `corrected_half_width` (d,): of the intervals at `confidence`, in the unit
      cube, for white residuals and for p/τ effective ones.
    """

    singular_values: Float[np.ndarray, " f"]
    directions: Float[np.ndarray, "d f"]
    null: Bool[np.ndarray, " f"]
    touched: Bool[np.ndarray, " d"]
    covariance: Float[np.ndarray, "d d"]
    correlation: Float[np.ndarray, "d d"]
    half_width: Float[np.ndarray, " d"]
    corrected_half_width: Float[np.ndarray, " d"]
    decrement: float
    confidence: float
    noise: Noise

    @property
    def identified_covariance(self) -> Float[np.ndarray, "d d"]:
        """Of the identified directions alone: for combinations of parameters, not for one."""
        kept = self.directions[:, ~self.null] / self.singular_values[~self.null]
        return self.noise.scale**2 * kept @ kept.T


def covariance_of(fit: Fit, *, confidence: float = 0.95) -> Covariance:
    """Analyse the fit; parameters held at a bound are conditioned on."""
    d = fit.x.size
    left, singular, rows = _decompose(fit.jacobian[:, fit.free])
    directions = np.zeros((d, rows.shape[0]))
    directions[fit.free] = rows.T
    noise = estimate_noise(fit.residuals, fit.group, int(np.sum(fit.free)))
    null = _null(singular, noise.corrected_half_width(confidence))
    if np.isfinite(noise.scale):
        # Directions that the data do not see are not fitted either.
        noise = estimate_noise(fit.residuals, fit.group, int(np.sum(~null)))
        null = _null(singular, noise.corrected_half_width(confidence))
    drift = np.sqrt(np.sum(directions[:, null] ** 2, axis=1))
    touched = drift >= _TOUCH
    widths = [
        _half_width(directions, singular, null, touched | ~fit.free, drift, factor)
        for factor in (noise.half_width(confidence), noise.corrected_half_width(confidence))
    ]
    return Covariance(
        singular_values=singular,
        directions=directions,
        null=null,
        touched=touched,
        covariance=_covariance(directions, singular, null, touched, fit.free, drift, noise.scale),
        correlation=_correlation(directions, singular, fit.free),
        half_width=widths[0],
        corrected_half_width=widths[1],
        decrement=0.5 * float(np.sum((left[:, ~null].T @ fit.residuals) ** 2)),
        confidence=confidence,
        noise=noise,
    )


def _decompose(jacobian: Float[np.ndarray, "p f"]):
    """Singular value decomposition with f triplets, also where there are fewer residuals."""
    p, f = jacobian.shape
    padded = np.concatenate([jacobian, np.zeros((max(0, f - p), f))])
    left, singular, rows = np.linalg.svd(padded, full_matrices=False)
    return left[:p], singular, rows


def _null(singular: Float[np.ndarray, " f"], factor: float) -> Bool[np.ndarray, " f"]:
    if singular.size == 0:
        return np.zeros(0, bool)
    rounding = singular <= _ROUNDING * singular[0]
    return rounding | ~(factor <= _LONGEST_HALF_WIDTH * singular)


def _half_width(directions, singular, null, infinite, drift, factor: float):
    scaled = directions[:, ~null] / singular[~null]
    if not np.isfinite(factor):
        return np.full(drift.size, np.inf)
    width = np.sqrt(factor**2 * np.sum(scaled**2, axis=1) + drift**2)
    return np.where(infinite, np.inf, width)


def _covariance(directions, singular, null, touched, free, drift, scale: float):
    kept = directions[:, ~null] / singular[~null]
    covariance = scale**2 * kept @ kept.T + np.diag(drift**2)
    unknown = touched | ~free
    covariance[unknown] = np.nan
    covariance[:, unknown] = np.nan
    covariance[touched, touched] = np.inf
    return covariance


def _correlation(directions, singular, free) -> Float[np.ndarray, "d d"]:
    largest = singular[0] if singular.size and singular[0] > 0 else 1.0
    scaled = directions / np.maximum(singular, 1e-14 * largest)
    covariance = scaled @ scaled.T
    deviation = np.sqrt(np.diag(covariance))
    deviation[~free] = np.nan
    return covariance / np.outer(deviation, deviation)
