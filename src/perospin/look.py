"""One look for all figures: Okabe-Ito colours (safe for colour-blind readers), readable at column width."""

from __future__ import annotations

import io
import re
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    pass

BLACK, GREY, PALE = "#222222", "#767676", "#d9d9d9"
ORANGE, SKY, GREEN = "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILLION, PINK = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
COLOURS = (BLUE, VERMILLION, GREEN, PINK, ORANGE, SKY)
"""Okabe and Ito's colours."""

MODEL, BASELINE, IN_SAMPLE = BLUE, GREY, VERMILLION
"""The colour of the model in question, of the baseline, and of anything that was scored on its training rows."""

SCHEME_COLOURS = (BLUE, GREEN, PINK, ORANGE, SKY, BLACK)
SCHEME_MARKERS = ("o", "s", "^", "D", "v", "P")

WIDE, COLUMN_INCHES = 7.2, 3.5
"""Figure widths in inches: the page, and one journal column."""

_SHARED: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "axes.labelcolor": BLACK,
    "text.color": BLACK,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.frameon": False,
    "axes.formatter.use_mathtext": True,
    "lines.linewidth": 1.4,
    "savefig.dpi": 200,
}

RC: dict[str, Any] = {
    **_SHARED,
    "font.size": 8.5,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.labelsize": 8.5,
    "axes.edgecolor": "#555555",
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "legend.fontsize": 7.5,
    "figure.dpi": 100,
    "svg.fonttype": "path",
    "svg.hashsalt": "perospin",
    "figure.constrained_layout.use": True,
}
"""matplotlib settings of a report's figures, used inside `matplotlib.rc_context` so that nothing global changes."""

COLUMN_RC: dict[str, Any] = {
    **_SHARED,
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8,
    "legend.fontsize": 7,
}
"""The same for a figure in one journal column."""


def delay_axis(axes: Any, delay: NDArray[np.float64], linear_ps: float, which: str = "y", margin: float = 0.0) -> None:
    """Scale that is linear around time zero and logarithmic far from it, where the delays ask for it.

    `margin` is a share of the range that stays free at both ends, so that no point is cut.
    """
    start, end = float(delay[0]), float(delay[-1])
    start, end = start - margin * max(abs(start), linear_ps), end * (1.0 + margin)
    getattr(axes, f"set_{which}lim")(start, end)
    if end <= 20 * linear_ps:
        return
    linear = 10.0 ** round(np.log10(linear_ps))
    getattr(axes, f"set_{which}scale")("symlog", linthresh=linear, linscale=0.8)
    powers = linear * 10.0 ** np.arange(0, 12)
    ticks = [*(-powers[::-1]), 0.0, *powers]
    axis = getattr(axes, f"{which}axis")
    axis.set_ticks([t for t in ticks if start <= t <= end])
    axis.set_major_formatter(lambda value, _: f"{value:g}".replace("-", "−"))
    minor = [m * p for p in powers for m in range(2, 10)]
    axis.set_ticks([t for t in minor if start <= t <= end], minor=True)
    axis.set_minor_formatter(lambda *_: "")


def subscripted(formula: str) -> str:
    """Write a formula for a figure, with numbers behind letters and brackets below the line: (PEA)₂PbI₄.

    Examples
    --------
    >>> subscripted("(4F-PEA)2(MA)Pb2I7")
    '(4F-PEA)$_{2}$(MA)Pb$_{2}$I$_{7}$'
    """
    out: list[str] = []
    depth = 0
    for text in re.findall(r"\d+(?:\.\d+)?|.", formula):
        depth += (text in "([") - (text in ")]")
        number = text[0].isdigit() and depth == 0 and bool(out)
        out.append(f"$_{{{text}}}$" if number else text)
    return "".join(out)


def _as_png(figure: Any) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format="png", bbox_inches="tight")
    return out.getvalue()


def _show_in_notebooks() -> None:
    """Let Jupyter show a figure as a picture without pyplot; where pyplot is in use, its own way goes first."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None and hasattr(shell, "kernel"):
        shell.display_formatter.formatters["image/png"].for_type_by_name("matplotlib.figure", "Figure", _as_png)


_show_in_notebooks()
