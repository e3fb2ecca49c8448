"""Lifetimes under their conditions: one model over all records of tau_spin, T1, T2 and T2_star.

The names below load on first use, so that importing the room costs nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

_PUBLIC = {
    "CalibratedModel": "study",
    "ConditionModel": "model",
    "Conditioned": "table",
    "ConditionsResult": "study",
    "LifetimePrediction": "prediction",
    "LifetimePredictor": "prediction",
    "lifetime_table": "table",
    "question": "table",
    "run_conditions": "study",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_PUBLIC[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
