"""Fits against time: drift of the dark current, rise and fall of pulses, stability over on/off cycles."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Unpack

import numpy as np

from perospin.detectors.bias import checked_size
from perospin.errors import FitError
from perospin.fitting import Parameter, Quantity, SeparableModel, fit_model
from perospin.fitting.arrays import Float
from perospin.fitting.checks import check_trace
from perospin.measurements.options import IntervalOptions, recording
from perospin.measurements.result import SpinFit

__all__ = ["fit_drift", "fit_response_time", "fit_stability", "segment_pulses"]

_TIME = (Quantity("time_s", "s", "time"),)
_CURRENT = Quantity("current_a", "A", "current")
_TEN_TO_NINETY = math.log(9.0)
_MOST_PULSES = 5


def fit_drift(
    time_s: Any,
    current_a: Any,
    *,
    area_mm2: float,
    gap_mm: float,
    voltage_v: float,
    sigma: Any = None,
    **options: Unpack[IntervalOptions],
) -> SpinFit:
    """Fit the drift of the dark current, nA cm-1 s-1 V-1: slope of the current density over the field.

    Parameters
    ----------
    time_s, current_a
        Shape (n,).
    area_mm2, gap_mm, voltage_v
        Of the device and its bias.
    sigma
        Standard uncertainty of the current.
    **options
        Of `perospin.fitting.fit_model`.

    Notes
    -----
    ``D = (J(t) - J(0)) / (t E)`` with the whole line in place of two points.
    """
    checked_size(area_mm2=area_mm2, gap_mm=gap_mm, voltage_v=abs(voltage_v))
    trace = check_trace(time_s, {"current": current_a}, sigma=sigma, x_name="time_s", least=4)
    start, span = float(trace.x[0]), float(np.ptp(trace.x))
    sign = -1.0 if np.median(trace["current"]) < 0 else 1.0
    # one unit of drift in amperes per second
    unit = sign * 1e-9 * (abs(voltage_v) / (gap_mm / 10)) * (area_mm2 / 100)
    model = SeparableModel(
        "drift", (), (Quantity("drift_na_cm_s_v", "nA/(cm*s*V)", "drift"), Quantity("start_a", "A", "at start")),
        lambda x, p: [unit * (x - start), np.ones(len(x))], x=_TIME, y=_CURRENT,
    )  # fmt: skip
    fit = fit_model(model, trace.x, trace["current"], sigma=trace.sigma, analysis="drift", result=SpinFit,
                    warnings=trace.warnings, conventions={"drift": f"over {span:g} s, line through all points"},
                    **options)  # fmt: skip
    notes = []
    half = len(trace) // 2
    if half >= 8:
        early, late = (_slope(trace.x[part], trace["current"][part]) for part in (slice(half), slice(half, None)))
        if abs(early[0] - late[0]) > 4 * math.hypot(early[1], late[1]):
            notes.append(
                f"the drift is not steady: {early[0] / unit:.3g} in the first half and {late[0] / unit:.3g} in the "
                "second, so one number depends on how long was measured"
            )
    value = fit["drift_na_cm_s_v"]
    if abs(value.value) < 2 * value.uncertainty:
        notes.append("no drift stands out of the noise: take the interval as a bound")
    return recording(
        fit.with_warnings(*notes),
        {"drift_na_cm_s_v": {"property": "dark_current_drift", "unit": "nA/(cm*s*V)", "note": f"over {span:g} s"}},
    )


def _slope(x: Float, y: Float) -> tuple[float, float]:
    """Slope of a line and its standard error."""
    at = x - x.mean()
    slope = float(at @ y / (at @ at))
    rest = y - y.mean() - slope * at
    return slope, math.sqrt(float(rest @ rest) / max(1, len(x) - 2) / float(at @ at))


def segment_pulses(time_s: Float, current_a: Float) -> list[tuple[int, int]]:
    """First and last index of every on state, at half height with hysteresis of a fifth of the height.

    Raises
    ------
    FitError
        If the current has no two levels.
    """
    low, high = (float(np.percentile(current_a, q)) for q in (5, 95))
    # on for a short share of the time, the 95th percentile is still off: take the extreme of running medians
    if high - low < 0.5 * float(np.ptp(current_a)):
        high = float(np.sort(current_a)[-max(3, len(current_a) // 200)])
    step = high - low
    noise = 1.4826 * float(np.median(np.abs(np.diff(current_a)))) / math.sqrt(2)
    if not step > 5 * noise:
        raise FitError("the current has no on and off states: its steps don't stand out of the noise")
    up, down = low + 0.6 * step, low + 0.4 * step
    pulses, first = [], -1
    for i, value in enumerate(current_a):
        if first < 0 and value > up:
            first = i
        elif first >= 0 and value < down:
            pulses.append((first, i - 1))
            first = -1
    # a state that the record cuts off has no both edges
    return [(a, b) for a, b in pulses if a > 0 and b - a >= 2]


def _pulse(x: Any, on: float, off: float, rise: float, fall: float) -> Float:
    reached = 1.0 - math.exp(-max(off - on, 0.0) / rise)
    up = -np.expm1(-np.clip(x - on, 0.0, None) / rise)
    return np.asarray(np.where(x < off, up, reached * np.exp(-np.clip(x - off, 0.0, None) / fall)))


def fit_response_time(time_s: Any, current_a: Any, *, sigma: Any = None, **options: Unpack[IntervalOptions]) -> SpinFit:
    """Fit rise and fall (10 to 90 %) of pulses, each edge an exponential; pulses are found in the trace.

    Parameters
    ----------
    time_s, current_a
        Shape (n,), with at least one whole pulse; the first five are used.
    sigma
        Standard uncertainty of the current.
    **options
        Of `perospin.fitting.fit_model`.

    Returns
    -------
    SpinFit
        ``rise_ms`` and ``fall_ms``: ln 9 times the time constants.
    """
    trace = check_trace(time_s, {"current": current_a}, sigma=sigma, x_name="time_s", least=12)
    x, y = trace.x, trace["current"]
    sign = 1.0 if abs(np.max(y) - np.median(y)) >= abs(np.min(y) - np.median(y)) or np.median(y) > 0 else -1.0
    found = segment_pulses(x, sign * y)
    if not found:
        raise FitError("no whole pulse lies in the trace: it must hold the rise and the fall of at least one")
    used = found[:_MOST_PULSES]
    notes = list(trace.warnings)
    if len(found) > len(used):
        notes.append(f"of {len(found)} pulses the first {len(used)} were fitted")
    if len(used) < len(found):
        keep = x <= 0.5 * (x[used[-1][1]] + x[found[len(used)][0]])
        x, y = x[keep], y[keep]
        spread = None if trace.sigma is None else trace.sigma[keep]
    else:
        spread = trace.sigma
    step = float(np.median(np.diff(x)))
    shortest = min(float(x[b] - x[a]) for a, b in used)
    parameters = [
        Parameter(f"{name}_constant_s", "s", f"time constant of the {name}", max(shortest / 20, step),
                  1e-2 * step, 10 * shortest, positive=True) for name in ("rise", "fall")
    ]  # fmt: skip
    for k, (a, b) in enumerate(used, 1):
        for name, at in (("on", float(x[a])), ("off", float(x[b]))):
            reach = 0.4 * shortest
            parameters.append(Parameter(f"{name}_{k}_s", "s", f"pulse {k} {name}", at, at - reach, at + reach,
                                        scale=step))  # fmt: skip

    def basis(at: Any, p: Mapping[str, float]) -> list[Float]:
        rise, fall = p["rise_constant_s"], p["fall_constant_s"]
        train = [_pulse(at, p[f"on_{k}_s"], p[f"off_{k}_s"], rise, fall) for k in range(1, len(used) + 1)]
        return [np.sum(train, axis=0), np.ones(len(at))]

    model = SeparableModel(
        "pulses", tuple(parameters), (Quantity("height_a", "A", "height"), Quantity("dark_current_a", "A", "off")),
        basis, x=_TIME, y=_CURRENT,
    )  # fmt: skip
    fit = fit_model(model, x, y, sigma=spread, analysis="response-time", result=SpinFit, warnings=notes, **options)
    for name in ("fall", "rise"):
        fit = fit.derive(f"{name}_ms", lambda v, n=name: 1e3 * _TEN_TO_NINETY * v[f"{n}_constant_s"], "ms",  # type: ignore[misc]
                         f"{name}, 10 to 90 %", first=True)  # fmt: skip
    doubts = [
        f"the {name} takes fewer than three points: it is set by the sampling, not by the detector"
        for name in ("rise", "fall")
        if 1e-3 * fit[f"{name}_ms"].value < 3 * step
    ]
    if shortest < 1e-3 * fit["rise_ms"].value:
        doubts.append("the pulses end before the rise is over: the height is extrapolated")
    return recording(
        fit.with_warnings(*doubts),
        {
            name: {"property": f"{what}_time", "unit": "ms", "note": "10 to 90 %, exponential edge"}
            for name, what in (("rise_ms", "rise"), ("fall_ms", "fall"))
        },
    )


def fit_stability(time_s: Any, current_a: Any, **options: Unpack[IntervalOptions]) -> SpinFit:
    """Fit the change of the photocurrent over on/off cycles: a line through the heights of the cycles.

    Parameters
    ----------
    time_s, current_a
        Shape (n,), whole trace with its cycles; at least five.
    **options
        Of `perospin.fitting.fit_model`.

    Returns
    -------
    SpinFit
        ``retained_percent``: height at the last cycle over that at the first one, both on the line.
    """
    trace = check_trace(time_s, {"current": current_a}, x_name="time_s", least=20)
    y = trace["current"]
    if np.median(y) < 0:
        y = -y
    pulses = segment_pulses(trace.x, y)
    if len(pulses) < 5:
        raise FitError(f"only {len(pulses)} whole on/off cycles were found: a trend needs at least 5")
    heights = []
    for k, (a, b) in enumerate(pulses):
        before = pulses[k - 1][1] + 1 if k else 0
        dark = y[before + (a - before) // 2 : a]  # the second half of the off state: the fall is over
        lit = y[a + (b - a) // 3 : b + 1]
        heights.append(float(np.median(lit) - np.median(dark)) if len(dark) else float(np.median(lit)))
    cycle, height = np.arange(len(heights), dtype=float), np.array(heights)
    last = float(cycle[-1])
    model = SeparableModel(
        "stability over cycles", (), (Quantity("first_height_a", "A", "height of the first cycle"),
                                      Quantity("last_height_a", "A", "height of the last cycle")),
        lambda at, p: [1 - at / last, at / last], x=(Quantity("cycle", "", "cycle"),),
        y=Quantity("height_a", "A", "photocurrent"),
    )  # fmt: skip
    fit = fit_model(model, cycle, height, analysis="stability", result=SpinFit, warnings=trace.warnings,
                    conventions={"cycles": f"{len(heights)}; median of on less median of off"}, **options)  # fmt: skip
    fit = fit.derive("retained_percent", lambda v: 100 * v["last_height_a"] / v["first_height_a"], "%",
                     f"photocurrent left after {len(heights)} cycles", first=True)  # fmt: skip
    return recording(
        fit,
        {"retained_percent": {"property": "photocurrent_retention", "unit": "%", "note": f"{len(heights)} cycles"}},
    )
