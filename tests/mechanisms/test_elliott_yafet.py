from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perospin.errors import DataError
from perospin.mechanisms import (
    elliott_yafet_debye_rate,
    elliott_yafet_einstein_rate,
    elliott_yafet_high_temperature_rate,
    elliott_yafet_iii_v_factor,
    elliott_yafet_integral_rate,
    elliott_yafet_rate,
    spin_mixing_from_g,
)

temperatures = st.floats(1.0, 600.0)
energies = st.floats(0.5, 40.0)


def test_worked_numbers():
    einstein = elliott_yafet_einstein_rate([300.0, 30.0], 1e-4, 10.0)
    assert einstein == pytest.approx([0.04874497, 1.609781e-3], rel=1e-6)
    assert elliott_yafet_high_temperature_rate(300.0, 1e-4) == pytest.approx(0.04935581, rel=1e-6)
    debye = elliott_yafet_debye_rate([300.0, 30.0], 1e-4, 10.0)
    assert debye == pytest.approx([0.04904963, 2.913214e-3], rel=1e-6)
    assert elliott_yafet_rate(1e-3, 0.01) == pytest.approx(0.1)
    assert elliott_yafet_rate(1e-3, 0.01, prefactor=4) == pytest.approx(0.4)
    assert elliott_yafet_iii_v_factor(0.067, 1.424, 0.341, 38.8) == pytest.approx(2.249084e-5, rel=1e-6)


@given(temperatures, energies)
def test_integral_form_equals_the_closed_forms(t: float, energy: float):
    debye = elliott_yafet_integral_rate(t, lambda e: 1e-4 * (e / energy) ** 2, (0.0, energy))
    assert debye == pytest.approx(elliott_yafet_debye_rate(t, 1e-4, energy), rel=1e-6)
    width = 1e-3 * energy
    grid = np.linspace(energy - 8 * width, energy + 8 * width, 401)
    peak = np.exp(-0.5 * ((grid - energy) / width) ** 2) / (width * np.sqrt(2 * np.pi))
    narrow = elliott_yafet_integral_rate(t, 0.5e-4 * energy * peak, grid)
    # a narrow peak is a delta function; at low temperature its curvature counts
    assert narrow == pytest.approx(elliott_yafet_einstein_rate(t, 1e-4, energy), rel=1e-5 + (energy / t * 0.02) ** 2)


@given(energies, st.floats(1e-6, 1.0))
def test_high_and_low_temperature_limits(energy: float, coupling: float):
    hot = 2000.0 * energy  # k_B T about 170 phonon energies
    limit = elliott_yafet_high_temperature_rate(hot, coupling)
    for law in (elliott_yafet_einstein_rate, elliott_yafet_debye_rate):
        assert law(hot, coupling, energy) == pytest.approx(limit, rel=1e-5)
        assert law(hot / 1000, coupling, energy) <= elliott_yafet_high_temperature_rate(hot / 1000, coupling)
    cold = energy / 8.617333e-2 / 600  # x = 600: frozen out
    assert elliott_yafet_einstein_rate(cold, coupling, energy) < 1e-200
    # alpha^2F ~ Omega^2 gives T^3 far below the Debye energy
    low = energy / 8.617333e-2 / 60
    ratio = elliott_yafet_debye_rate(2 * low, coupling, energy) / elliott_yafet_debye_rate(low, coupling, energy)
    assert ratio == pytest.approx(8.0, rel=1e-4)


@given(st.floats(1e-6, 0.5), st.floats(1e-4, 10.0))
def test_exponents_of_the_simple_form(b2: float, tau: float):
    rate = elliott_yafet_rate(b2, tau)
    assert rate > 0
    assert elliott_yafet_rate(b2, 2 * tau) == pytest.approx(rate / 2)
    assert elliott_yafet_rate(2 * b2, tau) == pytest.approx(2 * rate)


def test_g_shift():
    assert spin_mixing_from_g(2.00232) == 0
    assert spin_mixing_from_g(1.90232) == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: elliott_yafet_rate(1.5, 0.01), "spin_mixing must be a number from 0 to 1, got 1.5"),
        (lambda: elliott_yafet_integral_rate(300.0, [1.0, 2.0], [2.0, 1.0]), "increasing"),
        (lambda: elliott_yafet_integral_rate(300.0, [1.0, 2.0, 3.0], [1.0, 2.0]), "shape"),
        (lambda: elliott_yafet_integral_rate(300.0, [1.0, 2.0], [0.0, 1.0]), "leave the point at 0 out"),
        (lambda: elliott_yafet_integral_rate(300.0, lambda e: e, [0.0, 1.0, 2.0]), "the pair"),
        (lambda: elliott_yafet_integral_rate(-3.0, lambda e: e, (0.0, 1.0)), "temperature_k must be a positive"),
    ],
)
def test_mistakes_are_said_in_one_sentence(call, words: str):
    with pytest.raises(DataError, match=words):
        call()
