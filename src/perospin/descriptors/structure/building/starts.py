"""Starts for a crystal that nobody has grown: from the formula of a layered perovskite to packed structures."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perospin._optional import require
from perospin.chemistry import IonLibrary, Perovskite
from perospin.descriptors.structure.building.choosing import Distinct, electrostatic
from perospin.descriptors.structure.building.drawing import Draw, collect, draw
from perospin.descriptors.structure.building.motifs import Motif, motifs_for
from perospin.descriptors.structure.building.packing import (
    Frame,
    Kinds,
    Poses,
    improve,
    layer_places,
    on_their_centres,
    score,
)
from perospin.descriptors.structure.building.request import Request, read_request
from perospin.descriptors.structure.building.slab import bond_length_a
from perospin.descriptors.structure.building.spacers import Conformer, centred_conformers, conformers
from perospin.errors import StructureError
from perospin.progress import Progress, progress_line

if TYPE_CHECKING:
    from pymatgen.core import Structure

__all__ = ["MOST_STARTS", "PACKINGS", "Start", "build"]

Float = NDArray[np.float64]
_Kind = tuple[str, bool, bool, int]
"""Of symmetry: name, on centres, next layer turned, and how many starts it gives in its turn."""

MOST_STARTS = 500
PACKINGS, MOST_PACKINGS = 600, 20000
CLASH = 0.75
"""No start has two atoms of different molecules nearer than this share of the sum of their van der Waals radii."""
_SHAPES = 10
_DRAWN_PER_PACKING = 8
_WEIGHED_PER_START, _LEAST_WEIGHED = 4, 120
"""Packings whose charges are summed."""
_BATCH = 8
_TRUST, _LEAST_SPREAD_A = 2.0, 0.3
"""Score that one standard deviation from the expected spacing costs; smallest such deviation that is believed (A)."""
_GROWTH_A, _MOST_GROWN = 0.1, 10
_CONTACTS_A, _SAME_A = 3.2, 1e-4


@dataclass(frozen=True)
class Start:
    """One packed structure to begin a relaxation with.

    Attributes
    ----------
    structure
        pymatgen ``Structure``: one or two layers a cell, layers along c.
    title
        Formula, "start, unrelaxed", number and seed: the title of the files.
    number
        From 1, in the order of the list.
    seed
        Of the whole build.
    variables
        What was drawn and what came of it: symmetry, tilts, shift, spacing, shapes and poses of the molecules.
    packing_score
        Lower is better packed (kcal/mol per formula unit). It is no energy.
    """

    structure: Structure
    title: str
    number: int
    seed: int
    variables: Mapping[str, float | str]
    packing_score: float


def build(
    formula: str | Perovskite,
    starts: int = 24,
    seed: int = 0,
    *,
    packings: int = PACKINGS,
    ions: IonLibrary | None = None,
    expected_a: tuple[float, float] | None = None,
    progress: bool | Progress = False,
) -> list[Start]:
    """Build starts of a layered perovskite: Ruddlesden-Popper or Dion-Jacobson, n = 1 to 3.

    Octahedra are regular, with bonds as long as in the shipped crystals; spacers are rigid shapes, stretched and
    folded. Symmetry, tilts, shapes, poses and shifts of the layers are drawn; the molecules then turn and move, and
    the layers approach, until they pack without clashes. Nothing is relaxed, and no energy is known.

    Parameters
    ----------
    formula
        Formula, or a `Perovskite`.
    starts
        Starts wanted, 1 to 500.
    seed
        The same seed gives the same starts.
    packings
        Poses that are packed; the starts are the best of them, none packed like another.
    ions
        Ion library; the shipped one if not given.
    expected_a
        Expected layer spacing and its standard deviation (A), from a model: starts near it are preferred among
        those packed, and the order of the list follows. Poses and scores don't change.
    progress
        Show a line, or call ``(what, done, in_all)``.

    Returns
    -------
    list of Start
        The best of each kind of symmetry in turn; fewer than asked if no more were free of clashes.

    Raises
    ------
    FormulaError
        If the formula can't be read.
    StructureError
        If such a crystal isn't built (mixtures, other metals, n > 3), or nothing fits without clashes.
    """
    require("pymatgen.core", "structure")
    if not 1 <= starts <= MOST_STARTS:
        raise StructureError(f"{starts} starts were asked for; give a number from 1 to {MOST_STARTS}")
    if not 0 <= seed < 2**31 - 1:
        raise StructureError(f"the seed is {seed}; give a whole number from 0 to {2**31 - 2}")
    if not starts <= packings <= MOST_PACKINGS:
        raise StructureError(
            f"{packings} packings were asked for; give a number from that of the starts ({starts}) to {MOST_PACKINGS}"
        )
    request = read_request(formula, ions)
    with progress_line(progress) as tell:
        chosen = _chosen(_posed(request, packings, seed, expected_a, tell), starts, expected_a, tell)
    if not chosen:
        raise StructureError(
            f"no start of {request.material.formula} is free of clashes: the spacer may be too wide for the sheet; "
            f"try more packings or another seed"
        )
    return [_start(request, one, k + 1, len(chosen), seed) for k, one in enumerate(chosen)]


@dataclass(frozen=True)
class _Packed:
    """One start after packing."""

    drawn: Draw
    score: float
    structure: Structure
    contact: float
    shift: tuple[float, float]
    spacing_a: float
    heads_a: tuple[float, ...]


@dataclass(frozen=True)
class _Posed:
    """One pose after packing, before clashes are looked for."""

    drawn: Draw
    score: float
    spacing_a: float
    kinds: Kinds
    frame: Frame
    poses: Poses


def _posed(
    request: Request, packings: int, seed: int, expected_a: tuple[float, float] | None, tell: Progress | None
) -> list[_Posed]:
    rng = np.random.default_rng(seed)
    heads = 1 if request.family == "RP" else 2
    spacers = conformers(request.spacer, seed, _SHAPES, heads)
    cages = [] if request.cage is None else conformers(request.cage, seed, 2, 1)
    motifs = motifs_for(request.family, request.n_layers, request.hands)
    centred = centred_conformers(request.spacer, seed, _SHAPES) if any(m.on_centres for m in motifs) else []
    motifs = [motif for motif in motifs if centred or not motif.on_centres]
    found: list[_Posed] = []
    done = 0
    for n_operations in sorted({len(motif.operations) for motif in motifs}):
        of_size = [motif for motif in motifs if len(motif.operations) == n_operations]
        share = max(1, round(packings * sum(m.turns for m in of_size) / sum(m.turns for m in motifs)))
        drawn = _drawn(request, of_size, (spacers, centred), cages, share, rng)
        kinds, frame, poses = collect(drawn)
        kept = _best_of_each(drawn, score(kinds, frame, poses), share, expected_a)
        # one compiled batch size, so that the time left can be told
        size = min(_BATCH, len(kept))
        parts = [kept[first : first + size] for first in range(0, len(kept), size)]
        full = [part + [part[-1]] * (size - len(part)) for part in parts]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            improved = pool.map(partial(improve, kinds), map(frame.rows, full), map(poses.rows, full))
            for part, (better, scores) in zip(parts, improved, strict=True):
                for row, k in enumerate(part):
                    if np.isfinite(scores[row]):
                        one = drawn[k]
                        per_formula = (float(scores[row]) + one.strain_kcal_mol) / 2
                        spacing = float(better.spacing_a[row])
                        alone = _Posed(one, per_formula, spacing, kinds, frame.rows([k]), better.rows([row]))
                        found.append(alone)
                done += len(part)
                if tell is not None:
                    tell(f"packing {request.material.formula}", min(done, packings), packings)
    return found


def _drawn(
    request: Request, motifs: list[Motif], spacers: tuple[list[Conformer], list[Conformer]], cages: list[Conformer],
    share: int, rng: np.random.Generator,
) -> list[Draw]:  # fmt: skip
    """Draw starts of all motifs; `spacers` are shapes for general places, and those for inversion centres."""
    number = max(len(motifs), _DRAWN_PER_PACKING * share)
    turn = [motifs[k % len(motifs)] for k in range(number)]
    return [draw(request, motif, spacers[motif.on_centres], cages, rng) for motif in turn]


def _kind(one: Draw) -> _Kind:
    return one.motif.name, one.motif.on_centres, one.turned, one.motif.turns


def _best_of_each(drawn: list[Draw], scores: Float, number: int, expected_a: tuple[float, float] | None) -> list[int]:
    """Draws with the best scores, equally many of each kind of symmetry."""
    strain = np.array([d.strain_kcal_mol for d in drawn])
    away = _away(np.array([d.spacing_a for d in drawn]), expected_a)
    return _round_robin([_kind(d) for d in drawn], (scores + strain) / 2 + away, number)


def _away(spacings_a: Float, expected_a: tuple[float, float] | None) -> Float:
    """Give the score that is added for a spacing away from the expected one."""
    if expected_a is None:
        return np.zeros(len(spacings_a))
    middle, spread = expected_a
    away: Float = _TRUST * ((spacings_a - middle) / max(spread, _LEAST_SPREAD_A)) ** 2
    return away


def _round_robin(kinds: list[_Kind], total: Float, number: int) -> list[int]:
    queues: dict[_Kind, list[int]] = {}
    for k in np.argsort(total, kind="stable").tolist():
        queues.setdefault(kinds[k], []).append(k)
    chosen: list[int] = []
    while len(chosen) < number and any(queues.values()):
        for (*_, turns), queue in queues.items():
            taken = min(turns, number - len(chosen))
            chosen += queue[:taken]
            del queue[:taken]
    return chosen


def _chosen(
    posed: list[_Posed], number: int, expected_a: tuple[float, float] | None, tell: Progress | None
) -> list[_Packed]:
    """Give the best distinct packings of each kind of symmetry in turn; charges count for those that have a chance."""
    likely = max(_WEIGHED_PER_START * number, _LEAST_WEIGHED)
    left = iter(_in_turn(posed, expected_a))
    new: dict[_Kind, Distinct] = defaultdict(Distinct)
    distinct: list[_Packed] = []
    while len(distinct) < number and (weighed := _weighed(posed, left, likely, tell)):
        best_first = [weighed[k] for k in np.argsort(_with_spacing(weighed, expected_a), kind="stable")]
        distinct += [one for one in best_first if new[_kind(one.drawn)].takes(one.structure, one.spacing_a)]
    return [distinct[k] for k in _in_turn(distinct, expected_a)[:number]]


def _weighed(posed: list[_Posed], left: Iterator[int], most: int, tell: Progress | None) -> list[_Packed]:
    """Take the next poses that don't clash, and add what charges say to their scores."""
    found: list[_Packed] = []
    for k in left:
        if (one := _without_clash(posed[k])) is not None:
            found.append(replace(one, score=one.score + electrostatic(one.structure, one.drawn) / 2))
            if tell is not None:
                tell("summing charges", len(found), min(most, len(posed)))
            if len(found) == most:
                break
    return found


def _in_turn(packed: Sequence[_Posed | _Packed], expected_a: tuple[float, float] | None) -> list[int]:
    return _round_robin([_kind(one.drawn) for one in packed], _with_spacing(packed, expected_a), len(packed))


def _with_spacing(packed: Sequence[_Posed | _Packed], expected_a: tuple[float, float] | None) -> Float:
    """Scores, and what is added for spacings away from the expected one."""
    away = _away(np.array([one.spacing_a for one in packed]), expected_a)
    return np.array([one.score for one in packed]) + away


def _without_clash(posed: _Posed) -> _Packed | None:
    """Make a pose a structure, its spacing grown until no atoms clash; nothing if that doesn't help."""
    drawn, kinds, frame, poses = posed.drawn, posed.kinds, posed.frame, posed.poses
    for grown in range(_MOST_GROWN + 1):
        wider = on_their_centres(frame, replace(poses, spacing_a=poses.spacing_a + _GROWTH_A * grown))
        layer, following = layer_places(kinds, frame, wider, 0)
        structure, molecule = _structure(drawn, kinds, wider, layer, following)
        contact = nearest_contact(structure, molecule)
        if contact >= CLASH:
            break
    else:
        return None
    side = float(frame.side_a[0])
    shift = tuple(((float(v) / side + 0.5) % 1.0) - 0.5 for v in poses.shift_a[0])
    heads = _head_heights(drawn, wider)
    return _Packed(drawn, posed.score, structure, contact, (shift[0], shift[1]), float(wider.spacing_a[0]), heads)


def _structure(
    drawn: Draw, kinds: Kinds, poses: Poses, layer: Float, following: Float
) -> tuple[Structure, NDArray[np.int64]]:
    """Make the crystal, and number the molecule of each atom (slab atoms: -1)."""
    from pymatgen.core import Lattice, Structure

    side, spacing = drawn.slab.side_a, float(poses.spacing_a[0])
    symbols = list(kinds.frame_symbols) + list(kinds.molecule_symbols) * kinds.n_operations
    n_slots = len(drawn.molecules)
    slot = np.array(kinds.slot)
    molecule = np.concatenate(
        [np.full(len(kinds.frame_symbols), -1)] + [slot + n_slots * k for k in range(kinds.n_operations)]
    )
    if drawn.turned:
        matrix = np.diag([side, side, 2 * spacing])
        places = np.concatenate([layer, following])
        symbols = symbols * 2
        molecule = np.concatenate([molecule, np.where(molecule < 0, -1, molecule + molecule.max() + 1)])
    else:
        shift = (poses.shift_a[0] / side + 0.5) % 1.0 - 0.5
        matrix = np.array([[side, 0, 0], [0, side, 0], [*(shift * side), spacing]])
        places = layer
    structure = Structure(Lattice(matrix), symbols, places, coords_are_cartesian=True, to_unit_cell=False)
    return structure, molecule


def nearest_contact(structure: Structure, molecule: NDArray[np.int64]) -> float:
    """Smallest distance of atoms of different molecules, over the sum of their van der Waals radii (RDKit's).

    Parameters
    ----------
    structure
        The crystal.
    molecule
        Number of the molecule of each atom; -1 for atoms of the slabs, which aren't compared with each other.
    """
    from rdkit import Chem

    table = Chem.GetPeriodicTable()
    symbols = [site.specie.symbol for site in structure]
    radii = np.array([table.GetRvdw(symbol) for symbol in symbols])
    halide = np.array([symbol in ("Cl", "Br", "I") for symbol in symbols])
    first, second, _, distance = structure.get_neighbor_list(_CONTACTS_A)
    apart = np.linalg.norm(structure.cart_coords[first] - structure.cart_coords[second], axis=1)
    same = (molecule[first] == molecule[second]) & (molecule[first] >= 0) & (np.abs(apart - distance) < _SAME_A)
    bond = (molecule[first] < 0) & (molecule[second] < 0) & ~(halide[first] & halide[second])
    counted = ~same & ~bond
    if not counted.any():
        return 1.0
    return float(np.min(distance[counted] / (radii[first] + radii[second])[counted]))


def _head_heights(drawn: Draw, poses: Poses) -> tuple[float, ...]:
    """How deep the ammonium of each independent spacer lies below the outermost halides (A)."""
    from perospin.descriptors.structure.building.drawing import turned

    found = []
    for k, one in enumerate(drawn.molecules):
        if one.in_cage:
            continue
        q = poses.quaternions[0, k]
        head = turned(q / np.linalg.norm(q), one.shape.positions_a[one.shape.heads[0]])[2] + poses.middles_a[0, k, 2]
        from_middle = abs(head)
        if one.joins and head > poses.spacing_a[0] / 2:
            from_middle = abs(poses.spacing_a[0] - head)
        found.append(float(drawn.slab.top_a - from_middle))
    return tuple(found)


def _start(request: Request, one: _Packed, number: int, in_all: int, seed: int) -> Start:
    formula = request.material.formula
    drawn = one.drawn
    spacers = [m for m in drawn.molecules if not m.in_cage]

    def joined(values: list[float] | tuple[float, ...]) -> str:
        return "; ".join(f"{round(value, 2) + 0.0:.2f}" for value in values)  # no -0.00

    variables: dict[str, float | str] = {
        "motif": drawn.motif.name + (", on centres" if drawn.motif.on_centres else ""),
        "next_layer": "half turn" if drawn.turned else "translation",
        "space_group": _space_group(one.structure),
        "rotation_deg": round(drawn.rotation_deg, 3),
        "tilt_deg": round(drawn.tilt_deg, 3),
        "shift_a": round(one.shift[0], 4),
        "shift_b": round(one.shift[1], 4),
        "spacing_a": round(one.spacing_a, 4),
        "cell_side_a": round(drawn.slab.side_a, 4),
        "shape_lengths_a": joined([m.shape.length_a for m in spacers]),
        "strains_kcal_mol": joined([m.shape.strain_kcal_mol for m in spacers]),
        "nitrogen_depths_a": joined(one.heads_a),
        "nearest_contact": round(one.contact, 3),
        "remark": bond_length_a(request.metal, request.halide)[2],
    }
    return Start(
        structure=_wrapped(one.structure),
        title=f"{formula}, start, unrelaxed, {number} of {in_all}, seed {seed}",
        number=number,
        seed=seed,
        variables=variables,
        packing_score=round(one.score, 3),
    )


def _wrapped(structure: Structure) -> Structure:
    """Atoms inside the cell, in the order of their elements."""
    from pymatgen.core import Structure

    inside = Structure(structure.lattice, structure.species, structure.frac_coords, to_unit_cell=True)
    return inside.get_sorted_structure()


def _space_group(structure: Structure) -> str:
    from perospin.descriptors.structure.ordering import read_sites
    from perospin.descriptors.structure.symmetry import find_symmetry

    found = find_symmetry(read_sites(structure))
    return "" if found is None else found.symbol
