"""Numbers as they are printed: digits, signs, percent, a real minus."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    pass


def number(value: Any, digits: int = 2) -> str:
    """Write a number with a true minus sign; an em dash if there is none; few digits if it is large."""
    if value is None or not isinstance(value, int | float) or not math.isfinite(value):
        return "—"
    text = f"{value:.0f}" if abs(value) >= 10 else f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", "−")


def signed(value: Any, digits: int = 2) -> str:
    """Write a number with its sign, plus included."""
    text = number(value, digits)
    return text if text.startswith(("−", "—")) else "+" + text


def r2_text(value: Any) -> str:
    """Write an R2; the scheme follows in the sentence that uses it."""
    return f"R² {number(value)}"


def percent(share: float) -> str:
    """Write a share as a percentage."""
    return f"{100 * share:.0f} %"


def figures(value: Any, count: int = 4) -> str:
    """Write a value with `count` significant figures at most; an em dash if there is none."""
    if value is None or not isinstance(value, int | float) or not math.isfinite(value):
        return "—"
    value = value or 0.0  # minus zero is zero
    text = f"{value:.0f}" if abs(value) >= 10**count else f"{value:.{count}g}"
    return text.replace("-", "−")
