"""One formula for NumPy and for JAX: the array library is chosen by what comes in."""

from __future__ import annotations

import sys
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Float", "Numeric", "erfcx", "namespace"]

Float: TypeAlias = NDArray[np.float64]
Numeric: TypeAlias = Any
"""A number, a list of numbers, a NumPy or a JAX array."""


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
