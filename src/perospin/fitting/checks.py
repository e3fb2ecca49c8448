"""What every analysis checks before it fits: lengths, order, missing points, duplicates, saturation, units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from perospin.errors import FitError
from perospin.fitting.arrays import Float, real

__all__ = ["Trace", "check_times_ps", "check_trace"]

_ROW = 5  # equal extreme values in a row that look like a saturated channel


@dataclass(frozen=True)
class Trace:
    """Clean, sorted data.

    Attributes
    ----------
    x
        Abscissa in ascending order, (n,).
    channels
        Signals by name, (n,) each.
    sigma
        Standard uncertainties, (n,) for all channels or one row for each, or None.
    warnings
        What was found and done, in sentences.
    """

    x: Float
    channels: Mapping[str, Float]
    sigma: Float | None = None
    warnings: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Float:
        return self.channels[name]

    def __len__(self) -> int:
        return len(self.x)


def _numbers(name: str, values: Any) -> Float:
    array = real(values, name)
    if array.ndim != 1:
        raise FitError(f"{name} must be one column of numbers, but has the shape {array.shape}")
    if array.size == 0:
        raise FitError(f"{name} is empty")
    return array


def check_trace(
    x: Any,
    channels: Mapping[str, Any],
    *,
    sigma: Any = None,
    x_name: str = "delay_ps",
    least: int = 6,
    check_constant: bool = True,
    sigma_rows: bool = False,
) -> Trace:
    """Check a trace and bring it into order.

    Rows with a missing or infinite value are dropped and a reversed or unordered abscissa is sorted, each with a
    warning; repeated abscissae are kept (they are valid in a least-squares fit), with a warning.

    Parameters
    ----------
    x, channels
        Abscissa and signals by name, all of one length; a channel of None is skipped.
    sigma
        Standard uncertainty: a number or one value a point.
    x_name
        What `x` is called in messages.
    least
        Fewest points that can be fitted.
    check_constant
        Whether a channel without any variation is an error.
    sigma_rows
        Whether `sigma` may also have a row for each channel, shape (n_channels, n).

    Returns
    -------
    Trace

    Raises
    ------
    FitError
        If lengths differ, something isn't a number, too few points are left, or a channel is constant.
    """
    at = _numbers(x_name, x)
    signals = {name: _numbers(name, values) for name, values in channels.items() if values is not None}
    for name, values in signals.items():
        if len(values) != len(at):
            raise FitError(f"{x_name} has {len(at)} values and {name} {len(values)}: they must have one length")
    spread: Float | None = None
    if sigma is not None:
        spread = real(sigma, "sigma")
        if spread.ndim == 0:
            spread = np.full(len(at), float(spread))
        if spread.shape not in (at.shape, *([(len(signals), len(at))] if sigma_rows else [])):
            raise FitError(f"sigma has the shape {spread.shape}; give one number or {len(at)} values")
    warnings = []
    columns = [at, *signals.values(), *([] if spread is None else np.atleast_2d(spread))]
    good = np.all([np.isfinite(column) for column in columns], axis=0)
    dropped = int((~good).sum())
    if dropped:
        warnings.append(f"{dropped} of {len(at)} rows with missing or infinite values were left out")
        at, signals = at[good], {name: values[good] for name, values in signals.items()}
        spread = None if spread is None else spread[..., good]
    if len(at) < least:
        raise FitError(f"only {len(at)} usable points: this analysis needs at least {least}")
    if spread is not None and not (spread > 0).all():
        raise FitError("sigma must be above zero at every point")
    steps = np.diff(at)
    if (steps < 0).any():
        order = np.argsort(at, kind="stable")
        how = "runs backwards" if (steps <= 0).all() else "is not in order"
        warnings.append(f"{x_name} {how}: the points were sorted")
        at, signals = at[order], {name: values[order] for name, values in signals.items()}
        spread = None if spread is None else spread[..., order]
    repeated = int((np.diff(at) == 0).sum())
    if at[0] == at[-1]:
        raise FitError(f"every {x_name} is {at[0]:g}: there is nothing to fit against")
    if repeated:
        warnings.append(f"{repeated} values of {x_name} occur more than once; every point counts in the fit")
    for name, values in signals.items():
        if check_constant and np.ptp(values) == 0:
            raise FitError(f"{name} is constant ({values[0]:g}): there is nothing to fit")
        longest = _plateau(values)
        if longest >= _ROW:
            warnings.append(
                f"{name} stays at its extreme value for {longest} points in a row: a saturated channel? "
                "its fit is biased; leave those points out"
            )
    return Trace(at, signals, spread, tuple(warnings))


def _plateau(values: Float) -> int:
    """Longest run of the largest or the smallest value, unless that value is zero."""
    longest = 0
    for extreme in {float(values.max()), float(values.min())} - {0.0}:
        hit = np.concatenate([[0], (values == extreme).astype(int), [0]])
        edges = np.flatnonzero(np.diff(hit))
        if edges.size:
            longest = max(longest, int((edges[1::2] - edges[::2]).max()))
    return longest


def check_times_ps(delay: Float, name: str = "delay_ps", unit: str = "ps") -> tuple[Float, list[str]]:
    """Delays in ps, and a warning if they look like another unit.

    Parameters
    ----------
    delay
        Delays in `unit`.
    unit
        ``"fs"``, ``"ps"``, ``"ns"``, or another unit of time.

    Raises
    ------
    DataError
        If the unit is not one of time.
    """
    from perospin.units import convert

    factor = float(convert(1.0, unit, "ps"))
    out = real(delay, name) * factor
    if unit != "ps" or not out.size:
        return out, []
    finite = np.abs(out[np.isfinite(out)])
    steps = np.diff(np.unique(finite))
    if finite.size and steps.size:
        largest, smallest = float(finite.max()), float(steps.min())
        shown = f"delays of {smallest:.3g} to {largest:.6g}"
        if largest > 2e4 or (largest >= 2000 and smallest >= 5):
            return out, [f"{shown} look like fs, not ps: pass delay_unit='fs' if they are"]
        if largest < 2e-8:
            return out, [f"{shown} look like s, not ps: pass delay_unit='s' if they are"]
    return out, []
