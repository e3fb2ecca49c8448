"""Leakage guard: rows that are the same thing must not stand on both sides of a split.

A *unit* is a set of rows that a model could answer by memory from one another: the same material, or rows with equal
values in every descriptor that the study reads.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perospin.errors import StudyError
from perospin.learning.validation.schemes import Scheme, Split

__all__ = ["Units", "find_units", "guarded", "has_twin_in_training", "scored_only"]

IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Units:
    """Which rows belong together.

    Attributes
    ----------
    labels : ndarray of int, shape (n_rows,)
        Unit of each row, numbered by first appearance.
    same_material : tuple of tuple of int
        Rows of each material that stands in several rows.
    same_descriptors : tuple of tuple of int
        Rows that agree in every descriptor although they are not known to be one material.
    coarse : bool
        True if fewer than half of the rows differ in their descriptors: then the descriptors are classes rather than
        fingerprints, and equal ones don't make a unit.
    """

    labels: IntArray
    same_material: tuple[tuple[int, ...], ...] = ()
    same_descriptors: tuple[tuple[int, ...], ...] = ()
    coarse: bool = False

    @property
    def any(self) -> bool:
        """Whether some unit has more than one row."""
        return len(self.labels) > 0 and int(self.labels.max()) + 1 < len(self.labels)

    def twins(self) -> list[IntArray]:
        """Rows of each unit that has several."""
        return [
            rows for unit in range(int(self.labels.max()) + 1) if len(rows := np.flatnonzero(self.labels == unit)) > 1
        ]


def find_units(materials: Sequence[str], descriptors: ArrayLike) -> Units:
    """Find rows that are the same material, or can't be told apart by any descriptor.

    Parameters
    ----------
    materials : sequence of str
        Canonical formula of each row; empty if not known.
    descriptors : array_like, shape (n_rows, n_columns)
        Every descriptor that some model reads; NaN equals NaN.
    """
    n = len(materials)
    values = np.asarray(descriptors, dtype=float).reshape(n, -1) + 0.0  # minus zero equals zero
    labels = np.arange(n)

    def join(rows: Sequence[int]) -> None:
        mine = labels[list(rows)]
        labels[np.isin(labels, mine)] = mine.min()

    by_material: dict[str, list[int]] = {}
    by_descriptors: dict[bytes, list[int]] = {}
    for i, material in enumerate(materials):
        if material:
            by_material.setdefault(material, []).append(i)
        key = np.where(np.isnan(values[i]), np.nan, values[i]).tobytes()
        by_descriptors.setdefault(key, []).append(i)
    coarse = values.shape[1] == 0 or len(by_descriptors) < n / 2
    same_material = tuple(tuple(rows) for rows in by_material.values() if len(rows) > 1)
    same_descriptors = tuple(
        tuple(rows)
        for rows in by_descriptors.values()
        if len(rows) > 1 and (len({materials[i] for i in rows}) > 1 or not materials[rows[0]])
    )
    for rows in (*same_material, *(() if coarse else same_descriptors)):
        join(rows)
    _, numbered = np.unique(labels, return_inverse=True)
    return Units(numbered.astype(np.int64).ravel(), same_material, same_descriptors, coarse)


def has_twin_in_training(scheme: Scheme, labels: IntArray) -> NDArray[np.bool_]:
    """Whether each scored row has a row of its unit among the training rows of its fold, shape (n_predictions,)."""
    return np.concatenate([np.isin(labels[split.test], labels[split.train]) for split in scheme.splits])


def guarded(scheme: Scheme, labels: IntArray) -> Scheme:
    """Leave out of each fold's training rows those whose unit is scored in this fold.

    Every row is scored as before, by a model that saw nothing of its unit. Leave-one-out then gives each row the
    prediction that leave-one-unit-out gives it. A scheme that parts no unit comes back as it is.

    Raises
    ------
    StudyError
        If a fold has no training rows left.
    """
    if scheme.in_sample or not has_twin_in_training(scheme, labels).any():
        return scheme
    splits = []
    for number, split in enumerate(scheme.splits):
        train = split.train[~np.isin(labels[split.train], labels[split.test])]
        if train.size == 0:
            raise StudyError(
                f"fold {number} of the scheme '{scheme.label}' has no training rows left once the rows of the scored "
                'materials are taken out of them; leakage = "report" on this scheme leaves them in'
            )
        splits.append(Split(train, split.test))
    return dataclasses.replace(scheme, splits=tuple(splits), label=f"{scheme.label}, each material on one side")


def scored_only(scheme: Scheme, scored: NDArray[np.bool_]) -> Scheme:
    """Leave rows that can't be scored (limits) out of the test rows of each fold; folds without another go.

    Parameters
    ----------
    scheme : Scheme
    scored : ndarray of bool, shape (n_rows,)

    Raises
    ------
    StudyError
        If nothing is left to score, or R2 refers to the mean of training rows, which limits don't have.
    """
    if scored.all():
        return scheme
    if scheme.reference == "train":
        raise StudyError(
            f"R2 under '{scheme.label}' refers to the mean of the training rows, and some of these are limits, which "
            "have none; use another scheme for a table with limits"
        )
    splits = [Split(s.train, s.test[scored[s.test]]) for s in scheme.splits if scored[s.test].any()]
    if not splits:
        raise StudyError(f"the scheme '{scheme.label}' scores no row with a value, only limits")
    return dataclasses.replace(scheme, splits=tuple(splits))
