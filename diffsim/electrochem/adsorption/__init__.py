"""Adsorption at the electrode: isotherms, a layer of adsorbates, and the cell that has one."""

from ._isotherms import (
    AbstractIsotherm as AbstractIsotherm,
    Frumkin as Frumkin,
    Langmuir as Langmuir,
    Temkin as Temkin,
)
from ._layer import Adsorbate as Adsorbate, AdsorbedLayer as AdsorbedLayer
from ._voltammetry import AdsorptiveVoltammetry as AdsorptiveVoltammetry
