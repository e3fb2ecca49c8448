"""How long a feature lasts: the time to 80 % of its first value, with its interval."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perospin.errors import NavigationError
from perospin.fitting import Parameter, Quantity, SeparableModel, fit_batch
from perospin.fitting.arrays import namespace

__all__ = ["Lasting", "time_to_80"]

FloatArray = NDArray[np.float64]
_LN = float(np.log(1.25))
_FEWEST = 5


@dataclass(frozen=True)
class Lasting:
    """How long each well lasts.

    Attributes
    ----------
    t80_s, lower_s, upper_s : array, shape (n,)
        Time to 80 % and its 95 % interval; NaN where nothing was fitted, an upper end of infinity where the feature
        hasn't fallen to 80 % for certain.
    law : tuple of str
        first order, sigmoid, or ``""``.
    """

    t80_s: FloatArray
    lower_s: FloatArray
    upper_s: FloatArray
    law: tuple[str, ...]


@functools.lru_cache(maxsize=2)
def _law(sigmoid: bool) -> SeparableModel:
    def first(x: FloatArray, theta: Mapping[str, Any]) -> list[FloatArray]:
        return [namespace(x, *theta.values()).exp(-_LN * x / theta["t80_s"])]

    def curve(x: FloatArray, theta: Mapping[str, Any]) -> list[FloatArray]:
        # (1 + c)/(1 + c exp((ln 1.25 + s) t/t80)) with c from y(t80) = 0.8 y(0); first order is its limit s -> 0
        xp = namespace(x, *theta.values())
        c = 0.2 / xp.expm1(theta["s"])
        return [(1.0 + c) / (1.0 + c * xp.exp(xp.minimum((_LN + theta["s"]) * x / theta["t80_s"], 500.0)))]

    time = Parameter("t80_s", "s", "time to 80 %", 1.0, 1e-6, 1e12, positive=True)
    more = (Parameter("s", "", "steepness", 1.0, 1e-3, 50.0, positive=True),) if sigmoid else ()
    return SeparableModel(
        "sigmoid" if sigmoid else "first order",
        (time, *more),
        (Quantity("first"),),
        curve if sigmoid else first,
        (Quantity("time_s", "s"),),
    )


def time_to_80(time_s: FloatArray, feature: FloatArray) -> Lasting:
    """Fit first-order decay and a sigmoid, and keep the one that the data speak for (BIC).

    Parameters
    ----------
    time_s : array, shape (n_times,)
        Rising, from any zero.
    feature : array, shape (n, n_times)
        Such as the area of a line; NaN where it is missing.

    Raises
    ------
    NavigationError
        If there are fewer than five times.
    """
    if len(time_s) < _FEWEST or not (np.diff(time_s) > 0).all():
        raise NavigationError(f"a stability needs {_FEWEST} reads or more at rising times; there are {len(time_s)}")
    time = time_s - time_s[0]
    count = len(feature)
    enough = np.isfinite(feature).sum(axis=1) >= _FEWEST
    t80, low, high = (np.full(count, np.nan) for _ in range(3))
    law = [""] * count
    rows = np.flatnonzero(enough)
    if len(rows):
        y = feature[rows] / np.nanmax(np.abs(feature[rows]), axis=1, keepdims=True)
        guesses = [float(t) for t in np.geomspace(0.05 * time[-1], 20.0 * time[-1], 9)]
        plain = fit_batch(_law(False), time, y, starts=[{"t80_s": t} for t in guesses])
        steep = fit_batch(
            _law(True), time, y, starts=[{"t80_s": t, "s": s} for t in guesses[:7] for s in (0.1, 1.0, 5.0)]
        )
        n = plain.n_points
        bic = [n * np.log(np.maximum(fit.chi2 / n, 1e-300)) + k * np.log(n) for fit, k in ((plain, 2), (steep, 3))]
        use = (bic[1] < bic[0] - 2.0) & np.isfinite(steep.uncertainty[:, 0])
        found = np.where(use, steep["t80_s"], plain["t80_s"])
        # searched on a logarithmic scale, so its interval is one of factors
        spread = np.where(use, steep.uncertainty[:, 0], plain.uncertainty[:, 0]) / found
        factor = np.exp(1.96 * np.minimum(np.where(np.isfinite(spread), spread, 50.0), 50.0))
        t80[rows], low[rows], high[rows] = found, found / factor, found * factor
        high[rows[(found > 10.0 * time[-1]) | (factor > 100.0)]] = np.inf
        for i, row in enumerate(rows):
            law[row] = "sigmoid" if use[i] else "first order"
    return Lasting(t80, low, high, tuple(law))
