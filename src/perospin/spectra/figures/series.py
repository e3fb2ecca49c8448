"""Pictures of fits over few points, with a smooth curve and what it is made of; called by ``fit.plot()``."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.fitting.arrays import Float
from perospin.fitting.plotting import in_unit_of_file
from perospin.look import BLUE, COLUMN_INCHES, COLUMN_RC, GREEN, GREY, ORANGE, PINK, VERMILLION
from perospin.measurements.options import component_name
from perospin.mechanisms import nuclear_transverse_share
from perospin.spectra.signals.signals import (
    GHZ_PER_TESLA,
    gaussian_resonance,
    inertia_magnitude,
    inertia_phase_channels,
)
from perospin.units import BOLTZMANN_EV_K, convert, readable_unit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from perospin.measurements.result import SpinFit

__all__ = [
    "inertia_figure",
    "kerr_joint_figure",
    "kerr_series_figure",
    "odmr_figure",
    "points_figure",
    "polarisation_figure",
    "power_figure",
    "t1_field_figure",
    "t1_temperature_figure",
    "time_scale",
    "width_figure",
]


def time_scale(times_ps: Any) -> tuple[float, str]:
    """Choose the unit in which times read well: picoseconds in it, and its name."""
    unit = readable_unit(float(np.median(times_ps)), "ps")
    return convert(1.0, unit, "ps"), unit.replace("us", "µs")


def _log(axis: Any) -> None:
    """Logarithmic axis with plain numbers, also where it spans less than a decade."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    (axis.axes.set_xscale if axis.axis_name == "x" else axis.axes.set_yscale)("log")
    low, high = axis.get_view_interval()
    decades = math.log10(high / low) if low > 0 else 3.0
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if decades < 3 else (1.0,), numticks=8))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def points_figure(
    x: Float,
    y: Float,
    error: Float | None,
    curve: Callable[[Float], Float],
    *,
    labels: tuple[str, str],
    title: str,
    log: tuple[bool, bool] = (False, False),
    parts: tuple[tuple[Callable[[Float], Float], str], ...] = (),
    from_zero: bool = False,
) -> Figure:
    """Points with their uncertainties, a smooth curve, and the parts it is made of.

    Parameters
    ----------
    x, y, error
        Points (n,) and their uncertainties.
    curve
        The fit.
    labels
        Of the two axes, with units.
    title
        Above.
    log
        Which axes are logarithmic.
    parts
        Further curves, with names, drawn dashed and dotted.
    from_zero
        Draw the curve from x = 0 on.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(COLUMN_RC):
        figure = Figure(figsize=(COLUMN_INCHES, 2.7), layout="constrained")
        axes = figure.subplots()
        low, high = float(x.min()), float(x.max())
        if log[0]:
            grid = np.geomspace(low * 0.8, high * 1.25, 200)
        else:
            margin = 0.04 * (high - low)
            grid = np.linspace(0.0 if from_zero else low - margin, high + margin, 200)
        axes.errorbar(
            x, y, error, fmt="o", color=GREY, markersize=3.5, markerfacecolor="white", linewidth=0.9, label="data",
            zorder=3,
        )  # fmt: skip
        axes.plot(grid, curve(grid), color=VERMILLION, label="fit")
        if log[1]:
            values = np.concatenate([y, curve(grid)])
            values = values[np.isfinite(values) & (values > 0)]  # nothing, where a parameter is undetermined
            axes.set_ylim(0.7 * values.min(), 1.5 * values.max())
        for (part, name), style, colour in zip(parts, ("--", ":", "-."), (BLUE, GREEN, ORANGE), strict=False):
            axes.plot(grid, part(grid), color=colour, linestyle=style, linewidth=1.1, label=name)
        for flag, axis in zip(log, (axes.xaxis, axes.yaxis), strict=True):
            if flag:
                _log(axis)
        axes.set(xlabel=labels[0], ylabel=labels[1])
        axes.set_title(title)
        axes.legend(handlelength=1.8)
        return figure


def t1_field_figure(fit: SpinFit) -> Figure:
    """T1 against field, with the plateau and the nuclear part."""
    data = fit.data
    field, time = data["field_t"].to_numpy(), np.exp(data["log_t1"].to_numpy())
    scale, unit = time_scale(time)
    plateau = fit["spin_lifetime_ps"].value / scale
    width = fit.settings.get("nuclear_field_t")
    if width is None:
        crossover = fit["crossover_field_t"].value

        def nuclei(b: Float) -> Float:
            return np.asarray(plateau * (b / crossover) ** 2)
    else:
        correlation = fit["correlation_time_ps"].value / scale

        def nuclei(b: Float) -> Float:
            return np.asarray(correlation / nuclear_transverse_share(np.abs(b) / width))

    error = data["sigma"].to_numpy() * time / scale if "sigma" in data else None
    return points_figure(
        field, time / scale, error,
        lambda b: 1.0 / (1.0 / plateau + 1.0 / nuclei(b)),
        labels=("magnetic field (T)", f"T$_1$ ({unit})"),
        title="T$_1$ against field",
        log=(bool(field.min() > 0.0), True),
        parts=((lambda b: plateau + 0.0 * b, "τ$_s$"), (nuclei, "nuclei alone")),
    )  # fmt: skip


def t1_temperature_figure(fit: SpinFit) -> Figure:
    """T1 against temperature, with the plateau and the activated part."""
    data = fit.data
    temperature, time = data["temperature_k"].to_numpy(), np.exp(data["log_t1"].to_numpy())
    scale, unit = time_scale(time)
    plateau = fit["spin_lifetime_ps"].value / scale
    rate, energy = fit["activation_rate_per_ps"].value * scale, fit["activation_energy_mev"].value
    kelvin = energy / (1e3 * BOLTZMANN_EV_K)
    error = data["sigma"].to_numpy() * time / scale if "sigma" in data else None
    return points_figure(
        temperature, time / scale, error,
        lambda t: 1.0 / (1.0 / plateau + rate * np.exp(-kelvin / t)),
        labels=("temperature (K)", f"T$_1$ ({unit})"),
        title="T$_1$ against temperature",
        log=(True, True),
        parts=(
            (lambda t: plateau + 0.0 * t, "T$_1$ at 0 K"),
            (lambda t: np.exp(kelvin / t) / rate, "activation alone"),
        ),
    )  # fmt: skip


def inertia_figure(fit: SpinFit) -> Figure:
    """Spin signal against modulation frequency, with the species where there are several."""
    data, count = fit.data, int(fit.settings["components"])
    times = [fit[component_name("t1_ps", i, count)].value for i in range(count)]
    sizes = [fit[component_name("amplitude", i, count)].value for i in range(count)]
    offset = fit["offset"].value if "offset" in fit else 0.0
    magnitude = fit.settings["detection"] == "magnitude"

    def one(frequency: Float, chosen: list[int]) -> Float:
        if magnitude:
            return inertia_magnitude(frequency, [times[i] for i in chosen], [sizes[i] for i in chosen])
        return np.sum([sizes[i] * inertia_phase_channels(frequency, times[i])[0] for i in chosen], axis=0)

    def part(index: int) -> tuple[Callable[[Float], Float], str]:
        scale, unit = time_scale([times[index]])
        return lambda f: one(f, [index]), f"T$_1$ = {times[index] / scale:.3g} {unit}"

    named = "Spin inertia" if count == 1 else f"Spin inertia, {count} species"
    data = data[data["modulation_frequency_hz"] > 0]
    return points_figure(
        data["modulation_frequency_hz"].to_numpy(), data["signal"].to_numpy(),
        data["sigma"].to_numpy() if "sigma" in data else None,
        lambda f: offset + one(f, list(range(count))),
        labels=("modulation frequency (Hz)", "spin signal"),
        title=named,
        log=(True, False),
        parts=tuple(part(i) for i in range(count)) if count > 1 else (),
    )  # fmt: skip


def power_figure(fit: SpinFit) -> Figure:
    """Rate against pump power, down to zero."""
    zero, slope = fit["rate_at_zero_per_ps"].value, fit["slope"].value
    scale, unit = time_scale(10.0 / fit.data["rate_per_ps"].to_numpy())  # rates from 0.1 to 100
    return points_figure(
        fit.data["power"].to_numpy(), fit.data["rate_per_ps"].to_numpy() * scale,
        fit.data["sigma"].to_numpy() * scale if "sigma" in fit.data else None,
        lambda p: (zero + slope * p) * scale,
        labels=(fit.axes["power"], f"1/T$_1$ (1/{unit})"),
        title="Extrapolation to zero power",
        from_zero=True,
    )  # fmt: skip


def polarisation_figure(fit: SpinFit) -> Figure:
    """Polarisation against pump power, on a logarithmic axis if the powers span more than a decade."""
    zero, scale = fit["polarisation_at_zero"].value, fit["power_scale"].value
    end = fit["polarisation_at_saturation"].value if "polarisation_at_saturation" in fit else 0.0
    data = fit.data[fit.data["power"] > 0]
    power = data["power"].to_numpy()
    return points_figure(
        power, data["degree"].to_numpy(), data["sigma"].to_numpy() if "sigma" in data else None,
        lambda p: (zero * scale + end * p) / (scale + p),
        labels=(fit.axes["power"], fit.axes["degree"]),
        title=fit.conventions["effect"],
        log=(bool(power.max() > 10.0 * power.min()), False),
    )  # fmt: skip


def width_figure(fit: SpinFit) -> Figure:
    """Width of a resonance against field, with the nuclear part and that of the spread of g."""
    g, spread, nuclear = (
        abs(float(fit.settings["g_factor"])),
        fit["g_spread"].value,
        1e3 * fit["nuclear_field_t"].value,
    )
    data = fit.data
    return points_figure(
        1e3 * data["field_t"].to_numpy(), 1e3 * data["width_t"].to_numpy(),
        1e3 * data["sigma"].to_numpy() if "sigma" in data else None,
        lambda b: np.sqrt(0.5 * nuclear**2 + (spread * b / g) ** 2),
        labels=("resonance field (mT)", "width ΔB (mT)"),
        title="Width of the resonance",
        parts=(
            (lambda b: nuclear / np.sqrt(2.0) + 0.0 * b, "nuclei"),
            (lambda b: spread * np.abs(b) / g, "spread of g"),
        ),
        from_zero=True,
    )  # fmt: skip


def odmr_figure(fit: SpinFit) -> Figure:
    """ODMR spectrum with its resonances."""
    import matplotlib
    from matplotlib.figure import Figure

    count, data = int(fit.settings["components"]), fit.data
    background = fit["offset"].value if "offset" in fit else 0.0
    slope = fit["slope_per_t"].value if "slope_per_t" in fit else 0.0
    with matplotlib.rc_context(COLUMN_RC):
        figure = Figure(figsize=(COLUMN_INCHES, 2.7), layout="constrained")
        axes = figure.subplots()
        field = np.linspace(data["field_t"].min(), data["field_t"].max(), 500)
        axes.plot(1e3 * data["field_t"], data["signal"], "o", color=GREY, markersize=2, label="data")
        total = background + slope * field
        for i, (style, colour) in zip(
            range(count), (("--", BLUE), (":", GREEN), ("-.", ORANGE), ("--", PINK)), strict=False
        ):
            if fit[component_name("g_factor", i, count)].status != "derived":
                continue
            line = fit[component_name("amplitude", i, count)].value * gaussian_resonance(
                field, *(fit[component_name(base, i, count)].value for base in ("resonance_field_t", "width_t"))
            )
            total = total + line
            if count > 1:
                g = fit[component_name("g_factor", i, count)].value
                axes.plot(
                    1e3 * field, background + slope * field + line, color=colour, linestyle=style, linewidth=1.1,
                    label=f"|g| = {g:.3g}",
                )  # fmt: skip
        axes.plot(1e3 * data["field_t"], data["best_fit"], color=VERMILLION, label="fit", zorder=3)
        axes.set(xlabel="magnetic field (mT)", ylabel="ODMR signal")
        axes.set_title(f"ODMR at {fit.settings['frequency_ghz']:.4g} GHz")
        axes.legend()
        return figure


def kerr_joint_figure(fit: SpinFit) -> Figure:
    """Transients of a joint fit, one above the other by field."""
    import matplotlib
    from matplotlib.figure import Figure

    data = fit.data
    numbers = np.unique(data["trace"])
    per_unit, label = in_unit_of_file(fit, "delay (ps)")
    fields = {n: float(data.loc[data["trace"] == n, "field_t"].iloc[0]) for n in numbers}
    step = 1.1 * max(float(np.ptp(data.loc[data["trace"] == n, "signal"])) for n in numbers)
    with matplotlib.rc_context(COLUMN_RC):
        figure = Figure(figsize=(COLUMN_INCHES, 1.2 + 0.6 * len(numbers)), layout="constrained")
        axes = figure.subplots()
        for k, n in enumerate(sorted(numbers, key=lambda n: fields[n])):
            rows = data[data["trace"] == n]
            level = k * step - float(fit.arrays["amplitudes"][int(n), -1])  # its constant background
            axes.plot(per_unit * rows["delay_ps"], rows["signal"] + level, ".", color=GREY, markersize=2)
            axes.plot(per_unit * rows["delay_ps"], rows["best_fit"] + level, color=VERMILLION)
            axes.annotate(
                f"{fields[n]:g} T", (1.0, k * step), xycoords=("axes fraction", "data"), ha="right", va="bottom",
                fontsize=7, xytext=(-2, 3), textcoords="offset points",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.8},
            )  # fmt: skip
        axes.set(xlabel=label, ylabel="Kerr rotation, shifted", yticks=[])
        axes.set_title("Kerr transients, one fit")
        return figure


def kerr_series_figure(fit: SpinFit) -> Figure:
    """Precession frequency and dephasing time against field."""
    import matplotlib
    from matplotlib.figure import Figure

    from perospin.mechanisms import dephasing_time_ps

    count, data = int(fit.settings["components"]), fit.data
    offset = fit["offset_t"].value if "offset_t" in fit else 0.0
    with matplotlib.rc_context(COLUMN_RC):
        figure = Figure(figsize=(COLUMN_INCHES, 3.6), layout="constrained")
        top, bottom = figure.subplots(2, 1, sharex=True)
        reach = float(data["field_t"].max()), float(data["field_t"].min())
        low, high = min(reach[1], 0.0), max(reach[0], 0.0)
        field = np.linspace(low, high, 301)
        size = np.maximum(np.abs(field - offset), 1e-9)
        for i, (colour, marker, style) in zip(
            range(count), ((BLUE, "o", "-"), (VERMILLION, "s", "--"), (GREEN, "^", ":")), strict=False
        ):
            g, time, spread = (
                fit[component_name(base, i, count)].value
                for base in ("g_factor", "dephasing_time_zero_field_ps", "g_spread")
            )
            rows = data[data["component"] == i]
            frequency, rate = rows[rows["quantity"] == 0], rows[rows["quantity"] == 1]
            label = f"g = {g:.4g}" if fit.conventions.get("sign of g") == "given" else f"|g| = {abs(g):.4g}"
            top.errorbar(
                frequency["field_t"], frequency["value"], frequency["sigma"], fmt=marker, color=colour, markersize=3.5,
                markerfacecolor="white", linewidth=0.9,
            )  # fmt: skip
            top.plot(field, GHZ_PER_TESLA * abs(g) * size, color=colour, linestyle=style, label=label)
            value = 1e3 / rate["value"]
            bottom.errorbar(
                rate["field_t"], value, rate["sigma"] * value**2 / 1e3, fmt=marker, color=colour, markersize=3.5,
                markerfacecolor="white", linewidth=0.9,
            )  # fmt: skip
            curve = dephasing_time_ps(size, time, spread, convention=fit.settings["convention"])
            bottom.plot(field, curve, color=colour, linestyle=style, label=f"Δg = {spread:.3g}")
        top.set_ylabel("precession (GHz)")
        bottom.set(xlabel="magnetic field (T)", ylabel="T$_2$* (ps)")
        bottom.set_ylim(bottom=0)
        top.set_title(f"Kerr rotation against field, {fit.settings['convention']} spread")
        top.legend()
        bottom.legend()
        return figure
