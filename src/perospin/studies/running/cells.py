"""Finished pieces of a run, kept so that an interrupted run goes on where it stopped.

A cell is one small JSON file named by the hash of everything its content depends on: specification, data, scheme,
seed, the code that computes and the libraries that decide numbers. Change any of them and the cell is computed again;
nothing is ever executed on reading.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.errors import RefusedFileError
from perospin.saving import make_folder, plain, read_json, read_text, write_text
from perospin.studies.provenance import versions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from perospin.learning.validation.schemes import Scheme

_COMPUTING = ("learning", "studies/running", "studies/evidence")
"""Rooms whose code decides what a cell holds. What others decide is in its key: specification, data, scheme."""

DECIDING = ("numpy", "scipy", "pandas", "scikit-learn", "jax", "jaxlib", "xgboost-cpu", "pyoperon", "sympy")
"""Libraries whose versions decide numbers."""


class Cells:
    """Store of finished pieces: a folder, or memory alone if no folder is given.

    Parameters
    ----------
    folder : path, optional
        Created when the first cell is written.
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        self._folder = None if folder is None else Path(folder)
        self._memory: dict[str, Any] = {}
        self.reused = 0
        self.computed = 0

    def get(self, what: Mapping[str, Any], compute: Callable[[], Any]) -> Any:
        """Return the cell described by `what`, computing and keeping it if it is not there yet.

        Parameters
        ----------
        what : mapping
            Everything the content depends on, as JSON-able values.
        compute : callable
            Gives the content as JSON-able values.

        Returns
        -------
        Any
            The content as it reads back from JSON, so that a fresh and a resumed run see the same values.
        """
        key = fingerprint({**what, "code": code_fingerprint()})
        if key not in self._memory:
            path = self._folder / f"{key[:32]}.json" if self._folder else None
            content = _read(path)
            if content is None:
                text = json.dumps(plain(compute()))
                if path is not None:
                    make_folder(path.parent)
                    write_text(path, text)
                self.computed += 1
                content = json.loads(text)
            else:
                self.reused += 1
            self._memory[key] = content
        return self._memory[key]


def _read(path: Path | None) -> Any:
    if path is None or not path.is_file():
        return None
    try:
        return read_json(read_text(path, "cell"), "cell")
    except RefusedFileError:
        return None  # a damaged cell is as good as none: it is computed again


def fingerprint(value: Any) -> str:
    """SHA-256 of a JSON-able value, independent of the order of keys."""
    return hashlib.sha256(json.dumps(plain(value), sort_keys=True).encode()).hexdigest()


def digest(*arrays: NDArray[Any]) -> str:
    """SHA-256 of arrays of numbers, their shapes included."""
    found = hashlib.sha256()
    for array in arrays:
        found.update(str(array.shape).encode())
        found.update(np.ascontiguousarray(array, dtype=float).tobytes())
    return found.hexdigest()


def scheme_digest(scheme: Scheme) -> str:
    """SHA-256 of the folds of a scheme and of what its R2 refers to; its name plays no part."""
    found = hashlib.sha256(f"{scheme.reference} {scheme.in_sample}".encode())
    for split in scheme.splits:
        for rows in (split.train, split.test):
            found.update(b"|")
            found.update(np.ascontiguousarray(rows, dtype=np.int64).tobytes())
    return found.hexdigest()


@lru_cache(maxsize=1)
def code_fingerprint() -> str:
    """SHA-256 of the code that computes cells and of the versions of the libraries that decide numbers."""
    package = Path(__file__).parents[2]
    found = hashlib.sha256(json.dumps(versions(DECIDING), sort_keys=True).encode())
    for room in _COMPUTING:
        for path in sorted((package / room).rglob("*.py")):
            found.update(path.relative_to(package).as_posix().encode())
            found.update(path.read_bytes())
    return found.hexdigest()
