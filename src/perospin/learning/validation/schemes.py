"""Validation schemes: which rows to train on, which rows to score, and what R2 compares with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perospin.errors import StudyError

__all__ = [
    "Scheme",
    "Split",
    "forward_in_time",
    "in_sample",
    "k_fold",
    "leave_cluster_out",
    "leave_one_group_out",
    "leave_one_out",
    "repeated_holdout",
    "repeated_k_fold",
    "tagged",
]

IntArray = NDArray[np.int64]
Reference = Literal["all", "train", "test"]


@dataclass(frozen=True, eq=False)
class Split:
    """Row numbers to train on and row numbers to score."""

    train: IntArray
    test: IntArray

    def __post_init__(self) -> None:
        for name in ("train", "test"):
            rows = np.array(getattr(self, name), dtype=np.int64)
            rows.flags.writeable = False
            object.__setattr__(self, name, rows)
            if rows.ndim != 1 or rows.size == 0:
                raise StudyError(f"a validation split has an empty {name} set; every fold needs rows on both sides")


@dataclass(frozen=True, eq=False)
class Scheme:
    """A named way to split rows into training and test sets.

    Attributes
    ----------
    name : str
        Short machine name, for example ``leave_one_out``.
    label : str
        In words, for tables and figures; printed with every score.
    splits : tuple of Split
        The folds.
    reference : {"all", "train", "test"}
        What R2 compares with: the mean of all scored rows, of the fold's training rows, or of its test rows.
    in_sample : bool
        True only if test rows were trained on.
    """

    name: str
    label: str
    splits: tuple[Split, ...]
    reference: Reference = "all"
    in_sample: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "splits", tuple(self.splits))
        if not self.splits:
            raise StudyError(f"the scheme '{self.label}' has no folds")
        if self.reference not in ("all", "train", "test"):
            raise StudyError(f"unknown R2 reference '{self.reference}'; known are all, train, test")
        if not self.in_sample:
            for number, split in enumerate(self.splits):
                shared = np.intersect1d(split.train, split.test)
                if shared.size:
                    raise StudyError(
                        f"fold {number} of the scheme '{self.label}' trains on rows it scores "
                        f"(for example row {shared[0]}); only an in-sample scheme may do so"
                    )

    def __len__(self) -> int:
        return len(self.splits)

    @property
    def trains(self) -> list[IntArray]:
        """Training rows of every fold."""
        return [split.train for split in self.splits]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, from which `from_dict` makes the same scheme."""
        return {
            "name": self.name,
            "label": self.label,
            "reference": self.reference,
            "in_sample": self.in_sample,
            "splits": [{"train": s.train.tolist(), "test": s.test.tolist()} for s in self.splits],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Scheme:
        """Rebuild the scheme that `to_dict` described."""
        splits = tuple(Split(np.asarray(s["train"]), np.asarray(s["test"])) for s in values["splits"])
        return cls(values["name"], values["label"], splits, values["reference"], bool(values["in_sample"]))


def _need_rows(n: int, least: int, scheme: str) -> None:
    if n < least:
        raise StudyError(f"{scheme} needs at least {least} rows, the table has {n}")


def leave_one_out(n: int) -> Scheme:
    """Every one of `n` rows is predicted by a model trained on the others."""
    _need_rows(n, 2, "leave-one-out")
    rows = np.arange(n)
    splits = tuple(Split(np.delete(rows, i), rows[i : i + 1]) for i in range(n))
    return Scheme("leave_one_out", "leave-one-out", splits)


def leave_one_group_out(
    groups: ArrayLike, name: str = "leave_one_group_out", label: str = "leave-one-group-out"
) -> Scheme:
    """Every group (spacer, compound, source...) is predicted by a model that saw none of its rows.

    Parameters
    ----------
    groups : array_like, shape (n_rows,)
        Group of each row; folds come in order of first appearance.
    name, label : str
        How the scheme is called.

    Raises
    ------
    StudyError
        If there are fewer than two groups.
    """
    codes, n_groups = _codes(groups)
    if n_groups < 2:
        raise StudyError(f"{label} needs at least two groups, the table has {n_groups}")
    return Scheme(name, label, _group_splits(codes, n_groups))


def _group_splits(codes: IntArray, n_groups: int) -> tuple[Split, ...]:
    return tuple(Split(np.flatnonzero(codes != g), np.flatnonzero(codes == g)) for g in range(n_groups))


def _codes(groups: ArrayLike) -> tuple[IntArray, int]:
    """Turn groups into integers in order of first appearance."""
    known: dict[Any, int] = {}
    codes = np.array([known.setdefault(g, len(known)) for g in np.asarray(groups).tolist()], dtype=np.int64)
    return codes, len(known)


def tagged(tags: ArrayLike, train: Any, test: Any) -> Scheme:
    """One split: train on the rows tagged `train`, score the rows tagged `test`.

    Raises
    ------
    StudyError
        If either tag has no row.
    """
    values = np.asarray(tags).tolist()
    sides = {}
    for tag in (train, test):
        sides[tag] = np.array([i for i, value in enumerate(values) if value == tag], dtype=np.int64)
        if sides[tag].size == 0:
            known = ", ".join(str(t) for t in dict.fromkeys(values))
            raise StudyError(f"no row is tagged '{tag}'; the tags in the table are {known}")
    label = f"{train} to {test} ({len(sides[train])}/{len(sides[test])})"
    return Scheme("tagged", label, (Split(sides[train], sides[test]),), reference="test")


def repeated_holdout(n: int, n_test: int, n_repeats: int, seed: int) -> Scheme:
    """`n_repeats` random splits that hold out `n_test` of `n` rows, pooled into one R2.

    One such split is a lottery; the spread over splits is `Evaluation.fold_r2`.
    """
    if not 0 < n_test < n:
        raise StudyError(f"cannot hold out {n_test} of {n} rows; between 1 and {n - 1} is possible")
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(n) for _ in range(n_repeats)]
    splits = tuple(Split(np.sort(order[n_test:]), np.sort(order[:n_test])) for order in orders)
    label = f"{n_repeats} random {n - n_test}/{n_test} splits, pooled"
    return Scheme("repeated_holdout", label, splits, reference="train")


def k_fold(n: int, k: int, seed: int, groups: ArrayLike | None = None) -> Scheme:
    """`k` random folds; with `groups`, whole groups go to the smallest fold so far, in random order."""
    label = f"{k}-fold cross-validation" + ("" if groups is None else ", grouped")
    return Scheme("k_fold", label, _random_folds(n, k, np.random.default_rng(seed), groups))


def repeated_k_fold(n: int, k: int, n_repeats: int, seed: int, groups: ArrayLike | None = None) -> Scheme:
    """`k` random folds, drawn anew `n_repeats` times and pooled; every row is scored once in each repeat.

    Splits of one repeat follow each other: split i belongs to repeat i // k.
    """
    if n_repeats < 1:
        raise StudyError(f"repeated cross-validation needs at least one repeat, not {n_repeats}")
    rng = np.random.default_rng(seed)
    splits = tuple(split for _ in range(n_repeats) for split in _random_folds(n, k, rng, groups))
    label = f"{n_repeats} times {k}-fold cross-validation, pooled" + ("" if groups is None else ", grouped")
    return Scheme("repeated_k_fold", label, splits)


def _random_folds(n: int, k: int, rng: np.random.Generator, groups: ArrayLike | None) -> tuple[Split, ...]:
    codes, n_groups = _codes(np.arange(n) if groups is None else groups)
    if len(codes) != n:
        raise StudyError(f"{len(codes)} groups were given for {n} rows")
    what = "rows" if groups is None else "groups"
    if not 2 <= k <= n_groups:
        raise StudyError(f"{k} folds are not possible with {n_groups} {what}; choose between 2 and {n_groups}")
    sizes = np.bincount(codes, minlength=n_groups)
    filled = np.zeros(k, dtype=np.int64)
    fold_of_group = np.zeros(n_groups, dtype=np.int64)
    for group in rng.permutation(n_groups):
        fold_of_group[group] = np.argmin(filled)
        filled[fold_of_group[group]] += sizes[group]
    return _group_splits(fold_of_group[codes], k)


def leave_cluster_out(X: ArrayLike, seed: int, k: int | None = None) -> Scheme:
    """Every cluster of similar rows is predicted by a model that saw only the other clusters.

    Clusters come from the descriptors alone (`descriptor_clusters`): the target plays no part.

    Parameters
    ----------
    X : array_like, shape (n_rows, n_columns)
        Descriptors; missing values stand at the column's median.
    seed : int
        Of the clusters' starting points.
    k : int, optional
        Number of clusters; chosen by the silhouette if None.

    Raises
    ------
    StudyError
        If there are too few different rows for two clusters.
    """
    from perospin.learning.validation.clusters import descriptor_clusters

    labels = descriptor_clusters(X, seed, k)
    codes, n_clusters = _codes(labels)
    return Scheme(
        "leave_cluster_out", f"leave one of {n_clusters} descriptor clusters out", _group_splits(codes, n_clusters)
    )


def forward_in_time(times: ArrayLike, n_blocks: int = 4, cutoff: float | None = None) -> Scheme:
    """Train on what was known earlier, score what came later.

    Without a cutoff the rows are ordered in time and cut into `n_blocks` + 1 blocks of about equal size, rows of one
    time never parted; each block but the first is predicted from all blocks before it. With a cutoff there is one
    split: rows up to and including it predict the rows after it.

    Parameters
    ----------
    times : array_like, shape (n_rows,)
        When each row became known, for example the year of its source.
    n_blocks : int
        Scored blocks; fewer if there are fewer different times.
    cutoff : float, optional
        Last time of the training rows.

    Raises
    ------
    StudyError
        If a time is missing, or all rows are of one side of the cutoff or of one time.
    """
    when = np.asarray(times, dtype=float)
    if not np.all(np.isfinite(when)):
        bad = np.flatnonzero(~np.isfinite(when)).tolist()
        raise StudyError(f"validation forward in time needs a time in every row; it is missing in rows {bad}")
    if cutoff is not None:
        before, after = np.flatnonzero(when <= cutoff), np.flatnonzero(when > cutoff)
        if not before.size or not after.size:
            raise StudyError(
                f"the cutoff {cutoff:g} leaves {before.size} rows to train on and {after.size} to score; "
                f"the times run from {when.min():g} to {when.max():g}"
            )
        label = f"rows up to {cutoff:g} predict the later ones ({before.size}/{after.size})"
        return Scheme("forward_in_time", label, (Split(before, after),), reference="train")
    known, first = np.unique(np.sort(when, kind="stable"), return_index=True)
    if len(known) < 2:
        raise StudyError("validation forward in time needs rows of at least two different times")
    # A block starts where a new time starts, as near as possible to equal sizes.
    wanted = np.linspace(0, len(when), min(n_blocks, len(known) - 1) + 2)[1:-1]
    starts = sorted({int(np.argmin(np.abs(first[1:] - place))) + 1 for place in wanted})
    edges = [*(known[start] for start in starts), np.inf]
    splits = [
        Split(np.flatnonzero(when < low), np.flatnonzero((when >= low) & (when < high)))
        for low, high in pairwise(edges)
    ]
    label = f"forward in time, {len(splits)} block{'s' if len(splits) > 1 else ''} from {edges[0]:g} on"
    return Scheme("forward_in_time", label, tuple(splits), reference="train")


def in_sample(n: int) -> Scheme:
    """Score the rows the model was trained on: for comparison only, no estimate for new materials."""
    _need_rows(n, 1, "in-sample scoring")
    rows = np.arange(n)
    return Scheme("in_sample", "in sample", (Split(rows, rows),), in_sample=True)
