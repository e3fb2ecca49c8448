"""Figures of how far the scores can be trusted: learning curve, shuffled targets, pairs of models, seeds.

No figure shows an R2 without the scheme it was computed under.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from perospin import look as style
from perospin.digits import number

if TYPE_CHECKING:
    from perospin.studies.result import PartResult

LOWEST_R2 = -1.0


def learning_curve(part: PartResult, space: str) -> Figure | None:
    """Held-out R2 against the number of training rows, with intervals, and where the curve leads if that can be told.

    Parameters
    ----------
    part : PartResult
    space : str
        What R2 is computed of, in words.
    """
    table = part.learning_curve
    if table.empty:
        return None
    figure = Figure(figsize=(style.COLUMN_INCHES + 1.2, 3.1))
    axes = figure.subplots()
    names = list(dict.fromkeys(table["estimator"]))
    colours = iter((style.MODEL, style.GREEN, style.PINK, style.ORANGE, style.SKY))
    fits = {} if part.curve_fits.empty else part.curve_fits.set_index("estimator").to_dict("index")
    last = int(table["n_train"].max())
    for name in names:
        curve = table[table["estimator"] == name]
        base = name == part.spec.baseline
        colour = style.BASELINE if base else next(colours, style.BLACK)
        size = curve["n_train"].to_numpy(dtype=float)
        if "low" in curve:
            low, high = (curve[c].to_numpy(dtype=float).clip(min=LOWEST_R2) for c in ("low", "high"))
            axes.fill_between(size, low, high, color=colour, alpha=0.16, linewidth=0)
        axes.plot(
            size,
            curve["r2"].clip(lower=LOWEST_R2),
            marker="o",
            markersize=3.5,
            color=colour,
            linestyle="--" if base else "-",
            label=part.spec.title_of(str(name)),
        )
        fit = fits.get(name)
        if fit and fit["status"] == "extrapolated":
            end = curve["r2"].iloc[-1]
            axes.plot([size[-1], 2 * last], [end, fit["twice"]], color=colour, linestyle=":", linewidth=1.2)
            axes.errorbar(
                2 * last,
                fit["twice"],
                [[fit["twice"] - fit["twice_low"]], [fit["twice_high"] - fit["twice"]]],
                fmt="D",
                markersize=3.5,
                color=colour,
                capsize=2,
            )
            axes.axhspan(fit["plateau_low"], fit["plateau_high"], xmin=0.96, color=colour, alpha=0.35, linewidth=0)
    repeats = part.spec.checks.learning_curve.n_repeats if part.spec.checks.learning_curve else 0
    axes.axhline(0, color=style.PALE, linewidth=0.8, zorder=0)
    axes.set_xlabel("number of training rows")
    axes.set_ylabel(f"R² of {space},\nheld-out rows, pooled over {repeats} draws", fontsize=7.5)
    axes.legend(loc="lower right")
    return figure


def scrambling(part: PartResult, space: str) -> Figure | None:
    """R2 with the target shuffled, many times, beside R2 with the target as it is."""
    table = part.scrambles
    if table.empty:
        return None
    r2 = table["r2"].to_numpy(dtype=float)
    observed, null = r2[0], r2[1:][np.isfinite(r2[1:])]
    if not null.size:
        return None
    name = part.spec.title_of(str(table["estimator"].iloc[0]))
    figure = Figure(figsize=(style.COLUMN_INCHES + 1.2, 2.7))
    axes = figure.subplots()
    low = max(LOWEST_R2, min(float(null.min()), observed) - 0.05)
    shown = np.clip(null, low, None)
    if len(null) < 30:
        axes.plot(shown, np.zeros(len(shown)), "|", color=style.GREY, markersize=18, label=f"{len(null)} shuffles")
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
    else:
        axes.hist(shown, bins=24, color=style.GREY, alpha=0.45, label=f"{len(null)} shuffles of the target")
        axes.set_ylabel("number of shuffles")
    axes.axvline(max(observed, low), color=style.MODEL, linewidth=1.8, label=f"target as it is: {number(observed)}")
    axes.axvline(0, color=style.PALE, linewidth=0.8, zorder=0)
    axes.set_xlabel(textwrap.fill(f"R² of {space}, {table['scheme_label'].iloc[0]}", 52))
    axes.set_title(f"{textwrap.fill(name, 34)}: p = {float(table['p'].iloc[0]):.3g}", fontsize=8.5)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.32), ncols=2)
    return figure


def pairs(part: PartResult, space: str) -> Figure | None:
    """Gain in R2 of the estimator of each row over that of each column, under the scheme of the verdict."""
    table = part.pairs
    table = table[table["scheme"] == part.spec.verdict.scheme] if len(table) else table
    if len(table) < 3:
        return None
    names = list(dict.fromkeys([*table["better"], *table["worse"]]))
    place = {name: i for i, name in enumerate(names)}
    gain = np.full((len(names), len(names)), np.nan)
    mark = {}
    for row in table.to_dict("records"):
        i, j = place[row["better"]], place[row["worse"]]
        gain[i, j], gain[j, i] = row["gain"], -row["gain"]
        mark[i, j] = mark[j, i] = "●" if row["p_holm"] < 0.05 else "○" if row["p"] < 0.05 else ""
    n = len(names)
    figure = Figure(figsize=(min(style.WIDE, 2.9 + 0.36 * n), 1.5 + 0.30 * n))
    axes = figure.subplots()
    reach = 0.5
    image = axes.imshow(np.clip(gain, -reach, reach), cmap="PuOr_r", vmin=-reach, vmax=reach, aspect="auto")
    for i in range(n):
        for j in range(n):
            if i == j:
                continue
            value = gain[i, j]
            text = "—" if not np.isfinite(value) else ("+" if value > 0 else "−") + f"{min(abs(value), 9.99):.2f}"
            colour = "white" if np.isfinite(value) and abs(value) > 0.32 else style.BLACK
            axes.text(j, i, text + mark.get((i, j), ""), ha="center", va="center", fontsize=6.5, color=colour)
    titles = [textwrap.fill(part.spec.title_of(str(name)), 26) for name in names]
    axes.set_yticks(range(n), titles, fontsize=6.5)
    axes.set_xticks(range(n), titles, fontsize=6.5, rotation=90)  # slanted, long titles would cross
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    bar = figure.colorbar(image, ax=axes, shrink=0.7, extend="both")
    bar.set_label(f"gain in R² of {space}\nof the row over the column", fontsize=7)
    bar.outline.set_visible(False)
    axes.set_title(f"{part.scheme_label(part.spec.verdict.scheme)}, {table['method'].iloc[0]}", fontsize=8)
    return figure


def seeds(part: PartResult, space: str) -> Figure | None:
    """R2 of the same model with other seeds."""
    table = part.seeds
    if table.empty:
        return None
    names = list(dict.fromkeys(table["estimator"]))
    figure = Figure(figsize=(style.COLUMN_INCHES + 1.2, 1.2 + 0.3 * len(names)))
    axes = figure.subplots()
    for place, name in enumerate(names):
        r2 = table.loc[table["estimator"] == name, "r2"].to_numpy(dtype=float)
        axes.plot([r2.min(), r2.max()], [place, place], color=style.PALE, linewidth=3, solid_capstyle="round", zorder=1)
        axes.plot(r2, np.full(len(r2), place), "o", markersize=4, color=style.MODEL, alpha=0.7)
    base = part.score(part.spec.baseline, str(table["scheme"].iloc[0]))
    if base:
        title = part.spec.title_of(part.spec.baseline)
        axes.axvline(base["r2"], color=style.BASELINE, linestyle="--", linewidth=1, label=title)
        figure.legend(loc="outside lower center")  # below the label of the axis, never over it
    axes.set_yticks(range(len(names)), [textwrap.fill(part.spec.title_of(str(n)), 26) for n in names], fontsize=7)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    count = table.groupby("estimator")["seed"].nunique().max()
    axes.set_xlabel(textwrap.fill(f"R² of {space}, {table['scheme_label'].iloc[0]}, {count} seeds", 52))
    return figure
