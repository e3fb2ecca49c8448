"""Descriptors that need no quantum chemistry: electronegativity, mass, shape and groups of a cation."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from perospin.errors import QuantumError

# Pauling scale (as in pymatgen's element table, against which a test checks every value)
PAULING: Mapping[str, float] = {
    "Ag": 1.93, "Al": 1.61, "Au": 2.54, "B": 2.04, "Ba": 0.89, "Bi": 2.02, "Br": 2.96, "C": 2.55, "Ca": 1.00,
    "Cd": 1.69, "Ce": 1.12, "Cl": 3.16, "Co": 1.88, "Cr": 1.66, "Cs": 0.79, "Cu": 1.90, "Dy": 1.22, "Er": 1.24,
    "Eu": 1.20, "F": 3.98, "Fe": 1.83, "Ga": 1.81, "Gd": 1.20, "Ge": 2.01, "H": 2.20, "Hf": 1.30, "Hg": 2.00,
    "Ho": 1.23, "I": 2.66, "In": 1.78, "Ir": 2.20, "K": 0.82, "La": 1.10, "Li": 0.98, "Lu": 1.27, "Mg": 1.31,
    "Mn": 1.55, "Mo": 2.16, "N": 3.04, "Na": 0.93, "Nd": 1.14, "Ni": 1.91, "O": 3.44, "P": 2.19, "Pb": 2.33,
    "Pd": 2.20, "Pr": 1.13, "Pt": 2.28, "Rb": 0.82, "Rh": 2.28, "Ru": 2.20, "S": 2.58, "Sb": 2.05, "Sc": 1.36,
    "Se": 2.55, "Sm": 1.17, "Sn": 1.96, "Sr": 0.95, "Tb": 1.10, "Te": 2.10, "Ti": 1.54, "Tl": 1.62, "Tm": 1.25,
    "V": 1.63, "Y": 1.22, "Yb": 1.10, "Zn": 1.65, "Zr": 1.33,
}  # fmt: skip


def mean_electronegativity(composition: Mapping[str, int]) -> float:
    """Plain mean of the Pauling electronegativities over all atoms of an ion (the published convention).

    MA: (2.55 + 3.04 + 6 x 2.20) / 8 = 2.349.
    """
    total = sum(composition.values())
    return sum(PAULING[element] * count for element, count in composition.items()) / total


@lru_cache(maxsize=4096)
def neutral_amine_smiles(smiles: str) -> str | None:
    """SMILES of the neutral amine: one proton taken from every charged atom; None where there is none to take."""
    from rdkit import Chem

    from perospin.descriptors.quantum.geometry import parse_smiles

    parse_smiles(smiles)
    molecule = Chem.RWMol(Chem.MolFromSmiles(smiles))
    for atom in molecule.GetAtoms():
        if atom.GetFormalCharge() > 0:
            if atom.GetTotalNumHs() == 0 or atom.GetFormalCharge() > 1:
                return None
            atom.SetFormalCharge(0)
            if atom.GetNumExplicitHs():
                atom.SetNumExplicitHs(atom.GetNumExplicitHs() - 1)
    try:
        Chem.SanitizeMol(molecule)
    except Chem.MolSanitizeException:
        return None
    return str(Chem.MolToSmiles(molecule))


@lru_cache(maxsize=4096)
def group_flags(smiles: str) -> Mapping[str, float]:
    """Shape and functional groups of a cation, read from its SMILES.

    Returns
    -------
    mapping
        `aromatic` (1 if it has an aromatic ring), `ring` (1 if any ring), `heavy_halogen` (1 if Cl, Br or I sits on
        an aliphatic carbon), `hydroxyl` (1 if it has an OH), `secondary_ammonium` (1 if a charged nitrogen carries
        two carbons), `chain_length` (bonds on the longest shortest path between heavy atoms), `rotatable_bonds`,
        `hydrogen_bond_donors` (N-H and O-H hydrogens), `heavy_atoms`.

    Raises
    ------
    QuantumError
        If the SMILES can't be read.
    """
    from rdkit import Chem
    from rdkit.Chem import rdMolDescriptors

    molecule = Chem.MolFromSmiles(smiles)
    if molecule is None:
        raise QuantumError(f"can't read the SMILES '{smiles}'")

    def has(pattern: str) -> float:
        return float(molecule.HasSubstructMatch(Chem.MolFromSmarts(pattern)))

    distances: Any = Chem.GetDistanceMatrix(molecule)
    return {
        "aromatic": float(any(a.GetIsAromatic() for a in molecule.GetAtoms())),
        "ring": float(molecule.GetRingInfo().NumRings() > 0),
        "heavy_halogen": has("[CX4][Cl,Br,I]"),
        "hydroxyl": has("[OX2H]"),
        "secondary_ammonium": has("[NX4;H2+]([#6])[#6]"),
        "chain_length": float(distances.max()),
        "rotatable_bonds": float(rdMolDescriptors.CalcNumRotatableBonds(molecule)),
        "hydrogen_bond_donors": float(
            sum(a.GetTotalNumHs() for a in molecule.GetAtoms() if a.GetSymbol() in {"N", "O"})
        ),
        "heavy_atoms": float(molecule.GetNumHeavyAtoms()),
    }
