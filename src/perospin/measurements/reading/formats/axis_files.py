"""An axis in a file of its own: one number a line, one line of numbers, or a NumPy array."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from perospin.errors import DataError
from perospin.measurements.reading.formats.containers import arrays_of, is_container
from perospin.measurements.reading.grid import Float
from perospin.measurements.reading.headings import said_units
from perospin.sheets.cells import is_comment, parse_cell
from perospin.sheets.files import read_raw, text_of
from perospin.sheets.labels import as_unit, is_unit, parse_label

__all__ = ["read_axis"]


def read_axis(path: Path | str) -> tuple[Float, str]:
    """Read an axis.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    values : ndarray, shape (n,)
    unit : str
        As a heading or a remark in the file says it, else ``""``.

    Raises
    ------
    DataError
        If the file holds anything else than one line or one column of numbers.
    """
    raw = read_raw(path)
    if is_container(raw):
        lines = [array for array in arrays_of(raw).values() if array.values.ndim == 1]
        if len(lines) != 1:
            raise DataError(f"'{raw.name:.60}' holds {len(lines)} one-dimensional data sets: an axis is one")
        return lines[0].values, lines[0].label.unit
    rows: list[list[float]] = []
    remarks: list[str] = []
    unit = ""
    for number, line in enumerate(text_of(raw).splitlines(), 1):
        if not line.strip():
            continue
        cells = [cell for cell in re.split(r"[\s,;]+", line.strip()) if cell]
        parsed = [parse_cell(cell, ".") for cell in cells]
        if is_comment(line) or (not rows and parsed[0] is None):
            remarks.append(line)
            text = line.strip().lstrip("#%!/ ")
            unit = unit or parse_label(text).unit or (as_unit(text) if is_unit(text) else "")
            continue
        bad = next((cell for cell, p in zip(cells, parsed, strict=True) if p is None or p.value != p.value), None)
        if bad is not None:
            raise DataError(f"line {number} of '{raw.name:.60}' holds '{bad:.40}', not a number of an axis")
        rows.append([p.value for p in parsed if p is not None])
        unit = unit or next((p.unit for p in parsed if p is not None and p.unit), "")
    said = said_units(remarks)
    unit = unit or said.get("delay", "") or said.get("wavelength", "")
    if not rows or (len(rows) > 1 and any(len(row) > 1 for row in rows)):
        raise DataError(f"'{raw.name:.60}' is no axis: write one number a line, or all of them in one line")
    return np.array([value for row in rows for value in row], dtype=np.float64), unit
