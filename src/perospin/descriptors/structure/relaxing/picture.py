"""Relaxed candidates side by side, seen along their layers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perospin.descriptors.structure.layers import find_layers
from perospin.descriptors.structure.network import components, find_network
from perospin.descriptors.structure.ordering import order, read_sites
from perospin.descriptors.structure.scene import structure_scene

if TYPE_CHECKING:
    from pymatgen.core import Structure

__all__ = ["draw_candidates"]

Float = NDArray[np.float64]

_WIDTH_IN, _HEIGHT_IN = 2.3, 3.5
_BOND_A = 1.75
"""Heavy atoms of a molecule nearer than this are bonded."""


def draw_candidates(candidates: Mapping[str, Structure], path: str | Path) -> Path:
    """Draw crystals two layers high: octahedra as polygons, molecules as sticks without hydrogens.

    Parameters
    ----------
    candidates : mapping of str to pymatgen.core.Structure
        Title -> crystal.
    path : path
        File of the picture; its ending tells the kind.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    StructureError
        If a crystal holds no layers of octahedra.
    """
    import matplotlib.pyplot as plt

    from perospin.look import COLUMN_RC

    with plt.rc_context(COLUMN_RC):
        figure, axes = plt.subplots(
            1, len(candidates), figsize=(_WIDTH_IN * len(candidates), _HEIGHT_IN), squeeze=False, layout="constrained",
            sharey=True,
        )  # fmt: skip
        for axis, (title, structure) in zip(axes[0], candidates.items(), strict=True):
            _draw(axis, structure)
            axis.set_title(title, fontsize=8)
            axis.set_aspect("equal")
            axis.set_xlabel("along the layer (Å)")
        axes[0, 0].set_ylabel("along the normal (Å)")
        figure.savefig(path)
        plt.close(figure)
    return Path(path)


def _draw(axis: Any, structure: Structure) -> None:
    from scipy.spatial import ConvexHull

    from perospin.look import BLACK, BLUE, GREY, SKY, VERMILLION

    normal, climbing, n_layers = _normal(structure)
    twice = structure.copy()
    twice.make_supercell([2 if k == climbing and n_layers == 1 else 1 for k in range(3)])
    side = twice.lattice.matrix[(climbing + 1) % 3]
    across = side - (side @ normal) * normal
    plane = np.array([across / np.linalg.norm(across), normal]).T
    scene = structure_scene(twice)
    for corners in scene.octahedra:
        flat = corners @ plane
        axis.fill(*flat[ConvexHull(flat).vertices].T, facecolor=SKY, edgecolor=BLUE, alpha=0.45, linewidth=0.7)
    symbols, places, bonds = _molecules(twice)
    for first, second in bonds:
        axis.plot(*np.array([first @ plane, second @ plane]).T, color=GREY, linewidth=1.6, zorder=3)
    for symbol, colour in (("N", BLUE), ("O", VERMILLION), ("F", BLACK), ("Cl", BLACK), ("Br", BLACK), ("S", BLACK)):
        chosen = np.array([s == symbol for s in symbols], dtype=bool)
        if chosen.any():
            axis.plot(*(places[chosen] @ plane).T, "o", color=colour, markersize=3.2, zorder=4, linestyle="none")


def _normal(structure: Structure) -> tuple[Float, int, int]:
    """Find the unit vector across the layers, the axis of the cell that climbs most, and the layers of a cell."""
    network = find_network(order(read_sites(structure)))
    stack = find_layers(network, components(len(network.b_atoms), network.bridges, network.bridge_image))
    climbs = np.abs(structure.lattice.matrix @ stack.normal)
    n_layers = len(stack.slabs) * round(float(climbs.max()) / stack.period_a)
    return stack.normal, int(np.argmax(climbs)), n_layers


def _molecules(structure: Structure) -> tuple[list[str], Float, list[tuple[Float, Float]]]:
    """Heavy atoms that are bonded to others of a molecule, and their bonds."""
    first, second, image, distance = structure.get_neighbor_list(_BOND_A)
    symbols = [site.specie.symbol for site in structure]
    heavy = np.array([symbol not in ("H", "D") for symbol in symbols])
    kept = heavy[first] & heavy[second] & (distance > 0)
    at = structure.cart_coords
    pairs = zip(first[kept], second[kept], image[kept] @ structure.lattice.matrix, strict=True)
    bonds = [(at[i], at[j] + shift) for i, j, shift in pairs]
    ends = sorted(set(first[kept].tolist()))
    return [symbols[k] for k in ends], at[ends].reshape(-1, 3), bonds
