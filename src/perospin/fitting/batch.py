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
from perospin.fitting.arrays import Float, real
from perospin.fitting.model import Abscissa, SeparableModel, abscissa, length
from perospin.fitting.parameters import ParameterInput, build_parameters
from perospin.fitting.projection import Problem, pseudo_inverse

__all__ = ["BatchFit", "FitStatus", "fit_batch"]

_CHUNK = 256  # traces at a time: keeps the arrays in the cache, and one shape to compile
_MOST = 100  # steps
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
    starts: Sequence[Mapping[str, float]] | Mapping[str, Float] | None = None,
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
        A mapping of names to arrays (n_traces,) is the one point where each trace starts.
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
    with jax.enable_x64(True):
        engine = _Engine(problem, len(y))
        if isinstance(starts, Mapping):
            u = _own_starts(problem, starts, len(y))
            cost = np.where(np.isfinite(u).all(axis=1), 0.0, np.nan)
            u = np.where(np.isfinite(u), u, 0.0)
        else:
            u, cost = engine.choose(_starting_points(problem, model, y, weight, starts, given), y, weight)
        u, state, done = engine.run(u, y, weight)
    chi2, amplitudes, fitted = state["cost"], state["amplitudes"], state["fitted"]
    theta_error, amplitude_error = engine.errors(state)

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
    y = real(y, "the signal")
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


def _own_starts(problem: Problem, starts: Mapping[str, Float], traces: int) -> Float:
    """Point where each trace starts, in search variables, (n_traces, p)."""
    columns = []
    for name in problem.free:
        value = np.asarray(starts.get(name, problem.parameters[name].value), float)
        if value.ndim and value.shape != (traces,):
            raise FitError(f"the starts of {name} have the shape {value.shape}; ({traces},) is wanted, one a trace")
        if name in problem._positive and not (value > 0).all():
            raise FitError(f"the starts of {name} must be above zero")
        columns.append(np.broadcast_to(np.log(value) if name in problem._positive else value, (traces,)))
    low, high = problem.bounds()
    span = np.where(np.isfinite(high - low), high - low, 1.0)
    return np.clip(np.stack(columns, axis=1).reshape(traces, -1), low + 1e-6 * span, high - 1e-6 * span)


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
def _compiled(model: SeparableModel, free: tuple[str, ...], linear: tuple[int, ...], moved: tuple[int, ...]) -> Any:
    """State of many traces of one model, compiled once for each shape that comes in.

    The Jacobian of the projected residual is Kaufman's, ``-P (dPhi) a`` (BIT 15, 49, 1975): the term it leaves out
    vanishes with the residual, and the gradient is exact without it.
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

    def state(u: Any, y: Any, w: Any, given: Any) -> dict[str, Any]:
        (columns, rest), push = jax.linearize(lambda v: parts(v, given), u)
        d_columns, d_rest = jax.vmap(push)(jnp.eye(p))  # (p, n, k), (p, n)
        weighted = columns * w[:, None]
        norm = jnp.sqrt(jnp.sum(weighted**2, axis=0) + 1e-300)
        scaled = weighted / norm
        gram = scaled.T @ scaled + 1e-14 * jnp.eye(k)
        inverse = _invert(gram)
        reduced = inverse @ (scaled.T @ ((y - rest) * w))
        amplitudes = reduced / norm
        fitted = rest + columns @ amplitudes
        left = (y - fitted) * w
        full = (d_columns @ amplitudes + d_rest) * w  # (p, n)
        share = inverse @ (scaled.T @ full.T)  # (k, p)
        jacobian = full - (scaled @ share).T
        return {
            "cost": left @ left,
            "matrix": jacobian @ jacobian.T,
            "gradient": -(jacobian @ left),
            "amplitudes": amplitudes,
            "spread": inverse / jnp.outer(norm, norm),
            "share": share / norm[:, None],
            "fitted": fitted,
        }

    # the expensive passes double the time to compile and gain nothing here
    options = {"xla_llvm_disable_expensive_passes": True}
    return jax.jit(jax.vmap(state, in_axes=(0, 0, 0, None)), compiler_options=options)


class _Engine:
    """One batch on its way: states by JAX, steps of Levenberg and Marquardt by NumPy."""

    def __init__(self, problem: Problem, traces: int) -> None:
        self.problem = problem
        self.size = min(_CHUNK, 1 << (traces - 1).bit_length())
        self.p, self.k = len(problem.free), len(problem.linear)
        self.low, self.high = problem.bounds()
        held = {name: float(p.value) for name, p in problem.parameters.items() if name not in problem.free}
        self.given = {"x": problem.x, "held": held}
        self._state = _compiled(problem.model, tuple(problem.free), tuple(problem.linear), tuple(problem.moved))

    def choose(self, points: Float, y: Float, weight: Float) -> tuple[Float, Float]:
        """Best starting point of each trace, and its cost; one factorisation serves all traces."""
        best = np.full(len(y), np.inf)
        which = np.zeros(len(y), int)
        live = np.asarray((weight > 0).any(axis=0))  # good enough to choose a start, even with points missing
        for index, u in enumerate(points):
            columns, rest = self.problem.evaluate(self.problem.values(u))
            if not (np.isfinite(columns).all() and np.isfinite(rest).all()):
                continue
            columns = columns * live[:, None]
            target = (y - rest) * (weight > 0)
            left = target - (target @ pseudo_inverse(columns).T) @ columns.T
            cost = np.einsum("ij,ij->i", left, left)
            better = cost < best
            best[better], which[better] = cost[better], index
        return points[which], best

    def states(self, u: Float, y: Float, weight: Float) -> dict[str, Float]:
        """Evaluate traces, chunk by chunk; each entry has the traces first."""
        out: dict[str, Float] = {}
        for chunk in _chunks(np.arange(len(y)), self.size):
            part = self._state(u[chunk], y[chunk], weight[chunk], self.given)
            for name, values in part.items():
                array = np.asarray(values)
                out.setdefault(name, np.empty((len(y), *array.shape[1:])))[chunk] = array
        return out

    def run(self, u: Float, y: Float, weight: Float) -> tuple[Float, dict[str, Float], np.ndarray]:
        """Search from the chosen starts: the minima, the states there, and which searches converged."""
        u, done = u.copy(), np.zeros(len(y), bool)
        now = self.states(u, y, weight)
        done |= ~np.isfinite(now["cost"])
        damping = np.full(len(y), 1e-3)
        eye = np.eye(self.p)
        for _ in range(_MOST if self.p else 0):
            rows = np.flatnonzero(~done)
            if not rows.size:
                break
            matrix, gradient, v = now["matrix"][rows], now["gradient"][rows], u[rows]
            # a parameter at a bound that wants out is left out of this step
            stuck = ((v <= self.low) & (gradient > 0)) | ((v >= self.high) & (gradient < 0))
            live = np.where(stuck, 0.0, 1.0)
            diagonal = np.einsum("ijj->ij", matrix)
            floor = 1e-14 * diagonal.max(axis=1) + 1e-300
            damped = matrix + eye * (damping[rows, None] * diagonal + floor[:, None])[:, None, :]
            damped = damped * live[:, :, None] * live[:, None, :] + eye * (1.0 - live)[:, None, :]
            move = np.linalg.solve(damped, (gradient * live)[:, :, None])[:, :, 0]
            trial = np.clip(v - np.clip(move, -3.0, 3.0), self.low, self.high)
            new = self.states(trial, y[rows], weight[rows])
            cost = now["cost"][rows]
            better = np.isfinite(new["cost"]) & (new["cost"] <= cost)
            moved = np.max(np.abs(trial - v) / (1e-3 + np.abs(v)), axis=1)
            small = better & (cost - new["cost"] <= 1e-11 * cost) & (moved < 1e-5)
            damping[rows] = np.clip(damping[rows] * np.where(better, 0.1, 10.0), 1e-9, 1e10)
            kept = rows[better]
            u[kept] = trial[better]
            for name, values in new.items():
                now[name][kept] = values[better]
            done[rows] = small | (damping[rows] > 1e9) | (moved < 1e-13)
        return u, now, done if self.p else np.ones(len(y), bool)

    def errors(self, state: dict[str, Float]) -> tuple[Float, Float]:
        """Compute standard errors of search variables (n_traces, p) and amplitudes (n_traces, k) for unit variance."""
        scale = np.sqrt(np.einsum("ijj->ij", state["matrix"]))
        scale = np.where(scale > 0, scale, 1.0)
        scaled = state["matrix"] / (scale[:, :, None] * scale[:, None, :])
        scaled = np.where(np.isfinite(scaled), scaled, 0.0) + 1e-13 * np.eye(self.p)
        covariance = np.linalg.inv(scaled) / (scale[:, :, None] * scale[:, None, :])
        share = state["share"]
        spread = state["spread"] + np.einsum("ikp,ipq,ilq->ikl", share, covariance, share)
        parts = (np.einsum("ijj->ij", block) for block in (covariance, spread))
        first, second = (np.sqrt(np.maximum(part, 0.0)) for part in parts)
        return first, second


def _invert(matrix: Any) -> Any:
    """Inverse of a small positive definite matrix; written out up to 2, where a LAPACK call a trace costs more."""
    import jax.numpy as jnp

    n = matrix.shape[0]
    if n == 0:
        return matrix
    if n == 1:
        return 1.0 / matrix
    if n == 2:
        determinant = matrix[0, 0] * matrix[1, 1] - matrix[0, 1] ** 2
        adjugate = jnp.stack([jnp.stack([matrix[1, 1], -matrix[0, 1]]), jnp.stack([-matrix[0, 1], matrix[0, 0]])])
        return adjugate / determinant
    return jnp.linalg.inv(matrix)


def _chunks(rows: np.ndarray, size: int) -> list[np.ndarray]:
    """Pieces of one length, the last filled up by repeating its last row: one shape, one compilation."""
    pieces = []
    for first in range(0, len(rows), size):
        piece = rows[first : first + size]
        pieces.append(np.concatenate([piece, np.repeat(piece[-1:], size - len(piece))]))
    return pieces
