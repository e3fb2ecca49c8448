"""Symmetry of a start: the operations inside a layer, and how the next layer follows from it.

All are of the square cell of two metals, whose axes lie along its diagonals: signs of the axes and a translation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOTIFS", "Motif", "Operation", "fixed_axes", "motifs_for"]

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Operation:
    """``r -> signs * r + shift``: `shift` in sides of the cell, along the plane only."""

    signs: tuple[int, int, int]
    shift: tuple[float, float]

    @property
    def turns_over(self) -> bool:
        """Whether the upper face of a layer becomes the lower one."""
        return self.signs[2] < 0

    @property
    def proper(self) -> bool:
        """Whether a molecule keeps its hand."""
        return int(np.prod(self.signs)) > 0


_SAME = Operation((1, 1, 1), (0.0, 0.0))
_GLIDE = Operation((1, -1, 1), (0.5, 0.5))
_SCREW = Operation((-1, 1, -1), (0.5, 0.5))


def _centre(shift: float) -> Operation:
    return Operation((-1, -1, -1), (shift, shift))


@dataclass(frozen=True)
class Motif:
    """Symmetry of one layer.

    Attributes
    ----------
    name
        Space group that this motif has, neighbouring layers related by a translation.
    operations
        All operations of a layer, the identity first.
    tilt_along, in_phase
        Tilts of the octahedra that obey them (see `make_slab`); `in_phase` None where both do.
    parity
        Numbers of sheets that obey them: 1 odd, 0 even, None any.
    turns
        How many starts it gives while others give one. Of the 201 shipped RP crystals with n = 1, P2_1/c and Pbca, both
        of this motif, are 92; no other motif has half as many.
    on_centres
        Whether the spacers of a Dion-Jacobson gap lie on its inversion centres. The operations are those that make the
        other spacers; the centre of the slab is one besides.
    """

    name: str
    operations: tuple[Operation, ...]
    tilt_along: str = "a"
    in_phase: bool | None = False
    parity: int | None = None
    turns: int = 1
    on_centres: bool = False

    @property
    def keeps_hands(self) -> bool:
        """Whether every operation is proper: what crystals of one enantiomer need."""
        return not self.on_centres and all(operation.proper for operation in self.operations)

    @property
    def has_centre(self) -> bool:
        """Whether the motif has an inversion centre."""
        return self.on_centres or any(operation.signs == (-1, -1, -1) for operation in self.operations)


MOTIFS = (
    Motif("P2_1/c", (_SAME, _centre(0.0), _SCREW, _GLIDE), parity=1, in_phase=None, turns=3),
    Motif("P-1", (_SAME, _centre(0.0)), parity=1, in_phase=None),
    Motif("P-1", (_SAME, _centre(0.5)), parity=0),
    Motif("Pc", (_SAME, _GLIDE), in_phase=None),
    Motif("P2_1", (_SAME, _SCREW), parity=1, in_phase=None),
    Motif("P2_1", (_SAME, _SCREW), tilt_along="b", in_phase=True, parity=0),
    Motif("P2_1/c", (_SAME, _GLIDE), parity=1, turns=3, on_centres=True),
    Motif("P-1", (_SAME,), parity=1, on_centres=True),
)


def motifs_for(family: str, n_layers: int, hands: str) -> list[Motif]:
    """Motifs that a material can have.

    Parameters
    ----------
    family
        ``"RP"`` or ``"DJ"``.
    n_layers
        Sheets of a slab.
    hands
        Of the spacer: ``"achiral"``, ``"racemate"`` (an inversion centre makes the other hand) or ``"one hand"`` (only
        a twofold screw axis is left).
    """
    allowed = {
        "achiral": lambda motif: not motif.keeps_hands,
        "racemate": lambda motif: motif.has_centre,
        "one hand": lambda motif: motif.keeps_hands,
    }[hands]
    return [
        motif
        for motif in MOTIFS
        if allowed(motif)
        and motif.parity in (None, n_layers % 2)
        and (_joins(motif, n_layers, hands) if family == "DJ" else not motif.on_centres)
    ]


def _joins(motif: Motif, n_layers: int, hands: str) -> bool:
    """Whether a gap of a Dion-Jacobson phase holds its two spacers in general places, or both on centres."""
    if motif.on_centres:
        return n_layers == 1 and hands == "achiral"
    return len(motif.operations) == 2


def fixed_axes(motif: Motif, turned: bool) -> tuple[bool, bool]:
    """Axes along which the next layer may be shifted by 0 or 1/2 of the cell only, lest the symmetry is lost.

    The next layer is ``T: r -> r + s + h`` or, `turned` by half a turn about the normal, ``T: r -> R r + s + h``. An
    operation ``g`` of a layer is one of the crystal if ``g T g^-1`` is ``T`` or its inverse.
    """
    half_turn = -1 if turned else 1
    operations = (*motif.operations, _centre(0.0)) if motif.on_centres else motif.operations
    fixed = [
        any(operation.signs[k] != (-half_turn if operation.turns_over else 1) for operation in operations)
        for k in (0, 1)
    ]
    return fixed[0], fixed[1]
