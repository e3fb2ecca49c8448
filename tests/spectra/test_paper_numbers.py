"""Spins of CsPbI3 nanocrystals as arXiv 2603.03038 measured them, simulated raw and taken through the whole chain.

The paper's numbers are inputs of the simulation and must come back within the last digit they are stated with, and
within the fits' own uncertainties: g = 1.68, Delta g = 0.15, Delta_N = 12 mT, T1 = 130 us (electron) and 70 us (hole),
tau_s = 0.8 ms, tau_c = 60 us, E_a = 3.2 meV.
"""

from __future__ import annotations

import numpy as np
import pytest

from perospin.mechanisms import activation_rate, nuclear_fluctuation_rate
from perospin.spectra import (
    extrapolate_power,
    fit_odmr,
    fit_odmr_series,
    fit_resonance_width,
    fit_spin_inertia,
    fit_t1_field,
    fit_t1_temperature,
)
from perospin.spectra.signals import simulate
from recovering import near

MODULATION = np.geomspace(30.0, 3e5, 30)


@pytest.fixture(scope="module")
def spectra():
    """Spectra of electron (g = 1.68) and hole (|g| = 0.8) at eight microwave frequencies, 2 % noise."""
    field = np.linspace(0.0, 0.3, 301)
    frequencies = np.array([0.4, 0.6, 0.8, 1.0, 1.13, 1.4, 1.8, 2.2])
    return [
        fit_odmr(
            field,
            simulate.odmr_spectrum(
                field, frequency_ghz=f, g_factor=[1.68, 0.8], g_spread=[0.15, 0.06], nuclear_field_t=[0.012, 0.008],
                amplitude=[1.0, 0.5], noise=0.02, seed=i,
            ),
            frequency_ghz=float(f),
            components=2,
        )
        for i, f in enumerate(frequencies)
    ]  # fmt: skip


def test_g_factors(spectra):
    electron, hole = fit_odmr_series(spectra, component=1), fit_odmr_series(spectra, component=2)
    assert near(electron, "g_factor", 1.68, sigmas=3.0)
    assert abs(electron.g_factor - 1.68) < 0.01
    assert near(hole, "g_factor", 0.8, sigmas=3.0)
    assert abs(hole.g_factor - 0.8) < 0.1  # stated as "about 0.8"


def test_spread_of_g_and_nuclear_field(spectra):
    fit = fit_resonance_width(spectra, component=1)
    assert near(fit, "g_spread", 0.15, sigmas=3.0)
    assert abs(fit.g_spread - 0.15) < 0.01
    assert near(fit, "nuclear_field_t", 0.012, sigmas=3.0)
    assert abs(fit.nuclear_field_t - 0.012) < 0.0005


@pytest.mark.parametrize("t1_us", [130.0, 70.0])
def test_relaxation_time_by_spin_inertia(t1_us):
    fit = fit_spin_inertia(MODULATION, simulate.inertia_curve(MODULATION, t1_ps=1e6 * t1_us, noise=0.01, seed=500))
    assert near(fit, "t1_ps", 1e6 * t1_us, sigmas=3.0)
    assert abs(fit.t1_ps - 1e6 * t1_us) < 5e6


def test_relaxation_time_at_zero_power():
    power = np.array([0.125, 0.25, 0.5, 1.0, 2.0])  # mW
    rates = 1.0 / 0.8e9 + power / 2.0 * (1.0 / 130e6 - 1.0 / 0.8e9)
    fits = [
        fit_spin_inertia(MODULATION, simulate.inertia_curve(MODULATION, t1_ps=1.0 / rate, noise=0.01, seed=500 + i))
        for i, rate in enumerate(rates)
    ]
    fit = extrapolate_power(power, fits)
    assert near(fit, "t1_ps", 0.8e9, sigmas=3.0)
    assert abs(fit.t1_ps - 0.8e9) < 0.1e9


def test_field_dependence():
    field = np.array([0.014, 0.018, 0.024, 0.03, 0.045, 0.06, 0.08, 0.1, 0.13, 0.16, 0.2])
    t1 = 1.0 / nuclear_fluctuation_rate(field, 0.012, 60e6, spin_lifetime_ps=0.8e9)
    fits = [
        fit_spin_inertia(MODULATION, simulate.inertia_curve(MODULATION, t1_ps=t, noise=0.01, seed=500 + i))
        for i, t in enumerate(t1)
    ]
    fit = fit_t1_field(field, fits, nuclear_field_t=0.012, g_factor=1.68)
    assert near(fit, "spin_lifetime_ps", 0.8e9, sigmas=3.0)
    assert abs(fit.spin_lifetime_ps - 0.8e9) < 0.1e9
    assert near(fit, "correlation_time_ps", 60e6, sigmas=3.0)
    assert abs(fit.correlation_time_ps - 60e6) < 10e6


def test_temperature_dependence():
    temperature = np.array([1.6, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0, 10.0])
    t1 = 1.0 / activation_rate(temperature, 20e-6, 3.2, spin_lifetime_ps=0.8e9)
    fits = [
        fit_spin_inertia(MODULATION, simulate.inertia_curve(MODULATION, t1_ps=t, noise=0.01, seed=500 + i))
        for i, t in enumerate(t1)
    ]
    fit = fit_t1_temperature(temperature, fits)
    assert near(fit, "activation_energy_mev", 3.2, sigmas=3.0)
    assert abs(fit.activation_energy_mev - 3.2) < 0.1
    assert near(fit, "activation_rate_per_ps", 20e-6, sigmas=3.0)
