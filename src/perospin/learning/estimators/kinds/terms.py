"""A fitted model as a sum of terms, so that exact Shapley values need few evaluations and small ones.

Shapley values are linear in the model, and a column that a term does not read is a null player of that term. So an
average is explained member by member, a two-stage model stage by stage, a linear model column by column and a Gaussian
process draw by draw, each over the columns it really reads. Within a term two shortcuts avoid predicting every hybrid
row (explained values in some columns, background values elsewhere) from scratch:

- A kernel, the first layer of a network and the leaves of a tree treat columns one by one before anything joins them:
  the contribution of each column is tabulated once and hybrids are put together from tables (`SeparableTerm`).
- Where explained and background row agree, or where the explained rows are the background, values are looked up.

A model of another kind is one term that is predicted as it is (`CallTerm`). Whether the terms add up to the model is
checked on every use; if they don't, the model is predicted as it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perospin._optional import is_a

__all__ = [
    "AdditiveTerm",
    "CallTerm",
    "SeparableTerm",
    "Take",
    "Term",
    "UnknownTermsError",
    "matern_term",
    "remembered",
    "scaled",
    "sums",
    "table_term",
    "terms_inside",
]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Table = Any
Take = Callable[[Table], FloatArray]
"""Makes from a table the columns that a model on arrays sees."""
Players = Sequence[Sequence[int]]

_BLOCK_ROWS = 65_536  # rows handed to a model at once
_PART = 2**22  # coalitions x background rows held at once
_LEAF = 2**18  # bytes joined at once: larger arrays leave the processor's cache and cost fresh memory each time
LEAVES = 512  # leaves of trees in one term, for the same reason
_TABLES = 4  # tables whose values are remembered
_MOST_BITS = 40  # players whose coalitions are numbered, background rows included, in 64 bits
EXPONENT = 80.0  # exp of more than this overflows in single precision


class Term(ABC):
    """One summand of a model; reads `columns`, and knows what coalitions of players are worth to it."""

    columns: tuple[str, ...]

    @abstractmethod
    def worths(self, rows: Table, background: Table, players: Players) -> FloatArray:
        """Worth of every coalition, shape (n_rows, 2**k); bit j of a coalition's number says that player j is in it.

        Parameters
        ----------
        rows, background : table
            Rows to explain, and the rows that stand for the average material.
        players : sequence of sequences of int
            Columns of the term (numbers into `columns`) of each of its k players. A column that nobody plays keeps
            the explained row's value.
        """

    @abstractmethod
    def some_worths(self, rows: Table, background: Table, players: Players, members: BoolArray) -> FloatArray:
        """Worth of the given coalitions, shape (n_rows, n_coalitions); `members` is (n_coalitions, k)."""

    @abstractmethod
    def hybrids(self, rows: Table, others: Table, taken: Sequence[int]) -> FloatArray:
        """Prediction of each row with the `taken` columns (numbers into `columns`) of each other row, (m, n)."""


# --- any model ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CallTerm(Term):
    """A term that can only be predicted.

    Attributes
    ----------
    columns : tuple of str
    take : callable
        Gives the values of the columns of a table, shape (n_rows, n_columns).
    call : callable
        Predicts such values, shape (n_rows,).
    scale : float
        Factor of the prediction.
    """

    columns: tuple[str, ...]
    take: Callable[[Table], NDArray[Any]]
    call: Callable[[NDArray[Any]], FloatArray]
    scale: float = 1.0

    def worths(self, rows: Table, background: Table, players: Players) -> FloatArray:
        """Worth of every coalition, shape (n_rows, 2**k)."""
        return self._worths(rows, background, players, np.arange(2 ** len(players)))

    def some_worths(self, rows: Table, background: Table, players: Players, members: BoolArray) -> FloatArray:
        """Worth of the given coalitions, shape (n_rows, n_coalitions)."""
        if len(players) <= _MOST_BITS:
            return self._worths(rows, background, players, members.astype(np.int64) @ _bits(len(players)))
        member, base = self._member(players), self.take(background)
        from_row = (members @ member) | ~member.any(axis=0)
        out = [[self._predict(np.where(kept, row, base)).mean() for kept in from_row] for row in self.take(rows)]
        return self.scale * np.array(out)

    def hybrids(self, rows: Table, others: Table, taken: Sequence[int]) -> FloatArray:
        """Prediction of each row with the `taken` columns of each other row, shape (m, n)."""
        mine, theirs = self.take(rows), self.take(others)
        mixed = np.repeat(mine, len(theirs), axis=0)
        mixed[:, list(taken)] = np.tile(theirs[:, list(taken)], (len(mine), 1))
        return self.scale * self._predict(mixed).reshape(len(mine), len(theirs))

    def _member(self, players: Players) -> BoolArray:
        member = np.zeros((len(players), len(self.columns)), dtype=bool)
        for player, columns in enumerate(players):
            member[player, list(columns)] = True
        return member

    def _worths(self, rows: Table, background: Table, players: Players, masks: NDArray[np.int64]) -> FloatArray:
        member, base = self._member(players), self.take(background)
        inside = ((masks[:, None] >> np.arange(len(players))) & 1).astype(bool)
        from_row = (inside @ member) | ~member.any(axis=0)
        found = [self._of_row(row, base, member, masks, from_row) for row in self.take(rows)]
        return self.scale * np.array(found).reshape(len(found), len(masks))

    def _of_row(
        self,
        row: NDArray[Any],
        background: NDArray[Any],
        member: BoolArray,
        masks: NDArray[np.int64],
        from_row: BoolArray,
    ) -> FloatArray:
        """Worth of coalitions for one row, shape (n_coalitions,).

        Where a background row agrees with the explained row in all columns of a player, joining changes nothing, so
        that combination is looked up instead of predicted again. Flags and layer numbers agree often.
        """
        total = np.zeros(len(masks))
        every = np.array_equal(masks, np.arange(2 ** len(member)))
        per_part = max(1, _PART // len(masks))
        for start in range(0, len(background), per_part):
            part = background[start : start + per_part]
            differs = (part != row) & ~((part != part) & (row != row))
            differing = (differs.astype(np.int64) @ member.T.astype(np.int64) > 0) @ _bits(len(member))
            same_as = masks[:, None] & differing
            if every:
                which, other = np.nonzero(same_as == masks[:, None])
                predicted = np.empty(same_as.shape)
                predicted[which, other] = self._predict(np.where(from_row[which], row, part[other]))
                total += predicted[same_as, np.arange(len(part))].sum(axis=1)
            else:
                keys = same_as * len(part) + np.arange(len(part))
                _, first, again = np.unique(keys, return_index=True, return_inverse=True)
                which, other = np.divmod(first, len(part))
                predicted = self._predict(np.where(from_row[which], row, part[other]))
                total += predicted[again].reshape(keys.shape).sum(axis=1)
        return total / len(background)

    def _predict(self, values: NDArray[Any]) -> FloatArray:
        blocks = range(0, len(values), _BLOCK_ROWS)
        return np.concatenate([self.call(values[start : start + _BLOCK_ROWS]) for start in blocks])


def _bits(k: int) -> NDArray[np.int64]:
    return np.left_shift(np.int64(1), np.arange(k, dtype=np.int64))


# --- models that treat columns one by one before they join them ----------------------------------------------


@dataclass(frozen=True)
class AdditiveTerm(Term):
    """A sum of functions of one column each; `tabulate` gives them, shape (n_columns, n_rows)."""

    columns: tuple[str, ...]
    take: Callable[[Table], FloatArray]
    tabulate: Callable[[FloatArray], FloatArray]
    scale: float = 1.0

    def worths(self, rows: Table, background: Table, players: Players) -> FloatArray:
        """Worth of every coalition, shape (n_rows, 2**k)."""
        masks = np.arange(2 ** len(players))
        return self.some_worths(rows, background, players, (masks[:, None] & _bits(len(players))) > 0)

    def some_worths(self, rows: Table, background: Table, players: Players, members: BoolArray) -> FloatArray:
        """Worth of the given coalitions, shape (n_rows, n_coalitions)."""
        mine, theirs = self.tabulate(self.take(rows)), self.tabulate(self.take(background)).mean(axis=1)
        played = [column for player in players for column in player]
        fixed = np.delete(mine, played, axis=0).sum(axis=0)
        inside = np.array([mine[list(player)].sum(axis=0) for player in players]).reshape(len(players), -1)
        outside = np.array([theirs[list(player)].sum() for player in players])
        return self.scale * (fixed[:, None] + inside.T @ members.T + ~members @ outside)

    def hybrids(self, rows: Table, others: Table, taken: Sequence[int]) -> FloatArray:
        """Prediction of each row with the `taken` columns of each other row, shape (m, n)."""
        mine = np.delete(self.tabulate(self.take(rows)), taken, axis=0).sum(axis=0)
        theirs = self.tabulate(self.take(others))[list(taken)].sum(axis=0)
        return np.asarray(self.scale * (mine[:, None] + theirs))


@dataclass(frozen=True)
class SeparableTerm(Term):
    """A term whose columns contribute one by one: their contributions are added (or multiplied), then joined.

    Attributes
    ----------
    columns : tuple of str
    take : callable
        Gives what the model sees of a table, shape (n_rows, n_columns).
    tabulate : callable
        Contribution of each column of such values, shape (n_columns, n_rows, n_parts): one part for each training
        row of a kernel, each unit of a first layer, each leaf of a tree.
    join : callable or ndarray
        Takes contributions of explained rows (m, n_parts) and of background rows (n, n_parts) over complementary
        columns; gives the predictions of all hybrids, shape (m, n). Weights (n_parts,) stand for their weighted
        product: the mean over the background can then be taken first.
    multiply : bool
        Contributions of columns are multiplied, not added.
    scale : float
        Factor of the prediction.
    """

    columns: tuple[str, ...]
    take: Callable[[Table], FloatArray]
    tabulate: Callable[[FloatArray], NDArray[Any]]
    join: Callable[[NDArray[Any], NDArray[Any]], FloatArray] | FloatArray
    multiply: bool = False
    scale: float = 1.0

    def _tables(
        self, rows: Table, background: Table, players: Players
    ) -> tuple[NDArray[Any], NDArray[Any], list[NDArray[Any]], list[NDArray[Any]]]:
        """Contributions of the columns that nobody plays, then of each player, for rows and background."""
        mine, theirs = self.tabulate(self.take(rows)), self.tabulate(self.take(background))
        played = {column for player in players for column in player}
        fixed = self._joined(mine, [c for c in range(len(self.columns)) if c not in played])
        none = np.full(theirs.shape[1:], self.multiply, dtype=theirs.dtype)
        return fixed, none, [self._joined(mine, p) for p in players], [self._joined(theirs, p) for p in players]

    def _joined(self, tables: NDArray[Any], columns: Sequence[int]) -> NDArray[Any]:
        chosen = tables[list(columns)]
        return np.asarray(chosen.prod(axis=0, dtype=tables.dtype) if self.multiply else chosen.sum(axis=0))

    def worths(self, rows: Table, background: Table, players: Players) -> FloatArray:
        """Worth of every coalition, shape (n_rows, 2**k)."""
        fixed, none, mine, theirs = self._tables(rows, background, players)
        k = len(players)
        out = np.empty((len(fixed), 2**k))
        op = np.multiply if self.multiply else np.add
        # The hybrid of a in S and b elsewhere is the hybrid of b elsewhere and a in S: half of the coalitions do.
        everybody = {column for player in players for column in player} == set(range(len(self.columns)))
        mirrored = rows is background and everybody

        def visit(player: int, inside: NDArray[Any], outside: NDArray[Any], mask: int) -> None:
            if player < 0:
                out[:, mask], others = self._means(inside, outside, mirrored)
                if others is not None:
                    out[:, 2**k - 1 - mask] = others
                return
            if not (mirrored and player == k - 1):
                visit(player - 1, op(inside, mine[player]), outside, mask | 1 << player)
            visit(player - 1, inside, op(outside, theirs[player]), mask)

        visit(k - 1, fixed, none, 0)
        return self.scale * out

    def some_worths(self, rows: Table, background: Table, players: Players, members: BoolArray) -> FloatArray:
        """Worth of the given coalitions, shape (n_rows, n_coalitions)."""
        fixed, none, mine, theirs = self._tables(rows, background, players)
        op = np.multiply if self.multiply else np.add
        out = np.empty((len(fixed), len(members)))
        for c, coalition in enumerate(members):
            inside, outside = fixed, none
            for player, joins in enumerate(coalition):
                if joins:
                    inside = op(inside, mine[player])
                else:
                    outside = op(outside, theirs[player])
            out[:, c] = self._means(inside, outside, False)[0]
        return self.scale * out

    def hybrids(self, rows: Table, others: Table, taken: Sequence[int]) -> FloatArray:
        """Prediction of each row with the `taken` columns of each other row, shape (m, n)."""
        kept = [c for c in range(len(self.columns)) if c not in taken]
        inside = self._joined(self.tabulate(self.take(rows)), kept)
        outside = self._joined(self.tabulate(self.take(others)), list(taken))
        if not callable(self.join):
            return np.asarray(self.scale * ((inside * self.join) @ outside.T))
        return self.scale * self._all(self.join, inside, outside)

    def _means(
        self, inside: NDArray[Any], outside: NDArray[Any], mirrored: bool
    ) -> tuple[FloatArray, FloatArray | None]:
        """Mean prediction over the background of each row and, if asked for, over the rows of each background row."""
        if not callable(self.join):
            others = outside @ (self.join * _mean_row(inside)) if mirrored else None
            return inside @ (self.join * _mean_row(outside)), others
        hybrids = self._all(self.join, inside, outside)
        equally = np.full(len(outside), 1.0 / len(outside))
        return hybrids @ equally, equally @ hybrids if mirrored else None

    @staticmethod
    def _all(
        join: Callable[[NDArray[Any], NDArray[Any]], FloatArray], inside: NDArray[Any], outside: NDArray[Any]
    ) -> FloatArray:
        step = max(1, _LEAF // max(outside.nbytes, 1))
        if step >= len(inside):
            return join(inside, outside)
        out = np.empty((len(inside), len(outside)))
        for start in range(0, len(inside), step):
            out[start : start + step] = join(inside[start : start + step], outside)
        return out


# --- what estimators make their terms with ----------------------------------------------------------------------


def sums(inside: NDArray[Any], outside: NDArray[Any]) -> NDArray[Any]:
    """Each row of `inside` plus each of `outside`, shape (m, n, n_parts)."""
    # NumPy adds axis by axis: rows copied out first make one long addition of many short ones, in half the time.
    wide = np.repeat(inside, len(outside), axis=0).reshape(len(inside), -1)
    wide += outside.ravel()
    return wide.reshape(len(inside), *outside.shape)


def _mean_row(values: FloatArray) -> FloatArray:
    return np.asarray(np.full(len(values), 1.0 / len(values)) @ values)


class UnknownTermsError(Exception):
    """A model, or one inside it, says nothing of its terms: it is predicted as it is."""


def terms_inside(model: Any) -> Iterator[Term]:
    """Terms of a fitted model on tables, as its class gives them (``exact_terms``).

    Raises
    ------
    UnknownTermsError
        If the class gives none.
    """
    if is_a(model, "sklearn", "DummyRegressor"):
        return
    if not hasattr(model, "exact_terms"):
        raise UnknownTermsError
    yield from model.exact_terms()


def table_term(predict: Callable[[Table], FloatArray], columns: Sequence[str]) -> Term:
    """One term of a model on tables that reads these columns and can only be predicted."""
    names = list(columns)

    def call(values: NDArray[Any]) -> FloatArray:
        import pandas as pd

        return np.asarray(predict(pd.DataFrame(values, columns=names)), dtype=float).reshape(len(values))

    return CallTerm(tuple(names), lambda table: table[names].to_numpy(dtype=float), call)


def scaled(terms: Iterator[Term], factor: float) -> Iterator[Term]:
    """Multiply every term by a factor."""
    for term in terms:
        assert isinstance(term, AdditiveTerm | CallTerm | SeparableTerm)
        yield replace(term, scale=term.scale * factor)


def remembered(take: Take) -> Take:
    """Keep what was read of the last few tables: the many terms of one model read the same ones over and over."""
    known: list[tuple[Table, FloatArray]] = []

    def read(table: Table) -> FloatArray:
        for seen, values in known:
            if seen is table:
                return values
        values = take(table)
        known.insert(0, (table, values))
        del known[_TABLES:]
        return values

    return read


def matern_term(
    precision: FloatArray,
    training: FloatArray,
    weights: FloatArray,
    columns: tuple[str, ...],
    take: Take,
) -> Iterator[Term]:
    """One draw of a Gaussian process: squared distances to the training rows add up over the columns it reads."""
    read = np.flatnonzero(precision)
    if not read.size:
        return
    known, squares, third = training[:, read].T[:, None, :], 5.0 * precision[read][:, None, None], weights / 3.0

    def tabulate(values: FloatArray) -> FloatArray:
        return np.asarray(squares * (values[:, read].T[:, :, None] - known) ** 2)

    def join(inside: FloatArray, outside: FloatArray) -> FloatArray:
        # (1 + q + q^2 / 3) exp(-q) = ((q + 1.5)^2 + 0.75) exp(-q) / 3, in as few passes over the numbers as possible
        q = sums(inside, outside)
        np.sqrt(q, out=q)
        decay = np.negative(q)
        np.exp(decay, out=decay)
        q += 1.5
        q *= q
        q += 0.75
        q *= decay
        return np.asarray(q @ third)

    yield SeparableTerm(tuple(columns[c] for c in read), take, tabulate, join)
