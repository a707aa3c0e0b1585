"""Voltammetric cells: mechanisms, kinetics, transport, waveforms and the simulators of them."""

from ._ac_voltammetry import ACVoltammetry as ACVoltammetry
from ._campaign import Campaign as Campaign
from ._circuit import Baseline as Baseline, Circuit as Circuit
from ._experiment import Experiment as Experiment
from ._harmonics import harmonics as harmonics
from ._impedance import Impedance as Impedance, SpectrumFit as SpectrumFit
from ._metal_electrode import MetalElectrode as MetalElectrode
from ._plan import Plan as Plan
from ._recovery import (
    ParameterRecovery as ParameterRecovery,
    fit_dataset as fit_dataset,
    restricted as restricted,
)
from ._spectra import Spectra as Spectra, SpectraFit as SpectraFit, Spectrum as Spectrum
from ._voltammetry import Integrator as Integrator, Voltammetry as Voltammetry
from ._weak_acid import WeakAcidReduction as WeakAcidReduction
from .adsorption import (
    AbstractIsotherm as AbstractIsotherm,
    Adsorbate as Adsorbate,
    AdsorbedLayer as AdsorbedLayer,
    AdsorptiveVoltammetry as AdsorptiveVoltammetry,
    Frumkin as Frumkin,
    Langmuir as Langmuir,
    Temkin as Temkin,
)
from .kinetics import (
    AbstractKinetics as AbstractKinetics,
    AsymptoticMarcusHushChidsey as AsymptoticMarcusHushChidsey,
    ButlerVolmer as ButlerVolmer,
    Inert as Inert,
    MarcusHush as MarcusHush,
    MarcusHushChidsey as MarcusHushChidsey,
    Nernst as Nernst,
    Tafel as Tafel,
)
from .mechanism import (
    ChemicalReaction as ChemicalReaction,
    ElectrodeReaction as ElectrodeReaction,
    Mechanism as Mechanism,
    Species as Species,
)
from .migration import (
    AbstractField as AbstractField,
    AbstractInterface as AbstractInterface,
    Electroneutral as Electroneutral,
    MigrationVoltammetry as MigrationVoltammetry,
    Poisson as Poisson,
    Stern as Stern,
    ZeroField as ZeroField,
)
from .readers import Measurement as Measurement, read as read
from .transport import (
    AbstractDomain as AbstractDomain,
    AbstractGeometry as AbstractGeometry,
    Cylinder as Cylinder,
    DiffusionLayer as DiffusionLayer,
    Disc as Disc,
    Grid as Grid,
    Levich as Levich,
    Planar as Planar,
    PlanarDisc as PlanarDisc,
    SemiInfinite as SemiInfinite,
    Sphere as Sphere,
    ThinLayer as ThinLayer,
    VonKarman as VonKarman,
    hemisphere as hemisphere,
)
from .waveforms import (
    AbstractWaveform as AbstractWaveform,
    CyclicSweep as CyclicSweep,
    DifferentialPulse as DifferentialPulse,
    DoubleStep as DoubleStep,
    LinearSweep as LinearSweep,
    Measured as Measured,
    OhmicDrop as OhmicDrop,
    PiecewiseLinear as PiecewiseLinear,
    PotentialStep as PotentialStep,
    PulseCurrents as PulseCurrents,
    Sinusoidal as Sinusoidal,
    SquareWave as SquareWave,
    Staircase as Staircase,
)
