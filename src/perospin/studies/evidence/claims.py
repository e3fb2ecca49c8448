"""Published claims beside what the models of a part say: directions, what matters most, which model is best."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from perospin.studies.declaration.sections import Claim, ExplainSection

_SURE_P = 0.05
_NOTHING = {"change": float("nan"), "low": float("nan"), "high": float("nan"), "folds_hold": 0, "n_folds": 0}


@dataclass(frozen=True)
class Found:
    """What a part found that claims are held against.

    Attributes
    ----------
    directions, importance, pairs : DataFrame
        As in `PartResult`.
    scores : mapping
        Scores of each estimator under `scheme`.
    scheme : str
        Of the verdict.
    explain : ExplainSection or None
        Which estimator is explained, under which scheme.
    """

    directions: pd.DataFrame
    importance: pd.DataFrame
    pairs: pd.DataFrame
    scores: Mapping[str, Mapping[str, Any]]
    scheme: str
    explain: ExplainSection | None


def claim_table(claims: Sequence[Claim], found: Found) -> pd.DataFrame:
    """Each claim beside what the models of this part say about it.

    Returns
    -------
    DataFrame
        One row a claim and model: ``column`` (descriptor, player or estimator that the claim is about), ``claim``,
        ``claimed`` (+1 or -1; +1 where no direction is claimed), ``source``, ``estimator``, ``scheme``, ``change`` (of
        the target over the column's range; the drop in R2 without a player; the gain in R2 over the nearest rival),
        ``low``, ``high``, ``folds_hold`` (folds that move as claimed), ``n_folds`` (0 where folds are not counted),
        ``holds`` ("yes", "no", "leans for", "leans against", "can't be decided", "not tested") and ``why``.
    """
    import pandas as pd

    records = []
    for claim in claims:
        base = {
            "column": claim.about,
            "claim": claim.text,
            "claimed": -1 if claim.direction == "down" else 1,
            "source": claim.source,
        }
        told = _direction if claim.column else _most_important if claim.most_important else _best
        records += [{**base, "estimator": "", "scheme": "", **_NOTHING, **row} for row in told(claim, found)]
    return pd.DataFrame(records)


def _direction(claim: Claim, found: Found) -> Iterator[dict[str, Any]]:
    claimed = 1 if claim.direction == "up" else -1
    table = found.directions
    mine = table[table["column"] == claim.column] if len(table) else table
    if not len(mine):
        yield {"holds": "not tested", "why": "no explained model of this part reads this column"}
    for row in mine.to_dict("records"):
        agrees = np.sign(row["change"]) == claimed
        holds = {
            "yes": "yes" if agrees else "no",
            "weakly": "leans for" if agrees else "leans against",
            "no": "can't be decided",
        }[row["sure"]]
        yield {
            **{name: row[name] for name in ("estimator", "scheme", "change", "low", "high")},
            "folds_hold": int(row["folds_agree"] if agrees else row["n_folds"] - row["folds_agree"]),
            "n_folds": int(row["n_folds"]),
            "holds": holds,
            "why": row["why"],
        }


def _most_important(claim: Claim, found: Found) -> Iterator[dict[str, Any]]:
    """Hold the drop in R2 without one player against that without every other one."""
    table = found.importance
    mine = table[table["column"] == claim.most_important] if len(table) else table
    if not len(mine):
        yield {"holds": "not tested", "why": f"the explained model has no '{claim.most_important}'"}
        return
    own = mine.iloc[0]
    others = table[table["column"] != claim.most_important].sort_values("drop", ascending=False)
    rival = others.iloc[0]
    text = (
        f"held-out R² falls by {own['drop']:.2f} without it ({own['low']:.2f} to {own['high']:.2f}) and by "
        f"{rival['drop']:.2f} without {rival['column']} ({rival['low']:.2f} to {rival['high']:.2f})"
    )
    name = found.explain.estimator if found.explain else ""
    score = found.scores.get(name)
    if score is not None and not score["r2"] > 0:
        holds, text = "can't be decided", f"the explained model predicts nothing (R² {score['r2']:.2f}); {text}"
    elif own["low"] > others["high"].max():
        holds = "yes"
    elif (others["low"] > own["high"]).any():
        holds = "no"
    else:
        holds = "leans for" if own["drop"] > rival["drop"] else "leans against"
    yield {
        "estimator": name,
        "scheme": own["scheme"],
        "change": own["drop"],
        "low": own["low"],
        "high": own["high"],
        "holds": holds,
        "why": text,
    }


def _best(claim: Claim, found: Found) -> Iterator[dict[str, Any]]:
    """Hold one estimator against others: sure where every paired comparison, corrected, is."""
    rivals = claim.than or [name for name in found.scores if name != claim.best]
    if claim.best not in found.scores or not len(found.pairs):
        yield {"holds": "not tested", "why": f"'{claim.best}' was not compared with others"}
        return
    pairs = found.pairs[found.pairs["scheme"] == found.scheme]
    against = []
    for rival in rivals:
        row = pairs[pairs[["better", "worse"]].apply(lambda names, r=rival: {*names} == {claim.best, r}, axis=1)]
        if not len(row):
            yield {"holds": "not tested", "why": f"'{claim.best}' was not compared with '{rival}'"}
            return
        first = row.iloc[0]
        sign = 1.0 if first["better"] == claim.best else -1.0
        ends = sorted((sign * first["low"], sign * first["high"]))
        against.append((sign * first["gain"], ends[0], ends[1], float(first["p_holm"]), rival))
    gain, low, high, p, rival = min(against)
    own = found.scores[claim.best]["r2"]
    text = (
        f"R² {own:.2f}; {'behind' if gain < 0 else 'ahead of'} {rival} ({found.scores[rival]['r2']:.2f}) by "
        f"{abs(gain):.2f} ({low:+.2f} to {high:+.2f}, p = {p:.2g} corrected for {len(pairs)} pairs)"
    )
    if all(one > 0 and chance < _SURE_P for one, _, _, chance, _ in against):
        holds = "yes"
    elif any(one < 0 and chance < _SURE_P for one, _, _, chance, _ in against):
        holds = "no"
    elif low <= 0 <= high:
        holds = "can't be decided"
    else:
        holds = "leans for" if gain > 0 else "leans against"
    scheme = pairs["scheme_label"].iloc[0] if "scheme_label" in pairs else found.scheme
    yield {
        "estimator": claim.best, "scheme": scheme, "change": gain, "low": low, "high": high, "holds": holds,
        "why": text,
    }  # fmt: skip
