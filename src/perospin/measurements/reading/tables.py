"""Columns of numbers from text files: delimiter, decimal comma, headings, units and remarks are found out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from perospin.measurements.reading.cells import is_comment, split
from perospin.measurements.reading.conditions import from_header, from_name
from perospin.measurements.reading.files import RawFile, read_raw
from perospin.measurements.reading.grid import Grid, read_grid
from perospin.measurements.reading.labels import Label, as_unit, is_unit, parse_label
from perospin.measurements.reading.trace import Trace, _unique

__all__ = ["read_trace"]


#: Numbers, dates and times of day: a line that holds one is no line of headings.
_NO_HEADING = re.compile(r"[-+\u2212]?[\d.,:/]*\d[\d.,:/]*(?:[eEdD][-+]?\d+)?(?:[-./]\d+)*|nan", re.IGNORECASE)


def read_trace(
    path: Path | str,
    *,
    delimiter: str | None = None,
    decimal: str | None = None,
    skip_lines: int = 0,
    dataset: str | None = None,
) -> Trace:
    """Read columns of numbers from a text file, an HDF5 file or a NumPy archive.

    Delimiter (tab, semicolon, comma, bar, blanks), decimal comma, encoding, headings, a row of units, and the text in
    front of and behind the numbers are found out. Empty cells and words such as ``NaN`` or ``--`` are missing values.

    Parameters
    ----------
    path
        The file.
    delimiter, decimal
        Only if they are found out wrongly.
    skip_lines
        Lines at the beginning that are no data although they hold numbers.
    dataset
        Data set or group to read of an HDF5 file.

    Returns
    -------
    Trace

    Raises
    ------
    DataError
        If the file can't be read; the message names line and column.
    """
    raw = read_raw(path)
    from perospin.measurements.reading.containers import is_container, trace_of

    if is_container(raw):
        trace = trace_of(raw, dataset)
    else:
        trace = _trace(raw, read_grid(raw, delimiter=delimiter, decimal=decimal, skip_lines=skip_lines))
    return trace.with_conditions({**from_header(trace.header), **from_name(raw.name)})


def _trace(raw: RawFile, grid: Grid) -> Trace:
    labels, used = _labels(grid)
    values = grid.values
    header = _header(grid)
    labels = labels or _jasco(header, values.shape[1])
    # columns that only a doubled or trailing delimiter made
    keep = [i for i in range(values.shape[1]) if (labels and labels[i].name) or not np.isnan(values[:, i]).all()]
    named = tuple(labels[i] if labels and labels[i].name else Label(f"column {n}") for n, i in enumerate(keep, 1))
    remarks = [line.strip() for i, line in enumerate(grid.before) if i not in used and line.strip()]
    return Trace(
        labels=_unique(named),
        values=np.ascontiguousarray(values[:, keep]),
        source=raw.name,
        sha256=raw.sha256,
        comments=(*remarks, *(line.strip() for line in grid.after)),
        header=header,
        warnings=grid.warnings,
    )


def _labels(grid: Grid) -> tuple[tuple[Label, ...], set[int]]:
    """Headings and units from the lines right above the numbers, and which lines these are.

    With a row of units the headings stand above it (Origin: long names, units, comments), else right above the numbers.
    """
    columns = grid.values.shape[1]
    rows: list[tuple[int, list[str], bool]] = []
    for index in range(len(grid.before) - 1, -1, -1):
        line = grid.before[index]
        remark = is_comment(line)
        if not line.strip():
            if rows:
                break
            continue
        # a remark is a heading only right above the numbers, or above a row of units
        if remark and any(not (was_remark and _all_units(cells)) for _, cells, was_remark in rows):
            break
        cells = _heading_cells(line, grid.dialect.delimiter, columns, guess=not rows)
        if cells is None or len(rows) == 4:
            break
        rows.append((index, cells, remark))
    if not rows:
        return (), set()
    units = next((k for k, (_, cells, _) in enumerate(rows) if _all_units(cells)), None)
    if units is not None and units + 1 == len(rows):  # only units: they are the heading
        index, cells, _ = rows[units]
        return tuple(Label(f"column {n}", as_unit(cell)) for n, cell in enumerate(cells, 1)), {index}
    if units is None:
        full = [k for k, (_, cells, _) in enumerate(rows[:2]) if all(cells)]
        name = full[0] if full else 0
    else:
        name = units + 1
    labels = [parse_label(cell) for cell in rows[name][1]]
    if units is not None:
        pairs = zip(labels, rows[units][1], strict=True)
        labels = [Label(label.name, as_unit(unit) if unit else label.unit) for label, unit in pairs]
    return tuple(labels), {index for index, _, _ in rows[: name + 1]}


def _all_units(cells: Sequence[str]) -> bool:
    plain = [cell.strip().strip("()[]") for cell in cells if cell.strip()]
    return bool(plain) and all(is_unit(cell) for cell in plain)


def _heading_cells(line: str, delimiter: str | None, columns: int, *, guess: bool) -> list[str] | None:
    """Cut a line of headings into `columns` cells, none of them a number; None if it isn't one.

    `guess` tries other delimiters than that of the numbers too.
    """
    plain = line.strip("\r\n")
    if is_comment(plain):
        plain = plain.lstrip().lstrip("#%!/").lstrip(" ")
    ways = [split(plain, delimiter)]
    if delimiter is None:
        # "Delay (ps)   Signal (a.u.)": brackets belong to the word before them, wide gaps separate
        ways += [re.split(r"\s{2,}|\t", plain.strip()), re.findall(r"[^\s(\[]+(?:\s*[(\[][^)\]]*[)\]])?", plain)]
    if guess:
        ways += [split(plain, other) for other in ("\t", ",", ";", None) if other != delimiter]
    for cells in ways:
        while len(cells) > columns and not cells[-1]:
            cells = cells[:-1]
        if len(cells) < columns and delimiter is not None and len(cells) > 1 and cells == ways[0]:
            cells = cells + [""] * (columns - len(cells))
        if len(cells) == columns and any(cells) and not any(_NO_HEADING.fullmatch(cell) for cell in cells if cell):
            return cells
    return None


def _header(grid: Grid) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for line in (*grid.before, *grid.after):
        plain = line.strip().lstrip("#%!/ ")
        for sign in ("\t", ":", "="):
            key, found, value = plain.partition(sign)
            if found and key.strip() and value.strip() and len(key) <= 40:
                pairs.setdefault(key.strip(), value.strip())
                break
    return pairs


def _jasco(header: Mapping[str, str], columns: int) -> tuple[Label, ...]:
    """Headings from the XUNITS, YUNITS, YUNITS2 or Y2UNITS, ... lines of JASCO spectrometers (and JCAMP-like files)."""
    further = [f"Y{n}UNITS" if f"Y{n}UNITS" in header else f"YUNITS{n}" for n in range(2, columns)]
    keys = ["XUNITS", "YUNITS", *further][:columns]
    if not all(key in header for key in keys):
        return ()
    labels = []
    for key in keys:
        label = parse_label(header[key])
        if key == "XUNITS" and not label.unit and is_unit(label.name):
            unit = as_unit(label.name)
            label = Label("wavelength" if unit == "nm" else "abscissa", unit)
        labels.append(label)
    return tuple(labels)
