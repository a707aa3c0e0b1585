"""Potential programmes as functions of time."""

from ._base import AbstractWaveform as AbstractWaveform, Segments as Segments
from ._piecewise import PiecewiseLinear as PiecewiseLinear
from ._sweeps import CyclicSweep as CyclicSweep, LinearSweep as LinearSweep
