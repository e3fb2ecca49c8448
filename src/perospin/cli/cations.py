"""`perospin cations`: look at the ion library and its quantum descriptors, compute new ones, make the tables again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perospin.errors import DataError, QuantumError

if TYPE_CHECKING:
    from perospin.chemistry import Ion, IonLibrary

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Look at cations and compute their descriptors.",
)

IonOption = Annotated[
    list[str] | None, typer.Option("--ion", help="Your own cation as 'NAME=SMILES', with its charge. Repeatable.")
]
LevelOption = Annotated[str, typer.Option("--level", help="fast, published or neutral (the neutral amine).")]


def _library(own: list[str] | None) -> IonLibrary:
    from perospin.chemistry import IonLibrary

    library = IonLibrary.default()
    return library.with_ions(own) if own else library


def _table(title: str, columns: list[str], rows: list[list[str]], text: int = 1) -> None:
    """Print a table whose first `text` columns are words, which may be folded, and whose others are figures."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for i, column in enumerate(columns):
        figures = i >= text
        table.add_column(
            column.replace("_", " ") if figures else column,  # a blank lets a long name be broken
            justify="right" if figures else "left",
            overflow="fold",
            min_width=max((len(row[i]) for row in rows), default=0) if figures else None,
        )
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    Console(highlight=False).print(table)


@app.command("list")
def list_cations(
    search: Annotated[str, typer.Argument(help="Part of a symbol, alias or name.")] = "",
    role: Annotated[str, typer.Option(help="a_site or spacer.")] = "",
) -> None:
    """List the cations of the library: symbol, name, charge, role and how far they are computed."""
    from perospin.descriptors import shipped_table

    if role not in {"", "a_site", "spacer"}:
        raise DataError(f"unknown role '{role}': use a_site or spacer")
    computed = {level: set(shipped_table(level).index) for level in ("fast", "published")}
    wanted, done = search.casefold(), computed.values()
    rows = [
        [ion.symbol, ion.name, str(ion.charge), ion.role, *("yes" if ion.symbol in s else "-" for s in done)]
        for ion in _library(None).cations
        if wanted in " ".join((ion.symbol, ion.name, *ion.aliases)).casefold() and role in ("", ion.role)
    ]
    if not rows:
        raise DataError(f"no cation matches '{search}'; see `perospin cations list` for all")
    _table(f"{len(rows)} cations", ["symbol", "name", "charge", "role", *computed], rows, text=2)


@app.command()
def show(
    symbol: Annotated[str, typer.Argument(help="Symbol, alias or name of a cation, e.g. PEA.")],
    ion: IonOption = None,
) -> None:
    """Show one cation: what it is, and its descriptors at each level that ships."""
    from perospin.descriptors import cation_values

    found = _library(ion).get(symbol)
    typer.echo(f"{found.symbol}: {found.name}, charge {found.charge:+d}, {found.molar_mass_g_mol:.3f} g/mol")
    typer.echo(f"SMILES {found.smiles or '-'}; also written {', '.join(found.aliases) or '-'}")
    if found.note:
        typer.echo(f"Note: {found.note}")
    if found.smiles is None:
        return
    levels: dict[str, Any] = {}
    for level in ("published", "fast", "neutral"):
        try:
            levels[level] = cation_values(found, level, compute=False)
        except QuantumError:
            continue
    names = list(dict.fromkeys(name for values in levels.values() for name in values))
    rows = [[name, *(f"{v[name]:.4f}" if name in v else "-" for v in levels.values())] for name in names]
    _table("Quantum descriptors", ["descriptor", *levels], rows)
    for level in {"published", "fast"} - set(levels):
        typer.echo(f"Not computed at level {level}: perospin cations compute {found.symbol} --level {level}")


def _compute(ions: list[Ion], level: str, workers: int) -> tuple[list[dict[str, Any]], dict[str, str]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from perospin.descriptors import build_table

    failed: dict[str, str] = {}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(f"cations at level {level}", total=len(ions))

        def ended(symbol: str, reason: str) -> None:
            progress.update(task, advance=1, description=f"cations at level {level} ({symbol})")
            if reason:
                failed[symbol] = reason
                progress.console.print(f"failed: {reason}", style="red", highlight=False)

        rows = build_table(ions, level, workers=workers, on_result=ended)
    return rows, failed


@app.command()
def compute(
    symbols: Annotated[list[str], typer.Argument(help="Symbols of the library or names given with --ion.")],
    level: LevelOption = "fast",
    workers: Annotated[int, typer.Option(min=1, help="Calculations at a time, one core each.")] = 1,
    ion: IonOption = None,
) -> None:
    """Compute cations (or fetch them from the cache) and print their descriptors."""
    from perospin.descriptors.cations import VALUE_COLUMNS, computed_smiles
    from perospin.descriptors.quantum import get_level

    get_level(level)  # an unknown level is reported before anything starts
    library = _library(ion)
    ions = [library.get(symbol) for symbol in symbols]
    for symbol, one in zip(symbols, ions, strict=True):
        if symbol != one.symbol:
            typer.echo(f"{symbol} is {one.symbol} ({one.name}) of the library", err=True)
        if computed_smiles(one, level) is None:
            raise DataError(f"'{one.symbol}' has no structure to compute at level {level}")
    rows, failed = _compute(ions, level, workers)
    header = ["symbol", "SMILES", "HOMO eV", "LUMO eV", "gap eV", "dipole D", "alpha a0^3", "radius A", "volume A^3"]
    shown = [[r["symbol"], r["smiles"], *(f"{r[c]:.3f}" if r[c] != "" else "-" for c in VALUE_COLUMNS)] for r in rows]
    if rows:
        _table(f"Level {level}", header, shown, text=2)
    if failed:
        raise QuantumError(f"{len(failed)} of {len(ions)} cations failed: {', '.join(sorted(failed))} (reasons above)")


@app.command()
def table(
    level: Annotated[str, typer.Argument(help="fast, published or neutral.")],
    out: Annotated[Path, typer.Option("--out", help="CSV file to write; geometries go beside it as .xyz.")],
    workers: Annotated[int, typer.Option(min=1, help="Calculations at a time, one core each.")] = 1,
) -> None:
    """Make the shipped table of a level again; resumes where it was stopped.

    The published level is made for the cations of the 52 materials, the others for every cation.
    """
    import csv

    from perospin.chemistry import IonLibrary
    from perospin.descriptors.cations import TABLE_COLUMNS, published_conformers
    from perospin.descriptors.quantum import get_level

    if not out.parent.is_dir():
        raise DataError(f"can't write '{out}': there is no folder '{out.parent}'")
    library = IonLibrary.default()
    ions = [ion for ion in library.cations if ion.smiles]
    if get_level(level).geometry == "b3lyp":
        ions = [ion for ion in ions if ion.symbol in published_conformers() or ion.symbol == "Cs"]
    rows, failed = _compute(ions, level, workers)
    if not rows:
        reason = next(iter(failed.values()), "there is none to compute")
        raise QuantumError(f"no cation could be computed at level {level}: {reason}")
    temporary = out.with_suffix(".tmp")
    with temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, TABLE_COLUMNS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    temporary.replace(out)
    with out.with_suffix(".xyz").open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(f"{len(row['symbols'])}\n{row['symbol']} level={level} {row['versions']}\n")
            for symbol, (x, y, z) in zip(row["symbols"], row["positions_a"], strict=True):
                file.write(f"{symbol} {x:.5f} {y:.5f} {z:.5f}\n")
    typer.echo(f"{len(rows)} cations in {out}, geometries in {out.with_suffix('.xyz')}")
    if failed:
        raise QuantumError(f"{len(failed)} cations failed and are missing: {', '.join(sorted(failed))}")


@app.command()
def compare() -> None:
    """Compare our published-level table with the 52-material table, cation by cation (ours minus theirs)."""
    from perospin.descriptors.comparison import compare_with_spin52

    frame = compare_with_spin52()
    rows = [[str(name), *(f"{v:+.4f}" if v == v else "-" for v in row)] for name, *row in frame.itertuples()]
    _table("Ours minus the 52-material table", ["cation", *frame.columns], rows)
    typer.echo("Median absolute differences: " + ", ".join(f"{c} {frame[c].abs().median():.4f}" for c in frame))
