"""Models that a person can hold in the head: class means, and class means with a small correction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils.validation import check_is_fitted

from perospin.errors import StudyError
from perospin.learning.estimators.columns import select_columns

__all__ = ["CLASS_COLUMNS", "FamilyMean", "TwoClassRule", "TwoStage", "spacer_classes"]

FloatArray = NDArray[np.float64]

CLASS_COLUMNS = ("is_n1", "spacer_charge")


def _log_of_mean(values: FloatArray) -> float:
    return float(np.log10(np.mean(10.0**values)))


_AVERAGES: dict[str, Callable[[FloatArray], Any]] = {
    "log": np.mean,
    "median": np.median,
    "arithmetic": _log_of_mean,
}


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

    def __init__(self, mean: str = "log", classes: int = 2) -> None:
        self.mean = mean
        self.classes = classes

    def fit(self, X: Any, y: ArrayLike) -> TwoClassRule:
        """Average the target within each class of the training rows."""
        if self.mean not in _AVERAGES:
            raise StudyError(f"unknown mean '{self.mean}' of the class rule; known are {', '.join(_AVERAGES)}")
        average = _AVERAGES[self.mean]
        target = np.asarray(y, dtype=float)
        classes = spacer_classes(X, self.classes)
        self.levels_ = np.array(
            [average(target[classes == c]) if np.any(classes == c) else average(target) for c in range(self.classes)]
        )
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X: Any) -> FloatArray:
        """Average of each row's class, shape (n_rows,)."""
        check_is_fitted(self)
        return np.asarray(self.levels_[spacer_classes(X, self.classes)])


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

    def __init__(self, model: Any = None, shrinkage: float = 0.5, classes: int = 3) -> None:
        self.model = model
        self.shrinkage = shrinkage
        self.classes = classes

    def _fit_classes(self, X: Any, y: FloatArray) -> FloatArray:
        if not self.shrinkage >= 0:
            raise StudyError(f"the shrinkage of class means must be at least 0, not {self.shrinkage}")
        classes = spacer_classes(X, self.classes)
        overall = float(y.mean())
        levels = np.full(self.classes, overall)
        for c in np.unique(classes):
            members = y[classes == c]
            levels[c] = (members.sum() + self.shrinkage * overall) / (len(members) + self.shrinkage)
        self.levels_ = levels
        self.n_features_in_ = X.shape[1]
        return np.asarray(y - levels[classes])

    def fit(self, X: Any, y: ArrayLike) -> TwoStage:
        """Learn class means, then the residual."""
        residual = self._fit_classes(X, np.asarray(y, dtype=float))
        self.model_ = None if self.model is None else clone(self.model).fit(X, residual)
        return self

    def predict(self, X: Any) -> FloatArray:
        """Class mean plus predicted residual, shape (n_rows,)."""
        check_is_fitted(self)
        base = self.levels_[spacer_classes(X, self.classes)]
        return np.asarray(base if self.model_ is None else base + self.model_.predict(X))


class FamilyMean(RegressorMixin, BaseEstimator):
    """Mean of the training rows of the same family, as one-hot least squares would say; else the overall mean.

    A sanity test: a model with descriptors should beat it.

    Parameters
    ----------
    column : str
        Column that names the family (any type).
    """

    def __init__(self, column: str = "family") -> None:
        self.column = column

    def _families(self, X: Any) -> list[Any]:
        if not hasattr(X, "columns") or self.column not in X.columns:
            raise StudyError(f"the family mean needs a table with the column '{self.column}'")
        return list(X[self.column])

    def fit(self, X: Any, y: ArrayLike) -> FamilyMean:
        """Average the target within each family."""
        target = np.asarray(y, dtype=float)
        members: dict[Any, list[float]] = {}
        for family, value in zip(self._families(X), target, strict=True):
            members.setdefault(family, []).append(value)
        self.levels_ = {family: float(np.mean(values)) for family, values in members.items()}
        self.overall_ = float(target.mean())
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X: Any) -> FloatArray:
        """Mean of each row's family, shape (n_rows,)."""
        check_is_fitted(self)
        return np.array([self.levels_.get(family, self.overall_) for family in self._families(X)])
