"""Permutation importance on held-out rows, exact, with intervals: what a model loses without a column.

Each held-out row is predicted by its fold's own model with the column replaced by its value in every training row of
that fold, one after the other. The mean rise of the squared error over all of them is the limit of shuffling the column
again and again, so nothing is drawn by lot (Fisher, Rudin and Dominici, J. Mach. Learn. Res. 2019, 20, 177: "model
reliance"). Columns that say the same can stand in for each other, so each alone may look dispensable: group them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perospin.errors import StudyError
from perospin.learning.explanation.games import Players
from perospin.learning.explanation.hybrids import Borrower
from perospin.learning.training.folds import Progress, take

if TYPE_CHECKING:
    import pandas as pd

    from perospin.learning.validation.schemes import Scheme

__all__ = ["Importance", "permutation_importance"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Importance:
    """What each player (column or group of columns) is worth on rows that were held out.

    Attributes
    ----------
    scheme : str
        In words.
    names : tuple of str
        Players.
    rows : ndarray of int, shape (n,)
        Row of the table of each prediction.
    y_true : ndarray, shape (n,)
    squared_error : ndarray, shape (n,)
        Of the predictions as they are.
    increase : ndarray, shape (n, n_players)
        Rise of the squared error of each row without each player.
    """

    scheme: str
    names: tuple[str, ...]
    rows: NDArray[np.int64]
    y_true: FloatArray
    squared_error: FloatArray
    increase: FloatArray

    def r2(self) -> float:
        """R2 of the predictions as they are; NaN for a target without scatter."""
        about = float(((self.y_true - self.y_true.mean()) ** 2).sum())
        return 1.0 - float(self.squared_error.sum()) / about if about > 0 else float("nan")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, from which `from_dict` makes the same object."""
        arrays = {name: getattr(self, name).tolist() for name in ("rows", "y_true", "squared_error", "increase")}
        return {"scheme": self.scheme, "names": list(self.names), **arrays}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Importance:
        """Rebuild the object that `to_dict` described."""
        rows, names = np.asarray(values["rows"], dtype=np.int64), tuple(values["names"])
        y, error = (np.asarray(values[key], dtype=float) for key in ("y_true", "squared_error"))
        return cls(
            values["scheme"], names, rows, y, error, np.asarray(values["increase"], float).reshape(len(rows), -1)
        )

    def table(
        self, groups: ArrayLike | None = None, n_boot: int = 2000, seed: int = 0, level: float = 0.95
    ) -> pd.DataFrame:
        """Drop in R2 without each player, with an interval.

        Parameters
        ----------
        groups : array_like, shape (n_rows_of_the_table,), optional
            Rows of a group come and go together when rows are resampled; every row alone if None.
        n_boot, seed : int
            Resamples and their seed.
        level : float
            Of the interval.

        Returns
        -------
        DataFrame
            Columns ``column``, ``scheme``, ``drop`` (in R2), ``low``, ``high``, ``probability_positive``.
        """
        import pandas as pd

        labels = self.rows if groups is None else np.asarray(groups)[self.rows]
        code = np.unique(labels, return_inverse=True)[1].ravel()
        n_groups = int(code.max()) + 1

        def summed(values: FloatArray) -> FloatArray:
            return np.bincount(code, weights=values, minlength=n_groups).astype(float)

        count, first, second = summed(np.ones(len(code))), summed(self.y_true), summed(self.y_true**2)
        lost = np.array([summed(column) for column in self.increase.T]).reshape(len(self.names), n_groups)
        rng = np.random.default_rng(seed)
        drawn = rng.multinomial(n_groups, np.full(n_groups, 1.0 / n_groups), size=n_boot)
        times = np.vstack([np.ones(n_groups), drawn]).astype(float)
        total = times @ second - (times @ first) ** 2 / (times @ count)
        valid = total > 1e-9 * float(second.sum())
        valid[0] = True
        with np.errstate(divide="ignore", invalid="ignore"):  # a target without scatter has no R2
            drops = (times[valid] @ lost.T) / total[valid][:, None]
        tails = [50.0 * (1.0 - level), 50.0 * (1.0 + level)]
        some = len(drops) > 1
        low, high = np.percentile(drops[1:], tails, axis=0) if some else np.full((2, len(self.names)), np.nan)
        return pd.DataFrame(
            {
                "column": list(self.names),
                "scheme": self.scheme,
                "drop": drops[0],
                "low": low,
                "high": high,
                "probability_positive": (drops[1:] > 0).mean(axis=0) if some else np.nan,
            }
        )


def permutation_importance(
    models: Sequence[Any],
    X: pd.DataFrame,
    y: ArrayLike,
    scheme: Scheme,
    columns: Sequence[str],
    *,
    players: Players | None = None,
    progress: Progress | None = None,
) -> Importance:
    """Replace each player's columns in held-out rows by those of training rows, and see what the prediction loses.

    Parameters
    ----------
    models : sequence
        One fitted model for each fold of the scheme.
    X : DataFrame, shape (n_rows, n_columns)
    y : array_like, shape (n_rows,)
        Target in the space of the models.
    scheme : Scheme
        The folds of the models.
    columns : sequence of str
        Columns that the models read; each is a player of its own if `players` is None.
    players : mapping of str to column names, optional
        Groups of columns that are replaced together.
    progress : callable, optional
        Called as ``progress(folds_done, folds_in_all)``.

    Returns
    -------
    Importance

    Raises
    ------
    StudyError
        If there is not one model for each fold, or a column is absent.
    """
    if len(models) != len(scheme):
        raise StudyError(f"{len(models)} fitted models were given for {len(scheme)} folds")
    groups = {name: [name] for name in columns} if players is None else {k: list(v) for k, v in players.items()}
    absent = [c for group in groups.values() for c in group if c not in X.columns]
    if absent:
        raise StudyError(f"there is no column '{absent[0]}' to replace; the columns are: {', '.join(map(str, X))}")
    target, read = np.asarray(y, dtype=float), [str(c) for c in X.columns if c in columns]
    table = X[read].astype(float)
    errors, rises = [], []
    for number, (model, split) in enumerate(zip(models, scheme.splits, strict=True)):
        test, train = take(table, split.test), take(table, split.train)
        truth = target[split.test]
        here = np.asarray(model.predict(test if read else take(X, split.test)), dtype=float)
        errors.append((here - truth) ** 2)
        rise = np.zeros((len(truth), len(groups)))
        borrower = Borrower.of(model, test, train) if read else None
        for player, group in enumerate(groups.values()):
            if borrower is not None and set(group) & set(read):
                changed = borrower.predict(train, group)
                rise[:, player] = ((changed - truth[:, None]) ** 2).mean(axis=1) - errors[-1]
        rises.append(rise)
        if progress is not None:
            progress(number + 1, len(scheme))
    rows = np.concatenate([split.test for split in scheme.splits])
    increase = np.concatenate(rises).reshape(len(rows), len(groups))
    return Importance(scheme.label, tuple(groups), rows, target[rows], np.concatenate(errors), increase)
