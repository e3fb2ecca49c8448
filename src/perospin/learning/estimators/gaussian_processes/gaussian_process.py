"""Gaussian-process regression with automatic relevance, averaged over its hyperparameters.

Of the three Gaussian processes here this is the general one: any columns, nothing known of their scales, relevance
learnt, heavy-tailed noise. The other two exist because they can do what it can't. `PriorAveragedGP` fixes the columns'
scales by physics beforehand, so that no covariance matrix depends on a fold and thousands of prior draws are shared by
all folds: the plain sum over a stated prior that the 52-material study was declared with, and far faster there.
`StructuredGP` has products of kernels, which a table with crossed factors (metal x halide x cation) needs: there the
general process loses a tenth of R2 when a cation is left out (0.83 against 0.93 on the 192 gaps).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import expit, gammaln, logsumexp
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from perospin.errors import StudyError
from perospin.learning.estimators.gaussian_processes.tails import (
    LIKELIHOODS,
    check_likelihood,
    row_precision,
    tail_factor,
)
from perospin.learning.estimators.kinds.kind import Kind
from perospin.learning.estimators.kinds.terms import Take, Term, matern_term, remembered
from perospin.learning.options import MOST_DRAWS, Option
from perospin.learning.training.weights import checked_weights, checked_y_sd

__all__ = ["GaussianProcess", "matern"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

# Weak inverse-gamma prior on the total variance of the standardised target, worth one observation of variance 1.
_SHAPE, _RATE = 0.5, 0.5
# Standard deviation of the logarithm of the total variance about 0, where it has to be drawn or optimised too.
_VARIANCE_SPREAD = 1.5
# Rounds of re-weighing rows under a heavy-tailed likelihood, at most; a round of the sampler costs seconds.
_ROUNDS = {"map": 20, "average": 4}
# Change of the rows' factors of precision at which the rounds stop.
_SETTLED = 0.01
# How much longer the chains of the last annealing step run.
_LAST = 3


@dataclass
class _Particles:
    """Hyperparameter draws: noise logit (p,), log length scales (p, d), included columns (p, d), log variance (p,).

    The log variance is 0 and has no part where the variance is integrated out.
    """

    noise: FloatArray
    log_scale: FloatArray
    included: BoolArray
    log_variance: FloatArray

    def __getitem__(self, index: NDArray[np.int64]) -> _Particles:
        return _Particles(self.noise[index], self.log_scale[index], self.included[index], self.log_variance[index])

    def inverse_squares(self) -> FloatArray:
        """1 / length scale squared, 0 for columns left out, shape (p, d)."""
        return np.asarray(np.where(self.included, np.exp(-2.0 * self.log_scale), 0.0))


@dataclass
class _Solved:
    """Inverse covariances (p, n, n), their row sums u (p, n) and sums (p,), v = C^-1 (y - constant), constants (p,)."""

    inverse: FloatArray
    u: FloatArray
    ones: FloatArray
    v: FloatArray
    constant: FloatArray


def matern(r2: FloatArray) -> FloatArray:
    """Matern-5/2 correlation at squared scaled distance; works in place on r2."""
    s = np.sqrt(np.multiply(r2, 5.0, out=r2), out=r2)
    decay = np.exp(-s)
    s += np.square(s) / 3.0
    s += 1.0
    s *= decay
    return s


class GaussianProcess(RegressorMixin, BaseEstimator):
    """Gaussian process: constant + Matern-5/2 with one length scale a column + noise.

    With s^2 the total variance and f the share of noise, the covariance of two rows is
    s^2 ((1 - f) M(r) + f [same row]), M(r) = (1 + q + q^2/3) exp(-q), q = sqrt(5) r,
    r^2 = sum_j included_j ((x_j - x'_j) / l_j)^2, columns scaled to standard deviation 1. The constant has a flat
    prior and s^2 an inverse-gamma prior worth one observation; both are integrated in closed form. The others:

    - logit f ~ Normal(logit `noise_share`, `noise_spread`),
    - log l_j ~ Normal(log `length_scale`, `length_spread`),
    - which columns take part: the number of included columns is uniform on 0...d and every set of that size is
      equally likely (so a column must earn its place, whatever the number of candidates).

    A row of weight w has its noise variance divided by w. A row whose target is known to within `y_sd` has y_sd^2 added
    to its noise; the variance s^2 then can't be integrated in closed form and is treated like the other
    hyperparameters, log s^2 ~ Normal(0, 1.5) for a target of variance 1.

    ``likelihood="student_t"`` gives the noise heavy tails (Student's t with `dof` degrees of freedom), so that a few
    wild rows don't bend the law or pass for noise everywhere. The t is a Gaussian whose precision is multiplied by a
    factor of each row; the factors' posterior and that of everything else are found by turns (variational Bayes): fit
    with the rows' expected factors, then factor = (dof + 1) / (dof + expected squared residual in units of the noise).

    ``mode="average"`` draws all of these from their posterior by annealed sequential Monte Carlo and averages
    the predictions: no setting is chosen. ``mode="map"`` includes every column and takes the most probable
    values (L-BFGS from several starts): much faster, for larger tables.

    Parameters
    ----------
    mode : {"average", "map"}
        See above.
    n_particles : int
        States of the sampler at each annealing step (average).
    n_chains : int
        Chains that make them, each `n_particles` / `n_chains` Metropolis steps long (average).
    n_draws : int
        Posterior draws that are kept and averaged in a prediction (average).
    selection : bool
        Let columns drop out as described (average); every column takes part if False.
    n_starts : int
        Starts of the optimiser (map): the prior's median, then prior draws.
    length_scale, length_spread, noise_share, noise_spread : float
        Priors, for columns of standard deviation 1.
    likelihood : {"gaussian", "student_t"}
        Of the noise.
    dof : float
        Degrees of freedom of the t, above 2; it says how wild a wild row is, and isn't learnt.
    seed : int
        Of all draws.

    Attributes
    ----------
    inclusion_ : ndarray, shape (n_features,)
        Posterior probability that a column takes part.
    length_scales_ : ndarray, shape (n_features,)
        Posterior median (map: value) of the length scales, in standard deviations of the column.
    noise_share_ : float
        Posterior mean of f.
    row_precision_ : ndarray, shape (n_rows,)
        Expected factor of each training row's precision: 1 under Gaussian noise, far below 1 for a row that the
        t-likelihood takes for an outlier.

    Notes
    -----
    Rasmussen and Williams, Gaussian Processes for Machine Learning (2006), 2.7 for the flat constant, 5.1 for
    relevance; Del Moral, Doucet and Jasra, J. R. Stat. Soc. B 68, 411 (2006) for the
    sampler and Dau and Chopin, J. R. Stat. Soc. B 84, 114 (2022) for its use of every state; Scott and Berger,
    Ann. Stat. 38, 2587 (2010) for the prior on sets of columns; Tipping and Lawrence, Neurocomputing 69, 123 (2005)
    for the variational treatment of t-noise.
    """

    about: ClassVar[Kind] = Kind(
        "gp",
        "Gaussian process with automatic relevance",
        {
            "mode": Option("average", "average over all settings, or the most probable one", words=("average", "map")),
            "n_particles": Option(2048, "states of the sampler at each step", low=2, high=MOST_DRAWS, whole=True),
            "n_chains": Option(64, "chains that make them", low=2, high=MOST_DRAWS, whole=True),
            "n_draws": Option(128, "draws that a prediction averages", low=1, high=MOST_DRAWS, whole=True),
            "selection": Option(True, "let columns drop out"),
            "n_starts": Option(2, "starts of the optimiser (map)", low=1, high=10_000, whole=True),
            "length_scale": Option(3.0, "prior median of the length scales, in standard deviations", above=0.0),
            "length_spread": Option(1.0, "prior spread of their logarithms", above=0.0),
            "noise_share": Option(0.3, "prior median of the share of noise", above=0.0, below=1.0),
            "noise_spread": Option(1.5, "prior spread of its logit", above=0.0),
            "likelihood": Option("gaussian", "of the noise", words=LIKELIHOODS),
            "dof": Option(4.0, "degrees of freedom of the t-likelihood", above=2.0),
        },
        references=("Rasmussen2006GaussianProcesses",),
        cites_if=(
            ({"mode": "average"}, ("DelMoral2006Samplers", "Dau2022WasteFree")),
            ({"mode": "average", "selection": True}, ("Scott2010Multiplicity",)),
            ({"likelihood": "student_t"}, ("Tipping2005StudentT",)),
        ),
    )

    def array_terms(self, columns: tuple[str, ...], take: Take) -> Iterator[Term]:
        """One term for each posterior draw that a prediction averages."""
        shares = self._y_sd / len(self._weights) * self._weights
        scaled = remembered(lambda table: (take(table) - self._x_mean) / self._x_sd)
        for precision, weights in zip(self._inverse_squares, shares, strict=True):
            yield from matern_term(precision, self._x, weights, columns, scaled)

    def __init__(
        self,
        mode: str = "average",
        n_particles: int = 2048,
        n_chains: int = 64,
        n_draws: int = 128,
        selection: bool = True,
        n_starts: int = 2,
        length_scale: float = 3.0,
        length_spread: float = 1.0,
        noise_share: float = 0.3,
        noise_spread: float = 1.5,
        likelihood: str = "gaussian",
        dof: float = 4.0,
        seed: int = 0,
    ) -> None:
        self.mode = mode
        self.n_particles = n_particles
        self.n_chains = n_chains
        self.n_draws = n_draws
        self.selection = selection
        self.n_starts = n_starts
        self.length_scale = length_scale
        self.length_spread = length_spread
        self.noise_share = noise_share
        self.noise_spread = noise_spread
        self.likelihood = likelihood
        self.dof = dof
        self.seed = seed

    # -- fitting ---------------------------------------------------------------------------------------------

    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None, y_sd: ArrayLike | None = None
    ) -> GaussianProcess:
        """Learn from X of shape (n_rows, n_features) and y of shape (n_rows,); both are scaled inside.

        Parameters
        ----------
        X, y : array_like
            Training rows.
        sample_weight, y_sd : array_like, shape (n_rows,), optional
            Weight of each row (a row of weight 0 is left out) and standard deviation of its target.

        Raises
        ------
        StudyError
            If the mode or the likelihood is unknown or a setting is out of range.
        """
        if self.mode not in ("average", "map"):
            raise StudyError(f"unknown mode '{self.mode}' of the Gaussian process; known are average, map")
        if min(self.n_particles, self.n_chains) < 2 or min(self.n_draws, self.n_starts) < 1:
            raise StudyError("a Gaussian process needs at least 2 particles, 2 chains, 1 draw and 1 start")
        if not 0.0 < self.noise_share < 1.0:
            raise StudyError(f"the prior share of noise must lie between 0 and 1, not {self.noise_share}")
        check_likelihood(self.likelihood, self.dof)
        values, target = validate_data(self, X, y, dtype=float, y_numeric=True, ensure_min_samples=2)
        target = np.asarray(target, dtype=float)
        weights, sd = checked_weights(sample_weight, len(target)), checked_y_sd(y_sd, len(target))
        if weights is not None:
            kept = weights > 0
            values, target, weights = values[kept], target[kept], weights[kept]
            sd = None if sd is None else sd[kept]
        self._x_mean, self._x_sd = values.mean(axis=0), values.std(axis=0)
        self._x_sd = np.where(self._x_sd > 0, self._x_sd, 1.0)
        self._y_mean, spread = float(target.mean()), float(target.std())
        self._y_sd = spread if spread > 0 else 1.0
        self._x = (values - self._x_mean) / self._x_sd
        self._y = (target - self._y_mean) / self._y_sd
        self._relative = np.ones(len(target)) if weights is None else 1.0 / weights
        self._known = None if sd is None else (sd / self._y_sd) ** 2
        self._set_up()
        self.row_precision_ = np.ones(len(target))
        draws = self._draws()
        if self.likelihood == "student_t":
            for _ in range(_ROUNDS[self.mode]):
                before = self.row_precision_
                self.row_precision_ = row_precision(self._squared_residuals(draws), self.dof)
                draws = self._draws(draws)
                if np.abs(self.row_precision_ - before).max() < _SETTLED:
                    break
        self._finish(draws)
        return self

    def _draws(self, near: _Particles | None = None) -> _Particles:
        """Hyperparameters for the rows as they are weighed now; `near` is where the last round found them."""
        return self._sample() if self.mode == "average" else self._optimise(near)

    def _set_up(self) -> None:
        """Squared distances of all pairs of training rows, and where each pair goes in the matrix."""
        n, d = self._x.shape
        first, second = np.tril_indices(n)
        self._pairs = ((self._x[first] - self._x[second]) ** 2).T.copy()
        where = np.zeros((n, n), dtype=np.int64)
        where[first, second] = where[second, first] = np.arange(first.size)
        self._where = where.ravel()

    def _correlations(self, draws: _Particles) -> FloatArray:
        """Covariances of the training rows, (p, n, n), noise included, in units of s^2 where that is integrated."""
        n = len(self._y)
        signal = matern(draws.inverse_squares() @ self._pairs)
        share = expit(draws.noise)[:, None]
        signal *= 1.0 - share
        matrix = signal.take(self._where, axis=1).reshape(-1, n, n)
        matrix[:, np.arange(n), np.arange(n)] += share * (self._relative / self.row_precision_) + 1e-10
        if self._known is not None:
            matrix *= np.exp(draws.log_variance)[:, None, None]
            matrix[:, np.arange(n), np.arange(n)] += self._known / self.row_precision_
        return matrix

    def _log_likelihood(self, draws: _Particles) -> FloatArray:
        """Log marginal likelihood of the training targets, constant and variance integrated, shape (p,)."""
        n = len(self._y)
        # One factorisation of the matrix bordered by y and 1 gives the determinant and both whitened vectors.
        bordered = np.zeros((len(draws.noise), n + 2, n + 2))
        bordered[:, :n, :n] = self._correlations(draws)
        bordered[:, n, :n], bordered[:, n + 1, :n] = self._y, 1.0
        bordered[:, n, n] = bordered[:, n + 1, n + 1] = 1e14
        factor = np.linalg.cholesky(bordered)
        diagonal = np.diagonal(factor, axis1=1, axis2=2)[:, :n]
        y, one = factor[:, n, :n], factor[:, n + 1, :n]
        ones = np.einsum("pi,pi->p", one, one)
        residual = np.einsum("pi,pi->p", y, y) - np.einsum("pi,pi->p", y, one) ** 2 / ones
        if self._known is not None:
            return np.asarray(-np.log(diagonal).sum(axis=1) - 0.5 * np.log(ones) - 0.5 * np.maximum(residual, 0.0))
        power = _SHAPE + 0.5 * (n - 1)
        return np.asarray(
            -np.log(diagonal).sum(axis=1) - 0.5 * np.log(ones) - power * np.log(_RATE + 0.5 * np.maximum(residual, 0.0))
        )

    # -- averaging -------------------------------------------------------------------------------------------

    def _prior_draws(self, rng: np.random.Generator, p: int) -> _Particles:
        d = self._x.shape[1]
        size = rng.integers(0, d + 1, size=p)
        order = rng.random((p, d)).argsort(axis=1).argsort(axis=1)
        return _Particles(
            rng.normal(self._noise_centre, self.noise_spread, p),
            rng.normal(np.log(self.length_scale), self.length_spread, (p, d)),
            (order < size[:, None]) | (not self.selection),
            np.zeros(p) if self._known is None else rng.normal(0.0, _VARIANCE_SPREAD, p),
        )

    @property
    def _noise_centre(self) -> float:
        return float(np.log(self.noise_share / (1.0 - self.noise_share)))

    @staticmethod
    def _log_set_prior(included: BoolArray) -> FloatArray:
        """Minus the log of the number of sets of the same size."""
        d, k = included.shape[1], included.sum(axis=1)
        return np.asarray(gammaln(k + 1) + gammaln(d - k + 1) - gammaln(d + 1))

    def _log_prior(self, draws: _Particles) -> FloatArray:
        noise = ((draws.noise - self._noise_centre) / self.noise_spread) ** 2
        scales = (((draws.log_scale - np.log(self.length_scale)) / self.length_spread) ** 2).sum(axis=1)
        variance = (draws.log_variance / _VARIANCE_SPREAD) ** 2
        return np.asarray(self._log_set_prior(draws.included) - 0.5 * noise - 0.5 * scales - 0.5 * variance)

    def _sample(self) -> _Particles:
        """Posterior draws by annealing the likelihood from power 0 to 1; every state of every chain counts."""
        rng = np.random.default_rng(self.seed)
        chains = min(self.n_chains, self.n_particles)
        length = max(1, self.n_particles // chains)
        draws = self._prior_draws(rng, chains * length)
        likelihood = self._log_likelihood(draws)
        power = 0.0
        while power < 1.0:
            step = _next_power(likelihood, power)
            weights = np.exp(_normalised((step - power) * likelihood))
            widths = self._widths(draws, weights)
            start = _systematic(weights, chains, rng)
            power = step
            # The last distribution is the one that counts: its chains run longer, their first part is dropped.
            steps = length if power < 1.0 else _LAST * length
            states, values = self._run(draws[start], likelihood[start], power, steps, widths, rng)
            kept = slice(0, None) if power < 1.0 else slice(length // 2, None)
            draws, likelihood = _joined(states[kept]), np.concatenate(values[kept])
        thinned = np.linspace(0, len(likelihood) - 1, min(self.n_draws, len(likelihood))).round().astype(np.int64)
        return draws[thinned]

    def _run(
        self,
        now: _Particles,
        likelihood: FloatArray,
        power: float,
        steps: int,
        widths: FloatArray,
        rng: np.random.Generator,
    ) -> tuple[list[_Particles], list[FloatArray]]:
        """Metropolis chains at one power of the likelihood; all their states, the start included."""
        states, values = [now], [likelihood]
        for number in range(steps - 1):
            if number % 2 or not self.selection:
                proposed, log_ratio = self._shift(now, widths, rng)
            else:
                proposed, log_ratio = self._flip(now, rng)
            new = self._log_likelihood(proposed)
            accept = np.log(rng.random(len(new))) < power * (new - likelihood) + log_ratio
            now = _Particles(
                np.where(accept, proposed.noise, now.noise),
                np.where(accept[:, None], proposed.log_scale, now.log_scale),
                np.where(accept[:, None], proposed.included, now.included),
                np.where(accept, proposed.log_variance, now.log_variance),
            )
            likelihood = np.where(accept, new, likelihood)
            states.append(now)
            values.append(likelihood)
        return states, values

    def _widths(self, draws: _Particles, weights: FloatArray) -> FloatArray:
        """Spread of each coordinate over the weighted draws, for columns that take part, shape (d + 1 or d + 2,)."""
        noise = np.sqrt(weights @ (draws.noise - weights @ draws.noise) ** 2)
        mass = weights[:, None] * draws.included
        total = mass.sum(axis=0)
        share = mass / np.where(total > 0, total, 1.0)
        centre = (share * draws.log_scale).sum(axis=0)
        scale = np.sqrt((share * (draws.log_scale - centre) ** 2).sum(axis=0))
        scale = np.where(total > 0.02, scale, self.length_spread)
        widths = [max(float(noise), 0.1 * self.noise_spread), *np.maximum(scale, 0.1 * self.length_spread)]
        if self._known is not None:
            variance = np.sqrt(weights @ (draws.log_variance - weights @ draws.log_variance) ** 2)
            widths.append(max(float(variance), 0.1 * _VARIANCE_SPREAD))
        return np.array(widths)

    def _shift(self, draws: _Particles, widths: FloatArray, rng: np.random.Generator) -> tuple[_Particles, FloatArray]:
        """Random walk of noise, length scales and variance: of all at once, or of a few with longer steps."""
        p, d = draws.included.shape
        k = len(widths)
        few = rng.random(p) < 0.5
        along = rng.random((p, k)) < np.where(few, min(1.0, 2.0 / k), 1.0)[:, None]
        along[np.arange(p), rng.integers(0, k, p)] = True
        length = 1.7 / np.sqrt(along.sum(axis=1))
        step = rng.standard_normal((p, k)) * widths * along * length[:, None]
        variance = draws.log_variance if k == d + 1 else draws.log_variance + step[:, d + 1]
        proposed = _Particles(draws.noise + step[:, 0], draws.log_scale + step[:, 1 : d + 1], draws.included, variance)
        return proposed, self._log_prior(proposed) - self._log_prior(draws)

    def _flip(self, draws: _Particles, rng: np.random.Generator) -> tuple[_Particles, FloatArray]:
        """Take one column in or out, or exchange two; whatever changes side gets a fresh length scale.

        The kind of move is drawn before looking at the state and the fresh scale comes from its own prior, on
        the way in and on the way out, so only the prior of the set enters the acceptance ratio.
        """
        p, d = draws.included.shape
        rows, first = np.arange(p), rng.integers(0, d, p)
        changed = np.zeros((p, d), dtype=bool)
        changed[rows, first] = True
        if d > 1:
            second = (first + rng.integers(1, d, p)) % d
            exchange = rng.random(p) < 0.5
            changed[rows[exchange], second[exchange]] = True
            alike = draws.included[rows, first] == draws.included[rows, second]
            changed[exchange & alike] = False
        fresh = rng.normal(np.log(self.length_scale), self.length_spread, (p, d))
        included = draws.included ^ changed
        proposed = _Particles(draws.noise, np.where(changed, fresh, draws.log_scale), included, draws.log_variance)
        return proposed, self._log_set_prior(included) - self._log_set_prior(draws.included)

    # -- most probable values --------------------------------------------------------------------------------

    def _optimise(self, near: _Particles | None = None) -> _Particles:
        rng = np.random.default_rng(self.seed)
        d = self._x.shape[1]
        centre = np.concatenate([[self._noise_centre], np.full(d, np.log(self.length_scale))])
        spread = np.concatenate([[self.noise_spread], np.full(d, self.length_spread)])
        if self._known is not None:
            centre, spread = np.append(centre, 0.0), np.append(spread, _VARIANCE_SPREAD)
        if near is None:
            starts = [centre] + [rng.normal(centre, spread) for _ in range(self.n_starts - 1)]
        else:
            starts = [np.concatenate([near.noise, near.log_scale[0], near.log_variance])[: len(centre)]]
        limits = [(c - 6.0 * s, c + 6.0 * s) for c, s in zip(centre, spread, strict=True)]
        best = min(
            (
                minimize(self._objective, start, args=(centre, spread), jac=True, method="L-BFGS-B", bounds=limits)
                for start in starts
            ),
            key=lambda found: float(found.fun),
        )
        variance = np.zeros(1) if self._known is None else best.x[d + 1 :]
        return _Particles(best.x[:1], best.x[None, 1 : d + 1], np.ones((1, d), dtype=bool), variance)

    def _objective(self, theta: FloatArray, centre: FloatArray, spread: FloatArray) -> tuple[float, FloatArray]:
        """Minus log posterior (up to a constant) and its gradient."""
        n, d = self._x.shape
        share, inverse_square = float(expit(theta[0])), np.exp(-2.0 * theta[1 : d + 1])
        rows = self._relative / self.row_precision_
        r2 = inverse_square @ self._pairs
        q = np.sqrt(5.0 * r2)
        decay = np.exp(-q)
        signal = (1.0 + q + q * q / 3.0) * decay
        slope = -(5.0 / 6.0) * (1.0 + q) * decay
        matrix = ((1.0 - share) * signal).take(self._where).reshape(n, n)
        matrix[np.arange(n), np.arange(n)] += share * rows + 1e-10
        total = 1.0
        if self._known is not None:
            total = float(np.exp(theta[d + 1]))
            matrix *= total
            drawn = matrix.copy()
            matrix[np.arange(n), np.arange(n)] += self._known / self.row_precision_
        factor = np.linalg.cholesky(matrix)
        inverse = np.linalg.solve(factor, np.eye(n))
        inverse = inverse.T @ inverse
        u = inverse.sum(axis=1)
        ones = float(u.sum())
        v = inverse @ self._y
        v -= u * (v.sum() / ones)
        value = -np.log(np.diag(factor)).sum() - 0.5 * np.log(ones)
        if self._known is None:
            power = _SHAPE + 0.5 * (n - 1)
            scale = _RATE + 0.5 * max(float(self._y @ v), 0.0)
            value -= power * np.log(scale)
            share_of_fit = power / (2.0 * scale)
        else:
            value -= 0.5 * max(float(self._y @ v), 0.0)
            share_of_fit = 0.5
        gradient_matrix = -0.5 * inverse + np.outer(u, u) / (2.0 * ones) + np.outer(v, v) * share_of_fit
        first, second = np.tril_indices(n)
        weight = gradient_matrix[first, second] * np.where(first == second, 1.0, 2.0)
        noise = total * share * (1.0 - share) * (float(np.diag(gradient_matrix) @ rows) - float(weight @ signal))
        scales = total * (1.0 - share) * (self._pairs @ (weight * slope)) * (-2.0 * inverse_square)
        parts = [[noise], scales]
        if self._known is not None:
            parts.append([float(np.vdot(gradient_matrix, drawn))])
        away = (theta - centre) / spread
        value -= 0.5 * float(away @ away)
        gradient = np.concatenate(parts) - away / spread
        return -float(value), -gradient

    # -- prediction ------------------------------------------------------------------------------------------

    def _solve(self, draws: _Particles) -> _Solved:
        inverse: FloatArray = np.asarray(np.linalg.inv(self._correlations(draws)), dtype=float)
        u = inverse.sum(axis=2)
        ones = u.sum(axis=1)
        v = inverse @ self._y
        constant = v.sum(axis=1) / ones
        v -= u * constant[:, None]
        return _Solved(inverse, u, ones, v, constant)

    def _squared_residuals(self, draws: _Particles) -> FloatArray:
        """Expect this squared residual of each training row, in units of its noise variance, shape (n_rows,).

        Given the hyperparameters the noise of the rows has mean V v and covariance V - V P V: V their noise variances
        as they are weighed now, C the covariance of the targets, v = C^-1 (y - constant), P = C^-1 less what the
        constant takes. An integrated variance s^2 enters by its mean, or that of 1 / s^2.
        """
        n = len(self._y)
        solved = self._solve(draws)
        noise = expit(draws.noise)[:, None] * self._relative
        inverse_variance = np.ones(len(noise))
        if self._known is None:
            rate = _RATE + 0.5 * np.maximum(solved.v @ self._y, 0.0)
            inverse_variance = (_SHAPE + 0.5 * (n - 1)) / rate
        else:
            noise = noise * np.exp(draws.log_variance)[:, None] + self._known
        now = noise / self.row_precision_
        leverage = np.einsum("pii->pi", solved.inverse) - solved.u**2 / solved.ones[:, None]
        squares = (now * solved.v) ** 2 * inverse_variance[:, None] + now - now**2 * leverage
        return np.asarray((np.maximum(squares, 0.0) / noise).mean(axis=0))

    def _finish(self, draws: _Particles) -> None:
        n = len(self._y)
        solved = self._solve(draws)
        share = expit(draws.noise)
        total = np.exp(draws.log_variance)
        self._inverse_squares = draws.inverse_squares()
        self._signal = total * (1.0 - share)
        self._weights = solved.v * self._signal[:, None]
        self._constant, self._u, self._ones, self._inverse = solved.constant, solved.u, solved.ones, solved.inverse
        self._total = total * (1.0 + share * (tail_factor(self.likelihood, self.dof) - 1.0))
        power = _SHAPE + 0.5 * (n - 1)
        rate = _RATE + 0.5 * np.maximum(solved.v @ self._y, 0.0)
        # Mean of an inverse gamma; finite for two rows too. A variance that was drawn is in `total` already.
        self._variance = rate / max(power - 1.0, 0.5) if self._known is None else np.ones(len(share))
        self.inclusion_ = draws.included.mean(axis=0)
        self.length_scales_ = np.exp(np.median(draws.log_scale, axis=0))
        self.noise_share_ = float(share.mean())
        del self._pairs, self._where

    def predict(self, X: ArrayLike, return_std: bool = False) -> Any:
        """Mean of the prediction, shape (n_rows,), and with `return_std` its standard deviation, noise included."""
        check_is_fitted(self)
        values = (validate_data(self, X, dtype=float, reset=False) - self._x_mean) / self._x_sd
        mean = np.empty(len(values))
        variance = np.empty(len(values))
        block = max(1, 400_000 // (len(self._y) * len(self._weights)))
        for start in range(0, len(values), block):
            part = slice(start, start + block)
            mean[part], variance[part] = self._predict_block(values[part], return_std)
        mean = mean * self._y_sd + self._y_mean
        return (mean, np.sqrt(variance) * self._y_sd) if return_std else mean

    def _predict_block(self, values: FloatArray, with_variance: bool) -> tuple[FloatArray, FloatArray]:
        m, n = len(values), len(self._y)
        squares = ((values[:, None, :] - self._x[None, :, :]) ** 2).reshape(m * n, -1)
        cross = matern(self._inverse_squares @ squares.T).reshape(-1, m, n)
        means = np.einsum("pmn,pn->pm", cross, self._weights) + self._constant[:, None]
        mean = means.mean(axis=0)
        if not with_variance:
            return mean, np.zeros(m)
        cross *= self._signal[:, None, None]
        explained = np.einsum("pmn,pmn->pm", cross @ self._inverse, cross)
        shift = (1.0 - np.einsum("pmn,pn->pm", cross, self._u)) ** 2 / self._ones[:, None]
        variances = self._variance[:, None] * np.maximum(self._total[:, None] - explained + shift, 0.0)
        return mean, variances.mean(axis=0) + means.var(axis=0)


def _joined(states: list[_Particles]) -> _Particles:
    return _Particles(
        np.concatenate([s.noise for s in states]),
        np.concatenate([s.log_scale for s in states]),
        np.concatenate([s.included for s in states]),
        np.concatenate([s.log_variance for s in states]),
    )


def _normalised(log_weights: FloatArray) -> FloatArray:
    return np.asarray(log_weights - logsumexp(log_weights))


def _next_power(likelihood: FloatArray, power: float) -> float:
    """Largest power, at most 1, that leaves an effective sample size of half the particles."""

    def effective(to: float) -> float:
        weights = np.exp(_normalised((to - power) * likelihood))
        return 1.0 / float(np.sum(weights**2))

    half = 0.5 * len(likelihood)
    if effective(1.0) >= half:
        return 1.0
    low, high = power, 1.0
    for _ in range(40):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if effective(middle) >= half else (low, middle)
    return max(low, power + 1e-6)


def _systematic(weights: FloatArray, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Systematic resampling: indices of the n draws that go on."""
    positions = (rng.random() + np.arange(n)) / n
    return np.minimum(np.searchsorted(np.cumsum(weights), positions), len(weights) - 1)
