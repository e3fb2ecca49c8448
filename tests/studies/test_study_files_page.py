"""The page and the schema of a study file's keys are made from the declaration, and say something of every key."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import small_study
from perospin.cli import main
from perospin.studies.declaration.part import PartSpec
from perospin.studies.declaration.reading import Header, shipped_studies
from perospin.studies.declaration.reference import keys, page, schema

PAGE = Path(__file__).resolve().parents[2] / "docs" / "study_files.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python scripts/study_files_page.py"


def test_every_key_has_one_line_a_type_a_default_and_an_example() -> None:
    found = keys()
    paths = [key.path for key in found]
    assert len(paths) == len(set(paths)) > 150
    assert set(Header.model_fields) | set(PartSpec.model_fields) <= set(paths)
    assert "checks.subsets.rows" in paths
    assert "estimators.not_blind_because" in paths
    for key in found:
        assert key.says, key.path
        assert key.says.endswith("."), key.path
        assert "\n" not in key.says
        assert key.kind, key.path
        assert key.default, key.path
        assert key.example, key.path


def test_every_example_is_toml() -> None:
    for key in keys():
        if key.example.startswith(f"[{key.path}") or key.example.startswith(f"[[{key.path}"):
            tomllib.loads(key.example)
        else:
            tomllib.loads(f"key = {key.example}")


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            if name == "$ref":
                yield value
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _fits(value: Any, rule: dict[str, Any], names: dict[str, Any]) -> bool:
    """Whether a value fits a rule, for the words that the schema uses."""
    rule = names[rule["$ref"].rsplit("/", 1)[1]] if "$ref" in rule else rule
    if "anyOf" in rule:
        return any(_fits(value, other, names) for other in rule["anyOf"])
    if "enum" in rule and value not in rule["enum"]:
        return False
    kinds = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "null": type(None)}
    kind = rule.get("type")
    if kind == "number":
        return isinstance(value, int | float)
    if kind in kinds and not isinstance(value, kinds[kind]):
        return False
    if isinstance(value, dict):
        known, other = rule.get("properties", {}), rule.get("additionalProperties", True)
        if not set(rule.get("required", ())) <= set(value):
            return False
        for name, item in value.items():
            if name in known:
                if not _fits(item, known[name], names):
                    return False
            elif other is False or (isinstance(other, dict) and not _fits(item, other, names)):
                return False
    if isinstance(value, list) and isinstance(rule.get("items"), dict):
        return all(_fits(item, rule["items"], names) for item in value)
    return True


def test_the_schema_takes_every_shipped_study_and_refuses_a_misspelt_key() -> None:
    found = schema()
    names = found["$defs"]
    assert {ref.rsplit("/", 1)[1] for ref in _references(found)} <= set(names)
    for path in shipped_studies().values():
        assert _fits(tomllib.loads(path.read_text(encoding="utf-8")), found, names), path
    assert _fits(small_study.RAW, found, names)
    for wrong in (
        small_study.raw(checks={"n_bootstraps": 3}),
        small_study.raw(schemes=[{"kind": "leave_none_out"}]),
        small_study.raw(estimators=[{"name": "x", "kind": "ridgy"}]),
        small_study.raw(parts={"a": {"targets": {}}}),
    ):
        assert not _fits(wrong, found, names)


def test_every_key_of_the_schema_is_described() -> None:
    for name, rule in schema()["$defs"].items():
        for key, value in rule.get("properties", {}).items():
            assert value.get("description"), f"{name}.{key}"


def test_the_command_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["--out", str(tmp_path / "schema.json")]):
        with pytest.raises(SystemExit) as stop:
            main(["study", "schema", *arguments])
        assert not stop.value.code
    printed = capsys.readouterr().out
    assert json.loads((tmp_path / "schema.json").read_text(encoding="utf-8")) == schema()
    assert '"title": "Study file of perospin"' in printed
