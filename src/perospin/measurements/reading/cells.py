"""Cells of a text table: what is a number, what stands for a missing one, and how a line is cut into cells."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["DIALECTS", "Dialect", "is_comment", "is_numeric_row", "number", "split"]

_POINT = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?")
# a decimal comma needs a digit behind it: "1, 2" is a list
_COMMA = re.compile(r"[-+]?(?:\d+|\d*,\d+)(?:[eEdD][-+]?\d+)?")
_MISSING = frozenset((
    "", "nan", "-nan", "+nan", "na", "n/a", "#n/a", "nd", "null", "none", "--", "---", "-", "inf", "-inf", "+inf",
    "1.#qnan", "-1.#ind", "1.#inf", "-1.#inf", "1,#qnan", "-1,#ind", "#div/0!", "#value!", "∞", "-∞", "infinity",
))  # fmt: skip
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
        return f"cells separated by {names[self.delimiter]}, decimal {'point' if self.decimal == '.' else 'comma'}"


#: In the order of preference where a file can be read in several ways with the same result.
DIALECTS = tuple(
    Dialect(delimiter, decimal)
    for delimiter in ("\t", ";", ",", "|", None)
    for decimal in (".", ",")
    if not (delimiter == "," and decimal == ",")
)


def is_comment(line: str) -> bool:
    """Whether the line begins with ``#``, ``%``, ``!`` or ``//``."""
    return _COMMENT.match(line) is not None


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


def number(cell: str, decimal: str) -> float | None:
    """Read a cell.

    Returns
    -------
    float or None
        The number, NaN for an empty cell or a word that stands for a missing value (infinities are missing values),
        None for anything else.
    """
    if len(cell) > _LONGEST_CELL:
        return None
    if cell.lower() in _MISSING:
        return math.nan
    plain = cell.replace("\u2212", "-")
    if (_POINT if decimal == "." else _COMMA).fullmatch(plain) is None or not plain.isascii():
        return None
    value = float(plain.replace(",", ".").replace("d", "e").replace("D", "e"))
    return value if math.isfinite(value) else math.nan


def is_numeric_row(cells: Sequence[str], decimal: str) -> bool:
    """Whether all cells are numbers or missing values, and at least one is a number."""
    values = [number(cell, decimal) for cell in cells]
    return None not in values and any(not math.isnan(value) for value in values if value is not None)
