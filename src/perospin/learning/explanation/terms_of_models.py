"""Take fitted models apart into terms, so that Shapley values are exact and fast."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
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
from perospin.learning.explanation.terms import (
    _EXPONENT,
    _LEAVES,
    _TABLES,
    AdditiveTerm,
    CallTerm,
    FloatArray,
    SeparableTerm,
    Table,
    Term,
    _sums,
)


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


def _prior_gp(model: PriorAveragedGP) -> Iterator[Term]:
    if model.features is None or model.slope:
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
