"""What the models of one part use, and how far their intervals can be trusted: the explanations of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.learning.estimators import fit_each
from perospin.learning.explanation.dependence import Dependence, partial_dependence
from perospin.learning.explanation.directions import direction_table, look_alikes
from perospin.learning.explanation.importance import Importance, permutation_importance
from perospin.learning.explanation.shapley import (
    IN_SAMPLE,
    ShapleyTable,
    correlated_unions,
    explain_fitted,
    explain_held_out,
)
from perospin.learning.intervals.coverage import MOST_FITS, Coverage, nested_coverage
from perospin.studies.running.cells import scheme_digest
from perospin.studies.running.run import Run

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["gather"]


def gather(run: Run, together: NDArray[Any] | None) -> dict[str, Any]:
    """Everything that `PartResult` holds about explanations and coverage.

    Parameters
    ----------
    run : Run
    together : ndarray, shape (n_rows,), or None
        Groups whose rows come and go together when rows are resampled.
    """
    return {**_explanations(run, together), **_coverage(run)}


# --- what the models use -----------------------------------------------------------------------------------------


def _explanations(run: Run, together: NDArray[Any] | None) -> dict[str, Any]:
    asked = run.part.explain
    if asked is None:
        return {}
    tables = _shapley(run)
    importances, curves, directions = [], [], []
    for name in dict.fromkeys([asked.estimator, *asked.directions]):
        cell = _of_folds(run, name, asked.scheme)
        by_player, by_column = (Importance.from_dict(cell[key]) for key in ("importance", "importance_by_column"))
        found = [Dependence.from_dict(values) for values in cell["curves"]]
        if name == asked.estimator:
            importances.append(_named(by_player.table(together, run.part.checks.n_bootstrap, run.part.seed), name))
            curves += found
        drops = by_column.table(together, run.part.checks.n_bootstrap, run.part.seed)
        alike = look_alikes(run.data.features, run.data.scales_of(run.used(name)))
        directions.append(_named(direction_table(found, drops, alike, by_column.r2()), name))
    return {
        "shapley": tables,
        "importance": _stacked(importances),
        "directions_found": _stacked(directions),
        "curves": _stacked([curve.to_frame() for curve in curves]),
        "single_curves": _stacked([_single(run, curve) for curve in curves]),
    }


def _named(table: pd.DataFrame, estimator: str) -> pd.DataFrame:
    if len(table):
        table.insert(0, "estimator", estimator)
    return table


def _stacked(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    kept = [table for table in tables if len(table)]
    return pd.concat(kept, ignore_index=True) if kept else pd.DataFrame()


def _single(run: Run, curve: Dependence) -> pd.DataFrame:
    """Single curves of the held-out rows, one row a row and point."""
    import pandas as pd

    labels = run.data.rows["row"].to_numpy()[curve.rows]
    n, points = curve.single.shape
    return pd.DataFrame(
        {
            "column": curve.column,
            "row": np.repeat(labels, points),
            "value": np.tile(curve.grid, n),
            "prediction": curve.single.ravel(),
        }
    )


def _of_folds(run: Run, name: str, scheme: str) -> Any:
    """Take importance and curves of one estimator from the models of the folds, or from their cell."""
    spec, columns = run.specs[name], run.used(name)
    plan, groups = run.schemes[scheme], run.groups(scheme)
    asked, data = run.part.explain, run.data
    players = asked.players if asked is not None and name == asked.estimator else None
    title = f"importance and directions · {run.part.title_of(name)} · {plan.label}"

    def compute() -> dict[str, Any]:
        models = _fold_models(run, name, scheme)
        table, y = run.data.features, run.data.y

        def tell(done: int, in_all: int) -> None:
            run.tell(title, done, in_all)

        single = permutation_importance(models, table, y, plan, columns, progress=tell)
        grouped = (
            single if players is None else permutation_importance(models, table, y, plan, columns, players=players)
        )
        # a category or a standard deviation has no more and less, so no direction
        curves = partial_dependence(models, table, plan, data.scales_of(columns), columns, progress=tell)
        return {
            "importance": grouped.to_dict(),
            "importance_by_column": single.to_dict(),
            "curves": [curve.to_dict() for curve in curves],
        }

    run.tell(title)
    key = run.key(
        "importance and directions",
        spec,
        columns,
        players=players,
        scheme=scheme_digest(plan),
        groups=None if groups is None else groups.tolist(),
    )
    return run.cells.get(key, compute)


def _fold_models(run: Run, name: str, scheme: str) -> list[Any]:
    data, plan = run.data, run.schemes[scheme]
    groups = run.groups(scheme)
    return fit_each(run.estimators[name], data.features, data.y, plan.trains, groups=groups, **data.fit_options)


def _shapley(run: Run) -> dict[str, ShapleyTable]:
    """Shapley values of the declared estimator: of the final fit in sample, and out of fold."""
    asked = run.part.explain
    assert asked is not None
    spec, columns = run.specs[asked.estimator], run.used(asked.estimator)
    estimator, title = run.estimators[asked.estimator], f"Shapley values · {run.part.title_of(asked.estimator)}"
    groups, plan, data = run.groups(asked.scheme), run.schemes[asked.scheme], run.data
    single = columns if asked.players is None else [name for name, group in asked.players.items() if len(group) == 1]
    named = {c: c for c in columns} if asked.players is None else {p: g[0] for p, g in asked.players.items()}
    single = [player for player in single if data.scales_of([named[player]])]
    unions = correlated_unions(data.features[[named[p] for p in single]].set_axis(single, axis=1), single)

    def held_out() -> dict[str, Any]:
        return explain_held_out(
            estimator,
            data.features,
            data.y,
            plan,
            groups=groups,
            models=_fold_models(run, asked.estimator, asked.scheme),
            players=asked.players,
            interactions=True,
            unions=unions,
            progress=lambda done, in_all: run.tell(f"{title} · {plan.label}", done, in_all),
        ).to_dict()

    def fitted() -> dict[str, Any]:
        everything = [np.arange(len(data))]
        model = fit_each(estimator, data.features, data.y, everything, groups=groups, **data.fit_options)[0]
        return explain_fitted(model, data.features, data.features, players=asked.players).to_dict()

    key = run.key("shapley", spec, columns, players=asked.players, groups=None if groups is None else groups.tolist())
    tables = {}
    for scheme, compute, extra in ((IN_SAMPLE, fitted, None), (asked.scheme, held_out, scheme_digest(plan))):
        run.tell(f"{title} · {'in sample' if scheme == IN_SAMPLE else plan.label}")
        tables[scheme] = ShapleyTable.from_dict(run.cells.get({**key, "scheme": extra}, compute))
    return tables


# --- how far intervals can be trusted ------------------------------------------------------------------------------


def _coverage(run: Run) -> dict[str, Any]:
    """Nested intervals of the declared estimators; nothing where the rows allow too few or too many folds."""
    import pandas as pd

    asked = run.part.checks.coverage
    if asked is None or asked.scheme not in run.schemes:
        return {}
    plan, groups = run.schemes[asked.scheme], run.groups(asked.scheme)
    if not 3 <= len(plan) <= np.sqrt(2 * MOST_FITS):
        return {}
    tables, rows = [], []
    for name in asked.estimators:
        title = f"coverage of intervals · {run.part.title_of(name)} · {plan.label}"

        def compute(name: str = name, title: str = title) -> dict[str, Any]:
            return nested_coverage(
                run.estimators[name],
                run.data.features,
                run.data.y,
                plan,
                groups=groups,
                exchangeable=groups,
                levels=asked.levels,
                spread=asked.spread,
                name=name,
                progress=lambda fits, in_all: run.tell(title, fits, in_all),
                **run.data.fit_options,
            ).to_dict()

        run.tell(title)
        key = run.key(
            "coverage",
            run.specs[name],
            run.used(name),
            asked=asked.model_dump(include={"levels", "spread"}),
            scheme=scheme_digest(plan),
            groups=None if groups is None else groups.tolist(),
        )
        done = Coverage.from_dict(run.cells.get(key, compute))
        tables.append(done.to_frame().assign(estimator=name, scheme=asked.scheme, scheme_label=plan.label))
        for column, level in enumerate(done.levels):
            rows.append(
                pd.DataFrame(
                    {
                        "estimator": name,
                        "scheme": asked.scheme,
                        "row": run.data.rows["row"].to_numpy()[run.data.has_value],
                        "level": level,
                        "y_true": done.y,
                        "low": done.low[:, column],
                        "high": done.high[:, column],
                    }
                )
            )
    return {"coverage": _stacked(tables), "nested_intervals": _stacked(rows)}
