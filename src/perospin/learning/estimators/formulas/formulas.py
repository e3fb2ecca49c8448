"""Formulas in columns of a table: evaluated without `eval`, refitted with intervals, written for people.

A formula is plain text in columns ``x0, x1, ...`` and constants ``c0, c1, ...`` with ``+ - * / **``, ``sqrt``,
``log``, ``exp`` and ``log10``. Python's own parser reads it and a walk over a short list of allowed nodes evaluates it,
so that a formula from a file can do arithmetic and nothing else.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.stats import t as student_t

from perospin.errors import StudyError

__all__ = ["Constant", "Formula", "Refit", "evaluate", "formula_size", "pareto_front", "refit"]

FloatArray = NDArray[np.float64]

_FUNCTIONS: Mapping[str, Callable[[Any], Any]] = {
    "sqrt": np.sqrt,
    "log": np.log,
    "log10": np.log10,
    "exp": np.exp,
}
_BINARY: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.true_divide,
    ast.Pow: np.power,
}
_NAME = re.compile(r"[xc]\d+\Z")
_LONGEST = 2000
LEVEL = 0.95
"""Level of the intervals of constants."""


# -- text ----------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def _parse(text: str) -> ast.expr:
    if len(text) > _LONGEST:
        raise StudyError(f"a formula of {len(text)} characters is too long to be one; at most {_LONGEST} are read")
    try:
        node = ast.parse(text, mode="eval").body
        _check(node, text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise StudyError(f"'{text[:60]}' is not a formula in columns x0, x1, ... and constants c0, c1, ...") from error
    return node


def _check(node: ast.expr, text: str) -> None:
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        _check(node.left, text)
        _check(node.right, text)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        _check(node.operand, text)
    elif (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in _FUNCTIONS
        and len(node.args) == 1
        and not node.keywords
    ):
        _check(node.args[0], text)
    elif isinstance(node, ast.Name) and _NAME.match(node.id):
        pass
    elif not (isinstance(node, ast.Constant) and type(node.value) in (int, float)):
        allowed = ", ".join(_FUNCTIONS)
        raise StudyError(
            f"the formula '{text[:60]}' holds something other than numbers, columns x0, x1, ..., constants "
            f"c0, c1, ..., + - * / ** and {allowed}"
        )


def evaluate(text: str, columns: Sequence[FloatArray], constants: Sequence[float] | FloatArray = ()) -> FloatArray:
    """Values of a formula; what can't be computed (a root of a negative number) is NaN or infinite, without warning.

    Parameters
    ----------
    text : str
        The formula.
    columns : sequence of ndarray, shape (n_rows,)
        What ``x0, x1, ...`` stand for.
    constants : sequence of float
        What ``c0, c1, ...`` stand for.

    Raises
    ------
    StudyError
        If the text is not a formula, or names a column or constant that isn't there.
    """
    node = _parse(text)

    def value(part: ast.expr) -> Any:
        if isinstance(part, ast.BinOp):
            return _BINARY[type(part.op)](value(part.left), value(part.right))
        if isinstance(part, ast.UnaryOp):
            return np.negative(value(part.operand))
        if isinstance(part, ast.Call):
            assert isinstance(part.func, ast.Name)  # checked when read
            return _FUNCTIONS[part.func.id](value(part.args[0]))
        if isinstance(part, ast.Name):
            kind, number = columns if part.id[0] == "x" else constants, int(part.id[1:])
            if number >= len(kind):
                raise StudyError(f"the formula '{text[:60]}' names '{part.id}', but there are only {len(kind)}")
            return np.float64(kind[number]) if part.id[0] == "c" else kind[number]
        assert isinstance(part, ast.Constant)
        return np.float64(part.value)  # type: ignore[arg-type]

    n_rows = len(columns[0]) if columns else 1
    with np.errstate(all="ignore"):
        return np.broadcast_to(np.asarray(value(node), dtype=float), (n_rows,)).copy()


def formula_size(text: str) -> int:
    """Nodes of the formula: each column, constant, number, operation and function counts one; a sign counts none."""

    def count(part: ast.expr) -> int:
        if isinstance(part, ast.BinOp):
            return 1 + count(part.left) + count(part.right)
        if isinstance(part, ast.UnaryOp):
            return count(part.operand)
        if isinstance(part, ast.Call):
            return 1 + count(part.args[0])
        return 1

    return count(_parse(text))


def used_names(text: str, kind: str) -> list[int]:
    """Numbers of the columns (`kind` "x") or constants ("c") that a formula holds, ascending."""
    names = {node.id for node in ast.walk(_parse(text)) if isinstance(node, ast.Name) and node.id[0] == kind}
    return sorted(int(name[1:]) for name in names if _NAME.match(name))


# -- fitting -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Refit:
    """Constants of a formula from least squares.

    Attributes
    ----------
    values : ndarray, shape (k,)
        The constants.
    covariance : ndarray, shape (k, k)
        Their covariance s^2 (J'WJ)^-1, s^2 the weighted residual sum of squares over n - k; infinite on the diagonal
        where the data don't determine a constant.
    rank : int
        Number of combinations of constants that the data determine.
    mse : float
        Weighted mean squared residual of the training rows.
    noise : float
        s^2.
    """

    values: FloatArray
    covariance: FloatArray
    rank: int
    mse: float
    noise: float


def refit(
    text: str, columns: Sequence[FloatArray], y: FloatArray, weights: FloatArray, start: FloatArray
) -> Refit | None:
    """Fit the constants of a formula by weighted least squares; None if it isn't finite on the training rows.

    Parameters
    ----------
    text : str
        The formula.
    columns, y : see `evaluate`; shape (n_rows,)
        Training rows.
    weights : ndarray, shape (n_rows,)
        Of the squared residuals, mean 1.
    start : ndarray, shape (k,)
        Where to begin.
    """
    with np.errstate(all="ignore"):  # a step into nowhere overflows before it is taken back
        return _refit(text, columns, y, np.sqrt(weights), start)


def _refit(
    text: str, columns: Sequence[FloatArray], y: FloatArray, root: FloatArray, start: FloatArray
) -> Refit | None:
    def residuals(constants: FloatArray) -> FloatArray:
        return root * (evaluate(text, columns, constants) - y)

    values = np.asarray(start, dtype=float)
    if not np.isfinite(residuals(values)).all():
        return None
    n, k = len(y), len(values)
    if k:
        # An impossible step (a root of a negative number) is a bad step, not an end.
        big = 1e6 * float(np.abs(residuals(values)).max() + np.abs(y).max() + 1.0)
        try:
            found = least_squares(
                lambda c: np.nan_to_num(residuals(c), nan=big, posinf=big, neginf=-big),
                values,
                x_scale="jac",
                max_nfev=60,
            )
        except (ValueError, np.linalg.LinAlgError):
            return None
        if np.isfinite(residuals(found.x)).all():
            values = np.asarray(found.x)
    left = residuals(values)
    jacobian = _jacobian(lambda c: root * evaluate(text, columns, c), values) if k else np.zeros((n, 0))
    if not np.isfinite(jacobian).all():
        return None
    # Columns are brought to one length first, so that a constant of large unit isn't taken for an undetermined one.
    length = np.linalg.norm(jacobian, axis=0)
    length[length == 0] = 1.0
    _, singular, axes = np.linalg.svd(jacobian / length, full_matrices=False)
    kept = singular > 1e-7 * max(1.0, float(singular.max(initial=0.0)))
    noise = float(left @ left) / max(n - int(kept.sum()), 1)
    covariance = (axes[kept].T / singular[kept] ** 2) @ axes[kept] * noise / np.outer(length, length)
    loose = np.abs(axes[~kept]).max(axis=0, initial=0.0) > 1e-3
    covariance[loose, loose] = np.inf
    return Refit(values, covariance, int(kept.sum()), float(np.mean(left**2)), noise)


def _jacobian(function: Callable[[FloatArray], FloatArray], at: FloatArray) -> FloatArray:
    """Central differences, shape (n, k)."""
    columns = []
    for i, value in enumerate(at):
        step = 1e-6 * max(abs(float(value)), 1e-3)
        up, down = at.copy(), at.copy()
        up[i] += step
        down[i] -= step
        columns.append((function(up) - function(down)) / (2.0 * step))
    return np.stack(columns, axis=1)


# -- the formula as a result ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Constant:
    """A fitted constant of a formula with its interval (level `LEVEL`); infinite if the data don't determine it."""

    name: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Formula:
    """A formula for the target, fitted to training rows.

    Attributes
    ----------
    expression : str
        In columns ``x0, x1, ...`` (positions in `columns`) and constants ``c0, c1, ...``; see `evaluate`.
    columns : tuple of str
        Names of the columns that the formula may use.
    constants : tuple of Constant
        Fitted constants with intervals, given the form of the formula: that the form was chosen is not in them.
    covariance : tuple of tuple of float
        Of the constants.
    size : int
        Nodes (`formula_size`).
    rmse_in_sample : float
        Root mean squared residual of the training rows, in the target space: how it fits, not how it predicts.
    description_length : float
        What the choice along the front goes by, in nats; smaller is better.
    noise : float
        Variance of the residuals, corrected for the number of constants.
    """

    expression: str
    columns: tuple[str, ...]
    constants: tuple[Constant, ...]
    covariance: tuple[tuple[float, ...], ...]
    size: int
    rmse_in_sample: float
    description_length: float
    noise: float

    @property
    def used_columns(self) -> list[str]:
        """Names of the columns that stand in the formula."""
        return [self.columns[i] for i in used_names(self.expression, "x")]

    @property
    def units(self) -> dict[str, str]:
        """Unit of each column in the formula, read from its name; "1" for a column whose name carries none."""
        return {name: unit_of(name) for name in self.used_columns}

    def text(self, digits: int = 3) -> str:
        """Write the formula with numbers and column names."""
        return self._filled(lambda i: f"{self.constants[i].value:.{digits}g}", lambda i: self.columns[i])

    def _filled(self, constant: Callable[[int], str], column: Callable[[int], str]) -> str:
        def name(match: re.Match[str]) -> str:
            number = int(match[2])
            return column(number) if match[1] == "x" else constant(number)

        filled = re.sub(r"\b([xc])(\d+)\b", name, self.expression)
        return re.sub(r"\+ -(?=[\d.])", "- ", filled)

    def latex(self, digits: int = 3) -> str:
        """Write the formula as LaTeX, constants as numbers, column names upright (needs sympy, extra ``symbolic``)."""
        from perospin._optional import require

        sympy = require("sympy", "symbolic")
        symbols = {f"x{i}": sympy.Symbol(f"x{i}", real=True) for i in used_names(self.expression, "x")}
        symbols |= {f"c{i}": sympy.Float(c.value, digits) for i, c in enumerate(self.constants)}
        names = {symbols[f"x{i}"]: _latex_name(self.columns[i]) for i in used_names(self.expression, "x")}
        return str(sympy.latex(to_sympy(self.expression, symbols), symbol_names=names))

    def values(self, columns: Sequence[FloatArray]) -> FloatArray:
        """Evaluate the formula, shape (n_rows,)."""
        return evaluate(self.expression, columns, [c.value for c in self.constants])

    def deviations(self, columns: Sequence[FloatArray]) -> FloatArray:
        """Spread of a new target at each row: standard deviation from residuals and constants, shape (n_rows,)."""
        at = np.array([c.value for c in self.constants])
        variance = np.full(len(columns[0]), self.noise)
        with np.errstate(all="ignore"):
            if len(at):
                slopes = _jacobian(lambda c: evaluate(self.expression, columns, c), at)
                covariance = np.where(np.isfinite(self.covariance), self.covariance, 0.0)
                variance = variance + np.einsum("ij,jk,ik->i", slopes, covariance, slopes)
            return np.sqrt(np.maximum(variance, 0.0))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, from which `from_dict` makes the same formula; None stands for what is infinite."""
        values = asdict(self)
        values["constants"] = [{k: _or_none(v) for k, v in constant.items()} for constant in values["constants"]]
        values["covariance"] = [[_or_none(v) for v in row] for row in values["covariance"]]
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Formula:
        """Rebuild the formula that `to_dict` described.

        Raises
        ------
        StudyError
            If its expression is not a formula.
        """
        _parse(str(values["expression"]))
        return cls(
            expression=str(values["expression"]),
            columns=tuple(str(c) for c in values["columns"]),
            constants=tuple(
                Constant(str(c["name"]), float(c["value"]), _or(c["low"], -np.inf), _or(c["high"], np.inf))
                for c in values["constants"]
            ),
            covariance=tuple(tuple(_or(v, np.inf) for v in row) for row in values["covariance"]),
            size=int(values["size"]),
            rmse_in_sample=float(values["rmse_in_sample"]),
            description_length=float(values["description_length"]),
            noise=float(values["noise"]),
        )


def make_formula(
    text: str, names: Sequence[str], fit: Refit, n_rows: int, alphabet: int, extra: float = 0.0
) -> Formula:
    """Put a fitted formula together.

    Its description length is n/2 ln(mse) + k/2 ln(n) + size ln(alphabet) + `extra`: what the residuals, the k
    determined constants and the choice of every node among the columns and operations on offer cost (Bartlett,
    Desmond and Ferreira, IEEE Trans. Evol. Comput. 28, 950 (2024), with the constants' term of the Bayesian
    information criterion).
    """
    spread = np.sqrt(np.diag(fit.covariance))
    reach = student_t.ppf(0.5 + LEVEL / 2, max(n_rows - fit.rank, 1)) * spread
    constants = tuple(
        Constant(f"c{i}", float(v), float(v - r), float(v + r))
        for i, (v, r) in enumerate(zip(fit.values, reach, strict=True))
    )
    size = formula_size(text)
    floor = max(fit.mse, 1e-300)
    length = 0.5 * n_rows * np.log(floor) + 0.5 * fit.rank * np.log(n_rows) + size * np.log(alphabet) + extra
    return Formula(
        expression=text,
        columns=tuple(names),
        constants=constants,
        covariance=tuple(tuple(float(v) for v in row) for row in fit.covariance),
        size=size,
        rmse_in_sample=float(np.sqrt(fit.mse)),
        description_length=float(length),
        noise=fit.noise,
    )


def pareto_front(formulas: Sequence[Formula]) -> list[Formula]:
    """Keep the formulas that no smaller (or equally large) one fits better, from the smallest to the largest.

    A formula must fit better than all smaller ones by one part in a hundred of the root mean square to stay.
    """
    front: list[Formula] = []
    for formula in sorted(formulas, key=lambda f: (f.size, f.rmse_in_sample, f.expression)):
        if not front or formula.rmse_in_sample < 0.99 * front[-1].rmse_in_sample:
            front.append(formula)
    return front


def unit_of(column: str) -> str:
    """Read the unit that a column's name carries, "1" if none."""
    from perospin.units import split_unit

    return split_unit(column)[1] or "1"


def _or_none(value: Any) -> Any:
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _or(value: Any, otherwise: float) -> float:
    return otherwise if value is None else float(value)


def _latex_name(column: str) -> str:
    escaped = re.sub(r"([_#$%&{}])", r"\\\1", column)
    return rf"\mathrm{{{escaped}}}"


def to_sympy(text: str, symbols: Mapping[str, Any]) -> Any:
    """Return the formula as a sympy expression in the given symbols for ``x0, ...`` and ``c0, ...``."""
    from perospin._optional import require

    sympy = require("sympy", "symbolic")
    functions = {
        "sqrt": sympy.sqrt,
        "log": sympy.log,
        "log10": lambda part: sympy.Function("log10")(part),
        "exp": sympy.exp,
    }

    def build(part: ast.expr) -> Any:
        if isinstance(part, ast.BinOp):
            left, right = build(part.left), build(part.right)
            if isinstance(part.op, ast.Add):
                return left + right
            if isinstance(part.op, ast.Sub):
                return left - right
            if isinstance(part.op, ast.Mult):
                return left * right
            return left / right if isinstance(part.op, ast.Div) else left**right
        if isinstance(part, ast.UnaryOp):
            return -build(part.operand)
        if isinstance(part, ast.Call):
            assert isinstance(part.func, ast.Name)
            return functions[part.func.id](build(part.args[0]))
        if isinstance(part, ast.Name):
            return symbols[part.id]
        assert isinstance(part, ast.Constant)
        number = part.value
        if isinstance(number, float) and number == round(2 * number) / 2 and abs(number) < 100:
            return sympy.Rational(round(2 * number), 2)  # an exponent such as 0.5 stays exact
        return sympy.sympify(number)

    return build(_parse(text))
