"""Space group and conventional cell, from spglib."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perospin._optional import require

if TYPE_CHECKING:
    from pymatgen.core import Structure

SYMPREC_A = 0.02
"""Atoms may be this far (angstrom) from where a symmetry operation puts them."""
_LOOSE_AND_TIGHT_A = (0.005, 0.05)
_POLAR = frozenset({"1", "2", "3", "4", "6", "m", "mm2", "3m", "4mm", "6mm"})


@dataclass(frozen=True)
class Symmetry:
    """Space group (symbol, number), three yes-or-no properties, and the conventional standard cell (angstrom, rows)."""

    symbol: str
    number: int
    centrosymmetric: bool
    sohncke: bool
    polar: bool
    conventional_a: NDArray[np.float64]
    warnings: tuple[str, ...]


def _dataset(spglib: Any, cell: tuple[Any, Any, Any], symprec: float) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return spglib.get_symmetry_dataset(cell, symprec=symprec)
        except Exception:  # newer versions raise where older ones return None
            return None


def find_symmetry(structure: Structure) -> Symmetry | None:
    """Space group of a structure as refined (every kind of partly occupied site is a kind of atom of its own).

    Returns
    -------
    Symmetry or None
        None if spglib finds nothing, for instance because atoms overlap.
    """
    spglib = require("spglib", "structure")
    lattice = structure.lattice.get_lll_reduced_lattice()
    kinds = [tuple(sorted((e.symbol, round(float(n), 2)) for e, n in site.species.items())) for site in structure]
    number = {kind: i + 1 for i, kind in enumerate(sorted(set(kinds)))}
    cell = (lattice.matrix, lattice.get_fractional_coords(structure.cart_coords), [number[k] for k in kinds])
    found = _dataset(spglib, cell, SYMPREC_A)
    if found is None:
        return None
    notes = []
    others = [(s, _dataset(spglib, cell, s)) for s in _LOOSE_AND_TIGHT_A]
    differing = [f"{d.international} at {s} A" for s, d in others if d is not None and d.number != found.number]
    if differing:
        notes.append(
            f"the space group depends on the tolerance: {found.international} at {SYMPREC_A} A, "
            f"{' and '.join(differing)}"
        )
    rotations = np.asarray(found.rotations)
    inversion = bool((rotations == -np.eye(3, dtype=int)).all(axis=(1, 2)).any())
    proper = bool((np.rint(np.linalg.det(rotations)) > 0).all())
    return Symmetry(
        symbol=str(found.international),
        number=int(found.number),
        centrosymmetric=inversion,
        sohncke=proper,
        polar=str(found.pointgroup) in _POLAR,
        conventional_a=np.asarray(found.std_lattice, dtype=float),
        warnings=tuple(notes),
    )
