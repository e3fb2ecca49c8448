"""Distortion of one octahedron: formulas on six bond vectors, nothing periodic."""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float = NDArray[np.float64]
Int = NDArray[np.int64]


def angles_deg(first: ArrayLike, second: ArrayLike) -> Float:
    """Angle between vectors (degrees), accurate at 0 and 180 degrees where the arc cosine is not.

    Parameters
    ----------
    first, second
        Vectors, shapes (..., 3) that broadcast.

    Returns
    -------
    ndarray
        Angles in [0, 180], shape (...).
    """
    u, v = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    sine = np.linalg.norm(np.cross(u, v), axis=-1)
    return np.asarray(np.degrees(np.arctan2(sine, np.sum(u * v, axis=-1))))


def distortion_index(lengths_a: ArrayLike) -> float:
    r"""Distortion index :math:`D = \frac16 \sum |L_i - \bar L| / \bar L` (Baur; doi 10.1107/S0567740874004560).

    Parameters
    ----------
    lengths_a
        The six bond lengths (angstrom).
    """
    lengths = np.asarray(lengths_a, dtype=float)
    mean = lengths.mean()
    return float(np.mean(np.abs(lengths - mean)) / mean)


def length_variance(lengths_a: ArrayLike) -> float:
    r"""Lufaso and Woodward's :math:`\Delta = \frac16 \sum [(L_i - \bar L) / \bar L]^2` of six lengths (angstrom)."""
    lengths = np.asarray(lengths_a, dtype=float)
    return float(np.mean((lengths / lengths.mean() - 1.0) ** 2))


def zeta_a(lengths_a: ArrayLike) -> float:
    r""":math:`\zeta = \sum |L_i - \bar L|` of the six bond lengths (angstrom)."""
    lengths = np.asarray(lengths_a, dtype=float)
    return float(np.sum(np.abs(lengths - lengths.mean())))


def bond_angle_variance_deg2(cis_angles_deg: ArrayLike) -> float:
    r"""Bond angle variance :math:`\sigma^2 = \frac1{11} \sum_{12} (\theta_i - 90)^2` (degrees squared).

    Robinson, Gibbs, Ribbe, Science 172, 567 (1971), doi 10.1126/science.172.3983.567.

    Parameters
    ----------
    cis_angles_deg
        The twelve cis X-B-X angles (degrees).
    """
    angles = np.asarray(cis_angles_deg, dtype=float)
    return float(np.sum((angles - 90.0) ** 2) / 11.0)


def sigma_deg(cis_angles_deg: ArrayLike) -> float:
    r""":math:`\Sigma = \sum_{12} |90 - \theta_i|` of the twelve cis angles (degrees)."""
    return float(np.sum(np.abs(90.0 - np.asarray(cis_angles_deg, dtype=float))))


def octahedron_volume_a3(vertices_a: ArrayLike) -> float:
    """Volume of the convex hull of the six vertices (angstrom cubed); `vertices_a` has shape (6, 3)."""
    from scipy.spatial import ConvexHull

    return float(ConvexHull(np.asarray(vertices_a, dtype=float)).volume)


def quadratic_elongation(lengths_a: ArrayLike, volume_a3: float) -> float:
    r"""Robinson's quadratic elongation :math:`\lambda = \frac16 \sum (L_i / L_0)^2`, doi 10.1126/science.172.3983.567.

    Parameters
    ----------
    lengths_a
        The six bond lengths (angstrom).
    volume_a3
        Volume of the octahedron (angstrom cubed). :math:`L_0 = (3V/4)^{1/3}` is the centre-vertex distance of the
        regular octahedron of the same volume (the mean length in its place gives :math:`1 + \Delta`).
    """
    reference = (0.75 * volume_a3) ** (1.0 / 3.0)
    return float(np.mean((np.asarray(lengths_a, dtype=float) / reference) ** 2))


@lru_cache(maxsize=1)
def _pairs() -> tuple[Int, Int]:
    """All 15 pairs of six vertices, and the 15 ways (three pair numbers each) to split six vertices into pairs."""
    pairs = list(combinations(range(6), 2))
    matchings = [
        three
        for three in combinations(range(15), 3)
        if len({vertex for number in three for vertex in pairs[number]}) == 6
    ]
    return np.array(pairs), np.array(matchings)


def cis_and_trans(vectors_a: ArrayLike) -> tuple[Float, Float, Int]:
    """Split the fifteen X-B-X angles of an octahedron into cis and trans.

    The trans partners are the split of the six vertices into three pairs with the largest sum of angles, so that a
    strongly distorted octahedron is read right too (dropping the three largest angles need not give three pairs).

    Parameters
    ----------
    vectors_a
        Vectors from B to the six X (angstrom), shape (6, 3).

    Returns
    -------
    tuple
        The 12 cis angles and the 3 trans angles (degrees), and the trans pairs as vertex numbers, shape (3, 2).
    """
    vectors = np.asarray(vectors_a, dtype=float)
    pairs, matchings = _pairs()
    angles = angles_deg(vectors[pairs[:, 0]], vectors[pairs[:, 1]])
    best = matchings[np.argmax(angles[matchings].sum(axis=1))]
    return np.delete(angles, best), angles[best], pairs[best]
