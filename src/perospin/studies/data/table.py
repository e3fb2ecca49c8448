"""Read the table that a part declares, and refuse a wrong cell with its place."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from perospin.errors import DataError, StudyError
from perospin.sheets.cells import parse_cell
from perospin.sheets.table import key_of, label_of, open_table
from perospin.similar import did_you_mean
from perospin.text import shorten
from perospin.units import convert

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from perospin.studies.declaration.part import PartSpec
    from perospin.studies.declaration.sections import DataSection, RowFilter


Read = TypeVar("Read")
_EMPTY = frozenset(("nan", "na", "<na>", "n/a", "-", "--", "\u2013", "\u2014", "none", "#n/a"))


def _read(
    section: DataSection, data: str | Path | None, base: Path | None, notes: list[str]
) -> tuple[pd.DataFrame, str, str]:
    """Return the raw frame, its source in words, and the file name if it is the user's own; add to the notes."""
    if data is not None:
        return read_own_table(Path(data)), f"file {Path(data).name}", str(data)
    if section.csv is not None:
        path = Path(section.csv)
        path = path if path.is_absolute() or base is None else base / path
        return read_own_table(path), section.source or f"file {path.name}", str(path)
    if section.table is not None:
        from perospin.database import load_table

        frame = load_table(section.table, corrected=True) if section.corrected else load_table(section.table)
        return frame, section.source or str(frame.attrs.get("source", "")), ""
    if section.store is not None:
        from perospin.database import load_records

        frame = load_records(**section.store.model_dump(exclude_none=True))
        if section.store.user is not False:
            notes += own_records(map(str, frame.index), section.store.store)
        notes += repeats(frame)
        return frame.reset_index(), section.source or "perospin's records", ""
    if section.records is not None:
        frame, remarks = gathering(section.records).read()
        notes += [*remarks, *own_records(map(str, frame["record_id"])), *repeats(frame)]
        return frame, section.source or "perospin's records", ""
    raise StudyError("this study has no data of its own: give a table with --data table.csv")


OWN_RECORDS = "of your own records"
"""Words of the note that counts the user's records among the rows."""


def own_records(names: Iterable[str], store: str | None = None) -> list[str]:
    """Say how many of these records are the user's own, and name them; an empty list if none is."""
    from perospin.database import select_records

    mine = {record.record_id for record in select_records(table="user", include_unknown=True, store=store)}
    found = sorted(mine & set(names))
    if not found:
        return []
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""
    count = len(found)
    return [f"{count} {OWN_RECORDS} {'is' if count == 1 else 'are'} among the rows: {', '.join(found[:5])}{more}"]


def repeats(frame: pd.DataFrame) -> list[str]:
    """Say by which rule a study takes values of one material from the records: none is averaged away."""
    known = frame["formula"].astype(str)
    count = int((known[known != ""].value_counts() > 1).sum())
    if not count:
        return []
    return [
        f"rule for repeated measurements: each record is a row of its own, nothing is averaged; {count} materials have "
        "several rows (`perospin data conflicts` shows how far sources differ)"
    ]


def gathering(name: str) -> Any:
    """Return the module that gathers records under this name: `read`, `question`, `cautions`, `on_record`."""
    from perospin.studies.detectors import table as detectors
    from perospin.studies.lifetimes import table as lifetimes

    return {"lifetimes": lifetimes, "detectors": detectors}[name]


def read_own_table(path: Path) -> pd.DataFrame:
    """Read a user's table as text (see `perospin.sheets.table.open_table`); headings are the columns.

    ``attrs["labels"]`` holds name and unit of each column.

    Raises
    ------
    DataError
        If the file is missing, not text, empty, or its lines differ in length.
    """
    import pandas as pd

    table = open_table(path)
    names = list(table.headings)
    double = next((name for name in names if name and names.count(name) > 1), None)
    if double is not None:
        raise DataError(f"'{table.name}' has two columns called '{shorten(double)}'; names must differ")
    rows = []
    for number, cells in table.rows:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) > len(names) and not any(cell.strip() for cell in cells[len(names) :]):
            cells = cells[: len(names)]
        if len(cells) != len(names):
            raise DataError(
                f"'{table.name}' is not a well-formed CSV table: line {number} has {len(cells)} cells where the header "
                f"has {len(names)}"
            )
        rows.append(cells)
    if not rows:
        raise DataError(f"'{table.name}' has a header but no rows")
    frame = pd.DataFrame(rows, columns=pd.Index(names), dtype=str)
    frame = frame[[name for name in names if name or frame[name].str.strip().any()]] if "" in names else frame
    frame.attrs["labels"] = dict(zip(names, table.labels, strict=True))
    return frame


def named_as_wanted(frame: pd.DataFrame, wanted: Iterable[str], notes: list[str]) -> pd.DataFrame:
    """Give columns the names that a study uses, where headings say the same otherwise: ``PL (eV)`` is ``pl_ev``.

    A column in another unit is converted, and the notes say so.
    """
    labels = frame.attrs.get("labels", {})
    if not labels:
        return frame
    renamed: dict[str, str] = {}
    for column in dict.fromkeys(wanted):
        if column in frame.columns:
            continue
        asked = label_of(column)
        found = [
            name
            for name, label in labels.items()
            if name in frame.columns and name not in renamed and key_of(label) == key_of(asked)
        ]
        unit = labels[found[0]].unit if len(found) == 1 else ""
        if len(found) != 1 or bool(unit) != bool(asked.unit):
            continue
        factor = _factor(unit, asked.unit)
        if factor is None:
            continue
        if factor != 1.0:
            where = f"column '{found[0]}'"
            numbers = _numeric(frame, found[0], frame.index.to_series().add(1).astype(str), where, allow_missing=True)
            frame[found[0]] = ["" if np.isnan(value) else repr(float(value * factor)) for value in numbers]
            notes.append(f"column '{found[0]}' is read as '{column}': converted from {unit} to {asked.unit}")
        renamed[found[0]] = column
    return frame.rename(columns=renamed) if renamed else frame


def _factor(unit: str, wanted: str) -> float | None:
    """Multiply by this to convert; None if the units don't convert by a factor."""
    if unit == wanted:
        return 1.0
    try:
        zero, one = (float(convert(value, unit, wanted)) for value in (0.0, 1.0))
    except DataError:
        return None
    return one if zero == 0.0 else None


def _require_columns(frame: pd.DataFrame, required: Iterable[str], where: str) -> None:
    missing = [column for column in dict.fromkeys(required) if column not in frame.columns]
    if not missing:
        return
    column, more = missing[0], missing[1:]
    others = f" ({', '.join(more)} missing too)" if more else ""
    relatives = [c for c in frame.columns if _stem(c) == _stem(column)]
    if relatives:
        raise DataError(
            f"{where}: column '{column}' is missing, but there is '{relatives[0]}': is it in another unit? "
            f"convert it to {_unit(column)} and call it '{column}'{others}"
        )
    found = [str(name) for name in frame.columns]
    hint = did_you_mean(column, found, otherwise=f"columns found: {', '.join(found)}", quoted=True)
    raise DataError(f"{where}: column '{column}' is missing{others}; {hint}")


def _stem(column: str) -> str:
    return column.split("_per_")[0] if "_per_" in column else column.rsplit("_", 1)[0]


def _unit(column: str) -> str:
    return "1/" + column.split("_per_")[1] if "_per_" in column else column.rsplit("_", 1)[-1]


def _filtered(frame: pd.DataFrame, filters: Iterable[RowFilter], where: str) -> pd.DataFrame:
    for condition in filters:
        column = frame[condition.column]
        texts = column.astype(str)
        if condition.keep is not None:
            frame = frame[texts.isin([str(v) for v in condition.keep])]
        if condition.drop is not None:
            frame = frame[~texts.loc[frame.index].isin([str(v) for v in condition.drop])]
        for bound, compare in ((condition.min, np.greater_equal), (condition.max, np.less_equal)):
            if bound is not None:
                labels = frame.index.to_series().add(1).astype(str)
                values = _numeric(frame, condition.column, labels, where, allow_missing=True)
                frame = frame[compare(values, bound)]
    return frame


def _numeric(
    frame: pd.DataFrame, column: str, labels: pd.Series, where: str, *, allow_missing: bool
) -> NDArray[np.float64]:
    """Numbers of a column; every cell that is none is named in one message."""
    values = np.full(len(frame), np.nan)
    bad: list[str] = []
    for i, cell in enumerate(frame[column]):
        text = str(cell).strip()
        if text == "" or text.lower() in _EMPTY:
            if not allow_missing:
                bad.append(f"row {labels.iloc[i]}, column '{column}': the cell is empty; every row needs a value")
            continue
        try:
            values[i] = float(text)
        except ValueError:
            found = parse_cell(text, ".")
            factor = None if found is None or not found.unit else _factor(found.unit, label_of(column).unit)
            if found is not None and factor is not None and np.isfinite(found.value):
                values[i] = found.value * factor
                continue
            hint = " (use a decimal point)" if re.fullmatch(r"-?\d+,\d+", text) else ""
            bad.append(f"row {labels.iloc[i]}, column '{column}': '{shorten(text, 40)}' is not a number{hint}")
            continue
        if not np.isfinite(values[i]):
            bad.append(f"row {labels.iloc[i]}, column '{column}': '{text}' is not a finite number")
    refuse_all(where, bad)
    return values


class Faults:
    """Mistakes of a table, gathered over all its columns before one error names them.

    Parameters
    ----------
    where : str
        Name of the table in messages.
    """

    def __init__(self, where: str) -> None:
        self._where = where
        self._found: list[str] = []

    def of(self, read: Callable[..., Read], *given: Any, **more: Any) -> Read | None:
        """Call a reader; None if it refused, and what it said is kept."""
        try:
            return read(*given, **more)
        except DataError as error:
            told = error.mistakes or (str(error.args[0]),)
            self._found += [text.removeprefix(self._where).lstrip(",: ") for text in told]
            return None

    def refuse(self) -> None:
        """Raise one error about everything that was refused.

        Raises
        ------
        DataError
            If anything was.
        """
        if len(self._found) == 1 and not re.match(r"row |column ", self._found[0]):
            raise DataError(f"{self._where}: {self._found[0]}")
        refuse_all(self._where, self._found)


def refuse_all(where: str, mistakes: Sequence[str]) -> None:
    """Raise one error that names all mistakes of a table, or as many as a message holds.

    Raises
    ------
    DataError
        If there are any.
    """
    if mistakes:
        raise DataError.of(where, mistakes, ", ")


def _plausible(column: str, values: Any, low: float, high: float, where: str) -> None:
    if values is None:
        return
    middle = float(np.nanmedian(np.asarray(values, dtype=float)))
    if not low <= middle <= high:
        raise DataError(
            f"{where}: the median of column '{column}' is {middle:.4g}, outside the plausible {low:g} to {high:g} "
            f"for {_unit(column)}: is it in another unit?"
        )


def _weights(frame: pd.DataFrame, column: str, labels: pd.Series, where: str) -> NDArray[np.float64]:
    values = _numeric(frame, column, labels, where, allow_missing=False)
    if (values <= 0).any():
        bad = int(np.flatnonzero(values <= 0)[0])
        raise DataError(
            f"{where}, row {labels.iloc[bad]}, column '{column}': a weight of {values[bad]:g}; weights must be greater "
            "than 0 (drop a row by a filter instead)"
        )
    return values


def _uncertainty(
    frame: pd.DataFrame, part: PartSpec, labels: pd.Series, target: NDArray[np.float64], where: str, notes: list[str]
) -> NDArray[np.float64]:
    """Read standard deviations into the space of the models; to first order, sd(log10 y) = sd(y) / (y ln 10)."""
    column = str(part.data.y_sd)
    values = _numeric(frame, column, labels, where, allow_missing=True)
    if (values < 0).any():
        bad = int(np.flatnonzero(values < 0)[0])
        raise DataError(
            f"{where}, row {labels.iloc[bad]}, column '{column}': an uncertainty of {values[bad]:g} is below 0"
        )
    if part.target.logarithmic:
        values = values / (target * np.log(10.0))
    missing = np.isnan(values)
    if missing.all():
        raise DataError(f"{where}: column '{column}' is empty, so there is no uncertainty to use; leave out y_sd")
    if missing.any():
        values = np.where(missing, np.median(values[~missing]), values)
        notes.append(
            f"{int(missing.sum())} of {len(values)} rows have no value in '{column}'; they get the median uncertainty "
            "of the others"
        )
    return values


def _table_digest(column: pd.Series) -> str:
    """Fingerprint of the target column, whatever the order of its rows."""
    digest = hashlib.sha256()
    for text in sorted(_canonical(cell) for cell in column):
        digest.update(text.encode() + b"\n")
    return digest.hexdigest()


def _canonical(cell: Any) -> str:
    text = str(cell).strip()
    try:
        return repr(float(text))
    except ValueError:
        return text


def _digest(rows: pd.DataFrame, features: pd.DataFrame, y: NDArray[np.float64]) -> str:
    digest = hashlib.sha256()
    digest.update(rows.to_csv(index=False).encode())
    for column in sorted(map(str, features.columns)):
        digest.update(column.encode())
        digest.update(np.ascontiguousarray(features[column].to_numpy(dtype=float)).tobytes())
    digest.update(np.ascontiguousarray(y).tobytes())
    return digest.hexdigest()
