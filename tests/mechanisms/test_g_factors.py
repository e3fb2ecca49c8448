from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perospin.mechanisms import (
    SpinRelaxationWarning,
    electron_g_factor,
    exciton_g_factor,
    hole_g_factor,
    larmor_frequency_ghz,
    larmor_precession,
    resonance_field_t,
    zeeman_splitting_mev,
)
from perospin.units import HBAR2_OVER_M0_EV_A2

ROWS = [
    (1.527, 3.631976, -0.6256899, 3.006286),
    (1.652, 3.231049, -0.3307658, 2.900283),
    (2.216, 1.984519, 0.5261631, 2.510682),
    (2.352, 1.773396, 0.6604119, 2.433808),
    (3.213, 0.8515489, 1.198531, 2.050080),
]


@pytest.mark.parametrize(("gap", "electron", "hole", "exciton"), ROWS)
def test_worked_numbers(gap, electron, hole, exciton):
    assert electron_g_factor(gap) == pytest.approx(electron, rel=1e-6)
    assert hole_g_factor(gap) == pytest.approx(hole, rel=1e-6)
    assert exciton_g_factor(gap) == pytest.approx(exciton, rel=1e-6)


def test_more_worked_numbers():
    assert pytest.approx(6.068270, rel=1e-6) == 6.8**2 / HBAR2_OVER_M0_EV_A2
    assert pytest.approx(8.091027, rel=1e-6) == 4 / 3 * 6.8**2 / HBAR2_OVER_M0_EV_A2
    assert hole_g_factor(1.825028) == pytest.approx(0.0, abs=1e-6)
    assert hole_g_factor(1.69) == pytest.approx(-0.2512, abs=5e-5)
    assert electron_g_factor(1.824) == pytest.approx(2.769, abs=5e-4)
    assert hole_g_factor(1.824) == pytest.approx(-0.002, abs=5e-4)
    assert hole_g_factor(2.25) == pytest.approx(0.5616, abs=5e-5)
    assert larmor_frequency_ghz(1.68, 0.1) == pytest.approx(2.351369, rel=1e-6)
    assert larmor_frequency_ghz(0.8, 0.1) == pytest.approx(1.119700, rel=1e-6)
    assert larmor_frequency_ghz(1.96, 1.0) == pytest.approx(27.43264, rel=1e-6)
    assert 1e3 * resonance_field_t(1.13, 1.68) == pytest.approx(48.05711, rel=1e-6)
    assert 1e3 * resonance_field_t(0.6, 0.8) == pytest.approx(53.586, abs=5e-4)
    # the caption of Fig. 3: g factors behind 2.2 and 0.6 GHz at 100 mT
    for frequency, g in ((2.2, 1.572), (0.6, 0.4287)):
        assert larmor_frequency_ghz(g, 0.1) == pytest.approx(frequency, rel=3e-4)


@pytest.mark.parametrize(("law", "words"), [(electron_g_factor, "does not follow"), (hole_g_factor, "only roughly")])
def test_nanocrystals_are_warned_about(law, words: str):
    with pytest.warns(SpinRelaxationWarning, match=words):
        value = law(1.824, form="nanocrystal")
    assert value == law(1.824)


@given(st.floats(1.0, 5.0))
def test_electron_falls_and_hole_rises_with_the_gap(gap: float):
    assert electron_g_factor(gap) > electron_g_factor(gap * 1.01)
    assert hole_g_factor(gap) < hole_g_factor(gap * 1.01)
    assert hole_g_factor(1e6) == pytest.approx(2.0, abs=1e-5)


@given(st.floats(-5.0, 5.0).filter(lambda g: abs(g) > 1e-3), st.floats(1e-3, 20.0))
def test_frequencies_and_fields_belong_together(g: float, field: float):
    frequency = larmor_frequency_ghz(g, field)
    assert resonance_field_t(frequency, g) == pytest.approx(field)
    assert 2e-3 * np.pi * frequency == pytest.approx(abs(larmor_precession(g, field)))
    assert zeeman_splitting_mev(g, field) == pytest.approx(4.135667696e-3 * frequency)
