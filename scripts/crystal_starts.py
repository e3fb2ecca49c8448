"""Starts of materials with known crystals, beside those crystals.

``python scripts/crystal_starts.py`` builds 24 starts of each (minutes) and prints the table of
`docs/crystals/building.md`. The expected spacing is that of the study `layer-spacing`, fitted without any crystal of
the spacer; with ``--alone`` there is none. ``--bonds`` prints the bond lengths that the starts are built with, as the
shipped crystals have them; ``--groups`` counts their space groups; ``--centres CRYSTALS`` tells which spacers of
Dion-Jacobson crystals lie on inversion centres (POSCAR files, not shipped); ``--out FILE`` keeps the rows as CSV.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import numpy as np
import pandas as pd

from perospin.chemistry import Perovskite
from perospin.database import load_table
from perospin.descriptors.crystals import crystals_of
from perospin.descriptors.structure import describe_structure, read_structure
from perospin.descriptors.structure.building import build
from perospin.descriptors.structure.building.request import read_request
from perospin.descriptors.structure.building.spacers import centred_conformers
from perospin.descriptors.structure.identify import identify
from perospin.errors import PerospinError
from perospin.saving import write_csv
from perospin.studies.structures import held_out_structure

LOOKED_AT = ("(BA)2PbI4", "(PEA)2PbI4", "(PMA)2PbI4", "(EOA)2PbI4", "(HDA)PbI4")
"""Materials whose crystals were looked at while the packing was written."""
NEVER_USED = (
    "(HA)2PbI4", "(4F-PEA)2PbI4", "(PEA)2PbBr4", "(PMA)2PbCl4", "(CHA)2PbBr4", "(BA)2SnI4", "(R-MBA)2PbI4",
    "(rac-MBA)2PbI4", "(BDA)PbI4", "(PDMA)PbI4", "(3AMP)PbI4", "(4AMP)PbI4", "(BA)2(MA)Pb2I7", "(BA)2(MA)2Pb3I10",
)  # fmt: skip
"""Materials that were first built when this table was made."""
_BOND_A = 1.95
"""Longest bond between heavy atoms of a spacer (A)."""


def layered() -> Iterator[tuple[Any, Perovskite]]:
    """Shipped crystals with (100) layers, RP and DJ."""
    for crystal in load_table("structures_2d").itertuples():
        if not crystal.formula or crystal.layer_orientation != "(100)":
            continue
        try:
            material = Perovskite.parse(str(crystal.formula))
        except PerospinError:
            continue  # cations that the library doesn't know
        if material.family in ("RP", "DJ"):
            yield crystal, material


def groups() -> pd.Series:
    """Count space groups of the RP crystals with n = 1."""
    found = [c.space_group for c, material in layered() if material.family == "RP" and material.n_layers == 1]
    return pd.Series(found).value_counts()


def centres(folder: Path) -> pd.DataFrame:
    """Dion-Jacobson crystals with n = 1 whose spacer has a shape with a centre: whether it lies on one."""
    rows = []
    for path in sorted(folder.glob("*.vasp")):
        try:
            structure = read_structure(path)
            material = identify(structure).material
        except PerospinError:
            continue
        if material is None or material.family != "DJ" or material.n_layers != 1 or not structure.is_ordered:
            continue
        try:
            request = read_request(material)
            has_centre = request.hands == "achiral" and centred_conformers(request.spacer, 0, 1)
        except PerospinError:
            continue  # what isn't built
        if has_centre:
            row = {"material": material.formula, "file": path.stem, "on_centres": on_centres(structure)}
            rows.append({**row, "space_group": describe_structure(structure).labels["space_group"]})
    return pd.DataFrame(rows)


def on_centres(structure: Any) -> bool:
    """Whether the middle of every spacer is an inversion centre, within 0.1 A."""
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

    heavy = structure.copy()
    heavy.remove_species(["H"])
    operations = SpacegroupAnalyzer(heavy, symprec=0.1).get_symmetry_operations()
    shifts = [o.translation_vector for o in operations if np.allclose(o.rotation_matrix, -np.eye(3))]
    heavy.remove_species(["Pb", "Sn", "Ge", "I", "Br", "Cl"])
    first, second, images, _ = heavy.get_neighbor_list(_BOND_A)
    left, found = set(range(len(heavy))), []
    while left:
        start = left.pop()
        places, waiting = {start: np.zeros(3)}, [start]
        while waiting:
            k = waiting.pop()
            for other, image in zip(second[first == k].tolist(), images[first == k], strict=True):
                if other in left:
                    left.remove(other)
                    places[other] = places[k] + image
                    waiting.append(other)
        middle = np.mean([heavy.frac_coords[k] + image for k, image in places.items()], axis=0)
        off = [2 * middle - shift - np.round(2 * middle - shift) for shift in shifts]
        found.append(any(np.linalg.norm(structure.lattice.get_cartesian_coords(d)) < 0.1 for d in off))
    return all(found)


def bonds() -> pd.DataFrame:
    """Median bond lengths of the layered crystals of one metal and one halide."""
    rows = []
    for crystal, material in layered():
        if len(material.b_site) == len(material.x_site) == 1:
            metal, halide = material.b_site[0][0].symbol, material.x_site[0][0].symbol
            rows.append((metal, halide, crystal.bx_length_in_plane_a, crystal.bx_length_terminal_a))
    frame = pd.DataFrame(rows, columns=["metal", "halide", "in_plane_a", "terminal_a"]).dropna()
    of_pair = frame.groupby(["metal", "halide"])
    return of_pair.median().round(3).assign(crystals=of_pair.size())


def compared(formula: str, starts: int, seed: int, expected_a: tuple[float, float] | None) -> dict[str, float | str]:
    """Layer spacing of the starts of a material beside its crystals."""
    known = crystals_of(formula)["layer_spacing_a"].dropna()
    begun = process_time()
    built = build(formula, starts, seed, expected_a=expected_a)
    seconds = process_time() - begun
    listed = [float(start.variables["spacing_a"]) for start in built]
    ranked = sorted(built, key=lambda start: start.packing_score)
    spacings = [float(start.variables["spacing_a"]) for start in ranked]
    middle, third = float(known.median()), median(spacings[: max(1, len(spacings) // 3)])
    nearest = min(spacings, key=lambda value: abs(value - middle))

    def off(value: float) -> float:
        return round(100 * (value / middle - 1), 1)

    return {
        "material": formula,
        "starts": len(built),
        "crystals": len(known),
        "lowest_a": float(known.min()),
        "highest_a": float(known.max()),
        "expected_off_percent": math.nan if expected_a is None else off(expected_a[0]),
        "all_a": median(listed),
        "all_off_percent": off(median(listed)),
        "best_score_a": spacings[0],
        "best_score_off_percent": off(spacings[0]),
        "best_third_a": third,
        "best_third_off_percent": off(third),
        "within_3_percent": sum(abs(off(value)) <= 3 for value in spacings),
        "nearest_off_percent": off(nearest),
        "processor_s": round(seconds, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bonds", action="store_true")
    parser.add_argument("--groups", action="store_true", help="count space groups of RP crystals with n = 1")
    parser.add_argument("--centres", type=Path, help="folder of POSCAR files: which spacers lie on inversion centres")
    parser.add_argument("--alone", action="store_true", help="no expected spacing: packing alone")
    parser.add_argument("--starts", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    parser.add_argument("formula", nargs="*")
    given = parser.parse_args()
    pd.set_option("display.width", 250, "display.max_columns", 30)
    if given.bonds:
        print(bonds().to_string())
        return
    if given.groups:
        print(groups().to_string(), f"\nin all {groups().sum()}")
        return
    if given.centres:
        found = centres(given.centres)
        print(found.to_string(), f"\non centres: {found['on_centres'].sum()} of {len(found)}")
        return
    formulas = list(given.formula or LOOKED_AT + NEVER_USED)
    expected: list[tuple[float, float] | None] = [None] * len(formulas)
    if not given.alone:
        held_out = held_out_structure(formulas)
        expected = [(float(a), float(b)) for a, b in zip(held_out["predicted"], held_out["sd"], strict=True)]
    rows = []
    for formula, spacing in zip(formulas, expected, strict=True):
        row = compared(formula, given.starts, given.seed, spacing)
        rows.append({**row, "looked_at": formula in LOOKED_AT})
        print(
            " ".join(f"{value:.4g}" if isinstance(value, float) else str(value) for value in row.values()), flush=True
        )
    frame = pd.DataFrame(rows)
    print(frame.to_string(index=False))
    if given.out is not None:
        write_csv(frame, given.out)


if __name__ == "__main__":
    main()
