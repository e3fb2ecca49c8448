"""Beams of X-ray tubes with filters (SpekPy), and what a layer takes of them.

Spectra are those of SpekPy (Poludniowski, Omar, Bujila and Andreo, Med. Phys. 48 (2021) 3630). Dose is air kerma.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perospin._optional import require
from perospin.detectors.attenuation import absorbed_fraction, mass_attenuation
from perospin.errors import DataError
from perospin.fitting.arrays import Float
from perospin.units import ELEMENTARY_CHARGE_C

__all__ = ["Beam", "air_energy_absorption", "one_energy", "read_filter", "tube_beam"]

_KEV_J = 1e3 * ELEMENTARY_CHARGE_C
_LOWEST_KV, _HIGHEST_KV = 20.0, 300.0


@dataclass(frozen=True)
class Beam:
    """Photons of a beam by energy.

    Attributes
    ----------
    name : str
        What it is, in words.
    energy_kev : ndarray, (n,)
        Middle of each bin.
    photons_cm2_gy : ndarray, (n,)
        Photons in each bin per cm2, for one gray of air kerma.
    half_value_layer_mm_al : float
        Aluminium that halves the kerma; NaN for a beam of one energy.
    """

    name: str
    energy_kev: Float
    photons_cm2_gy: Float
    half_value_layer_mm_al: float = float("nan")

    @property
    def fluence_cm2_gy(self) -> float:
        """Photons per cm2 and gray of air kerma: dose to fluence."""
        return float(self.photons_cm2_gy.sum())

    @property
    def mean_kev(self) -> float:
        """Mean photon energy (keV)."""
        return float(self.photons_cm2_gy @ self.energy_kev / self.photons_cm2_gy.sum())

    @property
    def energy_fluence_j_cm2_gy(self) -> float:
        """Energy per cm2 and gray of air kerma (J)."""
        return float(self.photons_cm2_gy @ self.energy_kev) * _KEV_J

    def attenuated(self, formula: str, density_g_cm3: float, thickness_mm: float) -> tuple[float, float]:
        """Shares of the photons and of their energy that a layer attenuates, scattering included."""
        linear = density_g_cm3 * np.asarray(mass_attenuation(formula, self.energy_kev))
        taken = self.photons_cm2_gy * absorbed_fraction(linear, thickness_mm)
        energy = float(taken @ self.energy_kev / (self.photons_cm2_gy @ self.energy_kev))
        return float(taken.sum() / self.photons_cm2_gy.sum()), energy

    def ideal_sensitivity(self, energy_share: float, pair_energy_ev: float) -> float:
        """Sensitivity (uC Gy-1 cm-2) if every pair of the attenuated energy is collected once."""
        if not pair_energy_ev > 0:
            raise DataError("the pair energy must be positive")
        # joules over electronvolts a pair are coulombs
        return 1e6 * energy_share * self.energy_fluence_j_cm2_gy / pair_energy_ev


def read_filter(text: str) -> tuple[str, float]:
    """Material and thickness (mm) of a filter such as ``"Al 2 mm"``.

    Raises
    ------
    DataError
        If it is none.

    Examples
    --------
    >>> read_filter("Cu 100 um")
    ('Cu', 0.1)
    """
    found = re.fullmatch(r"\s*([A-Za-z][\w ()-]*?)[\s:]+([0-9.eE+-]+)\s*(mm|um|µm|cm)?\s*", text)
    scale = {"mm": 1.0, None: 1.0, "um": 1e-3, "µm": 1e-3, "cm": 10.0}
    try:
        size = float(found[2]) * scale[found[3]] if found else float("nan")
    except ValueError:
        size = float("nan")
    if found is None or not 0 < size < 1e4:
        raise DataError(f"the filter '{text:.40}' must be a material and a thickness, e.g. --filter 'Al 2 mm'")
    return found[1], size


def air_energy_absorption(energy_kev: float) -> float:
    """Mass energy-absorption coefficient of air (cm2/g), as SpekPy tabulates it; of other matter there is no table."""
    spekpy = require("spekpy", "xray")
    # a tube above the energy asked for: the table comes with it
    table = spekpy.Spek(kvp=100.0).muen_air_data
    return float(table.get_muen_over_rho_air(np.array([float(energy_kev)]))[0])


def one_energy(energy_kev: float) -> Beam:
    """Beam of photons of one energy.

    Examples
    --------
    >>> beam = one_energy(40.0)
    >>> 2.2e12 < beam.fluence_cm2_gy < 2.4e12
    True
    """
    if not 1.0 <= energy_kev <= 500.0:
        raise DataError(f"a photon energy of {energy_kev:g} keV is out of the table of air, 1 to 500 keV")
    # one gray is 1e-3 J/g
    photons = 1e-3 / (air_energy_absorption(energy_kev) * energy_kev * _KEV_J)
    return Beam(f"{energy_kev:g} keV", np.array([float(energy_kev)]), np.array([photons]))


def tube_beam(
    tube_kv: float, filters: Sequence[tuple[str, float]] = (), *, anode: str = "W", anode_angle_deg: float = 12.0
) -> Beam:
    """Spectrum of an X-ray tube behind filters.

    Parameters
    ----------
    tube_kv : float
        Tube voltage (kV), 20 to 300.
    filters : sequence of (material, thickness in mm)
        An element or a material that SpekPy names ("Air", "Beryllium").
    anode : {"W", "Mo", "Rh"}
    anode_angle_deg : float

    Raises
    ------
    DataError
        If a value is out of range, or a material unknown.
    MissingExtraError
        Without the extra ``xray``.
    """
    if not _LOWEST_KV <= tube_kv <= _HIGHEST_KV:
        raise DataError(f"a tube voltage of {tube_kv:g} kV is out of range: {_LOWEST_KV:g} to {_HIGHEST_KV:g} kV")
    if anode not in ("W", "Mo", "Rh") or (anode != "W" and tube_kv > 50):
        raise DataError(f"there is no spectrum of the anode '{anode:.20}' at {tube_kv:g} kV; W, or Mo and Rh to 50 kV")
    if not 1 <= anode_angle_deg <= 60:
        raise DataError(f"an anode angle of {anode_angle_deg:g} degrees is out of range: 1 to 60")
    spekpy = require("spekpy", "xray")
    tube = spekpy.Spek(kvp=float(tube_kv), th=float(anode_angle_deg), targ=anode)
    for material, thickness_mm in filters:
        try:
            tube.filter(material, float(thickness_mm))
        except Exception:  # SpekPy raises bare exceptions
            raise DataError(
                f"the filter '{material:.30}' is no element and no material that SpekPy names (Al, Cu, Air, ...)"
            ) from None
    energy, density = (np.asarray(values, dtype=float) for values in tube.get_spectrum(edges=False))
    kerma_gy = 1e-6 * float(tube.get_kerma())
    if not kerma_gy > 1e-15:
        raise DataError("the filters leave no dose: take thinner ones")
    width = float(np.median(np.diff(energy)))
    behind = ", ".join(f"{name} {size:g} mm" for name, size in filters) or "no filter"
    return Beam(
        f"{anode} tube, {tube_kv:g} kV, {anode_angle_deg:g} degrees, {behind}",
        energy,
        density * width / kerma_gy,
        float(tube.get_hvl1()),
    )
