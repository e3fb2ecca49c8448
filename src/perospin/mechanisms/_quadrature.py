"""Fixed quadrature rules: the same nodes for NumPy and JAX, so that integrals can be differentiated."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from perospin.mechanisms._arrays import Float


@lru_cache(maxsize=32)
def legendre(n: int, low: float, high: float) -> tuple[Float, Float]:
    """Nodes and weights of n-point Gauss-Legendre quadrature on [low, high]."""
    nodes, weights = np.polynomial.legendre.leggauss(n)
    half = 0.5 * (high - low)
    return low + half * (nodes + 1.0), half * weights


@lru_cache(maxsize=4)
def directions(dimension: int) -> tuple[Float, Float]:
    """Return unit vectors (n, 3) and weights (n,) that add up to 1, exact for polynomials up to degree 11."""
    phi = 2.0 * np.pi * np.arange(24) / 24.0
    circle = np.stack([np.cos(phi), np.sin(phi), np.zeros_like(phi)], axis=-1)
    if dimension == 2:
        return circle, np.full(24, 1.0 / 24.0)
    cosine, weight = np.polynomial.legendre.leggauss(12)
    sine = np.sqrt(1.0 - cosine**2)
    vectors = sine[:, None, None] * circle[None]
    vectors[..., 2] = cosine[:, None]
    return vectors.reshape(-1, 3), np.repeat(weight / 48.0, 24)


@lru_cache(maxsize=4)
def thermal_energies(dimension: int, n: int = 24) -> tuple[Float, Float]:
    """Energies over k_B T and weights (sum 1) of a nondegenerate gas with density of states eps^(d/2 - 1)."""
    from scipy.special import roots_genlaguerre

    nodes, weights = roots_genlaguerre(n, dimension / 2.0 - 1.0)
    return np.asarray(nodes), np.asarray(weights / weights.sum())
