"""From a table of descriptors to the columns that one model sees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils.validation import check_is_fitted

from perospin.errors import StudyError
from perospin.learning.estimators.kinds.libraries import array_terms
from perospin.learning.estimators.kinds.terms import Term, remembered, scaled
from perospin.learning.estimators.screening import choose_columns
from perospin.learning.training.folds import take
from perospin.learning.training.spread import predict_with_spread
from perospin.learning.training.weights import checked_weights, checked_y_sd, fit_with, part_of, row_weights

__all__ = ["ColumnModel", "select_columns"]

FloatArray = NDArray[np.float64]


def select_columns(X: Any, features: Sequence[str] | None) -> tuple[FloatArray, list[str]]:
    """Return the named columns as numbers, shape (n_rows, n_features), and their names; all columns if None.

    Raises
    ------
    StudyError
        If a column is absent, or isn't numeric.
    """
    if not hasattr(X, "columns"):
        values = np.asarray(X, dtype=float)
        if values.ndim != 2:
            raise StudyError(f"a model needs a table of rows and columns, not an array of shape {values.shape}")
        names = [f"x{i}" for i in range(values.shape[1])]
        if features is None:
            return values, names
        unknown = [name for name in features if name not in names]
        if unknown:
            raise StudyError(f"the columns {unknown} were asked for by name, but the table is a bare array")
        return values[:, [names.index(name) for name in features]], list(features)
    written = {str(column): column for column in X.columns}  # a table may number its columns
    names = list(written) if features is None else list(features)
    absent = [name for name in names if name not in written]
    if absent:
        known = ", ".join(str(c) for c in X.columns)
        raise StudyError(f"the table has no column '{absent[0]}' that the model needs; its columns are: {known}")
    out = np.empty((len(X), len(names)))
    for i, name in enumerate(names):
        try:
            out[:, i] = X[written[name]].to_numpy(dtype=float, na_value=np.nan)
        except (TypeError, ValueError) as error:
            raise StudyError(f"the column '{name}' isn't numeric, so no model can use it") from error
    return out, names


class ColumnModel(RegressorMixin, BaseEstimator):
    """A model that sees chosen columns, imputed, screened and scaled within its own training rows.

    The steps of ``fit``, each learnt from the training rows only: select the columns; replace a missing value
    by the column's median; drop constant (or wholly missing) columns; Pearson screen; scale to mean 0 and
    standard deviation 1; optionally the same for the target. If no column is left the model predicts the mean.
    Weights of rows reach the model (and that mean), not these steps.

    Parameters
    ----------
    model : scikit-learn regressor
        Works on arrays.
    features : list of str, optional
        Columns, in the order of preference of the screen; all columns if None.
    screen : float, optional
        Largest |Pearson r| between two columns; no screen if None.
    scale_target : bool
        Hand the model a target of mean 0 and standard deviation 1, for models whose settings carry its scale.

    Attributes
    ----------
    columns_ : list of str
        Columns that the model sees in the end.
    n_imputed_ : int
        Missing values replaced in the training rows.
    """

    blueprints: ClassVar[tuple[str, ...]] = ("model",)

    def __init__(
        self,
        model: Any,
        features: list[str] | None = None,
        screen: float | None = None,
        scale_target: bool = False,
    ) -> None:
        self.model = model
        self.features = features
        self.screen = screen
        self.scale_target = scale_target

    def columns_read(self, columns: Sequence[str]) -> set[str]:
        """Columns of a table that it looks at."""
        return set(columns if self.features is None else self.features)

    def exact_terms(self) -> Iterator[Term]:
        """Terms of the fitted model inside; see `terms_inside`."""
        if self.model_ is not None:
            take = remembered(self.transform)
            yield from scaled(array_terms(self.model_, tuple(self.columns_), take), self.target_scale_)

    def _prepare(
        self, X: Any, y: ArrayLike, sample_weight: FloatArray | None, y_sd: FloatArray | None
    ) -> tuple[FloatArray, FloatArray]:
        values, names = select_columns(X, self.features)
        target = np.asarray(y, dtype=float)
        if not np.all(np.isfinite(target)):
            raise StudyError("the target has missing or infinite values; leave these rows out before fitting")
        missing = ~np.isfinite(values)
        if np.isinf(values).any():
            column = names[int(np.flatnonzero(np.isinf(values).any(axis=0))[0])]
            raise StudyError(f"the column '{column}' has an infinite value")
        self.n_imputed_ = int(missing.sum())
        some = ~missing.all(axis=0)
        self.medians_ = np.zeros(values.shape[1])
        if some.any():
            self.medians_[some] = np.nanmedian(values[:, some], axis=0)
        filled = np.where(missing, self.medians_, values)
        # Without a screen only constant columns go: no |r| exceeds 1.
        self.kept_ = choose_columns(filled, 1.0 if self.screen is None else self.screen)[0]
        self.columns_ = [names[c] for c in self.kept_]
        kept = filled[:, self.kept_]
        self.mean_, self.deviation_ = kept.mean(axis=0), kept.std(axis=0)
        self.target_mean_ = float(np.average(target, weights=row_weights(target, sample_weight, y_sd)))
        self.target_spread_ = float(target.std())
        self.target_scale_ = self.target_spread_ if self.scale_target and self.target_spread_ > 0 else 1.0
        if self.scale_target:
            target = (target - self.target_mean_) / self.target_scale_
        self.n_features_in_ = X.shape[1]
        return (kept - self.mean_) / self.deviation_, target

    def fit(
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None, y_sd: ArrayLike | None = None
    ) -> ColumnModel:
        """Learn from training rows: X of shape (n_rows, n_columns), y, weights and uncertainties of shape (n_rows,)."""
        weights, sd = checked_weights(sample_weight, len(X)), checked_y_sd(y_sd, len(X))
        values, target = self._prepare(X, y, weights, sd)
        scaled = None if sd is None else sd / self.target_scale_
        self.model_ = fit_with(clone(self.model), values, target, weights, scaled) if self.columns_ else None
        return self

    def fit_many(
        self,
        X: Any,
        y: ArrayLike,
        trains: Sequence[NDArray[np.int64]],
        groups: ArrayLike | None = None,
        sample_weight: FloatArray | None = None,
        y_sd: FloatArray | None = None,
    ) -> list[ColumnModel]:
        """One fitted clone for each training set; a model with ``fit_sets`` gets all sets in one call."""
        target = np.asarray(y, dtype=float)
        fitted = [clone(self) for _ in trains]
        if not hasattr(self.model, "fit_sets"):
            for model, rows in zip(fitted, trains, strict=True):
                model.fit(take(X, rows), target[rows], part_of(sample_weight, rows), part_of(y_sd, rows))
            return fitted
        weights = [part_of(sample_weight, rows) for rows in trains]
        sds = [part_of(y_sd, rows) for rows in trains]
        prepared = [
            model._prepare(take(X, rows), target[rows], weight, sd)
            for model, rows, weight, sd in zip(fitted, trains, weights, sds, strict=True)
        ]
        able = [i for i, model in enumerate(fitted) if model.columns_]
        scaled = [None if (sd := sds[i]) is None else sd / fitted[i].target_scale_ for i in able]
        inner = self.model.fit_sets([prepared[i] for i in able], [weights[i] for i in able], scaled)
        for model in fitted:
            model.model_ = None
        for i, model in zip(able, inner, strict=True):
            fitted[i].model_ = model
        return fitted

    def transform(self, X: Any) -> FloatArray:
        """Return what the fitted model sees of new rows, shape (n_rows, n_kept)."""
        check_is_fitted(self)
        values, _ = select_columns(X, self.features)
        filled = np.where(np.isfinite(values), values, self.medians_)[:, self.kept_]
        return np.asarray((filled - self.mean_) / self.deviation_)

    def predict(self, X: Any) -> FloatArray:
        """Predictions, shape (n_rows,)."""
        values = self.transform(X)
        if self.model_ is None:
            return np.full(len(values), self.target_mean_)
        predicted = np.asarray(self.model_.predict(values), dtype=float).reshape(len(values))
        if self.scale_target:
            predicted = predicted * self.target_scale_ + self.target_mean_
        return predicted

    def predict_spread(self, X: Any) -> tuple[FloatArray, FloatArray | None]:
        """Predictions and the model's own standard deviation of each; see `predict_with_spread`."""
        if self.model_ is None:
            return self.predict(X), np.full(len(X), self.target_spread_)
        mean, sd = predict_with_spread(self.model_, self.transform(X))
        if self.scale_target:
            mean = mean * self.target_scale_ + self.target_mean_
        return mean, None if sd is None else sd * self.target_scale_
