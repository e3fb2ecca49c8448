"""Fitted models of other libraries as the numbers they predict with: trees, support vectors, lines.

A model file holds these in place of scikit-learn's and XGBoost's own objects, so that it can be opened without trusting
it, without the library that fitted it, and by every later version of that library.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perospin.errors import StudyError

__all__ = ["FrozenLine", "FrozenSupportVectors", "FrozenTrees", "joined_trees"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_BLOCK = 4_000_000
_FEW = 64
"""Rows up to which each is asked by itself."""


@dataclass(frozen=True, eq=False)
class FrozenTrees:
    """Regression trees, averaged (random forest) or summed (boosting), the nodes of all trees in one list.

    Attributes
    ----------
    left, right : ndarray of int, shape (n_nodes,)
        Children of each node; a leaf is its own child.
    column : ndarray of int, shape (n_nodes,)
        Column that a node asks about.
    threshold, value : ndarray, shape (n_nodes,)
        Limit of that column, and what a leaf predicts.
    missing_left : ndarray of bool, shape (n_nodes,)
        Where a row without a value goes.
    roots : ndarray of int, shape (n_trees,)
    depth : int
        Steps from a root to the deepest leaf.
    n_columns : int
    boosted : bool
        Boosting: left if the column is below the threshold (not: at most), and the leaves are summed in single
        precision, one tree after the other, as XGBoost does.
    start : float
        What the sum starts from.
    """

    left: IntArray
    right: IntArray
    column: IntArray
    threshold: FloatArray
    value: FloatArray
    missing_left: NDArray[np.bool_]
    roots: IntArray
    depth: int
    n_columns: int
    boosted: bool = False
    start: float = 0.0

    def __post_init__(self) -> None:
        n = len(self.left)
        shapes = {len(a) for a in (self.left, self.right, self.column, self.threshold, self.value, self.missing_left)}
        inside = all(
            len(a) and int(a.min()) >= 0 and int(a.max()) < top
            for a, top in ((self.left, n), (self.right, n), (self.roots, n), (self.column, self.n_columns))
        )
        if shapes != {n} or not inside or not 0 <= self.depth <= n:
            raise StudyError("a tree ensemble whose nodes don't fit together can't predict")

    def _leaves(self, X: ArrayLike) -> FloatArray:
        """Value of the leaf that each tree gives each row, shape (n_rows, n_trees)."""
        values = np.asarray(X, dtype=np.float32)  # both libraries compare in single precision
        node = np.broadcast_to(self.roots, (len(values), len(self.roots))).copy()
        rows = np.arange(len(values))[:, None]
        for _ in range(self.depth):
            asked, limit = values[rows, self.column[node]], self.threshold[node]
            below = asked < limit if self.boosted else asked <= limit
            goes_left = np.where(np.isnan(asked), self.missing_left[node], below)
            node = np.where(goes_left, self.left[node], self.right[node])
        return np.asarray(self.value[node])

    @cached_property
    def _limits(self) -> list[tuple[int, FloatArray]]:
        """Thresholds of each column that any node asks about, rising."""
        inner = self.left != np.arange(len(self.left))
        return [(int(c), np.unique(self.threshold[inner & (self.column == c)])) for c in np.unique(self.column[inner])]

    def _alike(self, values: FloatArray) -> tuple[IntArray, IntArray]:
        """Rows that are unlike, and for each row which of them it is like.

        Rows between the same thresholds end in the same leaves: a table of many rows has few kinds of them.
        """
        single = values.astype(np.float32)
        kind = np.zeros(len(values), dtype=np.int64)
        first = np.arange(len(values))
        for column, limits in self._limits:
            asked = single[:, column]
            code = np.searchsorted(limits, asked.astype(float), side="right" if self.boosted else "left")
            code[np.isnan(asked)] = len(limits) + 1
            # numbered anew at each column, so that the number stays small
            _, first, kind = np.unique(kind * (len(limits) + 2) + code, return_index=True, return_inverse=True)
        return (first, kind) if self._limits else (first[:1], kind)

    def _each(self, X: ArrayLike) -> FloatArray:
        """Value of the leaf of each tree, shape (n_rows, n_trees)."""
        values = np.asarray(X, dtype=float)
        if values.ndim != 2 or values.shape[1] != self.n_columns:
            raise StudyError(f"the trees need a table of {self.n_columns} columns")
        rows = max(1, _BLOCK // len(self.roots))
        return np.concatenate([self._leaves(values[i : i + rows]) for i in range(0, max(len(values), 1), rows)])

    def _both(self, X: ArrayLike, spread: bool) -> tuple[FloatArray, FloatArray | None]:
        values = np.asarray(X, dtype=float)
        place = None
        if values.ndim == 2 and len(values) > _FEW and values.shape[1] == self.n_columns:
            first, place = self._alike(values)
            values = values[first]
        each = self._each(values)
        if self.boosted:
            terms = np.concatenate([np.full((len(each), 1), self.start), each], axis=1).astype(np.float32)
            mean = terms.cumsum(axis=1, dtype=np.float32)[:, -1].astype(float)
        else:
            mean = each.cumsum(axis=1)[:, -1] / len(self.roots)  # one after the other, as scikit-learn
        sd = each.std(axis=1) if spread and not self.boosted else None
        if place is None:
            return np.asarray(mean), sd
        return np.asarray(mean[place]), None if sd is None else np.asarray(sd[place])

    def predict(self, X: ArrayLike) -> FloatArray:
        """Predictions, shape (n_rows,)."""
        return self._both(X, spread=False)[0]

    def predict_spread(self, X: ArrayLike) -> tuple[FloatArray, FloatArray | None]:
        """Predictions, and of a forest the standard deviation of its trees."""
        return self._both(X, spread=True)


@dataclass(frozen=True, eq=False)
class FrozenSupportVectors:
    """Support-vector regression: sum_i dual_i exp(-gamma |x - vector_i|^2) + intercept.

    Attributes
    ----------
    vectors : ndarray, shape (n_vectors, n_columns)
    dual : ndarray, shape (n_vectors,)
    gamma, intercept : float
    """

    vectors: FloatArray
    dual: FloatArray
    gamma: float
    intercept: float

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or self.dual.shape != (len(self.vectors),):
            raise StudyError("support vectors and their coefficients differ in number")

    def predict(self, X: ArrayLike) -> FloatArray:
        """Predictions, shape (n_rows,)."""
        values = np.asarray(X, dtype=float)
        squares = ((values[:, None, :] - self.vectors[None, :, :]) ** 2).sum(axis=2)
        return np.asarray(np.exp(-self.gamma * squares) @ self.dual + self.intercept)


@dataclass(frozen=True, eq=False)
class FrozenLine:
    """A linear model, with the spread of `SpreadRidge` if `covariance` has rows.

    Attributes
    ----------
    slopes : ndarray, shape (n_columns,)
    intercept : float
    centre : ndarray, shape (n_columns,)
    covariance : ndarray, shape (n_columns, n_columns) or (0, 0)
    noise, total_weight : float
    """

    slopes: FloatArray
    intercept: float
    centre: FloatArray
    covariance: FloatArray
    noise: float = 0.0
    total_weight: float = 1.0

    def __post_init__(self) -> None:
        d = len(self.slopes)
        if self.centre.shape != (d,) or self.covariance.shape not in ((d, d), (0, 0)):
            raise StudyError("the parts of a linear model differ in their number of columns")

    def predict(self, X: ArrayLike) -> FloatArray:
        """Predictions, shape (n_rows,)."""
        return np.asarray(np.asarray(X, dtype=float) @ self.slopes + self.intercept)

    def predict_spread(self, X: ArrayLike) -> tuple[FloatArray, FloatArray | None]:
        """Predictions and the standard deviation of a new target there, if the model knows it."""
        if not len(self.covariance):
            return self.predict(X), None
        away = np.asarray(X, dtype=float) - self.centre
        leverage = np.einsum("ij,jk,ik->i", away, self.covariance, away)
        return self.predict(X), np.sqrt(self.noise * (1.0 + 1.0 / self.total_weight + leverage))


def joined_trees(parts: list[dict[str, Any]], n_columns: int, **more: Any) -> FrozenTrees:
    """Put trees (children -1 at leaves) one behind the other."""
    offsets = np.cumsum([0, *(len(part["left"]) for part in parts)])
    columns: dict[str, list[Any]] = {k: [] for k in ("left", "right", "column", "threshold", "value", "missing_left")}
    depth = 0
    for part, offset in zip(parts, offsets, strict=False):
        left, right = np.asarray(part["left"], dtype=np.int64), np.asarray(part["right"], dtype=np.int64)
        own, leaf = np.arange(len(left)), left < 0
        columns["left"].append(np.where(leaf, own, left) + offset)
        columns["right"].append(np.where(leaf, own, right) + offset)
        columns["column"].append(np.where(leaf, 0, part["column"]))
        for name in ("threshold", "value", "missing_left"):
            columns[name].append(np.asarray(part[name]))
        depth = max(depth, _depth(left, right))
    joined: dict[str, Any] = {name: np.concatenate(pieces) for name, pieces in columns.items()}
    joined["column"] = joined["column"].astype(np.int64)
    joined["missing_left"] = joined["missing_left"].astype(bool)
    return FrozenTrees(**joined, roots=offsets[:-1].astype(np.int64), depth=depth, n_columns=n_columns, **more)


def _depth(left: IntArray, right: IntArray) -> int:
    level, depth = np.array([0]), 0
    while len(level := level[left[level] >= 0]):
        level, depth = np.concatenate([left[level], right[level]]), depth + 1
    return depth
