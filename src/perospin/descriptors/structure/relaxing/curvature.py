"""A model of the curvature of the energy, with which molecules between slabs relax in about half the steps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["model_hessian"]

Float = NDArray[np.float64]

_STRETCH_EV_A2 = 40.0
_DECAY_PER_A2 = 0.3 / 0.529177**2  # 0.3 per square bohr, hydrogens
_REACH_A = 6.0
_SOFTEST_EV_A2 = 1.5
_STIFFNESS_EV_A3 = 0.15  # 24 GPa: that of a layered lead iodide, roughly


def model_hessian(atoms: Any, cell_factor: float | None = None) -> Float:
    """Second derivatives of the energy as springs between all near atoms would have them.

    The spring of two atoms falls as a Gaussian of their distance beyond the sum of their covalent radii: the stretching
    term of Lindh et al., Chem. Phys. Lett. 241, 423 (1995), here over all pairs, which stiffens bends too. It only
    shapes the first steps; forces and stress alone say when a relaxation is done.

    Parameters
    ----------
    atoms : ase.Atoms
        n atoms in a periodic cell.
    cell_factor : float, optional
        Factor by which a cell filter multiplies the strain; with it, nine rows of the cell are added.

    Returns
    -------
    array
        (3 n, 3 n), or (3 n + 9, 3 n + 9), in eV/angstrom^2, positive definite.
    """
    from ase.data import covalent_radii
    from ase.neighborlist import neighbor_list

    count = len(atoms)
    first, second, length, vector = neighbor_list("ijdD", atoms, _REACH_A)
    bond = covalent_radii[atoms.numbers[first]] + covalent_radii[atoms.numbers[second]]
    spring = _STRETCH_EV_A2 * np.minimum(np.exp(_DECAY_PER_A2 * (bond**2 - length**2)), 1.0)
    along = vector / length[:, None]
    blocks = spring[:, None, None] * along[:, :, None] * along[:, None, :]
    hessian = np.zeros((count, count, 3, 3))
    np.add.at(hessian, (first, second), -blocks)
    np.add.at(hessian, (first, first), blocks)
    size = 3 * count + (9 if cell_factor else 0)
    full = np.zeros((size, size))
    full[: 3 * count, : 3 * count] = hessian.transpose(0, 2, 1, 3).reshape(3 * count, 3 * count)
    diagonal = np.full(size, _SOFTEST_EV_A2)
    if cell_factor:
        diagonal[3 * count :] = atoms.get_volume() * _STIFFNESS_EV_A3 / cell_factor**2
    return full + np.diag(diagonal)
