"""Constants in the units the laws calculate in: eV, angstrom, ps, K, T."""

from __future__ import annotations

import math

from perospin.units import (
    BOHR_MAGNETON_EV_T,
    BOHR_RADIUS_A,
    BOLTZMANN_EV_K,
    ELECTRON_MASS_KG,
    ELEMENTARY_CHARGE_C,
    HARTREE_EV,
    HBAR_EV_S,
    HBAR_J_S,
)

HBAR_EV_PS = HBAR_EV_S * 1e12
KB_EV_K = BOLTZMANN_EV_K
MU_B_EV_T = BOHR_MAGNETON_EV_T
HBAR2_OVER_M0_EV_A2 = HBAR_J_S**2 / ELECTRON_MASS_KG / ELEMENTARY_CHARGE_C * 1e20
"""hbar^2/m0 = 7.62 eV A^2."""
E2_EV_A = HARTREE_EV * BOHR_RADIUS_A
"""e^2/(4 pi eps0) = 14.4 eV A."""
M0_OVER_E = ELECTRON_MASS_KG / ELEMENTARY_CHARGE_C
"""m0/e (kg/C): a mass in m0 times a velocity squared in m^2/s^2, in eV."""
TWO_PI = 2.0 * math.pi
