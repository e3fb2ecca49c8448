"""The figures of a report. Each function draws one and returns a matplotlib Figure, or None if it has no data.

No figure shows an R2 without the scheme it was computed under.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from perospin.learning.dataset import inverse
from perospin.learning.report import style
from perospin.learning.report.coverage_figures import coverage
from perospin.learning.report.formula_figures import formula_front
from perospin.learning.report.insight_figures import dependence, directions, importance, interactions
from perospin.learning.report.labels import words
from perospin.learning.report.text import number
from perospin.learning.report.validation_figures import learning_curve, pairs, scrambling, seeds
from perospin.learning.result import IN_SAMPLE

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from perospin.learning.explain import ShapleyTable
    from perospin.learning.result import PartResult

LOWEST_R2 = -1.0
"""Scores below this are drawn at the edge with their value beside them."""


def draw_all(part: PartResult) -> dict[str, Figure]:
    """Draw every figure the part has data for, by file name, in the order of the report."""
    drawers: dict[str, Callable[[PartResult], Figure | None]] = {
        "overview": overview,
        "parity": parity,
        "parity-log": parity_log,
        "residuals": residuals,
        "splits": split_lottery,
        "grid": grid_scatter,
        "learning-curve": lambda part: learning_curve(part, space(part)),
        "scrambling": lambda part: scrambling(part, space(part)),
        "pairs": lambda part: pairs(part, space(part)),
        "seeds": lambda part: seeds(part, space(part)),
        "pearson": pearson,
        "coverage": lambda part: coverage(part, quantity(part, transformed=True)),
        "beeswarm": beeswarm,
        "importance": lambda part: importance(part, space(part)),
        "radar": radar,
        "directions": lambda part: directions(part, space(part)),
        "dependence": lambda part: dependence(part, quantity(part, transformed=True)),
        "interactions": lambda part: interactions(part, space(part)),
        "formulas": lambda part: formula_front(part, space(part)),
    }
    figures = {}
    with matplotlib.rc_context(style.RC):
        for name, draw in drawers.items():
            figure = draw(part)
            if figure is not None:
                figures[name] = figure
    return figures


def quantity(part: PartResult, *, transformed: bool = False) -> str:
    """Axis label of the target, in its original unit or in the space of the models."""
    target = part.spec.target
    unit = f" ({target.unit})" if target.unit else ""
    if transformed and target.transform == "log10":
        return f"log₁₀ {target.quantity}{' / ' + target.unit if target.unit else ''}"
    return f"{target.quantity}{unit}"


def in_sample_scheme(part: PartResult) -> str | None:
    """Name of the in-sample scheme, if the part has one."""
    return next((s.key for s in part.spec.schemes if s.kind == "in_sample"), None)


def space(part: PartResult) -> str:
    """Say in words what R2 is computed of."""
    target = part.spec.target
    return f"log₁₀ {target.quantity}" if target.transform == "log10" else target.quantity


# --- scores ------------------------------------------------------------------------------------------------


def overview(part: PartResult) -> Figure:
    """R2 of every estimator under every scheme, with the baseline and the noise ceiling."""
    schemes = [s.key for s in part.spec.schemes if s.key in set(part.scores["scheme"])]
    names = [n for n in part.spec.estimator_names() if n in set(part.scores["estimator"])]
    figure = Figure(figsize=(style.WIDE, 1.3 + 0.30 * len(names)))
    axes = figure.subplots()
    honest = 0
    for scheme in schemes:
        scores = part.scores[part.scores["scheme"] == scheme].set_index("estimator")
        fitted = bool(scores["in_sample"].iloc[0])
        colour = style.IN_SAMPLE if fitted else style.SCHEME_COLOURS[honest % len(style.SCHEME_COLOURS)]
        marker = "x" if fitted else style.SCHEME_MARKERS[honest % len(style.SCHEME_MARKERS)]
        honest += not fitted
        shift = (schemes.index(scheme) - (len(schemes) - 1) / 2) * 0.11
        r2_of = scores["r2"].to_dict()
        shown = [(i, float(r2_of[n])) for i, n in enumerate(names) if n in r2_of]
        axes.scatter(
            [max(r2, LOWEST_R2) for _, r2 in shown],
            [i + shift for i, _ in shown],
            s=26,
            marker=marker,
            color=colour,
            linewidths=1.4 if fitted else 0,
            label=part.scheme_label(scheme),
            zorder=3,
        )
        for i, r2 in shown:
            if r2 < LOWEST_R2:
                axes.annotate(
                    number(r2, 1),
                    (LOWEST_R2, i + shift),
                    xytext=(-5, 0),
                    textcoords="offset points",
                    ha="right",
                    va="center",
                    fontsize=6.5,
                    color=colour,
                )
    base = part.score(part.spec.baseline, part.spec.verdict.scheme)
    if base:
        axes.axvline(base["r2"], color=style.BASELINE, linewidth=1, linestyle="--", zorder=1)
        axes.annotate(
            f"{part.spec.title_of(part.spec.baseline)}, {part.scheme_label(part.spec.verdict.scheme)}",
            (base["r2"], -0.75),
            xytext=(-4, 0),
            textcoords="offset points",
            fontsize=7,
            color=style.GREY,
            ha="right",
            va="center",
        )
    ceiling = part.noise.get("ceiling_r2")
    if ceiling:
        axes.axvspan(ceiling, 1.02, color=style.PALE, alpha=0.7, linewidth=0, zorder=0)
        axes.annotate(
            "noise",
            (1.02, -0.75),
            xytext=(-1, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=7,
            color=style.GREY,
        )
    axes.set_yticks(range(len(names)), [part.spec.title_of(n) for n in names], fontsize=8)
    for label, name in zip(axes.get_yticklabels(), names, strict=True):
        if name == part.spec.verdict.estimator:
            label.set_fontweight("bold")
    axes.set_ylim(len(names) - 0.4, -1.1)
    lowest = max(LOWEST_R2, min(0.0, float(part.scores["r2"].min())))
    axes.set_xlim(lowest - 0.12, 1.03)
    axes.set_xlabel(f"R² of {space(part)} (the scheme of each point is in the legend)")
    axes.grid(axis="x", color="#eeeeee", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    figure.legend(loc="outside lower center", ncols=min(3, len(schemes)), handletextpad=0.3, columnspacing=1.4)
    return figure


def _panels(part: PartResult) -> list[tuple[str, str]]:
    """(estimator, scheme) of the parity panels: the baseline, the model, and the model in sample."""
    verdict = part.spec.verdict
    pairs = [(part.spec.baseline, verdict.scheme), (verdict.estimator, verdict.scheme)]
    fitted = in_sample_scheme(part)
    if fitted:
        pairs.append((verdict.estimator, fitted))
    return [pair for pair in dict.fromkeys(pairs) if part.score(*pair)]


def _caption(part: PartResult, estimator: str, scheme: str) -> str:
    score = part.score(estimator, scheme) or {}
    text = f"{part.scheme_label(scheme)}\n"
    if part.spec.target.transform == "log10":
        text += f"R² {number(score['r2'])} (log₁₀), {number(score['r2_original'])} (linear)"
    else:
        text += f"R² {number(score['r2'])}"
    return text


def _title(part: PartResult, estimator: str) -> str:
    return textwrap.fill(part.spec.title_of(estimator), 30)


def _panel_height(part: PartResult, panels: list[tuple[str, str]]) -> float:
    """Height in inches of a row of three square panels, with room for titles of several lines."""
    lines = max(_title(part, estimator).count("\n") for estimator, _ in panels)
    return 0.6 + style.WIDE / 3 + 0.2 * lines


def _colour(part: PartResult, estimator: str, scheme: str) -> str:
    if bool((part.score(estimator, scheme) or {}).get("in_sample")):
        return style.IN_SAMPLE
    return style.BASELINE if estimator == part.spec.baseline else style.MODEL


def _dots(axes: Axes, frame: pd.DataFrame, x: Any, y: Any, colour: str, size: float = 20) -> None:
    certain = frame["certain"].to_numpy(dtype=bool)
    axes.scatter(x[certain], y[certain], s=size, color=colour, alpha=0.75, linewidths=0, zorder=3)
    axes.scatter(x[~certain], y[~certain], s=size, facecolors="none", edgecolors=colour, linewidths=1, zorder=3)


def parity(part: PartResult) -> Figure | None:
    """Predicted against measured in the original unit, with an inset for the low range."""
    panels = _panels(part)
    figure = Figure(figsize=(style.WIDE, _panel_height(part, panels)))
    all_axes = np.atleast_1d(figure.subplots(1, len(panels), sharex=True, sharey=True))
    transform = part.spec.target.transform
    values = part.rows["target"].to_numpy(dtype=float)
    low, high = min(0.0, float(values.min())), float(values.max()) * 1.06
    limit = part.spec.target.low_range
    for axes, (estimator, scheme) in zip(all_axes, panels, strict=True):
        frame = part.predicted(estimator, scheme)
        x = inverse(frame["y_true"].to_numpy(), transform)
        y = inverse(frame["y_pred"].to_numpy(), transform)
        colour = _colour(part, estimator, scheme)
        axes.plot([low, high], [low, high], color=style.BLACK, linewidth=0.8, zorder=2)
        _dots(axes, frame, x, np.clip(y, low - 0.04 * high, high), colour)
        axes.set_title(_title(part, estimator), color=colour, pad=22, fontsize=8.5)
        axes.text(0, 1.015, _caption(part, estimator, scheme), transform=axes.transAxes, fontsize=7, va="bottom")
        axes.set_xlim(low, high)
        axes.set_ylim(low - 0.05 * high if (y < low).any() else low, high)
        axes.set_aspect("equal", adjustable="box")
        axes.set_xlabel(part.spec.target.obtained + " " + quantity(part), fontsize=7.5)
        if limit:
            inset = axes.inset_axes(_free_corner(x / high, np.clip(y, low, high) / high))
            inset.plot([0, limit], [0, limit], color=style.BLACK, linewidth=0.6, zorder=2)
            near = x <= limit
            _dots(inset, frame[near], x[near], np.clip(y[near], 0, limit), colour, size=8)
            inset.set_xlim(0, limit)
            inset.set_ylim(0, limit * 1.02)
            inset.tick_params(labelsize=5.5, length=2, pad=1)
            inset.set_title(f"below {limit:g}", fontsize=6, fontweight="normal", pad=2, loc="center")
            for spine in inset.spines.values():
                spine.set_visible(True)
                spine.set_linewidth(0.5)
    all_axes[0].set_ylabel("predicted " + quantity(part), fontsize=7.5)
    return figure


def _free_corner(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """Place of the inset: above or below the diagonal, wherever it hides fewer points (coordinates from 0 to 1)."""
    above, below = (0.15, 0.55, 0.38, 0.38), (0.58, 0.10, 0.38, 0.38)

    def hidden(box: tuple[float, float, float, float]) -> int:
        left, bottom, width, height = box
        inside = (x > left - 0.08) & (x < left + width + 0.03) & (y > bottom - 0.08) & (y < bottom + height + 0.06)
        return int(inside.sum())

    return above if hidden(above) <= hidden(below) else below


def parity_log(part: PartResult) -> Figure | None:
    """Predicted against measured on logarithmic axes, with the band of a factor 2."""
    if part.spec.target.transform != "log10":
        return None
    panels = _panels(part)
    figure = Figure(figsize=(style.WIDE, _panel_height(part, panels)))
    all_axes = np.atleast_1d(figure.subplots(1, len(panels), sharex=True, sharey=True))
    values = part.rows["target"].to_numpy(dtype=float)
    low, high = float(values.min()) / 1.6, float(values.max()) * 1.6
    for axes, (estimator, scheme) in zip(all_axes, panels, strict=True):
        frame = part.predicted(estimator, scheme)
        x, y = 10.0 ** frame["y_true"].to_numpy(), 10.0 ** frame["y_pred"].to_numpy()
        colour = _colour(part, estimator, scheme)
        line = np.array([low, high])
        axes.fill_between(line, line / 2, line * 2, color=style.PALE, alpha=0.55, linewidth=0, zorder=0)
        axes.plot(line, line, color=style.BLACK, linewidth=0.8, zorder=2)
        _dots(axes, frame, x, np.clip(y, low, high), colour)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlim(low, high)
        axes.set_ylim(low, high)
        axes.set_aspect("equal", adjustable="box")
        axes.set_title(_title(part, estimator), color=colour, pad=22, fontsize=8.5)
        axes.text(0, 1.015, _caption(part, estimator, scheme), transform=axes.transAxes, fontsize=7, va="bottom")
        axes.set_xlabel(part.spec.target.obtained + " " + quantity(part), fontsize=7.5)
        score = part.score(estimator, scheme) or {}
        axes.text(
            0.97,
            0.03,
            f"grey: within a factor 2\ntypical factor {score['typical_factor']:.2f}",
            transform=axes.transAxes,
            ha="right",
            va="bottom",
            fontsize=6.5,
            color=style.GREY,
        )
    all_axes[0].set_ylabel("predicted " + quantity(part), fontsize=7.5)
    return figure


def residuals(part: PartResult) -> Figure | None:
    """Residuals against predictions, and the materials that defeat the model."""
    verdict = part.spec.verdict
    frame = part.predicted(verdict.estimator, verdict.scheme)
    if frame.empty:
        return None
    frame = frame.groupby("row", sort=False, as_index=False).agg(
        {"y_true": "first", "y_pred": "mean", "name": "first", "certain": "first", "described_as": "first"}
    )
    error = (frame["y_pred"] - frame["y_true"]).to_numpy()
    log = part.spec.target.transform == "log10"
    figure = Figure(figsize=(style.WIDE, 3.0))
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.25))
    sigma = part.noise.get("sigma") if part.noise.get("scale") == ("log10" if log else "target") else None
    left.axhline(0, color=style.BLACK, linewidth=0.8)
    if sigma:
        left.axhspan(-2 * sigma, 2 * sigma, color=style.PALE, alpha=0.6, linewidth=0, zorder=0)
        left.annotate(
            "±2σ of duplicates",
            (1, 2 * sigma),
            xycoords=("axes fraction", "data"),
            ha="right",
            va="bottom",
            fontsize=6.5,
            color=style.GREY,
        )
    _dots(left, frame, frame["y_pred"].to_numpy(), error, style.MODEL)
    left.set_xlabel("predicted " + quantity(part, transformed=True))
    left.set_ylabel(f"predicted − {part.spec.target.obtained}")
    left.set_title(part.scheme_label(verdict.scheme), fontsize=8)
    worst = np.argsort(-np.abs(error))[:10]
    back = lambda value: inverse(np.asarray(value, dtype=float), part.spec.target.transform)  # noqa: E731
    for place, i in enumerate(worst):
        measured, predicted = back(frame["y_true"].iloc[i]), back(frame["y_pred"].iloc[i])
        right.plot([measured, predicted], [place, place], color=style.PALE, linewidth=2.4, zorder=1)
        right.scatter(
            measured, place, color=style.BLACK, s=22, zorder=3, label=part.spec.target.obtained if place == 0 else None
        )
        right.scatter(predicted, place, color=style.MODEL, s=22, zorder=3, label="predicted" if place == 0 else None)
    if part.spec.target.transform == "log10":
        right.set_xscale("log")
    right.set_yticks(range(len(worst)), [_display_name(frame, i) for i in worst], fontsize=7)
    right.set_ylim(len(worst) - 0.5, -0.6)
    right.set_xlabel(quantity(part))
    # The legend takes the line under the title, so that neither runs into the other on a narrow panel.
    right.set_title("the ten rows furthest off", fontsize=8, pad=18)
    right.tick_params(axis="y", length=0)
    right.spines["left"].set_visible(False)
    right.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=2,
        handletextpad=0.2,
        columnspacing=1.0,
        borderpad=0,
        borderaxespad=0.3,
    )
    return figure


def _display_name(frame: pd.DataFrame, i: int) -> str:
    name = str(frame["name"].iloc[i]).strip() or "row " + str(frame["row"].iloc[i])
    return (name if len(name) <= 26 else name[:25] + "…") + ("" if frame["certain"].iloc[i] else " (?)")


def split_lottery(part: PartResult) -> Figure | None:
    """Histogram of the R2 of single random splits: why one split must not be reported."""
    repeated = next(
        (s for s in part.spec.schemes if s.kind == "repeated_holdout" and s.key in set(part.scores["scheme"])), None
    )
    if repeated is None:
        return None
    names = [n for n in (part.spec.baseline, part.spec.verdict.estimator) if part.score(n, repeated.key)]
    if not names:
        return None
    figure = Figure(figsize=(style.WIDE, 2.5))
    axes = figure.subplots()
    bins = np.linspace(-2, 1, 46)
    for name in names:
        r2 = single_split_r2(part, name, repeated.key)
        colour = style.BASELINE if name == part.spec.baseline else style.MODEL
        lucky = 100 * float((r2 > 0.9).mean())
        axes.hist(
            np.clip(r2, -2, 1),
            bins=bins,
            histtype="stepfilled",
            color=colour,
            alpha=0.35,
            edgecolor=colour,
            label=f"{part.spec.title_of(name)}: 5 % {number(float(np.quantile(r2, 0.05)))}, middle "
            f"{number(float(np.median(r2)))}, 95 % {number(float(np.quantile(r2, 0.95)))}; above 0.9 in "
            f"{lucky:.0f} % of splits",
        )
        pooled = (part.score(name, repeated.key) or {})["r2"]
        axes.axvline(pooled, color=colour, linewidth=1.4)
    axes.axvspan(0.9, 1, color=style.IN_SAMPLE, alpha=0.10, linewidth=0)
    axes.set_xlabel(f"R² of {space(part)} on one random split (vertical lines: {part.scheme_label(repeated.key)})")
    axes.set_ylabel("number of splits")
    axes.set_xlim(-2.03, 1.03)
    axes.legend(loc="upper left")
    return figure


def single_split_r2(part: PartResult, estimator: str, scheme: str) -> NDArray[np.float64]:
    """R2 of each split alone, against the mean of its own test rows, shape (n_splits,)."""
    frame = part.predictions[(part.predictions["estimator"] == estimator) & (part.predictions["scheme"] == scheme)]
    fold = frame["fold"].to_numpy()
    true, error = frame["y_true"].to_numpy(), (frame["y_pred"] - frame["y_true"]).to_numpy()
    count = np.bincount(fold)
    mean = np.bincount(fold, true) / count
    total = np.bincount(fold, (true - mean[fold]) ** 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        r2 = 1 - np.bincount(fold, error**2) / total
    return np.asarray(r2[np.isfinite(r2)])


def grid_scatter(part: PartResult) -> Figure | None:
    """In-sample R2 of each member of a grid against its R2 out of fold: the same network scored twice."""
    if part.grid.empty:
        return None
    figure = Figure(figsize=(style.COLUMN + 1.2, 3.3))
    axes = figure.subplots()
    out = part.grid["r2_selection"].to_numpy(dtype=float)
    fitted = part.grid["r2_in_sample"].to_numpy(dtype=float)
    chosen = part.grid["chosen"].to_numpy(dtype=bool)
    low = max(-2.0, min(float(out.min()), 0.0) - 0.08)
    axes.axhline(0, color=style.PALE, linewidth=0.8)
    axes.plot([low, 1], [low, 1], color=style.PALE, linewidth=0.8)
    axes.scatter(fitted, np.clip(out, low, 1), s=24, color=style.IN_SAMPLE, alpha=0.6, linewidths=0, zorder=3)
    axes.scatter(
        fitted[chosen],
        out[chosen],
        s=70,
        facecolors="none",
        edgecolors=style.BLACK,
        linewidths=1.2,
        zorder=4,
        label="chosen by the selection",
    )
    base = part.score(part.spec.baseline, part.spec.grids[0].select_by)
    label = part.scheme_label(part.spec.grids[0].select_by)
    if base:
        axes.axhline(base["r2"], color=style.BASELINE, linestyle="--", linewidth=1)
        axes.annotate(
            f"{part.spec.title_of(part.spec.baseline)}, {label}",
            (0, base["r2"]),
            xycoords=("axes fraction", "data"),
            xytext=(3, 2),
            textcoords="offset points",
            fontsize=6.5,
            color=style.GREY,
        )
    axes.set_xlabel("R², in sample (scored on its own training rows)")
    axes.set_ylabel(f"R², {label}")
    axes.set_xlim(min(float(fitted.min()) - 0.03, 0.9), 1.005)
    axes.set_ylim(low, 1.02)
    axes.legend(loc="upper left")
    return figure


# --- descriptors -------------------------------------------------------------------------------------------


def pearson_columns(part: PartResult) -> list[str]:
    """Columns shown in the Pearson map: the declared feature sets, at most twenty that vary."""
    columns = [c for names in part.spec.features.values() for c in names]
    if not columns:
        columns = part.spec.columns_of(part.spec.verdict.estimator)
    columns = [c for c in dict.fromkeys(columns) if c in part.features and part.features[c].nunique() > 1]
    return columns[:20]


def pearson(part: PartResult) -> Figure | None:
    """Pearson correlation between descriptors; pairs beyond 0.9 are framed."""
    columns = pearson_columns(part)
    if len(columns) < 3:
        return None
    matrix = part.features[columns].corr().to_numpy()
    n = len(columns)
    size = min(style.WIDE, 2.2 + 0.36 * n)
    figure = Figure(figsize=(size + 0.6, size))
    axes = figure.subplots()
    shown = np.where(np.triu(np.ones_like(matrix, dtype=bool), 1), np.nan, matrix)
    image = axes.imshow(shown, cmap="PuOr", vmin=-1, vmax=1)
    for i in range(n):
        for j in range(i):
            value = matrix[i, j]
            if n <= 14 and math.isfinite(value):
                axes.text(
                    j,
                    i,
                    "0" if abs(value) < 0.005 else f"{value:.2f}".replace("0.", ".").replace("-", "−"),
                    ha="center",
                    va="center",
                    fontsize=6,
                    color="white" if abs(value) > 0.65 else style.BLACK,
                )
            if abs(value) > 0.9:
                axes.add_patch(
                    matplotlib.patches.Rectangle(
                        (j - 0.5, i - 0.5), 1, 1, fill=False, edgecolor=style.ORANGE, linewidth=1.8
                    )
                )
    labels = [words(c, part.spec.labels) for c in columns]
    axes.set_xticks(range(n), labels, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(n), labels)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    bar = figure.colorbar(image, ax=axes, shrink=0.7, aspect=30, pad=0.02)
    bar.set_label("Pearson r (framed: |r| > 0.9)", fontsize=7.5)
    bar.outline.set_visible(False)
    return figure


# --- explanations ------------------------------------------------------------------------------------------


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
    figure = Figure(figsize=(style.COLUMN + 1.4, style.COLUMN + 0.9))
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
