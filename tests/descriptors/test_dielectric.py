from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import constants

from perospin.descriptors.dielectric import (
    _DEBYE2_PER_A3_K,
    onsager_dielectric_constant,
    optical_dielectric_constant,
)

dipoles = st.floats(0, 8)
volumes = st.floats(40, 600)
opticals = st.floats(1.2, 3.0)


def test_prefactor_from_codata():
    debye = 1e-21 / constants.c
    expected = debye**2 / (9 * constants.epsilon_0 * constants.k * 1e-30)
    assert pytest.approx(expected, rel=1e-5) == _DEBYE2_PER_A3_K


@given(dipoles, volumes, opticals)
def test_onsager_solves_its_equation(mu, volume, n2):
    eps = float(onsager_dielectric_constant(mu, volume, n2))
    left = (eps - n2) * (2 * eps + n2) / (eps * (n2 + 2) ** 2)
    assert left == pytest.approx(_DEBYE2_PER_A3_K * mu**2 / (298.15 * volume), rel=1e-9, abs=1e-12)


@given(volumes, opticals)
def test_no_dipole_leaves_the_optical_constant(volume, n2):
    assert float(onsager_dielectric_constant(0.0, volume, n2)) == pytest.approx(n2)


@given(dipoles, volumes, opticals)
def test_more_dipole_more_screening_and_hotter_less(mu, volume, n2):
    base = onsager_dielectric_constant(mu, volume, n2)
    assert onsager_dielectric_constant(mu + 0.5, volume, n2) > base
    assert onsager_dielectric_constant(mu, volume, n2, temperature_k=400.0) <= base


def test_clausius_mossotti_limits():
    assert float(optical_dielectric_constant(0.0, 100.0)) == 1.0
    # benzene: alpha 10.0 A^3, 147.6 A^3 per molecule in the liquid; n^2 = 2.25 (handbook refractive index 1.50)
    assert float(optical_dielectric_constant(10.0, 147.6)) == pytest.approx(2.25, abs=0.1)
    assert np.isnan(optical_dielectric_constant(np.nan, 100.0))
