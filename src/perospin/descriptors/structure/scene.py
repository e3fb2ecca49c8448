"""A crystal as a picture in space: octahedra, atoms and cell edges in angstrom."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perospin.descriptors.structure.network import find_network
from perospin.descriptors.structure.ordering import order, read_sites

if TYPE_CHECKING:
    from pymatgen.core import Structure

__all__ = ["Scene", "structure_scene"]

Float = NDArray[np.float64]
_CORNERS = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)], dtype=float)
_EDGES = [(a, b) for a in range(8) for b in range(a + 1, 8) if np.abs(_CORNERS[a] - _CORNERS[b]).sum() == 1]


@dataclass(frozen=True)
class Scene:
    """One cell of a crystal.

    Attributes
    ----------
    octahedra : ndarray, shape (n_octahedra, 6, 3)
        Vertices of each octahedron.
    centres : ndarray, shape (n_octahedra, 3)
        Their metals.
    symbols : tuple of str
        Element of each atom that is no metal of an octahedron, hydrogens left out.
    atoms : ndarray, shape (n_atoms, 3)
        Where they are.
    edges : ndarray, shape (12, 2, 3)
        Both ends of the edges of the cell.
    """

    octahedra: Float
    centres: Float
    symbols: tuple[str, ...]
    atoms: Float
    edges: Float


def structure_scene(structure_or_path: Structure | str | Path) -> Scene:
    """Place the octahedra and the atoms of one cell.

    Parameters
    ----------
    structure_or_path
        As `perospin.descriptors.structure.describe_structure` takes it; disorder is resolved in the same way.

    Raises
    ------
    StructureError
        If the file can't be read, or a metal isn't octahedrally coordinated.
    MissingExtraError
        Without pymatgen or spglib.
    """
    from perospin.descriptors.structure.reading import read_structure

    path_like = isinstance(structure_or_path, str | Path)
    structure = read_structure(structure_or_path) if path_like else structure_or_path  # type: ignore[arg-type]
    crystal = order(read_sites(structure))
    network = find_network(crystal)
    lattice = crystal.lattice_a
    centres = (crystal.frac[network.b_atoms] % 1.0) @ lattice
    corners = _CORNERS @ lattice
    shown = [
        i
        for i, symbol in enumerate(crystal.symbols)
        if symbol not in ("H", "D") and i not in set(network.b_atoms.tolist()) and crystal.kind[i] != "halide"
    ]
    return Scene(
        octahedra=centres[:, None, :] + network.vectors_a,
        centres=centres,
        symbols=tuple(crystal.symbols[i] for i in shown),
        atoms=(crystal.frac[shown] % 1.0) @ lattice,
        edges=np.array([[corners[a], corners[b]] for a, b in _EDGES]),
    )
