"""The plain picture of a fit: data, curve, residuals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.look import COLUMN_INCHES, COLUMN_RC, GREY, VERMILLION

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from perospin.fitting.result import Fit

__all__ = ["data_and_residuals", "plot_fit"]


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
    with matplotlib.rc_context(COLUMN_RC):
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
