"""Cooperative games whose players are columns: Shapley and Owen values, interactions, exact or sampled.

A coalition S is worth the mean prediction of the row's own values in S combined with each background row's values
elsewhere (the interventional, or marginal, game of Lundberg and Lee, NeurIPS 2017, and Janzing, Minorics and Bloebaum,
AISTATS 2020). The game of a model that is a sum of terms is the sum of the terms' games, each played by the columns
that its term reads (see `perospin.learning.estimators.kinds.terms`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import factorial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perospin.errors import StudyError
from perospin.learning.estimators.kinds.terms import CallTerm, Term
from perospin.learning.explanation.terms_of_models import terms_of

__all__ = ["MAX_PLAYERS", "Game", "Players", "interaction_values", "shapley_values"]

FloatArray = NDArray[np.float64]
Players = Mapping[str, Sequence[str]]

MAX_PLAYERS = 15
"""Exact values enumerate all coalitions of up to this many players of one term; beyond, orders are sampled."""

_TOLERANCE = 5e-7  # terms must add up to the model's own prediction this well, in units of the target


def _weights(d: int) -> FloatArray:
    """Shapley weight of a coalition of each size 0...d-1 that a player joins: |S|! (d - |S| - 1)! / d!."""
    return np.array([factorial(s) * factorial(d - s - 1) / factorial(d) for s in range(d)])


def _sizes(masks: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.bitwise_count(masks).astype(np.int64)


def shapley_values(worth: FloatArray, d: int) -> FloatArray:
    """Shapley values, shape (n_rows, d), from the worth of every coalition.

    Parameters
    ----------
    worth : ndarray, shape (n_rows, 2**d)
        Bit j of a coalition's number says that player j is in it.
    d : int
        Players.
    """
    masks = np.arange(2**d)
    # A coalition counts for each member that may have come last and against each outsider that may come next.
    joined, joins = _sizes(masks), _weights(d)
    gained = np.append(0.0, joins)[joined] if d else np.zeros(1)
    spent = np.append(joins, 0.0)[joined] if d else np.zeros(1)
    inside = (masks[:, None] >> np.arange(d)) & 1
    return np.asarray(worth @ np.where(inside == 1, gained[:, None], -spent[:, None]))


def interaction_values(worth: FloatArray, d: int) -> FloatArray:
    """Shapley interactions, shape (n_rows, d, d), from the worth of every coalition.

    Off the diagonal half of the interaction index of Grabisch and Roubens (Int. J. Game Theory 1999, 28, 547), each
    pair's share given to both; on it what a player does alone, so that rows sum to the Shapley values (Lundberg et
    al., Nat. Mach. Intell. 2020, 2, 56).
    """
    masks = np.arange(2**d)
    values = shapley_values(worth, d)
    out = np.zeros((len(worth), d, d))
    pair_weights = [factorial(s) * factorial(d - s - 2) / factorial(d - 1) for s in range(max(d - 1, 0))]
    for i in range(d):
        for j in range(i):
            rest = masks[((masks >> i) | (masks >> j)) & 1 == 0]
            a, b = 1 << i, 1 << j
            joint = worth[:, rest | a | b] - worth[:, rest | a] - worth[:, rest | b] + worth[:, rest]
            out[:, i, j] = out[:, j, i] = 0.5 * (joint @ np.array(pair_weights)[_sizes(rest)])
    diagonal = np.arange(d)
    out[:, diagonal, diagonal] = values - out.sum(axis=2)
    return out


@dataclass(frozen=True)
class _Part:
    """One term's game: its players as columns of the term, and which players of the whole game they are."""

    term: Term
    players: tuple[tuple[int, ...], ...]
    owners: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Game:
    """The games of several rows of one model against one background.

    Attributes
    ----------
    names : tuple of str
        Players.
    base : float
        Mean prediction over the background.
    prediction : ndarray, shape (n_rows,)
        The model's own prediction of each row.
    """

    names: tuple[str, ...]
    base: float
    prediction: FloatArray
    _rows: Any
    _background: Any
    _parts: tuple[_Part, ...]

    @classmethod
    def of(
        cls,
        model: Any,
        X_rows: Any,
        background: Any,
        feature_names: Sequence[str] | None = None,
        players: Players | None = None,
    ) -> Game:
        """Set up the game of a fitted model (or of any function that predicts).

        Parameters
        ----------
        model : fitted regressor or callable
            A fitted model is taken apart into terms where its kind is known; a callable takes rows like `X_rows` and
            returns shape (n_rows,).
        X_rows, background : DataFrame or array_like, shape (n, n_columns)
            Rows to explain, and the rows that stand for the average material.
        feature_names : sequence of str, optional
            For a DataFrame the columns to explain (others keep the explained row's value); for an array its names.
        players : mapping of str to column names, optional
            Groups of columns that enter a coalition together.

        Raises
        ------
        StudyError
            If there is no background, a name doesn't fit, or a column is text.
        """
        frame = hasattr(X_rows, "columns")
        if len(background) == 0:
            raise StudyError("Shapley values need at least one background row")
        columns = list(X_rows.columns) if frame else _array_names(X_rows, feature_names)
        names = columns if feature_names is None else list(feature_names)
        shown = names if not frame else None
        inner = columns if frame else [f"x{i}" for i in range(len(columns))]
        owned = _player_columns(names, shown or columns, players)
        rows = X_rows if frame else np.asarray(X_rows)
        base_rows = background[columns] if frame else np.asarray(background)
        values = np.asarray(rows), np.asarray(base_rows)
        if values[0].dtype == object or values[1].dtype == object:
            raise StudyError("the rows to explain have columns of text; keep only the columns that the model uses")
        if values[0].shape == values[1].shape and np.array_equal(*values, equal_nan=True):
            rows = base_rows
        predict = model.predict if hasattr(model, "predict") else model
        call = _caller(predict, columns if frame else None)
        base, prediction = float(np.mean(call(values[1]))), call(values[0])
        plain = CallTerm(tuple(inner), np.asarray, call)
        parts: tuple[_Part, ...] | None = None
        terms = terms_of(model) if hasattr(model, "predict") else None
        if terms is not None:
            parts = _parts(terms, inner, owned)
        if parts is None or not _add_up(parts, rows, base_rows, prediction - base):
            parts = (_Part(plain, tuple(map(tuple, owned)), tuple(range(len(owned)))),)
        return cls(tuple(players or names), base, prediction, rows, base_rows, parts)

    @property
    def exact(self) -> bool:
        """Whether no term has more than 15 players, so that every coalition can be looked at."""
        return all(len(part.owners) <= MAX_PLAYERS for part in self._parts)

    @property
    def n_hybrids(self) -> int:
        """Hybrid rows that exact values have to predict one by one; terms put together from tables don't count."""
        called = [part for part in self._parts if isinstance(part.term, CallTerm)]
        return len(self.prediction) * len(self._background) * sum(2 ** len(part.owners) for part in called)

    def _sum(self, shape: tuple[int, ...], combine: Callable[[FloatArray, int], FloatArray]) -> FloatArray:
        """Sum over terms of what `combine` makes of the worth of all coalitions, at the places of their players."""
        d = len(self.names)
        out = np.zeros((len(self.prediction), *[d] * len(shape)))
        for part in self._parts:
            k = len(part.owners)
            if k > MAX_PLAYERS:
                raise StudyError(
                    f"exact values need between 1 and {MAX_PLAYERS} columns or groups of columns, not {k}; group some "
                    "columns into one player"
                )
            worth = part.term.worths(self._rows, self._background, part.players)
            out[np.ix_(np.arange(len(out)), *[np.array(part.owners, dtype=int)] * len(shape))] += combine(worth, k)
        return out

    def shapley(self) -> FloatArray:
        """Exact Shapley values, shape (n_rows, n_players).

        Raises
        ------
        StudyError
            If a term has more than 15 players.
        """
        return self._sum((1,), shapley_values)

    def interactions(self) -> FloatArray:
        """Exact Shapley interactions, shape (n_rows, n_players, n_players); see `interaction_values`."""
        return self._sum((1, 1), interaction_values)

    def owen(self, unions: Sequence[Sequence[str]]) -> FloatArray:
        """Owen values, shape (n_rows, n_players): players enter union by union, a union's members one after another.

        Columns of one union (correlated descriptors) share out what the union as a whole contributes, and that whole
        is the Shapley value of the union as one player (Owen, in Mathematical Economics and Game Theory, 1977, 76).

        Parameters
        ----------
        unions : sequence of sequences of str
            Every player in exactly one union.

        Raises
        ------
        StudyError
            If the unions don't hold every player once, or there are too many unions or members for exact values.
        """
        flat = [name for union in unions for name in union]
        if sorted(flat) != sorted(self.names):
            raise StudyError(f"the unions must hold every player once; the players are: {', '.join(self.names)}")
        union_of = {name: number for number, union in enumerate(unions) for name in union}
        labels = np.array([union_of[name] for name in self.names])
        out = np.zeros((len(self.prediction), len(self.names)))
        for part in self._parts:
            owners = np.array(part.owners, dtype=int)
            members, weights = _owen_coalitions(labels[owners])
            worth = part.term.some_worths(self._rows, self._background, part.players, members)
            out[:, owners] += worth @ weights
        return out

    def sampled(self, n_orders: int, seed: int) -> tuple[FloatArray, FloatArray]:
        """Shapley values from random orders of entry, each used forwards and backwards; they add up exactly.

        Terms with at most 15 players are exact all the same.

        Parameters
        ----------
        n_orders : int
            Orders, at least 4 and even.
        seed : int

        Returns
        -------
        values, error : ndarray, shape (n_rows, n_players)
            Mean over the orders, and its Monte Carlo standard error.

        Notes
        -----
        Castro, Gomez and Tejada, Comput. Oper. Res. 2009, 36, 1726; the reversed order is the antithetic twin of
        Mitchell, Cooper, Frank and Holmes, J. Mach. Learn. Res. 2022, 23, 43.
        """
        if n_orders < 4 or n_orders % 2:
            raise StudyError(f"sampled Shapley values need an even number of orders, at least 4, not {n_orders}")
        rng = np.random.default_rng(seed)
        values = np.zeros((len(self.prediction), len(self.names)))
        variance = np.zeros_like(values)
        for part in self._parts:
            owners, k = np.array(part.owners, dtype=int), len(part.owners)
            if k <= MAX_PLAYERS:
                values[:, owners] += shapley_values(part.term.worths(self._rows, self._background, part.players), k)
                continue
            pairs = []
            for _ in range(n_orders // 2):
                order = rng.permutation(k)
                gains = [self._along(part, chosen) for chosen in (order, order[::-1])]
                pairs.append(np.mean(gains, axis=0))
            values[:, owners] += np.mean(pairs, axis=0)
            variance[:, owners] += np.var(pairs, axis=0, ddof=1) / len(pairs)
        return values, np.sqrt(variance)

    def _along(self, part: _Part, order: NDArray[np.int64]) -> FloatArray:
        """Marginal contribution of each player of a term when they enter in this order, shape (n_rows, k)."""
        rank = np.empty(len(order), dtype=int)
        rank[order] = np.arange(len(order))
        members = rank < np.arange(len(order) + 1)[:, None]
        worth = part.term.some_worths(self._rows, self._background, part.players, members)
        return np.asarray(np.diff(worth, axis=1)[:, rank])


def _owen_coalitions(labels: NDArray[np.int64]) -> tuple[NDArray[np.bool_], FloatArray]:
    """Coalitions that Owen values need, (n_coalitions, k), and the weight of their worth for each player."""
    unions = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    n_unions, k = len(unions), len(labels)
    most = max((len(union) for union in unions), default=0)
    if n_unions + most - 1 > MAX_PLAYERS + 3:
        raise StudyError(
            f"exact Owen values of {n_unions} groups, the largest of {most} columns, need too many coalitions; at most "
            f"{MAX_PLAYERS + 4} groups and members of the largest group together are possible"
        )
    outer = _weights(n_unions)
    rows, weights = [], []
    for number, union in enumerate(unions):
        inner = _weights(len(union))
        others = [u for i, u in enumerate(unions) if i != number]
        for outside in range(2 ** len(others)):
            base = np.zeros(k, dtype=bool)
            for place, members in enumerate(others):
                base[members] = bool((outside >> place) & 1)
            whole = outer[outside.bit_count()]
            for inside in range(2 ** len(union)):
                chosen = ((inside >> np.arange(len(union))) & 1).astype(bool)
                row, weight, size = base.copy(), np.zeros(k), inside.bit_count()
                row[union[chosen]] = True
                if size:
                    weight[union[chosen]] = whole * inner[size - 1]
                if size < len(union):
                    weight[union[~chosen]] = -whole * inner[size]
                rows.append(row)
                weights.append(weight)
    return np.array(rows).reshape(-1, k), np.array(weights).reshape(-1, k)


def _parts(terms: Sequence[Term], columns: Sequence[str], owned: Sequence[Sequence[int]]) -> tuple[_Part, ...] | None:
    """Games of the terms; None if a term reads a column that nobody plays."""
    owner = {columns[c]: player for player, group in enumerate(owned) for c in group}
    parts = []
    for term in terms:
        if any(column not in owner for column in term.columns):
            return None
        owners = sorted({owner[column] for column in term.columns})
        players = tuple(
            tuple(i for i, column in enumerate(term.columns) if owner[column] == player) for player in owners
        )
        parts.append(_Part(term, players, tuple(owners)))
    return tuple(parts)


def _add_up(parts: Sequence[_Part], rows: Any, background: Any, change: FloatArray) -> bool:
    """Whether the terms' change from the average to each row is the model's own."""
    found = np.zeros(len(change))
    for part in parts:
        nobody_and_all = np.array([[False] * len(part.owners), [True] * len(part.owners)])
        worth = part.term.some_worths(rows, background, part.players, nobody_and_all)
        found += worth[:, 1] - worth[:, 0]
    return bool(np.all(np.abs(found - change) <= _TOLERANCE * max(1.0, float(np.abs(change).max(initial=0.0)))))


def _caller(predict: Callable[[Any], ArrayLike], columns: list[str] | None) -> Callable[[NDArray[Any]], FloatArray]:
    def call(values: NDArray[Any]) -> FloatArray:
        table: Any = values
        if columns is not None:
            import pandas as pd

            table = pd.DataFrame(values, columns=columns)
        return np.asarray(predict(table), dtype=float).reshape(len(values))

    return call


def _array_names(X: Any, names: Sequence[str] | None) -> list[str]:
    width = np.asarray(X).shape[1]
    if names is not None and len(names) != width:
        raise StudyError(f"{len(names)} names were given for {width} columns")
    return [f"x{i}" for i in range(width)] if names is None else list(names)


def _player_columns(names: list[str], columns: list[str], players: Players | None) -> list[list[int]]:
    groups = [[name] for name in names] if players is None else [list(group) for group in players.values()]
    flat = [name for group in groups for name in group]
    absent = [name for name in flat if name not in columns]
    if absent:
        raise StudyError(f"there is no column '{absent[0]}' to explain; the columns are: {', '.join(columns)}")
    if len(set(flat)) != len(flat):
        raise StudyError("a column belongs to two players; each column may be explained once")
    if not groups:
        raise StudyError("there is nothing to explain: name at least one column")
    return [[columns.index(name) for name in group] for group in groups]
