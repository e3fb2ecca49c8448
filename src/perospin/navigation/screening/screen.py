"""Screening: predict the materials of a space with a study, rank them honestly, say what can't be told apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from perospin.errors import NavigationError
from perospin.navigation.space.space import Space
from perospin.progress import Progress, progress_line
from perospin.similar import did_you_mean
from perospin.studies.predicting.prediction import Counterpart, interval_in_words
from perospin.text import shorten

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RANKINGS", "Screening", "screen"]

RANKINGS = {
    "bound": "by the pessimistic end of the interval",
    "chance": "by the probability to beat the reference",
    "value": "by the predicted value alone",
}
"""Ways to rank, in words."""
_LARGEST = 20_000


@dataclass(frozen=True)
class Screening:
    """What a screening found.

    Attributes
    ----------
    table : DataFrame
        One row a candidate, the best first: ``rank``, ``formula``, ``value``, ``low``, ``high``, ``chance_to_beat``,
        ``in_domain``, ``reasons``, ``known``, ``front`` (1: no other is better in every objective), and the columns
        that the model reads.
    n_screened, n_in_domain : int
        How many materials were predicted, and how many of them the study knows the like of.
    quantity, unit, conditions, scheme : str
        What is predicted, in what, where it holds, and how the interval was made.
    level : float
        Nominal level of the intervals.
    objectives : tuple of str
        As asked.
    ranking : str
        Key of `RANKINGS`.
    reference : str
        Formula and value that candidates are to beat.
    told_apart : str
        Whether any two candidates in domain can be told apart, in one sentence.
    study, part, estimator : str
        What answered.
    space : str
        Name of the space.
    chosen : str
        How the list was shortened.
    reciprocal : tuple of str, optional
        Quantity and unit of one over the value, such as the lifetime.
    ions : IonLibrary, optional
        Library that the formulas were read with.
    """

    table: pd.DataFrame
    n_screened: int
    n_in_domain: int
    quantity: str
    unit: str
    conditions: str
    scheme: str
    level: float
    objectives: tuple[str, ...]
    ranking: str
    reference: str
    told_apart: str
    study: str
    part: str
    estimator: str
    space: str
    chosen: str
    reciprocal: tuple[str, str] | None = None
    ions: Any = None

    @property
    def headline(self) -> tuple[str, str]:
        """Quantity and unit in which values are shown: the lifetime, where the study has one."""
        return self.reciprocal or (self.quantity, self.unit)

    def shown(self, row: Mapping[Any, Any]) -> tuple[float, float, float]:
        """Value and interval of a row of `table` in the unit of `headline`."""
        value, low, high = row["value"], row["low"], row["high"]
        if self.reciprocal is None or not value > 0:
            return value, low, high
        found = Counterpart.of(*self.reciprocal, value, low, high)
        return found.value, found.low, found.high

    def notes(self) -> list[str]:
        """Say what belongs under a list: domain, reference, scheme, model."""
        return [
            f"{self.n_in_domain} of {self.n_screened} materials are in domain. Shown: {self.chosen}.",
            f"'beats ref.' is the probability to do better than {self.reference}, were the errors normal.",
            f"Intervals of {100 * self.level:g} % are made {interval_in_words(self.scheme)}.",
            f"Model: {self.estimator} (study {self.study}, part {self.part}); "
            f"{self.conditions or 'conditions as in the study'}.",
        ]


def screen(
    space: Space,
    study: Any = "spin-relaxation",
    *,
    objectives: Sequence[str] = ("min",),
    top: int = 20,
    rank: str = "bound",
    beat: str | None = None,
    diverse: bool = False,
    part: str | None = None,
    progress: bool | Progress = False,
) -> Screening:
    """Predict every material of a space and rank them.

    Parameters
    ----------
    space : Space
        Materials; its mixtures and process variables are not read by a study.
    study : str or Study
        A shipped study, a study file, or a study.
    objectives : sequence of str
        ``"min"`` or ``"max"``, alone for the study's own quantity, or with a descriptor: ``"min molar_mass_g_mol"``.
        The first one ranks; with several, ``front`` marks those that no other beats in all of them.
    top : int
        How many to keep.
    rank : {"bound", "chance", "value"}
        See `RANKINGS`.
    beat : str, optional
        Formula of the material to beat; the best measured one of the study by default.
    diverse : bool
        Choose the list so that its members differ: each next one is, of the best 5 `top`, the one farthest (in what
        the model reads, in standard deviations of the candidates) from those chosen before.
    part : str, optional
        Part of the study.
    progress : bool or callable
        Show a progress line, or hear of it.

    Returns
    -------
    Screening
        In-domain candidates first.

    Raises
    ------
    NavigationError
        If the space has no material, is too large, an objective can't be read, or the study predicts
        several quantities.
    """
    from perospin.chemistry import Perovskite
    from perospin.studies import Study
    from perospin.studies.predicting.many import predict_many

    if rank not in RANKINGS:
        raise NavigationError(f"rank '{shorten(rank)}' is none of {', '.join(RANKINGS)}")
    if top < 1:
        raise NavigationError(f"top must be at least 1, not {top}")
    if space.grid is None:
        raise NavigationError(f"the space '{space.name}' has no [materials], so a study can't predict its candidates")
    if len(space.grid) > _LARGEST:
        raise NavigationError(
            f"'{space.name}' has {len(space.grid):,} materials; one screening takes up to {_LARGEST:,}: narrow the "
            "space, by fewer layer numbers or mixing steps for example"
        )
    answering = study if isinstance(study, Study) else Study.load(study)
    goals = [_goal(text, space) for text in objectives]
    formulas = [f for f in space.described.index if space.obeys({"material": f})]
    if not formulas:
        raise NavigationError(f"no material of '{space.name}' obeys its rules; loosen one of them")
    with progress_line(progress) as tell:
        predictor = answering.predictor(part, tell or False)
        if predictor.part.target.by or predictor.part.data.records:
            raise NavigationError(
                f"the study '{answering.name}' predicts several quantities at conditions; a screening needs a "
                "study of one, such as spin-relaxation"
            )
        materials = [Perovskite.parse(str(formula), space.ions) for formula in formulas]
        count: Callable[[int, int], None] | None = None
        if tell is not None:

            def count(done: int, in_all: int) -> None:
                tell("screening", done, in_all)

        table = predict_many(predictor, materials, space.ions, count)
    target, answers = predictor.part.target, predictor.part.answers
    assert answers is not None
    smaller = goals[0][1] is not None or goals[0][0] < 0
    reference, bar = _reference(predictor, beat, smaller, space)
    # half the width of the interval is z times its standard deviation, were the errors normal
    deviation = table["spread"] / float(ndtri(0.5 + answers.level / 2))
    away = (float(target.forward(np.array([bar]))[0]) - table["centre"]) / deviation.where(deviation > 0)
    table["chance_to_beat"] = ndtr(away if smaller else -away)
    merits = np.column_stack([_merit(goal, table, space, target.column) for goal in goals])
    table["front"] = _fronts(merits)
    table = table.assign(_order=_order(goals[0], table, rank, merits[:, 0]))
    table = table.sort_values(["in_domain", "_order"], ascending=[False, False], kind="stable").drop(columns="_order")
    inside = table[table["in_domain"]]
    columns = list(predictor.columns)
    chosen = f"the first {min(top, len(table))} {RANKINGS[rank]}"
    kept = table.head(top)
    if diverse and len(table) > top:
        pool = inside.head(5 * top) if len(inside) >= top else table.head(5 * top)
        kept = pool.iloc[_farthest(pool[columns].to_numpy(dtype=float), top)]
        chosen = (
            f"{len(kept)} of the best {len(pool)} {RANKINGS[rank]}, each as far as can be from those before it in what "
            "the model reads"
        )
    kept = kept.reset_index(drop=True)
    kept.insert(0, "rank", np.arange(1, len(kept) + 1))
    named = target.reciprocal
    return Screening(
        table=kept,
        n_screened=len(table),
        n_in_domain=len(inside),
        quantity=target.quantity,
        unit=target.unit,
        conditions=target.conditions,
        scheme=predictor.intervals.method,
        level=answers.level,
        objectives=tuple(objectives),
        ranking=rank,
        reference=reference,
        told_apart=_told_apart(inside, answers.level),
        study=answering.name,
        part=predictor.part_name,
        estimator=predictor.part.title_of(answers.estimator),
        space=space.name,
        chosen=chosen,
        reciprocal=None if named is None else (named.quantity, named.unit),
        ions=space.ions,
    )


def _goal(text: str, space: Space) -> tuple[int, str | None]:
    """Sign (+1 for larger is better) and descriptor of an objective; None for the study's own quantity."""
    word, _, rest = text.strip().partition(" ")
    if word not in ("min", "max"):
        raise NavigationError(f"the objective '{shorten(text)}' must begin with min or max, as 'min molar_mass_g_mol'")
    name = rest.strip().replace(" ", "_")
    if name in ("", "rate", "value", "target"):
        return (-1 if word == "min" else 1), None
    if name not in space.described.columns:
        hint = did_you_mean(
            name, space.described.columns, otherwise="name a descriptor, or nothing for the study's own"
        )
        raise NavigationError(f"the objective '{shorten(text)}' names no descriptor; {hint}")
    return (-1 if word == "min" else 1), name


def _merit(goal: tuple[int, str | None], table: pd.DataFrame, space: Space, target: str) -> NDArray[np.float64]:
    sign, name = goal
    values = table["centre"] if name is None else space.described[name].loc[table["formula"]]
    return np.asarray(sign * values.to_numpy(dtype=float))


def _order(
    goal: tuple[int, str | None], table: pd.DataFrame, rank: str, merit: NDArray[np.float64]
) -> NDArray[np.float64]:
    if goal[1] is not None or rank == "value":
        return np.nan_to_num(merit, nan=-np.inf)
    if rank == "chance":
        return np.nan_to_num(table["chance_to_beat"].to_numpy(dtype=float), nan=-np.inf)
    return np.nan_to_num(merit - table["spread"].to_numpy(dtype=float), nan=-np.inf)


def _reference(predictor: Any, beat: str | None, smaller: bool, space: Space) -> tuple[str, float]:
    """Name the material to beat and its value, in words and as a number."""
    from perospin.chemistry import Perovskite

    rows, target = predictor.data.rows, predictor.part.target
    known = rows[predictor.data.has_value]
    if beat is not None:
        formula = str(Perovskite.parse(beat, space.ions))
        known = known[known["formula"] == formula]
        if not len(known):
            raise NavigationError(
                f"{formula} is not measured in the study, so there is nothing to beat; leave --beat out"
            )
    values = known["target"].to_numpy(dtype=float)
    place = int(values.argmin() if smaller else values.argmax())
    value = (
        float(values[place])
        if beat is None
        else float(np.exp(np.log(values).mean()) if (values > 0).all() else values.mean())
    )
    name = str(known["described_as"].iloc[place] or known["name"].iloc[place])
    return f"{name}, {target.obtained} {value:.3g} {target.unit}", value


def _fronts(merits: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the Pareto front of each candidate: 1 where no other is as good in all and better in one."""
    front = np.zeros(len(merits), dtype=np.int64)
    left, number = np.flatnonzero(np.isfinite(merits).all(axis=1)), 0
    while len(left):
        number += 1
        mine = merits[left]
        order = np.lexsort(-mine.T[::-1])
        best: list[int] = []
        for i in order:
            rivals = mine[best]
            if not ((rivals >= mine[i]).all(axis=1) & (rivals > mine[i]).any(axis=1)).any():
                best.append(int(i))
        front[left[best]] = number
        left = np.delete(left, best)
    return front


def _farthest(points: NDArray[np.float64], count: int) -> list[int]:
    """Start from the best (the first), then always take the one farthest from all chosen."""
    spread = np.nanstd(points, axis=0)
    scaled = np.nan_to_num((points - np.nanmean(points, axis=0)) / np.where(spread > 0, spread, 1.0))
    chosen, near = [0], np.linalg.norm(scaled - scaled[0], axis=1)
    while len(chosen) < min(count, len(points)):
        near[chosen] = -1.0
        chosen.append(int(near.argmax()))
        near = np.minimum(near, np.linalg.norm(scaled - scaled[chosen[-1]], axis=1))
    return sorted(chosen)


def _told_apart(inside: pd.DataFrame, level: float) -> str:
    if not len(inside):
        return (
            "no candidate is in domain: the study has seen nothing like them, so none of these values is one to act on"
        )
    percent = f"{100 * level:g} %"
    if len(inside) == 1:
        return f"one candidate is in domain; its {percent} interval is the answer"
    clear = int((inside["low"] > inside["high"].min()).sum() + (inside["high"] < inside["low"].max()).sum())
    if not clear:
        return (
            f"the {percent} intervals of all {len(inside)} candidates in domain overlap: the model can't tell any two "
            "of them apart for sure; the order is a hint"
        )
    return (
        f"{clear} of {len(inside)} candidates in domain differ from another one by more than both {percent} intervals"
    )
