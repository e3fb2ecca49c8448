"""How much a measurement would be worth: arrays of means and standard deviations in, scores out.

Everything is to be made large: a target that should be small is turned around before it comes here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import erfcx, ndtr

__all__ = [
    "cost_aware",
    "desirability",
    "expected_hypervolume",
    "expected_improvement",
    "feasible",
    "log_expected_improvement",
    "noisy_improvement",
    "pareto_front",
    "probability_of_improvement",
    "thompson",
    "upper_bound",
]

FloatArray = NDArray[np.float64]
_LOG_2PI = float(np.log(2.0 * np.pi))


def _density(z: FloatArray) -> FloatArray:
    return np.asarray(np.exp(-0.5 * z**2 - 0.5 * _LOG_2PI))


def _standardised(mean: ArrayLike, sd: ArrayLike, best: ArrayLike) -> tuple[FloatArray, FloatArray]:
    spread = np.maximum(np.asarray(sd, dtype=float), 1e-300)
    # beyond 1e150 standard deviations a square would overflow, and nothing changes any more
    return np.clip((np.asarray(mean, dtype=float) - best) / spread, -1e150, 1e150), spread


def expected_improvement(mean: ArrayLike, sd: ArrayLike, best: ArrayLike) -> FloatArray:
    """Mean of max(f - best, 0) for a normal f, in its units; 0 or more, max(mean - best, 0) where sd is 0.

    Notes
    -----
    Jones, Schonlau and Welch, J. Glob. Optim. 13, 455 (1998).
    """
    z, spread = _standardised(mean, sd, best)
    known = np.asarray(sd, dtype=float) <= 0.0
    gain = np.asarray(mean, dtype=float) - best
    with np.errstate(over="ignore", under="ignore"):
        made = spread * np.exp(_log_h(z))
    return np.asarray(np.where(known, np.maximum(gain, 0.0), made))


def _log_h(z: FloatArray) -> FloatArray:
    """Log of phi(z) + z Phi(z), without cancellation however far below 0 z lies."""
    made = np.empty_like(z)
    near, far = z > -1.0, z < -1e3
    middle = ~near & ~far
    made[near] = np.log(_density(z[near]) + z[near] * ndtr(z[near]))
    x = z[middle]
    tail = np.sqrt(np.pi / 2.0) * erfcx(-x / np.sqrt(2.0))
    made[middle] = -0.5 * x**2 - 0.5 * _LOG_2PI + np.log1p(x * tail)
    with np.errstate(over="ignore"):
        # phi(z)/z^2 (1 - 3/z^2 + ...): the next term is below the last digit
        made[far] = -0.5 * z[far] ** 2 - 0.5 * _LOG_2PI - 2.0 * np.log(-z[far])
    return made


def log_expected_improvement(mean: ArrayLike, sd: ArrayLike, best: ArrayLike) -> FloatArray:
    """Log of the expected improvement, finite and with a slope where that itself is 0 in floating point.

    Notes
    -----
    Ament et al., NeurIPS 2023, arXiv:2310.20708.
    """
    z, spread = _standardised(mean, sd, best)
    known = np.asarray(sd, dtype=float) <= 0.0
    gain = np.asarray(mean, dtype=float) - best
    with np.errstate(divide="ignore"):
        certain = np.log(np.maximum(gain, 0.0))
    return np.asarray(np.where(known, certain, np.log(spread) + _log_h(z)))


def probability_of_improvement(mean: ArrayLike, sd: ArrayLike, best: ArrayLike) -> FloatArray:
    """Probability that f is above the best."""
    z, _ = _standardised(mean, sd, best)
    known = np.asarray(sd, dtype=float) <= 0.0
    return np.asarray(np.where(known, np.asarray(mean, dtype=float) > best, ndtr(z)), dtype=float)


def upper_bound(mean: ArrayLike, sd: ArrayLike, width: float = 2.0) -> FloatArray:
    """Mean + width standard deviations."""
    return np.asarray(mean, dtype=float) + width * np.asarray(sd, dtype=float)


def thompson(draws: ArrayLike, count: int) -> NDArray[np.int64]:
    """Rows that are best in one drawn function each, without repeats, `count` at most.

    Parameters
    ----------
    draws : array_like, shape (n_draws, m)
        Functions drawn at all candidates together, as many as `count` or more.
    """
    functions = np.array(draws, dtype=float)
    picked: list[int] = []
    for function in functions:
        if len(picked) == min(count, functions.shape[1]):
            break
        function[picked] = -np.inf
        picked.append(int(np.argmax(function)))
    return np.array(picked, dtype=np.int64)


def noisy_improvement(draws: ArrayLike, measured_draws: ArrayLike) -> FloatArray:
    """Average the improvement over the best *true* value of noisy measured rows, shape (m,).

    Parameters
    ----------
    draws : array_like, shape (n_draws, m)
        Noise-free functions at the candidates.
    measured_draws : array_like, shape (n_draws, n)
        The same functions at the measured rows.

    Notes
    -----
    Letham et al., Bayesian Anal. 14, 495 (2019), by plain Monte Carlo.
    """
    functions = np.asarray(draws, dtype=float)
    best = np.max(np.asarray(measured_draws, dtype=float), axis=1, keepdims=True)
    return np.asarray(np.mean(np.maximum(functions - best, 0.0), axis=0))


def feasible(log_score: ArrayLike, probability: ArrayLike) -> FloatArray:
    """Log score of a row that gives a value with this probability only, and nothing otherwise.

    Notes
    -----
    Gardner et al., ICML 2014: improvement times the probability of feasibility.
    """
    with np.errstate(divide="ignore"):
        return np.asarray(log_score, dtype=float) + np.log(np.asarray(probability, dtype=float))


def cost_aware(log_score: ArrayLike, cost: ArrayLike) -> FloatArray:
    """Log score for each unit of cost, such as hours or euros; costs are above 0."""
    return np.asarray(log_score, dtype=float) - np.log(np.asarray(cost, dtype=float))


def pareto_front(values: ArrayLike) -> NDArray[np.bool_]:
    """Which rows no other row beats in every objective; equal rows are all kept, shape (n,)."""
    rows = np.asarray(values, dtype=float)
    at_least = (rows[:, None, :] >= rows[None, :, :]).all(axis=2)
    above = (rows[:, None, :] > rows[None, :, :]).any(axis=2)
    return np.asarray(~(at_least & above).any(axis=0))


def expected_hypervolume(mean: ArrayLike, sd: ArrayLike, front: ArrayLike, reference: Sequence[float]) -> FloatArray:
    """Average the growth of the area that the front dominates, for two independent normal objectives, shape (m,).

    Parameters
    ----------
    mean, sd : array_like, shape (m, 2)
    front : array_like, shape (n, 2)
        Known values; those that are beaten, or don't reach the reference, don't count.
    reference : sequence of float, shape (2,)
        The worst that counts.

    Notes
    -----
    Exact, by strips between neighbours on the front: Emmerich et al., CEC 2011; Yang et al., Swarm Evol. Comput. 44,
    945 (2019). With the front sorted by the first objective, strip i has a first objective between neighbours a and b
    and counts what lies above its height c: (psi(a) - psi(b)) psi(c), where psi(x) is the mean of max(f - x, 0).
    """
    means, sds = np.asarray(mean, dtype=float), np.asarray(sd, dtype=float)
    low = np.asarray(reference, dtype=float)
    known = np.asarray(front, dtype=float).reshape(-1, 2)
    known = known[(known > low).all(axis=1)]
    if len(known):
        known = np.unique(known[pareto_front(known)], axis=0)
    edges = np.concatenate([[low[0]], known[:, 0], [np.inf]])
    heights = np.concatenate([known[:, 1], [low[1]]])
    made = np.zeros(len(means))
    beyond = expected_improvement(means[:, 0], sds[:, 0], edges[0])
    for upper, height in zip(edges[1:], heights, strict=True):
        next_one = expected_improvement(means[:, 0], sds[:, 0], upper) if np.isfinite(upper) else np.zeros(len(means))
        made += (beyond - next_one) * expected_improvement(means[:, 1], sds[:, 1], height)
        beyond = next_one
    return made


def desirability(values: ArrayLike, worst: ArrayLike, best: ArrayLike, weights: ArrayLike | None = None) -> FloatArray:
    """One number from 0 to 1 for several objectives: the geometric mean of how far each is from its worst to its best.

    Parameters
    ----------
    values : array_like, shape (..., n_objectives)
    worst, best : array_like, shape (n_objectives,)
        Values that are worth 0 and 1; best is above worst where more is better and below it where less is.
    weights : array_like, shape (n_objectives,), optional

    Notes
    -----
    Derringer and Suich, J. Qual. Technol. 12, 214 (1980).
    """
    low, high = np.asarray(worst, dtype=float), np.asarray(best, dtype=float)
    shares = np.clip((np.asarray(values, dtype=float) - low) / (high - low), 0.0, 1.0)
    powers = np.ones_like(low) if weights is None else np.asarray(weights, dtype=float)
    return np.asarray(np.prod(shares ** (powers / powers.sum()), axis=-1))
