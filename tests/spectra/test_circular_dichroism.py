from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perospin.errors import FitError
from perospin.measurements import SpinFit
from perospin.spectra.chirality.circular_dichroism import (
    MDEG_PER_ABSORBANCE,
    dissymmetry,
    fit_circular_dichroism,
    fit_luminescence,
)

X = np.arange(430.0, 600.0, 0.5)


def band(centre: float, width: float) -> np.ndarray:
    return np.exp(-0.5 * ((X - centre) / width) ** 2)


def absorbance() -> np.ndarray:
    return 0.6 * band(510, 9) + 0.25 / (1 + np.exp((X - 500) / 6))


def ellipticity(g: float = 2e-3, noise: float = 0.0, seed: int = 0) -> np.ndarray:
    """A sample whose g is a band at 512 nm."""
    clean = MDEG_PER_ABSORBANCE * absorbance() * g * band(512, 15)
    return clean + noise * np.random.default_rng(seed).normal(size=len(X))


def test_the_constant_and_the_closed_form() -> None:
    assert pytest.approx(32982.10, abs=0.005) == MDEG_PER_ABSORBANCE
    assert dissymmetry(30.0, 1.0) == pytest.approx(30.0 / 32982.10, rel=1e-6)
    assert dissymmetry(30.0, 1.0) == pytest.approx(9.096422e-4, rel=1e-4)  # with the customary 32980


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_g_and_its_wavelength_come_back(sign: float) -> None:
    fit = fit_circular_dichroism(X, ellipticity(sign * 2e-3, 0.3), absorbance())
    assert abs(fit.g_cd - sign * 2e-3) < 4 * fit["g_cd"].uncertainty
    assert fit["g_cd"].uncertainty < 3e-5
    assert fit.peak_nm == pytest.approx(512, abs=1.0)
    assert fit.ellipticity_mdeg == pytest.approx(
        fit.g_cd * MDEG_PER_ABSORBANCE * np.interp(fit.peak_nm, X, absorbance())
    )


def test_intervals_cover() -> None:
    """The true value at a stated wavelength lies in the 68 % interval about as often as promised."""
    hits = 0
    for seed in range(60):
        fit = fit_circular_dichroism(X, ellipticity(2e-3, 1.0, seed), absorbance(), at_nm=512.0)
        hits += fit["g_cd"].low <= 2e-3 <= fit["g_cd"].high
    assert 0.52 < hits / 60 < 0.84


def test_at_one_wavelength_thickness_and_record() -> None:
    fit = fit_circular_dichroism(X, ellipticity(2e-3, 0.1), absorbance(), at_nm=505.0, thickness_um=0.1)
    expected = 2e-3 * float(np.interp(505, X, band(512, 15)))
    assert fit.g_cd == pytest.approx(expected, rel=0.02)
    assert fit.ellipticity_mdeg_per_um == pytest.approx(fit.ellipticity_mdeg / 0.1)
    record = fit.to_record("(R-MBA)2PbI4", source="Someone", composition="other")
    assert (record.property, record.unit, record.conditions.wavelength_nm) == ("g_CD", "1", 505.0)
    assert "A_L - A_R" in record.note


def test_turning_the_sample_removes_linear_dichroism() -> None:
    artefact = 20.0 * band(508, 12)
    truth = ellipticity(2e-3, 0.1)
    biased = fit_circular_dichroism(X, truth + artefact, absorbance())
    fit = fit_circular_dichroism(X, truth + artefact, absorbance(), back_mdeg=truth - artefact)
    assert abs(biased.g_cd / 2e-3 - 1) > 0.2
    assert fit.g_cd == pytest.approx(2e-3, rel=0.01)
    assert any("linear dichroism" in warning for warning in fit.warnings)


def test_scattering_and_baseline_are_taken_off() -> None:
    scatter = 0.3 * (X / 560.0) ** -4
    fit = fit_circular_dichroism(
        X, ellipticity(2e-3, 0.1) + 5.0, absorbance() + scatter, scatter_nm=(560, 600), baseline_nm=(575, 600)
    )
    assert fit.g_cd == pytest.approx(2e-3, rel=0.02)
    assert any("scattering as wavelength^-4" in warning for warning in fit.warnings)


def test_a_single_spike_is_not_the_peak() -> None:
    theta = ellipticity(2e-3, 0.1)
    theta[np.searchsorted(X, 480.0)] += 200.0
    assert fit_circular_dichroism(X, theta, absorbance()).peak_nm == pytest.approx(512, abs=1)


def test_reversed_axis_and_missing_rows_change_nothing() -> None:
    theta, a = ellipticity(2e-3, 0.1), absorbance()
    plain = fit_circular_dichroism(X, theta, a)
    x = np.append(X, [550.2, 551.2])[::-1]
    turned = fit_circular_dichroism(x, np.append(theta, [np.nan, 0.0])[::-1], np.append(a, [0.1, np.nan])[::-1])
    assert turned.g_cd == pytest.approx(plain.g_cd, rel=1e-9)
    assert any("2 of 342 rows" in warning for warning in turned.warnings)


def test_what_gives_no_dissymmetry_is_said() -> None:
    with pytest.raises(FitError, match="with an absorbance above"):
        fit_circular_dichroism(X, ellipticity(), 0.01 * absorbance())
    with pytest.raises(FitError, match=r"baseline_nm 700 to 800 nm lies outside the data"):
        fit_circular_dichroism(X, ellipticity(), absorbance(), baseline_nm=(700, 800))
    with pytest.raises(FitError, match="at_nm = 300 lies outside"):
        fit_circular_dichroism(X, ellipticity(), absorbance(), at_nm=300.0)
    with pytest.raises(FitError, match="thickness_um is 0"):
        fit_circular_dichroism(X, ellipticity(), absorbance(), thickness_um=0.0)


def test_an_impossible_value_is_warned_about() -> None:
    fit = fit_circular_dichroism(X, 3000 * ellipticity(1e-3), absorbance())
    assert any("no sample can have" in warning for warning in fit.warnings)


@settings(max_examples=15)
@given(st.floats(-0.5, 0.5), st.floats(10.0, 1e6))
def test_luminescence_closed_form(g: float, brightness: float) -> None:
    """Without noise g comes back whatever the brightness; 1.03 and 0.97 give 0.06."""
    mean = brightness * band(520, 10)
    fit = fit_luminescence(X, mean * (1 + g / 2), mean * (1 - g / 2))
    assert fit.g_lum == pytest.approx(g, abs=1e-9)
    assert fit.polarisation_percent == pytest.approx(50 * g, abs=1e-7)


def test_luminescence_with_noise_and_background() -> None:
    draw = np.random.default_rng(3)
    mean = 2e4 * band(520, 10)
    left, right = (draw.poisson(mean * factor + 300.0).astype(float) for factor in (1.03, 0.97))
    fit = fit_luminescence(X, left, right, background_left=300.0, background_right=np.full(len(X), 300.0))
    assert abs(fit.g_lum - 0.06) < 4 * fit["g_lum"].uncertainty
    assert fit.to_record("x", source="y", composition="unknown").property == "g_lum"
    with pytest.raises(FitError, match="a background has the shape"):
        fit_luminescence(X, left, right, background_left=[1.0, 2.0])
    with pytest.raises(FitError, match="no emission above the background"):
        fit_luminescence(X, left, right, background_left=1e6, background_right=1e6)


@pytest.mark.parametrize("which", ["absorption", "luminescence"])
def test_saved_fits_draw_themselves(which: str, tmp_path: object) -> None:
    if which == "absorption":
        fit = fit_circular_dichroism(X, ellipticity(2e-3, 0.5), absorbance())
    else:
        fit = fit_luminescence(X, 1.03 * band(520, 10), 0.97 * band(520, 10))
    again = SpinFit.from_json(fit.to_json())
    figure = again.plot()
    assert figure.axes[-1].get_xlabel() or figure.axes[1].get_xlabel() == "wavelength (nm)"
    assert again.report() == fit.report()
