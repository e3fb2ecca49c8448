"""Sensitivity and detection limit: worked numbers, coverage, doubts."""

from __future__ import annotations

import numpy as np
import pytest

from perospin import detectors as d
from perospin.errors import FitError

DOSE = np.array([2.7, 5.4, 8.1, 10.8, 14.0, 18.0, 22.7]) * 1e-6
SENSITIVITY, LIMIT = 1033.7, 1.41e-6


def sensitivity(seed):
    noise = 1e-13 * np.random.default_rng(seed).standard_normal(len(DOSE))
    current = 1e-6 * SENSITIVITY * 0.01 * DOSE + 5e-11
    return d.fit_sensitivity(DOSE, current + noise, area_mm2=1.0, sigma=1e-13)


def limit(seed):
    noise = 0.2 * np.random.default_rng(seed + 10_000).standard_normal(len(DOSE))
    return d.fit_detection_limit(DOSE, 0.4 + (3 - 0.4) / LIMIT * DOSE + noise, sigma=0.2)


def test_worked_number_of_the_limit():
    fit = d.fit_detection_limit(np.array([2.7, 5.4, 10.8, 22.7]) * 1e-6, [5, 9.5, 18.5, 38.6])
    assert fit["detection_limit_gy_s"].value * 1e6 == pytest.approx(1.534015, abs=2e-6)
    assert fit["snr_per_gy_s"].value * 1e-6 == pytest.approx(1.680580, abs=2e-6)
    assert fit["snr_at_zero"].value == pytest.approx(0.4219649, abs=1e-6)
    assert any("it is extrapolated" in w for w in fit.warnings)
    record = fit.to_record("(PEA)2PbI4", source="us")
    assert record.property == "xray_detection_limit"
    assert record.value == pytest.approx(1534.015, abs=0.01)


@pytest.mark.parametrize("repeats", [4, pytest.param(300, marks=pytest.mark.slow)])
def test_the_papers_device(repeats):
    held = []
    for seed in range(repeats):
        pairs = (
            (sensitivity(seed)["sensitivity_uc_gy_cm2"], SENSITIVITY),
            (limit(seed)["detection_limit_gy_s"], LIMIT),
        )
        for value, true in pairs:
            assert value.value == pytest.approx(true, rel=0.2)
        held.append([value.low <= true <= value.high for value, true in pairs])
    if repeats >= 300:
        shares = np.mean(held, axis=0)
        assert np.all((shares > 0.60) & (shares < 0.76)), shares


def test_a_meter_that_saturates_and_a_wrong_unit_are_doubted():
    noise = 1e-13 * np.random.default_rng(0).standard_normal(len(DOSE))
    current = 1e-5 * DOSE / (1 + DOSE / 20e-6)
    assert any("falls short" in w for w in d.fit_sensitivity(DOSE, current + noise, area_mm2=1.0).warnings)
    assert not any("proportional" in w for w in sensitivity(0).warnings)
    assert any("another unit" in w for w in d.fit_sensitivity(1e6 * DOSE, current + noise, area_mm2=1.0).warnings)


def test_negative_currents_give_a_positive_sensitivity():
    noise = 1e-13 * np.random.default_rng(0).standard_normal(len(DOSE))
    fit = d.fit_sensitivity(DOSE, -1e-5 * DOSE + noise, area_mm2=1.0)
    assert fit["sensitivity_uc_gy_cm2"].value == pytest.approx(1000, rel=0.01)


def test_limits_that_data_do_not_give():
    noise = 0.1 * np.random.default_rng(0).standard_normal(len(DOSE))
    fit = d.fit_detection_limit(DOSE, 10 + 1e6 * DOSE + noise)
    assert fit["detection_limit_gy_s"].status == "undetermined"
    fit = d.fit_detection_limit(DOSE * 100, 2e6 * DOSE * 100 + noise)
    assert any("more than a decade" in w for w in fit.warnings)
    with pytest.raises(FitError):
        d.fit_sensitivity(DOSE, 1e-5 * DOSE, area_mm2=-1.0)


BIASES = (5.0, 10.0, 25.0, 50.0, 100.0, 200.0)


def at_bias(seed, bias):
    noise = 1e-13 * np.random.default_rng([seed, int(bias)]).standard_normal(len(DOSE))
    current = 1e-8 * 1180.0 * float(d.hecht(bias, 1.81e-4, 0.07)) * DOSE + 5e-11 + noise
    return d.fit_sensitivity(DOSE, current, area_mm2=1.0, voltage_v=bias, gap_mm=0.7, sigma=1e-13)


@pytest.mark.parametrize("repeats", [3, pytest.param(300, marks=pytest.mark.slow)])
def test_sensitivities_at_several_biases_give_mu_tau(repeats):
    held = []
    for seed in range(repeats):
        fit = d.fit_sensitivity_series([at_bias(seed, bias) for bias in BIASES], gap_mm=0.7, level=0.68)
        value = fit["mu_tau_cm2_v"]
        assert value.value == pytest.approx(1.81e-4, rel=0.3)
        assert fit["saturation_sensitivity_uc_gy_cm2"].value == pytest.approx(1180.0, rel=0.1)
        held.append(value.low <= 1.81e-4 <= value.high)
    assert fit.to_record("(PEA)2PbI4", source="us").property == "mu_tau"
    if repeats >= 300:
        assert 0.60 < np.mean(held) < 0.76


def test_a_series_needs_its_biases():
    alone = d.fit_sensitivity(DOSE, 1e-8 * 1000 * DOSE + 1e-13 * np.arange(7) ** 2, area_mm2=1.0)
    with pytest.raises(FitError, match="bias"):
        d.fit_sensitivity_series([alone] * 4, gap_mm=0.7)
    assert at_bias(0, 50.0).to_record("(PEA)2PbI4", source="us").conditions.bias_field_v_mm == pytest.approx(50 / 0.7)


def test_worked_number_of_the_sensitivity():
    # 1 nA from 0.01 cm2 at 22.7 uGy/s
    dose = np.array([0.0, 11.35e-6, 22.7e-6])
    fit = d.fit_sensitivity(dose, 1e-9 * dose / 22.7e-6 + [1e-16, -2e-16, 1e-16], area_mm2=1.0)
    assert fit["sensitivity_uc_gy_cm2"].value == pytest.approx(4405.286, abs=2e-3)
