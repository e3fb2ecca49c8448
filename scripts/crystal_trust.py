"""How far to trust a relaxation: crystals that are known, relaxed, and built from their formula.

``python scripts/crystal_trust.py CRYSTALS OUT`` relaxes the known crystals in the folder CRYSTALS (the POSCAR files
that `docs/crystals/relaxing.md` names; they are not shipped), then starts that are built from the formula alone. It
writes the two tables that perospin ships. What is done is kept in OUT: the same command goes on where it stopped.
SevenNet-0 on one core takes one to five minutes a crystal. ``--tables-only`` makes the tables of what is there.
The tables of `docs/crystals/relaxing.md` are written, too.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

import pandas as pd

from perospin.descriptors.structure import describe_structure, read_structure
from perospin.descriptors.structure.building import build, write_starts
from perospin.descriptors.structure.identify import identify
from perospin.descriptors.structure.relaxing import Limits, Outcome, rank_starts, read_outcome, relax_files
from perospin.digits import signed
from perospin.saving import write_csv, write_text

HOUSE = Path(__file__).parents[1]
TABLES, PAGE = HOUSE / "src/perospin/descriptors/tables", HOUSE / "docs/crystals/relaxing.md"
LIMITS = Limits(force_ev_a=0.05, stress_gpa=0.06, steps=300)

KNOWN = (86, 47, 111, 475, 76, 77, 88, 750, 269, 38, 94, 17, 540, 346, 87, 93, 44, 187, 20, 490)
"""Files of the data set: ordered, with all hydrogens, and small. None was left out for what came out of it."""
SEEN = {
    38: "its material was built while the method was tried",
    76: "its material was built while the method was tried",
}
BUILT = {"(EOA)2PbI4": 76, "(BDA)PbI4": 750, "(HDA)PbI4": 38}
"""Formula that is built -> crystal that its starts are compared with."""
TABLE = "starts.csv"
STARTS, MOST_ATOMS = 8, 70
"""Starts that are built, and the largest cell among them that is relaxed: what one busy core can do in half an hour."""


def known_rows(crystals: Path, outcomes: list[Outcome]) -> pd.DataFrame:
    """One row a known crystal: before, after, and the difference."""
    rows = []
    for outcome in outcomes:
        number = int(Path(outcome.source).stem)
        before = read_structure(crystals / outcome.source)
        found = identify(before)
        row: dict[str, Any] = {
            "material": found.material.formula if found.material else "",
            "file": outcome.source,
            "used_before": SEEN.get(number, ""),
            "remark": outcome.reason,
        }
        if outcome.crystal is not None:
            row |= _compared(before, outcome)
        rows.append(row)
    return pd.DataFrame(rows)


def _compared(before: Any, outcome: Outcome) -> dict[str, Any]:
    was, now = describe_structure(before), describe_structure(outcome.structure())
    per_b = [d.values["volume_per_b_a3"] for d in (was, now)]
    row: dict[str, Any] = {
        "space_group": was.labels["space_group"],
        "space_group_relaxed": now.labels["space_group"],
        "volume_error_percent": 100 * (per_b[1] / per_b[0] - 1),
    }
    for name, key in (("layer_spacing_a", "spacing"), ("area_per_b_a2", "area")):
        row |= {name: was.values[name], f"{name}_relaxed": now.values[name]}
        row[f"{key}_error_percent"] = 100 * (now.values[name] / was.values[name] - 1)
    row |= {"angle_deg": was.values["bxb_angle_mean_deg"], "angle_deg_relaxed": now.values["bxb_angle_mean_deg"]}
    row["angle_error_deg"] = row["angle_deg_relaxed"] - row["angle_deg"]
    kept = ("converged", "force_ev_a", "stress_gpa", "steps", "seconds", "n_atoms", "energy_ev")
    return row | {name: outcome.values[name] for name in (*kept, "engine", "version", "dispersion")}


def built_rows(formula: str, measured: Path, known: Outcome | None, outcomes: list[Outcome]) -> pd.DataFrame:
    """One row a start: how far above the relaxed crystal it ended, if that is there, and whether it is packed alike."""
    reference = read_structure(measured)
    spacing_a = describe_structure(reference).values["layer_spacing_a"]
    ranked = rank_starts([*outcomes, *([known] if known else [])])
    energies = ranked.loc[ranked["file"] == measured.name, "energy_ev_per_unit"]
    energy = energies.iloc[0] if known else math.nan
    references = [reference, *([known.structure()] if known else [])]
    structures = {o.source: o.structure() for o in outcomes if o.crystal is not None}
    kept = ("converged", "steps", "seconds", "n_atoms", "remark", "engine", "version")
    return pd.DataFrame(
        {
            "built": formula,
            "compared_with": measured.name,
            "file": row["file"],
            "material": row["material"],
            "rank": row["rank"],
            "above_known_mev_per_spacer": 1000 * (row["energy_ev_per_unit"] - energy),
            "layer_spacing_a": row["layer_spacing_a"],
            "spacing_error_percent": 100 * (row["layer_spacing_a"] / spacing_a - 1),
            "angle_deg": row["bxb_angle_mean_deg"],
            "space_group": row["space_group"],
            "same_packing": _same_packing(references, structures.get(row["file"])),
        }
        | {name: row[name] for name in kept}
        for row in ranked[ranked["file"] != measured.name].to_dict("records")
    )


def _same_packing(references: list[Any], start: Any) -> bool:
    """Whether the heavy atoms of a start lie as in the crystal, as it was measured or as it relaxed."""
    from pymatgen.core.structure_matcher import StructureMatcher

    if start is None:
        return False
    matcher = StructureMatcher(ltol=0.15, stol=0.3, angle_tol=5, primitive_cell=True, scale=False)
    heavy = [structure.copy() for structure in (*references, start)]
    for structure in heavy:
        structure.remove_species(["H"])
    return any(matcher.fit(other, heavy[-1]) for other in heavy[:-1])


def write_page(known: pd.DataFrame, built: pd.DataFrame) -> None:
    """Write both tables into the page, between their marks."""
    text = PAGE.read_text(encoding="utf-8")
    for name, lines in (("known", _known_lines(known)), ("built", _built_lines(built))):
        before, _, rest = text.partition(f"<!-- {name}: written by scripts/crystal_trust.py -->\n")
        _, end, after = rest.partition("<!-- end -->")
        text = f"{before}<!-- {name}: written by scripts/crystal_trust.py -->\n" + "\n".join(lines) + f"\n{end}{after}"
    write_text(PAGE, text)


def _known_lines(known: pd.DataFrame) -> list[str]:
    lines = [
        "| crystal | file | spacing (Å) | off by | area off by | angle (°) | off by (°) | space group | relaxed |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in known.to_dict("records"):
        seen = "*" if row["used_before"] else ""
        lines.append(
            f"| {row['material']}{seen} | {row['file']} | {row['layer_spacing_a']:.2f} | "
            f"{row['spacing_error_percent']:+.1f} % | {row['area_error_percent']:+.1f} % | {row['angle_deg']:.1f} | "
            f"{row['angle_error_deg']:+.1f} | {row['space_group']} | {row['space_group_relaxed']} |"
        )
    fresh = known[known["used_before"] == ""]
    for name, of in (("mean", lambda c: c.mean()), ("root mean square", lambda c: (c**2).mean() ** 0.5)):
        cells = [of(fresh[f"{key}"]) for key in ("spacing_error_percent", "area_error_percent", "angle_error_deg")]
        sign = "+" if name == "mean" else ""
        spacing, area, angle = (f"{cell:{sign}.1f}" for cell in cells)
        lines.append(f"| **{name}** of {len(fresh)} | | | {spacing} % | {area} % | | {angle} | | |")
    return lines


def _built_lines(built: pd.DataFrame) -> list[str]:
    lines = [
        "| built from | starts relaxed | right packing | spacing of the lowest | spacings of all | meV a spacer |",
        "|---|---|---|---|---|---|",
    ]
    for formula, rows in built.groupby("built", sort=False):
        kept = rows[rows["rank"].notna()].sort_values("rank")
        errors = kept["spacing_error_percent"]
        if kept.empty:
            lines.append(f"| {formula} | {len(rows)} | 0 | none converged | | |")
            continue
        lines.append(
            f"| {formula} | {len(rows)} | {int(kept['same_packing'].sum())} | {errors.iloc[0]:+.1f} % | "
            f"{errors.min():+.1f} to {errors.max():+.1f} % | {signed(kept['above_known_mev_per_spacer'].iloc[0], 0)} |"
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("crystals", type=Path, help="folder with the POSCAR files NUMBER.vasp")
    parser.add_argument("out", type=Path, help="folder for what is computed")
    parser.add_argument("--engine", default="sevennet")
    parser.add_argument("--known", type=int, default=len(KNOWN), help="how many of the known crystals to relax")
    parser.add_argument("--starts", type=int, default=STARTS, help="starts to build of each formula")
    parser.add_argument("--relaxed", type=int, default=3, help="most starts to relax of each formula")
    parser.add_argument("--tables-only", action="store_true", help="compute nothing")
    given = parser.parse_args()

    files = [given.crystals / f"{number}.vasp" for number in KNOWN]
    if not given.tables_only:
        relax_files(files[: given.known], given.out / "known", given.engine, limits=LIMITS, progress=_tell)
        for formula in BUILT:
            folder = given.out / formula
            if not (folder / "starts" / TABLE).is_file():
                write_starts(build(formula, given.starts, 0), folder / "starts")
            paths = _small(folder / "starts" / TABLE)[: given.relaxed]
            relax_files(paths, folder / "relaxed", given.engine, limits=LIMITS, progress=_tell)
    known = {f.name: _read(given.out / "known", f.stem) for f in files}
    done = [outcome for outcome in known.values() if outcome is not None]
    table = known_rows(given.crystals, done).round(4)
    write_csv(table, TABLES / "crystal_trust.csv")
    built = []
    for formula, number in BUILT.items():
        folder = given.out / formula
        results = sorted((folder / "relaxed").glob("*-relaxed.json"))
        if results:
            outcomes = [read_outcome(path) for path in results]
            built.append(built_rows(formula, given.crystals / f"{number}.vasp", known[f"{number}.vasp"], outcomes))
    if built:
        starts = pd.concat(built).round(4)
        write_csv(starts, TABLES / "crystal_trust_built.csv")
        write_page(table, starts)


def _read(folder: Path, stem: str) -> Outcome | None:
    path = folder / f"{stem}-relaxed.json"
    return read_outcome(path) if path.is_file() else None


def _small(table: Path) -> list[Path]:
    """POSCAR files of small cells, those of the best packing first."""
    files = pd.read_csv(table).sort_values("packing_score", kind="stable")["file"]
    return [path for path in (table.parent / name for name in files) if len(read_structure(path)) <= MOST_ATOMS]


def _tell(what: str, done: int, in_all: int) -> None:
    if done % 10 == 0:
        print(what, f"step {done}", flush=True)


if __name__ == "__main__":
    main()
