"""Parameters of one fit: the model's own, overruled by what the user says, in lmfit's vocabulary."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from perospin.errors import FitError
from perospin.fitting.model import Parameter, SeparableModel

if TYPE_CHECKING:
    import lmfit

__all__ = ["Fixed", "ParameterInput", "build_parameters", "fixed"]

ParameterInput: TypeAlias = "lmfit.Parameters | Mapping[str, Any] | None"


@dataclass(frozen=True)
class Fixed:
    """A value that is not varied."""

    value: float


def fixed(value: float) -> Fixed:
    """Hold a parameter: ``params={"irf_fwhm_ps": fixed(0.12)}``."""
    return Fixed(float(value))


def build_parameters(model: SeparableModel, params: ParameterInput) -> tuple[lmfit.Parameters, set[str]]:
    """Collect the parameters of a fit.

    Parameters
    ----------
    model
        Gives names, bounds and defaults.
    params
        `lmfit.Parameters`, or a mapping of names to a start value, ``(value, low, high)``, `fixed`, or an expression
        such as ``"2 * lifetime_ps"`` (a tie, in lmfit's sense).

    Returns
    -------
    parameters : lmfit.Parameters
        All non-linear parameters, and those amplitudes that are fixed, bounded or tied.
    given : set of str
        Names whose start value came from the user.

    Raises
    ------
    FitError
        If a name is unknown or a value can't be read.
    """
    import lmfit

    own: dict[str, dict[str, Any]] = {
        p.name: {"value": p.value, "min": p.low, "max": p.high, "vary": True, "expr": None} for p in model.parameters
    }
    given: set[str] = set()
    for name, entry in (params or {}).items():
        quantity = model[name]
        linear = not isinstance(quantity, Parameter)
        settings = own.setdefault(name, {"value": 1.0, "min": -np.inf, "max": np.inf, "vary": True, "expr": None})
        if isinstance(entry, lmfit.Parameter):
            if entry.expr:
                settings["expr"] = entry.expr
            else:
                settings.update(value=entry.value, vary=entry.vary)
                given.add(name)
            low, high = max(settings["min"], entry.min), min(settings["max"], entry.max)
        elif isinstance(entry, Fixed):
            settings.update(value=entry.value, vary=False)
            given.add(name)
            low, high = settings["min"], settings["max"]
        elif isinstance(entry, str):
            settings["expr"] = entry
            low, high = settings["min"], settings["max"]
        elif isinstance(entry, (tuple, list)) and len(entry) == 3:
            settings["value"], low, high = (float(part) for part in entry)
            given.add(name)
        else:
            try:
                settings["value"] = float(entry)
            except (TypeError, ValueError):
                raise FitError(
                    f"can't read {name} = {entry!r}: give a number, (value, low, high), fixed(value) "
                    "or an expression such as '2 * lifetime_ps'"
                ) from None
            given.add(name)
            low, high = settings["min"], settings["max"]
        if not low < high:
            raise FitError(f"parameter {name}: the lower bound {low:g} must be below the upper bound {high:g}")
        settings.update(min=low, max=high)
        if linear and settings["vary"] and not settings["expr"] and not np.isfinite([low, high]).any():
            del own[name]  # a free amplitude needs no start: it is solved for
            given.discard(name)
            continue
        if not settings["expr"]:
            value = settings["value"]
            if not np.isfinite(value):
                raise FitError(f"parameter {name} is {value}; it must be a finite number")
            if not low <= value <= high:
                raise FitError(f"parameter {name} = {value:g} lies outside its bounds {low:g} to {high:g}")
    ties = " ".join(settings["expr"] for settings in own.values() if settings["expr"])
    for name in model.amplitude_names:  # an amplitude that a tie names is searched for like any other parameter
        if name not in own and re.search(rf"\b{re.escape(name)}\b", ties):
            own[name] = {"value": 1.0, "min": -np.inf, "max": np.inf, "vary": True, "expr": None}
    collected = lmfit.Parameters()
    for name, settings in own.items():  # values first: an expression may name a later parameter
        collected.add(name, value=settings["value"], min=settings["min"], max=settings["max"], vary=settings["vary"])
    for name, settings in own.items():
        if settings["expr"]:
            try:
                collected[name].set(expr=settings["expr"])
                float(collected[name].value)
            except Exception as error:
                raise FitError(
                    f"can't evaluate the tie {name} = {settings['expr']!r}: {str(error).splitlines()[0]}; "
                    f"it may use: {', '.join(own)}"
                ) from None
    return collected, given
