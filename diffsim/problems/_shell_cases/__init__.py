"""Validation cases of the thin shells, whose answers are known."""

from ._all import shell_cases as shell_cases
from ._case import ShellCase as ShellCase
