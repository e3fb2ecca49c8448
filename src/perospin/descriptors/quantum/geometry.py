"""Conformers and geometries: RDKit ETKDG, then GFN2-xTB (tblite)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perospin._optional import require
from perospin.descriptors.molecules import parse_smiles
from perospin.errors import QuantumError

BOHR_A = 0.529177210903
_GRADIENT_TOLERANCE_HARTREE_BOHR = 1e-4


@dataclass(frozen=True)
class Geometry:
    """Atoms of one conformer.

    Attributes
    ----------
    symbols : tuple of str
        Element symbols, (n_atoms,).
    positions_a : ndarray
        Cartesian coordinates in angstrom, (n_atoms, 3).
    charge : int
        Total charge in units of e.
    energy_hartree : float
        GFN2-xTB total energy.
    """

    symbols: tuple[str, ...]
    positions_a: NDArray[np.float64]
    charge: int
    energy_hartree: float

    @property
    def radius_a(self) -> float:
        """Half the largest interatomic distance in angstrom, hydrogens included (0 for an atom)."""
        delta = self.positions_a[:, None, :] - self.positions_a[None, :, :]
        return float(np.sqrt((delta**2).sum(-1)).max() / 2)


def gfn2_optimise(
    symbols: tuple[str, ...], positions_a: NDArray[np.float64], charge: int
) -> tuple[NDArray[np.float64], float]:
    """Relax a geometry with GFN2-xTB; return positions in angstrom and the energy in hartree."""
    from scipy.optimize import minimize

    interface = require("tblite.interface", "quantum")
    from rdkit import Chem

    numbers = np.array([Chem.GetPeriodicTable().GetAtomicNumber(s) for s in symbols])
    start = np.ascontiguousarray(positions_a / BOHR_A)
    calculator = interface.Calculator("GFN2-xTB", numbers, start, charge=float(charge))
    calculator.set("verbosity", 0)
    state = None

    def energy_and_gradient(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        nonlocal state
        calculator.update(np.ascontiguousarray(flat.reshape(-1, 3)))
        state = calculator.singlepoint(state)
        return float(state.get("energy")), np.asarray(state.get("gradient")).ravel()

    if len(symbols) == 1:
        return positions_a, energy_and_gradient(start.ravel())[0]
    result = minimize(
        energy_and_gradient,
        start.ravel(),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 600, "maxfun": 1500, "gtol": _GRADIENT_TOLERANCE_HARTREE_BOHR, "ftol": 1e-13, "maxcor": 30},
    )
    largest = float(np.abs(result.jac).max())
    if largest > 10 * _GRADIENT_TOLERANCE_HARTREE_BOHR:
        raise QuantumError(f"GFN2-xTB geometry did not converge (largest gradient {largest:.1e} hartree/bohr)")
    return result.x.reshape(-1, 3) * BOHR_A, float(result.fun)


def gfn2_charges(geometry: Geometry) -> NDArray[np.float64]:
    """GFN2-xTB Mulliken charges of the atoms in e, (n_atoms,)."""
    interface = require("tblite.interface", "quantum")
    from rdkit import Chem

    numbers = np.array([Chem.GetPeriodicTable().GetAtomicNumber(s) for s in geometry.symbols])
    positions = np.ascontiguousarray(geometry.positions_a / BOHR_A)
    calculator = interface.Calculator("GFN2-xTB", numbers, positions, charge=float(geometry.charge))
    calculator.set("verbosity", 0)
    return np.asarray(calculator.singlepoint().get("charges"))


def gfn2_hessian(geometry: Geometry) -> NDArray[np.float64]:
    """Cartesian GFN2-xTB Hessian (3 n_atoms, 3 n_atoms) in hartree/bohr^2, by central differences of the gradient."""
    interface = require("tblite.interface", "quantum")
    from rdkit import Chem

    numbers = np.array([Chem.GetPeriodicTable().GetAtomicNumber(s) for s in geometry.symbols])
    flat = (geometry.positions_a / BOHR_A).ravel()
    calculator = interface.Calculator("GFN2-xTB", numbers, flat.reshape(-1, 3), charge=float(geometry.charge))
    calculator.set("verbosity", 0)
    step = 5e-3
    hessian = np.empty((flat.size, flat.size))
    for i in range(flat.size):
        rows = []
        for sign in (1, -1):
            moved = flat.copy()
            moved[i] += sign * step
            calculator.update(moved.reshape(-1, 3))
            rows.append(np.asarray(calculator.singlepoint().get("gradient")).ravel())
        hessian[i] = (rows[0] - rows[1]) / (2 * step)
    return (hessian + hessian.T) / 2


def conformers(smiles: str, n_conformers: int, seed: int) -> list[Geometry]:
    """GFN2-xTB-relaxed conformers of an ion, lowest energy first, duplicates removed.

    Starts from a seeded ETKDG ensemble, pre-relaxed with the MMFF94 force field where it has parameters.

    Raises
    ------
    QuantumError
        If the SMILES is unreadable or no conformer could be made.
    """
    molecule, charge = parse_smiles(smiles)
    from rdkit.Chem import AllChem

    symbols = tuple(atom.GetSymbol() for atom in molecule.GetAtoms())  # type: ignore[attr-defined]
    if len(symbols) == 1:
        starts = [np.zeros((1, 3))]
    else:
        parameters = AllChem.ETKDGv3()
        parameters.randomSeed = seed
        parameters.pruneRmsThresh = 0.2
        if not list(AllChem.EmbedMultipleConfs(molecule, n_conformers, parameters)):
            parameters.useRandomCoords = True
            if not list(AllChem.EmbedMultipleConfs(molecule, n_conformers, parameters)):
                raise QuantumError(f"no three-dimensional geometry could be made for '{smiles}'")
        starts = [c.GetPositions() for c in molecule.GetConformers()]  # type: ignore[attr-defined]
        if AllChem.MMFFHasAllMoleculeParams(molecule):
            energies = [energy for _, energy in AllChem.MMFFOptimizeMoleculeConfs(molecule, maxIters=500)]
            relaxed = [c.GetPositions() for c in molecule.GetConformers()]  # type: ignore[attr-defined]
            # equal to 0.01 kcal/mol: the same minimum, or its mirror image; once is enough
            starts = [relaxed[i] for i in np.unique(np.round(energies, 2), return_index=True)[1]]
    found: list[Geometry] = []
    failure: QuantumError | None = None
    for start in starts:
        try:
            positions, energy = gfn2_optimise(symbols, start, charge)
        except (QuantumError, RuntimeError) as error:
            failure = QuantumError(str(error))
            continue
        found.append(Geometry(symbols, positions, charge, energy))
    if not found:
        raise failure or QuantumError(f"GFN2-xTB failed on every conformer of '{smiles}'")
    unique: list[Geometry] = []
    for geometry in sorted(found, key=lambda g: g.energy_hartree):
        # equal energy and equal extent: the same conformer (or its mirror image)
        if all(
            abs(geometry.energy_hartree - other.energy_hartree) > 2e-5 or abs(geometry.radius_a - other.radius_a) > 0.01
            for other in unique
        ):
            unique.append(geometry)
    return unique
