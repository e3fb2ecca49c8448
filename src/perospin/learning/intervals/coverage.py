"""Do intervals cover what they promise? Measured by an outer loop, on rows that no part of an interval has seen.

For each fold of the scheme the whole procedure is repeated on its training rows: models with a second fold left out,
their residuals, the interval; then the fold's own rows are looked at. The model without the folds a and b serves twice,
for a when b calibrates and for b when a calibrates, so K folds need K (K - 1) / 2 fits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perospin.errors import StudyError
from perospin.learning.intervals.intervals import (
    SpreadKind,
    centre_and_scale,
    conformal_weights,
    floor_of_scales,
    held_out_once,
    jackknife_plus,
    rows_with_values,
)
from perospin.learning.training.folds import Progress, fit_each, take

if TYPE_CHECKING:
    import pandas as pd

    from perospin.learning.validation.schemes import Scheme

__all__ = ["LEVELS", "MOST_FITS", "Coverage", "binomial_band", "nested_coverage"]

FloatArray = NDArray[np.float64]

LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
MOST_FITS = 5000
"""Pairs of folds beyond this are refused: a scheme with fewer folds answers the same question."""


@dataclass(frozen=True, eq=False)
class Coverage:
    """Nested intervals of every row at several levels.

    Attributes
    ----------
    estimator : str
    scheme : str
        Outer and inner scheme, in words.
    levels : ndarray, shape (n_levels,)
        Nominal levels.
    y : ndarray, shape (n_rows,)
        Truth, in the space of the models; rows whose target is a limit have no part.
    low, high : ndarray, shape (n_rows, n_levels)
        Ends of the intervals; infinite where there were too few rows or groups for the level.
    groups : ndarray of str, shape (n_rows,)
        What is exchangeable: the group of each row, or the row itself.
    spread : str
        "own" if residuals were normalised by the model's own spread, else "none".
    """

    estimator: str
    scheme: str
    levels: FloatArray
    y: FloatArray
    low: FloatArray
    high: FloatArray
    groups: NDArray[np.str_]
    spread: str

    @property
    def covered(self) -> NDArray[np.bool_]:
        """Whether each row lies in its interval, shape (n_rows, n_levels)."""
        return np.asarray((self.low <= self.y[:, None]) & (self.y[:, None] <= self.high))

    @property
    def n_groups(self) -> int:
        """How many groups there are."""
        return len(np.unique(self.groups))

    def observed(self) -> FloatArray:
        """Share of covered rows at each level, shape (n_levels,)."""
        return np.asarray(self.covered.mean(axis=0))

    def observed_by_group(self) -> FloatArray:
        """Mean over groups of the share of covered rows, shape (n_levels,): what the next group may expect."""
        _, code, count = np.unique(self.groups, return_inverse=True, return_counts=True)
        weight = 1.0 / (len(count) * count[code])
        return np.asarray(weight @ self.covered)

    def width(self) -> FloatArray:
        """Middle width of the intervals at each level, in the space of the models, shape (n_levels,)."""
        return np.asarray(np.median(self.high - self.low, axis=0))

    def to_frame(self) -> pd.DataFrame:
        """One row a level: coverage by rows and by groups, 95 % binomial band of the nominal level, middle width."""
        import pandas as pd

        low, high = binomial_band(self.levels, len(self.y))
        return pd.DataFrame(
            {
                "estimator": self.estimator,
                "scheme": self.scheme,
                "spread": self.spread,
                "level": self.levels,
                "coverage": self.observed(),
                "coverage_by_group": self.observed_by_group(),
                "band_low": low,
                "band_high": high,
                "width": self.width(),
                "n_rows": len(self.y),
                "n_groups": self.n_groups,
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, from which `from_dict` makes the same coverage (infinite ends become null)."""
        return {
            "estimator": self.estimator,
            "scheme": self.scheme,
            "levels": self.levels.tolist(),
            "y": self.y.tolist(),
            "low": self.low.tolist(),
            "high": self.high.tolist(),
            "groups": self.groups.tolist(),
            "spread": self.spread,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Coverage:
        """Rebuild the coverage that `to_dict` described."""

        def ends(rows: Any, infinite: float) -> FloatArray:
            return np.array([[infinite if v is None else v for v in row] for row in rows], dtype=float)

        return cls(
            values["estimator"],
            values["scheme"],
            np.asarray(values["levels"], dtype=float),
            np.asarray(values["y"], dtype=float),
            ends(values["low"], -np.inf),
            ends(values["high"], np.inf),
            np.asarray(values["groups"], dtype=str),
            values["spread"],
        )


def binomial_band(levels: ArrayLike, n: int, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Range of the covered share of `n` independent rows if the nominal levels hold, shapes (n_levels,)."""
    from scipy.stats import binom

    low, high = binom.interval(level, n, np.asarray(levels, dtype=float))
    return np.asarray(low / n), np.asarray(high / n)


def nested_coverage(
    estimator: Any,
    X: Any,
    y: ArrayLike,
    scheme: Scheme,
    *,
    groups: ArrayLike | None = None,
    exchangeable: ArrayLike | None = None,
    levels: Sequence[float] = LEVELS,
    spread: SpreadKind = "own",
    name: str | None = None,
    progress: Progress | None = None,
    **weights: Any,
) -> Coverage:
    """Intervals of every row from the other folds alone.

    Parameters
    ----------
    estimator, X, y, groups, exchangeable, spread, **weights
        As for `perospin.learning.intervals.intervals.fit_intervals`.
    scheme : Scheme
        Outer folds; the inner ones are the remaining folds of the same scheme.
    levels : sequence of float
        Nominal levels.
    name : str, optional
        Name of the estimator in the result.
    progress : callable, optional
        Called as ``progress(fits_done, fits_in_all)``.

    Returns
    -------
    Coverage

    Raises
    ------
    StudyError
        If the scheme doesn't hold out every row once, has fewer than three folds, or asks for more than 5000 fits.
    """
    target = np.asarray(y, dtype=float)
    scored = rows_with_values(weights.get("limit"), len(target))
    tests = held_out_once(scheme, scored)
    n_folds = len(tests)
    pairs = list(combinations(range(n_folds), 2))
    if n_folds < 3:
        raise StudyError(f"nested intervals need at least three folds; '{scheme.label}' has {n_folds}")
    if len(pairs) > MOST_FITS:
        raise StudyError(
            f"nested intervals under '{scheme.label}' need {len(pairs)} fits ({n_folds} folds, each pair left out "
            f"once), more than {MOST_FITS}; use a scheme with at most 100 folds, for example k_fold with k = 20"
        )
    rows = np.arange(len(target))
    # a limit is never scored, but it is held out with the fold that its material or source belongs to
    held_limits = [np.setdiff1d(rows, np.concatenate([split.train, scored])) for split in scheme.splits]
    trains = [
        np.setdiff1d(rows, np.concatenate([tests[a], tests[b], held_limits[a], held_limits[b]])) for a, b in pairs
    ]
    models = fit_each(estimator, X, target, trains, groups=groups, progress=progress, **weights)
    # (fold left out too, row) -> prediction of the row by the model without either fold
    centre = np.full((n_folds, len(target)), np.nan)
    scale = np.full_like(centre, np.nan)
    for (a, b), model in zip(pairs, models, strict=True):
        both = np.concatenate([tests[a], tests[b]])
        middle, own = centre_and_scale(model, take(X, both), spread)
        cut = len(tests[a])
        centre[b, tests[a]], scale[b, tests[a]] = middle[:cut], own[:cut]
        centre[a, tests[b]], scale[a, tests[b]] = middle[cut:], own[cut:]
    owner = np.full(len(target), -1)
    for fold, test in enumerate(tests):
        owner[test] = fold
    labels = np.asarray([f"row {i}" for i in rows] if exchangeable is None else exchangeable, dtype=str)
    low, high = np.empty((len(target), len(levels))), np.empty((len(target), len(levels)))
    for fold, test in enumerate(tests):
        others = np.setdiff1d(scored, test)
        held_scales, least = floor_of_scales(scale[fold, others])
        residuals = np.abs(target[others] - centre[fold, others]) / held_scales
        mass = conformal_weights(len(others), None if exchangeable is None else labels[others])
        for column, level in enumerate(levels):
            low[test, column], high[test, column] = jackknife_plus(
                centre[owner[others]][:, test],
                residuals,
                level,
                np.maximum(scale[owner[others]][:, test], least),
                mass,
            )
    return Coverage(
        name or type(estimator).__name__,
        scheme.label,
        np.asarray(levels, dtype=float),
        target[scored],
        low[scored],
        high[scored],
        labels[scored],
        spread,
    )
