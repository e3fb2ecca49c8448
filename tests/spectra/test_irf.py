"""Decays through the response: reference values, no overflow, any response."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perospin.errors import FitError
from perospin.spectra.signals.irf import FWHM_PER_SIGMA, MeasuredResponse, gaussian_decay, gaussian_step, sharp_decay

# computed once by quadrature of the convolution: lifetime, sigma, time, value
REFERENCE = [
    (7.76, 0.1, [-0.2, 0.0, 0.1, 0.3, 5.0], [0.02264119, 0.4949002, 0.8275429, 0.9608030, 0.5250578]),
    (0.12, 0.1, [-0.2, 0.0, 0.1, 0.3, 1.0], [0.01725699, 0.2863212, 0.3482107, 0.1144035, 3.401543e-4]),
    (0.01, 1.0, [-5.0], [1.415795e-8]),
]


@pytest.mark.parametrize(("lifetime", "sigma", "time", "expected"), REFERENCE)
def test_reference_values(lifetime: float, sigma: float, time: list[float], expected: list[float]) -> None:
    got = gaussian_decay(np.array(time), lifetime, sigma * FWHM_PER_SIGMA)
    assert got == pytest.approx(np.array(expected), rel=2e-6)


def test_equals_the_exponentially_modified_normal_of_scipy() -> None:
    from scipy.stats import exponnorm

    time, lifetime, sigma = np.linspace(-0.5, 5, 50), 0.7, 0.2
    other = lifetime * exponnorm.pdf(time, K=lifetime / sigma, scale=sigma)
    assert gaussian_decay(time, lifetime, sigma * FWHM_PER_SIGMA) == pytest.approx(other, rel=1e-9, abs=1e-15)


def test_short_decay_at_a_long_negative_delay_where_lmfit_gives_nan() -> None:
    from lmfit.lineshapes import expgaussian

    with np.errstate(all="ignore"):
        assert np.isnan(expgaussian(np.array([-60.0]), 1.0, 0.0, 0.06, 1 / 0.08)).all()
    assert gaussian_decay(np.array([-60.0]), 0.08, 0.06 * FWHM_PER_SIGMA) == pytest.approx(0.0, abs=1e-300)


@given(st.floats(-1e4, 1e4), st.floats(1e-4, 1e5), st.floats(1e-4, 1e2))
def test_always_between_zero_and_one(time: float, lifetime: float, fwhm: float) -> None:
    value = gaussian_decay(np.array([time]), lifetime, fwhm)
    assert np.isfinite(value).all()
    assert 0.0 <= value[0] <= 1.0


@given(st.floats(0.02, 50.0), st.floats(0.02, 2.0))
@settings(max_examples=15)
def test_jax_and_numpy_agree_with_finite_derivatives(lifetime: float, fwhm: float) -> None:
    import jax
    import jax.numpy as jnp

    time = np.linspace(-60.0, 60.0, 41)
    with jax.enable_x64(True):
        value, slope = jax.jvp(
            lambda tau: gaussian_decay(jnp.asarray(time), tau, fwhm), (jnp.asarray(lifetime),), (jnp.asarray(1.0),)
        )
        assert np.asarray(value) == pytest.approx(gaussian_decay(time, lifetime, fwhm), rel=1e-9, abs=1e-14)
        assert np.isfinite(np.asarray(slope)).all()


def test_limits() -> None:
    time = np.linspace(0.5, 5, 20)
    assert gaussian_decay(time, 2.0, 1e-3) == pytest.approx(np.exp(-time / 2.0), rel=1e-5)
    assert gaussian_decay(time, 1e9, 0.2) == pytest.approx(gaussian_step(time, 0.2), rel=1e-6)
    assert sharp_decay(np.array([-1.0, 0.0, 2.0]), 2.0) == pytest.approx(np.array([0.0, 1.0, np.exp(-1.0)]))


def test_a_measured_gaussian_is_the_gaussian() -> None:
    sigma = 0.1
    grid = np.linspace(-0.5, 0.5, 201)
    response = MeasuredResponse.of(grid + 3.0, 7.0 * np.exp(-0.5 * (grid / sigma) ** 2))
    assert response.fwhm_ps == pytest.approx(sigma * FWHM_PER_SIGMA, rel=1e-3)
    time = np.linspace(-0.5, 3, 60)
    for lifetime in (0.02, 0.12, 7.76):
        assert response.decay(time, lifetime) == pytest.approx(
            gaussian_decay(time, lifetime, sigma * FWHM_PER_SIGMA), abs=2e-4
        )
    assert response.step(time) == pytest.approx(gaussian_step(time, sigma * FWHM_PER_SIGMA), abs=2e-4)


@pytest.mark.parametrize(
    ("time", "signal", "words"),
    [
        ([0.0, 1.0], [1.0, 1.0], "at least 3 points"),
        ([0.0, 1.0, 1.0], [1.0, 1.0, 1.0], "ascend"),
        ([0.0, 1.0, 2.0], [0.0, -1.0, 0.0], "positive area"),
        ([0.0, 1.0, np.nan], [0.0, 1.0, 0.0], "missing"),
    ],
)
def test_bad_responses(time: list[float], signal: list[float], words: str) -> None:
    with pytest.raises(FitError, match=words):
        MeasuredResponse.of(time, signal)
