"""How good a prediction is, always together with how it was made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Scores", "r2_score", "typical_factor"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class Scores:
    """Scores of one evaluation; they know their scheme and never print without it.

    Attributes
    ----------
    estimator, scheme : str
        Names of the estimator and, in words, of the validation scheme.
    in_sample : bool
        True if the model was scored on rows it was trained on: no statement about new materials.
    n_predictions, n_rows : int
        Scored predictions, and distinct rows among them (repeated hold-out scores a row many times).
    r2, mse, mae : float
        In the target space (for example log10 of a rate in 1/ps).
    r2_original, mse_original, mae_original : float or None
        After the inverse transform, without smearing correction; None if no inverse was given.
    typical_factor : float or None
        Median ratio between prediction and truth in the original space, >= 1; None if not defined.
    """

    estimator: str
    scheme: str
    in_sample: bool
    n_predictions: int
    n_rows: int
    r2: float
    mse: float
    mae: float
    r2_original: float | None = None
    mse_original: float | None = None
    mae_original: float | None = None
    typical_factor: float | None = None

    def __str__(self) -> str:
        parts = [f"R2 = {self.r2:.2f}", f"MSE = {self.mse:.3g}", f"MAE = {self.mae:.3g}"]
        if self.r2_original is not None:
            parts.append(f"R2 of the original quantity = {self.r2_original:.2f}")
        if self.typical_factor is not None:
            parts.append(f"typical factor {self.typical_factor:.2f}")
        warning = " [in sample: says nothing about new materials]" if self.in_sample else ""
        rows = f"{self.n_rows} rows"
        if self.n_predictions != self.n_rows:
            rows = f"{self.n_predictions} predictions of {rows}"
        return f"{self.estimator}, {self.scheme} ({rows}): {', '.join(parts)}{warning}"

    __repr__ = __str__

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def to_dict(self) -> dict[str, Any]:
        """Every field, the scheme included, as plain values."""
        return asdict(self)


def r2_score(y_true: ArrayLike, y_pred: ArrayLike, y_reference: ArrayLike) -> float:
    """R2 = 1 - sum (y - prediction)^2 / sum (y - reference)^2.

    Parameters
    ----------
    y_true, y_pred, y_reference : array_like, shape (n_predictions,)
        Truth, prediction, and what a model without features would say about each row.

    Returns
    -------
    float
        NaN if the reference is perfect (nothing to explain).
    """
    y, prediction, reference = (np.asarray(a, dtype=float) for a in (y_true, y_pred, y_reference))
    total = float(np.sum((y - reference) ** 2))
    if total <= 0.0:
        return float("nan")
    return 1.0 - float(np.sum((y - prediction) ** 2)) / total


def typical_factor(true: ArrayLike, predicted: ArrayLike) -> float | None:
    """Median of max(prediction / truth, truth / prediction); None unless all values are positive."""
    t, p = np.asarray(true, dtype=float), np.asarray(predicted, dtype=float)
    if t.size == 0 or not (np.all(t > 0) and np.all(p > 0)):
        return None
    return float(np.exp(np.median(np.abs(np.log(p) - np.log(t)))))


def score(
    y_true: FloatArray,
    y_pred: FloatArray,
    y_reference: FloatArray,
    *,
    estimator: str,
    scheme: str,
    in_sample: bool,
    n_rows: int,
    inverse: Callable[[FloatArray], FloatArray] | None = None,
    reference_original: FloatArray | None = None,
) -> Scores:
    """Scores in the target space and, with `inverse`, in the original space.

    `reference_original` is the reference in the original space: the mean of inverted targets, which is not
    the inverse of the mean.
    """
    error = y_pred - y_true
    values: dict[str, Any] = {}
    if inverse is not None and reference_original is not None:
        true, predicted = np.asarray(inverse(y_true)), np.asarray(inverse(y_pred))
        values = {
            "r2_original": r2_score(true, predicted, reference_original),
            "mse_original": float(np.mean((predicted - true) ** 2)),
            "mae_original": float(np.mean(np.abs(predicted - true))),
            "typical_factor": typical_factor(true, predicted),
        }
    return Scores(
        estimator=estimator,
        scheme=scheme,
        in_sample=in_sample,
        n_predictions=len(y_true),
        n_rows=n_rows,
        r2=r2_score(y_true, y_pred, y_reference),
        mse=float(np.mean(error**2)),
        mae=float(np.mean(np.abs(error))),
        **values,
    )
