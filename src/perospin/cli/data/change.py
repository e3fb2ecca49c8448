"""``perospin data``: look at, check, import and export measured values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from perospin.cli.data.options import (
    AllowUnknownOption,
    ByOption,
    CarrierOption,
    EvidenceOption,
    HighOption,
    IonOption,
    JsonOption,
    LowOption,
    MappingOption,
    MaterialOption,
    PropertyOption,
    SkipKnownOption,
    SourceOption,
    StoreOption,
    TableOption,
    TechniqueOption,
    TheoryOption,
    UnknownOption,
    WhyOption,
    _ions,
    _select,
    app,
)
from perospin.cli.data.printing import (
    _bad_cells,
    _issue_rows,
    _plural,
    _print_check,
    _print_issues,
    _print_json,
    _print_unused,
    _value,
    print_cautions,
)
from perospin.cli.own_ions import NamesOption
from perospin.text import readable_json, shorten, visible


@app.command()
def check(
    what: Annotated[str, typer.Argument(metavar="FILE|curated", help="A table, or 'curated' for the shipped ones.")],
    mapping: MappingOption = None,
    allow_unknown: AllowUnknownOption = False,
    ion: IonOption = None,
    names: NamesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a table without importing it, or the shipped tables: every bad cell by row and column.

    Example: perospin data check examples/my_values.csv --mapping examples/columns.toml
    """
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
            typer.echo(readable_json(report))
        raise typer.Exit(2 if bad else 0)
    found = check_file(
        what, ColumnMapping.from_toml(mapping) if mapping else None, allow_unknown=allow_unknown, ions=_ions(ion, names)
    )
    _print_check(what, found, as_json)
    raise typer.Exit(2 if found.issues else 0)


@app.command("import")
def import_command(
    file: Annotated[
        Path,
        typer.Argument(help="Table (CSV, .xlsx), published folder, NOMAD archive (.json) or OPTIMADE file (.jsonl)."),
    ],
    mapping: MappingOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what is wrong; write nothing.")] = False,
    allow_unknown: AllowUnknownOption = False,
    skip_known: SkipKnownOption = False,
    ion: IonOption = None,
    names: NamesOption = None,
    doi: Annotated[str, typer.Option("--doi", help="Source of records that name none, as in a NOMAD archive.")] = "",
    by: ByOption = None,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Import a table into your store: all rows, or none if any cell is bad.

    Example: perospin data import examples/my_values.csv --mapping examples/columns.toml --dry-run
    """
    from perospin.database import ColumnMapping, Store, check_file

    with Store.open(store) as opened:
        found = check_file(
            file,
            ColumnMapping.from_toml(mapping) if mapping else None,
            opened,
            allow_unknown,
            skip_known,
            _ions(ion, names),
            {"doi": doi} if doi else None,
        )
        if found.issues or dry_run:
            _print_check(str(file), found, as_json)
            if not as_json:
                typer.echo("nothing was imported" if found.issues else "dry run: nothing was imported")
            raise typer.Exit(2 if found.issues else 0)
        added = opened.add(found.records, skip_known=skip_known, by=by)
        if as_json:
            typer.echo(json.dumps({"imported": added, "store": opened.location}))
            return
        skipped = len(found.records) - len(added)
        extra = f", {skipped} known ones passed over" if skipped else ""
        span = f" ({added[0]} to {added[-1]})" if len(added) > 1 else f" ({added[0]})" if added else ""
        typer.echo(f"imported {_plural(len(added), 'record')}{span}{extra} into {opened.location}")
        if found.n_unknown:
            typer.echo(f"{found.n_unknown} of unknown composition: kept as text, out of default queries")
        print_cautions(found)
        _print_unused(found)


@app.command()
def export(
    file: Annotated[
        Path, typer.Argument(help="Target; the suffix tells the format (.csv .parquet .json .bib .jsonl .csl.json).")
    ],
    format: Annotated[
        str | None,
        typer.Option("--to", "--format", "-f", help="csv, parquet, json, bibtex, csl, nomad or optimade."),
    ] = None,
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
    ion: IonOption = None,
    store: StoreOption = None,
) -> None:
    """Write records to a file; bibtex and csl write their sources. What the format can't say is told.

    Example: perospin data export tau_spin.csv --property tau_spin
    """
    from perospin.cli.data.exchange import tell_losses
    from perospin.database import cited_sources, export_records
    from perospin.database.exporting import format_of
    from perospin.errors import DataError

    records = _select(
        property, material, table, technique, carrier, evidence, source, min_temperature, max_temperature,
        unknown, theory, store,
    )  # fmt: skip
    if not records:
        raise DataError(
            f"no record fits the selection, so '{shorten(str(file))}' was not written; see `perospin data list`"
        )
    chosen = format_of(file, format)
    count = export_records(records, file, chosen, _ions(ion))
    if chosen in ("bibtex", "csl"):
        typer.echo(
            f"wrote {_plural(len(cited_sources(records)), 'source')} of {_plural(count, 'record')} "
            f"to {visible(str(file))}"
        )
    else:
        typer.echo(f"wrote {_plural(count, 'record')} to {visible(str(file))}")
    if chosen not in ("csv", "parquet", "json"):
        tell_losses(chosen, records)


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
    names: NamesOption = None,
    by: ByOption = None,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Add one record to your store.

    Example: perospin data add "(PEA)2PbI4" --property tau_spin --value 0.3 --unit ps --author "our lab"
    """
    from perospin.database import Conditions, Record, Source, Store
    from perospin.database.record import is_formula, read_material

    library = _ions(ion, names)
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
        (name,) = opened.add([record], by=by)
        if as_json:
            _print_json([record.with_id(name)])
        else:
            typer.echo(
                f"{name}: {record.formula or shorten(record.material)}, {record.property} = {_value(record)} "
                f"{record.unit} ({record.source.label}), in {opened.location}"
            )
            for caution in read_material(material, library)[1] if record.composition == "known" else ():
                typer.echo(f"caution: {visible(caution)}")


@app.command()
def change(
    record_id: Annotated[str, typer.Argument(metavar="RECORD", help="One of your own records: user-1.")],
    value: Annotated[float | None, typer.Option("--value", "-v", help="The right number, in --unit.")] = None,
    unit: Annotated[str | None, typer.Option("--unit", "-u", help="Its unit, if it isn't that of the record.")] = None,
    uncertainty: Annotated[
        float | None, typer.Option("--uncertainty", help="One standard deviation; a new value has none unless given.")
    ] = None,
    temperature: Annotated[float | None, typer.Option("--temperature", help="K")] = None,
    place: Annotated[str | None, typer.Option("--place", help="Where in the source: Fig. 3, notebook page ...")] = None,
    note: Annotated[str | None, typer.Option("--note")] = None,
    why: WhyOption = "",
    by: ByOption = None,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Correct a record of your store; what it was stays in its history.

    Example: perospin data change user-1 --value 0.31 --why "misread"
    """
    from dataclasses import replace

    from perospin.database import Store
    from perospin.database.record import to_canonical
    from perospin.database.store import key_of
    from perospin.errors import DataError

    with Store.open(store) as opened:
        key_of(record_id)  # tells what is no identifier
        old = next((record for record in opened.query() if record.record_id == record_id), None)
        if old is None:
            raise DataError(f"no record {record_id} in {opened.location}; `perospin data list --table user` lists them")
        if unit is not None and value is None:
            raise DataError("--unit needs --value: say the number in that unit")
        new: dict[str, Any] = {} if note is None else {"note": note}
        if value is not None or uncertainty is not None:
            number, of = old.original_value if value is None else value, unit or old.original_unit
            new["value"], new["uncertainty"] = to_canonical(old.property, number, of, uncertainty)
            new |= {"original_value": number, "original_unit": of}
        if temperature is not None:
            new["conditions"] = replace(old.conditions, temperature_k=temperature)
        if place is not None:
            new["source"] = replace(old.source, located_in=place)
        record = replace(old, **new)
        opened.change(record_id, record, by, why)
        if as_json:
            _print_json([record])
        else:
            typer.echo(f"{record_id}: {shorten(record.material)}, {record.property} = {_value(record)} {record.unit}")
            typer.echo(f"what it was: perospin data history {record_id}")


@app.command()
def remove(
    record_id: Annotated[list[str], typer.Argument(help="Identifiers of your own records: user-1 user-2 ...")],
    why: WhyOption = "",
    by: ByOption = None,
    store: StoreOption = None,
) -> None:
    """Withdraw records from your store; what they held stays in the history. Curated ones can't be removed.

    Example: perospin data remove RECORD_ID
    """
    from perospin.database import Store

    with Store.open(store) as opened:
        count = opened.remove(record_id, by, why)
        typer.echo(f"removed {_plural(count, 'record')} from {opened.location}")
