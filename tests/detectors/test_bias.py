"""Fits against voltage and frequency: the paper's device again, and doubts where the data deny the model."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.devices import (
    AREA_MM2,
    EPS,
    GAP_MM,
    MOBILITY,
    MU_TAU,
    RESISTIVITY,
    TRAPS,
    capacitance,
    dark,
    dark_current_a,
    hecht,
)
from perospin import detectors as d
from perospin.errors import FitError

SCLC = {"gap_mm": GAP_MM, "area_mm2": AREA_MM2, "permittivity": EPS}


def test_closed_forms():
    assert d.trap_density(47.28860, 0.07, 6.0) == pytest.approx(6.4e10, rel=1e-6)
    assert 1e9 * d.mott_gurney(100.0, 9.76e-2, 0.07, 6.0) == pytest.approx(1700.624, rel=1e-6)


def fit_all(seed):
    rng = np.random.default_rng(seed)
    sclc = d.fit_sclc(*dark(rng), **SCLC)
    return [
        (d.fit_hecht(*hecht(rng), gap_mm=GAP_MM)["mu_tau_cm2_v"], MU_TAU),
        (sclc["trap_density_cm3"], TRAPS),
        (sclc["mobility_cm2_vs"], MOBILITY),
        (sclc["resistivity_ohm_cm"], RESISTIVITY),
        (d.fit_capacitance(*capacitance(rng), gap_mm=GAP_MM, area_mm2=AREA_MM2)["permittivity"], EPS),
    ]


@pytest.mark.parametrize("repeats", [4, pytest.param(300, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
def test_the_papers_device(repeats):
    held = []
    for seed in range(repeats):
        found = fit_all(seed)
        for value, true in found:
            assert value.value == pytest.approx(true, rel=0.1)
            assert abs(value.value - true) < 6 * value.uncertainty
        held.append([value.low <= true <= value.high for value, true in found])
    if repeats >= 300:
        shares = np.mean(held, axis=0)
        assert np.all((shares > 0.60) & (shares < 0.76)), shares


def test_exact_data_give_the_values_back():
    voltage = np.geomspace(1, 300, 200)
    fit = d.fit_sclc(voltage, dark_current_a(voltage), **SCLC)
    assert fit["trap_density_cm3"].value == pytest.approx(TRAPS, rel=1e-3)
    assert fit["mobility_cm2_vs"].value == pytest.approx(MOBILITY, rel=1e-3)
    # current of the far larger device of 1 cm2 gives the same
    wide = d.fit_sclc(voltage, dark_current_a(voltage, 100.0), **{**SCLC, "area_mm2": 100.0})
    assert wide["resistivity_ohm_cm"].value == pytest.approx(RESISTIVITY, rel=1e-3)


def test_an_ohmic_curve_has_no_traps():
    voltage = np.geomspace(1, 300, 60)
    noise = 10 ** (0.02 * np.random.default_rng(1).standard_normal(60))
    fit = d.fit_sclc(voltage, 1e-12 * voltage * noise, **SCLC)
    assert fit["trap_density_cm3"].status == "undetermined"
    assert fit["mobility_cm2_vs"].status == "undetermined"
    assert any("no trap-filled limit" in w for w in fit.warnings)


def test_hysteresis_and_a_missing_child_region_are_told():
    voltage = np.geomspace(1, 300, 60)
    up, back = dark_current_a(voltage), 3 * dark_current_a(voltage[::-1])
    fit = d.fit_sclc(np.concatenate([voltage, voltage[::-1]]), np.concatenate([up, back]), **SCLC)
    assert any("factor of 3" in w for w in fit.warnings)
    steep = np.where(voltage < 47, 1e-12 * voltage, 1e-12 * 47 * (voltage / 47) ** 4)
    fit = d.fit_sclc(voltage, steep, **SCLC)
    assert fit["mobility_cm2_vs"].status == "undetermined"


def test_hecht_doubts_and_surface():
    low = np.linspace(0.5, 5, 20)
    noise = 1 + 0.001 * np.random.default_rng(0).standard_normal(20)
    assert any("hardly bends" in w for w in d.fit_hecht(low, d.hecht(low, 1e-5, 0.07) * noise, gap_mm=0.7).warnings)
    high = np.linspace(1e4, 1e5, 20)
    assert any(
        "saturated at all" in w for w in d.fit_hecht(high, d.hecht(high, 1e-3, 0.07) * noise, gap_mm=0.7).warnings
    )
    voltage = np.geomspace(1, 1000, 60)
    noise = 1 + 1e-4 * np.random.default_rng(0).standard_normal(60)
    fit = d.fit_hecht(voltage, d.hecht(voltage, MU_TAU, 0.07, 50.0) * noise, gap_mm=0.7, surface=True)
    assert fit["surface_over_mobility_v_cm"].value == pytest.approx(50.0, rel=0.05)


def test_a_capacitance_that_disperses_is_doubted():
    frequency = np.geomspace(1e3, 1e6, 30)
    fit = d.fit_capacitance(frequency, 1e-12 * (frequency / 1e3) ** -0.2, gap_mm=0.7, area_mm2=1.0)
    assert any("low to high frequency" in w for w in fit.warnings)


@pytest.mark.parametrize(
    "call",
    [
        lambda: d.fit_hecht([1, 2, 3, 4, 5], [1, 2, 3, 4, 5], gap_mm=-1),
        lambda: d.fit_sclc([1, 2, 3], [1, 2, 3], **SCLC),
        lambda: d.fit_sclc(np.linspace(10, 11, 30), np.linspace(10, 11, 30), **SCLC),
        lambda: d.fit_sclc(np.arange(30), np.arange(20), **SCLC),
        lambda: d.fit_capacitance([1, 2, 3], [1, 1, 1], gap_mm=0.7, area_mm2=0),
    ],
)
def test_refused(call):
    with pytest.raises(FitError):
        call()


def test_the_uncertainty_of_the_permittivity_is_in_traps_and_mobility():
    voltage = np.geomspace(1, 300, 120)
    current = dark_current_a(voltage) * 10 ** (0.01 * np.random.default_rng(0).standard_normal(120))
    plain = d.fit_sclc(voltage, current, **SCLC)
    unsure = d.fit_sclc(voltage, current, **SCLC, permittivity_uncertainty=0.4)
    for name in ("trap_density_cm3", "mobility_cm2_vs"):
        value = unsure[name]
        assert value.value == plain[name].value
        assert value.uncertainty == pytest.approx(np.hypot(plain[name].uncertainty, value.value * 0.4 / EPS), rel=1e-6)
        assert value.low < plain[name].low < plain[name].high < value.high
    assert unsure["resistivity_ohm_cm"].uncertainty == plain["resistivity_ohm_cm"].uncertainty
    with pytest.raises(FitError):
        d.fit_sclc(voltage, current, **SCLC, permittivity_uncertainty=-1.0)
