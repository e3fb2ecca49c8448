"""``perospin predict``: value, interval, domain, reasons and nearest known materials for new formulas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perospin.errors import DataError
from perospin.saving import make_folder, write_figure

if TYPE_CHECKING:
    from rich.console import Console

    from perospin.chemistry import IonLibrary, Perovskite
    from perospin.studies.predicting.prediction import Prediction
    from perospin.studies.predicting.predictor import Predictor
    from perospin.studies.study import Study

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Predict a property of materials, with interval, domain and reasons.",
)


@app.command()
def predict(
    formulas: Annotated[
        list[str] | None, typer.Argument(metavar="FORMULA...", help="For example '(3AMP)PbI4'.")
    ] = None,
    rows: Annotated[
        Path | None,
        typer.Option("--rows", help="A CSV file with the columns of the study's table: predict each of its rows."),
    ] = None,
    study: Annotated[
        str, typer.Option("--study", help="A shipped study, a study file, or a folder that `study run` wrote.")
    ] = "spin-relaxation",
    part: Annotated[
        str | None, typer.Option("--part", help="Part of the study; its default part if not given.")
    ] = None,
    model: Annotated[
        Path | None, typer.Option("--model", help="A model file that `study save-model` wrote; nothing is fitted.")
    ] = None,
    ion: Annotated[
        list[str] | None, typer.Option("--ion", help="A cation of your own, NAME=SMILES; repeatable.")
    ] = None,
    quantity: Annotated[
        str | None,
        typer.Option(
            "--quantity",
            help="tau_spin, T1, T2 or T2_star at the conditions below, from all records of lifetimes.",
            rich_help_panel="Lifetimes under conditions",
        ),
    ] = None,
    temperature: Annotated[
        float | None, typer.Option("--temperature", help="In kelvin.", rich_help_panel="Lifetimes under conditions")
    ] = None,
    field: Annotated[
        float | None,
        typer.Option("--field", help="Magnetic field in tesla.", rich_help_panel="Lifetimes under conditions"),
    ] = None,
    carrier: Annotated[
        str, typer.Option("--carrier", help="electron, hole or exciton.", rich_help_panel="Lifetimes under conditions")
    ] = "",
    technique: Annotated[
        str,
        typer.Option(
            "--technique",
            help="pump-probe, Hanle, resident spins, or a technique of the records.",
            rich_help_panel="Lifetimes under conditions",
        ),
    ] = "",
    form: Annotated[
        str,
        typer.Option(
            "--form", help="single crystal, film or nanocrystal.", rich_help_panel="Lifetimes under conditions"
        ),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", help="Draw each prediction as a waterfall: a file (.png, .svg, .pdf) or a folder."),
    ] = None,
) -> None:
    """Predict one or several materials."""
    from perospin.chemistry import IonLibrary, Perovskite

    if (rows is None) == (not formulas):
        raise DataError("give either formulas, for example '(3AMP)PbI4', or --rows with a CSV file of rows to predict")
    formulas = formulas or []
    if plot is not None and rows is not None and plot.suffix:
        raise DataError(f"--plot {plot}: rows may be many; give a folder")
    if plot is not None:
        _check_plot(plot, len(formulas))
    library = IonLibrary.of(ion)
    # a wrong formula is reported before anything is fitted
    materials = [Perovskite.parse(formula, library) for formula in formulas]
    for caution in dict.fromkeys(caution for material in materials for caution in material.cautions):
        typer.echo(f"caution: {caution}", err=True)
    asked = {"temperature_k": temperature, "field_t": field, "carrier": carrier, "technique": technique, "form": form}
    asked = {name: value for name, value in asked.items() if value not in (None, "")}
    if quantity is not None or asked:
        if model is not None or plot is not None or part is not None or rows or study != "spin-relaxation":
            raise DataError(
                "--quantity, --temperature, --field, --carrier, --technique and --form ask the model of lifetimes "
                "under conditions; --study, --part, --model, --rows and --plot belong to studies: leave out one or the "
                "other"
            )
        _lifetimes(materials, quantity or "tau_spin", asked, library if ion else None, as_json)
        return
    if model is not None:
        predictor = _opened(model, part)
    else:
        predictor = _fitted(study, part, library if ion else None, as_json, described=rows is None)
    announce = None if as_json else _announce
    if rows is None:
        found = [predictor.predict(material, library, announce) for material in materials]
    else:
        found = list(predictor.predict_rows(rows, library, announce))
    if plot is not None:
        for path in _plot(found, plot):
            typer.echo(f"wrote {path}", err=True)
    if as_json:
        typer.echo(json.dumps([prediction.to_dict() for prediction in found], indent=1, ensure_ascii=False))
        return
    from rich.console import Console

    console = Console(highlight=False)
    for prediction in found:
        _print(console, prediction)


def _lifetimes(
    materials: list[Perovskite], quantity: str, asked: dict[str, Any], ions: IonLibrary | None, as_json: bool
) -> None:
    """Ask the study `lifetimes` and print."""
    from perospin.studies.lifetimes import question
    from perospin.studies.study import Study

    conditions = {"quantity": quantity, **asked}
    question(**conditions)  # a wrong word is reported before anything is fitted
    predictor = Study.load("lifetimes").predictor(progress=not as_json)
    announce = None if as_json else _announce
    found = [predictor.predict(material, ions, announce, conditions) for material in materials]
    if as_json:
        typer.echo(json.dumps([prediction.to_dict() for prediction in found], indent=1, ensure_ascii=False))
        return
    from rich.console import Console

    console = Console(highlight=False)
    for prediction in found:
        _print_lifetime(console, prediction)


def _print_lifetime(console: Console, prediction: Prediction) -> None:
    from rich.markup import escape

    from perospin.units import time_in_words

    asked = {name: value for name, value in prediction.asked.items() if name != "quantity"}
    conditions = ", ".join(f"{name} {value}" for name, value in asked.items()) or "any conditions"
    low, high = time_in_words(prediction.low, 2), time_in_words(prediction.high, 2)
    console.print(
        f"[bold]{escape(prediction.formula)}[/bold]  {prediction.quantity} "
        f"[bold]{time_in_words(prediction.value)}[/bold] ({escape(conditions)}), {100 * prediction.level:.0f} % "
        f"interval {low} to {high}"
    )
    if prediction.typical_factor is not None:
        console.print(
            f"  typical factor {prediction.typical_factor:.3g} over {prediction.n_scored} values of "
            f"{prediction.quantity} ({escape(prediction.interval)})"
        )
    for caution in prediction.cautions:
        console.print(f"  [bold red]caution[/bold red]: {escape(caution)}")
    shown = {name: value for name, value in prediction.contributions.items() if abs(value) >= 0.05}
    terms = ", ".join(f"{name} {value:+.2f}" for name, value in shown.items())
    console.print(escape(f"  {prediction.space}: {prediction.base:.2f} on average, then {terms}"))
    for record in prediction.on_record:
        warmth = f" at {record['temperature_k']:.3g} K" if record["temperature_k"] is not None else ""
        bound = "" if record["limit"] == "value" else f"{record['limit']} "
        text = f"{record['quantity']} {bound}{time_in_words(record['value_ps'])}{warmth} ({record['source']})"
        console.print(f"  on record: {escape(text)}")
    console.print("  model: material and conditions, all records of lifetimes\n")


def _opened(model: Path, part: str | None) -> Predictor:
    from perospin.studies import load_model

    predictor = load_model(model)
    if part is not None and part != predictor.part_name:
        raise DataError(f"--part {part}: the model in '{model}' is of the part '{predictor.part_name}' alone")
    return predictor


def _fitted(study: str, part: str | None, library: IonLibrary | None, quiet: bool, described: bool) -> Predictor:
    chosen = _study(study)
    if described:
        chosen.check_describes(part)
    if library is not None:
        chosen = chosen.with_ions(library)
    return chosen.predictor(part, progress=not quiet)


def _study(name: str) -> Study:
    from perospin.studies.result import StudyResult
    from perospin.studies.study import Study

    if (Path(name) / "result.json").is_file():
        return Study.of_result(StudyResult.load(name))
    return Study.load(name)


_FORMATS = (".png", ".svg", ".pdf")


def _check_plot(plot: Path, count: int) -> None:
    if plot.suffix.lower() not in _FORMATS:
        if plot.suffix:
            raise DataError(
                f"--plot {plot}: '{plot.suffix}' is no picture; allowed are {', '.join(_FORMATS)}, or a folder"
            )
    elif count > 1:
        raise DataError(f"--plot {plot}: {count} predictions don't fit into one picture; give a folder")
    elif plot.parent and not plot.parent.is_dir():
        raise DataError(f"--plot {plot}: there is no folder '{plot.parent}'")


def _plot(found: list[Prediction], plot: Path) -> list[Path]:
    """Write one waterfall a prediction; in a folder each is called by its formula."""
    if plot.suffix:
        paths = [plot]
    else:
        make_folder(plot)
        paths = [plot / f"{''.join(c for c in p.title if c.isalnum() or c in '()-[]')}.png" for p in found]
    for prediction, path in zip(found, paths, strict=True):
        write_figure(prediction.plot(), path, dpi=200)
    return paths


def _announce(symbol: str) -> None:
    typer.echo(f"computing {symbol} (a few minutes, kept for later) ...", err=True)


def _print(console: Console, prediction: Prediction) -> None:
    from rich.markup import escape
    from rich.table import Table

    unit = f" {prediction.unit}" if prediction.unit else ""
    console.print(
        f"[bold]{escape(prediction.title)}[/bold]  {prediction.quantity} [bold]{prediction.value:.3g}[/bold]{unit}, "
        f"{100 * prediction.level:.0f} % interval {prediction.low:.2g} to {prediction.high:.2g}{unit}"
    )
    other = prediction.reciprocal
    if other is not None:
        console.print(
            f"  {other.quantity} [bold]{other.value:.3g}[/bold] {other.unit}, {100 * prediction.level:.0f} % interval "
            f"{other.low:.2g} to {other.high:.2g} {other.unit}"
        )
    if prediction.conditions:
        console.print(f"  {escape(prediction.conditions)}")
    if prediction.typical_factor:
        console.print(f"  typical factor {prediction.typical_factor:.2f} ({escape(prediction.interval)})")
    else:
        console.print(f"  {escape(prediction.interval)}")
    if prediction.in_domain:
        console.print("  in domain: the training rows hold materials like this one")
    for reason in prediction.reasons:
        console.print(f"  [bold red]out of domain[/bold red]: {escape(reason)}")
    for note in prediction.notes:
        console.print(f"  note: {escape(note)}")
    if prediction.known:
        console.print("  this material is itself among the training rows")
    if prediction.alike:
        console.print(f"  the model can't tell it from {escape(', '.join(prediction.alike))}: equal in all it reads")
    if prediction.contributions:
        from perospin.descriptors.labels import words

        # those that print as 0.00 say nothing; --json has them all
        shown = {name: value for name, value in prediction.contributions.items() if abs(value) >= 0.005}
        terms = ", ".join(f"{words(name)} {value:+.2f}" for name, value in shown.items())
        console.print(f"  {escape(prediction.space)}: {prediction.base:.2f} on average, then {escape(terms)}")
    table = Table(header_style="bold", box=None, pad_edge=False)
    sources = list(dict.fromkeys(near.source for near in prediction.nearest))
    several = ("source",) if len(sources) > 1 else ()
    for column in ("  nearest known", prediction.obtained + unit, "distance (sd)", *several):
        table.add_column(column, overflow="fold")
    for near in prediction.nearest:
        doubt = "" if near.certain else " (composition uncertain)"
        cells = [f"  {escape(near.formula)}{doubt}", f"{near.value:.3g}", f"{near.distance:.2f}"]
        table.add_row(*cells, *([escape(near.source)] if several else []))
    console.print(table)
    if len(sources) == 1:
        console.print(f"  source: {escape(sources[0])}")
    console.print(f"  model: {escape(prediction.estimator)}; study {prediction.study}, part {prediction.part}\n")
