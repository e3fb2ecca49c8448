"""A Gaussian process on mixed inputs that knows nothing of the physics."""

from __future__ import annotations

from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perospin.errors import NavigationError
from perospin.learning.estimators.gaussian_processes.hyperparameters import Prior
from perospin.learning.estimators.gaussian_processes.kernels import Constant, Kernel, Matern, Sum
from perospin.learning.estimators.gaussian_processes.process import Conditioned, Process
from perospin.navigation.surrogates.columns import InputColumns
from perospin.navigation.surrogates.drawing import drawn, few_enough
from perospin.navigation.surrogates.surrogate import Scale, checked_noise, checked_values, row_noise

__all__ = ["GPSurrogate"]

FloatArray = NDArray[np.float64]

VARIANCE = Prior(0.0, 2.0)
"""Of the variance of the function, for values of variance 1.

Wide, because that 1 is itself an estimate: three values know their variance within a factor of three only.
"""
NOISE = Prior(float(np.log(0.03)), 2.0)
"""Of the noise variance, for values of variance 1; it also holds what is too rough for the process to follow."""
_BLOCK = "inputs"
# Draws times rows, about: few rows leave the hyperparameters open, many make each draw expensive.
_WORK, _FEWEST, _MOST = 150, 2, 32


def length_prior(n_groups: int, median: float = 0.3) -> Prior:
    """Prior of the length scales of columns that each span a range of 1; `median` is that of one column.

    Distances grow with the square root of the number of columns, and the prior with them, as in `wide_length`. It is
    shorter than there: measured tables are rougher, and from a few rows nobody can tell (benchmarks/surrogates.py).
    """
    return Prior(float(np.log(median) + 0.5 * np.log(n_groups)), 1.0)


class GPSurrogate:
    """Constant + Matern-5/2 process with a length scale for each continuous column, fraction, category and molecule.

    The ranges of all columns count as 1. The prior of length scales grows with their number (`length_prior`). The
    constant has a normal prior as wide as the values and is marginalised. The other hyperparameters are drawn from
    their posterior near its top, 25 times beside six rows and twice beside many, and the draws averaged: the most
    probable ones alone promise far too much while rows are few.

    Parameters
    ----------
    columns : InputColumns
    averaged : bool
        False takes the most probable hyperparameters alone: quicker, bolder, and too sure while rows are few.

    Attributes
    ----------
    hyperparameters : dict of str to float
        Most probable values: length scales in ranges of the columns, variances in those of the measured values.
    noise_variance : float
        Expected variance of a new measurement about the function, in the square of the values' unit; 0 if the noise of
        every row was stated.
    """

    def __init__(self, columns: InputColumns, averaged: bool = True) -> None:
        self.columns, self.averaged = columns, averaged
        self._draws: list[tuple[Conditioned, float]] = []
        self._scale = Scale(0.0, 1.0)

    @cached_property
    def kernel(self) -> Kernel:
        """Covariance of two rows."""
        groups = self.columns.kernel_groups
        length = length_prior(len(set(groups)))
        return Sum((Constant(), Matern(_BLOCK, self.columns.kernel_columns, VARIANCE, length, groups)))

    def _blocks(self, inputs: ArrayLike) -> dict[str, FloatArray]:
        return {_BLOCK: self.columns.scaled(self.columns.checked(inputs))}

    def fit(self, inputs: ArrayLike, values: ArrayLike, noise: ArrayLike | None = None) -> Self:
        """Learn from measured rows; see `Surrogate`.

        Raises
        ------
        NavigationError
            If rows, values or noise don't fit the columns or one another.
        """
        blocks = self._blocks(inputs)
        measured = checked_values(values, len(blocks[_BLOCK]))
        sd = checked_noise(noise, len(measured))
        self._scale = Scale.of(measured, sd)
        process, rows = Process(self.kernel, NOISE if np.isnan(sd).any() else None), row_noise(sd, self._scale.unit)
        found = self._found = process.fit(blocks, self._scale.to(measured), rows)
        count = int(np.clip(round(_WORK / len(measured)), _FEWEST, _MOST))
        self._draws = process.drawn(found, rows, count) if self.averaged else [(found, 1.0)]
        names = (one.name for one in process.hyperparameters)
        self.hyperparameters: dict[str, float] = dict(zip(names, np.exp(found.theta).tolist(), strict=True))
        self.noise_variance = self._scale.unit**2 * sum(share * known.noise for known, share in self._draws)
        return self

    @property
    def bolder(self) -> GPSurrogate:
        """The same after `fit`, with the most probable hyperparameters alone: to choose by, not to tell intervals."""
        self._fitted()
        made = GPSurrogate(self.columns, averaged=False)
        made._draws, made._scale = [(self._found, 1.0)], self._scale
        made.hyperparameters, made.noise_variance = self.hyperparameters, self.noise_variance
        return made

    def _fitted(self) -> list[tuple[Conditioned, float]]:
        if not self._draws:
            raise NavigationError("this surrogate has learnt from no rows yet; call fit first")
        return self._draws

    def predict(self, inputs: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Mean and standard deviation of the noise-free function, shape (m,) each."""
        blocks = self._blocks(inputs)
        mean, square = np.zeros(len(blocks[_BLOCK])), np.zeros(len(blocks[_BLOCK]))
        for known, share in self._fitted():
            middle, variance = known.predict(blocks, noise=False)
            mean += share * middle
            square += share * (variance + middle**2)
        return self._scale.back(mean), self._scale.unit * np.sqrt(np.maximum(square - mean**2, 0.0))

    def sample(self, inputs: ArrayLike, count: int, generator: np.random.Generator) -> FloatArray:
        """Draw functions at all inputs together, shape (count, m)."""
        blocks, draws = self._blocks(few_enough(np.asarray(inputs))), self._fitted()
        which = generator.choice(len(draws), size=count, p=[share for _, share in draws])
        made = np.empty((count, len(blocks[_BLOCK])))
        for number in np.unique(which):
            mine = which == number
            mean, covariance = draws[number][0].joint(blocks)
            made[mine] = drawn(mean, covariance, int(mine.sum()), generator)
        return self._scale.back(made)
