r"""Elliott-Yafet: each collision flips the spin with a small probability, because the bands mix up and down.

The rate falls with the momentum scattering time where D'yakonov-Perel's rises: the sign of the slope tells them apart.
In bands of heavy elements <b^2> is 0.1 to 0.5 and the expansion in b ends (the rate saturates at that of the momentum);
Froehlich scattering, which sets the mobility of CsPbBr3, hardly flips spins (doi 10.1038/s41467-023-42835-w, abstract
READ), so a scattering time taken from a mobility must not be inserted blindly.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from perospin.errors import DataError
from perospin.mechanisms._arrays import Float, Numeric, checked, namespace
from perospin.mechanisms._quadrature import legendre
from perospin.units import HBAR_EV_PS, KB_EV_K

__all__ = [
    "elliott_yafet_debye_rate",
    "elliott_yafet_einstein_rate",
    "elliott_yafet_high_temperature_rate",
    "elliott_yafet_iii_v_factor",
    "elliott_yafet_integral_rate",
    "elliott_yafet_rate",
    "spin_mixing_from_g",
]

_FREE_ELECTRON_G = 2.00232


@checked
def elliott_yafet_rate(
    spin_mixing: Numeric, momentum_scattering_time_ps: Numeric, *, prefactor: Numeric = 1.0
) -> Float:
    r"""Elliott-Yafet rate in its simple form, :math:`1/\tau_s = c\,\langle b^2\rangle/\tau_p`.

    Parameters
    ----------
    spin_mixing : array_like
        Spin admixture <b^2>, 0 to 1.
    momentum_scattering_time_ps : array_like
        Time between the collisions that count (ps).
    prefactor : array_like
        c: 1 follows 10.1039/d5sc07406a; 4 is the golden-rule convention with b the small spin amplitude.

    Returns
    -------
    ndarray
        Decay rate of the polarisation (1/ps).

    Raises
    ------
    DataError
        If an argument is out of range.

    Notes
    -----
    Status TEXTBOOK: Elliott, Phys. Rev. 96, 266 (1954); form of 10.1039/d5sc07406a.
    """
    return prefactor * spin_mixing / momentum_scattering_time_ps


@checked
def spin_mixing_from_g(g_factor: Numeric) -> Float:
    r"""Elliott's estimate of the spin admixture from the g shift, :math:`\langle b^2\rangle\sim(g-2.00232)^2`.

    Notes
    -----
    Status TEXTBOOK; right to a factor of order one, and only where g is near 2: not in perovskites, whose g factors
    are far from it.
    """
    return (g_factor - _FREE_ELECTRON_G) ** 2


def _thermal_factor(x: Any) -> Any:
    """T dN/dT = x e^x / (e^x - 1)^2 of the Bose function N at x = energy/k_B T; finite for every x > 0."""
    xp = namespace(x)
    return x * xp.exp(-x) / xp.expm1(-x) ** 2


@checked
def elliott_yafet_einstein_rate(temperature_k: Numeric, coupling: Numeric, phonon_energy_mev: Numeric) -> Float:
    r"""Elliott-Yafet rate by phonons of one energy.

    :math:`\alpha_s^2F=(\lambda_s/2)\,\Omega_0\,\delta(\Omega-\Omega_0)` gives
    :math:`1/T_1=8\pi\,\frac{\lambda_s}{2}\Omega_0\,\frac{x e^x}{(e^x-1)^2}`, :math:`x=\hbar\Omega_0/k_BT`.

    Parameters
    ----------
    temperature_k, coupling, phonon_energy_mev : array_like
        Temperature (K), spin coupling constant lambda_s, phonon energy (meV).

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
    Status TEXTBOOK as `elliott_yafet_integral_rate`, of which it is the closed form.
    """
    energy = phonon_energy_mev * 1e-3
    return 4.0 * np.pi * coupling * energy / HBAR_EV_PS * _thermal_factor(energy / (KB_EV_K * temperature_k))


@checked
def elliott_yafet_debye_rate(temperature_k: Numeric, coupling: Numeric, phonon_energy_mev: Numeric) -> Float:
    r"""Elliott-Yafet rate by phonons with :math:`\alpha_s^2F=\lambda_s(\Omega/\Omega_D)^2` up to the energy given.

    Parameters
    ----------
    temperature_k, coupling, phonon_energy_mev : array_like
        Temperature (K), spin coupling constant lambda_s, largest phonon energy (meV).

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
    Status TEXTBOOK; Gauss-Legendre quadrature, 80 points.
    """
    xp = namespace(temperature_k, coupling, phonon_energy_mev)
    nodes, weights = legendre(80, 0.0, 1.0)
    top = xp.asarray(phonon_energy_mev)[..., None] * 1e-3
    thermal = KB_EV_K * xp.asarray(temperature_k)[..., None]
    reach = xp.minimum(1.0, 80.0 * thermal / top)  # phonons above 80 k_B T are frozen out
    u = nodes * reach
    integral = xp.sum(weights * reach * u**2 * _thermal_factor(u * top / thermal), axis=-1)
    return 8.0 * np.pi * coupling * phonon_energy_mev * 1e-3 / HBAR_EV_PS * integral


@checked
def elliott_yafet_high_temperature_rate(temperature_k: Numeric, coupling: Numeric) -> Float:
    r"""Limit of all Eliashberg forms far above the phonon energies, :math:`1/T_1=4\pi\lambda_sk_BT/\hbar` (1/ps).

    Parameters
    ----------
    temperature_k, coupling : array_like
        Temperature (K); :math:`\lambda_s=2\int\alpha_s^2F\,d\Omega/\Omega`.

    Notes
    -----
    Status DERIVED from `elliott_yafet_integral_rate`; twice the analogue of the momentum's rate, as both flip
    directions count.
    """
    return 4.0 * np.pi * coupling * KB_EV_K * temperature_k / HBAR_EV_PS


def elliott_yafet_integral_rate(
    temperature_k: Numeric,
    spectral_function: Callable[[Any], Any] | Numeric,
    energies_mev: tuple[float, float] | Numeric,
) -> Any:
    r"""Elliott-Yafet rate from a spin-flip Eliashberg function.

    .. math:: \frac1{T_1}=8\pi\,T\int_0^\infty d\Omega\;\alpha_s^2F(\Omega)\,\frac{\partial N(\Omega)}{\partial T}

    Parameters
    ----------
    temperature_k : array_like
        Temperature (K), scalar or shape (m,).
    spectral_function : callable or array_like
        :math:`\alpha_s^2F` (dimensionless) as a function of the phonon energy in meV, or its values, shape (n,).
    energies_mev : (float, float) or array_like
        For a callable the range of integration (meV); for values their phonon energies (meV), positive and
        increasing, shape (n,), integrated by the trapezium rule.

    Returns
    -------
    ndarray
        Rate (1/ps), shape of `temperature_k`.

    Raises
    ------
    DataError
        If temperature or energies aren't positive, the energies don't increase, or the shapes don't fit.

    Notes
    -----
    Eq. 2 of 10.1039/d5sc07406a; the equation is missing from the scan and its list of symbols matches only this form.
    Status TEXTBOOK: Fabian and Das Sarma, PRL 83, 1211 (1999), doi 10.1103/PhysRevLett.83.1211. For degenerate
    electrons (metals); for nondegenerate carriers use `elliott_yafet_rate`.
    """
    xp = namespace(temperature_k, spectral_function)
    temperature = xp.asarray(temperature_k, dtype=float)
    grid = np.asarray(energies_mev, dtype=float)
    if not np.all(grid[:-1] < grid[1:]) or grid.size < 2 or grid[0] < 0 or not np.isfinite(grid).all():
        raise DataError("energies_mev must be at least two increasing energies from 0 up")
    if xp is np and not (np.isfinite(temperature).all() and np.all(temperature > 0)):
        raise DataError(f"temperature_k must be a positive number, got {np.min(temperature):g}")
    if callable(spectral_function):
        if grid.shape != (2,):
            raise DataError("with a function, energies_mev is the pair of its lowest and highest energy")
        nodes, weights = legendre(160, float(grid[0]), float(grid[1]))
        values = spectral_function(nodes)
    else:
        if grid[0] == 0:
            raise DataError("with tabulated values, energies_mev must be positive: leave the point at 0 out")
        values = xp.asarray(spectral_function)
        if values.shape != grid.shape:
            raise DataError(f"spectral_function has the shape {values.shape}, energies_mev {grid.shape}")
        nodes, steps = grid, np.diff(grid)
        weights = 0.5 * (np.append(steps, 0.0) + np.insert(steps, 0, 0.0))
    factor = _thermal_factor(nodes * 1e-3 / (KB_EV_K * temperature[..., None]))
    return 8.0 * np.pi / HBAR_EV_PS * 1e-3 * xp.sum(weights * values * factor, axis=-1)


@checked
def elliott_yafet_iii_v_factor(
    mass_m0: Numeric, gap_ev: Numeric, split_off_ev: Numeric, kinetic_energy_mev: Numeric
) -> Float:
    r"""Factor of 1/tau_m in the bulk III-V closed form; for checks against GaAs only.

    :math:`(1-m^*)^2\left(\frac{\eta}{1+\eta}\right)^2\left(\frac{1+\eta/2}{1+2\eta/3}\right)^2\left(\frac{E}{E_g}\right)^2`,
    :math:`\eta=\Delta_{so}/E_g`.

    Parameters
    ----------
    mass_m0, gap_ev, split_off_ev, kinetic_energy_mev : array_like
        Electron mass (electron masses), gap and spin-orbit splitting (eV), electron energy (meV).

    Notes
    -----
    Status READ in a public implementation of arXiv 2106.13356, Eq. 45. Holds for s-like conduction bands in normal
    order, which no halide perovskite has.
    """
    eta = split_off_ev / gap_ev
    first = eta / (1.0 + eta) * (1.0 + 0.5 * eta) / (1.0 + 2.0 / 3.0 * eta)
    return ((1.0 - mass_m0) * first * kinetic_energy_mev * 1e-3 / gap_ev) ** 2
