"""`fit_model`: one fit, from data to the `Fit` with its intervals and warnings."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, cast

import numpy as np
import pandas as pd

from perospin.digits import counted
from perospin.errors import FitError
from perospin.fitting.arrays import Float, natural_unit, real
from perospin.fitting.model import Abscissa, SeparableModel, abscissa, length
from perospin.fitting.parameters import ParameterInput, build_parameters
from perospin.fitting.projection import Problem, Projected
from perospin.fitting.result import Fit, Source
from perospin.fitting.saved import TABLE_COLUMNS
from perospin.fitting.search import Found, minimise, minimise_long, profile_end, search, with_held
from perospin.fitting.statistics import diagnose, goodness, quantile

__all__ = ["Intervals", "fit_model"]

Intervals = Literal["covariance", "profile", "bootstrap", "none"]
_Result = TypeVar("_Result", bound=Fit)
_DRAWS = 200
_CORRELATED = 0.95
_HANGS = 0.999
_ONE_SIDED_95 = 1.6448536269514722


def fit_model(
    model: SeparableModel,
    x: Abscissa,
    y: Any,
    *,
    sigma: Any = None,
    absolute_sigma: bool = True,
    params: ParameterInput = None,
    intervals: Intervals = "covariance",
    level: float = 0.68,
    seed: int = 0,
    robust: bool = False,
    resolution: Mapping[str, float | Callable[[Mapping[str, float]], float]] | None = None,
    curved: Sequence[str] = (),
    analysis: str | None = None,
    conventions: Mapping[str, str] | None = None,
    warnings: Sequence[str] = (),
    sources: Sequence[Source] = (),
    settings: Mapping[str, Any] | None = None,
    result: type[_Result] | None = None,
) -> _Result:
    """Fit a model to data.

    Parameters
    ----------
    model
        What to fit.
    x
        Abscissa (n,), or a mapping of names to arrays of that length.
    y
        Data (n,); or (n, m): m data sets that share theta and have amplitudes of their own. NaN in a two-dimensional
        `y` marks points to leave out.
    sigma
        Standard uncertainty of the data: a number, (n,), or the shape of `y`. None: estimated from the residuals.
    absolute_sigma
        False: `sigma` only says how points compare; their common scale is estimated from the residuals.
    params
        Starts, bounds, fixed values and ties by name: `lmfit.Parameters` or a mapping (see `build_parameters`).
    intervals
        ``"covariance"``: from the curvature at the minimum. ``"profile"``: where the cost, all other parameters
        fitted anew, has risen by the level's quantile. ``"bootstrap"``: percentiles of 200 fits to resampled residuals.
        ``"none"``: as covariance, and no search for bounds, where only statistics are wanted.
    level
        Probability of the intervals.
    seed
        Of the bootstrap.
    robust
        Lessen the weight of outliers (Huber, 1.345 standard deviations).
    resolution
        Smallest value by name that the experiment can tell from zero; where the value, less 1.645 standard errors, lies
        below it, the status is ``upper bound``. May be a function of the fitted values (a third of a fitted response).
    curved
        Parameters whose cost is no parabola: their standard errors are a third of the way to where it has risen by
        nine, all else fitted anew, where that is farther than the curvature says.
    analysis, conventions, warnings, sources, settings
        Carried into the result.
    result
        Class of the result, `Fit` or one derived from it.

    Returns
    -------
    Fit

    Raises
    ------
    FitError
        If data, parameters and model don't fit together; the message says how.
    """
    if intervals not in ("covariance", "profile", "bootstrap", "none"):
        raise FitError(f"unknown intervals '{intervals}': use covariance, profile or bootstrap")
    if not 0.0 < level < 1.0:
        raise FitError(f"level is {level}; it must lie between 0 and 1, such as 0.68 or 0.95")
    x = abscissa(x)
    y, weight, mask = _weights(x, y, sigma)
    parameters, given = build_parameters(model, params)
    unit = natural_unit(y)
    whole = problem = Problem(model, x, y / unit, weight * unit if sigma is not None else weight, parameters, unit)
    n_points = int(mask.sum())
    count = len(problem.free) + len(problem.linear) * y.shape[1]
    if n_points <= count - (sigma is not None and absolute_sigma):
        raise FitError(
            f"too few points ({n_points}) for {counted(count, 'free parameter')} of '{model.name}': "
            "measure more points, or fix parameters"
        )
    notes = list(warnings)
    known = sigma is not None and absolute_sigma
    if robust:  # which point is an outlier the means of points don't tell
        best = minimise(problem, _starts(model, problem, given))
        whole, best = _reweighted(problem, best)
        problem = whole
    else:
        problem, best = minimise_long(problem, _starts(model, problem, given), known)
    if not best.converged:
        notes.append("the search stopped before it converged: give better starting values, or fix a parameter")

    dof = n_points - count
    columns, rest = whole.evaluate(best.at.values)
    fitted = rest[:, None] + columns @ best.at.amplitudes
    weighted = (whole.y - fitted) * whole.weight
    chi2 = best.chi2 if problem is whole else float(np.sum(weighted**2))
    fitted *= unit
    variance = 1.0 if known else chi2 / max(dof, 1)
    state = _State(problem, best, variance, dof, known, level, seed)
    limits = {name: value(best.at.values) if callable(value) else value for name, value in (resolution or {}).items()}
    bounds = {} if intervals == "none" else state.find_bounds(limits, notes)
    state.widen([name for name in curved if name in problem.free and name not in bounds])
    errors = state.standard_errors()
    rows = state.rows(errors, intervals, bounds)
    notes += state.notes
    shown = np.where(mask, y, np.nan)
    statistics = goodness(y[mask] / unit, (y - fitted)[mask] / unit, chi2, count, known, unit)
    diagnostics, sentences = diagnose(weighted, _line(x))
    if diagnostics and not robust:
        notes += sentences
    if known and not robust:
        notes += _judge_sigma(chi2, dof)
    correlation = state.correlation()
    r = correlation.to_numpy()
    names = list(correlation.columns)
    for i in range(len(names)):
        for j in range(i + 1, len(names)):
            # amplitudes that share a signal are no doubt about a time
            if {names[i], names[j]} <= set(model.amplitude_names):
                continue
            if abs(r[i, j]) > _CORRELATED:
                notes.append(
                    f"{names[i]} and {names[j]} can hardly be told apart (correlation {r[i, j]:+.3f}): "
                    "fix one if it is known from elsewhere"
                )
    single = y.shape[1] == 1
    data, arrays = (
        (_frame(model, x, shown, fitted, weight if sigma is not None else None), {}) if single else (pd.DataFrame(), {})
    )
    if not single:
        arrays = {
            "signal": shown,
            "best_fit": fitted,
            "amplitudes": best.at.amplitudes * unit,
            "amplitude_uncertainties": state.amplitude_errors(),
            **{name: np.asarray(values) for name, values in _named(model, x).items()},
        }
    axes = {q.name: q.label for q in (*model.x, model.y)}
    kind = cast("type[_Result]", result or Fit)
    return kind(
        analysis=analysis or model.name,
        table=pd.DataFrame(rows, columns=list(TABLE_COLUMNS)),
        correlation=correlation,
        statistics=statistics,
        diagnostics=diagnostics,
        warnings=tuple(notes),
        conventions=conventions or {},
        data=data,
        arrays=arrays,
        sources=tuple(sources),
        level=level,
        interval_method=intervals,
        settings={
            "best_values": dict(best.at.values),
            "standard_errors": errors,
            "known_sigma": known,
            "seed": seed,
            "robust": robust,
            **(settings or {}),
        },
        axes=axes,
    )


def _weights(x: Abscissa, y: Any, sigma: Any) -> tuple[Float, Float, np.ndarray]:
    """Prepare data (n, m), weights (n, m) or (n, 1), and which points count."""
    y = real(y, "the signal")
    if y.ndim == 1:
        y = y[:, None]
    n = length(x)
    if y.ndim != 2 or len(y) != n:
        raise FitError(f"the abscissa has {n} points but the data have the shape {y.shape}: the first axis must agree")
    parts = x.values() if isinstance(x, Mapping) else (x,)
    for part in parts:
        if len(part) != n or not np.isfinite(part).all():
            raise FitError("the abscissa holds missing or infinite values, or its columns differ in length")
        size = float(np.max(np.abs(part), initial=0.0))
        if not (size == 0.0 or 1e-100 < size < 1e100):
            raise FitError(
                f"the abscissa goes up to {size:.3g}: convert it to a unit in which it is neither huge nor tiny"
            )
    mask = np.isfinite(y)
    if not mask.any():
        raise FitError("the data hold no number")
    if sigma is None:
        weight = np.ones((n, 1))
    else:
        spread = real(sigma, "sigma")
        if spread.ndim == 1 and len(spread) == n:
            spread = spread[:, None]
        try:
            spread = np.broadcast_to(spread, (n, 1) if spread.ndim < 2 or spread.shape[1] == 1 else y.shape)
        except ValueError:
            raise FitError(f"sigma has the shape {spread.shape} but the data {y.shape}") from None
        if not (np.isfinite(spread) & (spread > 0)).all():
            raise FitError("sigma must be above zero and finite at every point")
        largest = float(np.max(np.abs(y), where=mask, initial=0.0))
        smallest = float(spread.min())
        if largest / 1e100 > smallest or smallest < 1e-300:
            raise FitError(
                f"sigma goes down to {smallest:.3g} where the signal goes up to {largest:.3g}: check its unit"
            )
        weight = 1.0 / spread
    if not mask.all():
        weight = np.where(mask, np.broadcast_to(weight, y.shape), 0.0)
        y = np.where(mask, y, 0.0)
    return y, weight, mask


def _starts(model: SeparableModel, problem: Problem, given: set[str]) -> list[dict[str, float]]:
    own = {name: float(p.value) for name, p in problem.parameters.items()}
    guessed: list[Mapping[str, float]] = []
    if model.guess is not None and set(problem.free) - given:
        found = model.guess(problem.x, problem.y[:, 0] if problem.y.shape[1] == 1 else problem.y)
        guessed = [found] if isinstance(found, Mapping) else list(found)
    starts = []
    for guess in guessed or [{}]:
        start = dict(own)
        for name, value in guess.items():
            if name in start and name not in given and np.isfinite(value):
                p = problem.parameters[name]
                start[name] = float(np.clip(value, p.min, p.max))
        if start not in starts:
            starts.append(start)
    return starts


def _reweighted(problem: Problem, best: Found) -> tuple[Problem, Found]:
    """Huber's estimate by iteratively reweighted least squares."""
    from dataclasses import replace

    base = np.broadcast_to(problem.weight, problem.y.shape)
    for _ in range(15):
        columns, rest = problem.evaluate(best.at.values)
        plain = (problem.y - rest[:, None] - columns @ best.at.amplitudes) * base
        live = plain[base > 0]
        scale = 1.4826 * float(np.median(np.abs(live - np.median(live))))
        if scale <= 0:
            break
        shrink = np.minimum(1.0, 1.345 * scale / np.maximum(np.abs(plain), 1e-300))
        problem = replace(problem, weight=base * np.sqrt(shrink), free=[], linear=[], moved=[])
        new = search(problem, best.u)
        moved = float(np.max(np.abs(new.u - best.u), initial=0.0))
        best = new
        if moved < 1e-6:
            break
    return problem, best


@dataclass
class _State:
    """A fit on its way to a result."""

    problem: Problem
    best: Found
    variance: float
    dof: int
    known: bool
    level: float
    seed: int

    def __post_init__(self) -> None:
        self.held: list[str] = []
        self.notes: list[str] = []
        self.information = self.problem.information(self.best.u, self.best.at)
        self.quantile = quantile(self.level, self.dof, self.known)
        self.invert()

    def invert(self) -> None:
        """Covariance of the parameters that the data determine, the others held at their best values."""
        theta, plain, mixed, amplitudes = self.information
        self.live = [i for i, name in enumerate(self.problem.free) if name not in self.held]
        theta, plain = (part[np.ix_(self.live, self.live)] for part in (theta, plain))
        mixed = mixed[:, self.live]
        inverse = amplitudes
        if amplitudes.size and self.problem.weight.shape[1] == 1:  # one block serves all data sets
            inverse = np.broadcast_to(_inverse(amplitudes[0]), amplitudes.shape)
        elif amplitudes.size:
            inverse = np.stack([_inverse(block) for block in amplitudes])
        slope = self.problem.slope(self.best.at.values)[self.live]
        scale = np.sqrt(np.maximum(np.diag(plain), 0.0))
        self.theta = _inverse(theta, scale) * np.outer(slope, slope) * self.variance
        by_value = mixed / slope[None, :, None]
        spread = np.einsum("mik,ij,mjl->mkl", by_value, self.theta, by_value)
        self.amplitudes = self.variance * inverse + np.einsum("mkl,mln,mno->mko", inverse, spread, inverse)
        self.cross = -np.einsum("ij,mjk,mkl->mil", self.theta, by_value, inverse)

    @property
    def linear_names(self) -> list[str]:
        return [self.problem.model.amplitude_names[i] for i in self.problem.linear]

    def matrix(self) -> tuple[list[str], Float]:
        """Names and covariance of what the table shows; amplitudes only of a single data set."""
        names = [self.problem.free[i] for i in self.live]
        if self.problem.y.shape[1] > 1 or not self.problem.linear:
            return names, self.theta
        return [*names, *self.linear_names], np.block(
            [[self.theta, self.cross[0]], [self.cross[0].T, self.amplitudes[0]]]
        )

    def standard_errors(self) -> dict[str, float]:
        names, matrix = self.matrix()
        errors = np.sqrt(np.maximum(np.diag(matrix), 0.0))
        errors[len(self.live) :] *= self.problem.unit  # of the amplitudes
        return dict(zip(names, errors.tolist(), strict=True))

    def correlation(self) -> pd.DataFrame:
        names, matrix = self.matrix()
        error = np.sqrt(np.maximum(np.diag(matrix), 1e-300))
        r = np.clip(matrix / np.outer(error, error), -1.0, 1.0)
        np.fill_diagonal(r, 1.0)
        return pd.DataFrame(r, names, names)

    def amplitude_errors(self) -> Float:
        return self.problem.unit * np.sqrt(np.maximum(np.einsum("mkk->km", self.amplitudes), 0.0))

    def linear_values(self, at: Projected) -> dict[str, float]:
        """Amplitudes of a single data set by name."""
        return dict(zip(self.linear_names, (at.amplitudes[:, 0] * self.problem.unit).tolist(), strict=True))

    def find_bounds(self, resolution: Mapping[str, float], notes: list[str]) -> dict[str, tuple[float, str]]:
        """Find the parameters that the data only bound, and leave them out of the covariance."""
        errors = self.standard_errors()
        found = {}
        for name in self.problem.free:
            limit = self.limited(name, self.best.at.values[name], errors[name], resolution.get(name), notes)
            if limit is not None:
                found[name] = limit
        if found:
            lost = [name for name, (_, status) in found.items() if status == "undetermined"]
            for name, other in self.hanging_on(lost, found):
                found[name] = math.nan, "undetermined"
                notes.append(f"{name} hangs on {other}, which the data don't determine: neither do they {name}")
            self.held = [name for name in found if name in self.problem.free]
            self.invert()
        return found

    def widen(self, names: Sequence[str]) -> None:
        """Enlarge standard errors to what the cost says three of them away."""
        errors = self.standard_errors()
        for name in names:
            value, error = self.best.at.values[name], errors[name]
            if not 0.0 < error < math.inf:
                continue
            ends = (profile_end(self.problem, self.best, name, 3.0 * error, 9.0 * self.variance, s)[0] for s in (-1, 1))
            factor = max(abs(end - value) / (3.0 * error) for end in ends)
            if factor > 1.0:
                i = [self.problem.free[k] for k in self.live].index(name)
                self.theta[i] *= factor
                self.theta[:, i] *= factor
                self.cross[:, i] *= factor

    def hanging_on(self, lost: Sequence[str], judged: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Quantities not `judged` yet that move with one that the data don't determine, and which one that is."""
        if not lost:
            return []
        matrix = self.correlation().abs()
        names, r = list(matrix.columns), matrix.to_numpy()
        found = []
        for i, name in enumerate(names):
            if name not in judged:
                most, other = max((float(r[i, names.index(one)]), one) for one in lost)
                if most > _HANGS:
                    found.append((name, other))
        return found

    def rows(
        self, errors: dict[str, float], intervals: str, bounds: Mapping[str, tuple[float, str]]
    ) -> list[tuple[Any, ...]]:
        """Rows of the table."""
        problem, best = self.problem, self.best
        draws = self.bootstrap() if intervals == "bootstrap" else {}
        rows: list[tuple[Any, ...]] = []
        values = dict(best.at.values)
        if problem.y.shape[1] == 1:
            values |= self.linear_values(best.at)
        order = [*problem.model.names, *(n for n in problem.model.amplitude_names if n in values)]
        for name in order:
            value, quantity = values[name], problem.model[name]
            parameter = problem.parameters.get(name)
            if parameter is not None and (not parameter.vary or parameter.expr):
                error, status = math.nan, "fixed"
                if parameter.expr:
                    status, error = "derived", self.tied_error(name)
                low, high = (value - error, value + error) if status == "derived" else (value, value)
                rows.append((name, value, error, low, high, quantity.unit, status, quantity.description))
                continue
            if name in bounds:
                bound, status = bounds[name]
                low, high = (parameter.min, parameter.max) if parameter is not None else (-math.inf, math.inf)
                if status == "upper bound":
                    high = bound
                elif status == "lower bound":
                    low = bound
                rows.append((name, bound, math.nan, low, high, quantity.unit, status, quantity.description))
                continue
            error, status = errors[name], "fitted"
            low, high = value - self.quantile * error, value + self.quantile * error
            if intervals == "profile":
                rise = self.variance * self.quantile**2
                low, closed_low = profile_end(problem, best, name, error, rise, -1)
                high, closed_high = profile_end(problem, best, name, error, rise, +1)
                if not (closed_low and closed_high):
                    self.notes.append(f"the profile of {name} is open: its interval ends where the search did")
            elif intervals == "bootstrap":
                low, high = np.quantile(draws[name], [0.5 - self.level / 2, 0.5 + self.level / 2]).tolist()
                error = float(np.std(draws[name], ddof=1))
            rows.append((name, value, error, low, high, quantity.unit, status, quantity.description))
        return rows

    def tied_error(self, name: str) -> float:
        """Propagate the standard error to a tied parameter."""
        problem, u = self.problem, self.best.u
        slope = problem.slope(self.best.at.values)
        gradient = np.zeros(len(problem.free))
        for j, free in enumerate(problem.free):
            step = 1e-5 * problem.scale(free, self.best.at.values[free])
            up, down = u.copy(), u.copy()
            up[j], down[j] = u[j] + step, u[j] - step
            gradient[j] = float(problem.values(up)[name] - problem.values(down)[name]) / (2 * step) / slope[j]
        problem.values(u)  # leave the ties as they were
        gradient = gradient[self.live]
        return math.sqrt(max(float(gradient @ self.theta @ gradient), 0.0))

    def limited(
        self, name: str, value: float, error: float, resolution: float | None, notes: list[str]
    ) -> tuple[float, str] | None:
        """Bound and status of a parameter that the data don't determine; None if they do."""
        problem, best = self.problem, self.best
        p = problem.parameters[name]
        own = problem.parameter(name)
        positive = own is not None and own.positive
        span = abs(value) if positive else problem.scale(name, value)
        at_low = value - p.min <= 1e-4 * span
        at_high = p.max - value <= 1e-4 * span
        below = resolution is not None and self.below(name, value, error, resolution)
        rise = self.variance * max(self.quantile, _ONE_SIDED_95) ** 2
        open_low, open_high = at_low, at_high
        # only a wide interval calls for refits at the ends
        if positive and not (at_low or at_high) and (error > 0.25 * value or not math.isfinite(error)):
            open_low = self.height(name, p.min if p.min > 0 else 1e-3 * value) < rise
            open_high = self.height(name, p.max if math.isfinite(p.max) else 1e3 * value) < rise
        elif own is not None and not positive and not math.isfinite(p.max - p.min):
            if error > 10.0 * abs(value) and error > 1e3 * max(abs(own.value), own.scale):  # it ran away from its start
                open_low = self.height(name, value - 10.0 * error) < rise
                open_high = self.height(name, value + 10.0 * error) < rise
        elif not positive and not (at_low or at_high) and math.isfinite(p.max - p.min):
            open_low, open_high = value - 2 * error < p.min, value + 2 * error > p.max
            if open_low != open_high:  # an interval that leans on one bound is cut there, nothing more
                open_low = open_high = False
        if not (open_low or open_high or below):
            return None
        unit = f" {own.unit}" if own is not None and own.unit else ""
        if open_low and open_high:
            notes.append(f"the data don't determine {name}: any value between its bounds fits as well")
            return math.nan, "undetermined"
        if open_low or below:
            end, closed = profile_end(problem, best, name, error, self.variance * _ONE_SIDED_95**2, +1)
            bound = max(end, resolution or 0.0)
            if not closed or self.fits_beyond(name, bound, +1):
                notes.append(f"the data don't determine {name}: any value between its bounds fits as well")
                return math.nan, "undetermined"
            why = f"told from what the experiment resolves, {resolution:.3g}{unit}" if below else "bounded from below"
            notes.append(f"{name} can't be {why}: only an upper bound, {bound:.3g}{unit} (95 %), can be given")
            return bound, "upper bound"
        end, closed = profile_end(problem, best, name, error, self.variance * _ONE_SIDED_95**2, -1)
        if not closed or self.fits_beyond(name, end, -1):
            notes.append(f"the data don't determine {name}: any value between its bounds fits as well")
            return math.nan, "undetermined"
        notes.append(f"{name} can't be bounded from above: only a lower bound, {end:.3g}{unit} (95 %), can be given")
        return end, "lower bound"

    def below(self, name: str, value: float, error: float, resolution: float) -> bool:
        """Whether a value that the experiment can't tell from zero fits nearly as well.

        Of a wide interval the linear error says nothing so far from the minimum: the fit there is asked.
        """
        if value < resolution:
            return True
        if error <= 0.25 * value:
            return value - _ONE_SIDED_95 * error < resolution
        return self.height(name, resolution) < self.variance * _ONE_SIDED_95**2

    def fits_beyond(self, name: str, end: float, side: int) -> bool:
        """Whether values far beyond the end of a profile fit as well: then it isn't an end, but a local minimum's."""
        own, p = self.problem.parameter(name), self.problem.parameters[name]
        if own is None or not own.positive or end <= 0:
            return False
        far = min(p.max, 1e4 * end) if side > 0 else max(p.min, 1e-4 * end)
        rise = self.variance * _ONE_SIDED_95**2
        return any(self.height(name, value) < rise for value in np.geomspace(end, far, 8)[1:].tolist())

    def height(self, name: str, value: float) -> float:
        """Rise of the cost with one parameter held at a value, all else fitted anew."""
        held = with_held(self.problem, name, value)
        start = self.best.u[[i for i, n in enumerate(self.problem.free) if n != name]]
        try:
            return search(held, start, 1e-8).chi2 - self.best.chi2
        except FitError:
            return math.inf

    def bootstrap(self) -> dict[str, Float]:
        """Values of every parameter in fits to resampled residuals."""
        from dataclasses import replace

        problem = self.problem
        columns, rest = problem.evaluate(self.best.at.values)
        fitted = rest[:, None] + columns @ self.best.at.amplitudes
        weight = np.broadcast_to(problem.weight, problem.y.shape)
        live = weight > 0
        count = len(problem.free) + len(problem.linear) * problem.y.shape[1]
        pool = self.best.at.residual[live] * math.sqrt(live.sum() / max(live.sum() - count, 1))
        pool = pool - pool.mean()
        rng = np.random.default_rng(self.seed)
        names, _ = self.matrix()
        draws: dict[str, list[float]] = {name: [] for name in names}
        for _ in range(_DRAWS):
            noise = np.zeros_like(problem.y)
            noise[live] = rng.choice(pool, int(live.sum())) / weight[live]
            again = replace(problem, y=fitted + noise, free=[], linear=[], moved=[])
            try:
                found = search(again, self.best.u, 1e-8)
            except FitError:
                continue
            values = dict(found.at.values)
            if problem.y.shape[1] == 1:
                values |= self.linear_values(found.at)
            for name in names:
                draws[name].append(values[name])
        if len(draws[names[0]]) < _DRAWS // 2:
            raise FitError("more than half of the bootstrap fits failed: use intervals='covariance' or 'profile'")
        return {name: np.array(values) for name, values in draws.items()}


def _inverse(matrix: Float, scale: Float | None = None) -> Float:
    """Inverse of a symmetric matrix; a direction the data don't see gets a huge variance, never a small one."""
    if not matrix.size:
        return matrix
    if scale is None:
        scale = np.sqrt(np.maximum(np.diag(matrix), 0.0))
    scale = np.where(scale > 0, scale, 1.0)
    values, vectors = np.linalg.eigh(matrix / np.outer(scale, scale))
    return (vectors / np.maximum(values, 1e-15)) @ vectors.T / np.outer(scale, scale)


def _judge_sigma(chi2: float, dof: int) -> list[str]:
    from scipy import stats

    if dof < 1:
        return []
    if stats.chi2.sf(chi2, dof) < 1e-4:
        return [
            f"the points scatter {math.sqrt(chi2 / dof):.2f} times as far as their stated uncertainties: "
            "the model misses something, or sigma is too small; the intervals trust sigma"
        ]
    if stats.chi2.cdf(chi2, dof) < 1e-4:
        return [
            f"the points scatter only {math.sqrt(chi2 / dof):.2f} times their stated uncertainties: sigma is too large"
        ]
    return []


def _line(x: Abscissa) -> Float | None:
    return next(iter(x.values())) if isinstance(x, Mapping) else x


def _named(model: SeparableModel, x: Abscissa) -> dict[str, Float]:
    return dict(x) if isinstance(x, Mapping) else {model.x[0].name: x}


def _frame(model: SeparableModel, x: Abscissa, y: Float, fitted: Float, weight: Float | None) -> pd.DataFrame:
    columns: dict[str, Float] = dict(_named(model, x))
    columns[model.y.name] = y[:, 0]
    if weight is not None:
        with np.errstate(divide="ignore"):
            columns["sigma"] = 1.0 / weight[:, 0]
    columns["best_fit"] = fitted[:, 0]
    columns["residual"] = y[:, 0] - fitted[:, 0]
    return pd.DataFrame(columns)
