import decimal

import numpy as np
import pint
import pytest
import scipy.constants
from hypothesis import given, strategies as st

from diffsim import constants
from diffsim._units import UnitError, quantity, unit_factor


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        ("50 mV/s", "V/s", 0.05),
        ("1e-3 cm2/s", "m^2/s", 1e-7),
        ("1e-3 cm²/s", "m^2/s", 1e-7),
        ("1e-3 cm^2 s-1", "m^2/s", 1e-7),
        ("4.85 mM", "mol/m^3", 4.85),
        ("4.85 mmol/L", "mol/m^3", 4.85),
        ("1.715 uA", "A", 1.715e-6),
        ("1.715 µA", "A", 1.715e-6),
        ("1.715 μA", "A", 1.715e-6),
        ("0.1315 kOhm", "ohm", 131.5),
        ("20 uF/cm2", "F/m^2", 0.2),
        ("1 M-1 s-1", "m^3/mol/s", 1e-3),
        ("25 degC", "K", 298.15),
        ("25 °C", "K", 298.15),
        ("0.5 eV", "eV", 0.5),
        ("5 %", "", 0.05),
        ("0.25", "V", 0.25),
        (" -1.5e3s ", "s", -1500.0),
        ("3 /s", "1/s", 3.0),
        (2, "V", 2.0),
        (np.float32(0.5), "V", 0.5),
        (np.array(0.5), "V", 0.5),
        (pint.UnitRegistry().Quantity(3, "mV"), "V", 0.003),
    ],
)
def test_quantity_is_in_the_unit_asked_for(value, unit, expected):
    result = quantity(value, unit, field="x")
    assert type(result) is float
    assert result == expected  # to the last bit: no rounding of prefixes shows


def test_an_irrational_factor_keeps_its_digits():
    assert quantity("1000 rpm", "rad/s") == pytest.approx(1000 * 2 * np.pi / 60, rel=3e-16)


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        ("50 mV", "V/s", ["scan_rate", "V/s", "50 mV", "dimension"]),
        ("50 blorb/s", "V/s", ["scan_rate", "blorb", "known unit"]),
        ("fifty", "V/s", ["scan_rate", "fifty", "50 mV/s"]),
        ("", "V/s", ["scan_rate", "V/s"]),
        ("5 V", "", ["scan_rate", "pure number"]),
        ("1e999 V/s", "V/s", ["scan_rate", "finite"]),
        ("1,5 V/s", "V/s", ["scan_rate", "1,5"]),
        (float("nan"), "V/s", ["scan_rate", "finite", "nan"]),
        (float("inf"), "V/s", ["scan_rate", "finite", "inf"]),
        (True, "V/s", ["scan_rate", "True"]),
        (None, "V/s", ["scan_rate", "None"]),
        ([0.05], "V/s", ["scan_rate", "[0.05]"]),
        (np.array([0.05]), "V/s", ["scan_rate"]),
    ],
)
def test_bad_quantities_name_field_value_and_what_is_allowed(value, unit, words):
    with pytest.raises(UnitError) as error:
        quantity(value, unit, field="scan_rate")
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize(
    "text", ["1 m**9**9**9", "1 9**9**9**9 m", "1 __import__('os')", "1 m;s", "1 " + "m*" * 500]
)
def test_a_unit_cannot_compute(text):
    with pytest.raises(UnitError, match="is not a unit"):
        quantity(text, "m")


def test_unit_factor():
    assert unit_factor("mA/cm²", "A/m^2") == 10.0
    assert unit_factor("µA", "A") == 1e-6
    with pytest.raises(UnitError, match="temperature must be in K"):
        unit_factor("degC", "K", field="temperature")
    with pytest.raises(UnitError, match="current must be in A"):
        unit_factor("V", "A", field="current")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_written_out_is_read_back(value):
    assert quantity(repr(value), "V") == value
    assert quantity(f"{value!r} V", "V") == value
    assert quantity(value, "V") == value


@given(st.decimals(min_value=-1000, max_value=1000, places=6))
def test_a_prefix_moves_the_point_and_nothing_else(value):
    assert quantity(f"{value} mV", "V") == float(value * decimal.Decimal("1e-3"))
    assert quantity(f"{value} uA", "A") == float(value * decimal.Decimal("1e-6"))


def test_constants_are_those_of_codata():
    assert constants.faraday == scipy.constants.value("Faraday constant")
    assert constants.gas_constant == scipy.constants.R
    assert constants.boltzmann == scipy.constants.k
    assert constants.elementary_charge == scipy.constants.e
    assert constants.avogadro == scipy.constants.N_A
    assert constants.standard_temperature == scipy.constants.convert_temperature(25, "C", "K")
    assert constants.faraday / constants.gas_constant == pytest.approx(
        constants.elementary_charge / constants.boltzmann, rel=1e-15
    )
