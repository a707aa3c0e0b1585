"""Named, seeded problems: tests, benchmarks and studies import them from here."""

from . import shell_tasks as shell_tasks
from ._analytic import (
    CASES as CASES,
    AnalyticCase as AnalyticCase,
    Formula as Formula,
    ackley as ackley,
    branin as branin,
    disc as disc,
    formula_problem as formula_problem,
    half_failing as half_failing,
    hartmann6 as hartmann6,
    levy as levy,
    rosenbrock as rosenbrock,
    styblinski_tang as styblinski_tang,
)
from ._cell_design import PeakFeatures as PeakFeatures, cell_design as cell_design
from ._curves import (
    DECAY_TRUTH as DECAY_TRUTH,
    LINE_TRUTH as LINE_TRUTH,
    PRODUCT_TRUTH as PRODUCT_TRUTH,
    exponential_decay as exponential_decay,
    steady_state_voltammogram as steady_state_voltammogram,
    straight_line as straight_line,
    unidentifiable_product as unidentifiable_product,
)
from ._metal import (
    METAL_LAWS as METAL_LAWS,
    metal_kinetics as metal_kinetics,
    synthetic_metal_kinetics as synthetic_metal_kinetics,
)
from ._next_experiment import (
    NEXT_EXPERIMENT_ASSUMED as NEXT_EXPERIMENT_ASSUMED,
    rotation_rate_design as rotation_rate_design,
    scan_rate_design as scan_rate_design,
    vertex_design as vertex_design,
)
from ._polarisation import (
    PolarisationRecord as PolarisationRecord,
    peo_litfsi as peo_litfsi,
    polarisation as polarisation,
    profile_samples as profile_samples,
    synthetic_polarisation as synthetic_polarisation,
    velocity_samples as velocity_samples,
)
from ._reactor import (
    TransesterificationReactor as TransesterificationReactor,
    transesterification as transesterification,
)
from ._shell_cases import (
    ShellCase as ShellCase,
    shell_cases as shell_cases,
)
from ._shell_design import (
    CurvedBending as CurvedBending,
    ShellDesign as ShellDesign,
    shell_design as shell_design,
    unit_curvature as unit_curvature,
)
from ._trial import TrialSimulator as TrialSimulator, trial as trial
from ._voltammetric import (
    FIVE_SCANS_TRUTH as FIVE_SCANS_TRUTH,
    five_scan_rates as five_scan_rates,
)
from ._waveform_design import (
    WaveformInformation as WaveformInformation,
    waveform_design as waveform_design,
)
