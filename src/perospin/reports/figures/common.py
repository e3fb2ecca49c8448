"""What several figures of a report share: names, colours, dots."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from perospin import look as style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from perospin.studies.result import PartResult


LOWEST_R2 = -1.0
"""Scores below this are drawn at the edge with their value beside them."""


def quantity(part: PartResult, *, transformed: bool = False) -> str:
    """Axis label of the target, in its original unit or in the space of the models."""
    return part.spec.target.axis if transformed else part.spec.target.original_axis


def wrapped(label: str, width: int) -> str:
    """Break an axis label into lines of at most `width` characters, so that it isn't longer than its axis."""
    return "\n".join(textwrap.wrap(label, width, break_long_words=False, break_on_hyphens=False))


def in_sample_scheme(part: PartResult) -> str | None:
    """Name of the in-sample scheme, if the part has one."""
    return next((s.key for s in part.spec.schemes if s.kind == "in_sample"), None)


def space(part: PartResult) -> str:
    """Say in words what R2 is computed of."""
    return part.spec.target.short_space


def _title(part: PartResult, estimator: str) -> str:
    return textwrap.fill(part.spec.title_of(estimator), 30)


def _colour(part: PartResult, estimator: str, scheme: str) -> str:
    if bool((part.score(estimator, scheme) or {}).get("in_sample")):
        return style.IN_SAMPLE
    return style.BASELINE if estimator == part.spec.baseline else style.MODEL


def _dots(axes: Axes, frame: pd.DataFrame, x: Any, y: Any, colour: str, size: float = 20) -> None:
    certain = frame["certain"].to_numpy(dtype=bool)
    axes.scatter(x[certain], y[certain], s=size, color=colour, alpha=0.75, linewidths=0, zorder=3)
    axes.scatter(x[~certain], y[~certain], s=size, facecolors="none", edgecolors=colour, linewidths=1, zorder=3)


def _display_name(frame: pd.DataFrame, i: int) -> str:
    name = str(frame["name"].iloc[i]).strip() or "row " + str(frame["row"].iloc[i])
    shown = name if len(name) <= 26 else name[:25] + "…"
    return style.subscripted(shown) + ("" if frame["certain"].iloc[i] else " (?)")
