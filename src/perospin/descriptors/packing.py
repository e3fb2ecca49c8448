"""How spacers fill the space between layers: what a formula, SMILES and ionic radii say without any computation.

For structures that nobody has measured: no quantum chemistry, so any cation is described in milliseconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from perospin.chemistry import Ion, Perovskite
from perospin.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PACKING_DESCRIPTIONS", "bulk_a3", "other_sheets", "packing_columns", "spacer_key"]

PACKING_DESCRIPTIONS: Mapping[str, str] = {
    "n_sheets": "sheets of octahedra in a slab, from the formula (0 for 3D)",
    "slab_thickness_a": "2 n (metal + halide Shannon radius): thickness of a slab of regular octahedra (A)",
    "sheet_area_a2": "(2 (metal + halide Shannon radius))^2: area per metal of a sheet of untilted octahedra (A^2)",
    "organic_thickness_a": "van der Waals volume of the spacers of a gap over the area of the sheet (A)",
    "packed_spacing_a": "slab thickness + organic thickness / 0.7: layer spacing of spacers packed like a liquid (A)",
    "spacers_per_gap": "spacers per metal of one sheet: 2 for Ruddlesden-Popper, 1 for Dion-Jacobson",
    "spacer_charge": "charge of the spacer (0 without a spacer)",
    "spacer_bulk_a3": "van der Waals volume of the spacer (A^3; atoms and bonds, Zhao 2003, 10.1021/jo034808o)",
    "spacer_length_a": "from the ammonium to the farthest heavy atom, molecule stretched (A; distance geometry)",
    "spacer_span_a": "between the two charged atoms of a divalent spacer, molecule stretched (A; 0 if monovalent)",
    "spacer_gap_length_a": "length of the spacers across a gap: two monovalent ones on end, or one divalent one (A)",
    "spacer_section_a2": "volume of the spacer / (its length + 3 A): its cross section (A^2)",
    "spacer_ammonium_hydrogens": "hydrogens on a charged atom of the spacer, mean",
    "spacer_polar_atoms": "uncharged N and O of the spacer (hydrogen bonds inside the organic layer)",
    "spacer_hydroxyls": "OH groups of the spacer",
    "spacer_rings": "rings of the spacer",
    "spacer_aromatic_rings": "aromatic rings of the spacer",
    "spacer_rotors": "rotatable bonds of the spacer",
    "spacer_chain_bonds": "bonds between the charged atom and the nearest ring (0 without a ring or inside it)",
    "spacer_branching": "heavy neighbours of the atoms bound to the charged atom, beyond one each",
    "spacer_fluorines": "fluorine atoms of the spacer",
    "spacer_heavy_halogens": "Cl, Br and I atoms of the spacer",
    "metal_radius_a": "Shannon radius of the metal (A)",
    "metal_electronegativity": "Pauling electronegativity of the metal, composition average",
    "halide_radius_a": "Shannon radius of the halide (A)",
    "cage_atoms": "heavy atoms of the cation in the cages, mean (0 without one)",
}
"""Column -> what it is, with its unit. Columns of the spacer are averages over the spacers by amount."""

PACKED_SHARE = 0.7
"""Share of a molecular liquid or layer that the molecules' van der Waals volume fills."""

# van der Waals volumes of atoms (A^3), the part per bond and those per ring: Zhao, Abraham and Zissimos, J. Org. Chem.
# 2003, 68, 7368, table 2 and equation 4
_ATOM_A3 = {
    "H": 7.24, "C": 20.58, "N": 15.60, "O": 14.71, "F": 13.31, "Cl": 22.45, "Br": 26.52, "I": 32.52, "P": 24.43,
    "S": 24.43, "B": 40.48, "Si": 38.79, "Se": 28.73,
}  # fmt: skip
_BOND_A3, _AROMATIC_RING_A3, _OTHER_RING_A3 = 5.92, 14.7, 3.8
_HEAD_A = 3.0
"""Added to a molecule's length for the van der Waals radii of its two ends."""


@lru_cache(maxsize=4096)
def _molecule(smiles: str) -> Any:
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(smiles)
    if molecule is None:
        raise DataError(f"can't read the SMILES '{smiles:.80}'; write e.g. CCCC[NH3+]")
    return molecule


def bulk_a3(smiles: str) -> float:
    """Van der Waals volume of a molecule from its atoms, bonds and rings.

    Zhao, Abraham and Zissimos, J. Org. Chem. 2003, 68, 7368 (10.1021/jo034808o), equation 4.

    Parameters
    ----------
    smiles : str
        Molecule or ion.

    Returns
    -------
    float
        In cubic angstrom; NaN with an element that the method doesn't know.

    Raises
    ------
    DataError
        If the SMILES can't be read.
    """
    from rdkit import Chem

    molecule = Chem.AddHs(_molecule(smiles))
    rings = [list(ring) for ring in molecule.GetRingInfo().AtomRings()]
    aromatic = sum(all(molecule.GetAtomWithIdx(i).GetIsAromatic() for i in ring) for ring in rings)
    atoms = sum(_ATOM_A3.get(atom.GetSymbol(), math.nan) for atom in molecule.GetAtoms())
    other = len(rings) - aromatic
    return float(atoms - _BOND_A3 * molecule.GetNumBonds() - _AROMATIC_RING_A3 * aromatic - _OTHER_RING_A3 * other)


@lru_cache(maxsize=4096)
def _spacer(smiles: str) -> Mapping[str, float]:
    """Columns of one spacer that its SMILES alone decides."""
    from rdkit import Chem, rdBase
    from rdkit.Chem import rdDistGeom, rdMolDescriptors

    molecule = _molecule(smiles)
    charged = [atom.GetIdx() for atom in molecule.GetAtoms() if atom.GetFormalCharge() > 0]
    nitro = molecule.GetSubstructMatches(Chem.MolFromSmarts("[N+](=O)[O-]"))
    charged = [i for i in charged if i not in {match[0] for match in nitro}]
    if not charged:
        raise DataError(f"the SMILES '{smiles:.80}' has no charged atom, so it is no spacer cation")
    heavy = molecule.GetNumAtoms()
    # upper bounds of distance geometry, smoothed: the distances in the stretched molecule
    with rdBase.BlockLogs():
        bounds = rdDistGeom.GetMoleculeBoundsMatrix(Chem.AddHs(molecule))
    stretched = [[float(bounds[min(i, j), max(i, j)]) if i != j else 0.0 for j in range(heavy)] for i in charged]
    length = max(max(row) for row in stretched)
    span = max(stretched[k][j] for k in range(len(charged)) for j in charged)
    atoms = [molecule.GetAtomWithIdx(i) for i in charged]
    bonds = Chem.GetDistanceMatrix(molecule)
    in_ring = [atom.GetIdx() for atom in molecule.GetAtoms() if atom.IsInRing()]
    rings = [list(ring) for ring in molecule.GetRingInfo().AtomRings()]
    bulk = bulk_a3(smiles)
    return {
        "spacer_bulk_a3": bulk,
        "spacer_length_a": length,
        "spacer_span_a": span,
        "spacer_section_a2": bulk / (length + _HEAD_A),
        "spacer_ammonium_hydrogens": sum(atom.GetTotalNumHs() for atom in atoms) / len(atoms),
        "spacer_polar_atoms": float(
            sum(a.GetSymbol() in ("N", "O") and a.GetIdx() not in charged for a in molecule.GetAtoms())
        ),
        "spacer_hydroxyls": float(len(molecule.GetSubstructMatches(Chem.MolFromSmarts("[OX2H]")))),
        "spacer_rings": float(len(rings)),
        "spacer_aromatic_rings": float(
            sum(all(molecule.GetAtomWithIdx(i).GetIsAromatic() for i in ring) for ring in rings)
        ),
        "spacer_rotors": float(rdMolDescriptors.CalcNumRotatableBonds(molecule)),
        "spacer_chain_bonds": float(min((bonds[i][j] for i in charged for j in in_ring), default=0.0)),
        "spacer_branching": float(
            sum(max(near.GetDegree() - 2, 0) for atom in atoms for near in atom.GetNeighbors()) / len(atoms)
        ),
        "spacer_fluorines": float(sum(a.GetSymbol() == "F" for a in molecule.GetAtoms())),
        "spacer_heavy_halogens": float(sum(a.GetSymbol() in ("Cl", "Br", "I") for a in molecule.GetAtoms())),
    }


_SPACER_COLUMNS = (
    "spacer_bulk_a3", "spacer_length_a", "spacer_span_a", "spacer_section_a2", "spacer_ammonium_hydrogens",
    "spacer_polar_atoms", "spacer_hydroxyls", "spacer_rings", "spacer_aromatic_rings", "spacer_rotors",
    "spacer_chain_bonds", "spacer_branching", "spacer_fluorines", "spacer_heavy_halogens",
)  # fmt: skip


def _mean(parts: Sequence[tuple[float, float]]) -> float:
    total = sum(amount for _, amount in parts)
    return sum(value * amount for value, amount in parts) / total if total else math.nan


def _row(material: Perovskite) -> dict[str, float]:
    """All columns of one material; NaN where there is no spacer or no layer number."""
    from perospin.descriptors.intrinsic import site_row

    row = dict.fromkeys(PACKING_DESCRIPTIONS, math.nan)
    metals = [(site_row(ion), float(amount)) for ion, amount in material.b_site]
    halides = [(site_row(ion), float(amount)) for ion, amount in material.x_site]
    row["metal_radius_a"] = _mean([(m["radius_a"], amount) for m, amount in metals])
    row["metal_electronegativity"] = _mean([(m["electronegativity"], amount) for m, amount in metals])
    row["halide_radius_a"] = _mean([(x["radius_a"], amount) for x, amount in halides])
    row["sheet_area_a2"] = (2.0 * (row["metal_radius_a"] + row["halide_radius_a"])) ** 2
    row["n_sheets"] = float(material.n_layers or 0)
    row["spacer_charge"] = 0.0
    row["cage_atoms"] = 0.0
    if material.a_site:
        row["cage_atoms"] = _mean([(_heavy_atoms(ion), float(amount)) for ion, amount in material.a_site])
    spacers = [(ion, float(amount)) for ion, amount in material.spacers]
    if not spacers:
        return row
    row["spacer_charge"] = _mean([(float(ion.charge), amount) for ion, amount in spacers])
    if any(ion.smiles is None or ion.is_monatomic for ion, _ in spacers):
        return row
    told = [(_spacer(str(ion.smiles)), amount) for ion, amount in spacers]
    for column in _SPACER_COLUMNS:
        row[column] = _mean([(one[column], amount) for one, amount in told])
    row["spacer_gap_length_a"] = _mean(
        [(one["spacer_length_a"] * (2.0 if ion.charge == 1 else 1.0), amount)
         for (ion, amount), (one, _) in zip(spacers, told, strict=True)]
    )  # fmt: skip
    if material.n_layers:
        metals_in_all = sum(amount for _, amount in metals)
        row["spacers_per_gap"] = sum(amount for _, amount in spacers) / metals_in_all * material.n_layers
        _between(row)
    return row


def _between(row: Any) -> None:
    """Fill in what follows from the spacers of a gap and the sheet beside it, in one row or a table of them."""
    edge = 2.0 * (row["metal_radius_a"] + row["halide_radius_a"])
    row["sheet_area_a2"] = edge**2
    row["slab_thickness_a"] = row["n_sheets"] * edge
    row["organic_thickness_a"] = row["spacers_per_gap"] * row["spacer_bulk_a3"] / row["sheet_area_a2"]
    row["packed_spacing_a"] = row["slab_thickness_a"] + row["organic_thickness_a"] / PACKED_SHARE


def other_sheets(packing: pd.DataFrame, sheets: pd.DataFrame) -> pd.DataFrame:
    """Columns of the same layered materials between sheets of other ions.

    Parameters
    ----------
    packing : DataFrame, (n_rows, n_columns)
        As `packing_columns` gives them.
    sheets : DataFrame, (n_rows, 3)
        ``metal_radius_a``, ``metal_electronegativity`` and ``halide_radius_a`` of the other ions.
    """
    found = packing.copy()
    for column in ("metal_radius_a", "metal_electronegativity", "halide_radius_a"):
        found[column] = sheets[column].to_numpy()
    _between(found)
    return found


def _heavy_atoms(ion: Ion) -> float:
    return float(sum(count for element, count in ion.elements if element != "H"))


def packing_columns(materials: Iterable[Perovskite | None]) -> pd.DataFrame:
    """Describe how the spacers of materials fill the space between layers.

    Parameters
    ----------
    materials : iterable of Perovskite or None
        None gives an empty row.

    Returns
    -------
    DataFrame
        Columns `PACKING_DESCRIPTIONS`, one row a material, (n_materials, n_columns); NaN where something doesn't exist.

    Raises
    ------
    DataError
        If the SMILES of a spacer can't be read.
    """
    import pandas as pd

    empty = dict.fromkeys(PACKING_DESCRIPTIONS, math.nan)
    rows = [empty if material is None else _row(material) for material in materials]
    return pd.DataFrame(rows, columns=list(PACKING_DESCRIPTIONS), dtype=float)


def spacer_key(material: Perovskite) -> str:
    """SMILES of the spacers with their stereochemistry left out: enantiomers and their racemate have one key.

    A 3D material has the key of its A site, so that it never stands with a layered one.
    """
    site = material.spacers or material.a_site
    return " + ".join(sorted({_flat(ion) for ion, _ in site}))


@lru_cache(maxsize=4096)
def _flat(ion: Ion) -> str:
    from rdkit import Chem

    if ion.smiles is None or ion.is_monatomic:
        return ion.symbol
    return str(Chem.MolToSmiles(_molecule(ion.smiles), isomericSmiles=False))
