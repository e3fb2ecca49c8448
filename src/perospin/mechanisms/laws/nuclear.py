r"""Nuclear spins: the field they make in a nanocrystal, and what its slow changes do to the carrier's spin."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from perospin.errors import DataError
from perospin.mechanisms._arrays import Float, Numeric, checked, choice, is_jax, namespace
from perospin.mechanisms._quadrature import legendre
from perospin.units import HBAR_EV_PS, MU_B_EV_T

__all__ = [
    "hyperfine_dephasing_time_ps",
    "nuclear_field_from_size",
    "nuclear_fluctuation_rate",
    "nuclear_transverse_share",
    "resonance_width",
]


_FAR = 6.0  # B/Delta_N from which the series is exact to twelve digits
_NODES = 64


@checked
def nuclear_transverse_share(field_ratio: Numeric) -> Float:
    r"""Mean share of the total field's direction that lies across the applied field, :math:`1-\langle n_z^2\rangle`.

    The total field is B along z and an isotropic normal nuclear field, :math:`\exp(-B_N^2/\Delta_N^2)`; with
    :math:`x=B/\Delta_N` and Dawson's integral D the mean is :math:`1/x^2-D(x)/x^3`: 2/3 at zero field,
    :math:`1/x^2` far above the nuclear field.

    Parameters
    ----------
    field_ratio : array_like
        x = B/Delta_N, from 0 up.

    Returns
    -------
    ndarray
        Share, 0 to 2/3.

    Notes
    -----
    Status DERIVED; the same mean is behind the tail of Kubo and Toyabe's function. Written as
    :math:`x^{-2}\int_0^1(1-e^{-x^2(1-u^2)})du` (64 points) up to x = 6, as a series beyond, so that it can be
    differentiated and keeps its digits at zero field.
    """
    xp = namespace(field_ratio)
    square = xp.asarray(field_ratio) ** 2
    nodes, weights = legendre(_NODES, 0.0, 1.0)
    path = 1.0 - nodes**2
    near = xp.clip(square, 1e-12, _FAR**2)
    # at x -> 0 the integrand over x^2 tends to 1 - u^2
    inside = xp.sum(-xp.expm1(-near[..., None] * path) * weights, axis=-1) / near
    far = xp.maximum(square, _FAR**2)
    term, total = 1.0 / far, 1.0 / far
    for n in range(12):
        term = term * ((2 * n - 1) if n else 1) / (2.0 * far)
        total = total - term
    return xp.where(square < _FAR**2, inside, total)


@checked
def nuclear_fluctuation_rate(
    field_t: Numeric,
    nuclear_field_t: Numeric,
    correlation_time_ps: Numeric,
    *,
    spin_lifetime_ps: Any = None,
    g_factor: Any = None,
    form: Literal["jumping", "paper"] = "jumping",
) -> Float:
    r"""Longitudinal relaxation by a nuclear field that jumps, at any applied field.

    Between jumps the spin turns fast about the sum of both fields and keeps its part along it; every tau_c on average
    the nuclear field is drawn anew: :math:`1/T_1=1/\tau_s+[1-\langle n_z^2\rangle]/\tau_c`, from
    :math:`2/(3\tau_c)` at zero field to :math:`(\Delta_N/B)^2/\tau_c` far above the nuclear field.

    Parameters
    ----------
    field_t : array_like
        Magnetic field B (T).
    nuclear_field_t : array_like
        Delta_N (T): the nuclear field is distributed as :math:`\exp(-B_N^2/\Delta_N^2)`.
    correlation_time_ps : array_like
        Mean time tau_c between jumps of the nuclear field (ps).
    spin_lifetime_ps : array_like, optional
        tau_s (ps), the lifetime without nuclei; left out by default.
    g_factor : array_like, optional
        g, to check that the spin turns within tau_c; not in the law itself.
    form : {"jumping", "paper"}
        ``"paper"``: :math:`(\Delta_N/B)^2/\tau_c`, Eq. 4 of arXiv 2603.03038; 2 % off at 5 Delta_N, 10 % at 2.5, a
        factor 2.2 at Delta_N. Ask it for B >= 3 Delta_N only.

    Returns
    -------
    ndarray
        Rate (1/ps).

    Raises
    ------
    DataError
        If an argument is out of range, or the field is 0 with ``form="paper"``.

    Notes
    -----
    Status of the jumping field DERIVED (strong-collision model; a Monte Carlo run of precessing spins agrees); the
    level at zero field is that of Merkulov, Efros, Rosen, PRB 65, 205309 (2002). Status of the paper's form READ: Eq. 4
    of arXiv 2603.03038, equivalent to the printed one. Both need omega tau_c > 1 in the total field.
    """
    choice(form, ("jumping", "paper"), "form")
    if form == "jumping":
        rate = nuclear_transverse_share(field_t / nuclear_field_t) / correlation_time_ps
    else:
        if not is_jax(field_t) and not np.all(field_t != 0):
            raise DataError("field_t must be positive: the paper's law does not hold at zero field; use form='jumping'")
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
