"""Names, units and numbers the way they are printed."""

import math
import re

import numpy as np
from jaxtyping import Float

_SYMBOLS = {
    "k0": "k⁰",
    "alpha": "α",
    "beta": "β",
    "formal_potential": "E⁰′",
    "diffusivity": "D",
    "concentration": "c",
    "reorganisation_energy": "λ",
    "resistance": "R",
    "capacitance": "C",
    "temperature": "T",
    "surface_area": "A",
    "radius": "r",
}
_PREFIXES = {-15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M"}
_PREFIXABLE = ("A", "V", "s", "m", "ohm", "F", "W", "J", "Pa", "N")
_POWERS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def symbol(name: str) -> str:
    """ "diffusivity[Fe3+]" -> "D[Fe3+]", "k0@50 mV/s" -> "k⁰, 50 mV/s"; others as they are."""
    match = re.fullmatch(r"([A-Za-z_0-9]+?)(\[[^\]]*\])?(?:@(.*))?", name)
    if match is None:
        return name
    base, index, label = match[1], match[2] or "", match[3]
    own = _SYMBOLS.get(base, base.replace("_", " ")) + index
    return f"{own}, {label}" if label else own


def pretty_unit(unit: str) -> str:
    """ "m^2/s" -> "m² s⁻¹", "ohm" -> "Ω"; empty for a pure number."""
    if unit in ("", "1"):
        return ""
    parts = []
    for k, group in enumerate(re.split(r"/(?![^(]*\))", unit)):
        for factor in re.split(r"[\s*·]+", group.strip("()")):
            match = re.fullmatch(r"(.+?)\^?(-?\d+)?", factor)
            assert match is not None
            if match[1] == "1":
                continue
            power = int(match[2] or 1) * (-1 if k else 1)
            text = match[1].replace("ohm", "Ω")
            parts.append(text + ("" if power == 1 else str(power).translate(_POWERS)))
    return " ".join(parts)


def axis_label(name: str, unit: str) -> str:
    """ "Current / µA"; the bare name of a pure number."""
    shown = pretty_unit(unit)
    return f"{name} / {shown}" if shown else name


def prefixed(values: Float[np.ndarray, "..."], unit: str) -> tuple[float, str]:
    """The factor and the unit that bring the largest value to between 1 and 1000."""
    finite = np.abs(values[np.isfinite(values)])
    largest = float(finite.max()) if finite.size else 0.0
    if unit not in _PREFIXABLE or largest == 0.0:
        return 1.0, unit
    # The margin keeps 0.999 V from becoming 999 mV and 1.0 V from 1.0 V in the next figure.
    exponent = 3 * math.floor(math.log10(largest / 0.5) / 3)
    exponent = min(max(exponent, min(_PREFIXES)), max(_PREFIXES))
    return 10.0**-exponent, f"{_PREFIXES[exponent]}{unit}"


def number(value: float, digits: int = 4) -> str:
    """ "4.65 × 10⁻⁵": short, for tables and figures."""
    if not math.isfinite(value):
        return "∞" if value > 0 else ("−∞" if value < 0 else "–")
    if value == 0.0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:.{digits}g}".replace("-", "−")
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{mantissa} × 10{str(int(exponent)).translate(_POWERS)}".replace("-", "−")


def interval(value: float, low: float, high: float, digits: int = 3) -> str:
    """ "4.65 (3.95 to 5.47) × 10⁻⁵": value and ends share their power of ten."""
    ends = [v for v in (value, low, high) if math.isfinite(v) and v != 0.0]
    if not math.isfinite(value) or not ends:
        return number(value)
    power = math.floor(math.log10(abs(value))) if value else 0
    power = 0 if -3 <= power < 4 else power
    shown = [_significant(v / 10.0**power, value / 10.0**power, digits) for v in (value, low, high)]
    text = f"{shown[0]} ({shown[1]} to {shown[2]})"
    return f"{text} × 10{str(power).translate(_POWERS)}" if power else text


def _significant(value: float, against: float, digits: int) -> str:
    """As many decimals as `against` has with so many digits; more for narrow intervals."""
    if not math.isfinite(value):
        return number(value)
    size = math.floor(math.log10(abs(against))) if against else 0
    if abs(value) >= 1e4 * max(abs(against), 1e-300):
        return number(value, 2)
    return f"{value:.{max(digits - size, 0)}f}".replace("-", "−")


def p_value(p: float) -> str:
    """ "p = 0.23", "p < 10⁻⁶"."""
    if p >= 1e-3:
        return f"p = {p:.2g}"
    exponent = max(math.ceil(math.log10(max(p, 1e-300))), -300)
    return f"p < 10{str(exponent).translate(_POWERS)}"
