"""Spin inertia of one and several species, and the rate at zero power."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perospin.errors import DataError, FitError
from perospin.spectra import extrapolate_power, fit_spin_inertia
from perospin.spectra.signals import simulate
from perospin.spectra.signals.signals import inertia_phase_channels
from recovering import near

FREQUENCY = np.geomspace(50.0, 1e5, 25)


@settings(max_examples=8, deadline=None)
@given(st.floats(5e6, 2e9), st.floats(-5.0, 5.0).filter(lambda a: abs(a) > 0.1), st.integers(0, 1000))
def test_any_single_species(time, size, seed):
    signal = np.sign(size) * simulate.inertia_curve(FREQUENCY, t1_ps=time, amplitude=abs(size))
    signal = signal + 0.01 * size * np.random.default_rng(seed).standard_normal(signal.size)
    fit = fit_spin_inertia(FREQUENCY, signal)
    assert near(fit, "t1_ps", time, sigmas=5.0)
    assert near(fit, "amplitude", size, sigmas=5.0)


def test_corner_frequency():
    fit = fit_spin_inertia(FREQUENCY, simulate.inertia_curve(FREQUENCY, t1_ps=130e6))
    assert fit.corner_frequency_hz == pytest.approx(1224.269, rel=1e-4)


def test_two_species_in_magnitude():
    signal = simulate.inertia_curve(FREQUENCY, t1_ps=[1300e6, 70e6], amplitude=[0.6, 0.4], noise=0.002)
    fit = fit_spin_inertia(FREQUENCY, signal, components=2)
    for name, truth in {"t1_1_ps": 1300e6, "t1_2_ps": 70e6, "amplitude_1": 0.6, "amplitude_2": 0.4}.items():
        assert near(fit, name, truth), name
    one = fit_spin_inertia(FREQUENCY, signal)
    assert one.statistics["aicc"] > fit.statistics["aicc"] + 20
    assert any("two components fit better than one" in warning for warning in one.warnings)


def test_a_second_species_that_is_not_there_is_told_to_be_none():
    fit = fit_spin_inertia(FREQUENCY, simulate.inertia_curve(FREQUENCY, t1_ps=130e6, noise=0.003))
    assert fit.settings["compared"].startswith("one component is enough")


def test_species_of_opposite_sign_in_phase():
    rng = np.random.default_rng(0)
    parts = [a * inertia_phase_channels(FREQUENCY, t)[0] for a, t in ((1.0, 900e6), (-0.5, 40e6), (0.3, 3e6))]
    signal = np.sum(parts, axis=0) + 0.001 * rng.standard_normal(FREQUENCY.size)
    fit = fit_spin_inertia(FREQUENCY, signal, components=3, detection="in phase")
    for name, truth in {"t1_1_ps": 900e6, "t1_2_ps": 40e6, "amplitude_2": -0.5}.items():
        assert near(fit, name, truth), name


def test_offset_and_record():
    signal = simulate.inertia_curve(FREQUENCY, t1_ps=25e6, noise=0.003) + 0.2
    fit = fit_spin_inertia(FREQUENCY, signal, offset=True, optical=True, field_t=0.1)
    assert near(fit, "t1_ps", 25e6)
    record = fit.to_record("(PEA)2PbI4", source="10.48550/arXiv.2212.02878", carrier="electron")
    assert (record.property, record.conditions.technique, record.conditions.field_t) == ("T1", "spin_inertia", 0.1)


def test_corner_outside_the_frequencies_is_said():
    signal = simulate.inertia_curve(FREQUENCY, t1_ps=5e5, noise=0.002)
    assert any("below the corner" in sentence for sentence in fit_spin_inertia(FREQUENCY, signal).warnings)
    signal = simulate.inertia_curve(FREQUENCY, t1_ps=3e10, noise=1e-5)
    assert any("above the corner" in sentence for sentence in fit_spin_inertia(FREQUENCY, signal).warnings)


def test_rate_at_zero_power():
    power = np.array([0.1, 0.25, 0.5, 1.0, 2.0])
    fits = [
        fit_spin_inertia(FREQUENCY, simulate.inertia_curve(
            FREQUENCY, t1_ps=1.0 / (1.0 / 130e6 + 2e-9 * p), noise=0.01, seed=i)) for i, p in enumerate(power)
    ]  # fmt: skip
    fit = extrapolate_power(power, fits)
    assert near(fit, "t1_ps", 130e6)
    assert near(fit, "slope", 2e-9)
    plain = extrapolate_power(power, 1.0 / 130e6 + 2e-9 * power, power_unit="W/cm^2")
    assert plain.t1_ps == pytest.approx(130e6, rel=1e-9)
    assert plain["slope"].unit == "1/(ps W/cm^2)"


def test_rate_not_told_from_zero_is_a_bound():
    fit = extrapolate_power([1.0, 2.0, 3.0, 4.0], [1.0e-8, 2.1e-8, 2.95e-8, 4.02e-8])
    assert fit["t1_ps"].status == "lower bound"
    record = fit.to_record("CsPbI3", source="A")
    assert record.limit == "lower"


def test_what_is_wrong_is_named():
    signal = np.ones_like(FREQUENCY) + 0.01 * FREQUENCY
    with pytest.raises(DataError, match="negative"):
        fit_spin_inertia(-FREQUENCY, signal)
    with pytest.raises(DataError, match="1 to 2 species"):
        fit_spin_inertia(FREQUENCY, signal, components=3)
    with pytest.raises(DataError, match="unknown detection"):
        fit_spin_inertia(FREQUENCY, signal, detection="phase")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="rates must be positive"):
        extrapolate_power([1.0, 2.0, 3.0], [1.0, -1.0, 2.0])
    with pytest.raises(FitError, match="usable points"):
        fit_spin_inertia(FREQUENCY[:3], signal[:3])
