"""Errors of a study file in one sentence: where, what, what is allowed."""

from __future__ import annotations

from collections.abc import Sequence
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

from perospin.similar import did_you_mean
from perospin.studies.declaration.sections import _short


def _sentence(model: type[BaseModel], raw: Any, problem: Any) -> str:
    """Turn one pydantic problem into: place, what is wrong, what is allowed."""
    steps = [step for step in problem["loc"] if not (isinstance(step, str) and step.startswith("function-"))]
    place = _place(raw, steps)
    kind, value = problem["type"], problem["input"]
    if kind == "extra_forbidden":
        allowed = _allowed_keys(model, steps[:-1])
        hint = did_you_mean(str(steps[-1]), allowed, quoted=True)
        table = _place(raw, steps[:-1]) or "the top level"
        return f"unknown key '{steps[-1]}' in {table}; {hint}{' ' * bool(hint)}allowed: {', '.join(sorted(allowed))}"
    if kind == "missing":
        return f"key '{steps[-1]}' is missing in {_place(raw, steps[:-1]) or 'the top level'}"
    if kind == "literal_error":
        return f"{place} = {value!r} is not allowed; allowed: {problem['ctx']['expected']}"
    if kind == "value_error":
        return f"{place or 'the file'}: {problem['ctx']['error']}"
    if kind == "too_short":
        return f"{place} is empty; give at least one"
    message = str(problem["msg"])
    return f"{place} = {_short(value)}: {message[0].lower()}{message[1:]}"


def _place(raw: Any, steps: Sequence[int | str]) -> str:
    """Write a location as people read TOML: ``estimators #2 ('gp') -> kind``."""
    words: list[str] = []
    node = raw
    for step in steps:
        try:
            node = node[step]
        except (KeyError, IndexError, TypeError):
            node = None
        if isinstance(step, int):
            name = node.get("name") if isinstance(node, dict) else None
            words[-1:] = [f"{words[-1] if words else ''} #{step + 1}" + (f" ('{name}')" if name else "")]
        elif node is not None or step == steps[-1]:
            words.append(str(step))
    return ".".join(words)


def _allowed_keys(model: type[BaseModel], steps: Sequence[int | str]) -> list[str]:
    current: Any = model
    for step in steps:
        if isinstance(current, type) and issubclass(current, BaseModel):
            field = current.model_fields.get(str(step))
            current = _inner_model(field.annotation) if field else None
        # an index or a free key inside a list or dict keeps the model found for its items
    if isinstance(current, type) and issubclass(current, BaseModel):
        return list(current.model_fields)
    return []


def _inner_model(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Union, UnionType, list, dict, tuple):
        for argument in get_args(annotation):
            found = _inner_model(argument)
            if found is not None:
                return found
    return None
