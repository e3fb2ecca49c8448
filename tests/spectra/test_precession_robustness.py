"""Data as laboratories have them: gaps, reversed and repeated points, saturation, wrong units, few or many points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from perospin.errors import PerospinError
from perospin.measurements import SpinFit
from perospin.spectra import (
    fit_hanle,
    fit_kerr,
    fit_nuclear_precession,
    fit_odmr,
    fit_polarisation_power,
    fit_resonant_amplification,
    fit_spin_inertia,
    fit_spin_valve,
    fit_t1_field,
    fit_t1_temperature,
)
from perospin.spectra.signals import simulate

DELAY = np.linspace(0.0, 2000.0, 300)
FIELD = np.linspace(-0.1, 0.1, 121)
FREQUENCY = np.geomspace(50.0, 1e5, 25)
TEMPERATURE = np.linspace(1.6, 10.0, 12)
POWER = np.geomspace(0.05, 20.0, 12)
NOISE = np.random.default_rng(0)

Analysis = Callable[[Any, Any], SpinFit]
ANALYSES: dict[str, tuple[Analysis, np.ndarray, np.ndarray, str]] = {
    "kerr": (
        lambda x, y: fit_kerr(x, y, field_t=0.5),
        DELAY, simulate.kerr_trace(DELAY, field_t=0.5, g_factor=1.96, dephasing_time_ps=400.0, noise=0.03), "g_factor",
    ),
    "nuclear": (
        fit_nuclear_precession,
        DELAY, simulate.nuclear_trace(DELAY, nuclear_field_t=0.02, g_factor=1.7, noise=0.03), "g_nuclear_field_t",
    ),
    "amplification": (
        lambda x, y: fit_resonant_amplification(x, y, 13158.0),
        FIELD / 5, simulate.resonant_amplification_curve(
            FIELD / 5, g_factor=1.96, dephasing_time_ps=8000.0, period_ps=13158.0, delay_ps=13158.0, noise=0.03),
        "g_factor",
    ),
    "hanle": (
        fit_hanle,
        FIELD, simulate.hanle_curve(FIELD, g_factor=2.0, lifetime_ps=500.0, spin_lifetime_ps=900.0, noise=0.01),
        "half_width_t",
    ),
    "spin valve": (
        lambda x, y: fit_spin_valve(x, y, length_um=2.1),
        FIELD, simulate.spin_valve_curve(
            FIELD, lifetime_ps=500.0, diffusion_cm2_s=190.0, length_um=2.1, amplitude_ohm=100.0, noise=0.5),
        "lifetime_ps",
    ),
    "odmr": (
        lambda x, y: fit_odmr(x, y, frequency_ghz=1.0),
        FIELD, simulate.odmr_spectrum(FIELD, frequency_ghz=1.0, g_factor=1.68, nuclear_field_t=0.012, noise=0.03),
        "g_factor",
    ),
    "inertia": (
        fit_spin_inertia, FREQUENCY, simulate.inertia_curve(FREQUENCY, t1_ps=130e6, noise=0.01), "t1_ps",
    ),
    "t1 field": (
        fit_t1_field, np.geomspace(0.014, 0.2, 12), simulate.t1_against_field(
            np.geomspace(0.014, 0.2, 12), spin_lifetime_ps=0.8e9, correlation_time_ps=60e6, nuclear_field_t=0.012,
            relative_noise=0.03),
        "spin_lifetime_ps",
    ),
    "t1 temperature": (
        fit_t1_temperature, TEMPERATURE, simulate.t1_against_temperature(
            TEMPERATURE, spin_lifetime_ps=0.8e9, activation_rate_per_ps=20e-6, activation_energy_mev=3.2,
            relative_noise=0.03),
        "activation_energy_mev",
    ),
    "power": (
        lambda x, y: fit_polarisation_power(x, y, effect="spin"),
        POWER, 0.3 / (1 + POWER / 3) + 0.003 * NOISE.standard_normal(12), "power_scale",
    ),
}  # fmt: skip
every = pytest.mark.parametrize("name", ANALYSES)


@every
def test_missing_reversed_and_repeated_points(name):
    fit_it, x, y, quantity = ANALYSES[name]
    clean = fit_it(x, y)
    reverse = fit_it(x[::-1], y[::-1])
    assert reverse[quantity].value == pytest.approx(clean[quantity].value, rel=1e-4)
    assert any("backwards" in sentence for sentence in reverse.warnings)
    gaps, doubled = y.copy(), np.concatenate([x, x[:4]])
    gaps[5] = np.nan
    fit = fit_it(x, gaps)
    assert any("missing or infinite" in sentence for sentence in fit.warnings)
    assert abs(fit[quantity].value - clean[quantity].value) < 3 * clean[quantity].uncertainty
    fit = fit_it(doubled, np.concatenate([y, y[:4]]))
    assert any("more than once" in sentence for sentence in fit.warnings)
    assert abs(fit[quantity].value - clean[quantity].value) < 3 * clean[quantity].uncertainty


@every
def test_nothing_to_fit_is_one_sentence(name):
    fit_it, x, y, _ = ANALYSES[name]
    cases = [
        (x, np.full_like(y, 0.5)), (x[:1], y[:1]), ([], []), (np.zeros_like(x), y), (x, y[:-1]), (x, y.astype(str)),
        (x, np.full_like(y, np.nan)), (x, np.column_stack([y, y])),
    ]  # fmt: skip
    for at, signal in cases[:5] + cases[6:]:
        with pytest.raises(PerospinError) as error:
            fit_it(at, signal)
        assert "\n" not in str(error.value)


@every
@settings(max_examples=4, deadline=None)
@given(st.data())
def test_any_numbers_give_a_fit_or_a_sentence(name, data):
    fit_it, x, _, _ = ANALYSES[name]
    finite = st.floats(-1e3, 1e3, allow_nan=False)
    y = data.draw(arrays(float, x.size, elements=finite))
    try:
        fit = fit_it(x, y)
    except PerospinError:
        return  # a sentence; anything else fails the test
    assert np.isfinite(fit.data["best_fit"]).all()
    assert fit.report()


def test_five_points_are_too_few_for_a_transient():
    with pytest.raises(PerospinError, match="usable points"):
        fit_kerr(DELAY[:5], np.cos(DELAY[:5]))


def test_femtoseconds_taken_for_picoseconds_are_noticed():
    _, x, y, _ = ANALYSES["kerr"]
    assert any("look like fs" in sentence for sentence in fit_kerr(1e3 * x, y).warnings)
    assert not any("look like" in sentence for sentence in fit_kerr(1e3 * x, y, delay_unit="fs").warnings)


def test_a_saturated_channel_is_noticed():
    _, x, y, _ = ANALYSES["kerr"]
    assert any("saturated" in sentence for sentence in fit_kerr(x, np.clip(y, -0.1, 0.1)).warnings)


def test_robust_fit_ignores_spikes():
    _, x, y, _ = ANALYSES["kerr"]
    spoilt = y.copy()
    spoilt[[20, 90, 200]] += 5.0
    plain, robust = fit_kerr(x, spoilt, field_t=0.5), fit_kerr(x, spoilt, field_t=0.5, robust=True)
    assert abs(robust.dephasing_time_ps - 400.0) < abs(plain.dephasing_time_ps - 400.0) + 10.0
    assert abs(robust.dephasing_time_ps - 400.0) < 40.0


@pytest.mark.slow
def test_a_million_points():
    delay = np.linspace(0.0, 5000.0, 1_000_000)
    signal = simulate.kerr_trace(delay, field_t=0.5, g_factor=1.96, dephasing_time_ps=400.0, noise=0.3)
    fit = fit_kerr(delay, signal, field_t=0.5)
    assert abs(fit.g_factor - 1.96) < 4 * fit.uncertainty["g_factor"]
    assert fit.uncertainty["g_factor"] < 1e-3
