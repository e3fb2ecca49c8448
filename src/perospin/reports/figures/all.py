"""Draw every figure that a part has data for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import matplotlib
from matplotlib.figure import Figure

from perospin import look as style
from perospin.reports.figures.common import quantity, space
from perospin.reports.figures.coverage import coverage
from perospin.reports.figures.descriptors import pearson
from perospin.reports.figures.formulas import formula_front
from perospin.reports.figures.insight import dependence, directions, importance, interactions
from perospin.reports.figures.overview import overview
from perospin.reports.figures.parity import answer, grid_scatter, parity, parity_log, residuals, split_lottery
from perospin.reports.figures.quantities import by_quantity
from perospin.reports.figures.shapley import beeswarm, radar
from perospin.reports.figures.validation import learning_curve, pairs, scrambling, seeds

if TYPE_CHECKING:
    from perospin.studies.result import PartResult


def draw_all(part: PartResult) -> dict[str, Figure]:
    """Draw every figure the part has data for, by file name, in the order of the report."""
    drawers: dict[str, Callable[[PartResult], Figure | None]] = {
        "answer": answer,
        "overview": overview,
        "parity": parity,
        "parity-log": parity_log,
        "quantities": by_quantity,
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
