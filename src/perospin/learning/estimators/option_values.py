"""Values of an estimator's options, checked when they are declared: none is left to fail after hours of fitting."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from perospin.errors import StudyError

LARGEST_NUMBER = 1e12
LARGEST_COUNT = 10**6

_WORDS_TOO = ("gamma", "max_features")
"""Options whose default is a number but which also know words; scikit-learn checks these."""


def check_values(kind: str, options: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
    """Refuse a number that is none, not finite, negative or absurd, by the type of the option's default.

    Raises
    ------
    StudyError
        One sentence that names estimator, option and what is allowed.
    """
    for name, value in options.items():
        default = defaults.get(name)
        if isinstance(default, bool):
            right, what = isinstance(value, bool), "true or false"
        elif isinstance(default, int):
            right = _number(value) and 0 <= value <= LARGEST_COUNT
            what = f"a whole number up to {LARGEST_COUNT}"
        elif isinstance(default, float) and not (name in _WORDS_TOO and isinstance(value, str)):
            right, what = _number(value) and 0 <= value <= LARGEST_NUMBER, "a finite number that is not negative"
        else:
            continue
        if not right:
            raise StudyError(f"the option '{name}' of the estimator '{kind}' is {value!r:.40} but must be {what}")


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
