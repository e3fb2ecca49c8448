"""Rows without a target, in the columns of a study's own table: what a fitted model is asked about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perospin.errors import DataError
from perospin.studies.data.conditions import category_of, level_numbers
from perospin.studies.data.materials import DERIVED_COLUMNS, _features, _formulas, held_out_spacing, with_new_ions
from perospin.studies.data.table import _require_columns, named_as_wanted, read_own_table

if TYPE_CHECKING:
    import pandas as pd

    from perospin.studies.data.dataset import Dataset
    from perospin.studies.declaration.part import PartSpec

__all__ = ["NewRows", "read_new_rows"]


@dataclass(frozen=True)
class NewRows:
    """Rows to predict.

    Attributes
    ----------
    labels, names : tuple of str
        Label and name of each row; a name is empty where the table has none.
    materials : tuple of Perovskite or None
        Read formulas; None where a row has none.
    features : pandas.DataFrame, (n_rows, n_columns)
        All descriptor columns that could be made (float; NaN where unknown).
    ions : IonLibrary or None
        Library that the formulas were read with.
    """

    labels: tuple[str, ...]
    names: tuple[str, ...]
    materials: tuple[Any, ...]
    features: pd.DataFrame
    ions: Any = None


def read_new_rows(
    part: PartSpec,
    data: Dataset,
    columns: Sequence[str],
    path: str | Path,
    ions: Any = None,
    on_compute: Callable[[str], None] | None = None,
    expected_spacing: Callable[[list[Any]], list[tuple[float, float] | None]] | None = None,
) -> NewRows:
    """Read a CSV file in the columns of the study's table; target and columns that the model doesn't read may lack.

    Parameters
    ----------
    part : PartSpec
    data : Dataset
        The training rows: they know the levels of categories.
    columns : sequence of str
        Columns that the model reads.
    path : path
    ions : IonLibrary, optional
        Library with the user's own ions.
    on_compute : callable, optional
        Called with the symbol of each cation that must be computed first.
    expected_spacing : callable, optional
        Layer spacing of a material that the shipped table lacks (see `held_out_spacing`).

    Raises
    ------
    DataError
        If the file can't be read, is empty, or lacks a column that the model reads or the formulas that it needs.
    """
    import pandas as pd

    frame = read_own_table(Path(path)).reset_index(drop=True)
    where = f"table '{path}'"
    if frame.empty:
        raise DataError(f"{where} has column names but no rows; give one row for each prediction")
    section = part.data
    own = part.descriptors.source == "table"
    # a column "solvent=DMF" asks about the words in "solvent"
    columns = list(dict.fromkeys(category_of(column) or column for column in columns))
    frame = named_as_wanted(frame, [*columns, *([section.formula] if section.formula else [])], [])
    with_formula = section.formula_template is not None or section.formula in frame.columns
    if own:
        # some columns follow from the formula, where there is one
        _require_columns(frame, [c for c in columns if not (with_formula and c in DERIVED_COLUMNS)], where)
    elif section.formula is not None:
        _require_columns(frame, [section.formula], where)
    labels = (
        frame[section.row].astype(str)
        if section.row and section.row in frame.columns
        else pd.Series([str(i + 1) for i in range(len(frame))])
    )
    if section.new_ions and section.new_ions in frame.columns:
        ions = with_new_ions(frame[section.new_ions], ions)
    read = section.model_copy(
        update={"assume": {}, "plausible": {}, "formula": section.formula if with_formula else None}
    )
    _, _, _, materials = _formulas(frame, labels, read, where, ions)
    prefix = part.descriptors.prefix_table
    used = [c for c in frame.columns if c in columns or prefix + str(c) in columns or c == section.formula]
    narrow = part.model_copy(update={"data": read})
    features = _features(frame[used], narrow, labels, materials, where, on_compute, ions)
    for column, levels in data.categories.items():
        if column in frame.columns:
            cells = frame[column].astype(str).str.strip().tolist()
            features[column] = level_numbers(cells, levels)
            for level in levels:
                features[f"{column}={level}"] = [float(cell == level) for cell in cells]
    for column, deviation in section.uncertain.items():
        if column in features:  # a value without a deviation is sure
            features[deviation] = features[deviation].fillna(0.0) if deviation in features else 0.0
    if part.descriptors.held_out_spacing:
        features = pd.concat([features, held_out_spacing(materials, expected_spacing)], axis=1)
    named = section.name is not None and section.name in frame.columns
    names = frame[section.name].astype(str).str.strip() if named else [""] * len(frame)
    return NewRows(tuple(labels), tuple(names), tuple(materials), features, ions)
