"""``perospin data``: records that several people keep together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perospin.cli.data.options import (
    AllowUnknownOption,
    ByOption,
    IonOption,
    JsonOption,
    MappingOption,
    StoreOption,
    WhyOption,
    _ions,
    app,
)
from perospin.cli.data.printing import _plural, _print_check
from perospin.text import readable_json, shorten, visible

if TYPE_CHECKING:
    from perospin.database import Record

NumbersArgument = Annotated[list[int], typer.Argument(metavar="NUMBER...", help="Numbers of proposals.")]

review = typer.Typer(
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="What waits for a person: proposals, and records that look wrong. Accept and reject proposals.",
)
app.add_typer(review, name="review")


@app.command()
def propose(
    file: Annotated[Path, typer.Argument(help="Table of records, as `perospin data import` takes it.")],
    why: WhyOption = "",
    by: ByOption = None,
    mapping: MappingOption = None,
    allow_unknown: AllowUnknownOption = False,
    ion: IonOption = None,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Propose records for the group's store; another person accepts them.

    Example: perospin data propose examples/my_values.csv --mapping examples/columns.toml --why "new films"
    """
    from perospin.database import ColumnMapping, Store, check_file
    from perospin.database.sharing import propose as put

    with Store.open(store) as opened:
        found = check_file(
            file, ColumnMapping.from_toml(mapping) if mapping else None, opened, allow_unknown, ions=_ions(ion)
        )
        if found.issues:
            _print_check(str(file), found, as_json)
            if not as_json:
                typer.echo("nothing was proposed")
            raise typer.Exit(2)
        numbers = put(opened, found.records, by, why)
        if as_json:
            typer.echo(readable_json({"proposed": numbers, "store": opened.location}))
            return
        span = f"{numbers[0]} to {numbers[-1]}" if len(numbers) > 1 else f"{numbers[0]}" if numbers else "none"
        typer.echo(f"proposed {_plural(len(numbers), 'record')} (number {span}) in {opened.location}")
        typer.echo("no query finds them before another person says: perospin data review accept NUMBER")


@review.callback()
def waiting(
    context: typer.Context,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """List what waits for a person: proposals, and records of the store that look wrong.

    Example: perospin data review
    """
    if context.invoked_subcommand is not None:
        return
    from perospin.database import Store, curated_records
    from perospin.database.sharing import doubts, proposals

    with Store.open(store) as opened:
        waits, own = proposals(opened), opened.query()
        proposed = [proposal.record.with_id(f"proposal {proposal.number}") for proposal in waits]
        found = doubts([*proposed, *own], curated_records())
        if as_json:
            said = [
                {"kind": doubt.kind, "records": _names(doubt.records), "sentence": doubt.sentence} for doubt in found
            ]
            typer.echo(readable_json({"proposals": [proposal.to_dict() for proposal in waits], "doubts": said}))
            return
        typer.echo(f"{_plural(len(waits), 'proposal')} in {opened.location}")
        for proposal in waits:
            reason = f": {visible(shorten(proposal.why, 100))}" if proposal.why else ""
            typer.echo(f"  {proposal.number}  {_brief(proposal.record)}")
            typer.echo(f"     {visible(proposal.by)}, {proposal.at[:10]}{reason}")
        typer.echo(f"{_plural(len(found), 'doubt')} about {_plural(len(own), 'record')} and the proposals")
        for doubt in found:
            typer.echo(f"  {doubt.kind}: {visible(doubt.sentence)}")


@review.command("accept")
def accept_command(
    numbers: NumbersArgument,
    by: ByOption = None,
    why: WhyOption = "",
    alone: Annotated[bool, typer.Option("--alone", help="You work alone: accept your own proposals.")] = False,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Accept proposals of another person: they become records.

    Example: perospin data review accept 1 --by "Grace"
    """
    from perospin.database import Store
    from perospin.database.sharing import accept

    with Store.open(store) as opened:
        names = accept(opened, numbers, by, why, alone)
        if as_json:
            typer.echo(readable_json({"accepted": names, "store": opened.location}))
        else:
            typer.echo(f"accepted {_plural(len(names), 'record')}: {', '.join(names)}, in {opened.location}")


@review.command("reject")
def reject_command(
    numbers: NumbersArgument, why: WhyOption = "", by: ByOption = None, store: StoreOption = None
) -> None:
    """Reject proposals; they are kept with the reason.

    Example: perospin data review reject 1 --why "the figure shows ns, not ps"
    """
    from perospin.database import Store
    from perospin.database.sharing import reject

    with Store.open(store) as opened:
        reject(opened, numbers, by, why)
        typer.echo(f"rejected {_plural(len(numbers), 'proposal')} in {opened.location}")


@app.command()
def history(
    record_id: Annotated[
        str | None, typer.Argument(metavar="[RECORD]", help="user-1; all of the store if left out.")
    ] = None,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Show who added, changed or withdrew what, when and why.

    Example: perospin data history
    """
    from perospin.database import Store
    from perospin.database.sharing import history as log

    with Store.open(store) as opened:
        entries = log(opened, record_id)
        if as_json:
            typer.echo(readable_json([entry.to_dict() for entry in entries]))
            return
        if not entries:
            typer.echo(f"nothing was ever written to {opened.location}")
        for entry in entries:
            about = f" {entry.record_id}" if entry.record_id else ""
            why = f": {visible(shorten(entry.why, 160))}" if entry.why else ""
            typer.echo(
                f"{entry.at[:19].replace('T', ' ')}  {visible(entry.by or 'unknown')}  {entry.action}{about}{why}"
            )
            if entry.action == "withdraw" and entry.before is not None:
                typer.echo(f"    it was: {_brief(entry.before)}")
            for name, (old, new) in entry.differences().items():
                typer.echo(f"    {name}: {visible(str(old))} -> {visible(str(new))}")


@app.command()
def diff(
    before: Annotated[str, typer.Argument(metavar="BEFORE", help="A store, a table of records, or 'shipped'.")],
    after: Annotated[str, typer.Argument(metavar="AFTER", help="The same kinds.")],
    as_json: JsonOption = False,
) -> None:
    """Compare two collections of records: added, changed, withdrawn. Ends with 1 if anything differs.

    Example: perospin data diff shipped shipped
    """
    from perospin.database.sharing import compare, records_at
    from perospin.database.sharing.diff import differing

    found = compare(records_at(before), records_at(after))
    if as_json:
        typer.echo(readable_json(found.to_dict()))
    else:
        for record in found.added:
            typer.echo(f"+ {_brief(record)}")
        for old, new in found.changed:
            typer.echo(f"~ {_brief(new)}")
            for name, (former, later) in differing(old, new).items():
                typer.echo(f"    {name}: {visible(str(former))} -> {visible(str(later))}")
        for record in found.withdrawn:
            typer.echo(f"- {_brief(record)}")
        typer.echo(
            f"{len(found.added)} added, {len(found.changed)} changed, {len(found.withdrawn)} withdrawn, "
            f"{found.n_same} equal"
        )
    raise typer.Exit(1 if found else 0)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="File to write, for example records.backup.zip.")],
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Write the whole store to one file, while others go on writing.

    Example: perospin data backup records.backup.zip
    """
    from perospin.database import Store
    from perospin.database.sharing import backup as write

    with Store.open(store) as opened:
        rows = write(opened, file)
        if as_json:
            typer.echo(readable_json({"file": str(file), "rows": rows, "store": opened.location}))
        else:
            typer.echo(f"wrote {_plural(rows['records'], 'record')} with their history to {visible(str(file))}")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="What `perospin data backup` wrote.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace what the store holds; it is backed up first.")
    ] = False,
    by: ByOption = None,
    store: StoreOption = None,
) -> None:
    """Put a backup into an empty store, of this or another kind of database.

    Example: perospin data restore records.backup.zip --store new.sqlite
    """
    from perospin.database import Store
    from perospin.database.sharing import restore as put

    with Store.open(store) as opened:
        kept = put(opened, file, replace, by)
        typer.echo(f"restored {_plural(opened.count(), 'record')} into {opened.location}")
        if kept is not None:
            typer.echo(f"what was there is kept in {visible(str(kept))}")


@app.command()
def migrate(store: StoreOption = None) -> None:
    """Bring a store of an older perospin to today's schema; a file is copied first.

    Example: perospin data migrate
    """
    from perospin.database import Store
    from perospin.database.schema import SCHEMA_VERSION

    with Store.open(store) as opened:
        version = opened.version()
        copy = opened.migrate()
        if version == SCHEMA_VERSION:
            typer.echo(f"{opened.location} has schema version {version}, the newest; nothing was done")
            return
        typer.echo(f"{opened.location}: schema version {version} -> {SCHEMA_VERSION}")
        if copy is not None:
            typer.echo(f"the old file is kept in {visible(str(copy))}")


def _brief(record: Record) -> str:
    name = f"{record.record_id}  " if record.record_id.startswith("user-") else ""
    unit = f" {record.unit}" if record.unit not in ("", "1") else ""
    what = f"{shorten(record.material, 60)}, {record.property} = {record.value:.4g}{unit} ({record.source.label})"
    return visible(name + what)


def _names(records: tuple[Record, ...]) -> list[Any]:
    return [record.record_id or record.fingerprint()[:12] for record in records]
