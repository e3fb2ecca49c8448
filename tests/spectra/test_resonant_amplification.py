"""Resonant spin amplification: g from the distance of the peaks, T2* from their width, the spread from their growth."""

from __future__ import annotations

import numpy as np
import pytest

from perospin.errors import DataError, FitError
from perospin.spectra import fit_resonant_amplification
from perospin.spectra.signals import simulate
from recovering import near

PERIOD = 1e6 / 76.0
FIELD = np.linspace(-0.02, 0.05, 500)


@pytest.mark.parametrize(("g", "time"), [(2.5, 5000.0), (0.6, 20_000.0), (3.4, 9000.0)])
def test_one_carrier(g, time):
    signal = simulate.resonant_amplification_curve(
        FIELD, g_factor=g, dephasing_time_ps=time, period_ps=PERIOD, delay_ps=PERIOD - 20.0, amplitude=3.0, noise=0.05
    )
    fit = fit_resonant_amplification(FIELD, signal, PERIOD, -20.0)
    for name, truth in {"g_factor": g, "dephasing_time_ps": time, "amplitude": 3.0}.items():
        assert near(fit, name, truth), name
    assert fit.peak_spacing_t == pytest.approx(0.002172011 * 2.5 / g, rel=1e-3)
    assert fit.to_record("CsPbBr3", source="A", temperature_k=5.0).conditions.technique == "RSA"


@pytest.mark.parametrize("convention", ["linear", "gaussian"])
def test_spread_of_g_and_remanence(convention):
    signal = simulate.resonant_amplification_curve(
        FIELD - 0.0007, g_factor=1.96, dephasing_time_ps=9000.0, period_ps=PERIOD, delay_ps=PERIOD, g_spread=0.02,
        convention=convention, noise=0.02,
    )  # fmt: skip
    fit = fit_resonant_amplification(FIELD, signal, PERIOD, spread=True, centre=True, convention=convention)
    for name, truth in {"g_factor": 1.96, "g_spread": 0.02, "dephasing_time_ps": 9000.0, "centre_t": 0.0007}.items():
        assert near(fit, name, truth), name
    assert fit.conventions["spread of g"].startswith(convention)


def test_two_carriers():
    signal = simulate.resonant_amplification_curve(
        FIELD, g_factor=[0.7, 1.96], dephasing_time_ps=[12_000.0, 8000.0], amplitude=[1.0, 0.8], period_ps=PERIOD,
        delay_ps=PERIOD, noise=0.02,
    )  # fmt: skip
    fit = fit_resonant_amplification(FIELD, signal, PERIOD, components=2)
    for name, truth in {"g_factor_1": 1.96, "g_factor_2": 0.7, "dephasing_time_2_ps": 12_000.0}.items():
        assert near(fit, name, truth), name


def test_what_is_wrong_is_named():
    signal = np.cos(FIELD)
    with pytest.raises(DataError, match="period_ps must be positive"):
        fit_resonant_amplification(FIELD, signal, 0.0)
    with pytest.raises(DataError, match="within one pulse period"):
        fit_resonant_amplification(FIELD, signal, PERIOD, 2 * PERIOD)
    with pytest.raises(DataError, match="1 or 2 components"):
        fit_resonant_amplification(FIELD, signal, PERIOD, components=3)
    with pytest.raises(DataError, match="unknown convention"):
        fit_resonant_amplification(FIELD, signal, PERIOD, convention="broad")  # type: ignore[arg-type]
    with pytest.raises(FitError, match="usable points"):
        fit_resonant_amplification(FIELD[:5], signal[:5], PERIOD)


def test_less_than_one_peak_distance_is_said():
    field = np.linspace(-0.0005, 0.0005, 80)
    signal = simulate.resonant_amplification_curve(
        field, g_factor=2.0, dephasing_time_ps=20_000.0, period_ps=PERIOD, delay_ps=PERIOD, noise=0.01
    )
    fit = fit_resonant_amplification(field, signal, PERIOD)
    assert any("less than one peak distance" in sentence for sentence in fit.warnings)
