"""Optical Hanle curves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perospin.errors import DataError, FitError
from perospin.spectra import fit_hanle
from perospin.spectra.signals import simulate
from recovering import near

FIELD = np.linspace(-0.06, 0.06, 121)


def curve(**changes: float) -> np.ndarray:
    options = {"g_factor": 2.5, "lifetime_ps": 2000.0, "spin_lifetime_ps": 1000.0, "noise": 0.003}
    return simulate.hanle_curve(FIELD, **{**options, **changes})


def test_width_and_height_give_both_times():
    fit = fit_hanle(FIELD, curve(), g_factor=2.5, initial_polarisation=1.0)
    truths = {
        "half_width_t": 6.822756e-3, "lifetime_ps": 666.6667, "spin_lifetime_ps": 1000.0,
        "recombination_lifetime_ps": 2000.0, "peak_polarisation": 1 / 3, "ratio": 2.0,
    }  # fmt: skip
    for name, truth in truths.items():
        assert near(fit, name, truth), name
    record = fit.to_record("CsPbBr3", source="A")
    assert record.conditions.lifetime_convention == "polarisation_decay"
    assert record.value == fit.spin_lifetime_ps


def test_width_and_recombination_time():
    fit = fit_hanle(FIELD, curve(offset=0.05), g_factor=-2.5, carrier_lifetime_ps=2000.0, offset=True)
    assert near(fit, "spin_lifetime_ps", 1000.0)
    assert near(fit, "offset", 0.05)


def test_without_g_there_is_only_the_product():
    fit = fit_hanle(FIELD, curve())
    assert near(fit, "g_lifetime_ps", 2.5 * 666.6667)
    assert "lifetime_ps" not in fit
    with pytest.raises(FitError, match="no property"):
        fit.to_record("CsPbBr3", source="A")


def test_hanle_width_record_says_what_it_is():
    record = fit_hanle(FIELD, curve(), g_factor=2.5).to_record("CsPbBr3", source="A")
    assert record.conditions.lifetime_convention == "hanle_width"


@settings(max_examples=8, deadline=None)
@given(st.floats(0.3, 3.0), st.floats(100.0, 8000.0), st.floats(-0.01, 0.01), st.integers(0, 1000))
def test_any_curve_with_a_shifted_centre(g, spin, centre, seed):
    signal = simulate.hanle_curve(
        FIELD - centre, g_factor=g, lifetime_ps=3000.0, spin_lifetime_ps=spin, noise=1e-3, seed=seed
    )
    fit = fit_hanle(FIELD, signal, g_factor=g, centre=True)
    truth = 1.0 / (1.0 / 3000.0 + 1.0 / spin)
    value = fit["lifetime_ps"]
    if value.status == "derived":
        assert abs(value.value - truth) < 5.0 * value.uncertainty


def test_two_components():
    broad = simulate.hanle_curve(FIELD, g_factor=2.0, lifetime_ps=1000.0, spin_lifetime_ps=400.0)
    narrow = simulate.hanle_curve(FIELD, g_factor=2.0, lifetime_ps=1e4, spin_lifetime_ps=9000.0, noise=0.001)
    fit = fit_hanle(FIELD, broad + narrow, components=2, g_factor=2.0)
    assert near(fit, "lifetime_1_ps", 1.0 / (1e-4 + 1 / 9000.0))
    assert near(fit, "lifetime_2_ps", 1.0 / (1e-3 + 1 / 400.0))


def test_a_curve_broader_than_the_magnet():
    field = np.linspace(-0.005, 0.005, 60)
    signal = simulate.hanle_curve(field, g_factor=0.5, lifetime_ps=20.0, spin_lifetime_ps=20.0, noise=0.01)
    assert fit_hanle(field, signal, g_factor=0.5)["lifetime_ps"].status in ("upper bound", "undetermined")


def test_a_curve_narrower_than_the_steps():
    signal = simulate.hanle_curve(FIELD, g_factor=2.0, lifetime_ps=1e6, spin_lifetime_ps=1e6, noise=0.01)
    for extra in ({}, {"carrier_lifetime_ps": 1e6}, {"initial_polarisation": 1.0}):
        fit = fit_hanle(FIELD, signal, g_factor=2.0, **extra)
        assert fit["half_width_t"].status in ("upper bound", "undetermined")
        assert fit["lifetime_ps"].status in ("lower bound", "undetermined")


def test_contradictions_are_said():
    assert any("not shorter" in s for s in fit_hanle(FIELD, curve(), g_factor=2.5, carrier_lifetime_ps=500.0).warnings)
    told = fit_hanle(FIELD, curve(), g_factor=2.5, initial_polarisation=0.2).warnings
    assert any("not below the initial" in sentence for sentence in told)
    for wrong in ({"carrier_lifetime_ps": -1.0}, {"initial_polarisation": 0.0}, {"g_factor": 0.0}, {"components": 5}):
        with pytest.raises(DataError):
            fit_hanle(FIELD, curve(), **wrong)


def test_a_background_and_a_shift_that_were_left_out_are_told():
    field_t = np.linspace(-0.1, 0.1, 81)
    for seed in range(8):
        noise = 0.004 * np.random.default_rng(seed).standard_normal(81)
        plain = 0.25 / (1 + (field_t / 0.0114) ** 2) + noise
        assert not any("the data ask for" in w for w in fit_hanle(field_t, plain).warnings)
        moved = 0.25 / (1 + ((field_t - 0.006) / 0.0114) ** 2) + 0.04 + noise
        said = [w for w in fit_hanle(field_t, moved).warnings if "the data ask for" in w]
        assert "(centre)" in said[0]
        assert "(offset)" in said[0]
        assert not any("the data ask for" in w for w in fit_hanle(field_t, moved, offset=True, centre=True).warnings)
