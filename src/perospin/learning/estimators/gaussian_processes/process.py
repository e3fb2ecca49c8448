"""A Gaussian process of any kernel: its most probable hyperparameters, and what it says of new rows.

This is the engine of `StructuredGP`, and meant for programs that make a kernel themselves (see `kernels`) and add rows
one by one::

    kernel = Sum((Matern("process", ("temperature", "time"), VARIANCE), Same("solvent", VARIANCE)))
    known = Process(kernel).fit(blocks, y, RowNoise.of(len(y), None, y_sd, 1.0))
    mean, sd = known.predict(candidates)
    known = known.with_rows(next_blocks, next_y)           # same hyperparameters: O(n^2)
    known = Process(kernel).fit(all_blocks, all_y, start=known.theta)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, lapack, solve_triangular

from perospin.errors import StudyError
from perospin.learning.estimators.gaussian_processes.hyperparameters import (
    Hyperparameter,
    Prior,
    draws_about,
    most_probable,
)
from perospin.learning.estimators.gaussian_processes.kernels import Blocks, Kernel, Rows
from perospin.learning.estimators.gaussian_processes.likelihoods import (
    GAUSSIAN,
    Likelihood,
    RowNoise,
    expected_squares,
    reweighed,
)
from perospin.learning.estimators.gaussian_processes.marginal_likelihood import marginal_and_slope

__all__ = ["NOISE", "Conditioned", "Process"]

FloatArray = NDArray[np.float64]

NOISE = Prior(float(np.log(0.01)), 1.5)
"""Of the noise variance, for a target of variance 1."""
_JITTER = 1e-8
_REACH = 4.0
# Rounds of re-weighing rows under a heavy-tailed likelihood, at most.
_ROUNDS = 20
# Numbers of a covariance with new rows that are held at once; more would leave the processor's cache.
_BLOCK = 2**17


@dataclass(frozen=True, eq=False)
class Conditioned:
    """A process given rows, at fixed hyperparameters.

    Attributes
    ----------
    kernel : Kernel
    theta : ndarray, shape (k,) or (k + 1,)
        Logarithms of the kernel's hyperparameters and, last, of the noise variance if that is learnt.
    blocks : mapping
        Training rows.
    y : ndarray, shape (n,)
    factor : tuple
        Cholesky factor of the covariance of the targets, as scipy's ``cho_factor`` gives it.
    weights : ndarray, shape (n,)
        Inverse covariance times y.
    noise : float
        Noise variance of a new row.
    row_precision : ndarray, shape (n,)
        Expected factor of each row's precision (see `Likelihood`).
    log_posterior : float
        Of the hyperparameters, up to a constant.
    """

    kernel: Kernel
    theta: FloatArray
    blocks: Blocks
    y: FloatArray
    factor: tuple[FloatArray, bool]
    weights: FloatArray
    noise: float
    row_precision: FloatArray
    log_posterior: float = float("nan")

    @property
    def _kernel_theta(self) -> FloatArray:
        return self.theta[: len(self.kernel.hyperparameters)]

    def covariance(self, a: Blocks, b: Blocks) -> FloatArray:
        """Covariance of the noise-free function between rows before any was measured, shape (m, n)."""
        shape = tuple(len(next(iter(blocks.values()))) for blocks in (a, b))
        return np.asarray(np.broadcast_to(self.kernel(self._kernel_theta, a, b), shape))

    def mean(self, new: Blocks) -> FloatArray:
        """Mean at new rows, shape (m,)."""
        return np.concatenate([self.covariance(part, self.blocks) @ self.weights for part in self._parts(new)])

    def predict(self, new: Blocks, noise: bool = True) -> tuple[FloatArray, FloatArray]:
        """Mean and variance at new rows, shape (m,) each.

        Parameters
        ----------
        new : mapping
            Blocks of the rows.
        noise : bool
            Of a new measurement; of the function itself if False.
        """
        mean, variance = [], []
        inverse, _ = lapack.dtrtri(np.tril(self.factor[0]), lower=1)
        for part in self._parts(new):
            cross = self.covariance(part, self.blocks)
            white = cross @ inverse.T
            explained = np.einsum("mn,mn->m", white, white)
            own = (self.noise if noise else 0.0) + self.kernel.diagonal(self._kernel_theta, part)
            mean.append(cross @ self.weights)
            variance.append(np.maximum(own - explained, 0.0))
        return np.concatenate(mean), np.concatenate(variance)

    def joint(self, new: Blocks) -> tuple[FloatArray, FloatArray]:
        """Mean (m,) and covariance (m, m) of the function at new rows: to draw from, or to choose several at once."""
        cross = self.covariance(new, self.blocks)
        covariance = self.covariance(new, new) - cross @ cho_solve(self.factor, cross.T)
        return cross @ self.weights, 0.5 * (covariance + covariance.T)

    def with_rows(self, new: Blocks, y: FloatArray, noise: FloatArray | None = None) -> Conditioned:
        """Condition on further rows, hyperparameters as they are; `noise` is their variance if it is not `self.noise`.

        The factor is extended, not made anew: O(n^2) for each row.
        """
        target = np.atleast_1d(np.asarray(y, dtype=float))
        added = np.full(len(target), self.noise) if noise is None else np.asarray(noise, dtype=float)
        lower = np.tril(self.factor[0])
        side = solve_triangular(lower, self.covariance(self.blocks, new), lower=True)
        corner = self.covariance(new, new) + np.diag(added + _JITTER) - side.T @ side
        n, m = side.shape
        whole = np.zeros((n + m, n + m))
        whole[:n, :n], whole[n:, :n], whole[n:, n:] = lower, side.T, np.linalg.cholesky(corner)
        targets = np.concatenate([self.y, target])
        return replace(
            self,
            blocks={name: np.concatenate([self.blocks[name], np.asarray(new[name])]) for name in self.blocks},
            y=targets,
            factor=(whole, True),
            weights=cho_solve((whole, True), targets),
            row_precision=np.concatenate([self.row_precision, np.ones(m)]),
        )

    def _parts(self, new: Blocks) -> list[dict[str, Any]]:
        count = len(next(iter(new.values())))
        step = max(1, _BLOCK // len(self.y))
        return [
            {name: table[start : start + step] for name, table in new.items()}
            for start in range(0, max(count, 1), step)
        ]


@dataclass(frozen=True)
class Process:
    """A Gaussian process with mean 0, for targets of about variance 1.

    Attributes
    ----------
    kernel : Kernel
    noise : Prior or None
        Of the noise variance; None if all noise is stated with the rows.
    likelihood : Likelihood
    max_iter : int
        Steps of the optimiser.
    """

    kernel: Kernel
    noise: Prior | None = NOISE
    likelihood: Likelihood = GAUSSIAN
    max_iter: int = 100

    @property
    def hyperparameters(self) -> tuple[Hyperparameter, ...]:
        """Names and priors, in the order of `theta`."""
        noise = () if self.noise is None else (Hyperparameter("noise variance", self.noise),)
        return self.kernel.hyperparameters + noise

    @property
    def _priors(self) -> tuple[FloatArray, FloatArray]:
        centre, spread = np.array([(one.prior.centre, one.prior.spread) for one in self.hyperparameters]).T
        return centre, spread

    def _learnt(self, theta: FloatArray) -> float:
        return 0.0 if self.noise is None else float(np.exp(theta[-1]))

    def evidence(
        self, theta: FloatArray, rows: Rows, y: FloatArray, noise: RowNoise, precision: FloatArray
    ) -> tuple[float, FloatArray] | None:
        """Log marginal likelihood and its gradient; None where the covariance can't be factorised."""
        count = len(self.kernel.hyperparameters)
        value, pull = self.kernel.among(theta[:count], rows)
        covariance = np.zeros((rows.n, rows.n))
        covariance += value
        learnt, relative = self._learnt(theta), noise.relative / precision
        covariance[np.diag_indices_from(covariance)] += learnt * relative + noise.known / precision + _JITTER
        found = marginal_and_slope(covariance, y)
        if found is None:
            return None
        log_marginal, slope = found
        own = [] if self.noise is None else [learnt * float(np.diag(slope) @ relative)]
        return log_marginal, np.concatenate([pull(slope), own])

    def condition(
        self,
        theta: FloatArray,
        blocks: Blocks,
        y: FloatArray,
        noise: RowNoise,
        precision: FloatArray | None = None,
        log_posterior: float = float("nan"),
    ) -> Conditioned:
        """Condition on rows at given hyperparameters."""
        precision = np.ones(len(y)) if precision is None else precision
        theta = np.asarray(theta, dtype=float)
        kernel_theta = theta[: len(self.kernel.hyperparameters)]
        covariance = np.broadcast_to(self.kernel(kernel_theta, blocks, blocks), (len(y), len(y))).copy()
        learnt = self._learnt(theta)
        covariance[np.diag_indices_from(covariance)] += noise.variances(learnt) / precision + _JITTER
        factor = cho_factor(covariance, lower=True)
        weights = np.asarray(cho_solve(factor, y))
        own = learnt * self.likelihood.tail_factor
        return Conditioned(self.kernel, theta, blocks, y, factor, weights, own, precision, log_posterior)

    def fit(
        self, blocks: Blocks, y: FloatArray, noise: RowNoise | None = None, start: FloatArray | None = None
    ) -> Conditioned:
        """Find the most probable hyperparameters and condition on the rows.

        Parameters
        ----------
        blocks : mapping
            The kernel's blocks, each (n, n_columns).
        y : ndarray, shape (n,)
        noise : RowNoise, optional
            What is known of each row's noise.
        start : ndarray, optional
            Where to look first: the hyperparameters found before the last rows came. The priors' centres if None.

        Raises
        ------
        StudyError
            If the kernel's blocks are missing or rows don't fit together.
        """
        missing = [name for name in self.kernel.blocks if name not in blocks]
        if missing:
            raise StudyError(f"the kernel reads the columns '{missing[0]}', which the rows don't have")
        target = np.asarray(y, dtype=float)
        if any(len(table) != len(target) for table in blocks.values()):
            raise StudyError(f"{len(target)} targets need as many rows in every block of columns")
        rows = RowNoise.of(len(target), None, None, 1.0) if noise is None else noise
        centre, spread = self._priors
        training = Rows(blocks)

        def fit(precision: FloatArray, near: Conditioned | None) -> Conditioned:
            first = near.theta if near is not None else centre.copy() if start is None else np.asarray(start)
            theta, log_posterior = most_probable(
                lambda t: self.evidence(t, training, target, rows, precision),
                centre,
                spread,
                [first],
                _REACH,
                maxiter=self.max_iter,
                ftol=1e-7,
            )
            return self.condition(theta, blocks, target, rows, precision, log_posterior)

        def squares(precision: FloatArray, found: Conditioned) -> FloatArray:
            inverse = cho_solve(found.factor, np.eye(len(target)))
            variances = rows.variances(self._learnt(found.theta))
            return expected_squares(variances, precision, inverse @ target, np.diag(inverse), 1.0)

        return reweighed(self.likelihood, len(target), _ROUNDS, fit, squares)[0]

    def drawn(self, found: Conditioned, noise: RowNoise, count: int, seed: int = 0) -> list[tuple[Conditioned, float]]:
        """Draw hyperparameters from their posterior, near what `fit` found with this noise (see `draws_about`).

        Returns
        -------
        list of (Conditioned, float)
            Different draws and their shares: to be averaged, where a few rows leave the hyperparameters open.
        """
        rows = Rows(found.blocks)
        draws = draws_about(
            found.theta,
            lambda theta: self.evidence(theta, rows, found.y, noise, found.row_precision),
            *self._priors,
            _REACH,
            count,
            seed,
        )
        different, times = np.unique(draws, axis=0, return_counts=True)
        return [
            (self.condition(theta, found.blocks, found.y, noise, found.row_precision), float(share))
            for theta, share in zip(different, times / count, strict=True)
        ]
