"""Shapley values: beeswarm and radar."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from perospin import look as style
from perospin.descriptors.labels import words
from perospin.learning.explanation.shapley import IN_SAMPLE
from perospin.reports.figures.common import space

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from perospin.learning.explanation.shapley import ShapleyTable
    from perospin.studies.result import PartResult


def _tables(part: PartResult) -> list[tuple[str, ShapleyTable, str]]:
    """(title, table, colour) of the in-sample and the out-of-fold explanation."""
    found = []
    for scheme, table in part.shapley.items():
        fitted = scheme == IN_SAMPLE
        title = "in sample" if fitted else f"out of fold ({part.scheme_label(scheme)})"
        found.append((title, table, style.IN_SAMPLE if fitted else style.MODEL))
    return found


def _order(part: PartResult) -> list[str]:
    """Features by mean |Shapley| out of fold (in sample if there is no other), largest first."""
    tables = _tables(part)
    table = next((t for title, t, _ in tables if title != "in sample"), tables[0][1])
    return [table.feature_names[j] for j in np.argsort(-table.mean_abs(), kind="stable")]


def beeswarm(part: PartResult) -> Figure | None:
    """Shapley values of every row, coloured by the value of the feature."""
    tables = _tables(part)
    if not tables:
        return None
    order = _order(part)[:14]
    figure = Figure(figsize=(style.WIDE, 1.25 + 0.30 * len(order)))
    all_axes = np.atleast_1d(figure.subplots(1, len(tables), sharey=True, sharex=True))
    map_ = matplotlib.colormaps["cividis"]
    for axes, (title, table, colour) in zip(all_axes, tables, strict=True):
        axes.axvline(0, color=style.BLACK, linewidth=0.7, zorder=1)
        for place, name in enumerate(order):
            j = table.feature_names.index(name)
            x = table.values[:, j]
            rank = _unit_interval(_colour_values(part, table, name))
            axes.scatter(
                x,
                place + _swarm(x),
                s=11,
                c=[map_(r) if math.isfinite(r) else (0.7, 0.7, 0.7, 1) for r in rank],
                linewidths=0,
                zorder=3,
            )
        axes.set_title(title, color=colour)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", color="#f0f0f0")
        axes.spines["left"].set_visible(False)
    figure.supxlabel(f"Shapley value (change of {space(part)})", fontsize="medium")
    all_axes[0].set_yticks(range(len(order)), [words(c, part.spec.labels) for c in order])
    all_axes[0].set_ylim(len(order) - 0.5, -0.5)
    scale = matplotlib.cm.ScalarMappable(cmap=map_)
    bar = figure.colorbar(scale, ax=list(all_axes), shrink=0.7, aspect=30, pad=0.01, ticks=[0, 1])
    bar.ax.set_yticklabels(["low", "high"])
    bar.set_label("value of the descriptor", fontsize=7.5, labelpad=2)
    bar.outline.set_visible(False)
    return figure


def _colour_values(part: PartResult, table: ShapleyTable, name: str) -> NDArray[np.float64]:
    """Values that colour a player: its column, or the first column of its group."""
    players = (part.spec.explain.players or {}) if part.spec.explain else {}
    lead = players.get(name, [name])[0]
    if lead in part.spec.data.categories:
        return np.full(len(table.rows), np.nan)  # words have no low and high
    if lead in part.features:
        return part.features[lead].to_numpy(dtype=float)[table.rows]
    return np.asarray(table.data[:, table.feature_names.index(name)])


def _unit_interval(values: NDArray[np.float64]) -> NDArray[np.float64]:
    known = values[np.isfinite(values)]
    if known.size == 0 or np.ptp(known) == 0:
        return np.where(np.isfinite(values), 0.5, np.nan)
    return np.asarray((values - known.min()) / np.ptp(known))


def _swarm(x: NDArray[np.float64], half_height: float = 0.36) -> NDArray[np.float64]:
    """Vertical offsets that spread points which would overlap; the same every time."""
    span = float(np.ptp(x)) or 1.0
    bins = np.round(x / (span / 60)).astype(int)
    offset = np.zeros(len(x))
    for level in np.unique(bins):
        members = np.flatnonzero(bins == level)
        steps = np.arange(len(members))
        offset[members] = np.where(steps % 2, 1, -1) * ((steps + 1) // 2)
    widest = max(float(np.abs(offset).max()), 4.0)
    return np.asarray(offset / widest * half_height)


def radar(part: PartResult) -> Figure | None:
    """Share of each feature in the total mean |Shapley|, in sample and out of fold."""
    tables = _tables(part)
    if not tables or len(tables[0][1].feature_names) < 3:
        return None
    order = list(tables[0][1].feature_names)
    angles = np.linspace(0, 2 * np.pi, len(order), endpoint=False)
    closed = np.append(angles, angles[0])
    figure = Figure(figsize=(style.COLUMN_INCHES + 1.4, style.COLUMN_INCHES + 0.9))
    axes: Any = figure.add_subplot(projection="polar")
    axes.set_theta_offset(np.pi / 2)
    axes.set_theta_direction(-1)
    for title, table, colour in tables:
        sizes = np.array([table.mean_abs()[table.feature_names.index(c)] for c in order])
        share = 100 * sizes / sizes.sum() if sizes.sum() else sizes
        axes.plot(closed, np.append(share, share[0]), color=colour, label=title)
        axes.fill(closed, np.append(share, share[0]), color=colour, alpha=0.12)
    axes.set_xticks(angles, [words(c, part.spec.labels).replace(" ", "\n", 1) for c in order], fontsize=7)
    axes.tick_params(axis="x", pad=6)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0f} %")
    axes.tick_params(axis="y", labelsize=6, colors=style.GREY)
    axes.set_rlabel_position(180 / len(order))
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.spines["polar"].set_visible(False)
    figure.legend(loc="outside lower center", ncols=2)
    return figure
