"""Estimators of scikit-learn and XGBoost: what their classes would say of themselves if they were ours."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from perospin._optional import is_a, require
from perospin.errors import StudyError
from perospin.learning.estimators.kinds.frozen import FrozenLine, FrozenSupportVectors, FrozenTrees, joined_trees
from perospin.learning.estimators.kinds.kind import Build, Kind, Options
from perospin.learning.estimators.kinds.terms import (
    LEAVES,
    AdditiveTerm,
    CallTerm,
    FloatArray,
    SeparableTerm,
    Take,
    Term,
)
from perospin.learning.options import Option

__all__ = ["ELASTIC_NET", "FOREIGN", "RANDOM_FOREST", "SUPPORT_VECTORS", "XGBOOST", "Foreign", "array_terms", "foreign"]

_SKLEARN = "Pedregosa2011Sklearn"


@dataclass(frozen=True)
class Foreign:
    """What is known of an estimator of another library.

    Attributes
    ----------
    about : Kind, optional
        How a study asks for it; None if it can't.
    owns : callable
        Whether a model is one.
    array_terms : callable, optional
        Terms of a fitted one, from the names of its columns and what makes them from a table.
    frozen : callable, optional
        The numbers that a fitted one predicts with, for a file.
    """

    about: Kind | None
    owns: Callable[[Any], bool]
    array_terms: Callable[[Any, tuple[str, ...], Take], Iterator[Term]] | None = None
    frozen: Callable[[Any], Any] | None = None


def array_terms(model: Any, columns: tuple[str, ...], take: Take) -> Iterator[Term]:
    """Terms of a fitted model on arrays, whose columns `take` makes from a table; one to call if nothing is known."""
    if hasattr(model, "array_terms"):
        yield from model.array_terms(columns, take)
        return
    known = foreign(model)
    if known is None or known.array_terms is None:
        yield _called(model, columns, take)
    else:
        yield from known.array_terms(model, columns, take)


def _called(model: Any, columns: tuple[str, ...], take: Take) -> Term:
    return CallTerm(columns, take, lambda values: np.asarray(model.predict(values), dtype=float).ravel())


def foreign(model: Any) -> Foreign | None:
    """Return what is known of a model of another library."""
    return next((known for known in FOREIGN if known.owns(model)), None)


# -- linear models -------------------------------------------------------------------------------------------


def _linear_terms(model: Any, columns: tuple[str, ...], take: Take) -> Iterator[Term]:
    slopes = np.ravel(model.coef_)
    yield AdditiveTerm(columns, take, lambda values: slopes[:, None] * values.T)


def _frozen_line(model: Any) -> FrozenLine:
    slopes = np.asarray(model.coef_, dtype=float)
    return FrozenLine(slopes, float(model.intercept_), np.zeros(len(slopes)), np.zeros((0, 0)))


def _elastic_net(options: Options, seed: int, build: Build) -> Any:
    from sklearn.linear_model import ElasticNet

    return ElasticNet(max_iter=100_000, **options)


ELASTIC_NET = Foreign(
    Kind(
        "elastic_net",
        "linear least squares with L1 and L2 penalties",
        {
            "alpha": Option(0.05, "weight of both penalties", low=0.0),
            "l1_ratio": Option(0.5, "share of the L1 penalty", low=0.0, high=1.0),
        },
        _elastic_net,
        scale_target=True,
        references=("Zou2005ElasticNet", _SKLEARN),
    ),
    lambda model: is_a(model, "sklearn", "ElasticNet"),
    _linear_terms,
    _frozen_line,
)

_LINEAR = Foreign(None, lambda model: is_a(model, "sklearn", "Ridge", "LinearRegression"), _linear_terms)


# -- support vectors -----------------------------------------------------------------------------------------


def _radial_terms(model: Any, columns: tuple[str, ...], take: Take) -> Iterator[Term]:
    """Write the kernel as a product over columns: the mean over the background factors too."""
    if model.kernel != "rbf":
        yield _called(model, columns, take)
        return
    vectors, gamma, weights = model.support_vectors_, float(model._gamma), model.dual_coef_[0]

    def tabulate(values: FloatArray) -> FloatArray:
        return np.asarray(np.exp(-gamma * (values.T[:, :, None] - vectors.T[:, None, :]) ** 2))

    yield SeparableTerm(columns, take, tabulate, weights, multiply=True)


def _frozen_vectors(model: Any) -> FrozenSupportVectors:
    if model.kernel != "rbf":
        raise StudyError(f"only support vectors of a radial kernel can be written to a file, not '{model.kernel}'")
    vectors, dual = np.asarray(model.support_vectors_, dtype=float), np.asarray(model.dual_coef_, dtype=float)
    return FrozenSupportVectors(vectors, dual.ravel(), float(model._gamma), float(model.intercept_[0]))


def _support_vectors(options: Options, seed: int, build: Build) -> Any:
    from sklearn.svm import SVR

    return SVR(**options)


SUPPORT_VECTORS = Foreign(
    Kind(
        "svr",
        "support-vector regression, radial kernel",
        {
            "C": Option(3.0, "what a residual outside the tube costs", above=0.0),
            "gamma": Option(0.1, "1 / (2 width^2) of the kernel", low=0.0, words=("scale", "auto")),
            "epsilon": Option(0.1, "half width of the tube within which residuals cost nothing", low=0.0),
        },
        _support_vectors,
        references=("Smola2004SupportVectors", _SKLEARN),
    ),
    lambda model: is_a(model, "sklearn", "SVR"),
    _radial_terms,
    _frozen_vectors,
)


# -- trees: each leaf is a box, inside or outside column by column -------------------------------------------


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
    take: Take,
    *,
    closed_above: bool,
) -> Iterator[Term]:
    """Trees as a sum of boxes; a value on a limit belongs below it (`closed_above`) or above it."""
    for start in range(0, len(leaves), LEAVES):
        yield _some_boxes(leaves[start : start + LEAVES], scale, columns, take, closed_above)


def _some_boxes(
    leaves: Sequence[_Leaf],
    scale: float,
    columns: tuple[str, ...],
    take: Take,
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


def _forest_terms(model: Any, columns: tuple[str, ...], take: Take) -> Iterator[Term]:
    leaves = [leaf for tree in model.estimators_ for leaf in _forest_leaves(tree.tree_)]
    yield from _boxes(leaves, 1.0 / len(model.estimators_), columns, take, closed_above=True)


def _boosted_terms(model: Any, columns: tuple[str, ...], take: Take) -> Iterator[Term]:
    trees = [json.loads(text) for text in model.get_booster().get_dump(dump_format="json")]
    leaves = [leaf for tree in trees for leaf in _boosted_leaves(tree, {})]
    yield from _boxes(leaves, 1.0, columns, take, closed_above=False)


def _frozen_forest(model: Any) -> FrozenTrees:
    parts = [
        {
            "left": tree.children_left,
            "right": tree.children_right,
            "column": tree.feature,
            "threshold": tree.threshold,
            "value": tree.value[:, 0, 0],
            "missing_left": tree.missing_go_to_left,
        }
        for tree in (member.tree_ for member in model.estimators_)
    ]
    return joined_trees(parts, int(model.n_features_in_))


def _frozen_boosted(model: Any) -> FrozenTrees:
    """Read the trees from XGBoost's own JSON (its format of models, stable across versions)."""
    learner = json.loads(model.get_booster().save_raw("json"))["learner"]
    start = json.loads(learner["learner_model_param"]["base_score"])
    parts = []
    for tree in learner["gradient_booster"]["model"]["trees"]:
        limit = np.asarray(tree["split_conditions"], dtype=np.float32).astype(float)
        parts.append(
            {
                "left": tree["left_children"],
                "right": tree["right_children"],
                "column": tree["split_indices"],
                "threshold": limit,
                "value": limit,  # of a leaf the condition is its value
                "missing_left": tree["default_left"],
            }
        )
    first = float(np.float32(start[0] if isinstance(start, list) else start))
    return joined_trees(parts, int(model.n_features_in_), boosted=True, start=first)


def _xgboost(options: Options, seed: int, build: Build) -> Any:
    regressor = require("xgboost", "boost").XGBRegressor
    return regressor(random_state=seed, n_jobs=1, tree_method="exact", **options)


def _forest(options: Options, seed: int, build: Build) -> Any:
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(random_state=seed, n_jobs=1, **options)


RANDOM_FOREST = Foreign(
    Kind(
        "random_forest",
        "random forest",
        {
            "n_estimators": Option(200, "trees", low=1, high=100_000, whole=True),
            "min_samples_leaf": Option(2, "fewest rows in a leaf, or their share", above=0.0),
            "max_features": Option(
                1.0, "columns that a split may ask about, or their share", above=0.0, words=("sqrt", "log2"), none=True
            ),
            "max_depth": Option(None, "most questions on the way to a leaf", low=1, whole=True, none=True),
        },
        _forest,
        references=("Breiman2001Forests", _SKLEARN),
    ),
    lambda model: is_a(model, "sklearn", "RandomForestRegressor"),
    _forest_terms,
    _frozen_forest,
)

XGBOOST = Foreign(
    Kind(
        "xgboost",
        "gradient-boosted trees (XGBoost)",
        {
            "n_estimators": Option(200, "trees", low=1, high=100_000, whole=True),
            "max_depth": Option(2, "most questions on the way to a leaf", low=0, high=1000, whole=True),
            "learning_rate": Option(0.05, "share of each tree that is added", above=0.0, high=1.0),
            "subsample": Option(0.8, "share of the rows that each tree sees", above=0.0, high=1.0),
            "colsample_bytree": Option(0.8, "share of the columns that each tree sees", above=0.0, high=1.0),
            "reg_lambda": Option(1.0, "L2 penalty on the leaves", low=0.0),
            "min_child_weight": Option(1.0, "least weight of the rows in a leaf", low=0.0),
        },
        _xgboost,
        references=("Chen2016XGBoost",),
    ),
    lambda model: is_a(model, "xgboost", "XGBRegressor"),
    _boosted_terms,
    _frozen_boosted,
)

FOREIGN = (ELASTIC_NET, SUPPORT_VECTORS, RANDOM_FOREST, XGBOOST, _LINEAR)
"""Every estimator of another library that something is known of."""
