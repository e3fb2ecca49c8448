"""Hyperparameters of Gaussian processes: their priors, the most probable ones, posterior draws, weighted prior draws.

Four ways to be rid of them, from cheap to thorough: `most_probable` (L-BFGS), `draws_about` (a few draws about these),
`weigh` (draws from the prior, each counting by how well it explains the rows) and `Sampler` (annealed sequential Monte
Carlo; columns may drop out).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import gammaln, logsumexp

__all__ = [
    "Draws",
    "Group",
    "Hyperparameter",
    "Prior",
    "Sampler",
    "draws_about",
    "minus_log_posterior",
    "most_probable",
    "weigh",
]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Evidence = Callable[[FloatArray], tuple[float, FloatArray] | None]
"""Log marginal likelihood and its gradient; None where the covariance can't be factorised."""

# What the optimiser is told where the covariance can't be factorised.
_HOPELESS = 1e10
# Of `draws_about`: proposals, degrees of freedom, and the step of finite differences in spreads.
_PROPOSED, _DOF, _STEP = 256, 6.0, 1e-3
# How much longer the chains of the last annealing step run.
_LAST = 3


@dataclass(frozen=True)
class Prior:
    """Normal prior of the logarithm (of a share: the logit) of a hyperparameter."""

    centre: float
    spread: float


@dataclass(frozen=True)
class Hyperparameter:
    """Name and prior."""

    name: str
    prior: Prior


# -- most probable values ------------------------------------------------------------------------------------


def minus_log_posterior(
    theta: FloatArray, evidence: Evidence, centre: FloatArray, spread: FloatArray
) -> tuple[float, FloatArray]:
    """Minus log posterior under normal priors, up to a constant, and its gradient."""
    found = evidence(theta)
    if found is None:
        return _HOPELESS, np.zeros_like(theta)
    value, gradient = found
    away = (theta - centre) / spread
    return -(float(value) - 0.5 * float(away @ away)), -(gradient - away / spread)


def most_probable(
    evidence: Evidence,
    centre: FloatArray,
    spread: FloatArray,
    starts: Sequence[FloatArray],
    reach: float,
    **options: Any,
) -> tuple[FloatArray, float]:
    """Find the most probable hyperparameters from the given starts by L-BFGS.

    Parameters
    ----------
    evidence : callable
    centre, spread : ndarray, shape (k,)
        Normal priors.
    starts : sequence of ndarray, shape (k,)
    reach : float
        How many spreads from the centre are looked at.
    **options
        Of scipy's L-BFGS-B.

    Returns
    -------
    theta : ndarray, shape (k,)
    log_posterior : float
        Up to a constant.
    """
    limits = [(c - reach * s, c + reach * s) for c, s in zip(centre, spread, strict=True)]
    more: dict[str, Any] = {"options": options} if options else {}
    best = min(
        (
            minimize(
                minus_log_posterior,
                start,
                args=(evidence, centre, spread),
                jac=True,
                method="L-BFGS-B",
                bounds=limits,
                **more,
            )
            for start in starts
        ),
        key=lambda found: float(found.fun),
    )
    return np.asarray(best.x), -float(best.fun)


def draws_about(
    theta: FloatArray,
    evidence: Evidence,
    centre: FloatArray,
    spread: FloatArray,
    reach: float,
    count: int,
    seed: int = 0,
) -> FloatArray:
    """Draw from the posterior by way of a t-distribution about the most probable hyperparameters.

    The t (6 degrees of freedom) has the curvature that the posterior has there, and is no wider than the prior would
    allow; its draws are weighed by the posterior and resampled.

    Parameters
    ----------
    theta : ndarray, shape (k,)
        Most probable values.
    evidence, centre, spread, reach
        As for `most_probable`.
    count : int
        Draws, some of which are the same.
    seed : int

    Returns
    -------
    draws : ndarray, shape (count, k)
    """

    def minus(at: FloatArray) -> tuple[float, FloatArray]:
        return minus_log_posterior(at, evidence, centre, spread)

    k, rng = len(theta), np.random.default_rng(seed)
    steps = _STEP * spread * np.eye(k)
    curvature = np.array([(minus(theta + step)[1] - minus(theta - step)[1]) * spread / (2.0 * _STEP) for step in steps])
    precision, along = np.linalg.eigh(0.5 * (curvature + curvature.T))  # both in units of the prior's spread
    root = along / np.sqrt(np.maximum(precision, 0.5))
    half = rng.standard_normal((_PROPOSED // 2, k))
    z = np.concatenate([half, -half]) / np.sqrt(rng.chisquare(_DOF, _PROPOSED) / _DOF)[:, None]
    proposed = np.clip(theta + spread * (z @ root.T), centre - reach * spread, centre + reach * spread)
    log_proposal = -0.5 * (_DOF + k) * np.log1p((z**2).sum(axis=1) / _DOF)
    weights = weigh(np.array([-minus(at)[0] for at in proposed]) - log_proposal)
    # in order along the direction that is known least, so that a few draws spread over it evenly
    order = np.argsort((proposed - theta) / spread @ along[:, 0], kind="stable")
    return np.asarray(proposed[order][_systematic(weights[order], count, rng)])


# -- weighted prior draws ------------------------------------------------------------------------------------


def weigh(log_weights: FloatArray) -> FloatArray:
    """Weights that sum to 1 from logarithms of likelihoods, shape (p,)."""
    return np.asarray(np.exp(log_weights - logsumexp(log_weights)))


# -- posterior draws -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Group:
    """Hyperparameters with the same normal prior.

    Attributes
    ----------
    size : int
    centre, spread : float
    switched : bool
        They belong to columns that may drop out; of one group at most.
    """

    size: int
    centre: float
    spread: float
    switched: bool = False


@dataclass(frozen=True)
class Draws:
    """Hyperparameters of p draws, (p, k), and which of the columns that may drop out take part, (p, d)."""

    values: FloatArray
    included: BoolArray

    def __getitem__(self, index: Any) -> Draws:
        return Draws(self.values[index], self.included[index])


class Sampler:
    """Posterior draws by annealing the likelihood from power 0 to 1, every state of every chain counting.

    Which columns take part is drawn too: the number of included columns is uniform on 0...d and every set of that size
    is equally likely.

    Parameters
    ----------
    log_likelihood : callable
        Takes `Draws` to logarithms of their likelihoods, shape (p,).
    groups : sequence of Group
        Hyperparameters and priors, in the order of the columns of `Draws.values`; one group is `switched`.
    selection : bool
        Let columns drop out; all take part if False.

    Attributes
    ----------
    log_evidence : float
        Log of the mean of the likelihood over the prior, as `sample` met it on its way.

    Notes
    -----
    Del Moral, Doucet and Jasra, J. R. Stat. Soc. B 68, 411 (2006) for the sampler, Dau and Chopin, J. R. Stat. Soc. B
    84, 114 (2022) for its use of every state, Scott and Berger, Ann. Stat. 38, 2587 (2010) for the prior on sets.
    """

    def __init__(
        self, log_likelihood: Callable[[Draws], FloatArray], groups: Sequence[Group], selection: bool = True
    ) -> None:
        self.log_likelihood = log_likelihood
        self.selection = selection
        ends = np.cumsum([group.size for group in groups]).tolist()
        self._groups = [(group, slice(end - group.size, end)) for group, end in zip(groups, ends, strict=True)]
        ((self._switched, self._where),) = [(g, where) for g, where in self._groups if g.switched]

    def prior_draws(self, rng: np.random.Generator, p: int) -> Draws:
        """Draw from the prior."""
        d = self._switched.size
        size = rng.integers(0, d + 1, size=p)
        order = rng.random((p, d)).argsort(axis=1).argsort(axis=1)
        values = np.concatenate([rng.normal(g.centre, g.spread, (p, g.size)) for g, _ in self._groups], axis=1)
        return Draws(values, (order < size[:, None]) | (not self.selection))

    @staticmethod
    def _log_set_prior(included: BoolArray) -> FloatArray:
        """Minus the log of the number of sets of the same size."""
        d, k = included.shape[1], included.sum(axis=1)
        return np.asarray(gammaln(k + 1) + gammaln(d - k + 1) - gammaln(d + 1))

    def _log_prior(self, draws: Draws) -> FloatArray:
        total = self._log_set_prior(draws.included)
        for group, where in self._groups:
            total = total - 0.5 * (((draws.values[:, where] - group.centre) / group.spread) ** 2).sum(axis=1)
        return total

    def sample(self, n_particles: int, n_chains: int, n_draws: int, seed: int) -> Draws:
        """Draw `n_draws` from the posterior: `n_particles` states at each power, made by `n_chains` chains."""
        rng = np.random.default_rng(seed)
        chains = min(n_chains, n_particles)
        length = max(1, n_particles // chains)
        draws = self.prior_draws(rng, chains * length)
        likelihood = self.log_likelihood(draws)
        power, self.log_evidence = 0.0, 0.0
        while power < 1.0:
            step = _next_power(likelihood, power)
            self.log_evidence += float(logsumexp((step - power) * likelihood)) - float(np.log(len(likelihood)))
            weights = weigh((step - power) * likelihood)
            widths = self._widths(draws, weights)
            start = _systematic(weights, chains, rng)
            power = step
            # The last distribution is the one that counts: its chains run longer, their first part is dropped.
            steps = length if power < 1.0 else _LAST * length
            states, values = self._run(draws[start], likelihood[start], power, steps, widths, rng)
            kept = slice(0, None) if power < 1.0 else slice(length // 2, None)
            draws = Draws(
                np.concatenate([s.values for s in states[kept]]), np.concatenate([s.included for s in states[kept]])
            )
            likelihood = np.concatenate(values[kept])
        thinned = np.linspace(0, len(likelihood) - 1, min(n_draws, len(likelihood))).round().astype(np.int64)
        return draws[thinned]

    def _run(
        self,
        now: Draws,
        likelihood: FloatArray,
        power: float,
        steps: int,
        widths: FloatArray,
        rng: np.random.Generator,
    ) -> tuple[list[Draws], list[FloatArray]]:
        """Metropolis chains at one power of the likelihood; all their states, the start included."""
        states, values = [now], [likelihood]
        for number in range(steps - 1):
            if number % 2 or not self.selection:
                proposed, log_ratio = self._shift(now, widths, rng)
            else:
                proposed, log_ratio = self._flip(now, rng)
            new = self.log_likelihood(proposed)
            accept = np.log(rng.random(len(new))) < power * (new - likelihood) + log_ratio
            now = Draws(
                np.where(accept[:, None], proposed.values, now.values),
                np.where(accept[:, None], proposed.included, now.included),
            )
            likelihood = np.where(accept, new, likelihood)
            states.append(now)
            values.append(likelihood)
        return states, values

    def _widths(self, draws: Draws, weights: FloatArray) -> FloatArray:
        """Spread of each hyperparameter over the weighted draws (of columns: where they take part), shape (k,)."""
        widths = []
        for group, where in self._groups:
            values = draws.values[:, where]
            if group.switched:
                mass = weights[:, None] * draws.included
                total = mass.sum(axis=0)
                share = mass / np.where(total > 0, total, 1.0)
                centre = (share * values).sum(axis=0)
                scale = np.sqrt((share * (values - centre) ** 2).sum(axis=0))
                scale = np.where(total > 0.02, scale, group.spread)
            else:
                columns = [np.ascontiguousarray(column) for column in values.T]
                scale = np.array([np.sqrt(weights @ (c - weights @ c) ** 2) for c in columns])
            widths.append(np.maximum(scale, 0.1 * group.spread))
        return np.concatenate(widths)

    def _shift(self, draws: Draws, widths: FloatArray, rng: np.random.Generator) -> tuple[Draws, FloatArray]:
        """Random walk of the hyperparameters: of all at once, or of a few with longer steps."""
        p, k = draws.values.shape
        few = rng.random(p) < 0.5
        along = rng.random((p, k)) < np.where(few, min(1.0, 2.0 / k), 1.0)[:, None]
        along[np.arange(p), rng.integers(0, k, p)] = True
        length = 1.7 / np.sqrt(along.sum(axis=1))
        step = rng.standard_normal((p, k)) * widths * along * length[:, None]
        proposed = Draws(draws.values + step, draws.included)
        return proposed, self._log_prior(proposed) - self._log_prior(draws)

    def _flip(self, draws: Draws, rng: np.random.Generator) -> tuple[Draws, FloatArray]:
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
        fresh = rng.normal(self._switched.centre, self._switched.spread, (p, d))
        included = draws.included ^ changed
        values = draws.values.copy()
        values[:, self._where] = np.where(changed, fresh, values[:, self._where])
        return Draws(values, included), self._log_set_prior(included) - self._log_set_prior(draws.included)


def _next_power(likelihood: FloatArray, power: float) -> float:
    """Largest power, at most 1, that leaves an effective sample size of half the particles."""

    def effective(to: float) -> float:
        weights = weigh((to - power) * likelihood)
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
