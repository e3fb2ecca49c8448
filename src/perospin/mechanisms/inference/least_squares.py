"""Batched Levenberg-Marquardt fits of sums of mechanisms: every model, start and data set at once.

The residuals are (ln k_model - ln k_measured)/sigma and those of the priors (`candidates`). ln k_model is a log-sum of
terms linear in the parameters, so that the Jacobian is the mechanisms' shares: plain NumPy, nothing to compile (the
same fit under JAX took half a minute to compile and ran no faster).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from perospin.mechanisms.inference.candidates import (
    AMPLITUDE_LOG_SD,
    EA_LOG_SD,
    EA_MEV,
    R_HIGH,
    R_LOW,
    R_MEAN,
    R_SD,
    ModelSpace,
)
from perospin.mechanisms.laws._arrays import Float

__all__ = ["BatchFit", "fit_batch", "profile_interval"]

_STEPS = 60
_CHUNK = 20_000  # problems at a time: keeps the arrays in the tens of megabytes
_TOLERANCE = 1e-7
_OUTER = 3  # times that an unknown scatter is estimated anew
_SMALLEST_SCATTER = 0.005
_LIMITS = (np.log(0.01), np.log(2000.0))  # of ln(E_a/meV)
_LEVEL = np.array([R_MEAN, np.log(EA_MEV)])
_WIDTH = np.array([R_SD, EA_LOG_SD])
# starting values of r and E_a (meV), paired
_START_R, _START_E = (1.5, 1.0, 2.0, 0.6, 2.4), (6.0, 20.0, 2.0, 60.0, 0.7)


@dataclass(frozen=True)
class BatchFit:
    """Best fit of each model to each data set.

    Attributes
    ----------
    theta
        ln(coefficient) of each mechanism, then r and ln(E_a/meV); NaN where a model has no such parameter;
        (n_sets, n_models, n_names + 2).
    covariance
        Of theta, 0 where a parameter is absent or fixed; (n_sets, n_models, n_names + 2, n_names + 2).
    chi2
        Sum of squared residuals of the data, with the sigma that was given or, without one, with sigma = 1;
        (n_sets, n_models).
    penalty
        Sum of squared residuals of the shape parameters' priors; (n_sets, n_models).
    scatter
        Standard deviation of ln(rate) in units of the given sigma, 1 unless it was estimated; (n_sets, n_models).
    """

    theta: Float
    covariance: Float
    chi2: Float
    penalty: Float
    scatter: Float


@dataclass(frozen=True)
class _Problems:
    """A batch of fits with k mechanisms each; the first axis is the fit. Parameters: k coefficients, r, ln(E_a)."""

    base: Float  # (b, n, k), as the two slopes
    exponent: Float
    energy: Float
    y: Float  # (b, n)
    weight: Float  # (b, n)
    centre: Float  # (b,): ln of the mean rate
    uses: Float  # (b, 2): which shape parameters the model has
    active: Float  # (b, k + 2): which parameters move

    def take(self, rows: NDArray[np.intp]) -> _Problems:
        return _Problems(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    def terms(self, theta: Float) -> tuple[Float, Float]:
        """Logarithm of each mechanism's rate (b, n, k) and its derivative by ln(E_a)."""
        k = self.base.shape[2]
        by_energy = np.exp(theta[:, k + 1])[:, None, None] * self.energy
        return theta[:, None, :k] + self.base + theta[:, k, None, None] * self.exponent + by_energy, by_energy

    def prior(self, theta: Float) -> Float:
        return np.asarray((theta[:, -2:] - _LEVEL) / _WIDTH * self.uses)

    def residual(self, parts: Float) -> Float:
        top = parts.max(axis=2)
        return (top + np.log(np.exp(parts - top[..., None]).sum(axis=2)) - self.y) * self.weight

    def chi2(self, theta: Float) -> Float:
        return (self.residual(self.terms(theta)[0]) ** 2).sum(axis=1)

    def cost(self, theta: Float) -> Float:
        parts, _ = self.terms(theta)
        amplitude = (_log_mean(parts) - self.centre[:, None]) / AMPLITUDE_LOG_SD
        data = (self.residual(parts) ** 2).sum(axis=1)
        return data + (amplitude**2).sum(axis=1) + (self.prior(theta) ** 2).sum(axis=1)

    def normal_equations(self, theta: Float) -> tuple[Float, Float]:
        """J^T J and J^T residual of all residuals, those of the priors included."""
        k = self.base.shape[2]
        parts, by_energy = self.terms(theta)
        top = parts.max(axis=2)
        share = np.exp(parts - top[..., None])
        total = share.sum(axis=2)
        share /= total[..., None]
        residual = (top + np.log(total) - self.y) * self.weight
        shape = ((share * slope).sum(axis=2)[..., None] for slope in (self.exponent, by_energy))
        jacobian = np.concatenate([share, *shape], axis=2) * self.weight[..., None]
        # the amplitudes' prior sees the mean contribution over the rows
        rows = np.exp(parts - parts.max(axis=1)[:, None, :])
        rows /= rows.sum(axis=1)[:, None, :]
        amplitude = (_log_mean(parts) - self.centre[:, None]) / AMPLITUDE_LOG_SD
        gradient_of_level = np.concatenate(
            [
                np.broadcast_to(np.eye(k), (len(theta), k, k)),
                (rows * self.exponent).sum(axis=1)[..., None],
                (rows * by_energy).sum(axis=1)[..., None],
            ],
            axis=2,
        )
        gradient_of_level = gradient_of_level / AMPLITUDE_LOG_SD
        matrix = jacobian.swapaxes(1, 2) @ jacobian + gradient_of_level.swapaxes(1, 2) @ gradient_of_level
        gradient = np.einsum("bnp,bn->bp", jacobian, residual) + np.einsum("bkp,bk->bp", gradient_of_level, amplitude)
        matrix[:, [k, k + 1], [k, k + 1]] += self.uses / _WIDTH**2
        gradient[:, k:] += self.prior(theta) / _WIDTH
        live = self.active
        return matrix * live[:, :, None] * live[:, None, :], gradient * live


def _log_mean(parts: Float) -> Float:
    """Logarithm of the mean over the rows of exp(parts); (b, k)."""
    peak = parts.max(axis=-2)
    return np.asarray(peak + np.log(np.exp(parts - peak[..., None, :]).mean(axis=-2)))


def _levenberg_marquardt(problems: _Problems, theta: Float) -> Float:
    theta = theta.copy()
    diagonal = np.arange(theta.shape[1])
    running = np.arange(len(theta))
    cost = problems.cost(theta)
    damping = np.full(len(theta), 1e-3)
    for _ in range(_STEPS):
        part = problems.take(running)
        matrix, gradient = part.normal_equations(theta[running])
        matrix[:, diagonal, diagonal] += damping[running, None] * (matrix[:, diagonal, diagonal] + 1e-4)
        matrix[:, diagonal, diagonal] += 1.0 - part.active
        move = np.clip(np.linalg.solve(matrix, gradient[..., None])[..., 0], -4.0, 4.0)
        new = theta[running] - move * part.active
        new[:, -2] = np.clip(new[:, -2], R_LOW, R_HIGH)
        new[:, -1] = np.clip(new[:, -1], *_LIMITS)
        new_cost = part.cost(new)
        better = new_cost <= cost[running]
        gain = cost[running] - new_cost
        theta[running] = np.where(better[:, None], new, theta[running])
        cost[running] = np.where(better, new_cost, cost[running])
        damping[running] = np.clip(damping[running] * np.where(better, 0.1, 10.0), 1e-12, 1e9)
        done = (better & (gain <= _TOLERANCE * (1.0 + new_cost))) | (damping[running] >= 1e9)
        running = running[~done]
        if not running.size:
            break
    return theta


def _starts(tables: Sequence[Float], n_random: int) -> Float:
    """Choose the starting points of one model, relative to a mean rate of 1; (n_starts, k + 2).

    Fixed seed: the same data give the same fit.
    """
    base, exponent, energy = tables
    k = base.shape[1]
    moves = bool(np.any(exponent) or np.any(energy))
    n = 1 if k == 1 and not moves else 2 + n_random
    rng = np.random.default_rng(20260303)
    shares = np.concatenate([np.full((2, k), 1.0 / k), rng.dirichlet(np.ones(k), n_random)])[:n]
    r, e = np.resize(_START_R, n), np.resize(_START_E, n)
    parts = base + r[:, None, None] * exponent + e[:, None, None] * energy
    coefficients = np.log(np.maximum(shares, 1e-3)) - _log_mean(parts)
    return np.concatenate([coefficients, r[:, None], np.log(e)[:, None]], axis=1)


def fit_batch(
    space: ModelSpace,
    log_rates: Float,
    sigma: Float | None,
    *,
    n_random: int = 2,
) -> BatchFit:
    """Fit every model of a space to every data set.

    Parameters
    ----------
    space
        Models and conditions.
    log_rates
        ln(rate/(1/ps)), shape (n_sets, n).
    sigma
        Standard deviation of ln(rate), shape (n_sets, n); None to estimate one scatter for each fit.
    n_random
        Random starts beside the two regular ones.

    Returns
    -------
    BatchFit
    """
    n_sets, n = log_rates.shape
    n_models, width = len(space.models), len(space.names) + 2
    weight = np.ones_like(log_rates) if sigma is None else 1.0 / sigma
    result = BatchFit(
        np.full((n_sets, n_models, width), np.nan),
        np.zeros((n_sets, n_models, width, width)),
        *(np.zeros((n_sets, n_models)) for _ in range(3)),
    )
    tables, uses = space.tables(), space.shape_masks()
    for i, model in enumerate(space.models):
        columns = [*model, width - 2, width - 1]
        own = [table[:, list(model)] for table in tables]
        points = _starts(own, n_random)  # (n_starts, k + 2)
        per_chunk = max(1, _CHUNK // len(points))
        for first in range(0, n_sets, per_chunk):
            rows = slice(first, min(first + per_chunk, n_sets))
            found = _fit_model(
                own, uses[i], points, log_rates[rows], weight[rows], sigma is None, np.ones(len(columns))
            )
            kept = [c for c, column in enumerate(columns) if column < width - 2 or uses[i, column - width + 2]]
            present = np.array(columns)[kept]
            result.theta[rows, i][:, present] = found.theta[:, kept]
            result.covariance[rows, i][:, present[:, None], present] = found.covariance[:, kept][:, :, kept]
            for name in ("chi2", "penalty", "scatter"):
                getattr(result, name)[rows, i] = getattr(found, name)
    return result


def _fit_model(
    tables: Sequence[Float],
    uses: Float,
    points: Float,
    y: Float,
    weight: Float,
    free_scatter: bool,
    movable: Float,
) -> BatchFit:
    """Fit one model to some data sets from several starts; (n_sets, ...) without the axis of models."""
    n_sets, n = y.shape
    k = tables[0].shape[1]
    centre = np.log(np.mean(np.exp(y), axis=1))
    theta = np.array(np.broadcast_to(points, (n_sets, points.shape[-2], k + 2)))
    if points.ndim == 2:  # relative to the mean rate
        theta[:, :, :k] += centre[:, None, None]
    n_starts = theta.shape[1]
    theta = theta.reshape(-1, k + 2)
    repeated = np.repeat(np.arange(n_sets), n_starts)
    count = len(theta)
    active = np.concatenate([np.ones(k), uses]) * movable
    base, exponent, energy = (np.broadcast_to(table, (count, *table.shape)) for table in tables)
    plain = _Problems(
        base,
        exponent,
        energy,
        y[repeated],
        weight[repeated],
        centre[repeated],
        np.broadcast_to(uses, (count, 2)),
        np.broadcast_to(active, (count, k + 2)),
    )
    scatter = np.full(count, 0.2 if free_scatter else 1.0)
    problems = plain
    for _ in range(_OUTER if free_scatter else 1):
        problems = replace(plain, weight=plain.weight / scatter[:, None])
        theta = _levenberg_marquardt(problems, theta)
        if free_scatter:
            scatter = np.maximum(np.sqrt(plain.chi2(theta) / n), _SMALLEST_SCATTER)
    cost = problems.cost(theta) + (2.0 * n * np.log(scatter) if free_scatter else 0.0)
    winner = np.argmin(cost.reshape(n_sets, n_starts), axis=1) + n_starts * np.arange(n_sets)
    best, theta = problems.take(winner), theta[winner]
    matrix, _ = best.normal_equations(theta)
    diagonal = np.arange(k + 2)
    matrix[:, diagonal, diagonal] += 1.0 - best.active
    covariance = np.linalg.pinv(matrix, hermitian=True) * best.active[:, :, None] * best.active[:, None, :]
    penalty = (best.prior(theta) ** 2).sum(axis=1)
    return BatchFit(theta, covariance, plain.take(winner).chi2(theta), penalty, scatter[winner])


def profile_interval(
    space: ModelSpace,
    y: Float,
    sigma: Float | None,
    fit: BatchFit,
    model: int,
    column: int,
    inflation: float,
    rise: float,
) -> tuple[float, float]:
    """Interval of one parameter by profiling: where the cost, all others fitted anew, has risen by `rise`.

    Parameters
    ----------
    space, fit
        Models, and the fit of one data set.
    y, sigma
        ln(rate) and its standard deviation (None: the scatter of the best fit), shape (n,).
    model, column
        Which model, which parameter of theta.
    inflation
        Variance inflation of `sigma`.
    rise
        Rise of chi^2 at the ends: 2.71 for 90 %.

    Returns
    -------
    low, high
        Of the parameter as it stands in theta; the last point tried where an end lies beyond six standard deviations.
    """
    members = [*space.models[model], len(space.names), len(space.names) + 1]
    position = members.index(column)
    own = [table[:, list(space.models[model])] for table in space.tables()]
    uses = space.shape_masks()[model]
    best = np.where(np.isnan(fit.theta[0, model]), 0.0, fit.theta[0, model])[members]
    spread = float(np.sqrt(max(fit.covariance[0, model, column, column] * inflation, 1e-12)))
    offsets = np.concatenate([-np.geomspace(6.0, 0.15, 24), [0.0], np.geomspace(0.15, 6.0, 24)]) * spread
    start = np.repeat(best[None], len(offsets), axis=0)
    start[:, position] += offsets
    movable = np.ones(len(members))
    movable[position] = 0.0
    width = fit.scatter[0, model] if sigma is None else sigma * np.sqrt(inflation)
    weight = np.broadcast_to(1.0 / np.broadcast_to(width, y.shape), (len(offsets), len(y)))
    sets = np.broadcast_to(y, weight.shape)
    found = _fit_model(own, uses, start[:, None], sets, weight, False, movable)
    cost = found.chi2 + found.penalty
    cost = cost - cost.min()
    middle = int(np.argmin(cost))
    ends = []
    for side in (slice(middle, None, -1), slice(middle, None)):
        values, heights = start[side, position], cost[side]
        above = np.flatnonzero(heights >= rise)
        if not above.size or above[0] == 0:
            ends.append(float(values[-1]))
            continue
        j = above[0]
        fraction = (rise - heights[j - 1]) / (heights[j] - heights[j - 1])
        ends.append(float(values[j - 1] + fraction * (values[j] - values[j - 1])))
    return ends[0], ends[1]
