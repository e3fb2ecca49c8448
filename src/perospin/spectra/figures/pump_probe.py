"""Picture of a pump-probe fit: both traces, curves, residuals, lifetime with its convention."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.fitting.plotting import data_and_residuals, in_unit_of_file, plot_fit
from perospin.look import BLUE, COLUMN_RC, GREY, VERMILLION, delay_axis

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from perospin.measurements.result import SpinFit

__all__ = ["plot_pump_probe"]

_SYMBOLS = {"polarisation": "τ$_s$", "flip": "τ$_{flip}$", "difference": "τ$_{SC−CC}$"}


def plot_pump_probe(fit: SpinFit, *, log_delay: bool | None = None) -> Figure:
    """Draw the traces with their fit, and the residuals below.

    Parameters
    ----------
    fit
        Result of `fit_pump_probe` or `fit_populations`.
    log_delay
        Delay axis linear up to a twentieth of its length and logarithmic beyond; default for delays that ask for it.
    """
    import matplotlib

    convention = str(fit.settings.get("convention", "polarisation"))
    value = str(fit["lifetime_ps"])
    sign = "" if value[0] in "<>u" else "= "
    title = f"{_SYMBOLS.get(convention, 'τ')} {sign}{value} ({convention})"
    if "channel" not in fit.data:
        return plot_fit(fit, own_title=title)
    data = fit.data
    per_ps, label = in_unit_of_file(fit, "delay (ps)")
    with matplotlib.rc_context(COLUMN_RC):
        figure, top, bottom = data_and_residuals(title)
        for channel, colour, name in ((1.0, BLUE, "SC"), (-1.0, VERMILLION, "CC")):
            part: Any = data[data["channel"] == channel]
            at = part["delay_ps"] * per_ps
            top.plot(at, part["signal"], "o", color=colour, markersize=2.5, alpha=0.45, linewidth=0)
            top.plot(at, part["best_fit"], color=colour, label=name)
            bottom.plot(at, part["residual"], "o", color=colour, markersize=1.8)
        delay = np.sort(at.to_numpy())
        uneven = len(delay) > 4 and delay[-1] - delay[-2] > 5 * (delay[len(delay) // 3] - delay[len(delay) // 3 - 1])
        if log_delay or (log_delay is None and uneven):
            delay_axis(bottom, delay, delay[-1] / 20.0, "x", margin=0.08)
        top.axhline(0, color=GREY, linewidth=0.5)
        top.set_ylabel("signal")
        bottom.set_xlabel(label)
        top.legend()
    return figure
