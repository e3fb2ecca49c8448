"""Where a record went: the studies among whose rows it stands, and the predictions that were made from these rows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perospin.errors import StudyError
from perospin.saving import read_bytes, read_json
from perospin.text import shorten

if TYPE_CHECKING:
    from perospin.database import Record
    from perospin.studies.result import PartResult

__all__ = ["Use", "uses"]


@dataclass(frozen=True)
class Use:
    """One part of a study that a record is a row of.

    Attributes
    ----------
    folder
        The result.
    study, part
        Names.
    row
        Label of the row.
    data_sha256
        Fingerprint of all rows of the part.
    started, perospin
        When the study ran (UTC), and with which version.
    same
        Whether formula and value of the row are still those of the record.
    predictions
        Saved predictions that were made from these very rows: material, value, low, high, unit, file.
    """

    folder: str
    study: str
    part: str
    row: str
    data_sha256: str
    started: str
    perospin: str
    same: bool
    predictions: tuple[Mapping[str, Any], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Give all of it as JSON-able values."""
        return asdict(self)


def uses(record: Record, results: Iterable[str | Path], predictions: Iterable[str | Path] = ()) -> list[Use]:
    """Find a record among the rows of studies.

    Parameters
    ----------
    record : Record
        As it is now.
    results : iterable of path
        Folders that `StudyResult.save` wrote.
    predictions : iterable of path
        Files of ``perospin predict --json``; those made from other rows are passed over.

    Returns
    -------
    list of Use
        In the order of the folders. A row is the record's if it has its identifier, or, where a study numbers its
        rows, its formula and value.

    Raises
    ------
    StudyError
        If a folder holds no whole result, or a file no predictions.
    """
    from perospin.studies.result import StudyResult

    made = [entry for file in predictions for entry in _predictions(Path(file))]
    found = []
    for folder in results:
        result = StudyResult.load(folder)
        for name, part in result.parts.items():
            sha256 = str(part.provenance.get("sha256", ""))
            for label, same in _rows(record, part):
                mine = tuple(entry for entry in made if sha256 and entry["data_sha256"] == sha256)
                started = str(result.provenance.get("started", ""))
                version = str(result.provenance.get("versions", {}).get("perospin", ""))
                found.append(Use(str(folder), result.name, name, label, sha256, started, version, same, mine))
    return found


def _rows(record: Record, part: PartResult) -> list[tuple[str, bool]]:
    """Labels of the rows that are this record, and whether they still say what it says."""
    rows = part.rows
    labels = rows["row"].astype(str)
    alike = [
        str(formula) == record.formula and math.isclose(float(target), record.value, rel_tol=1e-9)
        for formula, target in zip(rows["formula"], rows["target"], strict=True)
    ]
    named = [(label, same) for label, same in zip(labels, alike, strict=True) if label == record.record_id]
    numbered = all(label.isdigit() for label in labels)
    return named or [(label, True) for label, same in zip(labels, alike, strict=True) if same and numbered]


def _predictions(path: Path) -> list[dict[str, Any]]:
    entries = read_json(read_bytes(path, "the file of predictions"), f"'{shorten(str(path))}'")
    kept = ("formula", "row", "quantity", "value", "low", "high", "unit", "data_sha256")
    try:
        return [{**{name: entry[name] for name in kept}, "file": str(path)} for entry in entries]
    except (KeyError, TypeError):
        raise StudyError(
            f"'{shorten(str(path))}' holds no predictions with the hash of their rows, as `perospin predict --json` of "
            "this version prints them"
        ) from None
