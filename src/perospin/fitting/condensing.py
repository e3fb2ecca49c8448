"""Very long data in fewer numbers: means of neighbouring points, only where the model says that they lose nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from perospin.fitting.arrays import Float
from perospin.fitting.projection import Problem

__all__ = ["Blocks", "condense"]

_BLOCKS = 4000  # means that a long trace is condensed to at first
_SPLIT = 8  # parts that a block is cut into where the model bends inside it
_HARMLESS = 0.01  # chi2 between the model's means over blocks and the model at the blocks' means


@dataclass(frozen=True)
class Blocks:
    """A problem of block means, and where its blocks begin in the whole one.

    Attributes
    ----------
    whole
        All points.
    problem
        Means of signal and abscissa with the blocks' weights.
    first
        Index of each block's first point.
    """

    whole: Problem
    problem: Problem
    first: np.ndarray

    def refined(self, values: Mapping[str, float], amplitudes: Float, variance: float | None) -> Blocks | None:
        """Cut the blocks inside which the model bends, so that means could shift a parameter.

        Parameters
        ----------
        values, amplitudes
            Of the model, as `Problem.project` gives them.
        variance
            Of one point's weighted residual; None: of the residuals.

        Returns
        -------
        Blocks or None
            The same object if no parameter can be off by more than a tenth of its uncertainty; None if so many cuts are
            needed that nothing is gained.
        """
        columns, rest = self.whole.evaluate(values)
        inside = rest[:, None] + columns @ amplitudes
        if variance is None:
            variance = max(float(np.mean(((self.whole.y - inside) * self.whole.weight) ** 2)), 1e-300)
        blocks = self
        while True:
            columns, rest = blocks.problem.evaluate(values)
            means = _means(inside, self.whole.weight, blocks.first)
            apart = ((means - rest[:, None] - columns @ amplitudes) * blocks.problem.weight) ** 2
            if np.sum(apart) <= _HARMLESS * variance:
                return blocks
            bent = np.max(apart, axis=1) > 0.5 * _HARMLESS * variance / apart.size
            ends = np.append(blocks.first[1:], len(inside))
            parts = [
                np.unique(np.linspace(a, b, _SPLIT, endpoint=False).astype(int))
                for a, b in zip(blocks.first[bent], ends[bent], strict=True)
            ]
            first = np.concatenate([blocks.first[~bent], *parts])
            if len(first) > len(inside) // 4 or len(first) == len(blocks.first):
                return None
            blocks = _blocks(self.whole, np.sort(first))


def _means(values: Float, weight: Float, first: np.ndarray) -> Float:
    square = weight**2
    return np.add.reduceat(values * square, first, axis=0) / np.add.reduceat(square, first, axis=0)


def _blocks(whole: Problem, first: np.ndarray) -> Blocks:
    def mean(values: Float) -> Float:
        return _means(values[:, None], whole.weight, first)[:, 0]

    x = {k: mean(v) for k, v in whole.x.items()} if isinstance(whole.x, Mapping) else mean(whole.x)
    weight = np.sqrt(np.add.reduceat(whole.weight**2, first, axis=0))
    y = _means(whole.y, whole.weight, first)
    return Blocks(whole, replace(whole, x=x, y=y, weight=weight, free=[], linear=[], moved=[]), first)


def condense(whole: Problem) -> Blocks | None:
    """Means of neighbouring points of an ordered abscissa; None where that isn't possible.

    An abscissa of several columns is cut wherever a column but the first one changes (a channel, a direction), or the
    first one turns back. One weight must serve all data sets.
    """
    n = len(whole.y)
    size = n // _BLOCKS
    if size < 2 or whole.weight.shape != (n, 1) or not (whole.weight > 0).all():
        return None
    columns = list(whole.x.values()) if isinstance(whole.x, Mapping) else [whole.x]
    turns = np.diff(columns[0]) < 0
    for column in columns[1:]:
        turns |= np.diff(column) != 0
    edges = np.concatenate([[0], np.flatnonzero(turns) + 1, [n]])
    if len(edges) > _BLOCKS // 4:  # not in order
        return None
    return _blocks(whole, np.concatenate([np.arange(a, b, size) for a, b in pairwise(edges)]))
