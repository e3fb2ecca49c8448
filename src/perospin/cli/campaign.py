"""``perospin campaign``: which materials to make next, and what came of them."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perospin.cli.paragraphs import JsonOption, print_json
from perospin.digits import counted, figures
from perospin.errors import NavigationError
from perospin.saving import read_toml, write_rows
from perospin.text import without_password

if TYPE_CHECKING:
    from perospin.navigation.campaign.campaign import Campaign
    from perospin.navigation.campaign.log import Event

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Ask which materials to make next, and tell what came of them.",
)
_Folder = Annotated[
    str, typer.Argument(metavar="FOLDER", help="The campaign's folder, or postgresql+psycopg://.../database#name.")
]
_Stop = Annotated[
    float | None, typer.Option("--stop-below", help="Advise to stop once the expected gain is below this.")
]
_Out = Annotated[Path | None, typer.Option("--out", "-o", help="Write them to this CSV file.")]


def _open(folder: str) -> Campaign:
    from perospin.navigation.campaign.campaign import Campaign

    return Campaign.open(folder)


@app.command()
def new(
    folder: Annotated[
        str,
        typer.Argument(
            metavar="FOLDER",
            help="A folder for this campaign, made if not there; for a group postgresql+psycopg://.../database#name.",
        ),
    ],
    candidates: Annotated[
        Path,
        typer.Option(
            "--space", "--candidates", help="A space file (.toml), or a table of all materials to choose from."
        ),
    ],
    objective: Annotated[
        list[str], typer.Option("--objective", help="'max gap (eV)', 'min log rate (1/ps)'; one or two.")
    ],
    acquisition: Annotated[
        str | None,
        typer.Option(
            "--acquisition",
            help="log-ei, ei, noisy-ei, ucb, pi, thompson, uncertainty; for two objectives hypervolume, desirability.",
        ),
    ] = None,
    cost: Annotated[
        str | None, typer.Option("--cost", help="Column of the candidates with what each costs to make.")
    ] = None,
    stop_below: _Stop = None,
    model: Annotated[
        Path | None,
        typer.Option(
            "--model",
            help="A TOML file with [surrogate]: a law, or laws that compete; for two objectives [surrogate.NAME].",
        ),
    ] = None,
    ion: Annotated[
        list[str] | None, typer.Option("--ion", help="A cation of your own, NAME=SMILES; repeatable.")
    ] = None,
    ions: Annotated[
        Path | None, typer.Option("--ions", help="A TOML file with your own cations: [ions], NAME = 'SMILES'.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Same log and seed, same suggestions.")] = 0,
) -> None:
    """Begin a campaign.

    Example: perospin campaign new mine --space examples/space.toml --objective "min log rate (1/ps)"
    """
    from perospin.chemistry.user_ions import read_argument
    from perospin.chemistry.user_ions import read_toml as read_toml_ions
    from perospin.navigation.campaign.campaign import Campaign

    declared = None
    if model is not None:
        declared = read_toml(model, "model")
        if not isinstance(declared := declared.get("surrogate"), dict):
            raise NavigationError(f"'{model}' has no table [surrogate]; it says what learns from the results")
    own = {**(read_toml_ions(ions) if ions else {}), **dict(read_argument(text) for text in ion or ())}
    made = Campaign.new(folder, candidates, objective, acquisition, cost, stop_below, seed, declared, own, True)
    typer.echo(f"{counted(made.space.count, 'candidate')}; chosen by {made.acquisition}")
    typer.echo(f"next: perospin campaign suggest '{without_password(folder)}' --count 8 --out batch.csv")


@app.command()
def suggest(
    folder: _Folder,
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="Materials to make next.")] = 4,
    acquisition: Annotated[str | None, typer.Option("--acquisition", help="For this batch only.")] = None,
    out: _Out = None,
    as_json: JsonOption = False,
) -> None:
    """Choose the next materials, each with its reason; they are pending until something is told.

    Example: perospin campaign suggest mine --count 4 --out batch.csv
    """
    from perospin.navigation.campaign.tables import batch_table

    campaign = _open(folder)
    batch = campaign.suggest(count, acquisition=acquisition, progress=True)
    if as_json:
        print_json([one.to_dict() for one in batch])
    for one in () if as_json else batch:
        typer.echo(f"{one.material}\n    {one.words}")
    if out is not None:
        rows = batch_table(campaign, batch)
        write_rows(out, rows[0], rows)
        typer.echo(
            f"fill in the results and tell them: perospin campaign tell '{without_password(folder)}' '{out}'", err=True
        )


@app.command()
def tell(
    folder: _Folder,
    results: Annotated[
        str | None,
        typer.Argument(metavar="[RESULTS]", help="A table (CSV, .xlsx, pasted); '-' reads what is piped in."),
    ] = None,
    material: Annotated[str | None, typer.Option("--material", help="Name of one candidate, without a table.")] = None,
    value: Annotated[
        list[str] | None, typer.Option("--value", help="NAME=NUMBER in the objective's unit, or NAME=NUMBER+-ERROR.")
    ] = None,
    outcome: Annotated[
        str, typer.Option("--outcome", help="measured, failed, abandoned or imported; of --material.")
    ] = "measured",
    task: Annotated[str, typer.Option("--task", help="Another task the value belongs to; of --material.")] = "",
    note: Annotated[str, typer.Option("--note", help="A remark; of --material.")] = "",
    again: Annotated[
        bool, typer.Option("--again", help="Count rows that were told before, word for word, as repeats.")
    ] = False,
) -> None:
    """Tell what came of materials; a wrong row is named, and nothing is told then.

    Example: perospin campaign tell mine batch.csv
    """
    campaign = _open(folder)
    if (results is None) == (material is None):
        raise NavigationError("give either a table of results or --material NAME")
    if material is not None:
        values, errors = _values(value or [])
        told = [campaign.outcome(material, values, errors, outcome, None, task, note)]
    else:
        told = _read(campaign, str(results))
    fresh = campaign.tell_all(told, again)
    known = len(told) - fresh
    typer.echo(
        f"told {counted(fresh, 'outcome')}" + (f"; {known} told before (--again counts repeats)" if known else "")
    )


def _read(campaign: Campaign, results: str) -> list[Event]:
    import tempfile

    from perospin.navigation.campaign.tables import read_results

    if results == "-":
        with tempfile.TemporaryDirectory() as folder:
            pasted = Path(folder) / "pasted.csv"
            pasted.write_bytes(sys.stdin.buffer.read(2**26))
            found = read_results(campaign, pasted)
    else:
        found = read_results(campaign, results)
    if found.unread:
        typer.echo(f"not read: the columns {', '.join(found.unread)}", err=True)
    if found.empty:
        typer.echo(f"{counted(found.empty, 'row')} without a value or an outcome left out", err=True)
    return found.events


def _values(given: list[str]) -> tuple[dict[str, float], dict[str, float]]:
    values, errors = {}, {}
    for text in given:
        name, _, rest = text.partition("=")
        number, sign, error = rest.replace("±", "+-").partition("+-")
        try:
            values[name.strip()] = float(number)
            if sign:
                errors[name.strip()] = float(error)
        except ValueError:
            raise NavigationError(f"'{text[:60]}' is no value; write 'gap=1.62' or 'gap=1.62+-0.02'") from None
    return values, errors


@app.command()
def status(folder: _Folder, stop_below: _Stop = None, as_json: JsonOption = False) -> None:
    """Show where the campaign stands, and whether to go on.

    Example: perospin campaign status mine
    """
    campaign = _open(folder)
    now = campaign.status(stop_below)
    if as_json:
        print_json(asdict(now))
        return
    typer.echo(
        f"{counted(now.candidates, 'candidate')}: {now.measured} measured, {now.imported} imported, "
        f"{now.failed} failed, {len(now.pending)} pending"
    )
    for one in campaign.objectives:
        if one.name in now.best:
            name, best = now.best[one.name]
            typer.echo(f"best {one.label}: {figures(best)} ({name})")
    if now.pending:
        typer.echo("pending: " + ", ".join(now.pending[:20]) + (" ..." if len(now.pending) > 20 else ""))
    typer.echo(now.advice)


@app.command()
def export(folder: _Folder, out: Annotated[Path, typer.Option("--out", "-o", help="The CSV file.")]) -> None:
    """Write the whole log as a table, one row an event.

    Example: perospin campaign export mine --out log.csv
    """
    from perospin.navigation.campaign.tables import export_table

    rows = export_table(_open(folder))
    if not rows:
        raise NavigationError("nothing was suggested or told yet; there is nothing to export")
    write_rows(out, rows[0], rows)
    typer.echo(f"{counted(len(rows), 'event')} in '{out}'")


@app.command()
def report(
    folder: _Folder,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder of the page; by default FOLDER/report.")
    ] = None,
    stop_below: _Stop = None,
) -> None:
    """Write the page: next batch with reasons, maps, progress, intervals kept, evidence, all that was tried.

    Example: perospin campaign report mine
    """
    from perospin.database.engines import is_url
    from perospin.navigation.campaign.history import summarise
    from perospin.reports.campaigns.write import campaign_page

    name = folder.rpartition("#")[2] if is_url(folder) else Path(folder).resolve().name
    place = out or (Path(f"{name}-report") if is_url(folder) else Path(folder) / "report")
    page = campaign_page(summarise(_open(folder), name, stop_below), place)
    typer.echo(str(page))


@app.command()
def worklist(
    folder: Annotated[
        str, typer.Argument(help="The campaign's folder or URL, or a table of what to make (.csv, .xlsx).")
    ],
    stocks: Annotated[
        Path,
        typer.Option("--stocks", help="Table: name, solutes, concentration (M), solvent, volume (uL), labware, well."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the worklist, the map and the cautions.")],
    machine: Annotated[
        str,
        typer.Option(
            "--robot",
            help="opentrons-ot2, opentrons-flex, tecan-evo, tecan-fluent, tecan-fluent-csv, hamilton, biomek, "
            "epmotion, echo, echo-525, mosquito, pascal or hand.",
        ),
    ] = "hand",
    labware: Annotated[
        str, typer.Option("--labware", help="plate.json (short, or Opentrons'), or 24, 48, 96, 96-deep, 384.")
    ] = "96",
    volume_ul: Annotated[float, typer.Option("--volume", help="Volume of each well, uL.")] = 100.0,
    concentration_m: Annotated[
        float | None,
        typer.Option("--concentration", help="mol/L of all components, or of formula units; undiluted if left out."),
    ] = None,
    replicates: Annotated[int, typer.Option("--replicates", min=1, help="Wells of each material.")] = 1,
    layout: Annotated[str, typer.Option("--layout", help="rows, random or blocked.")] = "random",
    control: Annotated[
        list[str] | None, typer.Option("--control", help="'reference: FAPbI3=0.5; PEA2PbI4=0.5'; may be repeated.")
    ] = None,
    after: Annotated[
        list[Path] | None, typer.Option("--after", help="Map of an earlier round on this plate: its wells are full.")
    ] = None,
    leave_edge: Annotated[bool, typer.Option("--leave-edge", help="Leave the outer wells empty.")] = False,
    dead_volume_ul: Annotated[float, typer.Option("--dead-volume", help="What stays in each stock's vessel.")] = 20.0,
    nearest: Annotated[bool, typer.Option("--nearest", help="Make the nearest where a wish can't be made.")] = False,
    mix: Annotated[bool, typer.Option("--mix/--no-mix", help="Mix each well after its last stroke.")] = True,
    seed: Annotated[int, typer.Option("--seed", help="Of the layout.")] = 0,
) -> None:
    """Write the pending materials, or a table of one's own, as a worklist for a robot or a person, and the plate's map.

    Example: perospin campaign worklist mine --robot opentrons-flex --stocks stocks.csv --labware plate.json --out work

    A table has one row a material: columns headed as the components of the stocks hold shares, or a column material
    holds formulas; name, role and concentration (M) are read if they are there.
    """
    from perospin.navigation.worklists.ions import in_ions
    from perospin.navigation.worklists.labware import load_deck
    from perospin.navigation.worklists.plan import plan_worklist
    from perospin.navigation.worklists.robots import robot
    from perospin.navigation.worklists.stocks import load_stocks
    from perospin.navigation.worklists.suggested import (
        by_formula,
        controls_of,
        pending_targets,
        used_wells,
        write_worklist,
    )
    from perospin.navigation.worklists.targets import load_targets

    tools, vessels = robot(machine).pipettes, load_stocks(stocks)
    plate, racks = load_deck(labware)
    choices: dict[str, str] = {}
    if Path(folder).is_file():
        targets, vessels = load_targets(folder, vessels, concentration_m)
    else:
        campaign = _open(folder)
        if by_formula(campaign, vessels):
            vessels = in_ions(vessels)
        targets, choices = pending_targets(campaign, vessels, concentration_m)
    targets += controls_of(control or [], concentration_m)
    work = plan_worklist(
        targets,
        vessels,
        plate,
        tools,
        volume_ul,
        replicates,
        layout,
        [well for path in after or [] for well in used_wells(path)],
        leave_edge,
        dead_volume_ul,
        mix,
        nearest,
        seed,
        racks,
    )
    written = write_worklist(work, machine, out, choices)
    typer.echo(f"{counted(len(work.fills), 'well')}, {counted(len(work.transfers), 'stroke')}: {robot(machine).words}")
    for one in work.cautions:
        typer.echo(f"look out: {one}", err=True)
    typer.echo("\n".join(str(path) for path in written))
