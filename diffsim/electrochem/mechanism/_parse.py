"""Reactions as text: "Fe3+ + e- <=> Fe2+", "2 H+ + 2 e- <=> H2", "A + B -> C"."""

import re
from typing import NamedTuple

ELECTRON = "e-"
_TERM = re.compile(r"^(?:(\d+)\s+)?(\S+)$")
_CHARGE = re.compile(r"^(?P<body>.*?)\^?(?P<number>\d*)(?P<sign>[+-])$")


class ReactionText(NamedTuple):
    """A parsed reaction: stoichiometric numbers by species, electrons apart."""

    text: str
    left: dict[str, int]
    right: dict[str, int]
    electrons: int
    reversible: bool

    @property
    def species(self) -> tuple[str, ...]:
        """Names in order of appearance."""
        return tuple(dict.fromkeys([*self.left, *self.right]))


def parse_reaction(text: str) -> ReactionText:
    """Read one reaction.

    Terms are separated by " + ", a coefficient is followed by a space, the arrow is "<=>" or
    "->", the electron is "e-". A reaction with electrons on its right is turned round, so that
    `left` is always the oxidised side.

    **Raises:** `ValueError` that quotes the reaction and the part that could not be read.
    """
    arrows = [arrow for arrow in ("<=>", "->") if arrow in text]
    if len(arrows) != 1 or text.count(arrows[0]) != 1:
        raise ValueError(f"a reaction must have one arrow, '<=>' or '->', but {text!r} has not.")
    reversible = arrows[0] == "<=>"
    left, right = (_side(side, text) for side in text.split(arrows[0]))
    electrons = left.pop(ELECTRON, 0) - right.pop(ELECTRON, 0)
    if not left or not right:
        raise ValueError(f"a reaction must have species on both sides, but {text!r} has not.")
    if electrons < 0:
        left, right, electrons = right, left, -electrons
    if left == right:
        raise ValueError(f"a reaction must change something, but {text!r} does not.")
    return ReactionText(text, left, right, electrons, reversible)


def _side(side: str, text: str) -> dict[str, int]:
    terms: dict[str, int] = {}
    for term in re.split(r"\s+\+\s+", side.strip()):
        match = _TERM.match(term.strip())
        if match is None:
            raise ValueError(
                f"a term must be a name or a whole number, a space and a name, but {term!r} in "
                f"{text!r} is not."
            )
        count, name = match.groups()
        if count == "0":
            raise ValueError(f"a coefficient must be positive, but {term!r} in {text!r} is not.")
        terms[name] = terms.get(name, 0) + int(count or 1)
    return terms


def charge_of(name: str) -> int | None:
    """The charge that a name carries ("Fe3+": 3, "Fc+": 1, "SO4^2-": -2), None if unsigned.

    Digits before the sign are read as the charge: write "NO3^-" for an ion whose formula
    ends in a digit, or give the charge with the species.
    """
    match = _CHARGE.match(name)
    if match is None or not match["body"]:
        return None
    number = 1 if "^" in name and not match["number"] else int(match["number"] or 1)
    return number if match["sign"] == "+" else -number
