"""Which way does each descriptor push, and can the data tell? One row a column, with the reason where they can't.

A direction counts as sure only if the model knows something about held-out rows, the interval of the effect (jackknife
over folds) excludes 0, nine folds in ten agree, it doesn't rest on a single fold's rows, held-out rows are predicted
worse without the column, and no other column says the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from perospin.learning.explanation.dependence import Dependence

__all__ = ["ALIKE", "direction_table", "look_alikes"]

ALIKE = 0.8
"""Columns correlated beyond this can't be told apart by the model's directions."""

_MOST_FOLDS_AGREE = 0.9


def look_alikes(features: pd.DataFrame, columns: Sequence[str]) -> dict[str, tuple[str, float]]:
    """For each column the one that resembles it most, with Pearson's r, where |r| is at least 0.8."""
    varying = [c for c in columns if features[c].nunique() > 1]
    correlation = features[varying].corr().to_numpy()
    found = {}
    for i, column in enumerate(varying):
        size = np.where(np.isfinite(correlation[i]), np.abs(correlation[i]), 0.0)
        size[i] = 0.0
        j = int(np.argmax(size))
        if size[j] >= ALIKE:
            found[column] = (varying[j], float(correlation[i, j]))
    return found


def direction_table(
    curves: Sequence[Dependence],
    importance: pd.DataFrame,
    alike: Mapping[str, tuple[str, float]],
    r2: float,
) -> pd.DataFrame:
    """Direction of each column, how sure it is, and why it is not.

    Parameters
    ----------
    curves : sequence of Dependence
        One a column, from the models of the folds.
    importance : DataFrame
        As made by `Importance.table`, one row a column.
    alike : mapping
        As made by `look_alikes`.
    r2 : float
        R2 of the model under the same scheme.

    Returns
    -------
    DataFrame
        ``column``, ``scheme``, ``start``, ``end``, ``change`` with its interval ``low`` to ``high``, ``folds_agree``,
        ``n_folds``, ``silent_folds``, ``rows_agree``, ``drop`` in R2 with ``drop_low`` and ``drop_high``, ``alike``,
        ``alike_r``, ``direction`` ("up", "down" or "none"), ``sure`` ("yes", "weakly", "no"), ``why``.
    """
    import pandas as pd

    drops = {str(row["column"]): row for row in importance.to_dict("records")}
    records = []
    for curve in curves:
        effect = curve.effect()
        row = drops[curve.column]
        other, r = alike.get(curve.column, ("", float("nan")))
        record: dict[str, Any] = {
            "column": curve.column,
            "scheme": curve.scheme,
            "start": effect.start,
            "end": effect.end,
            "change": effect.change,
            "low": effect.low,
            "high": effect.high,
            "folds_agree": effect.folds_agree,
            "n_folds": effect.n_folds,
            "silent_folds": effect.silent_folds,
            "rows_agree": effect.rows_agree,
            "drop": float(row["drop"]),
            "drop_low": float(row["low"]),
            "drop_high": float(row["high"]),
            "alike": other,
            "alike_r": r,
            "r2": r2,
        }
        sure, why = _judged(record)
        direction = "none" if not record["change"] else "up" if record["change"] > 0 else "down"
        records.append({**record, "direction": direction, "sure": sure, "why": why})
    table = pd.DataFrame(records)
    if table.empty:
        return table
    order = np.argsort(-np.abs(table["change"].fillna(0.0).to_numpy()), kind="stable")
    return table.iloc[order].reset_index(drop=True)


def _judged(row: Mapping[str, Any]) -> tuple[str, str]:
    """How sure a direction is, and the first reason that speaks against it."""
    if not row["r2"] > 0:
        return (
            "no",
            f"the model says less about held-out rows than their mean does (R² {row['r2']:.2f}, {row['scheme']})",
        )
    if not np.isfinite(row["change"]) or row["change"] == 0:
        return "no", "the predictions don't move with it"
    if row["silent_folds"]:
        return "no", f"it rests on few rows: {row['silent_folds']} of the folds, left without them, can't say"
    if not (row["low"] > 0 or row["high"] < 0):
        return "no", "another sample could turn it round: its interval includes 0"
    if row["folds_agree"] < _MOST_FOLDS_AGREE * row["n_folds"]:
        return "no", "the folds disagree"
    if not row["drop"] > 0:
        return "no", "held-out rows are predicted as well without it"
    if row["alike"]:
        return "weakly", f"it can't be told apart from another column (r = {row['alike_r']:.2f})"
    if not row["drop_low"] > 0:
        return "weakly", "held-out rows hardly need it: the interval of the drop in R² includes 0"
    return "yes", ""
