"""Crystals whose every number is known, built from ideal octahedra, and changes of cell that must not matter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pymatgen.core import Lattice, Structure

Float = NDArray[np.float64]

B_B_A = 6.2
AXES = np.vstack([np.eye(3), -np.eye(3)])


def crystal(lattice: ArrayLike, atoms: Iterable[tuple[str, ArrayLike]]) -> Structure:
    """Structure from Cartesian atoms; an atom listed again at a lattice translation is dropped."""
    box = Lattice(lattice)
    symbols: list[str] = []
    places: list[Float] = []
    for symbol, place in atoms:
        frac = box.get_fractional_coords(np.asarray(place, dtype=float))
        if places:
            away = np.array(places) - frac
            away -= np.rint(away)
            if np.linalg.norm(away @ box.matrix, axis=1).min() < 0.1:
                continue
        symbols.append(symbol)
        places.append(frac)
    return Structure(box, symbols, places)


def octahedra(
    centres: ArrayLike, metal: str | Sequence[str] = "Pb", halide: str = "I", radius_a: float = B_B_A / 2
) -> list[tuple[str, Float]]:
    """Ideal octahedra along x, y, z around each centre."""
    spots = np.atleast_2d(np.asarray(centres, dtype=float))
    metals = [metal] * len(spots) if isinstance(metal, str) else metal
    atoms = []
    for centre, symbol in zip(spots, metals, strict=True):
        atoms.append((symbol, centre))
        atoms.extend((halide, centre + radius_a * axis) for axis in AXES)
    return atoms


def cubic(halide: str = "I", metal: str = "Pb", cage: str = "Cs", a: float = B_B_A) -> Structure:
    """The cubic perovskite."""
    return crystal(np.eye(3) * a, [*octahedra([[0, 0, 0]], metal, halide, a / 2), (cage, np.full(3, a / 2))])


def slab_crystal(
    n: int,
    shift: tuple[float, float],
    *,
    gap_a: float = 9.0,
    depth_a: float = 0.4,
    slabs: int = 2,
    spacer: bool = True,
    halide: str = "I",
    a: float = B_B_A,
) -> Structure:
    """Slabs of n ideal sheets, each slab shifted against the one below by `shift` (in units of the B-B distance).

    Spacing n a + gap, thickness n a, B-X a / 2; the spacer is a C-N pair on the fourfold axis of each pocket.
    """
    spacing = n * a + gap_a
    atoms: list[tuple[str, ArrayLike]] = []
    for number in range(slabs):
        origin = np.array([*(number * np.asarray(shift) * a), number * spacing])
        centres = origin + np.outer(np.arange(n) * a, [0, 0, 1])
        atoms += octahedra(centres, "Pb", halide, a / 2)
        pocket = np.array([a / 2, a / 2, 0.0])
        atoms += [("Cs", centre + pocket + [0, 0, a / 2]) for centre in centres[:-1]]
        if spacer:
            for side, edge in ((1.0, (n - 0.5) * a), (-1.0, -0.5 * a)):
                nitrogen = origin + pocket + [0, 0, edge - side * depth_a]
                atoms += [("N", nitrogen), ("C", nitrogen + np.array([0, 0, side * 1.48]))]
    lattice = np.array([[a, 0, 0], [0, a, 0], [*(slabs * np.asarray(shift) * a), slabs * spacing]])
    return crystal(lattice, atoms)


def rotated(phi_deg: float, *, layered: bool, antiphase: bool = False, a: float = B_B_A) -> Structure:
    """Rigid octahedra turned about z, alternately by +phi and -phi: a0a0c+ or a0a0c- in 3D, or one layer.

    B-X stays a / 2, B-B in the plane is a cos(phi), B-X-B in the plane 180 - 2 phi.
    """
    phi = np.radians(phi_deg)
    step = a * np.cos(phi)
    height = a + 9.0 if layered else a
    floors = 2 if antiphase and not layered else 1
    atoms: list[tuple[str, ArrayLike]] = []
    for k in range(floors):
        for i in range(2):
            for j in range(2):
                sign = (-1) ** (i + j + k)
                c, s = np.cos(sign * phi), np.sin(sign * phi)
                turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
                centre = np.array([i * step, j * step, k * height])
                atoms.append(("Pb", centre))
                atoms += [("I", centre + turn @ axis * a / 2) for axis in AXES]
    return crystal(np.diag([2 * step, 2 * step, floors * height]), atoms)


def slab_110(a: float = B_B_A, spacing_a: float = 15.0) -> Structure:
    """A slab cut along (110), two B planes thick: every B has two cis terminal halides."""
    along, across = np.array([1.0, 1.0, 0.0]) * a, np.array([1.0, -1.0, 0.0]) / np.sqrt(2)
    return crystal([along, [0, 0, a], across * spacing_a], octahedra([[0, 0, 0], [a, 0, 0]]))


def corrugated(a: float = B_B_A, spacing_a: float = 15.0) -> Structure:
    """A "3 x 3" staircase: steps of three octahedra, so that terminal halides are cis at the corners, trans between."""
    across = np.array([-1.0, 1.0, 0.0]) / np.sqrt(2) * spacing_a
    centres = np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0], [2, 1, 0]]) * a
    return crystal([[2 * a, 2 * a, 0], [0, 0, a], across], octahedra(centres))


def slab_111(a: float = B_B_A, spacing_a: float = 15.0) -> Structure:
    """A slab cut along (111), two B planes thick: every B has three facial terminal halides."""
    first, second = np.array([1.0, -1.0, 0.0]) * a, np.array([0.0, 1.0, -1.0]) * a
    return crystal([first, second, np.full(3, spacing_a / np.sqrt(3))], octahedra([[0, 0, 0], [a, 0, 0]]))


def corner_chain(a: float = B_B_A) -> Structure:
    """Chains of corner-sharing octahedra along z."""
    return crystal(np.diag([12.0, 12.0, a]), octahedra([[0, 0, 0]]))


def isolated(a: float = B_B_A) -> Structure:
    """Octahedra that share nothing."""
    return crystal(np.diag([12.0, 12.0, 12.0]), octahedra([[0, 0, 0]]))


def _face_turn() -> Float:
    """Rotation that puts a threefold axis of the octahedron on z."""
    z = np.ones(3) / np.sqrt(3)
    x = np.array([1.0, -1.0, 0.0]) / np.sqrt(2)
    return np.array([x, np.cross(z, x), z])


def face_chain(radius_a: float = 2.7) -> Structure:
    """Chains of face-sharing ideal octahedra along z."""
    upper = AXES @ _face_turn().T * radius_a
    height = 2 * radius_a / np.sqrt(3)
    mirror = upper * [1, 1, -1]
    atoms = [("Ni", [0, 0, 0]), *(("Cl", x) for x in upper), ("Ni", [0, 0, height])]
    atoms += [("Cl", x + np.array([0, 0, height])) for x in mirror]
    return crystal(np.diag([12.0, 12.0, 2 * height]), atoms)


def jiggled(structure: Structure, size_a: float, seed: int) -> Structure:
    """The same with atoms moved by up to `size_a` along each axis, in a slightly sheared cell: no symmetry left."""
    rng = np.random.default_rng(seed)
    strain = np.eye(3) + rng.uniform(-0.01, 0.01, (3, 3))
    moved = structure.cart_coords + rng.uniform(-size_a, size_a, (len(structure), 3))
    return Structure(
        structure.lattice.matrix @ strain, structure.species_and_occu, moved @ strain, coords_are_cartesian=True
    )


def other_view(structure: Structure, seed: int) -> Structure:
    """The same crystal told differently: supercell, unimodular cell choice, origin, orientation and order of atoms."""
    rng = np.random.default_rng(seed)
    scale = np.eye(3, dtype=int)
    for _ in range(rng.integers(0, 3)):
        scale[rng.integers(3), rng.integers(3)] += int(rng.integers(1, 3))
    if round(np.linalg.det(scale)) not in (1, 2, 3, 4):
        scale = np.diag(rng.permutation([1, 1, 2]))
    for _ in range(4):
        i, j = rng.choice(3, size=2, replace=False)
        shear = np.eye(3, dtype=int)
        shear[i, j] = int(rng.integers(-2, 3))
        scale = shear @ scale
    changed = structure.copy()
    changed.make_supercell(scale, to_unit_cell=bool(rng.integers(2)))
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    turn *= np.sign(np.linalg.det(turn))
    order = rng.permutation(len(changed))
    return Structure(
        changed.lattice.matrix @ turn,
        [changed[int(i)].species for i in order],
        changed.frac_coords[order] + rng.uniform(-1, 1, 3),
    )
