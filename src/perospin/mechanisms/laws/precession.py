r"""Signals of precessing and decaying spins: Hanle, Kerr transients, resonant amplification, spin inertia."""

from __future__ import annotations

from typing import Literal

import numpy as np

from perospin.errors import DataError
from perospin.mechanisms._arrays import Float, Numeric, checked, choice, namespace
from perospin.mechanisms.laws.g_factors import larmor_precession
from perospin.units import HBAR_EV_PS, KB_EV_K, MU_B_EV_T, TWO_PI

__all__ = [
    "dephasing_time_ps",
    "einstein_diffusion_cm2_s",
    "electrical_hanle",
    "electrical_hanle_with_contacts",
    "g_spread_time_ps",
    "hanle_half_width_t",
    "hanle_polarisation",
    "kerr_transient",
    "optical_orientation",
    "resonant_spin_amplification",
    "spin_diffusion_length_nm",
    "spin_inertia",
    "total_lifetime_ps",
]


@checked
def total_lifetime_ps(lifetime_ps: Numeric, spin_lifetime_ps: Numeric) -> Float:
    r"""Lifetime of an oriented carrier, :math:`1/T_s=1/\tau+1/\tau_s` (ps), from recombination and spin relaxation.

    Notes
    -----
    Status TEXTBOOK. T_s, not tau_s, is what a Hanle curve gives.
    """
    return 1.0 / (1.0 / lifetime_ps + 1.0 / spin_lifetime_ps)


@checked
def optical_orientation(lifetime_ps: Numeric, spin_lifetime_ps: Numeric, initial: Numeric = 1.0) -> Float:
    r"""Steady-state polarisation, :math:`P=P_0/(1+\tau/\tau_s)`.

    Parameters
    ----------
    lifetime_ps, spin_lifetime_ps : array_like
        Recombination time tau and spin relaxation time tau_s (ps).
    initial : array_like
        P_0: 1 for the J = 1/2 bands of perovskites, 0.5 for GaAs.

    Notes
    -----
    Status TEXTBOOK.
    """
    return initial / (1.0 + lifetime_ps / spin_lifetime_ps)


@checked
def hanle_half_width_t(g_factor: Numeric, lifetime_ps: Numeric) -> Float:
    r"""Half width at half maximum of the optical Hanle curve, :math:`B_{1/2}=\hbar/(|g|\mu_BT_s)`.

    Parameters
    ----------
    g_factor, lifetime_ps : array_like
        g; T_s (ps), see `total_lifetime_ps`.

    Returns
    -------
    ndarray
        Field (T). Nuclear fields add to the measured width.

    Notes
    -----
    Status TEXTBOOK.
    """
    xp = namespace(g_factor, lifetime_ps)
    return HBAR_EV_PS / (xp.abs(g_factor) * MU_B_EV_T * lifetime_ps)


@checked
def hanle_polarisation(field_t: Numeric, g_factor: Numeric, lifetime_ps: Numeric, initial: Numeric = 1.0) -> Float:
    r"""Optical Hanle curve, :math:`P(B)=P_0/(1+(B/B_{1/2})^2)`.

    Parameters
    ----------
    field_t, g_factor, lifetime_ps : array_like
        Transverse field (T), g, T_s (ps).
    initial : array_like
        P_0, the polarisation at zero field.

    Notes
    -----
    Status TEXTBOOK.
    """
    return initial / (1.0 + (field_t / hanle_half_width_t(g_factor, lifetime_ps)) ** 2)


@checked
def electrical_hanle(
    field_t: Numeric,
    g_factor: Numeric,
    spin_lifetime_ps: Numeric,
    diffusion_cm2_s: Numeric,
    distance_nm: Numeric,
    drift_m_s: Numeric = 0.0,
) -> Float:
    r"""Electrical (non-local) Hanle signal of drifting, diffusing, precessing spins; weak contacts.

    :math:`S(B)=\mathrm{Re}\,\frac{e^{vL/2D}e^{-L\kappa}}{2D\kappa}`,
    :math:`\kappa=\sqrt{(1/\tau_s+i\omega_L)/D+v^2/4D^2}`.

    Parameters
    ----------
    field_t, g_factor : array_like
        Field normal to the spins (T), g.
    spin_lifetime_ps, diffusion_cm2_s, distance_nm, drift_m_s : array_like
        Spin lifetime (ps), diffusion coefficient (cm^2/s), injector-detector distance (nm), drift velocity (m/s).

    Returns
    -------
    ndarray
        Signal (s/m); its sign turns with the contacts' magnetisations.

    Raises
    ------
    DataError
        If an argument is out of range.

    Notes
    -----
    Status DERIVED: closed form of the drift-diffusion integral. A Lorentzian is a wrong fit unless L is far below
    sqrt(D tau_s).
    """
    xp = namespace(field_t, g_factor, spin_lifetime_ps, diffusion_cm2_s, distance_nm, drift_m_s)
    diffusion, distance = diffusion_cm2_s * 1e-4, distance_nm * 1e-9
    rate = (1.0 / spin_lifetime_ps + 1j * larmor_precession(g_factor, field_t)) * 1e12
    kappa = xp.sqrt(rate / diffusion + (drift_m_s / (2.0 * diffusion)) ** 2 + 0j)
    return xp.real(xp.exp(drift_m_s * distance / (2.0 * diffusion) - distance * kappa) / (2.0 * diffusion * kappa))


@checked
def electrical_hanle_with_contacts(
    field_t: Numeric,
    g_factor: Numeric,
    spin_lifetime_ps: Numeric,
    diffusion_cm2_s: Numeric,
    distance_nm: Numeric,
    contact_ratio: Numeric = 0.0,
) -> Float:
    r"""Electrical Hanle signal with finite contact resistance, dimensionless (Sosenko, Wei, Aji).

    :math:`f=\mathrm{Re}\{2(q+\theta)e^{\phi q}+\theta^2\sinh(\phi q)/q\}^{-1}`, :math:`q=\sqrt{1+i\omega_L\tau_s}`,
    :math:`\phi=L/\lambda`, :math:`\lambda=\sqrt{D\tau_s}`.

    Parameters
    ----------
    field_t, g_factor, spin_lifetime_ps, diffusion_cm2_s, distance_nm : array_like
        As `electrical_hanle`, without drift.
    contact_ratio : array_like
        theta = lambda/r, r the contact's resistance length; 0 gives the shape of `electrical_hanle`.

    Notes
    -----
    Status READ in the public code evansosenko/spin-lifetime-analysis; for a fixed current.
    """
    xp = namespace(field_t, g_factor, spin_lifetime_ps, diffusion_cm2_s, distance_nm, contact_ratio)
    q = xp.sqrt(1.0 + 1j * larmor_precession(g_factor, field_t) * spin_lifetime_ps)
    length_nm = xp.sqrt(diffusion_cm2_s * 1e14 * spin_lifetime_ps * 1e-12)
    phi = distance_nm / length_nm
    theta = contact_ratio
    # e^(phi q) is taken out: it overflows for L far above lambda
    decay = xp.exp(-phi * q)
    return xp.real(decay / (2.0 * (q + theta) + 0.5 * theta**2 * (1.0 - decay**2) / q))


@checked
def g_spread_time_ps(
    field_t: Numeric, g_spread: Numeric, *, convention: Literal["linear", "gaussian"] = "linear"
) -> Float:
    r"""Time of the dephasing by a spread of g factors alone.

    Parameters
    ----------
    field_t, g_spread : array_like
        Field (T) and spread of g.
    convention : {"linear", "gaussian"}
        ``"linear"``: :math:`\hbar/(\Delta_g\mu_BB)`, exact if g is Lorentzian with the HWHM given. ``"gaussian"``:
        :math:`\tau_G=\sqrt2\hbar/(\sigma_g\mu_BB)`, the 1/e time of the Gaussian envelope if g is normal with that
        standard deviation; it is not an exponential rate.

    Returns
    -------
    ndarray
        Time (ps).

    Notes
    -----
    Status DERIVED; the two conventions give T2* that differ by half for the same number.
    """
    choice(convention, ("linear", "gaussian"), "convention")
    factor = 1.0 if convention == "linear" else float(np.sqrt(2.0))
    return factor * HBAR_EV_PS / (g_spread * MU_B_EV_T * field_t)


@checked
def dephasing_time_ps(
    field_t: Numeric,
    spin_lifetime_ps: Numeric,
    g_spread: Numeric,
    *,
    convention: Literal["linear", "gaussian"] = "linear",
) -> Float:
    r"""T2* of an ensemble against field: the time at which the envelope has fallen to 1/e.

    Parameters
    ----------
    field_t, spin_lifetime_ps, g_spread : array_like
        Field (T), T2* at zero field (ps), spread of g.
    convention : {"linear", "gaussian"}
        ``"linear"``: :math:`1/T_2^*(B)=1/T_2^*(0)+\Delta_g\mu_BB/\hbar`, as in the CsPbBr3 literature; ``"gaussian"``:
        1/e time of :math:`e^{-t/T_2^*(0)}e^{-t^2/\tau_G^2}`. See `g_spread_time_ps`.

    Returns
    -------
    ndarray
        Time (ps).

    Notes
    -----
    Status DERIVED.
    """
    choice(convention, ("linear", "gaussian"), "convention")
    xp = namespace(field_t, spin_lifetime_ps, g_spread)
    inverse = g_spread * MU_B_EV_T * field_t / HBAR_EV_PS
    first = 1.0 / spin_lifetime_ps
    if convention == "linear":
        return 1.0 / (first + inverse)
    # t/T0 + t^2/tau_G^2 = 1, in the form that stays exact when the spread goes to 0
    return 2.0 / (first + xp.sqrt(first**2 + 2.0 * inverse**2))


@checked
def kerr_transient(
    time_ps: Numeric,
    field_t: Numeric,
    g_factor: Numeric,
    spin_lifetime_ps: Numeric,
    initial: Numeric = 1.0,
    phase_rad: Numeric = 0.0,
) -> Float:
    r"""One component of a Kerr or Faraday transient, :math:`Ae^{-t/T_2^*}\cos(g\mu_BBt/\hbar+\varphi)`.

    Parameters
    ----------
    time_ps, field_t, g_factor, spin_lifetime_ps : array_like
        Delay (ps), transverse field (T), g, T2* (ps). Before the pump, at negative delays, the signal is 0.
    initial, phase_rad : array_like
        Amplitude and phase.

    Notes
    -----
    Status TEXTBOOK.
    """
    xp = namespace(time_ps, field_t, g_factor, spin_lifetime_ps, initial, phase_rad)
    angle = larmor_precession(g_factor, field_t) * time_ps + phase_rad
    after = time_ps >= 0
    envelope = xp.exp(-xp.where(after, time_ps, 0.0) / spin_lifetime_ps)
    return xp.where(after, initial * envelope * xp.cos(angle), 0.0)


@checked
def resonant_spin_amplification(
    field_t: Numeric,
    g_factor: Numeric,
    spin_lifetime_ps: Numeric,
    repetition_time_ps: Numeric,
    time_ps: Numeric,
) -> Float:
    r"""Spin left by all pump pulses (resonant spin amplification).

    :math:`S=\mathrm{Re}\,\frac{e^{-z\Delta t}}{1-e^{-zT_R}}`, :math:`z=1/T_2^*-i\omega_L`.

    Parameters
    ----------
    field_t, g_factor, spin_lifetime_ps : array_like
        Transverse field (T), g, T2* (ps).
    repetition_time_ps, time_ps : array_like
        Time between pulses T_R and delay after the last one, 0 to T_R (ps).

    Returns
    -------
    ndarray
        Spin in units of what one pulse creates. At the delay T_R this is the signal just before the next pulse.

    Notes
    -----
    Status DERIVED; weak pump, one g.
    """
    xp = namespace(field_t, g_factor, spin_lifetime_ps, repetition_time_ps, time_ps)
    if xp is np and (np.any(time_ps < 0) or np.any(time_ps > repetition_time_ps * (1.0 + 1e-9))):
        raise DataError("time_ps must lie between 0 and repetition_time_ps: the delay is counted from the last pulse")
    z = 1.0 / spin_lifetime_ps - 1j * larmor_precession(g_factor, field_t)
    return xp.real(xp.exp(-z * time_ps) / (1.0 - xp.exp(-z * repetition_time_ps)))


@checked
def spin_inertia(modulation_mhz: Numeric, spin_lifetime_ps: Numeric, initial: Numeric = 1.0) -> Float:
    r"""Spin signal against modulation frequency, :math:`S=S_0/\sqrt{1+(2\pi f_{mod}T_1)^2}`.

    Parameters
    ----------
    modulation_mhz, spin_lifetime_ps : array_like
        Modulation frequency (MHz), T_1 (ps).
    initial : array_like
        S_0.

    Notes
    -----
    Status READ (arXiv 2603.03038), resonant or all-optical. T_1 shortens with pump power: extrapolate the rate to
    zero power.
    """
    xp = namespace(modulation_mhz, spin_lifetime_ps, initial)
    return initial / xp.sqrt(1.0 + (TWO_PI * modulation_mhz * 1e-6 * spin_lifetime_ps) ** 2)


@checked
def einstein_diffusion_cm2_s(mobility_cm2_vs: Numeric, temperature_k: Numeric) -> Float:
    r"""Diffusion coefficient of nondegenerate carriers from their mobility, :math:`D=\mu k_BT/e` (cm^2/s).

    Parameters
    ----------
    mobility_cm2_vs, temperature_k : array_like
        Mobility (cm^2/(V s)), temperature (K).

    Notes
    -----
    Status TEXTBOOK (Einstein's relation). That of charge; spins of one carrier diffuse as fast unless electron-electron
    collisions drag them.
    """
    return mobility_cm2_vs * KB_EV_K * temperature_k


@checked
def spin_diffusion_length_nm(spin_lifetime_ps: Numeric, diffusion_cm2_s: Numeric) -> Float:
    r"""Distance over which a spin polarisation decays, :math:`\lambda=\sqrt{D\tau_s}` (nm).

    Parameters
    ----------
    spin_lifetime_ps, diffusion_cm2_s : array_like
        Spin lifetime (ps); T_s of `total_lifetime_ps` for carriers that recombine. D (cm^2/s), from a mobility by
        `einstein_diffusion_cm2_s` or from the lobes of an electrical Hanle curve.

    Notes
    -----
    Status TEXTBOOK. The decay length of `electrical_hanle` at zero field without drift.
    """
    xp = namespace(spin_lifetime_ps, diffusion_cm2_s)
    return 1e7 * xp.sqrt(diffusion_cm2_s * spin_lifetime_ps * 1e-12)
