"""Column names in words: ``homo_ev`` becomes "HOMO energy (eV)"."""

from __future__ import annotations

from collections.abc import Mapping

from perospin.units import split_unit

QUANTITIES = {
    "homo": "HOMO energy",
    "lumo": "LUMO energy",
    "gap": "HOMO–LUMO gap",
    "homo_lumo_gap": "HOMO–LUMO gap",
    "dipole": "dipole moment",
    "polarisability": "polarisability",
    "molecular_radius": "molecular radius",
    "molar_mass": "mean molar mass",
    "cation_molar_mass": "mean cation molar mass",
    "electronegativity": "mean electronegativity",
    "tolerance_factor": "tolerance factor",
    "n_layers": "layer number n",
    "inverse_n": "1/n",
    "is_n1": "n = 1",
    "charge": "charge",
    "dielectric_constant": "dielectric constant",
    "mu2_per_volume": "dipole² per volume",
    "heavy_halogen": "aliphatic heavy halogen",
    "aromatic": "aromatic",
    "ring": "ring",
    "hydroxyl": "hydroxyl",
    "chain_length": "chain length",
    "barrier_thickness": "barrier thickness",
    "equivalent_radius": "equivalent radius",
    "polar_hydrogens": "polar hydrogens per volume",
    "excess_log_dielectric": "spacer polarity (ln ε, per n)",
    "excess_log_optical_dielectric": "spacer optical constant (ln ε∞, per n)",
    "excess_mu2_per_volume": "spacer dipole² per volume (per n)",
    "excess_barrier": "barrier thickness (per n)",
    "excess_chain_length": "spacer chain length (per n)",
    "single_layer_spacing_a": "predicted layer spacing (Å)",
    "single_layer_spacing_sd_a": "its uncertainty (Å)",
    "exchange_log10": "exciton exchange at the predicted spacing (log₁₀)",
    "spacer_charge_per_n": "spacer charge / n",
    "aromatic_per_n": "aromatic spacer (per n)",
    "heavy_halogen_per_n": "aliphatic heavy halogen (per n)",
    "hydroxyl_per_n": "hydroxyl (per n)",
    "secondary_ammonium_per_n": "secondary ammonium (per n)",
    "neutral_dipole": "neutral dipole",
    "bromide_fraction": "bromide fraction",
    "radius": "radius",
    "z": "nuclear charge Z",
    "n_sheets": "sheets of octahedra in a slab",
    "sheet_area": "area of a sheet per metal",
    "organic_thickness": "thickness of the organic layer",
    "packed_spacing": "layer spacing of packed spacers",
    "spacers_per_gap": "spacers per metal of a sheet",
    "bulk": "volume",
    "span": "distance between its charges",
    "gap_length": "length across a gap",
    "section": "cross section",
    "ammonium_hydrogens": "hydrogens on its charged atom",
    "polar_atoms": "uncharged N and O atoms",
    "hydroxyls": "OH groups",
    "rotors": "rotatable bonds",
    "chain_bonds": "bonds from charge to ring",
    "fluorines": "fluorine atoms",
    "heavy_halogens": "Cl, Br and I atoms",
    "cage_atoms": "heavy atoms of the cage cation",
}


SITES = {"spacer": "spacer", "a_site": "A-site", "metal": "metal", "halide": "halide", "cation": "cation"}


def words(column: str, own: Mapping[str, str] | None = None) -> str:
    """Say a column in words, without its unit."""
    if own and column in own:
        return own[column].split(" (")[0]
    stem, _ = split_unit(column)
    site = ""
    if stem not in QUANTITIES:
        for prefix, word in SITES.items():
            if stem.startswith(prefix + "_"):
                site, stem = word + " ", stem[len(prefix) + 1 :]
                break
    phrase = QUANTITIES.get(stem, stem.replace("_", " "))
    return site + (phrase.removeprefix("mean ") if site else phrase)


def axis_label(column: str, own: Mapping[str, str] | None = None) -> str:
    """Say a column in words with its unit, for an axis."""
    if own and column in own:
        return own[column]
    unit = split_unit(column)[1]
    return f"{words(column)} ({unit})" if unit else words(column)
