"""Closed-form and reference results, the companions against which simulators are tested."""

from . import integral_equation as integral_equation
from ._disc import disc_step_exact as disc_step_exact
from ._hydrodynamic import (
    koutecky_levich_current as koutecky_levich_current,
    levich_current as levich_current,
    newman_current as newman_current,
)
from ._migration import (
    gouy_chapman_capacitance as gouy_chapman_capacitance,
    henderson_potential as henderson_potential,
    unsupported_limiting_factor as unsupported_limiting_factor,
)
from ._panels import Ramp as Ramp
from ._peak_separation import (
    NICHOLSON_TABLE as NICHOLSON_TABLE,
    klingler_kochi_parameter as klingler_kochi_parameter,
    lavagnini_parameter as lavagnini_parameter,
    nicholson_parameter as nicholson_parameter,
    peak_separation as peak_separation,
)
from ._planar import (
    PlanarVoltammogram as PlanarVoltammogram,
    planar_voltammogram as planar_voltammogram,
)
from ._steady_state import (
    catalytic_plateau_current as catalytic_plateau_current,
    catalytic_wave as catalytic_wave,
    hemisphere_limiting_current as hemisphere_limiting_current,
    microdisc_limiting_current as microdisc_limiting_current,
    planar_half_wave_potential as planar_half_wave_potential,
    sphere_limiting_current as sphere_limiting_current,
    steady_state_half_wave_potential as steady_state_half_wave_potential,
    steady_state_wave as steady_state_wave,
)
from ._steps import (
    cottrell as cottrell,
    cylinder_step as cylinder_step,
    cylinder_step_exact as cylinder_step_exact,
    disc_step as disc_step,
    disc_step_shoup_szabo as disc_step_shoup_szabo,
    hemisphere_step as hemisphere_step,
    sphere_step as sphere_step,
)
from ._sweeps import (
    IRREVERSIBLE_PEAK as IRREVERSIBLE_PEAK,
    IRREVERSIBLE_PEAK_SHIFT as IRREVERSIBLE_PEAK_SHIFT,
    IRREVERSIBLE_PEAK_WIDTH as IRREVERSIBLE_PEAK_WIDTH,
    REVERSIBLE_HALF_PEAK_THETA as REVERSIBLE_HALF_PEAK_THETA,
    REVERSIBLE_PEAK as REVERSIBLE_PEAK,
    REVERSIBLE_PEAK_THETA as REVERSIBLE_PEAK_THETA,
    irreversible_peak_current as irreversible_peak_current,
    irreversible_peak_potential as irreversible_peak_potential,
    randles_sevcik as randles_sevcik,
    reversible_current as reversible_current,
    reversible_peak_potential as reversible_peak_potential,
    reversible_sweep as reversible_sweep,
    thin_layer_current as thin_layer_current,
    thin_layer_peak_current as thin_layer_peak_current,
)
