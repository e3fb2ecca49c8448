"""Nuclear fields and two-phonon relaxation in nanocrystals (arXiv 2603.03038)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perospin.errors import DataError
from perospin.mechanisms import (
    activation_rate,
    cube_polarisability,
    hyperfine_dephasing_time_ps,
    larmor_precession,
    nuclear_field_from_size,
    nuclear_fluctuation_rate,
    raman_flip_rate,
    raman_golden_rule_rate,
    raman_rate,
    rashba_coefficient_a2,
    resonance_width,
)
from perospin.units import HBAR2_OVER_M0_EV_A2, HBAR_EV_PS, KB_EV_K, MU_B_EV_T

A2 = rashba_coefficient_a2(5.0, 1.7)
BOHR_NM = 8.819620  # eps_s = 30, m = 0.18
MODEL = {
    "mass_m0": 0.18,
    "phonon_energy_mev": 3.2,
    "phonon_damping_per_ps": 0.2,
    "rashba_coefficient_a2": A2,
    "effective_permittivity": 6.0,
}
PAPER = {"angular_factor": 2 / 3, "occupation": "boltzmann"}
BOLTZMANN_10K = np.exp(-3.2e-3 / (KB_EV_K * 10))


def prefactor_per_us(size_nm: float = BOHR_NM, **changes) -> float:
    """gamma_a: the rate without its exponential, in 1/us."""
    given_ = {**MODEL, "occupation": "boltzmann", **changes}
    return float(raman_flip_rate(10.0, size_nm, **given_)) / BOLTZMANN_10K * 1e6


def test_worked_numbers_of_the_resonance():
    widths = resonance_width([0.0, 0.045, 0.1, 0.2], 0.012, 1.68, 0.15)
    assert 1e3 * widths == pytest.approx([8.485281, 9.388460, 12.317442, 19.770623], rel=1e-6)
    field = nuclear_field_from_size([7.0, 8.0, 10.0, 12.0, 14.0])
    assert 1e3 * field == pytest.approx([12.50915, 10.23858, 7.326132, 5.573177, 4.422651], rel=1e-6)
    assert 1e3 * nuclear_field_from_size(9.067182) == pytest.approx(8.485281, rel=1e-6)


def test_worked_numbers_of_the_field_dependence():
    rate = nuclear_fluctuation_rate([0.012, 0.03, 0.06, 0.1], 0.012, 60e6, spin_lifetime_ps=0.8e9)
    assert 1e-9 / rate == pytest.approx([0.05581395, 0.2553191, 0.5217391, 0.6711409], rel=1e-6)
    with pytest.raises(DataError, match="does not hold at zero field"):
        nuclear_fluctuation_rate([0.0, 0.1], 0.012, 60e6)


def test_worked_numbers_of_the_temperature_dependence():
    rate = activation_rate([1.6, 3.0, 5.0, 8.0, 10.0], 20e-6, 3.2, spin_lifetime_ps=0.8e9)
    assert 1e-6 / rate == pytest.approx([799.9989, 749.5178, 76.04167, 5.153173, 2.044503], rel=1e-6)


def test_worked_numbers_of_the_raman_rate():
    assert pytest.approx(2.883506, rel=1e-6) == A2
    assert pytest.approx(42.33313, rel=1e-6) == HBAR2_OVER_M0_EV_A2 / 0.18
    assert pytest.approx(0.06811464, rel=1e-6) == 0.18 * A2 / HBAR2_OVER_M0_EV_A2
    assert pytest.approx(1.210148e9, rel=1e-6) == (3.2e-3) ** 4 / HBAR_EV_PS**2 / 0.2 * 1e12
    assert 2 * (2 / 3) / (9 * np.pi**2) == pytest.approx(0.01501055, rel=1e-6)
    assert prefactor_per_us(angular_factor=2 / 3) == pytest.approx(2.106958, rel=1e-6)
    assert prefactor_per_us(10.0, angular_factor=2 / 3) == pytest.approx(2.708670, rel=1e-6)
    wide = prefactor_per_us(angular_factor=2 / 3, rashba_coefficient_a2=rashba_coefficient_a2(6.8, 1.7))
    assert wide == pytest.approx(7.207945, rel=1e-6)


def test_worked_numbers_of_the_points_where_the_paper_is_corrected():
    assert prefactor_per_us() == pytest.approx(0.7023193, rel=1e-6)  # 2/9 in place of 2/3
    cube = cube_polarisability()
    assert cube / np.sqrt(2) == pytest.approx(0.004389046, rel=1e-6)
    assert cube == pytest.approx(0.006207048, rel=1e-6)
    assert cube**2 == pytest.approx(3.852745e-5, rel=1e-6)
    assert 1e6 * prefactor_per_us(angular_factor=2 / 3, polarisability_factor=cube) == pytest.approx(81.2, abs=0.05)
    assert 1e6 * prefactor_per_us(polarisability_factor=cube) == pytest.approx(27.1, abs=0.05)
    assert prefactor_per_us(cutoff=np.pi) / prefactor_per_us() == pytest.approx(961.4, rel=1e-4)
    hot = [
        1e12 * raman_flip_rate(10.0, BOHR_NM, **MODEL, angular_factor=2 / 3, occupation=o)
        for o in ("bose", "boltzmann")
    ]
    assert hot == pytest.approx([5.399795e4, 5.139570e4], rel=1e-6)


def test_derived_and_paper_versions_by_name():
    paper = raman_rate(10.0, BOHR_NM, **MODEL, version="paper")
    assert paper == pytest.approx(raman_flip_rate(10.0, BOHR_NM, **MODEL, **PAPER))
    derived = raman_rate(10.0, BOHR_NM, **MODEL)
    assert derived == pytest.approx(2 * raman_flip_rate(10.0, BOHR_NM, **MODEL))
    assert derived / paper == pytest.approx(2 / 3 * 5.399795 / 5.139570, rel=1e-5)


def golden(temperature: float = 10.0, field: float = 0.1, **changes) -> float:
    return float(raman_golden_rule_rate(temperature, field, 10.0, **MODEL, g_factor=1.68, **changes)) * 1e12


def test_worked_numbers_of_the_golden_rule():
    assert golden(angular_factor=2 / 3) == pytest.approx(6.904212e4, rel=1e-6)
    assert golden() == pytest.approx(2.301404e4, rel=1e-6)
    assert golden(field=5.0) == pytest.approx(1.580348e3, rel=1e-6)
    assert golden(5.0) == pytest.approx(5.349711e2, rel=1e-6)
    assert golden(level_spacing_mev=94.0) == pytest.approx(2.306747e4, rel=1e-6)
    assert golden(field=0.0, polarisability_factor=cube_polarisability()) == pytest.approx(0.8915106, rel=1e-6)
    assert pytest.approx(0.1316424, rel=1e-6) == HBAR_EV_PS * 0.2 * 1e3
    assert pytest.approx(0.009724481, rel=1e-6) == 1.68 * MU_B_EV_T * 0.1 * 1e3


@given(st.floats(1.6, 30.0), st.floats(3.0, 20.0), st.floats(0.05, 1.0), st.floats(0.5, 10.0))
def test_golden_rule_reduces_to_the_closed_form(t: float, size: float, damping: float, energy: float):
    model = {**MODEL, "phonon_damping_per_ps": damping, "phonon_energy_mev": energy}
    closed = raman_flip_rate(t, size, **model)
    assert raman_golden_rule_rate(t, 0.0, size, **model, g_factor=1.68) == pytest.approx(closed, rel=1e-9)
    integrated = raman_golden_rule_rate(t, 0.0, size, **model, g_factor=1.68, dispersion_ev_a2=1e-9)
    assert integrated == pytest.approx(closed, rel=1e-9)


def test_dispersion_lowers_the_overlap_of_the_two_phonons():
    flat, bent = golden(field=0.0), golden(field=0.0, dispersion_ev_a2=10.0)
    assert 0 < bent < flat


@given(st.floats(1.6, 40.0), st.floats(4.0, 16.0))
def test_exponents_of_the_raman_rate(t: float, size: float):
    rate = raman_flip_rate(t, size, **MODEL)
    assert rate > 0
    assert raman_flip_rate(t, 2 * size, **MODEL) == pytest.approx(4 * rate)
    double = {**MODEL, "rashba_coefficient_a2": rashba_coefficient_a2(10.0, 1.7)}
    assert raman_flip_rate(t, size, **double) == pytest.approx(16 * rate)  # P^4
    wider = {**MODEL, "rashba_coefficient_a2": rashba_coefficient_a2(5.0, 3.4)}
    assert raman_flip_rate(t, size, **wider) == pytest.approx(rate / 16)  # Eg^-4
    assert raman_flip_rate(t, size, **{**MODEL, "phonon_damping_per_ps": 0.4}) == pytest.approx(rate / 2)
    assert raman_flip_rate(t, size, **{**MODEL, "effective_permittivity": 12.0}) == pytest.approx(rate / 4)


def test_low_and_high_temperature_limits_of_the_raman_rate():
    bose, boltzmann = (raman_flip_rate(1.0, 10.0, **MODEL, occupation=o) for o in ("bose", "boltzmann"))
    assert bose == pytest.approx(boltzmann, rel=1e-12)
    hot = raman_flip_rate(np.array([1e4, 2e4]), 10.0, **MODEL)
    assert hot[1] / hot[0] == pytest.approx(4.0, rel=1e-4)  # n(n+1) goes with T^2


@given(st.floats(1e-3, 10.0), st.floats(1e-3, 0.1), st.floats(1e3, 1e9))
def test_exponents_of_the_nuclear_law(field: float, width: float, tau: float):
    rate = nuclear_fluctuation_rate(field, width, tau)
    assert nuclear_fluctuation_rate(2 * field, width, tau) == pytest.approx(rate / 4)
    assert nuclear_fluctuation_rate(field, 2 * width, tau) == pytest.approx(4 * rate)
    assert nuclear_fluctuation_rate(1e9, width, tau, spin_lifetime_ps=123.0) == pytest.approx(1 / 123)


def test_hyperfine_dephasing_is_the_decay_of_a_mean_over_nuclear_fields():
    rng = np.random.default_rng(0)
    width, g = 0.012, 1.68
    time = hyperfine_dephasing_time_ps(width, g)
    field = rng.normal(0.0, width / np.sqrt(2), 400_000)
    mean = np.cos(larmor_precession(g, np.abs(field)) * time).mean()
    assert mean == pytest.approx(np.exp(-1), abs=3e-3)
