r"""How long a carrier keeps its momentum: polar optical (Froehlich) and acoustic phonons.

The momentum scattering time is what D'yakonov-Perel's and Elliott-Yafet's laws ask for first and what is measured
least. Caution: Froehlich scattering, which sets it at room temperature, conserves the spin: it counts for
D'yakonov-Perel (it turns the field) and hardly for Elliott-Yafet (doi 10.1038/s41467-023-42835-w, abstract READ).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from perospin.errors import DataError
from perospin.mechanisms._arrays import Float, Numeric, checked, namespace
from perospin.units import (
    E2_EV_A,
    ELECTRON_MASS_KG,
    ELEMENTARY_CHARGE_C,
    HBAR2_OVER_M0_EV_A2,
    HBAR_J_S,
    KB_EV_K,
    M0_OVER_E,
)

__all__ = [
    "ScatteringTimes",
    "acoustic_mobility",
    "effective_permittivity",
    "froehlich_coupling",
    "froehlich_mobility",
    "mobility_scattering_time_ps",
    "momentum_scattering_times",
]

INTERVAL_FACTOR = 1.5
"""How far theories of the polaron's mobility lie apart (Kadanoff's and Hellwarth's in MAPbI3)."""


@checked
def effective_permittivity(optical_permittivity: Numeric, static_permittivity: Numeric) -> Float:
    r"""eps* of the polar coupling, :math:`1/\varepsilon^*=1/\varepsilon_\infty-1/\varepsilon_s`.

    Parameters
    ----------
    optical_permittivity, static_permittivity : array_like
        Relative permittivity above and below the phonons, eps_s > eps_inf.

    Raises
    ------
    DataError
        If eps_s isn't above eps_inf.

    Notes
    -----
    Status TEXTBOOK; Eq. 7 of arXiv 2603.03038.
    """
    xp = namespace(optical_permittivity, static_permittivity)
    if xp is np and np.any(static_permittivity <= optical_permittivity):
        raise DataError("static_permittivity must be above optical_permittivity: the phonons add to it")
    return 1.0 / (1.0 / optical_permittivity - 1.0 / static_permittivity)


@checked
def froehlich_coupling(
    mass_m0: Numeric, phonon_energy_mev: Numeric, optical_permittivity: Numeric, static_permittivity: Numeric
) -> Float:
    r"""Froehlich's coupling constant.

    .. math:: \alpha_F=\frac{e^2}{4\pi\varepsilon_0\varepsilon^*}\sqrt{\frac m{2\hbar^2\,\hbar\Omega}}

    Parameters
    ----------
    mass_m0, phonon_energy_mev : array_like
        Band mass (electron masses), LO phonon energy (meV).
    optical_permittivity, static_permittivity : array_like
        As `effective_permittivity`.

    Returns
    -------
    ndarray
        alpha_F; 2.4 for electrons in MAPbI3 (mass 0.12, 2.25 THz, eps 4.5 and 24.1).

    Raises
    ------
    DataError
        If eps_s isn't above eps_inf.

    Notes
    -----
    Status TEXTBOOK; Eq. 6 of arXiv 2603.03038.
    """
    xp = namespace(mass_m0, phonon_energy_mev)
    polar = effective_permittivity(optical_permittivity, static_permittivity)
    return E2_EV_A / polar * xp.sqrt(mass_m0 / (2.0 * HBAR2_OVER_M0_EV_A2 * phonon_energy_mev * 1e-3))


@lru_cache(maxsize=512)
def _polaron(coupling: float, beta: float) -> tuple[float, float]:
    """Feynman's v and w at a reduced inverse temperature: the smallest free energy of Osaka."""
    from scipy.optimize import minimize

    nodes, weights = np.polynomial.legendre.leggauss(200)
    # x = (beta/2) u^2 lifts the square-root edge at x = 0
    u = 0.5 * (nodes + 1.0)
    x, step = 0.5 * beta * u**2, 0.5 * weights * beta * u

    def energy(theta: Float) -> float:
        w = math.exp(theta[0])
        v = w + math.exp(theta[1])
        decay = math.exp(-v * beta) if v * beta < 700 else 0.0
        spread = (1.0 + decay - np.exp(-v * x) - np.exp(v * (x - beta))) / (1.0 - decay)
        under = w**2 * x * (1.0 - x / beta) + spread * (v**2 - w**2) / v
        phonons = (np.exp(-x) + np.exp(x - beta)) / -math.expm1(-beta)
        b = coupling * v / math.sqrt(math.pi) * float(np.sum(step * phonons / np.sqrt(under)))
        a = 3.0 / beta * (math.log(v / w) - 0.5 * math.log(2.0 * math.pi * beta) - _log_sinh_ratio(v, w, beta))
        c = 0.75 * (v**2 - w**2) / v * (1.0 / math.tanh(0.5 * v * beta) - 2.0 / (v * beta))
        return -(a + b + c)

    starts = [(math.log(3.0), math.log(0.5)), (math.log(10.0), math.log(2.0))]
    best = min(
        (minimize(energy, s, method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-12, "maxiter": 4000})
         for s in starts),
        key=lambda found: found.fun,
    )  # fmt: skip
    w = math.exp(best.x[0])
    return w + math.exp(best.x[1]), w


def _log_sinh_ratio(v: float, w: float, beta: float) -> float:
    """ln[sinh(v beta/2)/sinh(w beta/2)] without overflow."""
    return 0.5 * (v - w) * beta + math.log(-math.expm1(-v * beta)) - math.log(-math.expm1(-w * beta))


def _hellwarth(coupling: float, beta: float) -> float:
    """Inverse mobility in units of mass x phonon frequency over the charge."""
    from scipy.integrate import quad

    v, w = _polaron(round(coupling, 12), round(beta, 12))
    ratio = (v**2 - w**2) / (w**2 * v)
    half = 0.5 * beta * v
    b = ratio * beta / math.sinh(half) if half < 700 else 0.0
    a2 = 0.25 * beta**2 + ratio * beta / math.tanh(half)

    def integrand(u: float) -> float:
        return float((u**2 + a2 - b * math.cos(v * u)) ** -1.5)

    top = 200.0 * math.sqrt(a2)
    integral, _ = quad(integrand, 0.0, top, weight="cos", wvar=1.0, limit=400)
    return coupling / (3.0 * math.sqrt(math.pi)) * beta**2.5 / math.sinh(0.5 * beta) * (v / w) ** 3 * integral


@checked
def froehlich_mobility(
    temperature_k: Numeric, mass_m0: Numeric, phonon_energy_mev: Numeric, froehlich_coupling: Numeric
) -> Float:
    r"""Mobility of a carrier that scatters from polar optical phonons (Hellwarth and Biaggio's variational polaron).

    Parameters
    ----------
    temperature_k, mass_m0, phonon_energy_mev : array_like
        Temperature (K), band mass (electron masses), LO phonon energy (meV; one effective mode).
    froehlich_coupling : array_like
        alpha_F, see the function of that name.

    Returns
    -------
    ndarray
        Mobility (cm^2/(V s)); 136 for electrons in MAPbI3 at 300 K. NumPy only.

    Raises
    ------
    DataError
        If an argument isn't positive.

    Notes
    -----
    Status READ in the public code jarvist/PolaronMobility.jl (Hellwarth and Biaggio, PRB 60, 299 (1999), Eqs. 1, 2,
    with Feynman's b), the free energy behind v and w (Osaka) TEXTBOOK; for halide perovskites Frost, PRB 96, 195202
    (2017), whose v, w and mobility come out.
    """
    arrays = np.broadcast_arrays(temperature_k, mass_m0, phonon_energy_mev, froehlich_coupling)
    found = np.empty(arrays[0].shape)
    for index in np.ndindex(found.shape):
        temperature, mass, phonon, coupling = (float(array[index]) for array in arrays)
        beta = phonon * 1e-3 / (KB_EV_K * temperature)
        omega = phonon * 1e-3 * ELEMENTARY_CHARGE_C / HBAR_J_S
        found[index] = 1e4 * ELEMENTARY_CHARGE_C / (omega * mass * ELECTRON_MASS_KG) / _hellwarth(coupling, beta)
    return found


@checked
def acoustic_mobility(
    temperature_k: Numeric, mass_m0: Numeric, deformation_potential_ev: Numeric, elastic_modulus_gpa: Numeric
) -> Float:
    r"""Mobility by acoustic phonons, :math:`\mu=\frac{2\sqrt{2\pi}}3\frac{e\hbar^4C}{m^{5/2}(k_BT)^{3/2}\Xi^2}`.

    Parameters
    ----------
    temperature_k, mass_m0 : array_like
        Temperature (K), effective mass (electron masses).
    deformation_potential_ev, elastic_modulus_gpa : array_like
        Xi (eV), longitudinal modulus C (GPa).

    Returns
    -------
    ndarray
        Mobility (cm^2/(V s)); falls with T^(-3/2).

    Raises
    ------
    DataError
        If an argument isn't positive.

    Notes
    -----
    Status TEXTBOOK: Bardeen and Shockley, Phys. Rev. 80, 72 (1950); nondegenerate carriers in three dimensions.
    """
    modulus = elastic_modulus_gpa * 1e9 / ELEMENTARY_CHARGE_C * 1e-30  # eV/angstrom^3
    thermal = KB_EV_K * temperature_k
    hbar2_m = HBAR2_OVER_M0_EV_A2 / mass_m0  # eV angstrom^2
    # tau k_B T/hbar and mu = e tau/m, lengths in angstrom
    scale = 2.0 * math.sqrt(2.0 * math.pi) / 3.0 * modulus * hbar2_m**1.5 / (thermal**1.5 * deformation_potential_ev**2)
    return scale * hbar2_m / (HBAR_J_S / ELEMENTARY_CHARGE_C) * 1e-16


@checked
def mobility_scattering_time_ps(mobility_cm2_vs: Numeric, mass_m0: Numeric) -> Float:
    r"""Momentum scattering time behind a mobility, :math:`\tau_p=\mu m/e` (ps).

    Parameters
    ----------
    mobility_cm2_vs, mass_m0 : array_like
        Mobility (cm^2/(V s)), effective mass (electron masses).

    Notes
    -----
    Status TEXTBOOK. The time of the first harmonic, which carries k-linear fields.
    """
    return mobility_cm2_vs * 1e-4 * mass_m0 * M0_OVER_E * 1e12


class ScatteringTimes(NamedTuple):
    """Momentum scattering times (ps), each an array.

    `precession_ps` counts every collision: for D'yakonov-Perel and the exchange of excitons. `flip_ps` counts acoustic
    phonons only: for Elliott-Yafet, as polar scattering conserves the spin. `low_ps` and `high_ps` bound the first
    within a factor 1.5, the distance between theories of the polaron.
    """

    precession_ps: Any
    flip_ps: Any
    low_ps: Any
    high_ps: Any


def momentum_scattering_times(
    temperature_k: Numeric,
    mass_m0: Numeric,
    phonon_energy_mev: Numeric,
    froehlich_coupling: Numeric,
    deformation_potential_ev: Numeric,
    elastic_modulus_gpa: Numeric,
) -> ScatteringTimes:
    """Momentum scattering times by both kinds of phonons, for the laws that ask for one.

    Parameters
    ----------
    temperature_k, mass_m0, phonon_energy_mev, froehlich_coupling
        As `froehlich_mobility`.
    deformation_potential_ev, elastic_modulus_gpa
        As `acoustic_mobility`.

    Returns
    -------
    ScatteringTimes

    Raises
    ------
    DataError
        If an argument isn't positive.

    Notes
    -----
    Status DERIVED (Matthiessen's rule). Impurities and boundaries are left out: at low temperature the times are upper
    limits.

    Examples
    --------
    >>> times = momentum_scattering_times(300.0, 0.12, 9.31, 2.39, 2.1, 30.0)
    >>> round(float(times.precession_ps) * 1e3, 1), bool(times.flip_ps > times.precession_ps)  # fs
    (9.3, True)
    """
    polar = mobility_scattering_time_ps(
        froehlich_mobility(temperature_k, mass_m0, phonon_energy_mev, froehlich_coupling), mass_m0
    )
    acoustic = mobility_scattering_time_ps(
        acoustic_mobility(temperature_k, mass_m0, deformation_potential_ev, elastic_modulus_gpa), mass_m0
    )
    both = 1.0 / (1.0 / polar + 1.0 / acoustic)
    return ScatteringTimes(both, acoustic, both / INTERVAL_FACTOR, both * INTERVAL_FACTOR)
