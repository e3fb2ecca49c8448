"""Fits against voltage or frequency: mobility-lifetime product, traps and mobility from dark curves, permittivity."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Unpack

import numpy as np
from scipy.special import ndtri

from perospin.detectors.charge import hecht
from perospin.errors import FitError
from perospin.fitting import Parameter, Quantity, SeparableModel, fit_model
from perospin.fitting.arrays import Float, real
from perospin.fitting.checks import check_trace
from perospin.measurements.options import FitOptions, recording
from perospin.measurements.result import SpinFit
from perospin.units import ELEMENTARY_CHARGE_C, VACUUM_PERMITTIVITY_F_M

__all__ = ["fit_capacitance", "fit_hecht", "fit_sclc", "mott_gurney", "trap_density"]

_EPS_0_F_CM = VACUUM_PERMITTIVITY_F_M / 100.0
#: Slopes of log J against log V: how far the ohmic and the Child region may be from 1 and 2, least of the trap region.
_OHMIC_OFF, _CHILD_OFF, _TRAP_LEAST = 0.2, 0.3, 2.5


def trap_density(filled_limit_v: float, gap_cm: float, permittivity: float) -> float:
    """Density of traps (1/cm3) from the trap-filled-limit voltage.

    Examples
    --------
    >>> f"{trap_density(47.28860, 0.07, 6.0):.4g}"
    '6.4e+10'
    """
    return 2.0 * permittivity * _EPS_0_F_CM * filled_limit_v / (ELEMENTARY_CHARGE_C * gap_cm**2)


def mott_gurney(voltage_v: Any, mobility_cm2_vs: float, gap_cm: float, permittivity: float) -> Any:
    """Space-charge-limited current density (A/cm2) without traps.

    Examples
    --------
    >>> round(float(1e9 * mott_gurney(100.0, 9.76e-2, 0.07, 6.0)), 3)
    1700.624
    """
    return 9.0 / 8.0 * permittivity * _EPS_0_F_CM * mobility_cm2_vs * np.asarray(voltage_v)[()] ** 2 / gap_cm**3


def checked_size(**sizes: float) -> None:
    """Refuse sizes of a device that are not positive numbers."""
    for name, value in sizes.items():
        if not (math.isfinite(value) and value > 0):
            raise FitError(f"{name} is {value:g}; it must be a positive number")


def fit_hecht(
    voltage_v: Any,
    current_a: Any,
    *,
    gap_mm: float,
    surface: bool = False,
    sigma: Any = None,
    **options: Unpack[FitOptions],
) -> SpinFit:
    """Fit the mobility-lifetime product to photocurrent against voltage.

    Parameters
    ----------
    voltage_v, current_a
        Voltages and photocurrents (the dark current subtracted), shape (n,); magnitudes are used.
    gap_mm
        Distance of the electrodes; of coplanar contacts the lateral gap.
    surface
        Fit surface recombination s/mu as well.
    sigma
        Standard uncertainty of the current.
    **options
        Of `perospin.fitting.fit_model`.

    Returns
    -------
    SpinFit
        ``mu_tau_cm2_v``, ``saturation_current_a``, with `surface` ``surface_over_mobility_v_cm``.
    """
    return hecht_fit(voltage_v, current_a, gap_mm=gap_mm, surface=surface, sigma=sigma, of=CURRENT, **options)


CURRENT = (
    Quantity("current_a", "A", "photocurrent"),
    Quantity("saturation_current_a", "A", "photocurrent, all collected"),
)
SENSITIVITY_AT_BIAS = (
    Quantity("sensitivity_uc_gy_cm2", "uC/(Gy*cm^2)", "sensitivity"),
    Quantity("saturation_sensitivity_uc_gy_cm2", "uC/(Gy*cm^2)", "sensitivity, all charge collected"),
)
"""What Hecht's equation is fitted to, and its value when all charge is collected."""


def hecht_fit(
    voltage_v: Any,
    collected: Any,
    *,
    gap_mm: float,
    of: tuple[Quantity, Quantity],
    surface: bool = False,
    sigma: Any = None,
    **options: Unpack[FitOptions],
) -> SpinFit:
    """Fit Hecht's equation to anything that grows with the collected charge; see `fit_hecht`."""
    checked_size(gap_mm=gap_mm)
    gap = gap_mm / 10.0
    size = np.abs(real(voltage_v, "voltage_v"))
    keep = ~(size == 0)
    spread = np.broadcast_to(real(sigma, "sigma"), size.shape)[keep] if sigma is not None else None
    trace = check_trace(size[keep], {"collected": np.abs(real(collected, of[0].name))[keep]}, sigma=spread,
                        x_name="voltage_v", least=4)  # fmt: skip
    middle = gap**2 / float(np.median(trace.x))
    parameters = [Parameter("mu_tau_cm2_v", "cm^2/V", "mobility-lifetime product", middle, 1e-5 * middle, 1e5 * middle,
                            positive=True)]  # fmt: skip
    if surface:
        field = float(np.median(trace.x)) / gap
        parameters.append(Parameter("surface_over_mobility_v_cm", "V/cm", "surface recombination over mobility",
                                    0.1 * field, 0.0, 1e3 * field, scale=0.1 * field))  # fmt: skip
    model = SeparableModel(
        "Hecht's equation", tuple(parameters), (of[1],),
        lambda x, p: [hecht(x, p["mu_tau_cm2_v"], gap, p.get("surface_over_mobility_v_cm", 0.0))],
        x=(Quantity("voltage_v", "V", "voltage"),), y=of[0],
    )  # fmt: skip
    fit = fit_model(model, trace.x, trace["collected"], sigma=trace.sigma, analysis="hecht", result=SpinFit,
                    warnings=trace.warnings, conventions={"gap": f"{gap_mm:g} mm between the electrodes"},
                    **options)  # fmt: skip
    notes = []
    reached = float(hecht(trace.x[-1], fit["mu_tau_cm2_v"].value, gap))
    if reached < 0.5:
        notes.append(
            f"at the highest voltage only {100 * reached:.0f} % of the charge is collected: the curve hardly bends, "
            "so mu-tau and the saturated current can't be told apart well; go to higher voltage"
        )
    if float(hecht(trace.x[0], fit["mu_tau_cm2_v"].value, gap)) > 0.9:
        notes.append(
            f"the {of[0].description} is saturated at all voltages: mu-tau is a lower bound at best; go to lower "
            "voltage"
        )
    late = trace["collected"][-max(2, len(trace) // 5) :]
    if late.mean() > 1.2 * fit[of[1].name].value:
        notes.append(
            f"the {of[0].description} exceeds the fitted saturation: gain or dark current is in it, which Hecht lacks"
        )
    return recording(
        fit.with_warnings(*notes),
        {"mu_tau_cm2_v": {"property": "mu_tau", "unit": "cm^2/V", "note": "Hecht, one carrier"}},
    )


def fit_capacitance(
    frequency_hz: Any,
    capacitance_f: Any,
    *,
    gap_mm: float,
    area_mm2: float,
    sigma: Any = None,
    **options: Unpack[FitOptions],
) -> SpinFit:
    """Fit the relative permittivity to the capacitance of a plate capacitor.

    Parameters
    ----------
    frequency_hz, capacitance_f
        Shape (n,).
    gap_mm, area_mm2
        Of the plates. Stray fields at the edges count as sample: they matter where the gap is no smaller than the
        width.
    sigma
        Standard uncertainty of the capacitance.
    **options
        Of `perospin.fitting.fit_model`.
    """
    checked_size(gap_mm=gap_mm, area_mm2=area_mm2)
    trace = check_trace(frequency_hz, {"capacitance": capacitance_f}, sigma=sigma, x_name="frequency_hz", least=3,
                        check_constant=False)  # fmt: skip
    empty = _EPS_0_F_CM * (area_mm2 / 100.0) / (gap_mm / 10.0)
    model = SeparableModel(
        "permittivity of a plate capacitor", (), (Quantity("permittivity", "", "relative permittivity"),),
        lambda x, p: [np.full(len(x), empty)],
        x=(Quantity("frequency_hz", "Hz", "frequency"),), y=Quantity("capacitance_f", "F", "capacitance"),
    )  # fmt: skip
    fit = fit_model(model, trace.x, trace["capacitance"], sigma=trace.sigma, analysis="capacitance", result=SpinFit,
                    warnings=trace.warnings, **options)  # fmt: skip
    notes = []
    third = max(1, len(trace) // 3)
    low, high = (float(np.median(part)) for part in (trace["capacitance"][:third], trace["capacitance"][-third:]))
    # medians of a third scatter by about 1.25 sigma / sqrt(n / 3) each
    unsure = 3 * 1.25 * float(np.hypot(1, 1)) * fit.statistics["noise"] / math.sqrt(third)
    if abs(low - high) > max(0.05 * high, unsure):
        notes.append(
            f"the capacitance changes by {100 * abs(low / high - 1):.0f} % from low to high frequency: ions or "
            "contacts add to it, and the mean is no permittivity; keep the plateau at high frequency"
        )
    if not 1 <= fit["permittivity"].value < 200:
        notes.append(f"a permittivity of {fit['permittivity'].value:.3g} is unlikely: check gap, area and unit")
    if gap_mm > math.sqrt(area_mm2):
        notes.append("the gap is wider than the electrodes: stray fields make the permittivity too large")
    return recording(
        fit.with_warnings(*notes),
        {"permittivity": {"property": "dielectric_constant_static", "unit": "1", "note": "from capacitance"}},
    )


def _hinges(bare: Float, b1: float, b2: float) -> tuple[Float, Float]:
    return np.maximum(bare - b1, 0.0), np.maximum(bare - b2, 0.0)


def _breaks(x: Float) -> tuple[tuple[Parameter, Parameter], Any]:
    low, high = float(x[1]), float(x[-2])
    span = high - low
    parameters = (
        Parameter("log_filled_limit", "", "log10 of the trap-filled-limit voltage / V", low + span / 3, low, high),
        Parameter("log_rise", "", "decades of voltage of the trap region", span / 3, 0.005 * span, span),
    )

    def guess(at: Any, y: Float) -> list[Mapping[str, float]]:
        # the best few of a coarse grid: the cost has a valley for every pair of points
        tried = []
        for one in np.linspace(low + 0.05 * span, high - 0.1 * span, 12):
            for two in np.linspace(one + 0.03 * span, high - 0.02 * span, 10):
                basis = np.stack([np.ones_like(x), x, *_hinges(x, one, two)], axis=1)
                rest = y - basis @ np.linalg.lstsq(basis, y, rcond=None)[0]
                tried.append((float(rest @ rest), {"log_filled_limit": float(one), "log_rise": float(two - one)}))
        return [start for _, start in sorted(tried, key=lambda pair: pair[0])[:3]]

    return parameters, guess


def fit_sclc(
    voltage_v: Any,
    current_a: Any,
    *,
    gap_mm: float,
    area_mm2: float,
    permittivity: float,
    permittivity_uncertainty: float = 0.0,
    **options: Unpack[FitOptions],
) -> SpinFit:
    """Fit resistivity, traps and mobility to a dark current-voltage curve (space-charge-limited current).

    Three straight pieces of log J against log V: ohmic (slope 1), trap filling (steep), Child (slope 2).

    Parameters
    ----------
    voltage_v, current_a
        Shape (n,), in the order of measurement: a sweep back is compared with the sweep up. Magnitudes are used.
    gap_mm, area_mm2, permittivity
        Of the device.
    permittivity_uncertainty
        Standard uncertainty; it widens the trap density (proportional to it) and the mobility (inverse to it).
    **options
        Of `perospin.fitting.fit_model`.

    Returns
    -------
    SpinFit
        ``trap_density_cm3``, ``filled_limit_v``, ``mobility_cm2_vs``, ``resistivity_ohm_cm``; undetermined where the
        slopes, fitted freely, deny the region.
    """
    checked_size(gap_mm=gap_mm, area_mm2=area_mm2, permittivity=permittivity)
    if not 0 <= permittivity_uncertainty < permittivity:
        raise FitError(
            f"the uncertainty {permittivity_uncertainty:g} of the permittivity {permittivity:g} must be at least 0 and "
            "below it"
        )
    gap = gap_mm / 10.0
    voltage = np.abs(real(voltage_v, "voltage_v"))
    density = np.abs(real(current_a, "current_a")) / (area_mm2 / 100.0)
    if voltage.ndim != 1 or voltage.shape != density.shape:
        raise FitError(f"voltage has the shape {voltage.shape}, current {density.shape}: they must be equal columns")
    keep = np.isfinite(voltage) & np.isfinite(density) & (voltage > 0) & (density > 0)
    if np.count_nonzero(keep) < 12:
        raise FitError(f"three regions need 12 points with voltage and current, and there are {np.count_nonzero(keep)}")
    log_v, log_j = np.log10(voltage[keep]), np.log10(density[keep])
    notes = _hysteresis(log_v, log_j)
    order = np.argsort(log_v, kind="stable")
    x, y = log_v[order], log_j[order]
    if x[-2] - x[1] < 0.3:
        raise FitError("the voltages span less than a factor of 2: three regions can't be seen in so short a range")
    slopes = _free_slopes(x, y)
    parameters, guess = _breaks(x)

    def pieces(at: Float, p: Mapping[str, Any]) -> tuple[Float, Float]:
        return _hinges(at, p["log_filled_limit"], p["log_filled_limit"] + p["log_rise"])

    model = SeparableModel(
        "space-charge-limited current", parameters,
        (Quantity("log_ohmic", "", "log10 of J/V, ohmic"), Quantity("trap_slope", "", "slope of the trap region")),
        lambda at, p: [np.ones(len(at)), pieces(at, p)[0] - pieces(at, p)[1]],
        x=(Quantity("log_voltage", "", "log10 voltage / V"),),
        y=Quantity("log_current_density", "", "log10 J / (A/cm2)"),
        base=lambda at, p: at - pieces(at, p)[0] + 2 * pieces(at, p)[1], guess=guess,
    )  # fmt: skip
    fit = fit_model(
        model, x, y, analysis="sclc", result=SpinFit, **options,
        conventions={"filled_limit_v": "where the ohmic region ends", "regions": "slopes 1, free, 2 of log J, log V"},
    )  # fmt: skip

    def child(v: Mapping[str, float]) -> float:
        b1, b2 = v["log_filled_limit"], v["log_filled_limit"] + v["log_rise"]
        per_v2 = 10 ** (v["log_ohmic"] - (v["trap_slope"] - 1) * b1 - (2 - v["trap_slope"]) * b2)
        return float(per_v2 / mott_gurney(1.0, 1.0, gap, permittivity))

    fit = fit.derive("resistivity_ohm_cm", lambda v: 10 ** -v["log_ohmic"] / gap, "ohm*cm", "resistivity", first=True)
    fit = fit.derive("mobility_cm2_vs", child, "cm^2/(V*s)", "mobility (Mott-Gurney)", first=True)
    fit = fit.derive(
        "filled_limit_v", lambda v: 10 ** v["log_filled_limit"], "V", "trap-filled-limit voltage", first=True
    )
    fit = fit.derive("trap_density_cm3", lambda v: trap_density(10 ** v["log_filled_limit"], gap, permittivity),
                     "1/cm^3", "density of traps", first=True)  # fmt: skip
    fit = _widened(fit, ("trap_density_cm3", "mobility_cm2_vs"), permittivity_uncertainty / permittivity)
    ohmic, trap, last = slopes
    denied: list[str] = []
    if trap < _TRAP_LEAST:
        denied += ["trap_density_cm3", "filled_limit_v", "mobility_cm2_vs"]
        notes.append(
            f"no trap-filled limit: the steepest region has a slope of {trap:.2f} (log J against log V), but filling "
            f"traps gives more than {_TRAP_LEAST:g}; this curve is ohmic or diffusive"
        )
    elif abs(last - 2) > _CHILD_OFF:
        denied.append("mobility_cm2_vs")
        notes.append(f"no Child region: the last slope is {last:.2f}, not 2, so Mott-Gurney's mobility is not given")
    if abs(ohmic - 1) > _OHMIC_OFF:
        denied.append("resistivity_ohm_cm")
        notes.append(f"no ohmic region: the first slope is {ohmic:.2f}, not 1, so no resistivity is given")
    table = fit.table.copy()
    rows = table["name"].isin(denied)
    table.loc[rows, ["value", "uncertainty", "low", "high"]] = np.nan
    table.loc[rows, "status"] = "undetermined"
    return recording(
        replace(fit, table=table).with_warnings(*notes),
        {
            "trap_density_cm3": {"property": "trap_density", "unit": "1/cm^3", "note": "trap-filled limit"},
            "mobility_cm2_vs": {"property": "mobility", "unit": "cm^2/(V*s)", "note": "Mott-Gurney"},
            "resistivity_ohm_cm": {"property": "resistivity", "unit": "ohm*cm", "note": "ohmic region of dark I-V"},
        },
        slopes=[float(s) for s in slopes],
    )


def _widened(fit: SpinFit, names: Sequence[str], relative: float) -> SpinFit:
    """Add a relative standard uncertainty, independent of the fit's own, to quantities and their intervals."""
    if relative == 0:
        return fit
    reach = float(ndtri(0.5 + 0.5 * fit.level)) * relative
    table = fit.table.copy()
    for name in names:
        row = table["name"] == name
        value = float(table.loc[row, "value"].iloc[0])
        for column, extra in (("uncertainty", relative * value), ("low", reach * value), ("high", reach * value)):
            own = float(table.loc[row, column].iloc[0])
            size = math.hypot(own if column == "uncertainty" else own - value, extra)
            table.loc[row, column] = size if column == "uncertainty" else value + (-size if column == "low" else size)
    return replace(fit, table=table)


def _free_slopes(x: Float, y: Float) -> tuple[float, float, float]:
    """Slopes of the three pieces, all free."""
    parameters, guess = _breaks(x)
    best: tuple[float, Any] = (math.inf, np.zeros(4))
    for start in guess(x, y):
        one, two = start["log_filled_limit"], start["log_filled_limit"] + start["log_rise"]
        basis = np.stack([np.ones_like(x), x, *_hinges(x, one, two)], axis=1)
        at = np.linalg.lstsq(basis, y, rcond=None)[0]
        cost = float(np.sum((y - basis @ at) ** 2))
        if cost < best[0]:
            best = (cost, at)
    _, first, second, third = best[1]
    return float(first), float(first + second), float(first + second + third)


def _hysteresis(log_v: Float, log_j: Float) -> list[str]:
    """Compare the sweep back with the sweep up, if there is one."""
    top = int(np.argmax(log_v))
    up_v, up_j, back_v, back_j = log_v[: top + 1], log_j[: top + 1], log_v[top + 1 :], log_j[top + 1 :]
    if len(up_v) < 6 or len(back_v) < 6 or np.mean(np.diff(back_v) < 0) < 0.8:
        return []
    order = np.argsort(up_v)
    apart = back_j - np.interp(back_v, up_v[order], up_j[order])
    factor = 10 ** float(np.median(np.abs(apart)))
    if factor < 1.3:
        return []
    return [f"the sweeps up and back differ by a factor of {factor:.2g}: ions move or traps stay filled, so traps and "
            "mobility depend on how fast was swept"]  # fmt: skip
