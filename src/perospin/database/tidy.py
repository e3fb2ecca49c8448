"""The file boundary: rows of a text table to records, and every bad cell by row and column.

This is the only place where pydantic is used; inside, records are frozen dataclasses.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from perospin.database.record import (
    COLUMNS,
    CONDITION_UNITS,
    MOST_LAYERS,
    Conditions,
    Record,
    Source,
    canonical_formula,
    normalise_doi,
    part_of,
    to_canonical,
)
from perospin.database.vocabulary import get_property
from perospin.errors import DataError, FormulaError
from perospin.saving import write_rows
from perospin.sheets.table import Table, open_table
from perospin.text import control_character, from_spreadsheet, shorten

if TYPE_CHECKING:
    from perospin.chemistry import IonLibrary


MOST_COLUMNS = 1000
LONGEST_HEADING = 300


@dataclass(frozen=True, slots=True)
class CellIssue:
    """One bad cell.

    Attributes
    ----------
    row
        Row as a spreadsheet numbers it: the header is row 1. 0 when the whole file is meant.
    column
        Column of the user's file, or the field that is missing.
    value
        What stands there.
    message
        What would be right.
    """

    row: int
    column: str
    value: str
    message: str

    def __str__(self) -> str:
        """One line."""
        column = shorten(self.column, 40)
        place = f"row {self.row}, column '{column}'" if self.row else f"column '{column}'"
        return f"{place}: {self.message}"


def _checked_property(text: str) -> str:
    try:
        return get_property(text).name
    except DataError as error:
        raise ValueError(str(error)) from None


def _checked_doi(text: str) -> str:
    try:
        return normalise_doi(text)
    except DataError as error:
        raise ValueError(str(error)) from None


Positive = Annotated[float | None, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float | None, Field(ge=0, allow_inf_nan=False)]
Number = Annotated[float | None, Field(allow_inf_nan=False)]


class RecordRow(BaseModel):
    """One row of a table of records; an empty cell is a missing value."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, frozen=True)

    record_id: str = ""
    material: Annotated[str, Field(min_length=1)]
    formula: str = ""
    composition: Literal["known", "other", "unknown"] | None = None
    property: Annotated[str, BeforeValidator(_checked_property)]
    value: Annotated[float, Field(allow_inf_nan=False)]
    unit: str
    uncertainty: NotNegative = None
    limit: Literal["value", "upper", "lower", "up_to"] = "value"
    original_value: Number = None
    original_unit: str = ""
    dimensionality: str = ""
    n_layers: Annotated[int | None, Field(ge=1, le=MOST_LAYERS)] = None
    phase: str = ""
    space_group: str = ""
    form: str = ""
    size_nm: Positive = None
    carrier: Literal["electron", "hole", "exciton", "unspecified", ""] = ""
    technique: str = ""
    temperature_k: Annotated[float | None, Field(ge=0, le=3000, allow_inf_nan=False)] = None
    field_t: Number = None
    excitation_nm: Positive = None
    fluence_uj_cm2: NotNegative = None
    lifetime_convention: Literal["polarisation_decay", "spin_flip", "hanle_width", ""] = ""
    direction: str = ""
    handedness: str = ""
    wavelength_nm: Positive = None
    energy_ev: Positive = None
    xray_energy_kev: Positive = None
    bias_field_v_mm: Number = None
    device: str = ""
    estimated: bool = False
    theory: bool = False
    doi: Annotated[str, BeforeValidator(_checked_doi)] = ""
    first_author: str = ""
    year: Annotated[int | None, Field(ge=1900, le=2100)] = None
    located_in: str = ""
    evidence: Literal["primary", "secondary"] = "primary"
    url: str = ""
    note: str = ""
    origin: str = ""


def _made(row: RecordRow, value: float, uncertainty: float | None, formula: str) -> Record:
    """Record of a row, with its value in the canonical unit and its canonical formula."""
    original = row.original_value
    return Record(
        material=sys.intern(row.material),  # rows of one table share these texts
        formula=formula,
        composition=row.composition or "known",
        property=row.property,
        value=value,
        unit=get_property(row.property).unit,
        source=part_of(Source, row.__dict__),
        original_value=row.value if original is None else original,
        original_unit=sys.intern(row.unit if original is None else row.original_unit),
        uncertainty=uncertainty,
        limit=row.limit,
        conditions=part_of(Conditions, row.__dict__),
        estimated=row.estimated,
        theory=row.theory,
        note=row.note,
        origin=row.origin,
        record_id=row.record_id,
    )


def read_cells(path: Path | str, delimiter: str | None = None) -> tuple[list[str], list[list[str]]]:
    """Header and rows of a table, cells as text; see `read_table`."""
    table = read_table(path, delimiter)
    return list(table.headings), [cells for _, cells in table.rows]


def read_table(path: Path | str, delimiter: str | None = None) -> Table:
    """Table of records as text: see `perospin.sheets.table.open_table`; its headings are checked.

    Raises
    ------
    DataError
        If the file can't be read, is empty or too large, or its header is broken; while the rows are read also if a
        quotation mark is never closed.
    """
    table = open_table(path, delimiter)
    name = table.name
    header = [from_spreadsheet(cell) for cell in table.headings]
    if not any(header):
        raise DataError(f"'{name}' has an empty first row; the first row must name the columns")
    if len(header) > MOST_COLUMNS:
        raise DataError(f"'{name}' has {len(header)} columns; a table of records has at most {MOST_COLUMNS}")
    for column in header:
        if len(column) > LONGEST_HEADING:
            raise DataError(
                f"the column '{shorten(column, 40)}' of '{name}' has a name of {len(column)} characters; at most "
                f"{LONGEST_HEADING} are read"
            )
        if found := control_character(column):
            raise DataError(f"the column '{shorten(column, 40)}' of '{name}' holds the control character {found}")
    doubled = sorted({column for column in header if column and header.count(column) > 1})
    if doubled:
        raise DataError(f"'{name}' has two columns named '{shorten(doubled[0])}'; each name may occur once")
    return replace(table, headings=tuple(header))


def _sentence(kind: str, context: Mapping[str, Any], message: str, column: str) -> str:
    """Say what would be right, for one pydantic error."""
    if kind == "missing":
        return f"missing; every record needs a {column}"
    if kind in ("float_parsing", "float_type"):
        return "not a number; write it as 0.5 or 5e-1"
    if kind in ("int_parsing", "int_type", "int_from_float"):
        return "not a whole number"
    if kind == "finite_number":
        return "not a finite number; leave the cell empty when the value is missing"
    if kind == "literal_error":
        return f"must be one of: {str(context.get('expected', '')).replace(chr(39), '').replace(' or ', ', ')}"
    if kind == "bool_parsing":
        return "must be true or false"
    if kind == "greater_than":
        return f"must be greater than {context['gt']:g}{_unit_of(column)}"
    if kind == "greater_than_equal":
        return f"must be at least {context['ge']:g}{_unit_of(column)}"
    if kind == "less_than_equal":
        return f"must be at most {context['le']:g}{_unit_of(column)}"
    if kind == "extra_forbidden":
        return f"no such column; a record has e.g. {', '.join(COLUMNS[:12])}"
    if kind == "value_error":
        return message.removeprefix("Value error, ")
    return shorten(message, 200)


def _unit_of(column: str) -> str:
    return f" {CONDITION_UNITS[column]}" if column in CONDITION_UNITS else ""


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def validate_row(
    cells: Mapping[str, str],
    row: int,
    labels: Mapping[str, str] | None = None,
    allow_unknown: bool = False,
    ions: IonLibrary | None = None,
    printed: Mapping[str, str] | None = None,
) -> tuple[Record | None, list[CellIssue]]:
    """Validate the cells of one row, keyed by field.

    Every bad cell is found, not only the first: the checks that need two cells (unit and property, material
    and composition) run on whatever cells are good.

    Parameters
    ----------
    cells
        Text by field name; empty text is a missing value.
    row
        Row number for the messages.
    labels
        Column of the user's file that a field was taken from, where the names differ.
    allow_unknown
        Keep a material that does not parse as text, marked as of unknown composition.
    ions
        Ion library with the user's own cations.
    printed
        What stands in the file where `cells` holds something converted from it.

    Returns
    -------
    record, issues
        The record, or None when there are issues.
    """
    labels, printed = labels or {}, printed or {}
    given = {
        name: from_spreadsheet(text) if text[0] == "'" else text
        for name, cell in cells.items()
        if (text := cell.strip())
    }
    issues: list[CellIssue] = []

    def bad(column: str, message: str) -> None:
        stands = shorten(printed.get(column, given.get(column, "")))
        issues.append(CellIssue(row, labels.get(column, column), stands, message))

    model: RecordRow | None = None
    try:
        model = RecordRow.model_validate(given)
    except ValidationError as error:
        for item in error.errors(include_url=False):
            column = str(item["loc"][0])
            bad(column, _sentence(item["type"], item.get("ctx", {}), item["msg"], column))
    if not "".join(given.values()).isprintable():
        for name, text in given.items():
            if found := control_character(text):
                bad(name, f"holds the control character {found}; leave it out")
    wrong = {issue.column for issue in issues}

    def fine(*columns: str) -> bool:
        return not (wrong or model is None) or all(c in given and labels.get(c, c) not in wrong for c in columns)

    value, uncertainty, formula = 1.0, None, ""
    if fine("property", "unit"):
        # A value of one is only a probe of the unit when the real value is bad.
        number = model.value if model is not None else _number(given["value"]) if fine("value") else 1.0
        sigma = model.uncertainty if model is not None else None
        try:
            value, uncertainty = to_canonical(
                given["property"], number if number is not None else 1.0, given["unit"], sigma
            )
        except DataError as error:
            bad("unit" if "rate of" not in str(error) else "value", str(error))
        else:
            prop = get_property(given["property"])
            if prop.positive and value <= 0:
                bad("value", f"{prop.name} must be greater than 0")
    if fine("material") and given.get("composition", "known") == "known":
        try:
            formula = canonical_formula(given.get("formula") or given["material"], ions)
        except FormulaError as error:
            if allow_unknown and "composition" not in given and model is not None:
                model = model.model_copy(update={"composition": "unknown"})
            else:
                bad("formula" if given.get("formula") else "material", str(error))
        else:
            if given.get("formula") and given["formula"] != formula:
                bad("formula", f"not canonical; write {formula}")
    if not any(name in given for name in ("doi", "url", "first_author")):
        bad("doi", "a value needs a source: a DOI or arXiv identifier, a url, or a first_author")
    if issues or model is None:
        return None, issues
    try:
        return _made(model, value, uncertainty, formula), []
    except (DataError, FormulaError) as error:
        bad("value", str(error))
        return None, issues


def read_records(path: Path | str, trusted: bool = False) -> list[Record]:
    """Read the records of a tidy table (columns as in `COLUMNS`, in any order, absent ones empty).

    Parameters
    ----------
    path
        The table.
    trusted
        A shipped table: formulae are taken as they stand.

    Raises
    ------
    DataError
        With the first bad cell and how many more there are.
    """
    header, rows = read_cells(path, delimiter="," if trusted else None)
    if trusted:
        shipped = (RecordRow.model_validate({k: v for k, v in zip(header, cells, strict=True) if v}) for cells in rows)
        return [_made(row, row.value, row.uncertainty, row.formula) for row in shipped]
    records, issues = check_rows(header, rows)
    if issues:
        more = f" (and {len(issues) - 1} more bad cells)" if len(issues) > 1 else ""
        raise DataError(f"'{shorten(str(path))}', {issues[0]}{more}")
    return records


def check_rows(
    header: Sequence[str], rows: Iterable[Sequence[str]], allow_unknown: bool = False
) -> tuple[list[Record], list[CellIssue]]:
    """Validate all rows of a tidy table; see `validate_row`."""
    records: list[Record] = []
    issues = [
        CellIssue(1, name, name, _sentence("extra_forbidden", {}, "", name)) for name in header if name not in COLUMNS
    ]
    known = [name for name in header if name in COLUMNS]
    for number, cells in enumerate(rows, start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            issues.append(CellIssue(number, header[-1], "", _ragged(len(cells), len(header))))
            continue
        by_name = dict(zip(header, cells, strict=True))
        record, found = validate_row({name: by_name[name] for name in known}, number, allow_unknown=allow_unknown)
        issues.extend(found)
        if record is not None:
            records.append(record)
    return records, issues


def _ragged(n_cells: int, n_columns: int) -> str:
    return f"{n_cells} cells where the header has {n_columns}; quote a cell that contains the separator"


def to_cells(record: Record) -> dict[str, str]:
    """Text of each cell of a record; the inverse of `validate_row`."""
    return {name: _text(value) for name, value in record.to_dict().items()}


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if value is None or value is False:
        return ""
    if value is True:
        return "true"
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    return str(value)


def write_records(records: Iterable[Record], path: Path | str) -> int:
    """Write a tidy table (UTF-8, LF line ends); returns the number of rows."""
    count = 0

    def cells() -> Iterator[dict[str, str]]:
        nonlocal count
        for record in records:
            yield to_cells(record)
            count += 1

    write_rows(path, COLUMNS, cells())
    return count
