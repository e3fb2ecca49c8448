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
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from perospin.errors import StudyError
from perospin.learning.estimators.gaussian_processes.hyperparameters import Draws, Group, Sampler, most_probable
from perospin.learning.estimators.gaussian_processes.kernels import (
    Pairs,
    cross_distances,
    matern,
    matern_and_slope,
)
from perospin.learning.estimators.gaussian_processes.likelihoods import (
    LIKELIHOODS,
    Likelihood,
    RowNoise,
    expected_squares,
    reweighed,
)
from perospin.learning.estimators.gaussian_processes.marginal_likelihood import (
    ONE_ROW,
    InverseGamma,
    log_marginals_about_constant,
    marginal_and_slope_about_constant,
    solved,
)
from perospin.learning.estimators.kinds.kind import Kind
from perospin.learning.estimators.kinds.terms import Take, Term, matern_term, remembered
from perospin.learning.options import MOST_DRAWS, Option
from perospin.learning.training.weights import checked_weights, checked_y_sd

__all__ = ["GaussianProcess"]

FloatArray = NDArray[np.float64]

# Standard deviation of the logarithm of the total variance about 0, where it has to be drawn or optimised too.
_VARIANCE_SPREAD = 1.5
# Rounds of re-weighing rows under a heavy-tailed likelihood, at most; a round of the sampler costs seconds.
_ROUNDS = {"map": 20, "average": 4}
_JITTER = 1e-10
_REACH = 6.0
_BLOCK = 400_000


@dataclass(frozen=True, eq=False)
class _Problem:
    """Training rows at given factors of precision, (n_rows,): covariances and likelihoods of hyperparameters.

    The hyperparameters of a draw are the logit of the noise share, the logarithms of the length scales, and that of the
    total variance if uncertainties are known: it can't be integrated then.
    """

    pairs: Pairs
    y: FloatArray
    noise: RowNoise
    variance: InverseGamma | None
    precision: FloatArray

    @property
    def _n_columns(self) -> int:
        return len(self.pairs.squares)

    def share(self, draws: Draws) -> FloatArray:
        """Share of noise in the total variance, shape (p,)."""
        return np.asarray(expit(draws.values[:, 0]))

    def inverse_squares(self, draws: Draws) -> FloatArray:
        """1 / length scale squared, 0 for columns left out, shape (p, d)."""
        lengths = draws.values[:, 1 : self._n_columns + 1]
        return np.asarray(np.where(draws.included, np.exp(-2.0 * lengths), 0.0))

    def total(self, draws: Draws) -> FloatArray:
        """Total variance, shape (p,); 1 where it is integrated."""
        log_variance = draws.values[:, -1]
        return np.ones(len(log_variance)) if self.variance is not None else np.exp(log_variance)

    def covariances(self, draws: Draws) -> FloatArray:
        """Covariances of the training rows, (p, n, n), noise included, in units of the variance if it is integrated."""
        n = len(self.y)
        signal = matern(self.inverse_squares(draws) @ self.pairs.squares)
        share = self.share(draws)[:, None]
        signal *= 1.0 - share
        matrix = self.pairs.matrices(signal)
        matrix[:, np.arange(n), np.arange(n)] += share * (self.noise.relative / self.precision) + _JITTER
        if self.variance is None:
            matrix *= self.total(draws)[:, None, None]
            matrix[:, np.arange(n), np.arange(n)] += self.noise.known / self.precision
        return matrix

    def log_likelihood(self, draws: Draws) -> FloatArray:
        """Log marginal likelihood of the training targets, shape (p,)."""
        return log_marginals_about_constant(self.covariances(draws), self.y, self.variance)

    def evidence(self, theta: FloatArray) -> tuple[float, FloatArray]:
        """Log marginal likelihood of one set of hyperparameters, all columns taking part, and its gradient."""
        n, d = len(self.y), self._n_columns
        share, inverse_square = float(expit(theta[0])), np.exp(-2.0 * theta[1 : d + 1])
        rows = self.noise.relative / self.precision
        signal, slope = matern_and_slope(inverse_square @ self.pairs.squares)
        matrix = self.pairs.matrices(((1.0 - share) * signal)[None])[0]
        matrix[np.arange(n), np.arange(n)] += share * rows + _JITTER
        total = 1.0
        if self.variance is None:
            total = float(np.exp(theta[d + 1]))
            matrix *= total
            drawn = matrix.copy()
            matrix[np.arange(n), np.arange(n)] += self.noise.known / self.precision
        value, gradient_matrix = marginal_and_slope_about_constant(matrix, self.y, self.variance)
        weight = self.pairs.weights(gradient_matrix)
        noise = total * share * (1.0 - share) * (float(np.diag(gradient_matrix) @ rows) - float(weight @ signal))
        scales = total * (1.0 - share) * (self.pairs.squares @ (weight * slope)) * (-2.0 * inverse_square)
        variance = [float(np.vdot(gradient_matrix, drawn))] if self.variance is None else []
        return value, np.concatenate([[noise], scales, variance])

    def squared_residuals(self, draws: Draws) -> FloatArray:
        """Expect this squared residual of each training row, in units of its noise, over the draws, shape (n_rows,)."""
        found = solved(self.covariances(draws), self.y)
        noise = self.share(draws)[:, None] * self.noise.relative
        inverse_variance = np.ones(len(noise))
        if self.variance is not None:
            inverse_variance = self.variance.mean_inverse(found.v @ self.y, len(self.y) - 1)
        else:
            noise = noise * self.total(draws)[:, None] + self.noise.known
        squares = expected_squares(noise, self.precision, found.v, found.leverage(), inverse_variance[:, None])
        return np.asarray(squares.mean(axis=0))


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
        likelihood = Likelihood(self.likelihood, self.dof)
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
        noise = RowNoise.of(len(target), weights, sd, self._y_sd)
        self._relative, self._known = noise.relative, None if sd is None else noise.known
        problem = self._problem()
        draws, self.row_precision_ = reweighed(
            likelihood,
            len(target),
            _ROUNDS[self.mode],
            lambda precision, near: self._draws(replace(problem, precision=precision), near),
            lambda precision, found: replace(problem, precision=precision).squared_residuals(found),
        )
        self._finish(replace(problem, precision=self.row_precision_), draws)
        return self

    def _problem(self) -> _Problem:
        """Set up the training rows, all of factor 1."""
        ones = np.ones(len(self._y))
        noise = RowNoise(self._relative, np.zeros_like(ones) if self._known is None else self._known)
        return _Problem(Pairs(self._x), self._y, noise, ONE_ROW if self._known is None else None, ones)

    def _groups(self, n_columns: int, with_variance: bool) -> list[Group]:
        """Hyperparameters and their priors: noise logit, log length scales and, unless integrated, log variance."""
        centre = float(np.log(self.noise_share / (1.0 - self.noise_share)))
        groups = [
            Group(1, centre, self.noise_spread),
            Group(n_columns, float(np.log(self.length_scale)), self.length_spread, switched=True),
        ]
        return [*groups, Group(1, 0.0, _VARIANCE_SPREAD)] if with_variance else groups

    def _draws(self, problem: _Problem, near: Draws | None) -> Draws:
        """Hyperparameters for the rows as they are weighed now; `near` is where the last round found them."""
        d = self._x.shape[1]
        groups = self._groups(d, problem.variance is None)
        if self.mode == "average":
            sampler = Sampler(problem.log_likelihood, groups, self.selection)
            return sampler.sample(self.n_particles, self.n_chains, self.n_draws, self.seed)
        centre = np.concatenate([np.full(group.size, group.centre) for group in groups])
        spread = np.concatenate([np.full(group.size, group.spread) for group in groups])
        if near is None:
            rng = np.random.default_rng(self.seed)
            starts = [centre] + [rng.normal(centre, spread) for _ in range(self.n_starts - 1)]
        else:
            starts = [near.values[0]]
        theta, _ = most_probable(problem.evidence, centre, spread, starts, _REACH)
        return Draws(theta[None], np.ones((1, d), dtype=bool))

    def _finish(self, problem: _Problem, draws: Draws) -> None:
        """Keep what a prediction needs, as plain arrays: they are what a model file holds."""
        found = solved(problem.covariances(draws), self._y)
        share, total = problem.share(draws), problem.total(draws)
        self._inverse_squares = problem.inverse_squares(draws)
        self._signal = total * (1.0 - share)
        self._weights = found.v * self._signal[:, None]
        self._constant, self._u, self._ones, self._inverse = found.constant, found.u, found.ones, found.inverse
        self._total = total * (1.0 + share * (Likelihood(self.likelihood, self.dof).tail_factor - 1.0))
        # A variance that was drawn is in `total` already.
        self._variance = (
            np.ones(len(share))
            if problem.variance is None
            else problem.variance.mean(found.v @ self._y, len(self._y) - 1)
        )
        self.inclusion_ = draws.included.mean(axis=0)
        self.length_scales_ = np.exp(np.median(draws.values[:, 1 : self._x.shape[1] + 1], axis=0))
        self.noise_share_ = float(share.mean())

    def predict(self, X: ArrayLike, return_std: bool = False) -> Any:
        """Mean of the prediction, shape (n_rows,), and with `return_std` its standard deviation, noise included."""
        check_is_fitted(self)
        values = (validate_data(self, X, dtype=float, reset=False) - self._x_mean) / self._x_sd
        mean = np.empty(len(values))
        variance = np.empty(len(values))
        block = max(1, _BLOCK // (len(self._y) * len(self._weights)))
        for start in range(0, len(values), block):
            part = slice(start, start + block)
            mean[part], variance[part] = self._predict_block(values[part], return_std)
        mean = mean * self._y_sd + self._y_mean
        return (mean, np.sqrt(variance) * self._y_sd) if return_std else mean

    def _predict_block(self, values: FloatArray, with_variance: bool) -> tuple[FloatArray, FloatArray]:
        cross = matern(cross_distances(self._inverse_squares, values, self._x))
        means = np.einsum("pmn,pn->pm", cross, self._weights) + self._constant[:, None]
        mean = means.mean(axis=0)
        if not with_variance:
            return mean, np.zeros(len(mean))
        cross *= self._signal[:, None, None]
        explained = np.einsum("pmn,pmn->pm", cross @ self._inverse, cross)
        shift = (1.0 - np.einsum("pmn,pn->pm", cross, self._u)) ** 2 / self._ones[:, None]
        variances = self._variance[:, None] * np.maximum(self._total[:, None] - explained + shift, 0.0)
        return mean, variances.mean(axis=0) + means.var(axis=0)
