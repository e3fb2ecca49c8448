"""Precession through an instrument response: against quadrature, and where naive forms overflow."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from perospin.errors import DataError
from perospin.spectra import fit_kerr
from perospin.spectra.signals.irf import FWHM_PER_SIGMA, gaussian_decay
from perospin.spectra.signals.precession_response import precession_seen
from perospin.spectra.signals.signals import GHZ_PER_TESLA
from recovering import near


@pytest.mark.parametrize("envelope", ["exponential", "gaussian"])
@pytest.mark.parametrize("time", [-1.5, -0.2, 0.0, 0.4, 2.0, 30.0])
@pytest.mark.parametrize(("frequency", "dephasing"), [(100.0, 5.0), (900.0, 0.3), (20.0, 50.0)])
def test_against_quadrature(envelope, time, frequency, dephasing):
    fwhm = 1.0
    sigma, omega = fwhm / FWHM_PER_SIGMA, 2e-3 * np.pi * frequency

    def integrand(t: float, part: str) -> float:
        damping = np.exp(-t / dephasing if envelope == "exponential" else -((t / dephasing) ** 2))
        response = np.exp(-0.5 * ((time - t) / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
        return damping * getattr(np, part)(omega * t) * response

    low, high = max(0.0, time - 12 * sigma), max(0.0, time + 12 * sigma)
    expected = [quad(integrand, low, high, args=(part,), limit=400)[0] for part in ("cos", "sin")]
    found = precession_seen(np.array([time]), frequency, dephasing, fwhm, envelope=envelope)
    np.testing.assert_allclose([part[0] for part in found], expected, rtol=1e-7, atol=1e-10)


def test_without_precession_it_is_the_decay():
    t = np.linspace(-3, 20, 50)
    cosine, sine = precession_seen(t, 0.0, 3.0, 0.5)
    np.testing.assert_allclose(cosine, gaussian_decay(t, 3.0, 0.5), rtol=1e-12)
    np.testing.assert_allclose(sine, 0.0, atol=1e-15)


@given(st.floats(-1e4, 1e4), st.floats(1e-3, 1e5), st.floats(1e-3, 1e6), st.floats(1e-3, 1e2))
def test_always_finite(time, frequency, dephasing, fwhm):
    for envelope in ("exponential", "gaussian"):
        parts = np.array(precession_seen(np.array([time]), frequency, dephasing, fwhm, envelope=envelope))
        assert np.isfinite(parts).all()
        assert np.abs(parts).max() <= 1.0 + 1e-9


def test_same_numbers_and_finite_derivatives_under_jax():
    import jax
    import jax.numpy as jnp

    t = np.linspace(-60.0, 60.0, 31)
    expected = precession_seen(t, 300.0, 0.08, 0.14)
    with jax.enable_x64(True):
        found = jax.jit(lambda at: precession_seen(at, 300.0, 0.08, 0.14))(jnp.asarray(t))
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)
        slope = jax.jit(jax.grad(lambda time: precession_seen(jnp.asarray(t), 300.0, time, 0.14)[0].sum()))(0.08)
        assert np.isfinite(slope)


@pytest.mark.parametrize("envelope", ["exponential", "gaussian"])
def test_fit_through_a_response(envelope):
    # 20 T: periods of 2 ps seen with 1.2 ps, time zero displaced by 0.4 ps
    delay, rng = np.linspace(-10.0, 40.0, 501), np.random.default_rng(0)
    frequency = 1.8 * GHZ_PER_TESLA * 20.0
    cosine, sine = precession_seen(delay - 0.4, frequency, 8.0, 1.2, envelope=envelope)
    decay = gaussian_decay(delay - 0.4, 15.0, 1.2)
    signal = 2.0 * (np.cos(0.6) * cosine - np.sin(0.6) * sine) + 0.8 * decay + 0.1
    signal = signal + 0.02 * rng.standard_normal(delay.size)
    fit = fit_kerr(delay, signal, field_t=20.0, irf_fwhm_ps=1.2, background="exponential", envelope=envelope)
    truths = {
        "g_factor": 1.8, "dephasing_time_ps": 8.0, "amplitude": 2.0, "phase_rad": 0.6, "time_zero_ps": 0.4,
        "decay_time_ps": 15.0,
    }  # fmt: skip
    for name, truth in truths.items():
        assert near(fit, name, truth), name


def test_dephasing_below_the_response_is_an_upper_bound():
    delay, rng = np.linspace(-5.0, 10.0, 301), np.random.default_rng(0)
    signal = precession_seen(delay, 100.0, 0.1, 1.0)[0] + 0.002 * rng.standard_normal(delay.size)
    fit = fit_kerr(delay, signal, irf_fwhm_ps=1.0)
    assert fit["dephasing_time_ps"].status in ("upper bound", "undetermined")
    with pytest.raises(DataError, match="irf_fwhm_ps"):
        fit_kerr(delay, signal, irf_fwhm_ps=0.0)
