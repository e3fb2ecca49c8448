r"""Attenuation of X-rays by any formula, mixtures and stacks of layers.

.. math:: \eta=1-e^{-(\mu/\rho)\,\rho\,t}

Coefficients are those of the Elam, Ravel and Sieber tables (Radiat. Phys. Chem. 63 (2002) 121) as xraydb ships them.
Attenuated is not absorbed: fluorescence and scattered photons leave the layer, so a deposited energy is lower.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from perospin._optional import require
from perospin.errors import DataError
from perospin.fitting.arrays import Float, real
from perospin.units import AVOGADRO_PER_MOL

__all__ = [
    "COMPARISON", "Layer", "absorbed_fraction", "composition_of", "density_from_cell", "edges_within",
    "mass_attenuation", "mixture_attenuation", "stack_absorption", "thickness_for",
]  # fmt: skip

Kind = Literal["total", "photo"]
_LOWEST_KEV, _HIGHEST_KEV = 0.1, 800.0

COMPARISON: Mapping[str, tuple[str, float]] = {
    "Si": ("Si", 2.33),
    "a-Se": ("Se", 4.3),
    "CdTe": ("CdTe", 5.85),
    "CZT": ("Cd0.9Zn0.1Te", 5.78),
    "HgI2": ("HgI2", 6.36),
}
"""Detector materials to compare with: formula and density (g/cm3) of usual handbooks."""


def composition_of(formula: str) -> dict[str, float]:
    """Atoms by element of a perovskite formula with abbreviated ions, or of a plain chemical formula.

    Raises
    ------
    DataError
        If it can be read neither way.
    """
    from perospin.chemistry import Perovskite
    from perospin.errors import PerospinError

    try:
        return dict(Perovskite.parse(formula).composition)
    except PerospinError as error:
        # a plain formula (CdTe, HgI2) is no perovskite; its reader knows elements only
        try:
            found = require("xraydb", "xray").chemparse(formula)
        except ValueError:
            raise DataError(
                f"'{formula:.60}' is neither a perovskite ({error!s:.160}) nor a chemical formula such as CdTe"
            ) from None
        return {symbol: float(count) for symbol, count in found.items()}


def _energies_kev(energy_kev: Any) -> Float:
    energy = real(energy_kev, "energy_kev")
    if energy.size == 0 or not np.all((energy >= _LOWEST_KEV) & (energy <= _HIGHEST_KEV)):
        raise DataError(f"X-ray energies must be between {_LOWEST_KEV:g} and {_HIGHEST_KEV:g} keV (not eV)")
    return energy


def _positive(value: float, name: str) -> float:
    if not (np.isfinite(value) and value > 0):
        raise DataError(f"{name} is {value:g}; it must be a positive number")
    return float(value)


def mass_attenuation(formula: str, energy_kev: Any, *, kind: Kind = "total") -> Any:
    """Mass attenuation coefficient (cm2/g).

    Parameters
    ----------
    formula : str
        Perovskite or plain formula.
    energy_kev : float or ndarray
        Photon energy (keV), 0.1 to 800.
    kind : {"total", "photo"}
        With scattering, or photo-absorption alone.

    Returns
    -------
    float or ndarray
        Of the shape of `energy_kev`.

    Examples
    --------
    >>> round(mass_attenuation("(m-F-PEA)2PbI4", 40.0), 3)
    14.325
    """
    db = require("xraydb", "xray")
    energy = _energies_kev(energy_kev)
    counts = composition_of(formula)
    masses = {symbol: count * float(db.atomic_mass(symbol)) for symbol, count in counts.items()}
    flat = np.atleast_1d(energy).ravel() * 1e3
    summed = sum(mass * np.asarray(db.mu_elam(symbol, flat, kind=kind)) for symbol, mass in masses.items())
    mu = (np.asarray(summed) / sum(masses.values())).reshape(energy.shape)
    return float(mu) if mu.ndim == 0 else mu


def mixture_attenuation(parts: Mapping[str, float], energy_kev: Any, *, kind: Kind = "total") -> Any:
    """Mass attenuation coefficient (cm2/g) of a mixture.

    Parameters
    ----------
    parts : mapping
        Formula to its share of the mass; shares need not add to one.
    energy_kev, kind
        As for `mass_attenuation`.
    """
    if not parts:
        raise DataError("a mixture needs at least one formula")
    total = sum(_positive(share, f"the mass share of {name:.40}") for name, share in parts.items())
    return sum(share / total * mass_attenuation(name, energy_kev, kind=kind) for name, share in parts.items())


def absorbed_fraction(linear_per_cm: Any, thickness_mm: Any) -> Any:
    """Fraction of a parallel beam that a layer attenuates.

    Examples
    --------
    >>> round(float(absorbed_fraction(38.18807, 0.7)), 6)
    0.930967
    """
    return -np.expm1(-np.asarray(linear_per_cm) * np.asarray(thickness_mm) / 10.0)[()]


def thickness_for(fraction: float, linear_per_cm: Any) -> Any:
    """Thickness (mm) that attenuates a fraction of the beam.

    Raises
    ------
    DataError
        If the fraction isn't between 0 and 1.
    """
    if not 0 < fraction < 1:
        raise DataError(f"the fraction {fraction:g} must lie between 0 and 1, e.g. 0.9 for 90 %")
    return -10.0 * np.log1p(-fraction) / linear_per_cm


def density_from_cell(formula: str, volume_a3: float, formula_units: float) -> float:
    """Density (g/cm3) from a cell: its volume (cubic angstrom) and the formula units in it.

    Examples
    --------
    >>> round(density_from_cell("(m-F-PEA)2PbI4", 9918.380, 16), 4)
    2.6658
    """
    db = require("xraydb", "xray")
    mass = sum(count * float(db.atomic_mass(symbol)) for symbol, count in composition_of(formula).items())
    return (
        _positive(formula_units, "the number of formula units")
        * mass
        / (AVOGADRO_PER_MOL * _positive(volume_a3, "the cell volume") * 1e-24)
    )


def edges_within(formula: str, low_kev: float, high_kev: float) -> dict[str, float]:
    """K edges (keV) of the elements in a range, by element, rising."""
    db = require("xraydb", "xray")
    found = {symbol: float(db.xray_edge(symbol, "K").energy) / 1e3 for symbol in composition_of(formula)}
    return {s: e for s, e in sorted(found.items(), key=lambda pair: pair[1]) if low_kev <= e <= high_kev}


@dataclass(frozen=True)
class Layer:
    """One layer of a stack, in the order in which the beam meets them.

    Attributes
    ----------
    formula : str
    thickness_mm, density_g_cm3 : float
    """

    formula: str
    thickness_mm: float
    density_g_cm3: float

    def __post_init__(self) -> None:
        _positive(self.thickness_mm, f"the thickness of {self.formula:.40}")
        _positive(self.density_g_cm3, f"the density of {self.formula:.40}")


def stack_absorption(layers: Sequence[Layer], energy_kev: Any) -> Float:
    """Fraction of the incoming beam that each layer attenuates, shape (n_layers, ...); the rest passes."""
    if not layers:
        raise DataError("a stack needs at least one layer")
    left = np.ones(_energies_kev(energy_kev).shape)
    taken = []
    for layer in layers:
        mu = mass_attenuation(layer.formula, energy_kev) * layer.density_g_cm3
        taken.append(left * absorbed_fraction(mu, layer.thickness_mm))
        left = left - taken[-1]
    return np.stack(taken)
