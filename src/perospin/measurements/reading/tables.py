"""Columns of numbers from text files: delimiter, decimal comma, headings, units and remarks are found out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from perospin.measurements.reading.grid import Grid, chosen, read_blocks
from perospin.measurements.reading.headings import find_headings, key_values
from perospin.measurements.reading.trace import Trace, _unique
from perospin.measurements.reading.words.conditions import from_header, from_name
from perospin.sheets.files import RawFile, read_raw
from perospin.sheets.labels import Label

__all__ = ["read_trace"]


def read_trace(
    path: Path | str,
    *,
    delimiter: str | None = None,
    decimal: str | None = None,
    skip_lines: int = 0,
    block: int | None = None,
    dataset: str | None = None,
) -> Trace:
    """Read columns of numbers from a text file, an HDF5 file, a NumPy archive, JCAMP-DX or Bruker's EPR files.

    Delimiter (tab, semicolon, comma, bar, blanks), decimal comma, separated thousands, encoding, headings, units, and
    the text in front of and behind the numbers are found out. Empty cells and words such as ``NaN``, ``--`` or
    ``OVERLOAD`` are missing values; a column of words (comments, dates) is a column without numbers. Tables that share
    their abscissa (one block a property) are joined.

    Parameters
    ----------
    path
        The file.
    delimiter, decimal
        Only if they are found out wrongly.
    skip_lines
        Lines at the beginning that are no data although they hold numbers.
    block
        Which table of a file that holds several, counted from 1.
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
    from perospin.measurements.reading.formats.containers import is_container, trace_of
    from perospin.measurements.reading.formats.listed import trace_of_format

    if is_container(raw):
        trace = trace_of(raw, dataset)
    else:
        own = trace_of_format(raw, block)
        trace = own if own is not None else _trace_of_text(raw, delimiter, decimal, skip_lines, block)
    return trace.with_conditions({**from_header(trace.header), **from_name(raw.name)})


def _trace_of_text(
    raw: RawFile, delimiter: str | None, decimal: str | None, skip_lines: int, block: int | None
) -> Trace:
    blocks = read_blocks(raw, delimiter=delimiter, decimal=decimal, skip_lines=skip_lines)
    if len(blocks) == 1 and block in (None, 1):
        return _trace(raw, blocks[0])
    if block is None:
        traces = [_trace(raw, grid) for grid in blocks]
        joined = _joined(traces)
        if joined is not None:
            return joined
    heads = [", ".join(_trace(raw, grid).names[:4]) for grid in blocks[:4]]
    return _trace(raw, chosen(blocks, block, raw.name, heads))


def _joined(traces: Sequence[Trace]) -> Trace | None:
    """Join tables of one abscissa and different quantities, as one block a property; None if they aren't."""
    first = traces[0]
    names = [trace.names[1] for trace in traces if len(trace.names) == 2]
    if len({name.lower() for name in names}) < len(traces) or any(name.startswith("column ") for name in names):
        return None
    for trace in traces:
        if len(trace) != len(first) or not np.array_equal(trace.values[:, 0], first.values[:, 0]):
            return None
    return replace(
        first,
        labels=_unique((first.labels[0], *(trace.labels[1] for trace in traces))),
        values=np.column_stack([first.values[:, 0], *(trace.values[:, 1] for trace in traces)]),
        comments=tuple(dict.fromkeys(line for trace in traces for line in trace.comments)),
        header={key: value for trace in reversed(traces) for key, value in trace.header.items()},
        warnings=tuple(dict.fromkeys(line for trace in traces for line in trace.warnings)),
    )


def _trace(raw: RawFile, grid: Grid) -> Trace:
    found = find_headings(grid, raw.name)
    values = grid.values
    labels = (Label("row"), *found.labels) if found.shifted else found.labels
    # columns that only a trailing delimiter made
    while values.shape[1] > max(2, len(labels)) and np.isnan(values[:, -1]).all():
        values = values[:, :-1]
    if len(labels) > values.shape[1]:  # rows that end early
        values = np.column_stack([values, np.full((len(values), len(labels) - values.shape[1]), np.nan)])
    named = []
    implied = _implied(raw, labels)
    for i in range(values.shape[1]):
        label = labels[i] if i < len(labels) else Label("")
        unit = label.unit or (grid.units[i] if i < len(grid.units) else "") or implied.get(label.name[:1].lower(), "")
        unit = unit or implied.get(label.name.lower(), "")
        named.append(Label(label.name or f"column {i + 1}", unit))
    remarks = [line.strip() for i, line in enumerate(grid.before) if i not in found.used and line.strip()]
    return Trace(
        labels=_unique(named),
        values=np.ascontiguousarray(values),
        source=raw.name,
        sha256=raw.sha256,
        comments=(*remarks, *(line.strip() for line in grid.after)),
        header=key_values((*grid.before, *grid.after)),
        warnings=grid.warnings,
    )


def _implied(raw: RawFile, labels: Sequence[Label]) -> Mapping[str, str]:
    """Units that programs never write, as theirs are fixed, by name or first letter of the heading."""
    if raw.content[:40].lstrip(b"\xef\xbb\xbf \r\n").startswith(b"ProDataCSV"):  # Chirascan
        return {"wavelength": "nm", "circulardichroism": "mdeg", "hv": "V"}
    if labels and labels[0].name == "DataName":  # Keysight's parameter analysers
        return {"v": "V", "i": "A"}
    return {}
