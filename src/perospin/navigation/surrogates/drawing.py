"""Joint draws of a normal distribution whose covariance may be close to singular."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perospin.errors import NavigationError

__all__ = ["drawn"]

FloatArray = NDArray[np.float64]


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
