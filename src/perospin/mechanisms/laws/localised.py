r"""Localised carriers: spins that turn in each hop, anisotropic exchange between neighbours, one phonon in a field."""

from __future__ import annotations

from typing import Literal

import numpy as np

from perospin.mechanisms._arrays import Float, Numeric, checked, choice, namespace
from perospin.mechanisms.validity import warn_outside
from perospin.units import HBAR2_OVER_M0_EV_A2, HBAR_EV_PS, KB_EV_K, MU_B_EV_T

__all__ = ["anisotropic_exchange_rate", "hopping_rate", "one_phonon_rate"]


def _hop_angle(rashba_ev_a: Numeric, mass_m0: Numeric, distance_nm: Numeric) -> Numeric:
    """Angle by which the spin-orbit field turns a spin over a distance: 2 m alpha L/hbar^2."""
    return 2.0 * mass_m0 * rashba_ev_a * distance_nm * 10.0 / HBAR2_OVER_M0_EV_A2


@checked
def hopping_rate(
    hop_time_ps: Numeric,
    hop_distance_nm: Numeric,
    rashba_ev_a: Numeric,
    mass_m0: Numeric,
    *,
    axis: Literal["z", "x"] = "z",
) -> Float:
    r"""Spin relaxation of a carrier that hops in a layer with a Rashba field.

    Each hop turns the spin by :math:`\gamma=2m\alpha L/\hbar^2` about the in-plane axis normal to the hop:
    :math:`1/\tau_z=(1-\cos\gamma)/\tau_h`, half of it for a spin in the plane.

    Parameters
    ----------
    hop_time_ps, hop_distance_nm : array_like
        Mean time between hops (ps), their distance (nm).
    rashba_ev_a, mass_m0 : array_like
        Rashba coefficient (eV angstrom), effective mass under the barrier (electron masses).
    axis : {"z", "x"}
        Spin along the normal or in the plane.

    Returns
    -------
    ndarray
        Rate (1/ps). For small angles gamma^2/2 per hop.

    Raises
    ------
    DataError
        If an argument is out of range or the axis unknown.

    Notes
    -----
    Status DERIVED: mean of a rotation over the directions of the hops; a Monte Carlo walk agrees.
    """
    choice(axis, ("z", "x"), "axis")
    xp = namespace(hop_time_ps, hop_distance_nm, rashba_ev_a, mass_m0)
    angle = _hop_angle(rashba_ev_a, mass_m0, hop_distance_nm)
    if xp is np:
        warn_outside("hopping_rate", {"hop_angle": angle}, stacklevel=4)
    return (1.0 if axis == "z" else 0.5) * 2.0 * xp.sin(0.5 * angle) ** 2 / hop_time_ps


@checked
def anisotropic_exchange_rate(
    exchange_energy_mev: Numeric,
    hop_distance_nm: Numeric,
    rashba_ev_a: Numeric,
    mass_m0: Numeric,
    *,
    axis: Literal["z", "x"] = "z",
) -> Float:
    r"""Spin relaxation of localised carriers by the anisotropic part of their exchange.

    The exchange J between neighbours at the distance L hands the spin on once in :math:`\pi\hbar/J`, turned by the
    angle of `hopping_rate`.

    Parameters
    ----------
    exchange_energy_mev : array_like
        J of :math:`H=J\,S_1\cdot S_2` (meV); the spins change places after :math:`\pi\hbar/J`.
    hop_distance_nm, rashba_ev_a, mass_m0, axis
        As `hopping_rate`.

    Returns
    -------
    ndarray
        Rate (1/ps), with one exchange of places after each :math:`\pi\hbar/J`.

    Raises
    ------
    DataError
        If an argument is out of range.

    Notes
    -----
    Status DERIVED from `hopping_rate`, an estimate to a factor of order one; the mechanism is Kavokin's, PRB 64, 075305
    (2001), TEXTBOOK.
    """
    time = np.pi * HBAR_EV_PS / (exchange_energy_mev * 1e-3)
    return hopping_rate(time, hop_distance_nm, rashba_ev_a, mass_m0, axis=axis)


@checked
def one_phonon_rate(
    field_t: Numeric,
    temperature_k: Numeric,
    g_factor: Numeric,
    strain_coupling: Numeric,
    mass_density_g_cm3: Numeric,
    sound_velocity_m_s: Numeric,
    *,
    size_nm: Numeric = 5.0,
) -> Float:
    r"""Longitudinal relaxation by emission and absorption of one acoustic phonon in a magnetic field.

    Shear strain changes g: :math:`H=\tfrac12A\mu_BB\,\epsilon\,\sigma_x`. Golden Rule with transverse phonons,

    .. math:: \frac1{T_1}=\frac{(A\mu_BB)^2(g\mu_BB)^3}{80\pi\hbar^4\rho v^5}\coth\frac{g\mu_BB}{2k_BT}

    so that it goes with B^5 in the cold and B^4 T in the warmth.

    Parameters
    ----------
    field_t, temperature_k, g_factor : array_like
        Field (T), temperature (K), g.
    strain_coupling : array_like
        A, the change of g with shear strain; of order 1 to 100, hardly known in perovskites.
    mass_density_g_cm3, sound_velocity_m_s : array_like
        Density (g/cm^3), velocity of transverse sound (m/s).
    size_nm : array_like
        Size of the localised state (nm), for the check of the long-wave limit only.

    Returns
    -------
    ndarray
        Rate of the polarisation (1/ps), up and down flips together.

    Raises
    ------
    DataError
        If an argument is out of range.

    Notes
    -----
    Status DERIVED: mean of eps_xz^2 over directions and both transverse branches is q^2 u^2/10; a sum over phonon
    modes on a grid agrees. Form of Roth, Phys. Rev. 118, 1534 (1960), TEXTBOOK.
    """
    xp = namespace(field_t, temperature_k, g_factor)
    zeeman = xp.abs(g_factor) * MU_B_EV_T * field_t  # eV
    if xp is np:
        wave = zeeman / (HBAR_EV_PS * 1e-12 * sound_velocity_m_s)  # 1/m
        warn_outside("one_phonon_rate", {"phonon_size": wave * size_nm * 1e-9}, stacklevel=4)
    coupling = strain_coupling * MU_B_EV_T * field_t
    # density times velocity^2 in eV/m^3
    stiffness = mass_density_g_cm3 * 1e3 * sound_velocity_m_s**2 / 1.602176634e-19
    hv = HBAR_EV_PS * 1e-12 * sound_velocity_m_s  # eV m
    # zeeman coth(zeeman/2kT) stays finite at zero field
    half = zeeman / (2.0 * KB_EV_K * temperature_k)
    small = half < 1e-6
    safe = xp.where(small, 1.0, half)
    thermal = xp.where(small, 2.0 * KB_EV_K * temperature_k, zeeman / xp.tanh(safe))
    return coupling**2 * zeeman**2 * thermal / (80.0 * np.pi * stiffness * hv**3) / HBAR_EV_PS
