"""Prediction intervals around any estimator: jackknife+ and CV+, grouped, normalised by the model's own spread.

Each fold's model predicts the new material; the residuals of the rows that this model did not see are added and
subtracted (Barber, Candes, Ramdas and Tibshirani, Ann. Stat. 2021, 49, 486: jackknife+ where every fold holds one
row, CV+ otherwise). Two refinements:

- *Groups.* If folds are groups (spacers, cations, sources), it is the groups that are exchangeable, not their rows:
  the question is what the next spacer will do. Every group then carries the same weight, shared by its rows (Dunn,
  Wasserman and Ramdas, JASA 2023, 118, 2491, "pooling"). Putting the whole weight 1 / (K + 1) of a new group at
  infinity would turn the usual coverage into a guarantee (Lee, Barber and Willett, arXiv:2306.06342), but covers up to
  1 / (K + 1) too much on groups of many rows; here one row's weight lies there.
- *Normalised residuals.* Where a model states a spread s(x), residuals are divided by it and the interval of a new
  material is scaled by its own spread: wide where the model knows that it knows little (Lei, G'Sell, Rinaldo,
  Tibshirani and Wasserman, JASA 2018, 113, 1094, sec. 5.2). The spread need not be right: the coverage comes from the
  residuals, the spread only shares out the width.

Everything happens in the space of the models (log10 for a rate), so that an interval is a factor in the original unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perospin.errors import StudyError
from perospin.learning.estimators import predict_with_spread
from perospin.learning.training.folds import Progress, fit_each, take

if TYPE_CHECKING:
    from perospin.learning.validation.schemes import Scheme

__all__ = [
    "Intervals",
    "SpreadKind",
    "centre_and_scale",
    "conformal_weights",
    "fit_intervals",
    "floor_of_scales",
    "held_out_once",
    "jackknife_plus",
    "rows_with_values",
]

FloatArray = NDArray[np.float64]
SpreadKind = Literal["own", "none"]

_LEAST_SCALE = 0.05
"""A spread counts as at least this share of the middle spread of the rows at hand: no interval shrinks to nothing."""


def conformal_weights(n_rows: int, groups: ArrayLike | None = None) -> FloatArray:
    """Weight of each calibration row, shape (n_rows,); what is missing to 1 is the new row's, at infinity.

    Parameters
    ----------
    n_rows : int
    groups : array_like, shape (n_rows,), optional
        With groups every group weighs the same, shared by its rows; else every row 1 / (n_rows + 1).

    Raises
    ------
    StudyError
        If there is not one group for each row.
    """
    whole = n_rows / (n_rows + 1)
    if groups is None:
        return np.full(n_rows, whole / n_rows)
    labels = np.asarray(groups)
    if len(labels) != n_rows:
        raise StudyError(f"{len(labels)} groups were given for {n_rows} rows")
    _, code, count = np.unique(labels, return_inverse=True, return_counts=True)
    return np.asarray(whole / (len(count) * count[code]))


def jackknife_plus(
    centres: ArrayLike,
    residuals: ArrayLike,
    level: float,
    scales: ArrayLike | None = None,
    weights: ArrayLike | None = None,
) -> tuple[Any, Any]:
    """Interval from the predictions of the models that left each row out, and that row's absolute residual.

    Parameters
    ----------
    centres : array_like, shape (n_rows,) or (n_rows, n_new)
        Prediction of the new points by the model that did not see row i.
    residuals : array_like, shape (n_rows,)
        Absolute held-out residual of row i, divided by its spread if `scales` are given.
    level : float
        Nominal level in (0, 1).
    scales : array_like, like `centres`, optional
        Spread of the new points by the model that did not see row i.
    weights : array_like, shape (n_rows,), optional
        Weight of each row, see `conformal_weights`; 1 / (n_rows + 1) if None.

    Returns
    -------
    low, high : float or ndarray, shape (n_new,)
        Infinite where there are too few rows (or groups) for the level.

    Notes
    -----
    High is the least value that the points centre + scale x residual do not exceed with a total weight of at least
    `level`; low mirrors it. With equal weights that is the ceil(level (n + 1))-th smallest of them (Barber et al.
    2021, eq. 1.3). The guaranteed coverage is 2 level - 1, the usual one about `level`.
    """
    if not 0.0 < level < 1.0:
        raise StudyError(f"the level of an interval must lie between 0 and 1, not {level}")
    middle = np.asarray(centres, dtype=float)
    single = middle.ndim == 1
    middle = middle[:, None] if single else middle
    widths = np.asarray(residuals, dtype=float)[:, None] * np.ones_like(middle)
    if scales is not None:
        widths = widths * np.asarray(scales, dtype=float).reshape(middle.shape)
    mass = conformal_weights(len(middle)) if weights is None else np.asarray(weights, dtype=float)
    high = _weighted_quantile(middle + widths, mass, level)
    low = -_weighted_quantile(widths - middle, mass, level)
    return (float(low[0]), float(high[0])) if single else (low, high)


def _weighted_quantile(values: FloatArray, weights: FloatArray, level: float) -> FloatArray:
    """Least value of each column that weights of at least `level` do not exceed; infinite if all weigh less."""
    order = np.argsort(values, axis=0, kind="stable")
    # the small term keeps sums such as 9 x 0.1 on the right side of rounding
    reached = np.cumsum(weights[order], axis=0) >= level - 1e-9
    found = np.take_along_axis(values, order, axis=0)[np.argmax(reached, axis=0), np.arange(values.shape[1])]
    return np.asarray(np.where(reached[-1], found, np.inf))


def centre_and_scale(model: Any, X: Any, spread: SpreadKind = "own") -> tuple[FloatArray, FloatArray]:
    """Prediction of each row and the scale that its residual is divided by, shapes (n_rows,).

    The scale is 1 with ``spread="none"`` and for a model that states no spread.
    """
    if spread == "none":
        centre = np.asarray(model.predict(X), dtype=float).reshape(len(X))
        return centre, np.ones(len(centre))
    centre, own = predict_with_spread(model, X)
    return np.asarray(centre, dtype=float), np.ones(len(X)) if own is None else np.asarray(own, dtype=float)


def floor_of_scales(scales: FloatArray) -> tuple[FloatArray, float]:
    """Lift scales that are far below the middle one, so that no interval shrinks to nothing; return the floor too."""
    least = _LEAST_SCALE * float(np.median(scales))
    return np.maximum(scales, least), least


@dataclass(frozen=True, eq=False)
class Intervals:
    """Fold models with their held-out residuals, ready to give intervals at any level.

    Attributes
    ----------
    models : tuple
        One fitted model a fold.
    tests : tuple of ndarray of int
        Rows (counted among those with a residual) that each of them did not see; every row once.
    residuals : ndarray, shape (n_rows,)
        Signed held-out residual (truth - prediction), in the space of the models.
    scales : ndarray, shape (n_rows,)
        Spread that each residual is divided by; 1 throughout if residuals are not normalised.
    weights : ndarray, shape (n_rows,)
        See `conformal_weights`.
    scheme : str
        The scheme of the folds, in words.
    spread : {"own", "none"}
        Whether residuals are normalised by the model's own spread.
    least_scale : float
        Smaller spreads count as this.
    """

    models: tuple[Any, ...]
    tests: tuple[NDArray[np.int64], ...]
    residuals: FloatArray
    scales: FloatArray
    weights: FloatArray
    scheme: str
    spread: SpreadKind
    least_scale: float

    @property
    def normalised(self) -> bool:
        """Whether residuals are divided by a spread that differs between rows."""
        return bool(np.ptp(self.scales) > 0)

    @property
    def method(self) -> str:
        """Name of the method in words, with its scheme."""
        name = "jackknife+" if all(len(test) == 1 for test in self.tests) else "CV+"
        return f"{name}, {self.scheme}" + (", normalised by the model's own spread" if self.normalised else "")

    def predict(self, X: Any, level: float = 0.9) -> tuple[FloatArray, FloatArray]:
        """Return the ends of the intervals of new rows, each of shape (n_new,), in the space of the models.

        Parameters
        ----------
        X : DataFrame or ndarray, shape (n_new, n_columns)
        level : float
            Nominal level in (0, 1).
        """
        centres = np.empty((len(self.residuals), len(X)))
        scales = np.empty_like(centres)
        for model, test in zip(self.models, self.tests, strict=True):
            centre, scale = centre_and_scale(model, X, self.spread)
            centres[test], scales[test] = centre, np.maximum(scale, self.least_scale)
        return jackknife_plus(centres, np.abs(self.residuals) / self.scales, level, scales, self.weights)


def fit_intervals(
    estimator: Any,
    X: Any,
    y: ArrayLike,
    scheme: Scheme,
    *,
    groups: ArrayLike | None = None,
    exchangeable: ArrayLike | None = None,
    spread: SpreadKind = "own",
    models: Sequence[Any] | None = None,
    progress: Progress | None = None,
    **weights: Any,
) -> Intervals:
    """Fit one model a fold and collect its held-out residuals.

    Parameters
    ----------
    estimator : scikit-learn regressor
        Left unfitted.
    X : DataFrame or ndarray, shape (n_rows, n_columns)
    y : array_like, shape (n_rows,)
        Target in the space of the models.
    scheme : Scheme
        Must hold every row out exactly once (leave-one-out, leave-one-group-out, k-fold).
    groups : array_like, shape (n_rows,), optional
        Groups for estimators that tune themselves.
    exchangeable : array_like, shape (n_rows,), optional
        Groups that count as one draw each (see the module); rows if None.
    spread : {"own", "none"}
        Normalise residuals by the model's own spread where it states one.
    models : sequence, optional
        Models already fitted by `fit_each` on the scheme's training sets.
    progress : callable, optional
        Called as ``progress(folds_done, folds_in_all)``.
    **weights
        ``sample_weight``, ``y_sd`` or ``limit``, handed to `fit_each`; a row with a limit has no residual.

    Raises
    ------
    StudyError
        If the scheme does not hold out every row once.
    """
    target = np.asarray(y, dtype=float)
    rows = rows_with_values(weights.get("limit"), len(target))
    tests = held_out_once(scheme, rows)
    if models is None:
        models = fit_each(estimator, X, target, scheme.trains, groups=groups, progress=progress, **weights)
    residuals, scales = np.full(len(target), np.nan), np.full(len(target), np.nan)
    for model, test in zip(models, tests, strict=True):
        centre, scales[test] = centre_and_scale(model, take(X, test), spread)
        residuals[test] = target[test] - centre
    held_scales, least = floor_of_scales(scales[rows])
    return Intervals(
        tuple(models),
        tuple(np.searchsorted(rows, test) for test in tests),
        residuals[rows],
        held_scales,
        conformal_weights(len(rows), None if exchangeable is None else np.asarray(exchangeable)[rows]),
        scheme.label,
        spread,
        least,
    )


def rows_with_values(limit: ArrayLike | None, n_rows: int) -> NDArray[np.int64]:
    """Numbers of the rows whose target is a value, not a limit."""
    return np.arange(n_rows) if limit is None else np.flatnonzero(np.asarray(limit) == 0)


def held_out_once(scheme: Scheme, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
    """Test rows of each fold, after checking that together they are each of the given rows once.

    Raises
    ------
    StudyError
        If they are not.
    """
    tests = tuple(split.test for split in scheme.splits)
    if scheme.in_sample or not np.array_equal(np.sort(np.concatenate(tests)), rows):
        raise StudyError(
            f"an interval needs a scheme that holds out every row once (leave_one_out, leave_one_group_out or k_fold), "
            f"not '{scheme.label}'"
        )
    return tests
