"""ODMR: resonances, g from frequency against field, spread of g and nuclear field from widths."""

from __future__ import annotations

import numpy as np
import pytest

from perospin import mechanisms
from perospin.errors import DataError
from perospin.spectra import fit_odmr, fit_odmr_frequency, fit_odmr_series, fit_resonance_width
from perospin.spectra.signals import simulate
from recovering import near

FIELD = np.linspace(0.0, 0.25, 251)


def spectrum(frequency: float, *, noise: float = 0.02, seed: int = 0) -> np.ndarray:
    return simulate.odmr_spectrum(
        FIELD, frequency_ghz=frequency, g_factor=[1.68, 0.8], g_spread=[0.15, 0.1], nuclear_field_t=[0.012, 0.02],
        amplitude=[1.0, -0.6], offset=0.2, noise=noise, seed=seed,
    )  # fmt: skip


def test_electron_and_hole():
    fit = fit_odmr(FIELD, spectrum(1.13), frequency_ghz=1.13, components=2)
    field = mechanisms.resonance_field_t(1.13, 1.68)
    assert field == pytest.approx(0.04805711, rel=1e-6)
    truths = {
        "g_factor_1": 1.68, "g_factor_2": 0.8, "resonance_field_1_t": field, "amplitude_1": 1.0, "amplitude_2": -0.6,
        "offset": 0.2, "width_1_t": mechanisms.resonance_width(field, 0.012, 1.68, 0.15),
    }  # fmt: skip
    for name, truth in truths.items():
        assert near(fit, name, truth), name
    record = fit.to_record("CsPbI3", source="10.48550/arXiv.2603.03038", temperature_k=1.6, carrier="electron")
    assert record.conditions.technique == "ODMR"
    assert "size only" in record.note


def test_one_resonance_and_sloping_background():
    signal = simulate.odmr_spectrum(FIELD, frequency_ghz=2.0, g_factor=1.68, nuclear_field_t=0.02, noise=0.02)
    fit = fit_odmr(FIELD, signal + 3.0 * FIELD, frequency_ghz=2.0, background="line")
    for name, truth in {"g_factor": 1.68, "slope_per_t": 3.0}.items():
        assert near(fit, name, truth), name


def test_overlapping_resonances_are_said():
    signal = simulate.odmr_spectrum(
        FIELD, frequency_ghz=2.0, g_factor=[1.68, 1.5], nuclear_field_t=0.03, amplitude=[1.0, 0.7], noise=0.003
    )
    fit = fit_odmr(FIELD, signal, frequency_ghz=2.0, components=2)
    assert any("closer than their widths" in s or "one component less" in s for s in fit.warnings)
    two = simulate.odmr_spectrum(
        FIELD, frequency_ghz=2.0, g_factor=[1.68, 1.35], nuclear_field_t=[0.03, 0.04], noise=1e-4
    )  # fmt: skip
    fit = fit_odmr(FIELD, two, frequency_ghz=2.0, components=2)
    assert near(fit, "g_factor_2", 1.35)
    assert any("closer than their widths" in s for s in fit.warnings)


def test_a_component_too_many_is_said():
    signal = simulate.odmr_spectrum(FIELD, frequency_ghz=2.0, g_factor=1.68, nuclear_field_t=0.03, noise=0.03)
    fit = fit_odmr(FIELD, signal, frequency_ghz=2.0, components=2)
    assert any("not established" in s for s in fit.warnings)
    assert not any("not established" in s for s in fit_odmr(FIELD, signal, frequency_ghz=2.0).warnings)


def test_resonance_just_beyond_the_magnet_is_found():
    signal = simulate.odmr_spectrum(FIELD, frequency_ghz=2.9, g_factor=0.8, nuclear_field_t=0.03, noise=0.002)
    fit = fit_odmr(FIELD, signal, frequency_ghz=2.9)  # 259 mT, the magnet goes to 250
    assert near(fit, "g_factor", 0.8)


def test_resonance_beyond_the_magnet_is_a_bound():
    signal = simulate.odmr_spectrum(FIELD, frequency_ghz=9.0, g_factor=1.5, nuclear_field_t=0.2, noise=0.005)
    assert fit_odmr(FIELD, signal, frequency_ghz=9.0)["g_factor"].status in ("upper bound", "undetermined")


def test_g_from_frequency_against_field():
    frequency = np.array([0.6, 1.13, 1.8, 2.35])
    rng = np.random.default_rng(0)
    field = mechanisms.resonance_field_t(frequency, 1.68) + 0.002 + 2e-4 * rng.standard_normal(4)
    fit = fit_odmr_series(frequency, field, sigma_field_t=2e-4, g_sign=-1)
    assert near(fit, "g_factor", -1.68)
    assert near(fit, "offset_t", 0.002)
    assert any("misses the origin" in sentence for sentence in fit.warnings)
    through_zero = fit_odmr_series(frequency, field, offset=False)
    assert through_zero["g_factor"].value < 1.66  # what a remanence does to g


def test_series_of_fits():
    frequencies = [0.6, 0.8, 1.0, 1.13, 1.3]
    fits = [
        fit_odmr(FIELD, spectrum(f, seed=i), frequency_ghz=f, components=2) for i, f in enumerate(frequencies)
    ]  # fmt: skip
    for component, g in ((1, 1.68), (2, 0.8)):
        assert near(fit_odmr_series(fits, component=component), "g_factor", g)
    widths = fit_resonance_width(fits, component=1)
    assert near(widths, "nuclear_field_t", 0.012)
    assert widths["g_spread"].value == pytest.approx(0.15, abs=max(4 * widths["g_spread"].uncertainty, 0.02))
    with pytest.raises(DataError, match="of a component 3"):
        fit_odmr_series(fits, component=3)
    with pytest.raises(DataError, match="several fits"):
        fit_odmr_series(fits[0])


def test_widths_against_field():
    field = np.linspace(0.02, 0.25, 12)
    rng = np.random.default_rng(1)
    width = mechanisms.resonance_width(field, 0.012, 1.68, 0.15) + 1e-4 * rng.standard_normal(12)
    assert mechanisms.resonance_width(0.1, 0.012, 1.68, 0.15) == pytest.approx(12.317442e-3, rel=1e-6)
    fit = fit_resonance_width(field, width, 1.68)
    assert near(fit, "g_spread", 0.15)
    assert near(fit, "nuclear_field_t", 0.012)
    flat = fit_resonance_width(field, 0.0085 + 2e-4 * rng.standard_normal(12), 1.68)
    assert flat["g_spread"].status in ("upper bound", "undetermined") or flat["g_spread"].value < 0.02


def test_what_is_wrong_is_named():
    signal = np.cos(FIELD)
    with pytest.raises(DataError, match="frequency_ghz must be positive"):
        fit_odmr(FIELD, signal, frequency_ghz=0.0)
    with pytest.raises(DataError, match="1 to 4 resonances"):
        fit_odmr(FIELD, signal, frequency_ghz=1.0, components=9)
    with pytest.raises(DataError, match="unknown background"):
        fit_odmr(FIELD, signal, frequency_ghz=1.0, background="cubic")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="resonance_field_t"):
        fit_odmr_series([1.0, 2.0])
    with pytest.raises(DataError, match="give g_factor"):
        fit_resonance_width([0.1, 0.2, 0.3], [0.01, 0.011, 0.012])
    with pytest.raises(DataError, match="widths must be positive"):
        fit_resonance_width([0.1, 0.2, 0.3], [0.01, -0.011, 0.012], 1.7)


@pytest.mark.parametrize("lineshape", ["gaussian", "lorentzian"])
@pytest.mark.parametrize("derivative", [False, True])
def test_lines_against_frequency(lineshape: str, derivative: bool) -> None:
    frequency = np.linspace(2.7, 3.05, 176)
    u = (frequency - 2.87) / 0.012
    line = np.exp(-0.5 * u**2) if lineshape == "gaussian" else 1 / (1 + u**2)
    if derivative:
        line = -u * np.exp(0.5) * line if lineshape == "gaussian" else -16 / 9 * np.sqrt(3) * u * line**2
    signal = 50.0 - 3.0 * line + 0.03 * np.random.default_rng(1).normal(size=len(u))
    options = {"lineshape": lineshape, "derivative": derivative}
    fit = fit_odmr_frequency(frequency, signal, field_t=0.1, **options)
    assert near(fit, "resonance_frequency_ghz", 2.87)
    assert near(fit, "width_ghz", 0.012, 4.0)
    assert near(fit, "amplitude", -3.0, 4.0)
    assert fit.g_factor == pytest.approx(2.87 / (13.99624 * 0.1), rel=1e-3)
    assert not any("describes the data better" in sentence for sentence in fit.warnings)
    wrong = fit_odmr_frequency(frequency, signal, lineshape=lineshape, derivative=not derivative)  # type: ignore[arg-type]
    assert any(f"give derivative={derivative}" in sentence for sentence in wrong.warnings)


def test_a_derivative_against_field() -> None:
    u = (FIELD - 0.12) / 0.01
    signal = -u * np.exp(0.5 - 0.5 * u**2) + 0.02 * np.random.default_rng(2).normal(size=len(u))
    fit = fit_odmr(FIELD, signal, frequency_ghz=3.0, derivative=True)
    assert near(fit, "resonance_field_t", 0.12)
    assert near(fit, "amplitude", 1.0)


@pytest.mark.slow
def test_widths_are_those_at_fields_free_of_the_offset() -> None:
    pulls = []
    for seed in range(4):
        fits = []
        for i, frequency in enumerate((1.0, 2.0, 3.0, 4.0, 5.0)):
            spectrum = simulate.odmr_spectrum(
                FIELD + 0.02, frequency_ghz=frequency, g_factor=1.8, g_spread=0.15, nuclear_field_t=0.006,
                noise=0.01, seed=10 * seed + i,
            )  # fmt: skip
            fits.append(fit_odmr(FIELD, spectrum, frequency_ghz=frequency))
        widths = fit_resonance_width(fits)
        assert widths.settings["offset_t"] == pytest.approx(-0.02, abs=2e-3)
        assert any("was taken off" in sentence for sentence in widths.warnings)
        pulls.append((widths.g_spread - 0.15) / widths.uncertainty["g_spread"])
    assert abs(np.mean(pulls)) < 1.6
