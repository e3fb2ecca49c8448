"""``perospin study``: run, list, show and compare studies, and the log of what was tried."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perospin.cli.own_ions import library_with
from perospin.cli.paragraphs import JsonOption, print_json
from perospin.cli.study.printing import _show_part, _summary
from perospin.digits import counted
from perospin.errors import PerospinError, StudyError

if TYPE_CHECKING:
    from perospin.studies.study import Study

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Run, list, show and compare studies: data to validated model to report.",
)

StudyArgument = Annotated[str, typer.Argument(metavar="NAME|FILE", help="A shipped study, or a study file (.toml).")]
OutOption = Annotated[
    Path | None, typer.Option("--out", "-o", help="Folder of the report; report/NAME if not given. Resumes there.")
]
DataOption = Annotated[Path | None, typer.Option("--data", help="Your own table (CSV) in place of the study's data.")]
PartOption = Annotated[list[str] | None, typer.Option("--part", help="Only this part; may be given several times.")]
IonOption = Annotated[list[str] | None, typer.Option("--ion", help="A cation of your own, NAME=SMILES; repeatable.")]
WorkersOption = Annotated[
    int,
    typer.Option("--workers", min=1, help="Processes that share parts or folds; the numbers are the same."),
]
SchedulerOption = Annotated[
    str | None,
    typer.Option("--scheduler", help="Dask cluster that shares the folds: its address or scheduler file."),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only the path of the report.")]


@app.command()
def run(
    study: StudyArgument,
    out: OutOption = None,
    data: DataOption = None,
    part: PartOption = None,
    ion: IonOption = None,
    quiet: QuietOption = False,
    workers: WorkersOption = 1,
    scheduler: SchedulerOption = None,
) -> None:
    """Run a study and write its report; the last line printed is the path of the page.

    Example: perospin study run spin-relaxation
    """
    from perospin.reports import report
    from perospin.saving import one_run
    from perospin.studies.study import Study

    chosen = Study.load(study)
    if data is not None:
        chosen = chosen.with_data(data)
    if part:
        chosen = chosen.only(part)
    if ion:
        chosen = chosen.with_ions(library_with(ion))
    folder = out if out is not None else Path("report") / chosen.name
    made = _make_folder(folder)
    try:
        with one_run(folder):
            result = chosen.run(folder, progress=not quiet, workers=workers, scheduler=scheduler)
            page = report(result, folder)
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
    if not quiet:
        _summary(result)
    typer.echo(str(page))


@app.command()
def new(
    table: Annotated[Path, typer.Argument(metavar="TABLE", help="Your table: .csv, .txt, .xlsx.")],
    formula: Annotated[str, typer.Option("--formula", help="Column of the chemical formula.")],
    target: Annotated[str, typer.Option("--target", help="Column of the property to predict.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Study file to write; TABLE with .toml if not given.")
    ] = None,
    use: Annotated[
        list[str] | None,
        typer.Option("--use", help="Further column that models read: numbers or words. Can be repeated."),
    ] = None,
    ion: IonOption = None,
) -> None:
    """Write a study file for your own table of formulas and a property.

    Example: perospin study new examples/materials.csv --formula material --target "spin lifetime" -o mine.toml
    """
    from perospin.studies.new_study import NOT_READ, new_study
    from perospin.studies.study import Study

    file = out if out is not None else Path(f"{table.name.split('.')[0]}.toml")
    if file.suffix != ".toml":
        raise StudyError(f"--out {file}: a study file ends in .toml")
    if file.exists():
        raise StudyError(f"there is a file '{file}' already; give another name with --out")
    library = library_with(ion) if ion else None
    text = new_study(table, formula, target, file.parent, file.stem, library, use or ())
    _write(file, text)
    chosen = Study.load(file)
    chosen.check()
    data = (chosen.with_ions(library) if library is not None else chosen).dataset()
    part = chosen.parts[chosen.default_part]
    own = "".join(f" --ion '{item}'" for item in ion or ())
    materials = counted(len(set(data.rows["formula"])), "material")
    typer.echo(
        f"{counted(len(data), 'row')}, {materials}; target {part.target.original_axis}"
        f"{', as its logarithm' if part.target.logarithmic else ''}; baseline: {part.title_of(part.baseline)}; "
        f"scored by: {part.scheme(part.verdict.scheme).label}"
        + (f"; uncertainties from '{part.data.y_sd}'" if part.data.y_sd else ""),
        err=True,
    )
    unread = next((line.removeprefix(NOT_READ) for line in text.splitlines() if line.startswith(NOT_READ)), "")
    if unread:
        typer.echo(f"no model reads: {unread} (--use COLUMN adds one)", err=True)
    typer.echo(f"next: perospin study run {file}{own}", err=True)


def _make_folder(folder: Path) -> bool:
    """Make the folder of the report; False if it was there."""
    there = folder.is_dir()
    from perospin.saving import make_folder

    make_folder(folder)
    return not there


def _study_or_result(name: str) -> Study:
    from perospin.studies.result import StudyResult
    from perospin.studies.study import Study

    if (Path(name) / "result.json").is_file():
        return Study.of_result(StudyResult.load(name))
    return Study.load(name)


@app.command(hidden=True)
def conditions(
    out: OutOption = None,
    coverage: Annotated[bool, typer.Option("--coverage", help="Measured in any case now.")] = False,
    quiet: QuietOption = False,
) -> None:
    """Do what `perospin study run lifetimes` does: this name goes with the next version.

    Example: perospin study conditions --out lifetimes
    """
    typer.echo("perospin study conditions is now: perospin study run lifetimes", err=True)
    run("lifetimes", out=out, quiet=quiet)


def _write(path: Path, text: str) -> None:
    from perospin.saving import write_text

    write_text(path, text)
    typer.echo(str(path))


@app.command("list")
def list_studies(as_json: JsonOption = False) -> None:
    """List the studies that come with perospin.

    Example: perospin study list
    """
    from rich.console import Console
    from rich.table import Table

    from perospin.studies.declaration.reading import shipped_studies
    from perospin.studies.study import Study

    if as_json:
        shipped = [Study.load(name) for name in shipped_studies()]
        print_json([{"name": one.name, "title": one.title, "parts": list(one.parts)} for one in shipped])
        return
    table = Table(header_style="bold")
    for column in ("study", "what", "parts"):
        # a name is what people type: it is never cut
        table.add_column(column, no_wrap=column == "study")
    for name in shipped_studies():
        study = Study.load(name)
        table.add_row(name, study.title, ", ".join(study.parts) if len(study.parts) > 1 else "")
    Console().print(table)


@app.command()
def show(study: StudyArgument, as_json: JsonOption = False) -> None:
    """Show what a study declares, and check every estimator in it.

    Example: perospin study show spin-relaxation
    """
    from rich.console import Console

    from perospin.studies.study import Study

    console = Console()
    loaded = Study.load(study)
    loaded.check()
    if as_json:
        print_json(loaded.raw)
        return
    console.print(f"[bold]{loaded.title}[/bold] ({loaded.name})")
    console.print(loaded.description, highlight=False)
    for name in loaded.parts:
        _show_part(console, loaded, name)
