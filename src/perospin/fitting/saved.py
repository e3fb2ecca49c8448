"""What a saved fit must hold: every field of its type, before anything is made of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from perospin.errors import RefusedFileError

__all__ = ["STATUSES", "TABLE_COLUMNS", "check_fields"]

STATUSES = ("fitted", "fixed", "derived", "upper bound", "lower bound", "undetermined")
TABLE_COLUMNS = ("name", "value", "uncertainty", "low", "high", "unit", "status", "description")

_NEEDED = ("n_points", "n_parameters")


def check_fields(content: Mapping[str, Any]) -> None:
    """Refuse a saved fit with a field that is missing or of another type than perospin writes.

    Parameters
    ----------
    content : mapping
        The file as it was read, its odd numbers (NaN, infinity) restored.

    Raises
    ------
    RefusedFileError
        One sentence that names the field.
    """
    for name, (holds, what) in _FIELDS.items():
        if name not in content or not holds(content[name]):
            raise RefusedFileError(f"this is not a saved fit of perospin: its '{name}' must be {what}")
    _check_table(content["table"])
    names = [row[0] for row in content["table"]["rows"]]
    _check_correlation(content["correlation"], names)
    _check_settings(content["settings"], names)
    for name, entry in content.get("records", {}).items():
        if name not in names or not isinstance(entry.get("property"), str):
            raise RefusedFileError(f"this is not a saved fit of perospin: its record {str(name)[:40]!r} is not whole")


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _finite(value: Any) -> bool:
    return _number(value) and math.isfinite(value)


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_text, value))


def _mapping(of: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, dict) and all(of(item) for item in value.values())


def _frame(value: Any) -> bool:
    """Whether it is a table: names of columns that differ, and rows of as many cells, each a number or a text."""
    if not isinstance(value, dict) or set(value) != {"columns", "rows"}:
        return False
    columns, rows = value["columns"], value["rows"]
    if not _texts(columns) or len(set(columns)) != len(columns) or not isinstance(rows, list):
        return False
    return all(isinstance(row, list) and len(row) == len(columns) and all(map(_cell, row)) for row in rows)


def _cell(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)


def _data(value: Any) -> bool:
    """Whether it is a table whose columns are numbers throughout, or words throughout."""
    if not _frame(value):
        return False
    columns = zip(*value["rows"], strict=True)
    return all(all(map(_number, cells)) or all(map(_text, cells)) for cells in columns)


def _array(value: Any) -> bool:
    if not isinstance(value, list):
        return False
    try:
        found = np.asarray(value)
    except ValueError:  # rows of different length
        return False
    return found.dtype.kind in "biuf" or found.size == 0


def _sources(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(entry, dict) and set(entry) == {"name", "sha256"} and all(map(_text, entry.values()))
        for entry in value
    )


_FIELDS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "analysis": (_text, "a text"),
    "table": (_frame, "a table of columns and rows"),
    "correlation": (_frame, "a table of columns and rows"),
    "statistics": (
        lambda value: _mapping(_number)(value) and all(_finite(value.get(key)) for key in _NEEDED),
        f"numbers by name, {' and '.join(_NEEDED)} among them",
    ),
    "diagnostics": (_mapping(_cell), "numbers or texts by name"),
    "warnings": (_texts, "a list of sentences"),
    "conventions": (_mapping(_text), "texts by name"),
    "data": (_data, "a table whose columns are numbers or words throughout"),
    "arrays": (_mapping(_array), "arrays of numbers by name"),
    "sources": (_sources, "a list of files with name and sha256"),
    "level": (lambda value: _number(value) and 0 < value < 1, "a number between 0 and 1"),
    "interval_method": (_text, "a text"),
    "settings": (lambda value: isinstance(value, dict), "values by name"),
    "axes": (_mapping(_text), "texts by name"),
}


def _check_table(table: Mapping[str, Any]) -> None:
    if tuple(table["columns"]) != TABLE_COLUMNS:
        raise RefusedFileError(
            f"this is not a saved fit of perospin: the columns of its table must be {', '.join(TABLE_COLUMNS)}"
        )
    seen: set[str] = set()
    for name, *numbers, unit, status, description in table["rows"]:
        known = _text(name) and name and name not in seen
        if not known or not all(map(_text, (unit, description))) or not all(map(_number, numbers)):
            raise RefusedFileError(
                f"this is not a saved fit of perospin: the row {str(name)[:40]!r} of its table must be a name of its "
                "own, four numbers, and three texts"
            )
        if status not in STATUSES:
            raise RefusedFileError(
                f"this is not a saved fit of perospin: the status of {name[:40]!r} must be one of {', '.join(STATUSES)}"
            )
        seen.add(name)


def _check_correlation(table: Mapping[str, Any], names: list[str]) -> None:
    size = len(table["columns"])
    square = len(table["rows"]) == size and all(_number(cell) for row in table["rows"] for cell in row)
    matrix = np.array(table["rows"], dtype=float).reshape(size, size) if square else np.empty((0, 0))
    # NaN stands where something was not determined
    right = square and bool((np.isnan(matrix) | (np.abs(matrix) <= 1 + 1e-9)).all())
    right = right and np.allclose(matrix, matrix.T, atol=1e-9, equal_nan=True)
    right = right and bool((np.isnan(np.diag(matrix)) | (np.abs(np.diag(matrix) - 1) < 1e-9)).all())
    if not right or not set(table["columns"]) <= set(names):
        raise RefusedFileError(
            "this is not a saved fit of perospin: its correlation must be a symmetric table of numbers from -1 to 1, "
            "one row and column a fitted quantity"
        )


def _check_settings(settings: Mapping[str, Any], names: list[str]) -> None:
    errors, gradients = settings.get("standard_errors", {}), settings.get("gradients", {})
    right = settings.get("main", names[0] if names else "") in [*names, ""]
    right = right and _mapping(_number)(errors) and _mapping(_mapping(_number))(gradients)
    # a derived quantity depends on those that stand before it, so that no circle can be written down
    known = set(names) - set(gradients)
    for name, slopes in gradients.items() if right else ():
        right = right and set(slopes) <= known
        known.add(name)
    if not right:
        raise RefusedFileError(
            "this is not a saved fit of perospin: its settings name quantities that the table does not have, or hold "
            "no numbers for them"
        )
