"""The inorganic network: BX6 octahedra, how they share vertices, and in how many directions they go on for ever."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import gcd

import numpy as np
from numpy.typing import NDArray

from perospin.descriptors.structure.octahedra import cis_and_trans
from perospin.descriptors.structure.ordering import EITHER_SITE_METALS, Crystal
from perospin.errors import StructureError

Float = NDArray[np.float64]
Int = NDArray[np.int64]

_LIGAND_REACH_A = {"O": 2.9, "N": 2.9, "S": 3.3, "Se": 3.3}
"""Other atoms count as ligands when this near to a metal (water, thiocyanate)."""
_LONGEST_TO_SHORTEST = 1.5
_SEVENTH_TO_SIXTH = 1.12
_SMALLEST_TRANS_DEG = 135.0
_CIS_RANGE_DEG = (50.0, 130.0)
_OFF_CENTRE_RATIO = 1.25


@dataclass(frozen=True)
class Network:
    """Octahedra and their links.

    Attributes
    ----------
    crystal
        The ordered structure.
    b_atoms
        Atom number of each B, shape (n_b,).
    ligand, ligand_image
        Atom number and lattice image of the six ligands of each B, shapes (n_b, 6) and (n_b, 6, 3).
    vectors_a
        Vectors from B to its ligands (angstrom), shape (n_b, 6, 3).
    cis_deg, trans
        Twelve cis angles of each octahedron (degrees), shape (n_b, 12); its three trans pairs, shape (n_b, 3, 2).
    bridges
        One row for each pair of B at one X: (B, its ligand number, other B, its ligand number), shape (n_bridges, 4).
    bridge_image
        Lattice image of the other B seen from the first, shape (n_bridges, 3).
    shared
        Number of X shared by the two octahedra of each bridge (1 corner, 2 edge, 3 face), shape (n_bridges,).
    terminal
        Whether a ligand belongs to one B only, shape (n_b, 6).
    warnings
        One sentence for each thing worth knowing.
    """

    crystal: Crystal
    b_atoms: Int
    ligand: Int
    ligand_image: Int
    vectors_a: Float
    cis_deg: Float
    trans: Int
    bridges: Int
    bridge_image: Int
    shared: Int
    terminal: NDArray[np.bool_]
    warnings: tuple[str, ...]

    @property
    def lengths_a(self) -> Float:
        """Bond lengths (angstrom), shape (n_b, 6)."""
        return np.asarray(np.linalg.norm(self.vectors_a, axis=-1))

    def bridge_vectors_a(self) -> tuple[Float, Float]:
        """Vectors from the bridging X to its two B (angstrom), each of shape (n_bridges, 3)."""
        i, s, k, t = self.bridges.T
        return -self.vectors_a[i, s], -self.vectors_a[k, t]


@dataclass(frozen=True)
class Component:
    """One connected piece of the network (one layer, one chain, ...), up to lattice translations.

    Attributes
    ----------
    members
        B numbers, shape (n,).
    image
        Lattice image of each member that makes the piece connected, shape (n, 3).
    generators
        Translations (integer rows) that map the piece on itself, shape (n_generators, 3).
    """

    members: Int
    image: Int
    generators: Int

    @property
    def dimension(self) -> int:
        """In how many independent directions the piece goes on."""
        return int(np.linalg.matrix_rank(self.generators)) if len(self.generators) else 0


def _octahedron(crystal: Crystal, atom: int, rows: Int, vectors: Float) -> tuple[Int, str]:
    """Pick the six ligands of a metal (rows of the neighbour table), or say why there is no octahedron."""
    pairs = crystal.neighbours
    distance = pairs.distance_a[rows]
    order = np.argsort(distance, kind="stable")
    rows, distance = rows[order], distance[order]
    name = crystal.symbols[atom]
    if len(rows) < 6:
        return rows, f"{name} has only {len(rows)} ligand{'s' * (len(rows) != 1)} within reach"
    if distance[5] > _LONGEST_TO_SHORTEST * distance[0] or (
        len(rows) > 6 and distance[6] < _SEVENTH_TO_SIXTH * distance[5]
    ):
        listed = ", ".join(f"{d:.2f}" for d in distance[:8])
        return rows, f"{name} has no six clear nearest halides (distances {listed} A)"
    cis, trans, _ = cis_and_trans(vectors[rows[:6]])
    if trans.min() < _SMALLEST_TRANS_DEG or cis.min() < _CIS_RANGE_DEG[0] or cis.max() > _CIS_RANGE_DEG[1]:
        return rows, f"the six halides around {name} form no octahedron (a trans angle of {trans.min():.0f} degrees)"
    return rows[:6], ""


def _ligand_rows(crystal: Crystal) -> NDArray[np.bool_]:
    pairs = crystal.neighbours
    reach = np.array([_LIGAND_REACH_A.get(s, 0.0) for s in crystal.symbols])
    halide = crystal.kind == "halide"
    allowed = halide[pairs.second] | (pairs.distance_a < reach[pairs.second])
    return np.asarray((crystal.kind[pairs.first] == "metal") & allowed)


def find_network(crystal: Crystal) -> Network:
    """Find the octahedra and the vertices they share.

    Raises
    ------
    StructureError
        If there is no metal among halides, or one that isn't octahedrally coordinated.
    """
    pairs = crystal.neighbours
    ligands = _ligand_rows(crystal)
    halide_bound = np.zeros(len(crystal.symbols), dtype=bool)
    halide_bound[pairs.first[ligands & (crystal.kind[pairs.second] == "halide")]] = True
    vectors = np.zeros((len(pairs.first), 3))
    vectors[ligands] = crystal.vectors_a(pairs.of(ligands))
    rows_of: dict[int, list[int]] = {}
    for row in np.flatnonzero(ligands).tolist():
        rows_of.setdefault(int(pairs.first[row]), []).append(row)

    notes: list[str] = []
    b_atoms, found, reasons = [], [], []
    left_out: Counter[str] = Counter()
    for atom in np.flatnonzero(crystal.kind == "metal").tolist():
        symbol = crystal.symbols[atom]
        if not halide_bound[atom]:
            left_out[symbol] += 1
            continue
        rows, reason = _octahedron(crystal, atom, np.array(rows_of[atom]), vectors)
        if reason and symbol not in EITHER_SITE_METALS:
            reasons.append(reason)
        elif not reason:
            b_atoms.append(atom)
            found.append(rows)
    if reasons:
        raise StructureError(f"{sorted(reasons)[0]}: only networks of BX6 octahedra are described")
    if not b_atoms:
        raise StructureError("there is no metal surrounded by six halides: not a halide perovskite or a relative of it")
    notes.extend(f"{symbol} isn't bound to a halide and was left out" for symbol in sorted(left_out))

    table = np.array(found)
    ligand, image = pairs.second[table], pairs.image[table]
    bonded = set(ligand.ravel().tolist())
    free = Counter(crystal.symbols[i] for i in np.flatnonzero(crystal.kind == "halide").tolist() if i not in bonded)
    if free:
        notes.append(f"{' and '.join(sorted(free))} not bound to a metal of the network was left out")
    foreign = sorted({crystal.symbols[i] for i in bonded if crystal.kind[i] != "halide"})
    if foreign:
        notes.append(f"some octahedra have {' and '.join(foreign)} among their six ligands")
    angles = [cis_and_trans(vectors[rows]) for rows in found]
    lengths = np.linalg.norm(vectors[table], axis=-1)
    if (lengths.max(axis=1) > _OFF_CENTRE_RATIO * lengths.min(axis=1)).any():
        notes.append("octahedra with bonds that differ by more than a quarter: lone pair or Jahn-Teller distortion")
    bridges, bridge_image, shared, terminal = _bridges(ligand, image)
    return Network(
        crystal=crystal,
        b_atoms=np.array(b_atoms),
        ligand=ligand,
        ligand_image=image,
        vectors_a=vectors[table],
        cis_deg=np.array([cis for cis, _, _ in angles]),
        trans=np.array([trans for _, _, trans in angles]),
        bridges=bridges,
        bridge_image=bridge_image,
        shared=shared,
        terminal=terminal,
        warnings=tuple(notes),
    )


def _bridges(ligand: Int, image: Int) -> tuple[Int, Int, Int, NDArray[np.bool_]]:
    """Every pair of B that one X joins, once; how many X the two octahedra share; which ligands join nothing."""
    at_x: dict[int, list[tuple[int, int]]] = {}
    for b, six in enumerate(ligand.tolist()):
        for slot, x in enumerate(six):
            at_x.setdefault(x, []).append((b, slot))
    terminal = np.ones(ligand.shape, dtype=bool)
    rows, images = [], []
    count: Counter[tuple[int, int, int, int, int]] = Counter()
    keys = []
    for users in at_x.values():
        for first in range(len(users)):
            for second in range(first + 1, len(users)):
                (i, s), (k, t) = users[first], users[second]
                terminal[i, s] = terminal[k, t] = False
                # X in the cell is seen by B at minus its image
                step = image[i, s] - image[k, t]
                rows.append((i, s, k, t))
                images.append(step)
                a, b, c = (int(v) for v in step)
                key = (i, k, a, b, c) if i < k else max((i, i, a, b, c), (i, i, -a, -b, -c))
                keys.append(key)
                count[key] += 1
    shared = np.array([count[key] for key in keys], dtype=np.int64)
    return (
        np.array(rows, dtype=np.int64).reshape(-1, 4),
        np.array(images, dtype=np.int64).reshape(-1, 3),
        shared,
        terminal,
    )


def components(n_b: int, bridges: Int, bridge_image: Int) -> list[Component]:
    """Split the periodic graph of B atoms into connected pieces.

    A walk over the graph gives each B the lattice image that connects it to the first; each bridge that closes a loop
    then gives a translation of the piece onto itself. The rank of these translations is the piece's dimension.

    Parameters
    ----------
    n_b
        Number of B in the cell.
    bridges, bridge_image
        As in :class:`Network`.
    """
    links: dict[int, list[tuple[int, Int]]] = {}
    for (i, _, k, _), step in zip(bridges.tolist(), bridge_image, strict=True):
        links.setdefault(i, []).append((k, step))
        links.setdefault(k, []).append((i, -step))
    image: dict[int, Int] = {}
    pieces = []
    for start in range(n_b):
        if start in image:
            continue
        image[start] = np.zeros(3, dtype=np.int64)
        members, queue = [start], [start]
        loops: set[tuple[int, ...]] = set()
        while queue:
            i = queue.pop()
            for k, step in links.get(i, ()):
                there = image[i] + step
                if k not in image:
                    image[k] = there
                    members.append(k)
                    queue.append(k)
                elif (there != image[k]).any():
                    loops.add(tuple((there - image[k]).tolist()))
        generators = np.array(sorted(loops), dtype=np.int64).reshape(-1, 3)
        pieces.append(Component(np.array(members), np.array([image[m] for m in members]), generators))
    return pieces


def plane_of(generators: Int) -> tuple[Int, int]:
    """Miller indices of the plane spanned by translations, and how many lattice points their cell holds.

    Parameters
    ----------
    generators
        Integer rows that span a plane, shape (n, 3).

    Returns
    -------
    tuple
        Integer normal without common factor (sign fixed), and the index of the translations in the plane's lattice.
    """
    crosses = [np.cross(a, b) for n, a in enumerate(generators) for b in generators[n + 1 :]]
    crosses = [c for c in crosses if c.any()]
    common = gcd(*(int(v) for c in crosses for v in c))
    normal = crosses[0] // gcd(*(int(v) for v in crosses[0]))
    lead = normal[np.flatnonzero(normal)[0]]
    return np.asarray(normal * np.sign(lead)), common
