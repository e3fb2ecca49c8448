"""Columns of numbers from text files: delimiter, decimal comma, headings, units and remarks are found out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perospin.errors import DataError
from perospin.spectra.reading.conditions import from_header, from_name
from perospin.spectra.reading.files import RawFile, read_raw
from perospin.spectra.reading.grid import Float, Grid, chosen, read_blocks
from perospin.spectra.reading.headings import find_headings, key_values
from perospin.spectra.reading.labels import Label
from perospin.spectra.reading.roles import NAMED, get_role
from perospin.units import convert

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Trace", "read_trace"]


@dataclass(frozen=True, eq=False)
class Trace:
    """Columns of one file.

    Attributes
    ----------
    labels
        Name and unit of each column, as the file has them; ``column 1`` and so on where it has none.
    values
        Shape (n_rows, n_columns); NaN where a cell is missing.
    source
        Name of the file.
    sha256
        Hash of its bytes.
    comments
        Lines of text around the numbers.
    header
        Those of them that have the form ``key: value``, ``key = value`` or ``key<tab>value``.
    conditions
        What the file name or its header says about the measurement (``field_t``, ``temperature_k``, ...).
    warnings
        What was put right on reading.
    """

    labels: tuple[Label, ...]
    values: Float
    source: str
    sha256: str
    comments: tuple[str, ...] = ()
    header: Mapping[str, str] = field(default_factory=dict)
    conditions: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Make the numbers read-only."""
        self.values.setflags(write=False)

    def __repr__(self) -> str:
        columns = ", ".join(f"{label.name} [{label.unit}]" if label.unit else label.name for label in self.labels)
        return f"Trace('{self.source}', {len(self)} rows: {columns})"

    def __len__(self) -> int:
        return len(self.values)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(label.name for label in self.labels)

    @property
    def units(self) -> tuple[str, ...]:
        """Units of the columns, ``""`` where the file has none."""
        return tuple(label.unit for label in self.labels)

    def with_conditions(self, conditions: Mapping[str, float]) -> Trace:
        """Copy that holds these conditions beside its own."""
        return replace(self, conditions={**self.conditions, **conditions})

    def index(self, column: str | int) -> int:
        """Position (from 0) of a column given by name or by its number, counted from 1.

        Raises
        ------
        DataError
            If there is no such column; the message lists them.
        """
        text = str(column).strip()
        lower = [name.lower() for name in self.names]
        if text.lower() in lower:
            return lower.index(text.lower())
        if text.isdigit() and 1 <= int(text) <= len(self.labels):
            return int(text) - 1
        shown = ", ".join(f"{i} {name:.20}" for i, name in enumerate(self.names[:12], 1))
        raise DataError(f"'{self.source:.60}' has no column '{text:.40}'; it has {shown}")

    def column(self, column: str | int, unit: str = "", *, assume: str = "") -> Float:
        """Numbers of one column.

        Parameters
        ----------
        column
            Name, or number counted from 1.
        unit
            Unit to return them in; as they are if empty.
        assume
            Unit of the column if the file doesn't say it; `unit` if empty.

        Returns
        -------
        ndarray, shape (n_rows,)

        Raises
        ------
        DataError
            If there is no such column or its unit measures something else.
        """
        position = self.index(column)
        values: Float = np.array(self.values[:, position])
        own = self.labels[position].unit or assume
        if not unit or not own or own == unit:
            return values
        try:
            return convert(values, own, unit)
        except DataError as error:
            raise DataError(f"column '{self.names[position]:.40}' of '{self.source:.60}': {error}") from None

    def find(self, role: str) -> str | None:
        """Name of the column that measures a quantity of `ROLES`; None if no heading tells. The best match wins."""
        wanted = get_role(role)
        scores = [wanted.score(label) if self.has_numbers(i) else -1.0 for i, label in enumerate(self.labels)]
        best = max(scores, default=-1.0)
        return self.labels[scores.index(best)].name if best >= NAMED else None

    def has_numbers(self, position: int) -> bool:
        """Whether a column (counted from 0) holds any number."""
        return bool(np.isfinite(self.values[:, position]).any())

    def where(self, rows: NDArray[np.bool_]) -> Trace:
        """Copy with some of the rows, a mask of shape (n_rows,)."""
        return replace(self, values=self.values[rows])

    def to_frame(self) -> pd.DataFrame:
        """Columns as a pandas table, headed ``name [unit]``."""
        import pandas as pd

        heads = [f"{label.name} [{label.unit}]" if label.unit else label.name for label in self.labels]
        return pd.DataFrame(np.array(self.values), columns=heads)


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
    from perospin.spectra.reading.containers import is_container, trace_of
    from perospin.spectra.reading.formats import trace_of_format

    if is_container(raw):
        trace = trace_of(raw, dataset)
    else:
        own = trace_of_format(raw, block)
        trace = own if own is not None else _trace_of_text(raw, delimiter, decimal, skip_lines, block)
    return trace.with_conditions({**from_header(trace.header), **from_name(raw.name)})


def _trace_of_text(raw: RawFile, delimiter: str | None, decimal: str | None, skip_lines: int, block: int | None) -> Trace:
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
    header = key_values(grid)
    found = find_headings(grid, header, raw.name)
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
        header=header,
        warnings=grid.warnings,
    )


def _implied(raw: RawFile, labels: Sequence[Label]) -> Mapping[str, str]:
    """Units that programs never write, as theirs are fixed, by name or first letter of the heading."""
    if raw.content[:40].lstrip(b"\xef\xbb\xbf \r\n").startswith(b"ProDataCSV"):  # Chirascan
        return {"wavelength": "nm", "circulardichroism": "mdeg", "hv": "V"}
    if labels and labels[0].name == "DataName":  # Keysight's parameter analysers
        return {"v": "V", "i": "A"}
    return {}


def _unique(labels: Sequence[Label]) -> tuple[Label, ...]:
    """Give headings that occur twice a number."""
    seen: dict[str, int] = {}
    result = []
    for label in labels:
        count = seen[label.name.lower()] = seen.get(label.name.lower(), 0) + 1
        result.append(label if count == 1 else Label(f"{label.name} {count}", label.unit))
    return tuple(result)
