r"""Noise-free signals of precessing, dephasing and flipping spins, as the fits and the simulators use them.

Each function takes NumPy or JAX arrays and returns the same kind. Fields may be negative, as magnets sweep through 0;
the laws of `perospin.mechanisms`, which check their arguments and take the size of the field, agree (tests hold them).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np

from perospin.errors import DataError
from perospin.fitting.arrays import namespace
from perospin.units import BOHR_MAGNETON_EV_T, HBAR_EV_S

__all__ = [
    "GHZ_PER_TESLA",
    "RADIANS_PER_PS_TESLA",
    "Convention",
    "Envelope",
    "damped_cosine",
    "gaussian_resonance",
    "hanle_line",
    "inertia_magnitude",
    "inertia_phase_channels",
    "nuclear_precession",
    "resonant_amplification",
    "spin_valve_line",
]

Array: TypeAlias = Any
"""A NumPy or a JAX array, or a number."""
Envelope = Literal["exponential", "gaussian"]
Convention = Literal["linear", "gaussian"]

RADIANS_PER_PS_TESLA = BOHR_MAGNETON_EV_T / HBAR_EV_S * 1e-12
"""mu_B/hbar (rad/(ps T)): times g and a field it is the angular precession frequency."""
GHZ_PER_TESLA = 1e3 * RADIANS_PER_PS_TESLA / (2.0 * np.pi)
"""mu_B/h = 13.996 GHz/T."""


def damped_cosine(
    delay_ps: Array,
    frequency_ghz: Array,
    dephasing_time_ps: Array,
    amplitude: Array = 1.0,
    phase_rad: Array = 0.0,
    *,
    envelope: Envelope = "exponential",
) -> Array:
    r"""One precessing component of a Kerr or Faraday transient.

    .. math:: A\,e^{-t/T_2^*}\cos(2\pi ft+\varphi)\quad\text{or}\quad A\,e^{-(t/T_2^*)^2}\cos(2\pi ft+\varphi)

    Parameters
    ----------
    delay_ps
        Delay after the pump (ps), any shape.
    frequency_ghz, dephasing_time_ps
        Precession frequency (GHz), 1/e time of the envelope (ps).
    amplitude, phase_rad
        Amplitude at zero delay and phase (rad).
    envelope
        ``"exponential"`` (homogeneous, or g factors with a Lorentzian distribution) or ``"gaussian"`` (normally
        distributed precession frequencies: the 1/e time is sqrt(2) over their standard deviation in rad/ps).

    Returns
    -------
    array
        Shape of `delay_ps`; zero before the pump.

    Notes
    -----
    TEXTBOOK; the Gaussian form is the average of a cosine over a normal distribution of frequencies.
    """
    xp = namespace(delay_ps, frequency_ghz, dephasing_time_ps)
    after = xp.maximum(delay_ps, 0.0)
    ratio = after / dephasing_time_ps
    damping = xp.exp(-ratio if envelope == "exponential" else -(ratio**2))
    wave = amplitude * damping * xp.cos(2e-3 * np.pi * frequency_ghz * after + phase_rad)
    return xp.where(delay_ps >= 0.0, wave, 0.0)


def nuclear_precession(delay_ps: Array, nuclear_field_t: Array, g_factor: Array) -> Array:
    r"""Spin polarisation in zero external field, precessing in frozen nuclear fields that differ from dot to dot.

    .. math:: S(t)/S_0=\tfrac13\big\{1+2\,[1-2\theta^2]\,e^{-\theta^2}\big\},\qquad
       \theta=\frac{|g|\mu_B\Delta_Nt}{2\hbar}

    Parameters
    ----------
    delay_ps
        Delay (ps).
    nuclear_field_t
        Delta_N (T): nuclear fields are distributed as :math:`\exp(-B_N^2/\Delta_N^2)`.
    g_factor
        g of the carrier; the sign doesn't matter.

    Returns
    -------
    array
        1 at zero delay, a minimum of 0.036, then 1/3: the part of the spin that lies along the nuclear field. Zero
        before the pump.

    Notes
    -----
    DERIVED: average of cos^2 + sin^2 cos(omega t) over an isotropic normal distribution of the field whose components
    have the variance Delta_N^2/2. It is the law known after Merkulov, Efros and Rosen (PRB 65, 205309).
    """
    xp = namespace(delay_ps, nuclear_field_t, g_factor)
    after = xp.maximum(delay_ps, 0.0)
    square = (0.5 * RADIANS_PER_PS_TESLA * g_factor * nuclear_field_t * after) ** 2
    wave = (1.0 + 2.0 * (1.0 - 2.0 * square) * xp.exp(-square)) / 3.0
    return xp.where(delay_ps >= 0.0, wave, 0.0)


def resonant_amplification(
    field_t: Array,
    g_factor: Array,
    dephasing_time_ps: Array,
    period_ps: float,
    delay_ps: float,
    g_spread: Array = 0.0,
    *,
    convention: Convention = "linear",
) -> Array:
    r"""Spin left at a delay by all pump pulses, with a spread of g factors.

    .. math:: S=\sum_{n\ge0}D(t_n)\cos(\omega_Lt_n),\quad t_n=\Delta t+nT_R

    with :math:`D=e^{-t/T_2^*-\Delta_g\mu_B|B|t/\hbar}` (``"linear"``: g Lorentzian with HWHM Delta_g; the sum is then
    closed) or :math:`D=e^{-t/T_2^*-(\sigma_g\mu_BBt/\hbar)^2/2}` (``"gaussian"``: g normal with that standard
    deviation; summed term by term).

    Parameters
    ----------
    field_t
        Transverse field (T), either sign.
    g_factor, dephasing_time_ps
        g and T2* at zero field (ps).
    period_ps, delay_ps
        Time between pulses T_R and delay after the last one, 0 to T_R (ps).
    g_spread
        Spread of g, see above.
    convention
        Meaning of the spread.

    Returns
    -------
    array
        Spin in units of what one pulse creates.

    Notes
    -----
    DERIVED; weak pump. Without a spread it is `perospin.mechanisms.resonant_spin_amplification`.
    """
    xp = namespace(field_t, g_factor, dephasing_time_ps, g_spread)
    omega = RADIANS_PER_PS_TESLA * g_factor * field_t
    rate = 1.0 / dephasing_time_ps
    if convention == "linear":
        z = rate + RADIANS_PER_PS_TESLA * g_spread * xp.abs(field_t) - 1j * omega
        return xp.real(xp.exp(-z * delay_ps) / (1.0 - xp.exp(-z * period_ps)))
    # a fixed number of terms (36 lifetimes at most) keeps the function one smooth formula
    terms = int(np.clip(np.ceil(36.0 * float(np.max(np.asarray(dephasing_time_ps))) / period_ps), 2, 4000))
    total = xp.zeros_like(omega)
    width = RADIANS_PER_PS_TESLA * g_spread * field_t
    for n in range(terms):
        time = delay_ps + n * period_ps
        total = total + xp.exp(-rate * time - 0.5 * (width * time) ** 2) * xp.cos(omega * time)
    return total


def hanle_line(field_t: Array, half_width_t: Array, centre_t: Array = 0.0) -> Array:
    r"""Shape of an optical Hanle curve, :math:`1/(1+((B-B_0)/B_{1/2})^2)`.

    Parameters
    ----------
    field_t, half_width_t, centre_t
        Transverse field, half width at half maximum, field of the maximum (T).

    Notes
    -----
    TEXTBOOK; :math:`B_{1/2}=\hbar/(|g|\mu_BT_s)`, `perospin.mechanisms.hanle_half_width_t`.
    """
    return 1.0 / (1.0 + ((field_t - centre_t) / half_width_t) ** 2)


def spin_valve_line(
    field_t: Array,
    lifetime_ps: Array,
    diffusion_cm2_s: Array,
    length_um: float,
    g_factor: float = 2.0,
    contact_ratio: Array = 0.0,
    drift_m_s: float = 0.0,
) -> Array:
    r"""Shape of a non-local spin-valve Hanle curve; times :math:`P^2R_N` it is the resistance.

    .. math:: f=\mathrm{Re}\Big\{\frac{e^{u}}{2(q+\theta)e^{\phi q}+\theta^2\sinh(\phi q)/q}\Big\},\quad
       q=\sqrt{1+i\omega_L\tau_s+(u/\phi)^2},\ \phi=L/\lambda,\ \lambda=\sqrt{D\tau_s},\ u=vL/2D

    Parameters
    ----------
    field_t
        Field normal to the spins (T), either sign.
    lifetime_ps, diffusion_cm2_s
        Spin lifetime (ps), spin diffusion coefficient (cm^2/s).
    length_um, g_factor
        Distance from injector to detector (um), g.
    contact_ratio
        theta = lambda/r, with the contact's resistance length r = R_C W sigma_sheet; 0 for tunnel contacts (weak
        back-flow).
    drift_m_s
        Drift velocity (m/s); only with tunnel contacts.

    Returns
    -------
    array
        Dimensionless; :math:`e^{-\phi}/2` at zero field with tunnel contacts and no drift.

    Notes
    -----
    Without drift: form of Sosenko, Wei and Aji, READ in public code (evansosenko/spin-lifetime-analysis). Without
    contacts: the drift-diffusion integral in closed form, DERIVED; it is
    `perospin.mechanisms.electrical_hanle` times D/lambda.
    """
    xp = namespace(field_t, lifetime_ps, diffusion_cm2_s, contact_ratio)
    diffusion_um2_ps = 1e-4 * diffusion_cm2_s
    phi = length_um / xp.sqrt(diffusion_um2_ps * lifetime_ps)
    push = 0.5e-6 * drift_m_s * length_um / diffusion_um2_ps
    omega = RADIANS_PER_PS_TESLA * g_factor * field_t
    q = xp.sqrt(1.0 + (push / phi) ** 2 + 1j * omega * lifetime_ps)
    back = contact_ratio**2 * (1.0 - xp.exp(-2.0 * phi * q)) / (2.0 * q)
    return xp.real(xp.exp(push - phi * q) / (2.0 * (q + contact_ratio) + back))


def gaussian_resonance(field_t: Array, centre_t: Array, width_t: Array) -> Array:
    r"""Spin resonance against field, :math:`e^{-(B-B_0)^2/2\Delta_B^2}`, Delta_B a standard deviation (T).

    Notes
    -----
    READ: arXiv 2603.03038. FWHM = 2.3548 Delta_B.
    """
    xp = namespace(field_t, centre_t, width_t)
    return xp.exp(-0.5 * ((field_t - centre_t) / width_t) ** 2)


def inertia_phase_channels(modulation_frequency_hz: Array, t1_ps: Array) -> tuple[Array, Array]:
    r"""Lock-in channels of a spin polarisation under modulated pumping, :math:`1/(1-i2\pi f_mT_1)`.

    Parameters
    ----------
    modulation_frequency_hz, t1_ps
        Modulation frequency (Hz), longitudinal relaxation time (ps).

    Returns
    -------
    tuple of array
        In phase, :math:`1/(1+x^2)`, and in quadrature, :math:`x/(1+x^2)`, with :math:`x=2\pi f_mT_1`.

    Notes
    -----
    DERIVED: response of a quantity that relaxes with one time to a harmonic drive.
    """
    x = 2e-12 * np.pi * modulation_frequency_hz * t1_ps
    return 1.0 / (1.0 + x**2), x / (1.0 + x**2)


def inertia_magnitude(modulation_frequency_hz: Array, t1_ps: Sequence[Array], shares: Sequence[Array]) -> Array:
    r"""Magnitude of the lock-in signal of several species, :math:`|\sum_ia_i/(1-i2\pi f_mT_{1,i})|`.

    Parameters
    ----------
    modulation_frequency_hz
        Modulation frequency (Hz).
    t1_ps, shares
        Longitudinal relaxation times (ps) and weights a_i of the species.

    Returns
    -------
    array
        With one species, :math:`1/\sqrt{1+(2\pi f_mT_1)^2}`.

    Raises
    ------
    DataError
        If there are not as many weights as times.

    Notes
    -----
    One species READ: arXiv 2603.03038. Several DERIVED: the complex signals add, not their magnitudes.
    """
    if len(t1_ps) != len(shares):
        raise DataError(f"{len(t1_ps)} relaxation times need as many weights, got {len(shares)}")
    xp = namespace(modulation_frequency_hz, *t1_ps, *shares)
    in_phase: Array = 0.0
    quadrature: Array = 0.0
    for time, share in zip(t1_ps, shares, strict=True):
        x, y = inertia_phase_channels(modulation_frequency_hz, time)
        in_phase, quadrature = in_phase + share * x, quadrature + share * y
    return xp.sqrt(in_phase**2 + quadrature**2)
