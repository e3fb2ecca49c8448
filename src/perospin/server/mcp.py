"""Tools for an agent, over standard input and output (Model Context Protocol): they read and predict, nothing else.

JSON-RPC 2.0, a message a line. Standard output carries the protocol alone; what else would be printed goes to standard
error. Source of the protocol: modelcontextprotocol.io, revision 2025-06-18.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from perospin.errors import DataError, PerospinError, sentence
from perospin.saving import plain
from perospin.server import answers
from perospin.text import shorten

if TYPE_CHECKING:
    from perospin.database import Store

__all__ = ["Tools", "serve"]

VERSIONS = ("2025-06-18", "2025-03-26", "2024-11-05")
"""Revisions of the protocol that are spoken, newest first."""
_LONGEST = 1_000_000
_LARGEST_ANSWER = 400_000
_MOST_RECORDS = 50
_PARSE, _REQUEST, _METHOD, _PARAMS = -32700, -32600, -32601, -32602

_FORMULAS = {
    "type": "array",
    "items": {"type": "string", "maxLength": 300},
    "minItems": 1,
    "maxItems": 20,
    "description": "Formulas such as (PEA)2PbI4, MAPbI3, (BA)2(MA)Pb2I7.",
}
_SAID = (
    "Every number has its unit. A prediction is only as good as its interval, domain and cautions say: repeat them. A "
    "score stands with the scheme that it was made under. Sources are DOIs: cite them."
)


@dataclass(frozen=True)
class _Tool:
    description: str
    properties: Mapping[str, Any]
    required: tuple[str, ...]
    answer: Callable[..., dict[str, Any]]


class Tools:
    """What an agent may ask.

    Parameters
    ----------
    store : Store, optional
        The user's own records, read beside the shipped ones.
    """

    def __init__(self, store: Store | None = None) -> None:
        self._tools = {
            "describe": _Tool(
                "Chemistry and descriptors of halide perovskites: family, layer number, tolerance factor, orbitals, "
                "dipole, polarisability of the cations, with the unit of each.",
                {"formulas": _FORMULAS},
                ("formulas",),
                answers.describe,
            ),
            "predict": _Tool(
                "Spin relaxation rate and lifetime of halide perovskites (or another shipped study), each with its "
                "interval, how the interval was tested, whether the material is in domain, cautions, and the nearest "
                "measured materials with their sources.",
                {
                    "formulas": _FORMULAS,
                    "study": {"type": "string", "maxLength": 100, "description": "spin-relaxation if left out."},
                },
                ("formulas",),
                answers.predict,
            ),
            "query": _Tool(
                "Measured spin properties of halide perovskites, each value with unit, conditions and source. Tool "
                "`properties` lists their names.",
                {
                    "property": {"type": "array", "items": {"type": "string", "maxLength": 100}, "maxItems": 20},
                    "material": {"type": "string", "maxLength": 300, "description": "A formula, or words of it."},
                    "technique": {"type": "string", "maxLength": 300},
                    "min_temperature_k": {"type": "number"},
                    "max_temperature_k": {"type": "number"},
                    "limit": {"type": "integer", "minimum": 1, "maximum": _MOST_RECORDS},
                    "offset": {"type": "integer", "minimum": 0, "maximum": 10**9},
                },
                (),
                lambda limit=20, offset=0, **given: answers.with_filters(
                    {**given, "limit": limit, "offset": offset}, lambda **filters: answers.query(store, **filters)
                ),
            ),
            "explain_record": _Tool(
                "One record with what a reader needs to trust it: what its property means, source and whether it was "
                "read in the original, conditions, doubts, and who changed it.",
                {"record_id": {"type": "string", "maxLength": 200}},
                ("record_id",),
                lambda record_id: answers.explain(store, record_id),
            ),
            "properties": _Tool(
                "Names of the properties that records have, each with its unit and what it means.",
                {},
                (),
                answers.properties,
            ),
        }

    def listed(self) -> list[dict[str, Any]]:
        """Give the tools as the protocol lists them."""
        return [
            {
                "name": name,
                "description": tool.description,
                "inputSchema": {
                    "type": "object",
                    "properties": dict(tool.properties),
                    "required": list(tool.required),
                    "additionalProperties": False,
                },
                "annotations": {"readOnlyHint": True, "openWorldHint": False},
            }
            for name, tool in self._tools.items()
        ]

    def call(self, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Call a tool; what can't be answered is an answer too, one sentence.

        Raises
        ------
        DataError
            If there is no such tool.
        """
        if name not in self._tools:
            raise DataError(f"there is no tool '{shorten(name)}'; there are {', '.join(self._tools)}")
        tool = self._tools[name]
        try:
            _check(given, tool)
            told = plain(tool.answer(**given))
            text = json.dumps(told, ensure_ascii=False)
            if len(text) > _LARGEST_ANSWER:
                raise DataError(f"the answer has {len(text)} characters, too many: ask for less")
        except PerospinError as error:
            return {"content": [{"type": "text", "text": sentence(str(error))}], "isError": True}
        return {"content": [{"type": "text", "text": text}], "structuredContent": told, "isError": False}


_KINDS: dict[str, tuple[type, ...]] = {"string": (str,), "array": (list,), "integer": (int,), "number": (int, float)}
_WORDS = {"string": "text", "array": "a list", "integer": "a whole number", "number": "a number"}


def _check(given: Mapping[str, Any], tool: _Tool) -> None:
    for name in given:
        if name not in tool.properties:
            known = ", ".join(tool.properties) or "nothing"
            raise DataError(f"'{shorten(name)}' is no argument of this tool; it takes {known}")
    for name in tool.required:
        if name not in given:
            raise DataError(f"this tool needs '{name}'")
    for name, value in given.items():
        _check_value(name, value, tool.properties[name])


def _check_value(name: str, value: Any, wanted: Mapping[str, Any]) -> None:
    if not isinstance(value, _KINDS[wanted["type"]]) or isinstance(value, bool):
        raise DataError(f"'{name}' must be {_WORDS[wanted['type']]}, not {type(value).__name__}")
    if isinstance(value, str) and len(value) > wanted["maxLength"]:
        raise DataError(f"'{name}' has {len(value)} characters, more than {wanted['maxLength']}")
    if isinstance(value, list):
        if not wanted.get("minItems", 0) <= len(value) <= wanted["maxItems"]:
            raise DataError(f"'{name}' must hold {wanted.get('minItems', 0)} to {wanted['maxItems']}, not {len(value)}")
        for one in value:
            _check_value(name, one, wanted["items"])
    if isinstance(value, int | float) and not (wanted.get("minimum", -1e300) <= value <= wanted.get("maximum", 1e300)):
        raise DataError(f"'{name}' is {value}; it must lie between {wanted['minimum']} and {wanted['maximum']}")


def serve(store: Store | None = None, lines: IO[bytes] | None = None, out: IO[bytes] | None = None) -> None:
    """Answer messages until the input ends.

    Parameters
    ----------
    store : Store, optional
        The user's own records.
    lines, out : binary files, optional
        Standard input and output if left out.
    """
    tools = Tools(store)
    with _protocol_alone() if out is None else contextlib.nullcontext(out) as written:
        for line in _read(lines or sys.stdin.buffer):
            answer = _answer(tools, line)
            if answer is not None:
                written.write(json.dumps(answer, ensure_ascii=False, allow_nan=False).encode() + b"\n")
                written.flush()


@contextlib.contextmanager
def _protocol_alone() -> Iterator[IO[bytes]]:
    """Keep standard output for the protocol: what a library prints goes to standard error."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with os.fdopen(kept, "wb") as out:
            yield out
    finally:
        os.dup2(2, 1)


def _read(lines: IO[bytes]) -> Iterator[bytes | None]:
    """Lines of the input; None in place of one that is too long, whose rest is passed over."""
    while line := lines.readline(_LONGEST):
        if line.endswith(b"\n") or len(line) < _LONGEST:
            if line.strip():
                yield line
            continue
        while (rest := lines.readline(_LONGEST)) and not rest.endswith(b"\n"):
            pass
        yield None


def _answer(tools: Tools, line: bytes | None) -> dict[str, Any] | None:
    """Answer one message; None to a notification, which wants none."""
    if line is None:
        return _fault(None, _REQUEST, f"the message is longer than {_LONGEST} bytes")
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return _fault(None, _PARSE, "the message is no JSON in UTF-8, one message a line")
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0" or not isinstance(message.get("method"), str):
        return _fault(_id_of(message), _REQUEST, "this is no request of JSON-RPC 2.0")
    if "id" not in message:
        return None
    number, method, given = _id_of(message), message["method"], message.get("params", {})
    if not isinstance(given, dict):
        return _fault(number, _PARAMS, "params must be an object")
    try:
        if method == "initialize":
            return _result(number, _greeting(given))
        if method == "ping":
            return _result(number, {})
        if method == "tools/list":
            return _result(number, {"tools": tools.listed()})
        if method == "tools/call":
            name, arguments = given.get("name"), given.get("arguments") or {}
            if not isinstance(name, str) or not isinstance(arguments, dict):
                return _fault(number, _PARAMS, "a call needs a name (text) and arguments (an object)")
            return _result(number, tools.call(name, arguments))
    except PerospinError as error:
        return _fault(number, _PARAMS, sentence(str(error)))
    return _fault(number, _METHOD, f"there is no method '{shorten(method)}' here; tools are listed by tools/list")


def _greeting(given: Mapping[str, Any]) -> dict[str, Any]:
    from importlib.metadata import version

    asked = given.get("protocolVersion")
    return {
        "protocolVersion": asked if asked in VERSIONS else VERSIONS[0],
        "capabilities": {"tools": {"listChanged": False}},
        "serverInfo": {"name": "perospin", "version": version("perospin")},
        "instructions": _SAID,
    }


def _id_of(message: Any) -> Any:
    number = message.get("id") if isinstance(message, dict) else None
    return number if isinstance(number, str | int) and not isinstance(number, bool) else None


def _result(number: Any, told: Mapping[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "result": dict(told)}


def _fault(number: Any, code: int, said: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": said}}
