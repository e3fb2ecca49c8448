from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perospin.errors import DataError
from perospin.mechanisms import (
    bir_aronov_pikus_degenerate_rate,
    bir_aronov_pikus_rate,
    exchange_rate_scale,
    exciton_scales,
    fermi_energy_mev,
    sommerfeld_factor,
)

CASE = {"temperature_k": 300.0, "density_cm3": 1e18, "exchange_splitting_mev": 1.0, "mass_m0": 0.2, "permittivity": 9.0}
COLD = {**CASE, "temperature_k": 30.0, "density_cm3": 1e19, "hole_mass_m0": 0.25}


def test_worked_numbers_of_the_scales():
    scales = exciton_scales(0.2, 9.0)
    assert scales.radius_nm == pytest.approx(2.381297, rel=1e-6)
    assert scales.energy_mev == pytest.approx(33.59430, rel=1e-6)
    assert scales.velocity_m_s == pytest.approx(2.430768e5, rel=1e-6)
    thermal = 1.5 * 8.617333262e-2 * 300
    assert scales.velocity_m_s * np.sqrt(thermal / scales.energy_mev) == pytest.approx(2.611580e5, rel=1e-6)
    assert exchange_rate_scale(1.0, 0.2, 9.0) == pytest.approx(6.659778e-3, rel=1e-6)
    assert 1 / exchange_rate_scale(1.0, 0.2, 9.0) == pytest.approx(150.1552, rel=1e-6)
    paper = exchange_rate_scale(1.0, 0.2, 9.0, convention="paper000")
    assert paper == pytest.approx(1.519267, rel=1e-6)
    assert exchange_rate_scale(1.0, 0.2, 9.0) / paper == pytest.approx(0.004383545, rel=1e-6)
    assert sommerfeld_factor(thermal, scales.energy_mev) == pytest.approx(5.865092, rel=1e-6)
    assert np.sqrt(thermal / scales.energy_mev) == pytest.approx(1.0743849, rel=1e-6)


def test_worked_numbers_of_nondegenerate_holes():
    free = bir_aronov_pikus_rate(**CASE)
    assert free == pytest.approx(1.932371e-4, rel=1e-6)
    assert 1 / free == pytest.approx(5174.989, rel=1e-6)
    assert bir_aronov_pikus_rate(**CASE, enhancement="unscreened_mean_energy") == pytest.approx(6.647222e-3, rel=1e-6)
    assert bir_aronov_pikus_rate(**CASE, acceptor_density_cm3=2e18) == pytest.approx(5.152990e-4, rel=1e-6)
    assert bir_aronov_pikus_rate(**CASE, convention="paper000") == pytest.approx(4.408238e-2, rel=1e-6)
    bracket = bir_aronov_pikus_rate(**CASE, acceptor_density_cm3=2e18) / free / 2
    assert bracket == pytest.approx(1.333333, rel=1e-6)


def test_worked_numbers_of_degenerate_holes():
    fermi = fermi_energy_mev(1e19, 0.25)
    assert fermi == pytest.approx(67.70129, rel=1e-6)
    thermal = 8.617333262e-2 * 30
    assert 0.25 * thermal**2 / (0.2 * fermi) == pytest.approx(0.1233961, rel=1e-6)
    assert bir_aronov_pikus_degenerate_rate(**COLD, line="thermal") == pytest.approx(3.500088e-5, rel=1e-6)
    assert bir_aronov_pikus_degenerate_rate(**COLD) == pytest.approx(1.308066e-4, rel=1e-6)  # the hot line applies


def test_the_two_degenerate_lines_differ_by_three_halves_at_the_boundary():
    thermal = 8.617333262e-2 * 30
    edge = 0.25 * thermal**2 / (0.2 * fermi_energy_mev(1e19, 0.25))
    slow, fast = (
        bir_aronov_pikus_degenerate_rate(**COLD, kinetic_energy_mev=edge, line=line) for line in ("thermal", "hot")
    )
    assert slow / fast == pytest.approx(1.5, rel=1e-6)
    below, above = (bir_aronov_pikus_degenerate_rate(**COLD, kinetic_energy_mev=edge * f) for f in (0.999, 1.001))
    assert below / above == pytest.approx(1.5, rel=1e-2)


@given(st.floats(1.0, 600.0), st.floats(1e14, 1e19), st.floats(0.01, 10.0), st.floats(0.05, 1.0), st.floats(3.0, 40.0))
def test_exponents(t, p, splitting, m, eps):
    def rate_(t, p, splitting, **more):
        return bir_aronov_pikus_rate(t, p, splitting, m, eps, statistics="nondegenerate", **more)

    rate = rate_(t, p, splitting)
    assert rate > 0
    assert rate_(4 * t, p, splitting) == pytest.approx(2 * rate)
    assert rate_(t, 2 * p, splitting) == pytest.approx(2 * rate)
    assert rate_(t, p, 2 * splitting) == pytest.approx(4 * rate)
    assert rate_(t, p, splitting, enhancement="unscreened") > rate
    assert rate_(t, p, splitting, acceptor_density_cm3=p) == pytest.approx(rate)
    # the holes' statistics can only slow the exchange, and continuously
    chosen = bir_aronov_pikus_rate(t, p, splitting, m, eps)
    assert 0 < chosen <= rate * (1 + 1e-12)


def test_density_and_temperature_choose_the_line():
    holes = COLD["hole_mass_m0"]
    cold = {key: value for key, value in COLD.items() if key != "hole_mass_m0"}
    degenerate = bir_aronov_pikus_degenerate_rate(**COLD)
    assert bir_aronov_pikus_rate(**cold, hole_mass_m0=holes) == pytest.approx(degenerate, rel=1e-12)
    warm = {**cold, "temperature_k": 600.0, "density_cm3": 1e17}
    assert bir_aronov_pikus_rate(**warm) == pytest.approx(bir_aronov_pikus_rate(**warm, statistics="nondegenerate"))
    density = np.geomspace(1e16, 1e20, 4001)
    rate = bir_aronov_pikus_rate(30.0, density, 1.0, 0.2, 9.0)
    assert np.all(np.abs(np.diff(np.log(rate))) < 0.01)  # no step where the line changes


def test_the_unscreened_mean_is_that_over_collisions():
    scales = exciton_scales(0.2, 9.0)
    thermal = 8.617333262e-2 * 300
    x = np.linspace(1e-4, 40, 400_000)
    weight = x * np.exp(-x)
    mean = np.sum(weight * sommerfeld_factor(x * thermal, scales.energy_mev) ** 2) / np.sum(weight)
    found = bir_aronov_pikus_rate(**CASE, enhancement="unscreened") / bir_aronov_pikus_rate(**CASE)
    assert found == pytest.approx(mean, rel=1e-3)


@given(st.floats(1e-3, 1e6), st.floats(1.0, 500.0))
def test_enhancement_is_at_least_one_and_ends_at_one(kinetic: float, binding: float):
    factor = sommerfeld_factor(kinetic, binding)
    assert factor >= 1.0
    assert sommerfeld_factor(1e9 * binding, binding) == pytest.approx(1.0, rel=1e-3)
    assert sommerfeld_factor(kinetic * 2, binding) <= factor


def test_more_free_holes_than_acceptors_is_refused():
    with pytest.raises(DataError, match="each free hole comes from an acceptor"):
        bir_aronov_pikus_rate(**CASE, acceptor_density_cm3=1e17)


def test_unknown_convention():
    with pytest.raises(DataError, match="unknown convention 'ours': use aronov or paper000"):
        bir_aronov_pikus_rate(**CASE, convention="ours")
