"""``perospin describe``: descriptors of formulas, structure files, folders and lists, printed or written to a file."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perospin.cli.own_ions import NamesOption, library_with
from perospin.cli.paragraphs import announce
from perospin.digits import counted
from perospin.errors import DataError, PerospinError
from perospin.progress import progress_line

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from perospin.descriptors.writing import UnfinishedTable

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Describe materials: formulas, crystal structures, whole lists.",
)

_CHUNK = 2000
_FILES_CHUNK = 10
_MOST_SHOWN = 24
_LISTS = (".txt", ".csv", ".tsv", ".dat")
_NAMES = ("material", "formula")
_MAIN = (
    "homo_ev", "lumo_ev", "dipole_debye", "polarisability_a3", "molecular_radius_a", "inverse_n", "spacer_charge",
    "barrier_thickness_a", "tolerance_factor", "spacer_dielectric_constant", "spacer_neutral_dipole_debye",
    "octahedral_factor", "structure", "space_group", "dimensionality", "connectivity", "volume_per_b_a3", "n_layers",
    "layer_spacing_a", "layer_thickness_a", "layer_shift_t1", "layer_shift_t2", "nitrogen_depth_a", "bx_length_mean_a",
    "bx_length_range_a", "distortion_index", "bond_angle_variance_deg2", "bxb_angle_mean_deg", "beta_in_deg",
    "beta_out_deg", "delta_beta_in_deg", "measured_exciton_binding_energy_mev", "measured_band_gap_ev",
    "measured_volume_per_metal_a3", "measured_layer_spacing_a", "measured_metal_halide_distance_a",
    "measured_metal_halide_metal_angle_deg", "expected_layer_spacing_a", "expected_layer_spacing_low_a",
    "expected_layer_spacing_high_a", "expected_layer_spacing_from", "expected_angle_deg", "expected_angle_low_deg",
    "expected_angle_high_deg", "expected_angle_from",
)  # fmt: skip
"""What is printed unless asked otherwise: what fits a screen."""


@app.command()
def describe(
    items: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ITEM...",
            help="A formula; a structure file (CIF, POSCAR); FORMULA=FILE; a folder of structure files; a list (.txt, "
            ".csv) with one formula a line or in a column 'material' or 'formula'; or - for a list on standard input.",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write this .csv or .parquet file.")] = None,
    level: Annotated[str, typer.Option("--level", help="Level of the cations: fast or published.")] = "fast",
    measured: Annotated[bool, typer.Option("--measured", help="Add measured features from the records.")] = False,
    sources: Annotated[
        Path | None, typer.Option("--sources", help="Write the sources of all measured features (.csv, .parquet).")
    ] = None,
    structure: Annotated[
        str | None,
        typer.Option(
            "--structure",
            help="predicted: add layer spacing and bond angle, measured where a crystal is known, else predicted.",
        ),
    ] = None,
    columns: Annotated[
        str | None, typer.Option("--columns", help="Only these columns, comma separated; see --list-columns.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Print all columns, not just the main ones.")] = False,
    ion: Annotated[
        list[str] | None, typer.Option("--ion", help="A cation of your own, NAME=SMILES; repeatable.")
    ] = None,
    store: Annotated[str | None, typer.Option("--store", help="Your store of records, if not the usual one.")] = None,
    compute: Annotated[
        bool | None,
        typer.Option(
            "--compute/--no-compute",
            help="Compute cations that no shipped table holds, or don't; by default those of formulas only.",
            show_default=False,
        ),
    ] = None,
    table: Annotated[
        str | None,
        typer.Option(
            "--table", help="si: symbol, name, value and unit for a paper; --out takes .csv, .xlsx, .md or .tex."
        ),
    ] = None,
    names: NamesOption = None,
    list_columns: Annotated[
        bool, typer.Option("--list-columns", help="List all columns with what they are, and stop.")
    ] = False,
) -> None:
    """Describe materials by their ions, by their crystal structure where given, and by what has been measured.

    Example: perospin describe "(PEA)2PbI4" examples/crystals --table si

    What can't be described is named with the reason and left out; the rest is printed or written all the same, and
    the exit code is 2. With --out, structure files are kept as they come: the same command goes on where it stopped.
    """
    from rich.console import Console

    console = Console(highlight=False)
    if list_columns:
        _print_columns(console)
        return
    if not items:
        raise DataError("nothing to describe: give formulas, structure files, a folder or a list; see --help")
    from importlib.metadata import version

    from perospin.descriptors.quantum import get_level
    from perospin.descriptors.si_table import SI_ENDINGS
    from perospin.descriptors.writing import UnfinishedTable

    get_level(level)
    if table not in (None, "si"):
        raise DataError(f"--table '{table}': there is one kind of table, si")
    if table is not None and out is not None and out.suffix.lower() not in SI_ENDINGS:
        raise DataError(f"--out {out}: a table for the SI is written as {', '.join(SI_ENDINGS)}")
    library = library_with(ion, names)
    wanted = None if columns is None else _chosen(columns)
    measured = measured or sources is not None or bool(wanted and any(name.startswith("measured_") for name in wanted))
    if wanted and any(name.startswith("expected_") for name in wanted):
        structure = "predicted"
    found = _Read(items)
    structural = found.structures or bool(wanted and set(wanted) & set(_columns()["structure"]))
    failed: list[str] = []

    def fail(name: str, error: PerospinError) -> None:
        failed.append(name)
        typer.echo(f"not described: {name}: {_without(name, str(error))}", err=True)

    def frames() -> Iterator[pd.DataFrame]:
        from perospin.studies.structures import describe as describe_materials

        tell = None if compute is False else announce
        while chunk := list(islice(stream, _FILES_CHUNK if found.structures else _CHUNK)):
            yield describe_materials(
                chunk,
                level,
                ions=library,
                compute=compute,
                on_compute=tell,
                structural=structural,
                structure=structure,
                measured=measured,
                store=store,
                on_error=fail,
            )

    if table is not None:
        stream = found.stream()
        _si(console, frames(), wanted, out)
        _report(failed, 0)
        return
    if out is not None and found.structures and sources is None:
        settings = {
            "level": level,
            "ions": list(ion or ()),
            "measured": measured,
            "compute": compute,
            "also": structure,
        }
        unfinished = UnfinishedTable(
            out, {**settings, "structure": structure, "store": store or "", "version": version("perospin")}
        )
        stream = found.stream(unfinished.done)
        _write_unfinished(frames(), unfinished, wanted, out)
        _report(failed, len(unfinished.done))
        return
    stream = found.stream()
    # the first chunk before the file is opened: a list that can't be read leaves nothing behind
    pieces = frames()
    told = _Told()
    try:
        first = next(pieces, None)
        if first is None:
            raise DataError("there is nothing to describe in what was given")
        shown = _write(chain([first], pieces), wanted, out, sources, told)
    except KeyboardInterrupt:
        typer.echo("perospin: interrupted; no file was written, computed cations are kept", err=True)
        raise typer.Exit(130) from None
    if out is None and shown is not None and len(shown):
        _print(console, shown, wanted, everything, told.rows)
    elif out is not None and told.rows:
        typer.echo(f"{counted(told.rows, 'material')} in {out}, {counted(told.columns, 'column')}")
    if sources is not None:
        typer.echo(f"{told.sources} sources of measured features in {sources}")
    _report(failed, told.rows)


def _si(console: Console, frames: Iterable[pd.DataFrame], wanted: Sequence[str] | None, out: Path | None) -> None:
    """Print or write the table for the supporting information."""
    import pandas as pd
    from rich.markup import escape
    from rich.table import Table

    from perospin.descriptors.si_table import si_table, write_si_table

    told = _Told()
    kept = []
    for frame in frames:
        told.warn(frame)
        kept.append(frame)
    made = si_table(pd.concat(kept), wanted) if kept else pd.DataFrame()
    if made.empty:
        return
    if out is not None:
        count = made.shape[1] - 3
        materials = counted(count, "material")
        typer.echo(f"{counted(len(made), 'quantity', 'quantities')} of {materials} in {write_si_table(made, out)}")
        return
    shown = Table(header_style="bold", box=None, pad_edge=False)
    for i, name in enumerate(made.columns):
        shown.add_column(escape(str(name)), justify="left" if i < 3 else "right", no_wrap=i != 1)
    for row in made.itertuples(index=False):
        shown.add_row(*(escape(str(cell)) for cell in row))
    console.print(shown)


def _report(failed: Sequence[str], rows: int) -> None:
    if failed:
        raise DataError(f"{len(failed)} of {rows + len(failed)} could not be described ({_few(failed)}); reasons above")


def _write_unfinished(
    frames: Iterable[pd.DataFrame], table: UnfinishedTable, wanted: Sequence[str] | None, out: Path
) -> None:
    """Write rows as they come, then the table."""
    if table.done:
        typer.echo(f"going on after {counted(len(table.done), 'file')} of an interrupted run", err=True)
    told = _Told()
    try:
        with _progress(True) as tell:
            for frame in frames:
                told.warn(frame)
                table.write(frame)
                table.done |= set(frame["structure"]) if len(frame) else set()
                tell(len(table.done))
    except KeyboardInterrupt:
        typer.echo(f"perospin: interrupted; {len(table.done)} files are kept, the same command goes on", err=True)
        raise typer.Exit(130) from None
    rows, columns = table.finish(wanted)
    if rows:
        typer.echo(f"{counted(rows, 'material')} in {out}, {counted(columns, 'column')}")


class _Told:
    """What was written, and which warnings were said."""

    def __init__(self) -> None:
        self.rows = 0
        self.columns = 0
        self.sources = 0
        self.known: set[tuple[Any, Any]] = set()

    def warn(self, frame: pd.DataFrame) -> None:
        for warning in dict.fromkeys(frame.attrs.get("warnings", ())):
            typer.echo(f"note: {warning}", err=True)


def _write(
    frames: Iterable[pd.DataFrame], wanted: Sequence[str] | None, out: Path | None, sources: Path | None, told: _Told
) -> pd.DataFrame | None:
    """Write all frames and their sources; return the first rows if they are to be printed."""
    import pandas as pd

    from perospin.descriptors.measured import SOURCE_COLUMNS
    from perospin.descriptors.writing import TableWriter

    shown: list[pd.DataFrame] = []
    table = TableWriter(out) if out is not None else None
    cited = TableWriter(sources) if sources is not None else None
    with table or nullcontext(), cited or nullcontext(), _progress(out is not None) as tell:
        for frame in frames:
            told.warn(frame)
            if cited is not None:
                new = [s for s in frame.attrs["sources"] if (s["material"], s["column"]) not in told.known]
                told.known |= {(s["material"], s["column"]) for s in new}
                told.sources += len(new)
                cited.write(pd.DataFrame(new, columns=list(SOURCE_COLUMNS)).set_index("material"))
            chosen = frame if wanted is None else frame[list(wanted)]
            told.columns = chosen.shape[1]
            if table is not None and len(chosen):
                table.write(chosen)
            elif table is None and told.rows < _MOST_SHOWN:
                shown.append(chosen.iloc[: _MOST_SHOWN - told.rows])
            told.rows += len(chosen)
            tell(told.rows)
    return pd.concat(shown) if shown else None


def _progress(long: bool) -> Any:
    """Context with a function to call with the number of materials done."""
    if not (long and sys.stderr.isatty()):
        return nullcontext(lambda rows: None)
    return _counting()


@contextmanager
def _counting() -> Iterator[Callable[[int], None]]:
    """Count materials: a stream has no known length."""
    with progress_line() as tell:
        assert tell is not None
        yield lambda rows: tell("materials", rows, 0)


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _without(name: str, message: str) -> str:
    """Drop a file's name from the front of a message that is printed behind it."""
    return message.removeprefix(f"{name}: ").removeprefix(f"{name} ")


# --- what was given ----------------------------------------------------------------------------------------------


class _Read:
    """The items of the command line: which are structures, and all of them as a stream for `describe`."""

    def __init__(self, items: Sequence[str]) -> None:
        self._parts = [_part(item) for item in items]
        self.structures = any(holds for holds, _ in self._parts)

    def stream(self, done: Container[str] = ()) -> Iterator[Any]:
        for _, part in self._parts:
            for item in part:
                file = item[1] if isinstance(item, tuple) else item
                if not (isinstance(file, Path) and str(file) in done):
                    yield item


def _part(item: str) -> tuple[bool, Iterable[Any]]:
    """Whether an item of the command line holds structures, and what it holds."""
    from perospin.descriptors.describe import is_file

    path = Path(item)
    if item == "-":
        return False, _formulas(sys.stdin, "standard input")
    if is_file(item):
        formula, sign, file = item.rpartition("=")
        if sign and not path.is_file():
            return True, [(formula.strip(), Path(file.strip()))]
        return True, [path]
    if path.is_dir():
        files = [file for file in sorted(path.rglob("*")) if is_file(str(file)) and file.is_file()]
        if not files:
            raise DataError(
                f"the folder '{item}' holds no structure file (.cif, .mcif, .vasp, .poscar, POSCAR, CONTCAR)"
            )
        return True, files
    if path.suffix.lower() in _LISTS:
        return False, _list(path)
    return False, [item]


def _list(path: Path) -> Iterator[str]:
    if not path.is_file():
        raise DataError(f"there is no file '{path}'")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from _formulas(file, f"'{path}'")
    except UnicodeDecodeError:
        raise DataError(f"'{path}' is not UTF-8 text; give a list of formulas, or a table saved as CSV") from None
    except OSError as error:
        raise DataError(f"can't read '{path}': {error.strerror or error}") from None


def _formulas(lines: Iterable[str], where: str) -> Iterator[str]:
    """Formulas of a list, line by line: bare, or from the column 'material' or 'formula' of a CSV table."""
    reader = csv.reader(lines, skipinitialspace=True)
    column = None
    first = True
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells) or cells[0].startswith("#"):
                continue
            names = [cell.strip().lower() for cell in cells]
            if first:
                first = False
                column = next((names.index(name) for name in _NAMES if name in names), None)
                if column is not None:
                    continue
                if len(cells) > 1:
                    raise DataError(
                        f"{where} has several columns, but none called 'material' or 'formula': {', '.join(cells):.80}"
                    )
            if len(cells) <= (column or 0):
                raise DataError(f"{where}, line {reader.line_num}: there is no cell for the formula")
            yield cells[column or 0].strip()
    except csv.Error as error:
        raise DataError(f"{where} is not a list of formulas: line {reader.line_num}: {error}") from None


# --- columns -----------------------------------------------------------------------------------------------------


def _columns() -> dict[str, dict[str, str]]:
    """All columns by heading, with what each is."""
    from perospin.descriptors import DESCRIPTIONS, MEASURED_DESCRIPTIONS, STRUCTURE_DESCRIPTIONS, STRUCTURE_TEXTS
    from perospin.descriptors.intrinsic import AVERAGED, COLUMNS, SPACER
    from perospin.studies.structures import EXPECTED_DESCRIPTIONS

    def meaning(column: str) -> str:
        for prefix, site in (("spacer_", "spacer"), ("a_site_", "A site")):
            bare = column.removeprefix(prefix)
            if column not in DESCRIPTIONS and bare != column:
                if bare in AVERAGED:
                    return f"{DESCRIPTIONS[bare]}, {site} alone"
                return f"{bare.replace('_', ' ')} of the {site}"
        return DESCRIPTIONS[column]

    groups: dict[str, list[str]] = {
        "cations, composition average": [c for c in COLUMNS if c in AVERAGED],
        "layers and barrier": [],
        "spacer": [c for c in COLUMNS if c.startswith("spacer_") and c.removeprefix("spacer_") in {*AVERAGED, *SPACER}],
        "A site": [c for c in COLUMNS if c.startswith("a_site_")],
        "metal and halide": [
            c for c in COLUMNS if c.startswith(("metal_", "halide_")) or c in ("bromide_fraction", "octahedral_factor")
        ],
    }
    placed = {column for group in groups.values() for column in group}
    groups["layers and barrier"] = [column for column in COLUMNS if column not in placed]
    listed = {heading: {column: meaning(column) for column in group} for heading, group in groups.items()}
    listed["structure"] = {**STRUCTURE_TEXTS, **STRUCTURE_DESCRIPTIONS}
    listed["measured"] = dict(MEASURED_DESCRIPTIONS)
    listed["expected structure"] = dict(EXPECTED_DESCRIPTIONS)
    return listed


def _chosen(text: str) -> list[str]:
    from perospin.descriptors.si_table import column_in_words
    from perospin.similar import did_you_mean

    known = [column for group in _columns().values() for column in group]
    descriptions = {column: meaning for group in _columns().values() for column, meaning in group.items()}
    asked = [name.strip() for name in text.split(",") if name.strip()]
    names = [column_in_words(name, descriptions) or name for name in asked]
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known, otherwise="see `perospin describe --list-columns`", most=3)
            raise DataError(f"there is no column '{name}'; {hint}")
    if not names:
        raise DataError("--columns names no column; see `perospin describe --list-columns`")
    return list(dict.fromkeys(names))


def _print_columns(console: Console) -> None:
    from rich.markup import escape
    from rich.table import Table

    for heading, columns in _columns().items():
        table = Table(
            title=heading, title_justify="left", title_style="bold", box=None, pad_edge=False, show_header=False
        )
        table.add_column(no_wrap=True)
        table.add_column()
        for column, meaning in columns.items():
            table.add_row(f"  {column}", escape(meaning))
        console.print(table)
        console.print()


# --- printing ----------------------------------------------------------------------------------------------------


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value or "-"
    if abs(value) < 1e-7:  # zero but for rounding
        return "0"
    return "-" if value != value else f"{value:.4g}" if abs(value) < 1e5 else f"{value:.0f}"


def _print(console: Console, frame: pd.DataFrame, wanted: Sequence[str] | None, everything: bool, total: int) -> None:
    """Print materials as rows where few columns are asked for, else as columns, as many side by side as fit."""
    labels = _unique([str(label) for label in frame.index])
    if "structure" in frame:
        frame = frame.assign(structure=[Path(file).name for file in frame["structure"]])
    cells = {str(column): [_cell(value) for value in frame[column]] for column in frame}
    if wanted is None:
        names = [name for name in cells if everything or name in _MAIN]
        names = [name for name in names if any(cell != "-" for cell in cells[name])]
    else:
        names = list(wanted)
    widths = [max(len(_head(name)), *map(len, cells[name])) + 2 for name in names]
    if max(map(len, labels)) + sum(widths) <= console.width:
        _print_rows(console, labels, names, cells)
    else:
        _print_transposed(console, labels, names, cells)
    if wanted is None and not everything:
        console.print(f"The main ones of {len(cells)} columns; --all prints them all, --out writes them.", style="dim")
    if total > len(labels):
        console.print(f"{total - len(labels)} more materials: write them to a file with --out.")


def _unique(labels: Sequence[str]) -> list[str]:
    """Tell labels that occur more than once apart by a number."""
    seen: dict[str, int] = {}
    out = []
    for label in labels:
        seen[label] = seen.get(label, 0) + 1
        out.append(f"{label} #{seen[label]}" if labels.count(label) > 1 else label)
    return out


_ISOLATED = ("homo_ev", "lumo_ev", "gap_ev", "dipole_debye")


def _titled(name: str) -> str:
    """Column in words with its unit; levels and dipole are those of the isolated cation."""
    from perospin.descriptors.labels import axis_label
    from perospin.descriptors.si_table import unit_of

    words, _, _ = axis_label(name).partition(" (")
    words = words.removesuffix(" deg").removesuffix(" deg2")
    unit = unit_of(name)
    isolated = ", isolated cation" if name in _ISOLATED else ""
    return f"{words}{isolated}" + (f" ({unit})" if unit else "")


def _with_unit(name: str) -> str:
    """Name of a column, with its unit behind it."""
    from perospin.descriptors.si_table import unit_of

    unit = unit_of(name)
    isolated = ", isolated cation" if name in _ISOLATED else ""
    told = f"{unit}{isolated}".strip(", ")
    return f"{name} ({told})" if told else name


def _head(name: str) -> str:
    return max(_titled(name).split(), key=len)


def _print_rows(console: Console, labels: Sequence[str], names: Sequence[str], cells: dict[str, list[str]]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table(header_style="bold", box=None, pad_edge=False)
    table.add_column("material", no_wrap=True)
    for name in names:
        table.add_column(escape(_titled(name)), justify="right", min_width=max(map(len, cells[name])))
    for i, label in enumerate(labels):
        table.add_row(escape(label), *(escape(cells[name][i]) for name in names))
    console.print(table)


def _print_transposed(
    console: Console, labels: Sequence[str], names: Sequence[str], cells: dict[str, list[str]]
) -> None:
    from rich.markup import escape
    from rich.table import Table

    left = max(len(_with_unit(name)) for name in names) + 2
    width = max(9, min(14, max(len(text) for text in chain(labels, *(cells[name] for name in names)))))
    fitting = max(1, (console.width - left) // (width + 2))
    groups = {heading: [c for c in columns if c in names] for heading, columns in _columns().items()}
    for start in range(0, len(labels), fitting):
        part = range(start, min(start + fitting, len(labels)))
        table = Table(header_style="bold", box=None, pad_edge=False)
        table.add_column("", no_wrap=True)
        for i in part:
            table.add_column(escape(labels[i]), justify="right", overflow="fold", max_width=width, min_width=width)
        for heading, columns in groups.items():
            told = [name for name in columns if any(cells[name][i] != "-" for i in part)]
            if told:
                table.add_row(f"[bold]{heading}[/bold]")
                for name in told:
                    table.add_row(escape(f"  {_with_unit(name)}"), *(escape(cells[name][i]) for i in part))
        console.print(table)
        console.print()
