"""Rows that defeat every model of a study, and what can be said about the reason.

A row counts if every model that knows anything (R2 above 0 under the scheme of the verdict, the training mean apart)
errs to the same side and by more than half of the table's standard deviation. The reasons follow from the table by
fixed rules: an uncertain composition, another row that is the same to the model but was measured differently, nearest
training materials that all lie on the side of the predictions. What the author of a study knows beyond that stands in
`verdict.remarks`.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.digits import figures
from perospin.studies.predicting.domain import standardised

if TYPE_CHECKING:
    import pandas as pd

    from perospin.studies.result import PartResult

__all__ = ["hard_rows"]

_LEAST_ERROR = 0.5
_NEIGHBOURS = 3
_SAME = 1e-9


def hard_rows(part: PartResult) -> pd.DataFrame:
    """Rows that every model misses by more than half a standard deviation to the same side, the largest error first.

    Parameters
    ----------
    part : PartResult

    Returns
    -------
    DataFrame
        ``row``, ``name``, ``certain``, ``value`` and the range ``low`` to ``high`` of the models' predictions (original
        unit), ``n_models``, ``share`` of the squared error of the verdict's model that the row carries,
        ``neighbours`` (the nearest training materials, as (name, value) pairs) and ``why``. Empty if there is no such
        row or fewer than two models.
    """
    import pandas as pd

    errors, truth = _errors(part)
    if errors.shape[1] < 2:
        return pd.DataFrame()
    each = errors.to_numpy(dtype=float)
    least = _LEAST_ERROR * float(truth.std(ddof=0))
    hard = np.asarray(((each > least).all(axis=1) | (each < -least).all(axis=1)) & (least > 0), dtype=bool)
    names = {str(row["row"]): row for row in part.rows.to_dict("records")}
    own = errors.get(part.spec.verdict.estimator)
    records = []
    for row in errors.index[hard].astype(str):
        predicted = part.spec.target.inverse(truth[row] + errors.loc[row].to_numpy(dtype=float))
        value = float(names[row]["target"])
        neighbours, same = _nearest(part, row)
        records.append(
            {
                "row": row,
                "name": names[row]["name"],
                "certain": bool(names[row]["certain"]),
                "value": value,
                "low": float(predicted.min()),
                "high": float(predicted.max()),
                "n_models": errors.shape[1],
                "share": float("nan") if own is None else float(own[row] ** 2 / (own**2).sum()),
                "neighbours": neighbours,
                "why": _why(names[row], neighbours, same, part.spec.verdict.remarks.get(row, "")),
                "size": float(np.abs(errors.loc[row].to_numpy(dtype=float)).min()),
            }
        )
    if not records:
        return pd.DataFrame()
    table = pd.DataFrame(records)
    return table.iloc[np.argsort(-table["size"].to_numpy(), kind="stable")].drop(columns="size").reset_index(drop=True)


def _errors(part: PartResult) -> tuple[pd.DataFrame, pd.Series[float]]:
    """Mean held-out error of each row by each model that knows anything, and the truth, both by row."""
    scheme = part.spec.verdict.scheme
    kinds = {entry.name: part.spec.spec_of(entry.name)["kind"] for entry in part.spec.estimators}
    scores = part.scores[(part.scores["scheme"] == scheme) & (part.scores["r2"] > 0)]
    models = [name for name in scores["estimator"] if kinds.get(name) != "mean"]
    found = part.predictions[(part.predictions["scheme"] == scheme) & part.predictions["estimator"].isin(models)]
    errors = found.assign(error=found["y_pred"] - found["y_true"])
    table = errors.pivot_table(index="row", columns="estimator", values="error", sort=False)
    return table.dropna(), errors.groupby("row")["y_true"].first()


def _nearest(part: PartResult, row: Any) -> tuple[list[tuple[str, float]], list[tuple[str, float]]]:
    """Nearest rows that the model of this row was trained on, and rows that are the same to it: names and values."""
    verdict = part.spec.verdict
    labels = part.rows["row"].to_numpy()
    at = int(np.flatnonzero(labels == row)[0])
    every = [str(c) for c in part.features.columns]
    read = part.spec.columns_of(verdict.estimator) or every
    scales = part.spec.data.scales_of(read)
    table = part.features[[c for c in scales if c in every]].astype(float)
    others = part.features[[c for c in read if c in every and c not in scales]].astype(float).fillna(-1.0).to_numpy()
    conditions = (others == others[at]).all(axis=1)
    scaled = standardised(table, table)
    distance = np.sqrt(((scaled - scaled[at]) ** 2).mean(axis=1)) if len(table.columns) else np.full(len(table), np.inf)
    mine = part.predicted(verdict.estimator, verdict.scheme)
    folds = set(mine.loc[mine["row"] == row, "fold"])
    together = set(mine.loc[mine["fold"].isin(folds), "row"]) if len(folds) == 1 else {row}
    pairs = list(zip(part.rows["name"], part.rows["target"].astype(float), strict=True))
    stated = part.rows["limit"].to_numpy() == 0 if "limit" in part.rows else np.ones(len(labels), dtype=bool)
    order = [int(i) for i in np.argsort(distance, kind="stable") if stated[i]]
    same = (distance <= _SAME) & conditions
    known = [pairs[i] for i in order if labels[i] not in together and not same[i]]
    return known[:_NEIGHBOURS], [pairs[i] for i in order if i != at and same[i]]


def _why(
    row: Mapping[Hashable, Any], neighbours: list[tuple[str, float]], same: list[tuple[str, float]], remark: str
) -> str:
    reasons = []
    if not row["certain"]:
        reasons.append("its composition is not certain")
    value, values = row["target"], [other for _, other in neighbours]
    if same:
        name, other = same[0]
        reasons.append(f"{name} is the same to the model and has {figures(other, 3)}")
    elif values and (min(values) > value or max(values) < value):
        side = "higher" if min(values) > value else "lower"
        reasons.append(f"what the model reads doesn't tell it from its nearest materials, which are all {side}")
    elif values:
        low, high = figures(min(values), 3), figures(max(values), 3)
        reasons.append(f"its nearest materials differ among themselves, from {low} to {high}")
    text = "; ".join(reasons)
    said = [sentence for sentence in (text[:1].upper() + text[1:], remark.rstrip(".")) if sentence]
    return ". ".join(said) + "." if said else ""
