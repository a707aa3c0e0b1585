"""Which parameters can be trusted, in words."""

import dataclasses
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ._combinations import Combination
from ._covariance import Covariance
from ._fit import AT_BOUND, Fit
from ._profile import Profile

VERDICTS = (
    "identified",
    "bounded_from_below",
    "bounded_from_above",
    "only_in_combination",
    "not_identified",
)
Kind = Literal[
    "identified",
    "bounded_from_below",
    "bounded_from_above",
    "only_in_combination",
    "not_identified",
]


@dataclass(frozen=True)
class Verdict:
    """What the data say of one parameter.

    `low` and `high` are the ends of its interval in physical units, infinite where there is
    none; `text` is the sentence for people.
    """

    name: str
    kind: Kind
    value: float
    low: float
    high: float
    text: str


def needs_profile(fit: Fit, covariance: Covariance, combinations: list[Combination]) -> list[str]:
    """Parameters for which a straight-line error bar says too little.

    They are those whose interval is infinite or leaves the box; and all of them if one is
    held at a bound, as the straight line then knows nothing of what the others could do if it
    came away. Not so for members of an identified combination: their profiles would only show
    where the other members hit their bounds.
    """
    combined = {name for combination in combinations for name in combination.members}
    half = covariance.corrected_half_width
    inside = (fit.x - half > 0) & (fit.x + half < 1) & np.all(fit.free)
    return [n for i, n in enumerate(fit.names) if not inside[i] and n not in combined]


def verdict_of(
    fit: Fit,
    covariance: Covariance,
    combinations: list[Combination],
    profile: Profile | None,
    i: int,
) -> Verdict:
    """Judge parameter `i`."""
    name = fit.names[i]
    unit, percent = fit.space.scales[name].unit, f"{100 * covariance.confidence:g} %"
    values = fit.physical(fit.x)
    own = [c for c in combinations if name in c.members]
    if own and profile is not None and _one_sided(profile):
        verdict = _profiled(fit, profile, float(values[i]), unit, percent, i)
        text = f"{verdict.text}, within the box of the others; {_combined(own, percent)}"
        return dataclasses.replace(verdict, text=text)
    if own:
        return Verdict(
            name, "only_in_combination", values[i], -np.inf, np.inf, _combined(own, percent)
        )
    if profile is not None:
        return _profiled(fit, profile, float(values[i]), unit, percent, i)
    half = covariance.corrected_half_width
    low, high = float(fit.physical(fit.x - half)[i]), float(fit.physical(fit.x + half)[i])
    if not np.isfinite(half[i]):
        text = "not identified: the data do not determine it"
        if not fit.free[i]:
            side = "lower" if fit.x[i] <= AT_BOUND else "upper"
            text = (
                f"not identified: the misfit pushes it against its {side} bound; its profile tells "
                "how far it may come away"
            )
        return Verdict(name, "not_identified", values[i], -np.inf, np.inf, text)
    text = f"identified: {interval_text(values[i], low, high, unit, percent)}"
    return Verdict(name, "identified", float(values[i]), low, high, text)


def _one_sided(profile: Profile) -> bool:
    """Whether the walk met the threshold on one side only."""
    return (profile.low_end == "threshold") != (profile.high_end == "threshold")


def interval_text(value: float, low: float, high: float, unit: str, percent: str) -> str:
    """ "1.092e-4 ± 0.031e-4 m/s (95 %)", or both ends where they lie unevenly."""
    below, above, unit = value - low, high - value, f" {unit}" if unit else ""
    if not (np.isfinite(low) and np.isfinite(high)):
        return f"{value:.4g}{unit} ({low:.4g} to {high:.4g}, {percent})"
    if abs(above - below) <= 0.1 * (above + below):
        return f"{value:.6g} ± {(above + below) / 2:.2g}{unit} ({percent})"
    return f"{value:.4g}{unit} ({low:.4g} to {high:.4g}, {percent})"


def _combined(combinations: list[Combination], percent: str) -> str:
    parts = []
    for c in combinations:
        what = "product" if c.is_product else "combination"
        value = interval_text(c.value, c.low, c.high, "", percent)
        parts.append(f"only the {what} {c.text} = {value} is")
    return f"not identified alone: {' and '.join(parts)}"


def _profiled(fit: Fit, profile: Profile, value: float, unit: str, percent: str, i: int) -> Verdict:
    """From the ends of the profile."""
    space = f" {unit}" if unit else ""
    low_found, high_found = profile.low_end == "threshold", profile.high_end == "threshold"
    low, high = profile.low, profile.high
    kind: Kind
    if low_found and high_found:
        kind = "identified"
        text = f"identified: {interval_text(value, low, high, unit, percent)}"
    elif low_found:
        kind = "bounded_from_below"
        text = f"bounded from below: at least {low:.3g}{space} ({percent})"
    elif high_found:
        kind = "bounded_from_above"
        text = f"bounded from above: at most {high:.3g}{space} ({percent})"
    else:
        kind = "not_identified"
        text = f"not identified: any value in the box fits ({percent})"
    text += _remarks(fit, profile, i)
    return Verdict(profile.name, kind, value, low, high, text)


def _remarks(fit: Fit, profile: Profile, i: int) -> str:
    remarks = ""
    if fit.x[i] <= AT_BOUND or fit.x[i] >= 1 - AT_BOUND:
        side = "lower" if fit.x[i] <= AT_BOUND else "upper"
        remarks += f"; the best fit is at its {side} bound"
    for end, side in ((profile.low_end, "below"), (profile.high_end, "above")):
        if end in ("failed", "limit"):
            remarks += f"; the profile {side} ended early ({end})"
    return remarks
