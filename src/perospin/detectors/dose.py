"""Fits against dose rate: sensitivity, and detection limit from signal-to-noise ratios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Unpack

import numpy as np

from perospin.detectors.bias import SENSITIVITY_AT_BIAS, checked_size, hecht_fit
from perospin.detectors.noise import SNR_AT_LIMIT
from perospin.errors import FitError
from perospin.fitting import Quantity, SeparableModel, fit_model
from perospin.fitting.arrays import Float
from perospin.fitting.checks import Trace, check_trace
from perospin.measurements.options import FitOptions, IntervalOptions, recording
from perospin.measurements.result import SpinFit

__all__ = ["fit_detection_limit", "fit_sensitivity", "fit_sensitivity_series"]

_X = (Quantity("dose_rate_gy_s", "Gy/s", "dose rate"),)
#: Diagnostic tubes give mGy/s at most; a hundred gray in a second is a forgotten unit.
_LARGEST_GY_S = 1.0


def _doses(dose_rate_gy_s: Any, channels: Mapping[str, Any], sigma: Any) -> tuple[Trace, list[str]]:
    trace = check_trace(dose_rate_gy_s, channels, sigma=sigma, x_name="dose_rate_gy_s", least=3)
    notes = list(trace.warnings)
    if trace.x[-1] > _LARGEST_GY_S:
        notes.append(f"dose rates up to {trace.x[-1]:g} Gy/s look like another unit (uGy/s): write it into the heading")
    return trace, notes


def _bend(x: Float, y: Float, sigma: Float | None) -> float:
    """Relative bend over the range if it stands out of the noise, else 0: a quadratic term at 3 standard errors."""
    if len(x) < 5:
        return 0.0
    at = x / x[-1]
    weight = np.ones_like(at) if sigma is None else 1.0 / sigma
    basis = np.stack([np.ones_like(at), at, at**2], axis=1)
    inverse = np.linalg.pinv((basis * weight[:, None]).T @ (basis * weight[:, None]))
    found = inverse @ (basis * weight[:, None]).T @ (y * weight)
    rest = (y - basis @ found) * weight
    scale = 1.0 if sigma is not None else float(rest @ rest) / (len(x) - 3)
    error = float(np.sqrt(inverse[2, 2] * scale))
    return float(found[2] / found[1]) if abs(found[2]) > 3 * error else 0.0


def fit_sensitivity(
    dose_rate_gy_s: Any,
    current_a: Any,
    *,
    area_mm2: float,
    voltage_v: float | None = None,
    gap_mm: float | None = None,
    sigma: Any = None,
    **options: Unpack[IntervalOptions],
) -> SpinFit:
    """Fit the sensitivity, the slope of current against dose rate over the active area.

    Parameters
    ----------
    dose_rate_gy_s, current_a
        Shape (n,). The intercept is fitted, so the dark current may be in it.
    area_mm2
        Active area: of coplanar contacts the gap times the width, and a matter of opinion.
    voltage_v, gap_mm
        Bias and distance of the electrodes, for the record and its field.
    sigma
        Standard uncertainty of the current, which weighs the points.
    **options
        Of `perospin.fitting.fit_model`.

    Returns
    -------
    SpinFit
        ``sensitivity_uc_gy_cm2`` and the current without dose ``dark_current_a``.

    Examples
    --------
    >>> import numpy as np
    >>> dose = np.array([0.0, 11.35e-6, 22.7e-6])
    >>> fit = fit_sensitivity(dose, 1e-9 * dose / 22.7e-6 + [1e-16, -2e-16, 1e-16], area_mm2=1.0)
    >>> round(fit["sensitivity_uc_gy_cm2"].value, 2)
    4405.29
    """
    checked_size(area_mm2=area_mm2)
    trace, notes = _doses(dose_rate_gy_s, {"current": current_a}, sigma)
    per_unit = 1e-6 * area_mm2 / 100.0
    sign = 1.0 if np.polyfit(trace.x, trace["current"], 1)[0] > 0 else -1.0
    model = SeparableModel(
        "sensitivity", (), (Quantity("sensitivity_uc_gy_cm2", "uC/(Gy*cm^2)", "sensitivity"),
                            Quantity("dark_current_a", "A", "current without dose")),
        lambda x, p: [sign * per_unit * x, np.ones(len(x))], x=_X, y=Quantity("current_a", "A", "current"),
    )  # fmt: skip
    fit = fit_model(model, trace.x, trace["current"], sigma=trace.sigma, analysis="sensitivity", result=SpinFit,
                    conventions={"area": f"{area_mm2:g} mm2, taken as the active one"}, **options)  # fmt: skip
    bend = _bend(trace.x, trace["current"], trace.sigma)
    if bend:
        notes.append(
            f"the current is not proportional to the dose rate: it {'falls short' if bend < 0 else 'rises'} by about "
            f"{100 * abs(bend):.0f} % at the highest one; "
            + ("recombination, or a meter that saturates" if bend < 0 else "gain that grows with dose")
        )
    value = fit["sensitivity_uc_gy_cm2"]
    if value.value < 2 * value.uncertainty:
        notes.append("the sensitivity is not distinguished from zero (less than two standard errors)")
    record: dict[str, Any] = {"property": "xray_sensitivity", "unit": "uC/(Gy*cm^2)"}
    if voltage_v is not None:
        record["note"] = f"at {voltage_v:g} V"
    if voltage_v is not None and gap_mm is not None:
        checked_size(gap_mm=gap_mm)
        record["conditions"] = {"bias_field_v_mm": abs(voltage_v) / gap_mm}
    return recording(fit.with_warnings(*notes), {"sensitivity_uc_gy_cm2": record}, voltage_v=voltage_v)


def fit_sensitivity_series(
    fits: Sequence[SpinFit], voltage_v: Sequence[float] | None = None, *, gap_mm: float, **options: Unpack[FitOptions]
) -> SpinFit:
    """Fit Hecht's equation to the sensitivity against bias: mobility-lifetime product and saturated sensitivity.

    Parameters
    ----------
    fits
        Results of `fit_sensitivity`, one a bias, at least four biases other than zero.
    voltage_v
        Biases; those that the fits were told if not given.
    gap_mm
        Distance of the electrodes.
    **options
        Of `perospin.fitting.fit_model`.

    Returns
    -------
    SpinFit
        ``mu_tau_cm2_v`` and ``saturation_sensitivity_uc_gy_cm2``.

    Raises
    ------
    FitError
        If a bias isn't told, or there are too few.
    """
    told = [fit.settings.get("voltage_v") for fit in fits] if voltage_v is None else list(voltage_v)
    if len(told) != len(fits) or any(bias is None for bias in told):
        raise FitError("each fit of a sensitivity needs its bias: give voltage_v, or call fit_sensitivity with it")
    measured = [fit["sensitivity_uc_gy_cm2"] for fit in fits]
    bias = np.array([float(value) for value in told if value is not None])
    size = np.array([value.value for value in measured])
    error = np.array([value.uncertainty for value in measured])
    known = np.isfinite(error) & (error > 0)
    sigma = error if known.all() else None
    return hecht_fit(bias, size, gap_mm=gap_mm, sigma=sigma, of=SENSITIVITY_AT_BIAS, **options)


def fit_detection_limit(
    dose_rate_gy_s: Any, snr: Any, *, sigma: Any = None, noise_of: str = "off", **options: Unpack[IntervalOptions]
) -> SpinFit:
    """Fit the dose rate at a signal-to-noise ratio of 3 (IUPAC) from the line SNR = a + b D.

    Parameters
    ----------
    dose_rate_gy_s, snr
        Shape (n,): (mean on - mean off) / standard deviation.
    sigma
        Standard uncertainty of the ratio.
    noise_of
        Which state the standard deviation is of, "on" or "off"; kept with the result.
    **options
        Of `perospin.fitting.fit_model`.

    Returns
    -------
    SpinFit
        ``detection_limit_gy_s``; undetermined if the line reaches 3 at no dose above zero.
    """
    trace, notes = _doses(dose_rate_gy_s, {"snr": snr}, sigma)
    # in units of the largest dose rate, so that both amplitudes are of one size
    top = float(trace.x[-1])
    model = SeparableModel(
        "detection limit", (), (Quantity("snr_at_zero", "", "ratio at zero"), Quantity("snr_rise", "", "its rise")),
        lambda x, p: [np.ones(len(x)), x / top], x=_X, y=Quantity("snr", "", "signal-to-noise ratio"),
    )  # fmt: skip
    fit = fit_model(model, trace.x, trace["snr"], sigma=trace.sigma, analysis="detection-limit", result=SpinFit,
                    conventions={"detection_limit": "SNR = 3 on a straight line", "noise": f"current {noise_of}"},
                    **options)  # fmt: skip
    fit = fit.derive("snr_per_gy_s", lambda v: v["snr_rise"] / top, "s/Gy", "slope of the ratio")
    fit = fit.derive("detection_limit_gy_s", lambda v: top * (SNR_AT_LIMIT - v["snr_at_zero"]) / v["snr_rise"], "Gy/s",
                     "detection limit", first=True)  # fmt: skip
    limit, rise = fit["detection_limit_gy_s"], fit["snr_rise"]
    lowest = float(trace.x[trace.x > 0][0]) if np.any(trace.x > 0) else 0.0
    if not limit.value > 0 or rise.value < 2 * rise.uncertainty:
        table = fit.table.copy()
        row = table["name"] == "detection_limit_gy_s"
        table.loc[row, ["value", "uncertainty", "low", "high"]] = np.nan
        table.loc[row, "status"] = "undetermined"
        fit = replace(fit, table=table)
        notes.append(
            "there is no detection limit: the line is above 3 at zero dose already, or does not rise; the noise was "
            "measured under other conditions than the signal, or saturates"
        )
    elif limit.value < 0.1 * lowest:
        notes.append(
            f"the limit is extrapolated by more than a decade below the lowest dose rate measured ({lowest:.3g} Gy/s): "
            "measure there before you state it"
        )
    elif limit.value < lowest:
        notes.append(f"the limit lies below the lowest dose rate measured ({lowest:.3g} Gy/s): it is extrapolated")
    bend = _bend(trace.x, trace["snr"], trace.sigma)
    if bend:
        notes.append("the ratio is no straight line in the dose rate: shot noise bends it, so keep the lowest doses")
    return recording(
        fit.with_warnings(*notes),
        {"detection_limit_gy_s": {"property": "xray_detection_limit", "unit": "Gy/s", "note": "SNR = 3"}},
    )
