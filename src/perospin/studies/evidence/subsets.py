"""Scores with and without rows that the study names: held-out predictions as they are, nothing is fitted again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.errors import StudyError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from perospin.studies.declaration.sections import SubsetSection
    from perospin.studies.running.run import Run

__all__ = ["subset_scores"]


def subset_scores(run: Run) -> pd.DataFrame:
    """Score every estimator without the rows of each declared subset, and on them.

    Returns
    -------
    pandas.DataFrame
        One row a subset, scheme and estimator: ``sse_all``, ``sse_rows`` (on the named rows) and ``sse_others``, sums
        of squared errors in target space (a row that is scored several times counts once); R2, R2 in the original unit
        and typical factor ``without`` the named rows, R2 against the mean of the rows that are left.

    Raises
    ------
    StudyError
        If a subset names a row that the table lacks, or every row.
    """
    import pandas as pd

    return pd.DataFrame([record for subset in run.part.checks.subsets for record in _records(run, subset)])


def _records(run: Run, subset: SubsetSection) -> Iterator[dict[str, Any]]:
    named = _named(run, subset)
    for name in run.part.estimator_names():
        for scheme in run.schemes:
            done = run.evaluations.get((name, scheme))
            if done is None:
                continue
            kept = ~named[done.rows]
            if not kept.any():
                continue  # this scheme scores no other row
            scores = done.scores_where(kept, f"without {subset.name}", run.inverse)
            yield {
                "subset": subset.name,
                "scheme": scheme,
                "scheme_label": run.schemes[scheme].label,
                "estimator": name,
                "n_rows": len(np.unique(done.rows[~kept])),
                "n_others": scores.n_rows,
                "sse_all": done.squared_error(),
                "sse_rows": done.squared_error(named),
                "sse_others": done.squared_error(~named),
                "r2_without": scores.r2,
                "r2_original_without": scores.r2 if run.inverse is None else scores.r2_original,
                "typical_factor_without": float("nan") if scores.typical_factor is None else scores.typical_factor,
            }


def _named(run: Run, subset: SubsetSection) -> NDArray[np.bool_]:
    """Whether the subset names each row, shape (n_rows,)."""
    labels = [str(label) for label in run.data.rows["row"]]
    asked = {str(label) for label in subset.rows}
    unknown = sorted(asked - set(labels))
    if unknown:
        raise StudyError(
            f"checks.subsets '{subset.name}' names row '{unknown[0]}', which the table lacks after its filters; give "
            "labels of rows as the column of [data] row has them"
        )
    named = np.array([label in asked for label in labels])
    if named.all():
        raise StudyError(f"checks.subsets '{subset.name}' names every row, so none is left to score")
    return named
