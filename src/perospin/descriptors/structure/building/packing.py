"""How well rigid molecules fill the space between two slabs: a score, and poses that make it smaller.

The score sums pair terms of Lennard-Jones form over the molecules of a cell: distances and depths of the universal
force field (Rappe 1992, 10.1021/ja00051a040), without charges, and for H...X and H...O contacts of ammonium and
hydroxyl a deeper well at the length of a hydrogen bond. It finds poses without clashes. It is
no energy: charges join it when starts are chosen (`choosing`), and even then its order is not that of energies.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Frame", "Kinds", "Poses", "improve", "layer_places", "on_their_centres", "score"]

Float = NDArray[np.float64]

# element -> distance at the minimum (A) and depth (kcal/mol): Rappe 1992, table 1
_UFF = {
    "H": (2.886, 0.044), "B": (4.083, 0.180), "C": (3.851, 0.105), "N": (3.660, 0.069), "O": (3.500, 0.060),
    "F": (3.364, 0.050), "Si": (4.295, 0.402), "P": (4.147, 0.305), "S": (4.035, 0.274), "Cl": (3.947, 0.227),
    "Se": (4.205, 0.291), "Br": (4.189, 0.251), "I": (4.500, 0.339), "Ge": (4.280, 0.379), "Sn": (4.392, 0.567),
    "Pb": (4.297, 0.663), "Cs": (4.517, 0.045), "Rb": (4.114, 0.040), "K": (3.812, 0.035), "Na": (2.983, 0.030),
}  # fmt: skip
_BONDED_A = {"I": 2.70, "Br": 2.50, "Cl": 2.30, "O": 1.90, "F": 2.10, "N": 2.00, "S": 2.50}
"""H...acceptor distance of a hydrogen bond (A): usual lengths in crystals."""
_BOND_DEPTH = 7.0
_CUTOFF_A, _SWITCH_A = 7.5, 6.0
_CAP = 0.72
"""Below this share of the best distance a pair term goes on as a straight line: overlaps are finite."""
_STEPS = 220
_SPRING = 200.0
"""Of the depth of the ammonium (kcal/mol/A^2)."""


@dataclass(frozen=True)
class Kinds:
    """What all starts of one batch share.

    Attributes
    ----------
    frame_symbols, molecule_symbols
        Elements of the slab and of the independent molecules, (n_frame,) and (n_atoms,).
    donors
        Hydrogens that make hydrogen bonds, (n_atoms,).
    slot
        Number of the molecule of each atom, (n_atoms,).
    in_gap
        Whether an atom belongs to a molecule that joins two slabs, (n_atoms,).
    n_operations
        Operations of the layer.
    top
        Numbers of the outermost halides of the upper face, in the frame.
    n_heads
        Ammonium groups whose depth is held.
    """

    frame_symbols: tuple[str, ...]
    molecule_symbols: tuple[str, ...]
    donors: tuple[bool, ...]
    slot: tuple[int, ...]
    in_gap: tuple[bool, ...]
    n_operations: int
    top: tuple[int, ...]
    n_heads: int


@dataclass(frozen=True)
class Frame:
    """What stays fixed, a row a start.

    Attributes
    ----------
    side_a
        Side of the cell, (n,).
    frame_a
        Atoms of the slab, (n, n_frame, 3).
    local_a
        Atoms of the molecules about their own middles, (n, n_atoms, 3).
    signs, shifts
        Operations of the layer, (n, n_operations, 3) and, in sides of the cell, (n, n_operations, 2).
    half_turn
        -1 where the next layer is turned by half a turn, else 1, (n,).
    free
        1 for each shift of the next layer that may move, else 0, (n, 2).
    heads
        Numbers of the nitrogens whose depth is held, (n, n_heads).
    heights_a
        Where they are held, above the middle of the slab, or of the next one (A), (n, n_heads).
    next_slab
        1 where it is the next one, else 0, (n, n_heads).
    on_centre
        1 where the molecules lie on inversion centres between two slabs, else 0, (n,).
    centres
        Which centre of the cell it is: 0 or 1/2 of its sides from half of the shift, (n, n_molecules, 2).
    """

    side_a: Float
    frame_a: Float
    local_a: Float
    signs: Float
    shifts: Float
    half_turn: Float
    free: Float
    heads: NDArray[np.int64]
    heights_a: Float
    next_slab: Float
    on_centre: Float
    centres: Float

    def rows(self, which: Any) -> Frame:
        """Take some of the starts."""
        return Frame(*(getattr(self, name)[which] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Poses:
    """What moves, a row a start.

    Attributes
    ----------
    quaternions
        Orientation of each independent molecule, (n, n_molecules, 4).
    middles_a
        Place of its middle, (n, n_molecules, 3).
    shift_a
        Shift of the next layer along the cell's sides, (n, 2).
    spacing_a
        Distance of the layers, (n,).
    """

    quaternions: Float
    middles_a: Float
    shift_a: Float
    spacing_a: Float

    def rows(self, which: Any) -> Poses:
        """Take some of the starts."""
        return Poses(*(getattr(self, name)[which] for name in self.__dataclass_fields__))


def _rotated(q: Any, places: Any) -> Any:
    """Places turned by unit quaternions, row by row."""
    import jax.numpy as jnp

    axis, w = q[:, 1:], q[:, :1]
    twice = 2.0 * jnp.cross(axis, places)
    return places + w * twice + jnp.cross(axis, twice)


def _one_layer(kinds: Kinds, fixed: dict[str, Any], moving: dict[str, Any]) -> tuple[Any, Any]:
    """Independent molecules, (n_atoms, 3), and all images of them in one layer, (n_operations, n_atoms, 3)."""
    import jax.numpy as jnp

    slot = np.array(kinds.slot)
    q = moving["quaternions"]
    q = q / jnp.linalg.norm(q, axis=1, keepdims=True)
    own = _rotated(q[slot], fixed["local_a"]) + _middles(fixed, moving)[slot]
    images = own[None] * fixed["signs"][:, None, :]
    shift = jnp.concatenate([fixed["shifts"] * fixed["side_a"], jnp.zeros((kinds.n_operations, 1))], axis=1)
    images = images + shift[:, None, :]
    if any(kinds.in_gap):
        # what joins two slabs and is turned over hangs below this one: the next gap's copy is taken
        over = (fixed["signs"][:, None, 2] < 0) & jnp.array(kinds.in_gap)[None]
        images = jnp.where(over[..., None], _next(fixed, moving, images), images)
    return own, images


def _middles(fixed: dict[str, Any], moving: dict[str, Any]) -> Any:
    """Places of the molecules, of one start or of many: on their centres, or where they moved to."""
    import jax.numpy as jnp

    flat = moving["shift_a"][..., None, :] / 2 + fixed["centres"] * fixed["side_a"][..., None, None]
    height = jnp.broadcast_to(moving["spacing_a"][..., None, None] / 2, (*flat.shape[:-1], 1))
    at = jnp.concatenate([flat, height], axis=-1)
    return jnp.where(fixed["on_centre"][..., None, None] > 0, at, moving["middles_a"])


def on_their_centres(frame: Frame, poses: Poses) -> Poses:
    """Poses whose molecules lie on their inversion centres, where that is asked: these follow shift and spacing."""
    return replace(poses, middles_a=np.asarray(_middles(_as_dict(frame), _as_dict(poses))))


def _next(fixed: dict[str, Any], moving: dict[str, Any], places: Any) -> Any:
    import jax.numpy as jnp

    turn = jnp.stack([fixed["half_turn"], fixed["half_turn"], jnp.ones_like(fixed["half_turn"])])
    return places * turn + jnp.concatenate([moving["shift_a"], moving["spacing_a"][None]])


def _before(fixed: dict[str, Any], moving: dict[str, Any], places: Any) -> Any:
    import jax.numpy as jnp

    turn = jnp.stack([fixed["half_turn"], fixed["half_turn"], jnp.ones_like(fixed["half_turn"])])
    return (places - jnp.concatenate([moving["shift_a"], moving["spacing_a"][None]])) * turn


def _pair_tables(kinds: Kinds) -> tuple[Float, Float, Float, NDArray[np.bool_]]:
    """Best distances, depths and weights of all pairs, and which are of one molecule; (n_moving + n_top, 3 n_layer)."""
    frame = [(s, False) for s in kinds.frame_symbols]
    molecules = list(zip(kinds.molecule_symbols, kinds.donors, strict=True))
    n_atoms, n_frame = len(molecules), len(frame)
    rows = molecules + [frame[k] for k in kinds.top]
    layer = frame + molecules * kinds.n_operations
    best = np.zeros((len(rows), len(layer)))
    depth = np.zeros_like(best)
    for i, (first, donates) in enumerate(rows):
        for j, (second, accepts_no) in enumerate(layer):
            a, b = _UFF[first], _UFF[second]
            best[i, j], depth[i, j] = np.sqrt(a[0] * b[0]), np.sqrt(a[1] * b[1])
            acceptor = second if donates else first
            if donates != accepts_no and acceptor in _BONDED_A:
                best[i, j], depth[i, j] = _BONDED_A[acceptor], _BOND_DEPTH
    # every pair of molecules is met from both sides, every pair of molecule and slab from one
    weight = np.zeros((3, len(rows), len(layer)))
    weight[:, :n_atoms, :n_frame] = kinds.n_operations
    weight[:, :n_atoms, n_frame:] = kinds.n_operations / 2
    weight[1, n_atoms:, :n_frame] = 1.0
    slot = np.array(kinds.slot)
    same = np.zeros((3, len(rows), len(layer)), dtype=bool)
    same[0, :n_atoms, n_frame : n_frame + n_atoms] = slot[:, None] == slot[None]
    wide = (len(rows), 3 * len(layer))
    return (
        np.tile(best, (1, 3)),
        np.tile(depth, (1, 3)),
        weight.transpose(1, 0, 2).reshape(wide),
        same.transpose(1, 0, 2).reshape(wide),
    )


@lru_cache(maxsize=16)
def _functions(kinds: Kinds) -> tuple[Any, Any]:
    """Compiled score and improvement of a batch."""
    import jax
    import jax.numpy as jnp

    best, depth, weight, same = (jnp.asarray(table) for table in _pair_tables(kinds))
    top = np.array(kinds.top)

    def total(fixed: dict[str, Any], moving: dict[str, Any]) -> Any:
        own, images = _one_layer(kinds, fixed, moving)
        layer = jnp.concatenate([fixed["frame_a"], images.reshape(-1, 3)])
        rows = jnp.concatenate([own, fixed["frame_a"][top]])
        around = jnp.concatenate([layer, _next(fixed, moving, layer), _before(fixed, moving, layer)])
        apart = rows[:, None] - around[None]
        side = fixed["side_a"]
        flat = apart[..., :2]
        near = flat - side * jnp.round(flat / side)
        # the second nearest image along each side; all others are farther than the cutoff
        other = near - jnp.where(near >= 0, side, -side)
        square_z = apart[..., 2] ** 2
        whole = jnp.sum(flat**2, axis=-1) + square_z
        # no charges are in the terms, so the depth of the ammonium is held where crystals have it
        off = own[fixed["heads"], 2] - fixed["heights_a"] - fixed["next_slab"] * moving["spacing_a"]
        summed = 0.5 * _SPRING * kinds.n_operations * jnp.sum(off**2)
        x = jnp.stack([near[..., 0], near[..., 0], other[..., 0], other[..., 0]])
        y = jnp.stack([near[..., 1], other[..., 1], near[..., 1], other[..., 1]])
        square = x**2 + y**2 + square_z
        own_image = same & (jnp.abs(square - whole) < 1e-6)
        distance = jnp.sqrt(jnp.where(own_image, 1.0, jnp.maximum(square, 1e-4)))
        term = jnp.where(own_image, 0.0, weight * _pair(distance, best, depth))
        return summed + jnp.sum(term)

    def improved(fixed: dict[str, Any], moving: dict[str, Any]) -> Any:
        slope = jax.value_and_grad(total, argnums=1)

        def step(state: Any, k: Any) -> Any:
            values, mean, square = state
            _, gradient = slope(fixed, values)
            gradient["shift_a"] = gradient["shift_a"] * fixed["free"]
            rate = 0.005 + 0.06 * (0.5 + 0.5 * jnp.cos(jnp.pi * k / _STEPS))
            mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, mean, gradient)
            square = jax.tree.map(lambda s, g: 0.98 * s + 0.02 * g**2, square, gradient)
            bias = (1 - 0.9 ** (k + 1.0), 1 - 0.98 ** (k + 1.0))

            def moved(value: Any, m: Any, s: Any) -> Any:
                return value - rate * (m / bias[0]) / (jnp.sqrt(s / bias[1]) + 1e-3)

            return (jax.tree.map(moved, values, mean, square), mean, square), None

        zero = jax.tree.map(jnp.zeros_like, moving)
        (values, _, _), _ = jax.lax.scan(step, (moving, zero, zero), jnp.arange(_STEPS))
        return values, total(fixed, values)

    # start by start: the pairs of one start stay in the processor's cache
    each = jax.jit(lambda fixed, moving: jax.lax.map(lambda both: total(*both), (fixed, moving)))
    better = jax.jit(lambda fixed, moving: jax.lax.map(lambda both: improved(*both), (fixed, moving)))
    return each, better


def _pair(distance: Any, best: Any, depth: Any) -> Any:
    import jax.numpy as jnp

    inner = _CAP * best
    r = jnp.maximum(distance, inner)
    u = (best / r) ** 6
    value = depth * (u * u - 2 * u)
    u0 = _CAP**-6
    slope = depth * (-12 * u0 * u0 + 12 * u0) / inner
    value = value + jnp.where(distance < inner, slope * (distance - inner), 0.0)
    x = jnp.clip((distance - _SWITCH_A) / (_CUTOFF_A - _SWITCH_A), 0.0, 1.0)
    return value * (1 - x * x * (3 - 2 * x))


def _as_dict(batch: Frame | Poses) -> dict[str, Any]:
    return {name: getattr(batch, name) for name in batch.__dataclass_fields__}


def score(kinds: Kinds, frame: Frame, poses: Poses) -> Float:
    """Packing score of each start (per cell of two metals a sheet; lower is better), (n,)."""
    each, _ = _functions(kinds)
    return np.asarray(each(_as_dict(frame), _as_dict(poses)))


def improve(kinds: Kinds, frame: Frame, poses: Poses) -> tuple[Poses, Float]:
    """Poses with a smaller score, and the score, (n,): molecules turn and move, layers shift and approach."""
    _, better = _functions(kinds)
    moved, scores = better(_as_dict(frame), _as_dict(poses))
    return Poses(**{name: np.asarray(value) for name, value in moved.items()}), np.asarray(scores)


def layer_places(kinds: Kinds, frame: Frame, poses: Poses, row: int) -> tuple[Float, Float]:
    """Atoms of one start: those of the layer, (n_frame + n_operations n_atoms, 3), and of the next one."""
    fixed = {name: value[row] for name, value in _as_dict(frame).items()}
    moving = {name: value[row] for name, value in _as_dict(poses).items()}
    _, images = _one_layer(kinds, fixed, moving)
    layer = np.concatenate([frame.frame_a[row], np.asarray(images).reshape(-1, 3)])
    return layer, np.asarray(_next(fixed, moving, layer))
