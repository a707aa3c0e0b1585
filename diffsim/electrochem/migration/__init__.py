"""Ions that migrate: weakly supported and unsupported solutions."""

from ._fields import (
    AbstractField as AbstractField,
    Electroneutral as Electroneutral,
    Poisson as Poisson,
)
from ._interface import (
    AbstractInterface as AbstractInterface,
    Stern as Stern,
    ZeroField as ZeroField,
)
from ._voltammetry import MigrationVoltammetry as MigrationVoltammetry
