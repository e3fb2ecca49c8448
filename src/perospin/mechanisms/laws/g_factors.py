r"""g factors of electron, hole and exciton against the band gap, and what a field does to them."""

from __future__ import annotations

import warnings
from typing import Literal

from perospin.mechanisms._arrays import Float, Numeric, checked, choice, namespace
from perospin.mechanisms.validity import SpinRelaxationWarning
from perospin.units import HBAR2_OVER_M0_EV_A2, HBAR_EV_PS, MU_B_EV_T, TWO_PI

__all__ = [
    "electron_g_factor",
    "exciton_g_factor",
    "hole_g_factor",
    "larmor_frequency_ghz",
    "larmor_precession",
    "resonance_field_t",
    "zeeman_splitting_mev",
]

Form = Literal["bulk", "nanocrystal"]
G_UNCERTAINTY = 0.4
"""About how far the law is off (standard deviation), from sourced values of 3D lead halides."""


def _interband(interband_momentum_ev_a: Numeric) -> Numeric:
    return 4.0 / 3.0 * interband_momentum_ev_a**2 / HBAR2_OVER_M0_EV_A2


def _form(form: str, carrier: str) -> None:
    choice(form, ("bulk", "nanocrystal"), "form")
    if form == "nanocrystal":
        known = (
            "in nanocrystals the electron's g factor does not follow the bulk law"
            if carrier == "electron"
            else "in nanocrystals the hole's g factor follows the bulk law only roughly"
        )
        warnings.warn(f"{known} (arXiv 2305.10586)", SpinRelaxationWarning, stacklevel=4)


@checked
def hole_g_factor(
    gap_ev: Numeric,
    *,
    interband_momentum_ev_a: Numeric = 6.8,
    split_off_ev: Numeric = 1.5,
    form: Form = "bulk",
) -> Float:
    r"""Hole g factor, :math:`g_h=2-\frac43\frac{p^2}{m_0}\left(\frac1{E_g}-\frac1{E_g+\Delta}\right)`.

    Parameters
    ----------
    gap_ev : array_like
        Band gap at low temperature (eV).
    interband_momentum_ev_a, split_off_ev : array_like
        hbar p/m0 (eV angstrom) and spin-orbit splitting Delta (eV) of lead halide perovskites.
    form : {"bulk", "nanocrystal"}
        ``"nanocrystal"`` takes the transition energy for the gap and warns.

    Returns
    -------
    ndarray
        g_h; give or take 0.4. Zero at a gap of 1.825 eV.

    Raises
    ------
    DataError
        If an argument isn't positive or the form unknown.

    Warns
    -----
    SpinRelaxationWarning
        For nanocrystals.

    Notes
    -----
    Kirstein et al., Nat. Commun. 13, 3062 (2022), doi 10.1038/s41467-022-30701-0. Status TEXTBOOK: equation and
    parameters recalled, abstract and introduction READ.
    """
    _form(form, "hole")
    return 2.0 - _interband(interband_momentum_ev_a) * (1.0 / gap_ev - 1.0 / (gap_ev + split_off_ev))


@checked
def electron_g_factor(
    gap_ev: Numeric,
    *,
    interband_momentum_ev_a: Numeric = 6.8,
    remote_bands: Numeric = -1.0,
    form: Form = "bulk",
) -> Float:
    r"""Electron g factor, :math:`g_e=-\frac23+\frac43\frac{p^2}{m_0E_g}+\Delta g_e`.

    Parameters
    ----------
    gap_ev, interband_momentum_ev_a : array_like
        As `hole_g_factor`.
    remote_bands : array_like
        Delta g_e, contribution of remote bands.
    form : {"bulk", "nanocrystal"}
        As `hole_g_factor`; in nanocrystals g_e doesn't follow the law (1.68 measured where it gives 2.77).

    Returns
    -------
    ndarray
        g_e; give or take 0.4.

    Raises
    ------
    DataError
        If an argument is out of range or the form unknown.

    Warns
    -----
    SpinRelaxationWarning
        For nanocrystals.

    Notes
    -----
    Source as `hole_g_factor`, status TEXTBOOK.
    """
    _form(form, "electron")
    return -2.0 / 3.0 + _interband(interband_momentum_ev_a) / gap_ev + remote_bands


@checked
def exciton_g_factor(gap_ev: Numeric) -> Float:
    r"""Lande factor of the bright exciton, :math:`g_X=g_e+g_h`, from `electron_g_factor` and `hole_g_factor`.

    Parameters
    ----------
    gap_ev : array_like
        Band gap at low temperature (eV).

    Notes
    -----
    Source as `hole_g_factor`, status TEXTBOOK. Measured values stay between +2.3 and +2.7 from 1.52 to 3.21 eV
    (arXiv 2301.12775, abstract READ); the law falls from 3.0 to 2.05: the compensation is right, the slope too steep.
    """
    return hole_g_factor(gap_ev) + electron_g_factor(gap_ev)


@checked
def zeeman_splitting_mev(g_factor: Numeric, field_t: Numeric) -> Float:
    r"""Zeeman splitting :math:`|g|\mu_BB` (meV) at the field B (T). Status TEXTBOOK."""
    xp = namespace(g_factor, field_t)
    return 1e3 * xp.abs(g_factor) * MU_B_EV_T * field_t


@checked
def larmor_precession(g_factor: Numeric, field_t: Numeric) -> Float:
    r"""Angular Larmor frequency :math:`\omega_L=g\mu_BB/\hbar` (rad/ps), with the sign of g. Status TEXTBOOK."""
    return g_factor * MU_B_EV_T * field_t / HBAR_EV_PS


@checked
def larmor_frequency_ghz(g_factor: Numeric, field_t: Numeric) -> Float:
    r"""Larmor frequency :math:`|g|\mu_BB/h` (GHz), that of the spin resonance at the field B (T). Status TEXTBOOK."""
    xp = namespace(g_factor, field_t)
    return 1e3 * xp.abs(g_factor) * MU_B_EV_T * field_t / (TWO_PI * HBAR_EV_PS)


@checked
def resonance_field_t(frequency_ghz: Numeric, g_factor: Numeric) -> Float:
    r"""Field (T) at which a spin of the given g is resonant with a frequency (GHz). Status TEXTBOOK."""
    xp = namespace(frequency_ghz, g_factor)
    return TWO_PI * HBAR_EV_PS * frequency_ghz * 1e-3 / (xp.abs(g_factor) * MU_B_EV_T)
