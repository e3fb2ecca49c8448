"""Molecules from SMILES: reading, functional groups, the neutral amine."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from perospin.errors import QuantumError


@lru_cache(maxsize=4096)
def neutral_amine_smiles(smiles: str) -> str | None:
    """SMILES of the neutral amine: one proton taken from every charged atom; None where there is none to take."""
    from rdkit import Chem

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


def parse_smiles(smiles: str) -> tuple[object, int]:
    """Read a SMILES; return the molecule with hydrogens and its charge.

    Raises
    ------
    QuantumError
        If RDKit can't read it, it holds several molecules or it has unpaired electrons.
    """
    from rdkit import Chem, rdBase
    from rdkit.Chem import Descriptors

    if not smiles.strip():
        raise QuantumError("the SMILES is empty; write the ion with its charge, e.g. 'CCCC[NH3+]'")
    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(smiles)
    if molecule is None:
        raise QuantumError(f"can't read the SMILES '{smiles}'; write the ion with its charge, e.g. 'CCCC[NH3+]'")
    if len(Chem.GetMolFrags(molecule)) > 1:
        raise QuantumError(f"'{smiles}' holds several molecules; write the ion alone, without its counter-ion")
    if any(atom.GetAtomicNum() == 0 for atom in molecule.GetAtoms()):
        raise QuantumError(f"'{smiles}' holds an atom without an element; write every atom out")
    charge = Chem.GetFormalCharge(molecule)
    molecule = Chem.AddHs(molecule)
    electrons = sum(atom.GetAtomicNum() for atom in molecule.GetAtoms()) - charge
    # an odd number also catches what RDKit does not count as a radical, such as a metal ion
    if Descriptors.NumRadicalElectrons(molecule) or electrons % 2:
        raise QuantumError(f"'{smiles}' has unpaired electrons; only closed-shell ions are computed")
    return molecule, charge
