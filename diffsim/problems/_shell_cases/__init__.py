"""Validation cases of the thin shells, whose answers are known."""

from ._case import ShellCase as ShellCase
from ._small import small_cases as small_cases
from ._strips import strip_cases as strip_cases
