r"""Two-LO-phonon Raman relaxation in nanocrystals (arXiv 2603.03038), closed form and Golden-Rule integral.

The carrier absorbs one optical phonon and emits another; the electric field of the two, through the Rashba constant
and the carrier's polarisability, turns its spin.

What differs from the paper, and how to get the paper's own version:

===================  ==============================================  ========================================
point                here (default)                                  paper
===================  ==============================================  ========================================
angular factor       2/9: each component of <\|q1 x q2\|^2> = 2/3    ``angular_factor=2/3``
excited states       x-, y- and z-like ones                          without the z-like ones
occupation           n(n+1)                                          ``occupation="boltzmann"``: e^(-E/kT)
polarisation decay   2 Gamma (up and down flips)                     Gamma
power of the energy  4                                               Eq. 25 prints 3, Eqs. 24 and 26 need 4
===================  ==============================================  ========================================

The electric field of the phonons acts as
:math:`(m/\hbar)(\alpha_R/e)\,[\chi\dot{\mathcal E}\times\mathcal E]\cdot\sigma`: the amplitude of sigma_x carries
chi_yy + chi_zz, that of sigma_y chi_xx + chi_zz, and
:math:`C_\chi=[(\chi_{yy}+\chi_{zz})^2+(\chi_{xx}+\chi_{zz})^2]^{1/2}` in units of m e^2 a^4/hbar^2. The paper's Eqs.
17 to 24 leave chi_zz out: its C_chi = 1 is 2 here, for a cube, and the rate four times larger. (Eq. 12 prints a plus
before its first fraction where second-order perturbation theory, and Eq. 18a, have a minus.) C_chi = 2 is generous: an
infinite cube has 0.0124 (`cube_polarisability`). The model is an order-of-magnitude upper estimate, not a prediction.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from perospin.errors import DataError
from perospin.mechanisms._arrays import Float, Numeric, checked, choice, namespace
from perospin.mechanisms._quadrature import legendre
from perospin.units import E2_EV_A, HBAR2_OVER_M0_EV_A2, HBAR_EV_PS, KB_EV_K, MU_B_EV_T

__all__ = [
    "activation_rate",
    "cube_polarisability",
    "cuboid_polarisability",
    "raman_flip_rate",
    "raman_golden_rule_rate",
    "raman_rate",
    "rashba_coefficient_a2",
]

Occupation = Literal["bose", "boltzmann"]
Version = Literal["derived", "paper"]
_BOX = (15.0 - np.pi**2) / (12.0 * np.pi**4)  # chi_xx of an infinite box, in m e^2 L^4/hbar^2
DEFAULT_POLARISABILITY = 2.0
"""C_chi that stands for the paper's 1: a dot as round as a cube, its z-like states counted."""
DERIVED_ANGULAR_FACTOR, PAPER_ANGULAR_FACTOR = 2.0 / 9.0, 2.0 / 3.0


@checked
def activation_rate(
    temperature_k: Numeric,
    activation_rate_per_ps: Numeric,
    activation_energy_mev: Numeric,
    *,
    spin_lifetime_ps: Any = None,
) -> Float:
    r"""Thermally activated relaxation, :math:`1/T_1=1/T_{1,0}+\gamma_ae^{-E_a/k_BT}`.

    Parameters
    ----------
    temperature_k, activation_rate_per_ps, activation_energy_mev : array_like
        Temperature (K), gamma_a (1/ps), E_a (meV).
    spin_lifetime_ps : array_like, optional
        T_1,0 (ps), the lifetime at zero temperature; left out by default.

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
    Status READ: Eq. 5 of arXiv 2603.03038; limit of `raman_rate` far below the phonon energy.
    """
    xp = namespace(temperature_k, activation_rate_per_ps, activation_energy_mev)
    x = activation_energy_mev * 1e-3 / (KB_EV_K * temperature_k)
    rate = activation_rate_per_ps * xp.exp(-x)
    return rate if spin_lifetime_ps is None else rate + 1.0 / spin_lifetime_ps


@checked
def rashba_coefficient_a2(interband_momentum_ev_a: Numeric, gap_ev: Numeric) -> Float:
    r"""Rashba constant per electric field from band parameters, :math:`\alpha_R/e=P^2/(3E_g^2)`.

    Parameters
    ----------
    interband_momentum_ev_a, gap_ev : array_like
        P = hbar p/m0 (eV angstrom), band gap (eV).

    Returns
    -------
    ndarray
        alpha_R/e (angstrom^2): times a field in V/angstrom it gives eV angstrom.

    Notes
    -----
    Status READ: Eq. 16 of arXiv 2603.03038.
    """
    return interband_momentum_ev_a**2 / (3.0 * gap_ev**2)


def cube_polarisability(version: Version = "derived") -> float:
    r"""C_chi of a carrier in an infinite cube, :math:`2\sqrt2\,(15-\pi^2)/(12\pi^4)` = 0.0124.

    Parameters
    ----------
    version : {"derived", "paper"}
        ``"paper"`` leaves the z-like states out, as arXiv 2603.03038 does: half of it, 0.0062.

    Notes
    -----
    Status DERIVED; a sum over states and a run of the time-dependent Schroedinger equation agree.
    """
    choice(version, ("derived", "paper"), "version")
    return float((2.0 if version == "derived" else 1.0) * np.sqrt(2.0) * _BOX)


@checked
def cuboid_polarisability(edge_x_nm: Numeric, edge_y_nm: Numeric, edge_z_nm: Numeric, size_nm: Numeric) -> Float:
    r"""C_chi of a carrier in an infinite box whose edges differ, for a spin along z.

    :math:`\chi_{ii}=\frac{15-\pi^2}{12\pi^4}\frac{me^2L_i^4}{\hbar^2}`, put together as in this module's description.

    Parameters
    ----------
    edge_x_nm, edge_y_nm, edge_z_nm : array_like
        Edges L_i (nm).
    size_nm : array_like
        The size a (nm) that the rate is asked for with: C_chi is in units of m e^2 a^4/hbar^2.

    Returns
    -------
    ndarray
        C_chi, for `raman_flip_rate`; `cube_polarisability` if all edges are a.

    Raises
    ------
    DataError
        If an edge isn't positive.

    Notes
    -----
    Status DERIVED.
    """
    x, y, z = ((edge / size_nm) ** 4 for edge in (edge_x_nm, edge_y_nm, edge_z_nm))
    return _BOX * namespace(x, y, z).sqrt((y + z) ** 2 + (x + z) ** 2)


def _occupation(x: Any, occupation: str) -> Any:
    """n(n+1) of the phonon at x = energy/k_B T, or its limit e^-x."""
    xp = namespace(x)
    return xp.exp(-x) if occupation == "boltzmann" else xp.exp(-x) / xp.expm1(-x) ** 2


@checked
def raman_flip_rate(
    temperature_k: Numeric,
    size_nm: Numeric,
    mass_m0: Numeric,
    phonon_energy_mev: Numeric,
    phonon_damping_per_ps: Numeric,
    rashba_coefficient_a2: Numeric,
    effective_permittivity: Numeric,
    *,
    polarisability_factor: Numeric = DEFAULT_POLARISABILITY,
    cutoff: Numeric = 1.0,
    angular_factor: Numeric = DERIVED_ANGULAR_FACTOR,
    occupation: Occupation = "bose",
) -> Float:
    r"""Flip probability per unit time Gamma by two LO phonons, closed form.

    .. math:: \Gamma=\frac{2AC_\chi^2}{9\pi^2}\Big(\frac{\varepsilon_s}{\varepsilon^*}\Big)^2
       \Big(\frac a{a_B}\Big)^2\frac{(\hbar\Omega)^4}{\hbar^2\gamma}
       \Big(\frac{m\alpha_R}{e\hbar^2}\Big)^2(q_ma)^6\,n(n+1)

    With A = 2/3 the prefactor is the paper's 4 C^2/(27 pi^2), with its own C. Because eps_s/a_B = m e^2/hbar^2, the
    static permittivity cancels and isn't asked for.

    Parameters
    ----------
    temperature_k : array_like
        Temperature (K).
    size_nm : array_like
        Edge length a (nm).
    mass_m0 : array_like
        Effective mass (electron masses).
    phonon_energy_mev, phonon_damping_per_ps : array_like
        LO phonon energy (meV) and damping rate gamma (1/ps).
    rashba_coefficient_a2 : array_like
        alpha_R/e (angstrom^2), see `rashba_coefficient_a2`.
    effective_permittivity : array_like
        eps*, :math:`1/\varepsilon^*=1/\varepsilon_\infty-1/\varepsilon_s`.
    polarisability_factor : array_like
        C_chi; 2 stands for the paper's 1 (see this module), `cube_polarisability` is that of a cube.
    cutoff : array_like
        Largest phonon wave vector times a; 1 in the paper. pi would multiply the rate by 961.
    angular_factor : float
        A: 2/9 (derived) or 2/3 (the paper's).
    occupation : {"bose", "boltzmann"}
        n(n+1), or the paper's limit e^(-hbar Omega/k_BT).

    Returns
    -------
    ndarray
        Gamma (1/ps). The polarisation decays at 2 Gamma when k_BT is above the Zeeman splitting: `raman_rate`.

    Raises
    ------
    DataError
        If an argument is out of range.

    Notes
    -----
    Eqs. 15/26 of arXiv 2603.03038 READ; angular factor and occupation DERIVED. The text before Eq. 15 says
    hbar Omega << k_BT; the result requires the opposite.
    """
    choice(occupation, ("bose", "boltzmann"), "occupation")
    energy = phonon_energy_mev * 1e-3
    size_ratio = size_nm * 10.0 * mass_m0 * E2_EV_A / HBAR2_OVER_M0_EV_A2 / effective_permittivity
    rashba = mass_m0 * rashba_coefficient_a2 / HBAR2_OVER_M0_EV_A2
    strength = polarisability_factor * size_ratio * rashba * energy**2 / HBAR_EV_PS * cutoff**3
    scale = 2.0 * angular_factor / (9.0 * np.pi**2)
    return scale * strength**2 / phonon_damping_per_ps * _occupation(energy / (KB_EV_K * temperature_k), occupation)


@checked
def raman_rate(
    temperature_k: Numeric,
    size_nm: Numeric,
    mass_m0: Numeric,
    phonon_energy_mev: Numeric,
    phonon_damping_per_ps: Numeric,
    rashba_coefficient_a2: Numeric,
    effective_permittivity: Numeric,
    *,
    polarisability_factor: Numeric | None = None,
    version: Version = "derived",
) -> Float:
    r"""Decay rate of the polarisation by two LO phonons.

    Parameters
    ----------
    temperature_k, size_nm, mass_m0, phonon_energy_mev, phonon_damping_per_ps : array_like
        As `raman_flip_rate`.
    rashba_coefficient_a2, effective_permittivity : array_like
        As `raman_flip_rate`.
    polarisability_factor : array_like, optional
        C_chi; by default 2, or the paper's 1 with ``version="paper"``.
    version : {"derived", "paper"}
        ``"derived"``: 2 Gamma with the angular factor 2/9, the z-like states and n(n+1). ``"paper"``: as arXiv
        2603.03038 evaluates it, Gamma with 2/3 and e^(-hbar Omega/k_BT); its prefactor is the paper's gamma_a = 2 per
        microsecond.

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
    Source as `raman_flip_rate`; the factor 2 DERIVED: a two-level system relaxes at the sum of its flips up and down.
    """
    choice(version, ("derived", "paper"), "version")
    paper = version == "paper"
    flip = raman_flip_rate(
        temperature_k,
        size_nm,
        mass_m0,
        phonon_energy_mev,
        phonon_damping_per_ps,
        rashba_coefficient_a2,
        effective_permittivity,
        polarisability_factor=(1.0 if paper else DEFAULT_POLARISABILITY)
        if polarisability_factor is None
        else polarisability_factor,
        angular_factor=PAPER_ANGULAR_FACTOR if paper else DERIVED_ANGULAR_FACTOR,
        occupation="boltzmann" if paper else "bose",
    )
    return flip if paper else 2.0 * flip


@checked
def raman_golden_rule_rate(
    temperature_k: Numeric,
    field_t: Numeric,
    size_nm: Numeric,
    mass_m0: Numeric,
    phonon_energy_mev: Numeric,
    phonon_damping_per_ps: Numeric,
    rashba_coefficient_a2: Numeric,
    effective_permittivity: Numeric,
    g_factor: Numeric,
    *,
    polarisability_factor: Numeric = DEFAULT_POLARISABILITY,
    cutoff: Numeric = 1.0,
    level_spacing_mev: Numeric | None = None,
    dispersion_ev_a2: float = 0.0,
    angular_factor: Numeric = DERIVED_ANGULAR_FACTOR,
    occupation: Occupation = "bose",
) -> Float:
    r"""Flip rate by two LO phonons as a Golden-Rule integral over both wave vectors; reduces to `raman_flip_rate`.

    .. math:: \Gamma=\frac{2\pi}\hbar A\,n(n+1)\Big[\frac m{\hbar^2}\frac{\alpha_R}e\hbar\Omega\,F^2\chi\Big]^2
       \iint_0^{q_m}\frac{q_1^2dq_1}{2\pi^2}\frac{q_2^2dq_2}{2\pi^2}\,
       \Delta_{\hbar\gamma}(\hbar\Omega_{q_1}-\hbar\Omega_{q_2}-g\mu_BB)\,K

    Parameters
    ----------
    temperature_k, size_nm, mass_m0, phonon_energy_mev, phonon_damping_per_ps : array_like
        As `raman_flip_rate`.
    field_t, g_factor : array_like
        Magnetic field (T) and g: the Zeeman splitting detunes the two phonons.
    rashba_coefficient_a2, effective_permittivity, polarisability_factor, cutoff : array_like
        As `raman_flip_rate`.
    level_spacing_mev : array_like, optional
        Delta_eg (meV): :math:`K=[\Delta_{eg}^2/(\Delta_{eg}^2-(\hbar\Omega)^2)]^2`; 1 without it, as in the paper.
    dispersion_ev_a2 : float
        beta of :math:`\hbar\Omega_q=\hbar\Omega-\beta q^2` (eV angstrom^2).
    angular_factor, occupation
        As `raman_flip_rate`.

    Returns
    -------
    ndarray
        Gamma (1/ps).

    Raises
    ------
    DataError
        If an argument is out of range.

    Notes
    -----
    Eqs. 13-14 and 17-25 of arXiv 2603.03038 READ, generalised; DERIVED here. :math:`F^2=\hbar\Omega/2\varepsilon_0
    \varepsilon^*`, :math:`\chi=C_\chi me^2a^4/\hbar^2`, Lorentzian :math:`\Delta_w` of half width hbar gamma. Two-
    dimensional Gauss-Legendre quadrature, 80 points each; a single product when the dispersion is 0.
    """
    choice(occupation, ("bose", "boltzmann"), "occupation")
    xp = namespace(temperature_k, field_t, size_nm, mass_m0, phonon_energy_mev, phonon_damping_per_ps, g_factor)
    energy = phonon_energy_mev * 1e-3
    size_a = size_nm * 10.0
    chi = polarisability_factor * mass_m0 / HBAR2_OVER_M0_EV_A2 * E2_EV_A * size_a**4
    field_chi = 2.0 * np.pi * energy / effective_permittivity * chi  # F^2 chi in eV angstrom^3
    coupling = mass_m0 / HBAR2_OVER_M0_EV_A2 * rashba_coefficient_a2 * energy * field_chi
    width = HBAR_EV_PS * phonon_damping_per_ps
    zeeman = g_factor * MU_B_EV_T * field_t
    top = cutoff / size_a

    def lorentzian(detuning: Any, half_width: Any) -> Any:
        return half_width / np.pi / (detuning**2 + half_width**2)

    if dispersion_ev_a2 == 0.0:
        overlap = top**6 / (36.0 * np.pi**4) * lorentzian(zeeman, width)
    else:
        nodes, weights = legendre(80, 0.0, 1.0)
        weight = (weights * nodes**2)[:, None] * (weights * nodes**2)[None, :]
        detune = nodes[None, :] ** 2 - nodes[:, None] ** 2
        shape = [xp.asarray(v)[..., None, None] for v in (dispersion_ev_a2 * top**2, zeeman, width)]
        delta = lorentzian(shape[0] * detune - shape[1], shape[2])
        overlap = top**6 / (4.0 * np.pi**4) * xp.sum(weight * delta, axis=(-2, -1))
    enhancement: Any = 1.0
    if level_spacing_mev is not None:
        if xp is np and np.any(level_spacing_mev <= phonon_energy_mev):
            raise DataError(
                "level_spacing_mev must lie above phonon_energy_mev: at or below the phonon's energy the levels are "
                "excited for real, which second-order perturbation theory does not describe"
            )
        spacing = (level_spacing_mev * 1e-3) ** 2
        enhancement = (spacing / (spacing - energy**2)) ** 2
    occupied = _occupation(energy / (KB_EV_K * temperature_k), occupation)
    return 2.0 * np.pi / HBAR_EV_PS * angular_factor * occupied * coupling**2 * overlap * enhancement
