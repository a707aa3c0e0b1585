"""Concentrated electrolytes: salt and moving solvent between two metal electrodes."""

from ._cell import PolarisationCell as PolarisationCell, Stepping as Stepping
from ._electrolyte import (
    AbstractSaltDiffusion as AbstractSaltDiffusion,
    BinaryElectrolyte as BinaryElectrolyte,
    Diffusivity as Diffusivity,
    TiedDiffusivity as TiedDiffusivity,
)
from ._laws import (
    AbstractConcentrationLaw as AbstractConcentrationLaw,
    Held as Held,
    Network as Network,
    Polynomial as Polynomial,
    Spline as Spline,
    Tabulated as Tabulated,
)
from ._misfit import RidgedError as RidgedError, Samples as Samples
from ._programme import CurrentProgramme as CurrentProgramme
