"""Models that a person can hold in the head: class means, and class means with a small correction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils.validation import check_is_fitted

from perospin.errors import StudyError
from perospin.learning.estimators.columns import select_columns
from perospin.learning.estimators.kinds.kind import Build, Kind, Options, columns_read
from perospin.learning.estimators.kinds.terms import Term, table_term, terms_inside
from perospin.learning.options import Option
from perospin.learning.training.spread import predict_with_spread
from perospin.learning.training.weights import checked_weights, checked_y_sd, fit_with, row_weights

__all__ = ["CLASS_COLUMNS", "FamilyMean", "TrainingMean", "TwoClassRule", "TwoStage", "spacer_classes"]

FloatArray = NDArray[np.float64]

CLASS_COLUMNS = ("is_n1", "spacer_charge")


def _log_of_mean(values: FloatArray, weights: FloatArray | None) -> float:
    return float(np.log10(np.average(10.0**values, weights=weights)))


def _mean(values: FloatArray, weights: FloatArray | None) -> float:
    return float(np.average(values, weights=weights))


def _median(values: FloatArray, weights: FloatArray | None) -> float:
    """Median; with weights the middle of the two values at which half of the weight is reached from either side."""
    if weights is None:
        return float(np.median(values))
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    half = 0.5 * reached[-1]
    low, high = np.searchsorted(reached, half * (1 - 1e-12)), np.searchsorted(reached, half * (1 + 1e-12))
    return float(0.5 * (values[order[low]] + values[order[min(high, len(order) - 1)]]))


_AVERAGES: dict[str, Callable[[FloatArray, FloatArray | None], float]] = {
    "log": _mean,
    "median": _median,
    "arithmetic": _log_of_mean,
}


def _spread(y: FloatArray, weights: FloatArray | None, about: FloatArray, n_means: int = 1) -> float:
    """Return the standard deviation of the targets about means of which `n_means` were learnt from them."""
    squares = np.average((y - about) ** 2, weights=weights) * len(y)
    return float(np.sqrt(squares / max(len(y) - n_means, 1)))


class TrainingMean(RegressorMixin, BaseEstimator):
    """Predict the mean of the training rows, whatever the row."""

    about: ClassVar[Kind] = Kind("mean", "mean of the training rows", on_columns=False, names_columns=False)

    def columns_read(self, columns: Sequence[str]) -> set[str]:
        """Columns of a table that it looks at: none."""
        return set()

    def exact_terms(self) -> Iterator[Term]:
        """Terms of the fitted model beside a constant: none."""
        yield from ()

    def fit(
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None, y_sd: ArrayLike | None = None
    ) -> TrainingMean:
        """Average the targets, weighted by weights and uncertainties if given (`row_weights`)."""
        target = np.asarray(y, dtype=float)
        weights = row_weights(target, sample_weight, y_sd)
        self.level_ = float(np.average(target, weights=weights))
        self.spread_ = _spread(target, weights, np.full(len(target), self.level_))
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Mean for each row, shape (n_rows,), and with `return_std` the scatter of the training rows about it."""
        check_is_fitted(self)
        mean = np.full(len(X), self.level_)
        return (mean, np.full(len(X), self.spread_)) if return_std else mean


def spacer_classes(X: Any, n_classes: int = 2) -> NDArray[np.int64]:
    """Class of each material from the columns ``is_n1`` and ``spacer_charge``.

    Class 1 is n = 1 with a monovalent spacer; class 2 (only with three classes) is n = 1 with a divalent
    spacer; class 0 is everything else, and every row where either column is missing.

    Raises
    ------
    StudyError
        If `n_classes` isn't 2 or 3, or a column is absent.
    """
    if n_classes not in (2, 3):
        raise StudyError(f"the class rule knows 2 or 3 classes, not {n_classes}")
    if not hasattr(X, "columns"):
        raise StudyError(f"the class rule needs a table with the columns {' and '.join(CLASS_COLUMNS)}")
    values, _ = select_columns(X, CLASS_COLUMNS)
    single_layer = values[:, 0] > 0.5
    classes = np.where(single_layer & (np.abs(values[:, 1] - 1.0) < 0.5), 1, 0)
    if n_classes == 3:
        classes = np.where(single_layer & (np.abs(values[:, 1] - 2.0) < 0.5), 2, classes)
    return classes.astype(np.int64)


def _class_term(model: TwoClassRule | TwoStage) -> Term:
    """Return the level of each row's class as one term."""
    return table_term(lambda table: np.asarray(model.levels_[spacer_classes(table, model.classes)]), CLASS_COLUMNS)


class TwoClassRule(RegressorMixin, BaseEstimator):
    """Predict the average of a material's class: n = 1 with a monovalent spacer, or not.

    Parameters
    ----------
    mean : {"log", "median", "arithmetic"}
        Average of the target (the geometric mean of a rate learnt as log10), its median, or log10 of the
        arithmetic mean of 10**target.
    classes : {2, 3}
        With 3, n = 1 with a divalent spacer is a class of its own.

    Notes
    -----
    A class without training rows gets the average of all training rows.
    """

    about: ClassVar[Kind] = Kind(
        "two_class_rule",
        "mean of the class: n = 1 with a monovalent spacer, or not",
        {
            "mean": Option("log", "average of a class", words=tuple(_AVERAGES)),
            "classes": Option(2, "with 3, n = 1 with a divalent spacer is a class of its own", 2, 3, whole=True),
        },
        on_columns=False,
        reads=CLASS_COLUMNS,
        names_columns=False,
    )

    def columns_read(self, columns: Sequence[str]) -> set[str]:
        """Columns of a table that it looks at."""
        return set(CLASS_COLUMNS)

    def exact_terms(self) -> Iterator[Term]:
        """Terms of the fitted rule; see `terms_inside`."""
        yield _class_term(self)

    def __init__(self, mean: str = "log", classes: int = 2) -> None:
        self.mean = mean
        self.classes = classes

    def fit(
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None, y_sd: ArrayLike | None = None
    ) -> TwoClassRule:
        """Average the target within each class, weighted by weights and uncertainties if given (`row_weights`)."""
        if self.mean not in _AVERAGES:
            raise StudyError(f"unknown mean '{self.mean}' of the class rule; known are {', '.join(_AVERAGES)}")
        average = _AVERAGES[self.mean]
        target = np.asarray(y, dtype=float)
        classes = spacer_classes(X, self.classes)
        weights = row_weights(target, sample_weight, y_sd)
        levels = np.full(self.classes, average(target, weights))
        for c in np.unique(classes):
            mine = classes == c
            if weights is None or weights[mine].any():
                levels[c] = average(target[mine], None if weights is None else weights[mine])
        self.levels_ = levels
        self.spread_ = _spread(target, weights, levels[classes], len(np.unique(classes)))
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Average of each row's class, shape (n_rows,), and with `return_std` the scatter within classes (pooled)."""
        check_is_fitted(self)
        mean = np.asarray(self.levels_[spacer_classes(X, self.classes)])
        return (mean, np.full(len(mean), self.spread_)) if return_std else mean


def _make_two_stage(options: Options, seed: int, build: Build) -> TwoStage:
    settings = dict(options)
    residual, features = settings.pop("residual"), settings.pop("features", None)
    screen, alpha = settings.pop("screen", None), settings.pop("alpha")
    if residual in (None, "none"):
        return TwoStage(None, **settings)
    inner = {"kind": residual} if isinstance(residual, str) else dict(residual)
    if inner.get("kind") == "ridge":
        inner.setdefault("alpha", alpha)
    inner.setdefault("features", features)
    inner.setdefault("screen", screen)
    return TwoStage(build(inner, seed), **settings)


class TwoStage(RegressorMixin, BaseEstimator):
    """Class means, shrunken towards the overall mean, then a model of what they leave over.

    The mean of class c with n_c training rows is (n_c m_c + k m) / (n_c + k), with m_c and m the means of the
    class and of all rows and k the shrinkage in rows.

    Parameters
    ----------
    model : scikit-learn regressor, optional
        Learns the residual from the whole table (usually a `ColumnModel`); class means alone if None.
    shrinkage : float
        k, >= 0.
    classes : {2, 3}
        See `spacer_classes`.
    """

    about: ClassVar[Kind] = Kind(
        "two_stage",
        "shrunken class means, then a model of the residual",
        {
            "residual": Option("ridge", "estimator of the residual; 'none' for class means alone", holds="estimators"),
            "alpha": Option(10.0, "penalty of the residual model, if it is a ridge regression", low=0.0),
            "shrinkage": Option(0.5, "rows that the overall mean counts for in each class", low=0.0),
            "classes": Option(3, "with 3, n = 1 with a divalent spacer is a class of its own", 2, 3, whole=True),
        },
        _make_two_stage,
        on_columns=False,
        takes=("features", "screen"),
        reads=CLASS_COLUMNS,
    )
    blueprints: ClassVar[tuple[str, ...]] = ("model",)

    def columns_read(self, columns: Sequence[str]) -> set[str]:
        """Columns of a table that it looks at."""
        return set(CLASS_COLUMNS) | (set() if self.model is None else columns_read(self.model, list(columns)))

    def exact_terms(self) -> Iterator[Term]:
        """Terms of the fitted stages; see `terms_inside`."""
        yield _class_term(self)
        if self.model_ is not None:
            yield from terms_inside(self.model_)

    def __init__(self, model: Any = None, shrinkage: float = 0.5, classes: int = 3) -> None:
        self.model = model
        self.shrinkage = shrinkage
        self.classes = classes

    def _fit_classes(self, X: Any, y: FloatArray, weights: FloatArray | None) -> FloatArray:
        if not self.shrinkage >= 0:
            raise StudyError(f"the shrinkage of class means must be at least 0, not {self.shrinkage}")
        classes = spacer_classes(X, self.classes)
        counts = np.ones(len(y)) if weights is None else weights
        overall = _mean(y, weights)
        levels = np.full(self.classes, overall)
        for c in np.unique(classes):
            mine = classes == c
            rows = counts[mine].sum() + self.shrinkage
            levels[c] = (counts[mine] @ y[mine] + self.shrinkage * overall) / rows if rows > 0 else overall
        self.levels_ = levels
        self.spread_ = _spread(y, weights, levels[classes], len(np.unique(classes)))
        self.n_features_in_ = X.shape[1]
        return np.asarray(y - levels[classes])

    def fit(
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None, y_sd: ArrayLike | None = None
    ) -> TwoStage:
        """Learn class means, weighted by weights and uncertainties if given (`row_weights`), then the residual."""
        target = np.asarray(y, dtype=float)
        weights, sd = checked_weights(sample_weight, len(target)), checked_y_sd(y_sd, len(target))
        residual = self._fit_classes(X, target, row_weights(target, weights, sd))
        self.model_ = None if self.model is None else fit_with(clone(self.model), X, residual, weights, sd)
        return self

    def predict(self, X: Any) -> FloatArray:
        """Class mean plus predicted residual, shape (n_rows,)."""
        check_is_fitted(self)
        base = self.levels_[spacer_classes(X, self.classes)]
        return np.asarray(base if self.model_ is None else base + self.model_.predict(X))

    def predict_spread(self, X: Any) -> tuple[FloatArray, FloatArray | None]:
        """Prediction and the residual model's standard deviation; the scatter within classes if there is none."""
        base = self.levels_[spacer_classes(X, self.classes)]
        if self.model_ is None:
            return self.predict(X), np.full(len(base), self.spread_)
        mean, sd = predict_with_spread(self.model_, X)
        return base + mean, sd


class FamilyMean(RegressorMixin, BaseEstimator):
    """Mean of the training rows of the same family, as one-hot least squares would say; else the overall mean.

    A sanity test: a model with descriptors should beat it.

    Parameters
    ----------
    column : str
        Column that names the family (any type).
    """

    takes_categories: ClassVar[bool] = True
    about: ClassVar[Kind] = Kind(
        "group_mean",
        "mean of the training rows of the same category",
        {"column": Option("family", "column of the category", holds="column")},
        on_columns=False,
    )

    def columns_read(self, columns: Sequence[str]) -> set[str]:
        """Columns of a table that it looks at."""
        return {self.column}

    def __init__(self, column: str = "family") -> None:
        self.column = column

    def _families(self, X: Any) -> list[Any]:
        if not hasattr(X, "columns") or self.column not in X.columns:
            raise StudyError(f"the family mean needs a table with the column '{self.column}'")
        return list(X[self.column])

    def fit(
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None, y_sd: ArrayLike | None = None
    ) -> FamilyMean:
        """Average the target within each family, weighted by weights and uncertainties if given (`row_weights`)."""
        target = np.asarray(y, dtype=float)
        weights = row_weights(target, sample_weight, y_sd)
        members: dict[Any, list[int]] = {}
        for row, family in enumerate(self._families(X)):
            members.setdefault(family, []).append(row)
        self.overall_ = _mean(target, weights)
        self.levels_ = {
            family: _mean(target[rows], None if weights is None else weights[rows])
            for family, rows in members.items()
            if weights is None or weights[rows].any()
        }
        within = np.array([self.levels_.get(family, self.overall_) for family in self._families(X)])
        self.spread_ = _spread(target, weights, within)
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Mean of each row's family, shape (n_rows,), and with `return_std` the scatter within families."""
        check_is_fitted(self)
        mean = np.array([self.levels_.get(family, self.overall_) for family in self._families(X)])
        return (mean, np.full(len(mean), self.spread_)) if return_std else mean
