"""Molecules of a start: rigid conformers, from stretched to folded, and where their ammonium is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perospin.chemistry import Ion
from perospin.descriptors.molecules import parse_smiles
from perospin.errors import StructureError

__all__ = ["MOST_ATOMS", "Conformer", "centred_conformers", "conformers", "hands_of"]

Float = NDArray[np.float64]

MOST_ATOMS = 60
"""Atoms of the largest molecule that is built, hydrogens included."""
_TRIED = 60
_STRAIN_LIMIT_KCAL_MOL = 6.0
_ALIKE_A = 0.25
_MOST_MATCHES = 1000


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
    from rdkit.Chem.EnumerateStereoisomers import EnumerateStereoisomers

    if ion.is_monatomic:
        return "achiral"
    molecule = _molecule(ion)
    centres = Chem.FindMolChiralCenters(molecule, includeUnassigned=True, useLegacyImplementation=False)
    if all(_is_achiral(isomer) for isomer in EnumerateStereoisomers(molecule)):
        return "achiral"  # cis and trans count here, too
    return "racemate" if any(label == "?" for _, label in centres) else "one hand"


def _is_achiral(molecule: Any) -> bool:
    from rdkit import Chem

    mirrored = Chem.Mol(molecule)
    for atom in mirrored.GetAtoms():
        atom.InvertChirality()
    return bool(Chem.MolToSmiles(mirrored) == Chem.MolToSmiles(molecule))


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
    if ion.is_monatomic:
        symbol = next(iter(ion.composition))
        return [Conformer((symbol,), np.zeros((1, 3)), (0,), np.zeros(1, dtype=bool), False, 0.0, 0.0, np.ones(1))]
    embedded = _embedded(ion, seed, heads)
    return _some(embedded, embedded.places_a, embedded.strains_kcal_mol, most)


def centred_conformers(ion: Ion, seed: int, most: int) -> list[Conformer]:
    """Shapes of a divalent ion that have an inversion centre, from the longest to the shortest.

    One half of each embedded shape, from its ammonium to the middle of the molecule, is copied through the middle; UFF
    relaxes the whole. Strains count from the best shape without a centre.

    Parameters
    ----------
    ion, seed, most
        As for `conformers`.

    Returns
    -------
    list of Conformer
        Empty where no shape with a centre is strained by less than 6 kcal/mol, or the molecule has no such half.

    Raises
    ------
    StructureError
        As `conformers`.
    """
    from rdkit import Chem
    from rdkit.Chem import AllChem

    embedded = _embedded(ion, seed, 2)
    molecule = embedded.molecule
    places: list[Float] = []
    energies: list[float] = []
    # without all terms of UFF its energies mean nothing
    for other in _inversions(molecule) if AllChem.UFFHasAllMoleculeParams(molecule) else []:
        for whole in embedded.places_a:
            copy = Chem.Mol(molecule)
            copy.GetConformer().SetPositions(_copied_through(molecule, other, whole))
            AllChem.UFFOptimizeMolecule(copy, maxIters=1000)
            found = np.array(copy.GetConformer().GetPositions())
            found = found - found.mean(axis=0)
            found = (found - found[other]) / 2  # rounding
            copy.GetConformer().SetPositions(found)
            field = AllChem.UFFGetMoleculeForceField(copy)
            Chem.AssignStereochemistryFrom3D(copy)
            if copy.HasSubstructMatch(molecule, useChirality=True):
                places.append(found)
                energies.append(field.CalcEnergy())
    return _some(embedded, places, np.array(energies) - embedded.lowest_kcal_mol, most)


@dataclass(frozen=True)
class _Embedded:
    """Shapes of a molecule: one conformer in `molecule`, the places of all, their strains, and what strain is above."""

    molecule: Any
    heads: int
    charged: list[int]
    places_a: list[Float]
    strains_kcal_mol: Float
    lowest_kcal_mol: float


def _embedded(ion: Ion, seed: int, heads: int) -> _Embedded:
    from rdkit import Chem, rdBase
    from rdkit.Chem import AllChem

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
    energies = np.array([energy for _, energy in relaxed])
    places = [np.array(molecule.GetConformer(k).GetPositions()) for k in found]
    lowest = float(energies.min())
    one = Chem.Mol(molecule, confId=found[0])
    return _Embedded(one, heads, charged, places, energies - lowest, lowest)


def _some(embedded: _Embedded, places: list[Float], strains: Float, most: int) -> list[Conformer]:
    """Shapes that are neither alike nor strained, at most so many, from the longest to the shortest."""
    molecule = embedded.molecule
    heavy = np.array([atom.GetAtomicNum() > 1 for atom in molecule.GetAtoms()])
    charges = partial_charges(molecule)
    shapes = []
    for k in np.argsort(strains, kind="stable"):
        if strains[k] > _STRAIN_LIMIT_KCAL_MOL:
            break
        middle = places[k][heavy].mean(axis=0)
        shapes.append(
            _conformer(molecule, places[k] - middle, embedded.charged, embedded.heads, float(strains[k]), charges)
        )
    distinct = _distinct(shapes, heavy)
    distinct.sort(key=lambda shape: -shape.length_a)
    if len(distinct) <= most:
        return distinct
    chosen = np.unique(np.linspace(0, len(distinct) - 1, most).round().astype(int))
    return [distinct[k] for k in chosen]


def _inversions(molecule: Any) -> list[NDArray[np.int64]]:
    """Renumberings of the atoms that an inversion centre can make: pairs of like atoms, none in the middle."""
    from rdkit import Chem

    bare = Chem.RemoveHs(molecule)
    Chem.RemoveStereochemistry(bare)
    heavy = [atom.GetIdx() for atom in molecule.GetAtoms() if atom.GetAtomicNum() > 1]
    hydrogens = [
        [n.GetIdx() for n in molecule.GetAtomWithIdx(k).GetNeighbors() if n.GetAtomicNum() == 1] for k in heavy
    ]
    found = []
    for match in bare.GetSubstructMatches(bare, uniquify=False, maxMatches=_MOST_MATCHES):
        if any(match[match[k]] != k or match[k] == k for k in range(len(heavy))):
            continue
        if any(len(hydrogens[k]) != len(hydrogens[match[k]]) for k in range(len(heavy))):
            continue
        other = np.zeros(molecule.GetNumAtoms(), dtype=np.int64)
        for k, image in enumerate(match):
            other[heavy[k]] = heavy[image]
            other[hydrogens[k]] = hydrogens[image]
        found.append(other)
    return found


def _copied_through(molecule: Any, other: NDArray[np.int64], places_a: Float) -> Float:
    """Atoms nearer to the first ammonium kept, those of the other half copied through the middle of the molecule."""
    from rdkit import Chem

    head = next(a.GetIdx() for a in molecule.GetAtoms() if a.GetSymbol() == "N" and a.GetFormalCharge() > 0)
    bonds = Chem.GetDistanceMatrix(molecule)
    # a hydrogen goes with the atom that holds it
    holder = [a.GetNeighbors()[0].GetIdx() if a.GetAtomicNum() == 1 else a.GetIdx() for a in molecule.GetAtoms()]
    kept = np.array([(bonds[head, k], k) < (bonds[other[head], k], other[k]) for k in holder])
    ends = [end for bond in molecule.GetBonds() for end in (bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())
            if kept[bond.GetBeginAtomIdx()] != kept[bond.GetEndAtomIdx()]]  # fmt: skip
    from_middle = places_a - places_a[ends].mean(axis=0)
    halves: Float = np.where(kept[:, None], from_middle, -from_middle[other])
    return halves


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
