"""Starts for a crystal that nobody has grown: from the formula of a layered perovskite to packed structures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perospin._optional import require
from perospin.chemistry import IonLibrary, Perovskite
from perospin.descriptors.structure.building.drawing import Draw, collect, draw
from perospin.descriptors.structure.building.motifs import Motif, motifs_for
from perospin.descriptors.structure.building.packing import Frame, Kinds, Poses, improve, layer_places, score
from perospin.descriptors.structure.building.request import Request, read_request
from perospin.descriptors.structure.building.slab import bond_length_a
from perospin.descriptors.structure.building.spacers import Conformer, conformers
from perospin.errors import StructureError
from perospin.progress import Progress, progress_line

if TYPE_CHECKING:
    from pymatgen.core import Structure

__all__ = ["MOST_STARTS", "Start", "build"]

Float = NDArray[np.float64]

MOST_STARTS = 500
CLASH = 0.75
"""No start has two atoms of different molecules nearer than this share of the sum of their van der Waals radii."""
_SHAPES = 10
_TRIED_PER_START = 24
_IMPROVED_PER_START = 3
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
        Lower is better packed; per formula unit, without unit. It is no energy.
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
    request = read_request(formula, ions)
    with progress_line(progress) as tell:
        packed = _packed(request, starts, seed, expected_a, tell)
    if not packed:
        raise StructureError(
            f"no start of {request.material.formula} is free of clashes: the spacer may be too wide for the sheet; "
            f"try more starts or another seed"
        )
    chosen = _in_turn(packed, starts, expected_a)
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


def _packed(
    request: Request, starts: int, seed: int, expected_a: tuple[float, float] | None, tell: Progress | None
) -> list[_Packed]:
    rng = np.random.default_rng(seed)
    heads = 1 if request.family == "RP" else 2
    spacers = conformers(request.spacer, seed, _SHAPES, heads)
    cages = [] if request.cage is None else conformers(request.cage, seed, 2, 1)
    motifs = motifs_for(request.family, request.n_layers, request.hands)
    found: list[_Packed] = []
    done, in_all = 0, _IMPROVED_PER_START * starts
    for n_operations in sorted({len(motif.operations) for motif in motifs}):
        of_size = [motif for motif in motifs if len(motif.operations) == n_operations]
        share = max(1, round(in_all * sum(m.turns for m in of_size) / sum(m.turns for m in motifs)))
        drawn = _drawn(request, of_size, spacers, cages, share, rng)
        kinds, frame, poses = collect(drawn)
        kept = _best_of_each(drawn, score(kinds, frame, poses), share, expected_a)
        # one compiled batch size, so that the time left can be told
        size = min(_BATCH, len(kept))
        for first in range(0, len(kept), size):
            part = kept[first : first + size]
            some = [drawn[k] for k in part]
            full = part + [part[-1]] * (size - len(part))
            better, scores = improve(kinds, frame.rows(full), poses.rows(full))
            for row, one in enumerate(some):
                found += _checked(request, one, kinds, frame.rows(full), better, row, float(scores[row]))
            done += len(part)
            if tell is not None:
                tell(f"packing {request.material.formula}", done, in_all)
    return found


def _drawn(
    request: Request, motifs: list[Motif], spacers: list[Conformer], cages: list[Conformer], share: int,
    rng: np.random.Generator,
) -> list[Draw]:  # fmt: skip
    number = max(len(motifs), _TRIED_PER_START * share)
    return [draw(request, motifs[k % len(motifs)], spacers, cages, rng) for k in range(number)]


def _kind(one: Draw) -> tuple[str, bool, int]:
    return one.motif.name, one.turned, one.motif.turns


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


def _round_robin(kinds: list[tuple[str, bool, int]], total: Float, number: int) -> list[int]:
    queues: dict[tuple[str, bool, int], list[int]] = {}
    for k in np.argsort(total, kind="stable").tolist():
        queues.setdefault(kinds[k], []).append(k)
    chosen: list[int] = []
    while len(chosen) < number and any(queues.values()):
        for (_, _, turns), queue in queues.items():
            taken = min(turns, number - len(chosen))
            chosen += queue[:taken]
            del queue[:taken]
    return chosen


def _in_turn(packed: list[_Packed], number: int, expected_a: tuple[float, float] | None) -> list[_Packed]:
    away = _away(np.array([one.spacing_a for one in packed]), expected_a)
    total = np.array([one.score for one in packed]) + away
    return [packed[k] for k in _round_robin([_kind(one.drawn) for one in packed], total, number)]


def _checked(
    request: Request, drawn: Draw, kinds: Kinds, frame: Frame, poses: Poses, row: int, raw: float
) -> list[_Packed]:
    """Make the start a structure, its spacing grown until no atoms clash; nothing if that doesn't help."""
    from dataclasses import replace

    if not np.isfinite(raw):
        return []
    contact = 0.0
    for grown in range(_MOST_GROWN + 1):
        spacing = poses.spacing_a.copy()
        spacing[row] += _GROWTH_A * grown
        wider = replace(poses, spacing_a=spacing)
        layer, following = layer_places(kinds, frame, wider, row)
        structure, molecule = _structure(drawn, kinds, wider, row, layer, following)
        contact = nearest_contact(structure, molecule)
        if contact >= CLASH:
            break
    else:
        return []
    per_formula = (raw + drawn.strain_kcal_mol) / 2
    side = float(frame.side_a[row])
    shift = tuple(((float(v) / side + 0.5) % 1.0) - 0.5 for v in poses.shift_a[row])
    heads = _head_heights(drawn, wider, row, kinds)
    return [_Packed(drawn, per_formula, structure, contact, (shift[0], shift[1]), float(spacing[row]), heads)]


def _structure(
    drawn: Draw, kinds: Kinds, poses: Poses, row: int, layer: Float, following: Float
) -> tuple[Structure, NDArray[np.int64]]:
    """Make the crystal, and number the molecule of each atom (slab atoms: -1)."""
    from pymatgen.core import Lattice, Structure

    side, spacing = drawn.slab.side_a, float(poses.spacing_a[row])
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
        shift = (poses.shift_a[row] / side + 0.5) % 1.0 - 0.5
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


def _head_heights(drawn: Draw, poses: Poses, row: int, kinds: Kinds) -> tuple[float, ...]:
    """How deep the ammonium of each independent spacer lies below the outermost halides (A)."""
    from perospin.descriptors.structure.building.drawing import turned

    found = []
    for k, one in enumerate(drawn.molecules):
        if one.in_cage:
            continue
        q = poses.quaternions[row, k]
        head = turned(q / np.linalg.norm(q), one.shape.positions_a[one.shape.heads[0]])[2] + poses.middles_a[row, k, 2]
        from_middle = abs(head)
        if one.joins and head > poses.spacing_a[row] / 2:
            from_middle = abs(poses.spacing_a[row] - head)
        found.append(float(drawn.slab.top_a - from_middle))
    return tuple(found)


def _start(request: Request, one: _Packed, number: int, in_all: int, seed: int) -> Start:
    formula = request.material.formula
    drawn = one.drawn
    spacers = [m for m in drawn.molecules if not m.in_cage]

    def joined(values: list[float] | tuple[float, ...]) -> str:
        return "; ".join(f"{value:.2f}" for value in values)

    variables: dict[str, float | str] = {
        "motif": drawn.motif.name,
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
