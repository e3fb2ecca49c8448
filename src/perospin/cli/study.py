"""``perospin study``: run, list, show and compare studies, and the log of what was tried."""

from __future__ import annotations

from pathlib import Path
from string import ascii_lowercase
from typing import TYPE_CHECKING, Annotated

import typer

from perospin.errors import PerospinError, StudyError

if TYPE_CHECKING:
    from rich.console import Console

    from perospin.learning.conditions import ConditionsResult
    from perospin.learning.result import PartResult, StudyResult
    from perospin.learning.side_by_side import SideBySide
    from perospin.learning.study import Study

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
    for label, reason in result.provenance.get("not_modelled", {}).items():
        console.print(f"[bold]{escape(label)}[/bold]: not modelled. {escape(reason[:1].upper() + reason[1:])}.")
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
        _cautions(console, part)


def _cautions(console: Console, part: PartResult) -> None:
    """Print what must be known about a part before its scores are believed, and how much was tried."""
    from rich.markup import escape
    from rich.padding import Padding

    from perospin.learning.report.text import variants_text

    if part.cautions:
        console.print("[bold]Before you believe this:[/bold]")
    for caution in part.cautions:
        console.print(Padding(escape(f"• {caution.text}"), (0, 0, 0, 2)))
    console.print(escape(variants_text(part)))


@app.command()
def compare(
    a: Annotated[Path, typer.Argument(metavar="A", help="Folder of a result (it holds result.json).")],
    b: Annotated[Path, typer.Argument(metavar="B", help="Folder of another result.")],
    part: Annotated[str | None, typer.Option("--part", help="Only this part (of A, and of B if it has it).")] = None,
    part_b: Annotated[str | None, typer.Option("--part-b", help="The part of B, if its name differs.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Also write the scores to this CSV file.")] = None,
) -> None:
    """Put two results side by side: data, settings, scores, and whether a difference is more than luck."""
    from rich.console import Console

    from perospin.learning.result import StudyResult, write_csv
    from perospin.learning.side_by_side import compare_results

    found = compare_results(StudyResult.load(a), StudyResult.load(b), part, part_b)
    console = Console(highlight=False)
    for comparison in found:
        _print_comparison(console, comparison, str(a), str(b))
    if out is not None:
        import pandas as pd

        frames = [c.scores.assign(a=c.a, b=c.b, space=c.space) for c in found if len(c.scores)]
        if not frames:
            raise StudyError("the two results have no estimator and scheme in common, so there is nothing to write")
        try:
            write_csv(pd.concat(frames, ignore_index=True), out)
        except OSError as error:
            raise StudyError(f"can't write '{out}': {error.strerror}") from None
        console.print(f"Scores written to {out}")


def _print_comparison(console: Console, comparison: SideBySide, a: str, b: str) -> None:
    """Print one pair of parts: what differs, then one small table for each scheme."""
    from rich.markup import escape
    from rich.padding import Padding
    from rich.table import Table

    from perospin.learning.report.text import number, percent, signed

    console.print(f"\n[bold]A[/bold] {escape(comparison.a)} [dim]({escape(a)})[/dim]")
    console.print(f"[bold]B[/bold] {escape(comparison.b)} [dim]({escape(b)})[/dim]")
    for text in comparison.differences:
        console.print(Padding(escape(f"• {text}"), (0, 0, 0, 2)))
    if not comparison.differences:
        console.print("  Same data, settings and versions.")
    if comparison.scores.empty:
        console.print("  No estimator and scheme in common.")
        return
    if not comparison.same_rows:
        console.print("  Rows or targets differ, so the scores below answer different questions and have no interval.")
    console.print(f"R² of {escape(comparison.space)}; B − A with its {percent(comparison.level)} interval")
    for _, rows in comparison.scores.groupby("scheme", sort=False):
        fitted = " (in sample: says nothing about new materials)" if rows["in_sample"].iloc[0] else ""
        console.print(f"\n[bold]{escape(str(rows['scheme_label'].iloc[0]))}[/bold]{fitted}")
        same = rows[rows["identical"]]
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("")
        for column in ("A", "B", "B − A", "interval"):
            table.add_column(column, justify="right", no_wrap=True)
        for row in rows[~rows["identical"]].to_dict("records"):
            known = row["low"] == row["low"]
            sure = known and (row["low"] > 0 or row["high"] < 0)
            table.add_row(
                escape(str(row["label"])),
                number(row["r2_a"]),
                number(row["r2_b"]),
                signed(row["gain"]),
                f"{signed(row['low'])} to {signed(row['high'])}" if known else "",
                style="bold" if sure else None,
            )
        if table.row_count:
            console.print(table)
        if len(same):
            listed = ", ".join(f"{row['label']} {number(row['r2_a'])}" for row in same.to_dict("records"))
            console.print(f"identical to the last digit: {escape(listed)}")


@app.command("save-model")
def save_model(
    study: Annotated[
        str, typer.Argument(metavar="NAME|FILE|RESULT", help="A shipped study, a study file, or a folder of a result.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write (.npz).")],
    part: Annotated[str | None, typer.Option("--part", help="Part of the study, if not its default part.")] = None,
    ion: IonOption = None,
    quiet: QuietOption = False,
) -> None:
    """Fit a study's model once and write it to one file, which `perospin predict --model` opens anywhere.

    The file holds numbers and text alone: opening one that someone mailed you runs nothing.
    """
    chosen = _study_or_result(study)
    if ion:
        chosen = chosen.with_ions(ion)
    if not (out.parent == Path() or out.parent.is_dir()):
        raise StudyError(f"--out {out}: there is no folder '{out.parent}'")
    typer.echo(str(chosen.predictor(part, progress=not quiet).save(out)))


def _study_or_result(name: str) -> Study:
    from perospin.learning.result import StudyResult
    from perospin.learning.study import Study

    if (Path(name) / "result.json").is_file():
        return Study.of_result(StudyResult.load(name))
    return Study.load(name)


@app.command()
def conditions(
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for tables and the figure.")] = None,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Measure the coverage of intervals by an outer loop (minutes).")
    ] = False,
    quiet: QuietOption = False,
) -> None:
    """Lifetimes under their conditions: one model over all records, whole materials and whole sources held out."""
    from rich.console import Console
    from threadpoolctl import threadpool_limits

    from perospin.learning.conditions import run_conditions
    from perospin.learning.study import teller

    if out is not None:
        _make_folder(out)
    with teller(not quiet) as tell, threadpool_limits(1):
        found = run_conditions(levels=(0.5, 0.8, 0.9) if coverage else (), progress=tell)
    _print_conditions(Console(highlight=False), found)
    if out is not None:
        found.save(out)
        found.plot().savefig(out / "conditions.png", dpi=200)
        typer.echo(str(out))


def _print_conditions(console: Console, found: ConditionsResult) -> None:
    """Print scores by scheme, the gain over each baseline, and coverage if it was measured."""
    from rich.markup import escape
    from rich.table import Table

    from perospin.learning.conditions.table import QUANTITIES
    from perospin.learning.report.text import figures, number, percent, signed

    for note in found.rows.notes:
        console.print(f"{escape(note)}.")
    console.print(
        "R² and root mean square error (decades) of log10 of the lifetime; typical factor of all and of each quantity:"
    )
    for scheme in dict.fromkeys(found.scores["scheme"]):
        table = Table(box=None, pad_edge=False, header_style="bold", title=f"{scheme}", title_justify="left")
        table.add_column("", no_wrap=True)
        for column in ("R²", "rms", "factor", *QUANTITIES):
            table.add_column(column, justify="right", no_wrap=True)
        mine = found.scores[found.scores["scheme"] == scheme]
        for model in dict.fromkeys(mine["model"]):
            rows = {r["quantity"]: r for r in mine[mine["model"] == model].to_dict("records")}
            whole = rows["all"]
            table.add_row(
                escape(str(model)),
                number(whole["r2"]),
                number(whole["rmse"]),
                *(figures(rows[q]["typical_factor"], 3) if q in rows else "" for q in ("all", *QUANTITIES)),
            )
        counts = {r["quantity"]: r for r in mine.to_dict("records")}
        table.add_row(
            "values (materials)",
            "",
            "",
            *(
                f"{counts[q]['n_scored']} ({counts[q]['n_materials']})" if q in counts else ""
                for q in ("all", *QUANTITIES)
            ),
        )
        console.print(table)
        for gain in found.gains[found.gains["scheme"] == scheme].to_dict("records"):
            console.print(
                f"  material and conditions over {escape(str(gain['over']))}: R² {signed(gain['gain'])} "
                f"({signed(gain['low'])} to {signed(gain['high'])}; {scheme})"
            )
    for row in found.coverage.to_dict("records"):
        if row["quantity"] == "all":
            console.print(f"{percent(row['level'])} intervals hold {percent(row['coverage'])} ({row['scheme']})")


@app.command()
def cite(
    result: Annotated[Path, typer.Argument(metavar="RESULT", help="Folder of a result (it holds result.json).")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write to this .bib file instead.")] = None,
) -> None:
    """Print the BibTeX of exactly the methods and data that a result used."""
    from perospin.learning.result import StudyResult

    text = StudyResult.load(result).citation()
    if out is None:
        typer.echo(text, nl=False)
    else:
        _write(out, text)


@app.command()
def card(
    result: Annotated[Path, typer.Argument(metavar="RESULT", help="Folder of a result (it holds result.json).")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write to this .md file instead.")] = None,
) -> None:
    """Print the model card of a result: what it predicts, how well by which scheme, from what, and its limits."""
    from perospin.learning.result import StudyResult

    text = StudyResult.load(result).model_card()
    if out is None:
        typer.echo(text, nl=False)
    else:
        _write(out, text)


def _write(path: Path, text: str) -> None:
    from perospin.learning.result import write_text

    try:
        write_text(path, text)
    except OSError as error:
        raise StudyError(f"can't write '{path}': {error.strerror}") from None
    typer.echo(str(path))


@app.command()
def log(
    table: Annotated[str | None, typer.Argument(metavar="[TABLE]", help="Start of a table's fingerprint.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Every variant with its score and scheme.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Entries as JSON, one a line.")] = False,
) -> None:
    """Show how many model variants were scored on each table on this computer."""
    import json

    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from perospin.learning.report.text import number
    from perospin.learning.variants import VariantLog

    kept = VariantLog()
    entries = kept.read(table)
    if as_json:
        for entry in entries:
            typer.echo(json.dumps(entry, sort_keys=True))
        return
    console = Console(highlight=False)
    if not entries:
        what = f"a table whose fingerprint starts with '{table}'" if table else "any table"
        console.print(f"No variant was logged for {what} (the log is {kept.path}).", soft_wrap=True)
        return
    summary = Table(header_style="bold", box=None, pad_edge=False)
    for column in ("table", "studies", "settings", "scored", "runs", "first", "last"):
        numeric = column in ("settings", "scored", "runs")
        summary.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for tried in kept.tried(table):
        summary.add_row(
            tried.table[:8],
            escape(", ".join(tried.studies)),
            str(tried.settings),
            str(tried.scored),
            str(tried.runs),
            tried.first,
            tried.last,
        )
    console.print(summary)
    if full:
        listed = Table(header_style="bold", box=None, pad_edge=False)
        for column in ("table", "study", "estimator", "scheme", "R²", "when"):
            listed.add_column(column, justify="right" if column == "R²" else "left", overflow="fold")
        for entry in entries:
            if entry["what"] == "variant":
                cells = (str(entry.get(key, "")) for key in ("study", "estimator", "scheme"))
                when = str(entry.get("time", ""))[:10]
                listed.add_row(entry["table"][:8], *(escape(c) for c in cells), number(entry.get("r2")), when)
        console.print(listed)
    console.print(
        "settings: different models, columns, filters and seeds; scored: the same, counted for each scheme. "
        f"The log is {escape(str(kept.path))}."
    )


@app.command("list")
def list_studies() -> None:
    """List the studies that come with perospin."""
    from rich.console import Console
    from rich.table import Table

    from perospin.learning.declaration import shipped_studies
    from perospin.learning.study import Study

    table = Table(header_style="bold")
    for column in ("study", "what", "parts"):
        # a name is what people type: it is never cut
        table.add_column(column, no_wrap=column == "study")
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
