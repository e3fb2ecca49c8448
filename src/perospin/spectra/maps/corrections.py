"""What is taken off a map before it is fitted: the background before the pump, and the chirp of the probe."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from perospin.errors import FitError
from perospin.fitting.arrays import Float, natural_unit
from perospin.measurements.maps import SignalMap
from perospin.spectra.maps.rise import Rise, find_rise

__all__ = ["Chirp", "correct_background", "correct_chirp", "drifts", "find_chirp"]

_REFERENCE_NM = 500.0


def _rise(signal_map: SignalMap) -> Rise:
    """Time zero and width of the rise of a map, a constant spectrum beside it."""
    live = np.isfinite(signal_map.signal).sum(axis=0) > 0.5 * len(signal_map.delay_ps)
    if not live.any() or len(np.unique(signal_map.delay_ps)) < 4:
        raise FitError(f"{signal_map!r} holds too few numbers to find time zero")
    return find_rise(signal_map.delay_ps, signal_map.signal[:, live])[0]


def correct_background(signal_map: SignalMap, before_ps: float | None = None) -> SignalMap:
    """Subtract the mean spectrum before the pump: scattered light, and signal left from the pulse before.

    Parameters
    ----------
    signal_map
        Map with delays before time zero.
    before_ps
        Spectra at delays up to here are averaged; default those before the rise, two widths of the response before time
        zero (one width, if there is none).

    Returns
    -------
    SignalMap

    Raises
    ------
    FitError
        If no spectrum lies before the limit.
    """
    if before_ps is None:
        rise = _rise(signal_map)
        early = [signal_map.delay_ps[signal_map.delay_ps < rise.time_zero_ps - k * rise.fwhm_ps] for k in (2.0, 1.0)]
        before = early[0] if early[0].size else early[1]
        if not rise.seen or not before.size:
            raise FitError(
                f"no delay of {signal_map!r} lies clearly before the rise: leave the background on, or give before_ps"
            )
        before_ps = float(before[-1])
        if drifts(signal_map.signal[signal_map.delay_ps <= before_ps]):
            raise FitError(
                f"the spectra of {signal_map!r} up to {before_ps:.3g} ps change with delay: that is signal, not "
                "background; give before_ps if the pump comes later"
            )
    rows = signal_map.delay_ps <= before_ps
    if not rows.any():
        raise FitError(f"no delay of {signal_map!r} lies at or before {before_ps:g} ps")
    part = signal_map.signal[rows]
    count = np.isfinite(part).sum(axis=0)
    background = np.where(count > 0, np.nansum(part, axis=0) / np.maximum(count, 1), 0.0)
    note = f"background: mean of {int(rows.sum())} spectra up to {before_ps:g} ps subtracted"
    return replace(signal_map, signal=signal_map.signal - background, history=(*signal_map.history, note))


def drifts(spectra: Float) -> bool:
    """Whether successive spectra differ far less than all of them do: a decay, not noise around a constant."""
    if len(spectra) < 4:
        return False
    part = spectra[:, np.isfinite(spectra).all(axis=0)] / natural_unit(spectra)
    around = float(np.sum((part - part.mean(axis=0)) ** 2))
    return around > 0 and float(np.sum(np.diff(part, axis=0) ** 2)) < 0.4 * around


@dataclass(frozen=True)
class Chirp:
    """Time zero against wavelength, a polynomial in (wavelength - 500 nm)/100 nm.

    Attributes
    ----------
    coefficients
        Lowest power first (ps).
    wavelength_nm, time_zero_ps
        Points it was fitted to; empty if the polynomial was given.
    used
        Which of them the fit kept.
    """

    coefficients: tuple[float, ...]
    wavelength_nm: Float = field(default_factory=lambda: np.empty(0))
    time_zero_ps: Float = field(default_factory=lambda: np.empty(0))
    used: np.ndarray = field(default_factory=lambda: np.empty(0, bool))

    def __post_init__(self) -> None:
        if not self.coefficients or not np.isfinite(self.coefficients).all():
            raise FitError("a chirp needs finite coefficients, lowest power first, in ps")

    def __call__(self, wavelength_nm: Float) -> Float:
        """Time zero (ps) at wavelengths (nm)."""
        reduced = (np.asarray(wavelength_nm, float) - _REFERENCE_NM) / 100.0
        return np.polynomial.polynomial.polyval(reduced, np.array(self.coefficients))

    def __str__(self) -> str:
        terms = " ".join(f"{c:+.4g} z^{i}" if i else f"{c:.4g}" for i, c in enumerate(self.coefficients))
        return f"t0 = {terms} ps with z = (wavelength - 500 nm)/100 nm"


def find_chirp(signal_map: SignalMap, degree: int = 2, window_ps: tuple[float, float] | None = None) -> Chirp:
    """Find time zero at each wavelength, and a smooth curve through them.

    A step smeared by a Gaussian is fitted to the rise at each wavelength; the polynomial is then fitted to the points
    with outliers left out (three median deviations, repeated).

    Parameters
    ----------
    signal_map
        A background that doesn't change with delay does no harm.
    degree
        Of the polynomial; 0 is one time zero for all.
    window_ps
        Delays in which to look for the rise; default around the map's own.

    Returns
    -------
    Chirp

    Raises
    ------
    FitError
        If too few wavelengths show a rise.
    """
    delay = signal_map.delay_ps
    if window_ps is None:
        zero = _rise(signal_map).time_zero_ps
        step = (
            float(np.median(np.diff(delay[(delay > delay[0]) & (delay <= max(zero, delay[2]))])))
            if len(delay) > 4
            else 1.0
        )
        window_ps = (max(delay[0], zero - 40 * step), min(delay[-1], zero + 40 * step))
    inside = (delay >= window_ps[0]) & (delay <= window_ps[1])
    if inside.sum() < 6:
        raise FitError(f"only {int(inside.sum())} delays lie in {window_ps} ps: too few to find the rise")
    time = delay[inside]
    zeros = _rises(time, signal_map.signal[inside] / natural_unit(signal_map.signal))
    reduced = (signal_map.wavelength_nm - _REFERENCE_NM) / 100.0
    used = np.isfinite(zeros)
    if used.sum() < degree + 3:
        raise FitError(
            f"only {int(used.sum())} wavelengths show a rise in {window_ps[0]:.4g} to {window_ps[1]:.4g} ps: a curve "
            f"of degree {degree} needs {degree + 3}; leave the chirp, or give its coefficients from a reference (Chirp)"
        )
    for _ in range(20):
        coefficients = np.polynomial.polynomial.polyfit(reduced[used], zeros[used], degree)
        off = np.abs(zeros - np.polynomial.polynomial.polyval(reduced, coefficients))
        limit = 3 * 1.4826 * max(float(np.median(off[used])), 1e-4 * float(np.ptp(time)))
        keep = np.isfinite(zeros) & (off <= limit)
        if keep.sum() < degree + 3 or (keep == used).all():
            break
        used = keep
    return Chirp(tuple(float(c) for c in coefficients), signal_map.wavelength_nm, zeros, used)


def _rises(time: Float, signal: Float) -> Float:
    """Time zero of a smeared step with a linear trend behind it, on a constant; NaN where there is no clear rise.

    Widths and zeros on a grid that all columns share, then a parabola through the best zero and its neighbours.
    """
    from perospin.fitting.projection import pseudo_inverse
    from perospin.spectra.signals.irf import gaussian_step

    good = np.isfinite(signal).all(axis=0)
    y = np.where(good, signal, 0.0)
    span, steps = float(np.ptp(time)), np.diff(np.unique(time))
    widths = np.geomspace(max(float(steps.min()), 1e-3 * span), 0.3 * span, 6)
    zeros = np.linspace(time[1], time[-2], 3 * len(time))
    cost = np.empty((len(widths), len(zeros), y.shape[1]))
    height = np.empty_like(cost)
    for i, width in enumerate(widths):
        for j, zero in enumerate(zeros):
            step = gaussian_step(time - zero, width)
            columns = np.stack([step, step * (time - zero), np.ones_like(step)], axis=1)  # the last one: background
            amplitudes = pseudo_inverse(columns) @ y
            cost[i, j] = np.sum((y - columns @ amplitudes) ** 2, axis=0)
            height[i, j] = amplitudes[0]
    found = np.full(y.shape[1], np.nan)
    for k in np.flatnonzero(good):
        i, j = (int(n) for n in np.unravel_index(int(np.argmin(cost[:, :, k])), cost.shape[:2]))
        if abs(height[i, j, k]) <= 4 * np.sqrt(cost[i, j, k] / len(time)) or not 0 < j < len(zeros) - 1:
            continue
        low, middle, high = cost[i, j - 1 : j + 2, k]
        bend = low - 2 * middle + high
        shift = 0.5 * (low - high) / bend if bend > 0 else 0.0
        found[k] = zeros[j] + float(np.clip(shift, -0.5, 0.5)) * (zeros[1] - zeros[0])
    return found


def correct_chirp(signal_map: SignalMap, chirp: Chirp | None = None, degree: int = 2) -> SignalMap:
    """Shift each wavelength's trace so that time zero is the same, 0 ps.

    Parameters
    ----------
    signal_map
        Map to correct.
    chirp
        From `find_chirp`, perhaps of a reference measurement; default found in this map.
    degree
        Of the polynomial, if `chirp` is not given.

    Returns
    -------
    SignalMap
        On the delays that all wavelengths share; values by linear interpolation. The curve is in its history.
    """
    chirp = chirp or find_chirp(signal_map, degree)
    zeros = chirp(signal_map.wavelength_nm)
    delay = signal_map.delay_ps - float(np.median(zeros))
    shift = zeros - float(np.median(zeros))
    keep = (delay >= delay[0] - shift.min()) & (delay <= delay[-1] - shift.max())
    if keep.sum() < 3:
        raise FitError("the chirp is longer than the measured delays: nothing is left that all wavelengths share")
    target = delay[keep]
    signal = np.stack(
        [np.interp(target + s, delay, column) for s, column in zip(shift, signal_map.signal.T, strict=True)], axis=1
    )
    sigma = None
    if signal_map.sigma is not None:
        sigma = np.stack(
            [np.interp(target + s, delay, column) for s, column in zip(shift, signal_map.sigma.T, strict=True)], axis=1
        )
    seen = f"{int(chirp.used.sum())} of {len(chirp.used)} wavelengths used" if len(chirp.used) else "as given"
    note = f"chirp: {chirp}; {seen}"
    return replace(signal_map, delay_ps=target, signal=signal, sigma=sigma, history=(*signal_map.history, note))
