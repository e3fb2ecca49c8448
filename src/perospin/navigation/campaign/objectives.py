"""What a campaign wants: a target, its unit, and whether more or less of it is better."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perospin.errors import NavigationError
from perospin.text import shorten

__all__ = ["Objective", "parse_objectives"]

FloatArray = NDArray[np.float64]
_FORM = re.compile(
    r"(?P<goal>max|min)\s+(?P<log>log\s+)?(?P<name>[^()]*?[^()\s])\s*(?:\((?P<unit>[^()]*(?:\([^()]*\)[^()]*)*)\))?"
    r"(?:\s+from\s+(?P<worst>\S+)\s+to\s+(?P<best>\S+))?"
)


@dataclass(frozen=True)
class Objective:
    """One target.

    Attributes
    ----------
    name, unit : str
        Unit ``""`` for a pure number.
    goal : {"max", "min"}
    log : bool
        Learn the decimal logarithm: for what spans decades, such as rates.
    worst, best : float or None
        Values that are worth nothing and everything; for desirability, and the worst also for the dominated area.
    """

    name: str
    unit: str = ""
    goal: str = "max"
    log: bool = False
    worst: float | None = None
    best: float | None = None

    @classmethod
    def parse(cls, text: str) -> Objective:
        """Read an objective.

        Examples
        --------
        >>> Objective.parse("min log rate (1/ps) from 1 to 0.01")
        Objective(name='rate', unit='1/ps', goal='min', log=True, worst=1.0, best=0.01)

        Raises
        ------
        NavigationError
            If it is none.
        """
        found = _FORM.fullmatch(text.strip()[:300])
        shown = shorten(text, 60)
        if found is None:
            raise NavigationError(f"'{shown}' is no objective; write one as 'max gap (eV)' or 'min log rate (1/ps)'")
        ends: dict[str, float | None] = {"worst": None, "best": None}
        for end in ends:
            if (word := found[end]) is not None:
                try:
                    ends[end] = float(word)
                except ValueError:
                    raise NavigationError(
                        f"the objective '{shown}' needs a number, not '{shorten(word, 30)}'"
                    ) from None
        made = cls(found["name"], (found["unit"] or "").strip(), found["goal"], found["log"] is not None, **ends)
        if made.worst is not None and made.best is not None:
            ordered = made.worst < made.best if made.goal == "max" else made.worst > made.best
            if not (np.isfinite([made.worst, made.best]).all() and ordered):
                raise NavigationError(f"the objective '{shown}' goes from the worst value to the best one; these don't")
            if made.log and min(made.worst, made.best) <= 0.0:
                raise NavigationError(f"the objective '{shown}' is on a log scale and needs values above 0")
        return made

    @property
    def sign(self) -> float:
        """+1 where more is better, -1 where less is."""
        return 1.0 if self.goal == "max" else -1.0

    @property
    def label(self) -> str:
        """Name and unit."""
        return f"{self.name} ({self.unit})" if self.unit else self.name

    def checked(self, value: float) -> float:
        """Return a measured value.

        Raises
        ------
        NavigationError
            If it isn't finite, or not above 0 on a log scale.
        """
        if not np.isfinite(value):
            raise NavigationError(f"{self.name} needs a finite number, not {value}")
        if self.log and value <= 0.0:
            raise NavigationError(f"{self.name} is on a log scale and needs a value above 0, not {value:g}")
        return float(value)

    def score(self, values: ArrayLike) -> FloatArray:
        """Values as the model learns them: larger is better."""
        numbers = np.asarray(values, dtype=float)
        return self.sign * (np.log10(numbers) if self.log else numbers)

    def score_sd(self, values: ArrayLike, sds: ArrayLike) -> FloatArray:
        """Return standard deviations of the scores, to first order on a log scale."""
        spread = np.asarray(sds, dtype=float)
        return spread / (np.asarray(values, dtype=float) * np.log(10.0)) if self.log else spread

    def back(self, scores: ArrayLike) -> FloatArray:
        """Scores as values in the unit."""
        numbers = self.sign * np.asarray(scores, dtype=float)
        return np.asarray(10.0**numbers if self.log else numbers)


def unit_of_gain(objectives: Sequence[Objective]) -> str:
    """Return the unit of an expected gain, with a blank before it: decades on a log scale; none of a hypervolume."""
    if len(objectives) != 1:
        return ""
    unit = "decades" if objectives[0].log else objectives[0].unit
    return f" {unit}" if unit else ""


def parse_objectives(given: Sequence[str | Objective]) -> tuple[Objective, ...]:
    """Read objectives.

    Raises
    ------
    NavigationError
        Unless there are one or two, of different names.
    """
    made = tuple(Objective.parse(one) if isinstance(one, str) else one for one in given)
    if not 1 <= len({one.name for one in made}) == len(made) <= 2:
        raise NavigationError("a campaign needs one or two objectives of different names, such as 'max gap (eV)'")
    return made
