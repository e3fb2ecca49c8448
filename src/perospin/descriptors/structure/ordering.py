"""From a refined structure, disorder and all, to one ordered framework, or a refusal.

Only the atoms of the inorganic network have to be ordered: metals, and halides near a metal. Disorder of the organic
part changes no number of the framework and is kept as it is (the nitrogen atoms with their occupancies). Organic atoms
that overlap although each is listed as fully occupied are alternatives without occupancies: the framework is described,
what needs organic atoms isn't.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perospin.errors import StructureError

if TYPE_CHECKING:
    from pymatgen.core import Structure

Float = NDArray[np.float64]
Int = NDArray[np.int64]

CUTOFF_A = 4.2
"""Farther from a metal no halide counts as a ligand."""

HALOGENS = frozenset({"F", "Cl", "Br", "I"})
CAGE_METALS = frozenset({"Rb", "Cs", "Fr"})
"""Always on the A site."""
EITHER_SITE_METALS = frozenset({"Li", "Na", "K", "Tl"})
"""On the B site where six halides surround them as an octahedron, on the A site elsewhere."""
_NOT_METALS = frozenset(
    ("H", "D", "He", "B", "C", "N", "O", "F", "Ne", "Si", "P", "S", "Cl", "Ar", "As", "Se", "Br", "Kr", "I", "Xe", "Rn")
)
_COVALENT_A = {"F": 1.65, "Cl": 2.05, "Br": 2.20, "I": 2.40}
"""A halogen this near to C, N, O, Si, P, S or B is part of a molecule."""

_ORGANIC = frozenset({"H", "D", "B", "C", "N", "O", "F", "Si", "P", "S", "Se"})
"""Never an atom of the framework, except as a ligand of a metal."""

_SMALLEST_CELL_A = 2.0
_FULL = 0.95
_MERGE_A = 0.01
_SPLIT_A = 1.6
_OVERLAP_A = 0.9
"""Two heavy atoms nearer than this can't both be there."""
_SAME_PLACE_A = 0.3
_MAIN = 0.6


@dataclass(frozen=True)
class Sites:
    """All sites of a structure as refined, atoms listed twice merged.

    Attributes
    ----------
    lattice_a
        LLL-reduced lattice vectors as rows (angstrom), shape (3, 3).
    frac
        Fractional coordinates in [0, 1), shape (n_sites, 3).
    species
        Occupancy by element, for each site.
    given
        Fractional coordinates in the cell the structure came in, for messages.
    n_merged
        How many duplicates there were.
    """

    lattice_a: Float
    frac: Float
    species: tuple[dict[str, float], ...]
    given: Float
    n_merged: int = 0


@dataclass(frozen=True)
class Neighbours:
    """Every ordered pair of atoms within a distance: atom `second` + `image` seen from atom `first`."""

    first: Int
    second: Int
    image: Int
    distance_a: Float

    def of(self, mask: NDArray[np.bool_]) -> Neighbours:
        """Only the pairs under a mask."""
        return Neighbours(self.first[mask], self.second[mask], self.image[mask], self.distance_a[mask])


@dataclass(frozen=True)
class Crystal:
    """An ordered model of the framework plus everything else as refined.

    Attributes
    ----------
    lattice_a
        Lattice vectors as rows (angstrom), LLL-reduced, shape (3, 3).
    symbols
        Main element of each atom.
    frac
        Fractional coordinates, shape (n_atoms, 3).
    kind
        "metal", "halide" (near a metal, not bound to a non-metal), or "other" for each atom.
    amounts
        Occupancy by element of each atom's site; several elements where they share it.
    neighbours
        Pairs of atoms nearer than 4.2 angstrom.
    warnings
        One sentence for each choice made.
    organic_overlap
        Whether organic atoms overlap: alternatives of disordered molecules, listed without occupancies.
    halides_split
        Whether halides stand on the mean of alternatives that are listed without occupancies: metals and links are
        those of the crystal, lengths and angles aren't.
    """

    lattice_a: Float
    symbols: tuple[str, ...]
    frac: Float
    kind: NDArray[np.str_]
    amounts: tuple[Mapping[str, float], ...]
    neighbours: Neighbours
    warnings: tuple[str, ...]
    organic_overlap: bool = False
    halides_split: bool = False

    def vectors_a(self, pairs: Neighbours) -> Float:
        """Cartesian vectors of pairs (angstrom), shape (n_pairs, 3)."""
        return (self.frac[pairs.second] + pairs.image - self.frac[pairs.first]) @ self.lattice_a


def total(amounts: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """How much of each element several sites hold."""
    result: dict[str, float] = {}
    for site in amounts:
        for element, amount in site.items():
            result[element] = result.get(element, 0.0) + amount
    return result


def is_metal(symbol: str) -> bool:
    """Whether an element can be on the B site of a halide network."""
    return symbol not in _NOT_METALS and symbol not in CAGE_METALS


def _neighbours(lattice_a: Float, frac: Float, cutoff_a: float) -> Neighbours:
    from pymatgen.optimization.neighbors import find_points_in_spheres

    places = np.ascontiguousarray(frac @ lattice_a)
    first, second, image, distance = find_points_in_spheres(
        places, places, cutoff_a, np.ones(3, dtype=np.int64), np.ascontiguousarray(lattice_a)
    )
    image = np.rint(image).astype(np.int64)
    other = (first != second) | image.any(axis=1)
    return Neighbours(first[other], second[other], image[other], distance[other])


class _Clusters:
    """Groups of atoms joined by short distances, with the position of each relative to the group's first."""

    def __init__(self, n_atoms: int, pairs: Neighbours) -> None:
        links: dict[int, list[tuple[int, Int]]] = {}
        for i, j, image in zip(pairs.first.tolist(), pairs.second.tolist(), pairs.image, strict=True):
            links.setdefault(i, []).append((j, image))
        self.groups: list[list[tuple[int, Int]]] = []
        seen: dict[int, Int] = {}
        for start in range(n_atoms):
            if start in seen:
                continue
            seen[start] = np.zeros(3, dtype=np.int64)
            group, queue = [(start, seen[start])], [start]
            while queue:
                i = queue.pop()
                for j, image in links.get(i, ()):
                    shift = seen[i] + image
                    if j not in seen:
                        seen[j] = shift
                        group.append((j, shift))
                        queue.append(j)
                    elif not np.array_equal(seen[j], shift):
                        raise StructureError("atoms of a disordered site touch their own images: the cell is too small")
            self.groups.append(group)


def _wrap(frac: Float) -> Float:
    """Coordinates in [0, 1); a plain modulo turns -1e-17 into 1."""
    inside = np.mod(frac, 1.0)
    return np.where(inside >= 1.0, 0.0, inside)


def _place(frac: Float) -> str:
    return "(" + ", ".join(f"{x:.3f}" for x in _wrap(np.round(frac, 6))) + ")"


def _merge_duplicates(sites: Sites) -> Sites:
    """Merge atoms of the same kind listed twice (within 0.01 angstrom).

    Different organic atoms on one place are alternatives: one site holds both as listed, and so counts as overfull.
    """
    groups = _Clusters(len(sites.frac), _neighbours(sites.lattice_a, sites.frac, _MERGE_A)).groups
    if len(groups) == len(sites.frac):
        return sites
    frac, species = [], []
    for group in groups:
        members = [sites.species[i] for i, _ in group]
        where = _place(sites.given[group[0][0]])
        frac.append(np.mean([sites.frac[i] + shift for i, shift in group], axis=0))
        distinct = [member for n, member in enumerate(members) if member not in members[:n]]
        if len(distinct) > 1 and _ORGANIC.issuperset(total(distinct)):
            species.append(dict(sorted(total(distinct).items())))
            continue
        if len(distinct) > 1:
            names = " and ".join(sorted({max(m, key=lambda s: m[s]) for m in members}))
            raise StructureError(
                f"different atoms ({names}) lie on the same place {where}: "
                "give them as one site with occupancies that add up to 1"
            )
        if len(group) > 1 and sum(members[0].values()) < _FULL:
            raise StructureError(f"partly occupied atoms are listed twice at {where}: merge them in the file")
        species.append(members[0])
    first = [group[0][0] for group in groups]
    merged = len(sites.frac) - len(groups)
    return Sites(sites.lattice_a, _wrap(np.array(frac)), tuple(species), sites.given[first], merged)


def _species(structure: Any) -> list[dict[str, float]]:
    from pymatgen.core import DummySpecies

    result = []
    for site in structure:
        amounts: dict[str, float] = {}
        for specie, amount in site.species.items():
            if isinstance(specie, DummySpecies):
                raise StructureError(f"the atom type {specie.symbol!r} is no element")
            amounts[specie.symbol] = amounts.get(specie.symbol, 0.0) + float(amount)
        result.append(dict(sorted(amounts.items())))
    return result


def _kinds(species: Sequence[dict[str, float]], pairs: Neighbours) -> NDArray[np.str_]:
    """Tell metals, halides near a metal, and other atoms apart."""
    main = [max(s, key=lambda x: (s[x], x)) for s in species]
    kind = np.array(["other"] * len(species), dtype="U6")
    for i, amounts in enumerate(species):
        # a trace of K on a Cs site is no B site
        metal = is_metal(main[i]) or any(is_metal(symbol) and symbol not in EITHER_SITE_METALS for symbol in amounts)
        halogen = any(symbol in HALOGENS for symbol in amounts)
        if metal and halogen:
            raise StructureError(
                f"a site holds metal and halide at once ({', '.join(amounts)}): no framework to describe"
            )
        if metal:
            kind[i] = "metal"
        elif halogen:
            kind[i] = "halide"
    nonmetal = np.array([s in ("C", "N", "O", "Si", "P", "S", "B", "Se") for s in main])
    reach = np.array([_COVALENT_A.get(s, 0.0) for s in main])
    bound = nonmetal[pairs.second] & (pairs.distance_a < reach[pairs.first]) & (pairs.distance_a > 0.9)
    molecular = np.zeros(len(species), dtype=bool)
    molecular[pairs.first[bound]] = True
    near_metal = np.zeros(len(species), dtype=bool)
    near_metal[pairs.first[kind[pairs.second] == "metal"]] = True
    kind[(kind == "halide") & (molecular | ~near_metal)] = "other"
    return kind


def _too_close(given: Float, kind: Any, main: Sequence[str], occupancy: Float, pairs: Neighbours) -> int:
    """Refuse metals that overlap although all are fully occupied; return how many organic atoms do.

    Such atoms are alternatives of a disordered site, listed as if ordered.
    """
    heavy = np.array([s not in ("H", "D") for s in main])
    framework = kind != "other"
    full = occupancy >= _FULL
    both = framework[pairs.first] & framework[pairs.second]
    limit = np.where(both, _SPLIT_A, _OVERLAP_A)
    bad = (pairs.distance_a < limit) & heavy[pairs.first] & heavy[pairs.second] & full[pairs.first] & full[pairs.second]
    halides = (kind[pairs.first] == "halide") & (kind[pairs.second] == "halide")
    fatal = bad & both & ~halides
    if fatal.any():
        k = int(np.flatnonzero(fatal)[np.argmin(pairs.distance_a[fatal])])
        i, j = int(pairs.first[k]), int(pairs.second[k])
        raise StructureError(
            f"{main[i]} at {_place(given[i])} and {main[j]} at {_place(given[j])} are only {pairs.distance_a[k]:.2f} A "
            "apart: alternatives of a disordered site must carry their occupancies, or only one of them be listed"
        )
    overfull = (occupancy > 2.0 - _FULL) & ~framework
    overlapping = set(np.flatnonzero(overfull).tolist()) | set(pairs.first[bad & ~both].tolist())
    return sum(1 for i in overlapping if not framework[i])


def read_sites(structure: Structure) -> Sites:
    """Sites of a pymatgen structure in a reduced cell of the same lattice, duplicates merged.

    Raises
    ------
    StructureError
        If there are no atoms, an atom is no element, the cell is too small to be real, or different atoms lie on one
        place.
    """
    if len(structure) == 0:
        raise StructureError("the structure holds no atoms")
    lattice = structure.lattice.get_lll_reduced_lattice()
    if min(lattice.abc) < _SMALLEST_CELL_A:
        raise StructureError(f"the cell is only {min(lattice.abc):.2g} A across: are its lengths in angstrom?")
    frac = _wrap(lattice.get_fractional_coords(structure.cart_coords))
    given = np.array(structure.frac_coords)
    return _merge_duplicates(Sites(np.array(lattice.matrix), frac, tuple(_species(structure)), given))


def order(sites: Sites) -> Crystal:
    """Choose an ordered framework.

    Parameters
    ----------
    sites
        All sites as refined.

    Returns
    -------
    Crystal
        Atoms of the framework at one position each, everything else as it is.

    Raises
    ------
    StructureError
        If framework sites are vacant, doubly occupied, or split so evenly that no position is the main one.
    """
    lattice, frac, species = sites.lattice_a, sites.frac, sites.species
    notes = [f"{sites.n_merged} atoms were listed twice and merged"] if sites.n_merged else []
    pairs = _neighbours(lattice, frac, CUTOFF_A)
    kind = _kinds(species, pairs)
    main = [max(s, key=lambda x: (s[x], x)) for s in species]
    occupancy = np.array([sum(s.values()) for s in species])
    overlapping = _too_close(sites.given, kind, main, occupancy, pairs)
    if overlapping:
        notes.append(
            f"{overlapping} organic atoms overlap (alternatives listed without occupancies): they are ignored, the "
            "framework is described, nitrogen depths are left empty"
        )

    framework = kind != "other"
    partial = framework & (occupancy < _FULL)
    shared = [(i, species[i]) for i in np.flatnonzero(framework) if len(species[i]) > 1]
    if shared:
        kinds = sorted({"/".join(s) for _, s in shared})
        notes.append(f"{' and '.join(kinds)} share sites: lengths and angles are those of the average position")
    near = (pairs.distance_a < _SPLIT_A) & (kind[pairs.first] == kind[pairs.second])
    listed_full = (kind[pairs.first] == "halide") & ~(partial[pairs.first] | partial[pairs.second])
    near &= framework[pairs.first] & (partial[pairs.first] | partial[pairs.second] | listed_full)
    keep = np.ones(len(frac), dtype=bool)
    frac = frac.copy()
    amounts: list[Mapping[str, float]] = list(species)
    averaged, split, chosen = 0, 0, []
    for group in _Clusters(len(frac), pairs.of(near)).groups:
        members = [i for i, _ in group]
        if len(members) == 1 and not partial[members].any():
            continue
        share = occupancy[members]
        unknown = not partial[members].any()
        if unknown:  # alternatives listed as if each were there: nobody knows their shares
            share = share / len(members)
        name = "/".join(sorted({main[i] for i in members}))
        where = f"the {kind[members[0]]} site {name} at {_place(sites.given[members[0]])}"
        filled = float(share.sum())
        if not _FULL <= filled <= 2.0 - _FULL:
            raise StructureError(
                f"{where} is occupied to {filled:.2f}: vacant or overfull framework sites have no defined geometry"
            )
        places = np.array([frac[i] + shift for i, shift in group])
        best = int(np.argmax(share))
        spread = np.linalg.norm((places - places[best]) @ lattice, axis=1).max()
        keep[members] = False
        keep[members[best]] = True
        if spread <= _SAME_PLACE_A:
            frac[members[best]] = share @ places / filled
            amounts[members[best]] = species[members[best]] if unknown else total(species[i] for i in members)
            averaged += 1
        elif unknown:
            frac[members[best]] = share @ places / filled
            split += 1
        elif share[best] / filled >= _MAIN:
            chosen.append(share[best] / filled)
        else:
            raise StructureError(
                f"{where} is split over {len(members)} positions up to {spread:.2f} A apart, none occupied to 60 %: "
                "choose one alternative (read_structure(..., disorder_group=1) if the CIF names groups)"
            )
    if averaged:
        notes.append(f"{averaged} framework sites split by less than {_SAME_PLACE_A} A were put on their mean position")
    if split:
        notes.append(
            f"{split} halides are split over places listed without occupancies: metals, links and layers are "
            "described, lengths, angles and distortions are left empty"
        )
    if chosen:
        notes.append(
            f"{len(chosen)} split framework sites were put on their main position (occupied to {min(chosen):.0%} or "
            "more)"
        )
    frac, kind = _wrap(frac[keep]), kind[keep]
    kept = np.flatnonzero(keep).tolist()
    symbols = tuple(main[i] for i in kept)
    if averaged or split or not keep.all():
        pairs = _neighbours(lattice, frac, CUTOFF_A)
    shares = tuple(amounts[i] for i in kept)
    return Crystal(lattice, symbols, frac, kind, shares, pairs, tuple(notes), bool(overlapping), bool(split))
