"""A small network that learns in which features of a trajectory or spectrum rows are alike, and a process on these.

With the few dozen rows of a campaign a process on simple summaries (mean and highest temperature, time above a
threshold) is often as good or better: see benchmarks/trajectories.py and the manual before you choose this one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perospin.errors import NavigationError
from perospin.learning.estimators.gaussian_processes.kernels import Constant, Matern, Sum
from perospin.learning.estimators.gaussian_processes.marginal_likelihood import log_marginal, namespace, padded
from perospin.learning.estimators.gaussian_processes.process import NOISE, Conditioned, Process
from perospin.navigation.surrogates.columns import InputColumns
from perospin.navigation.surrogates.drawing import drawn, few_enough
from perospin.navigation.surrogates.plain import VARIANCE
from perospin.navigation.surrogates.sampling import by_nuts
from perospin.navigation.surrogates.structured import fill
from perospin.navigation.surrogates.surrogate import Scale, checked_noise, checked_values, row_noise

__all__ = ["DeepKernelSurrogate"]

FloatArray = NDArray[np.float64]
Array = Any  # NumPy's or JAX's

_JITTER = 1e-8
# Short trajectories: whole ones take a minute a fit.
_WARM_UP, _STATES, _DEPTH = 150, 150, 5


class DeepKernelSurrogate:
    """Network + Matern-5/2 process on its features, averaged over draws of all weights.

    One hidden layer of tanh; all weights have normal priors that keep the features at order 1, so that the network
    bends no more than the rows ask for. Weights, the process's variance and the noise are drawn from their posterior
    by NUTS: the most probable weights alone covered 40 % of new values with their 90 % intervals.

    Parameters
    ----------
    columns : InputColumns
        Such as the set points of an annealing profile.
    width, features : int
        Of the hidden layer; that the process sees.
    draws : int
        How many are averaged.
    seed : int

    Raises
    ------
    MissingExtraError
        Without NumPyro.

    Notes
    -----
    Wilson, Hu, Salakhutdinov and Xing, AISTATS 51, 370 (2016); that such a fit trusts itself too much unless weights
    are drawn: Ober, Rasmussen and van der Wilk, UAI 161, 1206 (2021).
    """

    def __init__(
        self, columns: InputColumns, width: int = 8, features: int = 2, draws: int = 30, seed: int = 0
    ) -> None:
        if min(width, features, draws) < 1:
            raise NavigationError("a deep kernel needs a width, features and draws of 1 or more")
        self.columns, self.width, self.features, self.draws, self.seed = columns, width, features, draws, seed
        self._known: list[tuple[FloatArray, Conditioned]] = []
        self._scale = Scale(0.0, 1.0)
        self._process = Process(
            Sum((Constant(), Matern("features", tuple(f"feature {j}" for j in range(features)), VARIANCE, None))), NOISE
        )
        self._inner = (len(columns.kernel_columns) + 1) * width
        self._weights = self._inner + width * features

    def _featured(self, weights: Array, scaled: Array) -> Array:
        """Features of rows; a weight of 1 has the usual size, whatever the widths are."""
        first = weights[: self._inner].reshape(-1, self.width)
        second = weights[self._inner : self._weights].reshape(self.width, self.features)
        inputs, xp = 2.0 * scaled - 1.0, namespace(weights, scaled)
        hidden = xp.tanh(inputs @ first[:-1] / np.sqrt(len(first) - 1) + first[-1])
        return hidden @ second / np.sqrt(self.width)

    def _theta(self, z: Array) -> Array:
        centre, spread = np.array([(one.prior.centre, one.prior.spread) for one in self._process.hyperparameters]).T
        return centre + spread * z[self._weights :]

    @cached_property
    def _sampler(self) -> Callable[[Any, int], FloatArray]:
        import jax.numpy as jnp

        def log_likelihood(z: Array, data: Any) -> Array:
            scaled, y, relative, known, real = data
            blocks, theta = {"features": self._featured(z, scaled)}, self._theta(z)
            noise = jnp.exp(theta[-1]) * relative + known + _JITTER
            return log_marginal(self._process.kernel(theta[:-1], blocks, blocks) + jnp.diag(noise), y, real)

        return by_nuts(log_likelihood, self._weights + len(self._process.hyperparameters), _WARM_UP, _STATES, _DEPTH)

    def fit(self, inputs: ArrayLike, values: ArrayLike, noise: ArrayLike | None = None) -> Self:
        """Learn from measured rows; see `Surrogate`.

        Raises
        ------
        NavigationError
            If rows, values or noise don't fit the columns or one another.
        """
        rows = self.columns.checked(inputs)
        measured = checked_values(values, len(rows))
        sd = checked_noise(noise, len(measured))
        self._scale = Scale.of(measured, sd)
        y, row = self._scale.to(measured), row_noise(sd, self._scale.unit)
        scaled, wide = self.columns.scaled(rows), fill(self.columns.scaled(rows))
        size = len(wide)
        data = (wide, padded(y, size), padded(row.relative, size), padded(row.known, size), np.arange(size) < len(y))
        found = self._sampler(data, self.seed)
        kept = np.linspace(0, len(found) - 1, min(self.draws, len(found))).round().astype(int)
        self._known = [
            (z, self._process.condition(self._theta(z), {"features": self._featured(z, scaled)}, y, row))
            for z in found[kept]
        ]
        return self

    def _fitted(self) -> list[tuple[FloatArray, Conditioned]]:
        if not self._known:
            raise NavigationError("this surrogate has learnt from no rows yet; call fit first")
        return self._known

    def predict(self, inputs: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Mean and standard deviation of the noise-free function, shape (m,) each."""
        scaled = self.columns.scaled(self.columns.checked(inputs))
        made = [
            known.predict({"features": self._featured(weights, scaled)}, noise=False)
            for weights, known in self._fitted()
        ]
        means, variances = (np.array(part) for part in zip(*made, strict=True))
        sd = np.sqrt(variances.mean(axis=0) + means.var(axis=0))
        return self._scale.back(means.mean(axis=0)), self._scale.unit * sd

    def sample(self, inputs: ArrayLike, count: int, generator: np.random.Generator) -> FloatArray:
        """Draw functions at all inputs together, shape (count, m)."""
        scaled, members = self.columns.scaled(few_enough(self.columns.checked(inputs))), self._fitted()
        which, made = generator.integers(0, len(members), count), np.empty((count, len(scaled)))
        for i, (weights, known) in enumerate(members):
            if (mine := np.flatnonzero(which == i)).size:
                mean, covariance = known.joint({"features": self._featured(weights, scaled)})
                made[mine] = drawn(mean, covariance, mine.size, generator)
        return self._scale.back(made)
