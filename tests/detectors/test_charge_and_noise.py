"""Collection of charge, ideal sensitivity, noise and limits against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from perospin import detectors as d
from perospin.errors import DataError


@pytest.mark.parametrize(
    ("voltage", "surface", "value"), [(100, 0, 0.8760717), (10, 0, 0.3447405), (100, 50, 0.8464461)]
)
def test_hecht_worked_numbers(voltage, surface, value):
    assert d.hecht(voltage, 1.81e-4, 0.07, surface) == pytest.approx(value, abs=5e-8)


@given(
    electron=st.floats(1e-6, 1e-1), hole=st.floats(1e-6, 1e-1), mu=st.floats(0.1, 300), voltage=st.floats(1.0, 1000.0)
)
def test_two_carriers_are_the_mean_over_depths(electron, hole, mu, voltage):
    gap = 0.07
    m = mu * gap
    weighted = quad(
        lambda x: m * math.exp(-m * x) * d.collection_at_depth(x, voltage, electron, hole, gap),
        0, 1, epsabs=1e-11, points=[0.01, 0.1, 0.5, 0.9, 0.99], limit=200,
    )[0]  # fmt: skip
    found = d.hecht_two_carriers(voltage, electron, hole, gap, mu)
    assert found == pytest.approx(weighted / -math.expm1(-m), rel=1e-6)
    assert 0 < found <= 1 + 1e-9


def test_two_carriers_of_a_thin_absorption_is_one_carrier():
    assert d.hecht_two_carriers(100.0, 1e-9, 1.81e-4, 0.07, 1e7) == pytest.approx(0.8760717, abs=2e-4)


def test_pair_energy_ideal_sensitivity_and_gain():
    assert d.pair_creation_energy(2.29) == pytest.approx(6.01)
    assert d.pair_creation_energy(2.29, "klein") == pytest.approx(7.162)
    # 1 Gy is 1e-3 J/g; every 6.01 eV of it, times 0.931, is one charge
    ideal = d.ideal_sensitivity(0.931, 6.01, 0.0683)
    assert ideal == pytest.approx(1e6 * 0.931 * 1e-3 / 0.0683 / 6.01)
    assert d.gain(1033.7, ideal)[0] < 1
    assert "traps" in d.gain(10 * ideal, ideal)[1]


def test_noise_adds_as_squares_and_the_limit_is_where_the_ratio_is_three():
    shot = d.current_noise_a(1e-9, 10.0)
    assert shot == pytest.approx(math.sqrt(2 * 1.602176634e-19 * 1e-9 * 10))
    both = d.current_noise_a(1e-9, 10.0, resistance_ohm=1e9)
    assert both**2 - shot**2 == pytest.approx(4 * 1.380649e-23 * 295 * 10 / 1e9)
    limit = d.limit_from_noise(1033.7, 0.01, 1e-10, 1.0, flicker=1e-5)
    assert d.signal_to_noise(limit, 1033.7, 0.01, 1e-10, 1.0, flicker=1e-5) == pytest.approx(3.0)
    with pytest.raises(DataError, match="below 3"):
        d.limit_from_noise(1033.7, 0.01, 1e-10, 1.0, flicker=1.0)


def test_pixel_estimates():
    np.testing.assert_allclose(d.pixel_mtf_estimate([0.0, 5.0, 10.0], 0.1), [1.0, 2 / math.pi, 0.0], atol=1e-12)
    assert d.dqe_zero_estimate(0.931, 0.9) == pytest.approx(0.8379)


@pytest.mark.parametrize(
    "call",
    [
        lambda: d.hecht_two_carriers(-1.0, 1e-4, 1e-4, 0.07, 10),
        lambda: d.hecht_two_carriers(1.0, 1e-4, 1e-4, 0.07, 0.0),
        lambda: d.collection_at_depth(2.0, 1.0, 1e-4, 1e-4, 0.07),
        lambda: d.pair_creation_energy(2290.0),
        lambda: d.pair_creation_energy(2.0, "own"),
        lambda: d.ideal_sensitivity(0.9, 6.0, 0.0),
        lambda: d.gain(-1.0, 1.0),
        lambda: d.current_noise_a(1e-9, 0.001),
        lambda: d.pixel_mtf_estimate(1.0, 0.0),
        lambda: d.dqe_zero_estimate(93.1),
    ],
)
def test_refused(call):
    with pytest.raises(DataError):
        call()


def test_the_limit_of_the_noise_model_has_an_interval():
    rng = np.random.default_rng(0)
    size, dark = 1033.7 * (1 + 0.05 * rng.standard_normal(400)), 1e-10 * (1 + 0.1 * rng.standard_normal(400))
    drawn = [d.limit_from_noise(float(s), 0.01, float(i), 1.0) for s, i in zip(size, dark, strict=True)]
    value, low, high = d.limit_interval_from_noise((1033.7, 51.7), 0.01, (1e-10, 1e-11), 1.0)
    assert value == pytest.approx(d.limit_from_noise(1033.7, 0.01, 1e-10, 1.0))
    assert np.quantile(drawn, 0.16) == pytest.approx(low, rel=0.02)
    assert np.quantile(drawn, 0.84) == pytest.approx(high, rel=0.02)
    wider = d.limit_interval_from_noise((1033.7, 51.7), 0.01, (1e-10, 1e-11), 1.0, level=0.95)
    assert wider[1] < low < high < wider[2]
    with pytest.raises(DataError):
        d.limit_interval_from_noise((-1.0, 0.0), 0.01, (1e-10, 0.0), 1.0)
