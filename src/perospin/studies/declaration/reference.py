"""The keys of a study file, from the declaration itself: a page for people and a JSON schema for editors.

What a key is stands as one line beside its field; it is read from the source here, so that loading a study doesn't pay
for it. Examples are taken from the shipped studies, and from `_EXAMPLES` where none of them uses a key.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from perospin.studies.declaration.part import PartSpec
from perospin.studies.declaration.reading import Header, shipped_studies
from perospin.studies.declaration.sections import EstimatorEntry, SchemeEntry

__all__ = ["Key", "keys", "page", "schema"]

_EXAMPLES: Mapping[str, str] = {
    "seed": "44",
    "data.where.column": '"technique"',
    "data.where.keep": '["pump-probe"]',
    "data.where.drop": '["unknown"]',
    "data.where.min": "1.5",
    "data.where.max": "300",
    "data.csv": '"my_table.csv"',
    "data.store.property": '"tau_spin"',
    "data.store.material": '"(PEA)2PbI4"',
    "data.store.include_unknown": "false",
    "data.store.include_theory": "false",
    "data.store.table": '"lifetimes"',
    "data.store.technique": '"pump-probe"',
    "data.store.carrier": '"exciton"',
    "data.store.evidence": '"original"',
    "data.store.source": '"10.1039/d5sc07406a"',
    "data.store.user": "true",
    "data.store.store": '"my_records.sqlite"',
    "data.source": '"my notebook, 2026"',
    "data.source_column": '"doi"',
    "data.new_ions": '"ions"',
    "data.time": '"year"',
    "data.weight": '"weight"',
    "data.y_sd": '"rate_sd_per_ps"',
    "data.plausible": "{ rate_per_ps = [0.001, 1000] }",
    "descriptors.prefix_table": '"table_"',
    "descriptors.measured": "true",
    "descriptors.structures": '"structures_2d"',
    "schemes.features": '"averaged"',
    "schemes.k": "5",
    "schemes.n_blocks": "4",
    "schemes.cutoff": "2024",
    "guard.leakage": '"report"',
    "checks.coverage.levels": "[0.5, 0.8, 0.9]",
    "checks.coverage.spread": '"none"',
    "predict.spread": '"none"',
    "predict.n_nearest": "3",
    "labels": '{ x_ev = "my energy (eV)" }',
    "data.min_rows": "20",
    "data.complete": '["layer_spacing_a"]',
    "data.formula_template": '"({cation}){metal}{halide}3"',
    "grids.schemes": '["loo", "in-sample"]',
}
"""Keys that no shipped study uses."""


@dataclass(frozen=True)
class Key:
    """One key of a study file.

    Attributes
    ----------
    path : str
        Where it stands, dots between tables: ``data.tag.column``.
    says : str
        What it is, in one line.
    kind, default, example : str
        Type and default in words; an example as it is written in the file.
    table : str
        How its table is opened: ``[data.tag]``, ``[[schemes]]``; empty at the top of the file.
    """

    path: str
    says: str
    kind: str
    default: str
    example: str
    table: str


def keys() -> list[Key]:
    """Every key that a study file may hold, in the order of the declaration."""
    found = list(_keys(Header))
    own = set(Header.model_fields) - {"description"}
    found += [key for key in _keys(PartSpec) if key.path not in own | {"description"}]
    return found


def page() -> str:
    """Write the reference page in Markdown."""
    lines = [
        "# Keys of a study file",
        "",
        "This page is written by `python scripts/study_files_page.py` from the declaration itself; a test keeps it "
        "current.",
        "`perospin study schema --out study.schema.json` writes the same as a JSON schema for editors.",
        "",
        "A study file is TOML. What stands at the top of the file holds for every part; a table `[parts.NAME]` repeats "
        "any section and changes only the keys that it names (lists are replaced as a whole). The short form of a "
        "table is `{ key = value }`.",
        "",
    ]
    table = None
    for key in keys():
        if key.table != table:
            table = key.table
            head = f"`{table}`" if table else "At the top"
            lines += ["", f"## {head}", "", *_about(table)]
            lines += ["| key | what it is | type | default | example |", "|---|---|---|---|---|"]
        name = key.path.rsplit(".", 1)[-1]
        cells = (f"`{name}`", key.says, key.kind, key.default, f"`{key.example}`")
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def schema() -> dict[str, Any]:
    """Make a JSON schema of a study file, for editors that complete and check TOML.

    Sections may be completed by a part, so that only the keys of list items are required.
    """
    whole = PartSpec.model_json_schema()
    names = dict(whole.pop("$defs"))
    for model in _models(PartSpec, set()):
        content = whole if model is PartSpec else names.get(model.__name__)
        for name, value in (content or {}).get("properties", {}).items():
            value["description"] = _lines(model).get(name, "")
            value.pop("title", None)
    mergeable = {model.__name__ for model in _sections(PartSpec)}
    for name, content in names.items():
        content.pop("title", None)
        if name in mergeable:
            content.pop("required", None)
    for name in ("EstimatorEntry", "SchemeEntry"):
        names[name]["properties"]["kind"]["enum"] = _kinds(name)
    whole.pop("required", None)
    part = {**whole, "title": "Part of a study", "additionalProperties": False}
    header = Header.model_json_schema()
    lines = _lines(Header)
    top = {name: {**value, "description": lines[name]} for name, value in header["properties"].items()}
    for value in top.values():
        value.pop("title", None)
    shared = {name: value for name, value in whole["properties"].items() if name not in ("label", "description")}
    parts = {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": {"$ref": "#/$defs/PartSpec"},
        "description": "Parts by name; each changes the keys that it names.",
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Study file of perospin",
        "type": "object",
        "properties": {**top, **shared, "label": whole["properties"]["label"], "parts": parts},
        "required": list(header["required"]),
        "additionalProperties": False,
        "$defs": {**names, "PartSpec": part},
    }


# -- walking the declaration ---------------------------------------------------------------------------------


def _keys(model: type[BaseModel], path: str = "", table: str = "") -> Iterator[Key]:
    """Keys of a table, then those of the tables inside it."""
    lines = _lines(model)
    for name, field in model.model_fields.items():
        where = f"{path}.{name}" if path else name
        example = _opened(field, where) or _example(where)
        yield Key(where, lines.get(name, ""), _type(field.annotation), _default(field), example, table)
    for name, field in model.model_fields.items():
        inner = _inner(field.annotation)
        if inner is not None:
            where = f"{path}.{name}" if path else name
            yield from _keys(inner, where, _opened(field, where))


def _opened(field: FieldInfo, where: str) -> str:
    """How the table of a field is opened in a file; empty if it holds none."""
    if _inner(field.annotation) is None:
        return ""
    return {"list": f"[[{where}]]", "dict": f"[{where}.NAME]"}.get(_holder(field.annotation), f"[{where}]")


@cache
def _lines(model: type[BaseModel]) -> dict[str, str]:
    """Read the line beside each field of a section, from its source."""
    tree = ast.parse(inspect.getsource(model))
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    found = {}
    for statement, after in itertools.pairwise(body):
        if not (isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)):
            continue
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            found[statement.target.id] = " ".join(str(after.value.value).split())
    return found


def _about(table: str) -> list[str]:
    """Say what a section is, from its docstring."""
    if not table:
        return []
    model: type[BaseModel] = PartSpec
    for step in table.strip("[]").split("."):
        if step in model.model_fields:
            inner = _inner(model.model_fields[step].annotation)
            model = model if inner is None else inner
    text = inspect.cleandoc(model.__doc__ or "")
    if model is EstimatorEntry:
        text += "\n\nKinds: " + ", ".join(f"`{kind}`" for kind in _kinds("EstimatorEntry")) + "."
    return [text, ""] if text else []


def _kinds(name: str) -> list[str]:
    from perospin.learning.estimators import KINDS  # brings scikit-learn

    if name == "EstimatorEntry":
        return list(KINDS)
    return [str(kind) for kind in get_args(SchemeEntry.model_fields["kind"].annotation)]


def _models(model: type[BaseModel], seen: set[type[BaseModel]]) -> Iterator[type[BaseModel]]:
    """Yield a section and all sections inside it."""
    if model in seen:
        return
    seen.add(model)
    yield model
    for field in model.model_fields.values():
        inner = _inner(field.annotation)
        if inner is not None:
            yield from _models(inner, seen)


def _sections(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Sections that a part can complete: tables, not items of lists."""
    for field in model.model_fields.values():
        inner = _inner(field.annotation)
        if inner is not None and _holder(field.annotation) != "list":
            yield inner
            yield from _sections(inner)


def _inner(annotation: Any) -> type[BaseModel] | None:
    """Section that a field holds: itself, in a list or by name."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        if (found := _inner(argument)) is not None:
            return found
    return None


def _holder(annotation: Any) -> str:
    """How a field holds its section: "list", "dict", or "" for one."""
    origin = get_origin(annotation)
    if origin in (list, dict):
        return str(origin.__name__)
    found = (_holder(argument) for argument in get_args(annotation) if _inner(argument) is not None)
    return next(found, "")


# -- words ---------------------------------------------------------------------------------------------------

_WORDS = {str: "text", int: "whole number", float: "number", bool: "true or false", Any: "any value"}


def _type(annotation: Any) -> str:
    """Say a type as people read TOML."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation in _WORDS:
        return _WORDS[annotation]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "table"
    if origin is Annotated:
        return _type(arguments[0])
    if origin is Literal:
        return " or ".join(f"`{json.dumps(value)}`" for value in arguments)
    if origin in (Union, UnionType):
        words = list(dict.fromkeys(_type(a) for a in arguments if a is not NoneType))
        return "number" if set(words) == {"number", "whole number"} else " or ".join(words)
    if origin is list:
        return (
            "list of tables" if arguments[0] is not Any and _inner(arguments[0]) else f"list of {_type(arguments[0])}"
        )
    if origin is dict:
        return "table by name" if arguments[1] is Any else f"{_type(arguments[1])} by name"
    if origin is tuple:
        return "pair of " + _type(arguments[0])
    return "table"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    value = field.get_default(call_default_factory=True)
    if value is None or (isinstance(value, str | list | dict | BaseModel) and not value):
        return "none"
    if isinstance(value, BaseModel):
        return "its own defaults"
    return f"`{json.dumps(value)}`"


@cache
def _shipped() -> tuple[Mapping[str, Any], ...]:
    """Shipped studies as parsed, parts first: their keys stand as a user writes them."""
    found: list[Mapping[str, Any]] = []
    for path in shipped_studies().values():
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        found += [raw, *raw.get("parts", {}).values()]
    return tuple(found)


def _example(path: str) -> str:
    if path in _EXAMPLES:
        return _EXAMPLES[path]
    values = (value for study in _shipped() for value in _at(study, path.split(".")))
    written = sorted((_toml(value) for value in values if value not in ("", [], {})), key=len)
    return written[0] if written else ""


def _at(node: Any, steps: list[str]) -> Iterator[Any]:
    """Values at a path; items of lists and of tables by name are looked through."""
    if not steps:
        yield node
        return
    if isinstance(node, list):
        for item in node:
            yield from _at(item, steps)
    elif isinstance(node, dict):
        if steps[0] in node:
            yield from _at(node[steps[0]], steps[1:])
        else:
            for item in node.values():
                if isinstance(item, dict):
                    yield from _at(item, steps)


def _toml(value: Any) -> str:
    """Write a value in one line of TOML: of a long one its beginning."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        pairs = [f"{key if key.isidentifier() else json.dumps(key)} = {_toml(item)}" for key, item in value.items()]
        return "{ " + _cut(pairs) + " }"
    if isinstance(value, list):
        return "[" + _cut([_toml(item) for item in value]) + "]"
    if isinstance(value, str):
        text = " ".join(value.split())
        return json.dumps(text if len(text) <= 60 else text[:57] + "...", ensure_ascii=False)
    return str(value)


def _cut(items: list[str]) -> str:
    return ", ".join(items[:2])
