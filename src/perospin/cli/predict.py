"""``perospin predict``: value, interval, domain, reasons and nearest known materials for new formulas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perospin.cli.own_ions import NamesOption, library_with
from perospin.cli.paragraphs import announcing, say
from perospin.digits import figures, value_and_interval
from perospin.errors import DataError, PerospinError
from perospin.saving import make_folder, write_figure
from perospin.units import quantity_in

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
        str | None,
        typer.Option(
            "--temperature", help="In kelvin, or with a unit: 295K.", rich_help_panel="Lifetimes under conditions"
        ),
    ] = None,
    field: Annotated[
        str | None,
        typer.Option(
            "--field",
            help="Magnetic field in tesla, or with a unit: 50mT.",
            rich_help_panel="Lifetimes under conditions",
        ),
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
    names: NamesOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", help="Draw each prediction as a waterfall: a file (.png, .svg, .pdf) or a folder."),
    ] = None,
) -> None:
    """Predict one or several materials.

    Example: perospin predict "(3AMP)PbI4" "(BA)2PbI4"
    """
    from perospin.chemistry import Perovskite

    if (rows is None) == (not formulas):
        raise DataError("give either formulas, for example '(3AMP)PbI4', or --rows with a CSV file of rows to predict")
    formulas = formulas or []
    if plot is not None and rows is not None and plot.suffix:
        raise DataError(f"--plot {plot}: rows may be many; give a folder")
    if plot is not None:
        _check_plot(plot, len(formulas))
    library = library_with(ion)
    # a wrong formula is reported before anything is fitted
    materials = [Perovskite.parse(formula, library, names) for formula in formulas]
    if names is not None:
        formulas = [str(material) for material in materials]
    for caution in dict.fromkeys(caution for material in materials for caution in material.cautions):
        typer.echo(f"caution: {caution}", err=True)
    asked: dict[str, Any] = {
        "temperature_k": None if temperature is None else quantity_in(temperature, "K", "--temperature"),
        "field_t": None if field is None else quantity_in(field, "T", "--field"),
        "carrier": carrier,
        "technique": technique,
        "form": form,
    }
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
    with announcing(as_json) as announce:
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

    from perospin.studies.data.table import OWN_RECORDS

    console = Console(highlight=False)
    # the study of lifetimes under conditions is asked only where that takes no fit
    asked_too = study == "spin-relaxation" and part is None and model is None and rows is None
    under_conditions = _kept_lifetimes(materials, library if ion else None) if asked_too else None
    for prediction in found:
        _print(console, prediction)
        if under_conditions is not None:
            say(console, under_conditions.get(prediction.formula, _ASK_LIFETIMES), hang=2)
        console.print()
    for note in predictor.data.notes:
        if OWN_RECORDS in note:
            say(console, f"note: {note}", hang=2)


_ROOM_K = 295.0
_ASK_LIFETIMES = (
    f"another model, all records of lifetimes under their conditions, answers with --temperature {_ROOM_K:g}K, "
    "--field, --carrier or --quantity"
)


def _kept_lifetimes(materials: list[Perovskite], ions: IonLibrary | None) -> dict[str, str]:
    """Ask the study `lifetimes` about each formula at room temperature, if its fitted model is kept."""
    from perospin.studies.predicting.words import in_words
    from perospin.studies.study import Study

    told: dict[str, str] = {}
    try:
        predictor = Study.load("lifetimes").kept_predictor()
        if predictor is None:
            return told
        for material in materials:
            found = predictor.predict(material, ions, None, {"quantity": "tau_spin", "temperature_k": _ROOM_K})
            value, low, high = in_words(found.value, found.low, found.high, found.unit)
            told[found.formula] = (
                f"the other model, study lifetimes, says {value} ({low} to {high}) for tau_spin at {_ROOM_K:g} K, all "
                "other conditions left open; ask it with --temperature, --field, --carrier or --quantity"
            )
    except PerospinError:  # a material that it can't describe: it is named, as where nothing is kept
        return told
    return told


def _lifetimes(
    materials: list[Perovskite], quantity: str, asked: dict[str, Any], ions: IonLibrary | None, as_json: bool
) -> None:
    """Ask the study `lifetimes` and print."""
    from perospin.studies.lifetimes import question
    from perospin.studies.study import Study

    conditions = {"quantity": quantity, **asked}
    question(**conditions)  # a wrong word is reported before anything is fitted
    predictor = Study.load("lifetimes").predictor(progress=not as_json)
    with announcing(as_json) as announce:
        found = [predictor.predict(material, ions, announce, conditions) for material in materials]
    if as_json:
        typer.echo(json.dumps([prediction.to_dict() for prediction in found], indent=1, ensure_ascii=False))
        return
    from rich.console import Console

    from perospin.studies.data.table import OWN_RECORDS

    console = Console(highlight=False)
    given = ", ".join(f"--{name.removesuffix('_k').removesuffix('_t')}" for name in asked) or "--quantity"
    for material, prediction in zip(materials, found, strict=True):
        _print_lifetime(console, prediction)
        _other_answer(console, material, ions, f"{given} was given")
        console.print()
    for note in predictor.data.notes:
        if OWN_RECORDS in note:
            say(console, f"note: {note}", hang=2)


def _print_lifetime(console: Console, prediction: Prediction) -> None:
    from rich.markup import escape

    from perospin.units import time_in_words

    asked = {name: value for name, value in prediction.asked.items() if name != "quantity"}
    units = {"temperature_k": "K", "field_t": "T"}
    conditions = ", ".join(
        f"{name.rpartition('_')[0]} {value:g} {units[name]}" if name in units else f"{name} {value}"
        for name, value in asked.items()
    )
    low, high = time_in_words(prediction.low, 2), time_in_words(prediction.high, 2)
    console.print(f"[bold]{escape(prediction.formula)}[/bold]", soft_wrap=True)
    say(
        console,
        f"spin lifetime {prediction.quantity} [bold]{time_in_words(prediction.value, 2)}[/bold], "
        f"{100 * prediction.level:.0f} % interval {low} to {high}",
    )
    say(console, escape(f"at {conditions}" if conditions else "at any conditions: none were asked for"), hang=2)
    say(console, f"the interval is made {escape(prediction.interval_in_words)}", hang=2)
    if prediction.spread_in_words:
        say(console, escape(prediction.spread_in_words), hang=2)
    for caution in prediction.cautions:
        say(console, f"[bold red]caution[/bold red]: {escape(caution)}", hang=2)
    base = time_in_words(10.0**prediction.base, 2)
    shown = {name: value for name, value in prediction.contributions.items() if abs(value) >= 0.05}
    terms = ", ".join(f"{name} ×{10.0**value:.2g}" for name, value in shown.items())
    say(console, escape(f"why: {base} on average, then {terms}"), hang=2)
    for record in prediction.on_record:
        warmth = f" at {record['temperature_k']:.3g} K" if record["temperature_k"] is not None else ""
        bound = "" if record["limit"] == "value" else f"{record['limit']} "
        text = f"{record['quantity']} {bound}{time_in_words(record['value_ps'])}{warmth} ({record['source']})"
        say(console, f"on record: {escape(text)}", hang=2)


def _other_answer(console: Console, material: Perovskite, library: IonLibrary | None, why: str) -> None:
    """Say which of the two models answered and why, and what the other says of the same material."""
    from perospin.studies.study import Study

    say(console, f"model: lifetimes under their conditions, from all records; it answers because {why}", hang=2)
    try:
        chosen = Study.load("spin-relaxation")
        other = chosen.predictor().predict(material, library)
    except PerospinError as error:
        say(console, f"the other model, study spin-relaxation, has no answer: {error}", hang=2)
        return
    from perospin.studies.predicting.words import in_words

    lifetime = other.reciprocal
    assert lifetime is not None  # declared in the shipped study
    value, low, high = in_words(lifetime.value, lifetime.low, lifetime.high, lifetime.unit)
    say(
        console,
        f"the other model, study spin-relaxation, says {value} ({low} to {high}) {other.conditions}; it answers "
        "without these options",
        hang=2,
    )


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


def _print(console: Console, prediction: Prediction) -> None:
    """Print a prediction: the lifetime first where there is one, then the rate, then why and how sure."""
    from rich.markup import escape

    from perospin.studies.predicting.words import in_words

    unit = f" {prediction.unit}" if prediction.unit else ""
    console.print(f"[bold]{escape(prediction.title)}[/bold]", soft_wrap=True)
    level = f"{100 * prediction.level:.0f} % interval"
    other = prediction.reciprocal
    if other is not None:
        value, low, high = in_words(other.value, other.low, other.high, other.unit)
        say(console, f"{escape(other.quantity)} [bold]{value}[/bold], {level} {low} to {high}")
    value, low, high = value_and_interval(prediction.value, prediction.low, prediction.high)
    bold = ("[bold]", "[/bold]") if other is None else ("", "")
    say(console, f"{escape(prediction.quantity)} {bold[0]}{value}{bold[1]}{unit}, {level} {low} to {high}{unit}")
    if prediction.conditions:
        say(console, escape(prediction.conditions))
    say(console, f"the interval is made {escape(prediction.interval_in_words)}", hang=2)
    if prediction.spread_in_words:
        say(console, escape(prediction.spread_in_words), hang=2)
    if prediction.in_domain:
        say(console, "in domain: the training rows hold materials like this one", hang=2)
    for reason in prediction.reasons:
        say(console, f"[bold red]out of domain[/bold red]: {escape(reason)}", hang=2)
    for note in prediction.notes:
        say(console, f"note: {escape(note)}", hang=2)
    if prediction.known:
        say(console, "this material is itself among the training rows", hang=2)
    if prediction.alike:
        alike = escape(", ".join(prediction.alike))
        say(console, f"the model can't tell it from {alike}: equal in all it reads", hang=2)
    _why(console, prediction)
    _nearest(console, prediction)
    say(console, f"model: {escape(prediction.estimator)}; study {prediction.study}, part {prediction.part}", hang=2)


def _why(console: Console, prediction: Prediction) -> None:
    from rich.markup import escape

    from perospin.studies.predicting.words import why

    if told := why(prediction):
        say(console, escape(f"why: {told}"), hang=2)


def _nearest(console: Console, prediction: Prediction) -> None:
    """List the nearest known materials, with their lifetimes where the model has rates."""
    from rich.markup import escape
    from rich.table import Table

    if not prediction.nearest:
        return
    other = prediction.reciprocal
    unit = other.unit if other else prediction.unit
    table = Table(header_style="bold", box=None, pad_edge=False)
    sources = list(dict.fromkeys(near.source for near in prediction.nearest))
    several = ("source",) if len(sources) > 1 else ()
    table.add_column("  nearest known", overflow="fold")
    table.add_column(f"{prediction.obtained} {unit}".rstrip(), justify="right", no_wrap=True)
    table.add_column("distance", justify="right", no_wrap=True)
    for column in several:
        table.add_column(column, overflow="fold")
    for near in prediction.nearest:
        doubt = "" if near.certain else " (composition uncertain)"
        value = 1.0 / near.value if other and near.value else near.value
        cells = [f"  {escape(near.formula)}{doubt}", figures(value, 3), f"{near.distance:.2f}"]
        table.add_row(*cells, *([escape(near.source)] if several else []))
    console.print(table)
    say(console, "distance: in standard deviations of what the model reads; 0 is equal")
    if len(sources) == 1:
        say(console, f"source: {escape(sources[0])}", hang=2)
