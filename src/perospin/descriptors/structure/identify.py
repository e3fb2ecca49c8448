"""Which ions a crystal structure is made of: molecules in the cell, matched to the ion library.

A molecule is matched by its graph of heavy atoms with the hydrogens on each; without hydrogens by the graph alone,
and by bond lengths where several cations share it; mirror images are told apart by their coordinates. What is
ambiguous, disordered or unknown stays unidentified, with the reason.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
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
    """

    material: Perovskite | None
    amounts: Mapping[str, float]
    reason: str = ""
    notes: tuple[str, ...] = ()


class _Unknown(Exception):
    """The structure can't be identified; the message says why."""


@dataclass(frozen=True)
class _Molecule:
    """One molecule of the cell: heavy atoms with whole coordinates (not wrapped), bonds, hydrogens on each."""

    elements: tuple[str, ...]
    positions_a: NDArray[np.float64]
    bonds: tuple[tuple[int, int], ...]
    hydrogens: tuple[int, ...]

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
    amounts: defaultdict[str, float] = defaultdict(float)
    notes: list[str] = []
    try:
        atoms, molecules = _take_apart(structure, notes)
        for element, amount in atoms.items():
            if element not in library:
                raise _Unknown(f"{element} is no ion of the library")
            amounts[element] += amount
        for symbol, amount in _name_all(molecules, library, notes).items():
            amounts[symbol] += amount
        # occupancies are refined to three or four digits
        exact: dict[str | Ion, Fraction] = {s: Fraction(str(round(a, 4))) for s, a in amounts.items() if a > 1e-4}
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


def _take_apart(structure: Structure, notes: list[str]) -> tuple[dict[str, float], list[_Molecule]]:
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
    atoms: defaultdict[str, float] = defaultdict(float)
    for i, shares in enumerate(species):
        if in_molecule[i] or hydrogen[i]:
            continue
        for element, amount in shares.items():
            atoms[element] += amount
    partial = [i for i, s in enumerate(species) if in_molecule[i] and (len(s) > 1 or sum(s.values()) < _FULL)]
    if partial:
        raise _Unknown(f"the organic part is disordered ({len(partial)} partly occupied atoms)")
    loose = [i for i, s in enumerate(species) if hydrogen[i] and (len(s) > 1 or sum(s.values()) < _FULL)]
    if loose:
        notes.append("hydrogens are disordered: cations are told by their heavy atoms")
    hydrogens = np.zeros(len(main), dtype=int)
    if not loose:
        onto = bonded & hydrogen[first] & in_molecule[second]
        for i in np.flatnonzero(hydrogen).tolist():
            rows = np.flatnonzero(onto & (first == i))
            if len(rows):
                hydrogens[second[rows[np.argmin(distance[rows])]]] += 1
    links: dict[int, list[tuple[int, Any]]] = {}
    for i, j, shift in zip(first[both].tolist(), second[both].tolist(), image[both], strict=True):
        links.setdefault(i, []).append((j, shift))
    cartesian = structure.lattice.matrix
    molecules = [
        _molecule(start, group, links, main, hydrogens, structure.frac_coords, cartesian)
        for start, group in _groups(np.flatnonzero(in_molecule).tolist(), links)
    ]
    return dict(atoms), molecules


@lru_cache(maxsize=128)
def _radius(element: str) -> float:
    from rdkit import Chem

    return float(Chem.GetPeriodicTable().GetRcovalent(element))


def _groups(members: Iterable[int], links: Mapping[int, Sequence[tuple[int, Any]]]) -> list[tuple[int, dict[int, Any]]]:
    """Collect connected atoms, with the lattice image of each relative to the first."""
    import numpy as np

    groups: list[tuple[int, dict[int, Any]]] = []
    seen: set[int] = set()
    for start in members:
        if start in seen:
            continue
        group, queue = {start: np.zeros(3, dtype=int)}, [start]
        while queue:
            atom = queue.pop()
            for j, shift in links.get(atom, ()):
                if j not in group:
                    group[j] = group[atom] + shift
                    queue.append(j)
                elif not np.array_equal(group[j], group[atom] + shift):
                    raise _Unknown("a chain of bonded non-metals runs through the crystal: no separate molecules")
        seen |= set(group)
        groups.append((start, group))
    return groups


def _molecule(
    start: int,
    group: Mapping[int, Any],
    links: Mapping[int, Sequence[tuple[int, Any]]],
    main: Sequence[str],
    hydrogens: NDArray[np.int64],
    frac: NDArray[np.float64],
    cell_a: NDArray[np.float64],
) -> _Molecule:
    import numpy as np

    atoms = list(group)
    number = {atom: k for k, atom in enumerate(atoms)}
    bonds = {(min(number[i], number[j]), max(number[i], number[j])) for i in atoms for j, _ in links.get(i, ())}
    positions = np.array([frac[i] + group[i] for i in atoms]) @ cell_a
    return _Molecule(
        tuple(main[i] for i in atoms), positions, tuple(sorted(bonds)), tuple(int(hydrogens[i]) for i in atoms)
    )


# --- naming molecules --------------------------------------------------------------------------------------------


def _bare(elements: Sequence[str], bonds: Iterable[tuple[int, int]], hydrogens: Sequence[int] | None) -> Any:
    """RDKit molecule of a graph: all bonds single, no charges; hydrogens written on the atoms if given."""
    from rdkit import Chem

    molecule = Chem.RWMol()
    for k, element in enumerate(elements):
        atom = Chem.Atom(element)
        atom.SetNoImplicit(True)
        # the count stands in for the label: the graph is compared, not the chemistry
        atom.SetNumExplicitHs(hydrogens[k] if hydrogens is not None else 0)
        molecule.AddAtom(atom)
    for i, j in bonds:
        molecule.AddBond(i, j, Chem.BondType.SINGLE)
    return molecule


def _key(elements: Sequence[str], bonds: Iterable[tuple[int, int]], hydrogens: Sequence[int] | None) -> str:
    from rdkit import Chem

    return str(Chem.MolToSmiles(_bare(elements, bonds, hydrogens)))


@dataclass(frozen=True)
class _Index:
    """Molecular ions of a library by graph with hydrogens, and by graph alone."""

    full: Mapping[str, tuple[Ion, ...]]
    skeleton: Mapping[str, tuple[Ion, ...]]


_INDICES: dict[tuple[Ion, ...], _Index] = {}


def _index(library: IonLibrary) -> _Index:
    from rdkit import Chem

    ions = tuple(ion for ion in (*library.cations, *library.anions) if ion.smiles and not ion.is_monatomic)
    if ions not in _INDICES:
        full: dict[str, tuple[Ion, ...]] = {}
        skeleton: dict[str, tuple[Ion, ...]] = {}
        for ion in ions:
            molecule = Chem.MolFromSmiles(ion.smiles)
            elements = [a.GetSymbol() for a in molecule.GetAtoms()]
            bonds = [(b.GetBeginAtomIdx(), b.GetEndAtomIdx()) for b in molecule.GetBonds()]
            counts = [a.GetTotalNumHs() for a in molecule.GetAtoms()]
            for table, hydrogens in ((full, counts), (skeleton, None)):
                key = _key(elements, bonds, hydrogens)
                table[key] = (*table.get(key, ()), ion)
        _INDICES.clear()  # one library at a time is in use
        _INDICES[ions] = _Index(full, skeleton)
    return _INDICES[ions]


def _name_all(molecules: Sequence[_Molecule], library: IonLibrary, notes: list[str]) -> dict[str, float]:
    """Symbol -> number in the cell of all molecular ions."""
    index = _index(library)
    # molecules of one graph are named together, because a racemate is told by the numbers of both hands
    kinds: dict[tuple[str, str], list[_Molecule]] = {}
    for molecule in molecules:
        keys = (
            _key(molecule.elements, molecule.bonds, None),
            _key(molecule.elements, molecule.bonds, molecule.hydrogens) if any(molecule.hydrogens) else "",
        )
        kinds.setdefault(keys, []).append(molecule)
    amounts: Counter[str] = Counter()
    for (skeleton, full), members in kinds.items():
        candidates = _candidates(members, skeleton, full, index, notes)
        for symbol, number in _by_hand(members, candidates, notes).items():
            amounts[symbol] += number
    return dict(amounts)


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
        alike = ", ".join(ion.symbol for ion in index.skeleton.get(skeleton, ())[:4])
        hint = f" ({alike} has the same heavy atoms, but other hydrogens)" if alike else ""
        raise _Unknown(f"the molecule {molecule.formula} is not in the ion library{hint}")
    found = index.skeleton.get(skeleton, ())
    if not found:
        raise _Unknown(f"the molecule {molecule.formula} (without its hydrogens) is not in the ion library")
    graphs = {key: ions for key, ions in index.full.items() if ions[0] in found}
    misfit = {key: sum(_misfit(m, ions[0]) for m in members) / len(members) for key, ions in graphs.items()}
    best, *others = sorted(graphs, key=lambda key: (misfit[key], key))
    names = " or ".join(ion.symbol for ion in found[:6])
    if misfit[best] > _FITS_A:
        raise _Unknown(f"the bond lengths of {molecule.formula} (without its hydrogens) are not those of {names}")
    if others and misfit[others[0]] < max(misfit[best] + _CLEAR_A, 2.0 * misfit[best]):
        raise _Unknown(f"the molecule {molecule.formula} without its hydrogens may be {names}: give the formula")
    if others:
        chosen = "/".join(ion.symbol for ion in graphs[best])
        notes.append(
            f"no hydrogens on {molecule.formula}: taken as {chosen} (not {_rest(graphs, best)}) by bond lengths"
        )
    return graphs[best]


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
