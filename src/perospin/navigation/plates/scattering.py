"""Layer spacing of a film from the (00l) series of a diffraction line cut, and the layer number that it means."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perospin.errors import NavigationError

__all__ = ["LayerSpacing", "layer_spacings", "orientation", "q_of_two_theta"]

FloatArray = NDArray[np.float64]
CU_K_ALPHA_A = 1.5406
_OCTAHEDRON_A = {"I": 6.3, "Br": 5.95, "Cl": 5.65}
"""Height of one sheet of corner-sharing PbX6 octahedra: the pseudocubic lattice constants of MAPbX3, rounded
(Poglitsch and Weber, J. Chem. Phys. 87, 6373, 1987)."""
_FEWEST = 3
_TOLERANCE = 0.015
_MOST_ORDERS = 12


@dataclass(frozen=True)
class LayerSpacing:
    """One series of (00l) peaks.

    Attributes
    ----------
    spacing_a, error_a : float
        Distance between layers and its standard error, Angstrom.
    orders : tuple of int
        Orders l that were seen.
    q_per_a : tuple of float
        Where they stand, 1/Angstrom.
    intensity : float
        Share of the heights of all peaks that this series explains.
    n : float or None
        Layer number that the spacing means; None if that of n = 1 wasn't given.
    n_error : float or None
        Its standard error from the spacing's; that of n = 1 is not in it.
    """

    spacing_a: float
    error_a: float
    orders: tuple[int, ...]
    q_per_a: tuple[float, ...]
    intensity: float
    n: float | None = None
    n_error: float | None = None


def q_of_two_theta(two_theta_deg: FloatArray, wavelength_a: float = CU_K_ALPHA_A) -> FloatArray:
    r"""Scattering vector :math:`q = 4\pi\sin\theta/\lambda`, 1/Angstrom."""
    return np.asarray(4.0 * np.pi * np.sin(np.radians(np.asarray(two_theta_deg) / 2.0)) / wavelength_a)


def layer_spacings(
    q_per_a: FloatArray,
    intensity: FloatArray,
    first_a: float | None = None,
    halide: str = "I",
    most: int = 3,
) -> list[LayerSpacing]:
    r"""Find the series :math:`q_l = 2\pi l/d` in a line cut, the strongest first.

    A series has three orders or more, the first two of them neighbours. Peaks that one series explains are left out of
    the next. The layer number is :math:`n = 1 + (d - d_1)/h`, with the height h of a sheet of octahedra.

    Parameters
    ----------
    q_per_a : array, shape (n,)
        Rising, 1/Angstrom.
    intensity : array, shape (n,)
    first_a : float, optional
        Spacing of the n = 1 compound of the same spacer, Angstrom.
    halide : {"I", "Br", "Cl"}
    most : int
        Series looked for.

    Returns
    -------
    list of LayerSpacing
        Empty if there is no series: a film without layers, or layers that stand the other way.

    Raises
    ------
    NavigationError
    """
    q, y = np.asarray(q_per_a, dtype=float), np.asarray(intensity, dtype=float)
    if q.ndim != 1 or q.shape != y.shape or len(q) < 50 or not (np.diff(q) > 0).all() or not np.isfinite(y).all():
        raise NavigationError("a line cut needs 50 points or more with rising q and finite intensities")
    if halide not in _OCTAHEDRON_A:
        raise NavigationError(f"the halide is I, Br or Cl, not '{halide[:20]}'")
    if first_a is not None and not 5.0 < first_a < 100.0:
        raise NavigationError(f"the spacing of n = 1 must lie between 5 and 100 Angstrom, not {first_a:g}")
    where, error, height = _peaks(q, y)
    left = np.ones(len(where), dtype=bool)
    found: list[LayerSpacing] = []
    for _ in range(most):
        one = _best(where, error, height, left)
        if one is None:
            break
        spacing, spread, used, orders = one
        left[used] = False
        found.append(
            LayerSpacing(
                spacing,
                spread,
                tuple(orders),
                tuple(float(where[i]) for i in used),
                float(height[used].sum() / height.sum()),
                None if first_a is None else 1.0 + (spacing - first_a) / _OCTAHEDRON_A[halide],
                None if first_a is None else spread / _OCTAHEDRON_A[halide],
            )
        )
    return found


def _peaks(q: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Places of peaks by a parabola through the logarithm of the top, their errors (a third of a step), heights."""
    from scipy.ndimage import minimum_filter1d, uniform_filter1d
    from scipy.signal import find_peaks

    smooth = uniform_filter1d(y, 3)
    base = uniform_filter1d(minimum_filter1d(smooth, max(5, len(q) // 15)), max(5, len(q) // 15))
    clean = smooth - base
    noise = 1.4826 * float(np.median(np.abs(np.diff(y, 2)))) / np.sqrt(6.0)
    tops = find_peaks(clean, prominence=max(6.0 * noise, 0.002 * clean.max()), distance=3)[0]
    tops = tops[(tops > 0) & (tops < len(q) - 1)]
    around = np.maximum(np.stack([clean[tops - 1], clean[tops], clean[tops + 1]]), 1e-12)
    a, b, c = np.log(around)
    bend = a - 2.0 * b + c
    shift = np.where(bend < 0, np.clip(0.5 * (a - c) / np.where(bend < 0, bend, 1.0), -0.5, 0.5), 0.0)
    step = np.gradient(q)[tops]
    return q[tops] + shift * step, step / 3.0, clean[tops]


def _best(
    where: FloatArray, error: FloatArray, height: FloatArray, left: NDArray[np.bool_]
) -> tuple[float, float, list[int], list[int]] | None:
    """Series with the most height among the peaks that are left; its fundamental must not miss every second order."""
    best: tuple[float, float, list[int], list[int]] | None = None
    most = 0.0
    free = np.flatnonzero(left)
    for i in free:
        for order in (1, 2, 3):
            base = where[i] / order
            used, orders = [], []
            for ell in range(1, _MOST_ORDERS + 1):
                near = free[np.abs(where[free] - ell * base) <= _TOLERANCE * ell * base / np.sqrt(ell)]
                if len(near):
                    used.append(int(near[np.argmax(height[near])]))
                    orders.append(ell)
            if len(orders) < _FEWEST or orders[1] - orders[0] != 1 or np.gcd.reduce(orders) > 1:
                continue
            gain = float(height[used].sum()) * len(orders) / orders[-1]
            if gain > most * (1 + 1e-9):
                numbers, w = np.array(orders, dtype=float), 1.0 / error[used] ** 2
                fundamental = float((w * numbers * where[used]).sum() / (w * numbers**2).sum())
                left_over = float((w * (where[used] - fundamental * numbers) ** 2).sum()) / (len(orders) - 1)
                spread = np.sqrt(max(left_over, 1.0) / float((w * numbers**2).sum()))
                spacing = 2.0 * np.pi / fundamental
                most, best = gain, (spacing, float(spacing * spread / fundamental), used, orders)
    return best


def orientation(out_of_plane: list[LayerSpacing], in_plane: list[LayerSpacing]) -> str:
    """Say how layers lie, from the cuts in which their series appears.

    Returns
    -------
    str
        lying (the series is out of plane), standing (in plane), mixed, or none.
    """
    if out_of_plane and in_plane:
        return "mixed"
    return "lying" if out_of_plane else "standing" if in_plane else "none"
