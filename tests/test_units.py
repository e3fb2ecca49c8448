"""Constants against scipy.constants; conversions against hand values, their inverse, and nonsense."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.constants as sc
from hypothesis import given
from hypothesis import strategies as st

from perospin import units
from perospin.errors import DataError, PerospinError
from perospin.units import convert

CODATA = {
    "ELEMENTARY_CHARGE_C": sc.e,
    "PLANCK_J_S": sc.h,
    "HBAR_J_S": sc.hbar,
    "BOLTZMANN_J_K": sc.k,
    "SPEED_OF_LIGHT_M_S": sc.c,
    "ELECTRON_MASS_KG": sc.m_e,
    "AVOGADRO_PER_MOL": sc.N_A,
    "BOHR_MAGNETON_J_T": sc.value("Bohr magneton"),
    "NUCLEAR_MAGNETON_J_T": sc.value("nuclear magneton"),
    "VACUUM_PERMITTIVITY_F_M": sc.epsilon_0,
    "ATOMIC_MASS_KG": sc.atomic_mass,
    "BOHR_RADIUS_M": sc.value("Bohr radius"),
    "HARTREE_J": sc.value("Hartree energy"),
    "HBAR_EV_S": sc.value("reduced Planck constant in eV s"),
    "PLANCK_EV_S": sc.value("Planck constant in eV/Hz"),
    "BOLTZMANN_EV_K": sc.value("Boltzmann constant in eV/K"),
    "BOHR_MAGNETON_EV_T": sc.value("Bohr magneton in eV/T"),
    "NUCLEAR_MAGNETON_EV_T": sc.value("nuclear magneton in eV/T"),
    "HARTREE_EV": sc.value("Hartree energy in eV"),
}


@pytest.mark.parametrize("name", CODATA)
def test_constants_are_those_of_scipy(name: str) -> None:
    # CODATA revisions differ in the tenth digit; scipy's depends on its version
    assert getattr(units, name) == pytest.approx(CODATA[name], rel=2e-9)


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        (1, "ns", "ps", 1000),
        (2, "s", "fs", 2e15),
        (3, "us", "ns", 3000),
        (3, "µs", "ns", 3000),
        (1, "eV", "meV", 1000),
        (5, "ueV", "meV", 0.005),
        (1, "eV", "cm-1", 8065.543937),
        (8065.543937, "cm^-1", "eV", 1),
        (8065.543937, "1/cm", "eV", 1),
        (250, "mT", "T", 0.25),
        (1, "T", "G", 1e4),
        (1, "kG", "mT", 100),
        (25, "degC", "K", 298.15),
        (298.15, "K", "°C", 25),
        (2.5, "Angstrom", "nm", 0.25),
        (2.5, "Å", "pm", 250),
        (2.5, "A", "pm", 250),
        (1, "nA/cm^2", "A/m^2", 1e-5),
        (1, "eV*Angstrom", "meV nm", 100),
        (1, "eV A", "eV*Angstrom", 1),
        (7, "%", "1", 0.07),
        (0.07, "", "percent", 7),
        (1, "cm2/Vs", "cm^2/(V*s)", 1),
        (1, "m2 V⁻¹ s⁻¹", "cm^2/(V*s)", 1e4),
        (1, "uC Gy^-1 cm^-2", "uC/(Gy*cm^2)", 1),
        (1, "uC/(mGy cm2)", "uC/(Gy*cm^2)", 1000),
        (1, "uC Gy_air-1 cm-2", "uC/(Gy*cm^2)", 1),
        (1, "uGy/s", "nGy/s", 1000),
        (1, "V/um", "V/mm", 1000),
        (1, "ohm m", "ohm*cm", 100),
        (1e6, "1/m^3", "1/cm^3", 1),
        (1, "cm^2/V", "m2 V-1", 1e-4),
        (1, "bohr^3", "Angstrom^3", 0.148184711),
        (1, "m0", "m_e", 1),
        (180, "deg", "rad", np.pi),
        (1, "GHz", "1/ns", 1),
        (1, "D", "debye", 1),
        (1, "mJ/cm^2", "uJ/cm^2", 1000),
    ],
)
def test_conversions(value: float, source: str, target: str, expected: float) -> None:
    assert convert(value, source, target) == pytest.approx(expected, rel=1e-8)


def test_powers_of_ten_are_exact() -> None:
    assert convert(1, "ns", "ps") == 1000.0
    assert convert(45.5, "ps", "ns") == 0.0455
    assert convert(1.0, "1/m^3", "1/cm^3") == 1e-6


def test_uncertainty_in_celsius_has_no_offset() -> None:
    assert convert(5.0, "degC", "K", difference=True) == 5.0


def test_arrays_keep_their_shape() -> None:
    result = convert(np.array([[1.0, 2.0], [np.nan, 4.0]]), "ns", "ps")
    np.testing.assert_array_equal(result, [[1000.0, 2000.0], [np.nan, 4000.0]])


@pytest.mark.parametrize(
    ("source", "target", "says"),
    [
        ("foo", "ps", "unknown unit 'foo'"),
        ("uev", "eV", "did you mean ueV"),
        ("ps", "T", "can't convert 'ps' (time) to 'T' (magnetic field)"),
        ("", "ps", "a pure number"),
        ("cm2/V s", "cm^2/(V*s)", "ambiguous"),
        ("cm^2/", "1", "incomplete"),
        ("(eV", "eV", "incomplete"),
        ("eV)", "eV", "misplaced"),
        ("m^0", "1", "power 0"),
        ("degC/s", "K/s", "use K"),
        ("e" * 100, "eV", "characters"),
    ],
)
def test_wrong_units_are_one_sentence(source: str, target: str, says: str) -> None:
    with pytest.raises(DataError) as error:
        convert(1.0, source, target)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("value", ["5", None, True, [1.0, 2.0]])
def test_values_must_be_numbers(value: object) -> None:
    with pytest.raises(DataError, match="must be a number"):
        convert(value, "ps", "ns")


@given(
    st.sampled_from([("ps", "us"), ("eV", "cm-1"), ("degC", "K"), ("G", "T"), ("1/ps", "1/s"), ("%", "1")]),
    st.floats(-1e6, 1e6),
)
def test_there_and_back(pair: tuple[str, str], value: float) -> None:
    there = convert(value, *pair)
    assert convert(there, pair[1], pair[0]) == pytest.approx(value, rel=1e-12, abs=1e-9)


@given(st.text(max_size=70), st.text(max_size=70))
def test_any_text_converts_or_says_why(source: str, target: str) -> None:
    try:
        convert(1.0, source, target)
    except PerospinError as error:
        message = str(error)
        assert message


@given(st.text(alphabet="1AceVgymTs()*/^-2 %µ", max_size=16))
def test_unit_like_text_converts_or_says_why(source: str) -> None:
    try:
        assert convert(1.0, source, source) == 1.0
    except PerospinError as error:
        message = str(error)
        assert message


def test_units_of_the_vocabulary_are_known() -> None:
    from perospin.database.vocabulary import PROPERTIES

    for prop in PROPERTIES.values() if hasattr(PROPERTIES, "values") else PROPERTIES:
        assert convert(1.0, prop.unit, prop.unit) == 1.0


def test_a_readable_unit_keeps_values_at_or_above_one() -> None:
    assert [units.readable_unit(10.0**power, "ps") for power in (-5, -1, 0, 3, 7, 13)] == [
        "fs",
        "fs",
        "ps",
        "ns",
        "us",
        "s",
    ]
    assert units.readable_unit(-0.012, "T") == "mT"
    assert units.readable_unit(3e-9, "meV") == "meV"
