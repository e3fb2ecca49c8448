"""``perospin study``: run, list and show studies."""

from __future__ import annotations

from pathlib import Path
from string import ascii_lowercase
from typing import TYPE_CHECKING, Annotated

import typer

from perospin.errors import PerospinError, StudyError

if TYPE_CHECKING:
    from rich.console import Console

    from perospin.learning.result import StudyResult

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Run, list and show studies: data to validated model to report.",
)

StudyArgument = Annotated[str, typer.Argument(metavar="NAME|FILE", help="A shipped study, or a study file (.toml).")]
OutOption = Annotated[
    Path | None, typer.Option("--out", "-o", help="Folder of the report; report/NAME if not given. Resumes there.")
]
DataOption = Annotated[Path | None, typer.Option("--data", help="Your own table (CSV) in place of the study's data.")]
PartOption = Annotated[list[str] | None, typer.Option("--part", help="Only this part; may be given several times.")]
IonOption = Annotated[list[str] | None, typer.Option("--ion", help="A cation of your own, NAME=SMILES; repeatable.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only the path of the report.")]


@app.command()
def run(
    study: StudyArgument,
    out: OutOption = None,
    data: DataOption = None,
    part: PartOption = None,
    ion: IonOption = None,
    quiet: QuietOption = False,
) -> None:
    """Run a study and write its report; the last line printed is the path of the page."""
    from perospin.learning.study import Study

    chosen = Study.load(study)
    if data is not None:
        chosen = chosen.with_data(data)
    if part:
        chosen = chosen.only(part)
    if ion:
        chosen = chosen.with_ions(ion)
    folder = out if out is not None else Path("report") / chosen.name
    made = _make_folder(folder)
    try:
        result = chosen.run(folder, progress=not quiet)
        page = result.report(folder)
    except KeyboardInterrupt:
        typer.echo(
            f"perospin: interrupted; what is finished is kept in {folder / 'cells'}, "
            "run the same command again to go on",
            err=True,
        )
        raise typer.Exit(130) from None
    except PerospinError:
        if made and not any(folder.iterdir()):
            folder.rmdir()  # nothing was run, so nothing is left behind
        raise
    except PermissionError as error:
        raise StudyError(f"can't write '{error.filename}': {error.strerror}; give another folder with --out") from None
    if not quiet:
        _summary(result)
    typer.echo(str(page))


def _make_folder(folder: Path) -> bool:
    """Make the folder of the report; False if it was there."""
    there = folder.is_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise StudyError(f"'{folder}' is a file; give a folder with --out") from None
    except OSError as error:
        raise StudyError(f"the folder '{folder}' can't be made: {error.strerror}; give another with --out") from None
    return not there


def _summary(result: StudyResult) -> None:
    """Print, for each part, the verdict and the R2 of every estimator, each with its scheme.

    Schemes stand in the columns as letters and are spelt out above: their names side by side would leave the
    estimators no room on a terminal of 80 columns.
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from perospin.learning.report.text import number
    from perospin.learning.report.verdict import reach

    console = Console(highlight=False)
    for part in result.parts.values():
        spec = part.spec
        schemes = [s.key for s in spec.schemes if s.key in set(part.scores["scheme"])]
        letters = dict(zip(schemes, ascii_lowercase, strict=False))
        console.print(f"\n[bold]{escape(spec.label or part.name)}[/bold]: {escape(reach(part).headline)}")
        console.print("R² by scheme:")
        for scheme, letter in letters.items():
            console.print(f"  [bold]{letter}[/bold]  {escape(part.scheme_label(scheme))}")
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("R²")
        for letter in letters.values():
            table.add_column(letter, justify="right", no_wrap=True)
        names = [n for n in spec.estimator_names() if n in set(part.scores["estimator"])]
        for name in sorted(names, key=lambda n: n != spec.baseline):
            scores = [part.score(name, scheme) for scheme in letters]
            style = "bold" if name == spec.verdict.estimator else None
            table.add_row(
                escape(spec.title_of(name)),
                *("" if score is None else number(score["r2"]) for score in scores),
                style=style,
            )
        console.print(table)


@app.command("list")
def list_studies() -> None:
    """List the studies that come with perospin."""
    from rich.console import Console
    from rich.table import Table

    from perospin.learning.declaration import shipped_studies
    from perospin.learning.study import Study

    table = Table(header_style="bold")
    for column in ("study", "what", "parts"):
        table.add_column(column)
    for name in shipped_studies():
        study = Study.load(name)
        table.add_row(name, study.title, ", ".join(study.parts) if len(study.parts) > 1 else "")
    Console().print(table)


@app.command()
def show(study: StudyArgument) -> None:
    """Show what a study declares, and check every estimator in it."""
    from rich.console import Console

    from perospin.learning.study import Study

    console = Console()
    loaded = Study.load(study)
    loaded.check()
    console.print(f"[bold]{loaded.title}[/bold] ({loaded.name})")
    console.print(loaded.description, highlight=False)
    for name in loaded.parts:
        _show_part(console, loaded, name)


def _show_part(console: Console, study: object, name: str) -> None:
    from rich.markup import escape
    from rich.table import Table

    from perospin.learning.study import Study

    assert isinstance(study, Study)
    part = study.parts[name]
    data = part.data.table or part.data.csv or (part.data.store and "record store") or "your own table (--data)"
    unit = f" ({part.target.unit})" if part.target.unit else ""
    console.print(f"\n[bold]Part {escape(name)}[/bold]: {data}; target {part.target.quantity}{unit}", highlight=False)
    console.print(
        f"Transform {part.target.transform}, seed {part.seed}, {part.variants.tried} variants tried beforehand.",
        highlight=False,
    )
    table = Table(header_style="bold")
    for column in ("estimator", "kind", "columns"):
        table.add_column(column, overflow="fold")
    for entry in part.estimators:
        mark = " (baseline)" if entry.name == part.baseline else ""
        table.add_row(escape(entry.title + mark), entry.kind, escape(", ".join(part.columns_of(entry.name))))
    for grid in part.grids:
        count = sum(1 for _ in grid.candidates())
        table.add_row(
            escape(grid.title),
            f"{grid.spec.get('kind')}, one of {count}",
            escape(", ".join(part.columns_of(grid.name))),
        )
    console.print(table)
    console.print("Validation: " + "; ".join(s.label or s.key for s in part.schemes), highlight=False)
