"""Numbers as they are printed: digits, signs, percent, a real minus."""

from __future__ import annotations

import math
from typing import Any


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
    """Write a share as a percentage; an em dash if there is none."""
    return f"{100 * share:.0f} %" if math.isfinite(share) else "—"


def counted(count: int, noun: str, plural: str = "") -> str:
    """Write a number of things: 1 material, 2 materials."""
    return f"{count} {noun if count == 1 else plural or noun + 's'}"


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def figures(value: Any, count: int = 4) -> str:
    """Write a value with `count` significant figures at most; an em dash if there is none.

    Examples
    --------
    >>> figures(273912.0), figures(221320765.0, 2), figures(0.00001234, 2), figures(-0.5)
    ('273900', '2.2×10⁸', '1.2×10⁻⁵', '−0.5')
    """
    if value is None or not isinstance(value, int | float) or not math.isfinite(value):
        return "—"
    rounded = float(f"{value:.{count}g}") or 0.0  # minus zero is zero
    text = f"{rounded:.{count}g}"
    if "e" in text:
        if 1 <= abs(rounded) < 1e6:
            text = f"{rounded:.0f}"
        else:
            mantissa, _, power = text.partition("e")
            text = f"{mantissa}×10{str(int(power)).translate(_RAISED)}"
    return text.replace("-", "−")


def value_and_interval(value: float, low: float, high: float) -> tuple[str, str, str]:
    """Write a value and the ends of its interval with the digits that the interval deserves.

    Decimals go to a tenth of the interval's half width; a wide interval (over a factor of three) has two figures.

    Examples
    --------
    >>> value_and_interval(2.3912, 2.3701, 2.4199), value_and_interval(4.5012, 0.67, 30.3)
    (('2.391', '2.370', '2.420'), ('4.5', '0.67', '30'))
    """
    ends = [end for end in (low, high) if math.isfinite(end)]
    wide = len(ends) < 2 or ends[0] == ends[1] or (low > 0 and high > 3 * low)
    if wide:
        return figures(value, 2), figures(low, 2) if math.isfinite(low) else "0", _end(high)
    decimals = max(0, 1 - math.floor(math.log10(0.5 * (high - low))))
    shown = (f"{number:.{decimals}f}".replace("-", "\u2212") for number in (value, low, high))
    a, b, c = shown
    return a, b, c


def _end(value: float) -> str:
    return figures(value, 2) if math.isfinite(value) else "any value"
