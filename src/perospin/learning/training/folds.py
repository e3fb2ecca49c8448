"""Fit one estimator on many training sets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.utils.validation import has_fit_parameter

from perospin.errors import StudyError
from perospin.learning.training.weights import checked_weights, checked_y_sd, fit_with, part_of

__all__ = ["Progress", "fit_each", "fit_one", "fit_sets_of_rows", "take"]

Progress = Callable[[int, int], None]

# Estimators that fit many folds at once get them in blocks of at most this many: bounds memory, shows progress.
_BLOCK = 128


def take(X: Any, rows: NDArray[np.int64]) -> Any:
    """Rows of a DataFrame or array by number."""
    return X.iloc[rows] if hasattr(X, "iloc") else np.asarray(X)[rows]


def fit_one(
    estimator: Any,
    X: Any,
    y: NDArray[np.float64],
    groups: NDArray[Any] | None = None,
    sample_weight: NDArray[np.float64] | None = None,
    y_sd: NDArray[np.float64] | None = None,
    limit: NDArray[np.int64] | None = None,
) -> Any:
    """Fit a clone; see `fit_with` for what happens to groups, weights, uncertainties and limits."""
    return fit_with(clone(estimator), X, y, sample_weight, y_sd, groups, limit)


def fit_each(
    estimator: Any,
    X: Any,
    y: ArrayLike,
    trains: Sequence[NDArray[np.int64]],
    *,
    groups: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    y_sd: ArrayLike | None = None,
    limit: ArrayLike | None = None,
    progress: Progress | None = None,
) -> list[Any]:
    """One fitted clone for each training set, through the estimator's ``fit_many`` if it has one.

    Parameters
    ----------
    estimator : scikit-learn regressor
        Left unfitted.
    X : DataFrame or ndarray, shape (n_rows, n_columns)
        All rows; a model sees only its training rows.
    y : array_like, shape (n_rows,)
        Target.
    trains : sequence of ndarray of int
        Row numbers of each training set.
    groups : array_like, shape (n_rows,), optional
        Groups for inner folds.
    sample_weight : array_like, shape (n_rows,), optional
        How much each row counts; only ratios matter here, the mean over all rows is made 1.
    y_sd : array_like, shape (n_rows,), optional
        Standard deviation of each target, in the target space: estimators that model noise add its square to theirs,
        the others turn it into weights.
    limit : array_like of int, shape (n_rows,), optional
        0 where the target is a value, -1 where the truth is at most that, 1 where it is at least that. An estimator
        whose ``fit`` doesn't take it is trained on the values alone.
    progress : callable, optional
        Called as ``progress(done, in_all)``.

    Returns
    -------
    list of fitted estimators, in the order of `trains`

    Raises
    ------
    StudyError
        If X, y, weights and uncertainties differ in length, or the estimator can't use the last two.
    """
    target = np.asarray(y, dtype=float)
    if target.ndim != 1 or len(X) != len(target):
        raise StudyError(f"the table has {len(X)} rows but the target has shape {target.shape}")
    labels = None if groups is None else np.asarray(groups)
    weights = checked_weights(sample_weight, len(target))
    if weights is not None:
        weights = weights / weights.mean()
    sd = checked_y_sd(y_sd, len(target))
    signs = None if limit is None else np.asarray(limit, dtype=np.int64)
    if signs is not None and not has_fit_parameter(estimator, "limit"):
        trains, signs = [rows[signs[rows] == 0] for rows in trains], None
        if any(not len(rows) for rows in trains):
            raise StudyError("a training set holds limits alone, no value, so nothing can be fitted to it")
    return fit_sets_of_rows(estimator, X, target, trains, labels, weights, sd, progress, signs)


def fit_sets_of_rows(
    estimator: Any,
    X: Any,
    y: NDArray[np.float64],
    trains: Sequence[NDArray[np.int64]],
    groups: NDArray[Any] | None = None,
    sample_weight: NDArray[np.float64] | None = None,
    y_sd: NDArray[np.float64] | None = None,
    progress: Progress | None = None,
    limit: NDArray[np.int64] | None = None,
) -> list[Any]:
    """Do what `fit_each` does, with weights as they are: for estimators made of others, which must not rescale them."""
    fitted: list[Any] = []
    if hasattr(estimator, "fit_many"):
        more: dict[str, Any] = {} if sample_weight is None else {"sample_weight": sample_weight}
        more |= {} if y_sd is None else {"y_sd": y_sd}
        n_blocks = max(1, -(-len(trains) // _BLOCK))
        for block in np.array_split(np.arange(len(trains)), n_blocks):
            fitted += estimator.fit_many(X, y, [trains[i] for i in block], groups=groups, **more)
            if progress is not None:
                progress(len(fitted), len(trains))
        return fitted
    for rows in trains:
        part = None if groups is None else groups[rows]
        mine = part_of(sample_weight, rows), part_of(y_sd, rows), None if limit is None else limit[rows]
        fitted.append(fit_one(estimator, take(X, rows), y[rows], part, *mine))
        if progress is not None:
            progress(len(fitted), len(trains))
    return fitted
