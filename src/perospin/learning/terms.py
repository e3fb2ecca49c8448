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

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import ElasticNet, LinearRegression, Ridge
from sklearn.svm import SVR

from perospin.learning.estimators.columns import ColumnModel
from perospin.learning.estimators.combine import AverageModel, BestOf, StackModel
from perospin.learning.estimators.gaussian_processes.gaussian_process import GaussianProcess
from perospin.learning.estimators.gaussian_processes.prior_averaged import PriorAveragedGP
from perospin.learning.estimators.mlp import MLPEnsemble
from perospin.learning.estimators.rules import CLASS_COLUMNS, TrainingMean, TwoClassRule, TwoStage, spacer_classes

__all__ = ["AdditiveTerm", "CallTerm", "SeparableTerm", "Term", "terms_of"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Table = Any
Players = Sequence[Sequence[int]]

_BLOCK_ROWS = 65_536  # rows handed to a model at once
_PART = 2**22  # coalitions x background rows held at once
_LEAF = 2**18  # bytes joined at once: larger arrays leave the processor's cache and cost fresh memory each time
_LEAVES = 512  # leaves of trees in one term, for the same reason
_TABLES = 4  # tables whose values are remembered
_MOST_BITS = 40  # players whose coalitions are numbered, background rows included, in 64 bits
_EXPONENT = 80.0  # exp of more than this overflows in single precision


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


# --- what is known of each kind of model -----------------------------------------------------------------------


def terms_of(model: Any) -> list[Term] | None:
    """Terms of a fitted model that add up to its prediction, apart from a constant; None if its kind is not known.

    Parameters
    ----------
    model : fitted regressor
        As made by `build_estimator`.
    """
    try:
        return list(_terms(model))
    except _Unknown:
        return None


class _Unknown(Exception):
    pass


def _remembered(take: Callable[[Table], FloatArray]) -> Callable[[Table], FloatArray]:
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


def _terms(model: Any) -> Iterator[Term]:
    if isinstance(model, TrainingMean | DummyRegressor):
        return
    if isinstance(model, AverageModel):
        for member in model.members_:
            yield from _scaled(_terms(member), 1.0 / len(model.members_))
    elif isinstance(model, StackModel):
        for member, weight in zip(model.members_, model.weights_.tolist(), strict=True):
            if weight != 0:
                yield from _scaled(_terms(member), weight)
    elif isinstance(model, BestOf):
        yield from _terms(model.model_)
    elif isinstance(model, TwoClassRule | TwoStage):
        yield CallTerm(CLASS_COLUMNS, _values(CLASS_COLUMNS), _class_levels(model))
        if isinstance(model, TwoStage) and model.model_ is not None:
            yield from _terms(model.model_)
    elif isinstance(model, PriorAveragedGP):
        yield from _prior_gp(model)
    elif isinstance(model, ColumnModel):
        if model.model_ is not None:
            take = _remembered(model.transform)
            yield from _scaled(_array_terms(model.model_, tuple(model.columns_), take), model.target_scale_)
    else:
        raise _Unknown


def _scaled(terms: Iterator[Term], factor: float) -> Iterator[Term]:
    for term in terms:
        assert isinstance(term, AdditiveTerm | CallTerm | SeparableTerm)
        yield replace(term, scale=term.scale * factor)


def _values(columns: Sequence[str]) -> Callable[[Table], NDArray[Any]]:
    return lambda table: table[list(columns)].to_numpy(dtype=float)


def _class_levels(model: TwoClassRule | TwoStage) -> Callable[[NDArray[Any]], FloatArray]:
    def call(values: NDArray[Any]) -> FloatArray:
        import pandas as pd

        return np.asarray(model.levels_[spacer_classes(pd.DataFrame(values, columns=CLASS_COLUMNS), model.classes)])

    return call


def _array_terms(model: Any, columns: tuple[str, ...], take: Callable[[Table], FloatArray]) -> Iterator[Term]:
    """Terms of a model on an array whose columns `take` makes from a table."""
    if isinstance(model, Ridge | ElasticNet | LinearRegression):
        slopes = np.ravel(model.coef_)
        yield AdditiveTerm(columns, take, lambda values: slopes[:, None] * values.T)
    elif isinstance(model, SVR) and model.kernel == "rbf":
        yield _radial(model, columns, take)
    elif isinstance(model, GaussianProcess):
        shares = model._y_sd / len(model._weights) * model._weights
        scaled = _standardised(take, model._x_mean, model._x_sd)
        for precision, weights in zip(model._inverse_squares, shares, strict=True):
            yield from _matern(precision, model._x, weights, columns, scaled)
    elif isinstance(model, MLPEnsemble):
        yield _networks(model, columns, take)
    elif isinstance(model, RandomForestRegressor):
        leaves = [leaf for tree in model.estimators_ for leaf in _forest_leaves(tree.tree_)]
        yield from _boxes(leaves, 1.0 / len(model.estimators_), columns, take, closed_above=True)
    elif type(model).__name__ == "XGBRegressor":
        trees = [json.loads(text) for text in model.get_booster().get_dump(dump_format="json")]
        leaves = [leaf for tree in trees for leaf in _boosted_leaves(tree, {})]
        yield from _boxes(leaves, 1.0, columns, take, closed_above=False)
    else:
        yield CallTerm(columns, take, lambda values: np.asarray(model.predict(values), dtype=float).ravel())


def _standardised(
    take: Callable[[Table], FloatArray], mean: FloatArray, deviation: FloatArray
) -> Callable[[Table], FloatArray]:
    return _remembered(lambda table: (take(table) - mean) / deviation)


def _radial(model: SVR, columns: tuple[str, ...], take: Callable[[Table], FloatArray]) -> Term:
    """Support vectors with a Gaussian kernel, a product over columns: the mean over the background factors too."""
    vectors, gamma, weights = model.support_vectors_, float(model._gamma), model.dual_coef_[0]

    def tabulate(values: FloatArray) -> FloatArray:
        return np.asarray(np.exp(-gamma * (values.T[:, :, None] - vectors.T[:, None, :]) ** 2))

    return SeparableTerm(columns, take, tabulate, weights, multiply=True)


def _sums(inside: NDArray[Any], outside: NDArray[Any]) -> NDArray[Any]:
    """Each row of `inside` plus each of `outside`, shape (m, n, n_parts)."""
    # NumPy adds axis by axis: rows copied out first make one long addition of many short ones, in half the time.
    wide = np.repeat(inside, len(outside), axis=0).reshape(len(inside), -1)
    wide += outside.ravel()
    return wide.reshape(len(inside), *outside.shape)


def _mean_row(values: FloatArray) -> FloatArray:
    return np.asarray(np.full(len(values), 1.0 / len(values)) @ values)


def _prior_gp(model: PriorAveragedGP) -> Iterator[Term]:
    if model.features is None:
        raise _Unknown
    shares = model.deviation_ * (model.weights_ * (1.0 - model.draws_.noise))[:, None] * model.dual_
    take = _remembered(model._scaled)
    for precision, weights in zip(model.draws_.inverse_squares, shares, strict=True):
        yield from _matern(precision, model.values_, weights, tuple(model.features), take)


def _matern(
    precision: FloatArray,
    training: FloatArray,
    weights: FloatArray,
    columns: tuple[str, ...],
    take: Callable[[Table], FloatArray],
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
        q = _sums(inside, outside)
        np.sqrt(q, out=q)
        decay = np.negative(q)
        np.exp(decay, out=decay)
        q += 1.5
        q *= q
        q += 0.75
        q *= decay
        return np.asarray(q @ third)

    yield SeparableTerm(tuple(columns[c] for c in read), take, tabulate, join)


def _networks(model: MLPEnsemble, columns: tuple[str, ...], take: Callable[[Table], FloatArray]) -> Term:
    """Networks: what the units of the first layer receive adds up over columns."""
    (weights, bias), *later = model.layers_
    members, width = bias.shape
    flat = weights.transpose(1, 0, 2).reshape(weights.shape[1], -1)
    start = np.zeros_like(flat)
    start[0] = bias.ravel()  # one of the columns brings it along
    scale = float(model._y_sd) / members
    weight = np.asarray(-2.0 * later[-1][0][:, :, 0].ravel(), dtype=np.float32)
    logistic = model.activation == "tanh" and len(later) == 1

    def received(values: FloatArray) -> FloatArray:
        return np.asarray(values.T[:, :, None] * flat[:, None, :] + start[:, None, :])

    def exponentials(values: FloatArray) -> FloatArray:
        most = _EXPONENT / len(flat)
        return np.asarray(np.exp(np.clip(2.0 * received(values), -most, most)), dtype=np.float32)

    def join_exponentials(inside: FloatArray, outside: FloatArray) -> FloatArray:
        # tanh z = 1 - 2 / (1 + exp 2z), and exp 2z is a product a b over columns: no tanh is left to compute. Single
        # precision, as in training, is good to 1e-7 of the target's spread. With 1 / (1 + a b) = (1 / a) / (1 / a + b)
        # each hybrid costs one sum and one division a unit.
        against = np.reciprocal(inside)
        joined = _sums(against, outside)
        np.divide(np.float32(1.0), joined, out=joined)
        return np.asarray((joined @ (against * weight)[:, :, None])[:, :, 0], dtype=float)

    def join(inside: FloatArray, outside: FloatArray) -> FloatArray:
        joined = _sums(inside, outside)
        signal: Any = joined.reshape(-1, members, width).transpose(1, 0, 2)
        for W, b in later:
            signal = np.tanh(signal) if model.activation == "tanh" else np.maximum(signal, 0.0)
            signal = signal @ W + b[:, None, :]
        return np.asarray(signal[:, :, 0].sum(axis=0).reshape(joined.shape[:2]))

    if logistic:
        return SeparableTerm(columns, take, exponentials, join_exponentials, multiply=True, scale=scale)
    return SeparableTerm(columns, take, received, join, scale=scale)


# --- trees: each leaf is a box, inside or outside column by column ---------------------------------------------

_Leaf = tuple[dict[int, tuple[float, float]], float]
"""Limits (low, high) by column, and the value."""


def _forest_leaves(tree: Any) -> Iterator[_Leaf]:
    waiting: list[tuple[int, dict[int, tuple[float, float]]]] = [(0, {})]
    while waiting:
        node, limits = waiting.pop()
        if tree.children_left[node] < 0:
            yield limits, float(tree.value[node].ravel()[0])
            continue
        column, cut = int(tree.feature[node]), float(tree.threshold[node])
        below, above = _split(limits, column, cut)
        waiting += [(int(tree.children_left[node]), below), (int(tree.children_right[node]), above)]


def _boosted_leaves(node: dict[str, Any], limits: dict[int, tuple[float, float]]) -> Iterator[_Leaf]:
    if "leaf" in node:
        yield limits, float(node["leaf"])
        return
    column, cut = int(str(node["split"]).removeprefix("f")), float(np.float32(node["split_condition"]))
    below, above = _split(limits, column, cut)
    for child in node["children"]:
        yield from _boosted_leaves(child, below if child["nodeid"] == node["yes"] else above)


def _split(
    limits: dict[int, tuple[float, float]], column: int, cut: float
) -> tuple[dict[int, tuple[float, float]], dict[int, tuple[float, float]]]:
    low, high = limits.get(column, (-np.inf, np.inf))
    return {**limits, column: (low, min(high, cut))}, {**limits, column: (max(low, cut), high)}


def _boxes(
    leaves: Sequence[_Leaf],
    scale: float,
    columns: tuple[str, ...],
    take: Callable[[Table], FloatArray],
    *,
    closed_above: bool,
) -> Iterator[Term]:
    """Trees as a sum of boxes; a value on a limit belongs below it (`closed_above`) or above it."""
    for start in range(0, len(leaves), _LEAVES):
        yield _some_boxes(leaves[start : start + _LEAVES], scale, columns, take, closed_above)


def _some_boxes(
    leaves: Sequence[_Leaf],
    scale: float,
    columns: tuple[str, ...],
    take: Callable[[Table], FloatArray],
    closed_above: bool,
) -> Term:
    low, high = np.full((len(columns), len(leaves)), -np.inf), np.full((len(columns), len(leaves)), np.inf)
    for place, (limits, _) in enumerate(leaves):
        for column, (bottom, top) in limits.items():
            low[column, place], high[column, place] = bottom, top
    worth = np.array([value for _, value in leaves])

    def tabulate(values: FloatArray) -> FloatArray:
        x = values.astype(np.float32).T[:, :, None]  # both libraries compare in single precision
        if closed_above:
            inside = (low[:, None, :] < x) & (x <= high[:, None, :])
        else:
            inside = (low[:, None, :] <= x) & (x < high[:, None, :])
        return inside.astype(float)

    return SeparableTerm(columns, take, tabulate, worth, multiply=True, scale=scale)
