r"""Exciton exchange (Maialle, de Andrada e Silva, Sham).

Electron-hole exchange acts on the bright exciton as a field that turns with the direction of its motion:
:math:`H=\frac\hbar2\Omega_K(\cos2\phi\,\sigma_x+\sin2\phi\,\sigma_y)`; collisions change phi, as in D'yakonov-Perel's
mechanism. Primary source PRB 47, 15776 (1993), doi 10.1103/PhysRevB.47.15776, TEXTBOOK here.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from perospin.errors import DataError
from perospin.mechanisms._arrays import Float, Numeric, checked, choice, namespace
from perospin.mechanisms.laws.dyakonov_perel import crossover_rate, thermal_wavevector
from perospin.units import HBAR2_OVER_M0_EV_A2, HBAR_EV_PS

__all__ = [
    "QuadraticFit",
    "exciton_exchange_rate",
    "exciton_exchange_thermal_rate",
    "exciton_overlap_nm2",
    "exciton_radius_nm",
    "fit_quadratic_law",
    "layer_binding_energy_mev",
    "quadratic_binding_rate",
]


@checked
def exciton_exchange_rate(
    exchange_splitting_mev: Numeric,
    momentum_scattering_time_ps: Numeric,
    *,
    polarisation: Literal["circular", "linear"] = "circular",
    regime: Literal["auto", "motional_narrowing"] = "auto",
) -> Float:
    r"""Relaxation rate of the bright exciton's polarisation, :math:`1/\tau_{s1}=\langle\Omega_K^2\tau^*\rangle`.

    Parameters
    ----------
    exchange_splitting_mev : array_like
        :math:`\hbar\Omega_K`, longitudinal-transverse splitting at the thermal wave vector (meV).
    momentum_scattering_time_ps : array_like
        tau*: relaxation time (ps) of the second angular harmonic of the exciton's momentum.
    polarisation : {"circular", "linear"}
        Circular (longitudinal spin), or linear: half the rate.
    regime : {"auto", "motional_narrowing"}
        ``"auto"`` uses `crossover_rate`, right for any Omega tau*.

    Returns
    -------
    ndarray
        Rate (1/ps).

    Raises
    ------
    DataError
        If an argument is out of range.

    Notes
    -----
    Status TEXTBOOK (doi 10.1103/PhysRevB.47.15776, page not read); pure exchange part.
    """
    choice(polarisation, ("circular", "linear"), "polarisation")
    choice(regime, ("auto", "motional_narrowing"), "regime")
    omega = exchange_splitting_mev * 1e-3 / HBAR_EV_PS
    if regime == "auto":
        return crossover_rate(omega, momentum_scattering_time_ps, axis="z" if polarisation == "circular" else "x")
    return (1.0 if polarisation == "circular" else 0.5) * omega**2 * momentum_scattering_time_ps


@checked
def exciton_exchange_thermal_rate(
    temperature_k: Numeric,
    exchange_slope_ev_a: Numeric,
    momentum_scattering_time_ps: Numeric,
    translational_mass_m0: Numeric,
    *,
    regime: Literal["auto", "motional_narrowing"] = "auto",
) -> Float:
    r"""Exchange rate of thermal excitons, whose splitting grows with the wave vector.

    :math:`\hbar\Omega_K=2\alpha_{LT}K`, :math:`\langle K^2\rangle=2Mk_BT/\hbar^2`.

    Parameters
    ----------
    temperature_k : array_like
        Temperature (K).
    exchange_slope_ev_a : array_like
        alpha_LT: half the slope of the longitudinal-transverse splitting against K (eV angstrom).
    momentum_scattering_time_ps, translational_mass_m0 : array_like
        tau* (ps); exciton mass M = m_e + m_h (electron masses).
    regime : {"auto", "motional_narrowing"}
        As `exciton_exchange_rate`.

    Returns
    -------
    ndarray
        Rate for circular polarisation (1/ps).

    Raises
    ------
    DataError
        If an argument is out of range.

    Notes
    -----
    Status DERIVED from doi 10.1103/PhysRevB.47.15776 for a thermal gas.
    """
    choice(regime, ("auto", "motional_narrowing"), "regime")
    wavevector = thermal_wavevector(temperature_k, translational_mass_m0, dimension=2)
    omega = 2.0 * exchange_slope_ev_a * wavevector / HBAR_EV_PS
    if regime == "auto":
        return crossover_rate(omega, momentum_scattering_time_ps)
    return omega**2 * momentum_scattering_time_ps


@checked
def exciton_radius_nm(exciton_binding_energy_mev: Numeric, reduced_mass_m0: Numeric) -> Float:
    r"""Bohr radius a_0 (of the 3D problem) of a 2D hydrogen-like exciton, from :math:`E_b=2\hbar^2/(\mu a_0^2)`.

    Parameters
    ----------
    exciton_binding_energy_mev, reduced_mass_m0 : array_like
        Binding energy (meV), reduced mass (electron masses).

    Returns
    -------
    ndarray
        Radius (nm).

    Notes
    -----
    Status DERIVED.
    """
    xp = namespace(exciton_binding_energy_mev, reduced_mass_m0)
    energy = exciton_binding_energy_mev * 1e-3
    return 0.1 * xp.sqrt(2.0 * HBAR2_OVER_M0_EV_A2 / (reduced_mass_m0 * energy))


@checked
def exciton_overlap_nm2(exciton_binding_energy_mev: Numeric, reduced_mass_m0: Numeric) -> Float:
    r"""Probability density of electron on hole in a 2D exciton, :math:`|\phi_{1s}(0)|^2=4\mu E_b/(\pi\hbar^2)`.

    Parameters
    ----------
    exciton_binding_energy_mev, reduced_mass_m0 : array_like
        Binding energy (meV), reduced mass (electron masses).

    Returns
    -------
    ndarray
        Density (1/nm^2). Proportional to the binding energy, as is the exchange energy; hence a rate that goes with
        its square (`quadratic_binding_rate`).

    Notes
    -----
    Status DERIVED for the 2D hydrogen problem; qualitative for layered perovskites, where dielectric confinement
    makes the potential another one.
    """
    energy = exciton_binding_energy_mev * 1e-3
    return 100.0 * 4.0 * reduced_mass_m0 * energy / (np.pi * HBAR2_OVER_M0_EV_A2)


@checked
def quadratic_binding_rate(exciton_binding_energy_mev: Numeric, quadratic_coefficient_per_ps: Numeric) -> Float:
    r"""Exchange rate against binding energy, :math:`1/\tau_s=k\,E_b^2`.

    Parameters
    ----------
    exciton_binding_energy_mev : array_like
        Binding energy (meV).
    quadratic_coefficient_per_ps : array_like
        k in 1/(ps eV^2), for instance from `fit_quadratic_law`.

    Returns
    -------
    ndarray
        Rate (1/ps).

    Notes
    -----
    Status DERIVED (see `exciton_overlap_nm2`) at fixed reduced mass, scattering time and temperature. No published
    coefficient was found; it has to be fitted.
    """
    return quadratic_coefficient_per_ps * (exciton_binding_energy_mev * 1e-3) ** 2


class QuadraticFit(NamedTuple):
    """Result of `fit_quadratic_law`: coefficient (1/(ps eV^2)) and the free exponent, a diagnostic (2 expected)."""

    coefficient_per_ps: float
    exponent: float


def fit_quadratic_law(
    exciton_binding_energy_mev: Numeric, rate_per_ps: Numeric, weights: Numeric | None = None
) -> QuadraticFit:
    r"""Fit :math:`R=kE_b^2` through the origin, and the free exponent of R(E_b) on logarithmic axes.

    :math:`k=\sum_iw_iR_iE_i^2/\sum_iw_iE_i^4`.

    Parameters
    ----------
    exciton_binding_energy_mev, rate_per_ps : array_like, shape (n,)
        Binding energies (meV) and rates (1/ps), positive, at least two different energies.
    weights : array_like, shape (n,), optional
        Weights of the rates, equal by default.

    Raises
    ------
    DataError
        If the values aren't positive, the shapes differ, or all energies are equal.

    Notes
    -----
    Status DERIVED.
    """
    energy = np.asarray(exciton_binding_energy_mev, dtype=float) * 1e-3
    rate = np.asarray(rate_per_ps, dtype=float)
    weight = np.ones_like(rate) if weights is None else np.asarray(weights, dtype=float)
    if energy.ndim != 1 or energy.shape != rate.shape or weight.shape != rate.shape:
        raise DataError("exciton_binding_energy_mev, rate_per_ps and weights must be lists of one length")
    if not (np.all(energy > 0) and np.all(rate > 0) and np.all(weight > 0)):
        raise DataError("binding energies, rates and weights must be positive")
    if np.ptp(energy) == 0:
        raise DataError("a law of the binding energy needs at least two different binding energies")
    coefficient = np.sum(weight * rate * energy**2) / np.sum(weight * energy**4)
    x, y = np.log(energy), np.log(rate)
    x, mean = x - np.average(x, weights=weight), np.average(y, weights=weight)
    return QuadraticFit(float(coefficient), float(np.sum(weight * x * (y - mean)) / np.sum(weight * x**2)))


_BULK_MEV, _ONE_LAYER_MEV, _FIVE_LAYERS_MEV = 16.0, 470.0, 125.0
_ONE, _FIVE = (1.0 - float(np.sqrt(_BULK_MEV / e)) for e in (_ONE_LAYER_MEV, _FIVE_LAYERS_MEV))
_DECAY = float(np.log(_ONE / _FIVE)) / 4.0
_DEPTH = _ONE * float(np.exp(_DECAY))


@checked
def layered_permittivity(spacing_a: Numeric, well_a: Numeric, well: Numeric, barrier: Numeric) -> Float:
    r"""Permittivity that screens two charges in a stack of layers, far apart compared with its period.

    .. math:: \varepsilon=\sqrt{\varepsilon_\parallel\varepsilon_\perp},\qquad
              \varepsilon_\parallel=\frac{w\varepsilon_w+(L-w)\varepsilon_b}{L},\qquad
              \frac1{\varepsilon_\perp}=\frac{w/\varepsilon_w+(L-w)/\varepsilon_b}{L}

    A two-dimensional exciton in it has a binding energy that goes as :math:`1/\varepsilon^2`.

    Parameters
    ----------
    spacing_a : array_like
        Layer spacing L (A).
    well_a : array_like
        Thickness w of a layer (A), below L.
    well, barrier : array_like
        Relative permittivity of the layer and of what lies between.

    Returns
    -------
    ndarray
        Relative permittivity.

    Notes
    -----
    Status TEXTBOOK (effective medium of a stack of slabs). Excitons of lead iodides are hardly larger than the period,
    so the form orders materials; absolute energies need the full potential.
    """
    xp = namespace(spacing_a, well_a, well, barrier)
    share = xp.asarray(well_a) / xp.asarray(spacing_a)
    along = share * xp.asarray(well) + (1.0 - share) * xp.asarray(barrier)
    across = 1.0 / (share / xp.asarray(well) + (1.0 - share) / xp.asarray(barrier))
    return xp.sqrt(along * across)


def layer_binding_energy_mev(n_layers: Numeric) -> Float:
    r"""Exciton binding energy of butylammonium methylammonium lead iodides against the number of layers.

    :math:`E_b(n)=E_0/(1-d\,e^{-cn})^2`, with d and c such that the curve passes through the measured 470 meV (n = 1)
    and 125 meV (n = 5, doi 10.1038/s41467-018-04659-x, abstract READ) and ends at 16 meV (bulk MAPbI3,
    doi 10.1038/nphys3357, abstract READ).

    Parameters
    ----------
    n_layers : array_like
        Number of octahedral layers.

    Returns
    -------
    ndarray
        Binding energy (meV).

    Notes
    -----
    Status of the fractional-dimension form TEXTBOOK, of its two constants (d = 0.866, c = 0.0597) DERIVED from the
    three values. Other spacers screen differently: (4I-BA)2PbI4 has 150 meV at n = 1.
    """
    xp = namespace(n_layers)
    return _BULK_MEV / (1.0 - _DEPTH * xp.exp(-_DECAY * xp.asarray(n_layers))) ** 2
