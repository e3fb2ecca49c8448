"""Fitted predictors kept between calls: in this process, and as model files in the user's cache.

A file is named by the hash of all that decides its numbers: the declaration, the data, perospin's own files and the
versions of the libraries. It is written whole and read with the care of any model file; one that can't be read or
written is as good as none.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, overload

from perospin.errors import PerospinError
from perospin.studies.provenance import package_sha256, versions
from perospin.studies.running.cells import DECIDING, fingerprint

if TYPE_CHECKING:
    from perospin.studies.declaration.part import PartSpec
    from perospin.studies.predicting.predictor import Predictor

__all__ = ["kept_predictor", "models_folder"]

_MOST_FILES = 20
_in_memory: dict[str, Predictor] = {}


def models_folder() -> Path:
    """Folder of fitted models: ``models`` in $PEROSPIN_CACHE, or in the platform's cache directory for users."""
    override = os.environ.get("PEROSPIN_CACHE")
    if override:
        return Path(override) / "models"
    import platformdirs

    return Path(platformdirs.user_cache_dir("perospin")) / "models"


@overload
def kept_predictor(
    study: str, name: str, part: PartSpec, data_sha256: Callable[[], str], fit: Callable[[], Predictor]
) -> Predictor: ...
@overload
def kept_predictor(
    study: str, name: str, part: PartSpec, data_sha256: Callable[[], str], fit: None
) -> Predictor | None: ...
def kept_predictor(
    study: str, name: str, part: PartSpec, data_sha256: Callable[[], str], fit: Callable[[], Predictor] | None
) -> Predictor | None:
    """Return a fitted predictor, from this process, from the cache, or by fitting it and keeping it.

    Parameters
    ----------
    study, name : str
        Of the study and its part.
    part : PartSpec
        The declaration.
    data_sha256 : callable
        Gives the fingerprint of the rows; asked only where they can change without perospin changing: a table or a
        store of the user's, crystals in a folder.
    fit : callable or None
        Fits the predictor; with None there is only what is kept.
    """
    from perospin.studies.predicting.predictor import load_model

    outside = part.data.csv or part.data.store or part.descriptors.measured or part.descriptors.structures
    shipped = bool(part.data.table) and not outside
    content = {
        "study": study,
        "part": name,
        "spec": part.model_dump(mode="json"),
        "package": package_sha256(),
        "versions": versions(DECIDING),
    }
    question = fingerprint(content)[:12]
    if fit is None and not any(models_folder().glob(f"{question}-*.npz")):
        return None  # told without reading the rows, which may take longer than a prediction
    key = fingerprint({**content, "data": "shipped" if shipped else data_sha256()})
    if key in _in_memory:
        return _in_memory[key]
    path = models_folder() / f"{question}-{key[:40]}.npz"
    found = None
    if path.is_file():
        try:
            found = load_model(path)
            path.touch()
        except (PerospinError, OSError):
            found = None
    if found is None:
        if fit is None:
            return None
        found = fit()
        _keep(found, path)
    _in_memory[key] = found
    return found


def _keep(predictor: Predictor, path: Path) -> None:
    """Write a model and let the longest unused ones go; a cache that can't be written is no reason to fail."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        predictor.save(path)
        files = sorted(path.parent.glob("*.npz"), key=lambda file: -file.stat().st_mtime)
        for file in files[_MOST_FILES:]:
            file.unlink(missing_ok=True)
    except (PerospinError, OSError):
        return
