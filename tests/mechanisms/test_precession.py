from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from perospin.mechanisms import (
    dephasing_time_ps,
    electrical_hanle,
    electrical_hanle_with_contacts,
    g_spread_time_ps,
    hanle_half_width_t,
    hanle_polarisation,
    kerr_transient,
    larmor_precession,
    optical_orientation,
    resonant_spin_amplification,
    spin_inertia,
    total_lifetime_ps,
)

REPETITION_PS = 1e6 / 76.0


def test_worked_numbers_of_the_optical_hanle_effect():
    assert 1e3 * hanle_half_width_t(2.0, 1000.0) == pytest.approx(5.685630, rel=1e-6)
    lifetime = total_lifetime_ps(2000.0, 1000.0)
    assert lifetime == pytest.approx(666.6667, rel=1e-6)
    assert optical_orientation(2000.0, 1000.0) == pytest.approx(1 / 3)
    assert optical_orientation(500.0, 100.0) == pytest.approx(0.1666667, rel=1e-6)
    assert 1e3 * hanle_half_width_t(2.5, lifetime) == pytest.approx(6.822756, rel=1e-6)
    assert hanle_polarisation(0.005, 2.5, lifetime) == pytest.approx(0.6505940, rel=1e-6)


def test_worked_numbers_of_the_electrical_hanle_effect():
    case = {"g_factor": 2.0, "spin_lifetime_ps": 800.0, "diffusion_cm2_s": 1.0, "distance_nm": 200.0}
    signal = electrical_hanle([0.0, 0.005, 0.02], **case)
    assert signal[0] == pytest.approx(6.973044e-4, rel=1e-6)
    assert signal[1:] / signal[0] == pytest.approx([0.7453973, 0.1075788], rel=1e-6)
    assert electrical_hanle(0.005, **case, drift_m_s=100.0) == pytest.approx(5.693856e-4, rel=1e-6)
    contacts = [electrical_hanle_with_contacts([0.005, 0.0], **case, contact_ratio=t) for t in (0.0, 1.0)]
    assert contacts[0] == pytest.approx([0.1837660, 0.2465343], rel=1e-6)
    assert contacts[1] == pytest.approx([0.09815264, 0.1126128], rel=1e-6)
    assert contacts[0][0] / contacts[0][1] == pytest.approx(signal[1] / signal[0])  # theta = 0 is the same curve


@given(st.floats(0.0, 0.05), st.floats(50.0, 600.0), st.floats(-200.0, 200.0))
def test_electrical_hanle_is_the_drift_diffusion_integral(field: float, distance: float, drift: float):
    d, length, tau = 1e-4, distance * 1e-9, 0.8e-9
    omega = larmor_precession(2.0, field) * 1e12

    def integrand(u: float) -> float:  # t = u^2 removes the root
        t = u * u
        return (
            2
            / np.sqrt(4 * np.pi * d)
            * np.exp(-((length - drift * t) ** 2) / (4 * d * t) - t / tau)
            * np.cos(omega * t)
        )

    expected = quad(integrand, 1e-9, np.sqrt(40 * tau), limit=400, epsabs=1e-12)[0]
    assert electrical_hanle(field, 2.0, 800.0, 1.0, distance, drift) == pytest.approx(expected, abs=1e-9)


def test_worked_numbers_of_the_g_spread():
    assert g_spread_time_ps(1.0, 0.03) == pytest.approx(379.0420, rel=1e-6)
    assert g_spread_time_ps(1.0, 0.03, convention="gaussian") == pytest.approx(536.0463, rel=1e-6)
    assert dephasing_time_ps(1.0, 2000.0, 0.03) == pytest.approx(318.6510, rel=1e-6)
    # the collected value is 468.9872; solving t/T0 + t^2/tau_G^2 = 1 gives 469.0020
    gaussian = dephasing_time_ps(1.0, 2000.0, 0.03, convention="gaussian")
    assert gaussian == pytest.approx(468.9872, rel=1e-4)
    assert gaussian / 2000.0 + (gaussian / 536.0463) ** 2 == pytest.approx(1.0, rel=1e-6)
    assert pytest.approx(422.7418, rel=1e-6) == 1 / (1 / 2000.0 + 1 / 536.0463)
    assert gaussian / dephasing_time_ps(1.0, 2000.0, 0.03) == pytest.approx(1.47, abs=5e-3)


def test_envelopes_are_means_over_the_ensemble():
    rng = np.random.default_rng(1)
    time = 300.0
    normal = np.cos(larmor_precession(rng.normal(0.0, 0.03, 300_000), 1.0) * time).mean()
    tau = g_spread_time_ps(1.0, 0.03, convention="gaussian")
    assert normal == pytest.approx(np.exp(-((time / tau) ** 2)), abs=4e-3)
    lorentzian = np.cos(larmor_precession(0.03 * rng.standard_cauchy(300_000), 1.0) * time).mean()
    assert lorentzian == pytest.approx(np.exp(-time / g_spread_time_ps(1.0, 0.03)), abs=4e-3)


def test_worked_numbers_of_resonant_spin_amplification():
    assert pytest.approx(13.15789e3, rel=1e-6) == REPETITION_PS
    spacing = 2.172011e-3
    assert pytest.approx(spacing, rel=1e-6) == 1 / (REPETITION_PS * 1e-3) / 2.5 / 13.99624493
    values = resonant_spin_amplification([0.0, 0.001, spacing / 2], 2.5, 5000.0, REPETITION_PS, REPETITION_PS)
    assert values == pytest.approx([0.07754527, -0.06545764, -0.06713350], rel=1e-6)
    early = resonant_spin_amplification(0.001, 2.5, 5000.0, REPETITION_PS, REPETITION_PS - 20.0)
    assert early == pytest.approx(-0.06565101, rel=1e-6)
    long = resonant_spin_amplification(np.array([0.0, 0.2240573e-3]), 2.5, 21000.0, REPETITION_PS, REPETITION_PS) + 0.5
    assert long[1] / long[0] == pytest.approx(0.5, rel=1e-6)  # half width of the cosine term
    assert 1e3 * hanle_half_width_t(2.5, 21000.0) == pytest.approx(0.2165954, rel=1e-6)


@given(st.floats(0.0, 0.05), st.floats(500.0, 20000.0), st.floats(0.0, 1.0))
def test_amplification_is_the_sum_over_pulses(field: float, lifetime: float, fraction: float):
    delay = fraction * REPETITION_PS
    pulses = np.arange(600)
    expected = kerr_transient(delay + pulses * REPETITION_PS, field, 2.5, lifetime).sum()
    found = resonant_spin_amplification(field, 2.5, lifetime, REPETITION_PS, delay)
    assert found == pytest.approx(expected, abs=1e-9)


def test_worked_numbers_of_spin_inertia():
    assert spin_inertia([1e-3, 3e-3, 1e-2], 130e6) == pytest.approx([0.7744762, 0.3778385, 0.1215196], rel=1e-6)
    assert spin_inertia(1224.269e-6, 130e6) == pytest.approx(np.sqrt(0.5), rel=1e-6)
    assert spin_inertia(0.01, 25e6) == pytest.approx(0.5370293, rel=1e-6)


@given(st.floats(1e-3, 10.0), st.floats(0.5, 1e5), st.floats(1e-4, 1.0))
def test_dephasing_is_faster_than_either_cause(field: float, t0: float, spread: float):
    for convention in ("linear", "gaussian"):
        total = dephasing_time_ps(field, t0, spread, convention=convention)
        assert 0 < total < min(t0, g_spread_time_ps(field, spread, convention=convention)) * (1 + 1e-12)
    assert dephasing_time_ps(field, t0, 0.0, convention="gaussian") == pytest.approx(t0)


def test_hanle_half_width_is_where_half_is_left():
    assert hanle_polarisation(hanle_half_width_t(-1.7, 300.0), -1.7, 300.0, 0.8) == pytest.approx(0.4)
