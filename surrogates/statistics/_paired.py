"""Paired comparison of two arms over seeds."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_paired


@dataclass(frozen=True)
class PairedEffect:
    """Mean difference (treated - control), its interval, and Wilcoxon's two-sided p."""

    mean: float
    low: float
    high: float
    p_value: float
    pairs: int


def _pairs(treated, control) -> tuple[np.ndarray, np.ndarray]:
    treated, control = np.asarray(treated, float), np.asarray(control, float)
    if treated.shape != control.shape or treated.ndim != 1 or treated.size < 2:
        raise ValueError(
            "treated and control must be paired scores of at least 2 seeds, but have shapes "
            f"{treated.shape} and {control.shape}."
        )
    if not (np.all(np.isfinite(treated)) and np.all(np.isfinite(control))):
        raise ValueError("scores must be finite, but are not throughout: count failures apart.")
    return treated, control


def paired_effect(
    treated: Float[np.ndarray, "..."],
    control: Float[np.ndarray, "..."],
    *,
    confidence: float = 0.95,
    seed: int = 0,
) -> PairedEffect:
    """The mean paired difference with a bootstrap interval (BCa) and Wilcoxon's signed-rank test.

    B. Efron, J. Am. Stat. Assoc. 82 (1987) 171. Where all differences are the same the interval
    is that point.

    **Raises:** `ValueError` for scores that are not paired or not finite.
    """
    treated, control = _pairs(treated, control)
    difference = treated - control
    if np.ptp(difference) == 0:
        p_value = 1.0 if difference[0] == 0 else float(2.0 ** (1 - difference.size))
        mean = float(difference[0])
        return PairedEffect(mean, mean, mean, p_value, difference.size)
    interval = stats.bootstrap(
        (difference,),
        np.mean,
        confidence_level=confidence,
        n_resamples=9999,
        method="BCa",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    p_value = float(stats.wilcoxon(difference, zero_method="zsplit")[1])  # pyright: ignore
    return PairedEffect(
        float(difference.mean()),
        float(interval.low),
        float(interval.high),
        p_value,
        difference.size,
    )


def holm(p_values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Holm's adjustment for several tests."""
    return np.asarray(multipletests(np.asarray(p_values, float), method="holm")[1])


def equivalence(
    treated: Float[np.ndarray, "..."], control: Float[np.ndarray, "..."], margin: float
) -> float:
    """p of the two one-sided tests that the paired difference is not within ±margin.

    Small: the arms are equivalent. D. Schuirmann, J. Pharmacokinet. Biopharm. 15 (1987) 657.

    **Raises:** `ValueError` for a margin that is not positive, or bad pairs.
    """
    if not margin > 0:
        raise ValueError(f"margin must be positive, but is {margin:g}.")
    treated, control = _pairs(treated, control)
    if np.ptp(treated - control) == 0:
        return 0.0 if abs(treated[0] - control[0]) < margin else 1.0
    return float(ttost_paired(treated, control, -margin, margin)[0])
