"""Which sample goes into which well: in order, by chance, or by chance within blocks of replicates."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from perospin.errors import NavigationError
from perospin.navigation.worklists.labware import Plate, split_well

__all__ = ["LAYOUTS", "free_wells", "laid_out"]

LAYOUTS = {
    "rows": "row by row, replicates side by side",
    "random": "by chance over all free wells in use",
    "blocked": "each replicate in a block of its own, by chance within it: drifts over the plate show as blocks",
}
"""Layouts, in words."""


def free_wells(plate: Plate, used: Collection[str] = (), leave_edge: bool = False) -> list[str]:
    """Wells that can be filled, row by row; outer ones, which dry first, can be left out."""
    taken = {plate.checked(well) for well in used}

    def inner(well: str) -> bool:
        row, column = split_well(well)
        return 0 < row < plate.rows - 1 and 0 < column < plate.columns - 1

    return [well for well in plate.wells if well not in taken and (not leave_edge or inner(well))]


def laid_out(count: int, replicates: int, wells: Sequence[str], layout: str, seed: int = 0) -> list[list[str]]:
    """Choose wells for `count` samples, each `replicates` times.

    Parameters
    ----------
    count, replicates : int
    wells : sequence of str
        Free wells in their order; the first ones are used.
    layout : str
        A key of `LAYOUTS`.
    seed : int

    Returns
    -------
    list of list of str
        Wells of each sample, one a replicate.

    Raises
    ------
    NavigationError
        If the wells don't suffice.
    """
    if layout not in LAYOUTS:
        raise NavigationError(f"a layout is {', '.join(LAYOUTS)}, not '{layout[:30]}'")
    if count * replicates > len(wells):
        raise NavigationError(
            f"{count} samples, {replicates} times each, need {count * replicates} wells; {len(wells)} are free"
        )
    generator = np.random.default_rng([seed, count, replicates])
    chosen = list(wells[: count * replicates])
    if layout == "random":
        chosen = [chosen[i] for i in generator.permutation(len(chosen))]
    if layout != "blocked":
        return [chosen[i * replicates : (i + 1) * replicates] for i in range(count)]
    blocks = [[chosen[r * count + i] for i in generator.permutation(count)] for r in range(replicates)]
    return [[block[i] for block in blocks] for i in range(count)]
