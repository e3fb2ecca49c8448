"""Joint draws of a normal distribution whose covariance may be close to singular."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perospin.errors import NavigationError

__all__ = ["MOST_TOGETHER", "drawn", "few_enough"]

FloatArray = NDArray[np.float64]

MOST_TOGETHER = 5000
"""Rows whose functions can be drawn together: the covariance of more takes gigabytes."""


def few_enough(rows: FloatArray) -> FloatArray:
    """Return the rows.

    Raises
    ------
    NavigationError
        If there are more than `MOST_TOGETHER`.
    """
    if len(rows) > MOST_TOGETHER:
        raise NavigationError(
            f"functions can be drawn at {MOST_TOGETHER:,} rows together, not at {len(rows):,}; choose some of them"
        )
    return rows


def drawn(mean: FloatArray, covariance: FloatArray, count: int, generator: np.random.Generator) -> FloatArray:
    """Draws, shape (count, m).

    Raises
    ------
    NavigationError
        If the covariance is not positive.
    """
    scale = float(np.max(np.diagonal(covariance), initial=1e-300))
    for jitter in (1e-10, 1e-8, 1e-6):
        try:
            factor = np.linalg.cholesky(covariance + jitter * scale * np.eye(len(mean)))
        except np.linalg.LinAlgError:
            continue
        return mean + generator.standard_normal((count, len(mean))) @ factor.T
    raise NavigationError("no functions can be drawn: the covariance of these rows is not positive")
