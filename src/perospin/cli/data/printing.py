"""Records and issues on the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import typer

from perospin.cli.paragraphs import show_rows
from perospin.text import readable_json, shorten, visible

if TYPE_CHECKING:
    from perospin.database import CellIssue, ImportCheck, Record


_LEGEND = '< > bounds, max largest of a series, * theory, ? composition not known, ~ estimated, " quoted'


def _console() -> Any:
    from rich.console import Console

    return Console(highlight=False)


def _safe(text: str) -> str:
    """Text with control characters and rich's markup signs made harmless: directions hold square brackets."""
    from rich.markup import escape

    return escape(visible(text))


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
            # the identifier that `data remove` wants
            record.source.label + (f" ({record.record_id})" if record.record_id.startswith("user-") else ""),
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


def _print_records(records: Iterable[Record], with_material: bool, title: str = "", as_cells: bool = False) -> None:
    rows = _record_rows(records, as_cells)
    single = len({(row[1], row[3]) for row in rows}) == 1 and not as_cells
    if single:  # one property: name it once, above
        title = f"{rows[0][1]} ({rows[0][3]})" if rows[0][3] else rows[0][1]
    columns = [0] * with_material + [1] * (not single) + [2] + [3] * (not single) + [4, 5, 6]
    names = ("material", "property", "value", "unit", "", "conditions", "source")
    shown = [[visible(row[index]) for index in columns] for row in rows]
    show_rows(
        _console(), [names[index] for index in columns], shown, title=title,
        whole=[i for i, index in enumerate(columns) if index in (1, 2, 3, 4)], right=[columns.index(2)],
        once=not single and not with_material,
    )  # fmt: skip


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
        typer.echo(readable_json(rows))
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
            "cautions": list(found.cautions),
            "bad_cells": _issue_rows(found.issues),
        }
        typer.echo(readable_json(report))
        return
    _print_issues(found.issues, file)
    rows = _plural(found.n_rows, "row")
    typer.echo(
        f"{visible(file)}: {rows}, {_bad_cells(len(found.issues))}{' (row 1 is the header)' if found.issues else ''}"
    )
    if found.n_unknown:
        typer.echo(f"{found.n_unknown} of unknown composition: kept as text, out of default queries")
    print_cautions(found)
    _print_unused(found)


def print_cautions(found: ImportCheck, most: int = 20) -> None:
    """Say what was read but is open to doubt."""
    for caution in found.cautions[:most]:
        typer.echo(textwrap.fill(f"caution: {visible(caution)}", 100, subsequent_indent="  "))
    if len(found.cautions) > most:
        typer.echo(f"{len(found.cautions) - most} more cautions; --json prints all")


def _print_unused(found: ImportCheck) -> None:
    """Say which columns were not read, and what was perhaps meant: a misspelt one must not be lost in silence."""
    from perospin.database.record import COLUMNS
    from perospin.similar import similar_names

    said = []
    for name in found.unused:
        parts = [field for field in COLUMNS if name.lower() in field.split("_")]
        close = parts or similar_names(name, COLUMNS)
        said.append(f"{shorten(name, 40)} (did you mean {close[0]}?)" if close else shorten(name, 40))
    if said:
        typer.echo(f"columns not read: {shorten(', '.join(said), 400)}")


def _squeeze(names: Iterable[str]) -> list[str]:
    """Property names with the cell parameters drawn together."""
    return list(dict.fromkeys("lattice" if name.startswith("lattice_") else name for name in names))
