"""Our cation descriptors beside those of the 52-material table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perospin.descriptors.cations.spin52 import COLUMNS, cation_values_of_spin52
from perospin.descriptors.cations.table import shipped_table

if TYPE_CHECKING:
    import pandas as pd


def compare_with_spin52() -> pd.DataFrame:
    """Our published-level values minus the table's, cation by cation; columns `COLUMNS` in the units of the names."""
    theirs = cation_values_of_spin52()
    ours = shipped_table("published")
    shared = [symbol for symbol in theirs.index if symbol in ours.index]
    columns = list(COLUMNS)
    return ours.loc[shared, columns] - theirs.loc[shared, columns]
