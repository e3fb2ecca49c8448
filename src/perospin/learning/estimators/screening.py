"""Screening of correlated columns."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from perospin.errors import StudyError

__all__ = ["PearsonScreen", "choose_columns", "pearson_matrix"]


def pearson_matrix(X: ArrayLike) -> NDArray[np.float64]:
    """Pearson correlation of columns, shape (n_columns, n_columns); 0 beside a constant column, 1 on the diagonal."""
    values = np.asarray(X, dtype=float)
    centred = values - values.mean(axis=0)
    norm = np.sqrt((centred**2).sum(axis=0))
    varies = norm > 1e-12 * np.maximum(1.0, np.abs(values).max(axis=0, initial=0.0)) * np.sqrt(len(values))
    unit = np.where(varies, centred / np.where(varies, norm, 1.0), 0.0)
    matrix = np.clip(unit.T @ unit, -1.0, 1.0)
    np.fill_diagonal(matrix, 1.0)
    return np.asarray(matrix)


def choose_columns(
    X: NDArray[np.float64], limit: float
) -> tuple[NDArray[np.int64], dict[int, tuple[int | None, float]]]:
    """Apply the rule of `PearsonScreen` to finite values; kept columns, and why each other one went.

    Raises
    ------
    StudyError
        If the limit is not in (0, 1].
    """
    if not 0.0 < limit <= 1.0:
        raise StudyError(f"the Pearson limit must lie above 0 and at most at 1, not {limit}")
    n_columns = X.shape[1]
    size = np.abs(X).max(axis=0, initial=1.0)
    constant = np.ptp(X, axis=0) <= 1e-12 * size if n_columns else np.zeros(0, dtype=bool)
    r = pearson_matrix(X) if limit < 1.0 else np.eye(n_columns)
    kept: list[int] = []
    dropped: dict[int, tuple[int | None, float]] = {}
    for column in range(n_columns):
        if constant[column]:
            dropped[column] = (None, 0.0)
            continue
        # The margin keeps r = limit up to rounding on the kept side, whatever the order of the rows.
        above = np.flatnonzero(np.abs(r[kept, column]) > limit + 1e-12)
        if above.size:
            first = kept[int(above[0])]
            dropped[column] = (first, float(r[first, column]))
        else:
            kept.append(column)
    return np.array(kept, dtype=np.int64), dropped


class PearsonScreen(TransformerMixin, BaseEstimator):
    """Drop one of each pair of columns whose |Pearson r| exceeds a limit.

    The rule: go through the columns in the order they were declared and keep a column unless its |r| with a
    column kept before exceeds the limit. So of a correlated pair the one declared first stays; the target plays
    no part; the same rows in any order give the same answer. Constant columns go as well.

    Parameters
    ----------
    limit : float
        Largest |r| that two kept columns may have, above 0 and at most 1.

    Attributes
    ----------
    kept_ : ndarray of int
        Kept columns, in declared order.
    dropped_ : dict of int to (int or None, float)
        For each dropped column the first kept column that stands for it and their r; (None, 0) if constant.
    """

    def __init__(self, limit: float = 0.9) -> None:
        self.limit = limit

    def fit(self, X: ArrayLike, y: Any = None) -> PearsonScreen:
        """Choose the columns from training rows.

        Parameters
        ----------
        X : array_like, shape (n_rows, n_columns)
            Training rows, finite.
        y : ignored
            Kept for scikit-learn.

        Raises
        ------
        StudyError
            If the limit is not in (0, 1].
        """
        values = validate_data(self, X, dtype=float)
        self.kept_, self.dropped_ = choose_columns(values, self.limit)
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the kept columns, shape (n_rows, n_kept)."""
        check_is_fitted(self)
        values = validate_data(self, X, dtype=float, reset=False)
        return np.asarray(values[:, self.kept_])

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:
        """Names of the kept columns."""
        check_is_fitted(self)
        names = input_features if input_features is not None else getattr(self, "feature_names_in_", None)
        if names is None:
            names = [f"x{i}" for i in range(self.n_features_in_)]
        return np.asarray(names, dtype=object)[self.kept_]
