"""Intrinsic descriptors: what a material is by its ions alone, and how ions become columns.

Two paths lead here: `describe` averages exact compositions material by material, `columnar` does so for blocks of
candidates. Both read the same values of single ions and end in the same `derive`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from perospin.chemistry import Ion, IonLibrary
from perospin.chemistry.elements import atomic_numbers
from perospin.descriptors.cations.table import cation_values
from perospin.descriptors.composition import mean_electronegativity
from perospin.descriptors.dielectric import PACKING, onsager_dielectric_constant, optical_dielectric_constant
from perospin.descriptors.molecules import group_flags

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_AREA_PER_METAL_A2 = 39.7
"""Area of the layer per metal atom (about 6.3 x 6.3 A, lead iodide)."""

AVERAGED = (
    "homo_ev",
    "lumo_ev",
    "gap_ev",
    "dipole_debye",
    "polarisability_a3",
    "molecular_radius_a",
    "molar_mass_g_mol",
    "electronegativity",
    "equivalent_radius_a",
    "polar_hydrogens_per_a3",
)
"""Columns averaged over all cations, over the spacers and over the A site."""

SPACER = (
    "volume_a3",
    "dielectric_constant",
    "optical_dielectric_constant",
    "neutral_dipole_debye",
    "mu2_per_volume",
    "aromatic",
    "ring",
    "heavy_halogen",
    "hydroxyl",
    "secondary_ammonium",
    "chain_length",
    "rotatable_bonds",
    "hydrogen_bond_donors",
)
"""Columns averaged over the spacers alone."""

SITE = ("electronegativity", "radius_a", "z")
"""Columns averaged over the metals and over the halides."""

DESCRIPTIONS: Mapping[str, str] = {
    "homo_ev": "HOMO energy of the cations, composition average (eV)",
    "lumo_ev": "LUMO energy of the cations, composition average (eV)",
    "gap_ev": "HOMO-LUMO gap of the cations, composition average (eV)",
    "dipole_debye": "dipole of the cations about the centre of nuclear charge, composition average (D)",
    "polarisability_a3": "isotropic static polarisability of the cations, composition average (A^3)",
    "molecular_radius_a": "half the largest interatomic distance of the cations, composition average (A)",
    "molar_mass_g_mol": "molar mass of the cations, composition average (g/mol)",
    "electronegativity": "mean Pauling electronegativity over the cations' atoms, composition average",
    "equivalent_radius_a": "radius of a sphere of the cations' van der Waals volume, composition average (A)",
    "polar_hydrogens_per_a3": "N-H and O-H hydrogens per van der Waals volume of the cation, average (1/A^3)",
    "tolerance_factor": "Goldschmidt tolerance factor with the averaged molecular radius (published convention)",
    "inverse_n": "1 / number of inorganic layers (0 for 3D)",
    "is_n1": "1 if the inorganic sheets are one octahedron thick",
    "spacer_charge": "charge of the spacer (0 without a spacer)",
    "spacer_charge_per_n": "spacer charge / n",
    "spacer_volume_a3": "van der Waals volume of the spacer (A^3)",
    "spacer_dielectric_constant": "static dielectric constant of the neutral spacer amine (Onsager)",
    "spacer_optical_dielectric_constant": "optical dielectric constant of the neutral spacer amine (Clausius-Mossotti)",
    "spacer_neutral_dipole_debye": "gas-phase dipole of the neutral spacer amine, thermal root mean square (D)",
    "spacer_mu2_per_volume": "squared dipole of the neutral spacer amine per van der Waals volume (D^2/A^3)",
    "barrier_thickness_a": "organic volume per metal over the layer's area: thickness of the organic barrier (A)",
    "excess_log_dielectric": "ln(static dielectric constant of the spacer / butylamine's) / n (0 for 3D)",
    "excess_log_optical_dielectric": "ln(optical dielectric constant of the spacer / butylamine's) / n (0 for 3D)",
    "excess_mu2_per_volume": "(mu^2/V of the spacer - butylamine's) / n (D^2/A^3; 0 for 3D)",
    "excess_barrier_a": "(barrier thickness - that of butylammonium) / n (A; 0 for 3D)",
    "excess_chain_length": "(chain length of the spacer - butylammonium's) / n (bonds; 0 for 3D)",
    "aromatic_per_n": "aromatic spacer flag / n",
    "heavy_halogen_per_n": "flag of Cl, Br or I on an aliphatic carbon of the spacer / n",
    "hydroxyl_per_n": "flag of an OH group on the spacer / n",
    "secondary_ammonium_per_n": "flag of a secondary ammonium spacer / n",
    "metal_electronegativity": "Pauling electronegativity of the metal, composition average",
    "metal_radius_a": "Shannon radius of the metal (A)",
    "metal_z": "atomic number of the metal (spin-orbit proxy)",
    "halide_electronegativity": "Pauling electronegativity of the halide, composition average",
    "halide_radius_a": "Shannon radius of the halide (A)",
    "halide_z": "atomic number of the halide (spin-orbit proxy)",
    "bromide_fraction": "share of bromide among the halides",
    "octahedral_factor": "metal radius / halide radius",
}
"""Column name -> what it is, with its unit; `spacer_X` and `a_site_X` of the averaged columns are the same apart."""

_PER_N = ("aromatic", "heavy_halogen", "hydroxyl", "secondary_ammonium")

RAW_COLUMNS: tuple[str, ...] = (
    *(prefix + column for prefix in ("", "spacer_", "a_site_") for column in AVERAGED),
    "spacer_charge",
    *(f"spacer_{column}" for column in SPACER),
    "barrier_thickness_a",
    *(prefix + column for prefix in ("metal_", "halide_") for column in SITE),
    "bromide_fraction",
)
"""Columns that are plain averages over ions; everything else follows from them and the layer number."""

COLUMNS: tuple[str, ...] = (
    *(prefix + column for prefix in ("", "spacer_", "a_site_") for column in AVERAGED),
    "inverse_n",
    "is_n1",
    "spacer_charge",
    "spacer_charge_per_n",
    *(f"spacer_{column}" for column in SPACER),
    "barrier_thickness_a",
    "excess_log_dielectric",
    "excess_log_optical_dielectric",
    "excess_mu2_per_volume",
    "excess_barrier_a",
    "excess_chain_length",
    *(f"{flag}_per_n" for flag in _PER_N),
    *(prefix + column for prefix in ("metal_", "halide_") for column in SITE),
    "bromide_fraction",
    "octahedral_factor",
    "tolerance_factor",
)
"""All intrinsic columns, in the order of `describe`."""


@lru_cache(maxsize=16384)
def cation_row(ion: Ion, level: str, compute: bool) -> Mapping[str, float]:
    """Values of one cation, with the keys `AVERAGED` (those that exist).

    Raises
    ------
    QuantumError
        If the cation must be computed and that fails or is not allowed.
    """
    values = {
        "molar_mass_g_mol": ion.molar_mass_g_mol,
        "electronegativity": mean_electronegativity(ion.composition),
    }
    values.update(cation_values(ion, level, compute))
    volume = values.get("volume_a3", math.nan)
    donors = group_flags(ion.smiles)["hydrogen_bond_donors"] if ion.smiles else math.nan
    values["equivalent_radius_a"] = (3.0 * volume / (4.0 * math.pi)) ** (1.0 / 3.0)
    values["polar_hydrogens_per_a3"] = donors / volume
    return values


@lru_cache(maxsize=4096)
def spacer_row(ion: Ion, compute: bool) -> Mapping[str, float]:
    """Values of one spacer from its neutral amine and its SMILES: `SPACER` and `barrier_a` (A).

    NaN where there is no neutral amine.

    Raises
    ------
    QuantumError
        If the amine must be computed and that fails or is not allowed.
    """
    flags = group_flags(ion.smiles) if ion.smiles else {}
    neutral = cation_values(ion, "neutral", compute)
    volume = neutral.get("volume_a3", math.nan)
    dipole = neutral.get("dipole_debye", math.nan)
    per_molecule = volume / PACKING
    optical = float(optical_dielectric_constant(neutral.get("polarisability_a3", math.nan), per_molecule))
    return {
        **flags,
        "volume_a3": volume,
        "neutral_dipole_debye": dipole,
        "mu2_per_volume": dipole**2 / volume,
        "optical_dielectric_constant": optical,
        "dielectric_constant": float(onsager_dielectric_constant(dipole, per_molecule, optical)),
        "barrier_a": (2 / ion.charge) * per_molecule / _AREA_PER_METAL_A2,
    }


@lru_cache(maxsize=4096)
def site_row(ion: Ion) -> Mapping[str, float]:
    """Values of one metal or halide, with the keys `SITE` and `bromide_fraction`."""
    return {
        "electronegativity": mean_electronegativity(ion.composition),
        "radius_a": (ion.radius_pm or math.nan) / 100,
        "z": float(max(atomic_numbers()[element] for element in ion.composition)),
        "bromide_fraction": float(ion.symbol == "Br"),
    }


def butylammonium(compute: bool) -> Mapping[str, float]:
    """Values of butylammonium, the spacer that the `excess_` columns are counted from."""
    return spacer_row(IonLibrary.default().get("BA"), compute)


def derive(
    raw: Mapping[str, NDArray[np.float64]],
    inverse_n: NDArray[np.float64],
    layered: NDArray[np.bool_],
    reference: Mapping[str, float],
) -> dict[str, NDArray[np.float64]]:
    """All intrinsic columns from the averages over ions.

    Parameters
    ----------
    raw : mapping of str to ndarray
        `RAW_COLUMNS`, each (n_materials,).
    inverse_n : ndarray
        1 / number of layers, 0 where there are none, (n_materials,).
    layered : ndarray of bool
        Whether the material has spacers and a layer number, (n_materials,).
    reference : mapping
        Values of butylammonium.

    Returns
    -------
    dict of str to ndarray
        `COLUMNS`, in order, each (n_materials,).
    """
    import numpy as np

    from perospin.chemistry import goldschmidt_tolerance

    def diluted(excess: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(layered, excess * inverse_n, 0.0)

    columns = {
        **raw,
        "inverse_n": inverse_n,
        "is_n1": (inverse_n == 1.0).astype(float),
        "spacer_charge_per_n": raw["spacer_charge"] * inverse_n,
    }
    for name in ("dielectric", "optical_dielectric"):
        ratio = raw[f"spacer_{name}_constant"] / reference[f"{name}_constant"]
        columns[f"excess_log_{name}"] = diluted(np.log(ratio))
    columns["excess_mu2_per_volume"] = diluted(raw["spacer_mu2_per_volume"] - reference["mu2_per_volume"])
    columns["excess_barrier_a"] = diluted(raw["barrier_thickness_a"] - reference["barrier_a"])
    columns["excess_chain_length"] = diluted(raw["spacer_chain_length"] - reference["chain_length"])
    for flag in _PER_N:
        columns[f"{flag}_per_n"] = diluted(raw[f"spacer_{flag}"])
    columns["octahedral_factor"] = raw["metal_radius_a"] / raw["halide_radius_a"]
    columns["tolerance_factor"] = goldschmidt_tolerance(
        raw["molecular_radius_a"], raw["metal_radius_a"], raw["halide_radius_a"]
    )
    return {name: columns[name] for name in COLUMNS}
