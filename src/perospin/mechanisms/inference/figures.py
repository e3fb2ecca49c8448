"""Figures of the room: one look, readable at column width, colours that colour-blind readers can tell apart."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.look import BLACK, BLUE, COLUMN_INCHES, COLUMN_RC, GREEN, GREY, ORANGE, PALE, PINK, SKY, VERMILLION
from perospin.mechanisms.quantities import QUANTITIES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from perospin.mechanisms.inference.result import MechanismResult

__all__ = ["COLOURS", "RC", "axis_label", "inference_figure", "log_axis"]

COLOURS = {
    "constant": "#999999",
    "dyakonov_perel": BLUE,
    "elliott_yafet": VERMILLION,
    "bir_aronov_pikus": GREEN,
    "exciton_exchange": PINK,
    "nuclear_fluctuations": ORANGE,
    "activation": SKY,
    "one_phonon": "#8C6D31",
}
_FAMILY_OF = {
    "dyakonov_perel_crossover": "dyakonov_perel", "dyakonov_perel_cubic": "dyakonov_perel",
    "elliott_yafet_einstein": "elliott_yafet", "elliott_yafet_debye": "elliott_yafet",
    "exciton_exchange_crossover": "exciton_exchange", "raman": "activation",
}  # fmt: skip
COLOURS |= {law: COLOURS[family] for law, family in _FAMILY_OF.items()}
"""Colour of each mechanism."""
LINES = {
    "constant": ":", "dyakonov_perel": "-", "elliott_yafet": "--", "bir_aronov_pikus": "-.",
    "exciton_exchange": (0, (5, 1, 1, 1, 1, 1)), "nuclear_fluctuations": (0, (1, 1)), "activation": (0, (6, 2)),
    "one_phonon": (0, (3, 1)), "dyakonov_perel_crossover": (0, (8, 2)), "dyakonov_perel_cubic": (0, (2, 2)),
    "elliott_yafet_einstein": (0, (4, 1, 1, 1)), "elliott_yafet_debye": (0, (2, 1)),
    "exciton_exchange_crossover": (0, (7, 1, 1, 1)), "raman": (0, (6, 1, 2, 1)),
}  # fmt: skip
LABELS = {
    "constant": "constant",
    "dyakonov_perel": "D'yakonov-Perel",
    "elliott_yafet": "Elliott-Yafet",
    "bir_aronov_pikus": "Bir-Aronov-Pikus",
    "exciton_exchange": "exciton exchange",
    "nuclear_fluctuations": "nuclear field",
    "activation": "activation",
    "one_phonon": "single phonons",
    "dyakonov_perel_crossover": "D'yakonov-Perel, crossover",
    "dyakonov_perel_cubic": "D'yakonov-Perel, cubic",
    "elliott_yafet_einstein": "Elliott-Yafet, one phonon energy",
    "elliott_yafet_debye": "Elliott-Yafet, α²F ~ Ω²",
    "exciton_exchange_crossover": "exciton exchange, crossover",
    "raman": "phonon Raman",
}

RC: dict[str, Any] = {**COLUMN_RC, "axes.titleweight": "bold", "figure.constrained_layout.use": True}
"""matplotlib settings, used inside `matplotlib.rc_context`."""

_AXES = {
    "temperature_k": "temperature (K)",
    "density_cm3": "carrier density (cm$^{-3}$)",
    "field_t": "magnetic field (T)",
    "n_layers": "layers n",
    "momentum_scattering_time_ps": "momentum scattering time (ps)",
    "exciton_binding_energy_mev": "exciton binding energy (meV)",
}


def axis_label(name: str) -> str:
    """Axis label of a quantity, with its unit."""
    if name in _AXES:
        return _AXES[name]
    quantity = QUANTITIES[name]
    return quantity.short.replace("_", " ") + ("" if quantity.unit == "1" else f" ({quantity.unit})")


def _time_scale(lifetimes_ps: Any) -> tuple[float, str]:
    middle = float(np.median(lifetimes_ps))
    for scale, unit in ((1e9, "ms"), (1e6, "µs"), (1e3, "ns")):
        if middle >= scale:
            return scale, unit
    return (1.0, "ps") if middle >= 1.0 else (1e-3, "fs")


def inference_figure(result: MechanismResult) -> Figure:
    """Draw the data, the posterior predictive and the shares of an inference.

    Parameters
    ----------
    result
        What `infer` found.

    Returns
    -------
    Figure
        Two panels, one column wide.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(RC):
        figure = Figure(figsize=(COLUMN_INCHES, 4.4), layout="constrained")
        upper, lower = figure.subplots(2, 1, height_ratios=[1.55, 1.0])
        scale, unit = _time_scale(1.0 / result.rate_per_ps)
        if result.curve is not None:
            _draw_curve(upper, lower, result, scale, unit)
        else:
            _draw_rows(upper, lower, result, scale, unit)
        upper.set_title("\n".join(textwrap.wrap(_short_verdict(result), 42)))
        return figure


def _short_verdict(result: MechanismResult) -> str:
    if not result.verdict.adequate:
        return "no model fits these data"
    names = " + ".join(" or ".join(LABELS[t] for t in result.twins[m]) for m in result.verdict.mechanisms)
    if result.verdict.decided:
        return f"decided: {names}"
    return (
        f"undecided beside {names}"
        if names and result.verdict.certainty < result.verdict.threshold
        else (f"undecided: {names}" if names else "undecided")
    )


def _shown(result: MechanismResult) -> list[str]:
    """Mechanisms with a share worth drawing."""
    return [name for name, share in result.shares.items() if share[:, 0].max() >= 0.02]


def _label(result: MechanismResult, name: str) -> str:
    return " or ".join(LABELS[twin] for twin in result.twins[name])


def _errors(result: MechanismResult, scale: float) -> Any:
    if result.relative_uncertainty is None:
        return None
    return result.relative_uncertainty / result.rate_per_ps / scale


def log_axis(axis: Any) -> None:
    """Make an axis logarithmic, with plain numbers at 1, 2 and 5 and nothing between that could overlap."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    (axis.axes.set_xscale if axis.axis_name == "x" else axis.axes.set_yscale)("log")
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=7))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _draw_curve(upper: Axes, lower: Axes, result: MechanismResult, scale: float, unit: str) -> None:
    from matplotlib.ticker import PercentFormatter

    curve = result.curve
    assert curve is not None
    x = result.conditions[curve.condition]
    wide = x.max() / x.min() > 20.0
    band, centre = 1.0 / curve.predicted_per_ps / scale, 1.0 / curve.total_per_ps / scale
    upper.fill_between(curve.grid, band[:, 1], band[:, 2], color=PALE, label="new measurement, 90 %", linewidth=0)
    upper.fill_between(curve.grid, centre[:, 1], centre[:, 2], color="#9a9a9a", label="model, 90 %", linewidth=0)
    upper.plot(curve.grid, centre[:, 0], color=BLACK, label="model, median")
    limits = (0.4 * min(band.min(), (1 / result.rate_per_ps / scale).min()), 2.5 * band.max())
    for name in _shown(result):
        with np.errstate(divide="ignore", over="ignore"):
            alone = 1.0 / curve.parts_per_ps[name] / scale
        drawn = np.where(alone < 50 * limits[1], alone, np.nan)
        upper.plot(curve.grid, drawn, color=COLOURS[name], linestyle=LINES[name])
    upper.errorbar(
        x, 1.0 / result.rate_per_ps / scale, yerr=_errors(result, scale), fmt="o", color=BLACK, markersize=3.5,
        markerfacecolor="white", linewidth=0.9, label="measured", zorder=5,
    )  # fmt: skip
    log_axis(upper.yaxis)
    upper.set_ylim(*limits)
    upper.set_ylabel(f"spin lifetime ({unit})")
    upper.legend(loc="best", handlelength=1.4)
    order = np.argsort(x, kind="stable")
    for name in _shown(result):
        share = result.shares[name][order]
        lower.fill_between(x[order], share[:, 1], share[:, 2], color=COLOURS[name], alpha=0.22, linewidth=0)
        lower.plot(
            x[order], share[:, 0], color=COLOURS[name], linestyle=LINES[name], marker="o", markersize=2.5,
            label=_label(result, name),
        )  # fmt: skip
    lower.set_ylim(-0.02, 1.02)
    lower.yaxis.set_major_formatter(PercentFormatter(1.0))
    lower.set_ylabel("share of the rate")
    lower.set_xlabel(axis_label(curve.condition))
    lower.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, handlelength=2.2)
    for axes in (upper, lower):
        if wide:
            log_axis(axes.xaxis)
    upper.tick_params(labelbottom=False)


def _draw_rows(upper: Axes, lower: Axes, result: MechanismResult, scale: float, unit: str) -> None:
    from matplotlib.ticker import PercentFormatter

    measured, predicted = 1.0 / result.rate_per_ps / scale, 1.0 / result.predicted_per_ps / scale
    low = 0.7 * min(measured.min(), predicted[:, 0].min())
    high = 1.4 * max(measured.max(), predicted[:, 0].max())
    upper.plot([low, high], [low, high], color=GREY, linewidth=0.9, label="equal")
    spread = np.abs(predicted[:, [2, 1]].T - predicted[:, 0])
    upper.errorbar(
        predicted[:, 0], measured, xerr=spread, yerr=_errors(result, scale), fmt="o", markersize=3.5, color=BLACK,
        markerfacecolor="white", ecolor="#9a9a9a", linewidth=0.8, label="rows; bars: 90 % of a new measurement",
    )  # fmt: skip
    for axis in (upper.xaxis, upper.yaxis):
        log_axis(axis)
    upper.set(xlim=(low, high), ylim=(low, high))
    upper.set_xlabel(f"predicted spin lifetime ({unit})")
    upper.set_ylabel(f"measured ({unit})")
    upper.legend(loc="upper left")
    order = np.argsort(measured, kind="stable")
    bottom = np.zeros(len(order))
    for name in _shown(result):
        share = result.shares[name][order, 0]
        x = np.arange(1, len(order) + 1)
        lower.bar(x, share, bottom=bottom, width=0.9, color=COLOURS[name], label=_label(result, name))
        bottom += share
    lower.set_ylim(0, 1)
    lower.yaxis.set_major_formatter(PercentFormatter(1.0))
    lower.set_ylabel("share of the rate")
    lower.set_xlabel("rows, by rising lifetime")
    lower.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, handlelength=1.0)
