"""Numbers as people read them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from perospin.learning.result import PartResult


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


def variants_text(part: PartResult) -> str:
    """Say how many variants were tried on the table: declared by the study's author, and counted by the engine."""
    declared = part.spec.variants.tried
    text = f"Model variants tried before this study was fixed: {declared} declared"
    known = part.provenance.get("variants")
    if not known:
        return text + "."
    here = known["this_run"]
    if not known["logged"]:
        return f"{text}; {here} different settings scored in this run (the log of variants could not be written)."
    studies = len(known["studies"])
    return (
        f"{text}; the log on this computer holds {known['settings']} different settings scored on this table "
        f"({here} of them in this run; {studies} stud{'y' if studies == 1 else 'ies'} since {known['since']})."
    )
