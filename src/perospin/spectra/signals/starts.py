"""Where a search should start: candidates are tried with their amplitudes solved for, the best are kept.

Precession and resonances make many local minima, one a period or a peak; a coarse look at all of them costs less than
one fit that starts in the wrong one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from perospin.fitting.arrays import Float

__all__ = ["best_starts", "frequency_candidates", "greedy_start"]

Theta = Mapping[str, float]
Columns = Callable[[Any, Theta], Sequence[Any]]


def _left_over(columns: Float, y: Float) -> float:
    """Sum of squares that columns (n, k) leave of y (n,)."""
    norms = np.linalg.norm(columns, axis=0)
    keep = norms > 0
    q, _ = np.linalg.qr(columns[:, keep] / norms[keep])
    return float(np.sum((y - q @ (q.T @ y)) ** 2))


_ENOUGH = 8192  # points that a coarse look needs


def _chosen(size: int) -> Any:
    """Up to a few thousand points, at random but always the same: even steps could miss a fast oscillation."""
    if size <= _ENOUGH:
        return slice(None)
    return np.sort(np.random.default_rng(0).choice(size, _ENOUGH, replace=False))


def best_starts(columns: Columns, x: Any, y: Float, candidates: Iterable[Theta], *, keep: int = 3) -> list[Theta]:
    """Best of the candidates, amplitudes solved for.

    Parameters
    ----------
    columns
        Basis functions at one theta, as in `perospin.fitting.SeparableModel`.
    x, y
        Abscissa and signal (n,).
    candidates
        Sets of starting values.
    keep
        How many to return, best first.
    """
    y = np.asarray(y, float)
    some = _chosen(y.size)
    x, y = np.asarray(x)[some], y[some]
    scored: list[tuple[float, int, Theta]] = []
    for theta in candidates:
        parts = [np.broadcast_to(np.asarray(part, float), y.shape) for part in columns(x, theta)]
        matrix = np.stack(parts, axis=1)
        scored.append((_left_over(matrix, y) if np.isfinite(matrix).all() else np.inf, len(scored), theta))
    return [theta for _, _, theta in sorted(scored, key=lambda entry: entry[:2])[:keep]]


def greedy_start(
    component: Columns,
    background: Float,
    x: Any,
    y: Float,
    candidates: Callable[[Float], Sequence[Theta]],
    components: int,
) -> list[Theta]:
    """Choose the components of a sum one after the other, each where it explains most of what is left.

    Parameters
    ----------
    component
        Basis functions of one component at one theta.
    background
        Columns (n, k) that are always there.
    x, y
        Abscissa and signal (n,).
    candidates
        What to try, given the residual (n,) so far.
    components
        How many to find.

    Returns
    -------
    list of mapping
        One theta a component, in the order found.
    """
    x, y = np.asarray(x), np.asarray(y, float)
    some = _chosen(y.size)
    chosen: list[Theta] = []
    taken = np.asarray(background, float).reshape(y.size, -1)
    for _ in range(components):
        residual = y
        if taken.shape[1]:
            residual = y - taken @ np.linalg.lstsq(taken, y, rcond=1e-12)[0]

        def with_one(at: Any, theta: Theta, held: Float = taken[some]) -> Sequence[Any]:
            return [*held.T, *component(at, theta)]

        best = best_starts(with_one, x[some], y[some], candidates(residual), keep=1)[0]
        chosen.append(best)
        taken = np.column_stack([taken, *(np.broadcast_to(part, y.shape) for part in component(x, best))])
    return chosen


def frequency_candidates(time_ps: Float, signal: Float, *, keep: int = 8) -> list[dict[str, float]]:
    r"""Frequencies and decay times that stand out of a transient, by Fourier transform with matched damping.

    For each of a few decay times T the spectrum of :math:`y\,e^{-t/T}` is taken; its power over
    :math:`\sum e^{-2t/T}` is what a damped cosine explains of the signal.

    Parameters
    ----------
    time_ps
        Delays (ps), ascending, (n,); unequal steps are interpolated.
    signal
        Signal (n,), background removed.
    keep
        How many pairs to return.

    Returns
    -------
    list of dict
        `frequency_ghz` and `dephasing_time_ps`, strongest first.
    """
    span = float(time_ps[-1] - time_ps[0])
    step = max(float(np.median(np.diff(time_ps))), span / 65536.0)
    grid = np.arange(time_ps[0], time_ps[-1] + 0.5 * step, step)
    values = np.interp(grid, time_ps, signal)
    padded = 4 * int(2 ** np.ceil(np.log2(grid.size)))
    frequency = np.fft.rfftfreq(padded, step) * 1e3
    lowest = np.searchsorted(frequency, 0.25e3 / span)
    found: list[tuple[float, float, float]] = []
    for time in np.geomspace(max(4.0 * step, span / 40.0), 3.0 * span, 8):
        damping = np.exp(-(grid - grid[0]) / time)
        power = np.abs(np.fft.rfft(values * damping, padded)) ** 2 / np.sum(damping**2)
        inside = power[lowest:]
        if inside.size < 3:
            continue
        peaks = np.flatnonzero((inside[1:-1] >= inside[:-2]) & (inside[1:-1] >= inside[2:])) + 1
        peaks = peaks[np.argsort(inside[peaks])[::-1][:4]] if peaks.size else np.array([int(np.argmax(inside))])
        found += [(float(inside[p]), float(frequency[lowest + p]), float(time)) for p in peaks]
    found.sort(reverse=True)
    return [{"frequency_ghz": f, "dephasing_time_ps": t} for _, f, t in found[:keep]]
