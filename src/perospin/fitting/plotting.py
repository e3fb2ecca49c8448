"""The plain picture of a fit: data, curve, residuals."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.errors import DataError, FitError
from perospin.look import COLUMN_INCHES, COLUMN_RC, GREY, VERMILLION, subscripted
from perospin.units import convert

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from perospin.fitting.result import Fit

__all__ = ["data_and_residuals", "in_unit_of_file", "plot_fit", "set_heading"]

_SIGNALS = ("signal", "Kerr rotation", "Kerr rotation before the pump", "Kerr rotation, shifted", "intensity")
"""Ends of the labels of axes that a detector scales."""

_UPWARDS = 30
"""Letters of a label that fit beside a panel."""

_ACROSS = 46
"""Letters of a title that fit above one column."""


def set_heading(figure: Figure, fit: Fit, title: str | None = None, material: str = "") -> None:
    """Put what was measured, what is drawn, and the main value with its error above the first panel.

    Every drawing gets its heading here. A drawing whose own title states the main value keeps it.
    """
    import matplotlib

    _name_units(figure, fit)
    axes = figure.axes[0]
    if title is None:
        own = axes.get_title(loc="left")
        value = "" if str(fit[fit.main]) in own else _in_signs(fit.stated())
        what = subscripted(material)
        if what and value and len(material) + len(own) + 2 <= _ACROSS:
            what, own = f"{what}, {own}", ""
        lines = [line if "$" in line else textwrap.fill(line, _ACROSS) for line in (what, own, value) if line]
        title = "\n".join(lines)
    with matplotlib.rc_context(COLUMN_RC):
        axes.set_title(title)


def _in_signs(text: str) -> str:
    """Write units and symbols of a figure with their signs."""
    for plain, sign in ((" us", " µs"), ("mu tau", "µτ"), ("^2", "²"), ("^3", "³")):
        text = text.replace(plain, sign)
    return text


def in_unit_of_file(fit: Fit, label: str) -> tuple[float, str]:
    """Factor and label that bring an axis such as "delay (ps)" to the unit in which the file has it."""
    name, _, unit = label.removesuffix(")").rpartition(" (")
    wanted = str(fit.settings.get("x_unit") or fit.settings.get("delay_unit", ""))  # as older files call it
    if not name or not wanted or wanted == unit:
        return 1.0, label
    try:
        return float(convert(1.0, unit, wanted, difference=True)), f"{name} ({wanted})"
    except DataError:  # a wavelength that became an energy
        return 1.0, label


def _name_units(figure: Figure, fit: Fit) -> None:
    """Write the unit of the file, or that it is arbitrary, behind signals of detectors."""
    unit = str(fit.settings.get("signal_unit", "")) or "arb. units"
    for axes in figure.axes:
        label = axes.get_ylabel()
        if label.endswith(_SIGNALS):
            label = f"{label} ({unit})"
        if axes.get_position().height > 0.3:  # a label isn't longer than its axis
            label = textwrap.fill(label, _UPWARDS, break_long_words=False)
        axes.set_ylabel(label)


def data_and_residuals(title: str) -> tuple[Figure, Any, Any]:
    """Empty figure with a panel for the data and a small one for the residuals below; call inside ``rc_context``."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(COLUMN_INCHES, 2.9), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    top.set_title(title)
    bottom.axhline(0, color=GREY, linewidth=0.6)
    bottom.set_ylabel("residual")
    return figure, top, bottom


def plot_fit(fit: Fit, *, x: str | None = None, own_title: str = "", log_x: bool = False) -> Figure:
    """Draw data, best fit and residuals against the first column of the data.

    Parameters
    ----------
    fit
        With one data set.
    x
        Column to draw against.
    own_title
        Says in a few words what is drawn; default the name of the analysis.
    log_x
        Logarithmic abscissa.
    """
    import matplotlib

    if fit.data.empty:
        raise FitError("this fit holds several data sets; draw its arrays, or use the analysis's own plot")
    data = fit.data
    column = x or data.columns[0]
    signal = next(c for c in data.columns if c in fit.axes and c in list(fit.axes)[-1:])
    order = np.argsort(data[column].to_numpy(), kind="stable")
    with matplotlib.rc_context(COLUMN_RC):
        figure, top, bottom = data_and_residuals(own_title or fit.analysis)
        per_unit, label = in_unit_of_file(fit, fit.axes.get(column, column))
        at = per_unit * data[column].to_numpy()[order]
        if "sigma" in data:
            top.errorbar(
                at, data[signal].to_numpy()[order], data["sigma"].to_numpy()[order],
                fmt="o", color=GREY, markersize=2.5, linewidth=0.7, label="data",
            )  # fmt: skip
        else:
            top.plot(at, data[signal].to_numpy()[order], "o", color=GREY, markersize=2.5, label="data")
        top.plot(at, data["best_fit"].to_numpy()[order], color=VERMILLION, label="fit")
        bottom.plot(at, data["residual"].to_numpy()[order], "o", color=GREY, markersize=2)
        top.set_ylabel(fit.axes.get(signal, signal))
        bottom.set_xlabel(label)
        if log_x:
            bottom.set_xscale("log")
        top.legend(frameon=True, framealpha=0.85, edgecolor="none")  # oscillating data leave no empty corner
    return figure
