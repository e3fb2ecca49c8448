"""Interventional Shapley values: how much each column moves one prediction away from the average.

The players are columns (or named groups of columns); what a coalition is worth is said in `games`.
Up to 15 players all coalitions are evaluated, so nothing is sampled; beyond, orders of entry are sampled and the Monte
Carlo error is kept. Either way contributions add up to the prediction.

A contribution says what the model does, not what nature does; among correlated columns it is shared in a way
that the data don't determine. Group such columns into one player where that matters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perospin._optional import require
from perospin.errors import StudyError
from perospin.learning.estimators.build import used_columns
from perospin.learning.explanation.games import Game, Players
from perospin.learning.training.folds import Progress, fit_each, take

if TYPE_CHECKING:
    import pandas as pd


if TYPE_CHECKING:
    import pandas as pd

    from perospin.learning.validation.schemes import Scheme

__all__ = ["ShapleyTable", "correlated_unions", "exact_shapley", "explain_fitted", "explain_held_out", "game_of"]

FloatArray = NDArray[np.float64]

N_ORDERS = 128
"""Orders of entry that stand for all of them beyond 15 players."""

MOST_HYBRIDS = 10**8
"""Hybrid rows that may be predicted for exact values of one table; beyond, orders are sampled."""

MOST_IN_PAIRS = 10
"""Players whose interactions are worked out; their number grows with the square."""

_OPTIONAL = ("fold", "error", "interactions", "owen")


def exact_shapley(
    model: Any,
    X_rows: Any,
    background: Any,
    feature_names: Sequence[str] | None = None,
    *,
    players: Players | None = None,
) -> tuple[FloatArray, float]:
    """Exact interventional Shapley values of each row's prediction.

    Parameters
    ----------
    model : fitted regressor or callable
        A fitted model, or what takes rows like `X_rows` (a DataFrame if that is one, else an array) and returns shape
        (n_rows,). A fitted model of a known kind is taken apart (`terms`), which is much faster and
        gives the same values.
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
        If there are more than 15 players (in one term of the model), no background, or names that don't fit.

    Notes
    -----
    If columns of a DataFrame are left unexplained, the average over the background depends on the explained row;
    explain every column that the model uses (as `explain_held_out` does) to have one base.
    """
    game = Game.of(model, X_rows, background, feature_names, players)
    return game.shapley(), game.base


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
    fold : ndarray of int, shape (n,), or None
        Which model explained each row; None if one model explained all.
    error : ndarray, shape (n, n_players), or None
        Monte Carlo standard error of each value; None if values are exact.
    interactions : ndarray, shape (n, n_players, n_players), or None
        Shapley interactions (`perospin.learning.explanation.games.interaction_values`), where they were asked for.
    unions : tuple of tuples of str
        Players that say the same, as unions of the Owen values; empty if there are none.
    owen : ndarray, shape (n, n_players), or None
        Owen values: each union's own Shapley value, shared out among its members.
    """

    scheme: str
    feature_names: tuple[str, ...]
    rows: NDArray[np.int64]
    values: FloatArray
    base: FloatArray
    prediction: FloatArray
    data: FloatArray
    fold: NDArray[np.int64] | None = None
    error: FloatArray | None = None
    interactions: FloatArray | None = None
    unions: tuple[tuple[str, ...], ...] = ()
    owen: FloatArray | None = None

    @property
    def additivity_error(self) -> float:
        """Largest |base + sum of contributions - prediction|, in units of the target."""
        return float(np.max(np.abs(self.base + self.values.sum(axis=1) - self.prediction), initial=0.0))

    def mean_abs(self) -> FloatArray:
        """Mean |contribution| of each player, shape (n_players,)."""
        return np.asarray(np.abs(self.values).mean(axis=0))

    def mean_abs_spread(self) -> FloatArray | None:
        """Return the standard error of `mean_abs` from how folds differ, shape (n_players,).

        None if one model explained all. Rows of a fold share a model and often a group, so it is folds that count as
        independent.
        """
        if self.fold is None:
            return None
        _, code = np.unique(self.fold, return_inverse=True)
        n_folds = int(code.max()) + 1
        away = np.abs(self.values) - self.mean_abs()
        sums = np.array([np.bincount(code, weights=column, minlength=n_folds) for column in away.T])
        return np.asarray(np.sqrt(n_folds / max(n_folds - 1, 1) * (sums**2).sum(axis=1)) / len(self.values))

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
            **{name: getattr(self, name).tolist() for name in _OPTIONAL if getattr(self, name) is not None},
            **({"unions": [list(union) for union in self.unions]} if self.unions else {}),
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
            None if values.get("fold") is None else np.asarray(values["fold"], dtype=np.int64),
            unions=tuple(tuple(union) for union in values.get("unions", ())),
            **{
                name: np.asarray(values[name], dtype=float).reshape(*shape, *([shape[1]] if square else []))
                for name, square in (("error", False), ("interactions", True), ("owen", False))
                if values.get(name) is not None
            },
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
    interactions: bool = False,
    unions: Sequence[Sequence[str]] = (),
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
    interactions : bool
        Work out Shapley interactions too (exact values of at most 10 players only).
    unions : sequence of sequences of str, optional
        Players that say the same; Owen values are worked out too, a player in no union being one of its own.
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
        asked = (names, players, MOST_HYBRIDS // len(scheme), interactions, unions)
        parts.append(_explain(model, take(X, split.test), take(X, split.train), *asked))
        if progress is not None:
            progress(number + 1, len(scheme))
    rows = np.concatenate([split.test for split in scheme.splits])
    fold = np.repeat(np.arange(len(scheme)), [len(split.test) for split in scheme.splits])
    return _table(scheme.label, rows, parts, names, players, fold, unions)


def explain_fitted(
    model: Any,
    X_rows: pd.DataFrame,
    background: pd.DataFrame,
    *,
    players: Players | None = None,
) -> ShapleyTable:
    """One fitted model explains rows, usually its own training rows: "in sample".

    Parameters
    ----------
    model : fitted scikit-learn regressor
        As made by `build_estimator`.
    X_rows, background : DataFrame
        Rows to explain, and the model's training rows.
    players : mapping of str to column names, optional
        Groups of columns that count as one.
    """
    names = used_columns(model, [str(c) for c in X_rows.columns])
    explained = _explain(model, X_rows, background, names, players)
    return _table("in sample", np.arange(len(X_rows)), [explained], names, players)


_Part = Mapping[str, FloatArray]


def _explain(
    model: Any,
    X_rows: Any,
    background: Any,
    names: list[str],
    players: Players | None,
    most_hybrids: int = MOST_HYBRIDS,
    interactions: bool = False,
    unions: Sequence[Sequence[str]] = (),
) -> _Part:
    n = len(X_rows)
    if not names:
        prediction, nothing = np.asarray(model.predict(X_rows), dtype=float), np.zeros((n, 0))
        return {"values": nothing, "base": prediction, "prediction": prediction, "data": nothing, "error": nothing}
    game, rows, groups = game_of(model, X_rows, background, names, players)
    found: dict[str, FloatArray] = {}
    if not game.exact or game.n_hybrids > most_hybrids:
        found["values"], found["error"] = game.sampled(N_ORDERS, seed=0)
    elif interactions and len(groups) <= MOST_IN_PAIRS:
        found["interactions"] = game.interactions()
        found["values"] = found["interactions"].sum(axis=2)
    else:
        found["values"] = game.shapley()
    found.setdefault("error", np.zeros((n, len(groups))))
    if unions and game.exact:
        in_some = {name for union in unions for name in union}
        found["owen"] = game.owen([*unions, *([name] for name in game.names if name not in in_some)])
    data = np.column_stack(
        [rows[group[0]].to_numpy(dtype=float) if len(group) == 1 else np.full(n, np.nan) for group in groups]
    )
    return {**found, "base": np.full(n, game.base), "prediction": game.prediction, "data": data}


def game_of(
    model: Any, X_rows: Any, background: Any, names: Sequence[str], players: Players | None
) -> tuple[Game, pd.DataFrame, list[list[str]]]:
    """Set up the game of a fitted model over the columns it reads, after checking that each is played.

    Returns
    -------
    game : Game
    rows : DataFrame, shape (n_rows, n_columns)
        What the model reads of the rows.
    groups : list of lists of str
        Columns of each player.

    Raises
    ------
    StudyError
        If the model reads a column that belongs to no player.
    """
    if players is not None:
        covered = {c for group in players.values() for c in group}
        missing = [name for name in names if name not in covered]
        if missing:
            raise StudyError(f"the model uses the column '{missing[0]}', which belongs to no player")
        names = [name for group in players.values() for name in group]
    rows, base_rows = X_rows[list(names)].astype(float), background[list(names)].astype(float)
    groups = [[name] for name in names] if players is None else [list(group) for group in players.values()]
    return Game.of(model, rows, base_rows, list(names), players), rows, groups


def _table(
    scheme: str,
    rows: NDArray[np.int64],
    parts: list[_Part],
    names: list[str],
    players: Players | None,
    fold: NDArray[np.int64] | None = None,
    unions: Sequence[Sequence[str]] = (),
) -> ShapleyTable:
    shared = [name for name in parts[0] if all(name in part for part in parts)]
    joined = {name: np.concatenate([part[name] for part in parts]) for name in shared}
    return ShapleyTable(
        scheme,
        tuple(names if players is None or not names else players),
        rows,
        joined["values"],
        joined["base"],
        joined["prediction"],
        joined["data"],
        fold,
        joined["error"] if joined["error"].any() else None,
        joined.get("interactions"),
        tuple(tuple(union) for union in unions) if "owen" in joined else (),
        joined.get("owen"),
    )


def correlated_unions(features: pd.DataFrame, columns: Sequence[str], limit: float = 0.8) -> list[list[str]]:
    """Group columns that are all correlated with each other beyond `limit` (|Pearson r|), largest groups first.

    Complete linkage: within a group every pair is beyond the limit. Columns without a partner are left out.
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    varying = [c for c in columns if features[c].nunique() > 1]
    if len(varying) < 2:
        return []
    size = np.abs(np.nan_to_num(features[varying].corr().to_numpy()))
    distance = np.clip(1.0 - size, 0.0, 1.0)
    np.fill_diagonal(distance, 0.0)
    labels = fcluster(linkage(squareform(distance, checks=False), "complete"), 1.0 - limit, "distance")
    groups = [[c for c, label in zip(varying, labels, strict=True) if label == one] for one in np.unique(labels)]
    return sorted((group for group in groups if len(group) > 1), key=len, reverse=True)


IN_SAMPLE = "in-sample"
"""Key of the explanation of the final fit on its own training rows."""
