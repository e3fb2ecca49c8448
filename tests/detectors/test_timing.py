"""Drift, response times and stability: the paper's device and doubts."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.devices import drift, pulses
from perospin import detectors as d
from perospin.errors import FitError

BIAS = {"area_mm2": 1.0, "gap_mm": 0.7, "voltage_v": 140.0}


def test_worked_number_of_the_drift():
    time = np.linspace(0, 14400, 50)
    fit = d.fit_drift(time, 1e-9 * (1 + 0.03 * time / 14400), area_mm2=100.0, gap_mm=1.0, voltage_v=200.0)
    assert fit["drift_na_cm_s_v"].value == pytest.approx(1.041667e-9, rel=1e-6)


@pytest.mark.parametrize("repeats", [3, pytest.param(300, marks=pytest.mark.slow)])
def test_the_papers_device(repeats):
    held = []
    for seed in range(repeats):
        rng = np.random.default_rng(seed)
        edges = d.fit_response_time(*pulses(rng))
        found = [
            (d.fit_drift(*drift(rng), **BIAS)["drift_na_cm_s_v"], 9.59e-8),
            (edges["rise_ms"], 16.8),
            (edges["fall_ms"], 29.1),
        ]
        for value, true in found:
            assert value.value == pytest.approx(true, rel=0.1)
        held.append([value.low <= true <= value.high for value, true in found])
    if repeats >= 300:
        shares = np.mean(held, axis=0)
        assert np.all((shares > 0.60) & (shares < 0.76)), shares


def test_negative_currents_give_the_same_times_and_drift():
    rng = np.random.default_rng(5)
    time, current = pulses(rng)
    one, other = d.fit_response_time(time, current), d.fit_response_time(time, -current)
    assert other["rise_ms"].value == pytest.approx(one["rise_ms"].value, rel=1e-4)
    time, current = drift(rng)
    assert d.fit_drift(time, -current, **BIAS)["drift_na_cm_s_v"].value == pytest.approx(9.59e-8, rel=0.02)


def test_pulses_of_a_thousand_cycles_are_all_found():
    time = np.arange(0, 4000, 0.1)
    lit = (time % 2) > 1
    noise = 2e-11 * np.random.default_rng(0).standard_normal(len(time))
    current = 1e-9 * lit * (1 - 0.05 * time / 4000) + 1e-10 + noise
    assert 1998 <= len(d.segment_pulses(time, current)) <= 2000
    fit = d.fit_stability(time, current)
    assert abs(fit["retained_percent"].value - 95.0) < 4 * fit["retained_percent"].uncertainty


def test_doubts():
    time = np.linspace(0, 1000, 100)
    noise = 1e-15 * np.random.default_rng(0).standard_normal(100)
    settling = d.fit_drift(time, 1e-11 + 1e-11 * np.exp(-time / 200) + noise, **BIAS)
    assert any("not steady" in w for w in settling.warnings)
    assert any("stands out" in w for w in d.fit_drift(time, 1e-11 + noise, **BIAS).warnings)
    coarse = np.arange(0, 10, 0.1)
    fit = d.fit_response_time(coarse, ((coarse > 3) & (coarse < 6)) * 1e-9 + 1e-12 * (coarse % 0.3))
    assert any("sampling" in w for w in fit.warnings)


@pytest.mark.parametrize(
    "call",
    [
        lambda: d.fit_response_time(np.arange(100), np.random.default_rng(0).standard_normal(100)),
        lambda: d.fit_stability(np.arange(100), ((np.arange(100) // 25) % 2) * 1.0),
        lambda: d.fit_drift(np.arange(10), np.arange(10), area_mm2=1.0, gap_mm=0.7, voltage_v=0.0),
    ],
)
def test_refused(call):
    with pytest.raises(FitError):
        call()
