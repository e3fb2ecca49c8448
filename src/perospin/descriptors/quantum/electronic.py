"""Orbital energies, dipole and polarisability with PySCF on a given geometry."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perospin._optional import require
from perospin.descriptors.quantum.geometry import BOHR_A, Geometry, gfn2_hessian
from perospin.descriptors.quantum.polarisability import polarisability_bohr3
from perospin.errors import QuantumError

HARTREE_EV = 27.211386245988
DEBYE_PER_E_BOHR = 2.541746473


def _molecule(geometry: Geometry, basis: str) -> Any:
    gto = require("pyscf.gto", "quantum")
    elements = set(geometry.symbols)
    per_element: dict[str, str] = dict.fromkeys(elements, basis)
    ecp: dict[str, str] = {}
    # 6-31G* and cc-pVTZ stop before iodine and caesium: def2 basis with its effective core potential there
    for element in elements & {"I", "Cs", "Rb", "Tl", "Te", "Sn", "Sb", "In"}:
        per_element[element] = "def2-svp" if basis == "def2-svp" and len(elements) > 1 else "def2-tzvp"
        ecp[element] = per_element[element]
    return gto.M(
        atom=list(zip(geometry.symbols, geometry.positions_a.tolist(), strict=True)),
        unit="Angstrom",
        basis=per_element,
        ecp=ecp,
        charge=geometry.charge,
        spin=0,
        verbose=0,
    )


def _mean_field(molecule: Any, method: str) -> Any:
    if method == "hf":
        mean_field = require("pyscf.scf", "quantum").RHF(molecule).density_fit()
    else:
        mean_field = require("pyscf.dft", "quantum").RKS(molecule).density_fit()
        mean_field.xc = "b3lypg"  # VWN3 correlation, as in the program that made the published table
        mean_field.grids.level = 2
    mean_field.max_cycle = 150
    return mean_field


def _converge(mean_field: Any, guess: Any = None) -> Any:
    mean_field.kernel(dm0=guess)
    if not mean_field.converged:
        # no second-order solver: with iodine's core potential and density fitting it can abort the interpreter
        mean_field.level_shift = 0.3
        mean_field.damp = 0.3
        mean_field.kernel(dm0=mean_field.make_rdm1())
    if not mean_field.converged:
        raise QuantumError("the self-consistent field did not converge")
    return mean_field


def optimise_b3lyp(geometry: Geometry, max_gradients: int = 80) -> tuple[Geometry, Any]:
    """Relax a GFN2-xTB geometry at B3LYP/6-31G*; return it and its density matrix.

    Quasi-Newton (L-BFGS) in coordinates scaled by the GFN2-xTB Hessian: 3 to 8 gradients for small cations, where
    internal coordinates with a guessed Hessian need 5 to 13. Converged when the largest gradient component is below
    4.5e-4 and the rms below 3e-4 hartree/bohr (the usual thresholds).

    Raises
    ------
    QuantumError
        If this takes more than `max_gradients` gradients.
    """
    from scipy.optimize import minimize

    if len(geometry.symbols) == 1:
        return geometry, None
    molecule = _molecule(geometry, "6-31g*")
    mean_field = _mean_field(molecule, "b3lyp")
    # enough for gradients compared with 4.5e-4; the properties are computed from a field converged to 1e-10
    mean_field.conv_tol = 1e-7
    scanner = mean_field.nuc_grad_method().as_scanner()
    start = molecule.atom_coords().ravel()
    curvature, modes = np.linalg.eigh(gfn2_hessian(geometry))
    # clip: translations, rotations and soft torsions must not make the first step huge
    scale = modes / np.sqrt(np.clip(curvature, 0.02, None))
    best: list[NDArray[np.float64]] = []
    count = 0

    def energy_and_gradient(step: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        nonlocal count
        count += 1
        if count > max_gradients:
            raise QuantumError(f"the B3LYP/6-31G* geometry did not converge in {max_gradients} gradients")
        position = start + scale @ step
        energy, gradient = scanner(molecule.set_geom_(position.reshape(-1, 3), unit="Bohr", inplace=False))
        flat = np.asarray(gradient).ravel()
        if np.abs(flat).max() < 4.5e-4 and np.sqrt(np.mean(flat**2)) < 3e-4:
            best.append(position)
            raise StopIteration
        return float(energy), scale.T @ flat

    # finite (never active) bounds: without bounds L-BFGS-B rescales its first step and overshoots
    with contextlib.suppress(StopIteration):
        minimize(
            energy_and_gradient,
            np.zeros(start.size),
            jac=True,
            method="L-BFGS-B",
            bounds=[(-50.0, 50.0)] * start.size,
            options={"gtol": 1e-12, "ftol": 0.0},
        )
    if not best:
        raise QuantumError("the B3LYP/6-31G* geometry did not converge: the line search stalled")
    relaxed = Geometry(geometry.symbols, best[0].reshape(-1, 3) * BOHR_A, geometry.charge, geometry.energy_hartree)
    return relaxed, scanner.base.make_rdm1()


def converged_hf(geometry: Geometry, basis: str) -> Any:
    """Return the converged Hartree-Fock calculation of a geometry."""
    mean_field = _mean_field(_molecule(geometry, basis), "hf")
    mean_field.conv_tol = 1e-8
    return _converge(mean_field)


def orbital_energies_ev(geometry: Geometry, basis: str, guess: Any = None) -> tuple[float, float]:
    """Hartree-Fock HOMO and LUMO eigenvalues in eV; `guess` is a converged mean field in a smaller basis."""
    molecule = _molecule(geometry, basis)
    mean_field = _mean_field(molecule, "hf")
    mean_field.conv_tol = 1e-7  # eigenvalues to about 1e-4 eV
    start = None
    if guess is not None:
        project = require("pyscf.scf.addons", "quantum").project_dm_nr2nr
        start = project(guess.mol, guess.make_rdm1(), molecule)
    _converge(mean_field, start)
    occupied = molecule.nelectron // 2
    energies = np.asarray(mean_field.mo_energy) * HARTREE_EV
    return float(energies[occupied - 1]), float(energies[occupied])


def _dipole_au(mean_field: Any, origin_bohr: NDArray[np.float64]) -> NDArray[np.float64]:
    molecule = mean_field.mol
    with molecule.with_common_orig(origin_bohr):
        integrals = molecule.intor_symmetric("int1e_r", comp=3)
    electrons = np.einsum("xij,ji->x", integrals, mean_field.make_rdm1())
    nuclei = molecule.atom_charges() @ (molecule.atom_coords() - origin_bohr)
    return np.asarray(nuclei - electrons, dtype=float)


def centre_of_nuclear_charge_bohr(molecule: Any) -> NDArray[np.float64]:
    """Centre of the FULL nuclear charges (an effective core potential does not lower Z)."""
    charge_of = require("pyscf.data.elements", "quantum").charge
    full = np.array([charge_of(molecule.atom_pure_symbol(i)) for i in range(molecule.natm)], dtype=float)
    return np.asarray(full @ molecule.atom_coords() / full.sum())


def thermal_dipole_debye(found: list[Geometry], method: str, basis: str, temperature_k: float = 298.15) -> float:
    """Root-mean-square dipole in debye over conformers within 0.15 eV of the lowest (at most 8), Boltzmann weighted."""
    boltzmann_ev_k = 8.617333262e-5
    above = np.array([(g.energy_hartree - found[0].energy_hartree) * HARTREE_EV for g in found])[:8]
    above = above[above < 0.15]
    weights = np.exp(-above / (boltzmann_ev_k * temperature_k))
    squares = []
    for geometry in found[: len(above)]:
        mean_field = _mean_field(_molecule(geometry, basis), method)
        mean_field.conv_tol = 1e-7  # dipoles to about 1e-4 D
        _converge(mean_field)
        moment = _dipole_au(mean_field, centre_of_nuclear_charge_bohr(mean_field.mol)) * DEBYE_PER_E_BOHR
        squares.append(float(moment @ moment))
    return float(np.sqrt(np.average(squares, weights=weights)))


def response(geometry: Geometry, method: str, basis: str, guess: Any = None) -> tuple[float, float, Any]:
    """Dipole (debye), isotropic static polarisability (bohr^3) and the converged mean field.

    The dipole of an ion depends on the origin; here, as in the published table, the centre of nuclear charge.
    `guess` is a density matrix to start from, in the same basis.
    """
    mean_field = _mean_field(_molecule(geometry, basis), method)
    mean_field.conv_tol = 1e-10
    _converge(mean_field, guess)
    origin = centre_of_nuclear_charge_bohr(mean_field.mol)
    dipole = float(np.linalg.norm(_dipole_au(mean_field, origin)) * DEBYE_PER_E_BOHR)
    return dipole, polarisability_bohr3(mean_field), mean_field
