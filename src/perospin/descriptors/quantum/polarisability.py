"""Static polarisability of a converged closed-shell calculation by linear response (coupled-perturbed SCF).

With occupied orbitals i, j, virtual a, b and the dipole integrals h, the response x of the orbitals to a field solves

    (e_a - e_i) x_ai + sum_bj [4 (ai|bj) - c (ab|ij) - c (aj|bi) + 4 (ai|f_xc|bj)] x_bj = h_ai,

and the polarisability is 4 sum_ai h_ai x_ai (Gerratt and Mills, J. Chem. Phys. 1968, 49, 1719; c = 1 for
Hartree-Fock, the share of exact exchange for a hybrid functional). One linear system replaces six fields.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perospin._optional import require
from perospin.errors import QuantumError

_TOLERANCE = 1e-6
_LARGEST_RESIDUAL = 1e-4  # of the field's largest element; the polarisability is then right to 1e-6 of itself
_MAX_PASSES = 3
_AUXILIARY_BLOCK = 120
# The kernel f_xc on the next coarser grid changes the polarisability by 2e-6 of itself (butylammonium).
_KERNEL_GRID_LEVEL = 1

Array = NDArray[np.float64]


def _two_electron(mean_field: Any, occupied: Array, exchange: float) -> Callable[[Array], Array]:
    """Coulomb and exchange part of the response, contracted through half-transformed density-fitting integrals.

    The function takes x C_virtual, (3, n_basis, n_occupied), and returns the same shape. Working with occupied
    orbitals instead of a density matrix costs n_occupied / n_basis of PySCF's general routine.
    """
    unpack = require("pyscf.lib", "quantum").unpack_tril
    n_basis, n_occupied = occupied.shape

    def blocks() -> Any:
        return (unpack(block) for block in mean_field.with_df.loop(_AUXILIARY_BLOCK))

    half = np.concatenate([np.matmul(block, occupied) for block in blocks()])  # (n_auxiliary, n_basis, n_occupied)
    full = np.matmul(occupied.T, half).reshape(-1, n_occupied)  # (n_auxiliary n_occupied, n_occupied)
    by_basis = np.ascontiguousarray(half.transpose(1, 0, 2)).reshape(n_basis, -1)

    def apply(response: Array) -> Array:
        n_fields = len(response)
        fitted = 4 * np.tensordot(response, half, ((1, 2), (1, 2)))  # (n_fields, n_auxiliary)
        result = np.tensordot(fitted, half, (1, 0))
        columns = np.ascontiguousarray(response.transpose(1, 0, 2)).reshape(n_basis, -1)
        start = 0
        for block in blocks():
            moved = np.matmul(block, columns).reshape(len(block), n_basis, n_fields, n_occupied)
            rows = full[start * n_occupied : (start + len(block)) * n_occupied]
            for k in range(n_fields):
                flat = np.ascontiguousarray(moved[:, :, k].transpose(1, 0, 2)).reshape(n_basis, -1)
                result[k] -= exchange * (flat @ rows)
            start += len(block)
        for k in range(n_fields):
            result[k] -= exchange * (by_basis @ np.matmul(response[k].T, half).reshape(-1, n_occupied))
        return np.asarray(result)

    return apply


def _kernel(mean_field: Any, occupied: Array) -> Callable[[Array], Array]:
    """Exchange-correlation part of the response, same shapes as `_two_electron`'s."""
    molecule, integrator = mean_field.mol, mean_field._numint
    grids = require("pyscf.dft.gen_grid", "quantum").Grids(molecule)
    grids.level = _KERNEL_GRID_LEVEL
    grids.build()
    density, potential, kernel = integrator.cache_xc_kernel(
        molecule, grids, mean_field.xc, mean_field.mo_coeff, mean_field.mo_occ, 0
    )

    def apply(response: Array) -> Array:
        change = 2 * np.matmul(response, occupied.T)
        change += change.transpose(0, 2, 1)
        matrix = integrator.nr_rks_fxc(molecule, grids, mean_field.xc, None, change, 0, 1, density, potential, kernel)
        return np.asarray(np.matmul(matrix, occupied))

    return apply


def polarisability_bohr3(mean_field: Any) -> float:
    """Isotropic static polarisability in bohr^3 (a third of the trace).

    Parameters
    ----------
    mean_field : pyscf.scf.hf.RHF or pyscf.dft.rks.RKS
        Converged, closed shell, with density fitting; functionals up to generalised gradients and their hybrids.

    Raises
    ------
    QuantumError
        If the linear equations do not converge (the ground state is then not a stable minimum).
    """
    filled = mean_field.mo_occ > 0
    occupied, virtual = mean_field.mo_coeff[:, filled], mean_field.mo_coeff[:, ~filled]
    gap = mean_field.mo_energy[~filled][:, None] - mean_field.mo_energy[filled][None, :]
    hybrid = hasattr(mean_field, "xc")
    exchange = float(mean_field._numint.hybrid_coeff(mean_field.xc)) if hybrid else 1.0
    parts = [_two_electron(mean_field, occupied, exchange)]
    if hybrid:
        parts.append(_kernel(mean_field, occupied))

    def induced(x: Array) -> Array:
        response = np.matmul(virtual, x.reshape(-1, *gap.shape))
        return np.asarray(np.matmul(virtual.T, sum(part(response) for part in parts)))

    # the origin of the dipole integrals does not matter: occupied and virtual orbitals are orthogonal
    position = mean_field.mol.intor_symmetric("int1e_r", comp=3)
    field = np.matmul(virtual.T, np.matmul(position, occupied))
    krylov = require("pyscf.lib", "quantum").krylov
    x = np.zeros_like(field)
    residual = field
    for _ in range(_MAX_PASSES):
        # the solver drops trial vectors that are nearly dependent: a second pass on what is left makes up for it
        x += krylov(
            lambda trial: (induced(trial) / gap).reshape(len(trial), -1),
            (residual / gap).reshape(3, -1),
            tol=_TOLERANCE * float(np.abs(residual).max()),
            max_cycle=50,
        ).reshape(field.shape)
        residual = field - gap * x - induced(x)
        if np.abs(residual).max() < _LARGEST_RESIDUAL * np.abs(field).max():
            return float(4 * np.sum(field * x) / 3)
    raise QuantumError("the linear response of the orbitals did not converge, so there is no polarisability")
