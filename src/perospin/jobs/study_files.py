"""A study of the user's own from uploaded files; it can only read the files that came with it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from perospin.errors import PerospinError, StudyError
from perospin.text import shorten

if TYPE_CHECKING:
    from perospin.studies import Study

__all__ = ["load_own_study"]


def load_own_study(folder: Path) -> Study:
    """Open the one study file of a folder.

    Raises
    ------
    StudyError
        If there is none or several, it is wrong, or it names a file that isn't in the folder.
    """
    from perospin.studies import Study

    found = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".toml")
    if len(found) != 1:
        raise StudyError(f"give one study file (.toml) and its table; there are {len(found)} study files")
    try:
        study = Study.load(found[0])
    except PerospinError as error:  # where uploads are kept tells nobody anything
        raise StudyError(str(error).replace(f"{folder}{os.sep}", "")) from None
    there = [path.name for path in folder.iterdir() if path != found[0]]
    for part in study.parts.values():
        csv, store, crystals = part.data.csv, part.data.store, part.descriptors.structures
        if csv is not None and csv not in there:
            raise StudyError(f"the study reads the table '{shorten(csv, 60)}'; give that file too, under this name")
        if store is not None and store.store is not None:
            raise StudyError("the study names a store of its own, which the app doesn't open; leave 'store' out")
        if crystals not in (None, "structures_2d"):
            raise StudyError("the study reads a folder of crystals, which can't be uploaded; use 'perospin study run'")
    return study
