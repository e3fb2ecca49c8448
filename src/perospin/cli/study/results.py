"""``perospin study`` compare, save-model, cite, card, log."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perospin.cli.paragraphs import JsonOption, print_json
from perospin.cli.study.printing import _print_comparison
from perospin.cli.study.run import IonOption, QuietOption, _study_or_result, _write, app
from perospin.errors import StudyError


@app.command()
def compare(
    a: Annotated[Path, typer.Argument(metavar="A", help="Folder of a result (it holds result.json).")],
    b: Annotated[Path, typer.Argument(metavar="B", help="Folder of another result.")],
    part: Annotated[str | None, typer.Option("--part", help="Only this part (of A, and of B if it has it).")] = None,
    part_b: Annotated[str | None, typer.Option("--part-b", help="The part of B, if its name differs.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Also write the scores to this CSV file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Put two results side by side: data, settings, scores, and whether a difference is more than luck.

    Example: perospin study compare first-report second-report
    """
    from rich.console import Console

    from perospin.saving import write_csv
    from perospin.studies.result import StudyResult
    from perospin.studies.side_by_side import compare_results

    found = compare_results(StudyResult.load(a), StudyResult.load(b), part, part_b)
    console = Console(highlight=False)
    if as_json:
        print_json([
            {"a": one.a, "b": one.b, "space": one.space, "level": one.level, "differences": list(one.differences),
             "scores": one.scores.to_dict("records")}
            for one in found
        ])  # fmt: skip
    for comparison in () if as_json else found:
        _print_comparison(console, comparison, str(a), str(b))
    if out is not None:
        import pandas as pd

        frames = [c.scores.assign(a=c.a, b=c.b, space=c.space) for c in found if len(c.scores)]
        if not frames:
            raise StudyError("the two results have no estimator and scheme in common, so there is nothing to write")
        write_csv(pd.concat(frames, ignore_index=True), out)
        typer.echo(f"Scores written to {out}", err=as_json)


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

    Example: perospin study save-model spin-relaxation --out model.npz
    """
    chosen = _study_or_result(study)
    if ion:
        chosen = chosen.with_ions(ion)
    if not (out.parent == Path() or out.parent.is_dir()):
        raise StudyError(f"--out {out}: there is no folder '{out.parent}'")
    typer.echo(str(chosen.predictor(part, progress=not quiet).save(out)))


@app.command()
def cite(
    result: Annotated[Path, typer.Argument(metavar="RESULT", help="Folder of a result (it holds result.json).")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write to this .bib file instead.")] = None,
) -> None:
    """Print the BibTeX of exactly the methods and data that a result used.

    Example: perospin study cite bandgap-report --out references.bib
    """
    from perospin import reports
    from perospin.studies.result import StudyResult

    text = reports.cite(StudyResult.load(result))
    if out is None:
        typer.echo(text, nl=False)
    else:
        _write(out, text)


@app.command()
def card(
    result: Annotated[Path, typer.Argument(metavar="RESULT", help="Folder of a result (it holds result.json).")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write to this .md file instead.")] = None,
) -> None:
    """Print the model card of a result: what it predicts, how well by which scheme, from what, and its limits.

    Example: perospin study card bandgap-report
    """
    from perospin.reports import model_card
    from perospin.studies.result import StudyResult

    text = model_card(StudyResult.load(result))
    if out is None:
        typer.echo(text, nl=False)
    else:
        _write(out, text)


@app.command()
def log(
    table: Annotated[str | None, typer.Argument(metavar="[TABLE]", help="Start of a table's fingerprint.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Every model with its score and scheme.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Entries as JSON, one a line.")] = False,
) -> None:
    """Show how many models were scored on each table on this computer.

    Example: perospin study log
    """
    import json

    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from perospin.digits import number
    from perospin.studies.running.variants import VariantLog

    kept = VariantLog()
    entries = kept.read(table)
    if as_json:
        for entry in entries:
            typer.echo(json.dumps(entry, sort_keys=True))
        return
    console = Console(highlight=False)
    if not entries:
        what = f"a table whose fingerprint starts with '{table}'" if table else "any table"
        console.print(f"No model was logged for {what} (the log is {kept.path}).", soft_wrap=True)
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


@app.command()
def schema(
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write it to this file; print it otherwise.")] = None,
) -> None:
    """Give the JSON schema of study files, with which an editor completes and checks their keys.

    The same as a page for people: docs/study_files.md.

    Example: perospin study schema --out study.schema.json
    """
    import json

    from perospin.studies.declaration.reference import schema as of_study_files

    text = json.dumps(of_study_files(), indent=1, ensure_ascii=False)
    if out is not None:
        _write(out, text + "\n")
        return
    typer.echo(text)
