"""A series of files that differ in a condition: field, temperature, power, ..."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from perospin.errors import DataError
from perospin.measurements.reading.grid import Float
from perospin.measurements.reading.tables import read_trace
from perospin.measurements.reading.trace import Trace
from perospin.measurements.reading.words.conditions import CONDITIONS, from_name, from_pattern

__all__ = ["Series", "read_series", "series_files"]

_SUFFIXES = (".csv", ".tsv", ".txt", ".dat", ".asc", ".prn", ".h5", ".hdf5", ".npz")


@dataclass(frozen=True, eq=False)
class Series:
    """Traces, sorted by the condition that varies.

    Attributes
    ----------
    traces
        One a file; each knows its own conditions.
    varying
        Names of the conditions that aren't the same in all files, the one they are sorted by first.
    """

    traces: tuple[Trace, ...]
    varying: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.traces)

    def __iter__(self) -> Iterator[Trace]:
        return iter(self.traces)

    def condition(self, name: str) -> Float:
        """Values of one condition, in the order of the traces.

        Raises
        ------
        DataError
            If a file doesn't tell it; the message names the file.
        """
        for trace in self.traces:
            if name not in trace.conditions:
                raise DataError(
                    f"'{trace.source}' doesn't tell {name}: give a pattern such as "
                    f"'run_{{{name if name in CONDITIONS else 'field_t'}}}.csv'"
                )
        return np.array([trace.conditions[name] for trace in self.traces])


def series_files(source: Path | str | Sequence[Path | str], pattern: str | None = None) -> list[Path]:
    """Files of a series: those given, or those of a folder that fit the pattern (or look like data).

    Raises
    ------
    DataError
        If there are none.
    """
    given = [source] if isinstance(source, str | Path) else list(source)
    files: list[Path] = []
    for item in map(Path, given):
        if not item.is_dir():
            files.append(item)
            continue
        inside = sorted(path for path in item.iterdir() if path.is_file() and not path.name.startswith("."))
        if pattern is not None:
            inside = [path for path in inside if from_pattern(pattern, path.name) is not None]
        else:
            inside = [path for path in inside if path.suffix.lower() in _SUFFIXES]
        if not inside:
            what = f"that fits '{pattern}'" if pattern else f"of measurements ({', '.join(_SUFFIXES)})"
            raise DataError(f"the folder '{item}' holds no file {what}")
        files += inside
    if not files:
        raise DataError("a series needs files or a folder")
    return files


def read_series(
    source: Path | str | Sequence[Path | str],
    pattern: str | None = None,
    *,
    sort_by: str | None = None,
    on_file: Callable[[str, int, int], None] | None = None,
    **options: Any,
) -> Series:
    """Read files that differ in a condition.

    Parameters
    ----------
    source
        A folder, or files.
    pattern
        How the condition stands in the file names, see `from_pattern`: ``"kerr_{field_mt}mT.csv"``. Without it numbers
        with units are looked for in names and remarks.
    sort_by
        Condition to sort by; the first of `CONDITIONS` that varies if not given.
    on_file
        Called with the file name, how many are done and how many there are.
    **options
        For `read_trace`.

    Returns
    -------
    Series

    Raises
    ------
    DataError
        If a file can't be read or doesn't fit the pattern.
    """
    files = series_files(source, pattern)
    traces: list[Trace] = []
    for done, path in enumerate(files):
        if on_file is not None:
            on_file(path.name, done, len(files))
        trace = read_trace(path, **options)
        found = from_name(path.name) if pattern is None else from_pattern(pattern, path.name)
        if found is None:
            raise DataError(f"'{path.name}' doesn't fit the pattern '{pattern}'")
        traces.append(trace.with_conditions(found))
    common = [name for name in CONDITIONS if all(name in trace.conditions for trace in traces)]
    varying = [name for name in common if len({trace.conditions[name] for trace in traces}) > 1]
    if sort_by is not None:
        Series(tuple(traces), tuple(varying)).condition(sort_by)
        varying = [sort_by, *(name for name in varying if name != sort_by)]
    if varying:
        traces.sort(key=lambda trace: tuple(trace.conditions[name] for name in varying))
    return Series(tuple(traces), tuple(varying))
