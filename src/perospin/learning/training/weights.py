"""What is known of each row beside its target: how much it counts, and how far its target may be off."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from sklearn.utils.validation import has_fit_parameter

from perospin.errors import StudyError

__all__ = ["checked_weights", "checked_y_sd", "fit_with", "part_of", "row_weights", "scatter_beyond", "supports"]

FloatArray = NDArray[np.float64]


def checked_weights(sample_weight: ArrayLike | None, n_rows: int) -> FloatArray | None:
    """Weights as numbers, shape (n_rows,); None stays None.

    Raises
    ------
    StudyError
        Unless there is one finite weight >= 0 for each row, and one above 0.
    """
    if sample_weight is None:
        return None
    weights = np.asarray(sample_weight, dtype=float)
    if weights.ndim == 0:  # scikit-learn allows one number for all rows
        weights = np.full(n_rows, float(weights))
    if weights.shape != (n_rows,):
        raise StudyError(f"{n_rows} rows need {n_rows} weights, not an array of shape {weights.shape}")
    if not (np.isfinite(weights).all() and (weights >= 0).all() and (weights > 0).any()):
        raise StudyError("row weights must be finite numbers of at least 0, and not all 0")
    return weights


def checked_y_sd(y_sd: ArrayLike | None, n_rows: int) -> FloatArray | None:
    """Return the standard deviations of the targets as numbers, shape (n_rows,); None stays None, and so does all 0.

    Raises
    ------
    StudyError
        Unless there is one finite standard deviation >= 0 for each row.
    """
    if y_sd is None:
        return None
    sd = np.asarray(y_sd, dtype=float)
    if sd.shape != (n_rows,):
        raise StudyError(f"{n_rows} rows need {n_rows} target uncertainties, not an array of shape {sd.shape}")
    if not (np.isfinite(sd).all() and (sd >= 0).all()):
        raise StudyError("the uncertainty of a target (y_sd) must be a finite number of at least 0 in every row")
    return sd if sd.any() else None


def scatter_beyond(y: FloatArray, y_sd: FloatArray) -> float:
    """Variance of the targets that their own uncertainties don't explain.

    The root tau^2 of sum_i (y_i - m)^2 / (tau^2 + sd_i^2) = n - 1, m the mean weighted by 1 / (tau^2 + sd_i^2);
    0 if the uncertainties explain all scatter (Paule and Mandel, J. Res. Natl. Bur. Stand. 87, 377 (1982)).
    """

    def excess(variance: float) -> float:
        weights = 1.0 / (variance + y_sd**2)
        mean = float(weights @ y) / float(weights.sum())
        return float(weights @ (y - mean) ** 2) - (len(y) - 1)

    top = float(np.var(y)) * len(y)
    least = 1e-12 * top
    if not top > 0 or excess(least) <= 0 or excess(top) >= 0:
        return max(least, 0.0)
    return float(brentq(excess, least, top, xtol=1e-12 * top, rtol=1e-10))


def row_weights(y: ArrayLike, sample_weight: ArrayLike | None, y_sd: ArrayLike | None) -> FloatArray | None:
    """One weight a row for estimators without a model of noise; None if every row counts the same.

    A target of uncertainty sd counts 1 / (tau^2 + sd^2), scaled to mean 1, with tau^2 the scatter of the targets
    beyond their uncertainties (`scatter_beyond`). This is cautious: what a model will explain counts as scatter too,
    so that one row printed with a tiny error can't outvote the table.

    Parameters
    ----------
    y, sample_weight, y_sd : array_like, shape (n_rows,), or None
        Targets of the training rows, their weights, and their uncertainties.
    """
    target = np.asarray(y, dtype=float)
    weights = checked_weights(sample_weight, len(target))
    sd = checked_y_sd(y_sd, len(target))
    if sd is None:
        return weights
    variance = scatter_beyond(target, sd) + sd**2
    precision = 1.0 / np.maximum(variance, 1e-12 * float(variance.max()))
    precision /= precision.mean()
    return precision if weights is None else weights * precision


def part_of(values: FloatArray | None, rows: NDArray[np.int64]) -> FloatArray | None:
    """Entries of the given rows; None stays None."""
    return None if values is None else values[rows]


def supports(estimator: Any, what: str) -> bool:
    """Whether an estimator can be fitted with ``sample_weight`` or ``y_sd`` (which may be turned into weights)."""
    return has_fit_parameter(estimator, what) or (what == "y_sd" and has_fit_parameter(estimator, "sample_weight"))


def fit_with(
    estimator: Any,
    X: Any,
    y: FloatArray,
    sample_weight: FloatArray | None = None,
    y_sd: FloatArray | None = None,
    groups: NDArray[Any] | None = None,
    limit: NDArray[np.int64] | None = None,
) -> Any:
    """Fit with what is given and known to the estimator's ``fit``; returns the estimator.

    `y_sd` becomes weights (`row_weights`) for estimators that only know ``sample_weight``; `groups` and `limit`
    go only to estimators that ask for them.

    Raises
    ------
    StudyError
        If rows are weighted, or have uncertainties, and the estimator can't take that into account.
    """
    more: dict[str, Any] = {}
    if groups is not None and has_fit_parameter(estimator, "groups"):
        more["groups"] = groups
    if limit is not None:
        more["limit"] = limit
    knows_sd = has_fit_parameter(estimator, "y_sd")
    if y_sd is not None and knows_sd:
        more["y_sd"] = y_sd
    weights = sample_weight if knows_sd else row_weights(y, sample_weight, y_sd)
    if weights is not None:
        if not has_fit_parameter(estimator, "sample_weight"):
            raise StudyError(
                f"{type(estimator).__name__} treats all rows alike; leave out the weights and uncertainties of rows"
            )
        more["sample_weight"] = weights
    return estimator.fit(X, y, **more)
