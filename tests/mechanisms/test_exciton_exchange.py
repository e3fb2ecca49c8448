from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perospin.errors import DataError
from perospin.mechanisms import (
    exciton_exchange_rate,
    exciton_exchange_thermal_rate,
    exciton_overlap_nm2,
    exciton_radius_nm,
    fit_quadratic_law,
    layer_binding_energy_mev,
    quadratic_binding_rate,
)
from perospin.units import HBAR_EV_PS


def test_worked_numbers():
    energies = [100.0, 200.0, 300.0]
    assert exciton_radius_nm(energies, 0.1) == pytest.approx([3.903835, 2.760428, 2.253880], rel=1e-6)
    assert exciton_overlap_nm2(energies, 0.1) == pytest.approx([0.1670926, 0.3341852, 0.5012778], rel=1e-6)
    rate = exciton_exchange_rate(2.0, 0.02, regime="motional_narrowing")
    assert pytest.approx(3.038535, rel=1e-6) == 2e-3 / HBAR_EV_PS
    assert pytest.approx(0.06077070, rel=1e-6) == 2e-3 / HBAR_EV_PS * 0.02
    assert rate == pytest.approx(0.1846539, rel=1e-6)
    assert 1 / rate == pytest.approx(5.415537, rel=1e-6)
    fit = fit_quadratic_law(energies, [0.08, 0.30, 0.72])
    assert fit.coefficient_per_ps == pytest.approx(7.918367, rel=1e-6)
    assert fit.exponent == pytest.approx(1.989974, rel=1e-6)


@given(st.floats(1e-3, 0.5), st.floats(1e-4, 0.05))
def test_linear_polarisation_lives_twice_as_long(splitting: float, tau: float):
    circular, linear = (
        exciton_exchange_rate(splitting, tau, polarisation=p, regime="motional_narrowing")
        for p in ("circular", "linear")
    )
    assert circular == pytest.approx(2 * linear)
    assert exciton_exchange_rate(splitting, tau) == pytest.approx(circular, rel=5e-3)


@given(st.floats(1.0, 500.0), st.floats(0.05, 0.5), st.floats(1e-3, 1.0), st.floats(1e-3, 0.1))
def test_exponents(t: float, mass: float, slope: float, tau: float):
    def rate_(*given_):
        return exciton_exchange_thermal_rate(*given_, regime="motional_narrowing")

    rate = rate_(t, slope, tau, mass)
    assert rate > 0
    assert rate_(2 * t, slope, tau, mass) == pytest.approx(2 * rate)
    assert rate_(t, 2 * slope, tau, mass) == pytest.approx(4 * rate)
    assert rate_(t, slope, tau, 2 * mass) == pytest.approx(2 * rate)
    assert exciton_exchange_thermal_rate(t, slope, tau, mass) <= 0.5 / tau * (1 + 1e-9)


@given(st.floats(5.0, 600.0), st.floats(1e-3, 100.0))
def test_the_quadratic_law_is_found_again(energy: float, k: float):
    energies = energy * np.array([1.0, 1.7, 3.0])
    fit = fit_quadratic_law(energies, quadratic_binding_rate(energies, k), weights=[1.0, 2.0, 0.5])
    assert fit.coefficient_per_ps == pytest.approx(k)
    assert fit.exponent == pytest.approx(2.0)


def test_binding_energy_of_layers_passes_through_the_measured_values():
    assert layer_binding_energy_mev([1, 5]) == pytest.approx([470.0, 125.0])
    assert layer_binding_energy_mev(1000) == pytest.approx(16.0, rel=1e-3)
    many = layer_binding_energy_mev(np.arange(1, 40))
    assert np.all(np.diff(many) < 0)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: fit_quadratic_law([100.0, 200.0], [1.0]), "lists of one length"),
        (lambda: fit_quadratic_law([100.0, 100.0], [1.0, 2.0]), "two different binding energies"),
        (lambda: fit_quadratic_law([100.0, -100.0], [1.0, 2.0]), "must be positive"),
        (lambda: exciton_exchange_rate(1.0, 0.1, polarisation="left"), "unknown polarisation 'left'"),
    ],
)
def test_mistakes_are_said_in_one_sentence(call, words: str):
    with pytest.raises(DataError, match=words):
        call()


def test_permittivity_of_a_stack_lies_between_its_parts_and_is_that_of_one_medium():
    from perospin.mechanisms import layered_permittivity

    assert float(layered_permittivity(14.0, 6.4, 6.1, 6.1)) == pytest.approx(6.1)
    spacing = np.linspace(8.0, 30.0, 20)
    values = layered_permittivity(spacing, 6.4, 6.1, 2.0)
    assert ((values > 2.0) & (values < 6.1)).all()
    assert (np.diff(values) < 0).all()  # more of the poor dielectric screens less
