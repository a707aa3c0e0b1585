"""Searches that see only a surrogate, made of diffsim's methods and kept in the unit cube."""

from ._ascent import GradientAscent as GradientAscent, NormalisedAscent as NormalisedAscent
from ._evolution import EvolutionSearch as EvolutionSearch
from ._interface import (
    AbstractSearch as AbstractSearch,
    Designs as Designs,
    promised as promised,
)
from ._problem import (
    Calibration as Calibration,
    SurrogateSimulator as SurrogateSimulator,
    surrogate_problem as surrogate_problem,
)
from ._reinforce import Reinforce as Reinforce
from ._searches import (
    Ascent as Ascent,
    Sampling as Sampling,
    Stay as Stay,
    propose as propose,
)
