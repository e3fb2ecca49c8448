"""How far to trust a relaxation: crystals that are known, relaxed, and built from their formula.

``python scripts/crystal_trust.py CRYSTALS OUT`` relaxes the known crystals in the folder CRYSTALS (the POSCAR files
that `docs/crystals/relaxing.md` names; they are not shipped) with each engine, then starts that are built from the
formula alone. It writes the three tables that perospin ships, and those of `docs/crystals/relaxing.md`. What is done
is kept in OUT: the same command goes on where it stopped. On one core SevenNet-0 takes one to five minutes a crystal
or a start. ``--known ENGINE``, ``--reacting`` and ``--formula F`` do a part, so that two can run side by side;
``--tables-only`` makes the tables of what is there.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from perospin.descriptors.crystals import crystals_of
from perospin.descriptors.structure import describe_structure, read_structure
from perospin.descriptors.structure.building import build, write_starts
from perospin.descriptors.structure.identify import identify
from perospin.descriptors.structure.relaxing import (
    Limits,
    Outcome,
    draw_candidates,
    engine_errors,
    open_engine,
    rank_starts,
    reactions,
    read_outcome,
    read_results,
    relax_files,
    resting_group,
)
from perospin.digits import signed
from perospin.saving import write_csv, write_text
from perospin.studies.structures import held_out_structure

HOUSE = Path(__file__).parents[1]
TABLES, PAGE = HOUSE / "src/perospin/descriptors/tables", HOUSE / "docs/crystals/relaxing.md"
LIMITS = Limits(force_ev_a=0.03, stress_gpa=0.06, steps=400)

KNOWN = (
    "86", "47", "111", "475", "76", "77", "88", "750", "269", "38", "754", "94", "17", "540", "346", "87",
    "93", "44", "187", "20", "490", "18", "BA2PbI4", "PEA2PbI4",
)  # fmt: skip
"""Files of the data set: ordered, with all hydrogens, and small; two of another one. None was left out for what came
out of it."""
SEEN = {
    "BA2PbI4": "its material was built while the method was tried",
    "PEA2PbI4": "its material was built while the method was tried",
    "38": "its material was built while the method was tried",
    "76": "its material was built while the method was tried",
}
ENGINES = ("sevennet", "sevennet:l3i5")
BUILT: dict[str, str | None] = {
    "(EOA)2PbI4": "76", "(BA)2PbI4": "BA2PbI4", "(BDA)PbI4": "750", "(PMA)2PbI4": None, "(HPA)2PbI4": "77",
    "(PEA)2PbI4": "PEA2PbI4", "(NDAm)PbI4": "47", "(PDMA)PbI4": "754", "(CPA3)2PbI4": "86", "(HDA)PbI4": "38",
    "(CBA)2PbBr4": "88", "(CHDMA)PbI4": "111", "(iBA)2PbI4": "475", "(ODA)PbI4": "44",
}  # fmt: skip
"""Formula that is built -> its crystal; None where no small file holds all hydrogens, so only spacings compare."""
REACTING = (490, 491, 492, 494, 495, 496, 106, 107, 108)
"""Crystals with n = 1, 2 and 3 of three series: (3AMPY), (4AMPY) and (4AMP) with MA, Pb and I."""
LOOKED_AT = ("(BA)2PbI4", "(PEA)2PbI4", "(PMA)2PbI4", "(EOA)2PbI4", "(HDA)PbI4")
"""Materials whose crystals were looked at while the packing was written."""
TABLE = "starts.csv"
BUILT_STARTS, STARTS = 24, 12
"""Starts that are built; those that are relaxed, the first of the list."""


def known_rows(crystals: Path, outcomes: list[Outcome]) -> pd.DataFrame:
    """One row a known crystal: before, after, and the difference."""
    rows = []
    for outcome in outcomes:
        before = read_structure(crystals / outcome.source)
        found = identify(before)
        row: dict[str, Any] = {
            "material": found.material.formula if found.material else "",
            "file": outcome.source,
            "used_before": SEEN.get(Path(outcome.source).stem, ""),
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
        "space_group_relaxed": resting_group(outcome.structure()),
        "volume_error_percent": 100 * (per_b[1] / per_b[0] - 1),
    }
    for name, key in (("layer_spacing_a", "spacing"), ("area_per_b_a2", "area")):
        row |= {name: was.values[name], f"{name}_relaxed": now.values[name]}
        row[f"{key}_error_percent"] = 100 * (now.values[name] / was.values[name] - 1)
    row |= {"angle_deg": was.values["bxb_angle_mean_deg"], "angle_deg_relaxed": now.values["bxb_angle_mean_deg"]}
    row["angle_error_deg"] = row["angle_deg_relaxed"] - row["angle_deg"]
    kept = ("converged", "force_ev_a", "stress_gpa", "steps", "seconds", "n_atoms", "energy_ev")
    return row | {name: outcome.values[name] for name in (*kept, "engine", "version", "dispersion")}


def built_rows(
    formula: str,
    measured: Path | None,
    known: Outcome | None,
    outcomes: list[Outcome],
    allowed_a: tuple[float, float],
) -> pd.DataFrame:
    """One row a start: how far above the relaxed crystal it ended, if that is there, and whether it is packed alike.

    `allowed_a` is the 90 % interval of the spacing by a study that saw no crystal of the spacer.
    """
    spacing_a = float(crystals_of(formula)["layer_spacing_a"].median())
    ranked = rank_starts(outcomes)
    energy = math.nan if known is None else rank_starts([known])["energy_ev_per_unit"].iloc[0]
    references = [] if measured is None else [read_structure(measured)]
    references += [] if known is None else [known.structure()]
    structures = {o.source: o.structure() for o in outcomes if o.crystal is not None}
    low, high = allowed_a
    error = engine_errors(str(ranked["engine"].iloc[0]), str(ranked["dispersion"].iloc[0]))["layer_spacing_a"]
    kept = ("rank", "in_window", "same_as", "converged", "steps", "seconds", "n_atoms", "remark", "engine", "version")
    return pd.DataFrame(
        {
            "built": formula,
            "looked_at": formula in LOOKED_AT,
            "compared_with": "" if measured is None else measured.name,
            "file": row["file"],
            "material": row["material"],
            "above_lowest_mev_per_spacer": row["energy_above_lowest_mev"],
            "above_known_mev_per_spacer": 1000 * (row["energy_ev_per_unit"] - energy),
            "layer_spacing_a": row["layer_spacing_a"],
            "spacing_error_percent": 100 * (row["layer_spacing_a"] / spacing_a - 1),
            "study_low_a": low,
            "study_high_a": high,
            "study_allows": low <= error.corrected(row["layer_spacing_a"])[0] <= high,
            "corrected_error_percent": 100 * (error.corrected(row["layer_spacing_a"])[0] / spacing_a - 1),
            "angle_deg": row["bxb_angle_mean_deg"],
            "space_group": row["space_group"],
            "same_packing": _same_packing(references, structures.get(row["file"])),
        }
        | {name: row[name] for name in kept}
        for row in ranked.to_dict("records")
    )


def _same_packing(references: list[Any], start: Any) -> bool:
    """Whether the heavy atoms of a start lie as in the crystal, as it was measured or as it relaxed."""
    from pymatgen.core.structure_matcher import StructureMatcher

    if start is None:
        return False
    # a looser one calls a start alike that ends 130 meV per spacer above its crystal
    matcher = StructureMatcher(ltol=0.1, stol=0.15, angle_tol=5, primitive_cell=True, scale=False)
    heavy = [structure.copy() for structure in (*references, start)]
    for structure in heavy:
        structure.remove_species(["H"])
    return any(matcher.fit(other, heavy[-1]) for other in heavy[:-1])


def write_page(known: pd.DataFrame, built: pd.DataFrame, found: pd.DataFrame) -> None:
    """Write the tables into the page, between their marks."""
    text = PAGE.read_text(encoding="utf-8")
    tables = {"known": _known_lines(known), "built": _built_lines(built), "reactions": _reaction_lines(found)}
    for name, lines in tables.items():
        before, _, rest = text.partition(f"<!-- {name}: written by scripts/crystal_trust.py -->\n")
        _, end, after = rest.partition("<!-- end -->")
        text = f"{before}<!-- {name}: written by scripts/crystal_trust.py -->\n" + "\n".join(lines) + f"\n{end}{after}"
    write_text(PAGE, text)


_ERRORS = ("spacing_error_percent", "area_error_percent", "angle_error_deg")


def _known_lines(known: pd.DataFrame) -> list[str]:
    lines = [
        "| crystal | file | spacing (Å), off by | area off by | angle (°), off by | space group |",
        "|---|---|---|---|---|---|",
    ]
    rows = known[known["engine"] == "SevenNet-0"]
    for row in rows.to_dict("records"):
        kept = row["space_group"] == row["space_group_relaxed"]
        lines.append(
            f"| {row['material']}{'*' if row['used_before'] else ''} | {row['file'].removesuffix('.vasp')} | "
            f"{row['layer_spacing_a']:.2f}, {row['spacing_error_percent']:+.1f} % | "
            f"{row['area_error_percent']:+.1f} % | "
            f"{row['angle_deg']:.1f}, {row['angle_error_deg']:+.1f} | "
            f"{row['space_group']}{'' if kept else ' to ' + row['space_group_relaxed']} |"
        )
    fresh = rows[rows["used_before"] == ""]
    for name, of in (("mean", lambda c: c.mean()), ("root mean square", lambda c: (c**2).mean() ** 0.5)):
        spacing, area, angle = (of(fresh[column]) for column in _ERRORS)
        sign = "+" if name == "mean" else ""
        lines.append(
            f"| **{name}** of {len(fresh)} | | {spacing:{sign}.1f} % | {area:{sign}.1f} % | {angle:{sign}.1f} | |"
        )
    return lines


def _built_lines(built: pd.DataFrame) -> list[str]:
    lines = [
        "| built from | starts relaxed | right packing | its rank | spacing of the lowest "
        "| less the engine's mean error | of all | lowest, meV a spacer |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for formula, rows in built.groupby("built", sort=False):
        kept = rows[rows["rank"].notna()].sort_values("rank")
        if kept.empty:
            lines.append(f"| {formula} | {len(rows)} | | | none converged | | | |")
            continue
        lowest = kept.iloc[0]
        right = kept.loc[kept["same_packing"].astype(bool), "rank"]
        told = ["", "", ""]
        if not math.isnan(lowest["above_known_mev_per_spacer"]):
            rank = f"{right.iloc[0]:.0f}" if len(right) else "none"
            told = [str(len(right)), rank, signed(lowest["above_known_mev_per_spacer"], 0)]
        lines.append(
            f"| {formula}{'*' if formula in LOOKED_AT else ''} | {len(kept)} | {told[0]} | {told[1]} | "
            f"{lowest['spacing_error_percent']:+.1f} % | {lowest['corrected_error_percent']:+.1f} % | "
            f"{_range(kept['spacing_error_percent'])} | {told[2]} |"
        )
    return lines


def _range(values: pd.Series) -> str:
    return f"{values.min():+.1f} to {values.max():+.1f} %"


def _reaction_lines(found: pd.DataFrame) -> list[str]:
    table = found.pivot_table(index="reaction", columns="engine", values="energy_mev_per_metal")
    names = list(table.columns)
    lines = [f"| reaction | {' | '.join(names)} |", "|---|" + "---|" * len(names)]
    for reaction, row in table.iterrows():
        cells = ["" if math.isnan(row[name]) else signed(row[name], 0) for name in names]
        lines.append(f"| {reaction} | {' | '.join(cells)} |")
    return lines


def relax_known(files: list[Path], out: Path, engine: str) -> None:
    relax_files(files, out / folder_of(engine), engine, limits=LIMITS, progress=_tell)


def folder_of(engine: str) -> str:
    return "known-" + engine.replace(":", "-")


def relax_reacting(crystals: Path, out: Path) -> None:
    files = [crystals / f"{number}.vasp" for number in REACTING]
    relax_files(files, out / "reacting", ENGINES[0], limits=LIMITS, progress=_tell)


def reaction_rows(out: Path) -> pd.DataFrame:
    """Reactions by the first engine, and by the second one on the same crystals, without relaxing them again."""
    from pymatgen.io.ase import AseAtomsAdaptor

    relaxed = read_results([out / "reacting"])
    rows = [reactions(rank_starts(relaxed))]
    for name in ENGINES[1:]:
        engine = open_engine(name)
        told = {"engine": engine.name, "version": engine.version, "dispersion": engine.dispersion}
        again = []
        for outcome in relaxed:
            atoms = AseAtomsAdaptor.get_atoms(outcome.structure())
            atoms.calc = engine.calculator
            energy = {"energy_ev": float(atoms.get_potential_energy())}
            again.append(replace(outcome, values={**outcome.values, **told, **energy}))
        rows.append(reactions(rank_starts(again)))
    return pd.concat(rows)


def relax_built(formula: str, out: Path, engine: str) -> None:
    """Build a formula with the spacing that the study expects without any crystal of the spacer, and relax."""
    folder = out / formula
    if not (folder / "starts" / TABLE).is_file():
        expected = held_out_structure([formula])
        spacing_a = float(expected["predicted"].iloc[0]), float(expected["sd"].iloc[0])
        write_starts(build(formula, BUILT_STARTS, 0, expected_a=spacing_a), folder / "starts")
    paths = [folder / "starts" / name for name in pd.read_csv(folder / "starts" / TABLE)["file"]][:STARTS]
    relax_files(paths, folder / "relaxed", engine, limits=LIMITS, progress=_tell)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("crystals", type=Path, help="folder with the POSCAR files NUMBER.vasp")
    parser.add_argument("out", type=Path, help="folder for what is computed")
    parser.add_argument("--known", action="append", choices=ENGINES, help="relax the known crystals with this engine")
    parser.add_argument("--reacting", action="store_true", help="relax the three series with the first engine")
    parser.add_argument("--formula", action="append", choices=BUILT, help="relax the starts of this formula")
    parser.add_argument("--tables-only", action="store_true", help="compute nothing")
    given = parser.parse_args()

    files = [given.crystals / f"{number}.vasp" for number in KNOWN]
    everything = not (given.known or given.reacting or given.formula or given.tables_only)
    for engine in ENGINES if everything else given.known or ():
        relax_known(files, given.out, engine)
    if everything or given.reacting:
        relax_reacting(given.crystals, given.out)
    for formula in BUILT if everything else given.formula or ():
        relax_built(formula, given.out, ENGINES[0])
    if everything or given.tables_only:
        write_tables(given.crystals, given.out)


def write_tables(crystals: Path, out: Path) -> None:
    known = {
        engine: [o for number in KNOWN if (o := _read(out / folder_of(engine), f"{number}")) is not None]
        for engine in ENGINES
    }
    table = pd.concat([known_rows(crystals, outcomes) for outcomes in known.values()]).round(4)
    write_csv(table, TABLES / "crystal_trust.csv")
    by_file = {outcome.source: outcome for outcome in known[ENGINES[0]]}
    built = []
    done = {formula: sorted((out / formula / "relaxed").glob("*-relaxed.json")) for formula in BUILT}
    done = {formula: results for formula, results in done.items() if results}
    study = held_out_structure(list(done))
    for (formula, results), middle, sd in zip(done.items(), study["predicted"], study["sd"], strict=True):
        number = BUILT[formula]
        allowed_a = float(middle - 1.645 * sd), float(middle + 1.645 * sd)
        measured = None if number is None else crystals / f"{number}.vasp"
        reference = None if measured is None else by_file.get(measured.name)
        built.append(built_rows(formula, measured, reference, [read_outcome(path) for path in results], allowed_a))
    starts = pd.concat(built).round(4)
    write_csv(starts, TABLES / "crystal_trust_built.csv")
    found = reaction_rows(out)
    write_csv(found.round(4), TABLES / "crystal_reactions.csv")
    write_page(table, starts, found)
    draw_first(starts, out, by_file)


def draw_first(starts: pd.DataFrame, out: Path, known: dict[str, Outcome]) -> None:
    """Draw the crystal of the first formula beside its three lowest minima."""
    formula = starts["built"].iloc[0]
    rows = starts[(starts["built"] == formula) & starts["rank"].notna() & (starts["same_as"] == "")]
    crystal = known[rows["compared_with"].iloc[0]].structure()
    titles = {f"{formula}, crystal\nrelaxed": crystal}
    for row in rows.sort_values("rank").head(3).to_dict("records"):
        outcome = read_outcome(out / formula / "relaxed" / row["file"].replace(".vasp", "-relaxed.json"))
        above = signed(row["above_known_mev_per_spacer"], 0)
        titles[f"start {row['file'][-8:-5]}, {above} meV\n{row['layer_spacing_a']:.2f} Å"] = outcome.structure()
    draw_candidates(titles, PAGE.parents[1] / "images/crystals/candidates.png")


def _read(folder: Path, stem: str) -> Outcome | None:
    path = folder / f"{stem}-relaxed.json"
    return read_outcome(path) if path.is_file() else None


def _tell(what: str, done: int, in_all: int) -> None:
    if done % 10 == 0:
        print(what, f"step {done}", flush=True)


if __name__ == "__main__":
    main()
