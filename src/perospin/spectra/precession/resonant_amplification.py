r"""Resonant spin amplification: the signal just before a pump pulse against field, a comb of peaks.

Peaks stand where the spins turn a whole number of times between pulses, :math:`B_m=mh/(g\mu_BT_R)`: their distance
gives g, their width T2* even where it is longer than the time between pulses, and their broadening with field the
spread of g.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from perospin.errors import DataError
from perospin.fitting.arrays import Float, namespace
from perospin.fitting.checks import check_trace
from perospin.fitting.model import Parameter, Quantity, SeparableModel
from perospin.fitting.single import fit_model
from perospin.measurements.options import FitOptions, compared_with_fewer, component_name, over, recording, reordered
from perospin.spectra.signals.signals import GHZ_PER_TESLA, Convention, resonant_amplification
from perospin.spectra.signals.starts import best_starts, greedy_start

if TYPE_CHECKING:
    from perospin.measurements.result import SpinFit

__all__ = ["amplification_model", "fit_resonant_amplification"]

FIELD = Quantity("field_t", "T", "magnetic field")
SIGNAL = Quantity("signal", "", "Kerr rotation before the pump")


def fit_resonant_amplification(
    field_t: Any,
    signal: Any,
    period_ps: float,
    delay_ps: float = 0.0,
    *,
    components: int = 1,
    spread: bool = False,
    centre: bool = False,
    convention: Convention = "linear",
    sigma: Any = None,
    **options: Unpack[FitOptions],
) -> SpinFit:
    """Fit a resonant spin amplification curve.

    Parameters
    ----------
    field_t, signal
        Transverse fields (T), either sign, and rotation at the fixed delay; (n,).
    period_ps, delay_ps
        Time between pump pulses (76 MHz: 13158 ps) and delay of the probe (ps). Negative: before the next pulse.
    components, spread, centre, convention
        See `amplification_model`.
    sigma
        Standard uncertainty of the signal; estimated from the residuals by default.
    **options
        Of `perospin.fitting.fit_model`: params, intervals, level, seed, robust, sources.

    Returns
    -------
    SpinFit
        `g_factor` (size), `dephasing_time_ps`, `g_spread` if asked for, `amplitude` of one pulse, `offset`.

    Raises
    ------
    FitError
        If the data can't be fitted.
    DataError
        If an option is unknown or times don't fit together.
    """
    from perospin.measurements.result import SpinFit

    trace = check_trace(field_t, {"signal": signal}, sigma=sigma, x_name="field_t", least=4 * components + 6)
    model = amplification_model(
        period_ps, delay_ps, components=components, spread=spread, centre=centre, convention=convention
    )  # fmt: skip
    conventions = {"sign of g": "not seen in a transverse field: g is given by its size"}
    if spread:
        conventions["spread of g"] = (
            "linear: half width at half maximum of a Lorentzian distribution"
            if convention == "linear"
            else "gaussian: standard deviation of a normal distribution"
        )
    fit = fit_model(
        model, trace.x, trace["signal"], sigma=trace.sigma, warnings=trace.warnings,
        analysis="resonant spin amplification", conventions=conventions, result=SpinFit, **options,
    )  # fmt: skip
    if components > 1:
        simpler = amplification_model(
            period_ps, delay_ps, components=components - 1, spread=spread, centre=centre, convention=convention
        )
        fit = compared_with_fewer(fit, simpler, trace.x, trace["signal"], trace.sigma)
    bases = ("g_factor", "dephasing_time_ps", "amplitude", *(("g_spread",) if spread else ()))
    fit = reordered(fit, bases, components, falling=True)
    records: dict[str, Any] = {}
    peak = 1e3 / (GHZ_PER_TESLA * period_ps)
    for i in range(components):
        time, g = (component_name(base, i, components) for base in ("dephasing_time_ps", "g_factor"))
        records[time] = {"property": "T2_star", "note": "at zero field", "conditions": {"technique": "RSA"}}
        records[g] = {
            "property": "g_factor",
            "note": "size only: the sign is not measured",
            "conditions": {"technique": "RSA"},
        }
        spacing = component_name("peak_spacing_t", i, components)
        fit = fit.derive(spacing, _over(peak, g), "T", "distance of the peaks")
        if fit[spacing].value > float(np.ptp(trace.x)):
            fit = fit.with_warnings(
                f"the fields span less than one peak distance ({fit[spacing].value:.3g} T): g and dephasing time "
                "can hardly be told apart"
            )
    return recording(fit, records, period_ps=period_ps, delay_ps=delay_ps, components=components)


def _over(number: float, name: str) -> Callable[[Mapping[str, float]], float]:
    return lambda values: over(number, values[name])


def amplification_model(
    period_ps: float,
    delay_ps: float,
    *,
    components: int = 1,
    spread: bool = False,
    centre: bool = False,
    convention: Convention = "linear",
) -> SeparableModel:
    """Model of a resonant amplification curve.

    Parameters
    ----------
    period_ps, delay_ps
        Time between pump pulses; delay at which the field is swept, 0 to one period (ps). A small negative delay
        counts from the next pulse.
    components
        1 or 2 kinds of carriers.
    spread
        Whether a spread of g is fitted.
    centre
        Whether the field's zero is fitted (remanence of a magnet).
    convention
        Meaning of the spread: ``"linear"`` (Lorentzian, HWHM) or ``"gaussian"`` (standard deviation).

    Raises
    ------
    DataError
        If times don't fit together or the number of components isn't 1 or 2.
    """
    if not period_ps > 0:
        raise DataError(f"period_ps must be positive, got {period_ps:g}: 76 MHz is a period of 13158 ps")
    if not -period_ps < delay_ps <= period_ps:
        raise DataError(f"delay_ps is {delay_ps:g}; it must lie within one pulse period, {period_ps:g} ps")
    if components not in (1, 2):
        raise DataError(f"a resonant amplification curve is fitted with 1 or 2 components, got {components}")
    if convention not in ("linear", "gaussian"):
        raise DataError(f"unknown convention '{convention}': use linear or gaussian")
    delay = delay_ps % period_ps or period_ps if delay_ps <= 0 else delay_ps
    parameters: list[Parameter] = []
    for i in range(components):
        name = {base: component_name(base, i, components) for base in ("g_factor", "dephasing_time_ps", "g_spread")}
        parameters += [
            Parameter(name["g_factor"], "", "size of g", 2.0, 0.02, 20.0, positive=True),
            Parameter(
                name["dephasing_time_ps"], "ps", "dephasing time T2* at zero field", period_ps, 0.02 * period_ps,
                100.0 * period_ps, positive=True,
            ),
        ]  # fmt: skip
        if spread:
            parameters.append(Parameter(name["g_spread"], "", "spread of g", 0.01, 1e-6, 2.0, positive=True))
    if centre:
        parameters.append(Parameter("centre_t", "T", "field of the central peak", 0.0, -0.1, 0.1, scale=1e-3))
    amplitudes = [
        *(Quantity(component_name("amplitude", i, components), "", "signal of one pulse") for i in range(components)),
        Quantity("offset", "", "constant background"),
    ]

    def one(field: Any, g: Any, time: Any, g_spread: Any) -> Any:
        return resonant_amplification(field, g, time, period_ps, delay, g_spread, convention=convention)

    def basis(field: Any, theta: Mapping[str, Any]) -> Sequence[Any]:
        xp = namespace(field, *theta.values())
        shifted = field - theta["centre_t"] if centre else field
        columns = [
            one(
                shifted,
                theta[component_name("g_factor", i, components)],
                theta[component_name("dephasing_time_ps", i, components)],
                theta[component_name("g_spread", i, components)] if spread else 0.0,
            )
            for i in range(components)
        ]
        return [*columns, xp.ones_like(field)]

    def guess(field: Any, signal: Float) -> list[dict[str, float]]:
        field = np.asarray(field, float)

        def component(at: Any, theta: Mapping[str, float]) -> Sequence[Any]:
            # the closed form for both conventions: near enough for a start, and far quicker than the sum
            g, time, width = theta["g_factor"], theta["dephasing_time_ps"], theta.get("g_spread", 0.0)
            return [resonant_amplification(at - theta.get("centre_t", 0.0), g, time, period_ps, delay, width)]

        found = greedy_start(
            component, np.ones((field.size, 1)), field, signal,
            lambda left: _combs(field, left, component, period_ps, spread, centre), components,
        )  # fmt: skip
        middle = {"centre_t": found[0]["centre_t"]} if centre else {}
        found.sort(key=lambda theta: -theta["g_factor"])
        bases = ("g_factor", "dephasing_time_ps", *(("g_spread",) if spread else ()))
        start = {component_name(base, i, components): part[base] for i, part in enumerate(found) for base in bases}
        return [{**start, **middle}]

    return SeparableModel(
        name="resonant spin amplification",
        parameters=tuple(parameters),
        amplitudes=tuple(amplitudes),
        basis=basis,
        x=(FIELD,),
        y=SIGNAL,
        guess=guess,
    )


def _combs(
    field: Float, signal: Float, component: Any, period_ps: float, spread: bool, centre: bool
) -> list[Mapping[str, float]]:
    """Candidates for one comb: all distances of peaks at a low resolution, the best of them at a higher one."""
    widest = float(np.max(np.abs(field)))
    steps = np.diff(np.sort(field))
    step = float(np.median(steps[steps > 0]))
    turns = 1e-3 * GHZ_PER_TESLA * period_ps  # turns between two pulses per g and tesla
    least, most = max(0.5 / (turns * widest), 0.021), min(19.9, 0.5 / (turns * step))
    places = (-0.4, -0.2, 0.0, 0.2, 0.4) if centre else (0.0,)  # in distances of the peaks

    def columns(at: Any, theta: Mapping[str, float]) -> Sequence[Any]:
        return [np.ones_like(at), *component(at, theta)]

    def candidate(g: float, time: float, place: float, width: float) -> dict[str, float]:
        g = float(np.clip(g, 0.021, 19.9))
        return {
            "g_factor": g,
            "dephasing_time_ps": time * period_ps,
            **({"centre_t": float(np.clip(place / (turns * g), -0.09, 0.09))} if centre else {}),
            **({"g_spread": max(width * g, 1e-5)} if spread else {}),
        }

    scan = np.arange(least, max(most, 1.01 * least), 0.15 / (turns * widest))
    coarse = [candidate(g, 0.5, place, 1e-3) for g in scan for place in places]
    fine: list[Mapping[str, float]] = []
    for theta in best_starts(columns, field, signal, coarse, keep=4):
        place = theta.get("centre_t", 0.0) * turns * theta["g_factor"]
        fine += [
            candidate(theta["g_factor"] + shift / (turns * widest), time, place + move, width)
            for shift in np.linspace(-0.15, 0.15, 13)
            for time in (0.25, 0.6, 1.5, 4.0)
            for width in ((0.0, 0.003, 0.02) if spread else (0.0,))
            for move in ((-0.1, 0.0, 0.1) if centre else (0.0,))
        ]
    return best_starts(columns, field, signal, fine, keep=3)
