"""What the data do determine where single parameters are not: products of powers, by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from .._space import Log, Logit
from ._covariance import Covariance
from ._fit import Fit

# Exponents this close to a fraction with a small denominator are taken to be that.
_ROUND_TO = 0.015
_LARGEST_DENOMINATOR = 4
# Exponents smaller than this are left away.
_NEGLIGIBLE = 0.03


@dataclass(frozen=True)
class Combination:
    """An identified combination of parameters that are not identified alone.

    `text` names it: "A*C*sqrt(D)" if all its members are on logarithmic scales, otherwise a
    sum such as "ln(k0) + 38.9*E0". `exponents` holds its coefficients, for all parameters.
    """

    text: str
    members: tuple[str, ...]
    exponents: Float[np.ndarray, " d"]
    value: float
    low: float
    high: float
    is_product: bool


def combinations_of(fit: Fit, covariance: Covariance) -> list[Combination]:
    """The identified combinations among the parameters that null directions touch."""
    touched = np.flatnonzero(covariance.touched)
    null = covariance.directions[touched][:, covariance.null]
    if null.size == 0:
        return []
    found = []
    for row in reduce_rows(_complement(null)):
        # What is negligible is judged in the unit cube, where coefficients have no units.
        row = np.where(np.abs(row) < _NEGLIGIBLE * np.max(np.abs(row)), 0.0, row)
        exponents = np.zeros(fit.x.size)
        exponents[touched] = round_exponents(row / fit.spans[touched], _pivot(fit, touched, row))
        if np.count_nonzero(exponents) > 1:
            found.append(_combination(fit, covariance, exponents))
    return found


def _complement(null: Float[np.ndarray, "m k"]) -> Float[np.ndarray, "r m"]:
    """Rows orthogonal to every column of `null`, of which the near-dependent ones are one."""
    left, singular, _ = np.linalg.svd(null, full_matrices=True)
    rank = int(np.sum(singular > 1e-3 * singular[0])) if singular[0] > 0 else 0
    return left[:, rank:].T


def reduce_rows(rows: Float[np.ndarray, "r m"]) -> Float[np.ndarray, "r m"]:
    """Reduced row echelon form with the largest entry as pivot: the simplest spanning rows."""
    rows = rows.copy()
    for i in range(len(rows)):
        remaining = np.abs(rows[i:])
        k, j = np.unravel_index(np.argmax(remaining), remaining.shape)
        rows[[i, i + k]] = rows[[i + k, i]]
        rows[i] /= rows[i, j]
        for other in range(len(rows)):
            if other != i:
                rows[other] -= rows[other, j] * rows[i]
    return rows


def _pivot(fit: Fit, touched: Int[np.ndarray, " m"], row: Float[np.ndarray, " m"]) -> int | None:
    """The member whose coefficient is made 1: in a mixed sum the first logarithm, as its
    coefficient has no unit; None in a product, where it is the largest."""
    logarithmic = [isinstance(fit.space.scales[fit.names[i]], Log) for i in touched]
    members = np.flatnonzero(row)
    if all(logarithmic[j] for j in members) or not any(logarithmic[j] for j in members):
        return None
    return int(next(j for j in members if logarithmic[j]))


def round_exponents(
    row: Float[np.ndarray, " m"], pivot: int | None = None
) -> Float[np.ndarray, " m"]:
    """The pivot's exponent (by default the largest) 1; rational where all round well."""
    row = row / row[np.argmax(np.abs(row)) if pivot is None else pivot]
    fractions = [float(Fraction(float(e)).limit_denominator(_LARGEST_DENOMINATOR)) for e in row]
    # Not to zero: what is negligible has been dropped already.
    if np.all((np.abs(row - fractions) < _ROUND_TO) & ((row == 0) == (np.array(fractions) == 0))):
        row = np.array(fractions)
    return -row if pivot is None and np.sum(row) < 0 else row


def name_product(names: Sequence[str], exponents: Sequence[float] | np.ndarray) -> str:
    """ "A*C*sqrt(D)/B" for the exponents (1, 1, 1/2, -1) of A, C, D, B."""
    above = [_power(n, e) for n, e in zip(names, exponents, strict=True) if e > 0]
    below = [_power(n, -e) for n, e in zip(names, exponents, strict=True) if e < 0]
    return "/".join(["*".join(above) or "1", *below])


def _power(name: str, exponent: float) -> str:
    if exponent == 1:
        return name
    if exponent == 0.5:
        return f"sqrt({name})"
    fraction = Fraction(float(exponent)).limit_denominator(_LARGEST_DENOMINATOR)
    if float(fraction) != exponent:
        return f"{name}^{exponent:.2f}"
    return f"{name}^{fraction}" if fraction.denominator == 1 else f"{name}^({fraction})"


def _name_sum(fit: Fit, members: Int[np.ndarray, " m"], exponents: Float[np.ndarray, " d"]) -> str:
    text = ""
    for i in members:
        size = abs(exponents[i])
        term = _term(fit, int(i)) if size == 1 else f"{size:.3g}*{_term(fit, int(i))}"
        sign = "-" if exponents[i] < 0 else "+"
        text += f" {sign} {term}" if text else f"{'-' if sign == '-' else ''}{term}"
    return text


def _term(fit: Fit, i: int) -> str:
    name = fit.names[i]
    function = {Log: "ln", Logit: "logit"}.get(type(fit.space.scales[name]))
    return f"{function}({name})" if function else name


def _combination(fit: Fit, covariance: Covariance, exponents) -> Combination:
    """Name, value and interval of a combination."""
    members = np.flatnonzero(exponents)
    names = tuple(fit.names[i] for i in members)
    is_product = all(isinstance(fit.space.scales[name], Log) for name in names)
    physical = fit.physical(fit.x)
    warped = [
        float(fit.space.scales[name].warp(jnp.asarray(value)))
        for name, value in zip(fit.names, physical, strict=True)
    ]
    centre = float(exponents @ np.array(warped))
    noise, weights = covariance.noise, exponents * fit.spans
    deviation = np.sqrt(weights @ covariance.identified_covariance @ weights)
    factor = noise.corrected_half_width(covariance.confidence)
    half = deviation * factor / noise.scale if noise.scale > 0 else 0.0
    values = np.array([centre, centre - half, centre + half])
    value, low, high = map(float, np.exp(values) if is_product else values)
    text = (
        name_product(names, exponents[members])
        if is_product
        else _name_sum(fit, members, exponents)
    )
    return Combination(text, names, exponents, value, low, high, is_product)
