"""Conditions of a row: categories in words, columns with an uncertainty of their own, targets that are limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.errors import DataError, StudyError
from perospin.studies.data.table import gathering

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from perospin.studies.data.dataset import Dataset
    from perospin.studies.declaration.part import PartSpec
    from perospin.studies.declaration.sections import DataSection

_LIMITS = {
    **dict.fromkeys(("", "value", "=", "0", "nan", "<na>", "none"), 0),
    **dict.fromkeys(("at most", "upper", "up_to", "up to", "<", "<=", "≤", "-1"), -1),
    **dict.fromkeys(("at least", "lower", ">", ">=", "≥", "1"), 1),
}
_NOT_STATED = ("", "nan", "na", "<na>", "none")


def _categories(
    frame: pd.DataFrame, section: DataSection, formulas: list[str], features: pd.DataFrame, wanted: list[str]
) -> dict[str, tuple[str, ...]]:
    """Add the level of each category to the features, as its number, NaN where not stated; return the levels.

    A wanted column ``solvent=DMF`` is 1 where the word in `solvent` is DMF, else 0: for models of numbers.
    """
    found = {}
    for column in section.categories:
        cells = formulas if column == section.formula else frame[column].astype(str).str.strip().tolist()
        levels = tuple(sorted({cell for cell in cells if cell.lower() not in _NOT_STATED}))
        features[column] = level_numbers(cells, levels)
        found[column] = levels
        for name in (name for name in wanted if category_of(name) == column):
            level = name.partition("=")[2]
            if level not in levels:
                shown = ", ".join(levels[:8]) + (", ..." if len(levels) > 8 else "")
                raise StudyError(f"the study uses '{name}', but no row has '{level}' in '{column}'; there are: {shown}")
            features[name] = np.array([float(cell == level) for cell in cells])
    return found


def category_of(name: str) -> str:
    """Return the column of the category that a column such as ``solvent=DMF`` asks about; "" for any other."""
    column, asks, _ = name.partition("=")
    return column if asks else ""


def level_numbers(cells: list[str], levels: tuple[str, ...]) -> NDArray[np.float64]:
    """Return the number of the level in each cell, shape (n_cells,); NaN for a cell that is none of them."""
    numbers = {level: float(number) for number, level in enumerate(levels)}
    return np.array([numbers.get(cell, np.nan) for cell in cells])


def _fill_uncertain(
    features: pd.DataFrame, section: DataSection, labels: pd.Series, where: str, notes: list[str]
) -> None:
    """Make uncertain columns whole: a value without a deviation is sure, a missing value is any of the stated ones."""
    for column, deviation in section.uncertain.items():
        values, sd = (features[name].to_numpy(dtype=float).copy() for name in (column, deviation))
        if (sd < 0).any():
            bad = int(np.flatnonzero(sd < 0)[0])
            raise DataError(
                f"{where}, row {labels[bad]}, column '{deviation}': an uncertainty of {sd[bad]:g} is below 0"
            )
        stated = np.isfinite(values)
        if not stated.any():
            raise DataError(f"{where}: column '{column}' is empty, so nothing can be learnt from it")
        sd[stated & np.isnan(sd)] = 0.0
        if not stated.all():
            values[~stated], sd[~stated] = any_of_the_stated(values[stated], sd[stated])
            notes.append(
                f"{int((~stated).sum())} of {len(values)} rows have no value in '{column}'; they may have any of the "
                "stated ones, and are that uncertain"
            )
        features[column], features[deviation] = values, sd


def any_of_the_stated(values: NDArray[np.float64], sd: NDArray[np.float64]) -> tuple[float, float]:
    """Mean and standard deviation of a value of which nothing is said, from the sure values (all, if none is sure)."""
    sure = values[sd == 0] if (sd == 0).any() else values
    return float(sure.mean()), float(sure.std())


def _limits(frame: pd.DataFrame, column: str, labels: pd.Series, where: str) -> NDArray[np.int64] | None:
    """Read 0 for a value, -1 for "at most", 1 for "at least"; None if all are values."""
    signs = np.zeros(len(frame), dtype=np.int64)
    for i, cell in enumerate(frame[column]):
        word = str(cell).strip().lower()
        if word not in _LIMITS:
            raise DataError(
                f"{where}, row {labels.iloc[i]}, column '{column}': '{cell}' is no limit; write 'at most', 'at least', "
                "or 'value' (or nothing) for a value"
            )
        signs[i] = _LIMITS[word]
    return signs if signs.any() else None


# -- a row to predict ----------------------------------------------------------------------------------------


def checked_conditions(part: PartSpec, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of the table from the conditions that a prediction is asked at.

    Raises
    ------
    DataError
        If a condition is unknown or impossible.
    """
    section = part.data
    if section.records is not None:
        return dict(gathering(section.records).question(**asked))
    known = [*section.categories, *section.uncertain, *section.uncertain.values()]
    unknown = [name for name in asked if name not in known]
    if unknown:
        raise DataError(
            f"unknown condition '{unknown[0]}'; " + (f"use one of: {', '.join(known)}" if known else "there are none")
        )
    if part.target.by and not str(asked.get(part.target.by, "")).strip():
        raise DataError(f"say which quantity is asked for: give '{part.target.by}'")
    for column in (*section.uncertain, *section.uncertain.values()):
        try:
            bad = column in asked and not np.isfinite(float(asked[column]))
        except (TypeError, ValueError):
            bad = True
        if bad or (column in section.uncertain.values() and float(asked.get(column, 0.0)) < 0):
            raise DataError(f"the condition {column} = {asked[column]!r} is not a possible number")
    return dict(asked)


def stated_columns(
    part: PartSpec, data: Dataset, given: Mapping[str, Any], described: pd.DataFrame, formula: str
) -> pd.DataFrame:
    """Add the conditions of one row to its description: the level of each category, each uncertain column."""
    made = described.copy()
    for column, levels in data.categories.items():
        word = formula if column == part.data.formula else str(given.get(column, "")).strip()
        made[column] = level_numbers([word], levels)
        for name in (str(name) for name in data.features if category_of(str(name)) == column):
            made[name] = float(word == name.partition("=")[2])
    for column, deviation in data.uncertain.items():
        if column in given:
            made[column], made[deviation] = float(given[column]), float(given.get(deviation, 0.0))
        else:
            stated = (data.features[name].to_numpy(dtype=float) for name in (column, deviation))
            made[column], made[deviation] = any_of_the_stated(*stated)
    return made


def unknown_levels(part: PartSpec, data: Dataset, given: Mapping[str, Any]) -> list[str]:
    """Say which words that were asked for stand in no training row."""
    found = []
    for column, levels in data.categories.items():
        word = str(given.get(column, "")).strip()
        if word and column != part.data.formula and word not in levels:
            shown = ", ".join(levels[:8]) + (", ..." if len(levels) > 8 else "")
            found.append(f"{column} {word} is not among the training rows ({shown})")
    return found
