"""Cells of a text table: what is a number, what stands for a missing one, and how a line is cut into cells."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from perospin.sheets.labels import as_unit, is_unit

__all__ = [
    "DIALECTS",
    "QUOTED_COMMAS",
    "Cell",
    "Dialect",
    "is_comment",
    "is_moment",
    "is_numeric_row",
    "number",
    "parse_cell",
    "split",
]

_PLAIN = {
    ".": re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?"),
    # a decimal comma needs a digit behind it: "1, 2" is a list
    ",": re.compile(r"[-+]?(?:\d*,\d+|\d+)(?:[eEdD][-+]?\d+)?"),
}
#: Thousands: 1,000.5 and 1 000.5 beside a decimal point, 1.000,5 and 1'000,5 beside a decimal comma; never 0.500.
_GROUPED = {
    ".": re.compile(r"[-+]?[1-9]\d{0,2}([ ',\u2019])\d{3}(?:\1\d{3})*(?:\.\d*)?"),
    ",": re.compile(r"[-+]?[1-9]\d{0,2}([ '.\u2019])\d{3}(?:\1\d{3})*(?:,\d+)?"),
}
_UNIT = re.compile(r"[A-Za-zµμΩ%°][A-Za-zµμΩ%°0-9/^*.²-]{0,11}")
_MISSING = frozenset((
    "", "nan", "-nan", "+nan", "na", "n/a", "#n/a", "nd", "null", "none", "--", "---", "-", "inf", "-inf", "+inf",
    "1.#qnan", "-1.#ind", "1.#inf", "-1.#inf", "1,#qnan", "-1,#ind", "#div/0!", "#value!", "#num!", "∞", "-∞",
    "infinity", "-infinity", "\u2013", "\u2014",
))  # fmt: skip
_OVERLOAD = re.compile(
    r"(?:over[ -]?(?:load|flow|range)(?:ed)?|ovld|ovl|ovrld|ovrflw|ovflw|ovfl|ovf|over|under[ -]?range|o\.?l\.?|o/l"
    r"|sat|saturated|saturation|#{2,}|\*{2,})",
    re.IGNORECASE,
)
#: What instruments send for an overflow or for no number (SCPI).
_SCPI = frozenset((9.9e37, -9.9e37, 9.91e37))
_TIME = r"\d{1,2}:\d{2}(?::\d{2})?[.,]?\d*"
_DATE = r"(?:\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./](?:\d{4}|\d{2}))"
_MOMENT = re.compile(rf"{_DATE}(?:[T ]{_TIME})?Z?|{_TIME}(?: ?[AaPp][Mm])?")
_SPACES = str.maketrans({"\u00a0": " ", "\u2009": " ", "\u202f": " ", "\u2007": " ", "\u2212": "-", "\u2013": "-"})
_COMMENT = re.compile(r"\s*(?:#|%|!|//)")
_LONGEST_CELL = 60


@dataclass(frozen=True)
class Dialect:
    """How a file writes a row.

    Attributes
    ----------
    delimiter
        Character between cells; None for any run of blanks and tabs.
    decimal
        ``"."`` or ``","``.
    """

    delimiter: str | None
    decimal: str

    @property
    def words(self) -> str:
        """In words, for messages."""
        names = {"\t": "tabs", ";": "semicolons", ",": "commas", "|": "bars", None: "blanks"}
        between = names.get(self.delimiter, f"'{self.delimiter}'")
        return f"cells separated by {between}, decimal {'point' if self.decimal == '.' else 'comma'}"


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell that is a number, or stands for a missing one.

    Attributes
    ----------
    value
        The number; NaN if it is missing.
    unit
        Unit in the cell (``12 ps``, ``0.4%``), ``""`` if none.
    grouped
        Whether thousands are separated in it.
    overloaded
        Whether it is a word such as ``OVERLOAD``.
    """

    value: float
    unit: str = ""
    grouped: bool = False
    overloaded: bool = False


#: In the order of preference where a file can be read in several ways with the same result.
DIALECTS = tuple(
    Dialect(delimiter, decimal)
    for delimiter in ("\t", ";", ",", "|", None)
    for decimal in (".", ",")
    if delimiter != "," or decimal != ","
)
#: Commas on both sides can be told apart only by quotation marks: "0,5","1,25".
QUOTED_COMMAS = Dialect(",", ",")


def is_comment(line: str) -> bool:
    """Whether the line begins with ``#``, ``%``, ``!`` or ``//``."""
    return _COMMENT.match(line) is not None


def is_moment(cell: str) -> bool:
    """Whether the cell is a date or a time of day."""
    return len(cell) <= _LONGEST_CELL and _MOMENT.fullmatch(cell) is not None


def split(line: str, delimiter: str | None) -> list[str]:
    """Cut a line into cells, without the blanks and quotation marks around them."""
    if '"' in line and delimiter is not None:
        try:
            return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter, skipinitialspace=True))]
        except (csv.Error, StopIteration):
            pass
    if delimiter is None:
        return [cell.strip("\"'") for cell in line.split()]
    return [cell.strip().strip("\"'").strip() for cell in line.split(delimiter)]


_NOTHING = Cell(math.nan)


def parse_cell(cell: str, decimal: str) -> Cell | None:
    """Read a cell.

    Understood are whole numbers, decimals and powers of ten (also Fortran's ``1D-3``), separated thousands, a unit or a
    per cent sign behind the number, and the words for a missing or overloaded value.

    Returns
    -------
    Cell or None
        None for anything else. Infinities, and the numbers that instruments send for an overflow, are missing values.

    Examples
    --------
    >>> parse_cell("-1,000.5", ".")
    Cell(value=-1000.5, unit='', grouped=True, overloaded=False)
    >>> parse_cell("0,4 %", ",")
    Cell(value=0.4, unit='%', grouped=False, overloaded=False)
    """
    if len(cell) > _LONGEST_CELL:
        return None
    if cell.isascii() and _PLAIN[decimal].fullmatch(cell):  # most cells
        return _cell(cell)
    if cell.lower() in _MISSING:
        return _NOTHING
    plain = cell.translate(_SPACES).strip()
    if not plain[:1].isascii():
        return None
    grouped, match = False, _PLAIN[decimal].match(plain)
    if match is None or match.end() < len(plain):
        longer = _GROUPED[decimal].match(plain)
        if longer is not None and (match is None or longer.end() > match.end()):
            grouped, match = True, longer
    if match is None:
        return Cell(math.nan, overloaded=True) if _OVERLOAD.fullmatch(plain) else None
    if not match[0].isascii():  # digits of other scripts
        return None
    text, rest = match[0], plain[match.end() :].strip()
    # 2D and 1e are names, 2 D a dipole moment
    if rest and (rest in ("D", "e", "h", "C") or _UNIT.fullmatch(rest) is None or not is_unit(rest)):
        return None
    return _cell(text.replace(match[1], "") if grouped else text, as_unit(rest) if rest else "", grouped)


def _cell(text: str, unit: str = "", grouped: bool = False) -> Cell:
    value = float(text.replace(",", ".").replace("d", "e").replace("D", "e"))
    if not math.isfinite(value) or value in _SCPI:
        return Cell(math.nan, overloaded=True)
    return Cell(value, unit, grouped)


def number(cell: str, decimal: str) -> float | None:
    """Value of a cell without a unit: NaN if it is missing, None if the cell is no number."""
    found = parse_cell(cell, decimal)
    return None if found is None or found.unit else found.value


def is_numeric_row(cells: Sequence[str], decimal: str) -> bool:
    """Whether all cells are numbers or missing values, and at least one is a number."""
    values = [number(cell, decimal) for cell in cells]
    return None not in values and any(not math.isnan(value) for value in values if value is not None)
