"""``perospin crystal relax``: starts into crystals with energies, and how far to trust them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perospin.cli.crystal.beside import expected_words
from perospin.cli.crystal.group import app
from perospin.cli.own_ions import library_with
from perospin.digits import counted
from perospin.errors import DataError, PerospinError
from perospin.text import shorten

if TYPE_CHECKING:
    import pandas as pd

    from perospin.descriptors.structure.relaxing import EngineError, Outcome

TABLE = "relaxed.csv"
_SHOWN = 3
_TOLD = (("layer_spacing_a", "layer spacing", "A", 2), ("area_per_b_a2", "area per metal", "A^2", 2),
         ("bxb_angle_mean_deg", "metal-halide-metal angle", "deg", 1))  # fmt: skip


@app.command("relax")
def relax_command(
    files: Annotated[list[Path], typer.Argument(help="Crystals (CIF, POSCAR), or folders of them.")],
    engine: Annotated[
        str,
        typer.Option(
            "--engine", "-e", help="sevennet, sevennet:l3i5, nequix:PATH with its weights, or FILE.py:NAME, your own."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the relaxed crystals.")],
    ion: Annotated[
        list[str] | None, typer.Option("--ion", help="A cation of your own, NAME=SMILES; repeatable.")
    ] = None,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Crystals at a time, one core each.")] = 1,
    steps: Annotated[int, typer.Option("--steps", min=1, help="Most steps of one crystal.")] = 600,
    force: Annotated[float, typer.Option("--force", min=1e-4, help="Largest force left (eV/A).")] = 0.05,
    stress: Annotated[float, typer.Option("--stress", min=1e-3, help="Largest stress left (GPa).")] = 0.06,
    no_dispersion: Annotated[
        bool, typer.Option("--no-dispersion", help="Leave D3(BJ) out; layers then drift apart.")
    ] = False,
    scheduler: Annotated[
        str, typer.Option("--scheduler", help="Dask scheduler: tcp://host:port, or its scheduler file.")
    ] = "",
) -> None:
    """Relax crystals: atoms first, then the cell; rank the starts of a material by energy.

    Example: perospin crystal relax starts --engine sevennet --workers 2 --out relaxed

    Each crystal is a CIF and a JSON file; relaxed.csv lists them all. An interrupted run goes on where it stopped.
    Intervals are the spread over starts within 50 meV per spacer of the lowest, not the engine's own error.
    """
    from perospin.descriptors.structure.relaxing import Limits, crystal_files, rank_starts, relax_files
    from perospin.saving import write_csv

    library = library_with(ion)
    paths = crystal_files(files)
    limits = Limits(force, stress, steps)
    try:
        with _executor(scheduler, workers) as executor:
            outcomes = relax_files(
                paths, out, engine, dispersion=not no_dispersion, limits=limits, ions=library, executor=executor,
                progress=True, on_result=lambda outcome: _failed(outcome.source, outcome.reason),
            )  # fmt: skip
    except KeyboardInterrupt:
        typer.echo("interrupted: what was reached is kept; the same command goes on from there", err=True)
        raise
    ranked = rank_starts(outcomes, library)
    write_csv(ranked, out / TABLE)
    done = sum(outcome.crystal is not None for outcome in outcomes)
    first = next((outcome for outcome in outcomes if outcome.crystal is not None), None)
    told = f" with {first.values['engine']}, dispersion {first.values['dispersion']}" if first else ""
    typer.echo(f"{done} of {counted(len(outcomes), 'crystal')} relaxed{told}; table: {out / TABLE}")
    if first:
        _tell_engine(str(first.values["engine"]), str(first.values["dispersion"]))
    for material in dict.fromkeys(ranked.loc[ranked["rank"].notna(), "material"]):
        _tell(ranked, str(material), library)
        _draw(ranked, str(material), outcomes, out)
    _tell_others(ranked)
    if not done:
        raise DataError("no crystal was relaxed; the reasons stand above")


@contextmanager
def _executor(scheduler: str, workers: int) -> Iterator[Executor | None]:
    from perospin.studies.running.shared import sharing

    with sharing(workers, scheduler or None) as executor:
        yield executor


def _failed(source: str, reason: str) -> None:
    if reason:
        typer.secho(f"failed: {source}: {reason}", fg="red", err=True)


def _tell_engine(engine: str, dispersion: str) -> None:
    """Say how far the engine misses crystals that are known."""
    from perospin.descriptors.structure.relaxing import engine_errors, packing_error

    errors = engine_errors(engine, dispersion)
    if not errors:
        typer.echo(f"how far {engine} misses known crystals isn't known here: relax some that you know, too")
        return
    spacing, angle = errors["layer_spacing_a"], errors["bxb_angle_mean_deg"]
    typer.echo(
        f"{engine} on {counted(spacing.n_crystals, 'known crystal')}: spacing off by {spacing.rms:.1f} % rms (mean "
        f"{spacing.mean:+.1f}, worst {spacing.largest:+.1f}), angle by {angle.rms:.1f} deg (mean {angle.mean:+.1f})"
    )
    search = packing_error(engine)
    if search.n_materials:
        typer.echo(
            f"from the formula, the lowest start was packed as the crystal for {search.n_first} of "
            f"{search.n_materials} known materials ({search.n_right} of {counted(search.n_starts, 'start')} were; "
            f"{search.n_looked_at} of the materials were looked at while the search was made): take many starts"
        )


def _of(ranked: pd.DataFrame, material: str) -> pd.DataFrame:
    """Ranked starts of one material, the lowest first."""
    return ranked[(ranked["material"] == material) & ranked["rank"].notna()].sort_values("rank")


def _tell(ranked: pd.DataFrame, material: str, library: Any) -> None:
    """One material: its lowest candidates, what starts agree about, and what is known besides."""
    from rich.console import Console

    from perospin.cli.paragraphs import show_rows
    from perospin.descriptors.structure.relaxing import WINDOW_MEV, engine_errors, intervals

    rows = _of(ranked, material)
    distinct = rows[rows["same_as"] == ""]
    n_inside, unit = int(rows["in_window"].sum()), str(rows["unit"].iloc[0])
    typer.echo(
        f"{material}: {counted(len(rows), 'start')} in {counted(len(distinct), 'minimum', 'minima')}, "
        f"{n_inside} within {WINDOW_MEV:.0f} meV per {unit} of the lowest"
    )
    errors = engine_errors(str(rows["engine"].iloc[0]), str(rows["dispersion"].iloc[0]))
    beside, told = _beside(material, library)
    shown = distinct.head(_SHOWN).to_dict("records")
    unlikely = [_unlikely(row["layer_spacing_a"], errors, beside) for row in shown]
    lines = [
        [
            str(row["file"]),
            f"{row['energy_above_lowest_mev']:.1f}",
            str(1 + int((rows["same_as"] == row["file"]).sum())),
            f"{row['layer_spacing_a']:.2f}{'*' if odd else ''}",
            f"{row['bxb_angle_mean_deg']:.1f}",
            str(row["space_group"]),
            f"{row['force_ev_a']:.3f}",
            f"{row['stress_gpa']:.3f}",
        ]
        for row, odd in zip(shown, unlikely, strict=True)
    ]
    headings = ["candidate", f"meV per {unit}", "starts", "spacing (A)", "angle (deg)", "group", "eV/A", "GPa"]
    show_rows(Console(highlight=False), headings, lines, whole=range(1, 8), right=range(1, 8))
    if any(unlikely):
        typer.echo("  * outside the 90 % interval of the study layer-spacing: perhaps not the packing that grows")
    for name, words, unit, digits in _TOLD:
        found = intervals(ranked, material)[name]
        if math.isnan(found.value):
            continue
        spread = f"{found.low:.{digits}f} to {found.high:.{digits}f}" if not math.isnan(found.low) else "one start only"
        typer.echo(f"  {words} {found.value:.{digits}f} {unit} ({spread})")
        if (error := errors.get(name)) is not None and error.n_crystals > 2:
            value, low, high = error.corrected(found.value)
            typer.echo(
                f"    less the engine's mean error {value:.{digits}f} {unit} (90 %, if the packing is right: "
                f"{low:.{digits}f} to {high:.{digits}f})"
            )
    typer.echo(f"  {told}")


def _draw(ranked: pd.DataFrame, material: str, outcomes: list[Outcome], out: Path) -> None:
    """Draw the lowest candidates of a layered material."""
    from perospin.descriptors.structure.relaxing import draw_candidates

    rows = _of(ranked, material)
    rows = rows[(rows["same_as"] == "") & (rows["remark"] == "") & rows["layer_spacing_a"].notna()].head(_SHOWN)
    if rows.empty:
        return
    structures = {outcome.source: outcome for outcome in outcomes}
    titles = {
        f"{shorten(_short(row['file']), 24)}\n{row['energy_above_lowest_mev']:.0f} meV, "
        f"{row['layer_spacing_a']:.2f} Å, {row['bxb_angle_mean_deg']:.0f}°": structures[str(row["file"])].structure()
        for row in rows.to_dict("records")
    }
    path = draw_candidates(titles, out / f"candidates-{_short(material)}.png")
    typer.echo(f"  picture: {path}")


def _short(text: str) -> str:
    """Shorten a name until it fits above a panel and into a file's name."""
    return re.sub(r"[^A-Za-z0-9.-]", "", Path(text).stem if text.endswith((".cif", ".vasp")) else text)


def _beside(material: str, library: Any) -> tuple[dict[str, Any], str]:
    """Spacing by the shipped study and of known crystals, as numbers and in words."""
    from perospin.chemistry import Perovskite
    from perospin.studies.structures import spacing_beside

    try:
        found = spacing_beside(Perovskite.parse(material, library))
    except PerospinError as error:
        return {}, f"no spacing to set beside: {error}"
    return found, expected_words(found)


def _unlikely(spacing_a: float, errors: Mapping[str, EngineError], beside: Mapping[str, Any]) -> bool:
    """Whether a spacing, less the engine's mean error, lies outside what the study expects."""
    if "layer_spacing_a" in errors:
        spacing_a = errors["layer_spacing_a"].corrected(spacing_a)[0]
    return spacing_a < beside.get("study_spacing_low_a", math.nan) or spacing_a > beside.get(
        "study_spacing_high_a", math.nan
    )


def _tell_others(ranked: pd.DataFrame) -> None:
    """Say what has no rank, and why."""
    others = ranked[ranked["rank"].isna() & (ranked["remark"] != "") & (ranked["space_group"] != "")]
    for row in others.to_dict("records"):
        typer.echo(f"  without rank: {row['file']}: {row['remark']}", err=True)
