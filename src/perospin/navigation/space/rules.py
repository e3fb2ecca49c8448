"""Rules that a candidate must obey, written by the user as a comparison: parsed by us, never run as code."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perospin.errors import NavigationError
from perospin.similar import did_you_mean
from perospin.text import shorten

__all__ = ["Rule"]

_LONGEST = 300
_DEEPEST = 20
_BINARY: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARED: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_FUNCTIONS: Mapping[str, Callable[..., float]] = {"abs": abs, "min": min, "max": max}


@dataclass(frozen=True)
class Rule:
    """One rule, such as ``"molar_mass_g_mol < 250 and temperature_c >= 80"``.

    Names are columns of a candidate; there are numbers, texts in quotes, ``+ - * /``, comparisons, ``and``, ``or``,
    ``not``, ``abs``, ``min`` and ``max``, and nothing else.

    Attributes
    ----------
    text : str
        As written.
    why : str
        What it is for, in words; may be empty.

    Raises
    ------
    NavigationError
        If the text is no such rule; the sentence says what is wrong.

    Examples
    --------
    >>> Rule("x + y <= 1").holds({"x": 0.25, "y": 0.5})
    True
    """

    text: str
    why: str = ""

    def __post_init__(self) -> None:
        _check(self._tree(), self.text, 0)

    def _tree(self) -> ast.expr:
        if len(self.text) > _LONGEST:
            raise NavigationError(f"the rule '{shorten(self.text)}' is longer than {_LONGEST} letters")
        try:
            return ast.parse(self.text, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise NavigationError(
                f"the rule '{shorten(self.text)}' can't be read; write a comparison such as 'tolerance_factor < 1.1'"
            ) from None

    def names(self) -> frozenset[str]:
        """Columns that the rule reads."""
        return frozenset(
            node.id for node in ast.walk(self._tree()) if isinstance(node, ast.Name) and node.id not in _FUNCTIONS
        )

    def check_names(self, known: frozenset[str]) -> None:
        """Refuse a column that candidates don't have.

        Raises
        ------
        NavigationError
            With the names that look similar.
        """
        for name in sorted(self.names() - known):
            hint = did_you_mean(name, known, otherwise=f"there are: {shorten(', '.join(sorted(known)), 200)}")
            raise NavigationError(
                f"the rule '{shorten(self.text)}' reads '{shorten(name)}', which no candidate has; {hint}"
            )

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether a candidate with these values obeys; one that lacks a number it needs doesn't."""
        try:
            return bool(_value(self._tree(), values))
        except (KeyError, TypeError, ZeroDivisionError):
            return False

    def holds_in(self, columns: Mapping[str, Any]) -> NDArray[np.bool_]:
        """Whether each of many candidates obeys, as `holds` says of one; columns are arrays that broadcast."""
        names = self.names()
        if not names <= columns.keys():
            return np.zeros(np.broadcast_shapes(*(np.shape(v) for v in columns.values())), dtype=bool)
        with np.errstate(all="ignore"):
            try:
                value, failed = _values(self._tree(), columns)
            except TypeError:  # a word where a number belongs
                value, failed = np.asarray(False), np.asarray(False)
        return np.asarray(np.asarray(value, dtype=bool) & ~failed)


def _check(node: ast.expr, text: str, depth: int) -> None:
    allowed = (
        ast.BoolOp, ast.UnaryOp, ast.BinOp, ast.Compare, ast.Name, ast.Constant, ast.Call
    )  # fmt: skip
    wrong = depth > _DEEPEST or not isinstance(node, allowed)
    if isinstance(node, ast.BinOp):
        wrong |= type(node.op) not in _BINARY
    elif isinstance(node, ast.UnaryOp):
        wrong |= not isinstance(node.op, ast.Not | ast.USub)
    elif isinstance(node, ast.Compare):
        wrong |= any(type(op) not in _COMPARED for op in node.ops)
    elif isinstance(node, ast.Constant):
        wrong |= not isinstance(node.value, int | float | str)
    elif isinstance(node, ast.Call):
        wrong |= not (isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS) or bool(node.keywords)
        wrong |= not node.args
    if wrong:
        raise NavigationError(
            f"the rule '{shorten(text)}' may hold names, numbers, + - * /, comparisons, and, or, not, abs, min, max: "
            "nothing else"
        )
    children = node.args if isinstance(node, ast.Call) else list(ast.iter_child_nodes(node))
    for child in children:
        if isinstance(child, ast.expr):
            _check(child, text, depth + 1)


def _value(node: ast.expr, values: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant():
            return node.value
        case ast.Name():
            return values[node.id]
        case ast.UnaryOp():
            inner = _value(node.operand, values)
            return not inner if isinstance(node.op, ast.Not) else -inner
        case ast.BinOp():
            return _BINARY[type(node.op)](_value(node.left, values), _value(node.right, values))
        case ast.BoolOp():
            told = (bool(_value(part, values)) for part in node.values)
            return all(told) if isinstance(node.op, ast.And) else any(told)
        case ast.Call(func=ast.Name() as function):
            return _FUNCTIONS[function.id](*(_value(part, values) for part in node.args))
        case ast.Compare():
            left = _value(node.left, values)
            for op, part in zip(node.ops, node.comparators, strict=True):
                right = _value(part, values)
                if left != left or right != right or not _COMPARED[type(op)](left, right):
                    return False
                left = right
            return True
    raise TypeError(type(node).__name__)  # refused when the rule was made


def _values(node: ast.expr, columns: Mapping[str, Any]) -> tuple[Any, NDArray[np.bool_]]:
    """Values of many candidates, and where a division by zero makes an end of it."""
    match node:
        case ast.Constant():
            return node.value, np.asarray(False)
        case ast.Name():
            return columns[node.id], np.asarray(False)
        case ast.UnaryOp():
            inner, failed = _values(node.operand, columns)
            return (~_true(inner) if isinstance(node.op, ast.Not) else -np.asarray(inner)), failed
        case ast.BinOp():
            (left, one), (right, other) = _values(node.left, columns), _values(node.right, columns)
            failed = one | other
            if isinstance(node.op, ast.Div):
                failed = failed | (np.asarray(right) == 0)
            return _BINARY[type(node.op)](np.asarray(left), np.asarray(right)), failed  # type: ignore[arg-type]
        case ast.BoolOp():
            every = isinstance(node.op, ast.And)
            told, failed = np.asarray(every), np.asarray(False)
            for part in node.values:
                value, wrong = _values(part, columns)
                open_still = told if every else ~told  # what is decided is not read on
                failed = failed | (open_still & wrong)
                told = told & _true(value) if every else told | _true(value)
            return told, failed
        case ast.Call(func=ast.Name() as function):
            given = [_values(part, columns) for part in node.args]
            if function.id == "abs":
                return np.abs(given[0][0]), given[0][1]
            found, failed = given[0]
            for value, wrong in given[1:]:
                better = np.less(value, found) if function.id == "min" else np.greater(value, found)
                found, failed = np.where(better, value, found), failed | wrong
            return found, failed
        case ast.Compare():
            left, failed = _values(node.left, columns)
            told = np.asarray(True)
            for op, part in zip(node.ops, node.comparators, strict=True):
                right, wrong = _values(part, columns)
                failed = failed | (told & wrong)
                compared = np.asarray(_COMPARED[type(op)](left, right), dtype=bool)
                # a missing value compares with nothing
                told = told & compared & np.asarray(left == left) & np.asarray(right == right)
                left = right
            return told, failed
    raise TypeError(type(node).__name__)  # refused when the rule was made


def _true(value: Any) -> NDArray[np.bool_]:
    return np.asarray(value, dtype=bool)
