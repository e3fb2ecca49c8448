"""What a log teaches: a surrogate for each objective, and how likely a material can be made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perospin.navigation.campaign.candidates import Candidates
from perospin.navigation.campaign.log import Event
from perospin.navigation.campaign.objectives import Objective
from perospin.navigation.space.space import Candidate
from perospin.navigation.surrogates.columns import InputColumns
from perospin.navigation.surrogates.hypotheses import CompetingSurrogates
from perospin.navigation.surrogates.plain import GPSurrogate
from perospin.navigation.surrogates.surrogate import Surrogate
from perospin.progress import Progress

__all__ = ["Known", "chance_of_success", "choosers", "fit_all", "with_task"]

FloatArray = NDArray[np.float64]
_PRIOR = 0.9
"""Chance of success where nothing was tried."""
_REACH = 0.15
"""Length over which a failure counts, in ranges of the inputs, for one column."""


@dataclass(frozen=True)
class Known:
    """Results of a log, ready for surrogates.

    Attributes
    ----------
    events : list of Event
        Those with a result: measured, imported.
    inputs : array, shape (n, d)
        Of what was made.
    tasks : list of str
        All tasks, the campaign's own ``""`` first.
    failed_inputs : array, shape (n_failed, d)
    pending : list of Candidate
        Suggested, and nothing told yet.
    taken : set of str
        Names of all that was tried or is pending.
    columns : InputColumns
    """

    events: list[Event]
    inputs: FloatArray
    tasks: list[str]
    failed_inputs: FloatArray
    pending: list[Candidate]
    taken: set[str]
    columns: InputColumns

    @classmethod
    def of(cls, events: Sequence[Event], space: Candidates) -> Known:
        """Read a log: the later event about a suggestion ends its being pending; an abandoned one is free again."""
        results = [event for event in events if event.kind in ("measured", "imported")]
        failed = [event for event in events if event.kind == "failed"]
        waiting: dict[str, Candidate] = {}
        for event in events:
            if event.kind == "suggested":
                waiting[event.material] = Candidate(event.material, dict(event.meant))
            elif event.kind in ("measured", "failed", "abandoned"):
                waiting.pop(event.material, None)
        some = next(iter(space.candidates()))
        _, columns = space.encode([some])

        def inputs(rows: Sequence[Event]) -> FloatArray:
            made = [Candidate(row.material, row.meant | row.made) for row in rows]
            return space.encode(made)[0] if made else np.empty((0, len(columns)))

        taken = {event.material for event in results if not event.task} | {event.material for event in failed}
        tasks = ["", *sorted({event.task for event in results} - {""})]
        return cls(
            results, inputs(results), tasks, inputs(failed), list(waiting.values()), taken | set(waiting), columns
        )

    def of_target(self, objective: Objective) -> tuple[NDArray[np.int64], FloatArray, FloatArray]:
        """Places, scores and their standard deviations (NaN where unknown) of the results with this target."""
        have = [i for i, event in enumerate(self.events) if objective.name in event.values]
        values = np.array([self.events[i].values[objective.name] for i in have])
        sds = np.array([self.events[i].uncertainties.get(objective.name, np.nan) for i in have])
        return np.array(have, dtype=np.int64), objective.score(values), objective.score_sd(values, sds)

    @property
    def own(self) -> NDArray[np.bool_]:
        """Which results are of the campaign's own task."""
        return np.array([not event.task for event in self.events], dtype=bool)


def with_task(
    inputs: FloatArray, columns: InputColumns, tasks: Sequence[str], of: Sequence[str]
) -> tuple[FloatArray, InputColumns]:
    """Add the task as one more choice, if there is more than one."""
    if len(tasks) < 2:
        return inputs, columns
    number = np.array([tasks.index(one) for one in of], dtype=float)[:, None]
    wider = InputColumns(
        (*columns.names, "task of the result"),
        (*columns.kinds, "category"),
        (*columns.lower, 0.0),
        (*columns.upper, len(tasks) - 1.0),
        (*columns.groups, "task of the result"),
    )
    return np.hstack([inputs, number]), wider


class _Turned:
    """A surrogate of values that should be small: it learns them as they are, as a law says them, and tells -values."""

    def __init__(self, inner: Surrogate) -> None:
        self.inner, self.columns = inner, inner.columns
        if isinstance(inner, CompetingSurrogates):
            self.probabilities = inner.probabilities

    def fit(self, inputs: ArrayLike, values: ArrayLike, noise: ArrayLike | None = None) -> Self:
        self.inner.fit(inputs, -np.asarray(values, dtype=float), noise)
        return self

    def predict(self, inputs: ArrayLike) -> tuple[FloatArray, FloatArray]:
        mean, sd = self.inner.predict(inputs)
        return -mean, sd

    def sample(self, inputs: ArrayLike, count: int, generator: np.random.Generator) -> FloatArray:
        return -self.inner.sample(inputs, count, generator)


def fit_all(
    known: Known,
    objectives: Sequence[Objective],
    make: Callable[[Objective, InputColumns], Surrogate],
    tell: Progress | None = None,
) -> list[Surrogate]:
    """Fit one surrogate an objective."""
    made: list[Surrogate] = []
    for done, objective in enumerate(objectives):
        if tell is not None:
            tell(f"learning {objective.name}", done, len(objectives))
        rows, scores, sds = known.of_target(objective)
        of = [known.events[i].task for i in rows]
        inputs, columns = with_task(known.inputs[rows], known.columns, known.tasks, of)
        model = make(objective, columns)
        made.append((_Turned(model) if objective.sign < 0 else model).fit(inputs, scores, sds))
    return made


def choosers(models: Sequence[Surrogate]) -> list[Surrogate]:
    """Surrogates to choose by: the plain one with its most probable hyperparameters, any other as it is.

    Hyperparameters averaged over few rows make honest intervals, and send a search too far afield
    (benchmarks/backtests.py, `probable` beside `gp`).
    """
    made: list[Surrogate] = []
    for model in models:
        if isinstance(model, _Turned):
            (inner,) = choosers([model.inner])
            made.append(_Turned(inner))
        else:
            made.append(model.bolder if isinstance(model, GPSurrogate) else model)
    return made


def chance_of_success(known: Known, inputs: FloatArray) -> FloatArray:
    """Probability that each row can be made and measured, shape (m,).

    Every success and failure nearby counts by its distance, beside a first guess of 0.9 that counts as one trial; with
    no failure told it is 1.
    """
    if not len(known.failed_inputs):
        return np.ones(len(inputs))
    tried = known.columns.scaled(np.vstack([known.inputs, known.failed_inputs]))
    worked = np.r_[np.ones(len(known.inputs)), np.zeros(len(known.failed_inputs))]
    at = known.columns.scaled(inputs)
    square = (at**2).sum(1)[:, None] + (tried**2).sum(1) - 2.0 * at @ tried.T
    weight = np.exp(-0.5 * np.maximum(square, 0.0) / (_REACH**2 * len(set(known.columns.kernel_groups))))
    return np.asarray((_PRIOR + weight @ worked) / (1.0 + weight.sum(1)))
