"""`perospin cations`: look at the ion library and its quantum descriptors, compute new ones, make the tables again."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from perospin.cli.paragraphs import JsonOption, print_json, say, show_rows
from perospin.digits import counted
from perospin.errors import DataError, QuantumError, UnknownIonError
from perospin.progress import progress_line
from perospin.saving import whole_file, write_csv, write_rows, write_with
from perospin.text import shorten

if TYPE_CHECKING:
    import pandas as pd

    from perospin.chemistry import Ion, IonLibrary
    from perospin.descriptors.cations.table import Cation

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
WorkersOption = Annotated[
    int | None, typer.Option("--workers", min=1, help="Calculations at a time on this machine, one core each [1].")
]
SchedulerOption = Annotated[
    str, typer.Option("--scheduler", help="Dask scheduler to compute on: tcp://host:port, or its scheduler file.")
]
NoShippedOption = Annotated[bool, typer.Option("--no-shipped", help="Compute what the shipped table holds, too.")]
LevelOption = Annotated[str, typer.Option("--level", help="fast, published or neutral (the neutral amine).")]


def _library(own: list[str] | None) -> IonLibrary:
    from perospin.chemistry import IonLibrary

    library = IonLibrary.default()
    return library.with_ions(own) if own else library


def _table(title: str, columns: list[str], rows: list[list[str]], text: int = 1) -> None:
    """Print a table whose first `text` columns are words, which may be folded, and whose others are figures."""
    from rich.console import Console

    figures = range(text, len(columns))
    show_rows(Console(highlight=False), columns, rows, whole=figures, right=figures, title=title)


@app.command("list")
def list_cations(
    search: Annotated[str, typer.Argument(help="Part of a symbol, alias or name.")] = "",
    role: Annotated[str, typer.Option(help="a_site or spacer.")] = "",
    as_json: JsonOption = False,
) -> None:
    """List the cations of the library: symbol, name, charge, role and how far they are computed.

    Example: perospin cations list
    """
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
    heads = ["symbol", "name", "charge", "role", *computed]
    if as_json:
        print_json([{**dict(zip(heads, row, strict=True)), "charge": int(row[2])} for row in rows])
        return
    _table(f"{counted(len(rows), 'cation')}", heads, rows, text=2)


@app.command()
def show(
    symbol: Annotated[str, typer.Argument(help="Symbol, alias or name of a cation, e.g. PEA.")],
    ion: IonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one cation: what it is, and its descriptors at each level that ships.

    Example: perospin cations show PEA
    """
    from rich.console import Console
    from rich.markup import escape

    from perospin.descriptors import cation_values

    found = _library(ion).get(symbol)
    console = Console(highlight=False)
    told = [
        f"{found.symbol}: {found.name}, charge {found.charge:+d}, {found.molar_mass_g_mol:.3f} g/mol",
        f"SMILES {found.smiles or '-'}; also written {', '.join(found.aliases) or '-'}",
        *([f"Note: {found.note}"] if found.note else []),
    ]
    levels: dict[str, Any] = {}
    for level in ("published", "fast", "neutral") if found.smiles is not None else ():
        try:
            levels[level] = cation_values(found, level, compute=False)
        except QuantumError:
            continue
    if as_json:
        print_json({**asdict(found), "molar_mass_g_mol": found.molar_mass_g_mol, "descriptors": levels})
        return
    for sentence in told:
        say(console, escape(sentence), indent=0, hang=4)
    if found.smiles is None:
        return
    names = list(dict.fromkeys(name for values in levels.values() for name in values))
    from perospin.descriptors.si_table import unit_of

    rows = [[name, *(f"{v[name]:.4f}" if name in v else "-" for v in levels.values()), unit_of(name)] for name in names]
    _table("Quantum descriptors of the isolated cation", ["descriptor", *levels, "unit"], rows)
    for level in {"published", "fast"} - set(levels):
        typer.echo(f"Not computed at level {level}: perospin cations compute {found.symbol} --level {level}")


@app.command("names")
def list_names(
    name: Annotated[str, typer.Argument(help="Only this abbreviation.")] = "",
    source: Annotated[str, typer.Option("--list", help="Which published list of ions.")] = "nomad",
    clashes: Annotated[bool, typer.Option("--clashes", help="Only names that mean another molecule here.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Compare abbreviations with a published ion list: what each means there and here.

    Example: perospin cations names --clashes
    """
    from collections import Counter

    from perospin.chemistry.names import get_names

    chosen, library = get_names(source), _library(None)
    mine = library.with_names("perospin")

    def here(key: str) -> str:
        return " or ".join(ion.symbol for ion in mine.states(key)[:1]) if key in mine else "-"

    wanted = [
        row for row in chosen.rows
        if name in ("", row.name, *row.alternatives) and (not clashes or library.clash(row.name))
    ]  # fmt: skip
    if not wanted:
        raise DataError(f"the {chosen.title} has no name '{shorten(name)}'" if name else "no name clashes")
    rows = [[row.name, row.common_name, row.verdict, row.symbol or "-", here(row.name), row.remark] for row in wanted]
    if as_json:
        keys = ("name", "in_the_list", "verdict", "with_names", "else", "remark")
        print_json([dict(zip(keys, row, strict=True)) for row in rows])
        return
    _table(f"{counted(len(rows), 'name')}, {chosen.licence}", ["name", "in the list", "", "with --names", "else", ""],
           rows, text=6)  # fmt: skip
    verdicts = Counter(row.verdict for row in chosen.rows)
    typer.echo(
        f"{chosen.title}: {len(chosen.rows)} rows; {len(chosen.rows) - verdicts['uncertain']} are read with --names "
        f"{chosen.key} ({', '.join(f'{verdicts[v]} {v}' for v in ('known', 'added', 'protons', 'hand'))}), "
        f"{verdicts['uncertain']} uncertain; {sum(bool(library.clash(row.name)) for row in chosen.rows)} names mean "
        "another molecule here: a caution says so"
    )


@contextmanager
def _executor(scheduler: str, workers: int | None) -> Iterator[Executor | None]:
    """Give the executor of a Dask cluster, or None for the local pool."""
    if not scheduler:
        yield None
        return
    if workers is not None:
        raise DataError("give --workers for this machine or --scheduler for a cluster, not both")
    from perospin.descriptors.quantum.cluster import dask_executor

    with dask_executor(scheduler) as executor:
        yield executor


@contextmanager
def _progress(total: int, level: str) -> Iterator[tuple[Callable[[str, str], None], dict[str, str]]]:
    """Show a progress bar; give the function that hears of each end, and the reasons of failures by name."""
    failed: dict[str, str] = {}
    n_ended = 0
    try:
        with progress_line() as tell:
            assert tell is not None
            tell(f"cations at level {level}", 0, total)

            def ended(name: str, reason: str) -> None:
                nonlocal n_ended
                n_ended += 1
                tell(f"cations at level {level} ({name})", n_ended, total)
                if reason:
                    failed[name] = reason
                    typer.secho(f"failed: {name}: {reason}", fg="red", err=True)

            yield ended, failed
    except KeyboardInterrupt:
        typer.echo(
            f"interrupted: {n_ended} of {total} had ended and are kept; the same command goes on from there", err=True
        )
        raise


def _write_failures(path: Path, failures: Sequence[Mapping[Any, Any]]) -> None:
    """Write the table of failures, or remove the one of an earlier run."""
    if not failures:
        path.unlink(missing_ok=True)
        return

    write_rows(path, ("name", "smiles", "level", "reason"), failures)
    typer.echo(f"Failures and their reasons: {path}", err=True)


def _check_out(out: Path, endings: tuple[str, ...]) -> None:
    if not out.parent.is_dir():
        raise DataError(f"can't write '{out}': there is no folder '{out.parent}'")
    if out.suffix not in endings:
        raise DataError(f"can't write '{out}': its name must end in {' or '.join(endings)}")


def _read_file(path: Path, smiles_column: str, name_column: str) -> list[tuple[str, str]]:
    """Names and SMILES of a file: CSV or TSV with columns, or text with `SMILES name` in each line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"can't read '{path}': {error}") from None
    if path.suffix.lower() in {".csv", ".tsv"}:
        reader = csv.DictReader(text.splitlines(), delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
        header = {name.strip().casefold(): name for name in reader.fieldnames or ()}
        wanted = header.get((smiles_column or "smiles").casefold())
        if wanted is None:
            raise DataError(
                f"'{path}' has no column '{smiles_column or 'smiles'}'; it has {', '.join(header) or 'none'}: "
                "name the one with the SMILES by --smiles-column"
            )
        if name_column and name_column.casefold() not in header:
            raise DataError(f"'{path}' has no column '{name_column}'; it has {', '.join(header)}")
        names = [name_column.casefold()] if name_column else ["name", "symbol", "id"]
        label = next((header[name] for name in names if name in header), None)
        entries = [
            ((row[label] or "").strip() if label else "", (row[wanted] or "").strip())
            for row in reader
            if any(row.values())
        ]
    else:
        lines = [line.split(maxsplit=1) for line in text.splitlines() if line.strip() and not line.startswith("#")]
        entries = [(words[1].strip() if len(words) > 1 else "", words[0]) for words in lines]
    if not entries:
        raise DataError(f"'{path}' holds no SMILES: one a line, or a column 'smiles'")
    return [(name or f"row {i}", smiles) for i, (name, smiles) in enumerate(entries, start=1)]


def _is_smiles(text: str) -> bool:
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        return Chem.MolFromSmiles(text) is not None


def _cations(
    given: list[str], library: IonLibrary, smiles_column: str, name_column: str, protonate_amines: bool
) -> list[Cation]:
    """Cations of symbols, SMILES and files; an unknown symbol is refused at once, a bad line of a file is a row."""
    from perospin.descriptors.cations.table import Cation
    from perospin.descriptors.quantum import canonical_smiles, protonate, require_cation

    by_smiles: dict[str, Ion] = {}

    def known(smiles: str) -> Ion | None:
        if not by_smiles:
            for ion in library.cations:
                if ion.smiles:
                    by_smiles.setdefault(canonical_smiles(ion.smiles), ion)
        try:
            return by_smiles.get(canonical_smiles(protonate(smiles) if protonate_amines else smiles))
        except QuantumError:
            return None  # reported as its row

    found = []
    for text in given:
        path = Path(text)
        if path.suffix.lower() in {".csv", ".tsv", ".txt", ".smi"}:
            entries = _read_file(path, smiles_column, name_column)
            found += [Cation(name, smiles, known(smiles)) for name, smiles in entries]
            continue
        try:
            ion = library.get(text)
        except UnknownIonError:
            if not _is_smiles(text):
                raise
            if not protonate_amines:
                require_cation(text)
            same = known(text)
            found.append(Cation(text, text, same))
        else:
            if not ion.smiles or ion.charge <= 0:
                raise DataError(f"'{text}' is {ion.name} in the library, which is no cation with a structure")
            same = ion
            found.append(Cation(ion.symbol, ion.smiles, ion))
        if same is not None and text not in {same.symbol, same.smiles}:
            typer.echo(f"{text} is {same.symbol} ({same.name}) of the library", err=True)
    return found


@app.command()
def compute(
    cations: Annotated[
        list[str],
        typer.Argument(
            help="Symbols of the library, names given with --ion, SMILES, or files (.csv, .tsv, .txt, .smi)."
        ),
    ],
    level: LevelOption = "fast",
    out: Annotated[
        Path | None, typer.Option("--out", help="Table to write, .csv or .parquet, with every descriptor.")
    ] = None,
    extra: Annotated[
        bool, typer.Option("--extra", help="Also charge and highest potential of the ammonium head.")
    ] = False,
    protonate: Annotated[
        bool, typer.Option("--protonate", help="Protonate neutral amines at their most basic nitrogen.")
    ] = False,
    smiles_column: Annotated[str, typer.Option(help="Column of a file that holds the SMILES [smiles].")] = "",
    name_column: Annotated[str, typer.Option(help="Column that names the rows [name, symbol or id].")] = "",
    workers: WorkersOption = None,
    scheduler: SchedulerOption = "",
    no_shipped: NoShippedOption = False,
    ion: IonOption = None,
) -> None:
    """Compute cations (or fetch them from the shipped table or the cache), print or write their descriptors.

    Example: perospin cations compute PEA BA --out cations.csv
    """
    from perospin.descriptors.cations.table import EXTRA_COLUMNS, VALUE_COLUMNS, cation_table
    from perospin.descriptors.quantum import get_level

    get_level(level)  # an unknown level is reported before anything starts
    if out is not None:
        _check_out(out, (".csv", ".parquet"))
    wanted = _cations(cations, _library(ion), smiles_column, name_column, protonate)
    with _executor(scheduler, workers) as executor, _progress(len(wanted), level) as (ended, failed):
        frame = cation_table(
            wanted,
            level,
            extra=extra,
            protonate_amines=protonate,
            workers=workers or 1,
            executor=executor,
            reuse_shipped=not no_shipped,
            on_result=ended,
        )
    bad = frame["status"] != "ok"
    if out is not None:
        if out.suffix == ".csv":
            write_csv(frame, out)
        else:
            with whole_file(out) as part:
                frame.to_parquet(part, index=False)
        typer.echo(f"{counted(len(frame), 'row')} in {out}")
        failures = frame.loc[bad, ["name", "smiles", "reason"]].assign(level=level).to_dict("records")
        _write_failures(out.with_suffix(".failures.csv"), failures)
    elif not bad.all():
        names = ["HOMO eV", "LUMO eV", "gap eV", "dipole D", "alpha a0^3", "radius A", "volume A^3"]
        _print_columns(frame[~bad], f"Level {level}", dict(zip(VALUE_COLUMNS, names, strict=True)))
        if extra:
            _print_columns(frame[~bad], "Ammonium head", dict(zip(EXTRA_COLUMNS, ("charge e", "ESP V"), strict=True)))
    if failed:
        shown = ", ".join(sorted(failed)[:10]) + (" ..." if len(failed) > 10 else "")
        raise QuantumError(f"{bad.sum()} of {len(frame)} cations failed: {shown} (reasons above)")


def _print_columns(frame: pd.DataFrame, title: str, columns: Mapping[str, str]) -> None:
    rows = [
        [row["name"], row["smiles"], *(f"{row[c]:.3f}" if row[c] == row[c] else "-" for c in columns)]
        for row in frame.to_dict("records")
    ]
    _table(title, ["cation", "SMILES", *columns.values()], rows, text=2)


@app.command()
def table(
    level: Annotated[str, typer.Argument(help="fast, published or neutral.")],
    out: Annotated[Path, typer.Option("--out", help="CSV file to write; geometries go beside it as .xyz.")],
    workers: WorkersOption = None,
    scheduler: SchedulerOption = "",
    no_shipped: NoShippedOption = False,
) -> None:
    """Make the shipped table of a level again; resumes where it was stopped.

    The published level is made for the cations of the 52 materials, the others for every cation. Rows of the shipped
    table are kept where molecule, recipe, seed and versions are the same, unless --no-shipped.

    Example: perospin cations table published --out table.csv
    """
    from perospin.chemistry import IonLibrary
    from perospin.descriptors import build_table
    from perospin.descriptors.cations.table import TABLE_COLUMNS, computed_smiles, published_conformers
    from perospin.descriptors.quantum import get_level
    from perospin.descriptors.quantum.engine import DEFAULT_SEED

    chosen = get_level(level)
    _check_out(out, (".csv",))
    ions = [ion for ion in IonLibrary.default().cations if computed_smiles(ion, level) is not None]
    if chosen.geometry == "b3lyp":
        ions = [ion for ion in ions if ion.symbol in published_conformers() or ion.symbol == "Cs"]
    with _executor(scheduler, workers) as executor, _progress(len(ions), level) as (ended, failed):
        rows = build_table(
            ions, level, workers=workers or 1, executor=executor, reuse_shipped=not no_shipped, on_result=ended
        )
    if not rows:
        reason = next(iter(failed.values()), "there is none to compute")
        raise QuantumError(f"no cation could be computed at level {level}: {reason}")

    def write_geometries(file: TextIO) -> None:
        recipe = f"level={level} revision={chosen.revision} seed={DEFAULT_SEED}"
        for row in rows:
            file.write(f"{len(row['symbols'])}\n{row['symbol']} {recipe} {row['versions']}\n")
            for symbol, (x, y, z) in zip(row["symbols"], row["positions_a"], strict=True):
                file.write(f"{symbol} {x:.5f} {y:.5f} {z:.5f}\n")

    write_rows(out, TABLE_COLUMNS, rows)
    write_with(out.with_suffix(".xyz"), write_geometries)
    typer.echo(f"{counted(len(rows), 'cation')} in {out}, geometries in {out.with_suffix('.xyz')}")
    smiles = {one.symbol: one.smiles for one in ions}
    failures = [{"name": n, "smiles": smiles[n], "level": level, "reason": reason} for n, reason in failed.items()]
    _write_failures(out.with_suffix(".failures.csv"), failures)
    if failed:
        raise QuantumError(f"failed and missing, {counted(len(failed), 'cation')}: {', '.join(sorted(failed))}")


cache_app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="The computed molecules on this machine (or in the folder PEROSPIN_CACHE): Parquet, shared by any number.",
)
app.add_typer(cache_app, name="cache")


@cache_app.command("list")
def cache_list(as_json: JsonOption = False) -> None:
    """Count the results by level and versions.

    Example: perospin cations cache list
    """
    from perospin.descriptors.quantum import ResultCache

    cache = ResultCache()
    counts = cache.summary()
    if as_json:
        print_json({"folder": str(cache.folder), "results": counts.to_dict("records")})
        return
    if counts.empty:
        typer.echo(f"Nothing is cached in {cache.folder}")
        return
    rows = [
        [str(r.pop("level")), *(f"{v:.2f}" if k == "hours" else str(v) for k, v in r.items())]
        for r in counts.to_dict("records")
    ]
    _table(
        f"{counts['results'].sum()} results in {cache.folder}", [str(c).replace("_version", "") for c in counts], rows
    )


@cache_app.command("verify")
def cache_verify(
    remove: Annotated[bool, typer.Option("--remove", help="Delete the files that can't be used.")] = False,
) -> None:
    """Read every file to its last byte and name those that are damaged or foreign; they are never used.

    Example: perospin cations cache verify
    """
    from perospin.descriptors.quantum import ResultCache

    cache = ResultCache()
    faults = cache.verify()
    for fault in faults:
        typer.echo(f"{fault.path}: {fault.reason}")
        if remove:
            fault.path.unlink(missing_ok=True)
    n_files = len(cache.files())
    if faults and not remove:
        raise DataError(f"{len(faults)} of {n_files} cached files can't be used: delete them with --remove")
    typer.echo(f"{n_files} whole files" + (f", {len(faults)} damaged ones removed" if faults else ""))


@cache_app.command("compact")
def cache_compact() -> None:
    """Merge all results into one file; others may go on reading and writing meanwhile.

    Example: perospin cations cache compact
    """
    from perospin.descriptors.quantum import ResultCache

    cache = ResultCache()
    typer.echo(f"{counted(cache.compact(), 'result')} in {counted(len(cache.files()), 'file')} in {cache.folder}")


@cache_app.command("import")
def cache_import(
    folder: Annotated[Path, typer.Argument(help="Cache folder of another machine or of version 0.1.")],
) -> None:
    """Take over the results of another cache folder that are not here yet.

    Example: perospin cations cache import other-cache
    """
    from perospin.descriptors.cations.table import import_cache

    typer.echo(f"{import_cache(folder)} results taken over from {folder}")


@app.command()
def compare(as_json: JsonOption = False) -> None:
    """Compare our published-level table with the 52-material table, cation by cation (ours minus theirs).

    Example: perospin cations compare
    """
    from perospin.descriptors.cations.comparison import compare_with_spin52

    frame = compare_with_spin52()
    if as_json:
        print_json(frame.reset_index().to_dict("records"))
        return
    rows = [[str(name), *(f"{v:+.4f}" if v == v else "-" for v in row)] for name, *row in frame.itertuples()]
    _table("Ours minus the 52-material table", ["cation", *frame.columns], rows)
    typer.echo("Median absolute differences: " + ", ".join(f"{c} {frame[c].abs().median():.4f}" for c in frame))
