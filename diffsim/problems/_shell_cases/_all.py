"""All validation cases of the shells in one list."""

from ._case import ShellCase
from ._modes import mode_cases
from ._moving import moving_cases
from ._small import small_cases
from ._solids import solid_cases
from ._strips import strip_cases


def shell_cases() -> tuple[ShellCase, ...]:
    """Every case with a known answer, from linear theory to solids that slide."""
    return (*small_cases(), *mode_cases(), *strip_cases(), *moving_cases(), *solid_cases())
