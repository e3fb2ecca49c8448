from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perospin.errors import DataError
from perospin.mechanisms import (
    SpinRelaxationWarning,
    crossover_rate,
    dyakonov_perel_decay,
    dyakonov_perel_integral_rate,
    dyakonov_perel_rate,
    free_precession,
    rashba_precession,
    relaxation_tensor,
    spin_orbit_field,
    thermal_relaxation_tensor,
    thermal_wavevector,
)
from perospin.units import HBAR2_OVER_M0_EV_A2, HBAR_EV_PS, KB_EV_K

T, ALPHA, TAU, M = 300.0, 0.05, 0.005, 0.2
RATE = 0.1566173  # 1/ps, worked number

temperatures = st.floats(1.0, 600.0)
times = st.floats(1e-4, 0.02)
alphas = st.floats(1e-4, 0.05)
masses = st.floats(0.05, 1.0)


def squared_field(energy):
    k2 = 2 * M * energy / HBAR2_OVER_M0_EV_A2
    return (2 * ALPHA / HBAR_EV_PS) ** 2 * k2


def test_worked_numbers_of_the_rashba_layer():
    k = thermal_wavevector(T, M)
    omega = rashba_precession(ALPHA, k)
    assert k == pytest.approx(0.03683839, rel=1e-6)  # 3.683839e8 1/m
    assert omega == pytest.approx(5.596736, rel=1e-6)
    assert omega * TAU == pytest.approx(0.0279837, rel=1e-5)
    rate = dyakonov_perel_rate(T, ALPHA, TAU, M, regime="motional_narrowing")
    assert rate == pytest.approx(RATE, rel=1e-6)
    assert 1 / rate == pytest.approx(6.38499, rel=1e-6)
    in_plane = dyakonov_perel_rate(T, ALPHA, TAU, M, axis="x", regime="motional_narrowing")
    assert 1 / in_plane == pytest.approx(12.76998, rel=1e-6)


def test_worked_numbers_of_the_integral_form():
    thermal = KB_EV_K * T
    assert dyakonov_perel_integral_rate(T, squared_field, lambda e: TAU) == pytest.approx(0.1566173, rel=1e-6)
    acoustic = dyakonov_perel_integral_rate(T, squared_field, lambda e: TAU * (e / thermal) ** -0.5)
    assert acoustic == pytest.approx(0.1178158, rel=1e-6)
    degenerate = dyakonov_perel_integral_rate(T, squared_field, lambda e: TAU, chemical_potentials_kt=(2.1, 1.9))
    assert degenerate == pytest.approx(0.3021109, rel=1e-6)


def test_the_order_of_the_spin_species_does_not_matter():
    one, other = (
        dyakonov_perel_integral_rate(T, squared_field, lambda e: TAU, chemical_potentials_kt=mu)
        for mu in ((2.1, 1.9), (1.9, 2.1))
    )
    assert one == pytest.approx(other, rel=1e-12)


def test_worked_numbers_of_the_crossover():
    assert crossover_rate(0.1, 1.0) == pytest.approx(0.01010205, rel=1e-6)
    assert crossover_rate(0.3, 1.0) == pytest.approx(0.1, rel=1e-12)
    assert crossover_rate(1.0, 1.0) == pytest.approx(0.5)
    values = free_precession(5.0, np.array([0.1, 0.3, 1.0, 3.0]), 1.0)
    assert values == pytest.approx([0.9604736, 0.6809584, -0.0745906, -0.0388546], abs=5e-8)
    assert crossover_rate(0.05, 1.0, axis="x") == pytest.approx(1.25000e-3, rel=5e-6)  # 48-direction kinetic equation


def test_giant_rashba_values_end_in_free_precession_and_say_so():
    k = thermal_wavevector(T, M)
    assert rashba_precession(1.6, k) * TAU == pytest.approx(0.89548, rel=1e-5)
    with pytest.warns(SpinRelaxationWarning, match=r"Omega tau_p reaches 0.9"):
        naive = dyakonov_perel_rate(T, 1.6, TAU, M, regime="motional_narrowing")
    assert 1e3 / naive == pytest.approx(6.2, abs=0.05)  # fs, meaningless
    with pytest.warns(SpinRelaxationWarning):
        rate = dyakonov_perel_rate(T, 1.6, TAU, M)
    assert 1e3 / rate == pytest.approx(10.0)


def test_slow_energy_relaxation_is_no_exponential():
    """1/e rate 0.58 of the law's at Omega tau_p = 0.05, and S = 1/(1 + t/tau) in a narrowing layer."""
    tau = 0.05 / float(rashba_precession(ALPHA, thermal_wavevector(T, M)))
    slow = dyakonov_perel_rate(T, ALPHA, tau, M, energy_relaxation="slow")
    mean = dyakonov_perel_rate(T, ALPHA, tau, M)
    assert slow / mean == pytest.approx(0.58, abs=5e-3)
    lifetime = 1 / dyakonov_perel_rate(T, ALPHA, 1e-4, M, regime="motional_narrowing")
    time = lifetime * np.array([0.0, 0.3, 1.0, np.e - 1, 3.0])
    assert dyakonov_perel_decay(time, T, ALPHA, 1e-4, M) == pytest.approx(1 / (1 + time / lifetime), rel=1e-3)


@pytest.mark.parametrize("alpha", [0.05, 1.6])
@pytest.mark.parametrize(("axis", "dimension"), [("z", 2), ("x", 2), ("z", 3)])
def test_the_slow_limit_is_where_the_decay_passes_one_over_e(alpha: float, axis: str, dimension: int):
    given_ = {"axis": axis, "dimension": dimension}
    rate = dyakonov_perel_rate(T, alpha, TAU, M, energy_relaxation="slow", **given_)
    assert dyakonov_perel_decay(1 / rate, T, alpha, TAU, M, **given_) == pytest.approx(np.exp(-1), rel=1e-6)


def kinetic_rate(omega: float, tau: float, directions: np.ndarray, axes: np.ndarray, spin: np.ndarray) -> float:
    """Slowest decay of the mean spin from the kinetic equation on a set of directions, by diagonalisation."""
    n = len(axes)
    cross = np.zeros((3 * n, 3 * n))
    for i, (x, y, z) in enumerate(omega * axes):
        cross[3 * i : 3 * i + 3, 3 * i : 3 * i + 3] = [[0, -z, y], [z, 0, -x], [-y, x, 0]]
    mean = np.kron(np.tile(directions, (n, 1)), np.eye(3))
    values, vectors = np.linalg.eig(cross - (np.eye(3 * n) - mean) / tau)
    start = np.linalg.solve(vectors, np.tile(spin, n))
    weight = np.abs((np.kron(directions, spin) @ vectors) * start)
    return float(-values[weight > 1e-9].real.max())


@pytest.mark.parametrize("axis", ["z", "x", "isotropic"])
@pytest.mark.parametrize("omega", [0.05, 0.3, 0.45, 1.0, 4.0])
def test_the_crossover_solves_the_kinetic_equation(axis: str, omega: float):
    if axis == "isotropic":
        # directions of an icosahedron: exact for the quadratic mean that the kinetic equation closes on
        phi = (1 + 5**0.5) / 2
        corners = [(0, s, t * phi) for s in (1, -1) for t in (1, -1)]
        axes = np.array([np.roll(c, r) for c in corners for r in range(3)]) / np.sqrt(1 + phi**2)
        spin = np.array([0.0, 0.0, 1.0])
    else:
        angle = 2 * np.pi * np.arange(12) / 12
        axes = np.stack([np.sin(angle), -np.cos(angle), 0 * angle], axis=1)
        spin = np.array([0.0, 0.0, 1.0]) if axis == "z" else np.array([1.0, 0.0, 0.0])
    expected = kinetic_rate(omega, 1.0, np.full(len(axes), 1 / len(axes)), axes, spin)
    assert crossover_rate(omega, 1.0, axis=axis) == pytest.approx(expected, rel=1e-6)


@given(st.floats(1e-3, 20.0), st.floats(1e-3, 10.0))
def test_precession_obeys_its_equation_of_motion(omega: float, tau: float):
    h = 1e-3 * min(tau, 1 / omega)
    t = 0.7 * min(tau, 1 / omega)
    before, now, after = free_precession(np.array([t - h, t, t + h]), omega, tau)
    residual = (after - 2 * now + before) / h**2 + (after - before) / (2 * h * tau) + omega**2 * now
    assert abs(residual) < 2e-3 * (omega**2 + 1 / tau**2)
    assert free_precession(0.0, omega, tau) == pytest.approx(1.0)


@given(st.floats(1e-6, 1e4), st.floats(1e-6, 1e4), st.sampled_from(["z", "x", "isotropic"]))
def test_no_rate_exceeds_the_rate_of_collisions(omega: float, tau: float, axis):
    rate = crossover_rate(omega, tau, axis=axis)
    # above Omega tau = 1/2 it is a plain exponential no faster than the collisions
    assert 0 <= rate <= (2 / 3) / tau * (1 + 1e-9)
    c = {"z": 1.0, "x": 0.5, "isotropic": 2 / 3}[axis]
    if omega * tau < 1e-3:
        assert rate == pytest.approx(c * omega**2 * tau, rel=1e-5)


@given(temperatures, alphas, times, masses)
def test_exponents_of_the_narrowing_law(t, a, tau, m):
    def rate(t, a, tau, m):
        return dyakonov_perel_rate(t, a, tau, m, regime="motional_narrowing")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpinRelaxationWarning)
        base = rate(t, a, tau, m)
        assert base > 0
        assert rate(2 * t, a, tau, m) == pytest.approx(2 * base)
        assert rate(t, 2 * a, tau, m) == pytest.approx(4 * base)
        assert rate(t, a, 2 * tau, m) == pytest.approx(2 * base)
        assert rate(t, a, tau, 2 * m) == pytest.approx(2 * base)
        three = dyakonov_perel_rate(t, a, tau, m, dimension=3, regime="motional_narrowing")
    assert three == pytest.approx(base)  # (2/3)(3/2) = 1


@given(alphas, st.floats(-0.05, 0.05), times, temperatures)
def test_tensor_of_rashba_and_dresselhaus_terms(a, b, tau, t):
    tensor = thermal_relaxation_tensor(t, tau, M, rashba_ev_a=a, dresselhaus_ev_a=b)
    scale = 2 * M * KB_EV_K * t / HBAR2_OVER_M0_EV_A2 * tau * (2 / HBAR_EV_PS) ** 2
    along, across = np.linalg.eigvalsh(tensor[:2, :2])
    assert tensor[2, 2] == pytest.approx(scale * (a**2 + b**2), rel=1e-9)
    expected = sorted(scale * (a + s * b) ** 2 / 2 for s in (1, -1))
    assert [along, across] == pytest.approx(expected, abs=1e-9 * scale * (a**2 + b**2))
    assert np.allclose(tensor, tensor.T)


def test_equal_rashba_and_dresselhaus_terms_leave_a_spin_that_does_not_relax():
    tensor = thermal_relaxation_tensor(T, TAU, M, rashba_ev_a=ALPHA, dresselhaus_ev_a=ALPHA)
    assert np.linalg.eigvalsh(tensor)[0] == pytest.approx(0.0, abs=1e-12)


def test_cubic_dresselhaus_field_of_a_bulk_crystal():
    gamma = 10.0
    tensor = thermal_relaxation_tensor(T, TAU, M, dimension=3, dresselhaus_ev_a3=gamma)
    k2 = 2 * M * KB_EV_K * T / HBAR2_OVER_M0_EV_A2
    mean_k6 = k2**3 * (3 / 2) * (5 / 2) * (7 / 2)
    expected = (2 / 3) * (4 / 35) * (2 * gamma / HBAR_EV_PS) ** 2 * mean_k6 * TAU
    assert np.allclose(tensor, expected * np.eye(3), rtol=1e-9, atol=1e-12)


def test_isotropic_tensor_equals_the_integral_form():
    tensor = thermal_relaxation_tensor(T, TAU, M, dimension=3, isotropic_ev_a=ALPHA)
    assert np.allclose(tensor, RATE * np.eye(3), rtol=1e-6)
    acoustic = thermal_relaxation_tensor(T, TAU, M, dimension=3, isotropic_ev_a=ALPHA, scattering_exponent=-0.5)
    assert np.trace(acoustic) / 3 == pytest.approx(0.1178158, rel=1e-3)


def test_tensor_of_one_direction():
    tensor = relaxation_tensor([[2.0, 0.0, 0.0]], 0.1)
    assert np.allclose(tensor, np.diag([0.0, 0.4, 0.4]))  # a spin along the field doesn't precess


def test_rashba_field_is_normal_to_the_wave_vector():
    k = np.array([[0.01, 0.02, 0.0], [0.03, -0.01, 0.0]])
    field = spin_orbit_field(k, rashba_ev_a=ALPHA)
    assert np.allclose(np.sum(field * k, axis=1), 0)
    assert np.linalg.norm(field, axis=1) == pytest.approx(rashba_precession(ALPHA, np.linalg.norm(k, axis=1)))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: dyakonov_perel_rate(-1.0, ALPHA, TAU, M), "temperature_k must be a positive number, got -1"),
        (lambda: dyakonov_perel_rate(T, ALPHA, 0.0, M), "momentum_scattering_time_ps must be a positive number, got 0"),
        (lambda: dyakonov_perel_rate(np.nan, ALPHA, TAU, M), "got nan"),
        (lambda: dyakonov_perel_rate("warm", ALPHA, TAU, M), "must be a number or an array of numbers, got 'warm'"),
        (lambda: dyakonov_perel_rate(T, ALPHA, TAU, M, axis="y"), "unknown axis 'y': use z or x"),
        (lambda: dyakonov_perel_rate(T, ALPHA, TAU, M, dimension=1), "the dimension must be 2 or 3, got 1"),
        (lambda: dyakonov_perel_rate([1.0, 2.0], [ALPHA] * 3, TAU, M), "shapes don't fit together"),
        (lambda: relaxation_tensor([1.0, 2.0, 3.0], TAU), r"needs the shape \(n, 3\)"),
        (lambda: relaxation_tensor([[1.0, 2.0, 3.0]], TAU, [1.0, 2.0]), r"weights needs the shape \(1,\)"),
        (lambda: spin_orbit_field([1.0, 2.0]), "three components"),
        (lambda: dyakonov_perel_integral_rate(0.0, squared_field, lambda e: TAU), "temperature_k must be a positive"),
        (
            lambda: dyakonov_perel_integral_rate(T, squared_field, lambda e: TAU, chemical_potentials_kt=(1.0, 1.0)),
            "same chemical potential",
        ),
    ],
)
def test_mistakes_are_said_in_one_sentence(call, words: str):
    with pytest.raises(DataError, match=words):
        call()


def test_constants_and_the_frequency_of_the_crossover():
    assert pytest.approx(7.619964, rel=1e-6) == HBAR2_OVER_M0_EV_A2
    assert pytest.approx(6.068270, rel=1e-6) == 46.24 / HBAR2_OVER_M0_EV_A2  # p^2/m0 of physics.md 7
    # Omega tau = 1: S_z vanishes where cos(phase) + sin(phase)/root does, root = 2 x 0.8660254
    root = 2 * 0.8660254
    zero = (np.pi - np.arctan(root)) / 0.8660254
    assert free_precession(zero, 1.0, 1.0) == pytest.approx(0.0, abs=1e-7)
