r"""Current-voltage curves through a chiral layer with the magnetic tip or electrode up and down (CISS).

.. math:: P=\frac{I_\uparrow-I_\downarrow}{I_\uparrow+I_\downarrow}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Unpack

import numpy as np
import pandas as pd
from scipy import stats

from perospin.errors import FitError
from perospin.fitting import Quantity, SeparableModel, fit_model
from perospin.fitting.arrays import Float, real
from perospin.measurements.options import IntervalOptions
from perospin.measurements.result import SpinFit

__all__ = ["current_polarisation", "fit_current_polarisation"]

_LEAST = 3


def current_polarisation(current_up: Any, current_down: Any) -> Any:
    """Spin polarisation of a current, as a fraction.

    Parameters
    ----------
    current_up, current_down : float or ndarray
        Magnitudes of the currents with the magnet up and down, in equal units, at the same voltage.

    Examples
    --------
    >>> round(current_polarisation(8.0, 1.5), 7)
    0.6842105
    """
    return (current_up - current_down) / (current_up + current_down)


def fit_current_polarisation(
    voltage_v: Any,
    current_up: Any,
    current_down: Any,
    *,
    least_v: float | None = None,
    most_v: float | None = None,
    current_unit: str = "A",
    **options: Unpack[IntervalOptions],
) -> SpinFit:
    """Spin polarisation of a current, for each sign of the voltage and their mean.

    ``|I_up| - |I_down| = P (|I_up| + |I_down|)`` is fitted over a window of |V|, so that the zero crossing, where the
    quotient is noise, has no weight.

    Parameters
    ----------
    voltage_v
        Voltages (V), shape (n,).
    current_up, current_down
        Currents with the magnet up and down, shape (n,), or (n_curves, n) for repeated curves (not necessarily as many
        of both): their scatter then gives the uncertainty.
    least_v, most_v
        Window of |V|; from half the largest voltage up if not given.
    current_unit
        Of the currents, for the figure.
    **options
        Of `perospin.fitting.fit_model`: intervals, level, seed, robust, sources.

    Returns
    -------
    SpinFit
        ``spin_polarisation_percent``, ``polarisation_positive`` and ``polarisation_negative`` (fractions, for each sign
        of the voltage that was measured).

    Raises
    ------
    FitError
        If shapes differ or the window holds too few points.
    """
    voltage, up, down, curves, notes = _prepared(voltage_v, current_up, current_down)
    size = np.abs(voltage)
    low = 0.5 * float(size.max()) if least_v is None else float(least_v)
    high = float(size.max()) if most_v is None else float(most_v)
    window = (size >= low) & (size <= high) & (size > 0) & (up + down > 0)
    if np.count_nonzero(window) < _LEAST:
        raise FitError(
            f"{np.count_nonzero(window)} voltages lie between {low:g} and {high:g} V; at least {_LEAST} are needed"
        )
    if np.any(np.sign(voltage[window]).astype(int) == 0):
        raise FitError("the window holds zero voltage")
    signs = [name for name, sign in (("positive", 1.0), ("negative", -1.0)) if np.any(sign * voltage[window] > 0)]
    x = {"voltage_v": voltage[window], "total": (up + down)[window]}
    model = SeparableModel(
        name="spin polarisation of a current",
        amplitudes=tuple(Quantity(f"polarisation_{s}", "", f"polarisation at {s} voltage") for s in signs),
        basis=lambda at, theta: [np.where((at["voltage_v"] > 0) == (s == "positive"), at["total"], 0.0) for s in signs],
        x=(Quantity("voltage_v", "V", "voltage"), Quantity("total", "", "|I_up| + |I_down|")),
        y=Quantity("difference", "", "|I_up| - |I_down|"),
    )
    spread = None
    if curves is not None:
        variances = [c.var(axis=0, ddof=1) / len(c) for c in curves]
        # the total is as uncertain as the difference: variance of (1 - P) I_up - (1 + P) I_down, P from the mean curves
        p = np.zeros(len(voltage))
        for sign in (1.0, -1.0):
            side = window & (sign * voltage > 0)
            if side.any():
                p[side] = current_polarisation(up[side].sum(), down[side].sum())
        spread = np.sqrt((1 - p) ** 2 * variances[0] + (1 + p) ** 2 * variances[1])[window]
        spread = np.maximum(spread, 1e-3 * spread.max())
        if not spread.max() > 0:
            spread = None
    fit = fit_model(
        model, x, (up - down)[window], sigma=spread, absolute_sigma=False, warnings=notes, result=SpinFit, **options,
        analysis="spin polarisation of a current",
        conventions={"spin_polarisation": "(I_up - I_down)/(I_up + I_down); up and down as the two files were given"},
        settings={"main": "spin_polarisation_percent", "least_v": low, "most_v": high, "current_unit": current_unit},
    )  # fmt: skip

    if curves is not None:
        sides = [window & ((voltage > 0) == (s == "positive")) for s in signs]
        weight = np.zeros(len(voltage))
        weight[window] = (up + down)[window] / (1.0 if spread is None else spread**2)
        fit = _between_curves(fit, signs, sides, weight, (up, down), curves)

    def mean(v: Mapping[str, float]) -> float:
        return 100.0 * float(np.mean([v[f"polarisation_{s}"] for s in signs]))

    fit = fit.derive("spin_polarisation_percent", mean, "%", f"spin polarisation, {low:g} to {high:g} V", first=True)
    if len(signs) == 2:
        a, b = fit["polarisation_positive"], fit["polarisation_negative"]
        if abs(a.value - b.value) > 3 * np.hypot(a.uncertainty, b.uncertainty):
            fit = fit.with_warnings(
                f"the polarisation depends on the sign of the voltage ({100 * a.value:.1f} % and "
                f"{100 * b.value:.1f} %): the mean hides it"
            )
    shown = pd.DataFrame({"voltage_v": voltage, "current_up": up, "current_down": down})
    with np.errstate(divide="ignore", invalid="ignore"):
        shown["polarisation"] = np.where(size > 0, current_polarisation(up, down), np.nan)
    best = np.full(len(voltage), np.nan)
    for s in signs:
        best[window & ((voltage > 0) == (s == "positive"))] = fit[f"polarisation_{s}"].value
    shown["best_fit"] = best
    shown["residual"] = (up - down) - best * (up + down)
    return replace(
        fit,
        data=shown,
        drawing="current",
        records={
            "spin_polarisation_percent": {
                "property": "spin_polarisation",
                "unit": "%",
                "note": f"|V| from {low:g} to {high:g} V",
                "conditions": {"technique": "current-voltage curves, CISS"},
            }
        },
    )


def _prepared(voltage_v: Any, current_up: Any, current_down: Any) -> tuple[Float, Float, Float, Any, list[str]]:
    """Voltages, mean magnitudes of the currents, the curves if they are repeated (or None), notes."""
    try:
        voltage = real(voltage_v, "voltage_v")
        curves = [np.atleast_2d(real(c, "current")) for c in (current_up, current_down)]
    except (TypeError, ValueError):
        raise FitError("voltages and currents must be numbers, and all curves of one length") from None
    for name, c in zip(("current_up", "current_down"), curves, strict=True):
        if voltage.ndim != 1 or c.ndim != 2 or c.shape[1] != len(voltage):
            raise FitError(f"{name} has the shape {c.shape}, but there are {len(voltage)} voltages")
    notes = []
    good = np.isfinite(voltage) & np.all([np.isfinite(c).all(axis=0) for c in curves], axis=0)
    if not good.all():
        notes.append(f"{np.count_nonzero(~good)} of {len(good)} voltages with missing currents were left out")
    voltage, curves = voltage[good], [np.abs(c[:, good]) for c in curves]
    if len(voltage) < _LEAST:
        raise FitError(f"only {len(voltage)} usable voltages: at least {_LEAST} are needed")
    up, down = (c.mean(axis=0) for c in curves)
    return voltage, up, down, curves if all(len(c) > 1 for c in curves) else None, notes


def _between_curves(
    fit: SpinFit,
    signs: Sequence[str],
    sides: Sequence[Any],
    weight: Float,
    means: tuple[Float, Float],
    curves: Sequence[Float],
) -> SpinFit:
    """Take the uncertainty from the scatter of whole curves.

    The points of one curve rise and fall together, contact by contact: they are not independent measurements, and one
    curve counts once, however many voltages it has. Intervals are Student's with one less than the fewer curves.
    """
    parts: list[list[Float]] = []
    for sign, side in zip(signs, sides, strict=True):
        p, total = fit[f"polarisation_{sign}"].value, float(weight[side] @ (means[0] + means[1])[side])
        parts.append(
            [c[:, side] @ weight[side] * factor / total for c, factor in zip(curves, (1 - p, -1 - p), strict=True)]
        )
    covariance = np.sum(
        [np.atleast_2d(np.cov(np.stack([one[i] for one in parts]))) / len(curves[i]) for i in (0, 1)], axis=0
    )
    errors = np.sqrt(np.diag(covariance))
    names = [f"polarisation_{s}" for s in signs]
    reach = float(stats.t.ppf(0.5 + 0.5 * fit.level, min(map(len, curves)) - 1)) * errors
    table = fit.table.copy()
    for name, error, far in zip(names, errors, reach, strict=True):
        row = table["name"] == name
        table.loc[row, "uncertainty"] = error
        table.loc[row, "low"], table.loc[row, "high"] = fit[name].value - far, fit[name].value + far
    correlation = fit.correlation.copy()
    positive = errors > 0
    scale = np.where(positive, errors, 1.0)
    correlation.loc[names, names] = np.where(
        np.outer(positive, positive), covariance / np.outer(scale, scale), np.eye(len(names))
    )
    settings = {k: v for k, v in fit.settings.items() if k != "standard_errors"}
    conventions = {**fit.conventions, "uncertainty": "scatter of whole curves: one curve counts once"}
    return replace(fit, table=table, correlation=correlation, settings=settings, conventions=conventions)
