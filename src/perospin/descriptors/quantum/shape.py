"""Descriptors that follow from a stored result without a new calculation: frontier-orbital hardness, shape, groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from perospin.descriptors.molecules import parse_smiles

DERIVED_COLUMNS: Mapping[str, str] = {
    "hardness_ev": "chemical hardness, half the HOMO-LUMO gap (eV)",
    "electronegativity_ev": "absolute electronegativity, minus the mean of HOMO and LUMO (eV)",
    "ellipsoid_long_a": "longest semi-axis of the ellipsoid with the cation's second moments (A)",
    "ellipsoid_middle_a": "middle semi-axis (A)",
    "ellipsoid_short_a": "shortest semi-axis (A)",
    "rotatable_bonds": "rotatable bonds",
    "hydrogen_bond_donors": "N-H and O-H hydrogens",
    "chiral": "1 if the SMILES is one enantiomer of a chiral cation",
    "open_stereocentres": "stereocentres the SMILES leaves open (their conformers are ranked together)",
}
"""Name -> what it is, with its unit."""


def frontier_descriptors(homo_ev: float, lumo_ev: float) -> dict[str, float]:
    """Absolute hardness and electronegativity by Koopmans' theorem (I = -HOMO, A = -LUMO).

    eta = (I - A)/2 (Parr and Pearson, J. Am. Chem. Soc. 1983, 105, 7512), chi = (I + A)/2 (Mulliken).
    """
    return {
        "hardness_ev": round((lumo_ev - homo_ev) / 2, 6),
        "electronegativity_ev": round(-(homo_ev + lumo_ev) / 2, 6),
    }


def ellipsoid_axes_a(symbols: Iterable[str], positions_a: Iterable[Iterable[float]]) -> tuple[float, float, float]:
    """Semi-axes in angstrom, longest first, of the uniform ellipsoid with the molecule's second moments.

    The molecule is the sum of its atoms' van der Waals spheres (RDKit's radii), so hydrogens count by their volume
    and an atom is a sphere of its own radius. A uniform ellipsoid has the second moment a^2/5 along its semi-axis a.
    """
    from rdkit import Chem

    table = Chem.GetPeriodicTable()
    radii = np.array([table.GetRvdw(symbol) for symbol in symbols], dtype=float)
    positions = np.asarray([list(xyz) for xyz in positions_a], dtype=float)
    weights = radii**3 / np.sum(radii**3)
    centred = positions - weights @ positions
    moments = (weights * centred.T) @ centred + np.eye(3) * (weights @ radii**2) / 5
    axes = np.sqrt(5 * np.linalg.eigvalsh(moments))[::-1].round(6)
    return float(axes[0]), float(axes[1]), float(axes[2])


def chirality(smiles: str) -> dict[str, float]:
    """`chiral`: the SMILES fixes one hand and differs from its mirror image; `open_stereocentres`: left unspecified.

    A meso compound equals its mirror image and is not chiral.
    """
    from rdkit import Chem

    parse_smiles(smiles)
    mirror = smiles.replace("@@", "\0").replace("@", "@@").replace("\0", "@")
    centres = Chem.FindMolChiralCenters(
        Chem.MolFromSmiles(smiles), includeUnassigned=True, useLegacyImplementation=False
    )
    return {
        "chiral": float(Chem.CanonSmiles(smiles) != Chem.CanonSmiles(mirror)),
        "open_stereocentres": float(sum(label == "?" for _, label in centres)),
    }


def derived_descriptors(
    smiles: str, values: Mapping[str, float], symbols: Iterable[str], positions_a: Iterable[Iterable[float]]
) -> dict[str, float]:
    """All of `DERIVED_COLUMNS` for one result (without hardness where the level has no orbital energies).

    Parameters
    ----------
    smiles : str
        SMILES of the ion as it was given, with its stereochemistry.
    values : mapping
        Values of the level, `homo_ev` and `lumo_ev` among them.
    symbols, positions_a
        Geometry, (n_atoms,) and (n_atoms, 3) in angstrom.
    """
    from perospin.descriptors.molecules import group_flags

    frontier = frontier_descriptors(values["homo_ev"], values["lumo_ev"]) if "homo_ev" in values else {}
    long, middle, short = ellipsoid_axes_a(symbols, positions_a)
    flags = group_flags(smiles)
    return {
        **frontier,
        "ellipsoid_long_a": long,
        "ellipsoid_middle_a": middle,
        "ellipsoid_short_a": short,
        "rotatable_bonds": flags["rotatable_bonds"],
        "hydrogen_bond_donors": flags["hydrogen_bond_donors"],
        **chirality(smiles),
    }
