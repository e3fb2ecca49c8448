"""What every surrogate can do, and how measured rows are brought to numbers of order 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perospin.errors import NavigationError
from perospin.learning.estimators.gaussian_processes.likelihoods import RowNoise
from perospin.navigation.surrogates.columns import InputColumns

__all__ = ["Scale", "Surrogate", "checked_noise", "checked_values", "row_noise"]

FloatArray = NDArray[np.float64]


@runtime_checkable
class Surrogate(Protocol):
    """A belief about a noise-free function of the inputs, in the units of its measured values."""

    columns: InputColumns

    def fit(self, inputs: ArrayLike, values: ArrayLike, noise: ArrayLike | None = None) -> Self:
        """Learn from measured rows.

        Parameters
        ----------
        inputs : array_like, shape (n, d)
        values : array_like, shape (n,)
        noise : array_like, shape (n,), optional
            Standard deviation of each value; where it is NaN, and everywhere if None, it is learnt.
        """
        ...

    def predict(self, inputs: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Mean and standard deviation of the noise-free function, shape (m,) each."""
        ...

    def sample(self, inputs: ArrayLike, count: int, generator: np.random.Generator) -> FloatArray:
        """Functions that could be the true one, at all inputs together, shape (count, m)."""
        ...


@dataclass(frozen=True)
class Scale:
    """Centre and unit that bring values to numbers of order 1."""

    centre: float
    unit: float

    @classmethod
    def of(cls, values: FloatArray, noise: FloatArray) -> Scale:
        """Mean and standard deviation; where values don't differ, their noise or their size is the unit."""
        unit = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
        if unit <= 1e-9 * float(np.abs(values).max()):
            known = noise[np.isfinite(noise)]
            unit = float(known.max()) if known.size and known.max() > 0 else float(np.abs(values).max()) or 1.0
        return cls(float(np.mean(values)), unit)

    def to(self, values: FloatArray) -> FloatArray:
        """Values in the unit, about the centre."""
        return np.asarray((values - self.centre) / self.unit)

    def back(self, values: FloatArray) -> FloatArray:
        """Values as they were measured."""
        return np.asarray(self.centre + self.unit * values)


def checked_values(values: ArrayLike, n_rows: int) -> FloatArray:
    """Return measured values, shape (n_rows,).

    Raises
    ------
    NavigationError
        Unless there is one finite number for each of at least one row.
    """
    made = np.asarray(values, dtype=float)
    if n_rows == 0 or made.shape != (n_rows,):
        raise NavigationError(f"{n_rows} rows can't be learnt from with values of the shape {made.shape}")
    if not np.isfinite(made).all():
        raise NavigationError(f"row {int(np.argmin(np.isfinite(made)))} has no finite value; leave such rows out")
    return made


def checked_noise(noise: ArrayLike | None, n_rows: int) -> FloatArray:
    """Return standard deviations of measured values, shape (n_rows,), NaN where unknown.

    Raises
    ------
    NavigationError
        If there are not as many as rows, or one is below 0.
    """
    if noise is None:
        return np.full(n_rows, np.nan)
    made = np.asarray(noise, dtype=float)
    if made.shape != (n_rows,) or (made < 0).any() or np.isinf(made).any():
        raise NavigationError(f"{n_rows} rows need {n_rows} standard deviations of 0 or more (NaN where not known)")
    return made


def row_noise(noise: FloatArray, unit: float) -> RowNoise:
    """Noise of rows for a Gaussian process of values divided by `unit`: learnt where it is NaN."""
    unknown = np.isnan(noise)
    return RowNoise(unknown.astype(float), np.where(unknown, 0.0, noise / unit) ** 2)
