"""Would more rows help? Errors against the number of training rows, their uncertainty, and where they lead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perospin.errors import StudyError
from perospin.learning.validation.evaluation import Evaluation
from perospin.learning.validation.schemes import Scheme, Split

__all__ = ["CurveFit", "CurvePoint", "LearningCurve", "fit_curve", "random_draws"]

FloatArray = NDArray[np.float64]

_EXPONENTS = np.geomspace(0.1, 3.0, 60)
_WIDEST_PLATEAU = 0.3
_SURE = 0.9


def random_draws(n: int, size: int, n_repeats: int, seed: int, units: ArrayLike | None = None) -> Scheme:
    """Train on `size` random rows, score the others; `n_repeats` times, pooled.

    With `units`, rows of a unit that is trained on are not scored.

    Raises
    ------
    StudyError
        If a draw leaves nothing to score.
    """
    rng = np.random.default_rng([seed, size])
    labels = np.arange(n) if units is None else np.asarray(units)
    splits = []
    for _ in range(n_repeats):
        order = rng.permutation(n)
        train, test = np.sort(order[:size]), np.sort(order[size:])
        test = test[~np.isin(labels[test], labels[train])]
        if test.size == 0:
            raise StudyError(f"a draw of {size} training rows of {n} leaves no other material to score")
        splits.append(Split(train, test))
    return Scheme("learning_curve", f"{n_repeats} random draws of {size} training rows", tuple(splits), "train")


@dataclass(frozen=True)
class CurvePoint:
    """Pooled held-out R2 at one number of training rows, with an interval from resampled rows and draws."""

    n_train: int
    r2: float
    low: float
    high: float


@dataclass(frozen=True)
class CurveFit:
    """Where a learning curve leads: mean squared error = floor + scale n^-exponent.

    Attributes
    ----------
    status : {"extrapolated", "flat", "uncertain", "too short"}
        Only the first has figures worth quoting; `text` says why for the others.
    text : str
        The finding in a sentence.
    plateau, plateau_low, plateau_high : float
        R2 with any number of rows, and its interval.
    twice, twice_low, twice_high : float
        R2 with twice as many rows as the longest draw.
    exponent : float
        Of the best fit.
    level : float
        Of the intervals.
    """

    status: str
    text: str
    plateau: float
    plateau_low: float
    plateau_high: float
    twice: float
    twice_low: float
    twice_high: float
    exponent: float
    level: float

    def to_dict(self) -> dict[str, Any]:
        """Every field as plain values."""
        return asdict(self)


@dataclass(frozen=True)
class LearningCurve:
    """Points of a learning curve and what they lead to."""

    points: tuple[CurvePoint, ...]
    fit: CurveFit


def fit_curve(
    evaluations: Mapping[int, Evaluation], *, n_boot: int = 1000, seed: int = 0, level: float = 0.9
) -> LearningCurve:
    """Intervals of a learning curve and its extrapolation.

    Rows and draws are resampled together (rows because another table would hold others, draws because a finite number
    was made), the same rows at every size, and the power law is fitted to each resampled curve: the spread of those
    fits is the uncertainty of the plateau.

    Parameters
    ----------
    evaluations : mapping of int to Evaluation
        By number of training rows; each under `random_draws`.
    n_boot, seed : int
        Resamples and their seed.
    level : float
        Of the intervals.

    Raises
    ------
    StudyError
        If there is no evaluation.
    """
    if not evaluations:
        raise StudyError("a learning curve needs at least one number of training rows")
    sizes = sorted(evaluations)
    y = evaluations[sizes[0]].y
    n = len(y)
    rng = np.random.default_rng(seed)
    rows = np.vstack([np.ones(n), rng.multinomial(n, np.full(n, 1.0 / n), size=n_boot)]).astype(float)
    error, r2 = np.empty((len(sizes), n_boot + 1)), np.empty((len(sizes), n_boot + 1))
    for place, size in enumerate(sizes):
        done = evaluations[size]
        n_draws = len(done.scheme)
        draws = rng.multinomial(n_draws, np.full(n_draws, 1.0 / n_draws), size=n_boot)
        draws = np.vstack([np.ones(n_draws), draws]).astype(float)
        squares, reference, count = (np.zeros((n_draws, n)) for _ in range(3))
        squares[done.fold, done.rows] = (done.y_pred - done.y_true) ** 2
        reference[done.fold, done.rows] = (done.y_reference - done.y_true) ** 2
        count[done.fold, done.rows] = 1.0
        summed, about, scored = (((draws @ part) * rows).sum(axis=1) for part in (squares, reference, count))
        with np.errstate(divide="ignore", invalid="ignore"):
            error[place], r2[place] = summed / scored, 1.0 - summed / about
    tails = [50.0 * (1.0 - level), 50.0 * (1.0 + level)]
    points = []
    for place, size in enumerate(sizes):
        low, high = np.nanpercentile(r2[place, 1:], tails) if np.isfinite(r2[place, 1:]).any() else (np.nan, np.nan)
        points.append(CurvePoint(size, float(r2[place, 0]), float(low), float(high)))
    # variance of the target among the resampled rows: what R2 refers to in the limit of many training rows
    spread = (rows @ y**2 / n - (rows @ y / n) ** 2) * n / max(n - 1, 1)
    return LearningCurve(tuple(points), _extrapolated(np.array(sizes, dtype=float), error, spread, level))


def _extrapolated(sizes: FloatArray, error: FloatArray, spread: FloatArray, level: float) -> CurveFit:
    """Judge the power laws of all resampled curves; `error` is (n_sizes, n_resamples), `spread` (n_resamples,)."""
    nothing = float("nan")
    usable = np.isfinite(error).all(axis=0) & (spread > 0)
    first, last = int(sizes[0]), int(sizes[-1])

    def unknown(status: str, text: str) -> CurveFit:
        return CurveFit(status, text, nothing, nothing, nothing, nothing, nothing, nothing, nothing, level)

    if len(sizes) < 4 or not usable[0] or usable.sum() < 20:
        return unknown("too short", f"{len(sizes)} training sizes are too few to extrapolate from; four are the least")
    error, spread = error[:, usable], spread[usable]
    falls = float(np.mean(error[-1, 1:] < error[0, 1:]))
    if falls < _SURE:
        return unknown(
            "flat",
            f"no gain from {first} to {last} training rows can be seen (the error falls in {100 * falls:.0f} % of the "
            "resampled curves), so there is nothing to extrapolate",
        )
    floor, scale, exponent = _power_laws(sizes, error)
    ends = [50.0 * (1.0 - level), 50.0 * (1.0 + level)]
    plateau = 1.0 - floor / spread
    twice = 1.0 - (floor + scale * (2.0 * last) ** -exponent) / spread
    low, high = (float(q) for q in np.percentile(plateau[1:], ends))
    twice_low, twice_high = (float(q) for q in np.percentile(twice[1:], ends))
    values = (float(plateau[0]), low, high, float(twice[0]), twice_low, twice_high, float(exponent[0]), level)
    if high - low > _WIDEST_PLATEAU:
        return CurveFit(
            "uncertain",
            f"the error still falls at {last} training rows, but where it would end can't be told: the plateau lies "
            f"anywhere between R2 {low:.2f} and {high:.2f} ({100 * level:.0f} % of the resampled curves); with "
            f"{2 * last} rows {twice_low:.2f} to {twice_high:.2f}",
            *values,
        )
    return CurveFit(
        "extrapolated",
        f"the curve leads to R2 {values[0]:.2f} ({100 * level:.0f} % {low:.2f} to {high:.2f}) with any number of such "
        f"rows, and to {values[3]:.2f} ({twice_low:.2f} to {twice_high:.2f}) with {2 * last}",
        *values,
    )


def _power_laws(sizes: FloatArray, error: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Fit floor + scale n^-exponent, floor and scale >= 0, to each column of `error` (n_sizes, n_curves).

    For each exponent of a grid the two others follow from weighted least squares in closed form; the weights are the
    inverse variances over the resampled curves.
    """
    variance = np.maximum(error[:, 1:].var(axis=1), 1e-12 * float(np.mean(error)) ** 2 + 1e-300)
    w = (1.0 / variance)[:, None]
    best = np.full(error.shape[1], np.inf)
    floor, scale, exponent = (np.zeros(error.shape[1]) for _ in range(3))
    for power in _EXPONENTS:
        x = (sizes / sizes[0])[:, None] ** -power
        mean_x, mean_y = (w * x).sum() / w.sum(), (w * error).sum(axis=0) / w.sum()
        slope = (w * (x - mean_x) * (error - mean_y)).sum(axis=0) / float((w * (x - mean_x) ** 2).sum())
        slope = np.maximum(slope, 0.0)
        start = mean_y - slope * mean_x
        through_zero = (w * x * error).sum(axis=0) / float((w * x**2).sum())
        slope, start = np.where(start < 0, through_zero, slope), np.maximum(start, 0.0)
        loss = (w * (error - start - slope * x) ** 2).sum(axis=0)
        better = loss < best
        best = np.where(better, loss, best)
        floor, exponent = np.where(better, start, floor), np.where(better, power, exponent)
        scale = np.where(better, slope * sizes[0] ** power, scale)
    return floor, scale, exponent
