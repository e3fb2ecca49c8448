"""Batched Levenberg-Marquardt fits of sums of mechanisms: every model, start and data set at once.

The residuals are (ln k_model - ln k_measured)/sigma and those of the priors (`candidates`). ln k_model is a log-sum of
terms linear in the parameters, so that the Jacobian is the mechanisms' shares: plain NumPy, nothing to compile (the
same fit under JAX took half a minute to compile and ran no faster).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from perospin.mechanisms._arrays import Float
from perospin.mechanisms.inference.candidates import ModelSpace
from perospin.mechanisms.inference.shapes import AMPLITUDE_LOG_SD, CAP_LOG_SD, SHAPES

__all__ = ["BatchFit", "fit_batch", "profile_interval"]

_STEPS = 60
_CHUNK = 20_000  # problems at a time: keeps the arrays in the tens of megabytes
_TOLERANCE = 1e-5
_OUTER = 3  # times that an unknown scatter is estimated anew
_SMALLEST_SCATTER = 0.005
_FARTHEST = 200.0  # of ln(coefficient)


@dataclass(frozen=True)
class BatchFit:
    """Best fit of each model to each data set.

    Attributes
    ----------
    theta
        ln(coefficient) of each mechanism, then the shape parameters; NaN where a model has no such parameter;
        (n_sets, n_models, n_names + n_shapes).
    covariance
        Of theta, 0 where a parameter is absent or fixed; (n_sets, n_models, n_names + n_shapes, same).
    chi2
        Sum of squared residuals of the data, with the sigma that was given or, without one, with sigma = 1;
        (n_sets, n_models).
    penalty
        Sum of squared residuals of the shape parameters' and the crossover laws' priors, and of the caps;
        (n_sets, n_models).
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
    """A batch of fits of one model with k mechanisms; the first axis is the fit.

    Parameters: k coefficients, then all shape parameters of the space.
    """

    space: ModelSpace
    members: tuple[int, ...]
    y: Float  # (b, n)
    weight: Float  # (b, n)
    centre: Float  # (b,): ln of the mean rate
    active: Float  # (k + s,): which parameters move
    uses: Float  # (s,): which shape parameters the model has

    def take(self, rows: NDArray[np.intp]) -> _Problems:
        return replace(self, y=self.y[rows], weight=self.weight[rows], centre=self.centre[rows])

    @property
    def k(self) -> int:
        return len(self.members)

    def parts(self, theta: Float) -> Float:
        """Logarithm of each mechanism's rate (b, n, k)."""
        return np.asarray(self.space.log_rates(self.members, theta))

    def priors(self, theta: Float) -> tuple[Float, Float]:
        """Residuals of priors on single parameters and of caps, and their slopes; each (b, 2 k + s)."""
        level, width, _, _ = self.space.shape_priors
        first, last, cap = (values[list(self.members)] for values in self.space.coefficient_priors)
        coefficient = theta[:, : self.k]
        below, beyond = coefficient < first, coefficient > last  # False where the law scales: NaN
        out = np.where(below, coefficient - first, np.where(beyond, coefficient - last, 0.0)) / CAP_LOG_SD
        above = coefficient > cap
        capped = np.where(above, (coefficient - np.where(np.isfinite(cap), cap, 0.0)) / CAP_LOG_SD, 0.0)
        shape = (theta[:, self.k :] - level) / width * self.uses
        slopes = (
            np.where(below | beyond, 1.0 / CAP_LOG_SD, 0.0),
            np.where(above, 1.0 / CAP_LOG_SD, 0.0),
            np.broadcast_to(self.uses / width, shape.shape),
        )
        return np.concatenate([out, capped, shape], axis=1), np.concatenate(slopes, axis=1)

    def levels(self, parts: Float) -> Float:
        """Residuals of the prior on the mean contributions; 0 for laws with a prior of their own; (b, k)."""
        scales = ~np.isfinite(self.space.coefficient_priors[0][list(self.members)])
        return np.asarray((_log_mean(parts) - self.centre[:, None]) / AMPLITUDE_LOG_SD * scales)

    def residual(self, parts: Float) -> Float:
        top = parts.max(axis=2)
        return np.asarray((top + np.log(np.exp(parts - top[..., None]).sum(axis=2)) - self.y) * self.weight)

    def chi2(self, theta: Float) -> Float:
        return np.asarray((self.residual(self.parts(theta)) ** 2).sum(axis=1))

    def penalty(self, theta: Float) -> Float:
        return np.asarray((self.priors(theta)[0] ** 2).sum(axis=1))

    def cost(self, theta: Float) -> Float:
        parts = self.parts(theta)
        data = (self.residual(parts) ** 2).sum(axis=1)
        return np.asarray(data + (self.levels(parts) ** 2).sum(axis=1) + self.penalty(theta))

    def normal_equations(self, theta: Float) -> tuple[Float, Float]:
        """J^T J and J^T residual of all residuals, those of the priors included."""
        k = self.k
        parts = self.parts(theta)
        slope = self.space.derivatives(self.members, theta, parts)  # (b, n, k, p)
        top = parts.max(axis=2)
        share = np.exp(parts - top[..., None])
        total = share.sum(axis=2)
        share /= total[..., None]
        residual = (top + np.log(total) - self.y) * self.weight
        jacobian = np.einsum("bnk,bnkp->bnp", share, slope) * self.weight[..., None]
        # the amplitudes' prior sees the mean contribution over the rows
        rows = np.exp(parts - parts.max(axis=1)[:, None, :])
        rows /= rows.sum(axis=1)[:, None, :]
        scales = ~np.isfinite(self.space.coefficient_priors[0][list(self.members)])
        of_level = np.einsum("bnk,bnkp->bkp", rows, slope) * (scales / AMPLITUDE_LOG_SD)[:, None]
        matrix = jacobian.swapaxes(1, 2) @ jacobian + of_level.swapaxes(1, 2) @ of_level
        gradient = np.einsum("bnp,bn->bp", jacobian, residual) + np.einsum("bkp,bk->bp", of_level, self.levels(parts))
        values, slopes = self.priors(theta)
        single = np.arange(theta.shape[1])
        # inside its range a coefficient without slope (a saturated law) is as uncertain as its prior
        matrix[:, single[:k], single[:k]] += self.space.prior_widths()[list(self.members)] ** -2.0
        for first, last in ((0, k), (k, 2 * k)):
            matrix[:, single[:k], single[:k]] += slopes[:, first:last] ** 2
            gradient[:, :k] += values[:, first:last] * slopes[:, first:last]
        matrix[:, single[k:], single[k:]] += slopes[:, 2 * k :] ** 2
        gradient[:, k:] += values[:, 2 * k :] * slopes[:, 2 * k :]
        live = self.active
        return matrix * live[:, None] * live[None, :], gradient * live


def _log_mean(parts: Float) -> Float:
    """Logarithm of the mean over the rows of exp(parts); (b, k)."""
    peak = parts.max(axis=-2)
    return np.asarray(peak + np.log(np.exp(parts - peak[..., None, :]).mean(axis=-2)))


def _levenberg_marquardt(problems: _Problems, theta: Float) -> Float:
    theta = theta.copy()
    diagonal = np.arange(theta.shape[1])
    running = np.arange(len(theta))
    low, high = _limits(problems)
    cost = problems.cost(theta)
    damping = np.full(len(theta), 1e-3)
    for _ in range(_STEPS):
        part, here = problems.take(running), theta[running]
        matrix, gradient = part.normal_equations(here)
        # at a limit that the step would cross a parameter stands still, or its clipped step would spoil the others'
        live = ~(((here <= low) & (gradient > 0)) | ((here >= high) & (gradient < 0))) * part.active
        matrix *= live[:, :, None] * live[:, None, :]
        matrix[:, diagonal, diagonal] += damping[running, None] * (matrix[:, diagonal, diagonal] + 1e-4)
        matrix[:, diagonal, diagonal] += 1.0 - live
        move = np.clip(np.linalg.solve(matrix, (gradient * live)[..., None])[..., 0], -4.0, 4.0)
        new = np.clip(here - move * live, low, high)
        new_cost = part.cost(new)
        better = new_cost <= cost[running]
        gain = cost[running] - new_cost
        theta[running] = np.where(better[:, None], new, here)
        cost[running] = np.where(better, new_cost, cost[running])
        damping[running] = np.clip(damping[running] * np.where(better, 0.1, 10.0), 1e-12, 1e9)
        done = (better & (gain <= _TOLERANCE * (1.0 + new_cost)) & (damping[running] < 1.0)) | (damping[running] >= 1e9)
        running = running[~done]
        if not running.size:
            break
    return theta


def _limits(problems: _Problems) -> tuple[Float, Float]:
    _, _, low, high = problems.space.shape_priors
    far = np.full(problems.k, _FARTHEST)
    return np.concatenate([-far, low]), np.concatenate([far, high])


def _starts(space: ModelSpace, model: tuple[int, ...], uses: Float, centre: Float, n_random: int) -> Float:
    """Choose the starting points of one model; (n_sets, n_starts, k + s).

    Fixed seed: the same data give the same fit.
    """
    k = len(model)
    low, high, _ = (values[list(model)] for values in space.coefficient_priors)
    own = np.isfinite(low)
    mean = 0.5 * (low + high)
    moves = bool(uses.any() or own.any())
    n = 1 if k == 1 and not moves else 2 + n_random
    rng = np.random.default_rng(20260303)
    shares = np.concatenate([np.full((2, k), 1.0 / k), rng.dirichlet(np.ones(k), n_random)])[:n]
    shapes = np.zeros((n, len(uses)))
    for column, name in enumerate(space.shape_names):
        prior = SHAPES[name]
        values = prior.level + prior.width * np.resize(np.array(prior.starts), n)
        shapes[:, column] = np.clip(values, prior.low, prior.high)
    theta = np.concatenate([np.broadcast_to(np.where(own, mean, 0.0), (n, k)), shapes], axis=1)
    levels = _log_mean(space.log_rates(model, theta))
    wanted = centre[:, None, None] + np.log(np.maximum(shares, 1e-3)) - levels
    # a law whose size isn't free starts from its prior, and every other time from where it would meet the data
    odd = (np.arange(n) % 2 == 1)[:, None]
    shift = np.where(own, np.where(odd, np.clip(wanted, -12.0, 6.0), 0.0), wanted)
    full = np.broadcast_to(theta, (len(centre), *theta.shape)).copy()
    full[:, :, :k] += shift
    return full


def fit_batch(
    space: ModelSpace,
    log_rates: Float,
    sigma: Float | None,
    *,
    n_random: int = 4,
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
    size = len(space.names)
    n_models, width = len(space.models), size + len(space.shape_names)
    weight = np.ones_like(log_rates) if sigma is None else 1.0 / sigma
    result = BatchFit(
        np.full((n_sets, n_models, width), np.nan),
        np.zeros((n_sets, n_models, width, width)),
        *(np.zeros((n_sets, n_models)) for _ in range(3)),
    )
    uses = space.shape_masks()
    centre = np.log(np.mean(np.exp(log_rates), axis=1))
    for i, model in enumerate(space.models):
        columns = np.array([*model, *range(size, width)])
        kept = np.concatenate([np.ones(len(model), bool), uses[i] > 0])
        present = columns[kept]
        points = _starts(space, model, uses[i], centre[:1], n_random)
        per_chunk = max(1, _CHUNK // points.shape[1])
        for first in range(0, n_sets, per_chunk):
            rows = slice(first, min(first + per_chunk, n_sets))
            points = _starts(space, model, uses[i], centre[rows], n_random)
            found = _fit_model(
                space, model, uses[i], points, log_rates[rows], weight[rows], sigma is None, np.ones(len(columns))
            )
            result.theta[rows, i][:, present] = found.theta[:, kept]
            result.covariance[rows, i][:, present[:, None], present] = found.covariance[:, kept][:, :, kept]
            for name in ("chi2", "penalty", "scatter"):
                getattr(result, name)[rows, i] = getattr(found, name)
    return result


def _fit_model(
    space: ModelSpace,
    model: tuple[int, ...],
    uses: Float,
    points: Float,
    y: Float,
    weight: Float,
    free_scatter: bool,
    movable: Float,
) -> BatchFit:
    """Fit one model to some data sets from several starts; (n_sets, ...) without the axis of models."""
    n_sets, n = y.shape
    k = len(model)
    centre = np.log(np.mean(np.exp(y), axis=1))
    n_starts = points.shape[1]
    theta = points.reshape(-1, points.shape[2])
    repeated = np.repeat(np.arange(n_sets), n_starts)
    active = np.concatenate([np.ones(k), uses]) * movable
    plain = _Problems(space, model, y[repeated], weight[repeated], centre[repeated], active, uses)
    scatter = np.full(len(theta), 0.2 if free_scatter else 1.0)
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
    diagonal = np.arange(theta.shape[1])
    matrix[:, diagonal, diagonal] += 1.0 - best.active
    covariance = np.linalg.pinv(matrix, hermitian=True) * active[:, None] * active[None, :]
    chi2 = plain.take(winner).chi2(theta)
    return BatchFit(theta, covariance, chi2, best.penalty(theta), scatter[winner])


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
    members = [*space.models[model], *range(len(space.names), fit.theta.shape[2])]
    position = members.index(column)
    uses = space.shape_masks()[model]
    level = np.concatenate([np.zeros(len(space.names)), space.shape_priors[0]])
    best = np.where(np.isnan(fit.theta[0, model]), level, fit.theta[0, model])[members]
    spread = float(np.sqrt(max(fit.covariance[0, model, column, column] * inflation, 1e-12)))
    steps = np.geomspace(0.15, 6.0, 24) * spread
    if np.isfinite(space.prior_widths()[column]) and column < len(space.names):
        steps = np.geomspace(0.15 * spread, 6.0 * max(spread, space.prior_widths()[column]), 32)  # it may saturate
    offsets = np.concatenate([-steps[::-1], [0.0], steps])
    start = np.repeat(best[None], len(offsets), axis=0)
    start[:, position] += offsets
    if column >= len(space.names):
        _, _, low, high = (values[column - len(space.names)] for values in space.shape_priors)
        start[:, position] = np.clip(start[:, position], low, high)
    movable = np.ones(len(members))
    movable[position] = 0.0
    width = fit.scatter[0, model] if sigma is None else sigma * np.sqrt(inflation)
    weight = np.broadcast_to(1.0 / np.broadcast_to(width, y.shape), (len(offsets), len(y)))
    sets = np.broadcast_to(y, weight.shape)
    found = _fit_model(space, space.models[model], uses, start[:, None], sets, weight, False, movable)
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
