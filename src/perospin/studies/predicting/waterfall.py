"""One prediction as a waterfall: from the average of the training rows, column by column, to the predicted value."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import matplotlib
from matplotlib.figure import Figure

from perospin import look as style
from perospin.descriptors.labels import words
from perospin.digits import signed

if TYPE_CHECKING:
    from perospin.studies.predicting.prediction import Prediction

MOST_BARS = 9
"""Smaller contributions are drawn together as one bar."""


def waterfall(prediction: Prediction) -> Figure:
    """Draw the contributions to one prediction, its interval, and the nearest known materials' values."""
    with matplotlib.rc_context(style.RC):
        return _draw(prediction)


def _draw(prediction: Prediction) -> Figure:
    logarithmic = prediction.space.startswith("log₁₀")
    bars = steps(prediction)
    total = prediction.base + sum(value for _, value in bars)
    figure = Figure(figsize=(style.COLUMN_INCHES + 2.0, 1.75 + 0.27 * (len(bars) + 2)))
    axes = figure.subplots()
    at = prediction.base
    for place, (_, value) in enumerate(bars, start=1):
        colour = style.VERMILLION if value > 0 else style.BLUE
        axes.barh(place, value, left=at, height=0.62, color=colour, alpha=0.85, linewidth=0)
        axes.plot([at, at], [place - 0.9, place + 0.31], color=style.GREY, linewidth=0.6)
        axes.annotate(
            signed(value),
            (max(at, at + value), place),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize=6.5,
            color=style.GREY,
        )
        at += value
    last = len(bars) + 1
    axes.plot([at, at], [last - 0.69, last], color=style.GREY, linewidth=0.6)
    axes.scatter([prediction.base], [0], color=style.BLACK, s=18, marker="|", linewidths=1.6, zorder=3)
    low, high = (_forward(end, logarithmic) for end in (prediction.low, prediction.high))
    if math.isfinite(low) and math.isfinite(high):
        axes.plot([low, high], [last, last], color=style.BLACK, linewidth=1.4, solid_capstyle="butt", zorder=2)
    axes.scatter([total], [last], color=style.BLACK, s=26, zorder=3)
    known = [_forward(near.value, logarithmic) for near in prediction.nearest]
    axes.scatter(known, [last + 0.55] * len(known), color=style.GREY, s=14, marker="^", linewidths=0, zorder=3)
    level = f"{100 * prediction.level:.0f} %"
    labels = ["average of the training rows", *(name for name, _ in bars), f"prediction and {level} interval"]
    axes.set_yticks(range(len(labels)), labels, fontsize=7.5)
    if known:
        axes.annotate(
            f"▲ nearest known, {prediction.obtained}",
            (0, last + 0.55),
            xycoords=("axes fraction", "data"),
            xytext=(-4, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=6.5,
            color=style.GREY,
        )
    axes.set_ylim(last + 1.0, -0.7)
    axes.margins(x=0.12)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#eeeeee", linewidth=0.7)
    axes.set_axisbelow(True)
    unit = f" / {prediction.unit}" if prediction.unit else ""
    axes.set_xlabel(f"log₁₀ {prediction.quantity}{unit}" if logarithmic else f"{prediction.quantity}{unit}")
    if logarithmic:
        _second_scale(axes, prediction)
    shown = f"{prediction.value:.3g} {prediction.unit}".strip()
    axes.set_title(f"{prediction.title}: {shown}", pad=6)
    if not prediction.in_domain:
        figure.text(0.99, 0.005, "out of domain", ha="right", va="bottom", fontsize=7, color=style.VERMILLION)
    return figure


def _second_scale(axes: Any, prediction: Prediction) -> None:
    """Repeat the axis in the original unit, on top."""
    top = axes.secondary_xaxis("top", functions=(lambda x: x, lambda x: x))
    low, high = axes.get_xlim()
    decades = [d for d in range(math.floor(low), math.ceil(high) + 1) if low <= d <= high]
    marks = decades if len(decades) > 1 else [math.log10(v) for v in _round_values(low, high)]
    top.set_xticks(marks, [f"{10**mark:.3g}" for mark in marks])
    top.tick_params(labelsize=6.5, colors=style.GREY)
    top.set_xlabel(prediction.unit or prediction.quantity, fontsize=6.5, color=style.GREY)


def _round_values(low: float, high: float) -> list[float]:
    found = [m * 10.0**e for e in range(math.floor(low) - 1, math.ceil(high) + 1) for m in (1, 2, 5)]
    return [value for value in found if low <= math.log10(value) <= high]


def steps(prediction: Prediction) -> list[tuple[str, float]]:
    """Give the contributions in words, largest first; what is left over as one."""
    items = [(words(name), value) for name, value in prediction.contributions.items()]
    if len(items) <= MOST_BARS + 1:
        return items
    rest = items[MOST_BARS:]
    return [*items[:MOST_BARS], (f"{len(rest)} others", sum(value for _, value in rest))]


def _forward(value: float, logarithmic: bool) -> float:
    if not logarithmic:
        return value
    return math.log10(value) if value > 0 else -math.inf
