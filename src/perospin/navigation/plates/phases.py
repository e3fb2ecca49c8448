"""Phase fractions of quasi-2D films: all spectra of a plate as sums of lines that stand where they must."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perospin.errors import NavigationError

__all__ = ["Phases", "phase_fractions"]

FloatArray = NDArray[np.float64]
_ROUNDS = 400


@dataclass(frozen=True)
class Phases:
    """Shares of the phases in the emission (or absorption) of each well.

    Attributes
    ----------
    names : tuple of str
    shares : array, shape (n_wells, n_phases)
        Of the area, which sum to 1; NaN where a well is empty. Emission funnels to the lowest gap: its shares are not
        volumes.
    lines : array, shape (n_phases, n_energy)
        Spectrum of each phase, of area 1.
    residual : array, shape (n_wells,)
        Part of each spectrum that no phase explains, 0 to 1.
    """

    names: tuple[str, ...]
    shares: FloatArray
    lines: FloatArray
    residual: FloatArray


def phase_fractions(
    energy_ev: FloatArray, signal: FloatArray, lines_ev: Mapping[str, float | FloatArray], shift_ev: float = 0.06
) -> Phases:
    """Factorise a plate into non-negative spectra of phases and their shares.

    The spectrum of a phase may have any shape within `shift_ev` of its line and falls off beyond (a Gaussian envelope),
    so that phases can't change places. Where the line of a phase moves over the plate, its spectrum moves with it.
    Multiplicative updates of Lee and Seung (Nature 401, 788, 1999), which never leave what is zero.

    Parameters
    ----------
    energy_ev : array, shape (n_energy,)
        Rising.
    signal : array, shape (n_wells, n_energy)
        Per energy; NaN counts as no signal. A baseline, the 5 % quantile, is taken off.
    lines_ev : dict of str to float or array of shape (n_wells,)
        Energy of each phase's line: one for all wells, or one a well.
    shift_ev : float
        How far a line may stand from its energy.

    Raises
    ------
    NavigationError
        If a line lies outside the spectra, or two are closer than a quarter of `shift_ev`.
    """
    names = tuple(lines_ev)
    if not len(names) or not shift_ev > 0:
        raise NavigationError("phase fractions need the energy of each phase's line, and a shift above 0 eV")
    where = np.stack([np.broadcast_to(lines_ev[name], len(signal)) for name in names], axis=1).astype(float)
    for name, low, high in zip(names, where.min(axis=0), where.max(axis=0), strict=True):
        if not (energy_ev[0] <= low and high <= energy_ev[-1]):
            outside = low if low < energy_ev[0] else high
            raise NavigationError(
                f"the line of '{name[:30]}' at {outside:g} eV lies outside the spectra, {energy_ev[0]:.2f} to "
                f"{energy_ev[-1]:.2f} eV"
            )
    if len(names) > 1 and np.diff(np.sort(where, axis=1), axis=1).min() < 0.25 * shift_ev:
        raise NavigationError(f"two phases' lines are closer than {0.25 * shift_ev:.3g} eV: they can't be told apart")
    filled = np.where(np.isfinite(signal), signal, 0.0)
    # an even grid, on which a line moves by whole steps
    energy = np.linspace(energy_ev[0], energy_ev[-1], len(energy_ev))
    even = np.array([np.interp(energy, energy_ev, row) for row in filled])
    data = np.maximum(even - np.quantile(even, 0.05, axis=1, keepdims=True), 0.0)
    whole = np.trapezoid(data, energy, axis=1)
    lit = whole > 0
    scaled = data[lit] / whole[lit, None]
    centres = where.mean(axis=0)
    moved = _Moved(np.rint((where[lit] - centres) / (energy[1] - energy[0])).astype(int), len(energy))
    envelope = np.exp(-0.5 * ((energy - centres[:, None]) / shift_ev) ** 2)
    envelope[envelope < 1e-3] = 0.0
    h = envelope / np.trapezoid(envelope, energy, axis=1)[:, None]
    w = np.full((len(scaled), len(names)), 1.0 / len(names))
    for _ in range(_ROUNDS if not moved.steps.any() else _ROUNDS // 2):
        w *= moved.onto_lines(scaled, h) / np.maximum(moved.onto_lines(moved.model(w, h), h), 1e-300)
        step = moved.onto_wells(w, scaled) / np.maximum(moved.onto_wells(w, moved.model(w, h)), 1e-300)
        # half a step keeps a phase that hardly occurs near the shape it is known to have
        h *= np.sqrt(step)
        h = np.minimum(h, h.max(axis=1, keepdims=True) * envelope**0.5 + 1e-300)
        area = np.trapezoid(h, energy, axis=1)
        h /= np.maximum(area, 1e-300)[:, None]
        w *= area
    shares = np.full((len(signal), len(names)), np.nan)
    shares[lit] = w / np.maximum(w.sum(axis=1, keepdims=True), 1e-300)
    residual = np.full(len(signal), np.nan)
    residual[lit] = np.minimum(np.trapezoid(np.abs(scaled - moved.model(w, h)), energy, axis=1), 1.0)
    return Phases(names, shares, np.array([np.interp(energy_ev, energy, row) for row in h]), residual)


class _Moved:
    """Products of shares and lines, where each line of each well is moved by whole steps of the grid."""

    def __init__(self, steps: NDArray[np.int64], points: int) -> None:
        self.steps = steps
        grid = np.arange(points)
        self._there, self._in = self._places(grid - steps[:, :, None], points)
        self._back, self._back_in = self._places(grid + steps[:, :, None], points)

    @staticmethod
    def _places(index: NDArray[np.int64], points: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        return np.clip(index, 0, points - 1), (index >= 0) & (index < points)

    def _lines(self, h: FloatArray) -> FloatArray:
        return np.asarray(h[np.arange(len(h))[None, :, None], self._there] * self._in)

    def model(self, w: FloatArray, h: FloatArray) -> FloatArray:
        """Sum of the phases in each well, shape (n_wells, n_energy)."""
        return w @ h if not self.steps.any() else np.asarray(np.einsum("ik,ikj->ij", w, self._lines(h)))

    def onto_lines(self, y: FloatArray, h: FloatArray) -> FloatArray:
        """Spectra times lines, shape (n_wells, n_phases)."""
        return y @ h.T if not self.steps.any() else np.asarray(np.einsum("ij,ikj->ik", y, self._lines(h)))

    def onto_wells(self, w: FloatArray, y: FloatArray) -> FloatArray:
        """Spectra, moved back, times shares, shape (n_phases, n_energy)."""
        if not self.steps.any():
            return w.T @ y
        back = y[np.arange(len(y))[:, None, None], self._back] * self._back_in
        return np.asarray(np.einsum("ik,ikj->kj", w, back))
