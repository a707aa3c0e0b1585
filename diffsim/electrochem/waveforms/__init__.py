"""Potential programmes as functions of time."""

from ._base import AbstractWaveform as AbstractWaveform, Segments as Segments
from ._measured import Measured as Measured
from ._ohmic import OhmicDrop as OhmicDrop
from ._piecewise import PiecewiseLinear as PiecewiseLinear
from ._pulses import (
    DifferentialPulse as DifferentialPulse,
    PulseCurrents as PulseCurrents,
    SquareWave as SquareWave,
)
from ._sinusoidal import Sinusoidal as Sinusoidal
from ._steps import (
    DoubleStep as DoubleStep,
    PotentialStep as PotentialStep,
    Staircase as Staircase,
)
from ._sweeps import CyclicSweep as CyclicSweep, LinearSweep as LinearSweep
