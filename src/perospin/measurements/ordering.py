"""Spectrometers scan from long to short wavelengths: a falling axis is turned round without a word."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["rising"]


def rising(x: Any, *columns: Any) -> tuple[Any, ...]:
    """Turn a strictly falling abscissa and what belongs to it; anything else is returned as it is.

    Parameters
    ----------
    x
        Abscissa, shape (n,).
    *columns
        Arrays of that length are turned with it; None, numbers and arrays of other lengths are not.
    """
    try:
        axis = np.asarray(x, dtype=float)
    except (TypeError, ValueError):
        return (x, *columns)
    # missing values don't hide the direction
    known = axis[np.isfinite(axis)] if axis.ndim == 1 else axis
    if axis.ndim != 1 or len(known) < 2 or not (np.diff(known) < 0).all():
        return (x, *columns)
    turned = [column[::-1] if np.shape(column) == axis.shape else column for column in map(_as_array, columns)]
    return (axis[::-1], *turned)


def _as_array(column: Any) -> Any:
    return np.asarray(column) if isinstance(column, (list, tuple)) else column
