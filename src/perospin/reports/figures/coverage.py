"""Do the intervals hold what they promise? Observed against nominal coverage, and the intervals row by row."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from perospin import look as style
from perospin.reports.figures.common import wrapped

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from perospin.studies.result import PartResult

_SHOWN_LEVEL = 0.9
_COLOURS = (style.MODEL, style.GREEN, style.PINK, style.ORANGE)
_MARKERS = ("o", "s", "^", "D")


def coverage(part: PartResult, quantity: str) -> Figure | None:
    """Observed against nominal coverage with binomial bands, beside the nested intervals of all rows.

    Parameters
    ----------
    part : PartResult
    quantity : str
        Axis label of the target in the space of the models.
    """
    table = part.coverage
    if table.empty:
        return None
    figure = Figure(figsize=(style.WIDE, 3.25))
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.45))
    titles = {name: part.spec.title_of(str(name)) for name in table["estimator"]}
    against_nominal(left, table.assign(estimator=table["estimator"].map(titles)))
    left.set_title(str(table["scheme_label"].iloc[0]) + ", nested", fontsize=8)
    _row_by_row(right, part, quantity)
    return figure


def against_nominal(axes: Axes, table: pd.DataFrame) -> None:
    """Draw observed against nominal coverage (see `Coverage.to_frame`) on bands of what chance does."""
    from perospin.learning.intervals.coverage import binomial_band

    n_rows, n_groups = int(table["n_rows"].iloc[0]), int(table["n_groups"].iloc[0])
    fine = np.linspace(0.02, 0.995, 118)
    if n_groups < n_rows:
        low, high = binomial_band(fine, n_groups)
        label = f"95 % by chance, {n_groups} groups"
        axes.fill_between(100 * fine, 100 * low, 100 * high, color="#ececec", linewidth=0, label=label)
    low, high = binomial_band(fine, n_rows)
    label = f"95 % by chance, {n_rows} rows"
    axes.fill_between(100 * fine, 100 * low, 100 * high, color=style.PALE, linewidth=0, label=label)
    axes.plot([0, 100], [0, 100], color=style.GREY, linewidth=0.8, linestyle="--")
    for place, name in enumerate(dict.fromkeys(table["estimator"])):
        mine = table[table["estimator"] == name]
        colour, marker = _COLOURS[place % len(_COLOURS)], _MARKERS[place % len(_MARKERS)]
        title = textwrap.fill(str(name), 30)
        x = 100 * mine["level"].to_numpy(dtype=float)
        axes.plot(
            x,
            100 * mine["coverage"].to_numpy(dtype=float),
            color=colour,
            marker=marker,
            markersize=4.5,
            linewidth=1,
            label=f"{title}: rows",
        )
        if n_groups < n_rows:
            axes.plot(
                x,
                100 * mine["coverage_by_group"].to_numpy(dtype=float),
                color=colour,
                marker=marker,
                markersize=4.5,
                markerfacecolor="white",
                linewidth=1,
                linestyle=":",
                label=f"{title}: mean over groups",
            )
    lowest = 100 * float(table["level"].min()) - 8
    axes.set_xlim(lowest, 100)
    axes.set_ylim(min(lowest, 100 * float(table[["coverage", "coverage_by_group"]].min().min()) - 4), 101)
    axes.set_xlabel("nominal coverage (%)")
    axes.set_ylabel("observed coverage (%)")
    legend = axes.legend(loc="lower right", fontsize=6.5, handlelength=1.6, borderpad=0.4, labelspacing=0.35)
    legend.set_frame_on(True)  # it lies on the bands
    legend.get_frame().set(facecolor="white", edgecolor="none", alpha=0.9)


def _row_by_row(axes: Axes, part: PartResult, quantity: str) -> None:
    """Nested intervals of one level, rows in the order of what was found."""
    every = part.nested_intervals
    name = str(every["estimator"].iloc[0])
    levels = np.unique(every["level"].to_numpy(dtype=float))
    level = float(levels[np.argmin(np.abs(levels - _SHOWN_LEVEL))])
    mine = every[(every["estimator"] == name) & (every["level"] == level)].sort_values("y_true", kind="stable")
    y, low, high = (mine[c].to_numpy(dtype=float) for c in ("y_true", "low", "high"))
    inside = (low <= y) & (y <= high)
    span = float(np.ptp(y)) or 1.0
    bottom, top = float(y.min()) - 0.45 * span, float(y.max()) + 0.45 * span
    for covered, colour, zorder in ((True, style.SKY, 1), (False, style.VERMILLION, 2)):
        chosen = np.flatnonzero(inside == covered)
        axes.vlines(
            chosen,
            np.clip(low[chosen], bottom, top),
            np.clip(high[chosen], bottom, top),
            color=colour,
            linewidth=1.6 if len(y) < 90 else 0.8,
            zorder=zorder,
        )
    axes.scatter(np.arange(len(y)), y, s=9 if len(y) < 90 else 4, color=style.BLACK, linewidths=0, zorder=3)
    axes.set_ylim(bottom, top)
    axes.margins(x=0.02)
    axes.set_xticks([])
    axes.set_xlabel(f"{len(y)} held-out rows, in the order of what was {part.spec.target.obtained}")
    axes.set_ylabel(wrapped(quantity, 32))
    missed = int((~inside).sum())
    told = f"{100 * level:.0f} % intervals, {missed} of {len(y)} rows outside"
    axes.set_title(textwrap.fill(f"{part.spec.title_of(name)}: {told}", 50), fontsize=8)
