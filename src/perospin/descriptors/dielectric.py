"""Dielectric constants of the neutral spacer amine from its dipole, polarisability and volume.

The cation's own dipole depends on the origin; the neutral amine's does not, and what screens the exciton across
the organic layer is the same molecule.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

# mu^2 / (9 eps0 k_B) for mu = 1 D, per molecule of 1 A^3: (3.33564e-30 C m)^2 / (9 eps0 k_B 1e-30 m^3), in kelvin
_DEBYE2_PER_A3_K = 10113.09
PACKING = 0.7
"""Share of a molecular liquid or layer that the molecules' van der Waals volume fills."""


def optical_dielectric_constant(polarisability_a3: ArrayLike, volume_a3: ArrayLike) -> NDArray[np.float64]:
    """Clausius-Mossotti: (eps - 1)/(eps + 2) = 4 pi alpha / (3 V).

    Parameters
    ----------
    polarisability_a3 : array_like
        Static polarisability in cubic angstrom.
    volume_a3 : array_like
        Volume per molecule in cubic angstrom (van der Waals volume divided by `PACKING`).
    """
    x = 4 * np.pi * np.asarray(polarisability_a3, float) / (3 * np.asarray(volume_a3, float))
    return np.asarray((1 + 2 * x) / (1 - x))


def onsager_dielectric_constant(
    dipole_debye: ArrayLike, volume_a3: ArrayLike, optical: ArrayLike, temperature_k: float = 298.15
) -> NDArray[np.float64]:
    """Compute the static dielectric constant of a polar liquid after Onsager (J. Am. Chem. Soc. 1936, 58, 1486).

    (eps - n2)(2 eps + n2) / (eps (n2 + 2)^2) = mu^2 / (9 eps0 k_B T V), n2 the optical constant; the positive root.

    Parameters
    ----------
    dipole_debye : array_like
        Gas-phase dipole of the neutral molecule in debye.
    volume_a3 : array_like
        Volume per molecule in cubic angstrom.
    optical : array_like
        Optical dielectric constant.
    temperature_k : float
        Temperature in kelvin.
    """
    n2 = np.asarray(optical, float)
    strength = _DEBYE2_PER_A3_K * np.asarray(dipole_debye, float) ** 2 / (np.asarray(volume_a3, float) * temperature_k)
    b = n2 + strength * (n2 + 2) ** 2
    return np.asarray((b + np.sqrt(b**2 + 8 * n2**2)) / 4)
