"""A small network that learns in which features of a trajectory or spectrum rows are alike, and a process on these.

With the few dozen rows of a campaign a process on simple summaries (mean and highest temperature, time above a
threshold) is often as good or better: see benchmarks/trajectories.py and the manual before you choose this one.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize

from perospin.errors import NavigationError
from perospin.learning.estimators.gaussian_processes.kernels import Constant, Matern, Sum
from perospin.learning.estimators.gaussian_processes.marginal_likelihood import log_marginal, namespace, padded
from perospin.learning.estimators.gaussian_processes.process import NOISE, Conditioned, Process
from perospin.navigation.surrogates.columns import InputColumns
from perospin.navigation.surrogates.drawing import drawn
from perospin.navigation.surrogates.plain import VARIANCE
from perospin.navigation.surrogates.structured import fill
from perospin.navigation.surrogates.surrogate import Scale, checked_noise, checked_values, row_noise

__all__ = ["DeepKernelSurrogate"]

FloatArray = NDArray[np.float64]
Array = Any  # NumPy's or JAX's

_JITTER = 1e-8
_STEPS = 150


class DeepKernelSurrogate:
    """Network + Matern-5/2 process on its features, several times over, averaged.

    One hidden layer of tanh; all weights have normal priors that keep the features at order 1, so that the network
    bends no more than the rows ask for. Weights, the process's variance and the noise are the most probable ones, from
    `members` different starts; the spread of these is part of the uncertainty.

    Parameters
    ----------
    columns : InputColumns
        Such as the set points of an annealing profile.
    width, features : int
        Of the hidden layer; that the process sees.
    members : int
    seed : int

    Notes
    -----
    Wilson, Hu, Salakhutdinov and Xing, AISTATS 51, 370 (2016); that such a fit trusts itself too much with few rows:
    Ober, Rasmussen and van der Wilk, UAI 161, 1206 (2021), hence the priors and the members.
    """

    def __init__(
        self, columns: InputColumns, width: int = 16, features: int = 2, members: int = 4, seed: int = 0
    ) -> None:
        if min(width, features, members) < 1:
            raise NavigationError("a deep kernel needs a width, features and members of 1 or more")
        self.columns, self.width, self.features, self.members, self.seed = columns, width, features, members, seed
        self._known: list[tuple[FloatArray, Conditioned]] = []
        self._scale = Scale(0.0, 1.0)
        self._process = Process(
            Sum((Constant(), Matern("features", tuple(f"feature {j}" for j in range(features)), VARIANCE, None))), NOISE
        )

    @property
    def _shapes(self) -> tuple[tuple[int, int], ...]:
        return ((len(self.columns.kernel_columns) + 1, self.width), (self.width, self.features))

    def _split(self, parameters: Array) -> list[Array]:
        (a, b), (c, d) = self._shapes
        return [parameters[: a * b].reshape(a, b), parameters[a * b : a * b + c * d].reshape(c, d)]

    def _featured(self, parameters: Array, scaled: Array) -> Array:
        """Features of rows; a weight of 1 has the usual size, whatever the widths are."""
        first, second = self._split(parameters)
        inputs, xp = 2.0 * scaled - 1.0, namespace(parameters, scaled)
        hidden = xp.tanh(inputs @ first[:-1] / np.sqrt(len(first) - 1) + first[-1])
        return hidden @ second / np.sqrt(self.width)

    @cached_property
    def _objective(self) -> Any:
        import jax
        import jax.numpy as jnp

        count, kernel = sum(rows * columns for rows, columns in self._shapes), self._process.kernel
        centres, spreads = np.array([(h.prior.centre, h.prior.spread) for h in self._process.hyperparameters]).T

        def minus_log_posterior(parameters: Array, data: Any) -> Array:
            scaled, y, relative, known, real = data
            blocks, theta = {"features": self._featured(parameters, scaled)}, parameters[count:]
            noise = jnp.exp(theta[-1]) * relative + known + _JITTER
            covariance = kernel(theta[:-1], blocks, blocks) + jnp.diag(noise)
            away = (theta - centres) / spreads
            prior = jnp.sum(parameters[:count] ** 2) + jnp.sum(away**2)
            return 0.5 * prior - log_marginal(covariance, y, real)

        return jax.jit(jax.value_and_grad(minus_log_posterior))

    def fit(self, inputs: ArrayLike, values: ArrayLike, noise: ArrayLike | None = None) -> Self:
        """Learn from measured rows; see `Surrogate`.

        Raises
        ------
        NavigationError
            If rows, values or noise don't fit the columns or one another.
        """
        import jax

        rows = self.columns.checked(inputs)
        measured = checked_values(values, len(rows))
        sd = checked_noise(noise, len(measured))
        self._scale = Scale.of(measured, sd)
        y, row = self._scale.to(measured), row_noise(sd, self._scale.unit)
        wide = fill(self.columns.scaled(rows))
        size, scaled = len(wide), self.columns.scaled(rows)
        data = (wide, padded(y, size), padded(row.relative, size), padded(row.known, size), np.arange(size) < len(y))
        count = sum(r * c for r, c in self._shapes)
        centres = np.array([one.prior.centre for one in self._process.hyperparameters])

        def objective(parameters: FloatArray) -> tuple[float, FloatArray]:
            value, slope = self._objective(parameters, data)
            return float(value), np.asarray(slope)

        self._known, generator = [], np.random.default_rng(self.seed)
        with jax.enable_x64(True):
            for _ in range(self.members):
                start = np.concatenate([generator.standard_normal(count), centres])
                found = minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": _STEPS}).x
                blocks = {"features": self._featured(found[:count], scaled)}
                self._known.append((found[:count], self._process.condition(found[count:], blocks, y, row)))
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
        scaled, members = self.columns.scaled(self.columns.checked(inputs)), self._fitted()
        which, made = generator.integers(0, len(members), count), np.empty((count, len(scaled)))
        for i, (weights, known) in enumerate(members):
            if (mine := np.flatnonzero(which == i)).size:
                mean, covariance = known.joint({"features": self._featured(weights, scaled)})
                made[mine] = drawn(mean, covariance, mine.size, generator)
        return self._scale.back(made)
