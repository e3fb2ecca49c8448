"""Read the table that a part declares, and refuse a wrong cell with its place."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.errors import DataError, StudyError
from perospin.similar import did_you_mean

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from perospin.studies.declaration.part import PartSpec
    from perospin.studies.declaration.sections import DataSection, RowFilter


def _read(
    section: DataSection, data: str | Path | None, base: Path | None, notes: list[str]
) -> tuple[pd.DataFrame, str, str]:
    """Return the raw frame, its source in words, and the file name if it is the user's own; add to the notes."""
    if data is not None:
        return read_csv(Path(data)), f"file {Path(data).name}", str(data)
    if section.csv is not None:
        path = Path(section.csv)
        path = path if path.is_absolute() or base is None else base / path
        return read_csv(path), section.source or f"file {path.name}", str(path)
    if section.table is not None:
        from perospin.database import load_table

        frame = load_table(section.table, corrected=True) if section.corrected else load_table(section.table)
        return frame, section.source or str(frame.attrs.get("source", "")), ""
    if section.store is not None:
        from perospin.database import load_records

        frame = load_records(**section.store.model_dump(exclude_none=True))
        return frame.reset_index(), section.source or "perospin's records", ""
    if section.records is not None:
        frame, remarks = gathering(section.records).read()
        notes += remarks
        return frame, section.source or "perospin's records", ""
    raise StudyError("this study has no data of its own: give a table with --data table.csv")


def gathering(name: str) -> Any:
    """Return the module that gathers records under this name: `read`, `question`, `cautions`, `on_record`."""
    from perospin.studies.lifetimes import table as lifetimes

    return {"lifetimes": lifetimes}[name]


def read_csv(path: Path) -> pd.DataFrame:
    """Read a comma-separated table as text.

    Raises
    ------
    DataError
        If the file is missing, not text, empty, or its lines differ in length.
    """
    import pandas as pd

    if not path.is_file():
        what = f"'{path}' is a folder" if path.is_dir() else f"there is no file '{path}'"
        raise DataError(f"{what}; give the path of a CSV table")
    head = path.read_bytes()[:4]
    if head.startswith((b"PK", b"\xd0\xcf\x11\xe0")):  # xlsx, xls
        raise DataError(f"'{path}' is a spreadsheet, not CSV text; save it as CSV (comma separated, UTF-8) first")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"'{path}' is not UTF-8 text (byte {error.start}); save it as CSV in UTF-8") from error
    reader = csv.reader(text.splitlines(keepends=True), skipinitialspace=True, strict=True)
    try:
        header = next((cells for cells in reader if any(cells)), None)
        if header is None:
            raise DataError(f"'{path}' is empty; the first line must hold the column names")
        names = [name.strip() for name in header]
        rows = []
        for cells in reader:
            if not any(cells):
                continue
            if len(cells) != len(names):
                raise DataError(
                    f"'{path}' is not a well-formed CSV table: line {reader.line_num} has {len(cells)} cells where the "
                    f"header has {len(names)}"
                )
            rows.append(cells)
    except csv.Error as error:
        raise DataError(f"'{path}' is not a well-formed CSV table: line {reader.line_num}: {error}") from error
    if len(names) == 1 and (";" in names[0] or "\t" in names[0]):
        raise DataError(f"'{path}' is separated by semicolons or tabs; save it with commas")
    double = next((name for name in names if names.count(name) > 1), None)
    if double is not None:
        raise DataError(f"'{path}' has two columns called '{double}'; names must differ")
    if not rows:
        raise DataError(f"'{path}' has a header but no rows")
    return pd.DataFrame(rows, columns=pd.Index(names), dtype=str)


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
    values = np.empty(len(frame))
    for i, cell in enumerate(frame[column]):
        text = str(cell).strip()
        if text == "" or text.lower() in {"nan", "na", "<na>"}:
            if not allow_missing:
                raise DataError(
                    f"{where}, row {labels.iloc[i]}, column '{column}': the cell is empty; every row needs a value"
                )
            values[i] = np.nan
            continue
        try:
            values[i] = float(text)
        except ValueError:
            hint = " (use a decimal point)" if re.fullmatch(r"-?\d+,\d+", text) else ""
            raise DataError(
                f"{where}, row {labels.iloc[i]}, column '{column}': '{text}' is not a number{hint}"
            ) from None
        if not np.isfinite(values[i]):
            raise DataError(f"{where}, row {labels.iloc[i]}, column '{column}': '{text}' is not a finite number")
    return values


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
