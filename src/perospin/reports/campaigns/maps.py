"""Drawings of what a campaign believes: slices, materials that differ in a word, maps of two or three choices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perospin import look
from perospin.text import shorten

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from perospin.navigation.campaign.maps import Belief, Levels, Map, Slice

__all__ = ["belief_figures"]

_COLOURS = "cividis"  # the same to all eyes, and in grey
_HEIGHT = float(np.sqrt(3.0) / 2.0)


def belief_figures(belief: Belief) -> Iterator[tuple[str, Figure]]:
    """Name in words and figure of each panel, one journal column wide."""
    for slice_ in belief.slices:
        yield f"along {slice_.column}", _slice(belief, slice_)
    if belief.map is not None:
        over = " and ".join(belief.map.columns)
        yield f"expected over {over}", _map(belief.map, belief.map.mean, belief.label, belief.log)
        told = "± 95 % (decades)" if belief.log else f"± 95 % of {belief.label}"
        yield f"uncertainty over {over}", _map(belief.map, belief.map.half, told, False)
    for levels in belief.levels:
        yield f"by {levels.choice}", _levels(belief, levels)


def _axes(height: float) -> tuple[Figure, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(look.COLUMN_INCHES, height))
    return figure, figure.subplots()


def _slice(belief: Belief, one: Slice) -> Figure:
    figure, axes = _axes(2.5)
    axes.fill_between(one.x, one.lower, one.upper, color=look.SKY, alpha=0.35, lw=0, label="95 % interval")
    axes.plot(one.x, one.mean, color=look.BLUE, label="expected")
    axes.plot(one.known_x, one.known_values, "o", color=look.GREY, ms=4, label="results")
    axes.set(xlabel=shorten(one.column, 40), ylabel=belief.label, yscale="log" if belief.log else "linear")
    handles, names = axes.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper left", ncols=3, columnspacing=1.0, handlelength=1.4)
    return figure


def _levels(belief: Belief, one: Levels) -> Figure:
    figure, axes = _axes(0.8 + 0.24 * len(one.names))
    places = np.arange(len(one.names))[::-1]
    axes.hlines(places, one.lower, one.upper, color=look.SKY, lw=4)
    axes.plot(one.mean, places, "o", color=look.BLUE, ms=4)
    axes.set_yticks(places, [shorten(name, 24) for name in one.names])
    axes.set(xlabel=f"{belief.label}, with its 95 % interval", xscale="log" if belief.log else "linear")
    axes.margins(y=0.08)
    return figure


def _map(one: Map, values: NDArray[np.float64], label: str, log: bool) -> Figure:
    from matplotlib.colors import LogNorm

    figure, axes = _axes(2.9)
    three = len(one.columns) == 3
    at, known = (_flat(points) if three else points for points in (one.points, one.known))
    norm = LogNorm() if log else None
    drawn = axes.tripcolor(at[:, 0], at[:, 1], values, shading="gouraud", cmap=_COLOURS, norm=norm, rasterized=True)
    axes.plot(known[:, 0], known[:, 1], "o", mfc="white", mec=look.BLACK, ms=4.5, mew=0.9, clip_on=False)
    figure.colorbar(drawn, ax=axes, label=label, shrink=0.9)
    if three:
        _corners(axes, one)
    else:
        axes.set(xlabel=shorten(one.columns[0], 30), ylabel=shorten(one.columns[1], 30))
    return figure


def _flat(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Three fractions as places in a triangle: the first at the lower left, the second at the lower right."""
    total = np.maximum(shares.sum(axis=1, keepdims=True), 1e-300)
    _, second, third = (shares / total).T
    return np.column_stack([second + 0.5 * third, _HEIGHT * third])


def _corners(axes: Any, one: Map) -> None:
    axes.plot([0, 1, 0.5, 0], [0, 0, _HEIGHT, 0], color="#555555", lw=0.7)
    first, second, third = (shorten(name.rpartition(":")[2], 22) for name in one.columns)
    axes.text(0.0, -0.03, first, ha="center", va="top")
    axes.text(1.0, -0.03, second, ha="center", va="top")
    axes.text(0.5, _HEIGHT + 0.03, third, ha="center", va="bottom")
    axes.set(aspect="equal", xlim=(-0.12, 1.12), ylim=(-0.12, _HEIGHT + 0.12))
    axes.axis("off")
