"""What may be said of an arm, decided by rule."""

from typing import Literal

from ._across import Interval

Verdict = Literal["helps", "hurts", "no benefit shown", "equivalent"]


def verdict(
    effect: Interval, adjusted_p: float, over_best_control: Interval, equivalent: bool
) -> Verdict:
    """The wording rule of the comparison.

    "helps" only if the interval of the effect and the adjusted test exclude 0 *and* the arm beats
    the best control (early stopping, weight decay, SAM, placebo); "hurts" if they exclude it below.
    """
    significant = adjusted_p < 0.05
    if significant and effect.high < 0:
        return "hurts"
    if significant and effect.low > 0 and over_best_control.low > 0:
        return "helps"
    return "equivalent" if equivalent else "no benefit shown"
