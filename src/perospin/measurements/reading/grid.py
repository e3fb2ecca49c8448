"""The blocks of numbers in a text file: where each begins and ends, how its cells are separated, what stands around."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from perospin.errors import DataError
from perospin.sheets.cells import (
    DIALECTS,
    QUOTED_COMMAS,
    Cell,
    Dialect,
    is_comment,
    is_moment,
    parse_cell,
    split,
)
from perospin.sheets.files import RawFile, text_of
from perospin.sheets.origin import without_row_names
from perospin.text import shorten

__all__ = ["Float", "Grid", "chosen", "read_blocks", "read_grid"]

Float: TypeAlias = NDArray[np.float64]

_LINES = re.compile(r"\r\n|\n|\r")
_SAMPLE = 300
_MAX_COLUMNS = 20_000
_MAX_LINE = 1_000_000
_MAX_BLOCKS = 1000
#: A block of fewer rows beside a larger one is no table but numbers in a preamble.
_LEAST_ROWS = 3


@dataclass(frozen=True)
class Grid:
    """A block of numbers and the text around it.

    Attributes
    ----------
    dialect
        How its rows are written.
    values
        The numbers, NaN where a cell is missing or holds a word; shape (n_rows, n_columns).
    first_line, last_line
        Lines of the file, counted from 1, where the block begins and ends.
    before, after
        Lines in front of the block (behind the block before it) and behind it (to the next one's).
    warnings
        What was put right on the way, each in a sentence.
    units
        Unit that the cells of each column bear, ``""`` if none.
    """

    dialect: Dialect
    values: Float
    first_line: int
    last_line: int
    before: tuple[str, ...]
    after: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    units: tuple[str, ...] = ()

    @property
    def lines(self) -> str:
        """Where it stands, for messages."""
        return f"lines {self.first_line} to {self.last_line}"


@dataclass(frozen=True)
class _Layout:
    """A dialect, the number of columns, and which of them hold words (a comment, a date, the tag of the row)."""

    dialect: Dialect
    columns: int
    words: frozenset[int]

    def cells(self, line: str) -> list[str]:
        cells = split(line, self.dialect.delimiter)
        while len(cells) > self.columns and not cells[-1]:
            cells.pop()
        return cells

    def parsed(self, cells: Sequence[str]) -> list[Cell | None]:
        """Read the cells; a word in a column of words is missing."""
        missing = Cell(float("nan"))
        return [
            missing if i in self.words and _is_word(c) else parse_cell(c, self.dialect.decimal)
            for i, c in enumerate(cells)
        ]


def read_grid(
    raw: RawFile,
    *,
    delimiter: str | None = None,
    decimal: str | None = None,
    skip_lines: int = 0,
    min_columns: int = 2,
    block: int | None = None,
) -> Grid:
    """Find and read the one block of numbers in a text file, or the one that is asked for; see `read_blocks`.

    Raises
    ------
    DataError
        If the file holds several and `block` doesn't say which: the message names them.
    """
    blocks = read_blocks(raw, delimiter=delimiter, decimal=decimal, skip_lines=skip_lines, min_columns=min_columns)
    if len(blocks) == 1 and block in (None, 1):
        return blocks[0]
    return chosen(blocks, block, raw.name, [""] * len(blocks))


def chosen(blocks: Sequence[Grid], block: int | None, name: str, heads: Sequence[str]) -> Grid:
    """Block of that number (from 1).

    Raises
    ------
    DataError
        If there is none of that number, or none was asked for; the message lists them.
    """
    if block is not None and 1 <= block <= len(blocks):
        return blocks[block - 1]
    shown = "; ".join(
        f"{n}: {grid.lines}{f' ({head:.40})' if head else ''}"
        for n, (grid, head) in enumerate(zip(blocks[:4], heads, strict=False), 1)
    )
    more = f"; and {len(blocks) - 4} more" if len(blocks) > 4 else ""
    count = f"{len(blocks)} table{'s' * (len(blocks) != 1)}"
    what = f"holds {count} of numbers" if block is None else f"has no table {block} but {count}"
    raise DataError(
        f"'{name:.60}' {what} ({shown}{more}): choose one by its number (--block 1), or save each as a file"
    )


def read_blocks(
    raw: RawFile,
    *,
    delimiter: str | None = None,
    decimal: str | None = None,
    skip_lines: int = 0,
    min_columns: int = 2,
) -> list[Grid]:
    """Find and read the blocks of numbers in a text file.

    A line of text ends a block; blank lines and remarks don't. Numbers in a preamble (fewer than three rows, above the
    headings of a longer block or with another number of cells) are remarks.

    Parameters
    ----------
    raw
        The file.
    delimiter, decimal
        Of the cells; found out if not given. ``" "`` stands for any run of blanks.
    skip_lines
        Lines at the beginning to take as they are, even if they hold numbers.
    min_columns
        Fewest columns that a block may have.

    Returns
    -------
    list of Grid
        In the order of the file, at least one.

    Raises
    ------
    DataError
        If the file isn't text or holds no such block, or a cell can't be read: the message names line and column.
    """
    lines = without_row_names(_LINES.split(text_of(raw)))
    longest = max(map(len, lines))
    if longest > _MAX_LINE:
        raise DataError(f"'{raw.name:.60}' has a line of {longest} characters; at most {_MAX_LINE} are read")
    wanted = [
        d
        for d in (*DIALECTS, QUOTED_COMMAS)
        if (delimiter is None or d.delimiter == (None if delimiter == " " else delimiter))
        and (decimal is None or d.decimal == decimal)
    ]
    if delimiter is None and decimal != "," and not _quoted_commas(lines):
        wanted = [d for d in wanted if d is not QUOTED_COMMAS]
    if delimiter is not None and not wanted:
        wanted = [Dialect(delimiter, decimal or ".")]
    layout = _detect(lines[skip_lines:], wanted, raw.name, min_columns)
    whole = _whole(lines, skip_lines, layout)
    spans, scraps = ([whole], []) if whole is not None else _spans(lines, skip_lines, layout, raw.name)
    blocks: list[Grid] = []
    for k, (first, last) in enumerate(spans):
        start = 0 if k == 0 else spans[k - 1][1] + 1
        end = spans[k + 1][0] if k + 1 < len(spans) else len(lines)
        _refuse_two_commas(lines[start:first], lines[first], layout, raw.name, delimiter)
        grid = _read(lines[first : last + 1], first, layout, raw.name, decimal is not None)
        blocks.append(
            replace(
                grid,
                before=tuple(lines[start:first]),
                after=tuple(line for line in lines[last + 1 : end] if line.strip()) if end == len(lines) else (),
            )
        )
    if scraps:
        shown = ", ".join(str(i + 1) for i in scraps[:3]) + (", ..." if len(scraps) > 3 else "")
        told = f"numbers outside the table of '{raw.name:.60}' are taken for remarks (line {shown})"
        blocks[0] = replace(blocks[0], warnings=(*blocks[0].warnings, told))
    return blocks


def _quoted_commas(lines: Sequence[str]) -> bool:
    return any(re.search(r'"[-+]?\d*,\d+(?:[eE][-+]?\d+)?"', line[:2000]) for line in lines[:200])


def _is_word(cell: str) -> bool:
    """Whether a cell is text, not a number that is written strangely."""
    return is_moment(cell) or re.match(r"[A-Za-z\[<\"']", cell) is not None


def _detect(lines: list[str], wanted: list[Dialect], name: str, min_columns: int) -> _Layout:
    """Layout that reads most rows as numbers: most rows, then fewest words, fewest separated thousands."""
    full = [line for line in lines if line.strip() and not is_comment(line)]
    # from the middle too: a long preamble must not hide the block
    sample = full if len(full) <= 2 * _SAMPLE else full[:_SAMPLE] + full[len(full) // 2 : len(full) // 2 + _SAMPLE]
    best: tuple[tuple[int, int, bool, int], _Layout] | None = None
    single, widest = False, 0
    text = "\n".join(sample)
    for dialect in wanted:
        if dialect.delimiter is not None and dialect.delimiter not in text:
            continue
        rows: dict[int, list[list[str]]] = {}
        for line in sample:
            cells = split(line, dialect.delimiter)
            widest = max(widest, len(cells))
            if len(cells) <= _MAX_COLUMNS:
                rows.setdefault(len(cells), []).append(cells)
        for columns, table in rows.items():
            parsed = [[parse_cell(cell, dialect.decimal) for cell in cells] for cells in table]
            if columns == 1:
                single = single or (sum(p[0] is not None for p in parsed) > 0.5 * len(sample) and min_columns <= 2)
                continue
            words = _words(table, parsed, min_columns)
            layout = _Layout(dialect, columns, words)
            good = [p for cells, p in zip(table, parsed, strict=True) if _is_row(cells, p, words)]
            if columns - len(words) < min_columns or not good:
                continue
            grouped = sum(cell is not None and cell.grouped for p in good for cell in p)
            told = sum(any(cells[i] for cells in table) for i in words)
            # blanks may separate thousands, where another sign separates cells
            score = (len(good), -told, dialect.delimiter is not None, -grouped)
            if best is None or score > best[0]:
                best = (score, layout)
    if best is None and widest > _MAX_COLUMNS:
        raise DataError(f"'{name:.60}' has {widest} columns; at most {_MAX_COLUMNS} are read")
    if best is None:
        hint = (
            "it has one column of numbers, but a measurement needs an abscissa and a signal"
            if single
            else f"there is no row of at least {min_columns} numbers"
        )
        raise DataError(f"can't read '{name:.60}' as a table: {hint}")
    return best[1]


def _words(table: Sequence[Sequence[str]], parsed: Sequence[Sequence[Cell | None]], min_columns: int) -> frozenset[int]:
    """Columns that hold words in the rows that hold numbers elsewhere."""
    rows = [
        (cells, p)
        for cells, p in zip(table, parsed, strict=True)
        if sum(c is not None and c.value == c.value for c in p) >= max(2, min(min_columns, len(p) - 1))
    ]
    found = set()
    for i in range(len(table[0])):
        filled = [(cells[i], p[i]) for cells, p in rows if cells[i]]
        bad = [text for text, cell in filled if cell is None]
        empty = len(bad) == len(filled) < 2 and len(rows) > 2 * len(filled) + 1  # or nearly so
        if empty or (len(bad) > max(1.0, 0.5 * len(filled)) and all(map(_is_word, bad))):
            found.add(i)
    return frozenset(found)


def _is_row(cells: Sequence[str], parsed: Sequence[Cell | None], words: frozenset[int]) -> bool:
    numbers = 0
    for i, cell in enumerate(parsed):
        if cell is None:
            if i not in words or not _is_word(cells[i]):
                return False
        elif cell.value == cell.value:
            numbers += 1
    return numbers > 0


def _is_broken(cells: Sequence[str], parsed: Sequence[Cell | None], layout: _Layout) -> bool:
    """Whether a line is a row of the block with a cell that can't be read, not a line of text."""
    if len(cells) != layout.columns:
        return False
    kept = [i for i in range(len(cells)) if i not in layout.words]
    bad = [i for i in kept if parsed[i] is None]
    numbers = sum(parsed[i] is not None and bool(cells[i]) for i in kept)
    if not bad or 2 * numbers < len(kept) or any(is_moment(cells[i]) for i in bad):
        return False
    first = cells[kept[0]]
    begins = parsed[kept[0]] is not None and bool(first) and not _has_unit(parsed[kept[0]])
    # between blanks, "2 theta" and "300 K" are words
    if layout.dialect.delimiter is None and 2 * numbers == len(kept):
        begins = begins and any(re.search(r"\d", cells[i]) or (cells[i].isupper() and len(cells[i]) > 3) for i in bad)
    # a word before numbers heads them (wavelength, 0, 10, 20); anything else is a broken number
    return begins or (
        kept[0] in bad and re.search(r"\d", first) is not None and re.search(r"[a-z]{2}|[(\[\\|]", first) is None
    )


def _has_unit(cell: Cell | None) -> bool:
    return cell is not None and bool(cell.unit)


def _whole(lines: list[str], skip: int, layout: _Layout) -> tuple[int, int] | None:
    """First and last line of the one block of a long file without a gap, quickly; None if it isn't one."""
    if len(lines) < 5000 or layout.words:
        return None

    def is_row(line: str) -> bool:
        cells = layout.cells(line)
        return len(cells) == layout.columns and all(
            cell is not None and cell.value == cell.value and not cell.unit for cell in layout.parsed(cells)
        )

    first = next((i for i in range(skip, min(len(lines), skip + 2000)) if is_row(lines[i])), None)
    last = next((i for i in range(len(lines) - 1, max(skip, len(lines) - 2000), -1) if is_row(lines[i])), None)
    if first is None or last is None or last - first < 2:
        return None
    around = [lines[i] for i in (first - 1, last + 1) if skip <= i < len(lines)]
    if any(_is_broken(cells := layout.cells(line), layout.parsed(cells), layout) for line in around):
        return None
    if any(_is_row(cells := layout.cells(line), layout.parsed(cells), layout.words) for line in around if line.strip()):
        return None
    return (first, last) if _fast(lines[first : last + 1], layout.dialect, layout.columns) is not None else None


def _spans(lines: list[str], skip: int, layout: _Layout, name: str) -> tuple[list[tuple[int, int]], list[int]]:
    """First and last lines of the blocks, and lines of numbers that belong to none."""
    spans: list[list[int]] = []  # first, last, number of good rows, whether a line of text stands right above
    scraps: list[int] = []
    current: list[int] | None = None
    broken_before: list[int] = []  # broken rows above a block that hasn't begun
    units: tuple[str, ...] | None = None
    for index in range(skip, len(lines)):
        line = lines[index]
        if not line.strip() or is_comment(line):
            if not line.strip():
                broken_before = []
            continue
        cells = layout.cells(line)
        parsed = layout.parsed(cells)
        row = len(cells) >= 2 and _is_row(cells, parsed, layout.words)
        if current is not None:
            short = len(cells) == 1 and parsed[0] is not None and bool(cells[0])
            missing = len(cells) == layout.columns and None not in parsed  # NaN, NaN
            if row or short or missing or _is_broken(cells, parsed, layout):
                current[1] = index
                current[2] += row
            else:
                spans.append(current)
                current, broken_before = None, []
            continue
        if row and len(cells) == layout.columns:
            units = tuple(_text(cell) for cell in parsed)
            if any(units) and _next_row_differs(lines, index, layout, units):
                continue  # conditions as headings: 5 K, 10 K
            current = [broken_before[0] if broken_before else index, index, 1]
        elif _is_broken(cells, parsed, layout):
            broken_before.append(index)
        else:
            if row and len(cells) > layout.columns:
                _refuse_blanks_as_thousands(cells, index, layout, name)
            if row and len(cells) >= 2:
                scraps.append(index)
            broken_before = []
    if current is not None:
        spans.append(current)
    if len(spans) > _MAX_BLOCKS:
        raise DataError(f"'{name:.60}' holds {len(spans)} tables of numbers; at most {_MAX_BLOCKS} are read")
    largest = max(span[2] for span in spans)
    kept = []
    for k, (first, last, rows) in enumerate(spans):
        # numbers above the headings of the table, or a line of results below it
        alone = largest >= _LEAST_ROWS > rows and largest >= 5 * rows
        if alone and (k + 1 < len(spans) or rows == 1):
            scraps += range(first, last + 1)
        else:
            kept.append((first, last))
    return kept, sorted(scraps)


def _text(cell: Cell | None) -> str:
    return cell.unit if cell is not None else ""


def _next_row_differs(lines: list[str], index: int, layout: _Layout, units: tuple[str, ...]) -> bool:
    """Whether this row has units in its cells and the row below has none: then it is a line of headings."""
    for line in lines[index + 1 : index + 20]:
        if line.strip() and not is_comment(line):
            below = layout.parsed(layout.cells(line))
            return len(below) == layout.columns and None not in below and not any(map(_text, below))
    return False


def _refuse_blanks_as_thousands(cells: list[str], index: int, layout: _Layout, name: str) -> None:
    if (
        layout.dialect.delimiter is None
        and re.fullmatch(r"[-+]?[1-9]\d{0,2}", cells[0])
        and re.fullmatch(r"\d{3}(?:[.,]\d*)?", cells[1])
    ):
        raise DataError(
            f"line {index + 1} of '{name:.60}' has {len(cells)} cells, the lines below it {layout.columns}: a blank "
            f"between thousands ('{cells[0]} {cells[1]}') can't be told from a blank between cells; save it with tabs"
        )


def _refuse_two_commas(before: Sequence[str], row: str, layout: _Layout, name: str, delimiter: str | None) -> None:
    """Refuse ``0,5,1,25``: the comma can't be both delimiter and decimal sign."""
    columns = layout.columns
    if layout.dialect.delimiter != "," or delimiter is not None or columns % 2 or not before:
        return
    cells = split(row, ",")
    heading = next((line for line in reversed(before) if line.strip()), "")
    if 2 * len(split(heading, ",")) == columns and all(cell.lstrip("-+").isdigit() for cell in cells):
        raise DataError(
            f"'{name:.60}' has {columns // 2} headings but {columns} whole numbers in a row: the comma is both "
            "delimiter and decimal sign; save it with semicolons or tabs"
        )


def _read(body: list[str], first: int, layout: _Layout, name: str, told_decimal: bool) -> Grid:
    columns = layout.columns
    values = None if layout.words else _fast(body, layout.dialect, columns)
    warnings: tuple[str, ...] = ()
    units = ("",) * columns
    if values is None:
        values, units, warnings = _slow(body, first + 1, layout, name)
    if not told_decimal:
        _refuse_hidden_thousands(layout, body, name)
    return Grid(layout.dialect, values, first + 1, first + len(body), (), (), warnings, units)


def _fast(body: list[str], dialect: Dialect, columns: int) -> Float | None:
    """Read a block without empty, worded or broken cells at the speed of C; None if it has any."""
    text = "\n".join(body)
    if '"' in text or "#" in text or re.search(r"[eE]\+?37", text):  # the last is an instrument's overflow
        return None
    if dialect.decimal == ",":
        if "." in text:  # it may separate thousands
            return None
        text = text.replace(",", ".")
    try:
        values = np.loadtxt(io.StringIO(text), delimiter=dialect.delimiter, ndmin=2, comments=None)
    except ValueError:
        return None
    if values.shape[1] != columns or not np.isfinite(values).any(axis=1).all():
        return None
    values[~np.isfinite(values)] = np.nan
    return values.astype(np.float64)


def _slow(
    body: list[str], first_line: int, layout: _Layout, name: str
) -> tuple[Float, tuple[str, ...], tuple[str, ...]]:
    columns, dialect = layout.columns, layout.dialect
    rows: list[list[float]] = []
    short: list[int] = []
    overloaded: list[int] = []
    units: list[str | None] = [None] * columns
    longest = columns
    for line_number, line in enumerate(body, first_line):
        if not line.strip() or is_comment(line):
            continue
        cells = layout.cells(line)
        if len(cells) > columns and any(cells[columns:]):
            longest = max(longest, len(cells))
            raise DataError(
                f"line {line_number} of '{name:.60}' has {len(cells)} cells, the lines before it {columns} "
                f"({dialect.words})"
            )
        row = []
        for position, cell in enumerate(layout.parsed(cells[:columns])):
            if cell is None:
                raise DataError(
                    f"line {line_number}, column {position + 1} of '{name:.60}' holds "
                    f"'{shorten(cells[position], 40)}', not a "
                    f"number ({dialect.words})"
                )
            if cell.overloaded:
                overloaded.append(line_number)
            if cell.value == cell.value:
                before = units[position]
                # a zero, and only that, may do without the unit of its column
                if before is None or (not before and cell.unit and not any(r[position] for r in rows)):
                    units[position] = cell.unit
                elif before != cell.unit and (cell.value or cell.unit):
                    raise DataError(
                        f"line {line_number}, column {position + 1} of '{name:.60}' holds "
                        f"'{shorten(cells[position], 40)}', but "
                        f"the lines before it are in '{before or 'no unit'}': write one unit for the whole column"
                    )
            row.append(cell.value)
        if len(row) < columns:
            short.append(line_number)
            row += [np.nan] * (columns - len(row))
        rows.append(row)
    warnings: tuple[str, ...] = ()
    if short:
        warnings = (
            f"{len(short)} line{'s' * (len(short) > 1)} of '{name:.60}' end{'s' * (len(short) == 1)} early "
            f"(line {_some(short)}); what is missing there counts as missing",
        )
    if overloaded:
        warnings += (
            f"{len(overloaded)} cell{'s' * (len(overloaded) > 1)} of '{name:.60}' read{'s' * (len(overloaded) == 1)} "
            f"overload (line {_some(overloaded)}) and count{'s' * (len(overloaded) == 1)} as missing",
        )
    return np.array(rows, dtype=np.float64), tuple(unit or "" for unit in units), warnings


def _some(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers[:5])) + (", ..." if len(numbers) > 5 else "")


def _refuse_hidden_thousands(layout: _Layout, body: list[str], name: str) -> None:
    """Refuse 900, 1.000, 1.100: beside whole hundreds, a sign before just three digits may separate thousands."""
    sign = layout.dialect.decimal
    sample = [line for line in (*body[:_SAMPLE], *body[-_SAMPLE:]) if line.strip() and not is_comment(line)]
    if not any(sign in line for line in sample):
        return
    thousands = re.compile(rf"[-+]?[1-9]\d{{0,2}}{re.escape(sign)}\d{{3}}")
    rows = [layout.cells(line) for line in sample]
    for i in range(layout.columns):
        cells = [row[i] for row in rows if len(row) > i and row[i]]
        rest = [cell for cell in cells if thousands.fullmatch(cell) is None]
        if 0 < len(rest) < len(cells) and all(re.fullmatch(r"[-+]?\d{1,3}", cell) for cell in rest):
            hundreds = next((cell for cell in rest if len(cell.lstrip("+-0")) == 3), None)
            if hundreds is not None:
                told = next(cell for cell in cells if sign in cell)
                raise DataError(
                    f"column {i + 1} of '{name:.60}' holds '{told}' beside '{hundreds}': '{sign}' may separate "
                    f"thousands. If it does, give the decimal sign (--decimal '{',' if sign == '.' else '.'}'); if it "
                    "doesn't, write all numbers with their decimals"
                )
