"""The same formula for NumPy and for JAX: choose the array library by what comes in, check what NumPy users give."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeAlias, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from perospin.errors import DataError
from perospin.mechanisms.quantities import QUANTITIES
from perospin.mechanisms.validity import warn_outside

Float: TypeAlias = NDArray[np.float64]
Numeric: TypeAlias = Any
"""A number, a list of numbers, a NumPy or a JAX array."""

_INSIDE: ContextVar[bool] = ContextVar("inside a law", default=False)
_P = ParamSpec("_P")
_R = TypeVar("_R")


def is_jax(value: Any) -> bool:
    """Whether a value is a JAX array or tracer; never loads JAX."""
    jax = sys.modules.get("jax")
    return jax is not None and isinstance(value, jax.Array)


def namespace(*values: Any) -> Any:
    """``jax.numpy`` if any value is a JAX array, else ``numpy``."""
    if any(is_jax(value) for value in values):
        import jax.numpy as jnp

        return jnp
    return np


def checked(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Make a formula a law: arguments become arrays of floats and are checked by their name's range.

    JAX arrays pass untouched (a tracer has no value to check), so that ``jax.grad`` and ``jax.vmap`` work;
    everything else becomes NumPy, and a number comes out as a number. The law that the user calls (not those it calls)
    warns where it is used outside its range (`validity`).

    Raises
    ------
    DataError
        If an argument isn't numeric or is out of the range given in `QUANTITIES`.
    """
    signature = inspect.signature(function)
    names = [name for name in signature.parameters if name in QUANTITIES]

    @functools.wraps(function)
    def wrapper(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        bound = signature.bind(*args, **kwargs)
        for name in names:
            value = bound.arguments.get(name)
            if value is None or is_jax(value):
                continue
            bound.arguments[name] = _array(name, value)
        inner = _INSIDE.set(True)
        try:
            with np.errstate(under="ignore", divide="ignore"):
                result: Any = function(*bound.args, **bound.kwargs)
        except ValueError as error:
            if "broadcast" not in str(error):
                raise
            shapes = ", ".join(f"{n} {np.shape(v)}" for n, v in bound.arguments.items() if np.ndim(v))
            raise DataError(f"the arguments' shapes don't fit together: {shapes}") from None
        finally:
            _INSIDE.reset(inner)
        if not _INSIDE.get() and not any(is_jax(value) for value in bound.arguments.values()):
            bound.apply_defaults()
            warn_outside(function.__name__, {**bound.arguments, "result": result})
        return cast(_R, result[()] if isinstance(result, np.ndarray) and result.ndim == 0 else result)

    return wrapper


def _array(name: str, value: Any) -> Float:
    quantity = QUANTITIES[name]
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise DataError(f"{name} must be a number or an array of numbers, got {value!r:.40}") from None
    if array.size:
        smallest, largest = float(np.min(array)), float(np.max(array))
        if not quantity.allows(smallest, largest):
            wrong = largest if quantity.allows(smallest, smallest) else smallest
            raise DataError(f"{name} must be {quantity.range_text}, got {wrong:g}")
    return array


def choice(value: str, allowed: tuple[str, ...], what: str) -> str:
    """Return `value` if it is among the allowed words.

    Raises
    ------
    DataError
        If it isn't; the message lists them.
    """
    if value not in allowed:
        raise DataError(f"unknown {what} '{value}': use {' or '.join(allowed)}")
    return value
