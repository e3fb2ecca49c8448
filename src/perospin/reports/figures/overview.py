"""The figures of a report. Each function draws one and returns a matplotlib Figure, or None if it has no data.

No figure shows an R2 without the scheme it was computed under.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from perospin import look as style
from perospin.digits import number
from perospin.reports.figures.common import LOWEST_R2, _title, in_sample_scheme, space

if TYPE_CHECKING:
    from perospin.studies.result import PartResult


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
    axes.set_yticks(range(len(names)), [textwrap.fill(part.spec.title_of(n), 34) for n in names], fontsize=8)
    for label, name in zip(axes.get_yticklabels(), names, strict=True):
        if name == part.spec.verdict.estimator:
            label.set_fontweight("bold")
    axes.set_ylim(len(names) - 0.4, -1.1)
    lowest = max(LOWEST_R2, min(0.0, float(part.scores["r2"].min())))
    axes.set_xlim(lowest - 0.12, 1.03)
    axes.set_xlabel(textwrap.fill(f"R² of {space(part)} (the scheme of each point is in the legend)", 60))
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
    if part.spec.target.logarithmic:
        text += f"R² {number(score['r2'])} (log₁₀), {number(score['r2_original'])} (linear)"
    else:
        text += f"R² {number(score['r2'])}"
    return text


def _panel_height(part: PartResult, panels: list[tuple[str, str]]) -> float:
    """Height in inches of a row of three square panels, with room for titles of several lines."""
    lines = max(_title(part, estimator).count("\n") for estimator, _ in panels)
    return 0.6 + style.WIDE / 3 + 0.2 * lines


# --- descriptors -------------------------------------------------------------------------------------------


# --- explanations ------------------------------------------------------------------------------------------
