"""Which ions a crystal structure is made of: molecules in the cell, matched to the ion library.

A molecule is matched by its graph of heavy atoms with the hydrogens on each; without hydrogens by the graph alone,
and by bond lengths where several cations share it; mirror images are told apart by their coordinates. Of disordered
molecules one alternative is followed. A molecule that the library lacks becomes an ion of its own if its atoms and the
neutrality of the crystal leave one reading. What is ambiguous stays unidentified, with the reason.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING, Any

from perospin.chemistry import Ion, IonLibrary, Perovskite
from perospin.errors import DataError, PerospinError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pymatgen.core import Structure

_NON_METALS = frozenset({"H", "B", "C", "N", "O", "F", "Si", "P", "S", "Cl", "Se", "Br", "I"})
_HALOGENS = frozenset({"F", "Cl", "Br", "I"})
_SLACK_A = 0.35
"""Atoms are bonded up to the sum of their covalent radii and this much (angstrom)."""
_REACH_A = 3.2
_FULL = 0.95
_FITS_A, _CLEAR_A = 0.08, 0.03
"""Largest mean deviation from typical bond lengths, and least distance of the runner-up (angstrom)."""
_FITS_DISORDERED_A, _CLEAR_DISORDERED_A = 0.15, 0.06
"""The same for one alternative of a disordered molecule."""
_ALTERNATIVES_A = (1.0, 1.15, 1.28)
"""Nearer than this two heavy atoms of a disordered molecule are alternatives; tried one after the other."""
_APART_A = 2.3
"""No two atoms of different molecules come nearer."""
_HYDROGENS_APART_A = 1.2
_IONS_APART_A = 1.6
"""Metals or halides nearer than this to their like are alternatives of one."""
_SAME_A = 0.01
_CAGE_ATOMS = 3
"""Disordered cations of no more heavy atoms are not told: any two of their alternatives make another one."""
_MOST_STEPS = 1500
_MOST_ATOMS, _MOST_RINGS = 60, 8
_MISSING_HYDROGENS = 2

# typical lengths by order, 1.5 aromatic (Allen et al., J. Chem. Soc. Perkin Trans. 2, 1987, S1, rounded)
_LENGTHS_A: Mapping[tuple[str, str, float], float] = {
    ("C", "C", 1.0): 1.52, ("C", "C", 1.5): 1.39, ("C", "C", 2.0): 1.33, ("C", "C", 3.0): 1.19,
    ("C", "N", 1.0): 1.48, ("C", "N", 1.5): 1.34, ("C", "N", 2.0): 1.30, ("C", "N", 3.0): 1.14,
    ("C", "O", 1.0): 1.42, ("C", "O", 1.5): 1.25, ("C", "O", 2.0): 1.22,
}  # fmt: skip


@dataclass(frozen=True)
class Identification:
    """What a structure is made of.

    Attributes
    ----------
    material
        The perovskite; None if it could not be told.
    amounts
        Ions found and their number in the cell.
    reason
        Why there is no material: one sentence; empty if there is one.
    notes
        What was assumed, one sentence each.
    new_ions
        Ions that the library lacks, read from the atoms: ``NAME=SMILES``, as `IonLibrary.with_ions` takes them.
    """

    material: Perovskite | None
    amounts: Mapping[str, float]
    reason: str = ""
    notes: tuple[str, ...] = ()
    new_ions: tuple[str, ...] = ()


class _Unknown(Exception):
    """The structure can't be identified; the message says why."""


@dataclass(frozen=True)
class _Molecule:
    """One molecule of the cell: heavy atoms with whole coordinates (not wrapped), bonds, hydrogens on each."""

    elements: tuple[str, ...]
    positions_a: NDArray[np.float64]
    bonds: tuple[tuple[int, int], ...]
    hydrogens: tuple[int, ...]
    disordered: bool = False

    @property
    def formula(self) -> str:
        counts = Counter(self.elements)
        counts["H"] += sum(self.hydrogens)
        order = [e for e in ("C", "H") if counts[e]] + sorted(e for e in counts if e not in ("C", "H"))
        return "".join(e + (str(counts[e]) if counts[e] > 1 else "") for e in order)


def identify(structure: Structure, ions: IonLibrary | None = None) -> Identification:
    """Find the ions of a structure and the perovskite they make.

    Parameters
    ----------
    structure
        Crystal structure; partial occupancies of metals and halides count as shares.
    ions
        Ion library; the shipped one if not given.

    Returns
    -------
    Identification
        Never raises for what can't be told: `reason` says why.
    """
    library = IonLibrary.of(ions)
    structure = _without_copies(structure)
    plain = _identify(structure, library, _Reading())
    if plain.material is not None:
        return plain
    tried = []
    if _crowded_hydrogens(structure):
        tried.append(_identify(structure, library, _Reading(hydrogens=False)))
    if _overlapping(structure):
        tried += [_identify(structure, library, _Reading(False, apart)) for apart in _ALTERNATIVES_A]
    return next((found for found in tried if found.material is not None), tried[-1] if tried else plain)


@dataclass(frozen=True)
class _Reading:
    """How a structure is read.

    Attributes
    ----------
    hydrogens
        Whether hydrogens are believed.
    alternatives_a
        Nearer than this two heavy atoms are alternatives of a disordered molecule; 0 if molecules are ordered.
    """

    hydrogens: bool = True
    alternatives_a: float = 0.0


def _identify(structure: Structure, library: IonLibrary, reading: _Reading) -> Identification:
    amounts: defaultdict[str, float] = defaultdict(float)
    notes: list[str] = []
    try:
        atoms, molecules = _take_apart(structure, notes, library, reading)
        for element, amount in atoms.items():
            if element not in library:
                raise _Unknown(f"{element} is no ion of the library")
            amounts[element] += amount
        named, unknown = _name_all(molecules, library, notes)
        for symbol, amount in named.items():
            amounts[symbol] += amount
        # occupancies are refined to three or four digits
        exact: dict[str | Ion, Fraction] = {s: Fraction(str(round(a, 4))) for s, a in amounts.items() if a > 1e-4}
        if unknown:
            material, new = _with_new_ions(exact, unknown, library)
            notes += [f"{text} is not in the ion library, and read from its atoms" for text in new]
            return Identification(material, dict(amounts), "", tuple(notes), new)
        material = Perovskite.from_ions(exact, library)
    except _Unknown as error:
        return Identification(None, dict(amounts), str(error), tuple(notes))
    except PerospinError as error:
        return Identification(None, dict(amounts), f"its ions make no perovskite: {error}", tuple(notes))
    return Identification(material, dict(amounts), "", tuple(notes))


def check_formula(material: Perovskite, structure: Structure, name: str) -> str:
    """Compare a formula given for a structure with the atoms in it, hydrogens apart.

    Returns
    -------
    str
        A remark if carbon, nitrogen or oxygen are off (disorder, solvent); empty if all agrees.

    Raises
    ------
    DataError
        If metals or halides stand in another ratio than in the formula.
    """
    found: defaultdict[str, float] = defaultdict(float)
    for site in structure:
        for specie, amount in site.species.items():
            found[specie.symbol] += float(amount)
    stated = material.composition
    metals = {element for ion, _ in material.b_site for element in ion.composition}
    scale = sum(found[e] for e in metals) / sum(stated[e] for e in metals)
    off = [
        element
        for element in sorted(set(found) | set(stated))
        if element not in ("H", "D") and abs(found[element] - scale * stated.get(element, 0.0)) > 0.02 * max(scale, 1.0)
    ]
    halides = {element for ion, _ in material.x_site for element in ion.composition}
    # a halogen may belong to the molecules instead
    inorganic = [e for e in off if e not in _NON_METALS or e in halides or (e in _HALOGENS and e not in stated)]
    if inorganic or not scale:
        raise DataError(
            f"{name} is not {material.formula}: it holds {structure.composition.reduced_formula} (the amount of "
            f"{', '.join(inorganic or sorted(metals))} differs)"
        )
    if off:
        return f"{name}: the amount of {', '.join(off)} differs from {material.formula} (disorder or solvent?)"
    return ""


# --- taking the cell apart ---------------------------------------------------------------------------------------


def _without_copies(structure: Structure) -> Structure:
    """Drop atoms listed twice on one place."""
    first, second, _, _ = structure.get_neighbor_list(_SAME_A)
    twice = {
        int(j) for i, j in zip(first, second, strict=True) if i < j and structure[i].species == structure[j].species
    }
    if not twice:
        return structure
    from pymatgen.core import Structure

    return Structure.from_sites([site for i, site in enumerate(structure) if i not in twice])


def _near_pairs(structure: Structure, reach_a: float) -> tuple[list[str], Any, Any]:
    """Elements of the heaviest share of each site, and pairs of sites nearer than a distance."""
    main = [str(max(site.species.items(), key=lambda item: item[1])[0].symbol) for site in structure]
    first, second, _, _ = structure.get_neighbor_list(reach_a)
    return main, first, second


def _crowded_hydrogens(structure: Structure) -> bool:
    """Whether hydrogens overlap: alternatives, each listed as if it were there."""
    main, first, second = _near_pairs(structure, _HYDROGENS_APART_A)
    return any(main[i] in ("H", "D") and main[j] in ("H", "D") for i, j in zip(first, second, strict=True))


def _overlapping(structure: Structure) -> bool:
    """Whether the heavy atoms of molecules overlap, or are partly occupied."""
    main, first, second = _near_pairs(structure, _ALTERNATIVES_A[0])
    organic = [e in _NON_METALS and e != "H" for e in main]
    if any(organic[i] and organic[j] for i, j in zip(first, second, strict=True)):
        return True
    return any(
        organic[i] and main[i] not in _HALOGENS and sum(site.species.values()) < _FULL
        for i, site in enumerate(structure)
    )


def _take_apart(
    structure: Structure, notes: list[str], library: IonLibrary, reading: _Reading
) -> tuple[dict[str, float], list[_Molecule]]:
    """Single ions by element with their number in the cell, and the molecules."""
    import numpy as np

    species = [
        {("H" if s.symbol == "D" else s.symbol): float(a) for s, a in site.species.items()} for site in structure
    ]
    main = [max((amount, element) for element, amount in shares.items())[1] for shares in species]
    first, second, image, distance = structure.get_neighbor_list(_REACH_A)
    image = np.rint(image).astype(int)
    limit = np.array([_radius(e) for e in main])
    bonded = distance <= limit[first] + limit[second] + _SLACK_A
    heavy = np.array([e in _NON_METALS and e != "H" for e in main])
    halogen = np.array([e in _HALOGENS for e in main])
    hydrogen = np.array([e == "H" for e in main])
    # halogens bind to non-metals, but not to each other here: two halides of the framework may come close
    both = bonded & heavy[first] & heavy[second] & ~(halogen[first] & halogen[second])
    in_molecule = heavy & ~halogen
    in_molecule[first[both]] = True
    full = np.array([sum(shares.values()) >= _FULL for shares in species])
    single = np.array([not in_molecule[i] and e != "H" for i, e in enumerate(main)])
    split = single[first] & single[second] & full[first] & full[second] & (distance < _IONS_APART_A)
    alternatives = 1 + np.bincount(first[split], minlength=len(main))
    if any(species[i] != species[j] for i, j in zip(first[split], second[split], strict=True)):
        raise _Unknown("metals or halides of two kinds are alternatives of one site, without occupancies")
    atoms: defaultdict[str, float] = defaultdict(float)
    for i, shares in enumerate(species):
        if in_molecule[i] or hydrogen[i]:
            continue
        for element, amount in shares.items():
            atoms[element] += amount / alternatives[i]
    partial = [i for i, s in enumerate(species) if in_molecule[i] and (len(s) > 1 or sum(s.values()) < _FULL)]
    apart = reading.alternatives_a
    if mixed := [i for i in partial if len(species[i]) > 1]:
        raise _Unknown(f"the organic part is disordered ({len(mixed)} places hold two kinds of atom)")
    if partial and not apart:
        raise _Unknown(f"the organic part is disordered ({len(partial)} partly occupied atoms)")
    loose = [i for i, s in enumerate(species) if hydrogen[i] and (len(s) > 1 or sum(s.values()) < _FULL)]
    if loose or (hydrogen.any() and not reading.hydrogens):
        notes.append("hydrogens are disordered: cations are told by their heavy atoms")
    hydrogens = np.zeros(len(main), dtype=int)
    if reading.hydrogens and not loose:
        onto = bonded & hydrogen[first] & in_molecule[second]
        for i in np.flatnonzero(hydrogen).tolist():
            rows = np.flatnonzero(onto & (first == i))
            if len(rows):
                hydrogens[second[rows[np.argmin(distance[rows])]]] += 1
    near = in_molecule[first] & in_molecule[second] & (distance < _APART_A) if apart else both
    links: dict[int, list[_Link]] = {}
    for i, j, shift, d, bond in zip(
        first[near].tolist(),
        second[near].tolist(),
        image[near].tolist(),
        distance[near].tolist(),
        both[near].tolist(),
        strict=True,
    ):
        links.setdefault(i, []).append(_Link(j, (shift[0], shift[1], shift[2]), d, bool(bond) and d >= apart))
    members = np.flatnonzero(in_molecule).tolist()
    if apart:
        notes.append("organic atoms are disordered: cations are told from one alternative of each")
        occupancy = [sum(s.values()) for s in species]
        groups = _one_alternative(members, links, main, occupancy, _index(library), apart)
    else:
        groups = _groups(members, links)
    cartesian = structure.lattice.matrix
    molecules = [
        _molecule(group, links, main, hydrogens, structure.frac_coords, cartesian, bool(apart)) for group in groups
    ]
    return dict(atoms), molecules


_Image = tuple[int, int, int]


def _plus(first: _Image, second: _Image) -> _Image:
    return first[0] + second[0], first[1] + second[1], first[2] + second[2]


@dataclass(frozen=True)
class _Link:
    """Another atom near an atom: its number, its lattice image, the distance (angstrom), and whether it is bonded."""

    atom: int
    image: _Image
    distance_a: float
    bond: bool


_Links = Mapping[int, Sequence[_Link]]


def _one_alternative(
    members: Sequence[int],
    links: _Links,
    main: Sequence[str],
    occupancy: Sequence[float],
    index: _Index,
    apart_a: float,
) -> list[dict[int, _Image]]:
    """Follow one alternative of each disordered molecule until it is a molecule of the library.

    Raises
    ------
    _Unknown
        If that fails.
    """
    left = set(members)
    groups: list[dict[int, _Image]] = []
    steps = _MOST_STEPS
    # nitrogen and the most occupied atoms first: where a chain begins there are fewest alternatives
    for start in sorted(members, key=lambda i: (main[i] != "N", -occupancy[i], i)):
        if start not in left:
            continue
        group, used = _grow(start, left, links, main, index, apart_a, steps)
        steps -= used
        if group is None:
            continue
        if len(group) <= _CAGE_ATOMS and any(
            link.atom in left and link.atom not in group for i in group for link in links.get(i, ())
        ):
            raise _Unknown(f"the organic part is disordered: a cation of {len(group)} heavy atoms has several readings")
        groups.append(group)
        # what stands in this molecule's place, and what hangs on that, are its other alternatives
        queue = list(group)
        left -= set(group)
        while queue:
            for link in links.get(queue.pop(), ()):
                if link.atom in left:
                    left.discard(link.atom)
                    queue.append(link.atom)
    if left:
        raise _Unknown(f"the organic part is disordered ({len(left)} atoms make no molecule of the ion library)")
    return groups


def _grow(
    start: int, left: set[int], links: _Links, main: Sequence[str], index: _Index, apart_a: float, steps: int
) -> tuple[dict[int, _Image] | None, int]:
    """Grow a molecule of the library from an atom, choosing among alternatives depth first; also the steps taken."""
    stack: list[dict[int, _Image]] = [{start: (0, 0, 0)}]
    used = 0
    while stack:
        if used >= steps:
            raise _Unknown("the organic part is disordered, with too many ways to choose among its alternatives")
        used += 1
        group = stack.pop()
        if len(group) > index.largest:
            continue
        options = _next_atoms(group, left, links, apart_a)
        if options:
            stack += [{**group, j: shift} for j, shift in reversed(options)]
            continue
        if len(group) == 1:  # a lone atom here is a piece of something
            continue
        order = {atom: k for k, atom in enumerate(group)}
        bonds = {
            (min(order[i], order[link.atom]), max(order[i], order[link.atom]))
            for i in group
            for link in links.get(i, ())
            if link.bond and group.get(link.atom) == _plus(group[i], link.image)
        }
        elements = [main[i] for i in group]
        if "C" not in elements:  # two alternatives of one nitrogen look like hydrazinium
            continue
        # the count of atoms and bonds first: the graph of overlapping molecules takes long to write down
        if _counts(elements, bonds) in index.counts and _key(elements, sorted(bonds), None) in index.skeleton:
            return group, used
    return None, used


def _next_atoms(group: Mapping[int, _Image], left: set[int], links: _Links, apart_a: float) -> list[tuple[int, _Image]]:
    """Find the nearest atom that can be added to a molecule, and those that exclude it."""

    def free(atom: int, image: _Image) -> bool:
        """Whether nothing in the molecule stands in the place of an atom."""
        return not any(
            link.distance_a < apart_a and group.get(link.atom) == _plus(image, link.image)
            for link in links.get(atom, ())
        )

    for i in group:
        found = [
            (link.distance_a, link.atom, _plus(group[i], link.image))
            for link in links.get(i, ())
            if link.bond
            and link.atom in left
            and link.atom not in group
            and free(link.atom, _plus(group[i], link.image))
        ]
        if found:
            found.sort(key=lambda item: item[:2])
            _, atom, image = found[0]
            rivals = {link.atom for link in links.get(atom, ()) if link.distance_a < apart_a}
            return [(atom, image), *((k, other) for _, k, other in found[1:] if k in rivals)]
    return []


@lru_cache(maxsize=128)
def _radius(element: str) -> float:
    from rdkit import Chem

    return float(Chem.GetPeriodicTable().GetRcovalent(element))


def _groups(members: Iterable[int], links: _Links) -> list[dict[int, _Image]]:
    """Collect connected atoms, with the lattice image of each relative to the first."""
    groups: list[dict[int, _Image]] = []
    seen: set[int] = set()
    for start in members:
        if start in seen:
            continue
        group: dict[int, _Image] = {start: (0, 0, 0)}
        queue = [start]
        while queue:
            atom = queue.pop()
            for link in links.get(atom, ()):
                image = _plus(group[atom], link.image)
                if link.atom not in group:
                    group[link.atom] = image
                    queue.append(link.atom)
                elif group[link.atom] != image:
                    raise _Unknown("a chain of bonded non-metals runs through the crystal: no separate molecules")
        seen |= set(group)
        groups.append(group)
    return groups


def _molecule(
    group: Mapping[int, _Image],
    links: _Links,
    main: Sequence[str],
    hydrogens: NDArray[np.int64],
    frac: NDArray[np.float64],
    cell_a: NDArray[np.float64],
    disordered: bool,
) -> _Molecule:
    import numpy as np

    atoms = list(group)
    number = {atom: k for k, atom in enumerate(atoms)}
    bonds = {
        (min(number[i], number[link.atom]), max(number[i], number[link.atom]))
        for i in atoms
        for link in links.get(i, ())
        if link.bond and link.atom in group
    }
    positions = np.array([frac[i] + np.array(group[i]) for i in atoms]) @ cell_a
    counts = tuple(int(hydrogens[i]) for i in atoms)
    return _Molecule(tuple(main[i] for i in atoms), positions, tuple(sorted(bonds)), counts, disordered)


# --- naming molecules --------------------------------------------------------------------------------------------


def _bare(elements: Sequence[str], bonds: Iterable[tuple[int, int]], hydrogens: Sequence[int] | None) -> Any:
    """RDKit molecule of a graph: all bonds single, no charges; numbers of hydrogens as labels if given."""
    from rdkit import Chem

    molecule = Chem.RWMol()
    for k, element in enumerate(elements):
        atom = Chem.Atom(element)
        atom.SetNoImplicit(True)
        atom.SetNumExplicitHs(0)
        if hydrogens is not None:
            # A label, not a count: the graph is compared, and a written SMILES doesn't tell CH2 from a bare carbon.
            atom.SetIsotope(1 + hydrogens[k])
        molecule.AddAtom(atom)
    for i, j in bonds:
        molecule.AddBond(i, j, Chem.BondType.SINGLE)
    return molecule


def _key(elements: Sequence[str], bonds: Iterable[tuple[int, int]], hydrogens: Sequence[int] | None) -> str:
    from rdkit import Chem

    return str(Chem.MolToSmiles(_bare(elements, bonds, hydrogens)))


def _counts(elements: Sequence[str], bonds: Collection[tuple[int, int]]) -> tuple[tuple[str, ...], int]:
    """Sorted elements and number of bonds: what two equal graphs share at least."""
    return tuple(sorted(elements)), len(bonds)


@dataclass(frozen=True)
class _Index:
    """Molecular ions of a library by graph with hydrogens, and by graph alone; counts of atoms and bonds; largest."""

    full: Mapping[str, tuple[Ion, ...]]
    skeleton: Mapping[str, tuple[Ion, ...]]
    counts: frozenset[tuple[tuple[str, ...], int]]
    largest: int


_INDICES: dict[tuple[Ion, ...], _Index] = {}


def _index(library: IonLibrary) -> _Index:
    from rdkit import Chem

    ions = tuple(ion for ion in (*library.cations, *library.anions) if ion.smiles and not ion.is_monatomic)
    if ions not in _INDICES:
        full: dict[str, tuple[Ion, ...]] = {}
        skeleton: dict[str, tuple[Ion, ...]] = {}
        sizes = set()
        for ion in ions:
            molecule = Chem.MolFromSmiles(ion.smiles)
            elements = [a.GetSymbol() for a in molecule.GetAtoms()]
            bonds = [(b.GetBeginAtomIdx(), b.GetEndAtomIdx()) for b in molecule.GetBonds()]
            counts = [a.GetTotalNumHs() for a in molecule.GetAtoms()]
            sizes.add(_counts(elements, bonds))
            for table, hydrogens in ((full, counts), (skeleton, None)):
                key = _key(elements, bonds, hydrogens)
                table[key] = (*table.get(key, ()), ion)
        _INDICES.clear()  # one library at a time is in use
        heavy = [sum(n for element, n in ion.elements if element != "H") for ion in ions]
        _INDICES[ions] = _Index(full, skeleton, frozenset(sizes), max(heavy, default=0))
    return _INDICES[ions]


def _name_all(
    molecules: Sequence[_Molecule], library: IonLibrary, notes: list[str]
) -> tuple[dict[str, float], list[list[_Molecule]]]:
    """Symbol -> number in the cell of all molecular ions; and the molecules, by kind, that the library lacks."""
    index = _index(library)
    # molecules of one graph are named together, because a racemate is told by the numbers of both hands
    kinds: dict[tuple[str, str], list[_Molecule]] = {}
    for molecule in molecules:
        if len(molecule.elements) > _MOST_ATOMS or len(molecule.bonds) > len(molecule.elements) + _MOST_RINGS:
            raise _Unknown(f"the bonded atoms {molecule.formula} are no molecule of an ion, or overlapping ones")
        keys = (
            _key(molecule.elements, molecule.bonds, None),
            _key(molecule.elements, molecule.bonds, molecule.hydrogens) if any(molecule.hydrogens) else "",
        )
        kinds.setdefault(keys, []).append(molecule)
    amounts: Counter[str] = Counter()
    unknown: list[list[_Molecule]] = []
    for (skeleton, full), members in kinds.items():
        if full and skeleton not in index.skeleton and members[0].elements != ("O",):
            unknown.append(members)
            continue
        candidates = _candidates(members, skeleton, full, index, notes)
        for symbol, number in _by_hand(members, candidates, notes).items():
            amounts[symbol] += number
    return dict(amounts), unknown


def _candidates(
    members: Sequence[_Molecule], skeleton: str, full: str, index: _Index, notes: list[str]
) -> tuple[Ion, ...]:
    """Ions of the library with the graph of these molecules; they differ at most in their hand."""
    molecule = members[0]
    if molecule.elements == ("O",):
        raise _Unknown("it holds water (hydrates aren't described by their ions)")
    if full:
        if full in index.full:
            return index.full[full]
        found = index.skeleton.get(skeleton, ())
        if completed := _completed(molecule, found, index):
            names = "/".join(ion.symbol for ion in completed)
            notes.append(f"hydrogens are missing on {molecule.formula}: taken as {names}")
            return completed
        alike = ", ".join(ion.symbol for ion in found[:4])
        hint = f" ({alike} has the same heavy atoms, but other hydrogens)" if alike else ""
        raise _Unknown(f"the molecule {molecule.formula} is not in the ion library{hint}")
    found = index.skeleton.get(skeleton, ())
    if not found:
        raise _Unknown(f"the molecule {molecule.formula} (without its hydrogens) is not in the ion library")
    fits_a, clear_a = (_FITS_DISORDERED_A, _CLEAR_DISORDERED_A) if molecule.disordered else (_FITS_A, _CLEAR_A)
    graphs = {key: ions for key, ions in index.full.items() if ions[0] in found}
    misfit = {key: sum(_misfit(m, ions[0]) for m in members) / len(members) for key, ions in graphs.items()}
    best, *others = sorted(graphs, key=lambda key: (misfit[key], key))
    names = " or ".join(ion.symbol for ion in found[:6])
    if misfit[best] > fits_a:
        raise _Unknown(f"the bond lengths of {molecule.formula} (without its hydrogens) are not those of {names}")
    if others and misfit[others[0]] < max(misfit[best] + clear_a, 2.0 * misfit[best]):
        raise _Unknown(f"the molecule {molecule.formula} without its hydrogens may be {names}: give the formula")
    if others:
        chosen = "/".join(ion.symbol for ion in graphs[best])
        notes.append(
            f"no hydrogens on {molecule.formula}: taken as {chosen} (not {_rest(graphs, best)}) by bond lengths"
        )
    return graphs[best]


def _completed(molecule: _Molecule, found: Sequence[Ion], index: _Index) -> tuple[Ion, ...]:
    """Ions that the molecule becomes when one or two hydrogens are added to N or O; empty unless only one graph does.

    Those on carbon count: without them an unsaturated molecule would pass for a saturated one.
    """
    from rdkit import Chem

    fitting = []
    for ions in index.full.values():
        if ions[0] not in found:
            continue
        template = Chem.MolFromSmiles(ions[0].smiles)
        wanted = [a.GetTotalNumHs() for a in template.GetAtoms()]
        if not 0 < sum(wanted) - sum(molecule.hydrogens) <= _MISSING_HYDROGENS:
            continue
        if any(_lacks_polar(molecule, [*match], wanted) for match in _mappings(molecule, template)):
            fitting.append(ions)
    return fitting[0] if len(fitting) == 1 else ()


def _lacks_polar(molecule: _Molecule, match: Sequence[int], wanted: Sequence[int]) -> bool:
    """Whether a molecule has the hydrogens wanted on each atom, but for some on N or O."""
    return all(
        molecule.hydrogens[atom] == number
        or (molecule.hydrogens[atom] < number and molecule.elements[atom] in ("N", "O"))
        for atom, number in zip(match, wanted, strict=True)
    )


# --- molecules that the library lacks ------------------------------------------------------------------------------


def _with_new_ions(
    amounts: Mapping[str | Ion, Fraction], unknown: Sequence[Sequence[_Molecule]], library: IonLibrary
) -> tuple[Perovskite, tuple[str, ...]]:
    """Read unknown molecules as cations of charge 1 or 2, whichever makes the crystal neutral.

    Raises
    ------
    _Unknown
        If no choice of charges, or more than one, gives a neutral perovskite of possible cations.
    """
    listed = " and ".join(sorted(members[0].formula for members in unknown))
    readings: list[tuple[Perovskite, tuple[str, ...]]] = []
    for charges in product((1, 2), repeat=len(unknown)) if len(unknown) <= 2 else ():
        texts = [_new_ion(members[0], charge) for members, charge in zip(unknown, charges, strict=True)]
        if any(text is None for text in texts) or len(set(texts)) < len(texts):
            continue
        new = tuple(text for text in texts if text is not None)
        try:
            extended = library.with_ions(new)
            named: dict[str | Ion, Fraction] = {
                text.partition("=")[0]: Fraction(len(members)) for text, members in zip(new, unknown, strict=True)
            }
            readings.append((Perovskite.from_ions({**amounts, **named}, extended), new))
        except PerospinError:
            continue
    if len(readings) != 1:
        raise _Unknown(f"the molecule {listed} is not in the ion library")
    return readings[0]


def _new_ion(molecule: _Molecule, charge: int) -> str | None:
    """``NAME=SMILES`` of a molecule as a cation of this charge, its stereochemistry left open; None if it can't be."""
    from zlib import crc32

    from rdkit import Chem, rdBase
    from rdkit.Chem import rdDetermineBonds

    built = _bare(molecule.elements, molecule.bonds, None)
    for k, count in enumerate(molecule.hydrogens):
        for _ in range(count):
            built.AddBond(k, built.AddAtom(Chem.Atom("H")), Chem.BondType.SINGLE)
    with rdBase.BlockLogs():
        try:
            rdDetermineBonds.DetermineBondOrders(built, charge=charge, embedChiral=False, maxIterations=2000)
            cation = Chem.RemoveHs(built.GetMol())
            Chem.RemoveStereochemistry(cation)
            smiles = str(Chem.MolToSmiles(cation))
            cation = Chem.MolFromSmiles(smiles)
        except Exception:  # RDKit raises whatever a graph without a Lewis formula trips over
            return None
    if cation is None or Chem.GetFormalCharge(cation) != charge:
        return None
    charged = [atom for atom in cation.GetAtoms() if atom.GetFormalCharge()]
    nitro = len(cation.GetSubstructMatches(Chem.MolFromSmarts("[N+](=O)[O-]")))
    if sum(abs(atom.GetFormalCharge()) for atom in charged) != charge + 2 * nitro:
        return None
    if cation.HasSubstructMatch(Chem.MolFromSmarts("[$([S+]=[#6]),$([NX4+][CX3]=[CX3])]")):
        return None
    # the positive charge sits on nitrogen, phosphorus or sulphur; on carbon it means that hydrogens are missing
    if any(atom.GetNumRadicalElectrons() for atom in cation.GetAtoms()) or any(
        atom.GetFormalCharge() > 0 and atom.GetSymbol() not in ("N", "P", "S") for atom in charged
    ):
        return None
    return f"{molecule.formula}-{crc32(smiles.encode()) % 46656:04x}={smiles}"


def _rest(graphs: Mapping[str, Sequence[Ion]], best: str) -> str:
    return ", ".join(ion.symbol for key, ions in graphs.items() if key != best for ion in ions)


def _misfit(molecule: _Molecule, ion: Ion) -> float:
    """Mean deviation of the bond lengths from those typical for the ion's bond orders (angstrom)."""
    import numpy as np
    from rdkit import Chem

    template = Chem.MolFromSmiles(ion.smiles)
    best = np.inf
    for match in _mappings(molecule, template):
        deviations = []
        for bond in template.GetBonds():
            i, j = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
            pair = sorted((template.GetAtomWithIdx(i).GetSymbol(), template.GetAtomWithIdx(j).GetSymbol()))
            typical = _LENGTHS_A.get((pair[0], pair[1], bond.GetBondTypeAsDouble()))
            if typical is not None:
                length = np.linalg.norm(molecule.positions_a[match[i]] - molecule.positions_a[match[j]])
                deviations.append(abs(float(length) - typical))
        best = min(best, float(np.mean(deviations)) if deviations else 0.0)
    return float(best)


def _mappings(molecule: _Molecule, template: Any) -> list[tuple[int, ...]]:
    """Atom of the molecule for each atom of the template, in all ways that keep the graph."""
    elements = [a.GetSymbol() for a in template.GetAtoms()]
    bonds = [(b.GetBeginAtomIdx(), b.GetEndAtomIdx()) for b in template.GetBonds()]
    counts = [a.GetTotalNumHs() for a in template.GetAtoms()] if any(molecule.hydrogens) else None
    query = _bare(elements, bonds, None)
    target = _bare(molecule.elements, molecule.bonds, None)
    found = target.GetSubstructMatches(query, uniquify=False, maxMatches=2000)
    if counts is None:
        return list(found)
    return [m for m in found if all(molecule.hydrogens[m[k]] == n for k, n in enumerate(counts))] or list(found)


def _by_hand(members: Sequence[_Molecule], candidates: Sequence[Ion], notes: list[str]) -> dict[str, int]:
    """Count the molecules of each hand; a racemate has its own symbol where the library has one."""
    from rdkit import Chem

    canonical = {ion.symbol: str(Chem.CanonSmiles(ion.smiles)) for ion in candidates}
    plain = [ion.symbol for ion in candidates if not any(sign in canonical[ion.symbol] for sign in "@/\\")]
    handed = {smiles: symbol for symbol, smiles in canonical.items() if symbol not in plain}
    if not handed:
        if len(candidates) > 1:
            raise _Unknown(f"{' and '.join(plain)} of the library are one molecule: give the formula")
        return {plain[0]: len(members)}
    if members[0].disordered:  # an alternative may be put together from both hands
        if len(plain) != 1:
            raise _Unknown(f"the organic part is disordered: the hand of {' or '.join(canonical)} can't be told")
        return {plain[0]: len(members)}
    found = Counter(_hand(molecule, candidates[0]) for molecule in members)
    racemate = len(found) == 2 and len(set(found.values())) == 1
    if set(found) <= set(handed) and not (racemate and len(plain) == 1):
        return {handed[smiles]: number for smiles, number in found.items()}
    if len(plain) != 1:
        raise _Unknown(f"a stereoisomer of {' and '.join(canonical)} that is not in the ion library")
    if not racemate:
        notes.append(f"the stereochemistry of {plain[0]} in the crystal is not in the ion library, and left open")
    return {plain[0]: len(members)}


def _hand(molecule: _Molecule, ion: Ion) -> str:
    """Canonical SMILES of the ion with the stereochemistry that the coordinates have."""
    from rdkit import Chem
    from rdkit.Geometry import Point3D

    template = Chem.RWMol(Chem.MolFromSmiles(ion.smiles))
    Chem.RemoveStereochemistry(template)
    matches = _mappings(molecule, template)
    conformer = Chem.Conformer(template.GetNumAtoms())
    conformer.Set3D(True)
    for k, atom in enumerate(matches[0]):
        conformer.SetAtomPosition(k, Point3D(*map(float, molecule.positions_a[atom])))
    template.AddConformer(conformer)
    built = template.GetMol()
    Chem.AssignStereochemistryFrom3D(built)
    return str(Chem.MolToSmiles(built))
