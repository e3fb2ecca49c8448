"""The block of numbers in a text file: where it begins and ends, how its cells are separated, what stands around it."""

from __future__ import annotations

import io
import re
from collections import Counter
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from perospin.errors import DataError
from perospin.measurements.reading.cells import DIALECTS, Dialect, is_comment, is_numeric_row, number, split
from perospin.measurements.reading.files import RawFile, text_of

__all__ = ["Float", "Grid", "read_grid"]

Float: TypeAlias = NDArray[np.float64]

_LINES = re.compile(r"\r\n|\n|\r")
_SAMPLE = 600


@dataclass(frozen=True)
class Grid:
    """A block of numbers and the text around it.

    Attributes
    ----------
    dialect
        How its rows are written.
    values
        The numbers, NaN where a cell is missing; shape (n_rows, n_columns).
    first_line
        Line of the file, counted from 1, where the block begins.
    before, after
        Lines in front of the block and behind it.
    warnings
        What was put right on the way, each in a sentence.
    """

    dialect: Dialect
    values: Float
    first_line: int
    before: tuple[str, ...]
    after: tuple[str, ...]
    warnings: tuple[str, ...]


def read_grid(
    raw: RawFile,
    *,
    delimiter: str | None = None,
    decimal: str | None = None,
    skip_lines: int = 0,
    min_columns: int = 2,
) -> Grid:
    """Find and read the block of numbers in a text file.

    Parameters
    ----------
    raw
        The file.
    delimiter, decimal
        Of the cells; found out if not given. ``" "`` stands for any run of blanks.
    skip_lines
        Lines at the beginning to take as they are, even if they hold numbers.
    min_columns
        Fewest columns that the block may have.

    Returns
    -------
    Grid

    Raises
    ------
    DataError
        If the file isn't text or holds no such block, or a cell can't be read: the message names line and column.
    """
    lines = _LINES.split(text_of(raw))
    wanted = [
        d
        for d in DIALECTS
        if (delimiter is None or d.delimiter == (None if delimiter == " " else delimiter))
        and (decimal is None or d.decimal == decimal)
    ]
    if delimiter is not None and not wanted:
        wanted = [Dialect(delimiter, decimal or ".")]
    dialect, columns = _detect(lines[skip_lines:], wanted, raw.name, min_columns)
    first = skip_lines + _first_row(lines[skip_lines:], dialect, columns)
    last = _last_row(lines, first, dialect, columns)
    _refuse_two_commas(lines[:first], lines[first], dialect, columns, raw.name, delimiter)
    body = lines[first : last + 1]
    warnings: tuple[str, ...] = ()
    values = _fast(body, dialect, columns)
    if values is None:
        values, warnings = _slow(body, first + 1, dialect, columns, raw.name)
    return Grid(
        dialect=dialect,
        values=values,
        first_line=first + 1,
        before=tuple(lines[:first]),
        after=tuple(line for line in lines[last + 1 :] if line.strip()),
        warnings=warnings,
    )


def _detect(lines: list[str], wanted: list[Dialect], name: str, min_columns: int) -> tuple[Dialect, int]:
    """Dialect that reads most rows as numbers, and the number of columns that most of these have."""
    full = [line for line in lines if line.strip() and not is_comment(line)]
    # from the middle too: a long preamble must not hide the block
    sample = full if len(full) <= 2 * _SAMPLE else full[:_SAMPLE] + full[len(full) // 2 : len(full) // 2 + _SAMPLE]
    best: tuple[int, Dialect, int] | None = None
    single = False
    for dialect in wanted:
        counts: Counter[int] = Counter()
        for line in sample:
            cells = split(line, dialect.delimiter)
            if is_numeric_row(cells, dialect.decimal):
                counts[len(cells)] += 1
        single = single or (counts[1] > 0.5 * len(sample) and min_columns <= 2)
        rows = [(count, columns) for columns, count in counts.items() if columns >= min_columns]
        if rows and (best is None or max(rows)[0] > best[0]):
            best = (max(rows)[0], dialect, max(rows)[1])
    if best is None:
        hint = (
            "it has one column of numbers, but a measurement needs an abscissa and a signal"
            if single
            else f"there is no row of at least {min_columns} numbers"
        )
        raise DataError(f"can't read '{name}' as a table: {hint}")
    return best[1], best[2]


def _first_row(lines: list[str], dialect: Dialect, columns: int) -> int:
    for index, line in enumerate(lines):
        if line.strip() and not is_comment(line):
            cells = split(line, dialect.delimiter)
            if len(cells) == columns and is_numeric_row(cells, dialect.decimal):
                return index
    raise AssertionError("the sample held such a row")


def _last_row(lines: list[str], first: int, dialect: Dialect, columns: int) -> int:
    """Last row of the block: behind it there is only text (instruments write remarks there)."""
    for index in range(len(lines) - 1, first - 1, -1):
        if lines[index].strip() and not is_comment(lines[index]):
            cells = split(lines[index], dialect.delimiter)
            # a row that begins with a number belongs to the block even if another of its cells is broken
            begins = len(cells) == columns and number(cells[0], dialect.decimal) is not None and bool(cells[0])
            if begins or (len(cells) >= 2 and is_numeric_row(cells, dialect.decimal)):
                return index
    return first


def _refuse_two_commas(
    before: list[str], row: str, dialect: Dialect, columns: int, name: str, delimiter: str | None
) -> None:
    """Refuse ``0,5,1,25``: the comma can't be both delimiter and decimal sign."""
    if dialect.delimiter != "," or delimiter is not None or columns % 2 or not before:
        return
    cells = split(row, ",")
    heading = next((line for line in reversed(before) if line.strip()), "")
    if 2 * len(split(heading, ",")) == columns and all(cell.lstrip("-+").isdigit() for cell in cells):
        raise DataError(
            f"'{name}' has {columns // 2} headings but {columns} whole numbers in a row: the comma is both "
            "delimiter and decimal sign; save it with semicolons or tabs"
        )


def _fast(body: list[str], dialect: Dialect, columns: int) -> Float | None:
    """Read a block without missing or broken cells at the speed of C; None if it has any."""
    text = "\n".join(body)
    if '"' in text or "#" in text:
        return None
    if dialect.decimal == ",":
        text = text.replace(",", ".")
    try:
        values = np.loadtxt(io.StringIO(text), delimiter=dialect.delimiter, ndmin=2, comments=None)
    except ValueError:
        return None
    good = values.shape[1] == columns and bool(np.isfinite(values).all())
    return values.astype(np.float64) if good else None


def _slow(body: list[str], first_line: int, dialect: Dialect, columns: int, name: str) -> tuple[Float, tuple[str, ...]]:
    rows: list[list[float]] = []
    short: list[int] = []
    for line_number, line in enumerate(body, first_line):
        if not line.strip() or is_comment(line):
            continue
        cells = split(line, dialect.delimiter)
        if len(cells) > columns and any(cells[columns:]):
            raise DataError(
                f"line {line_number} of '{name}' has {len(cells)} cells, the lines before it {columns} "
                f"({dialect.words})"
            )
        row = []
        for position, cell in enumerate(cells[:columns], 1):
            value = number(cell, dialect.decimal)
            if value is None:
                raise DataError(
                    f"line {line_number}, column {position} of '{name}' holds '{cell:.40}', not a number "
                    f"({dialect.words})"
                )
            row.append(value)
        if len(row) < columns:
            short.append(line_number)
            row += [np.nan] * (columns - len(row))
        rows.append(row)
    warnings: tuple[str, ...] = ()
    if short:
        shown = ", ".join(map(str, short[:5])) + (", ..." if len(short) > 5 else "")
        warnings = (
            f"{len(short)} line{'s' * (len(short) > 1)} of '{name}' end{'s' * (len(short) == 1)} early (line {shown}); "
            "what is missing there counts as missing",
        )
    return np.array(rows, dtype=np.float64), warnings
