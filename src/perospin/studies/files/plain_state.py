"""From fitted models to plain values and arrays, and back, without running anything that a file says.

Only the types listed here are written or read. A data class is made by its own constructor from the fields that it
declares; an estimator is an empty object of its class, given the attributes that fitting would have left. A file can
name no function, no module and no other class.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perospin.errors import PerospinError, RefusedFileError, StudyError
from perospin.learning.estimators.kinds.frozen import FrozenLine, FrozenSupportVectors, FrozenTrees
from perospin.learning.estimators.kinds.libraries import foreign
from perospin.learning.estimators.listed import file_classes, file_parts
from perospin.learning.intervals.intervals import Intervals
from perospin.learning.validation.guard import Units
from perospin.learning.validation.schemes import Scheme, Split
from perospin.studies.data.dataset import Dataset
from perospin.studies.files.archive import ARRAY_KINDS

__all__ = ["ESTIMATORS", "RECORDS", "decode", "encode"]

ESTIMATORS: Mapping[str, type] = file_classes()
"""Estimators that a file may hold; those of scikit-learn and XGBoost stand in it as `frozen` numbers."""

RECORDS: Mapping[str, type] = {
    **{kind.__name__: kind for kind in (Dataset, Intervals, Scheme, Split, Units)},
    **{kind.__name__: kind for kind in (FrozenLine, FrozenSupportVectors, FrozenTrees)},
    **file_parts(),
}
"""Data classes that a file may hold, by their names in it."""

_NAME = re.compile(r"_?[A-Za-z][A-Za-z0-9_]*\Z")
_DEEPEST = 200


# -- writing -------------------------------------------------------------------------------------------------


def encode(value: Any) -> tuple[Any, list[NDArray[Any]]]:
    """Turn a value into plain values for JSON and a list of arrays, equal arrays once.

    Raises
    ------
    StudyError
        If something in it is of no type that a file may hold.
    """
    writer = _Writer()
    return writer.encode(value), writer.arrays


class _Writer:
    def __init__(self) -> None:
        self.arrays: list[NDArray[Any]] = []
        self._known: dict[tuple[str, tuple[int, ...], bytes], int] = {}

    def encode(self, value: Any) -> Any:
        if isinstance(value, np.generic):
            value = value.item()
        if value is None or isinstance(value, bool | int | str):
            return value
        if isinstance(value, float):
            return value if math.isfinite(value) else {"$": "float", "value": str(value)}
        if isinstance(value, list):
            return [self.encode(item) for item in value]
        if isinstance(value, tuple):
            return {"$": "tuple", "value": [self.encode(item) for item in value]}
        if isinstance(value, Mapping):
            return {"$": "dict", "value": [[self.encode(k), self.encode(v)] for k, v in value.items()]}
        if isinstance(value, np.ndarray):
            return self._array(value)
        if type(value).__name__ == "DataFrame":
            return self._frame(value)
        return self._object(value)

    def _array(self, value: NDArray[Any]) -> Any:
        if value.dtype.kind in "OUS":
            return {"$": "words", "shape": list(value.shape), "value": self.encode(value.ravel().tolist())}
        if value.dtype.kind not in ARRAY_KINDS:
            raise StudyError(f"an array of {value.dtype} can't be written to a file")
        plain = np.ascontiguousarray(value).reshape(value.shape)
        key = (plain.dtype.str, plain.shape, plain.tobytes())
        if key not in self._known:
            self._known[key] = len(self.arrays)
            self.arrays.append(plain)
        return {"$": "array", "value": self._known[key]}

    def _frame(self, frame: Any) -> Any:
        columns = []
        for name in frame.columns:
            series = frame[name]
            kind = "numbers" if series.dtype.kind in ARRAY_KINDS else "text" if str(series.dtype) == "str" else "any"
            values = series.to_numpy() if kind == "numbers" else [None if v != v else v for v in series.tolist()]
            columns.append([str(name), kind, self.encode(values)])
        return {"$": "frame", "rows": len(frame), "value": columns}

    def _object(self, value: Any) -> Any:
        kind = type(value)
        for name, known in RECORDS.items():
            if kind is known:
                fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(kind)}
                return {"$": "record", "type": name, "value": {k: self.encode(v) for k, v in fields.items()}}
        if ESTIMATORS.get(kind.__name__) is kind:
            # unfitted models that a fitted one was made from: not needed to predict, so None stands in their place
            left_out = getattr(kind, "blueprints", ())
            state = {k: None if k in left_out else self.encode(v) for k, v in vars(value).items()}
            return {"$": "estimator", "type": kind.__name__, "value": state}
        numbers = _numbers(value)
        if numbers is None:
            raise StudyError(
                f"a {kind.__name__} can't be written to a file: perospin writes its own estimators, random forests, "
                "support vectors, linear models and XGBoost"
            )
        return self._object(numbers)


def _numbers(model: Any) -> Any:
    """Return the numbers that a model predicts with; None for a model of which nothing is known."""
    if hasattr(model, "frozen_numbers"):
        return model.frozen_numbers()
    known = foreign(model)
    return None if known is None or known.frozen is None else known.frozen(model)


# -- reading -------------------------------------------------------------------------------------------------


def decode(content: Any, arrays: list[NDArray[Any]], where: str) -> Any:
    """Make the value that `encode` was given.

    Parameters
    ----------
    content : plain values
    arrays : list of ndarray
    where : str
        Name of the file, for messages.

    Raises
    ------
    RefusedFileError
        If the file names a type that isn't listed here, or its parts don't fit together.
    """
    try:
        return _Reader(arrays, where).decode(content)
    except RefusedFileError:
        raise
    except (PerospinError, TypeError, ValueError, KeyError, IndexError, AttributeError, OverflowError) as error:
        raise RefusedFileError(f"{where} does not hold a whole model, so it is not opened") from error


class _Reader:
    def __init__(self, arrays: list[NDArray[Any]], where: str) -> None:
        self.arrays, self.where = arrays, where

    def decode(self, value: Any, depth: int = 0) -> Any:
        if depth > _DEEPEST:
            raise RefusedFileError(f"{self.where} is nested deeper than any model, so it is not opened")
        if isinstance(value, list):
            return [self.decode(item, depth + 1) for item in value]
        if not isinstance(value, dict):
            return value
        kind, inner = value["$"], value["value"]
        if kind == "float":
            return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[inner]
        if kind == "tuple":
            return tuple(self.decode(item, depth + 1) for item in inner)
        if kind == "dict":
            return {self.decode(k, depth + 1): self.decode(v, depth + 1) for k, v in inner}
        if kind == "array":
            return self._array(inner)
        if kind == "words":
            # made of text and numbers that are decoded here; an array of objects never comes out of a file as such
            words = self.decode(inner, depth + 1)
            kinds = {type(word) for word in words}
            return np.array(words, dtype=str if kinds == {str} else object).reshape(value["shape"])
        if kind == "frame":
            return self._frame(inner, value["rows"], depth)
        if kind in ("record", "estimator"):
            return self._object(kind, value["type"], inner, depth)
        raise RefusedFileError(f"{self.where} holds a {str(kind)[:40]!r}, which no model does, so it is not opened")

    def _array(self, number: Any) -> NDArray[Any]:
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < len(self.arrays):
            raise RefusedFileError(f"{self.where} refers to an array that it does not hold, so it is not opened")
        return self.arrays[number]

    def _frame(self, columns: Any, n_rows: int, depth: int) -> Any:
        import pandas as pd

        made: dict[str, Any] = {}
        for name, kind, values in columns:
            found = self.decode(values, depth + 1)
            dtype = {"numbers": None, "text": "str", "any": object}[kind]
            made[name] = pd.Series(found if dtype is None else list(found), dtype=dtype)
            if len(made[name]) != n_rows:
                raise RefusedFileError(f"{self.where} holds a table with columns of different length")
        return pd.DataFrame(made, index=pd.RangeIndex(n_rows))

    def _object(self, kind: str, name: Any, state: Any, depth: int) -> Any:
        listed = RECORDS if kind == "record" else ESTIMATORS
        if name not in listed:
            raise RefusedFileError(
                f"{self.where} names the type {str(name)[:60]!r}; only perospin's own models may stand in it, so it is "
                "not opened"
            )
        found: Any = listed[name]  # the class from the list above: nothing in the file is looked up by import
        values = {key: self.decode(inner, depth + 1) for key, inner in state.items()}
        if kind == "record":
            return found(**values)
        made = object.__new__(found)
        for key, inner in values.items():
            if not _NAME.match(key) or hasattr(found, key):
                raise RefusedFileError(f"{self.where} sets {str(key)[:60]!r} of {name}, which is no fitted attribute")
            made.__dict__[key] = inner
        return made
