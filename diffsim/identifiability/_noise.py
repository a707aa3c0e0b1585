"""How large the noise is, judged from the misfit, and how many residuals are independent."""

from dataclasses import dataclass

import numpy as np
import scipy
from jaxtyping import Float, Int


@dataclass(frozen=True)
class Noise:
    """Scale of the residuals and what its estimate rests on.

    - `scale`: √(SSR / (p - d_eff)), d_eff being the number of identified directions.
    - `time`: integrated autocorrelation time τ of the residuals, in samples; 1 if they are
      white.
    - `freedom`: p - d_eff; `effective_freedom`: p/τ - d_eff.
    """

    scale: float
    time: float
    freedom: float
    effective_freedom: float

    def half_width(self, confidence: float) -> float:
        """Factor from 1/singular value to half an interval, as if residuals were white."""
        return self.scale * _quantile(confidence, self.freedom)

    def corrected_half_width(self, confidence: float) -> float:
        """The same with p/τ residuals in place of p: √τ wider, with fewer degrees of freedom."""
        return self.scale * np.sqrt(self.time) * _quantile(confidence, self.effective_freedom)


def estimate_noise(
    residuals: Float[np.ndarray, " p"], group: Int[np.ndarray, " p"], directions: int
) -> Noise:
    """Noise scale from the misfit after `directions` parameters were fitted.

    With no degree of freedom left nothing is known of the noise: the scale is infinite.
    """
    p, time = residuals.size, autocorrelation_time(residuals, group)
    freedom = p - directions
    scale = np.sqrt(residuals @ residuals / freedom) if freedom > 0 else np.inf
    return Noise(float(scale), time, float(freedom), max(p / time - directions, 1.0))


def autocorrelation_time(residuals: Float[np.ndarray, " p"], group: Int[np.ndarray, " p"]) -> float:
    """Integrated autocorrelation time, 1 + 2·Σρₖ, pooled over the experiments; at least 1.

    The sum ends at the first lag above 5τ (Sokal, in Functional Integration, 1997). The mean
    is not taken off: a residual should have none, and an offset is misfit too.
    """
    parts = [residuals[group == g] for g in np.unique(group)]
    longest = max(part.size for part in parts)
    products = np.zeros(longest)
    for part in parts:
        spectrum = np.fft.rfft(part, 2 * part.size)
        products[: part.size] += np.fft.irfft(np.abs(spectrum) ** 2)[: part.size]
    if not products[0] > 0:
        return 1.0
    time = 1.0
    for lag in range(1, longest):
        if lag > 5 * time:
            break
        time += 2 * products[lag] / products[0]
    return float(max(time, 1.0))


def _quantile(confidence: float, freedom: float) -> float:
    if not freedom > 0:
        return np.inf
    return float(scipy.special.stdtrit(freedom, 0.5 + confidence / 2))
