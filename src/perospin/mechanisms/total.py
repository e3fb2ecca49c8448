"""Rates add up: the total, and what each mechanism has in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from perospin.errors import DataError
from perospin.mechanisms._arrays import Float, is_jax, namespace

__all__ = ["TotalRate", "total_rate"]


@dataclass(frozen=True)
class TotalRate:
    """A sum of rates.

    Attributes
    ----------
    total_per_ps
        Total rate (1/ps), shape of the broadcast rates.
    rates_per_ps
        Rate of each mechanism (1/ps), same shape.
    shares
        Share of each mechanism in the total, 0 to 1, same shape; NaN where the total is 0.
    """

    total_per_ps: Any
    rates_per_ps: Mapping[str, Any]
    shares: Mapping[str, Any]

    @property
    def lifetime_ps(self) -> Any:
        """Lifetime, one over the total rate (ps); infinite where the total is 0."""
        xp = namespace(self.total_per_ps)
        safe = xp.where(self.total_per_ps > 0, self.total_per_ps, 1.0)
        with np.errstate(over="ignore"):
            return xp.where(self.total_per_ps > 0, 1.0 / safe, np.inf)[()]

    @property
    def dominant(self) -> Any:
        """Name of the largest mechanism at each condition."""
        names = np.array(list(self.rates_per_ps))
        return names[np.argmax(np.stack([np.asarray(r) for r in self.rates_per_ps.values()]), axis=0)]


def total_rate(rates_per_ps: Mapping[str, Any]) -> TotalRate:
    """Add rates of independent mechanisms (Matthiessen's rule).

    Parameters
    ----------
    rates_per_ps : mapping of str to array_like
        Rate of each mechanism (1/ps), not negative; shapes broadcast.

    Returns
    -------
    TotalRate
        Total, rates and shares.

    Raises
    ------
    DataError
        If there is no rate, one is negative or not a number, or the shapes don't fit.

    Examples
    --------
    >>> total_rate({"dyakonov_perel": 0.3, "elliott_yafet": 0.1}).shares["dyakonov_perel"].round(2)
    np.float64(0.75)
    """
    if not rates_per_ps:
        raise DataError("a total rate needs at least one mechanism")
    arrays = {name: rate if is_jax(rate) else _rate(name, rate) for name, rate in rates_per_ps.items()}
    xp = namespace(*arrays.values())
    try:
        parts = xp.broadcast_arrays(*arrays.values())
    except ValueError:
        shapes = ", ".join(f"{name} {np.shape(rate)}" for name, rate in arrays.items())
        raise DataError(f"the rates' shapes don't fit together: {shapes}") from None
    total = sum(parts[1:], start=parts[0])
    safe = xp.where(total > 0, total, 1.0)
    shares = {n: xp.where(total > 0, p / safe, np.nan)[()] for n, p in zip(arrays, parts, strict=True)}
    return TotalRate(total[()], {n: p[()] for n, p in zip(arrays, parts, strict=True)}, shares)


def _rate(name: str, rate: Any) -> Float:
    try:
        array = np.asarray(rate, dtype=float)
    except (TypeError, ValueError):
        raise DataError(f"the rate of {name} must be a number or an array of numbers, got {rate!r:.40}") from None
    if array.size and not (np.isfinite(array).all() and array.min() >= 0):
        raise DataError(f"the rate of {name} must be finite and not negative, got {array.min():g}")
    return array
