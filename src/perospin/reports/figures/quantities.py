"""Several quantities in one table: held-out predictions of each, and the error of every estimator by scheme."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from perospin import look as style
from perospin.reports.figures.common import _title

if TYPE_CHECKING:
    from perospin.studies.result import PartResult

_COLOURS = (style.VERMILLION, style.PINK, style.GREEN, style.BLUE, style.ORANGE, style.GREY)
_MARKS = "sD^oPv"


def by_quantity(part: PartResult) -> Figure | None:
    """Left: held-out predictions under the scheme of the verdict. Right: rms error of each estimator by scheme."""
    if part.by_quantity.empty:
        return None
    verdict, target = part.spec.verdict, part.spec.target
    figure = Figure(figsize=(style.WIDE, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.15, 1.0))
    held = part.predicted(verdict.estimator, verdict.scheme).merge(part.rows[["row", "quantity"]], on="row")
    ends = np.concatenate([held["y_true"], held["y_pred"]])
    room = 0.05 * float(np.ptp(ends))
    line = target.inverse([float(ends.min()) - room, float(ends.max()) + room])
    left.plot(line, line, color=style.GREY, linewidth=0.8, zorder=0)
    for number, quantity in enumerate(sorted(set(held["quantity"]))):
        mine = held[held["quantity"] == quantity]
        left.plot(
            target.inverse(mine["y_true"]),
            target.inverse(mine["y_pred"]),
            _MARKS[number % len(_MARKS)],
            markersize=4,
            markerfacecolor="none",
            color=_COLOURS[number % len(_COLOURS)],
            label=f"{quantity} ({len(mine)})",
        )
    if target.logarithmic:
        left.set(xscale="log", yscale="log")
    left.set(xlabel=f"{target.obtained} {target.original_axis}", ylabel=f"predicted {target.original_axis}")
    left.set_title(f"{_title(part, verdict.estimator)}, {part.scheme_label(verdict.scheme)}", fontsize=8)
    left.legend(fontsize=7, frameon=False, loc="upper left")
    scores = part.scores[~part.scores["in_sample"].astype(bool)]
    names = [name for name in part.spec.estimator_names() if name in set(scores["estimator"])]
    places = np.arange(len(names))[::-1].astype(float)
    schemes = list(dict.fromkeys(scores["scheme"]))
    shifts = np.linspace(0.12, -0.12, len(schemes)) if len(schemes) > 1 else [0.0]
    for number, (scheme, shift) in enumerate(zip(schemes, shifts, strict=True)):
        found = [part.score(name, scheme) for name in names]
        errors = [np.nan if score is None else float(np.sqrt(score["mse"])) for score in found]
        colour = (style.BLACK, *_COLOURS)[number % (len(_COLOURS) + 1)]
        right.plot(
            errors, places + shift, _MARKS[::-1][number % len(_MARKS)], color=colour, label=part.scheme_label(scheme)
        )
    right.set_yticks(places, [_title(part, name).replace(" ", "\n", 1) for name in names], fontsize=7)
    unit = " (decades)" if target.logarithmic else f" ({target.unit})" if target.unit else ""
    right.set(xlabel=f"rms error{unit}", ylim=(-0.7, len(names) - 0.3))
    right.set_xlim(0.0, 1.08 * float(np.sqrt(scores["mse"].max())))
    right.legend(fontsize=7, frameon=False, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)
    right.grid(axis="x", linewidth=0.3)
    return figure
