"""A course of a process variable, such as an annealing profile: set points between bounds, with a largest slope."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["Trajectory"]

_MOST_LEVELS = 1000
_ROUNDING = 1e-9


class Trajectory(BaseModel):
    """Set points at stated times; between them the value goes straight."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    times: list[float] = Field(min_length=2, max_length=50)
    """Times of the set points, rising."""
    low: float
    """Lowest set point."""
    high: float
    """Highest set point."""
    step: float = Field(gt=0)
    """Step of the set points that are listed."""
    max_slope: float | None = Field(None, gt=0)
    """Largest change in a unit of time, up or down."""
    unit: str = ""
    """Unit of the set points, for people."""
    time_unit: str = ""
    """Unit of the times, for people."""

    @model_validator(mode="after")
    def _checked(self) -> Trajectory:
        if not all(math.isfinite(a) and a < b for a, b in pairwise(self.times)) or not math.isfinite(self.times[-1]):
            raise ValueError("times must rise from one set point to the next")
        if not -math.inf < self.low < self.high < math.inf:
            raise ValueError("give low and high with low < high")
        if (self.high - self.low) / self.step > _MOST_LEVELS:
            raise ValueError(f"step makes more than {_MOST_LEVELS} values of a set point")
        return self

    @cached_property
    def levels(self) -> tuple[float, ...]:
        """Values of a set point that are listed."""
        count = math.floor((self.high - self.low) / self.step + _ROUNDING)
        return tuple(round(self.low + i * self.step, 12) for i in range(count + 1))

    @cached_property
    def _reach(self) -> tuple[int, ...]:
        """Most levels that two set points may lie apart."""
        if self.max_slope is None:
            return (len(self.levels),) * (len(self.times) - 1)
        return tuple(math.floor(self.max_slope * (b - a) / self.step + _ROUNDING) for a, b in pairwise(self.times))

    @cached_property
    def _ways(self) -> tuple[tuple[int, ...], ...]:
        """Of each set point and level, the number of courses that go on from there."""
        n = len(self.levels)
        ways = [(1,) * n]
        for reach in reversed(self._reach):
            after = ways[0]
            ways.insert(0, tuple(sum(after[max(0, i - reach) : i + reach + 1]) for i in range(n)))
        return tuple(ways)

    @property
    def count(self) -> int:
        """Exact number of courses in whole steps; none is listed."""
        return sum(self._ways[0])

    def courses(self) -> Iterator[tuple[float, ...]]:
        """List the courses, one after the other."""
        yield from self._from(range(len(self.levels)), 0)

    def _from(self, places: Sequence[int], point: int) -> Iterator[tuple[float, ...]]:
        for i in places:
            if point == len(self.times) - 1:
                yield (self.levels[i],)
                continue
            reach = self._reach[point]
            near = range(max(0, i - reach), min(len(self.levels), i + reach + 1))
            for rest in self._from(near, point + 1):
                yield (self.levels[i], *rest)

    def draw(self, generator: np.random.Generator) -> tuple[float, ...]:
        """Draw one course; each is as likely as any other."""
        found: list[float] = []
        first, last = 0, len(self.levels)
        for point, ways in enumerate(self._ways):
            shares = np.array([way / sum(ways[first:last]) for way in ways[first:last]])
            i = first + int(generator.choice(last - first, p=shares / shares.sum()))
            found.append(self.levels[i])
            if point < len(self._reach):
                first, last = max(0, i - self._reach[point]), min(len(self.levels), i + self._reach[point] + 1)
        return tuple(found)

    def fault(self, course: Sequence[float]) -> str:
        """Say what is wrong with a course, whose set points needn't lie on a step; empty if nothing is."""
        for number, value in enumerate(course, start=1):
            if not self.low - _ROUNDING <= value <= self.high + _ROUNDING:
                return f"set point {number} is {value:g}, outside {self.low:g} to {self.high:g} {self.unit}".rstrip()
        if self.max_slope is not None:
            for number, ((a, b), (begin, end)) in enumerate(
                zip(pairwise(course), pairwise(self.times), strict=True), 1
            ):
                slope = abs(b - a) / (end - begin)
                if slope > self.max_slope * (1 + _ROUNDING):
                    per = f"{self.unit}/{self.time_unit}" if self.unit and self.time_unit else ""
                    return (
                        f"from set point {number} to {number + 1} it changes by {slope:g} {per}".rstrip()
                        + f", more than {self.max_slope:g}"
                    )
        return ""
