r"""Spin inertia: the faster the pumping is modulated, the less the spins can follow, beyond 1/(2 pi T1).

Resonant (microwaves flip the spins) or all-optical (the pump's helicity is modulated); both have
:math:`S=S_0/\sqrt{1+(2\pi f_{mod}T_1)^2}`. T1 shortens with pump power: `extrapolate_power` takes its rate to zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, Unpack

import numpy as np
import pandas as pd

from perospin.errors import DataError
from perospin.fitting.arrays import Float, namespace
from perospin.fitting.checks import check_trace
from perospin.fitting.model import Parameter, Quantity, SeparableModel
from perospin.fitting.single import fit_model
from perospin.fitting.statistics import quantile
from perospin.measurements.options import (
    FitOptions,
    as_fits,
    compared_with_fewer,
    compared_with_more,
    component_name,
    fit_points,
    from_fits,
    over,
    recording,
    reordered,
)
from perospin.spectra.signals.signals import inertia_magnitude, inertia_phase_channels
from perospin.spectra.signals.starts import best_starts, greedy_start

if TYPE_CHECKING:
    from perospin.measurements.result import SpinFit

__all__ = ["Detection", "extrapolate_power", "fit_spin_inertia", "inertia_model"]

Detection = Literal["magnitude", "in phase"]
FREQUENCY = Quantity("modulation_frequency_hz", "Hz", "modulation frequency")
SIGNAL = Quantity("signal", "", "spin signal")


def fit_spin_inertia(
    modulation_frequency_hz: Any,
    signal: Any,
    *,
    components: int = 1,
    detection: Detection = "magnitude",
    offset: bool = False,
    optical: bool = False,
    field_t: float | None = None,
    sigma: Any = None,
    **options: Unpack[FitOptions],
) -> SpinFit:
    r"""Fit a spin inertia curve.

    Parameters
    ----------
    modulation_frequency_hz, signal
        Modulation frequencies (Hz) and lock-in signal; (n,).
    components
        Number of species: 1 or 2, with ``detection="in phase"`` up to 3. T1 falls from the first to the last.
    detection
        What the lock-in gave: the ``"magnitude"`` R, :math:`|\sum_ia_i/(1-i2\pi fT_{1,i})|`, or the ``"in phase"``
        channel X, :math:`\sum_ia_i/(1+(2\pi fT_{1,i})^2)`.
    offset
        Whether a constant is added (a background that follows the modulation at once).
    optical
        All-optical rather than resonant spin inertia; only what the record says.
    field_t
        Magnetic field (T), for the record.
    sigma
        Standard uncertainty of the signal; estimated from the residuals by default.
    **options
        Of `perospin.fitting.fit_model`: params, intervals, level, seed, robust, sources.

    Returns
    -------
    SpinFit
        `t1_ps` and `amplitude` of each species (numbered if several), `corner_frequency_hz` with one.

    Raises
    ------
    FitError
        If the data can't be fitted.
    DataError
        If an option is unknown or a frequency is negative.
    """
    from perospin.measurements.result import SpinFit

    least = 2 * components + 2
    trace = check_trace(
        modulation_frequency_hz, {"signal": signal}, sigma=sigma, x_name="modulation_frequency_hz", least=least
    )
    if trace.x[0] < 0:
        raise DataError(f"a modulation frequency is negative ({trace.x[0]:g} Hz)")
    model = inertia_model(trace.x, components=components, detection=detection, offset=offset)
    conventions = {
        "signal": "magnitude of the lock-in signal" if detection == "magnitude" else "in-phase channel of the lock-in",
        "T1": "1/e time of the polarisation, at this pump power: extrapolate the rate to zero power",
    }
    fit = fit_model(
        model, trace.x, trace["signal"], sigma=trace.sigma, warnings=trace.warnings, analysis="spin inertia",
        conventions=conventions, result=SpinFit, **options,
    )  # fmt: skip
    if components > 1:
        simpler = inertia_model(trace.x, components=components - 1, detection=detection, offset=offset)
        fit = compared_with_fewer(fit, simpler, trace.x, trace["signal"], trace.sigma)
    else:
        richer = inertia_model(trace.x, components=2, detection=detection, offset=offset)
        fit = compared_with_more(fit, richer, trace.x, trace["signal"], trace.sigma)
    if detection == "in phase":
        fit = reordered(fit, ("t1_ps", "amplitude"), components, falling=True)
    technique = {"technique": "spin_inertia" if optical else "ODMR"}
    if field_t is not None:
        technique["field_t"] = float(field_t)  # type: ignore[assignment]
    records: dict[str, Any] = {}
    for i in range(components):
        name = component_name("t1_ps", i, components)
        if detection == "magnitude" and components > 1:
            share = _share(i)
            fit = fit.derive(component_name("amplitude", i, components), share, "", "amplitude")
        records[name] = {"property": "T1", "note": "spin inertia at one pump power", "conditions": technique}
    if components == 1:
        fit = fit.derive(
            "corner_frequency_hz", lambda v: over(1e12, 2.0 * np.pi * v["t1_ps"]), "Hz", "corner frequency"
        )
        corner = 1e12 / (2.0 * np.pi * fit["t1_ps"].value)
        if trace.x[-1] < corner:
            fit = fit.with_warnings(
                f"the highest frequency, {trace.x[-1]:.3g} Hz, lies below the corner, {corner:.3g} Hz: T1 rests on a "
                "small fall of the signal"
            )
        elif trace.x[trace.x > 0][0] > corner:
            fit = fit.with_warnings(
                f"the lowest frequency lies above the corner, {corner:.3g} Hz: the signal at zero frequency and T1 "
                "can hardly be told apart"
            )
    return recording(
        fit, records, drawing="inertia", components=components, detection=detection,
        field_t=field_t,
    )  # fmt: skip


def _share(index: int) -> Callable[[Mapping[str, float]], float]:
    return lambda v: v["amplitude"] * (v["share_1"] if index == 0 else 1.0 - v["share_1"])


def inertia_model(
    modulation_frequency_hz: Float, *, components: int = 1, detection: Detection = "magnitude", offset: bool = False
) -> SeparableModel:
    """Model of a spin inertia curve.

    Parameters
    ----------
    modulation_frequency_hz
        Frequencies of the measurement (Hz).
    components, detection, offset
        As `fit_spin_inertia`. Two species in magnitude share one amplitude: `share_1` is the first one's part, 0 to 1.

    Raises
    ------
    DataError
        If the number of species or a word is unknown.
    """
    if detection not in ("magnitude", "in phase"):
        raise DataError(f"unknown detection '{detection}': use magnitude or in phase")
    most = 2 if detection == "magnitude" else 3
    if not 1 <= components <= most:
        raise DataError(f"a spin inertia curve ({detection}) is fitted with 1 to {most} species, got {components}")
    frequency = np.unique(np.abs(np.asarray(modulation_frequency_hz, float)))
    moving = frequency[frequency > 0]
    if moving.size < 3:
        raise DataError("spin inertia needs at least three different modulation frequencies above zero")
    shortest, longest = 1e12 / (2.0 * np.pi * moving[-1]), 1e12 / (2.0 * np.pi * moving[0])
    low, high = 1e-3 * shortest, 1e3 * longest
    times = [component_name("t1_ps", i, components) for i in range(components)]
    middle = float(np.sqrt(shortest * longest))
    parameters = [Parameter(name, "ps", "spin relaxation time T1", middle, low, high, positive=True) for name in times]
    shared = detection == "magnitude" and components == 2
    if shared:
        parameters.append(Parameter("share_1", "", "part of the first species", 0.5, 0.0, 1.0, scale=0.1))
    if shared:
        amplitudes = [Quantity("amplitude", "", "signal at zero frequency")]
    else:
        amplitudes = [
            Quantity(component_name("amplitude", i, components), "", "signal at zero frequency")
            for i in range(components)
        ]
    if offset:
        amplitudes.append(Quantity("offset", "", "constant background"))

    def basis(at: Any, theta: Mapping[str, Any]) -> Sequence[Any]:
        xp = namespace(at, *theta.values())
        if shared:
            share = theta["share_1"]
            columns = [inertia_magnitude(at, [theta[name] for name in times], [share, 1.0 - share])]
        elif detection == "magnitude":
            columns = [inertia_magnitude(at, [theta[times[0]]], [1.0])]
        else:
            columns = [inertia_phase_channels(at, theta[name])[0] for name in times]
        return [*columns, xp.ones_like(at)] if offset else columns

    def guess(at: Any, signal: Float) -> list[Mapping[str, float]]:
        at = np.asarray(at, float)
        grid = np.geomspace(0.2 * shortest, 5.0 * longest, 25 if components == 1 else 14)
        if detection == "in phase" and components > 1:
            found = greedy_start(
                lambda f, theta: [inertia_phase_channels(f, theta["time"])[0]], np.ones((at.size, int(offset))), at,
                signal, lambda _: [{"time": float(t)} for t in grid], components,
            )  # fmt: skip
            ordered = sorted((theta["time"] for theta in found), reverse=True)
            spread = [t * 1.5 ** (1 - i) for i, t in enumerate(ordered)]
            return [dict(zip(times, ordered, strict=True)), dict(zip(times, spread, strict=True))]
        candidates: list[dict[str, float]]
        if shared:
            candidates = [
                {times[0]: float(a), times[1]: float(b), "share_1": share}
                for i, b in enumerate(grid)
                for a in grid[i + 1 :]
                for share in (0.2, 0.5, 0.8)
            ]
        else:
            candidates = [{times[0]: float(t)} for t in grid]
        return best_starts(basis, at, signal, candidates, keep=3)

    return SeparableModel(
        name=f"spin inertia of {components} species",
        parameters=tuple(parameters),
        amplitudes=tuple(amplitudes),
        basis=basis,
        x=(FREQUENCY,),
        y=SIGNAL,
        guess=guess,
    )


def extrapolate_power(
    power: Any,
    rate_per_ps: Any,
    *,
    sigma_rate_per_ps: Any = None,
    power_unit: str = "mW",
    component: int = 1,
    **options: Unpack[FitOptions],
) -> SpinFit:
    r"""Spin relaxation rate at zero pump power, :math:`1/T(P)=1/T_1+cP`.

    Parameters
    ----------
    power
        Pump powers, (n,), in `power_unit`.
    rate_per_ps
        Rates (1/ps), (n,); or the fits themselves (results of `fit_spin_inertia`), which bring their uncertainties.
    sigma_rate_per_ps
        Standard uncertainties of the rates (1/ps); estimated from the scatter by default.
    power_unit
        For tables and axes.
    component
        Which species of the fits, from 1.
    **options
        Of `perospin.fitting.fit_model`: params, intervals, level, seed, robust, sources.

    Returns
    -------
    SpinFit
        `t1_ps`, `rate_at_zero_per_ps`, `slope`. If the rate at zero power is not above zero, T1 has a lower bound.

    Raises
    ------
    FitError
        If the data can't be fitted.
    DataError
        If a rate isn't positive.

    Notes
    -----
    All-optical: c is the generation rate per power over the number of resident carriers, G/n_0. DERIVED.
    """
    fits = as_fits(rate_per_ps)
    if fits is not None:
        times, errors = from_fits(fits, "t1_ps", component)
        rate_per_ps, sigma_rate_per_ps = 1.0 / times, errors / times**2
    trace = check_trace(power, {"rate_per_ps": rate_per_ps}, sigma=sigma_rate_per_ps, x_name="power", least=2)
    if (trace["rate_per_ps"] <= 0).any():
        raise DataError("rates must be positive: give 1/T (1/ps), not T")
    unit = f"1/(ps {power_unit})"
    model = SeparableModel(
        name="rate against power",
        amplitudes=(
            Quantity("rate_at_zero_per_ps", "1/ps", "rate at zero power"),
            Quantity("slope", unit, "rise of the rate with power"),
        ),
        basis=lambda p, _: [namespace(p).ones_like(p), p],
        x=(Quantity("power", power_unit, "pump power"),),
        y=Quantity("rate_per_ps", "1/ps", "relaxation rate"),
    )
    fit = fit_points(
        model, trace.x, trace["rate_per_ps"], trace.sigma, enlarge=fits is not None, warnings=trace.warnings,
        analysis="extrapolation to zero pump power", **options,
    )  # fmt: skip
    return _t1_at_zero(fit)


def _t1_at_zero(fit: SpinFit) -> SpinFit:
    """Add T1 = 1/rate at zero power; a lower bound where the rate isn't told from zero."""
    rate = fit["rate_at_zero_per_ps"]
    record = {"property": "T1", "note": "rate extrapolated to zero pump power"}
    if rate.value > 2.0 * rate.uncertainty:
        fit = fit.derive("t1_ps", lambda v: over(1.0, v["rate_at_zero_per_ps"]), "ps", "T1 at zero power", first=True)
    else:
        reach = quantile(0.9, fit.statistics["degrees_of_freedom"], "sigma" in fit.data)  # 95 % one-sided
        bound = 1.0 / (max(rate.value, 0.0) + reach * rate.uncertainty)
        row = {
            "name": "t1_ps", "value": bound, "uncertainty": np.nan, "low": bound, "high": np.inf, "unit": "ps",
            "status": "lower bound", "description": "T1 at zero power",
        }  # fmt: skip
        fit = replace(fit, table=pd.concat([pd.DataFrame([row]), fit.table], ignore_index=True)).with_warnings(
            "the rate at zero power is not told from zero: T1 has only a lower bound (95 %); measure at lower powers"
        )
    return recording(fit, {"t1_ps": record}, drawing="inertia power")
