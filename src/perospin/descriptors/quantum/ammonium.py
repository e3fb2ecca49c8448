"""Charge and electrostatic potential of a cation's ammonium head, on a given geometry.

The head is what carries the charge and binds to the halides: the charged nitrogen with its hydrogens, together with
the nitrogens that share its charge through one carbon (amidinium, guanidinium, imidazolium, 2-aminopyridinium).
A quaternary nitrogen is buried: its head is the carbons around it with their hydrogens.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from perospin._optional import require
from perospin.descriptors.molecules import parse_smiles
from perospin.descriptors.quantum.electronic import HARTREE_EV, converged_hf
from perospin.descriptors.quantum.geometry import BOHR_A, Geometry, gfn2_charges
from perospin.errors import QuantumError

_SURFACE_DENSITY = 1e-3
_N_DIRECTIONS = 302
_N_BISECTIONS = 30
_REFINEMENTS_RAD = (0.15, 0.03)
_POINTS_PER_BLOCK = 64

Array = NDArray[np.float64]


def ammonium_heads(smiles: str) -> list[tuple[int, ...]]:
    """Atoms of each ammonium head, as indices into the molecule with hydrogens that RDKit makes of `smiles`."""
    molecule: Any = parse_smiles(smiles)[0]
    heads: list[set[int]] = []
    for atom in molecule.GetAtoms():
        if atom.GetSymbol() != "N" or atom.GetFormalCharge() <= 0:
            continue
        nitrogens = {atom.GetIdx()}
        for bond in atom.GetBonds():
            carbon = bond.GetOtherAtom(atom)
            if bond.GetBondTypeAsDouble() > 1 and carbon.GetSymbol() == "C":
                nitrogens |= {n.GetIdx() for n in carbon.GetNeighbors() if n.GetSymbol() == "N"}
        head = nitrogens | _hydrogens(molecule, nitrogens)
        if head == nitrogens:
            head |= {n.GetIdx() for index in nitrogens for n in molecule.GetAtomWithIdx(index).GetNeighbors()}
            head |= _hydrogens(molecule, head)
        for other in [known for known in heads if known & head]:
            heads.remove(other)
            head |= other
        heads.append(head)
    return [tuple(sorted(head)) for head in heads]


def _hydrogens(molecule: Any, atoms: set[int]) -> set[int]:
    return {n.GetIdx() for i in atoms for n in molecule.GetAtomWithIdx(i).GetNeighbors() if n.GetSymbol() == "H"}


def head_charge_e(geometry: Geometry, heads: list[tuple[int, ...]]) -> float:
    """Partial charge of the most positive head in e: GFN2-xTB Mulliken charges, summed over its atoms."""
    charges = gfn2_charges(geometry)
    return float(max(charges[list(head)].sum() for head in heads))


class _Surface:
    """Points of the 0.001 e/bohr^3 isodensity surface over the head's atoms, and the potential there."""

    def __init__(self, mean_field: Any) -> None:
        from rdkit import Chem

        self._molecule = mean_field.mol
        self._density_matrix = mean_field.make_rdm1()
        self._integrator = require("pyscf.dft.numint", "quantum")
        self._atoms = np.asarray(self._molecule.atom_coords())
        table = Chem.GetPeriodicTable()
        symbols = [self._molecule.atom_pure_symbol(i) for i in range(self._molecule.natm)]
        self._radii = np.array([table.GetRvdw(symbol) for symbol in symbols]) / BOHR_A

    def _density(self, points: Array) -> Array:
        orbitals = self._molecule.eval_gto("GTOval", points)
        return np.asarray(self._integrator.eval_rho(self._molecule, orbitals, self._density_matrix))

    def points(self, owners: NDArray[np.intp], directions: Array) -> tuple[Array, NDArray[np.bool_]]:
        """Where rays from atoms `owners` leave the electron density; which of them end beside their own atom."""
        start = self._atoms[owners]
        inner, outer = np.full(len(owners), 0.4), np.full(len(owners), 6.0)
        for _ in range(_N_BISECTIONS):
            middle = (inner + outer) / 2
            inside = self._density(start + middle[:, None] * directions) > _SURFACE_DENSITY
            inner, outer = np.where(inside, middle, inner), np.where(inside, outer, middle)
        found = start + outer[:, None] * directions
        gaps = np.linalg.norm(found[:, None] - self._atoms[None], axis=2) - self._radii
        return found, gaps.argmin(axis=1) == owners

    def potential(self, points: Array) -> Array:
        """Electrostatic potential in hartree/e."""
        charges = self._molecule.atom_charges()
        nuclei = (charges / np.linalg.norm(points[:, None] - self._atoms[None], axis=2)).sum(axis=1)
        blocks = [points[i : i + _POINTS_PER_BLOCK] for i in range(0, len(points), _POINTS_PER_BLOCK)]
        electrons = [
            np.einsum("gpq,qp->g", self._molecule.intor("int1e_grids", grids=block), self._density_matrix)
            for block in blocks
        ]
        return np.asarray(nuclei - np.concatenate(electrons))


def _cone(axis: Array, half_angle: float) -> Array:
    """Return unit vectors on a square grid around `axis`, 11 by 11."""
    helper = np.eye(3)[np.abs(axis).argmin()]
    first = np.cross(axis, helper)
    first /= np.linalg.norm(first)
    second = np.cross(axis, first)
    steps = np.linspace(-half_angle, half_angle, 11)
    grid = axis + steps[:, None, None] * first + steps[None, :, None] * second
    flat = grid.reshape(-1, 3)
    return np.asarray(flat / np.linalg.norm(flat, axis=1)[:, None])


def esp_maximum_v(geometry: Geometry, heads: list[tuple[int, ...]]) -> float:
    """Largest electrostatic potential over the heads in volt, on the 0.001 e/bohr^3 surface of HF/def2-SVP.

    The surface is Bader's (J. Am. Chem. Soc. 1987, 109, 7968), its maximum the V_S,max of Politzer and Murray. The
    charge of the ion is in it: a smaller cation has a higher one.
    """
    mean_field = converged_hf(geometry, "def2-svp")
    surface = _Surface(mean_field)
    angular = np.asarray(require("pyscf.dft.LebedevGrid", "quantum").MakeAngularGrid(_N_DIRECTIONS))[:, :3]
    atoms = np.array(sorted({index for head in heads for index in head}), dtype=np.intp)
    owners, directions = np.repeat(atoms, len(angular)), np.tile(angular, (len(atoms), 1))
    best, best_owner, best_direction = -np.inf, owners[:1], directions[0]
    for half_angle in (None, *_REFINEMENTS_RAD):
        if half_angle is not None:
            directions = _cone(best_direction, half_angle)
            owners = np.repeat(best_owner, len(directions))
        points, own = surface.points(owners, directions)
        if not own.any():
            raise QuantumError("no point of the molecular surface lies beside the ammonium head")
        kept = np.flatnonzero(own)
        potential = surface.potential(points[kept])
        highest = int(potential.argmax())
        if potential[highest] > best:
            best = float(potential[highest])
            best_owner, best_direction = owners[kept[highest] : kept[highest] + 1], directions[kept[highest]]
    return best * HARTREE_EV


def ammonium_values(smiles: str, geometry: Geometry) -> dict[str, float]:
    """`ammonium_charge_e` and `ammonium_esp_max_v` of a cation; empty for one without a charged nitrogen."""
    heads = ammonium_heads(smiles)
    if not heads:
        return {}
    return {
        "ammonium_charge_e": head_charge_e(geometry, heads),
        "ammonium_esp_max_v": esp_maximum_v(geometry, heads),
    }
