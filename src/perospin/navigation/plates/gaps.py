"""Band gaps of all wells from their absorption."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perospin.errors import NavigationError

__all__ = ["tauc_gaps"]

FloatArray = NDArray[np.float64]
_SPAN = 0.08
"""Width of the straight part, eV."""
_STRAIGHT, _STEEP = 0.98, 0.9
_NOISY, _SURE = 2.0, 10.0
"""How much more than the noise may be left of a straight part, and how many errors its slope must be."""


def tauc_gaps(energy_ev: FloatArray, absorbance: FloatArray) -> tuple[FloatArray, FloatArray]:
    r"""Direct band gap by Tauc's plot: where the first steep and straight part of :math:`(A E)^2` meets zero.

    Tauc, Grigorovici and Vancu, Phys. Status Solidi 15, 627 (1966). The part is 0.08 eV wide or five points, and nine
    tenths as steep as the steepest; it lies above the gap that it gives. Excitons make the gap of a layered perovskite
    come out low by their binding energy.

    Parameters
    ----------
    energy_ev : array, shape (n,)
        Rising.
    absorbance : array, shape (n_wells, n)
        The baseline, its 5 % quantile, is taken off.

    Returns
    -------
    gap_ev, error_ev : array, shape (n_wells,)
        The error is that of the straight line and of the choice of its part. NaN where no part is straight: 2 % of
        its variance left, or twice the noise.
    """
    span = max(5, int(np.searchsorted(energy_ev, energy_ev[0] + _SPAN)) if len(energy_ev) else 0)
    if len(energy_ev) < 2 * span:
        raise NavigationError(
            f"a band gap needs {2 * span} points of absorption or more, over 0.16 eV; there are {len(energy_ev)}"
        )
    base = np.nanquantile(absorbance, 0.05, axis=1, keepdims=True)
    y = np.where(np.isfinite(absorbance), np.maximum(absorbance - base, 0.0) * energy_ev, 0.0) ** 2
    x = energy_ev - energy_ev.mean()

    def rolling(values: FloatArray) -> FloatArray:
        total = np.concatenate([np.zeros((*values.shape[:-1], 1)), np.cumsum(values, axis=-1)], axis=-1)
        return np.asarray(total[..., span:] - total[..., :-span])

    sx, sxx, sy, sxy, syy = rolling(x), rolling(x * x), rolling(y), rolling(x * y), rolling(y * y)
    dxx, dxy, dyy = sxx - sx**2 / span, sxy - sx * sy / span, syy - sy**2 / span
    slope = dxy / dxx
    # what is left may be noise, which the second differences tell
    noise = np.pad(np.diff(y, 2, axis=-1) ** 2 / 6.0, ((0, 0), (1, 1)), mode="edge")
    with np.errstate(invalid="ignore", divide="ignore"):
        gap = (sx - sy / slope) / span
        left = np.maximum(dyy - slope * dxy, 0.0)
        # of the intercept with zero, by the errors of mean and slope
        error = np.sqrt(left / (span - 2) * (1.0 / span + (gap - sx / span) ** 2 / dxx)) / np.abs(slope)
        straight = left <= np.maximum((1.0 - _STRAIGHT) * dyy, _NOISY * rolling(noise))
        sure = slope**2 * dxx > _SURE**2 * np.maximum(left, 1e-12 * sy**2 / span) / (span - 2)
    # a part that reaches below its own meeting with zero has points of the flat side in it
    good = straight & sure & (slope > 0) & (gap <= x[: gap.shape[1]])
    # noise makes the steepest steeper: its least slope counts
    least = slope - 2.0 * np.sqrt(left / (span - 2) / dxx)
    steepest = np.max(np.where(good, least, -np.inf), axis=1, keepdims=True)
    good &= slope >= _STEEP * steepest
    # the first of the steep ones: it needs no long way to zero, and noise doesn't choose it
    best = np.argmax(good, axis=1)
    rows = np.arange(len(y))
    found = good[rows, best]
    # which part is the straight one is a choice: the scatter of the next ones tells what it costs
    others = np.where(good & (np.arange(gap.shape[1]) < best[:, None] + span), gap, np.nan)
    gap, error = gap[rows, best], error[rows, best]
    choice = np.sqrt(np.nanmean(np.where(found[:, None], (others - gap[:, None]) ** 2, 0.0), axis=1))
    return (
        np.where(found, gap + energy_ev.mean(), np.nan),
        np.where(found, np.hypot(error, choice), np.nan),
    )
