"""One look for all figures: Okabe-Ito colours (safe for colour-blind readers), readable at column width."""

from __future__ import annotations

from typing import Any

BLACK, GREY, PALE = "#222222", "#767676", "#d9d9d9"
ORANGE, SKY, GREEN = "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILLION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"

MODEL, BASELINE, IN_SAMPLE = BLUE, GREY, VERMILLION
"""The colour of the model in question, of the baseline, and of anything that was scored on its training rows."""

SCHEME_COLOURS = (BLUE, GREEN, PURPLE, ORANGE, SKY, BLACK)
SCHEME_MARKERS = ("o", "s", "^", "D", "v", "P")

WIDE, COLUMN = 7.2, 3.5
"""Figure widths in inches: the page, and one journal column."""

RC: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8.5,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#555555",
    "axes.linewidth": 0.7,
    "axes.labelcolor": BLACK,
    "text.color": BLACK,
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "lines.linewidth": 1.4,
    "figure.dpi": 100,
    "savefig.dpi": 200,
    "svg.fonttype": "path",
    "svg.hashsalt": "perospin",
    "figure.constrained_layout.use": True,
}
"""matplotlib settings, used inside `matplotlib.rc_context` so that nothing global changes."""
