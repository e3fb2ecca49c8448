"""Named parameters, the one `Fit` result, variable projection, batched least squares, intervals.

A model is ``y(x) = sum_k a_k basis_k(x; theta)``: only theta is searched for, the amplitudes follow by linear least
squares. `fit_model` fits one data set (or several that share theta), `fit_batch` thousands of traces at once.
Nothing heavy is loaded by importing the room.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "arrays": ("erfcx", "namespace"),
    "batch": ("BatchFit", "FitStatus", "fit_batch"),
    "checks": ("Trace", "check_times_ps", "check_trace"),
    "single": ("fit_model",),
    "model": ("Parameter", "Quantity", "SeparableModel"),
    "parameters": ("fixed",),
    "result": ("Fit", "Source", "Value"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        return getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
