"""Does a fit give back what a simulation was made of?"""

from __future__ import annotations

from perospin.fitting.result import Fit


def near(fit: Fit, name: str, truth: float, sigmas: float = 4.0) -> bool:
    """Whether a fitted value lies within a few of its standard errors of the truth; it must be a value, not a bound."""
    value = fit[name]
    assert value.status in ("fitted", "derived"), f"{name} {value.status}"
    return bool(abs(value.value - truth) < sigmas * value.uncertainty)
