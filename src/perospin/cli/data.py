"""``perospin data``: look at, check, import and export measured values."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from perospin.chemistry import IonLibrary
    from perospin.database import CellIssue, ImportCheck, Record

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Look at, check, import and export measured values: the curated tables and your own store.",
)

StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store", help="Your store: a file or a database URL (default: $PEROSPIN_STORE, else the user folder)."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a program instead of a table.")]
PropertyOption = Annotated[
    list[str] | None, typer.Option("--property", "-p", help="Only this property; may be given several times.")
]
MaterialOption = Annotated[str | None, typer.Option("--material", "-m", help="Only this formula, or words of it.")]
TableOption = Annotated[str | None, typer.Option("--table", "-t", help="Only this curated table, or 'user'.")]
TechniqueOption = Annotated[str | None, typer.Option("--technique", help="Technique contains this.")]
CarrierOption = Annotated[str | None, typer.Option("--carrier", help="electron, hole, exciton or unspecified.")]
EvidenceOption = Annotated[str | None, typer.Option("--evidence", help="primary or secondary.")]
SourceOption = Annotated[str | None, typer.Option("--source", help="DOI, first author or URL contains this.")]
LowOption = Annotated[float | None, typer.Option("--min-temperature", help="Not colder than this, in K.")]
HighOption = Annotated[float | None, typer.Option("--max-temperature", help="Not warmer than this, in K.")]
UnknownOption = Annotated[bool, typer.Option("--unknown", help="Also materials of unknown composition.")]
TheoryOption = Annotated[bool, typer.Option("--theory", help="Also computed values.")]
MappingOption = Annotated[Path | None, typer.Option("--mapping", help="TOML file: which column is which field.")]
AllowUnknownOption = Annotated[
    bool, typer.Option("--allow-unknown", help="Keep materials that are no formula as text, marked.")
]
SkipKnownOption = Annotated[bool, typer.Option("--skip-known", help="Pass over records that are in the store.")]


IonOption = Annotated[
    list[str] | None, typer.Option("--ion", help="A cation of your own, NAME=SMILES; may be given several times.")
]


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
    """List records; without a filter, what there is by property."""
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
    _console().print(_record_table(shown, with_material=True))
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
    """Show everything known about a material, theory and uncertain rows included and marked."""
    from perospin.database import select_records
    from perospin.database.vocabulary import PROPERTIES
    from perospin.errors import DataError

    records = select_records(material=material, include_unknown=True, include_theory=True, store=store)
    if not records:
        raise DataError(f"nothing is known about '{material}'{_similar(material)}")
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
        console.print(_record_table(own, with_material=len(names) > 1, title=group, as_cells=True))
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
def check(
    what: Annotated[str, typer.Argument(metavar="FILE|curated", help="A table, or 'curated' for the shipped ones.")],
    mapping: MappingOption = None,
    allow_unknown: AllowUnknownOption = False,
    ion: IonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a table without importing it, or the shipped tables: every bad cell by row and column."""
    from perospin.database import ColumnMapping, check_curated, check_file

    if what == "curated":
        bad = 0
        report: dict[str, Any] = {}
        for name, (count, issues) in check_curated().items():
            bad += len(issues)
            report[name] = {"records": count, "bad_cells": _issue_rows(issues)}
            if not as_json:
                typer.echo(f"{name}: {_plural(count, 'record')}, {_bad_cells(len(issues))}")
                _print_issues(issues, name)
        if as_json:
            typer.echo(json.dumps(report, indent=1, ensure_ascii=False))
        raise typer.Exit(2 if bad else 0)
    found = check_file(
        what, ColumnMapping.from_toml(mapping) if mapping else None, allow_unknown=allow_unknown, ions=_ions(ion)
    )
    _print_check(what, found, as_json)
    raise typer.Exit(2 if found.issues else 0)


@app.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(help="CSV (comma, semicolon or tab) in UTF-8 with a header row.")],
    mapping: MappingOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what is wrong; write nothing.")] = False,
    allow_unknown: AllowUnknownOption = False,
    skip_known: SkipKnownOption = False,
    ion: IonOption = None,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Import a table into your store: all rows, or none if any cell is bad."""
    from perospin.database import ColumnMapping, Store, check_file

    with Store.open(store) as opened:
        found = check_file(
            file, ColumnMapping.from_toml(mapping) if mapping else None, opened, allow_unknown, skip_known, _ions(ion)
        )
        if found.issues or dry_run:
            _print_check(str(file), found, as_json)
            if not as_json:
                typer.echo("nothing was imported" if found.issues else "dry run: nothing was imported")
            raise typer.Exit(2 if found.issues else 0)
        names = opened.add(found.records, skip_known=skip_known)
        if as_json:
            typer.echo(json.dumps({"imported": names, "store": opened.location}))
            return
        skipped = len(found.records) - len(names)
        extra = f", {skipped} known ones passed over" if skipped else ""
        span = f" ({names[0]} to {names[-1]})" if len(names) > 1 else f" ({names[0]})" if names else ""
        typer.echo(f"imported {_plural(len(names), 'record')}{span}{extra} into {opened.location}")
        if found.n_unknown:
            typer.echo(f"{found.n_unknown} of unknown composition: kept as text, out of default queries")
        _print_unused(found)


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="Target; the suffix tells the format (.csv .parquet .json .bib).")],
    format: Annotated[str | None, typer.Option("--format", "-f", help="csv, parquet, json or bibtex.")] = None,
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
    store: StoreOption = None,
) -> None:
    """Write records to a file; bibtex writes their sources."""
    from perospin.database import cited_sources, export_records
    from perospin.errors import DataError

    records = _select(
        property, material, table, technique, carrier, evidence, source, min_temperature, max_temperature,
        unknown, theory, store,
    )  # fmt: skip
    if not records:
        raise DataError(f"no record fits the selection, so '{file}' was not written; see `perospin data list`")
    count = export_records(records, file, format)
    if format == "bibtex" or (format is None and file.suffix.lower() == ".bib"):
        typer.echo(f"wrote {_plural(len(cited_sources(records)), 'source')} of {_plural(count, 'record')} to {file}")
    else:
        typer.echo(f"wrote {_plural(count, 'record')} to {file}")


@app.command()
def add(
    material: Annotated[str, typer.Argument(help="Formula, for example '(PEA)2PbI4'.")],
    property: Annotated[str, typer.Option("--property", "-p", help="Name from `perospin data list`.")],
    value: Annotated[float, typer.Option("--value", "-v", help="The number, in the unit given.")],
    unit: Annotated[str, typer.Option("--unit", "-u", help="Its unit; converted to the canonical one.")],
    uncertainty: Annotated[float | None, typer.Option("--uncertainty", help="One standard deviation.")] = None,
    limit: Annotated[str, typer.Option("--limit", help="value, upper, lower or up_to.")] = "value",
    temperature: Annotated[float | None, typer.Option("--temperature", help="K")] = None,
    field: Annotated[float | None, typer.Option("--field", help="Magnetic field, T")] = None,
    technique: Annotated[str, typer.Option("--technique", help="For example CPTR, TRKR, Hanle_optical.")] = "",
    carrier: Annotated[str, typer.Option("--carrier", help="electron, hole, exciton or unspecified.")] = "",
    form: Annotated[str, typer.Option("--form", help="film, single crystal, nanocrystal ...")] = "",
    excitation: Annotated[float | None, typer.Option("--excitation", help="Pump wavelength, nm")] = None,
    fluence: Annotated[float | None, typer.Option("--fluence", help="Pump fluence, uJ/cm^2")] = None,
    convention: Annotated[str, typer.Option("--convention", help="polarisation_decay, spin_flip or hanle_width.")] = "",
    doi: Annotated[str, typer.Option("--doi", help="DOI or arXiv identifier.")] = "",
    author: Annotated[str, typer.Option("--author", help="First author, or who measured it.")] = "",
    year: Annotated[int | None, typer.Option("--year")] = None,
    place: Annotated[str, typer.Option("--place", help="Where in the source: Fig. 3, notebook page ...")] = "",
    url: Annotated[str, typer.Option("--url")] = "",
    evidence: Annotated[str, typer.Option("--evidence", help="primary or secondary.")] = "primary",
    estimated: Annotated[bool, typer.Option("--estimated", help="The number was not stated as such.")] = False,
    theory: Annotated[bool, typer.Option("--theory", help="Computed, not measured.")] = False,
    note: Annotated[str, typer.Option("--note")] = "",
    allow_unknown: AllowUnknownOption = False,
    ion: IonOption = None,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Add one record to your store."""
    from perospin.database import Conditions, Record, Source, Store
    from perospin.database.record import is_formula

    library = _ions(ion)
    record = Record.measured(
        material,
        property,
        value,
        unit,
        Source(doi, author, year, place, evidence, url),  # type: ignore[arg-type]
        uncertainty=uncertainty,
        composition="unknown" if allow_unknown and not is_formula(material, library) else None,
        ions=library,
        limit=limit,
        conditions=Conditions(
            form=form,
            carrier=carrier,
            technique=technique,
            temperature_k=temperature,
            field_t=field,
            excitation_nm=excitation,
            fluence_uj_cm2=fluence,
            lifetime_convention=convention,
        ),
        estimated=estimated,
        theory=theory,
        note=note,
    )
    with Store.open(store) as opened:
        (name,) = opened.add([record])
        if as_json:
            _print_json([record.with_id(name)])
        else:
            typer.echo(
                f"{name}: {record.formula or record.material}, {record.property} = {_value(record)} {record.unit} "
                f"({record.source.label}), in {opened.location}"
            )


@app.command()
def remove(
    record_id: Annotated[list[str], typer.Argument(help="Identifiers of your own records: user-1 user-2 ...")],
    store: StoreOption = None,
) -> None:
    """Remove records from your store; curated ones can't be removed."""
    from perospin.database import Store

    with Store.open(store) as opened:
        count = opened.remove(record_id)
        typer.echo(f"removed {_plural(count, 'record')} from {opened.location}")


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
    """List where the values come from, the most used source first."""
    from rich.table import Table

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
        typer.echo(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    table_ = Table(box=None, pad_edge=False, header_style="bold", expand=True)
    table_.add_column("records", justify="right", no_wrap=True)
    table_.add_column("source", width=15, overflow="fold")
    # folded, never cut: a DOI is there to be copied
    table_.add_column("DOI, or page read", ratio=5, overflow="fold")
    table_.add_column("read in", no_wrap=True, width=9)
    table_.add_column("properties", ratio=4, overflow="fold")
    for item in cited:
        where = item.source.doi or item.source.url.removeprefix("https://").removeprefix("http://")
        own = "original" if item.evidence == "primary" else "quotation"
        properties = ", ".join(_squeeze(item.properties))
        table_.add_row(str(item.n_records), _safe(item.source.label), _safe(where), own, properties)
    _console().print(table_)
    count = f"{_plural(len(cited), 'source')} of {_plural(len(records), 'record')}"
    typer.echo(f"\n{count}; as BibTeX: perospin data export sources.bib")


_LEGEND = '< > bounds, max largest of a series, * theory, ? composition not known, ~ estimated, " quoted'


def _select(
    property: list[str] | None,
    material: str | None,
    table: str | None,
    technique: str | None,
    carrier: str | None,
    evidence: str | None,
    source: str | None,
    min_temperature: float | None,
    max_temperature: float | None,
    unknown: bool,
    theory: bool,
    store: str | None,
) -> list[Record]:
    from perospin.database import select_records

    return select_records(
        property,
        material,
        table=table,
        technique=technique,
        carrier=carrier,
        evidence=evidence,
        source=source,
        temperature_k=(min_temperature, max_temperature),
        include_unknown=unknown,
        include_theory=theory,
        store=store,
    )


def _ions(definitions: list[str] | None) -> IonLibrary | None:
    """Make the library with the user's own cations."""
    from perospin.chemistry import IonLibrary
    from perospin.errors import DataError

    own: dict[str, str] = {}
    for text in definitions or []:
        name, sign, smiles = text.partition("=")
        if not (sign and name.strip() and smiles.strip()):
            raise DataError(f"--ion '{text}' must be NAME=SMILES, for example --ion 'XEA=[NH3+]CCCl'")
        own[name.strip()] = smiles.strip()
    return IonLibrary.default().with_ions(own) if own else None


def _console() -> Any:
    from rich.console import Console

    return Console(highlight=False)


def _safe(text: str) -> str:
    """Text with rich's markup signs made harmless: formulae and crystal directions hold square brackets."""
    from rich.markup import escape

    return escape(text)


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _bad_cells(count: int) -> str:
    return "no bad cell" if count == 0 else _plural(count, "bad cell")


def _number(value: float) -> str:
    """Write four significant digits; very large and very small numbers as 9e8."""
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{float(f'{value:.4g}'):.10g}"
    mantissa, _, exponent = f"{value:.3e}".partition("e")
    return f"{float(mantissa):g}e{int(exponent)}"


def _value(record: Record) -> str:
    sign = {"value": "", "upper": "< ", "lower": "> ", "up_to": "max "}[record.limit]
    spread = f" ± {_number(record.uncertainty)}" if record.uncertainty is not None else ""
    return f"{sign}{_number(record.value)}{spread}"


def _marks(record: Record) -> str:
    marks = "*" * record.theory + "?" * (record.composition != "known") + "~" * record.estimated
    return marks + '"' * (record.source.evidence == "secondary")


def _conditions(record: Record) -> str:
    """Join the conditions that tell records apart, shortest first."""
    c = record.conditions
    carrier = "" if c.carrier == "unspecified" else c.carrier
    parts = [
        f"{c.temperature_k:g} K" if c.temperature_k is not None else "",
        f"{c.field_t:g} T" if c.field_t is not None else "",
        f"{c.bias_field_v_mm:g} V/mm" if c.bias_field_v_mm is not None else "",
        f"{c.xray_energy_kev:g} keV" if c.xray_energy_kev is not None else "",
        carrier,
        c.direction,
        c.handedness,
        c.phase,
        c.form,
        c.technique,
    ]
    return ", ".join(part for part in parts if part)


def _record_rows(records: Iterable[Record], as_cells: bool) -> list[list[str]]:
    """Text of each record: material, property, value, unit, marks, conditions, source.

    With `as_cells` the edges and angles that stand in one row of a source become one line.
    """
    rows: list[list[str]] = []
    cells: dict[str, list[str]] = {}
    for record in records:
        unit = "" if record.unit == "1" else record.unit
        row = [
            record.formula or record.material,
            record.property,
            _value(record),
            unit,
            _marks(record),
            _conditions(record),
            record.source.label,
        ]
        whole, _, _ = record.origin.rpartition(":")
        if as_cells and record.property.startswith("lattice_") and whole:
            if whole in cells:
                cells[whole][2] += ("; " if record.property == "lattice_alpha" else " ") + row[2]
                continue
            row[1:4] = ["cell", row[2], "Angstrom; deg"]
            cells[whole] = row
        rows.append(row)
    return rows


def _record_table(records: Iterable[Record], with_material: bool, title: str = "", as_cells: bool = False) -> Table:
    from rich.table import Table

    rows = _record_rows(records, as_cells)
    single = len({(row[1], row[3]) for row in rows}) == 1 and not as_cells
    if single:  # one property: name it once, above
        title = f"{rows[0][1]} ({rows[0][3]})" if rows[0][3] else rows[0][1]
    table = Table(
        box=None, pad_edge=False, header_style="bold", title=title or None, title_justify="left",
        title_style="bold cyan", expand=True,
    )  # fmt: skip
    columns = {0: with_material, 1: not single, 2: True, 3: not single, 4: True, 5: True, 6: True}
    names = ("material", "property", "value", "unit", "", "conditions", "source")
    for index, shown in columns.items():
        if not shown:
            continue
        if index == 0:
            table.add_column(names[index], max_width=26, overflow="ellipsis", no_wrap=True)
        elif index == 2:
            table.add_column(names[index], justify="right", no_wrap=True)
        elif index == 5:
            table.add_column(names[index], overflow="ellipsis", no_wrap=True, ratio=1)
        elif index == 6:
            table.add_column(names[index], max_width=17, overflow="ellipsis", no_wrap=True)
        else:
            table.add_column(names[index], no_wrap=True)
    before = ""
    for row in rows:
        cells = [_safe(row[index]) for index, shown in columns.items() if shown]
        if not single and not with_material and row[1] == before:
            cells[0] = ""  # the name of a property stands at its first record
        before = row[1]
        table.add_row(*cells)
    return table


def _print_overview(records: list[Record], as_json: bool) -> None:
    from rich.table import Table

    from perospin.database.vocabulary import PROPERTIES

    rows = []
    for prop in PROPERTIES.values():
        own = [record for record in records if record.property == prop.name]
        if own:
            values = [record.value for record in own]
            rows.append(
                {
                    "property": prop.name,
                    "records": len(own),
                    "materials": len({record.formula or record.material for record in own}),
                    "lowest": min(values),
                    "highest": max(values),
                    "unit": prop.unit,
                    "description": prop.description,
                }
            )
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("property", "records", "materials", "lowest", "highest", "unit"):
        table.add_column(name, justify="right" if name in ("records", "materials", "lowest", "highest") else "left")
    for row in rows:
        unit = "" if row["unit"] == "1" else str(row["unit"])
        table.add_row(
            str(row["property"]), str(row["records"]), str(row["materials"]), _number(float(str(row["lowest"]))),
            _number(float(str(row["highest"]))), unit,
        )  # fmt: skip
    _console().print(table)
    materials = len({record.formula or record.material for record in records})
    typer.echo(
        f"\n{_plural(len(records), 'record')} of {_plural(materials, 'material')}\n"
        "one property: perospin data list -p tau_spin; one material: perospin data show '(PEA)2PbI4'"
    )


def _print_json(records: Iterable[Record]) -> None:
    from perospin.database import to_json

    typer.echo(to_json(records), nl=False)


def _issue_rows(issues: Iterable[CellIssue]) -> list[dict[str, Any]]:
    return [{"row": i.row, "column": i.column, "value": i.value, "message": i.message} for i in issues]


def _print_issues(issues: Iterable[CellIssue], title: str) -> None:
    from rich.table import Table

    found = list(issues)
    if not found:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("row", justify="right", no_wrap=True)
    table.add_column("column", no_wrap=True, max_width=24, overflow="ellipsis")
    table.add_column("stands there", no_wrap=True, max_width=24, overflow="ellipsis")
    table.add_column("what is wrong", overflow="fold")
    for issue in found:
        table.add_row(str(issue.row), _safe(issue.column), _safe(issue.value), _safe(issue.message))
    _console().print(table)


def _print_check(file: str, found: ImportCheck, as_json: bool) -> None:
    if as_json:
        report = {
            "file": file,
            "rows": found.n_rows,
            "records": len(found.records),
            "unknown_composition": found.n_unknown,
            "unused_columns": list(found.unused),
            "bad_cells": _issue_rows(found.issues),
        }
        typer.echo(json.dumps(report, indent=1, ensure_ascii=False))
        return
    _print_issues(found.issues, file)
    rows = _plural(found.n_rows, "row")
    typer.echo(f"{file}: {rows}, {_bad_cells(len(found.issues))}{' (row 1 is the header)' if found.issues else ''}")
    if found.n_unknown:
        typer.echo(f"{found.n_unknown} of unknown composition: kept as text, out of default queries")
    _print_unused(found)


def _print_unused(found: ImportCheck) -> None:
    """Say which columns were not read, and what was perhaps meant: a misspelt one must not be lost in silence."""
    from difflib import get_close_matches

    from perospin.database.record import COLUMNS

    said = []
    for name in found.unused:
        parts = [field for field in COLUMNS if name.lower() in field.split("_")]
        close = parts or get_close_matches(name, COLUMNS, n=1)
        said.append(f"{name} (did you mean {close[0]}?)" if close else name)
    if said:
        typer.echo(f"columns not read: {', '.join(said)}")


def _squeeze(names: Iterable[str]) -> list[str]:
    """Property names with the cell parameters drawn together."""
    return list(dict.fromkeys("lattice" if name.startswith("lattice_") else name for name in names))


def _kind(names: Iterable[str]) -> str:
    """Write family and layer number of a formula."""
    from perospin.chemistry import Perovskite
    from perospin.errors import FormulaError

    try:
        material = Perovskite.parse(next(iter(names)))
    except FormulaError:
        return ""
    family = "" if material.family == "other" else f"  {material.family}"
    return f"{family}, n = {material.n_layers}" if material.n_layers else family


def _similar(material: str) -> str:
    """Materials with a similar name, as a hint."""
    from difflib import get_close_matches

    from perospin.database import curated_records

    names = {record.formula or record.material for record in curated_records()}
    close = get_close_matches(material, names, n=3, cutoff=0.7)
    return f"; there is something about {', '.join(close)}" if close else "; `perospin data list --all` lists all"
