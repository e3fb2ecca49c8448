"""Crystals of the shipped table by composition: what is known of a structure, several crystals as several."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from perospin.database import load_table
from perospin.descriptors.structure.columns import STRUCTURE_DESCRIPTIONS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["crystal_columns", "crystals_of"]


@lru_cache(maxsize=1)
def _by_formula() -> dict[str, pd.DataFrame]:
    table = load_table("structures_2d")
    told = table[table["formula"] != ""]
    return {str(formula): rows for formula, rows in told.groupby("formula", sort=False)}


def crystals_of(formula: str) -> pd.DataFrame:
    """Crystals of a composition in the shipped table.

    Files that lack some of their hydrogens are left out where others are known: the cation may be another one.

    Parameters
    ----------
    formula : str
        Canonical formula.

    Returns
    -------
    DataFrame
        Rows of `load_table("structures_2d")`, one a crystal; none where nothing is known.
    """
    rows = _by_formula().get(formula)
    if rows is None:
        return load_table("structures_2d").iloc[:0]
    whole = rows[rows["hydrogens"] != "some missing"]
    return whole if len(whole) else rows


def crystal_columns(formulas: Iterable[str | None]) -> tuple[pd.DataFrame, list[str]]:
    """Structural columns of materials from the crystals of their composition: the median where there are several.

    Parameters
    ----------
    formulas : iterable of str or None
        Canonical formula of each row; None where it isn't certain.

    Returns
    -------
    columns : DataFrame, (n_rows, n_columns)
        `STRUCTURE_DESCRIPTIONS`; NaN where nothing is known.
    remarks : list of str
        For each composition with crystals: the files, and the range of the layer spacing if they are several.
    """
    import pandas as pd

    rows, remarks = [], []
    for formula in formulas:
        found = None if formula is None else crystals_of(formula)
        if found is None or not len(found):
            rows.append(dict.fromkeys(STRUCTURE_DESCRIPTIONS, math.nan))
            continue
        rows.append({name: float(found[name].median()) for name in STRUCTURE_DESCRIPTIONS})
        files = ", ".join(found["file"])
        if len(found) > 1:
            low, high = found["layer_spacing_a"].min(), found["layer_spacing_a"].max()
            remarks.append(f"{formula}: median of {len(found)} crystals ({files}), spacing {low:.2f} to {high:.2f} A")
        else:
            remarks.append(f"{formula}: crystal {files}")
    return pd.DataFrame(rows, columns=list(STRUCTURE_DESCRIPTIONS), dtype=float), list(dict.fromkeys(remarks))
