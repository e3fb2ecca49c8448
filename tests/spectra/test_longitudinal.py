"""T1 against field and temperature."""

from __future__ import annotations

import numpy as np
import pytest

from perospin.errors import DataError
from perospin.spectra import fit_spin_inertia, fit_t1_field, fit_t1_temperature
from perospin.spectra.signals import simulate
from recovering import near

FIELD = np.array([0.015, 0.02, 0.03, 0.045, 0.06, 0.1, 0.15, 0.2])
TEMPERATURE = np.array([1.6, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0])


def t1_of_field(field=FIELD, noise=0.04, seed=0):
    return simulate.t1_against_field(
        field, spin_lifetime_ps=0.8e9, correlation_time_ps=60e6, nuclear_field_t=0.012, relative_noise=noise, seed=seed
    )


def test_field_with_and_without_the_nuclear_field():
    fit = fit_t1_field(-FIELD, t1_of_field(), nuclear_field_t=0.012, g_factor=1.68)
    for name, truth in {"spin_lifetime_ps": 0.8e9, "correlation_time_ps": 60e6}.items():
        assert near(fit, name, truth), name
    assert not fit.warnings
    high = np.array([0.04, 0.05, 0.065, 0.08, 0.1, 0.15, 0.2])
    one, other = (fit_t1_field(high, t1_of_field(high), nuclear_field_t=n) for n in (0.012, None))
    assert other.spin_lifetime_ps == pytest.approx(one.spin_lifetime_ps, rel=0.02)
    assert near(other, "crossover_field_t", 0.012 * np.sqrt(0.8e9 / 60e6), sigmas=3.0)
    assert other.crossover_field_t == pytest.approx(one.crossover_field_t, rel=0.05)


@pytest.mark.parametrize("lowest", [0.013, 0.005, 0.001])
def test_the_correlation_time_does_not_depend_on_where_the_fields_start(lowest: float):
    """The high-field law gave 93 us from 13 mT on; the law of a jumping field gives 60 us from every field."""
    field = np.geomspace(lowest, 0.2, 12)
    fit = fit_t1_field(field, t1_of_field(field, noise=0.0), nuclear_field_t=0.012)
    assert fit.correlation_time_ps == pytest.approx(60e6, rel=1e-4)
    assert fit.spin_lifetime_ps == pytest.approx(0.8e9, rel=1e-4)


def test_zero_field_belongs_to_the_law():
    field = np.concatenate([[0.0], FIELD])
    fit = fit_t1_field(field, t1_of_field(field), nuclear_field_t=0.012, g_factor=1.68)
    assert near(fit, "correlation_time_ps", 60e6)
    assert fit.statistics["n_points"] == len(field)
    fit.plot()


def test_nuclei_that_are_slower_than_the_rest_at_every_field():
    t1 = simulate.t1_against_field(FIELD, spin_lifetime_ps=1e6, correlation_time_ps=60e6, nuclear_field_t=0.012)
    assert fit_t1_field(FIELD, t1, nuclear_field_t=0.012).crossover_field_t == 0.0


def test_without_delta_n_points_below_it_are_told():
    field = np.concatenate([[0.001, 0.002, 0.004, 0.008], FIELD])
    noise = 1.0 + 0.05 * np.random.default_rng(0).standard_normal(field.size)
    # the nuclear field adds to the applied one: T1 is level below it
    t1 = t1_of_field(np.hypot(field, 0.012), noise=0.0) * noise
    assert any("T1 levels off at low fields" in sentence for sentence in fit_t1_field(field, t1).warnings)
    # a plateau that sets in at once
    t1 = t1_of_field(np.maximum(field, 0.012), noise=0.0) * noise
    assert any("--nuclear-field-mt" in sentence for sentence in fit_t1_field(field, t1).warnings)
    high = FIELD * 3.0
    for seed in range(10):
        assert not fit_t1_field(high, t1_of_field(high, noise=0.1, seed=seed)).warnings


def test_fast_nuclei_are_said():
    t1 = simulate.t1_against_field(FIELD, spin_lifetime_ps=1e6, correlation_time_ps=50.0, nuclear_field_t=0.012)
    fit = fit_t1_field(FIELD, t1, nuclear_field_t=0.012, g_factor=0.05)
    assert any("within the correlation time" in sentence for sentence in fit.warnings)


def test_plateau_not_reached_is_a_lower_bound():
    low = np.array([0.013, 0.015, 0.018, 0.02, 0.022])
    t1 = simulate.t1_against_field(
        low, spin_lifetime_ps=50e9, correlation_time_ps=60e6, nuclear_field_t=0.012, relative_noise=0.05
    )
    assert fit_t1_field(low, t1, nuclear_field_t=0.012)["spin_lifetime_ps"].status in ("lower bound", "undetermined")


def test_temperature():
    t1 = simulate.t1_against_temperature(
        TEMPERATURE, spin_lifetime_ps=0.8e9, activation_rate_per_ps=20e-6, activation_energy_mev=3.2,
        relative_noise=0.05,
    )  # fmt: skip
    fit = fit_t1_temperature(TEMPERATURE, t1, field_t=0.1)
    truths = {"activation_energy_mev": 3.2, "activation_rate_per_ps": 20e-6, "spin_lifetime_ps": 0.8e9}
    for name, truth in truths.items():
        assert near(fit, name, truth), name
    weighted = fit_t1_temperature(TEMPERATURE, t1, sigma_t1_ps=0.05 * t1)
    assert near(weighted, "activation_energy_mev", 3.2)
    assert fit.to_record("CsPbI3", source="A").conditions.field_t == 0.1


def test_series_of_inertia_fits():
    frequency = np.geomspace(20.0, 1e5, 25)
    fits = [
        fit_spin_inertia(frequency, simulate.inertia_curve(frequency, t1_ps=t1, noise=0.01, seed=i))
        for i, t1 in enumerate(t1_of_field(noise=0.0))
    ]
    fit = fit_t1_field(FIELD, fits, nuclear_field_t=0.012)
    for name, truth in {"spin_lifetime_ps": 0.8e9, "correlation_time_ps": 60e6}.items():
        assert near(fit, name, truth), name
    assert "sigma" in fit.data


def test_what_is_wrong_is_named():
    with pytest.raises(DataError, match="field_t holds a zero"):
        fit_t1_field([0.0, 0.1, 0.2], [1.0, 2.0, 3.0])
    with pytest.raises(DataError, match="t1_ps must be positive"):
        fit_t1_field(FIELD, -t1_of_field())
    with pytest.raises(DataError, match="nuclear_field_t must be positive"):
        fit_t1_field(FIELD, t1_of_field(), nuclear_field_t=-1.0)
    with pytest.raises(DataError, match="degrees Celsius"):
        fit_t1_temperature([-5.0, 0.0, 5.0, 10.0], [4.0, 3.0, 2.0, 1.0])
