"""Errors of both traces count, each for its own, in one file or in two; one and two lifetimes are compared."""

from __future__ import annotations

import numpy as np
import pytest

from perospin.errors import FitError
from perospin.measurements.reading import gather
from perospin.spectra import fit_pump_probe


def traces():
    random = np.random.default_rng(1)
    delay = np.linspace(-2, 40, 120)
    on = delay >= 0
    population, polarisation = np.exp(-delay / 25) * on, 0.4 * np.exp(-delay / 3.0) * on
    sigma = np.stack([np.where(delay < 10, 0.002, 0.02), np.where(delay < 10, 0.004, 0.04)])
    clean = np.stack([population * (1 + polarisation), population * (1 - polarisation)])
    return delay, clean + sigma * random.standard_normal(clean.shape), sigma


def write(path, heading, *columns):
    np.savetxt(path, np.column_stack(columns), delimiter=",", header=heading, comments="")
    return path


def read(*files):
    return gather(files, ("same",), x="delay", optional=("counter", "sigma"))


def test_two_files_and_one_say_the_same(tmp_path):
    delay, signal, sigma = traces()
    files = [
        write(tmp_path / f"x_{name}.csv", "delay (ps),signal,error", delay, signal[i], sigma[i])
        for i, name in enumerate(("SC", "CC"))
    ]
    one = write(
        tmp_path / "one.csv", "delay (ps),CC,CC error,SC,SC error", delay, signal[1], sigma[1], signal[0], sigma[0]
    )
    for found in (read(*files), read(*files[::-1]), read(one)):
        np.testing.assert_allclose(found["sigma"], sigma)
        np.testing.assert_allclose(found["same"], signal[0])
        assert not any("not used" in note for note in found.notes)


def test_errors_go_with_the_role_that_was_given_and_not_with_the_name(tmp_path):
    delay, signal, sigma = traces()
    # the names say the opposite of what the files hold, and whoever reads them says so
    files = [
        write(tmp_path / f"x_{name}.csv", "delay (ps),signal,error", delay, signal[i], sigma[i])
        for i, name in enumerate(("CC", "SC"))
    ]
    found = gather(files, ("same",), x="delay", optional=("counter", "sigma"), channels=["same", "counter"])
    np.testing.assert_allclose(found["same"], signal[0])
    np.testing.assert_allclose(found["sigma"], sigma)


def test_errors_of_one_file_alone_are_told_to_be_unused(tmp_path):
    delay, signal, sigma = traces()
    first = write(tmp_path / "x_SC.csv", "delay (ps),signal,error", delay, signal[0], sigma[0])
    second = write(tmp_path / "x_CC.csv", "delay (ps),signal", delay, signal[1])
    found = read(first, second)
    assert found.get("sigma") is None
    assert any("error columns were not used" in doubt for doubt in found.doubts)


@pytest.mark.parametrize("observable", ["joint", "difference", "polarisation"])
def test_weights_of_both_traces_tighten_the_lifetime(observable):
    delay, signal, sigma = traces()
    more = {"convention": "difference"} if observable == "difference" else {}
    weighted, plain = (
        fit_pump_probe(delay, *signal, observable=observable, sigma=errors, irf_fwhm_ps=0.0, **more)
        for errors in (sigma, None)
    )
    assert weighted.uncertainty["lifetime_ps"] < 0.8 * plain.uncertainty["lifetime_ps"]
    expected = 3.0 if observable != "difference" else 1 / (1 / 3.0 + 1 / 25)
    assert abs(weighted.lifetime_ps - expected) < 4 * weighted.uncertainty["lifetime_ps"]


def test_equal_rows_are_one_number():
    delay, signal, _ = traces()
    rows, number = (fit_pump_probe(delay, *signal, sigma=s) for s in (np.full((2, len(delay)), 0.01), 0.01))
    assert rows.lifetime_ps == pytest.approx(number.lifetime_ps, rel=1e-9)
    assert rows.uncertainty["lifetime_ps"] == pytest.approx(number.uncertainty["lifetime_ps"], rel=1e-9)


def test_three_rows_are_refused():
    delay, signal, _ = traces()
    with pytest.raises(FitError, match="sigma has the shape"):
        fit_pump_probe(delay, *signal, sigma=np.ones((3, len(delay))))


def test_one_and_two_lifetimes_are_compared():
    delay, signal, sigma = traces()
    fit = fit_pump_probe(delay, *signal, sigma=sigma, irf_fwhm_ps=0.0, compare=True)
    assert fit.settings["compared"].startswith("one lifetime is enough: AICc changes by +")
    assert fit.settings["compared"] in fit.report()
    # a second population, of 40 % with 1.5 ps
    late = np.clip(delay, 0, None)
    more = 0.4 * np.exp(-late / 1.5) * (delay >= 0)
    two = fit_pump_probe(delay, *(signal + more), sigma=sigma, irf_fwhm_ps=0.0, compare=True)
    assert "compared" not in two.settings
    assert any("fit better (AICc lower by" in warning and "=2" in warning for warning in two.warnings)
