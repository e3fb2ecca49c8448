"""Models that several tests fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perospin.fitting import Parameter, Quantity, SeparableModel, namespace


def _decay(x: Any, p: Mapping[str, Any]) -> list[Any]:
    xp = namespace(x, *p.values())
    return [xp.exp(-x / p["lifetime_ps"]), xp.ones_like(x)]


DECAY = SeparableModel(
    "decay",
    (Parameter("lifetime_ps", "ps", "lifetime", 5.0, 1e-3, 1e4, positive=True),),
    (Quantity("amplitude", "mOD", "amplitude"), Quantity("offset", "mOD")),
    _decay,
    (Quantity("delay_ps", "ps", "delay"),),
    Quantity("signal", "mOD", "signal"),
)
