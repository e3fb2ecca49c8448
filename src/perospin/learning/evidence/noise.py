"""Noise floor from repeated measurements of one material."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from perospin.errors import StudyError
from perospin.learning.evidence._types import Inverse
from perospin.learning.validation.metrics import r2_score

_NOISE_LEVELS, _NOISE_DRAWS = (0.68, 0.95), 4000


@dataclass(frozen=True)
class NoiseFloor:
    """Scatter between repeated measurements of one material, and what it leaves to be explained.

    Attributes
    ----------
    sigma : float
        Standard deviation of one measurement, in log10 (or the target's unit).
    intervals : mapping of float to (low, high)
        Chi-square intervals of sigma, by level.
    degrees_of_freedom : int
        Repeats beyond the first, summed over materials.
    r2_ceiling : float or None
        1 - sigma^2 / variance of the target: what perfect knowledge of the truth would score.
    r2_ceiling_intervals : mapping of float to (low, high)
        The same at the ends of the intervals of sigma.
    r2_ceiling_original : float or None
        Ceiling in the original space (median of simulated noise), where an inverse was given.
    typical_factor : float
        10**(0.6745 sigma): median factor between truth and one measurement.
    """

    sigma: float
    intervals: Mapping[float, tuple[float, float]]
    degrees_of_freedom: int
    r2_ceiling: float | None
    r2_ceiling_intervals: Mapping[float, tuple[float, float]]
    r2_ceiling_original: float | None
    typical_factor: float

    @property
    def factor(self) -> float:
        """10**sigma."""
        return float(10.0**self.sigma)

    def __str__(self) -> str:
        text = f"noise of one measurement {self.sigma:.3f} in log10 (a factor {self.factor:.2f})"
        if 0.95 in self.intervals:
            low, high = self.intervals[0.95]
            text += f", 95 % {low:.2f} to {high:.2f} from {self.degrees_of_freedom} repeats"
        if self.r2_ceiling is not None:
            text += f"; no model can expect an R2 above {self.r2_ceiling:.2f} out of fold"
        return text


def noise_floor(
    pairs: Iterable[Sequence[float]],
    y: ArrayLike | None = None,
    *,
    inverse: Inverse | None = None,
    seed: int = 0,
) -> NoiseFloor:
    """Noise from materials measured more than once.

    sigma^2 = sum (x - mean of its material)^2 / degrees of freedom, pooled; for pairs sum d^2 / (2 n_pairs). The
    interval is df sigma^2 / chi2_df. It assumes one scatter for all materials and repeats that share no error.

    Parameters
    ----------
    pairs : iterable of sequences
        Values (log10) of each repeated material, two or more.
    y : array_like, shape (n_rows,), optional
        The whole target column, for the ceilings.
    inverse : callable, optional
        To the original space, for the ceiling there: the target is taken as truth and noise is added to it.
    seed : int
        Of the simulated noise.

    Raises
    ------
    StudyError
        If there is no material with two values.
    """
    from scipy.stats import chi2

    repeats = [np.asarray(values, dtype=float) for values in pairs]
    if not repeats or any(r.ndim != 1 or r.size < 2 or not np.all(np.isfinite(r)) for r in repeats):
        raise StudyError("a noise floor needs materials with at least two known values each")
    df = sum(r.size - 1 for r in repeats)
    sigma = float(np.sqrt(sum(float(((r - r.mean()) ** 2).sum()) for r in repeats) / df))
    intervals = {}
    for level in _NOISE_LEVELS:
        tails = np.asarray(chi2.ppf([0.5 * (1 + level), 0.5 * (1 - level)], df))
        intervals[level] = (sigma * float(np.sqrt(df / tails[0])), sigma * float(np.sqrt(df / tails[1])))
    ceiling, ceilings, original = None, {}, None
    if y is not None:
        target = np.asarray(y, dtype=float)
        variance = float(target.var(ddof=1))
        if variance > 0:
            ceiling = 1.0 - sigma**2 / variance
            ceilings = {k: (1.0 - high**2 / variance, 1.0 - low**2 / variance) for k, (low, high) in intervals.items()}
        if inverse is not None:
            rng = np.random.default_rng(seed)
            truth = np.asarray(inverse(target))
            noisy = np.asarray(inverse(target + sigma * rng.standard_normal((_NOISE_DRAWS, len(target)))))
            original = float(np.median([r2_score(row, truth, np.full(len(row), row.mean())) for row in noisy]))
    return NoiseFloor(sigma, intervals, df, ceiling, ceilings, original, float(10.0 ** (0.6744897501960817 * sigma)))
