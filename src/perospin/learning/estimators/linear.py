"""Ridge regression that knows how far a prediction may be off."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn.linear_model import Ridge
from sklearn.utils.validation import check_is_fitted

from perospin.learning.estimators.kinds.frozen import FrozenLine
from perospin.learning.estimators.kinds.kind import Kind
from perospin.learning.options import Option

__all__ = ["SpreadRidge"]


class SpreadRidge(Ridge):
    """scikit-learn's ridge regression with a standard deviation for each prediction.

    The variance of a new row's target is s^2 (1 + 1 / W + d' (X'VX + alpha)^-1 d): X the training rows about their
    (weighted) mean, V their weights of sum W, d the new row about the same mean, and s^2 the weighted residual sum of
    squares over the rows less the effective parameters, tr[(X'VX + alpha)^-1 X'VX] + 1 (Hastie, Tibshirani and
    Friedman, The Elements of Statistical Learning (2009), 3.4.1; the posterior of a Gaussian prior on the slopes).
    """

    about: ClassVar[Kind] = Kind(
        "ridge",
        "linear least squares with an L2 penalty",
        {"alpha": Option(1.0, "weight of the penalty on the squares of the slopes", low=0.0)},
        references=("Hoerl1970Ridge", "Pedregosa2011Sklearn"),
    )

    def frozen_numbers(self) -> FrozenLine:
        """Return the numbers that the fitted model predicts with, for a file."""
        slopes = np.asarray(self.coef_, dtype=float)
        spread = (self.centre_, self.covariance_, float(self.noise_), float(self.total_weight_))
        return FrozenLine(slopes, float(self.intercept_), *spread)

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> SpreadRidge:
        """Learn from X of shape (n_rows, n_features) and y of shape (n_rows,)."""
        super().fit(X, y, sample_weight=sample_weight)
        values, target = np.asarray(X, dtype=float), np.asarray(y, dtype=float)
        weights = np.broadcast_to(1.0 if sample_weight is None else np.asarray(sample_weight, dtype=float), len(values))
        self.centre_ = np.average(values, axis=0, weights=weights)
        about = values - self.centre_
        gram = about.T @ (weights[:, None] * about)
        self.covariance_ = np.linalg.pinv(gram + float(self.alpha) * np.eye(len(gram)))
        effective = float(np.trace(self.covariance_ @ gram)) + 1.0
        residual = target - super().predict(X)
        freedom = max(float(np.count_nonzero(weights)) - effective, 1.0)
        self.noise_ = float(weights @ residual**2) / freedom
        self.total_weight_ = float(weights.sum())
        return self

    def predict(self, X: ArrayLike, return_std: bool = False) -> Any:
        """Prediction, shape (n_rows,), and with `return_std` the standard deviation of a new target there."""
        mean = super().predict(X)
        if not return_std:
            return mean
        check_is_fitted(self, "covariance_")
        away = np.asarray(X, dtype=float) - self.centre_
        leverage = np.einsum("ij,jk,ik->i", away, self.covariance_, away)
        return mean, np.sqrt(self.noise_ * (1.0 + 1.0 / self.total_weight_ + leverage))
