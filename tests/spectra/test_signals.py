"""The signals against worked numbers, against the laws of the mechanisms, and against brute-force averages."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from perospin import mechanisms
from perospin.errors import DataError
from perospin.spectra.signals import signals


def test_worked_numbers():
    # Kerr: 27.43264 GHz at g = 1.96 and 1 T
    assert signals.damped_cosine(1e3 / 27.43264, signals.GHZ_PER_TESLA * 1.96, 1e12) == pytest.approx(1.0, abs=1e-6)
    assert np.round(signals.GHZ_PER_TESLA * 1.96, 5) == 27.43264
    # optical Hanle: P(5 mT)/P(0) with B_1/2 = 6.822756 mT
    assert signals.hanle_line(5e-3, 6.822756e-3) == pytest.approx(0.6505940, rel=1e-6)
    # spin inertia
    for frequency, expected in ((1e3, 0.7744762), (3e3, 0.3778385), (1e4, 0.1215196)):
        assert signals.inertia_magnitude(frequency, [130e6], [1.0]) == pytest.approx(expected, rel=1e-6)
    assert signals.inertia_magnitude(1e4, [25e6], [1.0]) == pytest.approx(0.5370293, rel=1e-6)


def test_spin_valve_worked_numbers():
    # D = 1 cm2/s, L = 200 nm, tau_s = 0.8 ns, g = 2; f with and without contacts
    for theta, at_zero, at_5mt in ((0.0, 0.2465343, 0.1837660), (1.0, 0.1126128, 0.09815264)):
        line = signals.spin_valve_line(np.array([0.0, 5e-3, -5e-3]), 800.0, 1.0, 0.2, 2.0, theta)
        np.testing.assert_allclose(line, [at_zero, at_5mt, at_5mt], rtol=1e-6)
    # the drift-diffusion form, S = f lambda/D, v = 100 m/s at 5 mT
    drifting = signals.spin_valve_line(5e-3, 800.0, 1.0, 0.2, 2.0, drift_m_s=100.0)
    assert drifting * np.sqrt(1e-4 * 800e-12) / 1e-4 == pytest.approx(5.693856e-4, rel=1e-6)


def test_spin_valve_is_the_law_of_the_mechanisms():
    field = np.linspace(0.0, 0.1, 30)
    law = mechanisms.electrical_hanle_with_contacts(field, 1.9, 300.0, 150.0, 2100.0, 0.7)
    np.testing.assert_allclose(signals.spin_valve_line(field, 300.0, 150.0, 2.1, 1.9, 0.7), law, rtol=1e-10, atol=1e-14)


def test_spin_valve_against_the_integral():
    lifetime, diffusion, length, drift, field = 400e-12, 2e-4, 0.5e-6, 300.0, 8e-3
    omega = 2.0 * signals.RADIANS_PER_PS_TESLA * 1e12 * field

    def arriving(time: float) -> float:
        spread = np.exp(-((length - drift * time) ** 2) / (4 * diffusion * time)) / np.sqrt(
            4 * np.pi * diffusion * time
        )
        return spread * np.cos(omega * time) * np.exp(-time / lifetime)

    integral = quad(arriving, 0.0, 40 * lifetime, limit=400, points=[lifetime / 4, lifetime, 5 * lifetime])[0]
    line = signals.spin_valve_line(field, 400.0, 2.0, 0.5, 2.0, drift_m_s=drift)
    assert line * np.sqrt(diffusion * lifetime) / diffusion == pytest.approx(integral, rel=1e-7)


def test_far_contacts_do_not_overflow():
    line = signals.spin_valve_line(np.array([0.0, 1.0]), 1.0, 1e-3, 1000.0, 2.0, 3.0)
    assert np.all(np.isfinite(line))


def test_resonant_amplification_worked_numbers():
    period = 1e6 / 76.0
    law = signals.resonant_amplification(np.array([0.0, 1e-3]), 2.5, 5000.0, period, period)
    np.testing.assert_allclose(law, [0.07754527, -0.06545764], rtol=1e-6)
    early = signals.resonant_amplification(1e-3, 2.5, 5000.0, period, period - 20.0)
    assert early == pytest.approx(-0.06565101, rel=1e-6)
    spacing = 1.0 / (2.5 * signals.GHZ_PER_TESLA * 1e-3 * period)
    assert 1e3 * spacing == pytest.approx(2.172011, rel=1e-6)


@given(st.floats(-3, 3), st.floats(100, 2e4), st.floats(0, 1), st.floats(-0.05, 0.05))
def test_resonant_amplification_sums_all_pulses(g, time, share, field):
    period, delay = 13157.0, share * 13157.0
    t = delay + period * np.arange(800)
    spread = 0.02
    omega = signals.RADIANS_PER_PS_TESLA * g * field
    lorentzian = np.exp(-t / time - signals.RADIANS_PER_PS_TESLA * spread * abs(field) * t)
    normal = np.exp(-t / time - 0.5 * (signals.RADIANS_PER_PS_TESLA * spread * field * t) ** 2)
    for convention, damping in (("linear", lorentzian), ("gaussian", normal)):
        found = signals.resonant_amplification(field, g, time, period, delay, spread, convention=convention)
        assert found == pytest.approx(np.sum(damping * np.cos(omega * t)), abs=1e-9)


def test_a_spread_of_g_is_an_average_over_g():
    rng = np.random.default_rng(3)
    field, time, period, delay = 0.02, 6000.0, 13157.0, 12000.0
    normal = 2.0 + 0.03 * rng.standard_normal(200_000)
    single = signals.resonant_amplification(field, normal, time, period, delay)
    found = signals.resonant_amplification(field, 2.0, time, period, delay, 0.03, convention="gaussian")
    assert found == pytest.approx(np.mean(single), abs=5 * np.std(single) / np.sqrt(single.size))


def test_gaussian_envelope_is_an_average_over_g():
    rng = np.random.default_rng(5)
    t, field, spread = np.linspace(0, 600, 7), 1.0, 0.03
    frequency = signals.GHZ_PER_TESLA * field * (1.96 + spread * rng.standard_normal((400_000, 1)))
    mean = np.mean(np.cos(2e-3 * np.pi * frequency * t), axis=0)
    time = mechanisms.g_spread_time_ps(field, spread, convention="gaussian")
    assert time == pytest.approx(536.0463, rel=1e-6)
    wave = signals.damped_cosine(t, 1.96 * signals.GHZ_PER_TESLA, time, envelope="gaussian")
    np.testing.assert_allclose(wave, mean, atol=6e-3)


def test_nuclear_precession_is_an_average_over_frozen_fields():
    rng = np.random.default_rng(7)
    delta, g, t = 0.012, 1.68, np.array([0.0, 200.0, 500.0, 800.0, 1500.0, 6000.0])
    fields = delta / np.sqrt(2.0) * rng.standard_normal((300_000, 3))
    size = np.linalg.norm(fields, axis=1)
    along = (fields[:, 2] / size) ** 2
    omega = signals.RADIANS_PER_PS_TESLA * g * size
    mean = [np.mean(along + (1.0 - along) * np.cos(omega * time)) for time in t]
    np.testing.assert_allclose(signals.nuclear_precession(t, delta, g), mean, atol=4e-3)
    curve = signals.nuclear_precession(np.linspace(0, 1e4, 20001), delta, g)
    assert curve.min() == pytest.approx((1.0 - 4.0 * np.exp(-1.5)) / 3.0, rel=1e-5)
    assert curve[-1] == pytest.approx(1.0 / 3.0, rel=1e-6)


def test_nothing_before_the_pump():
    t = np.array([-5.0, -1e-9])
    assert not signals.damped_cosine(t, 3.0, 100.0).any()
    assert not signals.nuclear_precession(t, 0.01, 2.0).any()


def test_lock_in_channels_are_one_relaxation():
    frequency, time = np.geomspace(10, 1e6, 20), 130e6
    in_phase, quadrature = signals.inertia_phase_channels(frequency, time)
    response = 1.0 / (1.0 - 2e-12j * np.pi * frequency * time)
    np.testing.assert_allclose(in_phase + 1j * quadrature, response, rtol=1e-12)
    two = signals.inertia_magnitude(frequency, [130e6, 5e6], [0.7, 0.3])
    other = 0.7 * response + 0.3 / (1.0 - 2e-12j * np.pi * frequency * 5e6)
    np.testing.assert_allclose(two, np.abs(other), rtol=1e-12)
    with pytest.raises(DataError, match="2 relaxation times"):
        signals.inertia_magnitude(frequency, [1e6, 2e6], [1.0])


def test_same_numbers_from_jax():
    import jax
    import jax.numpy as jnp

    t, b = np.linspace(-10, 500, 40), np.linspace(-0.05, 0.05, 41)

    def everything(t, b):
        return (
            signals.damped_cosine(t, 3.0, 100.0, 0.5, 0.2),
            signals.nuclear_precession(t, 0.012, 1.7),
            signals.resonant_amplification(b, 1.9, 4000.0, 13157.0, 13000.0, 0.01),
            signals.hanle_line(b, 0.004, 0.001),
            signals.spin_valve_line(b, 400.0, 100.0, 2.0, 2.0, 0.5),
            signals.gaussian_resonance(b, 0.01, 0.004),
        )

    for found, expected in zip(jax.jit(everything)(jnp.asarray(t), jnp.asarray(b)), everything(t, b), strict=True):
        tolerance = 1e-9 if found.dtype == np.float64 else 2e-4
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)
