"""One formula for NumPy and for JAX: the array library is chosen by what comes in."""

from __future__ import annotations

import sys
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from perospin.errors import FitError

__all__ = ["Float", "Numeric", "erfcx", "namespace", "natural_unit", "real"]

Float: TypeAlias = NDArray[np.float64]
Numeric: TypeAlias = Any
"""A number, a list of numbers, a NumPy or a JAX array."""


_LARGEST = 1e60  # squares, and products of squares, of what lies within stay far from the ends of the numbers


def real(values: Any, what: str) -> Float:
    """Array of real numbers; a complex one is refused, whose imaginary part NumPy would drop.

    Raises
    ------
    FitError
        If `values`, called `what` in the message, are complex or no numbers.
    """
    try:
        array = np.asarray(values)
        if np.iscomplexobj(array) or (array.dtype == object and any(isinstance(v, complex) for v in array.flat)):
            raise FitError(f"{what} is complex: fit its real part, its imaginary part or its size, e.g. abs(...)")
        return np.asarray(array, float)
    except (TypeError, ValueError, OverflowError):
        raise FitError(f"{what} holds something that is not a number") from None


def natural_unit(*arrays: Float | None) -> float:
    """Power of two to measure signals in, so that their squares neither overflow nor vanish; 1 for usual sizes."""
    size = max(
        (float(np.max(np.abs(a), initial=0.0, where=np.isfinite(a))) for a in arrays if a is not None), default=0.0
    )
    if size == 0.0 or 1.0 / _LARGEST < size < _LARGEST:
        return 1.0
    return float(2.0 ** np.clip(np.floor(np.log2(size)), -1020, 1020))


def namespace(*values: Any) -> Any:
    """``jax.numpy`` if any value is a JAX array or tracer, else ``numpy``; never loads JAX by itself."""
    jax = sys.modules.get("jax")
    if jax is not None and any(isinstance(value, jax.Array) for value in values):
        import jax.numpy as jnp

        return jnp
    return np


def erfcx(x: Numeric) -> Any:
    r"""Scaled complementary error function :math:`e^{x^2}\mathrm{erfc}(x)` of NumPy or JAX arrays."""
    if namespace(x) is np:
        from scipy.special import erfcx as scaled

        return scaled(x)
    from jax.scipy.special import erfcx as jax_scaled

    return jax_scaled(x)
