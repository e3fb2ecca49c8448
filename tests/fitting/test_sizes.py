"""Numbers of any size, very many points, and parameters that run away."""

from __future__ import annotations

import numpy as np
import pytest

from fitting.models import DECAY
from perospin.errors import FitError
from perospin.fitting import Parameter, Quantity, SeparableModel, fit_model
from perospin.spectra import fit_kerr, fit_magnetoresistance, fit_pump_probe, simulate_pump_probe

DELAY = np.linspace(-2.0, 40.0, 150)


@pytest.mark.parametrize("size", [1e-300, 1e-155, 1e155, 1e300])
def test_the_size_of_the_signal_changes_nothing(size: float) -> None:
    same, counter = simulate_pump_probe(DELAY, 7.76, noise=0.005, seed=1)
    plain, scaled = fit_pump_probe(DELAY, same, counter), fit_pump_probe(DELAY, size * same, size * counter)
    for name in ("lifetime_ps", "population_lifetime_ps", "irf_fwhm_ps"):
        assert scaled[name].value == pytest.approx(plain[name].value, rel=1e-9)
        assert scaled[name].uncertainty == pytest.approx(plain[name].uncertainty, rel=1e-6)
    assert scaled.amplitude == pytest.approx(size * plain.amplitude, rel=1e-9)
    assert scaled.uncertainty["amplitude"] == pytest.approx(size * plain.uncertainty["amplitude"], rel=1e-6)
    assert scaled.statistics["noise"] == pytest.approx(size * plain.statistics["noise"], rel=1e-9)
    assert scaled.warnings == plain.warnings
    delay = DELAY[DELAY >= 0]
    wave = np.exp(-delay / 9.0) * np.cos(0.9 * delay) + 0.02 * np.random.default_rng(0).normal(size=len(delay))
    assert fit_kerr(delay, size * wave).amplitude == pytest.approx(size * fit_kerr(delay, wave).amplitude, rel=1e-6)


def test_complex_input_is_refused() -> None:
    for fit in (
        lambda: fit_model(DECAY, DELAY, DELAY + 1j),
        lambda: fit_pump_probe(DELAY, DELAY + 0j, DELAY),
        lambda: fit_pump_probe(DELAY * (1 + 0j), DELAY, DELAY),
        lambda: fit_magnetoresistance(DELAY, list(DELAY + 2j)),
    ):
        with pytest.raises(FitError, match="is complex"):
            fit()
    with pytest.raises(FitError, match="neither huge nor tiny"):
        fit_model(DECAY, DELAY * 1e200, DELAY)


def test_a_parameter_that_ran_away_is_undetermined() -> None:
    """NIST's MGH09 from its first, far start: b2 goes to 1e11 and b1 with it to zero, no certified value near."""
    x = np.array([4.0, 2.0, 1.0, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625])
    y = np.array([0.1957, 0.1947, 0.1735, 0.16, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246])
    model = SeparableModel(
        "MGH09", (Parameter("b2", value=39.0), Parameter("b3", value=41.5), Parameter("b4", value=39.0)),
        (Quantity("b1"),), lambda x, p: [(x**2 + x * p["b2"]) / (x**2 + x * p["b3"] + p["b4"])],
    )  # fmt: skip
    fit = fit_model(model, x, y)
    assert fit["b2"].status == fit["b1"].status == "undetermined"
    assert any("b1 hangs on b2" in sentence for sentence in fit.warnings)


def test_a_long_lifetime_of_wide_error_is_no_bound_by_the_resolution() -> None:
    """Its linear error reaches the resolution, the fit there does not."""
    x = np.linspace(0.0, 50.0, 120)
    y = 1.0 - 0.004 * x + 0.05 * np.random.default_rng(3).normal(size=len(x))
    fit = fit_model(DECAY, x, y, resolution={"lifetime_ps": 0.1})
    assert fit["lifetime_ps"].status in ("lower bound", "undetermined", "fitted")
    assert not any("told from what the experiment resolves" in sentence for sentence in fit.warnings)


@pytest.mark.slow
def test_long_data_agree_with_all_points(monkeypatch: pytest.MonkeyPatch) -> None:
    delay = np.linspace(-3.0, 60.0, 50_000)
    same, counter = simulate_pump_probe(delay, 7.76, noise=0.3, seed=1)
    few = fit_pump_probe(delay, same, counter)
    monkeypatch.setattr("perospin.fitting.search._MANY", 10**9)
    every = fit_pump_probe(delay, same, counter)
    for name in ("lifetime_ps", "population_lifetime_ps", "time_zero_ps", "irf_fwhm_ps", "amplitude"):
        assert few[name].value == pytest.approx(every[name].value, abs=0.2 * every[name].uncertainty), name
        assert few[name].uncertainty == pytest.approx(every[name].uncertainty, rel=0.02), name
    assert few.statistics["chi2"] == pytest.approx(every.statistics["chi2"], rel=1e-6)
    assert few.statistics["n_points"] == 100_000


def test_an_oscillation_inside_the_blocks_is_not_averaged_away() -> None:
    delay = np.linspace(0.0, 2000.0, 100_000)
    wave = np.exp(-delay / 300.0) * np.cos(2 * np.pi * 10.0 * delay)  # 10 THz: five periods in a block of 25 points
    wave += 0.3 * np.random.default_rng(0).normal(size=len(delay))
    fit = fit_kerr(delay, wave)
    assert fit.frequency_ghz == pytest.approx(1e4, rel=1e-5)
    assert abs(fit.dephasing_time_ps - 300.0) < 4 * fit.uncertainty["dephasing_time_ps"]


@pytest.mark.slow
def test_a_million_points() -> None:
    import time

    delay = np.linspace(-5.0, 60.0, 1_000_000)
    same, counter = simulate_pump_probe(delay, 7.76, noise=0.3, seed=1)
    begun = time.process_time()
    fit = fit_pump_probe(delay, same, counter)
    assert time.process_time() - begun < 20.0
    binned = [part.reshape(-1, 100).mean(axis=1) for part in (delay, same, counter)]
    other = fit_pump_probe(*binned)
    assert abs(fit.lifetime_ps - 7.76) < 4 * fit.uncertainty["lifetime_ps"]
    assert fit.uncertainty["lifetime_ps"] == pytest.approx(other.uncertainty["lifetime_ps"], rel=0.1)
