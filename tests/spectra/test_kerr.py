"""Kerr transients: what was put in comes out, whatever the phase, the number of components or the background."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perospin.errors import DataError, FitError
from perospin.measurements import SpinFit
from perospin.spectra import fit_kerr
from perospin.spectra.signals import simulate
from perospin.spectra.signals.signals import GHZ_PER_TESLA
from recovering import near

DELAY = np.linspace(-20.0, 2000.0, 405)


def test_one_component():
    signal = simulate.kerr_trace(
        DELAY, field_t=0.5, g_factor=1.96, dephasing_time_ps=500.0, amplitude=2.0, phase_rad=-0.7, offset=0.3, noise=0.1
    )
    fit = fit_kerr(DELAY, signal, field_t=0.5)
    truths = {"g_factor": 1.96, "dephasing_time_ps": 500.0, "amplitude": 2.0, "phase_rad": -0.7, "offset": 0.3}
    for name, truth in truths.items():
        assert near(fit, name, truth), name
    assert fit["g_factor"].uncertainty < 0.002
    assert "size" in fit.conventions["sign of g"]
    assert fit.statistics["noise"] == pytest.approx(0.1, rel=0.15)


@settings(max_examples=6, deadline=None)
@given(
    st.floats(0.3, 3.0), st.floats(120.0, 3000.0), st.floats(-3.1, 3.1), st.integers(0, 10_000), st.floats(-2.0, 2.0)
)
def test_any_one_component(g, time, phase, seed, offset):
    truth = GHZ_PER_TESLA * g * 0.6
    signal = simulate.kerr_trace(
        DELAY, field_t=0.6, g_factor=g, dephasing_time_ps=time, phase_rad=phase, offset=offset, noise=0.02, seed=seed
    )
    fit = fit_kerr(DELAY, signal, field_t=0.6)
    assert abs(fit["frequency_ghz"].value - truth) < 5.0 * fit["frequency_ghz"].uncertainty
    assert abs(fit["dephasing_time_ps"].value - time) < 5.0 * fit["dephasing_time_ps"].uncertainty
    assert fit["frequency_ghz"].uncertainty < 0.15


def test_without_noise_it_is_exact():
    signal = simulate.kerr_trace(DELAY, field_t=1.0, g_factor=[1.9, 0.6], dephasing_time_ps=[320.0, 800.0])
    fit = fit_kerr(DELAY, signal, components=2, field_t=1.0)
    for name, truth in {"g_factor_1": 1.9, "g_factor_2": 0.6, "dephasing_time_2_ps": 800.0}.items():
        assert fit[name].value == pytest.approx(truth, rel=1e-5)


def test_close_lines_and_order():
    # 1.1 GHz apart, each 0.3 GHz wide; given with the slower one first
    signal = simulate.kerr_trace(
        DELAY, field_t=0.5, g_factor=[1.80, 1.96], dephasing_time_ps=[700.0, 500.0], amplitude=[0.8, 1.0], noise=0.03
    )
    fit = fit_kerr(DELAY, signal, components=2, field_t=0.5)
    for name, truth in {"g_factor_1": 1.96, "g_factor_2": 1.80, "dephasing_time_1_ps": 500.0}.items():
        assert near(fit, name, truth), name
    assert list(fit.correlation.columns)[:2] == ["frequency_1_ghz", "dephasing_time_1_ps"] or "frequency_1_ghz" in fit


def test_three_components():
    signal = simulate.kerr_trace(
        DELAY, field_t=0.5, g_factor=[1.96, 1.2, 0.4], dephasing_time_ps=[500.0, 300.0, 900.0],
        amplitude=[1.0, 0.5, 0.7], phase_rad=[0.3, -0.2, 1.0], noise=0.03,
    )  # fmt: skip
    fit = fit_kerr(DELAY, signal, components=3, field_t=0.5)
    truths = {"g_factor_1": 1.96, "g_factor_2": 1.2, "g_factor_3": 0.4, "amplitude_2": 0.5, "phase_3_rad": 1.0}
    for name, truth in truths.items():
        assert near(fit, name, truth), name


def test_decaying_background_and_gaussian_envelope():
    signal = simulate.kerr_trace(
        DELAY, field_t=0.5, g_factor=1.7, dephasing_time_ps=400.0, envelope="gaussian", noise=0.02
    ) + np.where(DELAY >= 0, 1.5 * np.exp(-DELAY / 600.0), 0.0)
    fit = fit_kerr(DELAY, signal, field_t=0.5, background="exponential", envelope="gaussian")
    for name, truth in {"g_factor": 1.7, "dephasing_time_ps": 400.0, "decay_time_ps": 600.0}.items():
        assert near(fit, name, truth), name
    assert "Gaussian" in fit.conventions["dephasing time"]
    other = fit_kerr(DELAY, signal, field_t=0.5, background="exponential", envelope="exponential")
    assert fit.statistics["aicc"] < other.statistics["aicc"] - 10


def test_long_lived_coherence_is_a_lower_bound():
    signal = simulate.kerr_trace(DELAY, field_t=0.5, g_factor=1.7, dephasing_time_ps=1e6, noise=0.1)
    fit = fit_kerr(DELAY, signal, field_t=0.5)
    time = fit["dephasing_time_ps"]
    assert time.status == "lower bound" or time.uncertainty > 0.3 * time.value


def test_uneven_delays_units_and_start():
    rng = np.random.default_rng(0)
    delay = np.sort(np.concatenate([rng.uniform(0, 300, 150), rng.uniform(300, 2500, 200)]))
    signal = simulate.kerr_trace(delay, field_t=0.3, g_factor=2.1, dephasing_time_ps=600.0, noise=0.02)
    fit = fit_kerr(delay / 1e3, signal, field_t=0.3, delay_unit="ns")
    assert near(fit, "g_factor", 2.1)
    assert near(fit, "dephasing_time_ps", 600.0)
    signal[delay < 5.0] += 50.0  # coherent artefact
    assert near(fit_kerr(delay, signal, field_t=0.3, start_ps=5.0), "dephasing_time_ps", 600.0)


def test_less_than_half_a_turn_is_said():
    delay = np.linspace(0, 200, 200)
    signal = simulate.kerr_trace(delay, field_t=0.05, g_factor=2.0, dephasing_time_ps=500.0, noise=0.01)
    assert any("turns before" in sentence for sentence in fit_kerr(delay, signal, field_t=0.05).warnings)


def test_record_and_file(tmp_path):
    signal = simulate.kerr_trace(DELAY, field_t=0.5, g_factor=1.96, dephasing_time_ps=500.0, noise=0.05)
    fit = fit_kerr(DELAY, signal, field_t=0.5)
    record = fit.to_record("CsPbBr3", source="10.1038/s41467-019-08625-z", temperature_k=5.0)
    assert (record.property, record.unit, record.conditions.technique) == ("T2_star", "ps", "TRKR")
    assert record.conditions.field_t == 0.5
    assert fit.to_record("CsPbBr3", source="Belykh", quantity="g_factor").property == "g_factor"
    again = SpinFit.load(fit.save(tmp_path / "fit.json"))
    assert again.values == fit.values
    assert again.records == fit.records


def test_what_is_wrong_is_named():
    signal = np.cos(DELAY)
    with pytest.raises(DataError, match="1, 2 or 3 components, got 4"):
        fit_kerr(DELAY, signal, components=4)
    with pytest.raises(DataError, match="unknown background 'line'"):
        fit_kerr(DELAY, signal, background="line")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="unknown envelope"):
        fit_kerr(DELAY, signal, envelope="square")  # type: ignore[arg-type]
    with pytest.raises(FitError, match="usable points"):
        fit_kerr(DELAY[:8], signal[:8])
    with pytest.raises(FitError, match="usable points"):
        fit_kerr(DELAY, signal, start_ps=1995.0)


def test_thousands_of_transients_in_one_call():
    from perospin.fitting import fit_batch
    from perospin.spectra import kerr_model

    rng = np.random.default_rng(0)
    delay, g, time = np.linspace(0, 2000, 200), rng.uniform(1.6, 2.2, 64), rng.uniform(200, 800, 64)
    signals = np.array([
        simulate.kerr_trace(delay, field_t=0.5, g_factor=a, dephasing_time_ps=b, noise=0.05, seed=i)
        for i, (a, b) in enumerate(zip(g, time, strict=True))
    ])  # fmt: skip
    model = kerr_model(longest_ps=2000.0, shortest_ps=10.0)
    batch = fit_batch(model, delay, signals)
    errors = batch.uncertainty[:, batch.names.index("frequency_ghz")]
    assert np.all(np.abs(batch["frequency_ghz"] - 0.5 * GHZ_PER_TESLA * g) < 5.0 * errors)
    for i in (0, 31):
        single = fit_kerr(delay, signals[i])
        assert batch["dephasing_time_ps"][i] == pytest.approx(single.dephasing_time_ps, rel=1e-3)


@pytest.mark.slow
def test_noise_is_no_precession():
    delay_ps = np.linspace(0, 600, 120)
    told = 0
    for seed in range(40):
        noise = 0.1 * np.random.default_rng(seed).standard_normal(120)
        told += any("no precession stands out" in w for w in fit_kerr(delay_ps, noise, field_t=0.5).warnings)
        if seed < 10:
            weak = 0.15 * np.exp(-delay_ps / 400) * np.cos(0.05 * delay_ps) + noise
            assert not any("no precession" in w for w in fit_kerr(delay_ps, weak, field_t=0.5).warnings)
    assert told >= 34
