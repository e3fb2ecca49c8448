"""Band gaps of all wells from their absorption."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perospin.errors import NavigationError

__all__ = ["tauc_gaps"]

FloatArray = NDArray[np.float64]
_SPAN = 0.08
"""Width of the straight part, eV."""
_STRAIGHT = 0.98


def tauc_gaps(energy_ev: FloatArray, absorbance: FloatArray) -> tuple[FloatArray, FloatArray]:
    r"""Direct band gap by Tauc's plot: where the steepest straight part of :math:`(A E)^2` meets zero.

    Tauc, Grigorovici and Vancu, Phys. Status Solidi 15, 627 (1966). The part is 0.08 eV wide or five points; excitons
    make the gap of a layered perovskite come out low by their binding energy.

    Parameters
    ----------
    energy_ev : array, shape (n,)
        Rising.
    absorbance : array, shape (n_wells, n)
        The baseline, its 5 % quantile, is taken off.

    Returns
    -------
    gap_ev, error_ev : array, shape (n_wells,)
        NaN where no part is straight (R2 above 0.98).
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
    with np.errstate(invalid="ignore", divide="ignore"):
        r2 = np.where(dyy > 1e-12 * (sy / span) ** 2, dxy**2 / (dxx * dyy), 0.0)
        gap = (sx - sy / slope) / span
        left = np.maximum(dyy - slope * dxy, 0.0) / (span - 2)
        # of the intercept with zero, by the errors of mean and slope
        error = np.sqrt(left * (1.0 / span + (gap - sx / span) ** 2 / dxx)) / np.abs(slope)
    good = (r2 > _STRAIGHT) & (slope > 0)
    best = np.argmax(np.where(good, slope, -np.inf), axis=1)
    rows = np.arange(len(y))
    found = good[rows, best]
    centre = energy_ev.mean()
    return (
        np.where(found, gap[rows, best] + centre, np.nan),
        np.where(found, error[rows, best], np.nan),
    )
