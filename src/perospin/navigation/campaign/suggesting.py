"""From what is known to the next batch, each suggestion with its reasons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perospin.digits import figures, percent
from perospin.errors import NavigationError
from perospin.navigation.campaign import acquisition as acq
from perospin.navigation.campaign.belief import Known, chance_of_success, choosers, fit_all, with_task
from perospin.navigation.campaign.candidates import Candidates
from perospin.navigation.campaign.objectives import Objective, unit_of_gain
from perospin.navigation.space.space import Candidate
from perospin.navigation.surrogates.columns import InputColumns
from perospin.navigation.surrogates.surrogate import Surrogate
from perospin.progress import Progress

__all__ = ["ACQUISITIONS", "Suggestion", "check_acquisition", "suggest"]

FloatArray = NDArray[np.float64]

ACQUISITIONS = {
    "log-ei": "expected improvement on the best measured value, on a log scale (the default for one objective)",
    "ei": "expected improvement",
    "noisy-ei": "expected improvement on the best true value, where measured values are noisy",
    "ucb": "mean + 2 standard deviations",
    "pi": "probability of an improvement",
    "thompson": "the best row of a function drawn by chance",
    "uncertainty": "where the model knows least",
    "hypervolume": "expected growth of the area that the Pareto front dominates (the default for two objectives)",
    "desirability": "expected desirability, from the worst to the best value of each objective",
}
"""Ways to choose, in words."""
MOST = 20_000
"""Candidates scored at a time; a larger space is sampled anew for each batch."""
FEWEST = 3
"""Results of its own that a model needs: two say nothing of how much values differ."""
_DRAWS, _SPREAD_DRAWS, _DRAWN_ROWS = 256, 512, 400
_LOGS = ("log-ei", "ei", "noisy-ei", "hypervolume", "pi", "desirability")
_Z = 1.959964


@dataclass(frozen=True)
class Suggestion:
    """One material to make next, and why.

    Attributes
    ----------
    material : str
    choices : dict of str to str or float
    mean, lower, upper : dict of str to float
        Expected value and 95 % interval of each target, in its unit; empty before anything is known.
    acquisition : float or None
        Score by which it was chosen.
    expected_gain : float or None
        Expected improvement in units of the (log) target; growth of the area for two objectives.
    nearest, distance : str, float or None
        Nearest measured material, and how far it is, in ranges of the inputs.
    exploration : float
        Share of the expected gain that comes from not knowing, 0 to 1.
    chance : float
        Probability that it can be made.
    words : str
        The reason, in one sentence.
    """

    material: str
    choices: dict[str, str | float]
    mean: dict[str, float]
    lower: dict[str, float]
    upper: dict[str, float]
    acquisition: float | None
    expected_gain: float | None
    nearest: str | None
    distance: float | None
    exploration: float
    chance: float
    words: str

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain JSON."""
        return asdict(self)


def check_acquisition(name: str, objectives: Sequence[Objective]) -> None:
    """Refuse a way to choose that there isn't, or that doesn't fit the objectives."""
    if name not in ACQUISITIONS:
        raise NavigationError(f"unknown acquisition '{name[:40]}'; known are {', '.join(ACQUISITIONS)}")
    two = name in ("hypervolume", "desirability")
    if len(objectives) == 2 and not two and name != "uncertainty":
        raise NavigationError(f"'{name}' is for one objective; for two use hypervolume, desirability or uncertainty")
    if name == "hypervolume" and len(objectives) != 2:
        raise NavigationError("'hypervolume' needs two objectives; for one use log-ei")
    if name == "desirability" and any(one.worst is None or one.best is None for one in objectives):
        raise NavigationError("'desirability' needs each objective's ends: 'max gap (eV) from 1.2 to 1.9'")


def suggest(
    known: Known,
    space: Candidates,
    objectives: Sequence[Objective],
    count: int,
    acquisition: str,
    make: Callable[[Objective, InputColumns], Surrogate],
    generator: np.random.Generator,
    cost: str | None = None,
    tell: Progress | None = None,
) -> tuple[list[Suggestion], list[Surrogate]]:
    """Choose a batch, and give the surrogates that chose it (none before there are results)."""
    every = list(space.candidates()) if space.count <= MOST else space.sample(MOST, generator)
    open_ = [one for one in every if one.name not in known.taken]
    if not open_:
        raise NavigationError(
            "every candidate was tried or is pending; tell results, or begin a campaign on a larger space"
        )
    inputs, columns = space.encode(open_)
    costs = _costs(open_, cost)
    waiting = space.encode(known.pending)[0] if known.pending else np.empty((0, inputs.shape[1]))
    chance = chance_of_success(known, inputs)
    has = [len(set(known.of_target(one)[0].tolist()) & set(np.flatnonzero(known.own).tolist())) for one in objectives]
    if min(has) < FEWEST:
        return _spread(known, open_, inputs, columns, waiting, chance, count, generator), []
    models = fit_all(known, objectives, make, tell)

    def asked(rows: FloatArray) -> FloatArray:
        return with_task(rows, known.columns, known.tasks, [""] * len(rows))[0]

    def weighed(score: FloatArray, rows: NDArray[np.int64]) -> FloatArray:
        if acquisition in _LOGS:
            return acq.cost_aware(acq.feasible(score, chance[rows]), costs[rows])
        # scores of any sign: what can't be made, or is dear, loses towards the worst
        return np.asarray(score.min() + (score - score.min()) * chance[rows] / costs[rows])

    def predicted(by: Sequence[Surrogate]) -> tuple[FloatArray, FloatArray]:
        mean, sd = (np.stack(both, axis=1) for both in zip(*(m.predict(asked(inputs)) for m in by), strict=True))
        return mean, sd

    everything = np.arange(len(open_))
    told_mean, told_sd = predicted(models)
    # where least is known is for the honest intervals to say
    by = models if acquisition == "uncertainty" else choosers(models)
    mean, sd = predicted(by)
    guesses = np.stack([m.predict(asked(waiting))[0] for m in by], axis=1) if len(waiting) else mean[:0]
    alone = _scores(acquisition, mean, sd, known, objectives, by, asked(inputs), mean[:0], generator)
    gain, certain, _ = _gain(told_mean, told_sd, known, objectives, mean[:0])
    share = np.clip(1.0 - certain / np.maximum(gain, 1e-300), 0.0, 1.0)
    if acquisition == "uncertainty":
        share = np.ones(len(open_))
    few = np.sort(np.argsort(-weighed(alone, everything), kind="stable")[:_DRAWN_ROWS])
    spread = _Spread(by, asked(np.vstack([inputs[few], waiting])), generator)
    for place in range(len(few), len(few) + len(waiting)):
        spread.learn(place)
    fantasy, free, made = waiting, np.ones(len(few), dtype=bool), []
    for done in range(min(count, len(few))):
        if tell is not None:
            tell("choosing", done, min(count, len(few)))
        left = sd[few] * spread.left()[: len(few)]
        score = _scores(
            acquisition,
            mean[few],
            left,
            known,
            objectives,
            by,
            asked(inputs[few]),
            guesses,
            generator,
            asked(fantasy),
        )
        place = int(np.argmax(np.where(free, weighed(score, few), -np.inf)))
        pick, free[place] = int(few[place]), False
        beliefs = list(zip(told_mean[pick].tolist(), told_sd[pick].tolist(), strict=True))
        made.append(
            _told(
                open_[pick],
                inputs[pick],
                beliefs,
                float(score[place]),
                float(gain[pick]),
                float(share[pick]),
                float(chance[pick]),
                known,
                objectives,
            )
        )
        spread.learn(place)
        fantasy, guesses = np.vstack([fantasy, inputs[pick]]), np.vstack([guesses, mean[pick]])
    return made, models


class _Spread:
    """How much uncertainty is left once some rows come out as expected, with the model as it is.

    Joint draws stand for the covariance: what a learnt row explains is taken out of each (Gram-Schmidt), so that
    nothing is fitted anew. A fit to expected values as if they were results would believe in them far too much.
    """

    def __init__(self, models: Sequence[Surrogate], inputs: FloatArray, generator: np.random.Generator) -> None:
        draws = np.stack([model.sample(inputs, _SPREAD_DRAWS, generator) for model in models])
        self._draws = draws - draws.mean(axis=1, keepdims=True)
        self._all = np.maximum(self._draws.std(axis=1), 1e-300)

    def learn(self, place: int) -> None:
        """Take out what the row explains."""
        for draws in self._draws:
            known = draws[:, place].copy()
            if (size := float(known @ known)) > 0.0:
                draws -= np.outer(known, known @ draws / size)

    def left(self) -> FloatArray:
        """Share of each standard deviation that is left, shape (m, n_objectives)."""
        return np.asarray((self._draws.std(axis=1) / self._all).T)


def _costs(open_: Sequence[Candidate], cost: str | None) -> FloatArray:
    if cost is None:
        return np.ones(len(open_))
    try:
        made = np.array([float(one.choices[cost]) for one in open_])
    except (KeyError, ValueError):
        raise NavigationError(f"the cost '{cost[:40]}' is no column of numbers of the candidates") from None
    if not (made > 0).all():
        raise NavigationError(f"the cost '{cost[:40]}' of every candidate must be above 0")
    return made


def _own_scores(known: Known, objectives: Sequence[Objective]) -> FloatArray:
    """Scores of the campaign's own results that have every target, shape (n, n_objectives)."""
    rows = [e.values for e in known.events if not e.task and all(one.name in e.values for one in objectives)]
    return np.array([[float(one.score(row[one.name])) for one in objectives] for row in rows]).reshape(
        -1, len(objectives)
    )


def _gain(
    mean: FloatArray, sd: FloatArray, known: Known, objectives: Sequence[Objective], guesses: FloatArray
) -> tuple[FloatArray, FloatArray, float]:
    """Return the expected gain, the part of it that is certain, and the best score it is over (one objective)."""
    if len(objectives) == 2:
        front = np.vstack([_own_scores(known, objectives), guesses])
        low = [
            float(one.score(one.worst))
            if one.worst is not None
            else float(front[:, j].min() - 0.1 * np.ptp(front[:, j]) - 1e-9)
            for j, one in enumerate(objectives)
        ]
        certain = acq.expected_hypervolume(mean, np.zeros_like(sd), front, low)
        return acq.expected_hypervolume(mean, sd, front, low), certain, 0.0
    rows, scores, _ = known.of_target(objectives[0])
    best = float(max(scores[known.own[rows]].max(), guesses[:, 0].max(initial=-np.inf)))
    return acq.expected_improvement(mean[:, 0], sd[:, 0], best), np.maximum(mean[:, 0] - best, 0.0), best


def _scores(
    name: str,
    mean: FloatArray,
    sd: FloatArray,
    known: Known,
    objectives: Sequence[Objective],
    models: Sequence[Surrogate],
    asked: FloatArray,
    guesses: FloatArray,
    generator: np.random.Generator,
    fantasy: FloatArray | None = None,
) -> FloatArray:
    """Score of each row; a logarithm where it is a gain."""
    gain, _, best = _gain(mean, sd, known, objectives, guesses)
    with np.errstate(divide="ignore"):
        if name == "uncertainty":
            return np.asarray((sd / np.maximum(mean.std(0), 1e-12)).sum(1))
        if name in ("hypervolume", "ei"):
            return np.log(gain)
        if name == "log-ei":
            return acq.log_expected_improvement(mean[:, 0], sd[:, 0], best)
        if name == "pi":
            return np.log(acq.probability_of_improvement(mean[:, 0], sd[:, 0], best))
        if name == "ucb":
            return acq.upper_bound(mean[:, 0], sd[:, 0])
        if name == "desirability":
            draws = mean + sd * generator.standard_normal((_DRAWS, 1, len(objectives)))
            worst, top = ([float(one.score(getattr(one, end))) for one in objectives] for end in ("worst", "best"))
            return np.asarray(np.log(acq.desirability(draws, worst, top).mean(0)))
        # joint draws of many rows are dear: the most promising by their upper bound stand for all
        few = np.argsort(-acq.upper_bound(mean[:, 0], sd[:, 0]), kind="stable")[:_DRAWN_ROWS]
        score = np.full(len(mean), -np.inf if name == "noisy-ei" else float(mean.min()))
        if name == "thompson":
            score[few] = models[0].sample(asked[few], 1, generator)[0]
            return score
        rows, _, _ = known.of_target(objectives[0])
        own = known.inputs[rows[known.own[rows]]]
        measured, _ = with_task(own, known.columns, known.tasks, [""] * len(own))
        if fantasy is not None:
            measured = np.vstack([measured, fantasy])
        draws = models[0].sample(np.vstack([asked[few], measured]), _DRAWS, generator)
        score[few] = np.log(acq.noisy_improvement(draws[:, : len(few)], draws[:, len(few) :]))
    return score


def _nearest(row: FloatArray, known: Known) -> tuple[str | None, float | None]:
    if not len(known.inputs):
        return None, None
    apart = np.linalg.norm(known.columns.scaled(known.inputs) - known.columns.scaled(row[None]), axis=1)
    return known.events[int(np.argmin(apart))].material, float(apart.min())


def _told(
    one: Candidate,
    row: FloatArray,
    beliefs: Sequence[tuple[float, float]],
    score: float,
    gain: float,
    share: float,
    chance: float,
    known: Known,
    objectives: Sequence[Objective],
) -> Suggestion:
    ends = {}
    for objective, (mean, sd) in zip(objectives, beliefs, strict=True):
        middle, *rest = objective.back([mean, mean - _Z * sd, mean + _Z * sd]).tolist()
        ends[objective.name] = (middle, min(rest), max(rest))
    nearest, apart = _nearest(row, known)
    parts = [
        f"{one.label}: {figures(ends[one.name][0], 3)} expected (95 %: {figures(ends[one.name][1], 3)} to "
        f"{figures(ends[one.name][2], 3)})"
        for one in objectives
    ]
    words = (
        f"{'; '.join(parts)}; expected gain {figures(gain, 2)}{unit_of_gain(objectives)}, "
        f"{percent(share)} of it from not knowing; "
        f"nearest known is '{nearest}' ({apart:.2f} ranges away)"
        + (f"; chance that it can be made {percent(chance)}" if len(known.failed_inputs) else "")
    )
    return Suggestion(
        one.name,
        dict(one.choices),
        {name: ends[name][0] for name in ends},
        {name: ends[name][1] for name in ends},
        {name: ends[name][2] for name in ends},
        score if np.isfinite(score) else None,
        gain,
        nearest,
        apart,
        share,
        chance,
        words,
    )


def _spread(
    known: Known,
    open_: Sequence[Candidate],
    inputs: FloatArray,
    columns: InputColumns,
    waiting: FloatArray,
    chance: FloatArray,
    count: int,
    generator: np.random.Generator,
) -> list[Suggestion]:
    """Rows far from all that is known, pending or picked, before a model can choose."""
    at = columns.scaled(inputs)
    there = columns.scaled(np.vstack([known.inputs, known.failed_inputs, waiting]))
    apart = np.full(len(at), np.inf)
    for row in there:
        apart = np.minimum(apart, np.linalg.norm(at - row, axis=1))
    made = []
    for _ in range(min(count, len(open_))):
        pick = int(generator.integers(len(at))) if np.isinf(apart).all() else int(np.argmax(apart * chance))
        name, distance = _nearest(inputs[pick], known)
        words = f"fewer than {FEWEST} results are known, so that candidates far from one another come first; " + (
            f"nearest known is '{name}' ({distance:.2f} ranges away)" if name else "nothing is known nearby"
        )
        made.append(
            Suggestion(
                open_[pick].name,
                dict(open_[pick].choices),
                {},
                {},
                {},
                None,
                None,
                name,
                distance,
                1.0,
                float(chance[pick]),
                words,
            )
        )
        apart = np.minimum(apart, np.linalg.norm(at - at[pick], axis=1))
        apart[pick] = -1.0
    return made
