"""Which settings a nested search looks at: a whole grid, or a budget of points spread over ranges.

The search itself is `perospin.learning.estimators.BestOf` inside each outer fold: the points below are the same in
every fold, so that all inner fits of one candidate go in one call.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from perospin.errors import StudyError

__all__ = ["search_points"]


def search_points(tune: Mapping[str, Any], budget: int | None, seed: int) -> list[dict[str, Any]]:
    """List the settings to choose among.

    Parameters
    ----------
    tune : mapping
        For each option a list of values, or a range ``{low, high}`` with ``log = true`` for one that spans orders of
        magnitude and ``integer = true`` for whole numbers.
    budget : int, optional
        How many settings a search may look at. Needed with ranges. Lists alone with at most as many combinations are
        gone through in full; otherwise the points are a Latin hypercube: each option's values, or each equal part of
        its range, are met equally often, which covers a range better than the same number of independent draws
        (McKay, Beckman and Conover, Technometrics 21, 239 (1979)).
    seed : int
        Of the points.

    Returns
    -------
    list of dict
        Different settings; fewer than the budget if points coincide.

    Raises
    ------
    StudyError
        If `tune` is no such table, or the budget is missing or below 1.
    """
    if not isinstance(tune, Mapping) or not all(_usable(values) for values in tune.values()):
        raise StudyError(
            "'tune' must be a table of option = [values], each list with at least one value, or option = "
            "{ low = 0.01, high = 100.0, log = true } with low < high (and low > 0 for log)"
        )
    if budget is not None and (isinstance(budget, bool) or not isinstance(budget, int) or budget < 1):
        raise StudyError(f"'tune_budget' must be a whole number of at least 1, not {budget!r}")
    ranges = [name for name, values in tune.items() if isinstance(values, Mapping)]
    if ranges and budget is None:
        raise StudyError(f"'tune' has a range for '{ranges[0]}'; add tune_budget, the number of settings to look at")
    lists = [values for values in tune.values() if not isinstance(values, Mapping)]
    if not ranges and (budget is None or math.prod(len(values) for values in lists) <= budget):
        return [dict(zip(tune, values, strict=True)) for values in itertools.product(*lists)]
    from scipy.stats import qmc

    points = qmc.LatinHypercube(d=len(tune), rng=np.random.default_rng(seed)).random(int(budget or 1))
    found: dict[str, dict[str, Any]] = {}
    for point in points.tolist():
        setting = {name: _value(values, u) for (name, values), u in zip(tune.items(), point, strict=True)}
        found.setdefault(repr(setting), setting)
    return list(found.values())


def _usable(values: Any) -> bool:
    if isinstance(values, Mapping):
        low, high = values.get("low", math.nan), values.get("high", math.nan)
        numbers = all(isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v) for v in (low, high))
        if not numbers or set(values) - {"low", "high", "log", "integer"}:
            return False
        return low < high and (low > 0 or not values.get("log"))
    return isinstance(values, Sequence) and not isinstance(values, str) and len(values) > 0


def _value(values: Any, u: float) -> Any:
    """Value at the place `u` of an option, 0 <= u < 1."""
    if not isinstance(values, Mapping):
        return values[int(u * len(values))]
    low, high = float(values["low"]), float(values["high"])
    if values.get("integer"):
        low, high = low - 0.5, high + 0.5 - 1e-9  # so that both ends get their share
        low = max(low, 1e-9) if values.get("log") else low
    place = low * (high / low) ** u if values.get("log") else low + u * (high - low)
    if values.get("integer"):
        return min(max(round(place), int(values["low"])), int(values["high"]))
    return float(f"{place:.4g}")  # settings that a person can write down
