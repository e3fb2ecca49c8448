"""Space group and conventional cell, from spglib at a tolerance where nothing is on the edge.

A space group found at a fixed tolerance depends on how the crystal is told (cell, origin, order of atoms) whenever
some operation is broken by about that tolerance. So all candidate operations are measured first: by how much atoms and
lattice miss each of them is a property of the crystal. spglib then runs at the largest tolerance up to 0.02 angstrom
that is far from all of these numbers.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perospin._optional import require
from perospin.descriptors.structure.ordering import Sites

Float = NDArray[np.float64]

TOLERANCE_A = 0.02
"""Largest distance (angstrom) of an atom from where an operation puts it."""
_MARGIN = 3.0
_LOOSEST_A = 2.0 * _MARGIN * TOLERANCE_A
_SMALLEST_A = 1e-5
_BLOCK = 500
_POLAR = frozenset({"1", "2", "3", "4", "6", "m", "mm2", "3m", "4mm", "6mm"})

Cell = tuple[Any, Any, Any]


@dataclass(frozen=True)
class Symmetry:
    """Space group and conventional standard cell.

    Attributes
    ----------
    symbol, number
        International symbol and number.
    centrosymmetric, sohncke, polar
        Whether there is an inversion centre; only proper operations; a polar point group.
    conventional_a
        Conventional standard cell, vectors as rows (angstrom).
    near_miss_a
        By how much the nearest operation not counted is broken (angstrom); infinite if by more than 0.03.
    """

    symbol: str
    number: int
    centrosymmetric: bool
    sohncke: bool
    polar: bool
    conventional_a: Float
    near_miss_a: float


def _ask(name: str, *arguments: Any, **options: Any) -> Any:
    """Call spglib; None where it finds nothing (newer versions raise then, and warn that they will)."""
    spglib = require("spglib", "structure")
    os.environ.setdefault("SPGLIB_WARNING", "OFF")  # its C part writes every failed attempt to the terminal
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return getattr(spglib, name)(*arguments, **options)
        except spglib.error.SpglibError:
            return None


def _dataset(cell: Cell, tolerance_a: float) -> Any:
    return _ask("get_symmetry_dataset", cell, symprec=tolerance_a)


def _primitive(cell: Cell) -> Cell | None:
    """Reduce to the primitive cell of translations that hold exactly (to 1e-4 angstrom)."""
    lattice, frac, kinds = cell
    found = _dataset(cell, 1e-4)
    if found is None:
        return None
    _, first = np.unique(found.mapping_to_primitive, return_index=True)
    small = np.asarray(found.primitive_lattice)
    if round(abs(np.linalg.det(lattice) / np.linalg.det(small))) * len(first) != len(kinds):
        return None
    return small, (frac[first] @ lattice) @ np.linalg.inv(small), kinds[first]


def _lattice_strain(lattice: Float, rotation: NDArray[np.int32]) -> float:
    """How far an integer rotation of the lattice is from an isometry (largest stretch)."""
    cartesian = np.linalg.inv(lattice) @ rotation.T @ lattice
    return float(np.abs(np.linalg.svd(cartesian, compute_uv=False) - 1.0).max())


def _atom_miss_a(cell: Cell, rotation: NDArray[np.int32], translation: Float) -> float:
    """Largest distance of an atom from the image of another, the translation being the best one (angstrom)."""
    lattice, frac, kinds = cell
    images = frac @ rotation.T + translation
    misses = []
    for kind in np.unique(kinds):
        own = frac[kinds == kind]
        for some in np.array_split(images[kinds == kind], len(own) // _BLOCK + 1):
            away = some[:, None, :] - own[None, :, :]
            away = (away - np.rint(away)) @ lattice
            nearest = np.argmin(np.sum(away**2, axis=-1), axis=1)
            misses.append(away[np.arange(len(some)), nearest])
    residual = np.concatenate(misses)
    return float(np.linalg.norm(residual - residual.mean(axis=0), axis=1).max())


def _candidates(cell: Cell) -> Iterator[tuple[NDArray[np.int32], Float]]:
    """Operations that hold nearly: all that bring the lattice near itself and a site of the rarest kind to another.

    spglib at a loose tolerance would give some of them, and others for the same crystal in another cell.
    """
    lattice, frac, kinds = cell
    of_lattice = _dataset((lattice, np.zeros((1, 3)), np.array([1])), _LOOSEST_A)
    if of_lattice is None:
        return
    labels, counts = np.unique(kinds, return_counts=True)
    rare = frac[kinds == labels[np.argmin(counts)]]
    alone = (lattice, rare, np.ones(len(rare), dtype=int))
    for rotation in of_lattice.rotations:
        for site in rare:
            translation = site - rotation @ rare[0]
            # twice: the best translation of all atoms isn't that of the rare ones
            if _atom_miss_a(alone, rotation, translation) < 2.0 * _LOOSEST_A:
                yield rotation, translation


def _safe_tolerance(cell: Cell) -> tuple[float, Float]:
    """Find the largest tolerance up to 0.02 A far from every operation's deviation; return it and the deviations."""
    lattice = cell[0]
    lengths = np.linalg.norm(_ask("niggli_reduce", lattice), axis=1)
    bounds = []
    for rotation, translation in _candidates(cell):
        strain = _lattice_strain(lattice, rotation)
        atoms = _atom_miss_a(cell, rotation, translation)
        if atoms < _LOOSEST_A:
            bounds.append((max(atoms, strain * lengths.min()), max(atoms, strain * lengths.max())))
    if not bounds:
        return TOLERANCE_A, np.empty(0)
    low, high = np.array(bounds).T
    tolerance = TOLERANCE_A
    while tolerance > _SMALLEST_A and not ((high < tolerance / _MARGIN) | (low > tolerance * _MARGIN)).all():
        tolerance /= 2.0
    return tolerance, low


def _cell(sites: Sites) -> Cell | None:
    """Primitive cell, every mixture of elements a kind of its own."""
    mixtures = [tuple((e, round(n, 2)) for e, n in amounts.items()) for amounts in sites.species]
    number = {kind: i + 1 for i, kind in enumerate(sorted(set(mixtures)))}
    return _primitive((sites.lattice_a, sites.frac, np.array([number[k] for k in mixtures])))


def group_within(sites: Sites, tolerance_a: float) -> str:
    """International symbol of the space group at a tolerance (angstrom); empty if spglib finds none."""
    cell = _cell(sites)
    found = None if cell is None else _dataset(cell, tolerance_a)
    return "" if found is None else str(found.international)


def find_symmetry(sites: Sites) -> Symmetry | None:
    """Space group of the atoms as refined; every mixture of elements on a site is a kind of atom of its own.

    Returns
    -------
    Symmetry or None
        None if spglib finds nothing, for instance because atoms overlap.
    """
    cell = _cell(sites)
    if cell is None:
        return None
    tolerance, deviations = _safe_tolerance(cell)
    found = _dataset(cell, tolerance)
    if found is None:
        return None
    rotations = np.asarray(found.rotations)
    missed = deviations[deviations > tolerance]
    near = float(missed.min()) if len(missed) else float("inf")
    return Symmetry(
        symbol=str(found.international),
        number=int(found.number),
        centrosymmetric=bool((rotations == -np.eye(3, dtype=int)).all(axis=(1, 2)).any()),
        sohncke=bool((np.rint(np.linalg.det(rotations)) > 0).all()),
        polar=str(found.pointgroup) in _POLAR,
        conventional_a=np.asarray(found.std_lattice, dtype=float),
        near_miss_a=near if near < 1.5 * TOLERANCE_A else float("inf"),
    )
