"""A table with one line of headings: the one reader behind imports and studies, of the files that `fit` reads too.

Delimiter, decimal comma, encoding, workbooks, Origin's names of rows and a row of units are found out as for
measurements (`perospin.measurements.reading`); cells stay text, so that a wrong one can be named.
"""

from __future__ import annotations

import csv
import io
import itertools
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from perospin.errors import DataError
from perospin.sheets.cells import number
from perospin.sheets.files import plain_text, read_raw
from perospin.sheets.labels import Label, as_unit, is_unit, parse_label
from perospin.sheets.origin import without_row_names
from perospin.sheets.workbook import is_workbook
from perospin.text import shorten, visible

__all__ = ["Table", "error_of", "key_of", "label_of", "open_table"]

LARGEST_BYTES = 2**30
_SAMPLE = 5000
_COMMA = re.compile(r"[-+\u2212]?(?:\d*|[1-9]\d{0,2}(?:\.\d{3})+),\d+(?:[eE][-+]?\d+)?")
_POINT = re.compile(r"[-+\u2212]?\d*\.\d+(?:[eE][-+]?\d+)?")
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2},\d{3}")


@dataclass(frozen=True)
class Table:
    """A table as text.

    Attributes
    ----------
    name
        What messages call the file.
    headings
        Headings as they are written.
    units
        Unit of each column from a row of units below the headings; ``""`` where there is none.
    rows
        Number of the row as a spreadsheet counts (headings are row 1), and its cells; numbers with a decimal comma come
        with a point. Can be read once.
    """

    name: str
    headings: tuple[str, ...]
    units: tuple[str, ...]
    rows: Iterator[tuple[int, list[str]]]

    @property
    def labels(self) -> tuple[Label, ...]:
        """Name and unit of each column."""
        made = (label_of(heading) for heading in self.headings)
        return tuple(replace(label, unit=unit or label.unit) for label, unit in zip(made, self.units, strict=True))


def label_of(heading: str) -> Label:
    """Name and unit of a heading, or of a column as perospin names it.

    Examples
    --------
    >>> label_of("pl_ev"), label_of("PL (eV)"), label_of("rate_per_ps")
    (Label(name='pl', unit='eV'), Label(name='PL', unit='eV'), Label(name='rate', unit='1/ps'))
    """
    name, per, unit = heading.rpartition("_per_")
    if per and name and is_unit(f"1/{unit}"):
        return Label(name, f"1/{unit}")
    return parse_label(heading)


_ERROR = re.compile(
    r"(?:^| )(?:error|err|uncertainty|sd|std|stdev|sigma|se|standard deviation|standard error|±|\+/-)(?= |$)|^[±σ]"
)


def error_of(labels: Sequence[Label], column: int) -> int | None:
    """Position of the column with the uncertainties of another, by its heading; None if there is none.

    A heading such as ``PL error``, ``sd of PL`` or ``PL ±`` names it; so does a bare ``error`` behind
    it.

    Examples
    --------
    >>> error_of([label_of(text) for text in ("formula", "PL (eV)", "PL error (eV)")], 1)
    2
    """
    mine = key_of(labels[column])
    for i, label in enumerate(labels):
        words = " ".join(label.name.casefold().replace("_", " ").split())
        if i == column or not _ERROR.search(words):
            continue
        rest = re.sub(r"[\W_]+", " ", _ERROR.sub(" ", words)).replace(" of ", " ").strip().removeprefix("of ")
        if rest == mine or (not rest and i == column + 1):
            return i
    return None


def key_of(label: Label) -> str:
    """Name of a label with all that people write differently taken out, to compare names."""
    return re.sub(r"[\W_]+", " ", label.name.casefold()).strip()


def open_table(path: Path | str, delimiter: str | None = None) -> Table:
    """Open a table of any kind that people save: CSV, semicolons, tabs, UTF-16, decimal comma, .xlsx.

    Parameters
    ----------
    path
        The file; ``book.xlsx:Sheet 2`` names a sheet of a workbook.
    delimiter
        Between cells; by default whichever of tab, semicolon and comma the headings have most.

    Raises
    ------
    DataError
        If the file can't be read, is empty or no text; while rows are read also if a quotation mark is never closed.
    """
    raw = read_raw(path, LARGEST_BYTES)
    name = shorten(visible(str(path)))
    text = plain_text(raw).removeprefix("\ufeff")
    if not text.strip():
        raise DataError(f"'{name}' is empty; it needs a row of headings and at least one row of values")
    head = text[:20_000].lower()
    if "long name" in head or "units" in head or "langname" in head:
        text = "\n".join(without_row_names(text.splitlines()))
    if delimiter is None:
        first = next(line for line in text.splitlines() if line.strip())
        delimiter = max(",;\t", key=re.sub(r'"[^"]*"', "", first).count)
    rows = enumerate(_cells(name, text, delimiter), start=1)
    headings: list[str] | None = next((cells for _, cells in rows if cells), None)
    if headings is None:
        raise DataError(f"'{name}' is empty; the first row must name the columns")
    sample = list(itertools.islice(rows, _SAMPLE))
    units, sample = _without_units(sample, len(headings))
    commas = _with_decimal_comma(name, headings, sample)
    rest: Iterator[tuple[int, list[str]]] = itertools.chain(sample, rows)
    if is_workbook(raw.content):  # it has no cells behind the last one that is filled
        columns = len(headings)
        rest = ((row, cells + [""] * (columns - len(cells))) for row, cells in rest)
    return Table(
        name,
        tuple(heading.strip() for heading in headings),
        tuple(units),
        ((row, _pointed(cells, commas)) for row, cells in rest) if commas else rest,
    )


def _cells(name: str, text: str, delimiter: str) -> Iterator[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        yield from reader
    except csv.Error as error:
        raise DataError(
            f"'{name}' is not a clean table near line {reader.line_num}: {error}; look for an unclosed quotation mark"
        ) from None


def _without_units(sample: list[tuple[int, list[str]]], columns: int) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Take a row of units, and the comments below it, off the rows."""
    nothing = [""] * columns
    if not sample:
        return nothing, sample
    plain = [cell.strip().strip("()[]") for cell in sample[0][1]]
    if not any(plain) or not all(is_unit(cell) for cell in plain if cell) or len(plain) > columns:
        return nothing, sample
    units = [as_unit(cell) for cell in plain] + [""] * (columns - len(plain))
    rest = sample[1:]
    measured = [i for i, unit in enumerate(units) if unit]

    def numbers(cells: Sequence[str]) -> int:
        found = (number(cells[i].strip(), sign) for i in measured if i < len(cells) for sign in ".,")
        return sum(value is not None and not math.isnan(value) for value in found)

    # Origin's comments: words, and below them numbers
    if len(rest) > 1 and not numbers(rest[0][1]) and numbers(rest[1][1]):
        rest = rest[1:]
    return units, rest


def _with_decimal_comma(name: str, headings: Sequence[str], sample: Sequence[tuple[int, list[str]]]) -> frozenset[int]:
    """Columns whose numbers have a decimal comma.

    Raises
    ------
    DataError
        If commas may as well separate thousands.
    """
    found: dict[int, list[str]] = {}
    for i in range(len(headings)):
        cells = [row[i].strip() for _, row in sample if i < len(row) and row[i].strip()]
        told = [cell for cell in cells if _COMMA.fullmatch(cell)]
        # a broken cell or two don't make a column of numbers one of words
        read = sum(_COMMA.fullmatch(cell) is not None or number(cell, ",") is not None for cell in cells)
        if told and 2 * read > len(cells):
            found[i] = told
    if not found or any(_POINT.fullmatch(cell.strip()) for _, row in sample for cell in row):
        return frozenset()
    if all(_THOUSANDS.fullmatch(cell) for told in found.values() for cell in told):
        column, told = next(iter(found.items()))
        raise DataError(
            f"'{name}', column '{shorten(headings[column], 40)}': '{told[0]}' may have a decimal comma or separated "
            "thousands; write the numbers with a decimal point and without separators"
        )
    return frozenset(found)


def _pointed(cells: list[str], commas: frozenset[int]) -> list[str]:
    return [
        cell.replace(".", "").replace(",", ".") if i in commas and _COMMA.fullmatch(cell.strip()) else cell
        for i, cell in enumerate(cells)
    ]
