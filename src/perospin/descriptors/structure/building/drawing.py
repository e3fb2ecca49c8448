"""Random starts of one material: symmetry, tilts, shapes, poses and shifts, before any packing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perospin.descriptors.structure.building.motifs import Motif, Operation, fixed_axes
from perospin.descriptors.structure.building.packing import Frame, Kinds, Poses
from perospin.descriptors.structure.building.request import Request
from perospin.descriptors.structure.building.slab import Slab, make_slab
from perospin.descriptors.structure.building.spacers import Conformer

__all__ = ["Draw", "collect", "draw", "turned"]

Float = NDArray[np.float64]

_POCKETS = ((0.5, 0.0), (0.0, 0.5))
# of the shipped crystals: half of D_in and D_out between the 5th and the 95th percentile
_ROTATION_DEG = {1: (5.0, 15.0), 2: (0.0, 11.0), 3: (0.0, 10.0)}
_TILT_DEG = {1: (0.0, 14.0), 2: (0.0, 8.0), 3: (0.0, 8.0)}
# depth of the ammonium below the outermost halides (A): about the middle 70 % of the shipped crystals
_DEPTH_A = {
    ("RP", "I"): (0.40, 0.70), ("RP", "Br"): (0.30, 0.60), ("RP", "Cl"): (0.20, 0.40),
    ("DJ", "I"): (0.10, 0.55), ("DJ", "Br"): (0.10, 0.50), ("DJ", "Cl"): (0.0, 0.40),
}  # fmt: skip
_DEPTH_WIDE_A = (-0.3, 0.1)
"""The same for an ammonium that isn't NH3: crystals of either kind."""
_LEAN_DEG = {"RP": 75.0, "DJ": 65.0}
_TURNED_SHARE = 0.35


@dataclass(frozen=True)
class _Molecule:
    """One independent molecule of a draw."""

    shape: Conformer
    quaternion: Float
    middle_a: Float
    heads: tuple[tuple[int, float, bool], ...] = ()
    """Nitrogens whose depth is held: number, height (A), and whether above the middle of the next slab."""
    in_cage: bool = False
    centre: tuple[float, float] = (0.0, 0.0)
    """Of a spacer on an inversion centre: which one (see `Frame`)."""

    @property
    def joins(self) -> bool:
        """Whether it stands between two slabs."""
        return len(self.heads) == 2


@dataclass(frozen=True)
class Draw:
    """One start before packing."""

    motif: Motif
    turned: bool
    rotation_deg: float
    tilt_deg: float
    slab: Slab
    molecules: tuple[_Molecule, ...]
    shift: tuple[float, float]
    spacing_a: float

    @property
    def strain_kcal_mol(self) -> float:
        """Of all molecules of a cell."""
        return len(self.motif.operations) * sum(one.shape.strain_kcal_mol for one in self.molecules)


def draw(
    request: Request, motif: Motif, spacers: Sequence[Conformer], cages: Sequence[Conformer], rng: np.random.Generator
) -> Draw:
    """Draw one start of a motif."""
    rotation = float(rng.uniform(*_ROTATION_DEG[request.n_layers]))
    tilt = float(rng.uniform(*_TILT_DEG[request.n_layers]))
    in_phase = bool(rng.integers(2)) if motif.in_phase is None else motif.in_phase
    slab = make_slab(
        request.metal, request.halide, request.n_layers, rotation, tilt, tilt_along=motif.tilt_along, in_phase=in_phase
    )
    half_turn = bool(rng.random() < _TURNED_SHARE) and not motif.on_centres
    molecules = [_in_cage(shape, place, rng) for shape, place in _cage_slots(slab, motif, cages, rng)]
    if request.family == "RP":
        molecules = [*_on_faces(request, slab, motif, spacers, rng), *molecules]
        shift = (float(rng.uniform(-0.5, 0.5)), float(rng.uniform(-0.5, 0.5)))
        reach = [_above(one, slab) for one in molecules if not one.in_cage]
        spacing = 2 * slab.top_a + float(rng.uniform(0.35, 1.1)) * 2 * max(max(reach), 2.0) + 1.0
    else:
        across = _on_centres if motif.on_centres else _across_gap
        joining, shift, spacing = across(request, slab, motif, spacers, rng)
        molecules = [*joining, *molecules]
    settled = tuple(
        round(2 * value) / 2 if fixed else value
        for value, fixed in zip(shift, fixed_axes(motif, half_turn), strict=True)
    )
    return Draw(motif, half_turn, rotation, tilt, slab, tuple(molecules), (settled[0], settled[1]), spacing)


def collect(draws: Sequence[Draw]) -> tuple[Kinds, Frame, Poses]:
    """Draws with equally many operations as one batch."""
    first = draws[0]
    shapes = [one.shape for one in first.molecules]
    offsets = np.cumsum([0, *(len(shape.symbols) for shape in shapes)])

    def of_heads(d: Draw, k: int) -> list[float]:
        """One column of what is held, for all heads of a start."""
        return [h[k] + (offsets[m] if k == 0 else 0) for m, one in enumerate(d.molecules) for h in one.heads]

    kinds = Kinds(
        frame_symbols=first.slab.symbols,
        molecule_symbols=tuple(s for shape in shapes for s in shape.symbols),
        donors=tuple(bool(d) for shape in shapes for d in shape.donors),
        slot=tuple(k for k, shape in enumerate(shapes) for _ in shape.symbols),
        in_gap=tuple(one.joins for one in first.molecules for _ in one.shape.symbols),
        n_operations=len(first.motif.operations),
        top=tuple(
            int(k) for k in np.flatnonzero(first.slab.terminal & (first.slab.positions_a[:, 2] > 0))
        ),
        n_heads=sum(len(one.heads) for one in first.molecules),
    )  # fmt: skip
    frame = Frame(
        side_a=np.array([d.slab.side_a for d in draws]),
        frame_a=np.array([d.slab.positions_a for d in draws]),
        local_a=np.array([np.concatenate([one.shape.positions_a for one in d.molecules]) for d in draws]),
        signs=np.array([[o.signs for o in d.motif.operations] for d in draws], dtype=float),
        shifts=np.array([[o.shift for o in d.motif.operations] for d in draws], dtype=float),
        half_turn=np.array([-1.0 if d.turned else 1.0 for d in draws]),
        free=np.array([[0.0 if f else 1.0 for f in fixed_axes(d.motif, d.turned)] for d in draws]),
        heads=np.array([of_heads(d, 0) for d in draws], dtype=np.int64),
        heights_a=np.array([of_heads(d, 1) for d in draws], dtype=float),
        next_slab=np.array([of_heads(d, 2) for d in draws], dtype=float),
        on_centre=np.array([float(d.motif.on_centres) for d in draws]),
        centres=np.array([[one.centre for one in d.molecules] for d in draws]),
    )
    poses = Poses(
        quaternions=np.array([[one.quaternion for one in d.molecules] for d in draws]),
        middles_a=np.array([[one.middle_a for one in d.molecules] for d in draws]),
        shift_a=np.array([np.array(d.shift) * d.slab.side_a for d in draws]),
        spacing_a=np.array([d.spacing_a for d in draws]),
    )
    return kinds, frame, poses


# --- sites -------------------------------------------------------------------------------------------------------


def _image(operation: Operation, xy: tuple[float, float], z: float) -> tuple[float, float, float]:
    """Image of a site, its place in the plane inside the cell, rounded so that equal sites compare equal."""
    x, y = (round((operation.signs[k] * xy[k] + operation.shift[k]) % 1.0, 3) % 1.0 for k in (0, 1))
    return x, y, round(operation.signs[2] * z, 3)


def _independent(sites: Sequence[tuple[float, float, float]], motif: Motif) -> list[tuple[float, float, float]]:
    """One site of each set that the operations make equal."""
    left = list(sites)
    chosen = []
    while left:
        x, y, z = left[0]
        chosen.append(left[0])
        orbit = {_image(operation, (x, y), z) for operation in motif.operations}
        left = [site for site in left if _image(motif.operations[0], site[:2], site[2]) not in orbit]
    return chosen


def _cage_slots(
    slab: Slab, motif: Motif, cages: Sequence[Conformer], rng: np.random.Generator
) -> list[tuple[Conformer, Float]]:
    sites = [(x / slab.side_a, y / slab.side_a, z) for x, y, z in slab.cages_a.tolist()]
    places = [np.array([x * slab.side_a, y * slab.side_a, z]) for x, y, z in _independent(sites, motif)]
    return [(cages[int(rng.integers(len(cages)))], place) for place in places]


# --- poses -------------------------------------------------------------------------------------------------------


def _in_cage(shape: Conformer, place: Float, rng: np.random.Generator) -> _Molecule:
    quaternion = rng.normal(size=4)
    return _Molecule(shape, quaternion / np.linalg.norm(quaternion), place, (), True)


def _on_faces(
    request: Request, slab: Slab, motif: Motif, spacers: Sequence[Conformer], rng: np.random.Generator
) -> list[_Molecule]:
    """Molecules that stand on the slab, their ammonium in a pocket of the outermost halides."""
    sites = [(x, y, sign) for sign in (1.0, -1.0) for x, y in _POCKETS]
    found = []
    for x, y, up in _independent(sites, motif):
        shape = spacers[int(rng.integers(len(spacers)))]
        heavy = np.array([s != "H" for s in shape.symbols])
        along = shape.positions_a[heavy].mean(axis=0) - shape.positions_a[shape.heads[0]]
        wanted = _direction(rng, _LEAN_DEG["RP"]) * np.array([1, 1, up])
        quaternion = _towards(along, wanted, rng)
        head = np.array([x * slab.side_a, y * slab.side_a, up * (slab.top_a - _depth(request, shape, rng))])
        head[:2] += rng.normal(scale=0.3, size=2)
        middle = head - turned(quaternion, shape.positions_a[shape.heads[0]])
        found.append(_Molecule(shape, quaternion, middle, ((shape.heads[0], float(head[2]), False),)))
    return found


def _depth(request: Request, shape: Conformer, rng: np.random.Generator) -> float:
    """Draw a depth for an ammonium of this shape (A)."""
    range_a = _DEPTH_A[request.family, request.halide] if shape.bare_heads else _DEPTH_WIDE_A
    return float(rng.uniform(*range_a))


def _across_gap(
    request: Request, slab: Slab, motif: Motif, spacers: Sequence[Conformer], rng: np.random.Generator
) -> tuple[list[_Molecule], tuple[float, float], float]:
    """Put a molecule between two slabs, with the shift and spacing that leave both its ends in pockets."""
    shape = spacers[int(rng.integers(len(spacers)))]
    first, second = shape.heads if rng.random() < 0.5 else shape.heads[::-1]
    along = shape.positions_a[second] - shape.positions_a[first]
    quaternion = _towards(along, _direction(rng, _LEAN_DEG["DJ"]), rng)
    depths = [_depth(request, shape, rng) for _ in range(2)]
    head = np.array([_POCKETS[0][0] * slab.side_a, 0.0, slab.top_a - depths[0]])
    end = head + turned(quaternion, along)
    operation = motif.operations[1]
    if operation.turns_over:
        # its image must stand in the other pocket of this slab
        other = _POCKETS[1]
        target = [operation.signs[k] * (other[k] - operation.shift[k]) for k in (0, 1)]
    else:
        target = list(_POCKETS[rng.integers(2)])
    shift = [(end[k] / slab.side_a - target[k] + 0.5) % 1.0 - 0.5 for k in (0, 1)]
    spacing = end[2] - depths[1] + slab.top_a
    middle = head - turned(quaternion, shape.positions_a[first])
    held = ((first, float(head[2]), False), (second, float(depths[1] - slab.top_a), True))
    return [_Molecule(shape, quaternion, middle, held)], (shift[0], shift[1]), float(max(spacing, 2 * slab.top_a + 2))


def _on_centres(
    request: Request, slab: Slab, motif: Motif, spacers: Sequence[Conformer], rng: np.random.Generator
) -> tuple[list[_Molecule], tuple[float, float], float]:
    """Put molecules on inversion centres between two slabs; the first one sets shift and spacing."""
    found: list[_Molecule] = []
    shift, spacing = np.zeros(2), 0.0
    for x, y, _ in _independent([(x, y, 1.0) for x, y in _POCKETS], motif):
        shape = spacers[int(rng.integers(len(spacers)))]
        first, second = shape.heads
        along = shape.positions_a[second] - shape.positions_a[first]
        quaternion = _towards(along, _direction(rng, _LEAN_DEG["DJ"]), rng)
        depth = _depth(request, shape, rng)
        head = np.array([x * slab.side_a, y * slab.side_a, slab.top_a - depth])
        middle = head + turned(quaternion, along) / 2
        if not found:
            # a centre lies half a shift from that of the slab, or half a side of the cell farther
            shift, spacing = (2 * middle[:2] / slab.side_a + 0.5) % 1.0 - 0.5, 2 * middle[2]
        centre = np.round(2 * middle[:2] / slab.side_a - shift) / 2
        held = ((first, float(head[2]), False), (second, float(-head[2]), True))
        found.append(_Molecule(shape, quaternion, middle, held, centre=(float(centre[0]), float(centre[1]))))
    return found, (float(shift[0]), float(shift[1])), float(max(spacing, 2 * slab.top_a + 2))


def _above(one: _Molecule, slab: Slab) -> float:
    """How far a molecule stands out of the slab (A)."""
    heights = np.abs(turned(one.quaternion, one.shape.positions_a)[:, 2] + one.middle_a[2])
    return float(heights.max() - slab.top_a)


def _direction(rng: np.random.Generator, most_deg: float) -> Float:
    """Draw a direction within an angle of the normal."""
    z = rng.uniform(math.cos(math.radians(most_deg)), 1.0)
    angle = rng.uniform(0, 2 * math.pi)
    flat = math.sqrt(1 - z * z)
    return np.array([flat * math.cos(angle), flat * math.sin(angle), z])


def _towards(along: Float, wanted: Float, rng: np.random.Generator) -> Float:
    """Quaternion that turns one direction into another, with a random turn about it."""
    length = np.linalg.norm(along)
    start = along / length if length > 1e-6 else np.array([0.0, 0.0, 1.0])
    half = start + wanted
    if np.linalg.norm(half) < 1e-6:  # opposite: turn about anything that is square to both
        half = np.cross(start, [1.0, 0.0, 0.0] if abs(start[0]) < 0.9 else [0.0, 1.0, 0.0])
    half = half / np.linalg.norm(half)
    turn = np.concatenate([[start @ half], np.cross(start, half)])
    angle = rng.uniform(0, math.pi)
    return _product(np.concatenate([[math.cos(angle)], math.sin(angle) * wanted]), turn)


def _product(p: Float, q: Float) -> Float:
    return np.concatenate([[p[0] * q[0] - p[1:] @ q[1:]], p[0] * q[1:] + q[0] * p[1:] + np.cross(p[1:], q[1:])])


def turned(quaternion: Float, places: Float) -> Float:
    """Places turned by a unit quaternion."""
    axis = quaternion[1:]
    twice = 2.0 * np.cross(axis, places)
    moved: Float = places + quaternion[0] * twice + np.cross(axis, twice)
    return moved
