"""A law with unknown parameters, and a Gaussian process for how far the truth is from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import cho_solve

from perospin.errors import NavigationError
from perospin.learning.estimators.gaussian_processes.hyperparameters import Draws, Group, Sampler
from perospin.learning.estimators.gaussian_processes.kernels import Kernel, Linear, Matern, Pairs, Sum, matern
from perospin.learning.estimators.gaussian_processes.likelihoods import RowNoise
from perospin.learning.estimators.gaussian_processes.marginal_likelihood import log_densities, log_marginal, padded
from perospin.learning.estimators.gaussian_processes.process import Conditioned, Process
from perospin.navigation.surrogates.columns import InputColumns
from perospin.navigation.surrogates.drawing import drawn, few_enough
from perospin.navigation.surrogates.means import Mean
from perospin.navigation.surrogates.plain import length_prior
from perospin.navigation.surrogates.priors import LogNormal, Prior
from perospin.navigation.surrogates.sampling import by_nuts
from perospin.navigation.surrogates.surrogate import Scale, checked_noise, checked_values

__all__ = ["Deviation", "StructuredSurrogate"]

FloatArray = NDArray[np.float64]
Array = Any  # NumPy's or JAX's

# Rows are filled up to this size, and twice, four times ... that: a law is compiled anew only then.
_SMALLEST = 16
# States of the sampler, twice as many up to some number of rows; chains that make them.
_STATES, _FEW_ROWS, _CHAINS = 1024, 32, 64
_WARM_UP, _NUTS_DRAWS = 1000, 2000
_JITTER = 1e-8
# Log likelihood where a law has no finite value.
_HOPELESS = -1e10
# Rows of which a law's values are held for all draws at once.
_MOST = 4096

VARIANCE, NOISE = LogNormal(0.1, 4.0), LogNormal(0.01, 4.5)


@dataclass(frozen=True)
class Deviation:
    """Priors of the Gaussian process about a law, and of the noise.

    Attributes
    ----------
    variance : Prior
        Of the variance of the process, for values of variance 1.
    noise : Prior
        Of the noise variance, for values of variance 1; counts where a row's noise isn't known.
    length : Prior or None
        Of the length scales, in ranges of the columns; None for one that grows with the number of columns.
    unit : float or None
        What the values are divided by, for which the two variances are stated; None for their standard deviation.
    """

    variance: Prior = VARIANCE
    noise: Prior = NOISE
    length: Prior | None = None
    unit: float | None = None


@dataclass(frozen=True)
class _Problem:
    """A law, the process about it, and where the parameters stand in the sampled vector."""

    columns: InputColumns
    mean: Mean
    deviation: Deviation

    @property
    def lengths(self) -> tuple[str, ...]:
        """Groups of columns that have a length scale each."""
        return tuple(dict.fromkeys(self.columns.kernel_groups))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the sampled parameters: those of the law, length scales, variance and noise variance."""
        return (*self.mean.priors, *(f"length of {name}" for name in self.lengths), "variance", "noise variance")

    @property
    def priors(self) -> tuple[Prior, ...]:
        """Priors of the same."""
        length = self.deviation.length
        if length is None:
            usual = length_prior(len(self.lengths), median=0.5)  # what a law leaves over is smoother
            length = LogNormal(float(np.exp(usual.centre)), float(np.exp(usual.spread)))
        own = (self.deviation.variance, self.deviation.noise)
        return (*self.mean.priors.values(), *(length,) * len(self.lengths), *own)

    @property
    def kernel(self) -> Kernel:
        """Of the process and of the law's linear parameters."""
        matern = Matern("inputs", self.columns.kernel_columns, _FREE, _FREE, self.columns.kernel_groups)
        basis = tuple(self.mean.linear)
        return Sum((matern, Linear("basis", basis, None))) if basis else matern

    def values(self, z: Array) -> list[Array]:
        """Parameters of a point of the sampled space, in the order of `names`."""
        return [prior.value(z[j]) for j, prior in enumerate(self.priors)]

    def law(self, values: list[Array]) -> dict[str, Array]:
        """Those of the law."""
        return dict(zip(self.mean.priors, values, strict=False))

    def log_likelihood(self, z: Array, data: Any) -> Array:
        """Log density of the measured values, linear parameters integrated, in JAX."""
        import jax.numpy as jnp

        inputs, scaled, y, known, relative, real, unit = data
        values = self.values(z)
        table = {name: inputs[:, j] for j, name in enumerate(self.columns.names)}
        centre, basis = self.mean.parts(table, self.law(values), jnp.zeros_like(y))
        blocks = {"inputs": scaled, "basis": basis / unit}
        *lengths, variance, noise = values[len(self.mean.priors) :]
        theta = jnp.log(jnp.stack([variance, *lengths]))
        covariance = self.kernel(theta, blocks, blocks) + jnp.diag(known + noise * relative + _JITTER)
        return log_marginal(covariance, y - centre / unit, real) - jnp.sum(real) * jnp.log(unit)

    @cached_property
    def _compiled(self) -> Callable[[FloatArray, FloatArray], tuple[Array, Array]]:
        import jax
        import jax.numpy as jnp

        def one(values: Array, inputs: Array) -> tuple[Array, Array]:
            table = {name: inputs[:, j] for j, name in enumerate(self.columns.names)}
            return self.mean.parts(table, self.law(list(values)), jnp.zeros(len(inputs)))

        return jax.jit(jax.vmap(one, (0, None)))

    def law_at(self, z: FloatArray, rows: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Law at rows (n, d) for points (p, k) of the sampled space: centres (p, n) and scaled slopes (p, n, l).

        Points and rows are filled up to fixed numbers, so that a law is compiled once for all of them.
        """
        import jax

        filled, found = fill(rows), []
        values = np.stack([*self.values_at(z)[: len(self.mean.priors)], z[:, 0]], axis=1)  # one column at least
        with jax.enable_x64(True):
            for start in range(0, len(z), _CHAINS):
                few = values[start : start + _CHAINS]
                made = self._compiled(np.concatenate([few, np.repeat(few[:1], _CHAINS - len(few), axis=0)]), filled)
                found.append([np.asarray(part)[: len(few), : len(rows)] for part in made])
        centres, slopes = zip(*found, strict=True)
        return np.concatenate(centres), np.concatenate(slopes)

    def values_at(self, z: FloatArray) -> list[FloatArray]:
        """Parameters of points (p, k), in the order of `names`, (p,) each."""
        import jax

        with jax.enable_x64(True):
            return [np.asarray(prior.value(z[:, j]), dtype=float) for j, prior in enumerate(self.priors)]


def fill(rows: FloatArray) -> FloatArray:
    """Rows, and the first one again, where every law has a value, up to one of few sizes."""
    size = _SMALLEST
    while size < len(rows):
        size *= 2
    return np.concatenate([rows, np.repeat(rows[:1], size - len(rows), axis=0)])


# The core's kernel knows which hyperparameters are learnt by their having a prior; these come from `Deviation`.
_FREE: Any = object()


@lru_cache(maxsize=64)
def _problem(columns: InputColumns, mean: Mean, deviation: Deviation) -> _Problem:
    """Keep what was compiled for a law, for surrogates that are made anew."""
    return _Problem(columns, mean, deviation)


class _Likelihood:
    """Measured rows, in the unit, and the likelihood of many points of the sampled space at once."""

    def __init__(self, problem: _Problem, rows: FloatArray, y: FloatArray, noise: RowNoise, unit: float) -> None:
        self.problem, self.y, self.noise, self.unit = problem, y / unit, noise, unit
        self.rows = rows
        scaled = problem.columns.scaled(rows)
        groups = problem.columns.kernel_groups
        self.pairs = Pairs(scaled)
        member = np.array([[group == name for name in problem.lengths] for group in groups], dtype=float)
        self.squares = (member / member.sum(axis=0)).T @ self.pairs.squares
        self.constant = -len(y) * (0.5 * float(np.log(2.0 * np.pi)) + float(np.log(unit)))

    def __call__(self, draws: Draws) -> FloatArray:
        """Log density of the measured values, linear parameters integrated, shape (p,)."""
        parts = [self._few(draws.values[start : start + _CHAINS]) for start in range(0, len(draws.values), _CHAINS)]
        return np.concatenate(parts)

    def _few(self, z: FloatArray) -> FloatArray:
        n = len(self.y)
        centre, basis = (part / self.unit for part in self.problem.law_at(z, self.rows))
        values = self.problem.values_at(z)
        *lengths, variance, noise = values[len(self.problem.mean.priors) :]
        process = matern(np.stack(lengths, axis=1) ** -2.0 @ self.squares)
        process *= variance[:, None]
        covariance = self.pairs.matrices(process)
        if basis.shape[2]:
            covariance += basis @ basis.transpose(0, 2, 1)
        covariance[:, np.arange(n), np.arange(n)] += noise[:, None] * self.noise.relative + self.noise.known + _JITTER
        residual = self.y - centre
        found = np.full(len(z), _HOPELESS)
        sound = np.flatnonzero(np.isfinite(covariance).all(axis=(1, 2)) & np.isfinite(residual).all(axis=1))
        if len(sound):
            found[sound] = log_densities(covariance[sound], residual[sound]) + self.constant
        return found


class StructuredSurrogate:
    """Law + Gaussian process + noise, with everything unknown drawn from its posterior.

    Each prediction is the average over draws of the parameters; its variance is the mean of their variances plus the
    variance of their means.

    Parameters
    ----------
    columns : InputColumns
    mean : Mean
        The law; see `perospin.navigation.surrogates.means`.
    deviation : Deviation, optional
        Priors of the process about the law.
    draws : int
        How many are averaged in predictions.
    seed : int
    sampler : {"annealed", "nuts"}
        The second needs NumPyro and gives no evidence.
    effort : int
        How many times the usual number of particles or steps.

    Attributes
    ----------
    evidence : float
        Log of the probability of the measured values under this law, everything unknown integrated.
    parameters : dict of str to ndarray
        Posterior draws of the law's parameters, linear ones included, of the length scales (in ranges of the columns)
        and of the two variances (in `Deviation.unit` squared), (draws,) each.

    Raises
    ------
    NavigationError
        If the law doesn't fit the columns.

    Notes
    -----
    Ziatdinov et al., arXiv:2108.10280 (2021); for the integral over linear parameters Rasmussen and Williams, Gaussian
    Processes for Machine Learning (2006), 2.7.
    """

    def __init__(
        self,
        columns: InputColumns,
        mean: Mean,
        deviation: Deviation | None = None,
        draws: int = 64,
        seed: int = 0,
        sampler: str = "annealed",
        effort: int = 1,
    ) -> None:
        if sampler not in ("annealed", "nuts"):
            raise NavigationError(f"the sampler of a structured surrogate is 'annealed' or 'nuts', not '{sampler}'")
        mean.check(columns)
        self.columns = columns
        self.mean = mean
        self.deviation = Deviation() if deviation is None else deviation
        self.draws, self.seed, self.sampler, self.effort = draws, seed, sampler, effort
        self._problem = _problem(columns, mean, self.deviation)
        self._draws: list[Conditioned] = []
        self._unit = 1.0

    def fit(self, inputs: ArrayLike, values: ArrayLike, noise: ArrayLike | None = None) -> Self:
        """Learn from measured rows; see `Surrogate`.

        Raises
        ------
        NavigationError
            If rows, values or noise don't fit the columns or one another, or no parameters explain the values.
        """
        rows = self.columns.checked(inputs)
        measured = checked_values(values, len(rows))
        sd = checked_noise(noise, len(measured))
        self._unit = Scale.of(measured, sd).unit if self.deviation.unit is None else self.deviation.unit
        unknown = np.isnan(sd)
        known, relative = np.where(unknown, 0.0, sd / self._unit) ** 2, unknown.astype(float)
        likelihood = _Likelihood(self._problem, rows, measured, RowNoise(relative, known), self._unit)
        draws, self.evidence = self._nuts(likelihood) if self.sampler == "nuts" else self._annealed(likelihood)
        if self.evidence <= _HOPELESS / 2.0:
            raise NavigationError(f"no parameters give the law '{self.mean.name}' a finite value at all measured rows")
        self._condition(draws, likelihood)
        return self

    def _annealed(self, likelihood: _Likelihood) -> tuple[FloatArray, float]:
        sampler = Sampler(likelihood, [Group(len(self._problem.names), 0.0, 1.0, switched=True)], selection=False)
        states = _STATES * (2 if len(likelihood.y) <= _FEW_ROWS else 1)
        draws = sampler.sample(self.effort * states, _CHAINS, self.draws, self.seed)
        return draws.values, sampler.log_evidence

    def _nuts(self, likelihood: _Likelihood) -> tuple[FloatArray, float]:
        sampler = by_nuts(
            self._problem.log_likelihood, len(self._problem.names), self.effort * _WARM_UP, self.effort * _NUTS_DRAWS
        )
        filled, n = fill(likelihood.rows), len(likelihood.y)
        size = len(filled)
        wide = (padded(values, size) for values in (likelihood.y, likelihood.noise.known, likelihood.noise.relative))
        scaled = self.columns.scaled(filled)
        draws = sampler((filled, scaled, *wide, np.arange(size) < n, np.float64(self._unit)), self.seed)
        return draws[np.linspace(0, len(draws) - 1, min(self.draws, len(draws))).round().astype(int)], float("nan")

    def _condition(self, z: FloatArray, likelihood: _Likelihood) -> None:
        """Condition the process of each draw on the measured rows."""
        process, count = Process(self._problem.kernel, _FREE), len(self.mean.priors)
        self._z, values = z, self._problem.values_at(z)
        *lengths, variance, noise = values[count:]
        thetas = np.log(np.stack([variance, *lengths, np.maximum(noise, 1e-300)], axis=1))
        y = likelihood.y
        self._draws = [
            process.condition(theta, blocks, y - centre, likelihood.noise)
            for theta, (centre, blocks) in zip(thetas, self._laws(likelihood.rows), strict=True)
        ]
        self._values = dict(zip(self._problem.names, values, strict=True))

    def _laws(self, rows: FloatArray) -> Iterator[tuple[FloatArray, dict[str, FloatArray]]]:
        """Of each draw: its law at rows, in the unit, and the blocks of its kernel."""
        scaled = self.columns.scaled(rows)
        for centre, basis in zip(*self._problem.law_at(self._z, rows), strict=True):
            finite = np.isfinite(centre) & np.isfinite(basis).all(axis=1)
            if not finite.all():
                raise NavigationError(
                    f"the law '{self.mean.name}' has no finite value at row {int(np.argmin(finite))} of the inputs"
                )
            blocks = {"inputs": scaled, "basis": basis / self._unit} if self.mean.linear else {"inputs": scaled}
            yield centre / self._unit, blocks

    def _fitted(self) -> list[Conditioned]:
        if not self._draws:
            raise NavigationError("this surrogate has learnt from no rows yet; call fit first")
        return self._draws

    @property
    def parameters(self) -> dict[str, FloatArray]:
        """See the class."""
        draws, generator = self._fitted(), np.random.default_rng(self.seed)
        made, linear = dict(self._values), []
        for known in draws if self.mean.linear else ():
            basis = np.asarray(known.blocks["basis"])
            covariance = np.eye(basis.shape[1]) - basis.T @ cho_solve(known.factor, basis)
            linear.append(drawn(basis.T @ known.weights, 0.5 * (covariance + covariance.T), 1, generator)[0])
        for j, (name, prior) in enumerate(self.mean.linear.items()):
            made[name] = prior.mean + prior.sd * np.array([z[j] for z in linear])
        return made

    def predict(self, inputs: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Mean and standard deviation of the noise-free function, shape (m,) each."""
        rows, draws = self.columns.checked(inputs), self._fitted()
        parts = [self._averaged(rows[start : start + _MOST], draws) for start in range(0, len(rows), _MOST)]
        mean, variance = np.concatenate(parts, axis=1) if parts else np.zeros((2, 0))
        return self._unit * mean, self._unit * np.sqrt(variance)

    def _averaged(self, rows: FloatArray, draws: list[Conditioned]) -> FloatArray:
        """Mean and variance at some rows, in the unit, shape (2, m)."""
        mean, square = np.zeros(len(rows)), np.zeros(len(rows))
        for known, (centre, blocks) in zip(draws, self._laws(rows), strict=True):
            middle, variance = known.predict(blocks, noise=False)
            mean += (middle + centre) / len(draws)
            square += (variance + (middle + centre) ** 2) / len(draws)
        return np.stack([mean, np.maximum(square - mean**2, 0.0)])

    def sample(self, inputs: ArrayLike, count: int, generator: np.random.Generator) -> FloatArray:
        """Draw functions at all inputs together, shape (count, m)."""
        rows, draws = few_enough(self.columns.checked(inputs)), self._fitted()
        which, made = generator.integers(0, len(draws), count), np.empty((count, len(rows)))
        for i, (known, (centre, blocks)) in enumerate(zip(draws, self._laws(rows), strict=True)):
            mine = np.flatnonzero(which == i)
            if mine.size:
                mean, covariance = known.joint(blocks)
                made[mine] = centre + drawn(mean, covariance, mine.size, generator)
        return self._unit * made
