"""A fitted study in one file that is safe to open: save it, mail it, predict with it elsewhere.

The file holds numbers and text alone (`perospin.learning.archive`), of types that are listed one by one
(`perospin.learning.plain_state`): opening it runs nothing. Every format ever written stays readable.
"""

from __future__ import annotations

import platform
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.errors import RefusedFileError
from perospin.learning.archive import read_archive, write_archive
from perospin.learning.plain_state import decode, encode

if TYPE_CHECKING:
    from perospin.learning.prediction import Predictor

__all__ = ["FORMAT", "WHAT", "load_model", "read_origin", "save_model"]

FORMAT = 1
"""Version of the model file; every version up to this one is read."""

WHAT = "perospin model"

SUFFIX = ".npz"


def save_model(predictor: Predictor, path: str | Path) -> Path:
    """Write a fitted predictor: model, intervals, training rows and domain.

    Parameters
    ----------
    predictor : Predictor
        As `Study.predictor` makes it.
    path : path
        The file; ``.npz`` is added if it has no such ending.

    Returns
    -------
    Path

    Raises
    ------
    StudyError
        If an estimator in it can't be written, or the file would be too large.
    """
    from perospin.learning.study import versions

    path = Path(path)
    if path.suffix != SUFFIX:
        path = path.with_name(path.name + SUFFIX)
    state = {
        "data": predictor.data,
        "columns": predictor.columns,
        "model": predictor.model,
        "intervals": predictor.intervals,
        "scheme": predictor.domain.scheme,
    }
    encoded, arrays = encode(state)
    content = {
        "study": predictor.study,
        "part": predictor.part_name,
        "spec": predictor.part.model_dump(mode="json", exclude_unset=True),
        "data_sha256": predictor.data.sha256,
        "versions": {**versions(), "python": platform.python_version()},
        "state": encoded,
    }
    return write_archive(path, WHAT, FORMAT, content, arrays)


def load_model(path: str | Path) -> Predictor:
    """Open a file written by `save_model`; nothing in it is executed.

    Raises
    ------
    RefusedFileError
        If it is foreign, damaged, changed, or written by a newer perospin: one sentence.
    """
    from perospin.learning.dataset import Dataset
    from perospin.learning.declaration import PartSpec
    from perospin.learning.domain import Domain
    from perospin.learning.intervals import Intervals
    from perospin.learning.prediction import Predictor

    where = f"'{path}'"
    _, content, arrays = read_archive(path, WHAT, FORMAT)
    try:
        part = PartSpec.model_validate(content["spec"])
        state = decode(content["state"], arrays, where)
        data, columns, intervals = state["data"], tuple(state["columns"]), state["intervals"]
        if not isinstance(data, Dataset) or not isinstance(intervals, Intervals):
            raise TypeError("data")
        domain = Domain(data, columns, state["scheme"], part.labels)
        study, name = str(content["study"]), str(content["part"])
        predictor = Predictor(study, name, part, data, columns, state["model"], intervals, domain)
        # one row through everything: what does not fit together shows here, not at the first prediction
        row = data.features.iloc[:1]
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            found = [np.asarray(predictor.model.predict(row), dtype=float), *intervals.predict(row)]
            domain.nearest(row, 1)
        if any(part.shape != (1,) or np.isnan(part).any() for part in found):
            raise TypeError("prediction")
    except RefusedFileError:
        raise
    except Exception as error:  # whatever made-up numbers do to a model, the answer is the same sentence
        raise RefusedFileError(f"{where} does not hold a whole model, so it is not opened") from error
    return predictor


def read_origin(path: str | Path) -> Mapping[str, Any]:
    """Say where a model file comes from without making its model: study, part, data fingerprint, versions.

    Raises
    ------
    RefusedFileError
        As `load_model`.
    """
    version, content, _ = read_archive(path, WHAT, FORMAT)
    known = {key: content.get(key) for key in ("study", "part", "data_sha256", "versions")}
    return {"format": version, **known}
