r"""Longitudinal relaxation time against field and against temperature.

.. math:: \frac1{T_1}=\frac1{\tau_s}+\frac{1-\langle n_z^2\rangle}{\tau_c}
   \;\to\;\frac1{\tau_s}+\Big(\frac{\Delta_N}B\Big)^2\frac1{\tau_c}\quad(B\ge3\Delta_N),\qquad
   \frac1{T_1}=\frac1{T_{1,0}}+\gamma_ae^{-E_a/k_BT}

With Delta_N the law of a jumping nuclear field is fitted, which holds at every field (`nuclear_fluctuation_rate`,
DERIVED); without it the limit of high fields. READ: Eqs. 4 and 5 of arXiv 2603.03038. T1 spans decades, its error is
usually a share of it: the logarithm is fitted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from perospin.errors import DataError, FitError
from perospin.fitting.arrays import Float, namespace
from perospin.fitting.checks import Trace, check_trace
from perospin.fitting.model import Parameter, Quantity, SeparableModel
from perospin.fitting.single import fit_model
from perospin.measurements.options import FitOptions, as_fits, fit_points, from_fits, recording
from perospin.mechanisms import nuclear_transverse_share
from perospin.spectra.signals.signals import RADIANS_PER_PS_TESLA
from perospin.units import BOLTZMANN_EV_K

if TYPE_CHECKING:
    from perospin.fitting.result import Fit
    from perospin.measurements.result import SpinFit

__all__ = ["fit_t1_field", "fit_t1_temperature"]

LOG_T1 = Quantity("log_t1", "", "ln (T1 / ps)")


def fit_t1_field(
    field_t: Any,
    t1_ps: Any,
    *,
    nuclear_field_t: float | None = None,
    g_factor: float | None = None,
    sigma_t1_ps: Any = None,
    component: int = 1,
    **options: Unpack[FitOptions],
) -> SpinFit:
    r"""Fit T1 against field: nuclear fluctuations at low, a constant at high fields.

    Parameters
    ----------
    field_t
        Fields (T), either sign; not zero unless Delta_N is given; (n,).
    t1_ps
        T1 (ps), (n,); or fits that hold `t1_ps` (of `fit_spin_inertia` or `extrapolate_power`), which bring their
        uncertainties.
    nuclear_field_t
        Delta_N (T), for instance from `fit_resonance_width`. Without it the law of high fields is fitted, which holds
        for B >= 3 Delta_N and tells only the ratio Delta_N^2/tau_c.
    g_factor
        g, to check the law's other condition, :math:`\omega_L\tau_c>1`.
    sigma_t1_ps
        Standard uncertainties of T1 (ps); by default a common relative one, from the scatter.
    component
        Which species of the fits, from 1.
    **options
        Of `perospin.fitting.fit_model`: params, intervals, level, seed, robust, sources.

    Returns
    -------
    SpinFit
        `spin_lifetime_ps` (tau_s), `crossover_field_t` (where nuclei and the rest relax equally fast), and with
        Delta_N `correlation_time_ps` (tau_c). The crossover is 0 if nuclei are slower than the rest at every field.

    Raises
    ------
    FitError
        If the data can't be fitted.
    DataError
        If a field is zero without Delta_N, or a time isn't positive.
    """
    fits = as_fits(t1_ps)
    if fits is not None:
        t1_ps, sigma_t1_ps = from_fits(fits, "t1_ps", component)
    if nuclear_field_t is not None and not nuclear_field_t > 0:
        raise DataError(f"nuclear_field_t must be positive, got {nuclear_field_t:g}")
    trace = _positive_times(np.abs(np.asarray(field_t, float)), t1_ps, sigma_t1_ps, "field_t")
    if trace.x[0] == 0.0 and nuclear_field_t is None:
        raise DataError(
            "field_t holds a zero: give Delta_N (nuclear_field_t) or leave the point out; without Delta_N the law of "
            "high fields is fitted"
        )
    told = list(trace.warnings)
    field, time = trace.x, trace["t1_ps"]
    fastest, slowest = float(time.min()), float(time.max())
    lifetime = Parameter(
        "spin_lifetime_ps", "ps", "spin lifetime without nuclei, tau_s", slowest, 0.05 * fastest, 1e3 * slowest,
        positive=True,
    )  # fmt: skip
    # with Delta_N the second parameter is tau_c; without, the field at which the two rates are equal
    if nuclear_field_t is None:
        second = Parameter(
            "crossover_field_t", "T", "field where nuclei relax as fast as the rest", float(np.median(field)),
            1e-3 * field[0], 1e3 * field[-1], positive=True,
        )  # fmt: skip
    else:
        shape = nuclear_transverse_share(field / nuclear_field_t) * time
        second = Parameter(
            "correlation_time_ps", "ps", "correlation time of the nuclear field, tau_c", float(np.median(shape)),
            1e-3 * float(shape.min()), 1e4 * float(shape.max()), positive=True,
        )  # fmt: skip

    def log_time(at: Any, theta: Mapping[str, Any]) -> Any:
        xp = namespace(at, *theta.values())
        rate = 1.0 / theta["spin_lifetime_ps"]
        if nuclear_field_t is None:
            return -xp.log(rate * (1.0 + (theta["crossover_field_t"] / at) ** 2))
        return -xp.log(rate + nuclear_transverse_share(at / nuclear_field_t) / theta["correlation_time_ps"])

    def guess(at: Any, log_t1: Float) -> list[dict[str, float]]:
        nuclei = (
            nuclear_transverse_share(np.asarray(at) / nuclear_field_t) if nuclear_field_t else np.asarray(at) ** -2.0
        )
        rate = np.exp(-log_t1)
        # relative errors are alike: divide the linear law by the rate
        columns = np.column_stack([1.0 / rate, nuclei / rate])
        plateau, slope = np.linalg.lstsq(columns, np.ones_like(rate), rcond=None)[0]
        plateau, slope = max(plateau, 0.05 / slowest), max(slope, 1e-6 / fastest)
        if nuclear_field_t is None:
            return [{"spin_lifetime_ps": 1.0 / plateau, "crossover_field_t": float(np.sqrt(slope / plateau))}]
        return [{"spin_lifetime_ps": 1.0 / plateau, "correlation_time_ps": 1.0 / slope}]

    model = SeparableModel(
        name="T1 against field",
        parameters=(lifetime, second),
        base=log_time,
        x=(Quantity("field_t", "T", "magnetic field"),),
        y=LOG_T1,
        guess=guess,
    )
    conventions = {"T1": "1/e time of the polarisation"}
    if nuclear_field_t is None:
        conventions["law"] = "that of high fields, for B >= 3 Delta_N"
    else:
        conventions["nuclear field"] = f"Delta_N = {nuclear_field_t:g} T, given; distributed as exp(-B_N^2/Delta_N^2)"
    fit = fit_points(
        model, field, np.log(time), _relative(trace), enlarge=fits is not None, warnings=told,
        analysis="T1 against field", conventions=conventions, **options,
    )  # fmt: skip
    fit = fit.with_warnings(*_levelling(model, fit, field, np.log(time), _relative(trace), nuclear_field_t))
    if nuclear_field_t is not None:
        fit = fit.derive(
            "crossover_field_t",
            lambda v: _crossover_field(nuclear_field_t, v["correlation_time_ps"] / v["spin_lifetime_ps"]),
            "T",
            "field where nuclei relax as fast as the rest",
        )
        if g_factor is not None:
            # at low fields they turn about the nuclear field, whose rms is Delta_N sqrt(3/2)
            total = float(np.hypot(field[0], np.sqrt(1.5) * nuclear_field_t))
            turns = RADIANS_PER_PS_TESLA * abs(g_factor) * total * fit["correlation_time_ps"].value
            if turns < 1.0:
                fit = fit.with_warnings(
                    f"the spins turn by only {turns:.2g} rad within the correlation time at {field[0]:.3g} T: the law "
                    "holds where that is above 1"
                )
    record = {"property": "T1", "note": "high-field limit tau_s of T1 against field"}
    fit = recording(fit, {"spin_lifetime_ps": record}, drawing="t1 field")
    return fit.with_settings(nuclear_field_t=nuclear_field_t)


def _crossover_field(nuclear_field_t: float, time_ratio: float) -> float:
    """Field (T) at which nuclei relax as fast as the rest, tau_c/tau_s given; 0 if they are slower everywhere."""
    if not 0.0 < time_ratio < 2.0 / 3.0:
        return 0.0
    low, high = 0.0, 1.0 / float(np.sqrt(time_ratio))  # the exact share lies below 1/x^2
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if float(nuclear_transverse_share(middle)) > time_ratio else (low, middle)
    return nuclear_field_t * high


def _levelling(
    model: SeparableModel, fit: SpinFit, field: Float, log_t1: Float, sigma: Float | None, nuclear_field_t: float | None
) -> list[str]:
    """Tell if T1 levels off towards low fields, where the nuclear field is no longer small beside the applied one.

    There the spins precess about both, B^2 becomes B^2 + B_low^2: a third parameter, which must be worth its price
    (AICc). Only the points' scatter counts: given uncertainties may leave out what differs from point to point.
    """
    law = model.base
    if field.size < 6 or law is None or field[0] == 0.0:
        return []
    low = Parameter(
        "levelling_field_t", "T", "field below which T1 is level", float(np.median(field)), 0.1 * float(field[0]),
        float(field[-1]), positive=True,
    )  # fmt: skip

    def log_time(at: Any, theta: Mapping[str, Any]) -> Any:
        xp = namespace(at, *theta.values())
        return law(xp.sqrt(at**2 + theta["levelling_field_t"] ** 2), theta)

    found = {name: fit.settings["best_values"][name] for name in model.names}
    starts = [{**found, "levelling_field_t": scale * float(field[0])} for scale in (1.0, 3.0)]
    wider = replace(model, parameters=(*model.parameters, low), base=log_time, guess=lambda at, y: starts)
    try:
        plain: Fit = fit_model(model, field, log_t1, sigma=sigma, absolute_sigma=False)
        level: Fit = fit_model(wider, field, log_t1, sigma=sigma, absolute_sigma=False)
    except FitError:
        return []
    end = level["levelling_field_t"]
    if end.status != "fitted" or plain.statistics["aicc"] - level.statistics["aicc"] < 6.0:
        return []
    count = max(int((field <= end.value).sum()), 1)
    remedy = "give Delta_N (nuclear_field_t, --nuclear-field-mt)" if nuclear_field_t is None else "check Delta_N"
    return [
        f"T1 levels off at low fields, below about {end.value:.2g} T, more than the law has it ({count} of "
        f"{field.size} points): they bend the fit; {remedy}, or leave them out"
    ]


def fit_t1_temperature(
    temperature_k: Any,
    t1_ps: Any,
    *,
    sigma_t1_ps: Any = None,
    component: int = 1,
    field_t: float | None = None,
    **options: Unpack[FitOptions],
) -> SpinFit:
    r"""Fit T1 against temperature: thermal activation above a constant.

    Parameters
    ----------
    temperature_k
        Temperatures (K), (n,).
    t1_ps
        T1 (ps), (n,); or fits that hold `t1_ps`, which bring their uncertainties.
    sigma_t1_ps
        Standard uncertainties of T1 (ps); by default a common relative one, from the scatter.
    component
        Which species of the fits, from 1.
    field_t
        Magnetic field (T), for the record.
    **options
        Of `perospin.fitting.fit_model`: params, intervals, level, seed, robust, sources.

    Returns
    -------
    SpinFit
        `activation_energy_mev` (E_a), `activation_rate_per_ps` (gamma_a), `spin_lifetime_ps` (T1 at zero temperature).

    Raises
    ------
    FitError
        If the data can't be fitted.
    DataError
        If a temperature or a time isn't positive.
    """
    fits = as_fits(t1_ps)
    if fits is not None:
        t1_ps, sigma_t1_ps = from_fits(fits, "t1_ps", component)
    trace = _positive_times(temperature_k, t1_ps, sigma_t1_ps, "temperature_k", least=4)
    temperature, time = trace.x, trace["t1_ps"]
    if temperature[0] <= 0:
        raise DataError(f"temperature_k must be above 0 K, got {temperature[0]:g}: are these degrees Celsius?")
    k_mev = 1e3 * BOLTZMANN_EV_K
    fastest, slowest = float(time.min()), float(time.max())
    span = 1.0 / temperature[0] - 1.0 / temperature[-1]
    parameters = (
        Parameter(
            "activation_energy_mev", "meV", "activation energy E_a", k_mev * float(np.median(temperature)),
            0.02 * k_mev / span, 60.0 * k_mev / span, positive=True,
        ),
        Parameter(
            "activation_rate_per_ps", "1/ps", "activation rate gamma_a", 10.0 / fastest, 1e-4 / slowest, 1e24 / fastest,
            positive=True,
        ),
        Parameter(
            "spin_lifetime_ps", "ps", "T1 at zero temperature", slowest, 0.05 * fastest, 1e3 * slowest, positive=True
        ),
    )  # fmt: skip

    def log_time(at: Any, theta: Mapping[str, Any]) -> Any:
        xp = namespace(at, *theta.values())
        thermal = theta["activation_rate_per_ps"] * xp.exp(-theta["activation_energy_mev"] / (k_mev * at))
        return -xp.log(1.0 / theta["spin_lifetime_ps"] + thermal)

    def guess(at: Any, log_t1: Float) -> list[dict[str, float]]:
        rate = np.exp(-log_t1)
        starts = []
        for energy in np.geomspace(2.0 * parameters[0].low, 0.5 * parameters[0].high, 25):
            thermal = np.exp(-energy / k_mev * (1.0 / np.asarray(at) - 1.0 / temperature[-1]))
            columns = np.column_stack([1.0 / rate, thermal / rate])
            floor, slope = np.linalg.lstsq(columns, np.ones_like(rate), rcond=None)[0]
            floor, slope = max(floor, 0.05 / slowest), max(slope, 1e-3 / slowest)
            misfit = float(np.sum(np.log((floor + slope * thermal) / rate) ** 2))
            prefactor = slope * np.exp(min(energy / (k_mev * temperature[-1]), 60.0))
            starts.append((misfit, energy, floor, prefactor))
        return [
            {"activation_energy_mev": e, "activation_rate_per_ps": p, "spin_lifetime_ps": 1.0 / f}
            for _, e, f, p in sorted(starts)[:3]
        ]

    model = SeparableModel(
        name="T1 against temperature",
        parameters=parameters,
        base=log_time,
        x=(Quantity("temperature_k", "K", "temperature"),),
        y=LOG_T1,
        guess=guess,
    )
    fit = fit_points(
        model, temperature, np.log(time), _relative(trace), enlarge=fits is not None, warnings=trace.warnings,
        analysis="T1 against temperature", conventions={"T1": "1/e time of the polarisation"}, **options,
    )  # fmt: skip
    at = {} if field_t is None else {"conditions": {"field_t": float(field_t)}}
    records: dict[str, dict[str, Any]] = {
        "spin_lifetime_ps": {"property": "T1", "note": "limit of zero temperature of an activation law", **at},
        "activation_energy_mev": {"property": "relaxation_activation_energy", "unit": "meV", **at},
    }
    fit = recording(fit, records, drawing="t1 temperature")
    return fit.with_settings(main="activation_energy_mev", field_t=field_t)


def _positive_times(x: Any, t1_ps: Any, sigma: Any, name: str, least: int = 3) -> Trace:
    trace = check_trace(x, {"t1_ps": t1_ps}, sigma=sigma, x_name=name, least=least)
    if (trace["t1_ps"] <= 0).any():
        raise DataError("t1_ps must be positive: relaxation times (ps), not rates or logarithms")
    return trace


def _relative(trace: Trace) -> Float | None:
    """Uncertainty of ln T1."""
    return None if trace.sigma is None else trace.sigma / trace["t1_ps"]
