"""Screening: predict the materials of a space with a study, rank them honestly, say what can't be told apart."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from perospin.digits import figures, number, signed
from perospin.errors import NavigationError
from perospin.navigation.screening.stream import Found, Job, State, model_bytes, stream
from perospin.navigation.space.space import Space
from perospin.progress import Progress, progress_line
from perospin.similar import did_you_mean
from perospin.studies.predicting.prediction import Counterpart, interval_in_words
from perospin.studies.running.shared import cluster
from perospin.text import shorten

if TYPE_CHECKING:
    import pandas as pd

    from perospin.studies.predicting.predictor import Predictor

__all__ = ["RANKINGS", "Screening", "screen"]

RANKINGS = {
    "bound": "by the pessimistic end of the interval",
    "chance": "by the probability to beat the reference",
    "value": "by the predicted value alone",
}
"""Ways to rank, in words."""
_LARGEST = 20_000
"""A space of more materials is streamed."""
_SPARE = 200
"""Candidates kept beyond those that a list needs, for the errors of interpolated values."""


@dataclass(frozen=True)
class Screening:
    """What a screening found.

    Attributes
    ----------
    table : DataFrame
        One row a candidate, the best first: ``rank``, ``formula``, ``value``, ``low``, ``high``, ``chance_to_beat``,
        ``in_domain``, ``reasons``, ``pushes``, ``known``, ``front`` (1: no other is better in every objective), and
        the columns that the model reads.
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
    off : float, optional
        Of a space too large to be kept: largest error seen of the interpolated values that chose the candidates of the
        list, in the space of the models. Values in `table` are exact.
    contributions : tuple of dict
        Of each row, what the columns add to the average prediction, in the space of the models; largest first.
    base : float
        Average prediction of the training rows, in the space of the models.
    logarithmic : bool
        Whether that space is the logarithm of the quantity.
    labels : mapping, optional
        The study's own names of columns.
    left_out : mapping of str to str
        Spacers that could not be described, and why.
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
    off: float | None = None
    contributions: tuple[Mapping[str, float], ...] = ()
    base: float = float("nan")
    logarithmic: bool = False
    labels: Mapping[str, str] | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)

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

    def pushes(self, place: int, most: int = 3) -> list[str]:
        """Say which columns push the value of a row most, away from the average: as factors where it is a logarithm."""
        from perospin.descriptors.labels import words

        said = []
        for name, value in itertools.islice(self.contributions[place].items(), most):
            sign = -1.0 if self.reciprocal is not None else 1.0
            amount = f"×{number(10 ** (sign * value))}" if self.logarithmic else signed(value)
            said.append(f"{amount} {words(name, self.labels)}")
        return said

    def average(self) -> str:
        """Say where the pushes start: the average prediction of the training rows."""
        what, unit = self.headline
        value = 10**self.base if self.logarithmic else self.base
        shown = 1 / value if self.reciprocal is not None and value > 0 else value
        what_it_is = "factor" if self.logarithmic else "amount"
        return (
            f"A push is the {what_it_is} by which a column moves the {what}, from {figures(shown, 2)} {unit} (average "
            "over the training rows) to the value. It says what the model does, not what nature does."
        )

    def notes(self) -> list[str]:
        """Say what belongs under a list: domain, reference, scheme, model."""
        return [
            f"{self.n_in_domain:,} of {self.n_screened:,} materials are in domain. Shown: {self.chosen}.",
            f"'beats ref.' is the probability to do better than {self.reference}, were the errors normal.",
            f"Intervals of {100 * self.level:g} % are made {interval_in_words(self.scheme)}.",
            f"Model: {self.estimator} (study {self.study}, part {self.part}); "
            f"{self.conditions or 'conditions as in the study'}.",
            *([self.average()] if any(self.contributions) else []),
            *self._of_the_stream(),
            *(f"{name} is left out: {shorten(why)}." for name, why in self.left_out.items()),
        ]

    def _of_the_stream(self) -> list[str]:
        if self.off is None:
            return []
        said = (
            f"Which materials are listed was found by interpolation (error at most {self.off:.1g} where it was checked)"
        )
        fronts = "; 'front' compares those that were kept" if len(self.objectives) > 1 else ""
        return [f"{said}; the values shown are exact{fronts}."]


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
    state: str | Path | None = None,
    resume: bool = False,
    workers: int | None = None,
    scheduler: str | None = None,
    limit_s: float = 600.0,
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
    state : path, optional
        File in which a screening of more than 20,000 materials keeps what it has found; it stays until the caller has
        written the list.
    resume : bool
        Go on from that file.
    workers : int, optional
        Threads; the processors of this machine by default.
    scheduler : str, optional
        Address of a Dask scheduler whose workers screen in place of this machine.
    limit_s : float
        Time for the descriptors of each cation that must be computed first (s); one that takes longer is left out.

    Returns
    -------
    Screening
        In-domain candidates first.

    Raises
    ------
    NavigationError
        If the space has no material, an objective can't be read, the study predicts several quantities, or `state`
        belongs to another screening.
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
    answering = study if isinstance(study, Study) else Study.load(study)
    goals = [_goal(text, space) for text in objectives]
    with progress_line(progress) as tell:
        if scheduler is not None and space.to_compute():
            raise NavigationError(
                f"'{space.name}' has cations whose descriptors don't ship, which a cluster's workers lack; screen it "
                "without --scheduler"
            )
        space = space.computed(limit_s, workers or 1, tell)
        assert space.grid is not None
        streamed = len(space.grid) > _LARGEST or scheduler is not None
        predictor = answering.predictor(part, tell or False)
        if predictor.part.target.by or predictor.part.data.records:
            raise NavigationError(
                f"the study '{answering.name}' predicts several quantities at conditions; a screening needs a "
                "study of one, such as spin-relaxation"
            )
        target, answers = predictor.part.target, predictor.part.answers
        assert answers is not None
        smaller = goals[0][1] is not None or goals[0][0] < 0
        reference, bar = _reference(predictor, beat, smaller, space)
        found: Found | None = None
        if streamed:
            job = Job(
                model_bytes(predictor), space.to_dict(), space.ions, space.left_out, *goals[0], rank,
                float(target.forward(np.array([bar]))[0]), 5 * top + _SPARE,
            )  # fmt: skip
            kept_in = None if state is None else State(Path(state))
            with contextlib.ExitStack() as stack:
                executor = None if scheduler is None else stack.enter_context(cluster(scheduler))
                found = stream(
                    job, space.grid, executor=executor, workers=workers, state=kept_in, resume=resume, tell=tell
                )
            described = _described(space, found.pool(job.keep))
            formulas = list(described.index)
        else:
            described = space.described
            formulas = [f for f in described.index if space.obeys({"material": f})]
        if not formulas:
            raise NavigationError(f"no material of '{space.name}' obeys its rules; loosen one of them")
        materials = [Perovskite.parse(str(formula), space.ions) for formula in formulas]
        count: Callable[[int, int], None] | None = None
        if tell is not None:

            def count(done: int, in_all: int) -> None:
                tell("predicting the best" if streamed else "screening", done, in_all)

        table = predict_many(predictor, materials, space.ions, count)
    # half the width of the interval is z times its standard deviation, were the errors normal
    deviation = table["spread"] / float(ndtri(0.5 + answers.level / 2))
    away = (float(target.forward(np.array([bar]))[0]) - table["centre"]) / deviation.where(deviation > 0)
    table["chance_to_beat"] = ndtr(away if smaller else -away)
    merits = np.column_stack([_merit(goal, table, described) for goal in goals])
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
    contributions, base = _contributions(predictor, kept[columns], progress)
    clear: int | None
    if found is None:
        clear = int((inside["low"] > inside["high"].min()).sum() + (inside["high"] < inside["low"].max()).sum())
    else:  # of a stream only the outermost ends are known
        clear = None if found.highest_low > found.lowest_high else 0
    named = target.reciprocal
    screening = Screening(
        table=kept,
        n_screened=len(table) if found is None else found.n_screened,
        n_in_domain=len(inside) if found is None else found.n_in_domain,
        quantity=target.quantity,
        unit=target.unit,
        conditions=target.conditions,
        scheme=predictor.intervals.method,
        level=answers.level,
        objectives=tuple(objectives),
        ranking=rank,
        reference=reference,
        told_apart=_told_apart(len(inside) if found is None else found.n_in_domain, clear, answers.level),
        study=answering.name,
        part=predictor.part_name,
        estimator=predictor.part.title_of(answers.estimator),
        space=space.name,
        chosen=chosen,
        reciprocal=None if named is None else (named.quantity, named.unit),
        ions=space.ions,
        off=None if found is None else found.off,
        contributions=contributions,
        base=base,
        logarithmic=target.logarithmic,
        labels=predictor.part.labels,
        left_out=space.left_out,
    )
    kept.insert(list(kept).index("known"), "pushes", ["; ".join(screening.pushes(i)) for i in range(len(kept))])
    return screening


def _contributions(
    predictor: Predictor, rows: pd.DataFrame, progress: bool | Progress
) -> tuple[tuple[dict[str, float], ...], float]:
    """Contributions to the prediction of each row, and what they start from."""
    told: list[dict[str, float]] = []
    base = float("nan")
    readable = rows[list(predictor.needed)].notna().all(axis=1)
    with progress_line(progress) as tell:
        for i in range(len(rows)):
            found: dict[str, float] = {}
            if readable.iloc[i]:
                base, found, _ = predictor.contributions(rows.iloc[[i]])
            told.append(found)
            if tell is not None:
                tell("explaining", i + 1, len(rows))
    return tuple(told), base


def _goal(text: str, space: Space) -> tuple[int, str | None]:
    """Sign (+1 for larger is better) and descriptor of an objective; None for the study's own quantity."""
    word, _, rest = text.strip().partition(" ")
    if word not in ("min", "max"):
        raise NavigationError(f"the objective '{shorten(text)}' must begin with min or max, as 'min molar_mass_g_mol'")
    name = rest.strip().replace(" ", "_")
    if name in ("", "rate", "value", "target"):
        return (-1 if word == "min" else 1), None
    known = space.descriptor_names()
    if name not in known:
        hint = did_you_mean(name, known, otherwise="name a descriptor, or nothing for the study's own")
        raise NavigationError(f"the objective '{shorten(text)}' names no descriptor; {hint}")
    return (-1 if word == "min" else 1), name


def _described(space: Space, numbers: NDArray[np.int64]) -> pd.DataFrame:
    """Descriptors of some materials of a large space, by their numbers."""
    import pandas as pd

    from perospin.descriptors import describe_blocks

    assert space.grid is not None
    if not len(numbers):
        return pd.DataFrame()
    stack, sheet = np.divmod(numbers, space.grid.n_sheets)
    rows = np.concatenate([space.grid.stacks(int(one), int(one) + 1) for one in stack])
    block = space.grid.table(rows, sheet)
    frame = pd.concat(describe_blocks(block, ions=space.ions, compute=bool(space.to_compute())))
    return frame[~frame.index.duplicated()]


def _merit(goal: tuple[int, str | None], table: pd.DataFrame, described: pd.DataFrame) -> NDArray[np.float64]:
    sign, name = goal
    values = table["centre"] if name is None else described[name].loc[table["formula"]]
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


def _told_apart(n_inside: int, clear: int | None, level: float) -> str:
    """Say whether candidates in domain can be told apart; `clear` None: at least two can."""
    if not n_inside:
        return (
            "no candidate is in domain: the study has seen nothing like them, so none of these values is one to act on"
        )
    percent = f"{100 * level:g} %"
    if n_inside == 1:
        return f"one candidate is in domain; its {percent} interval is the answer"
    if clear is None:
        return (
            f"the {percent} intervals of at least two of the {n_inside:,} candidates in domain don't overlap: the best "
            "and the worst can be told apart"
        )
    if not clear:
        return (
            f"the {percent} intervals of all {n_inside:,} candidates in domain overlap: the model can't tell any two "
            "of them apart for sure; the order is a hint"
        )
    return f"{clear} of {n_inside} candidates in domain differ from another one by more than both {percent} intervals"
