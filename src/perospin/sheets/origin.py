"""Origin's names of rows (Long Name, Units, Comments) as first cells of a text: taken out, with their column."""

from __future__ import annotations

import re
from collections.abc import Sequence

from perospin.sheets.cells import split

__all__ = ["without_row_names"]

_ROWS = frozenset((
    "long name", "short name", "units", "unit", "comments", "comment", "parameters", "user-defined parameters",
    "sampling interval", "sparklines", "f(x)", "f(x)=", "categories", "filter", "einheiten", "langname", "kommentare",
))  # fmt: skip
_SKIPPED = frozenset(("sampling interval", "sparklines", "f(x)", "f(x)=", "categories", "filter"))
_SAMPLE = 20


def without_row_names(lines: Sequence[str]) -> list[str]:
    r"""Take out the column in which Origin names its rows of headings.

    The rows of numbers lose it where they have it: an empty cell, or a cell that counts the rows. Rows that say nothing
    of a column (sparklines, formulas of columns) are emptied. Other texts come back as they are.

    Parameters
    ----------
    lines
        Lines of a text; their number stays the same.

    Examples
    --------
    >>> without_row_names(["Long Name\tDelay\tSC", "Units\tps\tmV", "1\t0.5\t3"])
    ['Delay\tSC', 'ps\tmV', '0.5\t3']
    """
    for delimiter in ("\t", ";", ","):
        named = {}
        for index, line in enumerate(lines[:_SAMPLE]):
            first, sign, _ = line.partition(delimiter)
            if sign and first.strip().strip('"').lower().rstrip(":") in _ROWS:
                named[index] = first.strip().strip('"').lower().rstrip(":")
        if len(named) >= 2 and max(named) - min(named) == len(named) - 1:
            return _cut(list(lines), delimiter, named)
    return list(lines)


def _cut(lines: list[str], delimiter: str, named: dict[int, str]) -> list[str]:
    width = max(len(split(lines[index], delimiter)) for index in named)
    below = [index for index in range(max(named) + 1, len(lines)) if lines[index].strip()]
    firsts = [lines[index].split(delimiter, 1)[0].strip().strip('"') for index in below]
    counts = all(text == "" or re.fullmatch(r"\d+", text) for text in firsts)
    steps = [int(text) for text in firsts if text]
    counted = counts and (not steps or steps == list(range(steps[0], steps[0] + len(steps))))
    full = [len(split(lines[index], delimiter)) >= width for index in below]
    keep_rows = not (counted and all(full)) and not all(text == "" for text in firsts)
    cut = {*named, *([] if keep_rows else below)}
    made = []
    for index, line in enumerate(lines):
        if named.get(index) in _SKIPPED:
            made.append("")
        elif index in cut:
            made.append(line.partition(delimiter)[2])
        else:
            made.append(line)
    return made
