"""Predicted against measured, residuals, and the lottery of single splits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from perospin import look as style
from perospin.digits import figures, number
from perospin.reports.figures.common import _colour, _display_name, _dots, _title, quantity, space, wrapped
from perospin.reports.figures.overview import _caption, _panel_height, _panels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from perospin.studies.result import PartResult


_MOST_DECADES = 3.0


def _decades(part: PartResult) -> float:
    return float(np.ptp(np.log10(part.rows["target"].to_numpy(dtype=float))))


def parity(part: PartResult) -> Figure | None:
    """Predicted against measured in the original unit, with an inset for the low range.

    None where values spread over more than three decades: all but the largest would lie in one corner.
    """
    if part.spec.target.logarithmic and _decades(part) > _MOST_DECADES:
        return None
    panels = _panels(part)
    figure = Figure(figsize=(style.WIDE, _panel_height(part, panels)))
    all_axes = np.atleast_1d(figure.subplots(1, len(panels), sharex=True, sharey=True))
    values = part.rows["target"].to_numpy(dtype=float)
    low, high = _ends(values)
    limit = part.spec.target.low_range
    for axes, (estimator, scheme) in zip(all_axes, panels, strict=True):
        frame = part.predicted(estimator, scheme)
        x = part.spec.target.inverse(frame["y_true"])
        y = part.spec.target.inverse(frame["y_pred"])
        colour = _colour(part, estimator, scheme)
        axes.plot([low, high], [low, high], color=style.BLACK, linewidth=0.8, zorder=2)
        _dots(axes, frame, x, np.clip(y, low - 0.04 * (high - low), high), colour)
        axes.set_title(_title(part, estimator), color=colour, pad=22, fontsize=8.5)
        axes.text(0, 1.015, _caption(part, estimator, scheme), transform=axes.transAxes, fontsize=7, va="bottom")
        axes.set_xlim(low, high)
        axes.set_ylim(low - 0.05 * (high - low) if (y < low).any() else low, high)
        axes.set_aspect("equal", adjustable="box")
        axes.set_xlabel(wrapped(f"{part.spec.target.obtained} {quantity(part)}", _wide(panels)), fontsize=7.5)
        if limit:
            inset = axes.inset_axes(
                _free_corner((x - low) / (high - low), (np.clip(y, low, high) - low) / (high - low))
            )
            inset.plot([0, limit], [0, limit], color=style.BLACK, linewidth=0.6, zorder=2)
            near = x <= limit
            _dots(inset, frame[near], x[near], np.clip(y[near], 0, limit), colour, size=8)
            inset.set_xlim(0, limit)
            inset.set_ylim(0, limit * 1.02)
            inset.tick_params(labelsize=5.5, length=2, pad=1)
            inset.set_title(f"below {limit:g}", fontsize=6.5, fontweight="normal", pad=2, loc="center")
            for spine in inset.spines.values():
                spine.set_visible(True)
                spine.set_linewidth(0.5)
    all_axes[0].set_ylabel(wrapped(f"predicted {quantity(part)}", _wide(panels)), fontsize=7.5)
    return figure


def _wide(panels: Sequence[object]) -> int:
    """Characters that fit under one of several panels."""
    return 96 // max(len(panels), 2)


def _ends(values: NDArray[np.float64]) -> tuple[float, float]:
    """Choose the ends of both axes: from 0 where that wastes little, else around the values (2.2 to 2.6 eV)."""
    low, high = float(values.min()), float(values.max())
    if low > 0.4 * high > 0:
        margin = 0.08 * (high - low) or 0.08 * high
        return low - margin, high + margin
    return min(0.0, low), high + 0.06 * abs(high)


def answer(part: PartResult) -> Figure | None:
    """Draw predicted against known for the model of the verdict: lifetimes where rates are modelled."""
    verdict, target = part.spec.verdict, part.spec.target
    frame = part.predicted(verdict.estimator, verdict.scheme)
    if frame.empty:
        return None
    x, y = target.inverse(frame["y_true"]), target.inverse(frame["y_pred"])
    other = target.reciprocal
    if other is not None:
        x, y = 1.0 / x, 1.0 / y
    name = f"{other.quantity} ({other.unit})" if other is not None else target.original_axis
    figure = Figure(figsize=(style.COLUMN_INCHES, style.COLUMN_INCHES))
    axes = figure.subplots()
    if target.logarithmic:
        low, high = float(x.min()) / 1.5, float(x.max()) * 1.5
        axes.set_xscale("log")
        axes.set_yscale("log")
        factor = (part.score(verdict.estimator, verdict.scheme) or {}).get("typical_factor")
        if factor:
            line = np.array([low, high])
            axes.fill_between(line, line / factor, line * factor, color=style.PALE, alpha=0.6, linewidth=0, zorder=0)
    else:
        low, high = _ends(np.asarray(x, dtype=float))
    axes.plot([low, high], [low, high], color=style.BLACK, linewidth=0.8, zorder=2)
    _dots(axes, frame, np.asarray(x), np.clip(y, low, high), style.MODEL)
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    if target.logarithmic:
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(lambda value, _: figures(value))
    axes.set_aspect("equal", adjustable="box")
    axes.set_xlabel(wrapped(f"{target.obtained} {name}", 38))
    axes.set_ylabel(wrapped(f"predicted {name}", 38))
    axes.set_title(wrapped(f"held out: {part.scheme_label(verdict.scheme)}", 44), fontsize=8)
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
    if not part.spec.target.logarithmic:
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
        axes.set_xlabel(wrapped(f"{part.spec.target.obtained} {quantity(part)}", _wide(panels)), fontsize=7.5)
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
    all_axes[0].set_ylabel(wrapped(f"predicted {quantity(part)}", _wide(panels)), fontsize=7.5)
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
    log = part.spec.target.logarithmic
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
    left.set_xlabel(wrapped(f"predicted {quantity(part, transformed=True)}", 42))
    left.set_ylabel(f"predicted − {part.spec.target.obtained}")
    left.set_title(part.scheme_label(verdict.scheme), fontsize=8)
    worst = np.argsort(-np.abs(error))[:10]
    back = part.spec.target.inverse
    for place, i in enumerate(worst):
        measured, predicted = back(frame["y_true"].iloc[i]), back(frame["y_pred"].iloc[i])
        right.plot([measured, predicted], [place, place], color=style.PALE, linewidth=2.4, zorder=1)
        right.scatter(
            measured, place, color=style.BLACK, s=22, zorder=3, label=part.spec.target.obtained if place == 0 else None
        )
        right.scatter(predicted, place, color=style.MODEL, s=22, zorder=3, label="predicted" if place == 0 else None)
    if part.spec.target.logarithmic:
        right.set_xscale("log")
    right.set_yticks(range(len(worst)), [_display_name(frame, i) for i in worst], fontsize=7)
    right.set_ylim(len(worst) - 0.5, -0.6)
    right.set_xlabel(wrapped(quantity(part), 42))
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
    figure = Figure(figsize=(style.COLUMN_INCHES + 1.2, 3.3))
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
