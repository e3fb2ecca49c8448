"""Published claims about directions beside what the explained models say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from perospin.studies.declaration.sections import Claim


def claim_table(claims: Sequence[Claim], directions: pd.DataFrame) -> pd.DataFrame:
    """Each claimed direction beside what the models of this part say about it.

    Returns
    -------
    DataFrame
        One row a claim and model: ``column``, ``claim``, ``claimed`` (+1 or -1), ``source``, ``estimator``,
        ``scheme``, ``change``, ``low``, ``high``, ``folds_hold`` (folds that move as claimed), ``n_folds``, ``holds``
        ("yes", "no", "leans for", "leans against", "can't be decided", "not tested") and ``why``.
    """
    import pandas as pd

    records = []
    for claim in claims:
        claimed = 1 if claim.direction == "up" else -1
        base = {"column": claim.column, "claim": claim.text, "claimed": claimed, "source": claim.source}
        found = directions[directions["column"] == claim.column] if len(directions) else directions
        if not len(found):
            missing = {"estimator": "", "scheme": "", "change": float("nan"), "low": float("nan"), "high": float("nan")}
            why = "no explained model of this part reads this column"
            records.append({**base, **missing, "folds_hold": 0, "n_folds": 0, "holds": "not tested", "why": why})
        for row in found.to_dict("records"):
            agrees = np.sign(row["change"]) == claimed
            holds = {
                "yes": "yes" if agrees else "no",
                "weakly": "leans for" if agrees else "leans against",
                "no": "can't be decided",
            }[row["sure"]]
            records.append(
                {
                    **base,
                    **{name: row[name] for name in ("estimator", "scheme", "change", "low", "high")},
                    "folds_hold": int(row["folds_agree"] if agrees else row["n_folds"] - row["folds_agree"]),
                    "n_folds": int(row["n_folds"]),
                    "holds": holds,
                    "why": row["why"],
                }
            )
    return pd.DataFrame(records)
