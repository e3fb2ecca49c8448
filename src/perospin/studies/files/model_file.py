"""A fitted study in one file that is safe to open: save it, mail it, predict with it elsewhere.

The file holds numbers and text alone (`perospin.studies.files.archive`), of types that are listed one by one
(`perospin.studies.files.plain_state`): opening it runs nothing. Every format ever written stays readable.
"""

from __future__ import annotations

import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perospin.errors import RefusedFileError
from perospin.studies.files.archive import read_archive, write_archive
from perospin.studies.files.plain_state import decode, encode

if TYPE_CHECKING:
    from perospin.studies.predicting.predictor import Predictor

__all__ = ["FORMAT", "WHAT", "not_whole", "read_model", "save_model"]

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
    from perospin.studies.provenance import versions

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


def read_model(path: str | Path) -> dict[str, Any]:
    """Read a file written by `save_model`: the fields of a `Predictor`, with the scheme of its domain.

    Nothing in the file is executed. What its numbers do when they are put together is for the caller to check.

    Raises
    ------
    RefusedFileError
        If it is foreign, damaged, changed, or written by a newer perospin: one sentence.
    """
    from perospin.learning.intervals.intervals import Intervals
    from perospin.studies.data.dataset import Dataset
    from perospin.studies.declaration.part import PartSpec

    where = f"'{path}'"
    _, content, arrays = read_archive(path, WHAT, FORMAT)
    try:
        part = PartSpec.model_validate(content["spec"])
        state = decode(content["state"], arrays, where)
        if not isinstance(state["data"], Dataset) or not isinstance(state["intervals"], Intervals):
            raise TypeError("data")
        fields = {key: state[key] for key in ("data", "model", "intervals", "scheme")}
        named = {"study": str(content["study"]), "part_name": str(content["part"]), "part": part}
        return {**fields, **named, "columns": tuple(state["columns"])}
    except RefusedFileError:
        raise
    except Exception as error:  # whatever the file says, the answer is the same sentence
        raise not_whole(path) from error


def not_whole(path: str | Path) -> RefusedFileError:
    """Refuse a file whose parts make no model."""
    return RefusedFileError(f"'{path}' does not hold a whole model, so it is not opened")
