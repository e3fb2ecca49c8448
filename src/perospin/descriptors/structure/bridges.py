"""Angles at a bridging halide, whole and projected on and across the layer."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perospin.descriptors.structure.octahedra import angles_deg

Float = NDArray[np.float64]


def bridge_angle_deg(to_first_a: ArrayLike, to_second_a: ArrayLike) -> Float:
    """Angle B-X-B (degrees) from the vectors X to B, shapes (..., 3)."""
    return angles_deg(to_first_a, to_second_a)


def _without(vectors: Float, direction: Float) -> Float:
    return vectors - np.sum(vectors * direction, axis=-1, keepdims=True) * direction


def beta_in_deg(to_first_a: ArrayLike, to_second_a: ArrayLike, normal: ArrayLike) -> Float:
    """In-plane part of a bridging angle: the angle after removing what lies along the layer normal.

    Jana et al., Nat. Commun. 12, 4982 (2021), doi 10.1038/s41467-021-25149-7.

    Parameters
    ----------
    to_first_a, to_second_a
        Vectors from X to its two B (angstrom), shapes (..., 3).
    normal
        Unit vector along the layer normal, shape (3,).

    Returns
    -------
    ndarray
        Angles (degrees), shape (...).
    """
    n = np.asarray(normal, dtype=float)
    return angles_deg(_without(np.asarray(to_first_a, float), n), _without(np.asarray(to_second_a, float), n))


def beta_out_deg(to_first_a: ArrayLike, to_second_a: ArrayLike, normal: ArrayLike) -> Float:
    """Out-of-plane part of a bridging angle: the angle projected on the plane of the normal and the in-plane B-B line.

    Jana et al., Nat. Commun. 12, 4982 (2021), doi 10.1038/s41467-021-25149-7.

    Parameters
    ----------
    to_first_a, to_second_a
        Vectors from X to its two B (angstrom), shapes (..., 3).
    normal
        Unit vector along the layer normal, shape (3,).

    Returns
    -------
    ndarray
        Angles (degrees), shape (...).
    """
    n = np.asarray(normal, dtype=float)
    first, second = np.asarray(to_first_a, float), np.asarray(to_second_a, float)
    along = _without(second - first, n)
    sideways = np.cross(along, n)
    sideways = sideways / np.linalg.norm(sideways, axis=-1, keepdims=True)
    return angles_deg(_without(first, sideways), _without(second, sideways))
