"""From the schemes that a study declares to the folds of its rows, with the leakage guard applied."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.errors import StudyError
from perospin.learning.validation.clusters import descriptor_clusters
from perospin.learning.validation.guard import guarded, has_twin_in_training, scored_only
from perospin.learning.validation.schemes import Scheme
from perospin.studies.declaration.part import model_columns
from perospin.studies.declaration.schemes import SchemeRows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from perospin.studies.data.dataset import Dataset
    from perospin.studies.declaration.part import PartSpec
    from perospin.studies.declaration.sections import SchemeEntry

__all__ = ["Leak", "Plan", "build_schemes", "inner_groups", "make_plan", "one_scheme"]


@dataclass(frozen=True, eq=False)
class Leak:
    """What one scheme does with rows of one unit, as it was declared.

    Attributes
    ----------
    scheme : str
        Short name.
    rows : tuple of int
        Rows that would be scored by a model trained on a row of their unit.
    n_predictions, n_scored : int
        How many scored predictions that concerns, and how many there are.
    kept_together : bool
        True if the guard took those training rows away; False if the study declared leakage = "report".
    with_twin : ndarray of bool, shape (n_predictions_in_all,)
        Which predictions, in the order of the folds.
    """

    scheme: str
    rows: tuple[int, ...]
    n_predictions: int
    n_scored: int
    kept_together: bool
    with_twin: NDArray[np.bool_]


@dataclass(frozen=True)
class Plan:
    """The folds of every scheme, what the guard did, and schemes that these rows don't allow.

    Attributes
    ----------
    schemes : mapping of str to Scheme
        In the order of the file.
    leaks : tuple of Leak
        One for each scheme that parts a unit.
    impossible : mapping of str to str
        Schemes left out, and why.
    """

    schemes: Mapping[str, Scheme]
    leaks: tuple[Leak, ...]
    impossible: Mapping[str, str]


def make_plan(part: PartSpec, data: Dataset) -> Plan:
    """Make the declared schemes for these rows.

    Parameters
    ----------
    part : PartSpec
    data : Dataset

    Raises
    ------
    StudyError
        If the rows don't allow a scheme that the verdict, an explanation or a test needs.
    """
    found: dict[str, Scheme] = {}
    leaks: list[Leak] = []
    impossible: dict[str, str] = {}
    for entry in part.schemes:
        try:
            scheme, leak = _guarded(entry, part, data, part.seed)
        except StudyError as error:
            # a tag that no row carries is a mistake of the study, not a matter of how many rows there are
            if entry.rule.must_exist or entry.key in part.needed_schemes():
                raise
            impossible[entry.key] = str(error)
            continue
        found[entry.key] = scheme
        if leak is not None:
            leaks.append(leak)
    return Plan(found, tuple(leaks), impossible)


def build_schemes(part: PartSpec, data: Dataset) -> dict[str, Scheme]:
    """Make the declared schemes for these rows, by their short names."""
    return dict(make_plan(part, data).schemes)


def one_scheme(entry: SchemeEntry, part: PartSpec, data: Dataset, seed: int) -> Scheme:
    """Make one scheme, its guard applied, with the given seed for what is drawn by lot."""
    return _guarded(entry, part, data, seed)[0]


def inner_groups(entry: SchemeEntry, data: Dataset, part: PartSpec) -> NDArray[Any] | None:
    """Give the groups that inner folds must respect: those of the outer folds, if they are grouped.

    Otherwise clusters where the outer folds are clusters, and else the units of the leakage guard where it keeps them
    together and there are any.
    """
    if entry.group is not None:
        return data.groups(entry.group)
    if entry.rule.by_clusters:
        return _clusters(entry, part, data, part.seed)
    if part.leakage_of(entry) == "group" and data.units.any:
        return data.units.labels
    return None


def _guarded(entry: SchemeEntry, part: PartSpec, data: Dataset, seed: int) -> tuple[Scheme, Leak | None]:
    scheme = scored_only(_scheme(entry, part, data, seed, None), data.has_value)
    scheme = dataclasses.replace(scheme, name=entry.key, label=entry.label or scheme.label)
    if scheme.in_sample or not data.units.any:
        return scheme, None
    with_twin = has_twin_in_training(scheme, data.units.labels)
    if not with_twin.any():
        return scheme, None
    keep = part.leakage_of(entry) == "group"
    scored = np.concatenate([split.test for split in scheme.splits])
    leak = Leak(
        entry.key,
        tuple(np.unique(scored[with_twin]).tolist()),
        int(with_twin.sum()),
        len(with_twin),
        keep,
        with_twin,
    )
    if not keep:
        return scheme, leak
    if entry.rule.draws_units and entry.group is None:
        # Drawn with whole units, so that folds stay equal in size and nothing has to be taken away.
        drawn = scored_only(_scheme(entry, part, data, seed, data.units.labels), data.has_value)
        label = f"{scheme.label}, each material on one side"
        return dataclasses.replace(drawn, name=entry.key, label=label), leak
    return guarded(scheme, data.units.labels), leak


def _scheme(entry: SchemeEntry, part: PartSpec, data: Dataset, seed: int, units: NDArray[np.int64] | None) -> Scheme:
    def tags() -> tuple[Any, str, str]:
        tag = part.data.tag
        assert tag is not None  # checked when the file was read
        return data.rows["tag"], tag.train, tag.test

    groups: Any = data.groups(entry.group) if entry.group is not None else units
    rows = SchemeRows(len(data), groups, seed, lambda: _clusters(entry, part, data, seed), data.times, tags)
    return entry.rule.make(entry, rows)


def _clusters(entry: SchemeEntry, part: PartSpec, data: Dataset, seed: int) -> NDArray[np.int64]:
    if isinstance(entry.features, str):
        columns = part.features[entry.features]
    else:
        columns = entry.features or [c for c in model_columns(part) if c in data.features]
    return descriptor_clusters(data.features[list(columns)].to_numpy(dtype=float), seed, entry.k)
