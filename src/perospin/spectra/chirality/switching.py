"""Shapes of magnetoresistance loops: spin valve, four switchings, half valve, and which one the loop asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from perospin.fitting import Parameter, Quantity, SeparableModel, fit_model, fixed
from perospin.fitting.arrays import Float, natural_unit
from perospin.measurements.result import SpinFit

_CLEARLY = 10.0  # difference of AICc


_STOPPED = "the search stopped before it converged"


_FIELD = Quantity("field_t", "T", "magnetic field")


def _switch(x: Mapping[str, Any], centre: Any, at: Any, width: Any) -> Any:
    return 0.5 * (1.0 + np.tanh((x["direction"] * (x["field_t"] - centre) - at) / width))


_X = (_FIELD, Quantity("direction", "", "direction of the sweep"))


_Y = Quantity("resistance_ohm", "ohm", "resistance")


def _spin_valve(x: Mapping[str, Float], resistance: Float, step: float, background: bool) -> SeparableModel:
    reach = float(np.max(np.abs(x["field_t"])))
    span = (-reach, reach)
    # a width below the step of the field can't be seen
    finest = 0.15 * step
    parameters: tuple[Parameter, ...] = (
        Parameter("soft_switching_t", "T", "field that switches the softer electrode", 0.1 * reach, *span,
                  scale=0.1 * reach),
        Parameter("gap_t", "T", "from the softer to the harder electrode's switching", 0.2 * reach, 0.5 * step,
                  2 * reach, positive=True),
        Parameter("soft_width_t", "T", "width of the softer electrode's switching", 2 * step, finest, reach,
                  positive=True),
        Parameter("hard_width_t", "T", "width of the harder electrode's switching", 2 * step, finest, reach,
                  positive=True),
        Parameter("offset_field_t", "T", "field about which the loop is symmetric", 0.0, -0.5 * reach, 0.5 * reach,
                  scale=0.02 * reach),
    )  # fmt: skip
    if len(set(x["direction"].tolist())) == 1:  # one sweep can't tell an offset from the switching fields
        parameters = parameters[:-1]
    amplitudes = [
        Quantity("parallel_ohm", "ohm", "resistance of parallel magnetisations"),
        Quantity("change_ohm", "ohm", "R_AP - R_P"),
    ]
    if background:
        amplitudes.append(Quantity("slope_ohm_per_t", "ohm/T", "slope in |B|"))

    def basis(at: Any, theta: Mapping[str, Any]) -> Sequence[Any]:
        soft = theta["soft_switching_t"]
        centre = theta.get("offset_field_t", 0.0)
        one = _switch(at, centre, soft, theta["soft_width_t"])
        two = _switch(at, centre, soft + theta["gap_t"], theta["hard_width_t"])
        columns = [np.ones_like(one), one - two]
        return [*columns, np.abs(at["field_t"])] if background else columns

    grid = np.linspace(-0.3 * reach, 0.6 * reach, 16)
    gaps = np.geomspace(max(2 * step, 0.02 * reach), 0.9 * reach, 10)
    starts = [
        {"soft_switching_t": s, "gap_t": g, "soft_width_t": w, "hard_width_t": w, "offset_field_t": 0.0}
        for s in grid
        for g in gaps
        for w in (step, 0.06 * reach)
    ]
    return SeparableModel(
        name="magnetoresistance of a spin valve",
        parameters=parameters,
        amplitudes=tuple(amplitudes),
        basis=basis,
        x=_X,
        y=_Y,
        guess=_best_of(basis, starts),
    )


def _four_switchings(x: Mapping[str, Float], resistance: Float, step: float, background: bool) -> SeparableModel:
    """Spin valve whose windows of antiparallel magnetisations are free in both directions of the sweep."""
    reach = float(np.max(np.abs(x["field_t"])))
    finest = 0.15 * step
    parameters = [
        Parameter("switching_width_t", "T", "width of all four switchings", 2 * step, finest, reach, positive=True)
    ]
    for way in ("up", "down"):
        parameters += [
            Parameter(f"{way}_first_t", "T", f"field of the first switching, sweep {way}", 0.0, -reach, reach,
                      scale=0.1 * reach),
            Parameter(f"{way}_gap_t", "T", f"from the first to the second switching, sweep {way}", 0.2 * reach,
                      0.5 * step, 2 * reach, positive=True),
        ]  # fmt: skip
    amplitudes = [
        Quantity("parallel_ohm", "ohm", "resistance of parallel magnetisations"),
        Quantity("change_ohm", "ohm", "R_AP - R_P"),
    ]
    if background:
        amplitudes.append(Quantity("slope_ohm_per_t", "ohm/T", "slope in |B|"))

    def basis(at: Any, theta: Mapping[str, Any]) -> Sequence[Any]:
        window = np.zeros(len(at["field_t"]))
        for way, sign in (("up", 1.0), ("down", -1.0)):
            first = sign * theta[f"{way}_first_t"]
            one = _switch(at, 0.0, first, theta["switching_width_t"])
            two = _switch(at, 0.0, first + theta[f"{way}_gap_t"], theta["switching_width_t"])
            window = np.where(at["direction"] == sign, one - two, window)
        columns = [np.ones_like(window), window]
        return [*columns, np.abs(at["field_t"])] if background else columns

    flat = resistance
    if background:
        columns = np.stack([np.ones_like(resistance), np.abs(x["field_t"])], axis=1)
        flat = resistance - columns @ np.linalg.lstsq(columns, resistance, rcond=None)[0]
    starts = []
    for rise in (1.0, -1.0):
        for width in (0.5 * step, 2 * step, 0.06 * reach):
            start = {"switching_width_t": width}
            for way, sign in (("up", 1.0), ("down", -1.0)):
                part = x["direction"] == sign
                first, second = _widest_step(sign * x["field_t"][part], rise * flat[part])
                start |= {f"{way}_first_t": sign * first, f"{way}_gap_t": second - first}
            starts.append(start)
    return SeparableModel(
        name="magnetoresistance of a spin valve",
        parameters=tuple(parameters),
        amplitudes=tuple(amplitudes),
        basis=basis,
        x=_X,
        y=_Y,
        guess=_best_of(basis, starts),
    )


def _windows_seen(fit: SpinFit, x: Mapping[str, Float], step: float) -> bool:
    """Whether all switchings of a spin valve lie inside the fields that were swept, points on both sides of each."""
    v = fit.settings["best_values"]
    centre = v.get("offset_field_t", 0.0)
    for sign, way in ((1.0, "up"), (-1.0, "down")):
        fields = x["field_t"][x["direction"] == sign]
        if not len(fields):
            continue
        first = v[f"{way}_first_t"] if f"{way}_first_t" in v else centre + sign * v["soft_switching_t"]
        second = first + sign * v.get(f"{way}_gap_t", v.get("gap_t", 0.0))
        if min(first, second) < fields.min() + 0.5 * step or max(first, second) > fields.max() - 0.5 * step:
            return False
    return True


def _one_step(field: Float, y: Float) -> float:
    """Field at which y steps from one level to another."""
    order = np.argsort(field, kind="stable")
    field, y = field[order], y[order] - np.mean(y)
    n = np.arange(1, len(y))
    score = np.abs(np.cumsum(y)[:-1]) / np.sqrt(n * (1.0 - n / len(y)))
    best = int(np.argmax(score))
    return 0.5 * float(field[best] + field[best + 1])


def _widest_step(field: Float, y: Float) -> tuple[float, float]:
    """Find the ends of the window, among all pairs of points, in which y lies highest above the rest."""
    order = np.argsort(field, kind="stable")
    every = max(1, len(field) // 400)
    field = field[order][::every]
    # the sum over the points i to j-1, of y without its mean
    total = np.concatenate([[0.0], np.cumsum(y[order][::every] - np.mean(y))])
    n = len(field)
    i, j = np.triu_indices(n + 1, 1)
    inside = (i > 0) & (j < n)
    i, j = i[inside], j[inside]
    if not len(i):
        return float(field[0]), float(field[-1])
    score = (total[j] - total[i]) / np.sqrt((j - i) * (1.0 - (j - i) / n))
    best = int(np.argmax(score))
    a, b = int(i[best]), int(j[best])
    return 0.5 * float(field[a - 1] + field[a]), 0.5 * float(field[b - 1] + field[b])


def _half_valve(x: Mapping[str, Float], resistance: Float, step: float, background: bool) -> SeparableModel:
    reach = float(np.max(np.abs(x["field_t"])))
    parameters = [
        Parameter("saturation_width_t", "T", "field scale of the magnetisation, tanh(B/w)", 0.1 * reach, 0.1 * step,
                  3 * reach, positive=True),
        Parameter("coercive_field_t", "T", "coercive field", 0.0, -reach, reach, scale=0.05 * reach),
        Parameter("offset_field_t", "T", "field about which the loop is symmetric", 0.0, -0.5 * reach, 0.5 * reach,
                  scale=0.02 * reach),
    ]  # fmt: skip
    both = len(set(x["direction"].tolist())) == 2
    if not both:  # one sweep can't tell a coercive field from an offset
        parameters = parameters[:2]
    amplitudes = [
        Quantity("mean_ohm", "ohm", "mean of the two saturated resistances"),
        Quantity("half_change_ohm", "ohm", "(R(+B) - R(-B))/2"),
    ]
    if background:
        amplitudes.append(Quantity("slope_ohm_per_t", "ohm/T", "slope in B"))

    def basis(at: Any, theta: Mapping[str, Any]) -> Sequence[Any]:
        middle = theta.get("offset_field_t", 0.0) + at["direction"] * theta["coercive_field_t"]
        turn = np.tanh((at["field_t"] - middle) / theta["saturation_width_t"])
        columns = [np.ones_like(turn), turn]
        return [*columns, at["field_t"]] if background else columns

    starts = [
        {"saturation_width_t": w, "coercive_field_t": c, "offset_field_t": 0.0}
        for w in np.geomspace(step, reach, 10)
        for c in np.linspace(-0.5 * reach, 0.5 * reach, 21)
    ]
    if both:
        # a sharp switching has no slope that would lead to it: start where each sweep steps
        flat = resistance
        if background:
            columns = np.stack([np.ones_like(resistance), x["field_t"]], axis=1)
            flat = resistance - columns @ np.linalg.lstsq(columns, resistance, rcond=None)[0]
        up, down = (_one_step(x["field_t"][x["direction"] == d], flat[x["direction"] == d]) for d in (1.0, -1.0))
        starts += [
            {"saturation_width_t": w, "coercive_field_t": 0.5 * (up - down), "offset_field_t": 0.5 * (up + down)}
            for w in (0.15 * step, 0.4 * step, step, 3.0 * step)
        ]
    return SeparableModel(
        name="magnetoresistance of a half valve",
        parameters=tuple(parameters),
        amplitudes=tuple(amplitudes),
        basis=basis,
        x=_X,
        y=_Y,
        guess=_best_of(basis, starts),
    )


def _best_of(
    basis: Callable[..., Sequence[Any]], starts: Sequence[dict[str, float]], keep: int = 3
) -> Callable[[Any, Float], list[dict[str, float]]]:
    """Guess by trying all starts with their amplitudes solved for; the best few are refined."""

    def guess(at: Any, y: Float) -> list[dict[str, float]]:
        scored = []
        for start in starts:
            columns = np.stack(basis(at, start), axis=1)
            amplitudes = np.linalg.lstsq(columns, y, rcond=None)[0]
            scored.append(float(np.sum((y - columns @ amplitudes) ** 2)))
        return [starts[i] for i in np.argsort(scored)[:keep]]

    return guess


def _settled(
    fit: SpinFit, model: SeparableModel, x: Mapping[str, Float], resistance: Float, spread: Any, step: float
) -> SpinFit:
    """Withdraw the warning of a search that only crept about inside one step of the field.

    Between two points the cost hardly depends on where a sharper switching lies, nor how wide it is. Held where the
    search left them, these fields and widths must leave a fit that converges and is as good.
    """
    if not any(w.startswith(_STOPPED) for w in fit.warnings):
        return fit
    best = fit.settings["best_values"]
    held = [name for name in best if name.endswith("width_t") and best[name] < step]
    if not held:
        return fit
    moving = [n for n in best if n.endswith(("switching_t", "first_t", "gap_t", "field_t"))]
    params: dict[str, Any] = {n: fixed(best[n]) if n in held or n in moving else best[n] for n in best}
    again: SpinFit = fit_model(model, x, resistance, sigma=spread, params=params, result=SpinFit)
    worse = again.statistics["chi2"] - fit.statistics["chi2"]
    unit = 1.0 if spread is not None else fit.statistics["reduced_chi2"]
    if worse > unit or any(w.startswith(_STOPPED) for w in again.warnings):
        return fit
    return replace(fit, warnings=tuple(w for w in fit.warnings if not w.startswith(_STOPPED)))


def _missed(residual: Float) -> tuple[bool, float]:
    """Whether neighbours miss the fit alike, and their Durbin-Watson number.

    In the order of the measurement: sorted by field, opposite residuals of the two directions alternate like noise.
    """
    residual = residual / natural_unit(residual)
    durbin_watson = float(np.sum(np.diff(residual) ** 2) / max(float(np.sum(residual**2)), 1e-300))
    return bool((2.0 - durbin_watson) / 2.0 * np.sqrt(len(residual)) > 5.0), durbin_watson


def _chance(fit: SpinFit, x: Mapping[str, Float], resistance: Float, spread: Any, step: float) -> float:
    """Probability that noise alone, at any of the fields tried, improves on a line as much as this fit does.

    Of one amplitude at fields given beforehand: Fisher's F; times the trials (Bonferroni), a step of the field each.
    """
    from scipy import stats

    unit = natural_unit(resistance)
    weight = np.ones_like(resistance) / unit if spread is None else 1.0 / spread
    columns = [np.ones_like(resistance)]
    if "slope_ohm_per_t" in fit:
        columns.append(x["field_t"] if fit.settings["loop"] == "half_valve" else np.abs(x["field_t"]))
    matrix = np.stack(columns, axis=1) * weight[:, None]
    y = resistance * weight
    null = float(np.sum((y - matrix @ np.linalg.lstsq(matrix, y, rcond=None)[0]) ** 2))
    left = float(np.sum((weight * fit.data["residual"].to_numpy()) ** 2))
    gain = null - left
    places = max(2.0, float(np.ptp(x["field_t"])) / step)
    fields = [n for n in fit.table["name"] if n.endswith(("switching_t", "first_t", "gap_t", "field_t"))]
    trials = places ** len(fields)
    if spread is not None:
        return float(min(1.0, trials * stats.chi2.sf(gain, 1)))
    dof = max(fit.statistics["degrees_of_freedom"], 1)
    return float(
        min(1.0, trials * stats.f.sf(gain / (left / dof) if left > 0 else np.inf, 1, len(y) - len(columns) - 1))
    )
