"""A result in a folder: ``result.json`` (declaration, provenance, small results, checksums) and plain CSV tables.

Nothing in it is ever executed when it is read; what was damaged or edited is refused.
"""

from __future__ import annotations

import json
import os
import weakref
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perospin.errors import PerospinError, RefusedFileError, StudyError, WriteError
from perospin.saving import (
    check_size,
    digest,
    inner_folder,
    name_fault,
    one_run,
    plain,
    read_bytes,
    read_json,
    sha256,
    write_csv,
    write_text,
)
from perospin.studies.files.checked import check_content, check_tables
from perospin.text import from_spreadsheet

if TYPE_CHECKING:
    import pandas as pd

    from perospin.learning.explanation.shapley import ShapleyTable
    from perospin.studies.result import PartResult, StudyResult

FORMAT = 2
"""Version of the result folder; every version up to this one is read. Version 1 had no checksums."""


TABLES = ("rows", "features", "scores", "predictions", "gains", "permutations", "sanity", "learning_curve", "grid")


LATER_TABLES = (
    "pairs",
    "scrambles",
    "curve_fits",
    "seeds",
    "leaks",
    "formulas",
    "importance",
    "directions_found",
    "curves",
    "single_curves",
    "coverage",
    "nested_intervals",
    "subsets",
    "by_quantity",
)
"""Tables that results of perospin 0.1 don't have; they read as empty."""

_TEXT_COLUMNS = ("row", "name", "formula", "described_as", "source", "tag", "rows", "alike", "why", "quantity")


def write_result(result: StudyResult, folder: Path) -> Path:
    """Write a result to a folder (created if needed) and return the folder."""
    with one_run(folder):
        return _write(result, folder)


def _write(result: StudyResult, folder: Path) -> Path:
    parts = {}
    sums: dict[str, str] = {}
    for name, part in result.parts.items():
        where = inner_folder(folder, "tables", name)
        for table in (*TABLES, *LATER_TABLES):
            write_csv(getattr(part, table), where / f"{table}.csv")
            sums[f"{name}/{table}.csv"] = sha256(where / f"{table}.csv")
        for scheme, explained in part.shapley.items():
            if (fault := name_fault(scheme)) is not None:
                raise WriteError(f"the explanation {scheme[:60]!r} can't name a file: {fault}")
            write_csv(shapley_frame(explained, part), where / f"shapley_{scheme}.csv")
        parts[name] = {
            "spec": part.spec.model_dump(mode="json", exclude_unset=True),
            "noise": part.noise,
            "cautions": [caution.to_dict() for caution in part.cautions],
            "shapley": {scheme: table.to_dict() for scheme, table in part.shapley.items()},
            "provenance": part.provenance,
            "scores": part.scores.to_dict("records"),
        }
    content = {
        "format": FORMAT,
        "name": result.name,
        "title": result.title,
        "description": result.description,
        "default_part": result.default_part,
        "data": None,
        "base": None,
        "data_from_here": _from_here(result.data, folder),
        "base_from_here": _from_here(result.base, folder),
        "provenance": result.provenance,
        "study": result.raw,
        "parts": parts,
        "tables_sha256": sums,
    }
    ready = plain(content)
    ready["sha256"] = digest(ready)
    write_text(folder / "result.json", json.dumps(ready, indent=1, allow_nan=False) + "\n")
    _saved[result] = (str(folder.resolve()), sha256(folder / "result.json"))
    return folder


_saved: weakref.WeakKeyDictionary[StudyResult, tuple[str, str]] = weakref.WeakKeyDictionary()


def is_saved(result: StudyResult, folder: Path) -> bool:
    """Whether this very result was written to this folder in this process and is still there, untouched."""
    path = folder / "result.json"
    return path.is_file() and _saved.get(result) == (str(folder.resolve()), sha256(path))


def read_result(folder: Path) -> dict[str, Any]:
    """Read a folder written by `write_result`: the fields of a `StudyResult`, its parts as fields of `PartResult`.

    Raises
    ------
    StudyError
        If the folder holds no result, one of a newer format, or one that was damaged or edited.
    """
    content = _read_content(folder)
    try:
        return _fields(content, folder)
    except PerospinError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        # pydantic's and the parsers' own errors are ValueErrors
        raise RefusedFileError(f"'{folder}' does not hold a whole result, so it is not opened") from error


def _fields(content: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Fields of a result, from its checked content and its tables."""
    from perospin.learning.explanation.shapley import ShapleyTable
    from perospin.studies.caution import Caution
    from perospin.studies.declaration.names import _check_names
    from perospin.studies.declaration.part import PartSpec
    from perospin.studies.declaration.reading import parse_study

    check_content(content, folder)
    parse_study(content["study"], f"the study in '{folder}'")
    parts = {
        name: {
            "name": name,
            "spec": PartSpec.model_validate(part["spec"]),
            "cautions": tuple(Caution.from_dict(values) for values in part.get("cautions", ())),
            "noise": part["noise"],
            "shapley": {scheme: ShapleyTable.from_dict(table) for scheme, table in part["shapley"].items()},
            "provenance": part["provenance"],
            **_tables(content, folder, name),
        }
        for name, part in content["parts"].items()
    }
    same = ("name", "title", "description", "default_part", "provenance", "data", "base")
    for name, part in parts.items():
        check_tables({key: part[key] for key in (*TABLES, *LATER_TABLES)}, folder, name)
        if wrong := _check_names(part["spec"]):
            raise StudyError.of(f"part '{name}' in '{folder}'", wrong)
    found = {key: content[key] for key in same}
    for key in ("data", "base"):
        if content.get(f"{key}_from_here") is not None:
            found[key] = str((folder / content[f"{key}_from_here"]).resolve())
    return {**found, "raw": content["study"], "parts": parts}


def _from_here(path: str | None, folder: Path) -> str | None:
    """Write a path as it is seen from the result, so that no folder of this computer is named in the file.

    Of a study that comes with perospin there is nothing to find.
    """
    if path is None or Path(path).resolve() == Path(str(resources.files("perospin.studies"))).resolve() / "shipped":
        return None
    try:
        return Path(os.path.relpath(path, folder.resolve())).as_posix()
    except ValueError:  # another drive
        return None


def _tables(content: Mapping[str, Any], folder: Path, part: str) -> dict[str, pd.DataFrame]:
    """Read the tables of a part; those that older results lack are empty."""
    import pandas as pd

    where, tables = _table_folder(folder, part), {}
    for table in (*TABLES, *LATER_TABLES):
        path = where / f"{table}.csv"
        _check_table(path, content, f"{part}/{table}.csv")
        header = [] if table in LATER_TABLES and not path.is_file() else _header(path)
        if not header:
            tables[table] = pd.DataFrame()
            continue
        # of a category the features hold the number of its level
        texts = [c for c in header if c in _TEXT_COLUMNS or c.startswith("group:")] if table != "features" else []
        kinds = dict.fromkeys(texts, str)
        frame = pd.read_csv(
            path, dtype=kinds, keep_default_na=False, na_values={c: [""] for c in header if c not in kinds}
        )
        for column in frame.select_dtypes(["object", "str"]):
            frame[column] = frame[column].map(from_spreadsheet, na_action="ignore")
        tables[table] = frame
    return tables


def shapley_frame(table: ShapleyTable, part: PartResult) -> pd.DataFrame:
    """One row an explained prediction: label, name, base, prediction, one column a feature (target space)."""
    frame = table.to_frame()
    rows = frame["row"].to_numpy()
    frame["row"] = part.rows["row"].to_numpy()[rows]
    frame.insert(1, "name", part.rows["name"].to_numpy()[rows])
    return frame


def _read_content(folder: Path) -> dict[str, Any]:
    """Read ``result.json`` after checking its size, its format and, from format 2 on, its checksum."""
    path = folder / "result.json"
    if not path.is_file():
        raise StudyError(f"'{folder}' holds no result (no result.json); run `perospin study run` with --out first")
    check_size(path)
    content = read_json(read_bytes(path, "the result"), f"'{path}'")
    version = content.get("format") if isinstance(content, dict) else None
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise RefusedFileError(f"'{path}' is not a result: it has no format number")
    if version > FORMAT:
        raise RefusedFileError(
            f"'{path}' has format {version}, written by a newer perospin; this one reads formats 1 to {FORMAT}: update "
            "perospin, or run the study again"
        )
    if version > 1 and content.pop("sha256", None) != digest(content):
        raise RefusedFileError(
            f"'{path}' was damaged or changed after it was saved (checksum); get a fresh copy or run the study again"
        )
    wanted = ("name", "title", "description", "parts", "default_part", "provenance", "study", "data", "base")
    missing = next((key for key in wanted if key not in content), None)
    if missing is not None or not isinstance(content["parts"], dict):
        raise RefusedFileError(f"'{path}' is not a whole result ('{missing or 'parts'}'); run the study again")
    return dict(content)


def _table_folder(folder: Path, part: str) -> Path:
    """Folder of a part's tables, after checking that its name leads nowhere else."""
    fault = name_fault(part)
    if fault is not None:
        raise RefusedFileError(f"a part called {part[:60]!r} can't be a folder: {fault}")
    return folder / "tables" / part


def _check_table(path: Path, content: Mapping[str, Any], name: str) -> None:
    """Check a table's size and, from format 2 on, its checksum."""
    there = path.is_file()
    if there:
        check_size(path)
    sums = content.get("tables_sha256")
    if content["format"] == 1 or not isinstance(sums, dict):
        return
    if there and sha256(path) != sums.get(name):
        raise RefusedFileError(
            f"'{path}' was damaged or changed after it was saved (checksum); get a fresh copy or run the study again"
        )
    if not there and name in sums:
        raise RefusedFileError(f"the result is incomplete: '{path}' is missing; run the study again")


def _header(path: Path) -> list[str]:
    if not path.is_file():
        raise StudyError(f"the result is incomplete: '{path}' is missing; run the study again")
    with path.open(encoding="utf-8") as file:
        first = file.readline().rstrip("\n")
    return [cell.strip('"') for cell in first.split(",")] if first else []
