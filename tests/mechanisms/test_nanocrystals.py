"""Nuclear fields and two-phonon relaxation in nanocrystals (arXiv 2603.03038)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import least_squares
from scipy.special import dawsn

from perospin.errors import DataError
from perospin.mechanisms import (
    activation_rate,
    cube_polarisability,
    cuboid_polarisability,
    hyperfine_dephasing_time_ps,
    larmor_precession,
    nuclear_field_from_size,
    nuclear_fluctuation_rate,
    nuclear_transverse_share,
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
PAPER = {"angular_factor": 2 / 3, "occupation": "boltzmann", "polarisability_factor": 1.0}
BOLTZMANN_10K = np.exp(-3.2e-3 / (KB_EV_K * 10))


def prefactor_per_us(size_nm: float = BOHR_NM, **changes) -> float:
    """gamma_a: the rate without its exponential, in 1/us."""
    given_ = {**MODEL, "occupation": "boltzmann", "polarisability_factor": 1.0, **changes}
    return float(raman_flip_rate(10.0, size_nm, **given_)) / BOLTZMANN_10K * 1e6


def test_worked_numbers_of_the_resonance():
    widths = resonance_width([0.0, 0.045, 0.1, 0.2], 0.012, 1.68, 0.15)
    assert 1e3 * widths == pytest.approx([8.485281, 9.388460, 12.317442, 19.770623], rel=1e-6)
    field = nuclear_field_from_size([7.0, 8.0, 10.0, 12.0, 14.0])
    assert 1e3 * field == pytest.approx([12.50915, 10.23858, 7.326132, 5.573177, 4.422651], rel=1e-6)
    assert 1e3 * nuclear_field_from_size(9.067182) == pytest.approx(8.485281, rel=1e-6)


def test_worked_numbers_of_the_field_dependence():
    paper = {"spin_lifetime_ps": 0.8e9, "form": "paper"}
    rate = nuclear_fluctuation_rate([0.012, 0.03, 0.06, 0.1], 0.012, 60e6, **paper)
    assert 1e-9 / rate == pytest.approx([0.05581395, 0.2553191, 0.5217391, 0.6711409], rel=1e-6)
    with pytest.raises(DataError, match="does not hold at zero field"):
        nuclear_fluctuation_rate([0.0, 0.1], 0.012, 60e6, form="paper")


def test_worked_numbers_of_the_jumping_field():
    field = 0.012 * np.array([5.0, 2.5, 1.5, 1.0, 0.2])
    ratio = nuclear_fluctuation_rate(field, 0.012, 60e6, form="paper") / nuclear_fluctuation_rate(field, 0.012, 60e6)
    assert ratio == pytest.approx([1.02, 1.10, 1.40, 2.2, 38.0], rel=2e-2)
    assert nuclear_fluctuation_rate(0.0, 0.012, 60e6) == pytest.approx(2 / (3 * 60e6), rel=1e-9)


def test_the_share_is_dawsons_integral():
    x = np.concatenate([np.geomspace(0.02, 50.0, 60), [5.999, 6.0, 6.001]])
    assert nuclear_transverse_share(x) == pytest.approx(1 / x**2 - dawsn(x) / x**3, rel=1e-9)


@pytest.mark.parametrize("ratio", [0.0, 0.7, 2.0])
def test_the_jumping_field_by_monte_carlo(ratio: float):
    """Spins that really precess about the sum of both fields, which is drawn anew at random times."""
    rng = np.random.default_rng(7)
    spins, width, correlation = 6000, 1.0, 1.0
    turn = 40.0  # rad per correlation time in the field Delta_N
    time, spin = np.zeros(spins), np.tile([0.0, 0.0, 1.0], (spins, 1))
    end = 1.5 / float(nuclear_fluctuation_rate(max(ratio, 1e-9), width, correlation))
    while (active := time < end).any():
        step = np.minimum(rng.exponential(correlation, spins), end - time) * active
        field = rng.normal(0.0, width / np.sqrt(2), (spins, 3)) + np.array([0.0, 0.0, ratio])
        size = np.linalg.norm(field, axis=1, keepdims=True)
        n, angle = field / size, turn * size * step[:, None]
        along = np.sum(n * spin, axis=1, keepdims=True) * n
        spin = along + np.cos(angle) * (spin - along) + np.sin(angle) * np.cross(n, spin)
        time = time + step
    # before the first jump the part along the total field is left: 1 - share
    share = float(nuclear_transverse_share(ratio))
    assert spin[:, 2].mean() == pytest.approx((1 - share) * np.exp(-1.5), abs=0.025)


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
    cube = cube_polarisability("paper")
    assert cube / np.sqrt(2) == pytest.approx(0.004389046, rel=1e-6)
    assert cube == pytest.approx(0.006207048, rel=1e-6)
    assert cube**2 == pytest.approx(3.852745e-5, rel=1e-6)
    assert 1e6 * prefactor_per_us(angular_factor=2 / 3, polarisability_factor=cube) == pytest.approx(81.2, abs=0.05)
    assert 1e6 * prefactor_per_us(polarisability_factor=cube) == pytest.approx(27.1, abs=0.05)
    assert prefactor_per_us(cutoff=np.pi) / prefactor_per_us() == pytest.approx(961.4, rel=1e-4)
    hot = [
        1e12 * raman_flip_rate(10.0, BOHR_NM, **MODEL, angular_factor=2 / 3, occupation=o, polarisability_factor=1.0)
        for o in ("bose", "boltzmann")
    ]
    assert hot == pytest.approx([5.399795e4, 5.139570e4], rel=1e-6)


def test_derived_and_paper_versions_by_name():
    paper = raman_rate(10.0, BOHR_NM, **MODEL, version="paper")
    assert paper == pytest.approx(raman_flip_rate(10.0, BOHR_NM, **MODEL, **PAPER))
    derived = raman_rate(10.0, BOHR_NM, **MODEL)
    assert derived == pytest.approx(2 * raman_flip_rate(10.0, BOHR_NM, **MODEL))
    assert derived / paper == pytest.approx(4 * 2 / 3 * 5.399795 / 5.139570, rel=1e-5)


def test_the_z_like_states_count():
    """physics.md 5.7, no. 9: for a cube four times the rate."""
    assert prefactor_per_us(polarisability_factor=2.0) == pytest.approx(2.8092771, rel=1e-7)  # Gamma
    assert 2 * prefactor_per_us(polarisability_factor=2.0) == pytest.approx(5.6186, rel=1e-4)  # the polarisation
    assert prefactor_per_us(polarisability_factor=2.0) / 2.106958 == pytest.approx(8 / 9 / (2 / 3), rel=1e-6)
    assert cube_polarisability() == pytest.approx(0.01241410, rel=1e-6)
    assert cuboid_polarisability(9.0, 9.0, 9.0, 9.0) == pytest.approx(cube_polarisability(), rel=1e-12)
    assert golden(polarisability_factor=2.0) == pytest.approx(9.205616e4, rel=1e-6)
    assert golden(field=0.0, polarisability_factor=cube_polarisability()) == pytest.approx(3.566042, rel=1e-6)
    flat = cuboid_polarisability(9.0, 9.0, 0.01, 9.0)
    assert flat == pytest.approx(cube_polarisability("paper"), rel=1e-6)  # no z-like states left


def test_polarisability_by_second_order_sums():
    """Amplitudes of sigma_x and sigma_y from [chi dE/dt x E], summed over the states of an infinite box."""
    edges = np.array([1.0, 1.3, 0.8])
    n = np.arange(2, 60, 2)
    # <1|x|n> of a box of unit edge, in m e^2 L^4/hbar^2: 2 |x|^2/(E_n - E_1)
    element = 8 * n / (np.pi**2 * (n**2 - 1) ** 2)
    chi = np.sum(2 * element**2 / (0.5 * np.pi**2 * (n**2 - 1))) * edges**4
    rng = np.random.default_rng(2)
    q1, q2 = rng.normal(size=(2, 200_000, 3))
    q1, q2 = (q / np.linalg.norm(q, axis=1, keepdims=True) for q in (q1, q2))
    # phonon 1 is absorbed (phase -), phonon 2 emitted (phase +): dE/dt x E of the two
    cross = np.cross(q1 * chi, q2) - np.cross(q2 * chi, q1)
    amplitude = np.mean(np.sum((0.5 * cross[:, :2]) ** 2, axis=1))
    # isotropic means: (chi_y + chi_z)^2 + (chi_x + chi_z)^2 with 2/9 for each component of 2/3, halves squared
    expected = ((chi[1] + chi[2]) ** 2 + (chi[0] + chi[2]) ** 2) * (2 / 9) / 4
    assert amplitude == pytest.approx(expected, rel=1e-2)
    mean = float(np.prod(edges)) ** (1 / 3)
    assert cuboid_polarisability(*edges, mean) == pytest.approx(
        np.sqrt((chi[1] + chi[2]) ** 2 + (chi[0] + chi[2]) ** 2) / mean**4, rel=1e-4
    )


def golden(temperature: float = 10.0, field: float = 0.1, **changes) -> float:
    given_ = {**MODEL, "g_factor": 1.68, "polarisability_factor": 1.0, **changes}
    return float(raman_golden_rule_rate(temperature, field, 10.0, **given_)) * 1e12


def test_worked_numbers_of_the_golden_rule():
    assert golden(angular_factor=2 / 3) == pytest.approx(6.904212e4, rel=1e-6)
    assert golden() == pytest.approx(2.301404e4, rel=1e-6)
    assert golden(field=5.0) == pytest.approx(1.580348e3, rel=1e-6)
    assert golden(5.0) == pytest.approx(5.349711e2, rel=1e-6)
    assert golden(level_spacing_mev=94.0) == pytest.approx(2.306747e4, rel=1e-6)
    assert golden(field=0.0, polarisability_factor=cube_polarisability("paper")) == pytest.approx(0.8915106, rel=1e-6)
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
    rate = nuclear_fluctuation_rate(field, width, tau, form="paper")
    assert nuclear_fluctuation_rate(2 * field, width, tau, form="paper") == pytest.approx(rate / 4)
    assert nuclear_fluctuation_rate(field, 2 * width, tau, form="paper") == pytest.approx(4 * rate)
    exact = nuclear_fluctuation_rate(field, width, tau)
    assert 0 < exact <= min(rate, 2 / (3 * tau)) * (1 + 1e-9)
    assert nuclear_fluctuation_rate(50 * width, width, tau) == pytest.approx(1 / (2500 * tau), rel=1e-3)
    assert nuclear_fluctuation_rate(1e9, width, tau, spin_lifetime_ps=123.0) == pytest.approx(1 / 123)


def test_hyperfine_dephasing_is_the_decay_of_a_mean_over_nuclear_fields():
    rng = np.random.default_rng(0)
    width, g = 0.012, 1.68
    time = hyperfine_dephasing_time_ps(width, g)
    field = rng.normal(0.0, width / np.sqrt(2), 400_000)
    mean = np.cos(larmor_precession(g, np.abs(field)) * time).mean()
    assert mean == pytest.approx(np.exp(-1), abs=3e-3)


@pytest.mark.parametrize(("lowest", "found"), [(0.013, 93.0), (0.02, 73.0), (0.03, 65.0), (0.045, 62.0)])
def test_what_the_short_law_makes_of_low_fields(lowest: float, found: float):
    """physics.md 5.8, added: exact data (60 us) fitted with the law of high fields."""
    field = np.geomspace(lowest, 0.15, 8)
    log_rate = np.log(nuclear_fluctuation_rate(field, 0.012, 60e6, spin_lifetime_ps=0.8e9))

    def misfit(theta: np.ndarray) -> np.ndarray:
        correlation, lifetime = np.exp(theta)
        short = nuclear_fluctuation_rate(field, 0.012, correlation, spin_lifetime_ps=lifetime, form="paper")
        return np.log(short) - log_rate

    fit = least_squares(misfit, np.log([5e7, 1e9]))
    assert np.exp(fit.x[0]) / 1e6 == pytest.approx(found, abs=2.0)


def test_components_of_two_random_directions():
    """physics.md 5.7, no. 2: <|q1 x q2|^2> = 2/3, each Cartesian component 2/9."""
    rng = np.random.default_rng(0)
    q1, q2 = rng.normal(size=(2, 400_000, 3))
    cross = np.cross(*(q / np.linalg.norm(q, axis=1, keepdims=True) for q in (q1, q2)))
    assert np.mean(cross**2, axis=0) == pytest.approx([0.2222] * 3, abs=1e-3)
    assert np.mean(np.sum(cross**2, axis=1)) == pytest.approx(2 / 3, abs=2e-3)
