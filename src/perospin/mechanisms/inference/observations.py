"""What was measured: lifetimes or rates under conditions, from a table or a CSV file."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.errors import DataError
from perospin.mechanisms._arrays import Float
from perospin.mechanisms.quantities import QUANTITIES, Quantity
from perospin.similar import similar_names
from perospin.units import convert

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CONDITIONS", "Observations", "read_observations"]

CONDITIONS = (
    "temperature_k",
    "density_cm3",
    "field_t",
    "n_layers",
    "momentum_scattering_time_ps",
    "exciton_binding_energy_mev",
)
"""Columns that the mechanisms depend on; any subset may be there."""

_TARGETS = {"lifetime_ps": "lifetime_uncertainty_ps", "rate_per_ps": "rate_uncertainty_per_ps"}
COLUMNS = (*_TARGETS, *_TARGETS.values(), *CONDITIONS)
_MAX_BYTES, _MAX_ROWS = 2_000_000, 5_000
_NUMBER = re.compile(r"([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)\s*(.*)", re.DOTALL)
_HEADER = re.compile(r"\s*([A-Za-z][\w ]*?)\s*(?:[\[(]\s*(.*?)\s*[\])])?\s*")
_ALSO = {
    "uncertainty": "lifetime_uncertainty_ps",
    "error": "lifetime_uncertainty_ps",
    "t1": "lifetime_ps",
    "tau": "lifetime_ps",
    "tau_s": "lifetime_ps",
    "tau_spin": "lifetime_ps",
    "spin_lifetime": "lifetime_ps",
    "t_s": "lifetime_ps",
    "t": "temperature_k",
    "b": "field_t",
    "n": "n_layers",
    "layers": "n_layers",
    "tau_p": "momentum_scattering_time_ps",
    "binding_energy": "exciton_binding_energy_mev",
}


@dataclass(frozen=True)
class Observations:
    """Measured rates and their conditions.

    Attributes
    ----------
    rate_per_ps
        Rates (1/ps), shape (n,).
    relative_uncertainty
        Standard uncertainty over the value, shape (n,); None if none was given.
    conditions
        Condition columns that were given, each of shape (n,), all positive.
    ignored
        Columns of the table that were not read.
    """

    rate_per_ps: Float
    relative_uncertainty: Float | None
    conditions: Mapping[str, Float]
    ignored: tuple[str, ...] = ()

    @property
    def varying(self) -> tuple[str, ...]:
        """Condition columns whose value isn't the same in all rows."""
        return tuple(name for name, column in self.conditions.items() if np.ptp(column) > 1e-9 * np.max(np.abs(column)))

    @classmethod
    def from_frame(cls, table: pd.DataFrame | Mapping[str, Any]) -> Observations:
        """Check a table with the columns of `COLUMNS`.

        Parameters
        ----------
        table : DataFrame or mapping of columns
            Exactly one of ``lifetime_ps`` and ``rate_per_ps``, its uncertainty (``lifetime_uncertainty_ps`` or
            ``rate_uncertainty_per_ps``) if known, and any of `CONDITIONS`. Other columns are ignored.

        Raises
        ------
        DataError
            If a column is missing, two exclude each other, or a value is missing, not a number or out of range; the
            message names column and row (counted from 1).
        """
        names = [str(name) for name in (table.keys() if isinstance(table, Mapping) else table.columns)]
        columns = {name: _column(name, table[name]) for name in names if name in COLUMNS}
        ignored = tuple(name for name in names if name not in COLUMNS)
        return cls._from_columns(columns, ignored, "the table", lambda row: f"row {row + 1}")

    @classmethod
    def _from_columns(
        cls, columns: Mapping[str, list[float]], ignored: tuple[str, ...], table: str, where: Callable[[int], str]
    ) -> Observations:
        targets = [name for name in _TARGETS if name in columns]
        if len(targets) != 1:
            what = "both lifetime_ps and rate_per_ps: keep one" if targets else _no_target(ignored)
            raise DataError(f"{table} has {what}")
        lengths = {name: len(column) for name, column in columns.items()}
        if len(set(lengths.values())) != 1:
            shown = ", ".join(f"{name} {length}" for name, length in lengths.items())
            raise DataError(f"the columns of {table} differ in length: {shown}")
        blank = [name for name in CONDITIONS if name in columns and columns[name] and not any(columns[name])]
        columns = {name: column for name, column in columns.items() if name not in blank}  # all at zero field, say
        target = targets[0]
        stray = [u for t, u in _TARGETS.items() if t != target and u in columns]
        if stray:
            raise DataError(f"{table} has {stray[0]} but not the column it belongs to; {target} goes with "
                            f"{_TARGETS[target]}")  # fmt: skip
        for name, column in columns.items():
            quantity = QUANTITIES[name]
            for row, value in enumerate(column):
                if math.isnan(value):
                    raise DataError(f"{where(row)}, column {name}: the value is missing; fill it or leave the row out")
                if not quantity.allows(value, value):
                    raise DataError(f"{where(row)}, column {name}: must be {quantity.range_text}, got {value:g}")
                if value == 0:
                    raise DataError(
                        f"{where(row)}, column {name}: a value of 0 has no place in power laws; leave the row out, or "
                        "the column"
                    )
        measured = np.asarray(columns[target], dtype=float)
        if measured.size < 3:
            raise DataError(
                f"{table} has {measured.size} rows; that can't tell mechanisms apart: at least 3 are needed"
            )
        relative = None
        if _TARGETS[target] in columns:
            relative = np.asarray(columns[_TARGETS[target]], dtype=float) / measured
        rate = 1.0 / measured if target == "lifetime_ps" else measured
        given = {name: np.asarray(columns[name], dtype=float) for name in CONDITIONS if name in columns}
        if not given:
            unread = f" (not understood: {', '.join(ignored)})" if ignored else ""
            raise DataError(f"{table} has no condition to compare against{unread}: add one of {', '.join(CONDITIONS)}")
        found = cls(rate, relative, given, ignored)
        if not found.varying:
            raise DataError(f"no condition of {table} varies ({', '.join(given)}): nothing tells mechanisms apart")
        return found


def _no_target(ignored: Sequence[str]) -> str:
    close = [c for name in ignored for c in similar_names(name.lower(), _TARGETS, cutoff=0.7)]
    hint = f"; did you mean {close[0]}?" if close else ": name it so, or 'lifetime (ns)' with its unit"
    return f"no column lifetime_ps or rate_per_ps{hint}"


def _column(name: str, values: Any) -> list[float]:
    column = []
    for row, value in enumerate(values):
        try:
            column.append(math.nan if value is None else float(value))
        except (TypeError, ValueError):
            raise DataError(f"row {row + 1}, column {name}: '{value!s:.40}' is not a number") from None
    return column


def read_observations(path: str | Path, *, celsius: bool = False) -> Observations:
    """Read a CSV file of lifetimes or rates.

    The first line names the columns: as in `COLUMNS` (``temperature_k``), with another unit in the name
    (``lifetime_ns``) or in brackets (``lifetime (ns)``, ``temperature [K]``). A cell may carry its own unit
    (``300 K``). Comma, semicolon and tab separate columns; lines that start with # are skipped.

    Parameters
    ----------
    path : str or Path
        The file.
    celsius : bool
        Whether C means degrees Celsius; by default it is refused with that question, as it is the coulomb.

    Raises
    ------
    DataError
        If the file can't be read as such a table; the message names line and column.
    """
    text = read_text(Path(path))
    numbered = [
        (i, line) for i, line in enumerate(text.splitlines(), start=1) if line.strip() and not line.startswith("#")
    ]
    if not numbered:
        raise DataError(f"'{path}' holds no table: the file is empty")
    delimiter = max((",", ";", "\t"), key=numbered[0][1].count)
    rows = list(csv.reader(io.StringIO("\n".join(line for _, line in numbered)), delimiter=delimiter, strict=False))
    lines = [number for number, _ in numbered]
    header = rows[0]
    read: list[tuple[int, Quantity, str]] = []
    ignored = []
    if celsius:
        header = [_degrees(name) for name in header]
    for position, name in enumerate(header):
        found = _meaning(name, position, str(path))
        if found is None:
            ignored.append(name.strip())
        elif any(quantity.name == found[0].name for _, quantity, _ in read):
            raise DataError(f"'{path}', column {position + 1}: {found[0].name} is there twice")
        else:
            read.append((position, *found))
    columns: dict[str, list[float]] = {quantity.name: [] for _, quantity, _ in read}
    if len(rows) - 1 > _MAX_ROWS:
        raise DataError(f"'{path}' has {len(rows) - 1} rows; at most {_MAX_ROWS} are read")
    for line, cells in zip(lines[1:], rows[1:], strict=False):
        if len(cells) != len(header):
            raise DataError(f"'{path}', line {line}: {len(cells)} cells, but the header has {len(header)}")
        for position, quantity, unit in read:
            text = _degrees(cells[position]) if celsius and quantity.unit == "K" else cells[position]
            columns[quantity.name].append(_cell(text, quantity, unit, f"'{path}', line {line}"))
    return Observations._from_columns(
        columns, tuple(ignored), f"'{path}'", lambda row: f"'{path}', line {lines[row + 1]}"
    )


def _degrees(text: str) -> str:
    """Read a C at the end, in brackets or not, as degrees Celsius."""
    return re.sub(r"(?<![A-Za-z])C(?=\s*[\])]?\s*$)", "degC", text)


def read_text(path: Path) -> str:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise DataError(f"'{path}' has more than {_MAX_BYTES // 1_000_000} MB: not a table of lifetimes")
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"there is no file '{path}'") from None
    except IsADirectoryError:
        raise DataError(f"'{path}' is a folder, not a CSV file") from None
    except OSError as error:
        raise DataError(f"can't read '{path}': {error.strerror}") from None
    except UnicodeDecodeError:
        raise DataError(f"'{path}' is not a text file: save the table as CSV in UTF-8") from None
    if "\x00" in text:
        raise DataError(f"'{path}' is not a text file: save the table as CSV in UTF-8")
    return text


def _meaning(name: str, position: int, path: str) -> tuple[Quantity, str] | None:
    """Quantity and unit of a column name; None if it is none of ours."""
    plain = name.strip()
    if plain in COLUMNS:
        return QUANTITIES[plain], QUANTITIES[plain].unit
    match = _HEADER.fullmatch(plain)
    if match is None:
        return None
    stem, unit = re.sub(r"[\s_]+", "_", match[1]).lower(), match[2]
    by_short = {QUANTITIES[c].short: QUANTITIES[c] for c in COLUMNS} | {k: QUANTITIES[v] for k, v in _ALSO.items()}
    if stem in COLUMNS:
        by_short[stem] = QUANTITIES[stem]
    if stem in by_short:
        quantity = by_short[stem]
        if unit is None:
            if quantity.unit != "1":
                raise DataError(
                    f"'{path}', column {position + 1} '{plain:.40}' has no unit: write '{plain:.40} ({quantity.unit})'"
                )
            return quantity, "1"
        _check_unit(quantity, unit, plain, position, path)
        return quantity, unit
    stem, _, suffix = match[1].strip().rpartition("_")
    if stem.lower() in by_short and unit is None:
        quantity = by_short[stem.lower()]
        _check_unit(quantity, suffix, plain, position, path)
        return quantity, suffix
    return None


def _check_unit(quantity: Quantity, unit: str, name: str, position: int, path: str) -> None:
    try:
        convert(1.0, unit, quantity.unit)
    except DataError as error:
        if unit == "C" and quantity.unit == "K":
            raise DataError(
                f"'{path}', column {position + 1} '{name:.40}': C is the coulomb; are these degrees Celsius? "
                f"Then say --celsius, or write '{quantity.short} (degC)'"
            ) from None
        raise DataError(f"'{path}', column {position + 1} '{name:.40}': {error}") from None


def _cell(text: str, quantity: Quantity, unit: str, where: str) -> float:
    stripped = text.strip()
    if stripped.lower() in {"", "nan", "na", "n/a", "-"}:
        return math.nan
    match = _NUMBER.fullmatch(stripped)
    if match is None:
        raise DataError(f"{where}, column {quantity.name}: '{stripped:.40}' is not a number")
    try:
        difference = "uncertainty" in quantity.name
        return float(convert(float(match[1]), match[2] or unit, quantity.unit, difference=difference))
    except DataError as error:
        if match[2] == "C" and quantity.unit == "K":
            raise DataError(
                f"{where}, column {quantity.name}: C is the coulomb; are these degrees Celsius? Then say --celsius, "
                f"or write '{match[1]} degC'"
            ) from None
        raise DataError(f"{where}, column {quantity.name}: {error}") from None
