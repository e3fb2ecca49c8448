"""Class means with one physical quantity between them: a threshold, a soft step, or a law with its exponent given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp, ndtr
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from perospin.errors import StudyError
from perospin.learning.estimators.columns import select_columns
from perospin.learning.estimators.kinds.kind import Kind
from perospin.learning.estimators.kinds.terms import Term, table_term
from perospin.learning.estimators.rules import CLASS_COLUMNS, spacer_classes
from perospin.learning.options import Option
from perospin.learning.training.weights import row_weights

__all__ = ["ClassLaw", "ClassStep"]

SPACING, SPACING_SD, EXCHANGE = "single_layer_spacing_a", "single_layer_spacing_sd_a", "exchange_log10"

FloatArray = NDArray[np.float64]

_GRID = np.linspace(-2.5, 2.5, 41)
"""Thresholds that are averaged over, in prior standard deviations about the middle."""
_LEVEL_SD = 1.0
"""Prior standard deviation of a level about the mean of all rows, in standard deviations of the target."""


class ClassStep(RegressorMixin, BaseEstimator):
    r"""Two levels: the upper one for n = 1 with a monovalent spacer **and** layers far apart.

    .. math:: y = s + p(x)\,(f - s),\qquad p = \Phi\!\left(\frac{x - d}{\sqrt{w^2 + \sigma_x^2}}\right)

    x is the predicted layer spacing, for the class n = 1 with a monovalent spacer; p = 0 for all other rows. With
    ``threshold_sd = 0`` and ``width = 0`` it is the rule of three lines. With a prior on the threshold d the prediction
    is averaged over it: every d counts by how well the two levels explain the training rows (normal levels, variance
    integrated out).

    Parameters
    ----------
    threshold : float
        Middle of d (A).
    threshold_sd : float
        Prior standard deviation of d (A); 0 holds it.
    width : float
        w (A).
    uncertain : bool
        Whether the standard deviation of the predicted spacing widens the step.
    """

    about: ClassVar[Kind] = Kind(
        "class_step",
        "two levels; the upper one for n = 1, a monovalent spacer and layers farther apart than a threshold",
        {
            "threshold": Option(11.5, "layer spacing at the step (A)", low=0.0, high=100.0),
            "threshold_sd": Option(
                0.0, "prior standard deviation of the threshold (A); 0 holds it", low=0.0, high=50.0
            ),
            "width": Option(0.0, "width of the step (A)", low=0.0, high=50.0),
            "uncertain": Option(False, "whether the uncertainty of the spacing widens the step"),
        },
        on_columns=False,
        reads=(*CLASS_COLUMNS, SPACING, SPACING_SD),
        names_columns=False,
    )

    def __init__(
        self, threshold: float = 11.5, threshold_sd: float = 0.0, width: float = 0.0, uncertain: bool = False
    ) -> None:
        self.threshold = threshold
        self.threshold_sd = threshold_sd
        self.width = width
        self.uncertain = uncertain

    def columns_read(self, columns: Sequence[str]) -> set[str]:
        """Columns of a table that it looks at."""
        return {*CLASS_COLUMNS, SPACING, *([SPACING_SD] if self.uncertain else [])}

    def exact_terms(self) -> Iterator[Term]:
        """Terms of the fitted step; see `terms_inside`."""
        yield table_term(self.predict, (*CLASS_COLUMNS, SPACING, *([SPACING_SD] if self.uncertain else [])))

    def _shares(self, X: Any) -> FloatArray:
        """Share p of the upper level for each threshold of the grid, shape (n_thresholds, n_rows)."""
        fast, share = self._fast_shares(X)
        found = np.zeros((len(share), len(fast)))
        found[:, fast] = share
        return found

    def _fast_shares(self, X: Any) -> tuple[NDArray[np.bool_], FloatArray]:
        """Which rows may reach the upper level, and their shares; all others stand on the lower one."""
        values, _ = select_columns(X, [SPACING, SPACING_SD] if self.uncertain else [SPACING])
        fast = spacer_classes(X) == 1
        values = values[fast]
        x = values[:, 0]
        sd = values[:, 1] if self.uncertain else np.zeros(len(x))
        spread = np.sqrt(self.width**2 + np.nan_to_num(sd) ** 2)
        away = x[None, :] - self._thresholds()[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(spread > 0, ndtr(away / np.where(spread > 0, spread, 1.0)), (away > 0).astype(float))
        return fast, np.asarray(np.nan_to_num(share, nan=1.0))

    def _thresholds(self) -> FloatArray:
        if not (self.threshold_sd >= 0 and self.width >= 0):
            raise StudyError("threshold_sd and width of a class step must be at least 0")
        return self.threshold + self.threshold_sd * (_GRID if self.threshold_sd > 0 else np.zeros(1))

    def fit(
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None, y_sd: ArrayLike | None = None
    ) -> ClassStep:
        """Learn both levels, and the weight of each threshold, from the training rows."""
        target = np.asarray(y, dtype=float)
        weights = row_weights(target, sample_weight, y_sd)
        w = np.ones(len(target)) if weights is None else weights
        middle = float(np.average(target, weights=w))
        scale = float(np.sqrt(np.average((target - middle) ** 2, weights=w))) or 1.0
        z = (target - middle) / scale
        levels, log_weights = [], []
        for threshold, share in zip(self._thresholds(), self._shares(X), strict=True):
            design = np.stack([1.0 - share, share], axis=1)
            precision = design.T @ (w[:, None] * design) + np.eye(2) / _LEVEL_SD**2
            about = design.T @ (w * z)
            level = np.linalg.solve(precision, about)
            rest = float(w @ z**2 - about @ level)
            prior = 0.0
            if self.threshold_sd > 0:
                prior = -0.5 * ((threshold - self.threshold) / self.threshold_sd) ** 2
            evidence = -0.5 * np.linalg.slogdet(precision)[1] - 0.5 * (len(z) + 1.0) * np.log(0.5 * (rest + 1.0))
            levels.append(middle + scale * level)
            log_weights.append(prior + float(evidence))
        self.weights_ = np.exp(np.array(log_weights) - logsumexp(log_weights))
        self.levels_ = np.array(levels)
        residual = target - self.predict(X)
        self.spread_ = float(np.sqrt(np.average(residual**2, weights=w) * len(z) / max(len(z) - 2, 1)))
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Mean over the thresholds, shape (n_rows,); with `return_std` also the scatter, thresholds included."""
        check_is_fitted(self, "levels_")
        fast, share = self._fast_shares(X)
        place = np.zeros(len(fast), dtype=np.int64)  # all rows of the lower level are one
        place[fast] = np.arange(1, share.shape[1] + 1)
        share = np.column_stack([np.zeros(len(share)), share])
        each = self.levels_[:, :1] * (1.0 - share) + self.levels_[:, 1:] * share
        mean = self.weights_ @ each
        if not return_std:
            return mean[place]
        between = self.weights_ @ (each - mean) ** 2
        return mean[place], np.sqrt(self.spread_**2 + between)[place]


class ClassLaw(RegressorMixin, BaseEstimator):
    """Class means of what a law leaves over: y minus a column for n = 1 with a monovalent spacer, y for all others.

    The column holds the logarithm that the law gives (for example two times log10 of a binding energy over that of a
    reference), so its exponent is the law's and nothing but the level is learnt.

    """

    about: ClassVar[Kind] = Kind(
        "class_law",
        "class means of what the exciton-exchange law at the predicted layer spacing leaves over",
        on_columns=False,
        reads=(*CLASS_COLUMNS, EXCHANGE),
        names_columns=False,
    )

    def columns_read(self, columns: Sequence[str]) -> set[str]:
        """Columns of a table that it looks at."""
        return {*CLASS_COLUMNS, EXCHANGE}

    def exact_terms(self) -> Iterator[Term]:
        """Terms of the fitted law; see `terms_inside`."""
        yield table_term(self.predict, (*CLASS_COLUMNS, EXCHANGE))

    def _law(self, X: Any) -> tuple[FloatArray, NDArray[np.int64]]:
        values, _ = select_columns(X, [EXCHANGE])
        classes = spacer_classes(X)
        return np.where(classes == 1, np.nan_to_num(values[:, 0]), 0.0), classes

    def fit(
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None, y_sd: ArrayLike | None = None
    ) -> ClassLaw:
        """Average what the law leaves over within each class."""
        target = np.asarray(y, dtype=float)
        weights = row_weights(target, sample_weight, y_sd)
        w = np.ones(len(target)) if weights is None else weights
        law, classes = self._law(X)
        left = target - law
        everything = float(np.average(left, weights=w))
        own = [classes == c for c in (0, 1)]
        self.levels_ = np.array([np.average(left[m], weights=w[m]) if w[m].sum() > 0 else everything for m in own])
        self.spread_ = float(np.sqrt(np.average((left - self.levels_[classes]) ** 2, weights=w)))
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Level of the class plus the law, shape (n_rows,); with `return_std` also the scatter."""
        check_is_fitted(self, "levels_")
        law, classes = self._law(X)
        mean = self.levels_[classes] + law
        return (mean, np.full(len(mean), self.spread_)) if return_std else mean
