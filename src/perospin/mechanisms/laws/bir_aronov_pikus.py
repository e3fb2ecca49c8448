r"""Bir-Aronov-Pikus: the electron's spin relaxes by exchange with holes.

For a three-dimensional gas of free electrons and holes. In two-dimensional perovskites electron and hole are bound: use
`exciton_exchange`. The weight 5/3 of bound holes is that of J = 3/2 holes and doesn't transfer to the J = 1/2 bands of
perovskites.

Three points where 10.1039/d5sc07406a (Eq. 3) differs from the literature it follows: it calls the acceptor density a
density of states; it sets 1/tau_0 = Delta_ex/hbar, which is (64/3 pi)(E_B/Delta_ex) times the literature's value
(``convention="paper000"`` here); and it calls the enhancement \|psi(0)\|^2 >= 1 a probability.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from perospin.errors import DataError
from perospin.mechanisms._arrays import Float, Numeric, checked, choice, namespace
from perospin.units import E2_EV_A, HBAR2_OVER_M0_EV_A2, HBAR_EV_PS, KB_EV_K

__all__ = [
    "ExcitonScales",
    "bir_aronov_pikus_degenerate_rate",
    "bir_aronov_pikus_rate",
    "exchange_rate_scale",
    "exciton_scales",
    "fermi_energy_mev",
    "sommerfeld_factor",
]

Convention = Literal["aronov", "paper000"]


@dataclass(frozen=True, slots=True)
class ExcitonScales:
    """Length, energy and velocity of an exciton with a very heavy hole.

    Attributes
    ----------
    radius_nm, energy_mev, velocity_m_s
        Bohr radius (nm), binding energy (meV), velocity hbar/(m a_B) (m/s).
    """

    radius_nm: Any
    energy_mev: Any
    velocity_m_s: Any


@checked
def exciton_scales(mass_m0: Numeric, permittivity: Numeric) -> ExcitonScales:
    r"""Bohr radius, energy and velocity of an exciton whose hole is very heavy.

    :math:`a_B=4\pi\varepsilon_0\varepsilon\hbar^2/m_ce^2`, :math:`E_B=\hbar^2/2m_ca_B^2`, :math:`v_B=\hbar/m_ca_B`.

    Parameters
    ----------
    mass_m0, permittivity : array_like
        ELECTRON mass (electron masses), the heavy-hole limit; relative permittivity.

    Raises
    ------
    DataError
        If an argument isn't positive.

    Notes
    -----
    Status TEXTBOOK: Aronov, Pikus, Titkov, JETP 57, 680 (1983).
    """
    radius_a = permittivity * HBAR2_OVER_M0_EV_A2 / (mass_m0 * E2_EV_A)
    energy_ev = HBAR2_OVER_M0_EV_A2 / (2.0 * mass_m0 * radius_a**2)
    velocity = HBAR2_OVER_M0_EV_A2 / (mass_m0 * radius_a * HBAR_EV_PS) * 100.0  # 1 angstrom/ps = 100 m/s
    return ExcitonScales(radius_a / 10.0, energy_ev * 1e3, velocity)


@checked
def sommerfeld_factor(kinetic_energy_mev: Numeric, exciton_binding_energy_mev: Numeric) -> Float:
    r"""Enhancement of finding electron and hole in one place, unscreened.

    :math:`|\psi(0)|^2=\frac{2\pi/\kappa}{1-e^{-2\pi/\kappa}}`, :math:`\kappa=\sqrt{E_k/E_B}`.

    Parameters
    ----------
    kinetic_energy_mev, exciton_binding_energy_mev : array_like
        Energy of the relative motion and binding energy (meV); the kinetic energy must not be 0.

    Returns
    -------
    ndarray
        Factor, at least 1; 1 for fast carriers.

    Notes
    -----
    Status DERIVED: the Coulomb problem gives the square root (some printings leave it out).
    """
    xp = namespace(kinetic_energy_mev, exciton_binding_energy_mev)
    if xp is np and not np.all(kinetic_energy_mev > 0):
        raise DataError("kinetic_energy_mev must be a positive number: at rest the unscreened enhancement is infinite")
    ratio = kinetic_energy_mev / exciton_binding_energy_mev
    y = 2.0 * np.pi / xp.sqrt(ratio)
    return y / -xp.expm1(-y)


@checked
def exchange_rate_scale(
    exchange_splitting_mev: Numeric,
    mass_m0: Numeric,
    permittivity: Numeric,
    *,
    convention: Convention = "aronov",
) -> Float:
    r"""1/tau_0 (1/ps), :math:`\frac{1}{\tau_0}=\frac{3\pi}{64}\frac{\Delta_{ex}^2}{\hbar E_B}`.

    Parameters
    ----------
    exchange_splitting_mev, mass_m0, permittivity : array_like
        Exchange splitting of the 1s exciton (meV), electron mass, relative permittivity.
    convention : {"aronov", "paper000"}
        ``"paper000"``: Delta_ex/hbar, as 10.1039/d5sc07406a defines it.

    Raises
    ------
    DataError
        If an argument is out of range or the convention unknown.

    Notes
    -----
    Status TEXTBOOK: Aronov, Pikus, Titkov, JETP 57, 680 (1983); doi 10.1103/RevModPhys.76.323.
    """
    choice(convention, ("aronov", "paper000"), "convention")
    splitting = exchange_splitting_mev * 1e-3
    if convention == "paper000":
        return splitting / HBAR_EV_PS
    energy = exciton_scales(mass_m0, permittivity).energy_mev * 1e-3
    return 3.0 * np.pi / 64.0 * splitting**2 / (HBAR_EV_PS * energy)


def _thermal_velocity_ratio(temperature_k: Any, mass_m0: Any, scales: ExcitonScales) -> Any:
    """v_k/v_B = sqrt(E_k/E_B) at the mean thermal energy 3/2 k_B T: masses cancel."""
    xp = namespace(temperature_k, mass_m0, scales.energy_mev)
    return xp.sqrt(1.5e3 * KB_EV_K * temperature_k / scales.energy_mev)


@checked
def bir_aronov_pikus_rate(
    temperature_k: Numeric,
    density_cm3: Numeric,
    exchange_splitting_mev: Numeric,
    mass_m0: Numeric,
    permittivity: Numeric,
    *,
    acceptor_density_cm3: Numeric | None = None,
    hole_mass_m0: Numeric | None = None,
    statistics: Literal["auto", "nondegenerate"] = "auto",
    enhancement: Literal["screened", "unscreened", "unscreened_mean_energy"] = "screened",
    convention: Convention = "aronov",
) -> Float:
    r"""Bir-Aronov-Pikus rate, the free holes nondegenerate or degenerate as density and temperature have it.

    .. math:: \frac1{\tau_s}=\frac{2}{\tau_0}\,a_B^3\frac{v_k}{v_B}
       \left[p\,|\psi(0)|^4+\tfrac53(N_A-p)\right]

    Parameters
    ----------
    temperature_k, density_cm3 : array_like
        Temperature (K); density p of free holes (1/cm^3).
    exchange_splitting_mev : array_like
        Exchange splitting Delta_ex of the 1s exciton (meV).
    mass_m0, permittivity : array_like
        Electron mass (electron masses), relative permittivity.
    acceptor_density_cm3 : array_like, optional
        Acceptor density N_A (1/cm^3), at least p; N_A - p holes are bound. Without it all holes are free.
    hole_mass_m0 : array_like, optional
        Hole mass (electron masses), for the holes' Fermi energy; that of the electron by default, as in perovskites.
    statistics : {"auto", "nondegenerate"}
        ``"auto"`` takes the smaller of the nondegenerate and the degenerate line
        (`bir_aronov_pikus_degenerate_rate`); they meet where the Fermi energy is about 3/2 k_B T.
    enhancement : {"screened", "unscreened", "unscreened_mean_energy"}
        \|psi(0)\|^2 = 1; \|psi(0)\|^4 as a mean over the collisions of a thermal gas; or at 3/2 k_B T alone.
    convention : {"aronov", "paper000"}
        Of tau_0, see `exchange_rate_scale`.

    Returns
    -------
    ndarray
        Rate (1/ps), at the thermal velocity sqrt(3 k_B T/m).

    Raises
    ------
    DataError
        If an argument is out of range.

    Notes
    -----
    Free-hole line with \|psi(0)\|^4 READ in a public implementation of arXiv 2106.13356, Eqs. 47, 50; the bracket with
    bound holes TEXTBOOK (JETP 57, 680 (1983)). Eq. 3 of 10.1039/d5sc07406a prints the bracket with N_A renamed N_v.

    Examples
    --------
    >>> round(1 / float(bir_aronov_pikus_rate(300.0, 1e18, 1.0, 0.2, 9.0)), 2)  # ps
    5174.99
    """
    choice(enhancement, ("screened", "unscreened", "unscreened_mean_energy"), "enhancement")
    choice(statistics, ("auto", "nondegenerate"), "statistics")
    scales = exciton_scales(mass_m0, permittivity)
    thermal_mev = KB_EV_K * temperature_k * 1e3
    psi4: Any = 1.0
    if enhancement == "unscreened":
        psi4 = _mean_enhancement(thermal_mev, scales.energy_mev)
    elif enhancement == "unscreened_mean_energy":
        psi4 = sommerfeld_factor(1.5 * thermal_mev, scales.energy_mev) ** 2
    holes = density_cm3 * psi4
    if statistics == "auto":
        holes = holes * _degeneracy(
            thermal_mev, density_cm3, mass_m0, mass_m0 if hole_mass_m0 is None else hole_mass_m0
        )
    if acceptor_density_cm3 is not None:
        _check_bound(density_cm3, acceptor_density_cm3)
        holes = holes + 5.0 / 3.0 * (acceptor_density_cm3 - density_cm3)
    ratio = _thermal_velocity_ratio(temperature_k, mass_m0, scales)
    scale = exchange_rate_scale(exchange_splitting_mev, mass_m0, permittivity, convention=convention)
    return 2.0 * scale * holes * (scales.radius_nm * 1e-7) ** 3 * ratio


def _mean_enhancement(thermal_mev: Any, binding_mev: Any) -> Any:
    """Mean of |psi(0)|^4 over the collisions of a thermal gas: weighted with the velocity."""
    from scipy.special import roots_genlaguerre

    xp = namespace(thermal_mev, binding_mev)
    # energies over kT have the weight x e^-x, of which x takes the 1/x of slow carriers away
    nodes, weights = roots_genlaguerre(80, 0.0)
    ratio = xp.asarray(thermal_mev)[..., None] / xp.asarray(binding_mev)[..., None] * nodes
    y = 2.0 * np.pi / xp.sqrt(ratio)
    return xp.sum(weights * nodes * (y / -xp.expm1(-y)) ** 2, axis=-1)


def _degeneracy(thermal_mev: Any, density_cm3: Any, mass_m0: Any, hole_mass_m0: Any) -> Any:
    """Degenerate over nondegenerate rate at the mean thermal energy, at most 1."""
    xp = namespace(thermal_mev, density_cm3, mass_m0, hole_mass_m0)
    fermi = xp.maximum(fermi_energy_mev(density_cm3, hole_mass_m0), 1e-12)  # no holes, no Fermi energy
    share = 1.5 * thermal_mev / fermi
    hot = xp.sqrt(mass_m0 / hole_mass_m0 * share)
    return xp.minimum(xp.where(share < mass_m0 / hole_mass_m0 * 2.25, hot, share), 1.0)


def _check_bound(density_cm3: Any, acceptor_density_cm3: Any) -> None:
    if namespace(density_cm3, acceptor_density_cm3) is np and np.any(density_cm3 > acceptor_density_cm3):
        raise DataError("acceptor_density_cm3 must be at least density_cm3: each free hole comes from an acceptor")


@checked
def fermi_energy_mev(density_cm3: Numeric, hole_mass_m0: Numeric) -> Float:
    r"""Fermi energy of a spin-degenerate 3D gas, :math:`\hbar^2(3\pi^2p)^{2/3}/2m_h` (meV).

    Parameters
    ----------
    density_cm3, hole_mass_m0 : array_like
        Density (1/cm^3) and mass (electron masses).

    Notes
    -----
    Status TEXTBOOK.
    """
    density_a3 = density_cm3 * 1e-24
    return 0.5e3 * HBAR2_OVER_M0_EV_A2 / hole_mass_m0 * (3.0 * np.pi**2 * density_a3) ** (2.0 / 3.0)


@checked
def bir_aronov_pikus_degenerate_rate(
    temperature_k: Numeric,
    density_cm3: Numeric,
    exchange_splitting_mev: Numeric,
    mass_m0: Numeric,
    permittivity: Numeric,
    hole_mass_m0: Numeric,
    *,
    kinetic_energy_mev: Numeric | None = None,
    line: Literal["auto", "thermal", "hot"] = "auto",
    convention: Convention = "aronov",
) -> Float:
    r"""Bir-Aronov-Pikus rate with degenerate holes (their Fermi energy well above k_B T).

    Thermal electrons :math:`\frac3{\tau_0}pa_B^3\frac{v_k}{v_B}\frac{k_BT}{E_F}`, hot electrons
    :math:`\frac2{\tau_0}pa_B^3\frac{v_F}{v_B}\frac{E}{E_F}`; boundary :math:`E^*=m_h(k_BT)^2/(m_eE_F)`.

    Parameters
    ----------
    temperature_k, density_cm3, exchange_splitting_mev, mass_m0, permittivity : array_like
        As `bir_aronov_pikus_rate`.
    hole_mass_m0 : array_like
        Hole mass (electron masses).
    kinetic_energy_mev : array_like, optional
        Energy E of the electron (meV); 3/2 k_B T by default.
    line : {"auto", "thermal", "hot"}
        ``"auto"`` takes the hot line above E*, where the two differ by 3/2: the rate has a step there.
    convention : {"aronov", "paper000"}
        Of tau_0.

    Returns
    -------
    ndarray
        Rate (1/ps), with \|psi(0)\|^2 = 1 (screened).

    Raises
    ------
    DataError
        If an argument is out of range.

    Notes
    -----
    Status READ in a public implementation of arXiv 2106.13356, Eqs. 51 and 53.
    """
    choice(line, ("auto", "thermal", "hot"), "line")
    xp = namespace(temperature_k, density_cm3, exchange_splitting_mev, mass_m0, permittivity, hole_mass_m0)
    thermal_mev = KB_EV_K * temperature_k * 1e3
    energy: Any = 1.5 * thermal_mev if kinetic_energy_mev is None else kinetic_energy_mev
    scales = exciton_scales(mass_m0, permittivity)
    fermi = fermi_energy_mev(density_cm3, hole_mass_m0)
    common = (
        exchange_rate_scale(exchange_splitting_mev, mass_m0, permittivity, convention=convention)
        * density_cm3
        * (scales.radius_nm * 1e-7) ** 3
        / fermi
    )
    # both velocities over v_B, from energies over E_B
    slow = 3.0 * common * xp.sqrt(energy / scales.energy_mev) * thermal_mev
    fast = 2.0 * common * xp.sqrt(fermi * mass_m0 / (hole_mass_m0 * scales.energy_mev)) * energy
    if line != "auto":
        return slow if line == "thermal" else fast
    boundary = hole_mass_m0 * thermal_mev**2 / (mass_m0 * fermi)
    return xp.where(energy > boundary, fast, slow)
