"""Averages of several models, and nested choice among them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from perospin.errors import StudyError
from perospin.learning.estimators.folds import fit_each, take
from perospin.learning.schemes import Split, k_fold

__all__ = ["AverageModel", "BestOf"]

FloatArray = NDArray[np.float64]


def _all_rows(X: Any) -> list[NDArray[np.int64]]:
    return [np.arange(len(X))]


class AverageModel(RegressorMixin, BaseEstimator):
    """Mean of the predictions of several models, in the target space.

    Parameters
    ----------
    members : list of scikit-learn regressors
        At least one.
    """

    def __init__(self, members: list[Any]) -> None:
        self.members = members

    def fit(self, X: Any, y: ArrayLike, groups: ArrayLike | None = None) -> AverageModel:
        """Fit every member on the same rows."""
        self.members_: list[Any] = self.fit_many(X, y, _all_rows(X), groups=groups)[0].members_
        self.n_features_in_: int = X.shape[1]
        return self

    def fit_many(
        self, X: Any, y: ArrayLike, trains: Sequence[NDArray[np.int64]], groups: ArrayLike | None = None
    ) -> list[AverageModel]:
        """One fitted clone for each training set."""
        if not self.members:
            raise StudyError("an average needs at least one member")
        by_member = [fit_each(member, X, y, trains, groups=groups) for member in self.members]
        fitted = []
        for i in range(len(trains)):
            model = AverageModel(self.members)
            model.members_ = [models[i] for models in by_member]
            model.n_features_in_ = X.shape[1]
            fitted.append(model)
        return fitted

    def predict(self, X: Any) -> FloatArray:
        """Mean prediction, shape (n_rows,)."""
        check_is_fitted(self)
        return np.mean([member.predict(X) for member in self.members_], axis=0)


class BestOf(RegressorMixin, BaseEstimator):
    """Choose among candidates by cross-validation inside the training rows, then refit the chosen one.

    Nested validation is this estimator inside `evaluate`: the choice never sees a row that the outer fold
    scores. The candidate with the least squared error over the inner folds wins; the first of equals.

    Parameters
    ----------
    candidates : list of scikit-learn regressors
        What to choose from, for example one model with different settings.
    labels : list of str, optional
        Their names, for reports.
    n_folds : int
        Inner folds; fewer if there are fewer rows or groups.
    seed : int
        Of the inner folds.

    Attributes
    ----------
    best_index_ : int
        Which candidate was chosen.
    best_label_ : str
        Its label.
    inner_mse_ : ndarray, shape (n_candidates,)
        Mean squared error over the inner folds.
    """

    def __init__(self, candidates: list[Any], labels: list[str] | None = None, n_folds: int = 5, seed: int = 0) -> None:
        self.candidates = candidates
        self.labels = labels
        self.n_folds = n_folds
        self.seed = seed

    def _inner_splits(self, n: int, groups: NDArray[Any] | None) -> tuple[Split, ...]:
        n_units = n if groups is None else len(set(groups.tolist()))
        if groups is not None and n_units < 2:
            groups, n_units = None, n
        if n_units < 2:
            raise StudyError("choosing among models needs at least two training rows")
        return k_fold(n, min(self.n_folds, n_units), self.seed, groups).splits

    def fit(self, X: Any, y: ArrayLike, groups: ArrayLike | None = None) -> BestOf:
        """Choose and refit; `groups` (n_rows,) keep the rows of a group in one inner fold."""
        chosen = self.fit_many(X, y, _all_rows(X), groups=groups)[0]
        for name, value in vars(chosen).items():
            if name.endswith("_"):
                setattr(self, name, value)
        return self

    def fit_many(
        self, X: Any, y: ArrayLike, trains: Sequence[NDArray[np.int64]], groups: ArrayLike | None = None
    ) -> list[BestOf]:
        """One fitted clone for each training set; all inner fits of a candidate go in one call."""
        if not self.candidates:
            raise StudyError("choosing among models needs at least one candidate")
        target = np.asarray(y, dtype=float)
        labels = None if groups is None else np.asarray(groups)
        inner = [
            [
                (rows[split.train], rows[split.test])
                for split in self._inner_splits(len(rows), None if labels is None else labels[rows])
            ]
            for rows in trains
        ]
        flat = [pair for folds in inner for pair in folds]
        owner = np.repeat(np.arange(len(trains)), [len(folds) for folds in inner])
        squared = np.zeros((len(self.candidates), len(trains)))
        for c, candidate in enumerate(self.candidates):
            models = fit_each(candidate, X, target, [train for train, _ in flat], groups=labels)
            for model, (_, test), outer in zip(models, flat, owner.tolist(), strict=True):
                error = np.asarray(model.predict(take(X, test))) - target[test]
                squared[c, outer] += float(np.sum(error**2))
        best = np.argmin(np.where(np.isfinite(squared), squared, np.inf), axis=0)
        names = self.labels or [f"candidate {i}" for i in range(len(self.candidates))]
        fitted: list[BestOf] = []
        for i, rows in enumerate(trains):
            model = BestOf(self.candidates, self.labels, self.n_folds, self.seed)
            model.best_index_ = int(best[i])
            model.best_label_ = names[model.best_index_]
            model.inner_mse_ = squared[:, i] / len(rows)
            model.n_features_in_ = X.shape[1]
            fitted.append(model)
        for c, candidate in enumerate(self.candidates):
            mine = np.flatnonzero(best == c).tolist()
            if mine:
                refitted = fit_each(candidate, X, target, [trains[i] for i in mine], groups=labels)
                for i, model in zip(mine, refitted, strict=True):
                    fitted[i].model_ = model
        return fitted

    def predict(self, X: Any) -> FloatArray:
        """Predictions of the chosen model, shape (n_rows,)."""
        check_is_fitted(self)
        return np.asarray(self.model_.predict(X))
