"""Schemes of validation as a study declares them: a new one is its function, an entry here and a line in the manual.

The functions that make folds stand in `perospin.learning.validation.schemes` and know no study. An entry says which
keys the scheme needs, how it is called, how its folds are made from the rows of a study, and what else depends on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from perospin.learning.validation import schemes as make

if TYPE_CHECKING:
    from perospin.learning.validation.schemes import Scheme
    from perospin.studies.declaration.sections import SchemeEntry

__all__ = ["SCHEME_RULES", "SchemeRows", "SchemeRule"]


@dataclass(frozen=True)
class SchemeRows:
    """What a scheme may ask about the rows of a study.

    Attributes
    ----------
    n : int
        Number of rows.
    groups : array or None
        Group of each row: the declared ones, else the units that are kept together.
    seed : int
        Of what is drawn by lot.
    clusters, times, tags : callable
        Descriptor cluster and time of each row; tag of each row and the names of the two tags.
    """

    n: int
    groups: Any
    seed: int
    clusters: Callable[[], Any]
    times: Callable[[], Any]
    tags: Callable[[], tuple[Any, str, str]]


@dataclass(frozen=True)
class SchemeRule:
    """One kind of scheme.

    Attributes
    ----------
    short : str
        Name of the scheme in tables if it is given none; keys of the entry stand in braces.
    make : callable
        Makes the folds from the entry and the rows.
    needs, may : tuple of str
        Keys that it needs, and that it may have, beside kind, name, label and leakage.
    data_key : str
        Key of [data] that it needs, and `data_says` what that is for.
    equal_scores : bool
        Whether every row is scored equally often, so that R2 and resampled rows refer to the whole table.
    repeats : bool
        Whether training sets are drawn by lot over and over, so that folds overlap and aren't independent.
    whole_groups : bool
        Whether each fold holds out one whole group, so that few groups are few cases.
    by_clusters : bool
        Whether the groups are descriptor clusters.
    draws_units : bool
        Whether folds without declared groups can be drawn with whole units of the leakage guard.
    fixed_reference : bool
        Whether R2 compares with a mean learnt from training rows.
    must_exist : bool
        Whether rows that don't allow it are a mistake of the study.
    references : tuple of str
        Keys of the library of references.
    """

    short: str
    make: Callable[[SchemeEntry, SchemeRows], Scheme]
    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    data_key: str = ""
    data_says: str = ""
    equal_scores: bool = False
    repeats: bool = False
    whole_groups: bool = False
    by_clusters: bool = False
    draws_units: bool = False
    fixed_reference: bool = False
    must_exist: bool = False
    references: tuple[str, ...] = ()


def _cluster_out(entry: SchemeEntry, rows: SchemeRows) -> Scheme:
    labels = rows.clusters()
    return make.leave_one_group_out(
        labels, entry.key, f"leave one of {len(set(labels.tolist()))} descriptor clusters out"
    )


def _k_fold(entry: SchemeEntry, rows: SchemeRows) -> Scheme:
    return make.k_fold(rows.n, int(entry.k or 2), rows.seed, rows.groups)


def _repeated_k_fold(entry: SchemeEntry, rows: SchemeRows) -> Scheme:
    return make.repeated_k_fold(rows.n, int(entry.k or 2), int(entry.n_repeats or 1), rows.seed, rows.groups)


_STONE = ("Stone1974CrossValidation",)

SCHEME_RULES: Mapping[str, SchemeRule] = {
    "leave_one_out": SchemeRule(
        "loo", lambda entry, rows: make.leave_one_out(rows.n), equal_scores=True, references=_STONE
    ),
    "leave_one_group_out": SchemeRule(
        "leave-one-{group}-out",
        lambda entry, rows: make.leave_one_group_out(rows.groups, entry.key, f"leave one {entry.group} out"),
        needs=("group",),
        equal_scores=True,
        whole_groups=True,
    ),
    "leave_cluster_out": SchemeRule(
        "leave-cluster-out",
        _cluster_out,
        may=("features", "k"),
        equal_scores=True,
        whole_groups=True,
        by_clusters=True,
        references=("Meredig2018Extrapolation",),
    ),
    "tagged": SchemeRule(
        "tagged",
        lambda entry, rows: make.tagged(*rows.tags()),
        data_key="tag",
        data_says="a table [data.tag] with column, train and test",
        must_exist=True,
    ),
    "forward_in_time": SchemeRule(
        "forward-in-time",
        lambda entry, rows: make.forward_in_time(rows.times(), entry.n_blocks or 4, entry.cutoff),
        may=("n_blocks", "cutoff"),
        data_key="time",
        data_says="the key 'time' in [data]: the column with the times",
        fixed_reference=True,
    ),
    "repeated_holdout": SchemeRule(
        "repeated-{n_test}",
        lambda entry, rows: make.repeated_holdout(rows.n, int(entry.n_test or 1), int(entry.n_repeats or 1), rows.seed),
        needs=("n_test", "n_repeats"),
        repeats=True,
        fixed_reference=True,
    ),
    "k_fold": SchemeRule(
        "{k}-fold", _k_fold, needs=("k",), may=("group",), equal_scores=True, draws_units=True, references=_STONE
    ),
    "repeated_k_fold": SchemeRule(
        "{n_repeats}x{k}-fold",
        _repeated_k_fold,
        needs=("k", "n_repeats"),
        may=("group",),
        equal_scores=True,
        repeats=True,
        draws_units=True,
        references=_STONE,
    ),
    "in_sample": SchemeRule("in-sample", lambda entry, rows: make.in_sample(rows.n)),
}
"""Kinds of scheme by the name that a study writes, in the order in which they are named to people."""
