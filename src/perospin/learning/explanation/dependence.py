"""Partial dependence, single curves and directions: how predictions move with one column, and whether that is sure.

Everything comes from the models of the folds. A fold's partial dependence is the mean prediction of its own training
rows with the column set to a value (Friedman, Ann. Stat. 2001, 29, 1189); a single curve is that of a row that the
fold's model has not seen (Goldstein, Kapelner, Bleich and Pitkin, J. Comput. Graph. Stat. 2015, 24, 44). No model is
asked beyond the range of its training rows.

A direction is the change of the partial dependence from the 10 % to the 90 % point of the column. How often folds agree
on its sign says little, because folds share nearly all rows; leaving rows out one group at a time is a jackknife
(Tukey; Efron and Stein, Ann. Stat. 1981, 9, 586), and its standard error does say what another sample would change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perospin.errors import StudyError
from perospin.learning.explanation.hybrids import Borrower
from perospin.learning.training.folds import Progress

if TYPE_CHECKING:
    import pandas as pd

    from perospin.learning.validation.schemes import Scheme

__all__ = ["Dependence", "Effect", "partial_dependence"]

FloatArray = NDArray[np.float64]

_MOST_POINTS = 10
_LOW, _HIGH = 0.1, 0.9


@dataclass(frozen=True)
class Effect:
    """Change of the prediction from a low to a high value of one column, in the space of the models.

    Attributes
    ----------
    column : str
    start, end : float
        The low and the high value.
    change : float
        Mean over folds of the change of the partial dependence.
    low, high : float
        95 % interval by the jackknife over folds.
    folds_agree, n_folds : int
        Folds whose own change has the sign of the mean, and how many could be asked.
    silent_folds : int
        Folds whose training rows don't reach both values: what is known of the column rests on the rows they leave out.
    rows_agree : float
        Share of held-out rows whose own curve has that sign.
    """

    column: str
    start: float
    end: float
    change: float
    low: float
    high: float
    folds_agree: int
    n_folds: int
    silent_folds: int
    rows_agree: float


@dataclass(frozen=True, eq=False)
class Dependence:
    """Curves of one column.

    Attributes
    ----------
    column, scheme : str
    grid : ndarray, shape (n_points,)
        Values of the column: its own values if they are few, else quantiles.
    ends : (int, int)
        Places in the grid of the low and the high value that a direction compares: the 10 % and the 90 % point, or the
        least and the largest value where those are equal (flags).
    by_fold : ndarray, shape (n_folds, n_points)
        Partial dependence of each fold's model; NaN outside the range of the fold's training rows.
    single : ndarray, shape (n_predictions, n_points)
        Curve of each held-out row by the model that has not seen it; NaN as above.
    rows : ndarray of int, shape (n_predictions,)
    """

    column: str
    scheme: str
    grid: FloatArray
    ends: tuple[int, int]
    by_fold: FloatArray
    single: FloatArray
    rows: NDArray[np.int64]

    def mean(self) -> FloatArray:
        """Mean of the folds' curves, shape (n_points,); NaN where less than half of the folds may be asked."""
        known = np.isfinite(self.by_fold)
        total = np.where(known, self.by_fold, 0.0).sum(axis=0)
        enough = 2 * known.sum(axis=0) >= len(known)
        return np.where(enough, total / np.maximum(known.sum(axis=0), 1), np.nan)

    def error(self) -> FloatArray:
        """Jackknife standard error of the mean curve, its level apart, shape (n_points,).

        The level of a curve moves with the training mean and says nothing about the column, so each fold's curve is
        taken from its own mean over the points it shares with all folds.
        """
        shared = np.isfinite(self.by_fold).all(axis=0)
        level = self.by_fold[:, shared].mean(axis=1) if shared.any() else np.zeros(len(self.by_fold))
        return _jackknife(self.by_fold - level[:, None])

    def effect(self) -> Effect:
        """Change from the low to the high value, with its interval and who agrees."""
        first, last = self.ends
        changes = self.by_fold[:, last] - self.by_fold[:, first]
        known = changes[np.isfinite(changes)]
        own = self.single[:, last] - self.single[:, first]
        own = own[np.isfinite(own)]
        change = float(known.mean()) if known.size else float("nan")
        half = _t(len(known)) * float(_jackknife(known[:, None])[0]) if known.size > 1 else float("inf")
        sign = np.sign(change)
        return Effect(
            self.column,
            float(self.grid[first]),
            float(self.grid[last]),
            change,
            change - half,
            change + half,
            int((np.sign(known) == sign).sum()) if sign else 0,
            len(known),
            len(changes) - len(known),
            float((np.sign(own) == sign).mean()) if own.size and sign else 0.0,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, from which `from_dict` makes the same object."""
        arrays = {name: getattr(self, name).tolist() for name in ("grid", "by_fold", "single", "rows")}
        return {"column": self.column, "scheme": self.scheme, "ends": list(self.ends), **arrays}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Dependence:
        """Rebuild the object that `to_dict` described (null stands for NaN)."""
        arrays = {name: np.asarray(values[name], dtype=float) for name in ("grid", "by_fold", "single")}
        first, last = values["ends"]
        return cls(
            values["column"], values["scheme"], ends=(first, last), rows=np.asarray(values["rows"], np.int64), **arrays
        )

    def to_frame(self) -> pd.DataFrame:
        """One row a point: ``column``, ``scheme``, ``value``, ``mean``, ``error``."""
        import pandas as pd

        values = {"value": self.grid, "mean": self.mean(), "error": self.error()}
        return pd.DataFrame({"column": self.column, "scheme": self.scheme, **values})


def _jackknife(values: FloatArray) -> FloatArray:
    """Return the standard error of the mean over deletions, shape (n_points,); missing deletions are left out."""
    known = np.isfinite(values)
    count = known.sum(axis=0)
    safe = np.maximum(count, 1)
    mean = np.where(known, values, 0.0).sum(axis=0) / safe
    squares = np.where(known, (values - mean) ** 2, 0.0).sum(axis=0)
    return np.asarray(np.where(count > 1, np.sqrt((safe - 1) / safe * squares), np.nan))


def _t(n: int) -> float:
    from scipy.stats import t

    return float(t.ppf(0.975, max(n - 1, 1)))


def grid_of(values: FloatArray) -> tuple[FloatArray, tuple[int, int]]:
    """Points at which a column is looked at, and the places of the low and the high value among them."""
    known = values[np.isfinite(values)]
    distinct = np.unique(known)
    if len(distinct) < 2:
        return distinct, (0, 0)
    low, high = np.quantile(known, [_LOW, _HIGH], method="nearest")
    if low == high:
        low, high = distinct[0], distinct[-1]
    few = len(distinct) <= _MOST_POINTS
    points = distinct if few else np.quantile(known, np.linspace(0, 1, _MOST_POINTS), method="nearest")
    grid = np.unique(np.append(points, [low, high]))
    return grid, (int(np.searchsorted(grid, low)), int(np.searchsorted(grid, high)))


def partial_dependence(
    models: Sequence[Any],
    X: pd.DataFrame,
    scheme: Scheme,
    columns: Sequence[str],
    read: Sequence[str],
    *,
    progress: Progress | None = None,
) -> list[Dependence]:
    """Curves of each column from the models of the folds.

    Parameters
    ----------
    models : sequence
        One fitted model for each fold of the scheme.
    X : DataFrame, shape (n_rows, n_columns)
    scheme : Scheme
        The folds of the models.
    columns : sequence of str
        Columns to move; one that has the same value everywhere is left out.
    read : sequence of str
        Columns that the models read.
    progress : callable, optional
        Called as ``progress(folds_done, folds_in_all)``.

    Returns
    -------
    list of Dependence

    Raises
    ------
    StudyError
        If there is not one model for each fold, or a column isn't read by the models.
    """
    import pandas as pd

    if len(models) != len(scheme):
        raise StudyError(f"{len(models)} fitted models were given for {len(scheme)} folds")
    names = [str(c) for c in X.columns if c in read]
    absent = [c for c in columns if c not in names]
    if absent:
        raise StudyError(f"the models don't read the column '{absent[0]}'; they read: {', '.join(names)}")
    table = X[names].astype(float)
    values = {column: table[column].to_numpy() for column in columns}
    looked_at = {column: grid_of(known) for column, known in values.items()}
    grids = {column: grid for column, (grid, _) in looked_at.items() if len(grid) > 1}
    by_fold: dict[str, list[FloatArray]] = {column: [] for column in grids}
    single: dict[str, list[FloatArray]] = {column: [] for column in grids}
    for number, (model, split) in enumerate(zip(models, scheme.splits, strict=True)):
        both = table.iloc[np.concatenate([split.train, split.test])]
        borrower = Borrower.of(model, both, table.iloc[split.train])
        for column, grid in grids.items():
            known = values[column][split.train]
            known = known[np.isfinite(known)]
            inside = (grid >= known.min()) & (grid <= known.max()) if known.size else np.zeros(len(grid), dtype=bool)
            curves = np.full((len(both), len(grid)), np.nan)
            if inside.any():
                points = pd.DataFrame({name: grid[inside] if name == column else np.nan for name in names})
                curves[:, inside] = borrower.predict(points, [column])
            by_fold[column].append(curves[: len(split.train)].mean(axis=0))
            single[column].append(curves[len(split.train) :])
        if progress is not None:
            progress(number + 1, len(scheme))
    rows = np.concatenate([split.test for split in scheme.splits])
    return [
        Dependence(
            column,
            scheme.label,
            grid,
            looked_at[column][1],
            np.array(by_fold[column]),
            np.concatenate(single[column]),
            rows,
        )
        for column, grid in grids.items()
    ]
