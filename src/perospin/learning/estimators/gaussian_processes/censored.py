"""Targets of which only a limit is known: the truth is at most, or at least, what is stated.

Given everything else the latent value of such a row is normal, and it lies beyond its limit. Expectation propagation
puts a Gaussian target with a variance of its own, a site, in the place of each limit and refines the sites until they
stay as they are (Minka, UAI (2001); Rasmussen and Williams, Gaussian Processes for Machine Learning (2006), 3.6; for
gradients of the evidence at the fixed point 5.5.2). With one limit the result is exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_ndtr

from perospin.errors import StudyError

__all__ = ["Sites", "checked_limits", "propagate", "truncated_moments"]

FloatArray = NDArray[np.float64]

_WIDE = 1e6
_SWEEPS, _SETTLED = 40, 1e-6


@dataclass(frozen=True, eq=False)
class Sites:
    """Target of each row and the variance that stands for its being a limit (0 for a stated value), (n_rows,) each."""

    target: FloatArray
    variance: FloatArray

    @classmethod
    def start(cls, y: FloatArray, limit: NDArray[np.int64], centre: float) -> Sites:
        """Sites that say next to nothing of the rows with a limit."""
        return cls(np.where(limit == 0, y, centre), np.where(limit == 0, 0.0, _WIDE))


def checked_limits(limit: ArrayLike | None, n_rows: int) -> NDArray[np.int64]:
    """Return 0 (a value), -1 (at most) or +1 (at least) of each row, shape (n_rows,); all 0 for None.

    Raises
    ------
    StudyError
        Unless there is one of these numbers for each row.
    """
    if limit is None:
        return np.zeros(n_rows, dtype=np.int64)
    signs = np.asarray(limit)
    if signs.shape != (n_rows,) or not np.isin(signs, (-1, 0, 1)).all():
        raise StudyError(f"{n_rows} rows need {n_rows} limits: 0 for a value, -1 for at most, 1 for at least")
    return signs.astype(np.int64)


def truncated_moments(
    mean: FloatArray, variance: FloatArray, bound: FloatArray, sign: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Mean and variance of normals that lie above their bound (sign +1) or below it (sign -1)."""
    sd = np.sqrt(variance)
    z = sign * (mean - bound) / sd
    ratio = np.exp(-0.5 * z**2 - 0.5 * np.log(2.0 * np.pi) - log_ndtr(z))
    inside = variance * (1.0 - ratio * (ratio + z))
    return mean + sign * sd * ratio, np.clip(inside, 1e-9 * variance, variance * (1.0 - 1e-9))


def propagate(covariance: FloatArray, y: FloatArray, limit: NDArray[np.int64], centre: float, sites: Sites) -> Sites:
    """Refresh the sites of the rows with a limit until they stay as they are.

    Parameters
    ----------
    covariance : ndarray, shape (n_rows, n_rows)
        Of the targets, noise included, sites not.
    y : ndarray, shape (n_rows,)
        Stated values and limits.
    limit : ndarray of int, shape (n_rows,)
        See `checked_limits`.
    centre : float
        Prior mean of every target.
    sites : Sites
        Where to start.
    """
    rows = np.flatnonzero(limit)
    if not len(rows):
        return sites
    target, variance = sites.target.copy(), sites.variance.copy()
    bound, sign = y[rows], limit[rows].astype(float)
    for _ in range(_SWEEPS):
        inverse = np.linalg.inv(covariance + np.diag(variance))
        alpha = inverse @ (target - centre)
        # what all others say of the latent value of such a row (the formula of leaving one out)
        spread = 1.0 / np.diagonal(inverse)[rows]
        cavity = target[rows] - alpha[rows] * spread
        cavity_variance = np.maximum(spread - variance[rows], 1e-9)
        mean, inside = truncated_moments(cavity, cavity_variance, bound, sign)
        precision = np.maximum(1.0 / inside - 1.0 / cavity_variance, 1e-8)
        shift = mean / inside - cavity / cavity_variance
        change = np.abs(shift - target[rows] / variance[rows]).max()
        half = 0.5 * (precision + 1.0 / variance[rows])  # damped in natural parameters
        middle = 0.5 * (shift + target[rows] / variance[rows])
        variance[rows], target[rows] = 1.0 / half, middle / half
        if change < _SETTLED:
            break
    return Sites(target, variance)
