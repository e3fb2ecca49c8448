"""Options with allowed values: declared once, beside what they set, and checked before anything is computed."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Literal

__all__ = ["MOST_DRAWS", "SEEDS", "Option"]

MOST_DRAWS = 1_000_000
"""Most draws, steps, members or repeats that anything may ask for: beyond it a slip of the pen is likelier."""

SEEDS = (0, 2**31 - 1)
"""Smallest and largest seed; seeds counted on from it stay below 2**32, where NumPy's end."""


@dataclass(frozen=True)
class Option:
    """One option: its default, what it is in one line, and which values it takes.

    Attributes
    ----------
    default : Any
        If it is a bool the option is a switch.
    says : str
        What it is, in one line.
    low, high : float, optional
        Limits; they belong to the range.
    above : float, optional
        Limit that does not belong to the range.
    below : float, optional
        The same, from the other side.
    whole : bool
        Whole numbers only.
    words : tuple of str
        Words that it takes, beside numbers if a limit is given.
    none : bool
        Whether it can be left open (None).
    many : bool
        A list of such values, at least one.
    holds : {"", "estimators", "columns", "column", "effects"}
        The option's value is a specification of an estimator (or a list of them), a table of lists of columns, a
        column, or a list of effects (see `VarianceComponents`): what reads them finds them here.
    free : bool
        The estimator itself checks the value when it is fitted, because it depends on other options.
    """

    default: Any
    says: str
    low: float | None = None
    high: float | None = None
    above: float | None = None
    below: float | None = None
    whole: bool = False
    words: tuple[str, ...] = ()
    none: bool = False
    many: bool = False
    holds: Literal["", "estimators", "columns", "column", "effects"] = ""
    free: bool = False

    @property
    def _numeric(self) -> bool:
        limits = (self.low, self.high, self.above, self.below)
        return self.whole or any(limit is not None for limit in limits) or not self.words

    @property
    def written(self) -> str:
        """The default as a study file would have it; "none" if there is none."""
        value = list(self.default) if isinstance(self.default, tuple) else self.default
        return "none" if value is None else json.dumps(value)

    @property
    def allowed(self) -> str:
        """Allowed values in words, for example "a whole number from 1 to 1000"."""
        if isinstance(self.default, bool):
            return "true or false"
        if self.holds or self.free:
            words = {"estimators": "specifications", "columns": "a table of lists of columns", "column": "a column"}
            return {**words, "effects": "a list of effects"}.get(self.holds, "a list")
        parts = []
        if self.words:
            parts.append(" or ".join(f"'{word}'" for word in self.words))
        if self._numeric:
            parts.append("a whole number" if self.whole else "a finite number")
            if self.low is not None and self.high is not None:
                parts[-1] += f" from {self.low:g} to {self.high:.10g}"
            else:
                bounds = (("of at least", self.low), ("above", self.above), ("of at most", self.high))
                said = [f"{word} {limit:.10g}" for word, limit in (*bounds, ("below", self.below)) if limit is not None]
                parts[-1] += " " + " and ".join(said) if said else ""
        text = " or ".join(parts)
        text = f"a list, each {text}" if self.many else text
        return f"{text} or left out" if self.none else text

    def allows(self, value: Any) -> bool:
        """Whether the option takes this value."""
        if self.holds == "estimators":
            given = value if isinstance(value, list | tuple) else [value]
            return value is None or all(isinstance(one, Mapping | str) for one in given)
        if self.holds or self.free:
            return True
        if value is None:
            return self.none
        if self.many:
            listed = isinstance(value, Sequence) and not isinstance(value, str)
            return listed and len(value) > 0 and all(self._one(item) for item in value)
        return self._one(value)

    def _one(self, value: Any) -> bool:
        if isinstance(self.default, bool) or isinstance(value, bool):
            return isinstance(self.default, bool) and isinstance(value, bool)
        if isinstance(value, str):
            return value in self.words
        if not self._numeric or not isinstance(value, Integral if self.whole else Real):
            return False
        number = float(value)
        return (
            math.isfinite(number)
            and (self.low is None or number >= self.low)
            and (self.high is None or number <= self.high)
            and (self.above is None or number > self.above)
            and (self.below is None or number < self.below)
        )

    def inner(self, value: Any) -> list[Mapping[str, Any] | str]:
        """Specifications of estimators that the value holds."""
        if self.holds != "estimators":
            return []
        return [
            one for one in (value if isinstance(value, list | tuple) else [value]) if isinstance(one, Mapping | str)
        ]
