"""Simulated measurements: the same seed gives the same numbers, the noise is what was asked for."""

from __future__ import annotations

import numpy as np
import pytest

from perospin.errors import DataError
from perospin.spectra.signals import simulate


def test_noise_has_the_size_and_the_seed_asked_for():
    t = np.linspace(0, 1000, 20_000)
    kwargs = {"field_t": 0.5, "g_factor": [2.0, -0.6], "dephasing_time_ps": 300.0, "amplitude": [1.0, 0.4]}
    clean = simulate.kerr_trace(t, **kwargs)
    first, again, other = (simulate.kerr_trace(t, **kwargs, noise=0.1, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.std(first - clean) == pytest.approx(0.1, rel=0.02)
    assert abs(np.corrcoef(first - clean, other - clean)[0, 1]) < 0.03


def test_components_add():
    t = np.linspace(0, 1000, 200)
    both = simulate.kerr_trace(t, field_t=0.5, g_factor=[2.0, 0.6], dephasing_time_ps=[300.0, 900.0])
    one = simulate.kerr_trace(t, field_t=0.5, g_factor=2.0, dephasing_time_ps=300.0)
    two = simulate.kerr_trace(t, field_t=0.5, g_factor=0.6, dephasing_time_ps=900.0)
    np.testing.assert_allclose(both, one + two)


def test_hanle_numbers():
    # tau = 2 ns, tau_s = 1 ns, g = 2.5: P_0/rho_0 = 1/3, P(5 mT)/P(0) = 0.6505940
    found = simulate.hanle_curve([0.0, 5e-3], g_factor=2.5, lifetime_ps=2000.0, spin_lifetime_ps=1000.0)
    np.testing.assert_allclose(found, [1 / 3, 0.6505940 / 3], rtol=1e-6)


def test_odmr_resonance_stands_where_the_frequency_says():
    b = np.linspace(0, 0.2, 4001)
    signal = simulate.odmr_spectrum(b, frequency_ghz=2.351369, g_factor=1.68, g_spread=0.15, nuclear_field_t=0.012)
    assert b[np.argmax(signal)] == pytest.approx(0.1, abs=1e-4)
    # width 12.317442 mT at 100 mT
    assert np.interp(0.1 + 0.012317442, b, signal) == pytest.approx(np.exp(-0.5), rel=1e-4)


def test_relaxation_times_of_the_paper():
    t1 = simulate.t1_against_field(
        [0.012, 0.03, 0.06, 0.1], spin_lifetime_ps=0.8e9, correlation_time_ps=60e6, nuclear_field_t=0.012
    )
    # the short law of the paper's Eq. 4 gives 0.05581395, 0.2553191, 0.5217391, 0.6711409 ms: right from 3 Delta_N up
    share = 1.0 - 0.5380795069127684  # 1/x^2 - D(x)/x^3 at x = 1, Dawson's integral
    assert 1e-9 * t1[0] == pytest.approx(1.0 / (1.0 / 0.8 + share / 0.06), rel=1e-6)
    np.testing.assert_allclose(t1[2:] * 1e-9, [0.5217391, 0.6711409], rtol=1e-2)
    t1 = simulate.t1_against_temperature(
        [1.6, 3, 5, 8, 10], spin_lifetime_ps=0.8e9, activation_rate_per_ps=20e-6, activation_energy_mev=3.2
    )
    np.testing.assert_allclose(t1 * 1e-6, [799.9989, 749.5178, 76.04167, 5.153173, 2.044503], rtol=1e-6)


def test_spin_valve_and_inertia_scale_with_the_amplitude():
    b = np.linspace(-0.1, 0.1, 5)
    one = simulate.spin_valve_curve(b, lifetime_ps=500.0, diffusion_cm2_s=180.0, length_um=2.1)
    ten = simulate.spin_valve_curve(b, lifetime_ps=500.0, diffusion_cm2_s=180.0, length_um=2.1, amplitude_ohm=10.0)
    np.testing.assert_allclose(ten, 10 * one)
    f = np.array([0.0, 1224.269])
    np.testing.assert_allclose(simulate.inertia_curve(f, t1_ps=130e6, amplitude=2.0), [2.0, 2.0**0.5], rtol=1e-6)


def test_nuclear_and_amplified_traces():
    assert simulate.nuclear_trace([0.0], nuclear_field_t=0.01, g_factor=2.0, amplitude=3.0)[0] == pytest.approx(3.0)
    signal = simulate.resonant_amplification_curve(
        [0.0], g_factor=[2.0, 1.0], dephasing_time_ps=5000.0, period_ps=1e6 / 76, delay_ps=1e6 / 76
    )
    assert signal[0] == pytest.approx(2 * 0.07754527, rel=1e-6)


def test_what_is_wrong_is_named():
    with pytest.raises(DataError, match="lists of the components differ"):
        simulate.kerr_trace([0.0], field_t=1.0, g_factor=[1.0, 2.0], dephasing_time_ps=[1.0, 2.0, 3.0])
    with pytest.raises(DataError, match="can't be negative"):
        simulate.hanle_curve([0.0], g_factor=2.0, lifetime_ps=1.0, spin_lifetime_ps=1.0, noise=-1.0)
    with pytest.raises(DataError, match="correlation_time_ps must be a positive number"):
        simulate.t1_against_field([0.1], spin_lifetime_ps=1.0, correlation_time_ps=-1.0, nuclear_field_t=0.01)
