"""Where the signal of a map sets in, and how fast: a coarse look at all times and widths before anything is searched.

At each time zero and width of the response, a constant and decays of all lengths (and an artefact) are solved for in
the map's leading singular vectors: what remains doesn't hang on the lifetimes, which are not known yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from perospin.fitting.arrays import Float, natural_unit
from perospin.spectra.signals.irf import gaussian_decay, gaussian_pulse, gaussian_step

__all__ = ["Rise", "find_rise", "leading", "nearby", "unexplained"]

_VECTORS = 6  # singular vectors that a coarse look needs
_ROWS = 600  # delays that a coarse look needs


@dataclass(frozen=True)
class Rise:
    """A time zero and a width that describe the rise.

    Attributes
    ----------
    time_zero_ps, fwhm_ps
        Of a Gaussian response.
    cost
        Sum of squares that is left.
    without
        The same if the signal had set in before the first delay.
    seen
        Whether the rise lies inside the delays: without it the signal could not be described.
    """

    time_zero_ps: float
    fwhm_ps: float
    cost: float
    without: float
    seen: bool

    @property
    def onset_ps(self) -> float:
        """Delay up to which the signal is below 1e-6 of its height."""
        return self.time_zero_ps - 2.0 * self.fwhm_ps


def leading(signal: Float) -> Float:
    """Leading singular vectors of a map, times their values: the kinetics in few columns, (n, at most 6).

    Missing points are interpolated along the delay.
    """
    filled = signal / natural_unit(signal)
    if not np.isfinite(filled).all():
        filled = filled.copy()
        rows = np.arange(len(filled))
        for column in filled.T:
            good = np.isfinite(column)
            column[~good] = np.interp(rows[~good], rows[good], column[good]) if good.any() else 0.0
    if filled.shape[1] <= _VECTORS:
        return filled
    left, values, _ = np.linalg.svd(filled, full_matrices=False)
    return np.asarray(left[:, :_VECTORS] * values[:_VECTORS])


def unexplained(columns: Float, y: Float) -> Float:
    """Subtract from y what columns (n, k), some of them nearly alike, explain."""
    norms = np.linalg.norm(columns, axis=0)
    u, s, _ = np.linalg.svd(columns[:, norms > 1e-12] / norms[norms > 1e-12], full_matrices=False)
    u = u[:, s > 1e-7 * s[0]]
    return np.asarray(y - u @ (u.T @ y))


def find_rise(
    delay_ps: Float,
    signal: Float,
    *,
    artefact: bool = False,
    fwhm_ps: float | tuple[float, float] | None = None,
    keep: int = 1,
) -> list[Rise]:
    """Find times zero and widths that describe the rise of a map, best first; each is the best of its surroundings.

    Parameters
    ----------
    delay_ps, signal
        Ascending delays (n,) and signals (n, m).
    artefact
        Whether a pulse and its first two derivatives may lie on the rise.
    fwhm_ps
        Width of the response if it is known, or bounds.
    keep
        How many to return at most.
    """
    from scipy.optimize import least_squares

    y = leading(signal)
    near = np.unique(delay_ps)
    if len(near) > _ROWS:  # dense maps: equal steps in number of rows keep the rise resolved where it was measured so
        chosen = np.unique(np.linspace(0, len(delay_ps) - 1, _ROWS).astype(int))
        delay_ps, y, near = delay_ps[chosen], y[chosen], np.unique(delay_ps[chosen])
    steps = np.diff(near)
    smallest, span = float(steps.min()), float(near[-1] - near[0])
    times = np.geomspace(0.5 * smallest, 3.0 * span, 9)

    def left(zero: float, width: float) -> Float:
        since = delay_ps - zero
        columns = [np.ones_like(since), gaussian_step(since, width)]
        columns += [gaussian_decay(since, time, width) for time in times if time > 0.3 * width]
        if artefact:
            pulse = gaussian_pulse(since, width)
            scaled = since / width
            columns += [pulse, pulse * scaled, pulse * (scaled**2 - 0.18)]
        return unexplained(np.stack(columns, axis=1), y)

    after = delay_ps - near[0]
    rest = [np.ones_like(after), *(np.exp(-after / time) for time in times)]
    without = float(np.sum(unexplained(np.stack(rest, axis=1), y) ** 2))

    if isinstance(fwhm_ps, (int, float)):
        widths = np.array([float(fwhm_ps)])
    else:
        low, high = fwhm_ps or (0.3 * smallest, 0.1 * span)
        widths = np.geomspace(low, max(high, 1.001 * low), 9)
    # as many rows before the rise as after it can be few: all gaps of a short map, every so many of a long one
    gaps = np.unique(np.linspace(0, len(near) - 2, min(len(near) - 1, 60)).astype(int))
    zeros = 0.5 * (near[gaps] + near[gaps + 1])
    grid = np.array([[np.sum(left(zero, width) ** 2) for zero in zeros] for width in widths])
    scale = float(np.linalg.norm(y)) or 1.0
    bounds = ([near[0], np.log(widths[0] / 1.001)], [near[-1], np.log(widths[-1] * 1.001)])
    tried: list[tuple[float, float]] = []
    found: list[Rise] = []
    for flat in np.argsort(grid, axis=None):
        i, j = (int(k) for k in np.unravel_index(int(flat), grid.shape))
        zero, width = float(zeros[j]), float(widths[i])
        if any(abs(zero - z) < 0.7 * max(width, w) and 0.4 < width / w < 2.5 for z, w in tried):
            continue
        tried.append((zero, width))
        steps_to = np.array([max(0.1 * width, 0.3 * smallest), 0.3])
        done = least_squares(
            lambda v: left(float(v[0]), float(np.exp(v[1]))).ravel() / scale, [zero, np.log(width)], bounds=bounds,
            x_scale=steps_to, diff_step=1e-4, max_nfev=20,
        )  # fmt: skip
        zero, width, best = float(done.x[0]), float(np.exp(done.x[1])), 2.0 * float(done.cost) * scale**2
        if not any(abs(zero - r.time_zero_ps) < 0.2 * width and 0.7 < width / r.fwhm_ps < 1.4 for r in found):
            found.append(Rise(zero, width, best, without, _seen(y, best, without, int(np.sum(near < zero)))))
        if len(tried) >= keep + 2:
            break
    found.sort(key=lambda rise: rise.cost)
    return found[:keep]


def _seen(y: Float, cost: float, without: float, before: int) -> bool:
    """Whether a rise inside the delays is needed: far better than none, and by more than a percent of the signal."""
    if before < 1:
        return False
    n = y.size
    gain = n * np.log(without / cost) if cost > 0 else np.inf
    largest = float(np.max(np.sum(y**2, axis=1)))
    return bool(gain > 2.0 * np.log(1e4 * n) and without - cost > 1e-4 * largest)


def nearby(delay_ps: Float, rise: Rise, widths_ps: Sequence[float]) -> list[Rise]:
    """List times zero and widths around a rise: the same half rise, seen through other responses."""
    zeros = rise.time_zero_ps + rise.fwhm_ps * np.array([-1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 1.0, 2.0, 3.0, 4.0])
    steps = delay_ps[np.searchsorted(delay_ps, rise.time_zero_ps - rise.fwhm_ps) :][:8]
    zeros = np.unique(np.concatenate([zeros, steps]))
    inside = zeros[(zeros >= delay_ps[0]) & (zeros <= delay_ps[-1])]
    return [replace(rise, time_zero_ps=float(zero), fwhm_ps=float(width)) for zero in inside for width in widths_ps]
