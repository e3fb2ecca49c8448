"""Evaluation of an estimator under a validation scheme.

R2 is 1 - SSE / sum (y - reference)^2. What the reference is belongs to the scheme: the mean of all scored rows
where every row is scored equally often (leave-one-out, leave-one-group-out, repeated k-fold), the training mean of
the fold where rows are scored by lot (repeated hold-out, pooled) or the future is scored (forward in time), the mean
of the test rows for one tagged split.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perospin.errors import StudyError
from perospin.learning.training.folds import Progress, fit_each, take
from perospin.learning.validation.metrics import Scores, r2_score, score
from perospin.learning.validation.schemes import (
    IntArray,
    Scheme,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Evaluation", "evaluate"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Predictions of one estimator under one scheme.

    Attributes
    ----------
    estimator_name : str
        Name of the estimator.
    scheme : Scheme
        How rows were split.
    rows, fold : ndarray of int, shape (n_predictions,)
        Row of the table and fold of each prediction.
    y_true, y_pred, y_reference : ndarray, shape (n_predictions,)
        Truth, prediction and reference of R2, in the target space.
    y : ndarray, shape (n_rows,)
        The whole target column.
    """

    estimator_name: str
    scheme: Scheme
    rows: IntArray
    fold: IntArray
    y_true: FloatArray
    y_pred: FloatArray
    y_reference: FloatArray
    y: FloatArray

    def scores(self, inverse: Callable[[FloatArray], FloatArray] | None = None) -> Scores:
        """Scores in the target space and, with `inverse` (for example ``10**y``), in the original space."""
        return self._score(np.arange(len(self.rows)), self.scheme.label, inverse)

    def scores_where(
        self,
        kept: NDArray[np.bool_],
        remark: str,
        inverse: Callable[[FloatArray], FloatArray] | None = None,
    ) -> Scores:
        """Scores of some predictions only (`kept`, shape (n_predictions,)); `remark` says which in the label."""
        chosen = np.flatnonzero(kept)
        if chosen.size == 0:
            raise StudyError("no prediction is left to score")
        return self._score(chosen, f"{self.scheme.label}, {remark}", inverse)

    def squared_error(self, kept: NDArray[np.bool_] | None = None) -> float:
        """Sum over rows of the mean squared error of each row, in the target space.

        A row that is scored several times counts once, so that schemes can be compared. `kept`, shape (n_rows,): sum
        over these rows only.
        """
        count = np.bincount(self.rows, minlength=len(self.y))
        total = np.bincount(self.rows, weights=(self.y_pred - self.y_true) ** 2, minlength=len(self.y))
        chosen = count > 0 if kept is None else (count > 0) & kept
        return float(np.sum(total[chosen] / count[chosen]))

    def _score(self, kept: IntArray, label: str, inverse: Callable[[FloatArray], FloatArray] | None) -> Scores:
        original = None if inverse is None else self._reference(np.asarray(inverse(self.y)), kept)
        return score(
            self.y_true[kept],
            self.y_pred[kept],
            self._reference(self.y, kept),
            estimator=self.estimator_name,
            scheme=label,
            in_sample=self.scheme.in_sample,
            n_rows=len(np.unique(self.rows[kept])),
            inverse=inverse,
            reference_original=original,
        )

    def _reference(self, y: FloatArray, kept: IntArray) -> FloatArray:
        return _reference_values(self.scheme, y, self.rows[kept], self.fold[kept])

    def reference(self, inverse: Callable[[FloatArray], FloatArray] | None = None) -> FloatArray:
        """Return the reference of R2 for each prediction, shape (n_predictions,); `inverse`: in the original space."""
        y = self.y if inverse is None else np.asarray(inverse(self.y))
        return self._reference(y, np.arange(len(self.rows)))

    def fold_r2(self) -> FloatArray:
        """R2 of each fold alone, against the mean of its test rows; NaN for folds of one row."""
        true, predicted = self.y_true, self.y_pred
        out = np.full(len(self.scheme), np.nan)
        for number in range(len(self.scheme)):
            here = self.fold == number
            if here.sum() > 1:
                out[number] = r2_score(true[here], predicted[here], np.full(here.sum(), true[here].mean()))
        return out

    def residual_by_row(self) -> FloatArray:
        """Mean of prediction minus truth for each row of the table, shape (n_rows,); NaN for rows never scored."""
        count = np.bincount(self.rows, minlength=len(self.y))
        total = np.bincount(self.rows, weights=self.y_pred - self.y_true, minlength=len(self.y))
        return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))

    def to_frame(self) -> pd.DataFrame:
        """One row a prediction: row, fold, y_true, y_pred, y_reference."""
        import pandas as pd

        names = ("rows", "fold", "y_true", "y_pred", "y_reference")
        return pd.DataFrame({("row" if n == "rows" else n): getattr(self, n) for n in names})

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, from which `from_dict` makes the same evaluation."""
        return {
            "estimator_name": self.estimator_name,
            "scheme": self.scheme.to_dict(),
            "y": self.y.tolist(),
            "y_pred": self.y_pred.tolist(),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Evaluation:
        """Rebuild the evaluation that `to_dict` described."""
        scheme = Scheme.from_dict(values["scheme"])
        return _assemble(
            values["estimator_name"], scheme, np.asarray(values["y"], float), np.asarray(values["y_pred"], float)
        )


def _reference_values(scheme: Scheme, y: FloatArray, rows: IntArray, fold: IntArray) -> FloatArray:
    if scheme.reference == "all":
        return np.full(len(rows), y[rows].mean() if len(rows) else np.nan)
    if scheme.reference == "train":
        means = np.array([y[split.train].mean() for split in scheme.splits])
    else:
        scored = [y[rows[fold == number]] for number in range(len(scheme))]
        means = np.array([part.mean() if part.size else np.nan for part in scored])
    return np.asarray(means[fold])


def _assemble(name: str, scheme: Scheme, y: FloatArray, y_pred: FloatArray) -> Evaluation:
    rows = np.concatenate([split.test for split in scheme.splits])
    fold = np.repeat(np.arange(len(scheme)), [len(split.test) for split in scheme.splits])
    return Evaluation(
        estimator_name=name,
        scheme=scheme,
        rows=rows,
        fold=fold,
        y_true=y[rows],
        y_pred=y_pred,
        y_reference=_reference_values(scheme, y, rows, fold),
        y=y,
    )


def evaluate(
    estimator: Any,
    X: pd.DataFrame | NDArray[Any],
    y: ArrayLike,
    scheme: Scheme,
    *,
    groups: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    y_sd: ArrayLike | None = None,
    limit: ArrayLike | None = None,
    progress: Progress | None = None,
    name: str | None = None,
    models: Sequence[Any] | None = None,
) -> Evaluation:
    """Fit the estimator on each fold's training rows and predict its test rows.

    Parameters
    ----------
    estimator : scikit-learn regressor
        Cloned for each fold; never fitted itself. A method ``fit_many(X, y, trains)`` is used where it exists.
    X : DataFrame or ndarray, shape (n_rows, n_columns)
        Everything the model may know about each row.
    y : array_like, shape (n_rows,)
        Target, already in the space to learn in.
    scheme : Scheme
        The folds.
    groups : array_like, shape (n_rows,), optional
        Handed (training rows only) to estimators that tune themselves, so that their inner folds are grouped.
    sample_weight, y_sd : array_like, shape (n_rows,), optional
        How much each row counts when the estimator is fitted, and the standard deviation of its target in the target
        space. Scores count every row alike.
    limit : array_like of int, shape (n_rows,), optional
        As for `fit_each`; the scheme must not score a row with a limit (`scored_only`).
    progress : callable, optional
        Called as ``progress(folds_done, folds_in_all)``.
    name : str, optional
        Name of the estimator in the result; its class name if absent.
    models : sequence, optional
        Already fitted models, one a fold, from `fit_each`; the estimator isn't fitted again then.

    Returns
    -------
    Evaluation

    Raises
    ------
    StudyError
        If X, y, groups and the scheme don't fit together, or y isn't finite.
    """
    target = _checked_target(X, y, scheme, groups)
    if models is None:
        models = fit_each(
            estimator,
            X,
            target,
            scheme.trains,
            groups=groups,
            sample_weight=sample_weight,
            y_sd=y_sd,
            limit=limit,
            progress=progress,
        )
    elif len(models) != len(scheme):
        raise StudyError(f"{len(models)} fitted models were given for {len(scheme)} folds")
    predictions = [
        np.asarray(model.predict(take(X, split.test)), dtype=float).reshape(len(split.test))
        for model, split in zip(models, scheme.splits, strict=True)
    ]
    return _assemble(name or type(estimator).__name__, scheme, target, np.concatenate(predictions))


def _checked_target(X: Any, y: ArrayLike, scheme: Scheme, groups: ArrayLike | None) -> FloatArray:
    target = np.array(y, dtype=float)
    if target.ndim != 1 or len(X) != len(target):
        raise StudyError(f"the table has {len(X)} rows but the target has shape {target.shape}")
    if not np.all(np.isfinite(target)):
        bad = np.flatnonzero(~np.isfinite(target)).tolist()
        raise StudyError(f"the target is missing or infinite in rows {bad}; leave these rows out before evaluating")
    if groups is not None and len(np.asarray(groups)) != len(target):
        raise StudyError(f"{len(np.asarray(groups))} groups were given for {len(target)} rows")
    last = max(max(split.train.max(), split.test.max()) for split in scheme.splits)
    if last >= len(target):
        raise StudyError(f"the scheme '{scheme.label}' names row {last}, the table has {len(target)} rows")
    target.flags.writeable = False
    return target
