r"""Nuclear spins: the field they make in a nanocrystal, and what its slow changes do to the carrier's spin."""

from __future__ import annotations

from typing import Any

import numpy as np

from perospin.errors import DataError
from perospin.mechanisms.laws._arrays import Float, Numeric, checked, is_jax, namespace
from perospin.units import HBAR_EV_PS, MU_B_EV_T

__all__ = ["hyperfine_dephasing_time_ps", "nuclear_field_from_size", "nuclear_fluctuation_rate", "resonance_width"]


@checked
def nuclear_fluctuation_rate(
    field_t: Numeric, nuclear_field_t: Numeric, correlation_time_ps: Numeric, *, spin_lifetime_ps: Any = None
) -> Float:
    r"""Longitudinal relaxation by a slowly changing nuclear field, :math:`1/T_1=1/\tau_s+(\Delta_N/B)^2/\tau_c`.

    Parameters
    ----------
    field_t : array_like
        Magnetic field B (T), not 0. The law holds for B > Delta_N and omega_L tau_c > 1.
    nuclear_field_t : array_like
        Delta_N (T): the nuclear field is distributed as :math:`\exp(-B_N^2/\Delta_N^2)`.
    correlation_time_ps : array_like
        Correlation time tau_c of the nuclear field (ps).
    spin_lifetime_ps : array_like, optional
        tau_s (ps), the lifetime without nuclei; left out by default.

    Returns
    -------
    ndarray
        Rate (1/ps).

    Raises
    ------
    DataError
        If an argument is out of range or the field is 0.

    Notes
    -----
    Status READ: Eq. 4 of arXiv 2603.03038 (equivalent to the printed form).
    """
    if not is_jax(field_t) and not np.all(field_t != 0):
        raise DataError("field_t must be positive: the law of nuclear fluctuations does not hold at zero field")
    rate = (nuclear_field_t / field_t) ** 2 / correlation_time_ps
    return rate if spin_lifetime_ps is None else rate + 1.0 / spin_lifetime_ps


@checked
def resonance_width(field_t: Numeric, nuclear_field_t: Numeric, g_factor: Numeric, g_spread: Numeric = 0.0) -> Float:
    r"""Width of a spin resonance against field, :math:`\Delta B=[\Delta_N^2/2+(\Delta_gB/g)^2]^{1/2}`.

    Parameters
    ----------
    field_t, nuclear_field_t : array_like
        Resonance field and Delta_N (T).
    g_factor, g_spread : array_like
        g and its standard deviation over the ensemble.

    Returns
    -------
    ndarray
        Standard deviation (T).

    Notes
    -----
    Status READ: arXiv 2603.03038; each component of the nuclear field has the variance Delta_N^2/2.
    """
    xp = namespace(field_t, nuclear_field_t, g_factor, g_spread)
    return xp.sqrt(0.5 * nuclear_field_t**2 + (g_spread * field_t / g_factor) ** 2)


@checked
def nuclear_field_from_size(size_nm: Numeric) -> Float:
    r"""Width of the nuclear field of a CsPbI3 nanocrystal, :math:`\Delta_N/\sqrt2=(a_0/a)^{3/2}\times0.47` T.

    Parameters
    ----------
    size_nm : array_like
        Edge length a (nm); a_0 = 0.624 nm is the lattice constant.

    Returns
    -------
    ndarray
        Delta_N/sqrt(2) (T): the standard deviation of one component, NOT Delta_N itself.

    Notes
    -----
    Status READ: arXiv 2603.03038; 0.47 T is the paper's number for the electron, from its two hyperfine constants.
    """
    return (0.624 / size_nm) ** 1.5 * 0.47


@checked
def hyperfine_dephasing_time_ps(nuclear_field_t: Numeric, g_factor: Numeric) -> Float:
    r"""1/e time of the dephasing of free precession by a frozen nuclear field in a strong external field.

    The component along the external field is normal with variance Delta_N^2/2, so that the envelope is
    :math:`\exp(-t^2/T_2^{*2})`, :math:`T_2^*=2\hbar/(|g|\mu_B\Delta_N)`.

    Parameters
    ----------
    nuclear_field_t, g_factor : array_like
        Delta_N (T) and g.

    Returns
    -------
    ndarray
        Time (ps). The envelope is Gaussian, not exponential.

    Notes
    -----
    Status DERIVED.
    """
    xp = namespace(nuclear_field_t, g_factor)
    return 2.0 * HBAR_EV_PS / (xp.abs(g_factor) * MU_B_EV_T * nuclear_field_t)
