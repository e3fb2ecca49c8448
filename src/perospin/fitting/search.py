"""The search for theta, and the profile of the cost along one parameter."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from perospin.errors import FitError
from perospin.fitting.arrays import Float
from perospin.fitting.condensing import condense
from perospin.fitting.projection import Problem, Projected

__all__ = ["Found", "minimise", "minimise_long", "profile_end", "with_held"]

_TRIES = 3
_MANY = 40_000  # points above which the search works on fewer numbers
_MOST = 200
_LOOK = 8_000  # points that are enough to choose a start
_LARGE = 1000  # points from which on the search works on compressed residuals


@dataclass(frozen=True)
class Found:
    """Minimum of one problem."""

    u: Float
    at: Projected
    converged: bool

    @property
    def chi2(self) -> float:
        """Sum of squared weighted residuals."""
        return self.at.chi2


def _inside(problem: Problem, u: Float) -> Float:
    """Move a start a little away from its bounds, where the search could not move."""
    low, high = problem.bounds()
    span = np.where(np.isfinite(high - low), high - low, 1.0)
    return np.clip(u, low + 1e-9 * span, high - 1e-9 * span)


def search(problem: Problem, u: Float, tolerance: float = 1e-12) -> Found:
    """Least squares from one start.

    Raises
    ------
    FitError
        If the model is not finite at the start.
    """
    from scipy.optimize import least_squares

    if not problem.free:
        return Found(u, problem.project(u), True)
    last: list[tuple[Float, Float, Float]] = []
    large = problem.y.size > _LARGE and problem.weight.shape[1] == 1

    def both(v: Float) -> tuple[Float, Float]:
        """Residual and Jacobian at v, kept for the call that asks for the other one."""
        if not (last and np.array_equal(last[0][0], v)):
            if large:
                last[:] = [(v.copy(), *problem.compressed(v))]
            else:
                at = problem.project(v)
                last[:] = [(v.copy(), at.residual.ravel(), problem.jacobian(v, at))]
        return last[0][1:]

    low, high = problem.bounds()
    # the tolerance of the gradient is absolute: without a scale, small signals would count as converged at once
    scale = 1.0 / (float(np.linalg.norm(problem.y * problem.weight)) or 1.0)
    try:
        done = least_squares(
            lambda v: scale * both(v)[0],
            _inside(problem, u),
            jac=lambda v: scale * both(v)[1],
            bounds=(low, high),
            x_scale="jac",
            method="trf",
            max_nfev=_MOST,
            xtol=tolerance,
            ftol=tolerance,
            gtol=0.01 * tolerance,
        )
    except (ValueError, np.linalg.LinAlgError) as error:
        raise FitError(f"the search failed for the model '{problem.model.name}': {error}") from None
    return Found(done.x, problem.project(done.x), done.status > 0)


def minimise(problem: Problem, starts: Sequence[Mapping[str, float]], tries: int = _TRIES) -> Found:
    """Search from the most promising starts, as many as `tries`; the lowest minimum wins.

    Raises
    ------
    FitError
        If the model is finite at none of the starts.
    """
    ranked: list[tuple[float, Float]] = []
    failure: FitError | None = None
    for start in starts:
        u = _inside(problem, problem.to_search(start))
        try:
            ranked.append((problem.project(u).chi2, u))
        except FitError as error:
            failure = error
    if not ranked:
        raise failure or FitError("no start was given")
    ranked.sort(key=lambda pair: pair[0])
    if not tries:
        return Found(ranked[0][1], problem.project(ranked[0][1]), False)
    best: Found | None = None
    for _, u in ranked[:tries]:
        try:
            found = search(problem, u)
        except FitError as error:
            failure = error
            continue
        if best is None or found.chi2 < best.chi2 * (1 - 1e-9):
            best = found
    if best is None:
        raise failure or FitError("the search failed from every start")
    return best


def minimise_long(whole: Problem, starts: Sequence[Mapping[str, float]], known: bool) -> tuple[Problem, Found]:
    """Search as `minimise`; of very long data on means of neighbouring points, as long as they lose nothing.

    Parameters
    ----------
    whole
        All points.
    known
        Whether their uncertainties are known.

    Returns
    -------
    problem
        What was searched: all points or their means, with the same theta and amplitudes at the minimum.
    found
        Its minimum.
    """
    n = len(whole.y)
    if n < _MANY:
        return whole, minimise(whole, starts)
    few = _thinned(whole, n // (_MANY // 2))
    blocks = condense(whole)
    if blocks is None:
        return whole, search(whole, minimise(few, starts).u)
    some = _thinned(whole, n // _LOOK)
    looked = minimise(some, starts, tries=0)
    # a start that oscillates inside the blocks would be lost in their means
    blocks = blocks.refined(looked.at.values, looked.at.amplitudes, 1.0 if known else looked.chi2 / some.y.size)
    if blocks is None:
        return whole, search(whole, minimise(few, starts).u)
    found = minimise(blocks.problem, starts)
    while True:
        finer = blocks.refined(found.at.values, found.at.amplitudes, 1.0 if known else None)
        if finer is blocks:
            return blocks.problem, found
        if finer is None:
            return whole, search(whole, found.u)
        blocks, found = finer, search(finer.problem, found.u)


def _thinned(problem: Problem, every: int) -> Problem:
    """Copy the problem with every k-th point."""
    few = slice(None, None, every)
    x = {k: v[few] for k, v in problem.x.items()} if isinstance(problem.x, Mapping) else problem.x[few]
    weight = problem.weight[few] if len(problem.weight) == len(problem.y) else problem.weight
    return replace(problem, x=x, y=problem.y[few], weight=weight, free=[], linear=[], moved=[])


def with_held(problem: Problem, name: str, value: float) -> Problem:
    """Copy the problem with one parameter or amplitude held."""
    parameters = copy.deepcopy(problem.parameters)
    if name in parameters:
        parameters[name].set(value=value, vary=False, min=-np.inf, max=np.inf)
    else:
        parameters.add(name, value=value, vary=False)
    return replace(problem, parameters=parameters, free=[], linear=[], moved=[])


def profile_end(problem: Problem, best: Found, name: str, error: float, rise: float, side: int) -> tuple[float, bool]:
    """Where the cost, all else fitted anew, has risen by `rise`.

    Parameters
    ----------
    error
        Standard error of the parameter, as a first guess of the distance.
    side
        -1 or +1.

    Returns
    -------
    end
        Value there, or the bound (or the last value tried) if the profile is open.
    closed
        Whether it was reached.
    """
    positive = (p := problem.parameter(name)) is not None and p.positive
    if name in best.at.values:
        centre = best.at.values[name]
        low, high = problem.parameters[name].min, problem.parameters[name].max
    else:
        row = [problem.model.amplitude_names[i] for i in problem.linear].index(name)
        centre = float(best.at.amplitudes[row, 0]) * problem.unit
        low, high = -np.inf, np.inf
    if positive:
        error = min(error / centre, 3.0) if centre > 0 else 1.0
        origin = math.log(max(centre, 1e-300))
        low, high = (math.log(v) if v > 0 else -np.inf for v in (low, high))
    else:
        origin = centre
    error = error if math.isfinite(error) and error > 0 else 1e-3 * (abs(origin) or 1.0)
    free = [n for n in problem.free if n != name]
    order = [problem.free.index(n) for n in free]
    start = best.u[order]

    def height(position: float) -> float:
        nonlocal start
        held = with_held(problem, name, math.exp(position) if positive else position)
        try:
            found = search(held, start, 1e-8)
        except FitError:
            return math.inf
        start = found.u
        return math.sqrt(max(found.chi2 - best.chi2, 0.0) / rise)

    limit = low if side < 0 else high
    inner, outer, step = origin, origin, error
    inner_height, outer_height = 0.0, 0.0
    for _ in range(14):
        outer = origin + side * step
        outer = max(outer, limit) if side < 0 else min(outer, limit)
        outer_height = height(outer)
        if outer_height >= 1.0 or outer == limit:
            break
        inner, inner_height = outer, outer_height
        step *= 2.0
    if outer_height < 1.0:
        return (math.exp(outer) if positive else outer), False
    for _ in range(8):  # the root of the rise is nearly linear in the parameter: regula falsi
        if not math.isfinite(outer_height):
            middle = 0.5 * (inner + outer)
        else:
            fraction = (1.0 - inner_height) / (outer_height - inner_height)
            middle = inner + min(max(fraction, 0.05), 0.95) * (outer - inner)
        at = height(middle)
        if abs(at - 1.0) < 5e-3:
            outer = middle
            break
        if at < 1.0:
            inner, inner_height = middle, at
        else:
            outer, outer_height = middle, at
    return (math.exp(outer) if positive else outer), True
