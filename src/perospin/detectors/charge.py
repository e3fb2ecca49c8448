r"""Charge from absorbed X-rays: collection (Hecht), pair-creation energy, ideal sensitivity and gain.

.. math:: \eta=\frac{\mu\tau V}{L^2}\left(1-e^{-L^2/\mu\tau V}\right)\frac{1}{1+\frac{L}{V}\frac{s}{\mu}}

L is the distance between the electrodes: of coplanar contacts the lateral gap, not the thickness.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from perospin.errors import DataError
from perospin.fitting.arrays import Float, real

__all__ = ["collection_at_depth", "gain", "hecht", "hecht_two_carriers", "ideal_sensitivity", "pair_creation_energy"]


def hecht(voltage_v: Any, mu_tau_cm2_v: Any, gap_cm: float, surface_over_mobility_v_cm: float = 0.0) -> Any:
    """Give the collected fraction of the charge, one carrier, absorption near one electrode.

    Parameters
    ----------
    voltage_v : float or ndarray
        Voltages above zero.
    mu_tau_cm2_v : float
        Mobility-lifetime product.
    gap_cm : float
        Distance of the electrodes.
    surface_over_mobility_v_cm : float
        Velocity of surface recombination over mobility, s/mu (V/cm); 0 for the plain form.

    Examples
    --------
    >>> round(float(hecht(100.0, 1.81e-4, 0.07)), 7)
    0.8760717
    """
    voltage = np.asarray(voltage_v, dtype=float)
    ratio = mu_tau_cm2_v * voltage / gap_cm**2
    return ratio * -np.expm1(-1.0 / ratio) / (1.0 + gap_cm / voltage * surface_over_mobility_v_cm)


def _paths(voltage_v: Any, mu_taus: tuple[float, float], gap_cm: float) -> list[Float]:
    """Drift lengths over the gap of the two carriers."""
    voltage = real(voltage_v, "voltage_v")
    if not (np.all(voltage > 0) and gap_cm > 0 and min(mu_taus) > 0):
        raise DataError("voltages, mobility-lifetime products and the distance of the electrodes must be positive")
    return [mu_tau * voltage / gap_cm**2 for mu_tau in mu_taus]


def collection_at_depth(
    depth: Any, voltage_v: float, mu_tau_to_entry_cm2_v: float, mu_tau_to_exit_cm2_v: float, gap_cm: float
) -> Any:
    """Give the collected fraction of charge made at a depth (a fraction of the gap, from the entry electrode).

    Two carriers: one drifts to the entry electrode, the other one to the far electrode.
    """
    to_entry, to_exit = _paths(voltage_v, (mu_tau_to_entry_cm2_v, mu_tau_to_exit_cm2_v), gap_cm)
    at = np.asarray(depth, dtype=float)
    if not np.all((at >= 0) & (at <= 1)):
        raise DataError("a depth must lie between 0 (entry electrode) and 1 (far electrode)")
    return -to_entry * np.expm1(-at / to_entry) - to_exit * np.expm1(-(1 - at) / to_exit)


def hecht_two_carriers(
    voltage_v: Any, mu_tau_to_entry_cm2_v: float, mu_tau_to_exit_cm2_v: float, gap_cm: float, linear_per_cm: float
) -> Any:
    """Give the collected fraction of both carriers, averaged over the depths at which a beam is absorbed.

    Parameters
    ----------
    voltage_v : float or ndarray
    mu_tau_to_entry_cm2_v, mu_tau_to_exit_cm2_v : float
        Of the carrier that drifts to the entry electrode, and of the other one.
    gap_cm : float
    linear_per_cm : float
        Linear attenuation coefficient; the beam runs along the field.

    Notes
    -----
    The integral of `collection_at_depth` over ``mu exp(-mu x)`` in closed form.
    """
    from scipy.special import exprel

    to_entry, to_exit = _paths(voltage_v, (mu_tau_to_entry_cm2_v, mu_tau_to_exit_cm2_v), gap_cm)
    if not linear_per_cm > 0:
        raise DataError(f"the linear attenuation coefficient is {linear_per_cm:g}; it must be positive")
    m = linear_per_cm * gap_cm
    taken = -np.expm1(-m)
    lost_to_entry = m * -np.expm1(-(m + 1 / to_entry)) / (m + 1 / to_entry)
    # of the two equal forms the one whose exponential can't overflow
    z = 1 / to_exit - m
    lost_to_exit = m * np.exp(-np.minimum(1 / to_exit, m)) * exprel(-np.abs(z))
    return to_entry * (1 - lost_to_entry / taken) + to_exit * (1 - lost_to_exit / taken)


def pair_creation_energy(
    gap_ev: float, rule: Literal["klein", "devanathan"] = "devanathan", *, phonon_loss_ev: float = 0.75
) -> float:
    """Mean energy (eV) that makes one electron-hole pair, an empirical rule good to about 20 %.

    Parameters
    ----------
    gap_ev : float
    rule : {"klein", "devanathan"}
        ``14/5 Eg + r`` of Klein (J. Appl. Phys. 39 (1968) 2029), r from 0.5 to 1 eV; ``2 Eg + 1.43`` of Devanathan
        et al. (Nucl. Instrum. Methods A 565 (2006) 637).
    phonon_loss_ev : float
        Klein's r.
    """
    if not 0.1 < gap_ev < 15:
        raise DataError(f"a band gap of {gap_ev:g} eV is no detector's; it must lie between 0.1 and 15 eV")
    if rule == "klein":
        return 2.8 * gap_ev + phonon_loss_ev
    if rule != "devanathan":
        raise DataError(f"there is no rule '{rule:.40}' of pair creation; use klein or devanathan")
    return 2.0 * gap_ev + 1.43


def ideal_sensitivity(absorbed: Any, pair_energy_ev: float, air_energy_absorption_cm2_g: Any) -> Any:
    """Sensitivity (uC Gy-1 cm-2, dose in air) if every pair is collected once.

    Parameters
    ----------
    absorbed : float or ndarray
        Absorbed fraction of the beam's energy.
    pair_energy_ev : float
        From `pair_creation_energy`.
    air_energy_absorption_cm2_g : float or ndarray
        Mass energy-absorption coefficient of air at the energy of the beam. xraydb has none, so it must be given
        (NIST lists it); the attenuation coefficient would be several times too large.

    Notes
    -----
    One gray of air kerma is an energy fluence of ``1e-3 / (mu_en/rho)`` J/cm2.
    """
    if not pair_energy_ev > 0 or np.any(np.asarray(air_energy_absorption_cm2_g) <= 0):
        raise DataError("the pair energy and the energy-absorption coefficient of air must be positive")
    return 1e3 * np.asarray(absorbed) / (np.asarray(air_energy_absorption_cm2_g) * pair_energy_ev)[()]


def gain(sensitivity: float, ideal: float) -> tuple[float, str]:
    """Measured over ideal sensitivity, and what that means in one sentence."""
    if not (sensitivity > 0 and ideal > 0):
        raise DataError("both sensitivities must be positive")
    ratio = sensitivity / ideal
    if ratio > 1:
        return ratio, (
            "above the ideal value: photoconductive gain, which traps cause; such a detector is often slow and drifts"
        )
    return ratio, "below the ideal value: the share of the charge that is collected, if the dose is right"
