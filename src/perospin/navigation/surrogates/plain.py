"""A Gaussian process on mixed inputs that knows nothing of the physics."""

from __future__ import annotations

from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perospin.errors import NavigationError
from perospin.learning.estimators.gaussian_processes.hyperparameters import Prior
from perospin.learning.estimators.gaussian_processes.kernels import Constant, Kernel, Matern, Sum, wide_length
from perospin.learning.estimators.gaussian_processes.process import NOISE, Conditioned, Process
from perospin.navigation.surrogates.columns import InputColumns
from perospin.navigation.surrogates.drawing import drawn
from perospin.navigation.surrogates.surrogate import Scale, checked_noise, checked_values, row_noise

__all__ = ["GPSurrogate"]

FloatArray = NDArray[np.float64]

VARIANCE = Prior(0.0, 1.0)
"""Of the variance of the function, for values of variance 1."""
_BLOCK = "inputs"


class GPSurrogate:
    """Constant + Matern-5/2 process with a length scale for each continuous column, fraction, category and molecule.

    The ranges of all columns count as 1. The priors of length scales grow with their number (`wide_length`), so that
    the function is smooth until rows say otherwise and three rows are enough to begin with. The constant has a normal
    prior as wide as the values and is marginalised; the other hyperparameters are the most probable ones.

    Parameters
    ----------
    columns : InputColumns

    Attributes
    ----------
    hyperparameters : dict of str to float
        Most probable values: length scales in ranges of the columns, variances in those of the measured values.
    """

    def __init__(self, columns: InputColumns) -> None:
        self.columns = columns
        self._known: Conditioned | None = None
        self._scale = Scale(0.0, 1.0)

    @cached_property
    def kernel(self) -> Kernel:
        """Covariance of two rows."""
        groups = self.columns.kernel_groups
        length = wide_length(len(set(groups)))
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
        process = Process(self.kernel, NOISE if np.isnan(sd).any() else None)
        self._known = process.fit(blocks, self._scale.to(measured), row_noise(sd, self._scale.unit))
        self._names = tuple(one.name for one in process.hyperparameters)
        return self

    @property
    def _fitted(self) -> Conditioned:
        if self._known is None:
            raise NavigationError("this surrogate has learnt from no rows yet; call fit first")
        return self._known

    @property
    def hyperparameters(self) -> dict[str, float]:
        """See the class."""
        return dict(zip(self._names, np.exp(self._fitted.theta).tolist(), strict=True))

    def predict(self, inputs: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Mean and standard deviation of the noise-free function, shape (m,) each."""
        mean, variance = self._fitted.predict(self._blocks(inputs), noise=False)
        return self._scale.back(mean), self._scale.unit * np.sqrt(variance)

    def sample(self, inputs: ArrayLike, count: int, generator: np.random.Generator) -> FloatArray:
        """Draw functions at all inputs together, shape (count, m)."""
        return self._scale.back(drawn(*self._fitted.joint(self._blocks(inputs)), count, generator))
