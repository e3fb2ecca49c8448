"""What a campaign believes of its space: slices through the best material, and maps over two or three choices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from perospin.navigation.campaign.belief import Known, fit_all, with_task
from perospin.navigation.campaign.campaign import Campaign
from perospin.navigation.campaign.objectives import Objective
from perospin.navigation.campaign.suggesting import FEWEST, MOST
from perospin.navigation.space.space import Candidate
from perospin.navigation.surrogates.columns import InputColumns
from perospin.navigation.surrogates.surrogate import Surrogate

__all__ = ["Belief", "Levels", "Map", "Slice", "beliefs"]

FloatArray = NDArray[np.float64]
_Z = 1.959964
_POINTS, _GRID, _STEPS = 61, 41, 30
_MOST_SLICES, _MOST_LEVELS = 6, 10


@dataclass(frozen=True)
class Slice:
    """Belief along one number, everything else as in the best material.

    Attributes
    ----------
    column : str
    x, mean, lower, upper : ndarray, shape (m,)
        In the objective's unit; the interval is the 95 % one.
    known_x, known_values : ndarray, shape (n,)
        All results; their other choices may differ from the best material's.
    """

    column: str
    x: FloatArray
    mean: FloatArray
    lower: FloatArray
    upper: FloatArray
    known_x: FloatArray
    known_values: FloatArray


@dataclass(frozen=True)
class Levels:
    """Belief of materials that differ in one word, everything else as in the best material; the best ones first."""

    choice: str
    names: list[str]
    mean: FloatArray
    lower: FloatArray
    upper: FloatArray


@dataclass(frozen=True)
class Map:
    """Belief over two numbers, or over three fractions that sum to 1; everything else as in the best material.

    Attributes
    ----------
    columns : tuple of str
        Two, or three fractions.
    points : ndarray, shape (m, 2) or (m, 3)
    mean : ndarray, shape (m,)
    half : ndarray, shape (m,)
        Half the width of the 95 % interval, in decades on a log scale.
    known : ndarray, shape (n, 2) or (n, 3)
        Where results are.
    """

    columns: tuple[str, ...]
    points: FloatArray
    mean: FloatArray
    half: FloatArray
    known: FloatArray


@dataclass(frozen=True)
class Belief:
    """All slices and maps of one objective.

    Attributes
    ----------
    label : str
    log : bool
    best : str
        The material that the slices go through.
    slices : list of Slice
        Those along which most changes, first.
    levels : list of Levels
    map : Map or None
    """

    label: str
    log: bool
    best: str
    slices: list[Slice]
    levels: list[Levels]
    map: Map | None


def beliefs(campaign: Campaign) -> list[Belief]:
    """Ask the campaign what it believes now of each objective that has results enough for a model."""
    known = Known.of(campaign.events, campaign.space)
    made = []
    for objective in campaign.objectives:
        rows, scores, _ = known.of_target(objective)
        own = known.own[rows]
        if own.sum() >= FEWEST:
            (model,) = fit_all(known, [objective], campaign._make)
            best = rows[own][int(np.argmax(scores[own]))]
            made.append(_Through(campaign, known, objective, model, int(best)).belief())
    return made


class _Through:
    """One objective's model, asked about rows near the best material."""

    def __init__(self, campaign: Campaign, known: Known, objective: Objective, model: Surrogate, best: int) -> None:
        self.space, self.known, self.objective, self.model = campaign.space, known, objective, model
        self.event, self.row = known.events[best], known.inputs[best]
        self.columns: InputColumns = known.columns
        rows, scores, _ = known.of_target(objective)
        own = known.own[rows]
        self.measured, self.values = known.inputs[rows[own]], objective.back(scores[own])

    def ask(self, rows: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean and standard deviation of scores."""
        asked, _ = with_task(rows, self.columns, self.known.tasks, [""] * len(rows))
        return self.model.predict(asked)

    def interval(self, rows: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Mean, lower and upper end in the unit."""
        mean, sd = self.ask(rows)
        ends = np.sort([self.objective.back(mean - _Z * sd), self.objective.back(mean + _Z * sd)], axis=0)
        return self.objective.back(mean), ends[0], ends[1]

    def belief(self) -> Belief:
        """Slices, levels and the map."""
        slices = sorted((self.slice(*one) for one in self._directions()), key=lambda one: -self._change(one))
        return Belief(
            self.objective.label,
            self.objective.log,
            self.event.material,
            slices[:_MOST_SLICES],
            self.levels(),
            self.map([one.column for one in slices]),
        )

    def _change(self, one: Slice) -> float:
        return float(np.ptp(self.objective.score(one.mean)))

    def _groups(self) -> dict[str, list[int]]:
        """Columns of each mixed site."""
        made: dict[str, list[int]] = {}
        for j, (kind, group) in enumerate(zip(self.columns.kinds, self.columns.groups, strict=True)):
            if kind == "fraction":
                made.setdefault(group, []).append(j)
        return made

    def _directions(self) -> list[tuple[int, FloatArray]]:
        """Columns of numbers, and the rows along each."""
        made = []
        for j, kind in enumerate(self.columns.kinds):
            if kind == "continuous" and self.columns.upper[j] > self.columns.lower[j]:
                rows = np.repeat(self.row[None], _POINTS, axis=0)
                rows[:, j] = np.linspace(self.columns.lower[j], self.columns.upper[j], _POINTS)
                made.append((j, rows))
        for group in self._groups().values():
            if len(group) == 2:  # one share goes as the other comes
                rows = np.repeat(self.row[None], _POINTS, axis=0)
                total = float(self.row[group].sum())
                rows[:, group[0]] = np.linspace(0.0, total, _POINTS)
                rows[:, group[1]] = total - rows[:, group[0]]
                made.append((group[0], rows))
        return made

    def slice(self, j: int, rows: FloatArray) -> Slice:
        """Ask along one column."""
        return Slice(self.columns.names[j], rows[:, j], *self.interval(rows), self.measured[:, j], self.values)

    def levels(self) -> list[Levels]:
        """Materials that differ from the best one in a word only."""
        best, made = self.event.meant, []
        every = list(islice(self.space.candidates(), MOST))
        for choice in (name for name, value in best.items() if isinstance(value, str)):
            rest = {name: value for name, value in best.items() if name != choice}
            alike = [one for one in every if all(one.choices[name] == value for name, value in rest.items())]
            if len(alike) > 1:
                made.append(self._level(choice, alike))
        return made

    def _level(self, choice: str, alike: Sequence[Candidate]) -> Levels:
        mean, lower, upper = self.interval(self.space.encode(alike)[0])
        order = np.argsort(-self.objective.score(mean), kind="stable")[:_MOST_LEVELS]
        return Levels(choice, [str(alike[i].choices[choice]) for i in order], mean[order], lower[order], upper[order])

    def map(self, columns: Sequence[str]) -> Map | None:
        """Over three fractions, if there are such, or the two numbers along which most changes."""
        three = next((group for group in self._groups().values() if len(group) == 3), None)
        if three is not None:
            shares = [(i, k, _STEPS - i - k) for i in range(_STEPS + 1) for k in range(_STEPS + 1 - i)]
            return self._map(three, np.array(shares) / _STEPS * float(self.row[three].sum()))
        numbers = [j for j in map(self.columns.names.index, columns) if self.columns.kinds[j] == "continuous"][:2]
        if len(numbers) < 2:
            return None
        axes = [np.linspace(self.columns.lower[j], self.columns.upper[j], _GRID) for j in numbers]
        return self._map(numbers, np.stack(np.meshgrid(*axes, indexing="xy"), axis=-1).reshape(-1, 2))

    def _map(self, which: list[int], points: FloatArray) -> Map:
        rows = np.repeat(self.row[None], len(points), axis=0)
        rows[:, which] = points
        mean, sd = self.ask(rows)
        names = tuple(self.columns.names[j] for j in which)
        return Map(names, points, self.objective.back(mean), _Z * sd, self.measured[:, which])
