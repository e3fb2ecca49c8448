from __future__ import annotations

import doctest
import importlib
import inspect

import pytest

import perospin.mechanisms as room
from perospin.errors import DataError
from perospin.mechanisms import LAWS, QUANTITIES, get_law
from perospin.mechanisms.quantities import read_value
from perospin.units import convert


@pytest.mark.parametrize("name", LAWS)
def test_every_law_says_where_it_is_from(name: str):
    law = LAWS[name]
    assert law.status in {"READ", "DERIVED", "TEXTBOOK"}
    assert law.source
    document = inspect.getdoc(law.function) or ""
    assert law.status in document
    assert law.function.__name__ in room.__all__
    convert(1.0, law.unit, law.unit)  # the unit is one that perospin reads


def test_units_of_all_quantities_are_readable():
    for quantity in QUANTITIES.values():
        convert(1.0, quantity.unit, quantity.unit)
        assert quantity.meaning


@pytest.mark.parametrize("name", room.__all__)
def test_public_names_exist_and_are_documented(name: str):
    assert inspect.getdoc(getattr(room, name))


@pytest.mark.parametrize(
    "module", ["laws.dyakonov_perel", "laws.bir_aronov_pikus", "laws.momentum_scattering", "presets", "total"]
)
def test_examples_in_docstrings(module: str):
    found = importlib.import_module(f"perospin.mechanisms.{module}")
    # the decorator hides the functions from doctest's own search
    finder = doctest.DocTestFinder()
    runner = doctest.DocTestRunner()
    for name in found.__all__:
        for test in finder.find(getattr(found, name), name, globs=vars(found).copy()):
            assert runner.run(test).failed == 0
    assert runner.summarize(verbose=False).attempted > 0


@pytest.mark.parametrize("name", ["dyakonov_perel", "dyakonov-perel", "DP", "dyakonov_perel_rate"])
def test_names_in_all_spellings(name: str):
    assert get_law(name) is LAWS["dyakonov_perel"]


@pytest.mark.parametrize(
    ("quantity", "text", "value"),
    [
        ("temperature_k", "300 K", 300.0),
        ("temperature_k", "300", 300.0),
        ("temperature_k", "26.85 degC", 300.0),
        ("momentum_scattering_time_ps", "5 fs", 0.005),
        ("density_cm3", "1e18 cm^-3", 1e18),
        ("density_cm3", "1e24 m^-3", 1e18),
        ("rashba_ev_a", "0.5 eV*nm", 5.0),
        ("rashba_ev_a", "0.05 eV Å", 0.05),
        ("activation_rate_per_ps", "20 us^-1", 2e-5),
        ("mass_m0", "0.2 m0", 0.2),
        ("exciton_binding_energy_mev", ".47 eV", 470.0),
        ("phonon_energy_mev", "2.25 THz", 9.305252),
        ("phonon_energy_mev", "80 cm^-1", 9.918736),
        ("gap_ev", "620 nm", 1.999745),
        ("precession_rad_per_ps", "5 ps^-1", 5.0),
        ("precession_rad_per_ps", "0.5 THz", 3.141593),
        ("precession_rad_per_ps", "5 rad/ps", 5.0),
    ],
)
def test_values_with_units(quantity: str, text: str, value: float):
    assert read_value(QUANTITIES[quantity], text) == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize(
    ("quantity", "text", "words"),
    [
        ("temperature_k", "26 meV", "can't convert 'meV'"),
        ("temperature_k", "-3 K", "temperature must be a positive number, got '-3 K'"),
        ("temperature_k", "warm", "is not a number with a unit: write e.g. '300 K'"),
        ("temperature_k", "nan", "is not a number with a unit"),
        ("momentum_scattering_time_ps", "5 parsec", "unknown unit 'parsec'"),
    ],
)
def test_wrong_values_are_said_in_one_sentence(quantity: str, text: str, words: str):
    with pytest.raises(DataError, match=words):
        read_value(QUANTITIES[quantity], text)
