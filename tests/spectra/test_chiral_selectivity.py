from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perospin.errors import FitError
from perospin.measurements import SpinFit
from perospin.spectra.chirality.chiral_selectivity import current_polarisation, fit_current_polarisation

V = np.linspace(-2.0, 2.0, 81)


def current(factor: float) -> np.ndarray:
    return factor * np.sinh(1.5 * V)


def test_closed_form() -> None:
    assert current_polarisation(8.0, 1.5) == pytest.approx(0.6842105, rel=1e-6)


@settings(max_examples=15)
@given(st.floats(-0.99, 0.99))
def test_a_constant_polarisation_comes_back(p: float) -> None:
    fit = fit_current_polarisation(V, current(1 + p), current(1 - p))
    assert fit.spin_polarisation_percent == pytest.approx(100 * p, abs=1e-6)
    swapped = fit_current_polarisation(V, current(1 - p), current(1 + p))
    assert swapped.spin_polarisation_percent == pytest.approx(-100 * p, abs=1e-6)


def test_many_curves_give_the_uncertainty() -> None:
    """Curves of a conducting tip scatter by tens of percent; the mean is known to their standard error."""
    hits = 0
    for seed in range(60):
        draw = np.random.default_rng(seed)
        up = current(1.5) * (1 + 0.2 * draw.normal(size=(30, len(V))))
        down = current(0.5) * (1 + 0.2 * draw.normal(size=(25, len(V))))
        fit = fit_current_polarisation(V, up, down)
        hits += fit["spin_polarisation_percent"].low <= 50.0 <= fit["spin_polarisation_percent"].high
    assert 0.52 < hits / 60 < 0.84
    assert "whole curves" in fit.conventions["uncertainty"]


def test_both_signs_of_the_voltage_are_compared() -> None:
    up = np.where(V > 0, current(1.6), current(1.2))
    down = np.where(V > 0, current(0.4), current(0.8))
    noise = 0.01 * np.random.default_rng(0).normal(size=len(V))
    fit = fit_current_polarisation(V, up + noise, down)
    assert fit.polarisation_positive == pytest.approx(0.6, abs=0.01)
    assert fit.polarisation_negative == pytest.approx(0.2, abs=0.01)
    assert any("depends on the sign of the voltage" in w for w in fit.warnings)
    one = fit_current_polarisation(V[V > 0], up[V > 0], down[V > 0], least_v=1.5)
    assert "polarisation_negative" not in one
    assert one.spin_polarisation_percent == pytest.approx(60.0, abs=0.5)


def test_record_plot_and_file() -> None:
    fit = fit_current_polarisation(V, current(1.7), current(0.3))
    record = fit.to_record("(R-MBA)2PbI4", source="Someone", composition="other")
    assert (record.property, record.value, record.unit) == ("spin_polarisation", pytest.approx(70.0), "%")
    assert "|V| from 1 to 2 V" in record.note
    again = SpinFit.from_json(fit.to_json())
    assert again.plot().axes[1].get_ylabel() == "polarisation (%)"


def test_mistakes() -> None:
    with pytest.raises(FitError, match="current_down has the shape"):
        fit_current_polarisation(V, current(1), current(1)[:-1])
    with pytest.raises(FitError, match="lie between 5 and 9 V"):
        fit_current_polarisation(V, current(1), current(1), least_v=5.0, most_v=9.0)
    gap = current(1.5)
    gap[3] = np.nan
    assert any("1 of 81 voltages" in w for w in fit_current_polarisation(V, gap, current(0.5)).warnings)


def test_curves_that_scatter_as_a_whole_count_once_each() -> None:
    """Contacts differ from curve to curve: every point of a curve is too high or too low together."""
    hits, errors = 0, []
    for seed in range(100):
        draw = np.random.default_rng(seed)
        up = current(3.0) * (1 + 0.1 * draw.normal(size=(8, 1))) + 0.02 * draw.normal(size=(8, len(V)))
        down = current(1.0) * (1 + 0.1 * draw.normal(size=(8, 1))) + 0.02 * draw.normal(size=(8, len(V)))
        value = fit_current_polarisation(V, up, down)["spin_polarisation_percent"]
        hits += value.low <= 50.0 <= value.high
        errors.append(value.uncertainty)
    assert 52 <= hits <= 82
    # (1 - P^2)/2 times the relative error of the quotient of both means
    assert np.mean(errors) == pytest.approx(100 * 0.375 * 0.1 * np.sqrt(2 / 8), rel=0.1)
