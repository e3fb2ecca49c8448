"""Campaigns and results in the folder that the app was started with: only what is listed there can be opened."""

from __future__ import annotations

import os
from pathlib import Path

from perospin.errors import DataError
from perospin.saving import name_fault

__all__ = ["VARIABLE", "campaigns", "new_folder", "results", "working_folder"]

VARIABLE = "PEROSPIN_APP_FOLDER"
"""Environment variable that names the folder; ``perospin app --folder`` sets it."""
_MOST = 200
_DEPTH = 3


def working_folder() -> Path:
    """Folder whose campaigns and results the app shows; the current one if none was named."""
    return Path(os.environ.get(VARIABLE) or ".").resolve()


def campaigns() -> dict[str, Path]:
    """Campaigns below the folder: name to folder."""
    return _with("log.sqlite")


def results() -> dict[str, Path]:
    """Results of studies below the folder: name to folder."""
    return _with("result.json")


def _with(name: str) -> dict[str, Path]:
    root = working_folder()
    found: dict[str, Path] = {}
    level = [root]
    for _ in range(_DEPTH):
        inner: list[Path] = []
        for folder in level:
            try:
                entries = sorted(folder.iterdir())
            except OSError:
                continue
            for entry in entries[:_MOST]:
                if entry.is_symlink() or not entry.is_dir() or entry.name.startswith((".", "_")):
                    continue
                inner.append(entry)
                if (entry / name).is_file() and len(found) < _MOST:
                    found[entry.relative_to(root).as_posix()] = entry
        level = inner[:_MOST]
    return found


def new_folder(name: str) -> Path:
    """Path for a new folder of this name, directly below the folder of the app.

    Raises
    ------
    DataError
        If the name could lead elsewhere, or is taken.
    """
    plain = name.strip()
    fault = name_fault(plain) if plain else "it is empty"
    if fault is not None:
        raise DataError(f"{plain[:60]!r} can't be the name of a folder: {fault}")
    path = working_folder() / plain
    if path.exists():
        raise DataError(f"there is a folder '{plain}' already; choose another name")
    return path
