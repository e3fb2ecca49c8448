"""Polarisation of the luminescence against pump power."""

from __future__ import annotations

import numpy as np
import pytest

from perospin import mechanisms
from perospin.errors import DataError
from perospin.spectra import fit_polarisation_power
from recovering import near

POWER = np.array([0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0])
NOISE = 0.003 * np.random.default_rng(0).standard_normal(POWER.size)


def test_light_shortens_the_spin_lifetime():
    clean = mechanisms.optical_orientation(2000.0, 1000.0 / (1.0 + POWER / 3.0))
    fit = fit_polarisation_power(POWER, clean + NOISE, initial_polarisation=1.0)
    assert fit.settings["effect"] == "spin"
    assert near(fit, "ratio", 2.0)
    assert near(fit, "polarisation_at_zero", 1.0 / 3.0)
    assert near(fit, "power_scale", 3.0 * 1.5)  # W_0 (1 + 1/r)


def test_light_shortens_the_carrier_lifetime():
    clean = mechanisms.optical_orientation(2000.0 / (1.0 + POWER / 3.0), 1000.0)
    fit = fit_polarisation_power(POWER, -(clean + NOISE), initial_polarisation=1.0)
    assert fit.settings["effect"] == "carrier"
    assert near(fit, "ratio", 2.0)
    assert near(fit, "polarisation_at_saturation", -1.0)
    assert near(fit, "power_scale", 3.0 * 3.0)  # W_0 (1 + r)


def test_undecided_is_said():
    fit = fit_polarisation_power(POWER, 0.3 + NOISE)
    assert any("not decided" in sentence for sentence in fit.warnings) or fit["power_scale"].status != "fitted"


def test_what_is_wrong_is_named():
    with pytest.raises(DataError, match="divide percents by 100"):
        fit_polarisation_power(POWER, 30.0 + NOISE)
    with pytest.raises(DataError, match="negative"):
        fit_polarisation_power(-POWER, 0.3 + NOISE)
    with pytest.raises(DataError, match="unknown effect"):
        fit_polarisation_power(POWER, 0.3 + NOISE, effect="both")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="initial_polarisation"):
        fit_polarisation_power(POWER, 0.3 + NOISE, initial_polarisation=2.0)
    told = fit_polarisation_power(POWER, 0.3 / (1 + POWER) + NOISE, initial_polarisation=0.2).warnings
    assert any("not below the initial" in sentence for sentence in told)
