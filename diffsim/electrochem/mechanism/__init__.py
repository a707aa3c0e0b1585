"""Mechanisms written as text."""

from ._mechanism import Mechanism as Mechanism
from ._parse import charge_of as charge_of, parse_reaction as parse_reaction
from ._reactions import (
    ChemicalReaction as ChemicalReaction,
    ElectrodeReaction as ElectrodeReaction,
    Species as Species,
)
