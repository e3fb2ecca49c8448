"""Find, read and check study files."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from perospin.errors import StudyError
from perospin.saving import name_fault, read_toml
from perospin.similar import did_you_mean
from perospin.studies.declaration.names import _check_names
from perospin.studies.declaration.part import PartSpec
from perospin.studies.declaration.sections import Model, _Section
from perospin.studies.declaration.sentences import _sentence


class Header(_Section):
    """What a study says about itself at the top of its file."""

    format: Literal[1]
    """Version of the format of study files."""
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    """Short name of the study: letters, digits, dot, dash."""
    title: str
    """Title of the report."""
    description: str = ""
    """What the study asks, in words."""
    default_part: str | None = None
    """Part that answers predict; the last one if left out."""


def shipped_studies() -> dict[str, Path]:
    """Names and files of the studies that come with perospin, in alphabetical order."""
    folder = resources.files("perospin.studies") / "shipped"
    paths = [Path(str(item)) for item in folder.iterdir() if item.name.endswith(".toml")]
    return {path.stem: path for path in sorted(paths)}


def find_study(name_or_path: str | Path) -> Path:
    """Return the file of a shipped study or of a path.

    Raises
    ------
    StudyError
        If there is neither a shipped study of this name nor a file at this path.
    """
    text = str(name_or_path)
    shipped = shipped_studies()
    if text in shipped:
        return shipped[text]
    path = Path(name_or_path)
    if path.is_file():
        return path
    if path.is_dir():
        raise StudyError(f"'{text}' is a folder; give a study file (.toml) or one of: {', '.join(shipped)}")
    if text.endswith(".toml") or "/" in text or "\\" in text:
        raise StudyError(f"there is no study file at '{text}'; shipped studies are: {', '.join(shipped)}")
    hint = did_you_mean(text, shipped, otherwise=f"there are: {', '.join(shipped)}", quoted=True)
    raise StudyError(f"unknown study '{text}'; {hint} (or give the path of a .toml file)")


def read_study_file(path: Path) -> tuple[Header, dict[str, PartSpec], dict[str, Any]]:
    """Read and check a study file.

    Returns
    -------
    header : Header
    parts : dict of PartSpec
        By part name, in the order of the file; a file without ``[parts]`` has one part named like the study.
    raw : dict
        The file as parsed, for the record.

    Raises
    ------
    StudyError
        One sentence that names the file, the place in it, and what is allowed there.
    """
    return parse_study(read_toml(path, "study file"), where=str(path))


def parse_study(raw: Mapping[str, Any], where: str) -> tuple[Header, dict[str, PartSpec], dict[str, Any]]:
    """Check a study given as nested dictionaries; `where` names its origin in error messages."""
    content = dict(raw)
    header_keys = set(Header.model_fields)
    part_tables = content.pop("parts", None)
    header_raw = {key: value for key, value in content.items() if key in header_keys and key != "description"}
    if "description" in content:
        header_raw["description"] = content.pop("description")
    shared = {key: value for key, value in content.items() if key not in header_keys}
    wrong: list[str] = []
    header = _validated(Header, header_raw, "", wrong)
    if part_tables is None:
        part_tables = {header.name if header is not None else str(content.get("name", "study")): {}}
    if not isinstance(part_tables, dict) or not part_tables:
        raise StudyError(f"{where}: 'parts' must be tables such as [parts.first]")
    parts: dict[str, PartSpec] = {}
    for name, table in part_tables.items():
        if not isinstance(table, dict):
            raise StudyError(f"{where}: 'parts.{name}' must be a table, not {table!r}")
        fault = name_fault(name)
        if fault is not None:
            raise StudyError(f"{where}: a part can't be called {name[:60]!r}, it names a folder: {fault}")
        place = f"part '{name}', " if len(part_tables) > 1 else ""
        part = _validated(PartSpec, _merged(shared, table), place, wrong)
        if part is not None:
            wrong += [place.replace("', ", "': ") + mistake for mistake in _check_names(part)]
            parts[name] = part
    if header is not None and header.default_part is not None and header.default_part not in part_tables:
        wrong.append(f"default_part '{header.default_part}' is not a part; parts are: {', '.join(part_tables)}")
    if wrong or header is None:
        raise StudyError.of(where, wrong)
    return header, parts, dict(raw)


def _merged(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in change.items():
        old = merged.get(key)
        merged[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _validated(model: type[Model], raw: Mapping[str, Any], prefix: str, wrong: list[str]) -> Model | None:
    """Read a section; None if it has mistakes, and all of them are added to `wrong`."""
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        wrong += [prefix + _sentence(model, raw, problem) for problem in error.errors()]
        return None
