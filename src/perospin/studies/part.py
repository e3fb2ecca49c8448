"""Run everything that one part of a study declares, and gather it into a `PartResult`."""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.studies.data.dataset import Dataset
from perospin.studies.recording import record_run
from perospin.studies.result import PartResult
from perospin.studies.running.cells import Cells
from perospin.studies.running.run import Progress, Run

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import pandas as pd

    from perospin.studies.declaration.part import PartSpec

_SPLIT_POINTS = (0.05, 0.5, 0.95)


def run_part(
    name: str,
    part: PartSpec,
    data: Dataset,
    cells: Cells,
    progress: Progress | None = None,
    study: str = "",
    executor: Executor | None = None,
) -> PartResult:
    """Run everything that one part declares.

    Parameters
    ----------
    name : str
        Name of the part.
    part : PartSpec
        Its declaration.
    data : Dataset
        Its rows.
    cells : Cells
        Where finished pieces are kept and looked for.
    progress : callable, optional
        Called as ``progress(what, done, in_all)``.
    study : str
        Name of the study, for the log of variants.
    executor : Executor, optional
        Shares out the training sets of a scheme; the numbers are the same.

    Returns
    -------
    PartResult
    """
    from perospin.studies.evidence import gathering as evidence

    start = time.perf_counter()
    run = Run(name, part, data, cells, progress, executor)
    for entry in part.estimators:
        for scheme in run.schemes_of(entry.schemes):
            run.evaluate(entry.name, run.specs[entry.name], run.used(entry.name), scheme)
    grid = _run_grids(run)
    found = evidence.gather(run)
    variants = record_run(run, study)
    run.tell("done", 1, 1)
    return PartResult(
        name=name,
        spec=part,
        rows=data.rows,
        features=data.features,
        scores=_scores(run),
        predictions=_predictions(run),
        grid=grid,
        by_quantity=_by_quantity(run),
        provenance={
            "source": data.source,
            "sha256": data.sha256,
            "table_sha256": data.table_sha256,
            "variants": variants,
            "n_rows": len(data),
            "seconds_by_cell": run.seconds,
            "seconds": time.perf_counter() - start,
        },
        **found,
    )


def _scores(run: Run) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(list(_score_records(run)))


def _score_records(run: Run) -> Iterator[dict[str, Any]]:
    for name, scheme in itertools.product(run.part.estimator_names(), run.schemes):
        done = run.evaluations.get((name, scheme))
        if done is None:
            continue
        scores = done.scores(run.inverse).to_dict()
        record = {
            "estimator": name,
            "label": run.part.title_of(name),
            "scheme": scheme,
            "scheme_label": run.schemes[scheme].label,
            "in_sample": scores["in_sample"],
            "n_scored": scores["n_predictions"],
            "n_rows": scores["n_rows"],
        }
        for metric in ("r2", "mse", "mae"):
            record[metric] = scores[metric]
        for metric in ("r2", "mse", "mae"):
            # without a transform the original unit is the unit of the models
            value = scores[f"{metric}_original"]
            record[f"{metric}_original"] = scores[metric] if run.inverse is None else value
        factor = scores["typical_factor"]
        record["typical_factor"] = float("nan") if factor is None else factor
        low = middle = high = float("nan")
        if run.entries[scheme].rule.repeats:
            single = done.fold_r2()
            single = single[np.isfinite(single)]
            if single.size:
                low, middle, high = (float(q) for q in np.quantile(single, _SPLIT_POINTS))
        record.update(split_r2_low=low, split_r2_middle=middle, split_r2_high=high)
        record["seconds"] = run.seconds.get(f"{name} · {scheme}", float("nan"))
        yield record


def _by_quantity(run: Run) -> pd.DataFrame:
    """Errors of each quantity, where one table holds several; R2 belongs to the whole table alone."""
    import pandas as pd

    if not run.part.target.by:
        return pd.DataFrame()
    names, records = run.data.rows["quantity"].to_numpy(dtype=str), []
    materials = run.data.rows["described_as"].to_numpy(dtype=str)
    for (estimator, scheme), done in run.evaluations.items():
        if estimator not in run.part.estimator_names():
            continue
        error, held = np.abs(done.y_pred - done.y_true), names[done.rows]
        for quantity in dict.fromkeys(sorted(names.tolist())):
            mine = held == quantity
            if not mine.any():
                continue
            middle = float(np.median(error[mine]))
            records.append(
                {
                    "estimator": estimator,
                    "scheme": scheme,
                    "quantity": quantity,
                    "n_scored": int(mine.sum()),
                    "n_materials": len(set(materials[done.rows[mine]].tolist())),
                    "rmse": float(np.sqrt(np.mean(error[mine] ** 2))),
                    "typical_factor": 10.0**middle if run.part.target.logarithmic else float("nan"),
                }
            )
    return pd.DataFrame(records)


def _predictions(run: Run) -> pd.DataFrame:
    import pandas as pd

    labels = run.data.rows["row"].to_numpy()
    frames = []
    for (name, scheme), done in run.evaluations.items():
        if name not in run.part.estimator_names():
            continue
        frame = done.to_frame()
        frame["row"] = labels[frame["row"].to_numpy()]
        frame.insert(0, "estimator", name)
        frame.insert(1, "scheme", scheme)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def _run_grids(run: Run) -> pd.DataFrame:
    """Score every member of every grid, choose one by its score, and keep that one as the grid's estimator."""
    import pandas as pd

    fitted = next((entry.key for entry in run.part.schemes if entry.kind == "in_sample"), None)
    records: list[dict[str, Any]] = []
    for grid in run.part.grids:
        columns = run.used(grid.name)
        best: tuple[float, str, dict[str, Any]] | None = None
        mine = []
        for member, spec in grid.candidates():
            full = run.part.write_out(spec)
            judged = run.evaluate(member, full, columns, grid.select_by)
            score = judged.scores()
            record = {
                "grid": grid.name,
                "member": member,
                "r2_selection": score.r2,
                "mse_selection": score.mse,
                "scheme": grid.select_by,
                "r2_in_sample": float("nan"),
                "chosen": False,
            }
            if fitted:
                record["r2_in_sample"] = run.evaluate(member, full, columns, fitted).scores().r2
            mine.append(record)
            if best is None or score.mse < best[0]:
                best = (score.mse, member, full)
        assert best is not None  # a grid has at least one point
        for record in mine:
            record["chosen"] = record["member"] == best[1]
        records += mine
        for scheme in run.schemes_of(grid.schemes):
            chosen = run.evaluate(best[1], best[2], columns, scheme)
            run.evaluations[grid.name, scheme] = dataclasses.replace(chosen, estimator_name=grid.name)
            run.seconds[f"{grid.name} · {scheme}"] = run.seconds[f"{best[1]} · {scheme}"]
    return pd.DataFrame(records)
