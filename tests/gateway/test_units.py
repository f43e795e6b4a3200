"""Units: what converts, exactly, and what is refused with both units in the sentence."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.factors import FactorTable
from gateway.units import MOLAR_MASS, SENML, SPELLINGS, UNITS, UnitMismatch, canonical, conversion


@pytest.mark.parametrize(
    ("value", "given", "wanted", "expected"),
    [
        (35.2, "ug/m3", "mg/m3", 0.0352),
        (35.2, "µg/m³", "mg/m3", 0.0352),
        (35.2, "μg/m³", "ug/m3", 35.2),
        (0.0352, "mg/m3", "ug/m3", 35.2),
        (35.2, "mg/m^3", "mg/m3", 35.2),
        (3, "ng/m3", "mg/m3", 3e-6),
        (4.1, "mg/l", "ug/L", 4100),
        (4.1, "g/m3", "mg/L", 4.1),
        (20, "C", "K", 293.15),
        (20, "℃", "C", 20),
        (68, "degF", "C", 20),
        (293.15, "K", "degC", 20),
        (101.325, "kPa", "Pa", 101_325),
        (1013.25, "hPa", "kPa", 101.325),
        (1, "mmHg", "Pa", 133.322387415),
        (10, "L/s", "m3/h", 36),
        (36, "m3/h", "L/s", 10),
        (1, "m3/s", "m3/h", 3600),
        (3.6, "km/h", "m/s", 1),
        (5, "NTU", "NTU", 5),
        (0.05, "S/m", "uS/cm", 500),
        (1.5, "mS/cm", "uS/cm", 1500),
        (210_000, "ppm", "%", 21),
        (7.2, "pH", "-", 7.2),
        (7.2, "pH", "", 7.2),
        (1.5, "MWh", "kWh", 1500),
        (3, "stone", "stone", 3),
    ],
)
def test_a_value_is_converted(value: float, given: str, wanted: str, expected: float) -> None:
    assert conversion(given, wanted).apply(value) == pytest.approx(expected, rel=1e-14, abs=1e-12)


@pytest.mark.parametrize(
    ("given", "wanted", "words"),
    [
        ("furlong", "m", "unit 'furlong' is not known; the inventory has 'm'"),
        ("mg/Nm3", "mg/m3", "'mg/Nm3' is not known"),
        ("mpa", "kPa", "'mpa' is not known"),
        ("kPa", "C", "unit 'kPa' is a pressure, the inventory's 'C' a temperature"),
        ("mg/m3", "mg", "'mg/m3' is a concentration, the inventory's 'mg' a mass"),
        ("FNU", "NTU", "'FNU' is not known"),
        ("mg/m3", "stone", "the inventory's 'stone', which is not known"),
        ("kg/h", "m3/h", "is a mass flow, the inventory's 'm3/h' a flow"),
        ("dB", "%", "sound level"),
    ],
)
def test_what_is_not_known_or_of_another_kind_is_refused(given: str, wanted: str, words: str) -> None:
    with pytest.raises(UnitMismatch) as caught:
        conversion(given, wanted)
    assert words in str(caught.value)
    assert repr(given) in str(caught.value)
    assert repr(wanted) in str(caught.value)


@pytest.mark.parametrize(
    ("value", "given", "wanted", "factor", "kelvin", "expected"),
    [
        # GB 3095: 22.4 L/mol at 273.15 K, 24.45 L/mol at 298.15 K
        (100, "ppm", "mg/m3", "a21026", 273.15, 100 * 64.06 / 22.414),
        (100, "ppm", "mg/m3", "a21002", 273.15, 100 * 46.005 / 22.414),
        (50, "ppb", "ug/m3", "a05024", 298.15, 50 * 47.997 / 24.465),
        (0.01, "%", "mg/m3", "a21005", 273.15, 100 * 28.010 / 22.414),
        (64.06 / 22.414, "mg/m3", "ppm", "a21026", 273.15, 1),
    ],
)
def test_a_gas_in_ppm_is_converted_at_its_stated_reference(
    value: float, given: str, wanted: str, factor: str, kelvin: float, expected: float
) -> None:
    assert conversion(given, wanted, factor=factor, kelvin=kelvin).apply(value) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("factor", "kelvin", "words"),
    [
        ("a24088", 273.15, "no molar mass is known of factor 'a24088'"),
        ("w21003", 273.15, "no molar mass"),
        ("a21026", None, "state the reference temperature of 'a21026' (reference_c)"),
    ],
)
def test_ppm_is_refused_where_mass_or_reference_is_not_known(factor: str, kelvin: float | None, words: str) -> None:
    with pytest.raises(UnitMismatch) as caught:
        conversion("ppm", "mg/m3", factor=factor, kelvin=kelvin)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("value", "given", "wanted", "expected"),
    [
        (0.45, "/", "%", 45),
        (45, "%RH", "%", 45),
        (20, "Cel", "C", 20),
        (2, "l/s", "m3/h", 7.2),
        (0.05, "S/m", "uS/cm", 500),
        (1, "kg/m3", "mg/L", 1000),
        (3, "NTU", "NTU", 3),
    ],
)
def test_names_of_senml_are_read_as_its_registry_means_them(
    value: float, given: str, wanted: str, expected: float
) -> None:
    assert conversion(given, wanted, senml=True).apply(value) == pytest.approx(expected)


def test_coulomb_is_no_temperature() -> None:
    with pytest.raises(UnitMismatch, match="coulomb"):
        conversion("C", "C", senml=True)


def test_every_unit_of_the_standards_factors_is_known_or_stands_for_no_measurement() -> None:
    table = FactorTable.load()
    units = {row.unit for row in table._rows.values()}  # pyright: ignore[reportPrivateUsage]
    assert {unit for unit in units if canonical(unit) is None} <= {"accumulated", "YYYYMMDDhhmmss", "unit"}


def test_spellings_lead_to_units_and_molar_masses_are_of_factors_of_the_table() -> None:
    assert {*SPELLINGS.values(), *SENML.values()} <= UNITS.keys()
    table = FactorTable.load()
    assert [code for code in MOLAR_MASS if table.get(code) is None] == []


@given(st.sampled_from(sorted(UNITS)), st.sampled_from(sorted(UNITS)), st.floats(-1e6, 1e6))
def test_there_and_back_is_the_same(one: str, other: str, value: float) -> None:
    try:
        there = conversion(one, other)
    except UnitMismatch:
        with pytest.raises(UnitMismatch):
            conversion(other, one)
        return
    assert conversion(other, one).apply(there.apply(value)) == pytest.approx(value, rel=1e-9, abs=1e-9)


@given(st.text(max_size=12), st.text(max_size=12), st.booleans())
def test_any_texts_convert_or_are_refused(given: str, wanted: str, senml: bool) -> None:
    try:
        assert math.isfinite(conversion(given, wanted, senml=senml).apply(1.0))
    except UnitMismatch as mismatch:
        assert repr(given) in str(mismatch)
