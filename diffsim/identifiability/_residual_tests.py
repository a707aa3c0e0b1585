"""Is the misfit noise, or has it a shape? Tests on the residuals of each experiment."""

from dataclasses import dataclass

import numpy as np
import scipy
from jaxtyping import Float, Int


@dataclass(frozen=True)
class ResidualTest:
    """Tests of one experiment's residuals, in their order.

    - `runs`, `expected_runs`, `runs_p_value`: Wald-Wolfowitz test on the signs; the p-value is
      of so few runs by chance.
    - `durbin_watson`: Σ(rᵢ₊₁ - rᵢ)²/Σrᵢ²: 2 for white noise, towards 0 for smooth residuals;
      `durbin_watson_p_value` from the normal limit 2 ± 2/√p.
    - `root_mean_square` of the scaled residuals.
    - `structured`: whether either p-value is below `level`.
    """

    group: int
    points: int
    runs: int
    expected_runs: float
    runs_p_value: float
    durbin_watson: float
    durbin_watson_p_value: float
    root_mean_square: float
    structured: bool


def residual_tests(
    residuals: Float[np.ndarray, " p"], group: Int[np.ndarray, " p"], *, level: float = 0.01
) -> list[ResidualTest]:
    """Test each experiment.

    A. Wald and J. Wolfowitz, Ann. Math. Stat. 11 (1940) 147-162. J. Durbin and G. S. Watson,
    Biometrika 37 (1950) 409-428.
    """
    return [_test(int(g), residuals[group == g], level) for g in np.unique(group)]


def _test(group: int, residuals: Float[np.ndarray, " p"], level: float) -> ResidualTest:
    runs, expected, p_runs = runs_test(residuals)
    watson, p_watson = durbin_watson(residuals)
    return ResidualTest(
        group=group,
        points=residuals.size,
        runs=runs,
        expected_runs=expected,
        runs_p_value=p_runs,
        durbin_watson=watson,
        durbin_watson_p_value=p_watson,
        root_mean_square=float(np.sqrt(np.mean(residuals**2))),
        structured=bool(min(p_runs, p_watson) < level),
    )


def runs_test(residuals: Float[np.ndarray, " p"]) -> tuple[int, float, float]:
    """Number of runs of equal sign, its expectation, and the p-value of so few."""
    signs = residuals[residuals != 0] > 0
    n, m = int(np.sum(signs)), int(np.sum(~signs))
    runs = 1 + int(np.sum(signs[1:] != signs[:-1])) if signs.size else 0
    if n + m < 3:
        return runs, float(runs), 1.0
    expected = 1 + 2 * n * m / (n + m)
    variance = (expected - 1) * (expected - 2) / (n + m - 1)
    if not variance > 0:
        # All of one sign: as structured as can be, if the points are enough to say so.
        return runs, expected, float(0.5 ** (n + m - 1))
    return runs, expected, float(scipy.special.ndtr((runs + 0.5 - expected) / np.sqrt(variance)))


def durbin_watson(residuals: Float[np.ndarray, " p"]) -> tuple[float, float]:
    """The statistic and the p-value of one so small, by its normal limit."""
    total = float(np.sum(residuals**2))
    if residuals.size < 3 or total == 0:
        return 2.0, 1.0
    statistic = float(np.sum(np.diff(residuals) ** 2) / total)
    return statistic, float(scipy.special.ndtr((statistic / 2 - 1) * np.sqrt(residuals.size)))
