"""Import a user's table: a column mapping in TOML, a check that lists every bad cell, all or nothing."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from perospin.database.record import COLUMNS, CONDITION_UNITS, Record, read_material
from perospin.database.store import Store
from perospin.database.tidy import CellIssue, validate_row
from perospin.database.vocabulary import PROPERTIES, get_property
from perospin.errors import DataError, FormulaError
from perospin.sheets.table import error_of, key_of, label_of
from perospin.similar import did_you_mean, similar_names
from perospin.text import shorten

if TYPE_CHECKING:
    from perospin.chemistry import IonLibrary
    from perospin.sheets.labels import Label


LARGEST_MAPPING_BYTES = 100_000
_MATERIAL = frozenset(("material", "formula", "compound", "perovskite", "composition_formula", "chemical_formula"))


class ValueColumn(BaseModel):
    """One column of values in a table that has several properties side by side."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str
    property: str
    unit: str
    uncertainty: str = ""


class ColumnMapping(BaseModel):
    """How the columns of a user's table become fields of a record.

    Attributes
    ----------
    columns
        ``field = "column of the file"``.
    constants
        ``field = "text"``, the same in every row.
    units
        ``field = "unit"`` for conditions that the file gives in another unit, for example
        ``temperature_k = "degC"``.
    words
        ``[words.field]`` with ``"text of the file" = "our word"``.
    values
        ``[[values]]`` blocks, for a table with one column a property.
    missing
        Cells that mean "no value", besides the empty one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    columns: dict[str, str] = Field(default_factory=dict)
    constants: dict[str, str | int | float | bool] = Field(default_factory=dict)
    units: dict[str, str] = Field(default_factory=dict)
    words: dict[str, dict[str, str]] = Field(default_factory=dict)
    values: list[ValueColumn] = Field(default_factory=list)
    missing: list[str] = Field(default_factory=lambda: ["NA", "N/A", "n.a.", "-", "nan", "NaN"])

    @classmethod
    def of_headings(cls, headings: Sequence[str], labels: Sequence[Label]) -> ColumnMapping:
        """Find the fields by their headings, with the units that headings bear.

        A heading is a field of a record, a condition with a unit (``temperature (degC)``), the formula (``compound``),
        or a property with a unit (``tau_spin (ns)``); an error column beside a property is its uncertainty.
        """
        columns = {heading: heading for heading in headings if heading in COLUMNS}
        units: dict[str, str] = {}
        constants: dict[str, str | int | float | bool] = {}
        values: list[ValueColumn] = []
        properties = {re.sub(r"[\W_]+", " ", name.casefold()): name for name in PROPERTIES}
        for i, (heading, label) in enumerate(zip(headings, labels, strict=True)):
            key = key_of(label)
            name = key.replace(" ", "_")
            condition = next((c for c in CONDITION_UNITS if c.rsplit("_", 1)[0] == name or c == name), None)
            if heading in COLUMNS and label == label_of(heading):
                continue  # our own name says its unit
            if condition is not None and label.unit and label.unit != CONDITION_UNITS[condition]:
                columns[condition] = heading
                units[condition] = label.unit
            elif condition is not None and label.unit:
                columns[condition] = heading
            elif heading in COLUMNS:
                continue
            elif name in _MATERIAL:
                columns.setdefault("material", heading)
            elif name == "value" and label.unit:
                columns["value"], constants["unit"] = heading, label.unit
            elif name in COLUMNS:
                columns.setdefault(name, heading)
            elif key in properties:
                found = properties[key]
                error = error_of(labels, i)
                values.append(
                    ValueColumn(
                        column=heading,
                        property=found,
                        unit=label.unit or ("1" if get_property(found).unit == "1" else ""),
                        uncertainty=headings[error] if error is not None else "",
                    )
                )
        if "material" not in columns and "formula" in columns:
            columns["material"] = columns.pop("formula")
        return cls(columns=columns, units=units, constants=constants, values=values)

    @classmethod
    def from_toml(cls, path: Path | str) -> ColumnMapping:
        """Read a mapping file.

        Raises
        ------
        DataError
            If the file can't be read, is not TOML, or names a field that a record does not have.
        """
        name_of_file = shorten(str(path))
        try:
            with Path(path).open("rb") as handle:
                content = handle.read(LARGEST_MAPPING_BYTES + 1)
            if len(content) > LARGEST_MAPPING_BYTES:
                raise DataError(
                    f"the mapping '{name_of_file}' is larger than {LARGEST_MAPPING_BYTES // 1000} kB; is it a table?"
                )
            data = tomllib.loads(content.decode("utf-8"))
        except OSError as error:
            raise DataError(f"can't read the mapping '{name_of_file}': {error.strerror}") from None
        except UnicodeDecodeError as error:
            where = f"byte {error.start}"
            raise DataError(f"the mapping '{name_of_file}' is not UTF-8 text ({where}); is it a TOML file?") from None
        except (ValueError, RecursionError) as error:  # also a number of thousands of digits, brackets nested too deep
            raise DataError(f"the mapping '{name_of_file}' is not TOML: {shorten(str(error), 150)}") from None
        try:
            mapping = cls.model_validate(data)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = shorten(".".join(str(part) for part in first["loc"]))
            what = "unknown entry" if first["type"] == "extra_forbidden" else shorten(first["msg"].lower(), 120)
            raise DataError(
                f"mapping '{name_of_file}', entry '{place}': {what}; a mapping has: {', '.join(cls.model_fields)}"
            ) from None
        for section, names in (
            ("columns", mapping.columns),
            ("constants", mapping.constants),
            ("words", mapping.words),
        ):
            for name in names:
                if name not in COLUMNS:
                    others = f"a record has e.g. {', '.join(COLUMNS[:12])}"
                    hint = did_you_mean(name, COLUMNS, otherwise=others, quoted=True)
                    raise DataError(
                        f"mapping '{name_of_file}', [{section}]: a record has no field '{shorten(name)}'; {hint}"
                    )
        for name, constant in mapping.constants.items():
            if isinstance(constant, int) and abs(constant) > 10**15:
                raise DataError(f"mapping '{name_of_file}', [constants]: the number of '{name}' is too large")
        for name in mapping.units:
            if name not in CONDITION_UNITS:
                raise DataError(
                    f"mapping '{name_of_file}', [units]: '{shorten(name)}' takes no unit here; these do: "
                    f"{', '.join(CONDITION_UNITS)} (the unit of the value itself is the field 'unit')"
                )
        return mapping


@dataclass(frozen=True, slots=True)
class ImportCheck:
    """What an import would do.

    Attributes
    ----------
    records
        Records read from the good rows.
    rows
        File row of each record.
    issues
        Every bad cell.
    n_rows
        Rows with at least one cell.
    unused
        Columns that no field takes: their cells are not read.
    cautions
        What to look at although it was read, such as amounts taken as rounded; each sentence once.
    """

    records: tuple[Record, ...]
    rows: tuple[int, ...]
    issues: tuple[CellIssue, ...]
    n_rows: int
    unused: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()

    @property
    def n_unknown(self) -> int:
        """Records whose composition is not known."""
        return sum(record.composition != "known" for record in self.records)


@dataclass
class _Translation:
    """Cells of one row keyed by field, the column each came from, and what stands there before conversion."""

    cells: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    printed: dict[str, str] = field(default_factory=dict)
    issues: list[CellIssue] = field(default_factory=list)


def check_file(
    path: Path | str,
    mapping: ColumnMapping | None = None,
    store: Store | None = None,
    allow_unknown: bool = False,
    skip_known: bool = False,
    ions: IonLibrary | None = None,
    constants: Mapping[str, str] | None = None,
) -> ImportCheck:
    """Read a table and list every bad cell; nothing is written.

    Parameters
    ----------
    path
        CSV, semicolon- or tab-separated text, or a workbook (.xlsx); the first row names the columns. Also what
        `perospin.database.exchange.open_records` opens: a published folder, a NOMAD archive, an OPTIMADE file.
    mapping
        By default found from the headings (`ColumnMapping.of_headings`).
    store
        Where to look for records that are already there.
    allow_unknown
        Keep a material that is not a formula as text, marked as of unknown composition.
    skip_known
        Do not report records that are already in the store.
    ions
        Ion library with the user's own cations.
    constants
        Fields of the records of an archive that names none, for example its ``doi``.

    Returns
    -------
    ImportCheck

    Raises
    ------
    DataError
        If the file as a whole is unusable, or the mapping names a column that it does not have.
    """
    from perospin.database.exchange import open_records

    opened = open_records(path, ions, constants)
    table, ions = opened.table, opened.ions
    header = list(table.headings)
    mapping = mapping or ColumnMapping.of_headings(header, table.labels)
    _check_columns(path, header, mapping)
    _check_units(path, header, table.labels, mapping)
    blocks: list[ValueColumn | None] = [*mapping.values] or [None]
    labels = {name: f"{name} (constant)" for name in mapping.constants} | mapping.columns
    records: list[Record] = []
    places: list[int] = []
    issues: list[CellIssue] = []
    cautions: dict[str, None] = dict.fromkeys(opened.remarks)
    file = Path(path).name
    n_rows = 0
    for number, row in table.rows:
        if not "".join(row).strip():
            continue
        n_rows += 1
        if len(row) != len(header):
            message = f"{len(row)} cells where the header has {len(header)}; quote a cell that contains the separator"
            issues.append(CellIssue(number, header[min(len(row), len(header)) - 1], "", message))
            continue
        cells = dict(zip(header, row, strict=True))
        seen: set[CellIssue] = set()
        for block in blocks:
            translated = _translate(cells, number, mapping, block, labels)
            if translated is None:
                continue
            if not translated.cells.get("origin"):
                translated.cells["origin"] = f"{file}:{number}"
            record, found = validate_row(
                translated.cells, number, translated.labels, allow_unknown, ions, translated.printed
            )
            for issue in [*translated.issues, *found]:
                if issue not in seen:  # a shared bad cell is one fault, however many value columns use it
                    seen.add(issue)
                    issues.append(issue)
            if record is not None and not translated.issues:
                records.append(record)
                places.append(number)
                cautions |= dict.fromkeys(_cautions(record, ions))
    issues.extend(_repeats(records, places, store, skip_known, mapping.columns.get("value", "value")))
    if not n_rows:
        raise DataError(f"'{shorten(str(path))}' has a header but no rows of values")
    issues.sort(key=lambda issue: issue.row)
    used = _named_columns(mapping)
    unused = tuple(name for name in header if name and name not in used)
    return ImportCheck(tuple(records), tuple(places), tuple(issues), n_rows, unused, tuple(cautions))


def import_file(
    path: Path | str,
    store: Store,
    mapping: ColumnMapping | None = None,
    allow_unknown: bool = False,
    skip_known: bool = False,
    ions: IonLibrary | None = None,
) -> list[str]:
    """Import a table into the store: every row, or none.

    Returns
    -------
    list of str
        Identifiers of the records added.

    Raises
    ------
    DataError
        If any cell is bad; nothing is written then.
    """
    check = check_file(path, mapping, store, allow_unknown, skip_known, ions)
    if check.issues:
        raise DataError(
            f"'{shorten(str(path))}' has {len(check.issues)} bad cell{'s' * (len(check.issues) > 1)}, nothing was "
            f"imported; the first is {shorten(str(check.issues[0]), 260)}"
        )
    return store.add(check.records, skip_known=skip_known)


def _cautions(record: Record, ions: IonLibrary | None) -> tuple[str, ...]:
    """Tell what the reading of a record's material left in doubt."""
    try:
        return read_material(record.material, ions)[1] if record.composition == "known" else ()
    except FormulaError:  # words, with the formula in a column of its own
        return read_material(record.formula, ions)[1]


def _named_columns(mapping: ColumnMapping) -> list[str]:
    """Columns of the table that the mapping reads."""
    named = [*mapping.columns.values()]
    for block in mapping.values:
        named += [block.column, *([block.uncertainty] if block.uncertainty else [])]
    return named


def _check_columns(path: Path | str, header: list[str], mapping: ColumnMapping) -> None:
    for name in _named_columns(mapping):
        if name not in header:
            close = similar_names(name, header)
            hint = f"did you mean '{shorten(close[0])}'?" if close else f"it has: {shorten(', '.join(header), 150)}"
            raise DataError(f"'{shorten(str(path))}' has no column '{shorten(name)}', which the mapping names; {hint}")
    have = {*mapping.columns, *mapping.constants}
    needed = ("material",) if mapping.values else ("material", "property", "value", "unit")
    lacking = [name for name in needed if name not in have]
    if lacking:
        raise DataError(
            f"'{shorten(str(path))}': no column for {', '.join(lacking)}; name the columns so, or give a mapping "
            "(--mapping FILE) with [columns] and [constants]"
        )


def _check_units(path: Path | str, header: list[str], labels: Sequence[Label], mapping: ColumnMapping) -> None:
    """Refuse a mapping that says another unit than the heading of the column."""
    from perospin.units import convert

    said = {heading: label.unit for heading, label in zip(header, labels, strict=True) if label.unit}
    told = [(block.column, block.unit) for block in mapping.values]
    told += [(mapping.columns[name], unit) for name, unit in mapping.units.items() if name in mapping.columns]
    for column, unit in told:
        try:
            same = column not in said or abs(float(convert(1.0, said[column], unit)) - 1.0) < 1e-9
        except DataError:  # one of the two is no unit: the rows will tell
            continue
        if not same:
            raise DataError(
                f"'{shorten(str(path))}': the heading '{shorten(column)}' says {said[column]}, the mapping {unit}; "
                "correct one of the two"
            )


def _translate(
    cells: Mapping[str, str], row: int, mapping: ColumnMapping, block: ValueColumn | None, labels: Mapping[str, str]
) -> _Translation | None:
    """Cells of one record keyed by field; None when a value column is empty in this row."""
    result = _Translation(labels=dict(labels))
    missing = mapping.missing

    def text(column: str) -> str:
        cell = cells[column].strip()
        return "" if cell in missing else cell

    for name, constant in mapping.constants.items():
        result.cells[name] = str(constant).lower() if isinstance(constant, bool) else str(constant)
    for name, column in mapping.columns.items():
        result.cells[name] = text(column)
    if block is not None:
        if not text(block.column):
            return None
        result.cells |= {"value": text(block.column), "property": block.property, "unit": block.unit}
        result.labels |= dict.fromkeys(("value", "property", "unit"), block.column)
        if block.uncertainty:
            result.cells["uncertainty"] = text(block.uncertainty)
            result.labels["uncertainty"] = block.uncertainty
    for name, words in mapping.words.items():
        if result.cells.get(name) in words:
            result.cells[name] = words[result.cells[name]]
    for name, unit in mapping.units.items():
        if result.cells.get(name):
            _convert_condition(result, name, unit, row)
    # A record made here gets a new identifier; the original value is what this file says unless it tells another.
    result.cells.pop("record_id", None)
    return result


def _convert_condition(result: _Translation, name: str, unit: str, row: int) -> None:
    from perospin.units import convert

    cell = result.printed[name] = result.cells[name]
    try:
        result.cells[name] = f"{float(convert(float(cell), unit, CONDITION_UNITS[name])):.12g}"
    except ValueError:
        result.issues.append(
            CellIssue(row, result.labels[name], shorten(cell), "not a number; write it as 0.5 or 5e-1")
        )
        result.cells[name] = ""
    except DataError as error:
        result.issues.append(CellIssue(row, result.labels[name], shorten(cell), str(error)))
        result.cells[name] = ""


def _repeats(
    records: list[Record], rows: list[int], store: Store | None, skip_known: bool, column: str
) -> list[CellIssue]:
    """Find records that occur twice in the file or are in the store already."""
    if skip_known:
        return []
    issues = []
    first: dict[str, int] = {}
    marks = [record.fingerprint() for record in records]
    for record, row, mark in zip(records, rows, marks, strict=True):
        if mark in first:
            issues.append(
                CellIssue(
                    row,
                    column,
                    f"{record.original_value:g}",
                    f"repeats row {first[mark]} exactly; leave one out, or tell them apart with a note",
                )
            )
        first.setdefault(mark, row)
    if store is not None:
        for position, name in store.known_marks(marks).items():
            record = records[position]
            message = f"already in the store as {name}; leave it out or pass --skip-known"
            issues.append(CellIssue(rows[position], column, f"{record.original_value:g}", message))
    return issues
