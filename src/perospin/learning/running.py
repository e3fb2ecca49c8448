"""Run one part of a study, piece by piece; each piece is kept in a cell, so that an interrupted run resumes."""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import has_fit_parameter

from perospin.learning.cells import Cells, digest, fingerprint, scheme_digest
from perospin.learning.dataset import Dataset, inverse
from perospin.learning.estimators import build_estimator, fit_each, used_columns
from perospin.learning.estimators.folds import take
from perospin.learning.estimators.weights import supports
from perospin.learning.plan import Plan, build_schemes, inner_groups, make_plan
from perospin.learning.result import PartResult
from perospin.learning.validation import Evaluation, Scheme
from perospin.learning.variants import record_run

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from perospin.learning.declaration import PartSpec

__all__ = ["Progress", "Run", "build_schemes", "inner_groups", "restore", "run_part"]

Progress = Callable[[str, int, int], None]
"""Called as ``progress(what, done, in_all)`` while a run goes on."""

_SPLIT_POINTS = (0.05, 0.5, 0.95)


class Run:
    """The state of one running part: data, schemes, cells, and what has been evaluated so far."""

    def __init__(self, name: str, part: PartSpec, data: Dataset, cells: Cells, progress: Progress | None) -> None:
        self.name, self.part, self.data, self.cells = name, part, data, cells
        self.progress = progress
        self.plan: Plan = make_plan(part, data)
        self.schemes = dict(self.plan.schemes)
        self.entries = {entry.key: entry for entry in part.schemes if entry.key in self.schemes}
        self.evaluations: dict[tuple[str, str], Evaluation] = {}
        self.seconds: dict[str, float] = {}
        self.specs = {entry.name: part.spec_of(entry.name) for entry in part.estimators}
        self.estimators = {name: build_estimator(spec, part.seed) for name, spec in self.specs.items()}
        self.inverse = partial(inverse, transform=part.target.transform) if part.target.transform != "none" else None
        self.tried: dict[str, tuple[Mapping[str, Any], Sequence[str]]] = {}
        self._wanted = _rows_by_training_set(self.schemes.values())
        self._fitted: dict[str, dict[int, float]] = {}

    def tell(self, what: str, done: int = 0, in_all: int = 1) -> None:
        """Report progress."""
        if self.progress is not None:
            self.progress(what, done, in_all)

    def schemes_of(self, declared: Sequence[str] | None) -> list[str]:
        """Schemes that were asked for (all if None) and that these rows allow."""
        return [scheme for scheme in declared or self.schemes if scheme in self.schemes]

    def used(self, name: str) -> list[str]:
        """Columns that an estimator, or the members of a grid, look at."""
        grid = next((grid for grid in self.part.grids if grid.name == name), None)
        if grid is None:
            return self.read_by(self.estimators[name])
        members = (build_estimator(self.part.write_out(spec), self.part.seed) for _, spec in grid.candidates())
        return list(dict.fromkeys(column for member in members for column in self.read_by(member)))

    def read_by(self, estimator: Any) -> list[str]:
        """Columns that an estimator looks at."""
        return used_columns(estimator, [str(column) for column in self.data.features.columns])

    def groups(self, scheme: str) -> NDArray[Any] | None:
        """Return the groups that inner folds respect under a scheme, shape (n_rows,)."""
        return inner_groups(self.entries[scheme], self.data, self.part)

    def key(self, what: str, spec: Mapping[str, Any], columns: Sequence[str], **more: Any) -> dict[str, Any]:
        """Everything a cell depends on: only the columns that are read count as data."""
        known = digest(self.data.features[list(columns)].to_numpy(dtype=float), self.data.y)
        options = {name: digest(values) for name, values in self.data.fit_options.items()}
        return {
            "what": what,
            "spec": spec,
            "columns": list(columns),
            "data": known,
            "seed": self.part.seed,
            **({"fit_options": options} if options else {}),
            **more,
        }

    def evaluate(self, name: str, spec: Mapping[str, Any], columns: Sequence[str], scheme: str) -> Evaluation:
        """Evaluate an estimator under a scheme, or take it from its cell."""
        if (name, scheme) in self.evaluations:
            return self.evaluations[name, scheme]
        title = f"{self.part.title_of(name)} · {self.schemes[scheme].label}"
        self.tell(title)
        y_pred, seconds = self._predictions(title, spec, columns, scheme, self.part.seed)
        self.seconds[f"{name} · {scheme}"] = seconds
        self.tried[name] = (spec, columns)
        self.evaluations[name, scheme] = restore(name, self.schemes[scheme], self.data.y, y_pred)
        return self.evaluations[name, scheme]

    def _predictions(
        self, title: str, spec: Mapping[str, Any], columns: Sequence[str], scheme: str, seed: int
    ) -> tuple[list[float], float]:
        return self.predictions_of(title, spec, columns, self.schemes[scheme], self.groups(scheme), seed)

    def predictions_of(
        self,
        title: str,
        spec: Mapping[str, Any],
        columns: Sequence[str],
        plan: Scheme,
        groups: NDArray[Any] | None,
        seed: int,
    ) -> tuple[list[float], float]:
        """Predictions of a specification under a scheme, and the seconds they took.

        The members of an average are cells of their own, with the seeds that `build_estimator` gives them, so that a
        member that stands elsewhere in the study is not computed twice.
        """
        if spec.get("kind") == "average" and not spec.get("tune"):
            members = [
                self.predictions_of(
                    f"{title} · member {i + 1}",
                    member,
                    self.read_by(build_estimator(member, seed + i)),
                    plan,
                    groups,
                    seed + i,
                )
                for i, member in enumerate(spec["members"])
            ]
            mean = np.mean([y_pred for y_pred, _ in members], axis=0)
            return [float(value) for value in mean], sum(seconds for _, seconds in members)
        estimator = build_estimator(spec, seed)
        # Inner folds are nothing to most estimators: then schemes of different groups share their fits.
        inner = groups if has_fit_parameter(estimator, "groups") else None

        def compute() -> dict[str, Any]:
            start = time.perf_counter()
            y_pred = self._fold_predictions(title, estimator, fingerprint([spec, seed]), plan, inner)
            return {"y_pred": y_pred, "seconds": time.perf_counter() - start}

        key = self.key(
            "evaluate", spec, columns, scheme=scheme_digest(plan), groups=None if inner is None else inner.tolist()
        )
        cell = self.cells.get({**key, "seed": seed}, compute)
        return [float("nan") if v is None else v for v in cell["y_pred"]], cell["seconds"]

    def _fold_predictions(
        self, title: str, estimator: Any, identity: str, plan: Scheme, groups: NDArray[Any] | None
    ) -> list[float]:
        """Fit every training set that no scheme before had, all in one call, and predict the scored rows.

        Estimators that train many sets together in single precision get all sets of a scheme each time: what stands
        beside a set in the batch changes the last digits, and a resumed run must find the same numbers.
        """
        identity += "" if groups is None else fingerprint(groups.tolist())
        names = [identity + split.train.tobytes().hex() for split in plan.splits]
        together = trains_together(estimator)
        missing = {
            name: split.train
            for name, split in zip(names, plan.splits, strict=True)
            if together or any(row not in self._fitted.get(name, {}) for row in split.test.tolist())
        }
        if missing:
            models = fit_each(
                estimator,
                self.data.features,
                self.data.y,
                list(missing.values()),
                groups=groups,
                progress=lambda done, in_all: self.tell(title, done, in_all),
                **self.data.fit_options,
            )
            own: dict[str, set[int]] = {}
            for name, split in zip(names, plan.splits, strict=True):
                own.setdefault(name, set()).update(split.test.tolist())
            for (name, train), model in zip(missing.items(), models, strict=True):
                rows = np.array(sorted(own[name] | self._wanted.get(train.tobytes(), set())))
                values = np.asarray(model.predict(take(self.data.features, rows)), dtype=float).reshape(len(rows))
                self._fitted[name] = dict(zip(rows.tolist(), values.tolist(), strict=True))
        return [
            self._fitted[name][row]
            for name, split in zip(names, plan.splits, strict=True)
            for row in split.test.tolist()
        ]


def trains_together(estimator: Any) -> bool:
    """Whether some model inside an estimator trains many training sets in one batch."""
    return hasattr(estimator, "fit_sets") or any(trains_together(model) for model in _inside(estimator))


def refuses(estimator: Any, what: str) -> str | None:
    """Name the model, an estimator itself or one inside it, that can't use ``sample_weight`` or ``y_sd``."""
    if not supports(estimator, what):
        return type(estimator).__name__
    return next((name for model in _inside(estimator) if (name := refuses(model, what))), None)


def _inside(estimator: Any) -> list[Any]:
    """Models that an estimator is made of."""
    inner: list[Any] = []
    for name in ("model", "members", "candidates"):
        value = getattr(estimator, name, None)
        inner += value if isinstance(value, list | tuple) else [value]
    return [model for model in inner if hasattr(model, "fit")]


def _rows_by_training_set(plans: Any) -> dict[bytes, set[int]]:
    """Rows that some scheme scores with the model of a training set."""
    wanted: dict[bytes, set[int]] = {}
    for plan in plans:
        for split in plan.splits:
            wanted.setdefault(split.train.tobytes(), set()).update(split.test.tolist())
    return wanted


def restore(name: str, scheme: Scheme, y: NDArray[np.float64], y_pred: Sequence[float]) -> Evaluation:
    """Put predictions back into an `Evaluation`; a prediction that was not finite comes back as NaN."""
    values = [float("nan") if value is None else value for value in y_pred]
    return Evaluation.from_dict({"estimator_name": name, "scheme": scheme.to_dict(), "y": y, "y_pred": values})


def run_part(
    name: str,
    part: PartSpec,
    data: Dataset,
    cells: Cells,
    progress: Progress | None = None,
    study: str = "",
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

    Returns
    -------
    PartResult
    """
    from perospin.learning import evidence

    start = time.perf_counter()
    run = Run(name, part, data, cells, progress)
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


# --- scores ------------------------------------------------------------------------------------------------


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
        if run.entries[scheme].repeats:
            single = done.fold_r2()
            single = single[np.isfinite(single)]
            if single.size:
                low, middle, high = (float(q) for q in np.quantile(single, _SPLIT_POINTS))
        record.update(split_r2_low=low, split_r2_middle=middle, split_r2_high=high)
        record["seconds"] = run.seconds.get(f"{name} · {scheme}", float("nan"))
        yield record


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
