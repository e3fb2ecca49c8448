"""Symbolic regression: formulas of growing size and shrinking error, and one of them chosen to predict."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from perospin._optional import require
from perospin.errors import StudyError
from perospin.learning.estimators.columns import select_columns
from perospin.learning.estimators.formulas.formulas import (
    Constant,
    Formula,
    Refit,
    formula_size,
    make_formula,
    pareto_front,
    refit,
    to_sympy,
    used_names,
)
from perospin.learning.estimators.kinds.kind import Kind
from perospin.learning.options import MOST_DRAWS, Option
from perospin.learning.training.weights import checked_weights, checked_y_sd, row_weights

__all__ = ["FormulaModel", "SymbolicRegression"]

FloatArray = NDArray[np.float64]

OPERATIONS = ("add", "sub", "mul", "div", "square", "sqrt", "log", "exp")
# A constant that can be replaced by 0 or 1 is, if the mean square grows by no more than this part.
_NEGLIGIBLE = 1e-3
# Fewer rows than this can't tell one formula from another.
_FEWEST_ROWS = 5


class FormulaModel(RegressorMixin, BaseEstimator):
    """What estimators that end in a formula share: prediction, spread and the front.

    Attributes
    ----------
    formula_ : Formula
        The one that predicts.
    front_ : list of Formula
        From the smallest to the largest, each fitting the training rows better than all before it.
    """

    features: list[str] | None
    parts: ClassVar[Mapping[str, type]] = {"Constant": Constant, "Formula": Formula}

    def columns_read(self, columns: Sequence[str]) -> set[str]:
        """Columns of a table that it looks at."""
        return set(columns if self.features is None else self.features)

    def _columns(self, X: Any, y: ArrayLike) -> tuple[list[FloatArray], FloatArray]:
        """Training columns without holes, and the target."""
        values, names = select_columns(X, self.features)
        target = np.asarray(y, dtype=float)
        if np.isinf(values).any():
            column = names[int(np.flatnonzero(np.isinf(values).any(axis=0))[0])]
            raise StudyError(f"the column '{column}' has an infinite value")
        if not np.isfinite(target).all():
            raise StudyError("the target has missing or infinite values; leave these rows out before fitting")
        known = np.isfinite(values)
        self.medians_ = np.array([np.median(v[k]) if k.any() else 0.0 for v, k in zip(values.T, known.T, strict=True)])
        self.names_ = names
        self.n_features_in_ = X.shape[1]
        self.lowest_, self.highest_ = float(target.min()), float(target.max())
        return list(np.where(known, values, self.medians_).T), target

    def _new_columns(self, X: Any) -> list[FloatArray]:
        values, names = select_columns(X, self.features)
        if len(names) != len(self.names_):
            raise StudyError(
                f"the model was fitted to {len(self.names_)} columns, the table to predict has {len(names)}"
            )
        return list(np.where(np.isfinite(values), values, self.medians_).T)

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Value of the formula, shape (n_rows,), and with `return_std` the standard deviation of a new target.

        A formula may have a pole, or a logarithm of nothing, next to a new row. Its value is kept within the range of
        the training targets widened by that range on either side; where it has no value, the middle of the training
        targets stands in.
        """
        check_is_fitted(self, "formula_")
        columns = self._new_columns(X)
        reach = self.highest_ - self.lowest_
        value = np.clip(self.formula_.values(columns), self.lowest_ - reach, self.highest_ + reach)
        value = np.where(np.isfinite(value), value, 0.5 * (self.lowest_ + self.highest_))
        if not return_std:
            return value
        spread = self.formula_.deviations(columns)
        return value, np.where(np.isfinite(spread), np.minimum(spread, 3.0 * reach), 3.0 * reach)

    def _settle(self, formulas: list[Formula]) -> None:
        self.front_ = pareto_front(formulas)
        self.formula_ = min(self.front_, key=lambda formula: (formula.description_length, formula.size))


class SymbolicRegression(FormulaModel):
    """Formulas found by genetic programming (Operon), simplified, refitted, and chosen by description length.

    The search minimises the squared error and the length of the formula together, in one thread from one seed, so
    that the same rows give the same formulas. Every formula on its front is then simplified (sympy; constants that
    can be 0 or 1 become so), and its constants are refitted by least squares with intervals. Of the front that is
    left the formula with the shortest description predicts: every node is paid for by the logarithm of the number of
    columns and operations on offer, every constant by half the logarithm of the number of rows, so that a long formula
    must explain the rows far better than a short one. The mean is a formula too, and wins if nothing is worth its
    length.

    Weights of rows and uncertainties (turned into weights) decide the constants and the choice; the search that
    proposes formulas treats all rows alike.

    Parameters
    ----------
    features : list of str, optional
        Columns; all if None. They enter as they are, in their units.
    operations : sequence of str
        Of ``add, sub, mul, div, square, sqrt, log, exp``.
    max_length : int
        Most nodes of a formula during the search, where a column with its factor counts as one.
    population, generations : int
        Of the search.
    seed : int
        Of the search.

    Notes
    -----
    Burlacu, Kronberger and Kommenda, GECCO Companion (2020), doi 10.1145/3377929.3398099. For the description length
    see `make_formula`.
    """

    about: ClassVar[Kind] = Kind(
        "symbolic",
        "formulas by genetic programming, simplified and refitted; the shortest description of the rows predicts",
        {
            "operations": Option(OPERATIONS, "that a formula may use", words=OPERATIONS, many=True),
            "max_length": Option(12, "most nodes of a formula", low=1, high=1000, whole=True),
            "population": Option(500, "formulas in each generation", low=10, high=MOST_DRAWS, whole=True),
            "generations": Option(100, "generations", low=1, high=MOST_DRAWS, whole=True),
        },
        on_columns=False,
        takes=("features",),
        references=("Burlacu2020Operon", "Bartlett2024Exhaustive"),
        ends_in_formula=True,
    )

    def __init__(
        self,
        features: list[str] | None = None,
        operations: tuple[str, ...] = OPERATIONS,
        max_length: int = 12,
        population: int = 500,
        generations: int = 100,
        seed: int = 0,
    ) -> None:
        self.features = features
        self.operations = operations
        self.max_length = max_length
        self.population = population
        self.generations = generations
        self.seed = seed

    def fit(
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None, y_sd: ArrayLike | None = None
    ) -> SymbolicRegression:
        """Search on X of shape (n_rows, n_columns) and y, weights and uncertainties of shape (n_rows,).

        Raises
        ------
        StudyError
            If an operation is unknown or a setting is out of range.
        MissingExtraError
            Without the extra ``symbolic``.
        """
        unknown = [name for name in self.operations if name not in OPERATIONS]
        if unknown or not self.operations:
            raise StudyError(f"unknown operation {unknown} of symbolic regression; known are {', '.join(OPERATIONS)}")
        if self.max_length < 1 or self.population < 10 or self.generations < 1:
            raise StudyError("symbolic regression needs max_length >= 1, population >= 10 and generations >= 1")
        columns, target = self._columns(X, y)
        n = len(target)
        weights = row_weights(target, checked_weights(sample_weight, n), checked_y_sd(y_sd, n))
        weights = np.ones(n) if weights is None else weights / weights.mean()
        alphabet = len(columns) + len(self.operations) + 1
        constant = refit("c0", columns, target, weights, np.array([target.mean()]))
        assert constant is not None  # a mean is always finite
        found = {"c0": make_formula("c0", self.names_, constant, n, alphabet)}
        vary = [i for i, column in enumerate(columns) if np.ptp(column) > 1e-12 * np.abs(column).max()]
        if n >= _FEWEST_ROWS and vary and np.ptp(target) > 0:
            for text, start in self._search(columns, vary, target):
                fitted = _tidy(text, start, columns, target, weights)
                if fitted is not None and fitted[0] not in found:
                    found[fitted[0]] = make_formula(*fitted[:1], self.names_, fitted[1], n, alphabet)
        self._settle(list(found.values()))
        return self

    def _search(self, columns: list[FloatArray], vary: list[int], y: FloatArray) -> list[tuple[str, FloatArray]]:
        """Formulas on the search's front, as text with constants ``c0, ...`` and their values."""
        require("pyoperon", "symbolic")  # the message names the package, not a module of it
        engine = require("pyoperon.sklearn", "symbolic").SymbolicRegressor
        scales = [float(np.sqrt(np.mean(columns[i] ** 2))) for i in vary]
        values = np.column_stack([columns[i] / s for i, s in zip(vary, scales, strict=True)])
        spread = float(y.std())
        search = engine(
            allowed_symbols=",".join(["constant", "variable", *self.operations]),
            objectives=["mse", "length"],
            max_length=self.max_length,
            max_depth=8,
            population_size=self.population,
            generations=self.generations,
            max_evaluations=10**9,
            optimizer_iterations=3,
            n_threads=1,
            random_state=self.seed,
        ).fit(values, (y - y.mean()) / spread)
        numbers = {name: position for position, name in enumerate(f"X{i + 1}" for i in range(len(vary)))}
        out = []
        for member in search.pareto_front_:
            text = search.get_model_string(member["tree"], 12).replace("^", "**")

            def original(match: re.Match[str]) -> str:
                position = numbers[match[0]]
                return f"(x{vary[position]} / {scales[position]!r})"

            text = re.sub(r"X\d+", original, text)
            shifted = f"({text}) * {spread!r} + {float(y.mean())!r}"
            simple = _simplified(shifted)
            if simple is not None:
                out.append(simple)
        return out


def _simplified(text: str) -> tuple[str, FloatArray] | None:
    """Shortest form of a formula that sympy finds, its numbers replaced by ``c0, ...``, and these numbers."""
    sympy = require("sympy", "symbolic")
    symbols = {f"x{i}": sympy.Symbol(f"x{i}", real=True) for i in used_names(text, "x")}
    try:
        plain = to_sympy(text, symbols)
        forms = {plain, sympy.expand(plain), sympy.factor_terms(plain), sympy.expand(sympy.powsimp(plain))}
    except (ArithmeticError, TypeError, RecursionError, StudyError):
        return None
    named = [result for result in map(_named, forms) if result is not None]
    return min(named, key=lambda result: (formula_size(result[0]), len(result[1]), result[0])) if named else None


def _named(expression: Any) -> tuple[str, FloatArray] | None:
    """Replace the numbers of a sympy expression by constants ``c0, ...`` in the order in which they are printed."""
    sympy = require("sympy", "symbolic")
    if expression.has(sympy.zoo, sympy.oo, sympy.nan, sympy.I, sympy.Abs, sympy.sign, sympy.re, sympy.im):
        return None
    floats = sorted(expression.atoms(sympy.Float), key=float)
    if not all(np.isfinite(float(f)) for f in floats):
        return None
    named = expression.xreplace({f: sympy.Symbol(f"k{i}") for i, f in enumerate(floats)})
    text = sympy.sstr(named)
    order = list(dict.fromkeys(int(m) for m in re.findall(r"\bk(\d+)\b", text)))
    text = re.sub(r"\bk(\d+)\b", lambda m: f"c{order.index(int(m[1]))}", text)
    try:
        formula_size(text)
    except StudyError:
        return None
    return text, np.array([float(floats[i]) for i in order])


def _tidy(
    text: str, start: FloatArray, columns: list[FloatArray], y: FloatArray, weights: FloatArray
) -> tuple[str, Refit] | None:
    """Refit a formula and drop its constants that may as well be 0 or 1, one after the other."""
    fit = refit(text, columns, y, weights, start)
    if fit is None:
        return None
    changed = True
    while changed:
        changed = False
        for i in range(len(fit.values)):
            for value in (0.0, 1.0):
                tried = _without(text, fit.values, i, value)
                if tried is None or formula_size(tried[0]) >= formula_size(text):
                    continue
                again = refit(tried[0], columns, y, weights, tried[1])
                if again is not None and again.mse <= (1.0 + _NEGLIGIBLE) * fit.mse + 1e-20 * float(np.var(y)):
                    text, fit, changed = tried[0], again, True
                    break
            if changed:
                break
    return text, fit


def _without(text: str, values: FloatArray, i: int, value: float) -> tuple[str, FloatArray] | None:
    """Write the formula with constant i set to 0 or 1, the others as the numbers they are."""

    def number(match: re.Match[str]) -> str:
        j = int(match[1])
        return f"({int(value)})" if j == i else f"({float(values[j])!r})"

    return _simplified(re.sub(r"\bc(\d+)\b", number, text))
