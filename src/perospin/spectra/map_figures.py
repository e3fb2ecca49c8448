"""Pictures of maps: pseudocolour, kinetics, spectra, decay-associated spectra."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.errors import FitError
from perospin.fitting.arrays import Float
from perospin.fitting.plotting import BLUE, COLOURS, COLUMN_INCHES, GREY, RC, VERMILLION

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from perospin.spectra.decomposition import Decomposition
    from perospin.spectra.maps import SignalMap
    from perospin.spectra.result import SpinFit

__all__ = ["delay_axis", "plot_decomposition", "plot_kinetics", "plot_map_fit", "plot_maps"]


def plot_maps(*maps: SignalMap, limit: float | None = None, linear_ps: float = 1.0) -> Figure:
    """Pseudocolour plots side by side, with one colour scale, symmetric about zero.

    Parameters
    ----------
    *maps
        Such as SC, CC and their difference.
    limit
        End of the colour scale; default the 99th percentile of the largest signal.
    linear_ps
        The delay axis is linear up to here and logarithmic beyond.
    """
    import matplotlib
    from matplotlib.figure import Figure

    if not maps:
        raise FitError("give at least one map to plot")
    top = limit or max(float(np.nanpercentile(np.abs(part.signal), 99)) for part in maps) or 1.0
    with matplotlib.rc_context(RC):
        width = COLUMN_INCHES if len(maps) == 1 else 2.3 * len(maps)
        figure = Figure(figsize=(width, 2.7), layout="constrained")
        grid = figure.subplots(1, len(maps), sharey=True, squeeze=False)[0]
        image: Any = None
        for axes, part in zip(grid, maps, strict=True):
            image = axes.pcolormesh(
                part.wavelength_nm, part.delay_ps, np.ma.masked_invalid(part.signal),
                cmap="RdBu_r", vmin=-top, vmax=top, shading="nearest", rasterized=True,
            )  # fmt: skip
            axes.set_title(part.name)
            axes.set_xlabel("wavelength (nm)")
            delay_axis(axes, part.delay_ps, linear_ps)
        grid[0].set_ylabel("delay (ps)")
        unit = maps[0].unit
        figure.colorbar(image, ax=grid[-1], label=f"signal ({unit})" if unit else "signal")
    return figure


def delay_axis(axes: Any, delay: Float, linear_ps: float, which: str = "y") -> None:
    """Scale that is linear around time zero and logarithmic far from it, where the delays ask for it."""
    start, end = float(delay[0]), float(delay[-1])
    getattr(axes, f"set_{which}lim")(start, end)
    if end <= 20 * linear_ps:
        return
    linear = 10.0 ** round(np.log10(linear_ps))
    getattr(axes, f"set_{which}scale")("symlog", linthresh=linear, linscale=0.8)
    powers = linear * 10.0 ** np.arange(0, 12)
    ticks = [*(-powers[::-1]), 0.0, *powers]
    axis = getattr(axes, f"{which}axis")
    axis.set_ticks([t for t in ticks if start <= t <= end])
    axis.set_major_formatter(lambda value, _: f"{value:g}".replace("-", "−"))
    minor = [m * p for p in powers for m in range(2, 10)]
    axis.set_ticks([t for t in minor if start <= t <= end], minor=True)
    axis.set_minor_formatter(lambda *_: "")


def plot_kinetics(
    signal_map: SignalMap, wavelength_nm: Any, *, fit: Any = None, width_nm: float = 0.0, linear_ps: float = 1.0
) -> Figure:
    """Traces at wavelengths, with the curves of a global fit if there is one.

    Parameters
    ----------
    signal_map
        Map to read.
    wavelength_nm
        One or several.
    fit
        Result of `fit_map` of this map alone.
    width_nm
        Band that is averaged.
    linear_ps
        The delay axis is linear up to here and logarithmic beyond.
    """
    import matplotlib
    from matplotlib.figure import Figure

    wanted = np.atleast_1d(np.asarray(wavelength_nm, float))
    with matplotlib.rc_context(RC):
        figure = Figure(figsize=(COLUMN_INCHES, 2.6), layout="constrained")
        axes = figure.subplots()
        for at, colour in zip(wanted, _cycle(len(wanted)), strict=True):
            axes.plot(
                signal_map.delay_ps, signal_map.at_wavelength(float(at), width_nm), "o",
                color=colour, markersize=2, alpha=0.6, label=f"{at:g} nm",
            )  # fmt: skip
            if fit is not None:
                column = int(np.argmin(np.abs(fit.arrays["wavelength_nm"] - at)))
                axes.plot(fit.arrays["delay_ps"], fit.arrays["best_fit"][:, column], color=colour)
        axes.axhline(0, color=GREY, linewidth=0.5)
        axes.set_xlabel("delay (ps)")
        axes.set_ylabel(f"signal ({signal_map.unit})" if signal_map.unit else "signal")
        delay_axis(axes, signal_map.delay_ps, linear_ps, "x")
        axes.legend()
    return figure


def plot_map_fit(fit: SpinFit) -> Figure:
    """Spectra of a global fit's terms with their uncertainties, and the kinetics where the signal is largest."""
    import matplotlib
    from matplotlib.figure import Figure

    arrays = fit.arrays
    wavelength, delay = arrays["wavelength_nm"], arrays["delay_ps"]
    unit = str(fit.settings.get("signal_unit", ""))
    pair, terms = bool(fit.settings.get("pair")), list(fit.settings["terms"])
    label = f"signal ({unit})" if unit else "signal"
    with matplotlib.rc_context(RC):
        figure = Figure(figsize=(COLUMN_INCHES, 5.2), layout="constrained")
        top, bottom = figure.subplots(2, 1)
        shown = [i for i, term in enumerate(terms) if "lifetime" in term or term.startswith("plateau")]
        for i, colour in zip(shown, _cycle(len(shown)), strict=True):
            y, error = arrays["spectra"][i], arrays["spectra_uncertainties"][i]
            top.plot(wavelength, y, color=colour, label=_term_label(fit, terms[i]))
            top.fill_between(wavelength, y - error, y + error, color=colour, alpha=0.25, linewidth=0)
        top.axhline(0, color=GREY, linewidth=0.5)
        top.set_xlabel("wavelength (nm)")
        top.set_ylabel(f"amplitude ({unit})" if unit else "amplitude")
        top.set_title("Decay-associated spectra")
        top.legend(loc="upper center", bbox_to_anchor=(0.45, -0.22), ncols=1 if pair else 2)
        column = int(np.argmax(np.nansum(arrays["signal"] ** 2, axis=0)))
        parts = (("SC", BLUE, slice(0, len(delay))), ("CC", VERMILLION, slice(len(delay), None)))
        for name, colour, rows in parts if pair else (("data", BLUE, slice(None)),):
            bottom.plot(delay, arrays["signal"][rows, column], "o", color=colour, markersize=2, alpha=0.5)
            bottom.plot(delay, arrays["best_fit"][rows, column], color=colour, label=name if pair else "fit")
        bottom.axhline(0, color=GREY, linewidth=0.5)
        bottom.set_xlabel("delay (ps)")
        bottom.set_ylabel(label)
        bottom.set_title(f"Kinetics at {wavelength[column]:.0f} nm")
        delay_axis(bottom, delay, max(1.0, delay[-1] / 100.0), "x")
        bottom.legend()
    return figure


def _term_label(fit: SpinFit, term: str) -> str:
    name, _, population = term.partition(" with ")
    if "lifetime" not in name:
        return term
    if population and len([n for n in fit.names if n.startswith("population")]) > 1:
        return f"spin, {fit[name]}, in the population of {fit[population].value:.3g} ps"
    what = {"population": "population, ", "polarisation": "spin, "}.get(name.split("_")[0], "")
    return f"{what}{fit[name]}"


def plot_decomposition(parts: Decomposition, most: int = 4) -> Figure:
    """Singular values with the noise threshold, and the kinetics and spectra of the first components."""
    import matplotlib
    from matplotlib.figure import Figure

    count = max(1, min(most, max(parts.significant, 1)))
    with matplotlib.rc_context(RC):
        figure = Figure(figsize=(2 * COLUMN_INCHES, 2.5), layout="constrained")
        first, second, third = figure.subplots(1, 3)
        number = np.arange(1, len(parts.singular_values) + 1)
        first.semilogy(number, parts.singular_values, "o", color=GREY, markersize=3)
        first.semilogy(
            number[: parts.significant], parts.singular_values[: parts.significant], "o", color=BLUE, markersize=3
        )
        first.axhline(parts.threshold, color=VERMILLION, linestyle="--", linewidth=1, label="noise ends here")
        first.set_xlabel("component")
        first.set_ylabel("singular value")
        first.set_xlim(0, min(30, len(number)) + 1)
        first.set_title(f"{parts.significant} above the noise")
        first.legend()
        for i, colour in zip(range(count), _cycle(count), strict=True):
            second.plot(parts.delay_ps, parts.kinetics[:, i], color=colour, label=f"{i + 1}")
            third.plot(parts.wavelength_nm, parts.spectra[i], color=colour)
        delay_axis(second, parts.delay_ps, max(1.0, parts.delay_ps[-1] / 100.0), "x")
        second.set_xlabel("delay (ps)")
        second.set_ylabel("left singular vector")
        second.legend(ncols=2)
        third.set_xlabel("wavelength (nm)")
        third.set_ylabel("right singular vector")
    return figure


def _cycle(count: int) -> list[str]:
    return [COLOURS[i % len(COLOURS)] for i in range(count)]
