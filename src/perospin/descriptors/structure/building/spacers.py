"""Molecules of a start: rigid conformers, from stretched to folded, and where their ammonium is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perospin.chemistry import Ion
from perospin.descriptors.molecules import parse_smiles
from perospin.errors import StructureError

__all__ = ["MOST_ATOMS", "Conformer", "conformers", "hands_of"]

Float = NDArray[np.float64]

MOST_ATOMS = 60
"""Atoms of the largest molecule that is built, hydrogens included."""
_TRIED = 60
_STRAIN_LIMIT_KCAL_MOL = 6.0
_ALIKE_A = 0.25


@dataclass(frozen=True)
class Conformer:
    """One rigid shape of a molecular ion.

    Attributes
    ----------
    symbols
        Element of each atom, (n_atoms,).
    positions_a
        Cartesian coordinates (A), the middle of the heavy atoms at the origin, (n_atoms, 3).
    heads
        Charged nitrogens with hydrogen, nearest the end first.
    donors
        Whether an atom is a hydrogen on N or O, (n_atoms,).
    bare_heads
        Whether all heads are NH3.
    length_a
        From the first head to the second, or to the farthest heavy atom (A).
    strain_kcal_mol
        Of the shape, in the UFF force field, above the best of the same molecule.
    charges_e
        Partial charges (elementary charges), (n_atoms,); they sum to the charge of the ion.
    """

    symbols: tuple[str, ...]
    positions_a: Float
    heads: tuple[int, ...]
    donors: NDArray[np.bool_]
    bare_heads: bool
    length_a: float
    strain_kcal_mol: float
    charges_e: Float


def _molecule(ion: Ion) -> Any:
    """With its hydrogens."""
    return parse_smiles(str(ion.smiles))[0]


def hands_of(ion: Ion) -> str:
    """``"achiral"``, ``"racemate"`` (a stereocentre that the SMILES leaves open) or ``"one hand"``."""
    from rdkit import Chem

    if ion.is_monatomic:
        return "achiral"
    molecule = _molecule(ion)
    centres = Chem.FindMolChiralCenters(molecule, includeUnassigned=True, useLegacyImplementation=False)
    if not centres:
        return "achiral"
    if any(label == "?" for _, label in centres):
        return "racemate"
    mirrored = Chem.Mol(molecule)
    for atom in mirrored.GetAtoms():
        atom.InvertChirality()
    same = Chem.MolToSmiles(mirrored) == Chem.MolToSmiles(molecule)
    return "achiral" if same else "one hand"


def conformers(ion: Ion, seed: int, most: int, heads: int) -> list[Conformer]:
    """Shapes of an ion from the longest to the shortest.

    RDKit's ETKDG (version 3) draws them, UFF relaxes them; shapes alike within 0.25 A and those strained by more
    than 6 kcal/mol are left out.

    Parameters
    ----------
    ion
        A cation; a single atom has one shape.
    seed
        Of the embedding.
    most
        Largest number of shapes.
    heads
        Charged nitrogens that it must have.

    Raises
    ------
    StructureError
        If the molecule is too large, lacks its ammonium, or can't be embedded.
    """
    from rdkit import rdBase
    from rdkit.Chem import AllChem

    if ion.is_monatomic:
        symbol = next(iter(ion.composition))
        return [Conformer((symbol,), np.zeros((1, 3)), (0,), np.zeros(1, dtype=bool), False, 0.0, 0.0, np.ones(1))]
    molecule = _molecule(ion)
    if molecule.GetNumAtoms() > MOST_ATOMS:
        raise StructureError(
            f"{ion.symbol} has {molecule.GetNumAtoms()} atoms; crystals are built of molecules of at most {MOST_ATOMS}"
        )
    charged = [
        atom.GetIdx()
        for atom in molecule.GetAtoms()
        if atom.GetSymbol() == "N" and atom.GetFormalCharge() > 0 and atom.GetTotalNumHs(includeNeighbors=True)
    ]
    if len(charged) < heads:
        raise StructureError(
            f"{ion.symbol} ({ion.smiles}) has {len(charged)} charged nitrogens with hydrogen; a spacer of this charge "
            f"needs {heads}, as [NH3+] or [NH2+]"
        )
    settings = AllChem.ETKDGv3()
    settings.randomSeed = seed + 1  # 0 would be read as "no seed" by some versions
    settings.numThreads = 1
    with rdBase.BlockLogs():
        found = list(AllChem.EmbedMultipleConfs(molecule, _TRIED, settings))
        if not found:
            settings.useRandomCoords = True
            found = list(AllChem.EmbedMultipleConfs(molecule, 8, settings))
        relaxed = AllChem.UFFOptimizeMoleculeConfs(molecule, numThreads=1, maxIters=1000) if found else []
    if not found:
        raise StructureError(f"RDKit finds no shape of {ion.symbol} ({ion.smiles}): is its SMILES right?")
    strains = np.array([energy for _, energy in relaxed])
    strains = strains - strains.min()
    heavy = np.array([atom.GetAtomicNum() > 1 for atom in molecule.GetAtoms()])
    charges = partial_charges(molecule)
    shapes = []
    for k in np.argsort(strains, kind="stable"):
        if strains[k] > _STRAIN_LIMIT_KCAL_MOL:
            break
        places = np.array(molecule.GetConformer(found[k]).GetPositions())
        shapes.append(
            _conformer(molecule, places - places[heavy].mean(axis=0), charged, heads, float(strains[k]), charges)
        )
    distinct = _distinct(shapes, heavy)
    distinct.sort(key=lambda shape: -shape.length_a)
    if len(distinct) <= most:
        return distinct
    chosen = np.unique(np.linspace(0, len(distinct) - 1, most).round().astype(int))
    return [distinct[k] for k in chosen]


def partial_charges(molecule: Any) -> Float:
    """Give partial charges of atoms: MMFF94's, or Gasteiger's where MMFF94 lacks an atom, (n_atoms,)."""
    from rdkit.Chem import AllChem, GetFormalCharge

    typed = AllChem.MMFFGetMoleculeProperties(molecule)
    if typed is None:
        AllChem.ComputeGasteigerCharges(molecule)
        found = np.array([atom.GetDoubleProp("_GasteigerCharge") for atom in molecule.GetAtoms()])
        found = np.where(np.isfinite(found), found, 0.0)
    else:
        found = np.array([typed.GetMMFFPartialCharge(k) for k in range(molecule.GetNumAtoms())])
    return found + (GetFormalCharge(molecule) - found.sum()) / len(found)


def _conformer(
    molecule: object, places: Float, charged: list[int], heads: int, strain: float, charges: Float
) -> Conformer:
    atoms = list(molecule.GetAtoms())  # type: ignore[attr-defined]
    heavy = [atom.GetIdx() for atom in atoms if atom.GetAtomicNum() > 1]
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    order: tuple[int, ...]
    if heads == 2:
        first, second = max(((i, j) for i in charged for j in charged if i < j), key=lambda ij: apart[ij])
        order, length = (first, second), float(apart[first, second])
    else:
        first = max(charged, key=lambda i: apart[i, heavy].max())
        order, length = (first,), float(apart[first, heavy].max())
    donors = np.array(
        [a.GetAtomicNum() == 1 and a.GetNeighbors()[0].GetSymbol() in ("N", "O") for a in atoms], dtype=bool
    )
    bare = all(atoms[k].GetTotalNumHs(includeNeighbors=True) == 3 for k in order)
    return Conformer(tuple(a.GetSymbol() for a in atoms), places, order, donors, bare, length, strain, charges)


def _distinct(shapes: list[Conformer], heavy: NDArray[np.bool_]) -> list[Conformer]:
    """Keep the least strained of each group of shapes with nearly the same distances between heavy atoms."""
    kept: list[tuple[Conformer, Float]] = []
    for shape in shapes:
        places = shape.positions_a[heavy]
        apart = np.linalg.norm(places[:, None] - places[None], axis=2)
        if all(np.sqrt(np.mean((apart - other) ** 2)) > _ALIKE_A for _, other in kept):
            kept.append((shape, apart))
    return [shape for shape, _ in kept]
