"""Numbers with units, read once at the public door; inside, every number is in SI.

Only `quantity` and `unit_factor` know that there is a unit library (pint); its registry is built
when the first text is read, so that plain numbers cost nothing.
"""

import functools
import math
import numbers
import re
from decimal import Decimal
from typing import Any

_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(.*)", re.DOTALL)
_ALLOWED = re.compile(r"[A-Za-z0-9\sµμΩ°%·⋅/*^().⁺⁻⁰¹²³⁴-⁹_+-]{0,64}")
_POWER_OF_NUMBER = re.compile(r"\d\s*(\*\*|\^)")
_LETTER_POWER = re.compile(r"(?<=[A-Za-zµμΩ])(-?\d)")


class UnitError(ValueError):
    """A quantity that is no number, is not finite, or has an unknown unit or a wrong dimension."""


@functools.cache
def _registry() -> Any:
    import pint

    return pint.UnitRegistry()


def _tidy(unit: str) -> str:
    """Spell a unit the way pint reads it: "cm2 s-1" -> "cm**2 s**-1", "kOhm" -> "kohm"."""
    unit = unit.strip().replace("Ohm", "ohm").replace("μ", "µ").replace("⋅", "·")
    unit = "1" + unit if unit.startswith("/") else unit
    return _LETTER_POWER.sub(r"**\1", unit)


@functools.lru_cache(maxsize=512)
def _parse(unit: str) -> Any:
    """The pint unit of a text; the text may name units and powers, and can compute nothing."""
    import pint

    tidy = _tidy(unit)
    if not _ALLOWED.fullmatch(tidy) or _POWER_OF_NUMBER.search(tidy):
        raise UnitError("is not a unit")
    try:
        return _registry().parse_units(tidy)
    except pint.UndefinedUnitError as error:
        raise UnitError("is not a known unit") from error
    except Exception as error:  # pint's tokenizer raises many kinds on malformed text
        raise UnitError("is not a unit") from error


def _name(field: str) -> str:
    return field or "the quantity"


def _expected(unit: str) -> str:
    return f"in {unit} (or a unit of the same dimension)" if unit else "a pure number"


def _undo_rounding(factor: float) -> float:
    """pint multiplies prefixes in floats: 1 mM is 0.9999999999999999 mol/m3. A factor within a few
    roundings of a short decimal number is that number; others (rpm) stay as they are."""
    short = float(f"{factor:.12g}")
    return short if abs(short - factor) <= 4 * math.ulp(factor) else factor


@functools.lru_cache(maxsize=512)
def _convert(unit: str, target: str) -> tuple[float, float]:
    """Factor and offset that take a number in `unit` to `target`."""
    source, wanted = _parse(unit), _parse(target)
    if source.dimensionality != wanted.dimensionality:
        raise UnitError(f"has the dimension {source.dimensionality}")
    registry = _registry()
    zero, one = (registry.Quantity(x, source).to(wanted).magnitude for x in (0.0, 1.0))
    offset = float(zero)
    return _undo_rounding(float(one) - offset), offset


def unit_factor(unit: str, target: str, *, field: str = "") -> float:
    """The number that takes values in `unit` to values in `target`: 0.001 from "mV" to "V".

    **Raises:**

    - `UnitError` (a `ValueError`) naming `field` if the unit is unknown, of another dimension, or
        has a zero of its own (degrees Celsius).
    """
    try:
        factor, offset = _convert(unit, target)
        if offset:
            raise UnitError("has a zero of its own")
        return factor
    except UnitError as error:
        raise UnitError(
            f"{_name(field)} must be {_expected(target)}, but its unit {unit!r} {error}."
        ) from None


def _split(text: str, unit: str, field: str) -> tuple[str, str]:
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise UnitError(
            f"{_name(field)} must be {_expected(unit)}, but {text!r} does not begin with a number; "
            'write it like "50 mV/s".'
        )
    return match[1], match[2].strip()


def _from_text(text: str, unit: str, field: str) -> float:
    number, given = _split(text, unit, field)
    if not given:
        return float(number)
    try:
        factor, offset = _convert(given, unit)
    except UnitError as error:
        raise UnitError(
            f"{_name(field)} must be {_expected(unit)}, but it is {text!r}, and {given!r} {error}."
        ) from None
    if offset:
        return float(number) * factor + offset
    # Decimal multiplication rounds once: "1.715 uA" is the same float as "1.715e-6 A".
    return float(Decimal(number) * Decimal(repr(factor)))


def quantity(value: Any, unit: str = "", *, field: str = "") -> float:
    """Read a number, or a text with a unit, as a float in the unit that diffsim works in.

    !!! example

        ```python
        quantity("50 mV/s", "V/s", field="scan_rate")     # 0.05
        quantity("1e-3 cm2/s", "m^2/s")                   # 1e-07
        quantity("4.85 mM", "mol/m^3")                    # 4.85
        quantity("25 degC", "K")                          # 298.15
        quantity(0.05, "V/s")                             # 0.05: a plain number is in SI already
        ```

    **Arguments:**

    - `value`: a real number, a text ("50 mV/s"; a text without a unit counts as a plain number),
        or a pint quantity.
    - `unit`: the unit of the result, an SI unit (or "eV" for reorganisation energies); empty for a
        pure number.
    - `field`: the name the user knows the value by, for the message.

    **Raises:**

    - `UnitError` (a `ValueError`) naming the field, the value and the dimension expected, if the
        value is no finite number or its unit has another dimension.
    """
    if isinstance(value, str):
        result = _from_text(value, unit, field)
    elif hasattr(value, "units") and hasattr(value, "magnitude"):
        result = _from_text(f"{float(value.magnitude)!r} {value.units}", unit, field)
    elif _is_real(value):
        result = float(value)
    else:
        raise UnitError(
            f"{_name(field)} must be {_expected(unit)}, as a number or a text such as "
            f'"50 mV/s", but it is {value!r}.'
        )
    if not math.isfinite(result):
        raise UnitError(f"{_name(field)} must be finite, but it is {value!r}.")
    return result


def _is_real(value: Any) -> bool:
    """Whether the value is one real number: Python's, NumPy's, or an array of no axes."""
    if isinstance(value, numbers.Real):
        return not isinstance(value, bool)
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    return kind in ("i", "u", "f") and getattr(value, "shape", None) == ()
