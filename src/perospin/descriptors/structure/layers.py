"""Layers of a two-dimensional network: how they are stacked, how thick they are, and where the spacers anchor."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perospin.descriptors.structure.network import Component, Network, components, plane_of
from perospin.errors import StructureError

Float = NDArray[np.float64]
Int = NDArray[np.int64]

IN_PLANE_COSINE = 0.7
"""A B-B line belongs to a sheet of octahedra if the cosine of its angle with the layer normal is below this."""
_NET_SPREAD = 0.3
"""B-B vectors of a square net differ by less than this from their mean (relative)."""
_OUTSIDE_A = 2.0
"""A nitrogen counts as anchored up to this far outside the plane of terminal halides."""


def fold(shift: float) -> float:
    """Fold a shift in units of a lattice vector to [0, 0.5]."""
    return float(abs(shift - round(shift)))


def shift_factors(shift_a: ArrayLike, a_p: ArrayLike, b_p: ArrayLike) -> tuple[float, float]:
    """Layer shift factors (t1, t2), t1 <= t2: (0, 0) eclipsed Dion-Jacobson, (0.5, 0.5) Ruddlesden-Popper.

    Marchenko et al., arXiv 2010.02309.

    Parameters
    ----------
    shift_a
        In-plane shift of the B net of one slab against the next (angstrom), shape (2,).
    a_p, b_p
        The two B-B vectors of the square net (angstrom), shape (2,).
    """
    u, v = np.linalg.solve(np.column_stack([a_p, b_p]), np.asarray(shift_a, dtype=float))
    first, second = sorted((fold(float(u)), fold(float(v))))
    return first, second


@dataclass(frozen=True)
class Sheet:
    """One sheet of corner-sharing octahedra inside a slab: its B, their mean height, and its bridging X."""

    members: Int
    height_a: float
    bridges: Int


@dataclass(frozen=True)
class Slab:
    """One inorganic layer.

    Attributes
    ----------
    component
        Its B atoms.
    mid_a
        Height of its mid-plane, the mean of its B (angstrom along the normal).
    top_a, bottom_a
        Mean height of the terminal halides on either side; NaN unless the slab is a (100) one.
    high_a, low_a
        Height of the outermost framework halides.
    orientation
        "(100)", "(110)", "(111)": which faces of the cubic perovskite the slab is cut along; "corrugated" (steps of
        several octahedra) or "other".
    sheets
        Sheets from bottom to top; empty unless (100).
    """

    component: Component
    mid_a: float
    top_a: float
    bottom_a: float
    high_a: float
    low_a: float
    orientation: str
    sheets: tuple[Sheet, ...]


@dataclass(frozen=True)
class Stack:
    """All layers of the cell.

    Attributes
    ----------
    normal
        Unit vector across the layers.
    period_a
        Height of the smallest lattice translation across the layers (angstrom).
    area_a2
        Area of the lattice's cell in the plane (angstrom squared).
    step
        Lattice translation (integers) that climbs by one period.
    slabs
        Layers of one period, sorted by height.
    """

    normal: Float
    period_a: float
    area_a2: float
    step: Int
    slabs: tuple[Slab, ...]
    warnings: tuple[str, ...] = field(default=())

    @property
    def spacings_a(self) -> Float:
        """Distances between neighbouring mid-planes (angstrom), shape (n_slabs,)."""
        mids = np.array([slab.mid_a for slab in self.slabs])
        return np.asarray(np.diff(np.append(mids, mids[0] + self.period_a)))


def _climbing(miller: Int) -> Int:
    """Find a short lattice translation that climbs by one plane (product 1 with the Miller indices)."""
    reach = int(np.abs(miller).max())
    options = [w for w in product(range(-reach, reach + 1), repeat=3) if int(np.dot(w, miller)) == 1]
    return np.array(min(options, key=lambda w: (sum(v * v for v in w), w)), dtype=np.int64)


def _orientation(network: Network, members: Int, in_plane_links: Int, across_links: Int) -> str:
    """Which faces of the cubic perovskite a corner-sharing slab is cut along, from its terminal halides."""
    terminal = network.terminal[members]
    n_terminal = terminal.sum(axis=1)
    trans = [
        any(terminal[row, list(pair)].all() for pair in network.trans[b]) for row, b in enumerate(members.tolist())
    ]
    square = (in_plane_links == 4).all() and (across_links + n_terminal == 2).all()
    if square and all(t for t, n in zip(trans, n_terminal, strict=True) if n == 2):
        return "(100)"
    if (n_terminal == 2).all():
        return "corrugated" if any(trans) else "(110)"
    if (n_terminal == 3).all() and not any(trans):
        return "(111)"
    return "other"


def _slab(network: Network, piece: Component, normal: Float, in_plane: NDArray[np.bool_], corner: bool) -> Slab:
    """Heights, orientation and sheets of one layer; heights are those of the piece as it was walked through."""
    lattice, crystal = network.crystal.lattice_a, network.crystal
    members = piece.members
    place = {int(b): n for n, b in enumerate(members)}
    b_height = (crystal.frac[network.b_atoms[members]] + piece.image) @ lattice @ normal
    x_height = b_height[:, None] + network.vectors_a[members] @ normal
    mid = float(b_height.mean())

    mine = np.isin(network.bridges[:, 0], members)
    counts = {True: np.zeros(len(members), dtype=int), False: np.zeros(len(members), dtype=int)}
    for row in np.flatnonzero(mine):
        for b in (network.bridges[row, 0], network.bridges[row, 2]):
            counts[bool(in_plane[row])][place[int(b)]] += 1
    orientation = _orientation(network, members, counts[True], counts[False]) if corner else "other"
    top = bottom = float("nan")
    sheets: list[Sheet] = []
    if orientation == "(100)":
        terminal = network.terminal[members]
        above = x_height > mid
        top = float(x_height[terminal & above].mean())
        bottom = float(x_height[terminal & ~above].mean())
        flat = np.flatnonzero(mine & in_plane)
        for part in components(len(network.b_atoms), network.bridges[flat], network.bridge_image[flat]):
            if int(part.members[0]) not in place:
                continue
            heights = [b_height[place[int(b)]] for b in part.members]
            own = flat[np.isin(network.bridges[flat, 0], part.members)]
            sheets.append(Sheet(part.members, float(np.mean(heights)), own))
        sheets.sort(key=lambda sheet: sheet.height_a)
    return Slab(piece, mid, top, bottom, float(x_height.max()), float(x_height.min()), orientation, tuple(sheets))


def find_layers(network: Network, pieces: list[Component]) -> Stack:
    """Stack the layers of a two-dimensional network.

    Parameters
    ----------
    network, pieces
        The network and its connected pieces, all of dimension 2.

    Raises
    ------
    StructureError
        If the layers aren't parallel.
    """
    lattice = network.crystal.lattice_a
    planes = [plane_of(piece.generators) for piece in pieces]
    miller = planes[0][0]
    if any((plane != miller).any() or index != 1 for plane, index in planes):
        raise StructureError("the inorganic layers of this structure cross one another: no layer normal exists")
    across = miller @ np.linalg.inv(lattice).T
    period = 1.0 / float(np.linalg.norm(across))
    normal = across * period
    first, second = network.bridge_vectors_a()
    line = second - first
    cosine = np.abs(line @ normal) / np.linalg.norm(line, axis=1)
    in_plane = cosine < IN_PLANE_COSINE
    corner = bool((network.shared == 1).all())
    slabs = [_slab(network, piece, normal, in_plane, corner) for piece in pieces]
    step = _climbing(miller)
    slabs = [_lower(slab, step, period) for slab in slabs]
    slabs.sort(key=lambda slab: slab.mid_a)
    area = abs(float(np.linalg.det(lattice))) / period
    return Stack(normal, period, area, step, tuple(slabs))


def _lower(slab: Slab, step: Int, period: float) -> Slab:
    """Move a slab by lattice translations into the first period."""
    times = -int(np.floor(slab.mid_a / period + 1e-9))
    up = times * period
    piece = slab.component
    return Slab(
        Component(piece.members, piece.image + times * step, piece.generators),
        slab.mid_a + up,
        slab.top_a + up,
        slab.bottom_a + up,
        slab.high_a + up,
        slab.low_a + up,
        slab.orientation,
        tuple(Sheet(s.members, s.height_a + up, s.bridges) for s in slab.sheets),
    )


def _net(network: Network, sheet: Sheet, normal: Float) -> tuple[Float, Float]:
    """Average the B-B vectors of a sheet's square net to its two in-plane vectors; NaN if the net isn't square."""
    first, second = network.bridge_vectors_a()
    lines = (second - first)[sheet.bridges]
    lines = lines - np.outer(lines @ normal, normal)
    along = np.abs(lines @ lines[0]) > np.cos(np.pi / 4) * np.linalg.norm(lines, axis=1) * np.linalg.norm(lines[0])
    if along.all():
        return np.full(3, np.nan), np.full(3, np.nan)
    vectors = []
    for group in (lines[along], lines[~along]):
        signs = np.where(group @ group[0] < 0, -1.0, 1.0)
        aligned = group * signs[:, None]
        mean = aligned.mean(axis=0)
        if np.linalg.norm(aligned - mean, axis=1).max() > _NET_SPREAD * np.linalg.norm(mean):
            return np.full(3, np.nan), np.full(3, np.nan)
        vectors.append(mean)
    return vectors[0], vectors[1]


def _phase(values: Float) -> float:
    """Average the fractional parts of numbers on the circle."""
    return float(np.angle(np.exp(2j * np.pi * values).mean()) / (2 * np.pi))


def layer_shifts(network: Network, stack: Stack) -> list[tuple[float, float]]:
    """Shift factors between each slab and the next above it; NaN where the two nets differ.

    The outermost sheets that face each other are compared, by the mean positions of their B nets.
    """
    lattice, crystal = network.crystal.lattice_a, network.crystal
    shifts = []
    for number, lower in enumerate(stack.slabs):
        upper = stack.slabs[(number + 1) % len(stack.slabs)]
        lift = stack.step if number + 1 == len(stack.slabs) else np.zeros(3, dtype=np.int64)
        faces = []
        for slab, sheet, extra in ((lower, lower.sheets[-1], 0 * lift), (upper, upper.sheets[0], lift)):
            image = {int(b): im for b, im in zip(slab.component.members, slab.component.image, strict=True)}
            at = np.array([crystal.frac[network.b_atoms[b]] + image[int(b)] + extra for b in sheet.members])
            faces.append((at @ lattice, _net(network, sheet, stack.normal)))
        (below, (a, b)), (above, (c, d)) = faces
        tolerance = 0.02 * np.linalg.norm(a)
        same = any(
            min(np.linalg.norm(a - p), np.linalg.norm(a + p)) < tolerance
            and min(np.linalg.norm(b - q), np.linalg.norm(b + q)) < tolerance
            for p, q in ((c, d), (d, c))
        )
        if not same:
            shifts.append((float("nan"), float("nan")))
            continue
        dual = np.linalg.pinv(np.column_stack([a, b]))
        steps = [_phase(dual[axis] @ above.T) - _phase(dual[axis] @ below.T) for axis in (0, 1)]
        t1, t2 = sorted(fold(step) for step in steps)
        shifts.append((t1, t2))
    return shifts


def nitrogen_depths(network: Network, stack: Stack) -> tuple[Float, Float]:
    """How deep the anchoring nitrogen atoms sit below the plane of terminal halides of the nearest slab.

    Nitrogen bound to nothing but carbon and hydrogen counts (no nitro, nitrile or azo nitrogen) if it lies outside the
    outermost B sheet of the slab and at most 2 angstrom outside its terminal halides; a cation in a cage of a thicker
    slab does not.

    Returns
    -------
    tuple
        Depths (angstrom, positive towards the metal) and occupancies, each of shape (n_nitrogen,).
    """
    crystal = network.crystal
    faces = []
    for slab in stack.slabs:
        faces.append((slab.top_a, slab.top_a - slab.sheets[-1].height_a, 1.0))
        faces.append((slab.bottom_a, slab.sheets[0].height_a - slab.bottom_a, -1.0))
    pairs = crystal.neighbours
    heavy = np.array([s not in ("H", "D") for s in crystal.symbols])
    share = np.array([amounts.get("N", 0.0) for amounts in crystal.amounts])
    nitrogens = np.flatnonzero(share > 0)
    near = pairs.of(np.isin(pairs.first, nitrogens) & heavy[pairs.second] & (pairs.distance_a > 0.9))
    depths, weights = [], []
    for atom in nitrogens:
        mine = near.first == atom
        bound = [
            (crystal.symbols[j], d)
            for j, d in zip(near.second[mine].tolist(), near.distance_a[mine].tolist(), strict=True)
            if d < 1.8
        ]
        if any(s != "C" or d < 1.25 for s, d in bound) and crystal.symbols[atom] == "N":
            continue
        height = float(crystal.frac[atom] @ crystal.lattice_a @ stack.normal)
        options = []
        for face, thickness, sign in faces:
            depth = sign * (face - height)
            depth -= stack.period_a * round(depth / stack.period_a)
            if -_OUTSIDE_A < depth < thickness:
                options.append(depth)
        if options:
            depths.append(max(options))
            weights.append(share[atom])
    return np.array(depths), np.array(weights)
