"""Pictures of maps: pseudocolour, kinetics, spectra, decay-associated spectra."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.look import BLUE, COLOURS, COLUMN_INCHES, COLUMN_RC, GREY, VERMILLION, delay_axis
from perospin.measurements.figures import plot_maps

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from perospin.measurements.maps import SignalMap
    from perospin.measurements.result import SpinFit
    from perospin.spectra.maps.decomposition import Decomposition

__all__ = ["delay_axis", "plot_decomposition", "plot_kinetics", "plot_map_fit", "plot_maps"]


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
    with matplotlib.rc_context(COLUMN_RC):
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
    with matplotlib.rc_context(COLUMN_RC):
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
    with matplotlib.rc_context(COLUMN_RC):
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
