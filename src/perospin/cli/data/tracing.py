"""``perospin data trace`` and ``attach``: the chain from a file over fit, record and study to a prediction."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perospin.cli.data.options import ByOption, JsonOption, StoreOption, app
from perospin.digits import figures
from perospin.errors import DataError
from perospin.text import readable_json, shorten, visible

if TYPE_CHECKING:
    from perospin.database import Record, Store
    from perospin.database.sharing import Beside, Change
    from perospin.studies.uses import Use

RecordArgument = Annotated[str, typer.Argument(metavar="RECORD", help="For example user-1.")]


@app.command()
def trace(
    record_id: RecordArgument,
    study: Annotated[
        list[Path] | None,
        typer.Option("--study", help="Folder of a study's result; may be given several times."),
    ] = None,
    prediction: Annotated[
        list[Path] | None,
        typer.Option("--prediction", help="What `perospin predict --json` printed; may be given several times."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Also write the files beside the record here.")] = None,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Show the chain of a record: raw file, fit, record, studies, predictions.

    Example: perospin data trace spin52-013
    """
    from perospin.database import Store
    from perospin.database.sharing import files, history
    from perospin.studies.uses import uses

    with Store.open(store) as opened:
        record = _record(opened, record_id)
        own = record_id.startswith("user-")
        beside = files(opened, record_id) if own else []
        log = history(opened, record_id) if own else []
        used = uses(record, study or [], prediction or [])
        fits = {file.sha256: _fit(opened, file) for file in beside if file.role == "fit" and file.size is not None}
        if out is not None:
            _write(opened, beside, out)
    if as_json:
        said = {
            "record": record.to_dict(),
            "fingerprint": record.fingerprint(),
            "files": [file.to_dict() for file in beside],
            "fits": fits,
            "history": [entry.to_dict() for entry in log],
            "studies": [use.to_dict() for use in used],
        }
        typer.echo(readable_json(said))
        return
    _print(record, beside, fits, log, used, bool(study))


@app.command()
def attach(
    record_id: RecordArgument,
    file: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Raw files, a fit, a crystal (CIF).")],
    role: Annotated[str, typer.Option("--as", help="trace, fit, crystal or other.")] = "trace",
    by: ByOption = None,
    store: StoreOption = None,
) -> None:
    """Keep files beside a record of your store.

    Example: perospin data attach user-1 film.cif --as crystal
    """
    from perospin.database import Store
    from perospin.database.sharing import Beside
    from perospin.database.sharing import attach as put

    beside = [Beside.read(path, role) for path in file]
    if role == "fit":
        from perospin.measurements import SpinFit

        for one in beside:
            SpinFit.from_json((one.content or b"").decode(errors="replace"))  # refuses what is no fit, or was edited
    if role == "crystal":
        from perospin.descriptors.structure.reading import read_structure

        for path in file:
            read_structure(path)  # refuses what holds no crystal
    with Store.open(store) as opened:
        count = put(opened, [record_id], beside, by)
        typer.echo(f"{count} of {len(beside)} files attached to {record_id}, in {opened.location}")
        for one in beside:
            if one.content is None:
                typer.echo(f"{visible(one.name)} is larger than 64 MiB: its hash is kept, not its content")


def _record(store: Store, record_id: str) -> Record:
    from perospin.database import select_records

    known = (
        select_records(include_unknown=True, include_theory=True, user=False)
        if not record_id.startswith("user-")
        else store.query()
    )
    for record in known:
        if record.record_id == record_id:
            return record
    if record_id.startswith("user-"):
        raise DataError(
            f"no record '{shorten(record_id)}' in {store.location}; `perospin data history` shows withdrawn ones"
        )
    raise DataError(f"no record '{shorten(record_id)}'; `perospin data list --all --json` shows the identifiers")


def _fit(store: Store, file: Beside) -> dict[str, Any]:
    """Read what a fit found, from the file in the store; both checksums are tested."""
    from perospin.database.sharing import content
    from perospin.measurements import SpinFit

    fit = SpinFit.from_json(content(store, file.sha256).decode(errors="replace"))
    main = fit[fit.main]
    return {
        "analysis": fit.analysis,
        "quantity": fit.main,
        "value": main.value,
        "uncertainty": main.uncertainty,
        "unit": main.unit,
        "status": main.status,
        "files": {source.name: source.sha256 for source in fit.sources},
    }


def _write(store: Store, beside: list[Beside], out: Path) -> None:
    from perospin.database.sharing import content
    from perospin.saving import write_bytes

    out.mkdir(parents=True, exist_ok=True)
    for file in beside:
        if file.size is not None:
            path = out / file.name
            if path.exists() and path.read_bytes() != content(store, file.sha256):
                raise DataError(f"'{shorten(str(path))}' is there already and differs; name a new folder with --out")
            write_bytes(path, content(store, file.sha256))


def _print(
    record: Record, beside: list[Beside], fits: dict[str, Any], log: list[Change], used: list[Use], asked: bool
) -> None:
    for file in beside:
        if file.role == "fit":
            continue
        kept = f"{file.size} bytes" if file.size is not None else "not in the store, the hash alone"
        typer.echo(visible(f"{file.role:<8} {file.name} ({kept})"))
        typer.echo(f"         sha256 {file.sha256}, {visible(file.by)} {file.at[:10]}")
    for sha256, fit in fits.items():
        spread = "" if not fit["uncertainty"] else f" ± {figures(fit['uncertainty'], 2)}"
        found = f"{fit['quantity']} = {figures(fit['value'], 5)}{spread} {fit['unit']}"
        typer.echo(visible(f"fit      {fit['analysis']}: {found}"))
        typer.echo(f"         sha256 {sha256}, of {visible(', '.join(fit['files']) or 'no named file')}")
    if not beside and record.record_id.startswith("user-"):
        typer.echo("no file beside this record; `perospin data attach` keeps one")
    unit = "" if record.unit == "1" else f" {record.unit}"
    what = f"{record.material}, {record.property} = {figures(record.value, 5)}{unit}"
    typer.echo(visible(f"record   {record.record_id}: {what} ({record.source.label})"))
    typer.echo(f"         sha256 {record.fingerprint()}")
    for entry in log:
        if entry.action not in ("add", "attach"):
            typer.echo(visible(f"         {entry.action} {entry.at[:10]}, {entry.by}: {shorten(entry.why, 80)}"))
        elif entry.action == "add":
            typer.echo(visible(f"         added {entry.at[:10]}, {entry.by or 'unknown'}"))
    for use in used:
        typer.echo(visible(f"study    {use.study}, part {use.part}: row {use.row} ({use.folder})"))
        typer.echo(f"         rows sha256 {use.data_sha256}, {use.started[:10]}, perospin {use.perospin}")
        if not use.same:
            typer.echo("         ! this row says something else than the record now does: run the study again")
        for made in use.predictions:
            name = made["formula"] or f"row {made['row']}"
            ends = f"[{figures(made['low'], 3)}, {figures(made['high'], 3)}]"
            value = f"{made['quantity']} {figures(made['value'], 3)} {made['unit']} {ends}"
            typer.echo(visible(f"predicts {name}: {value} ({made['file']})"))
    if asked and not used:
        typer.echo("none of these studies has it among its rows")
    elif not asked:
        typer.echo("--study FOLDER shows whether a study's result rests on it")
