"""Thousands of fits at once: variable projection and Levenberg-Marquardt under JAX, vectorised over the traces."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
import pandas as pd

from perospin.errors import FitError
from perospin.fitting.arrays import Float
from perospin.fitting.model import Abscissa, SeparableModel, abscissa, length
from perospin.fitting.parameters import ParameterInput, build_parameters
from perospin.fitting.projection import Problem

__all__ = ["BatchFit", "FitStatus", "fit_batch"]

_CHUNK = 256  # traces at a time: keeps the arrays in the cache, and one shape to compile
_FIRST, _MOST = 12, 100  # steps before the traces that converged leave, and in all
_FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)
_SAMPLED = 8  # traces whose own guess is tried on all


class FitStatus(Enum):
    """What became of one trace; the value is the sentence to show."""

    CONVERGED = "converged"
    AT_BOUND = "a parameter stands at its bound: read it as a limit, not as a value"
    UNRESOLVED = "a parameter lies below what the experiment resolves: read it as an upper bound"
    NOT_CONVERGED = "stopped before it converged: give better starting values, or look at the trace"
    NOT_FINITE = "the model was not finite at any start: narrow the bounds"
    TOO_FEW_POINTS = "fewer usable points than parameters"


@dataclass(frozen=True, repr=False)
class BatchFit:
    """Fits of many traces with one model.

    Attributes
    ----------
    model
        Name of the model.
    names, units
        Of the columns of `values`: non-linear parameters, then amplitudes.
    values, uncertainty
        Shape (n_traces, n_names); NaN where nothing was fitted, uncertainty NaN for fixed parameters.
    chi2, noise
        Sum of squared weighted residuals, and the residuals' standard deviation in the data's unit; (n_traces,).
    n_points
        Points that counted, (n_traces,).
    status
        One `FitStatus` a trace.
    best_fit
        Shape (n_traces, n_points).
    """

    model: str
    names: tuple[str, ...]
    units: tuple[str, ...]
    values: Float
    uncertainty: Float
    chi2: Float
    noise: Float
    n_points: Float
    status: tuple[FitStatus, ...]
    best_fit: Float

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        good = sum(s is FitStatus.CONVERGED for s in self.status)
        return f"<BatchFit {self.model}: {len(self)} traces, {good} converged>"

    def __getitem__(self, name: str) -> Float:
        """Values of one parameter, (n_traces,)."""
        if name not in self.names:
            raise FitError(f"this fit has no quantity '{name}'; it has: {', '.join(self.names)}")
        return self.values[:, self.names.index(name)]

    def table(self) -> pd.DataFrame:
        """One row a trace: values, uncertainties (``<name>_uncertainty``), noise and status in words."""
        columns: dict[str, Any] = {}
        for i, name in enumerate(self.names):
            columns[name] = self.values[:, i]
            columns[f"{name}_uncertainty"] = self.uncertainty[:, i]
        columns |= {"noise": self.noise, "n_points": self.n_points, "status": [s.value for s in self.status]}
        return pd.DataFrame(columns)


def fit_batch(
    model: SeparableModel,
    x: Abscissa,
    y: Any,
    *,
    sigma: Any = None,
    params: ParameterInput = None,
    starts: Sequence[Mapping[str, float]] | None = None,
    resolution: Mapping[str, float] | None = None,
) -> BatchFit:
    """Fit every row of `y` with its own parameters.

    Parameters
    ----------
    model
        Its functions must accept JAX arrays (see `perospin.fitting.namespace`).
    x
        Abscissa shared by all traces, (n,).
    y
        Shape (n_traces, n); NaN marks points to leave out.
    sigma
        A number, (n,) or (n_traces, n); None: estimated trace by trace.
    params
        As in `fit_model`, without ties.
    starts
        Starting points to choose from; default the model's guesses for a few traces, spread by factors of two and four.
    resolution
        Smallest value by name that the experiment can tell from zero.

    Returns
    -------
    BatchFit

    Raises
    ------
    FitError
        If shapes, parameters or model don't suit.

    Notes
    -----
    Every trace starts from the best of all starting points; the same data give the same result.
    """
    import jax

    x = abscissa(x)
    y, weight, usable = _weighted(x, y, sigma)
    parameters, given = build_parameters(model, params)
    if any(p.expr for p in parameters.values()):
        raise FitError("ties by expression don't work in a batch; fit the traces one by one, or fix the parameter")
    problem = Problem(model, x, y[:1].T, np.ones((len(y[0]), 1)), parameters)
    names = (*model.names, *model.amplitude_names)
    units = tuple(model[name].unit for name in names)
    k, p = len(problem.linear), len(problem.free)
    n_points = usable.sum(axis=1)
    enough = n_points > p + k - (sigma is not None)
    points = _starting_points(problem, model, y, weight, starts, given)

    with jax.enable_x64(True):
        engine = _Engine(problem)
        u, cost = engine.choose(points, y, weight)
        u, done = engine.run(u, y, weight)
        chi2, theta_error, amplitudes, amplitude_error, fitted = engine.finish(u, y, weight)

    dof = np.maximum(n_points - p - k, 1)
    variance = np.ones(len(y)) if sigma is not None else chi2 / dof
    values = np.full((len(y), len(names)), np.nan)
    errors = np.full_like(values, np.nan)
    scale = np.sqrt(variance)[:, None]
    for name, parameter in parameters.items():
        values[:, names.index(name)] = parameter.value
    for j, name in enumerate(problem.free):
        positive = name in problem._positive
        values[:, names.index(name)] = np.exp(u[:, j]) if positive else u[:, j]
        slope = np.exp(u[:, j]) if positive else 1.0
        errors[:, names.index(name)] = theta_error[:, j] * slope * scale[:, 0]
    for j, index in enumerate(problem.linear):
        column = len(model.parameters) + index
        values[:, column], errors[:, column] = amplitudes[:, j], amplitude_error[:, j] * scale[:, 0]
    residual = np.where(usable, y - fitted, 0.0)
    noise = np.sqrt(np.sum(residual**2, axis=1) / dof)
    status = _judge(problem, u, values, names, done, np.isfinite(cost), enough, resolution or {})
    failed = ~(enough & np.isfinite(cost))
    values[failed], errors[failed], fitted[failed] = np.nan, np.nan, np.nan
    return BatchFit(model.name, names, units, values, errors, chi2, noise, n_points, status, fitted)


def _weighted(x: Abscissa, y: Any, sigma: Any) -> tuple[Float, Float, np.ndarray]:
    try:
        y = np.asarray(y, float)
    except (TypeError, ValueError):
        raise FitError("the data are not numbers") from None
    n = length(x)
    if y.ndim != 2 or y.shape[1] != n or not len(y):
        raise FitError(f"a batch needs data of the shape (traces, {n} points), got {y.shape}")
    usable = np.isfinite(y)
    weight = np.ones(y.shape)
    if sigma is not None:
        try:
            spread = np.broadcast_to(np.asarray(sigma, float), y.shape)
        except ValueError:
            raise FitError(f"sigma has the shape {np.shape(sigma)}, the data {y.shape}") from None
        if not (spread[usable] > 0).all():
            raise FitError("sigma must be above zero at every point")
        weight = 1.0 / np.where(usable, spread, 1.0)
    return np.where(usable, y, 0.0), np.where(usable, weight, 0.0), usable


def _starting_points(
    problem: Problem,
    model: SeparableModel,
    y: Float,
    weight: Float,
    starts: Sequence[Mapping[str, float]] | None,
    given: set[str],
) -> Float:
    """Points to start from, in search variables, (n_starts, p)."""
    own = {name: float(p.value) for name, p in problem.parameters.items()}
    guessed: list[dict[str, float]] = []
    if starts is not None:
        guessed = [{**own, **start} for start in starts]
    elif model.guess is not None:
        rows = np.unique(np.linspace(0, len(y) - 1, _SAMPLED).astype(int))
        seen = [y.mean(axis=0), *(y[row] for row in rows)]
        for trace in seen:
            found = model.guess(problem.x, trace)
            for guess in [found] if isinstance(found, Mapping) else found:
                kept = {n: float(v) for n, v in guess.items() if n in own and n not in given and np.isfinite(v)}
                guessed.append({**own, **kept})
    guessed = guessed or [own]
    positive = [name for name in problem.free if name in problem._positive and name not in given]
    if starts is None:
        for name in positive:
            guessed = [{**start, name: start[name] * f} for start in guessed for f in _FACTORS]
            if len(guessed) > 400:
                guessed = guessed[:: math.ceil(len(guessed) / 400)]
    low, high = problem.bounds()
    span = np.where(np.isfinite(high - low), high - low, 1.0)
    points = np.array([problem.to_search(start) for start in guessed]).reshape(len(guessed), len(problem.free))
    return np.unique(np.round(np.clip(points, low + 1e-6 * span, high - 1e-6 * span), 12), axis=0)


def _judge(
    problem: Problem,
    u: Float,
    values: Float,
    names: tuple[str, ...],
    done: np.ndarray,
    finite: np.ndarray,
    enough: np.ndarray,
    resolution: Mapping[str, float],
) -> tuple[FitStatus, ...]:
    low, high = problem.bounds()
    span = np.where(np.isfinite(high - low), high - low, 1.0)
    outside = (u <= low + 1e-5 * span) | (u >= high - 1e-5 * span)
    bound = np.asarray(outside.any(axis=1)) if u.shape[1] else np.zeros(len(u), bool)
    unresolved = np.zeros(len(u), bool)
    for name, least in resolution.items():
        if name in names:
            unresolved |= values[:, names.index(name)] < least
    chosen = []
    for i in range(len(u)):
        if not enough[i]:
            chosen.append(FitStatus.TOO_FEW_POINTS)
        elif not finite[i]:
            chosen.append(FitStatus.NOT_FINITE)
        elif unresolved[i]:
            chosen.append(FitStatus.UNRESOLVED)
        elif bound[i]:
            chosen.append(FitStatus.AT_BOUND)
        else:
            chosen.append(FitStatus.CONVERGED if done[i] else FitStatus.NOT_CONVERGED)
    return tuple(chosen)


@functools.lru_cache(maxsize=32)
def _compiled(
    model: SeparableModel, free: tuple[str, ...], linear: tuple[int, ...], moved: tuple[int, ...]
) -> tuple[Any, Any, Any]:
    """Functions ``parts``, ``search`` and ``finish`` of one model, compiled for each shape that comes in.

    `given` holds what all traces share: abscissa, held values and bounds.
    """
    import jax
    import jax.numpy as jnp

    positive = {p.name for p in model.parameters if p.positive}
    names = model.amplitude_names
    k, p = len(linear), len(free)

    def parts(u: Any, given: Any) -> tuple[Any, Any]:
        """Free columns (n, k) and the rest (n,)."""
        x, values = given["x"], dict(given["held"])
        n = length(x)
        for j, name in enumerate(free):
            values[name] = jnp.exp(u[j]) if name in positive else u[j]
        theta = {name: values[name] for name in model.names}
        rest = jnp.zeros(n) if model.base is None else jnp.broadcast_to(model.base(x, theta), (n,))
        if not names or model.basis is None:
            return jnp.zeros((n, 0)), rest
        columns = [jnp.broadcast_to(jnp.asarray(c, float), (n,)) for c in model.basis(x, theta)]
        for index in moved:
            rest = rest + values[names[index]] * columns[index]
        return jnp.stack([columns[i] for i in linear], axis=1) if linear else jnp.zeros((n, 0)), rest

    def project(u: Any, y: Any, w: Any, given: Any) -> tuple[Any, Any]:
        """Weighted projected residual and amplitudes."""
        columns, rest = parts(u, given)
        target = (y - rest) * w
        if not k:
            return target, jnp.zeros(0)
        weighted = columns * w[:, None]
        norm = jnp.sqrt(jnp.sum(weighted**2, axis=0) + 1e-300)
        scaled = weighted / norm
        gram = scaled.T @ scaled + 1e-13 * jnp.eye(k)
        amplitudes = _solve(gram, scaled.T @ target)
        return target - scaled @ amplitudes, amplitudes / norm

    def equations(u: Any, y: Any, w: Any, given: Any) -> tuple[Any, Any, Any]:
        """Cost, J^T J and J^T r; differentiating the projection gives Golub and Pereyra's Jacobian."""
        r, push = jax.linearize(lambda v: project(v, y, w, given)[0], u)
        jacobian = jax.vmap(push)(jnp.eye(p))  # (p, n)
        return r @ r, jacobian @ jacobian.T, jacobian @ r

    def search(u: Any, y: Any, w: Any, steps: Any, given: Any) -> tuple[Any, Any, Any]:
        low, high = given["low"], given["high"]

        def keep_going(state: Any) -> Any:
            return (state[0] < steps) & ~state[7]

        def step(state: Any) -> Any:
            i, v, cost, matrix, gradient, damping, trial, _ = state
            new_cost, new_matrix, new_gradient = equations(trial, y, w, given)
            better = jnp.isfinite(new_cost) & (new_cost <= cost)
            moved_by = jnp.max(jnp.abs(trial - v) / (1e-3 + jnp.abs(v)))
            small = better & (cost - new_cost <= 1e-11 * cost) & (moved_by < 1e-5)
            finished = (i > 0) & (small | (damping > 1e9) | (moved_by < 1e-13))
            damping = jnp.clip(damping * jnp.where(better, 0.1, 10.0), 1e-9, 1e10)
            v = jnp.where(better, trial, v)
            cost = jnp.where(better, new_cost, cost)
            matrix = jnp.where(better, new_matrix, matrix)
            gradient = jnp.where(better, new_gradient, gradient)
            # a parameter at a bound that wants out is left out of this step
            stuck = ((v <= low) & (gradient > 0)) | ((v >= high) & (gradient < 0))
            live = jnp.where(stuck, 0.0, 1.0)
            diagonal = jnp.diag(matrix)
            damped = matrix + jnp.diag(damping * diagonal + 1e-14 * (diagonal.max() + 1e-300))
            damped = damped * live[:, None] * live[None, :] + jnp.diag(1.0 - live)
            trial = jnp.clip(v - jnp.clip(_solve(damped, gradient * live), -3.0, 3.0), low, high)
            return i + 1, v, cost, matrix, gradient, damping, trial, finished

        state = (
            0, u, jnp.asarray(jnp.inf), jnp.eye(p), jnp.zeros(p), jnp.asarray(1e-2), u, jnp.asarray(False),
        )  # fmt: skip
        state = jax.lax.while_loop(keep_going, step, state)
        return state[1], state[2], state[7]

    def finish(u: Any, y: Any, w: Any, given: Any) -> tuple[Any, Any, Any, Any, Any]:
        """Cost, standard errors for unit variance, amplitudes and their errors, curve."""
        left, amplitudes = project(u, y, w, given)

        def curve(both: Any) -> Any:
            columns, rest = parts(both[:p], given)
            return rest + columns @ both[p:]

        fitted, push = jax.linearize(curve, jnp.concatenate([u, amplitudes]))
        jacobian = jax.vmap(push)(jnp.eye(p + k)) * w
        information = jacobian @ jacobian.T
        scale = jnp.sqrt(jnp.diag(information))
        scale = jnp.where(scale > 0, scale, 1.0)
        covariance = jnp.linalg.inv(information / jnp.outer(scale, scale) + 1e-14 * jnp.eye(p + k))
        error = jnp.sqrt(jnp.maximum(jnp.diag(covariance), 0.0)) / scale
        return left @ left, error[:p], amplitudes, error[p:], fitted

    # the expensive passes double the time to compile and gain nothing here
    compiled = functools.partial(jax.jit, compiler_options={"xla_llvm_disable_expensive_passes": True})
    return (
        compiled(parts),
        compiled(jax.vmap(search, in_axes=(0, 0, 0, None, None))),
        compiled(jax.vmap(finish, in_axes=(0, 0, 0, None))),
    )


class _Engine:
    """One batch on its way through the compiled functions, in chunks of traces."""

    def __init__(self, problem: Problem) -> None:
        held = {name: float(p.value) for name, p in problem.parameters.items() if name not in problem.free}
        low, high = problem.bounds()
        self.given = {"x": problem.x, "held": held, "low": low, "high": high}
        self.p = len(problem.free)
        self._parts, self._search, self._finish = _compiled(
            problem.model, tuple(problem.free), tuple(problem.linear), tuple(problem.moved)
        )

    def choose(self, points: Float, y: Float, weight: Float) -> tuple[Float, Float]:
        """Best starting point of each trace, and its cost; one factorisation serves all traces."""
        from perospin.fitting.projection import pseudo_inverse

        best = np.full(len(y), np.inf)
        which = np.zeros(len(y), int)
        live = np.asarray(
            (weight > 0).any(axis=0)
        )  # points missing in some traces count as zero here: good enough for a start
        for index, u in enumerate(points):
            columns, rest = (np.asarray(part) for part in self._parts(u, self.given))
            if not (np.isfinite(columns).all() and np.isfinite(rest).all()):
                continue
            columns = columns * live[:, None]
            target = (y - rest) * (weight > 0)
            left = target - (target @ pseudo_inverse(columns).T) @ columns.T
            cost = np.einsum("ij,ij->i", left, left)
            better = cost < best
            best[better], which[better] = cost[better], index
        return points[which], best

    def run(self, u: Float, y: Float, weight: Float) -> tuple[Float, np.ndarray]:
        """Search from the chosen starts; returns the minimum and whether the search converged."""
        u, done = u.copy(), np.zeros(len(y), bool)
        if not self.p:
            return u, ~done
        rows = np.arange(len(y))
        for steps in (_FIRST, _MOST):
            for chunk in _chunks(rows):
                v, _, finished = self._search(u[chunk], y[chunk], weight[chunk], steps, self.given)
                u[chunk], done[chunk] = np.asarray(v), np.asarray(finished)
            rows = np.flatnonzero(~done)
            if not rows.size:
                break
        return u, done

    def finish(self, u: Float, y: Float, weight: Float) -> tuple[Float, ...]:
        """Cost, errors, amplitudes, their errors, curves."""
        out: list[Float] | None = None
        for chunk in _chunks(np.arange(len(y))):
            parts = [np.asarray(a) for a in self._finish(u[chunk], y[chunk], weight[chunk], self.given)]
            if out is None:
                out = [np.empty((len(y), *a.shape[1:])) for a in parts]
            for whole, part in zip(out, parts, strict=True):
                whole[chunk] = part
        assert out is not None
        return tuple(out)


def _solve(matrix: Any, right: Any) -> Any:
    """Solve a small positive definite system; unrolled, because a LAPACK call for each trace costs more."""
    import jax.numpy as jnp

    n = right.shape[0]
    if n == 1:
        return right / matrix[0, 0]
    if n > 6:
        return jnp.linalg.solve(matrix, right)
    rows: list[list[Any]] = [[None] * n for _ in range(n)]
    for i in range(n):  # Cholesky
        for j in range(i + 1):
            total = matrix[i, j] - sum(rows[i][m] * rows[j][m] for m in range(j))
            rows[i][j] = jnp.sqrt(jnp.maximum(total, 1e-300)) if i == j else total / rows[j][j]
    forward: list[Any] = []
    for i in range(n):
        forward.append((right[i] - sum(rows[i][m] * forward[m] for m in range(i))) / rows[i][i])
    back: list[Any] = [None] * n
    for i in reversed(range(n)):
        back[i] = (forward[i] - sum(rows[m][i] * back[m] for m in range(i + 1, n))) / rows[i][i]
    return jnp.stack(back)


def _chunks(rows: np.ndarray) -> list[np.ndarray]:
    """Pieces of one length, the last filled up by repeating its last row; few shapes, few compilations."""
    if not rows.size:
        return []
    size = min(_CHUNK, 1 << (len(rows) - 1).bit_length())
    pieces = []
    for first in range(0, len(rows), size):
        piece = rows[first : first + size]
        pieces.append(np.concatenate([piece, np.repeat(piece[-1:], size - len(piece))]))
    return pieces
