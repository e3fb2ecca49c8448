"""Exact interventional Shapley values: how much each column moves one prediction away from the average.

The players are columns (or named groups of columns). A coalition S is worth the mean prediction of the row's own
values in S combined with each background row's values elsewhere (the interventional, or marginal, game of
Lundberg and Lee, NeurIPS 2017, and Janzing, Minorics and Bloebaum, AISTATS 2020). All 2^d coalitions are
evaluated, so nothing is sampled, and contributions add up to the prediction.

A contribution says what the model does, not what nature does; among correlated columns it is shared in a way
that the data don't determine. Group such columns into one player where that matters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import factorial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perospin._optional import require
from perospin.errors import StudyError
from perospin.learning.estimators.build import used_columns
from perospin.learning.estimators.folds import Progress, fit_each, take

if TYPE_CHECKING:
    import pandas as pd

    from perospin.learning.schemes import Scheme

__all__ = ["MAX_PLAYERS", "ShapleyTable", "exact_shapley", "explain_fitted", "explain_held_out"]

FloatArray = NDArray[np.float64]
Predict = Callable[[Any], ArrayLike]
Players = Mapping[str, Sequence[str]]

MAX_PLAYERS = 15
_BLOCK_ROWS = 65_536  # rows handed to a model at once
_PART = 2**22  # coalitions x background rows held at once


def _weights(d: int) -> FloatArray:
    """Shapley weight of a coalition of each size 0...d-1 that a player joins: |S|! (d - |S| - 1)! / d!."""
    return np.array([factorial(s) * factorial(d - s - 1) / factorial(d) for s in range(d)])


def _combine(worth: FloatArray, d: int) -> FloatArray:
    """Shapley values, shape (n_rows, d), from the worth of every coalition, shape (n_rows, 2**d), bit j = player j."""
    masks = np.arange(2**d)
    weight = _weights(d)
    size = np.bitwise_count(masks).astype(np.int64)
    values = np.empty((len(worth), d))
    for player in range(d):
        without = masks[(masks >> player) & 1 == 0]
        gain = worth[:, without | (1 << player)] - worth[:, without]
        values[:, player] = gain @ weight[size[without]]
    return values


def exact_shapley(
    predict: Predict,
    X_rows: Any,
    background: Any,
    feature_names: Sequence[str] | None = None,
    *,
    players: Players | None = None,
) -> tuple[FloatArray, float]:
    """Exact interventional Shapley values of each row's prediction.

    Parameters
    ----------
    predict : callable
        Takes rows like `X_rows` (a DataFrame if that is one, else an array) and returns shape (n_rows,). Called
        on blocks of some 65,000 rows.
    X_rows : DataFrame or array_like, shape (n_rows, n_columns)
        Rows to explain.
    background : same kind, shape (n_background, n_columns)
        Rows that stand for "the average material", usually the training rows.
    feature_names : sequence of str, optional
        For a DataFrame the columns to explain (others keep the explained row's value); for an array its names.
    players : mapping of str to column names, optional
        Groups of columns that enter a coalition together; the values are then one for each group.

    Returns
    -------
    values : ndarray, shape (n_rows, n_players)
        Contributions, in the order of `feature_names` (or of `players`).
    base : float
        Mean prediction over the background, when no column is explained away: ``base + values.sum(axis=1)`` is
        the prediction.

    Raises
    ------
    StudyError
        If there are more than 15 players, no background, or names that don't fit.

    Notes
    -----
    If columns of a DataFrame are left unexplained, the average over the background depends on the explained row;
    explain every column that the model uses (as `explain_held_out` does) to have one base.
    """
    frame = hasattr(X_rows, "columns")
    columns = list(X_rows.columns) if frame else _array_names(X_rows, feature_names)
    names = columns if feature_names is None else list(feature_names)
    groups = _player_columns(names, columns, players)
    d = len(groups)
    if len(background) == 0:
        raise StudyError("Shapley values need at least one background row")
    rows = np.asarray(X_rows[columns] if frame else X_rows)
    base_rows = np.asarray(background[columns] if frame else background)
    if rows.dtype == object or base_rows.dtype == object:
        raise StudyError("the rows to explain have columns of text; keep only the columns that the model uses")

    def call(block: NDArray[Any]) -> FloatArray:
        return np.asarray(predict(_as_frame(block, columns) if frame else block), dtype=float).reshape(len(block))

    base = float(np.mean(call(base_rows)))
    member = np.zeros((d, rows.shape[1]), dtype=bool)
    for player, group in enumerate(groups):
        member[player, group] = True
    worth = np.array([_worth(call, row, base_rows, member) for row in rows]).reshape(len(rows), 2**d)
    return _combine(worth, d), base


def _worth(
    call: Callable[[NDArray[Any]], FloatArray], row: NDArray[Any], background: NDArray[Any], member: NDArray[np.bool_]
) -> FloatArray:
    """Worth of every coalition for one row, shape (2**d,); `member` (d, n_columns) says which columns a player has.

    Where a background row agrees with the explained row in all columns of a player, joining changes nothing, so
    that combination is looked up instead of predicted again. Flags and layer numbers agree often.
    """
    d = len(member)
    masks = np.arange(2**d)
    inside = ((masks[:, None] >> np.arange(d)) & 1).astype(bool)
    from_row = (inside @ member) | ~member.any(axis=0)
    total = np.zeros(2**d)
    per_part = max(1, _PART // 2**d)
    for start in range(0, len(background), per_part):
        part = background[start : start + per_part]
        differs = (part != row) & ~((part != part) & (row != row))
        differing = (differs.astype(np.int64) @ member.T.astype(np.int64) > 0) @ (1 << np.arange(d))
        stands_for = masks[:, None] & differing
        which, other = np.nonzero(stands_for == masks[:, None])
        predicted = np.empty(stands_for.shape)
        for first in range(0, len(which), _BLOCK_ROWS):
            mask, base_row = which[first : first + _BLOCK_ROWS], other[first : first + _BLOCK_ROWS]
            predicted[mask, base_row] = call(np.where(from_row[mask], row, part[base_row]))
        total += predicted[stands_for, np.arange(len(part))].sum(axis=1)
    return total / len(background)


def _array_names(X: Any, names: Sequence[str] | None) -> list[str]:
    width = np.asarray(X).shape[1]
    if names is not None and len(names) != width:
        raise StudyError(f"{len(names)} names were given for {width} columns")
    return [f"x{i}" for i in range(width)] if names is None else list(names)


def _as_frame(values: NDArray[Any], columns: list[str]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(values, columns=columns)


def _player_columns(names: list[str], columns: list[str], players: Players | None) -> list[list[int]]:
    groups = [[name] for name in names] if players is None else [list(group) for group in players.values()]
    flat = [name for group in groups for name in group]
    absent = [name for name in flat if name not in columns]
    if absent:
        raise StudyError(f"there is no column '{absent[0]}' to explain; the columns are: {', '.join(columns)}")
    if len(set(flat)) != len(flat):
        raise StudyError("a column belongs to two players; each column may be explained once")
    if not 1 <= len(groups) <= MAX_PLAYERS:
        raise StudyError(
            f"exact Shapley values need between 1 and {MAX_PLAYERS} columns or groups of columns, not {len(groups)}; "
            "group some columns into one player"
        )
    return [[columns.index(name) for name in group] for group in groups]


@dataclass(frozen=True, eq=False)
class ShapleyTable:
    """Shapley values of many rows, with what is needed to check and draw them.

    Attributes
    ----------
    scheme : str
        How the explained predictions were made ("leave-one-out", "in sample"...); goes into every title.
    feature_names : tuple of str
        Players, in the order of the columns of `values`.
    rows : ndarray of int, shape (n,)
        Row of the table of each explained prediction.
    values : ndarray, shape (n, n_players)
        Contributions, in units of the target.
    base : ndarray, shape (n,)
        Mean prediction over each row's background.
    prediction : ndarray, shape (n,)
        The model's own prediction of the row.
    data : ndarray, shape (n, n_players)
        Value of each column; NaN for a player of several columns.
    """

    scheme: str
    feature_names: tuple[str, ...]
    rows: NDArray[np.int64]
    values: FloatArray
    base: FloatArray
    prediction: FloatArray
    data: FloatArray

    @property
    def additivity_error(self) -> float:
        """Largest |base + sum of contributions - prediction|, in units of the target."""
        return float(np.max(np.abs(self.base + self.values.sum(axis=1) - self.prediction), initial=0.0))

    def mean_abs(self) -> FloatArray:
        """Mean |contribution| of each player, shape (n_players,)."""
        return np.asarray(np.abs(self.values).mean(axis=0))

    def directions(self) -> FloatArray:
        """Spearman correlation of a column with its contribution, shape (n_players,); NaN where undefined.

        Positive: higher values of the column raise the prediction.
        """
        from scipy.stats import rankdata

        out = np.full(len(self.feature_names), np.nan)
        for j in range(len(out)):
            x, phi = self.data[:, j], self.values[:, j]
            known = np.isfinite(x)
            if known.sum() > 2 and np.ptp(x[known]) > 0 and np.ptp(phi[known]) > 0:
                out[j] = np.corrcoef(rankdata(x[known]), rankdata(phi[known]))[0, 1]
        return out

    def to_frame(self) -> pd.DataFrame:
        """One row a prediction: row, base, prediction and one column a player."""
        import pandas as pd

        frame = pd.DataFrame({"row": self.rows, "base": self.base, "prediction": self.prediction})
        return pd.concat([frame, pd.DataFrame(self.values, columns=list(self.feature_names))], axis=1)

    def to_shap(self) -> Any:
        """Return a ``shap.Explanation`` for shap's own plots (extra `explain`)."""
        shap = require("shap", "explain")
        return shap.Explanation(
            values=self.values, base_values=self.base, data=self.data, feature_names=list(self.feature_names)
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        arrays = ("rows", "values", "base", "prediction")
        data = [[None if not np.isfinite(v) else float(v) for v in row] for row in self.data]
        return {
            "scheme": self.scheme,
            "feature_names": list(self.feature_names),
            **{name: getattr(self, name).tolist() for name in arrays},
            "data": data,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ShapleyTable:
        """Rebuild the table that `to_dict` described."""
        names = tuple(values["feature_names"])
        shape = (len(values["rows"]), len(names))
        data = np.array([[np.nan if v is None else v for v in row] for row in values["data"]], dtype=float)
        return cls(
            values["scheme"],
            names,
            np.asarray(values["rows"], dtype=np.int64),
            np.asarray(values["values"], dtype=float).reshape(shape),
            np.asarray(values["base"], dtype=float),
            np.asarray(values["prediction"], dtype=float),
            data.reshape(shape),
        )


def explain_held_out(
    estimator: Any,
    X: pd.DataFrame,
    y: ArrayLike,
    scheme: Scheme,
    *,
    groups: ArrayLike | None = None,
    models: Sequence[Any] | None = None,
    players: Players | None = None,
    progress: Progress | None = None,
) -> ShapleyTable:
    """Each fold's own model explains the rows it never saw, against its own training rows.

    Parameters
    ----------
    estimator, X, y, scheme, groups
        As for `evaluate`.
    models : sequence, optional
        Models already fitted by `fit_each` on the scheme's training sets.
    players : mapping of str to column names, optional
        Groups of columns that count as one; every column the model uses, alone, if None.
    progress : callable, optional
        Called as ``progress(folds_done, folds_in_all)``.

    Returns
    -------
    ShapleyTable
    """
    if models is None:
        models = fit_each(estimator, X, y, scheme.trains, groups=groups)
    names = used_columns(estimator, [str(c) for c in X.columns])
    parts = []
    for number, (model, split) in enumerate(zip(models, scheme.splits, strict=True)):
        parts.append(_explain(model, take(X, split.test), take(X, split.train), names, players))
        if progress is not None:
            progress(number + 1, len(scheme))
    rows = np.concatenate([split.test for split in scheme.splits])
    return _table(scheme.label, rows, parts, names, players)


def explain_fitted(
    model: Any,
    X_rows: pd.DataFrame,
    background: pd.DataFrame,
    *,
    scheme: str = "in sample",
    players: Players | None = None,
) -> ShapleyTable:
    """One fitted model explains rows; with its own training rows for both arguments this is "in sample".

    Parameters
    ----------
    model : fitted scikit-learn regressor
        As made by `build_estimator`.
    X_rows, background : DataFrame
        Rows to explain, and the model's training rows.
    scheme : str
        In words, how these predictions relate to the training rows.
    players : mapping of str to column names, optional
        Groups of columns that count as one.
    """
    names = used_columns(model, [str(c) for c in X_rows.columns])
    return _table(scheme, np.arange(len(X_rows)), [_explain(model, X_rows, background, names, players)], names, players)


_Part = tuple[FloatArray, FloatArray, FloatArray, FloatArray]


def _explain(model: Any, X_rows: Any, background: Any, names: list[str], players: Players | None) -> _Part:
    n = len(X_rows)
    if not names:
        prediction = np.asarray(model.predict(X_rows), dtype=float)
        return np.zeros((n, 0)), prediction, prediction, np.zeros((n, 0))
    if players is not None:
        covered = {c for group in players.values() for c in group}
        missing = [name for name in names if name not in covered]
        if missing:
            raise StudyError(f"the model uses the column '{missing[0]}', which belongs to no player")
        names = [name for group in players.values() for name in group]
    rows, base_rows = X_rows[names].astype(float), background[names].astype(float)
    values, base = exact_shapley(model.predict, rows, base_rows, names, players=players)
    prediction = np.asarray(model.predict(rows), dtype=float)
    groups = [[name] for name in names] if players is None else [list(group) for group in players.values()]
    data = np.column_stack(
        [rows[group[0]].to_numpy(dtype=float) if len(group) == 1 else np.full(n, np.nan) for group in groups]
    )
    return values, np.full(n, base), prediction, data


def _table(
    scheme: str, rows: NDArray[np.int64], parts: list[_Part], names: list[str], players: Players | None
) -> ShapleyTable:
    values, base, prediction, data = (np.concatenate(pieces) for pieces in zip(*parts, strict=True))
    labels = tuple(names if players is None or not names else players)
    return ShapleyTable(scheme, labels, rows, values, base, prediction, data)
