"""The plain picture of a fit: data, curve, residuals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from perospin.fitting.result import Fit

__all__ = ["COLOURS", "COLUMN_INCHES", "RC", "data_and_residuals", "plot_fit"]

COLUMN_INCHES = 3.5
BLUE, VERMILLION, GREEN, PINK, ORANGE, SKY, GREY, BLACK = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#767676", "#222222",
)  # fmt: skip
COLOURS = (BLUE, VERMILLION, GREEN, PINK, ORANGE, SKY)
"""Okabe and Ito's colours."""
RC: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.titlesize": 8.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.frameon": False,
    "legend.fontsize": 7,
    "lines.linewidth": 1.4,
    "text.color": BLACK,
    "axes.labelcolor": BLACK,
    "savefig.dpi": 200,
}
"""matplotlib settings, used inside `matplotlib.rc_context`."""


def data_and_residuals(title: str) -> tuple[Figure, Any, Any]:
    """Empty figure with a panel for the data and a small one for the residuals below; call inside ``rc_context``."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(COLUMN_INCHES, 2.9), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    top.set_title(title)
    bottom.axhline(0, color=GREY, linewidth=0.6)
    bottom.set_ylabel("residual")
    return figure, top, bottom


def plot_fit(fit: Fit, *, x: str | None = None, title: str | None = None, log_x: bool = False) -> Figure:
    """Draw data, best fit and residuals against the first column of the data.

    Parameters
    ----------
    fit
        With one data set.
    x
        Column to draw against.
    title
        Instead of the fit's summary of its main value.
    log_x
        Logarithmic abscissa.
    """
    import matplotlib

    from perospin.errors import FitError

    if fit.data.empty:
        raise FitError("this fit holds several data sets; draw its arrays, or use the analysis's own plot")
    data = fit.data
    column = x or data.columns[0]
    signal = next(c for c in data.columns if c in fit.axes and c in list(fit.axes)[-1:])
    order = np.argsort(data[column].to_numpy(), kind="stable")
    with matplotlib.rc_context(RC):
        figure, top, bottom = data_and_residuals(title if title is not None else fit.analysis)
        at = data[column].to_numpy()[order]
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
        bottom.set_xlabel(fit.axes.get(column, column))
        if log_x:
            bottom.set_xscale("log")
        top.legend()
    return figure
