"""From a study's data section to the numbers that models see: rows, descriptors, target, groups.

A table is read from what perospin ships, from the store of records or from a CSV file; every mistake in a CSV
file is answered by one sentence that names the row and the column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.errors import DataError, StudyError
from perospin.learning.validation.guard import Units, find_units
from perospin.similar import similar_names
from perospin.studies.data.conditions import _categories, _fill_uncertain, _limits, category_of
from perospin.studies.data.groups import _group, _time
from perospin.studies.data.materials import (
    DERIVED_COLUMNS,
    _complete,
    _features,
    _formulas,
    _of_crystals,
    own_ions,
    table_columns,
    with_new_ions,
)
from perospin.studies.data.table import (
    Faults,
    _digest,
    _filtered,
    _numeric,
    _plausible,
    _read,
    _require_columns,
    _table_digest,
    _uncertainty,
    _weights,
    named_as_wanted,
)
from perospin.studies.declaration.part import model_columns, needed_columns

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from perospin.studies.declaration.part import PartSpec
    from perospin.studies.declaration.sections import DataSection


@dataclass(frozen=True)
class Dataset:
    """The rows of one part of a study, ready for models.

    Attributes
    ----------
    rows : pandas.DataFrame, (n_rows, ...)
        ``row`` (label), ``name``, ``formula`` (canonical; empty if not known), ``described_as`` (the formula
        whose descriptors stand in), ``certain`` (composition known), ``source``, ``tag``, one ``group:NAME``
        column for each group, ``target`` (original unit), ``unit`` (rows with one number are the same material, or
        have equal descriptors), ``time``, ``weight``, ``y_sd``, ``limit`` and ``quantity`` where the study declares
        them.
    features : pandas.DataFrame, (n_rows, n_columns)
        All descriptor columns (float; NaN where unknown); of a category the number of its level in `categories`.
    y : numpy.ndarray, (n_rows,)
        Target in the space models work in (after the transform).
    target : numpy.ndarray, (n_rows,)
        Target in its original unit.
    source : str
        Where the table comes from.
    sha256 : str
        Fingerprint of everything above.
    units : Units
        Rows that a model could answer by memory from one another.
    weight : numpy.ndarray, (n_rows,), or None
        How much each row counts when models are fitted.
    y_sd : numpy.ndarray, (n_rows,), or None
        Standard deviation of each target, in the space of `y`.
    table_sha256 : str
        Fingerprint of the target column as read, before any row is filtered out: the same for every study of a table,
        whatever its descriptors and filters.
    notes : tuple of str
        What was assumed while reading, in sentences.
    limit : numpy.ndarray of int, (n_rows,), or None
        0 where the target is a value, -1 where the truth is at most that, 1 where it is at least that; None if all
        are values.
    categories : mapping of str to tuple of str
        Levels of each column of text.
    uncertain : mapping of str to str
        Column of the standard deviations of each uncertain column.
    ions : tuple of str
        Ions of the formulas that the shipped library lacks, as ``NAME=SMILES``.
    """

    rows: pd.DataFrame
    features: pd.DataFrame
    y: NDArray[np.float64]
    target: NDArray[np.float64]
    source: str
    sha256: str
    units: Units
    weight: NDArray[np.float64] | None = None
    y_sd: NDArray[np.float64] | None = None
    table_sha256: str = ""
    notes: tuple[str, ...] = ()
    limit: NDArray[np.int64] | None = None
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    uncertain: Mapping[str, str] = field(default_factory=dict)
    ions: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def fit_options(self) -> dict[str, Any]:
        """What fitting takes beside X and y: ``sample_weight``, ``y_sd``, ``limit``, each only where there is any."""
        given = {"sample_weight": self.weight, "y_sd": self.y_sd, "limit": self.limit}
        return {name: values for name, values in given.items() if values is not None}

    @property
    def has_value(self) -> NDArray[np.bool_]:
        """Whether the target of each row is a value, not a limit: only such rows are scored, shape (n_rows,)."""
        return np.ones(len(self), dtype=bool) if self.limit is None else np.asarray(self.limit == 0)

    def scales_of(self, columns: Iterable[str]) -> list[str]:
        """Those of the columns whose numbers mean more or less of something: no category, no standard deviation."""
        others = {*self.categories, *self.uncertain.values()}
        return [column for column in columns if column not in others]

    @cached_property
    def _materials(self) -> dict[str, Any]:
        """Formulas read so far; the empty key holds the ion library of these rows."""
        from perospin.chemistry import IonLibrary

        return {"": IonLibrary.of(self.ions)}

    def material(self, formula: str) -> Any:
        """Read the formula of a row, with the ions of these rows."""
        from perospin.chemistry import Perovskite

        if formula not in self._materials:
            self._materials[formula] = Perovskite.parse(formula, self._materials[""])
        return self._materials[formula]

    def times(self) -> NDArray[np.float64]:
        """When each row became known, in years, shape (n_rows,)."""
        return self.rows["time"].to_numpy(dtype=float)

    def groups(self, name: str) -> NDArray[Any]:
        """Group label of each row, shape (n_rows,)."""
        return self.rows[f"group:{name}"].to_numpy(dtype=str)


def build_dataset(
    part: PartSpec,
    data: str | Path | None = None,
    base: Path | None = None,
    on_compute: Callable[[str], None] | None = None,
    ions: Any = None,
) -> Dataset:
    """Read, filter, group and describe the rows of one part.

    Parameters
    ----------
    part : PartSpec
        The declaration.
    data : path, optional
        A CSV file used in place of the declared data.
    base : path, optional
        Folder that a relative ``csv`` of the declaration is relative to.
    on_compute : callable, optional
        Called with the symbol of each cation that no shipped table holds, before it is computed.
    ions : IonLibrary, optional
        Library with the user's own ions.

    Raises
    ------
    DataError
        If the table can't be read or lacks what the study needs.
    StudyError
        If the study names columns that nothing provides.
    TooFewRowsError
        If fewer rows than ``min_rows`` have all descriptors in ``complete``.
    """
    section = part.data
    notes: list[str] = []
    read = _checked(part, data, base, ions, notes)
    features, categories = _described(part, read, base, on_compute, notes)
    if section.complete or section.min_rows:
        keep = _complete(features, section, read.described)
        features, read = features[keep].reset_index(drop=True), read.only(keep)
    frame, labels, where = read.frame, read.labels, read.where
    rows = _row_table(frame, section, read.source, labels, read.target, (read.formulas, read.described, read.certain))
    for name, definition in section.groups.items():
        rows[f"group:{name}"] = _group(definition, frame, labels, read.described, read.materials, section)
    if section.time:
        cells = zip(labels, frame[section.time], strict=True)
        rows["time"] = [_time(cell, label, section.time, where) for label, cell in cells]
    y = part.target.forward(read.target)
    weight = _weights(frame, section.weight, labels, where) if section.weight else None
    y_sd = _uncertainty(frame, part, labels, read.target, where, notes) if section.y_sd else None
    limit = _limits(frame, section.limit, labels, where) if section.limit else None
    if part.target.by:
        rows["quantity"] = frame[part.target.by].astype(str).str.strip()
    for name, values in (("weight", weight), ("y_sd", y_sd), ("limit", limit)):
        if values is not None:
            rows[name] = values
    digest = _digest(rows, features, y)
    read_by_models = features[[c for c in model_columns(part) if c in features]].to_numpy(dtype=float)
    units = find_units(read.described, read_by_models)
    rows["unit"] = units.labels
    return Dataset(
        rows,
        features,
        y,
        read.target,
        read.source,
        digest,
        units,
        weight,
        y_sd,
        read.table_sha256,
        tuple(notes),
        limit,
        categories,
        dict(section.uncertain),
        own_ions(read.materials),
    )


@dataclass(frozen=True)
class _Table:
    """A table whose cells were read: its rows, their targets and what their formulas say."""

    frame: pd.DataFrame
    labels: pd.Series[str]
    target: NDArray[np.float64]
    formulas: list[str]
    described: list[str]
    certain: list[bool]
    materials: list[Any]
    source: str
    where: str
    table_sha256: str
    ions: Any

    def only(self, keep: NDArray[np.bool_]) -> _Table:
        """Keep some of the rows."""
        formulas, described, certain, materials = (
            [item for item, kept in zip(items, keep, strict=True) if kept]
            for items in (self.formulas, self.described, self.certain, self.materials)
        )
        frame, labels = self.frame[keep].reset_index(drop=True), self.labels[keep].reset_index(drop=True)
        return replace(
            self, frame=frame, labels=labels, target=self.target[keep], formulas=formulas, described=described,
            certain=certain, materials=materials,
        )  # fmt: skip


def _checked(part: PartSpec, data: str | Path | None, base: Path | None, ions: Any, notes: list[str]) -> _Table:
    """Read the table, keep the rows of the study, and tell all mistakes in their cells at once."""
    import pandas as pd

    section = part.data
    frame, source, from_file = _read(section, data, base, notes)
    where = f"table '{from_file}'" if from_file else "the table of this study"
    required = _required(part, needed_columns(part))
    frame = named_as_wanted(frame, required, notes)
    faults = Faults(where)
    faults.of(_require_columns, frame, required, where)
    if lost := {*required} - {*frame.columns}:
        # what is there is checked too, so that one message tells all
        _check_cells(frame, part, lost, where, faults, ions)
        faults.refuse()
    table_sha256 = _table_digest(frame[part.target.column])
    frame = _filtered(frame, section.where, where).reset_index(drop=True)
    if frame.empty:
        raise DataError(f"{where} has no rows left after the filters of the study")
    labels = (
        frame[section.row].astype(str)
        if section.row and section.row in frame.columns
        else pd.Series([str(i + 1) for i in range(len(frame))])
    )
    if section.new_ions:
        ions = with_new_ions(frame[section.new_ions], ions)
    target = faults.of(_target, frame, part, labels, where)
    composition = faults.of(_formulas, frame, labels, section, where, ions)
    faults.of(table_columns, frame, part, labels, where)
    faults.refuse()
    assert target is not None  # it was refused otherwise
    assert composition is not None
    return _Table(frame, labels, target, *composition, source, where, table_sha256, ions)


def _described(
    part: PartSpec, read: _Table, base: Path | None, on_compute: Callable[[str], None] | None, notes: list[str]
) -> tuple[pd.DataFrame, Any]:
    """Columns that the models read, and what stands for the numbers of a category."""
    import pandas as pd

    section, wanted = part.data, needed_columns(part)
    features = _features(read.frame, part, read.labels, read.materials, read.where, on_compute, read.ions)
    categories = _categories(read.frame, section, read.formulas, features, wanted)
    _fill_uncertain(features, section, read.labels, read.where, notes)
    sure = [material if known else None for material, known in zip(read.materials, read.certain, strict=True)]
    for extra in _of_crystals(part, sure, base, read.ions, notes):
        features = pd.concat([features.drop(columns=[c for c in extra if c in features]), extra], axis=1)
    for column, (low, high) in section.plausible.items():
        values = read.target if column == part.target.column else features.get(column)
        _plausible(column, values, low, high, read.where)
    _refuse_unknown(wanted, features)
    return features, categories


def _check_cells(frame: pd.DataFrame, part: PartSpec, lost: set[str], where: str, faults: Faults, ions: Any) -> None:
    """Gather the mistakes in those columns of a table that are there."""
    labels = frame.index.to_series().add(1).astype(str)
    if part.target.column not in lost:
        faults.of(_target, frame.reset_index(drop=True), part, labels.reset_index(drop=True), where)
    section = part.data
    if section.formula is not None and not {section.formula, section.new_ions} & lost:
        if section.new_ions:
            ions = with_new_ions(frame[section.new_ions], ions)
        faults.of(_formulas, frame, labels, section, where, ions)
    faults.of(table_columns, frame, part, labels, where)


def _required(part: PartSpec, wanted: Sequence[str]) -> list[str]:
    """Columns that the table must have."""
    section = part.data
    required = [part.target.column, *(f.column for f in section.where)]
    required += [section.tag.column] if section.tag else []
    required += [text for text in (section.name, section.formula, section.source_column) if text]
    required += [section.new_ions] if section.new_ions else []
    required += [text for text in (section.time, section.weight, section.y_sd, section.limit, part.target.by) if text]
    required += [*section.categories, *section.uncertain, *section.uncertain.values()]
    required += [d.removeprefix("column:") for d in section.groups.values() if d.startswith("column:")]
    if part.descriptors.source == "table":
        made = {*DERIVED_COLUMNS, *(name for name in wanted if category_of(name) in section.categories)}
        required += [column for column in wanted if column not in made]
    return required


def _target(frame: pd.DataFrame, part: PartSpec, labels: pd.Series[str], where: str) -> NDArray[np.float64]:
    """Return the target as read; positive where its logarithm is modelled."""
    target = _numeric(frame, part.target.column, labels, where, allow_missing=False)
    if part.target.logarithmic and (target <= 0).any():
        bad = int(np.flatnonzero(target <= 0)[0])
        raise DataError(
            f"{where}, row {labels[bad]}: {part.target.column} = {target[bad]:g} has no logarithm; "
            "values must be greater than 0"
        )
    return target


def _refuse_unknown(wanted: Sequence[str], features: pd.DataFrame) -> None:
    """Refuse a descriptor that nothing provides."""
    missing = [column for column in wanted if column not in features.columns]
    if missing:
        close = similar_names(missing[0], features.columns, most=3)
        hint = f"; similar columns: {', '.join(close)}" if close else ""
        raise StudyError(f"the study uses the descriptor '{missing[0]}', which nothing provides{hint}")


def _row_table(
    frame: pd.DataFrame,
    section: DataSection,
    source: str,
    labels: pd.Series[str],
    target: NDArray[np.float64],
    composition: tuple[list[str], list[str], list[bool]],
) -> pd.DataFrame:
    """Collect what is known of rows beside descriptors; `composition`: formulas, described formulas, certainty."""
    import pandas as pd

    formulas, described, certain = composition
    return pd.DataFrame(
        {
            "row": labels.to_numpy(dtype=str),
            "name": frame[section.name].astype(str).str.strip() if section.name else formulas,
            "formula": formulas,
            "described_as": described,
            "certain": certain,
            "source": frame[section.source_column].astype(str) if section.source_column else source,
            "tag": frame[section.tag.column].astype(str) if section.tag else "",
            "target": target,
        }
    )
