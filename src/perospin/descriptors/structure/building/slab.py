"""The inorganic slab of a start: tilted octahedra in a cell of two metals, and the cages between its sheets."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["BOND_LENGTHS_A", "Slab", "bond_length_a", "make_slab"]

Float = NDArray[np.float64]

# Median metal-halide distance inside the sheets, and to the terminal halide, of the shipped crystals (structures_2d):
# `python scripts/crystal_starts.py --bonds` prints them, with the number of crystals.
BOND_LENGTHS_A = {
    ("Pb", "I"): (3.190, 3.184),
    ("Pb", "Br"): (3.003, 2.980),
    ("Pb", "Cl"): (2.876, 2.868),
    ("Sn", "I"): (3.164, 3.156),
    ("Sn", "Br"): (2.970, 2.969),
    ("Ge", "I"): (3.064, 3.100),
}
"""(metal, halide): length of a bond inside a sheet and of one to a terminal halide (A)."""


def bond_length_a(metal: str, halide: str) -> tuple[float, float, str]:
    """Bond lengths (A) inside a sheet and to a terminal halide, and a remark where no crystal gives them.

    Without a crystal the length is that of the iodide, less what separates the lead iodides from the lead halides.
    """
    known = BOND_LENGTHS_A.get((metal, halide))
    if known is not None:
        return (*known, "")
    of_iodide, of_lead = BOND_LENGTHS_A[metal, "I"], BOND_LENGTHS_A["Pb", halide]
    inside, terminal = (of_iodide[k] - BOND_LENGTHS_A["Pb", "I"][k] + of_lead[k] for k in (0, 1))
    return inside, terminal, f"no crystal gives the length of a {metal}-{halide} bond: taken as {inside:.2f} A"


@dataclass(frozen=True)
class Slab:
    """One slab of corner-sharing octahedra; its middle is at z = 0.

    Attributes
    ----------
    side_a
        Side of the square cell (A); it holds two metals a sheet.
    symbols
        Element of each atom, (n_atoms,).
    positions_a
        Cartesian places (A), (n_atoms, 3).
    terminal
        Whether an atom is a halide on the outside, (n_atoms,).
    cages_a
        Middles of the cages between the sheets (A), (2 (n - 1), 3).
    top_a
        Height of the outermost halides (A); the bottom is at minus this.
    """

    side_a: float
    symbols: tuple[str, ...]
    positions_a: Float
    terminal: NDArray[np.bool_]
    cages_a: Float
    top_a: float


def make_slab(
    metal: str, halide: str, n_layers: int, rotation_deg: float, tilt_deg: float, *, tilt_along: str = "a",
    in_phase: bool = False,
) -> Slab:  # fmt: skip
    """Place metals and halides of a slab of `n_layers` sheets; all bonds inside a sheet are of one length.

    Parameters
    ----------
    metal, halide, n_layers
        What the slab is made of.
    rotation_deg
        Rotation of an octahedron about the normal of the slab; its neighbours turn the other way.
    tilt_deg
        Tilt of an octahedron about an axis in the plane; its neighbours in all directions tilt the other way.
    tilt_along
        ``"a"`` or ``"b"``: the axis of the tilt, a diagonal of the net of metals.
    in_phase
        Whether octahedra above each other rotate the same way.
    """
    inside, terminal, _ = bond_length_a(metal, halide)
    tilt = math.radians(tilt_deg)
    sideways = inside * math.sin(math.radians(rotation_deg))
    # a bridge lies at 45 degrees to the axis of the tilt
    upwards = inside * math.sin(tilt) / math.sqrt(2)
    apart = 2 * math.sqrt(inside**2 - sideways**2 - upwards**2)
    side = math.sqrt(2) * apart
    step = 2 * inside * math.cos(tilt)
    heights = (np.arange(n_layers) - (n_layers - 1) / 2) * step
    along_a = tilt_along == "a"
    symbols: list[str] = []
    places: list[Float] = []
    outside: list[bool] = []

    def put(symbol: str, place: Float, at_end: bool = False) -> None:
        symbols.append(symbol)
        places.append(place)
        outside.append(at_end)

    metals = np.array([[0.0, 0.0], [0.5, 0.5]]) * side
    for sheet, height in enumerate(heights):
        turn = 1.0 if in_phase or sheet % 2 == 0 else -1.0
        lean = 1.0 if sheet % 2 == 0 else -1.0
        for sign, xy in zip((1.0, -1.0), metals, strict=True):
            put(metal, np.array([*xy, height]))
            # a rotation vector along a moves an apex along -b, one along b moves it along +a
            shift = lean * sign * math.sin(tilt)
            apex = np.array([0.0, -shift, math.cos(tilt)] if along_a else [shift, 0.0, math.cos(tilt)])
            if sheet == n_layers - 1:
                put(halide, np.array([*xy, height]) + terminal * apex, True)
            else:
                put(halide, np.array([*xy, height]) + inside * apex)
            if sheet == 0:
                put(halide, np.array([*xy, height]) - terminal * apex, True)
        for u, v in ((1, 1), (1, -1), (-1, -1), (-1, 1)):
            outwards = np.array([u, v, 0.0]) / math.sqrt(2)
            across = np.array([-v, u, 0.0]) / math.sqrt(2)
            lift = lean * upwards * (v if along_a else -u)
            put(halide, outwards * apart / 2 + turn * sideways * across + np.array([0, 0, height + lift]))
    between = (heights[1:] + heights[:-1]) / 2
    cages = [np.array([x * side, y * side, z]) for z in between for x, y in ((0.5, 0.0), (0.0, 0.5))]
    return Slab(
        side,
        tuple(symbols),
        np.array(places),
        np.array(outside),
        np.array(cages).reshape(-1, 3),
        float(heights[-1] + terminal * math.cos(tilt)),
    )
