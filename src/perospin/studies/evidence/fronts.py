"""The formulas of a study: for each estimator that ends in one, its front from size to error on all rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.errors import MissingExtraError
from perospin.learning.estimators import KINDS, Formula, fit_each

if TYPE_CHECKING:
    import pandas as pd

    from perospin.studies.running.run import Run

__all__ = ["formula_table"]


def formula_table(run: Run) -> pd.DataFrame:
    """Fit the formula estimators of a part to all of its rows and list their fronts.

    Returns
    -------
    DataFrame
        One row a formula, from the smallest to the largest of each estimator: ``estimator``, ``size`` (nodes),
        ``rmse_in_sample`` (target space), ``description_length``, ``chosen``, ``text``, ``latex``, ``constants`` (with
        their 95 % intervals) and ``units`` of the columns in it. Empty if no estimator ends in a formula.
    """
    import pandas as pd

    records: list[dict[str, Any]] = []
    for name, spec in run.specs.items():
        if not KINDS[spec["kind"]].ends_in_formula or spec.get("tune"):
            continue

        def compute(name: str = name) -> dict[str, Any]:
            rows = [np.arange(len(run.data))]
            model = fit_each(run.estimators[name], run.data.features, run.data.y, rows, **run.data.fit_options)[0]
            return {
                "front": [formula.to_dict() for formula in model.front_],
                "chosen": model.front_.index(model.formula_),
            }

        run.tell(f"formulas · {run.part.title_of(name)}")
        cell = run.cells.get(run.key("formulas", spec, run.used(name)), compute)
        for number, values in enumerate(cell["front"]):
            records.append(
                {"estimator": name, **_record(Formula.from_dict(values)), "chosen": number == cell["chosen"]}
            )
    return pd.DataFrame(records)


def _record(formula: Formula) -> dict[str, Any]:
    try:
        latex = formula.latex()
    except MissingExtraError:
        latex = ""
    return {
        "size": formula.size,
        "rmse_in_sample": formula.rmse_in_sample,
        "description_length": formula.description_length,
        "text": formula.text(),
        "latex": latex,
        "constants": "; ".join(
            f"{c.value:.4g} ({c.low:.4g} to {c.high:.4g})" if np.isfinite(c.low) else f"{c.value:.4g} (not determined)"
            for c in formula.constants
        ),
        "units": "; ".join(f"{column} in {unit}" for column, unit in formula.units.items()),
    }
