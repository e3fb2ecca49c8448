"""Run one part of a study, piece by piece; each piece is kept in a cell, so that an interrupted run resumes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import has_fit_parameter

from perospin.learning.estimators import build_estimator, used_columns
from perospin.learning.training.weights import supports
from perospin.learning.validation.evaluation import Evaluation
from perospin.learning.validation.schemes import Scheme
from perospin.studies.data.dataset import Dataset
from perospin.studies.running.cells import Cells, digest, fingerprint, scheme_digest
from perospin.studies.running.plan import Plan, inner_groups, make_plan
from perospin.studies.running.shared import predictions_of_sets

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from numpy.typing import NDArray

    from perospin.studies.declaration.part import PartSpec

__all__ = ["Progress", "Run", "restore"]

Progress = Callable[[str, int, int], None]
"""Called as ``progress(what, done, in_all)`` while a run goes on."""


class Run:
    """The state of one running part: data, schemes, cells, and what has been evaluated so far."""

    def __init__(
        self,
        name: str,
        part: PartSpec,
        data: Dataset,
        cells: Cells,
        progress: Progress | None,
        executor: Executor | None = None,
    ) -> None:
        self.name, self.part, self.data, self.cells = name, part, data, cells
        self.progress, self.executor = progress, executor
        self.plan: Plan = make_plan(part, data)
        self.schemes = dict(self.plan.schemes)
        self.entries = {entry.key: entry for entry in part.schemes if entry.key in self.schemes}
        self.evaluations: dict[tuple[str, str], Evaluation] = {}
        self.seconds: dict[str, float] = {}
        self.specs = {entry.name: part.spec_of(entry.name) for entry in part.estimators}
        self.estimators = {name: build_estimator(spec, part.seed) for name, spec in self.specs.items()}
        self.inverse = part.target.inverse if part.target.logarithmic else None
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
            own: dict[str, set[int]] = {}
            for name, split in zip(names, plan.splits, strict=True):
                own.setdefault(name, set()).update(split.test.tolist())
            scored = [
                np.array(sorted(own[name] | self._wanted.get(train.tobytes(), set())), dtype=np.int64)
                for name, train in missing.items()
            ]
            values = predictions_of_sets(
                estimator,
                self.data.features,
                self.data.y,
                list(missing.values()),
                scored,
                groups=groups,
                progress=lambda done, in_all: self.tell(title, done, in_all),
                executor=None if together else self.executor,
                **self.data.fit_options,
            )
            for name, rows, found in zip(missing, scored, values, strict=True):
                self._fitted[name] = dict(zip(rows.tolist(), found.tolist(), strict=True))
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


def misreads(estimator: Any, categories: Sequence[str]) -> tuple[str, str] | None:
    """Name a model that would read the numbers of a category's levels as amounts, and the category."""
    for name in ("members", "candidates"):
        inner = getattr(estimator, name, None)
        if isinstance(inner, list | tuple):
            return next((found for model in inner if (found := misreads(model, categories))), None)
    if getattr(estimator, "takes_categories", False):
        return None
    read = used_columns(estimator, list(categories))
    return (type(getattr(estimator, "model", estimator)).__name__, read[0]) if read else None


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


# --- scores ------------------------------------------------------------------------------------------------
