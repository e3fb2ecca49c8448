"""Hopping, anisotropic exchange, one phonon, polarons and fine structure against independent calculations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perospin.mechanisms import (
    acoustic_mobility,
    anisotropic_exchange_rate,
    bright_exciton_states,
    crossover_rate,
    effective_permittivity,
    einstein_diffusion_cm2_s,
    electrical_hanle,
    exciton_rashba_slope_ev_a,
    fine_structure_beat_ghz,
    fine_structure_dephasing_ps,
    fine_structure_rate,
    froehlich_coupling,
    froehlich_mobility,
    hopping_rate,
    long_range_slope_ev_a,
    mobility_scattering_time_ps,
    momentum_scattering_times,
    one_phonon_rate,
    spin_diffusion_length_nm,
)
from perospin.units import E2_EV_A, HBAR2_OVER_M0_EV_A2, HBAR_EV_PS, KB_EV_K, MU_B_EV_T


@pytest.mark.parametrize("axis", ["z", "x"])
def test_hopping_is_the_walk_of_a_spin(axis: str):
    """Monte Carlo: hops in random directions of the plane, each a rotation; the decay of the mean after some hops."""
    rng = np.random.default_rng(0)
    spins, hops, angle = 40_000, 8, 0.35
    mass, distance = 0.2, 5.0
    alpha = angle * HBAR2_OVER_M0_EV_A2 / (2 * mass * 10 * distance)
    start = np.array([0.0, 0.0, 1.0] if axis == "z" else [1.0, 0.0, 0.0])
    spin = np.tile(start, (spins, 1))
    for _ in range(hops):
        phi = rng.uniform(0, 2 * np.pi, spins)
        n = np.stack([np.cos(phi), np.sin(phi), 0 * phi], axis=1)
        along = np.sum(n * spin, axis=1, keepdims=True) * n
        spin = along + np.cos(angle) * (spin - along) + np.sin(angle) * np.cross(n, spin)
    left = float(np.mean(spin @ start))
    per_hop = hopping_rate(1.0, distance, alpha, mass, axis=axis)
    assert left == pytest.approx((1 - per_hop) ** hops, abs=4 / np.sqrt(spins))


@given(st.floats(1.0, 100.0), st.floats(1.0, 10.0), st.floats(1e-3, 0.05))
def test_small_hops_are_random_walks_of_an_angle(time: float, distance: float, alpha: float):
    angle = 2 * 0.2 * alpha * 10 * distance / HBAR2_OVER_M0_EV_A2
    assert hopping_rate(time, distance, alpha, 0.2) == pytest.approx(0.5 * angle**2 / time, rel=2e-2)
    assert hopping_rate(time, distance, alpha, 0.2, axis="x") == pytest.approx(
        0.5 * hopping_rate(time, distance, alpha, 0.2)
    )
    exchange = np.pi * HBAR_EV_PS / time * 1e3
    assert anisotropic_exchange_rate(exchange, distance, alpha, 0.2) == pytest.approx(
        hopping_rate(time, distance, alpha, 0.2)
    )


def test_one_phonon_is_the_sum_over_modes():
    """Golden Rule by brute force: phonon modes of a box, both transverse branches, energies binned."""
    field, temperature, g, strain, density, sound = 3.0, 2.0, 2.0, 10.0, 5.0, 2000.0
    zeeman = g * MU_B_EV_T * field
    q0 = zeeman / (HBAR_EV_PS * 1e-12 * sound)  # 1/m
    # a shell of wave vectors about q0 on a cubic grid, and the mean of |strain|^2 over it
    n = 60
    grid = np.arange(-n, n + 1) * q0 / 40.0
    qx, qy, qz = np.meshgrid(grid, grid, grid, indexing="ij")
    q = np.sqrt(qx**2 + qy**2 + qz**2)
    shell = np.abs(q - q0) < 0.1 * q0
    ux, uz = qx[shell] / q[shell], qz[shell] / q[shell]
    # both branches: sum over e of (q_x e_z + q_z e_x)^2/4, e normal to q
    form = 0.25 * (ux**2 + uz**2 - 4 * ux**2 * uz**2)
    cell = (q0 / 40.0) ** 3 / (2 * np.pi) ** 3
    hbar_j = 1.054571817e-34
    # |strain|^2 of one mode is q^2 hbar/(2 rho V omega); the shell's width in energy is 0.2 hbar v q0
    amplitude = q[shell] ** 2 * hbar_j / (2 * density * 1e3 * sound * q[shell]) * form
    per_energy = np.sum(amplitude) * cell / (0.2 * zeeman)  # 1/eV
    flip = 2 * np.pi / HBAR_EV_PS * (0.5 * strain * MU_B_EV_T * field) ** 2 * per_energy
    occupied = 1 / np.expm1(zeeman / (KB_EV_K * temperature))
    expected = flip * (2 * occupied + 1)
    assert one_phonon_rate(field, temperature, g, strain, density, sound) == pytest.approx(expected, rel=0.03)


@given(st.floats(0.1, 5.0), st.floats(0.5, 30.0))
def test_exponents_of_one_phonon(field: float, temperature: float):
    def rate(b: float, t: float) -> float:
        return float(one_phonon_rate(b, t, 2.0, 10.0, 5.0, 2000.0))

    cold, warm = 1e-3, 1e4
    assert rate(2 * field, cold) == pytest.approx(32 * rate(field, cold), rel=1e-6)
    assert rate(2 * field, warm) == pytest.approx(16 * rate(field, warm), rel=1e-3)
    assert rate(field, 2 * warm) == pytest.approx(2 * rate(field, warm), rel=1e-3)
    assert rate(0.0, temperature) == 0.0


def test_polaron_numbers_of_the_field():
    """MAPbI3 electrons as in jarvist/PolaronMobility.jl: alpha 2.39, v 19.86, w 16.96, 136 cm^2/(V s) at 300 K."""
    from perospin.mechanisms.laws.momentum_scattering import _polaron

    energy = 2.25e12 * 4.135667696e-12  # 2.25 THz in meV
    alpha = froehlich_coupling(0.12, energy, 4.5, 24.1)
    assert alpha == pytest.approx(2.39, abs=0.01)
    v, w = _polaron(2.39, energy * 1e-3 / (KB_EV_K * 300))
    assert v == pytest.approx(19.86, abs=0.01)
    assert w == pytest.approx(16.96, abs=0.01)
    assert froehlich_mobility(300.0, 0.12, energy, 2.39) == pytest.approx(136.0, abs=1.5)
    assert froehlich_mobility(150.0, 0.12, energy, 2.39) > froehlich_mobility(300.0, 0.12, energy, 2.39)
    assert effective_permittivity(5.0, 30.0) == pytest.approx(6.0)


def test_acoustic_mobility_in_plain_si():
    m, t, xi, c = 0.2 * 9.1093837139e-31, 300.0, 2.0 * 1.602176634e-19, 30e9
    hbar, kt = 1.054571817e-34, 1.380649e-23 * t
    expected = 2 * np.sqrt(2 * np.pi) / 3 * 1.602176634e-19 * hbar**4 * c / (m**2.5 * kt**1.5 * xi**2) * 1e4
    assert acoustic_mobility(300.0, 0.2, 2.0, 30.0) == pytest.approx(expected, rel=1e-8)
    assert acoustic_mobility(75.0, 0.2, 2.0, 30.0) == pytest.approx(8 * expected, rel=1e-8)
    assert mobility_scattering_time_ps(10.0, 0.2) == pytest.approx(1.137126e-3, rel=1e-6)


def test_polar_scattering_counts_for_precession_and_not_for_flips():
    times = momentum_scattering_times(np.array([100.0, 300.0]), 0.12, 9.3, 2.39, 2.1, 30.0)
    assert np.all(times.flip_ps > 10 * times.precession_ps)
    assert np.all((times.low_ps < times.precession_ps) & (times.precession_ps < times.high_ps))


@given(st.floats(-400.0, 3000.0), st.floats(0.3, 2.0))
def test_bright_states_from_the_p_band(field: float, spin_orbit: float):
    """Diagonalise spin-orbit coupling and crystal field in the basis Z up, (X+iY)/sqrt2 down."""
    delta = 1e3 * spin_orbit
    matrix = np.array([[field, np.sqrt(2) * delta / 3], [np.sqrt(2) * delta / 3, -delta / 3]])
    vector = np.linalg.eigh(matrix)[1][:, 0]
    states = bright_exciton_states(3.0, field, spin_orbit)
    assert states.normal_mev == pytest.approx(2 * 4.5 * vector[0] ** 2, rel=1e-9)
    assert states.in_plane_mev == pytest.approx(4.5 * vector[1] ** 2, rel=1e-9)
    cubic = bright_exciton_states(3.0, 0.0, spin_orbit)
    assert [cubic.in_plane_mev, cubic.normal_mev] == pytest.approx([3.0, 3.0])


def test_long_range_exchange_is_the_field_of_a_sheet_of_dipoles():
    """Sum over a square lattice of dipoles along x: longitudinal minus transverse energy at a small wave vector."""
    step, dipole, reach = 1.0, 1.0, 600
    r = np.arange(-reach, reach + 1) * step
    x, y = np.meshgrid(r, r, indexing="ij")
    distance = np.hypot(x, y)
    distance[reach, reach] = np.inf
    k = 0.05
    window = np.exp(-((distance / 250.0) ** 2))  # cut softly: the sum converges conditionally
    kernel = (1 / distance**3 - 3 * x**2 / distance**5) * window
    split = dipole**2 * E2_EV_A * np.sum(kernel * (np.cos(k * x) - np.cos(k * y)))
    slope = long_range_slope_ev_a(dipole, 1e2 / step**2, 1.0)  # density in 1/nm^2, lattice in angstrom
    assert split == pytest.approx(2 * slope * k, rel=0.05)


def test_fine_structure_signals():
    assert fine_structure_beat_ghz(1.0) == pytest.approx(241.798924, rel=1e-6)
    rng = np.random.default_rng(3)
    time = fine_structure_dephasing_ps(0.05)
    assert np.cos(rng.normal(0, 0.05e-3, 200_000) / HBAR_EV_PS * time).mean() == pytest.approx(np.exp(-1), abs=4e-3)
    assert fine_structure_rate(0.3, 2.0) == pytest.approx(crossover_rate(0.3e-3 / HBAR_EV_PS, 2.0))
    assert exciton_rashba_slope_ev_a(1.0, 0.2, 0.3) == pytest.approx(0.4)


def test_diffusion_length_is_that_of_the_hanle_signal():
    assert einstein_diffusion_cm2_s(50.0, 300.0) == pytest.approx(1.2926, rel=1e-4)
    length = spin_diffusion_length_nm(800.0, 1.0)
    assert length == pytest.approx(282.8427, rel=1e-6)
    near, far = (electrical_hanle(0.0, 2.0, 800.0, 1.0, d) for d in (200.0, 500.0))
    assert np.log(near / far) == pytest.approx(300.0 / length)
