r"""Fine structure of excitons in layers and nanocrystals: splittings, and what they do to the polarisation.

Electron and hole of halide perovskites are both J = 1/2: a dark singlet and three bright states (X, Y, Z). Exchange
sets the bright above the dark; a crystal field parts Z from X and Y, an orthorhombic one X from Y. A split X and Y beat
and, where the axes change from place to place, relax the circular polarisation.
"""

from __future__ import annotations

from typing import NamedTuple

from perospin.mechanisms._arrays import Float, Numeric, checked, namespace
from perospin.mechanisms.laws.dyakonov_perel import crossover_rate
from perospin.units import E2_EV_A, HBAR_EV_PS, TWO_PI

__all__ = [
    "BrightStates",
    "bright_exciton_states",
    "exciton_rashba_slope_ev_a",
    "fine_structure_beat_ghz",
    "fine_structure_dephasing_ps",
    "fine_structure_rate",
    "long_range_slope_ev_a",
]


class BrightStates(NamedTuple):
    """Energies of the bright states above the dark one (meV): in the layer's plane, and along its normal."""

    in_plane_mev: Float
    normal_mev: Float


@checked
def bright_exciton_states(
    exchange_energy_mev: Numeric, crystal_field_mev: Numeric, split_off_ev: Numeric
) -> BrightStates:
    r"""Short-range exchange in a tetragonal crystal or a layer (quasi-cubic model).

    The conduction band's Z part is :math:`\sin^2\theta`, :math:`\tan2\theta=2\sqrt2\Delta/(\Delta+3\delta)`; with
    :math:`\zeta=\tfrac32J` the energies are :math:`E_{xy}=\zeta\cos^2\theta`, :math:`E_z=2\zeta\sin^2\theta`, both J
    in a cubic crystal.

    Parameters
    ----------
    exchange_energy_mev : array_like
        J: bright above dark in the cubic crystal (meV).
    crystal_field_mev : array_like
        delta: energy of the Z orbital above X and Y (meV), either sign; large and positive for strong confinement
        along the normal.
    split_off_ev : array_like
        Spin-orbit splitting Delta of the conduction band (eV).

    Returns
    -------
    BrightStates

    Raises
    ------
    DataError
        If an argument is out of range.

    Notes
    -----
    Status DERIVED; diagonalising the p band with spin-orbit coupling and field agrees. The model is that of Sercel et
    al., J. Chem. Phys. 151, 234106 (2019), abstract READ, which finds it good in tetragonal and poor in orthorhombic
    crystals.
    """
    xp = namespace(exchange_energy_mev, crystal_field_mev, split_off_ev)
    spin_orbit = split_off_ev * 1e3
    angle = 0.5 * xp.arctan2(2.0 * 2.0**0.5 * spin_orbit, spin_orbit + 3.0 * crystal_field_mev)
    zeta = 1.5 * exchange_energy_mev
    return BrightStates(zeta * xp.cos(angle) ** 2, 2.0 * zeta * xp.sin(angle) ** 2)


@checked
def long_range_slope_ev_a(dipole_e_a: Numeric, exciton_overlap_nm2: Numeric, permittivity: Numeric) -> Float:
    r"""Half the slope of a layer's longitudinal-transverse splitting.

    The long-range exchange of a layer is the field of its own dipoles:
    :math:`\hbar\Omega_K=2\alpha_{LT}K`, :math:`\alpha_{LT}=d^2|\phi(0)|^2/4\varepsilon_0\varepsilon`.

    Parameters
    ----------
    dipole_e_a : array_like
        Interband dipole d of a linearly polarised exciton, over e (angstrom).
    exciton_overlap_nm2 : array_like
        :math:`|\phi_{1s}(0)|^2` (1/nm^2), see the function of that name.
    permittivity : array_like
        Of what surrounds the layer within a wavelength 1/K.

    Returns
    -------
    ndarray
        Slope (eV angstrom), for `exciton_exchange_thermal_rate`.

    Raises
    ------
    DataError
        If an argument isn't positive.

    Notes
    -----
    Status DERIVED from electrostatics; a sum over a lattice of dipoles agrees. Holds for K below the inverse thickness.
    """
    return 3.141592653589793 * E2_EV_A * dipole_e_a**2 * exciton_overlap_nm2 * 1e-2 / permittivity


@checked
def exciton_rashba_slope_ev_a(rashba_ev_a: Numeric, electron_mass_m0: Numeric, hole_mass_m0: Numeric) -> Float:
    r"""Rashba coefficient of the electron's spin against the exciton's momentum, :math:`\alpha\,m_e/(m_e+m_h)`.

    Parameters
    ----------
    rashba_ev_a : array_like
        Rashba coefficient of the free electron (eV angstrom).
    electron_mass_m0, hole_mass_m0 : array_like
        Masses (electron masses): the electron has the share m_e/M of the momentum.

    Returns
    -------
    ndarray
        Coefficient (eV angstrom) for `dyakonov_perel_rate` with the exciton's mass; exchange keeps electron and hole
        together and weakens it where it is larger than the Rashba splitting.

    Notes
    -----
    Status DERIVED (centre-of-mass motion).
    """
    return rashba_ev_a * electron_mass_m0 / (electron_mass_m0 + hole_mass_m0)


@checked
def fine_structure_beat_ghz(splitting_mev: Numeric) -> Float:
    r"""Frequency of the quantum beat of two bright states, :math:`\delta/h` (GHz).

    Parameters
    ----------
    splitting_mev : array_like
        Their splitting (meV).

    Notes
    -----
    Status TEXTBOOK.
    """
    return splitting_mev / (TWO_PI * HBAR_EV_PS)


@checked
def fine_structure_dephasing_ps(splitting_spread_mev: Numeric) -> Float:
    r"""1/e time of the beat over an ensemble whose splittings are normal, :math:`\sqrt2\hbar/\sigma`.

    Parameters
    ----------
    splitting_spread_mev : array_like
        Standard deviation of the splitting (meV).

    Returns
    -------
    ndarray
        Time (ps). The envelope is Gaussian.

    Notes
    -----
    Status DERIVED.
    """
    return 2.0**0.5 * HBAR_EV_PS / (splitting_spread_mev * 1e-3)


@checked
def fine_structure_rate(splitting_mev: Numeric, correlation_time_ps: Numeric) -> Float:
    r"""Relaxation of the circular polarisation where splitting axes change from place to place.

    An exciton that moves on, every tau_c on average, to a place with the same splitting and another axis in the plane
    loses its circular polarisation as a spin in a Rashba layer does: :math:`(\delta/\hbar)^2\tau_c`, up to 1/(2 tau_c).

    Parameters
    ----------
    splitting_mev, correlation_time_ps : array_like
        Splitting of X and Y (meV), mean time on one place (ps).

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
    Status DERIVED: `crossover_rate`, whose kinetic equation it shares.
    """
    return crossover_rate(splitting_mev * 1e-3 / HBAR_EV_PS, correlation_time_ps)
