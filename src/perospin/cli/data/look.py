"""``perospin data`` list, show, sources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from perospin.cli.data.options import (
    CarrierOption,
    EvidenceOption,
    HighOption,
    JsonOption,
    LowOption,
    MaterialOption,
    PropertyOption,
    SourceOption,
    StoreOption,
    TableOption,
    TechniqueOption,
    TheoryOption,
    UnknownOption,
    _kind,
    _select,
    _similar,
    app,
)
from perospin.cli.data.printing import (
    _LEGEND,
    _console,
    _marks,
    _plural,
    _print_json,
    _print_overview,
    _print_records,
    _safe,
    _squeeze,
    _value,
)
from perospin.cli.paragraphs import show_rows
from perospin.text import readable_json, shorten, visible

if TYPE_CHECKING:
    from perospin.database import Record


@app.command("list")
def list_command(
    property: PropertyOption = None,
    material: MaterialOption = None,
    table: TableOption = None,
    technique: TechniqueOption = None,
    carrier: CarrierOption = None,
    evidence: EvidenceOption = None,
    source: SourceOption = None,
    min_temperature: LowOption = None,
    max_temperature: HighOption = None,
    unknown: UnknownOption = False,
    theory: TheoryOption = False,
    rows: Annotated[int, typer.Option("--rows", "-n", min=1, help="Show at most this many rows.")] = 40,
    everything: Annotated[bool, typer.Option("--all", help="Show every record.")] = False,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """List records; without a filter, what there is by property.

    Example: perospin data list --property tau_spin --max-temperature 20
    """
    records = _select(
        property, material, table, technique, carrier, evidence, source, min_temperature, max_temperature,
        unknown, theory, store,
    )  # fmt: skip
    filtered = any(
        given is not None
        for given in (
            property, material, table, technique, carrier, evidence, source, min_temperature, max_temperature,
        )
    )  # fmt: skip
    if not filtered and not everything:
        _print_overview(records, as_json)
        return
    if as_json:
        _print_json(records)
        return
    if not records:
        hint = "" if unknown and theory else "; --unknown and --theory show what is left out by default"
        typer.echo(f"no record passes these filters{hint}")
        return
    shown = records if everything else records[:rows]
    _print_records(shown, with_material=True)
    if any(_marks(record) or record.limit != "value" for record in shown):
        typer.echo(_LEGEND)
    left = len(records) - len(shown)
    if left:
        typer.echo(f"{left} more; --all shows them, --rows N shows N")


@app.command()
def show(
    material: Annotated[str, typer.Argument(help="A formula in any notation, or words of a description.")],
    notes: Annotated[bool, typer.Option("--notes", help="Also print the note of each record.")] = False,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Show everything known about a material, theory and uncertain rows included and marked.

    Example: perospin data show '(PEA)2PbI4'
    """
    from perospin.database import select_records
    from perospin.database.vocabulary import PROPERTIES
    from perospin.errors import DataError

    records = select_records(material=material, include_unknown=True, include_theory=True, store=store)
    if not records:
        raise DataError(f"nothing is known about '{shorten(material)}'{_similar(material)}")
    if as_json:
        _print_json(records)
        return
    console = _console()
    names = dict.fromkeys(record.formula or record.material for record in records)
    title = next(iter(names)) + _kind(names) if len(names) == 1 else f"{len(names)} materials: '{material}'"
    console.print(f"[bold]{_safe(title)}[/bold]")
    groups: dict[str, list[Record]] = {}
    for record in sorted(records, key=lambda r: list(PROPERTIES).index(r.property)):
        groups.setdefault(PROPERTIES[record.property].group, []).append(record)
    for group, own in groups.items():
        console.print()
        _print_records(own, with_material=len(names) > 1, title=group, as_cells=True)
    n_sources = len({record.source.label for record in records})
    console.print(f"\n{_plural(len(records), 'record')} from {_plural(n_sources, 'source')}\n{_safe(_LEGEND)}")
    if notes:
        console.print()
        for record in records:
            if record.note:
                head = f"{record.property} {_value(record)}, {record.source.label}"
                console.print(f"[bold]{_safe(head)}[/bold]: {_safe(record.note)}")
    elif any(record.note for record in records):
        console.print("--notes prints what else the sources say")


@app.command()
def sources(
    property: PropertyOption = None,
    material: MaterialOption = None,
    table: TableOption = None,
    source: SourceOption = None,
    unknown: UnknownOption = True,
    theory: TheoryOption = True,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """List where the values come from, the most used source first.

    Example: perospin data sources
    """
    from perospin.database import cited_sources

    records = _select(property, material, table, None, None, None, source, None, None, unknown, theory, store)
    cited = cited_sources(records)
    if as_json:
        rows = [
            {
                "key": item.key,
                "doi": item.source.doi,
                "first_author": item.source.first_author,
                "year": item.source.year,
                "url": item.source.url,
                "evidence": item.evidence,
                "records": item.n_records,
                "properties": list(item.properties),
            }
            for item in cited
        ]
        typer.echo(readable_json(rows))
        return
    rows_ = [
        [
            str(item.n_records),
            visible(item.source.label),
            visible(item.source.doi or item.source.url.removeprefix("https://").removeprefix("http://")),
            "original" if item.evidence == "primary" else "quotation",
            ", ".join(_squeeze(item.properties)),
        ]
        for item in cited
    ]
    show_rows(_console(), ["records", "source", "DOI, or page read", "read in", "properties"], rows_, right=[0])
    count = f"{_plural(len(cited), 'source')} of {_plural(len(records), 'record')}"
    typer.echo(f"\n{count}; as BibTeX: perospin data export sources.bib")
