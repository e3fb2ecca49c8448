"""Figures of what a model uses: importance, directions with their doubts, curves, interactions."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from perospin import look as style
from perospin.descriptors.labels import axis_label, words
from perospin.learning.explanation.shapley import IN_SAMPLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from perospin.learning.explanation.shapley import ShapleyTable
    from perospin.studies.result import PartResult

MOST_CURVES = 6
MOST_SINGLE = 60
_LEAST_INTERACTION = 0.02
"""Interactions are drawn if the largest is at least this share of the mean |Shapley| sum."""


def _held_out(part: PartResult) -> ShapleyTable | None:
    return next((table for scheme, table in part.shapley.items() if scheme != IN_SAMPLE), None)


def importance(part: PartResult, space: str) -> Figure | None:
    """Mean |Shapley| in sample and out of fold, beside the drop in R2 of held-out rows without each player."""
    if not part.shapley:
        return None
    table = _held_out(part) or next(iter(part.shapley.values()))
    order = [table.feature_names[j] for j in np.argsort(-table.mean_abs(), kind="stable")]
    if not order:
        return None
    both = not part.importance.empty
    figure = Figure(figsize=(style.WIDE if both else style.COLUMN_INCHES + 1.4, 1.25 + 0.30 * len(order)))
    axes = np.atleast_1d(figure.subplots(1, 2 if both else 1, sharey=True))
    _shapley_bars(axes[0], part, order, space)
    if both:
        _drops(axes[1], part, order, space)
    axes[0].set_yticks(range(len(order)), [words(c, part.spec.labels) for c in order])
    axes[0].set_ylim(len(order) - 0.5, -0.5)
    for one in axes:
        one.tick_params(axis="y", length=0)
    return figure


def _shapley_bars(axes: Axes, part: PartResult, order: list[str], space: str) -> None:
    height = 0.8 / len(part.shapley)
    for k, (scheme, table) in enumerate(part.shapley.items()):
        fitted = scheme == IN_SAMPLE
        place = [i + (k - (len(part.shapley) - 1) / 2) * height for i in range(len(order))]
        index = [table.feature_names.index(c) for c in order]
        spread = table.mean_abs_spread()
        axes.barh(
            place,
            table.mean_abs()[index],
            height=height * 0.9,
            color=style.IN_SAMPLE if fitted else style.MODEL,
            alpha=0.85,
            xerr=None if spread is None else spread[index],
            error_kw={"ecolor": style.BLACK, "elinewidth": 0.8},
            label="in sample" if fitted else f"out of fold ({part.scheme_label(scheme)})",
        )
        if table.owen is not None:
            axes.scatter(
                np.abs(table.owen).mean(axis=0)[index],
                place,
                s=16,
                marker="D",
                facecolors="white",
                edgecolors=style.BLACK,
                linewidths=0.8,
                zorder=3,
                label="the same, as Owen values",
            )
    axes.set_xlabel("mean |Shapley value|\n" + textwrap.fill(f"({space})", 42), fontsize=8)
    axes.legend(loc="lower right", fontsize=6.5)


def _drops(axes: Axes, part: PartResult, order: list[str], space: str) -> None:
    table = part.importance.set_index("column")
    drop, low, high = (table.loc[order, c].to_numpy(dtype=float) for c in ("drop", "low", "high"))
    place = np.arange(len(order))
    axes.axvline(0, color=style.BLACK, linewidth=0.7)
    axes.errorbar(drop, place, xerr=[drop - low, high - drop], fmt="none", ecolor=style.MODEL, elinewidth=1.2)
    sure = low > 0
    axes.scatter(drop[sure], place[sure], s=22, color=style.MODEL, zorder=3)
    axes.scatter(drop[~sure], place[~sure], s=22, facecolors="white", edgecolors=style.MODEL, zorder=3)
    where = textwrap.fill(f"({space}, {table['scheme'].iloc[0]})", 42)
    axes.set_xlabel(f"drop in R² without it, 95 % interval\n{where}", fontsize=8)
    axes.grid(axis="x", color="#eeeeee", linewidth=0.7)
    axes.set_axisbelow(True)


def directions(part: PartResult, space: str) -> Figure | None:
    """Effect of each column with its interval: firm, weak or undecided, and what was claimed elsewhere."""
    table = part.directions_found
    if table.empty:
        return None
    names = list(dict.fromkeys(table["estimator"]))
    counts = [int((table["estimator"] == name).sum()) for name in names]
    figure = Figure(figsize=(style.WIDE, 0.5 + sum(0.7 + 0.19 * count for count in counts)))
    # Each model has its own scale: a wild one would squeeze the others to points.
    all_axes = np.atleast_1d(figure.subplots(len(names), 1, height_ratios=[c + 2.2 for c in counts]))
    claims = {claim.column: claim for claim in part.spec.claims if claim.column}
    for axes, name in zip(all_axes, names, strict=True):
        _effects(axes, part, table[table["estimator"] == name], claims)
        scheme = str(table.loc[table["estimator"] == name, "scheme"].iloc[0])
        r2 = float(table.loc[table["estimator"] == name, "r2"].iloc[0])
        told = f"R² {r2:.2f}".replace("-", "−")
        axes.set_title(f"{part.spec.title_of(str(name))} ({scheme}: {told})", fontsize=8)
    all_axes[-1].set_xlabel(
        f"change of {space} from a low to a high value of the descriptor, 95 % interval", fontsize=7.5
    )
    return figure


def _effects(axes: Axes, part: PartResult, mine: Any, claims: Any) -> None:
    axes.axvline(0, color=style.BLACK, linewidth=0.7)
    looks = {"yes": (style.MODEL, style.MODEL), "weakly": (style.MODEL, "white"), "no": (style.GREY, style.PALE)}
    widest = float(mine["change"].abs().max()) or 1.0
    for place, row in enumerate(mine.to_dict("records")):
        edge, face = looks[row["sure"]]
        low, high = (max(min(row[end], 4 * widest), -4 * widest) for end in ("low", "high"))
        if math.isfinite(row["change"]):
            axes.plot([low, high], [place, place], color=edge, linewidth=1.2, zorder=2)
            axes.scatter(row["change"], place, s=26, facecolors=face, edgecolors=edge, linewidths=1.0, zorder=3)
        claim = claims.get(row["column"])
        note = f"{row['folds_agree']:.0f} of {row['n_folds']:.0f} folds"
        axes.annotate(
            note, (1.01, place), xycoords=("axes fraction", "data"), fontsize=6.5, va="center", color=style.GREY
        )
        if claim is not None:
            at = 0.985 if claim.direction == "up" else 0.015
            axes.annotate(
                "claimed ▶" if claim.direction == "up" else "◀ claimed",
                (at, place),
                xycoords=("axes fraction", "data"),
                fontsize=6.5,
                ha="right" if claim.direction == "up" else "left",
                va="center",
                color=style.VERMILLION,
            )
    axes.set_yticks(range(len(mine)), [words(c, part.spec.labels) for c in mine["column"]], fontsize=7)
    axes.set_ylim(len(mine) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#eeeeee", linewidth=0.7)
    axes.set_axisbelow(True)


def dependence(part: PartResult, quantity: str) -> Figure | None:
    """Partial dependence with its error, and the single curves of held-out rows, of the columns that move most."""
    if part.curves.empty or part.directions_found.empty:
        return None
    explained = str(part.directions_found["estimator"].iloc[0])
    first = part.directions_found[part.directions_found["estimator"] == explained]
    columns = [str(c) for c in first["column"]][:MOST_CURVES]
    across = min(3, len(columns))
    down = -(-len(columns) // across)
    figure = Figure(figsize=(style.WIDE, 0.4 + 2.15 * down))
    all_axes = np.atleast_1d(figure.subplots(down, across, sharey=True)).ravel()
    for axes, column in zip(all_axes, columns, strict=False):
        _curve(axes, part, column)
    for axes in all_axes[len(columns) :]:
        axes.set_axis_off()
    for axes in all_axes[::across]:
        axes.set_ylabel(textwrap.fill("predicted " + quantity, 26), fontsize=7)
    return figure


def _curve(axes: Axes, part: PartResult, column: str) -> None:
    mean = part.curves[part.curves["column"] == column]
    single = part.single_curves[part.single_curves["column"] == column]
    table = single.pivot_table(index="row", columns="value", values="prediction", sort=True)
    rows = table.to_numpy(dtype=float)
    step = max(1, -(-len(rows) // MOST_SINGLE))
    grid = table.columns.to_numpy(dtype=float)
    for row in rows[::step]:
        axes.plot(grid, row, color=style.PALE, linewidth=0.5, zorder=1)
    x, middle, error = (mean[c].to_numpy(dtype=float) for c in ("value", "mean", "error"))
    known = np.isfinite(middle)
    band = 2 * np.where(np.isfinite(error), error, 0.0)
    few = len(x) <= 3
    if few:
        axes.errorbar(x[known], middle[known], band[known], fmt="o-", color=style.MODEL, markersize=4, linewidth=1.2)
    else:
        axes.fill_between(
            x[known],
            (middle - band)[known],
            (middle + band)[known],
            color=style.MODEL,
            alpha=0.22,
            linewidth=0,
            zorder=2,
        )
        axes.plot(x[known], middle[known], color=style.MODEL, linewidth=1.6, zorder=3)
    data = part.features[column].to_numpy(dtype=float) if column in part.features else x
    axes.plot(data, np.zeros(len(data)), "|", color=style.GREY, markersize=5, transform=axes.get_xaxis_transform())
    axes.set_xlabel(textwrap.fill(axis_label(column, part.spec.labels), 34), fontsize=7)
    axes.tick_params(labelsize=6.5)


def interactions(part: PartResult, space: str) -> Figure | None:
    """Mean |Shapley interaction| between players on held-out rows, if there is any to speak of."""
    table = _held_out(part)
    if table is None or table.interactions is None or len(table.feature_names) < 2:
        return None
    size = 2 * np.abs(table.interactions).mean(axis=0)  # both halves of a pair
    alone = np.abs(np.diagonal(table.interactions, axis1=1, axis2=2)).mean(axis=0)
    pairs = size - np.diag(np.diag(size))
    if pairs.max() < _LEAST_INTERACTION * float(table.mean_abs().sum()):
        return None
    n = len(table.feature_names)
    order = np.argsort(-table.mean_abs(), kind="stable")
    shown = np.where(np.triu(np.ones((n, n), dtype=bool), 1), np.nan, pairs[np.ix_(order, order)])
    shown[np.arange(n), np.arange(n)] = alone[order]
    figure = Figure(figsize=(min(style.WIDE, 2.4 + 0.42 * n) + 0.5, min(style.WIDE, 1.5 + 0.42 * n)))
    axes = figure.subplots()
    image = axes.imshow(shown, cmap="cividis_r", vmin=0)
    most = float(np.nanmax(shown)) or 1.0
    for i in range(n):
        for j in range(i + 1):
            axes.text(
                j,
                i,
                f"{shown[i, j]:.2f}",
                ha="center",
                va="center",
                fontsize=6.5,
                color="white" if shown[i, j] > 0.55 * most else style.BLACK,
            )
    labels = [words(table.feature_names[j], part.spec.labels) for j in order]
    axes.set_xticks(range(n), labels, rotation=45, ha="right", rotation_mode="anchor", fontsize=7)
    axes.set_yticks(range(n), labels, fontsize=7)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    bar = figure.colorbar(image, ax=axes, shrink=0.8, aspect=25, pad=0.02)
    bar.set_label(f"mean |interaction|; diagonal: alone\n({space}, {table.scheme})", fontsize=7)
    bar.outline.set_visible(False)
    return figure
