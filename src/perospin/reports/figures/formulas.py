"""Figures of formulas: what a longer one buys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt

from perospin import look as style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from perospin.studies.result import PartResult


def formula_front(part: PartResult, space: str) -> Figure | None:
    """Error on the training rows against the size of the formula, one line an estimator; None without formulas.

    Parameters
    ----------
    part : PartResult
    space : str
        Name and unit of the target space, for the axis.
    """
    table = part.formulas
    if table.empty:
        return None
    figure, axes = plt.subplots(figsize=(style.COLUMN_INCHES, 2.6))
    for number, (name, front) in enumerate(table.groupby("estimator", sort=False)):
        colour = style.SCHEME_COLOURS[number % len(style.SCHEME_COLOURS)]
        marker = style.SCHEME_MARKERS[number % len(style.SCHEME_MARKERS)]
        size, error = front["size"].to_numpy(), front["rmse_in_sample"].to_numpy()
        axes.plot(size, error, marker=marker, markersize=4, color=colour, label=part.spec.title_of(str(name)))
        chosen = front["chosen"].to_numpy(dtype=bool)
        axes.plot(size[chosen], error[chosen], "o", markersize=10, markerfacecolor="none", color=colour)
    axes.set_xlabel("size of the formula (nodes)")
    axes.set_ylabel(f"RMSE in sample, {space}")
    axes.set_ylim(bottom=0)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend()
    return figure
