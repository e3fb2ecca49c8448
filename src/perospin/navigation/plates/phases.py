"""Phase fractions of quasi-2D films: all spectra of a plate as sums of lines that stand where they must."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perospin.errors import NavigationError
from perospin.text import shorten

__all__ = ["Phases", "phase_fractions", "read_lines"]

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
    energy_ev: FloatArray, signal: FloatArray, lines_ev: Mapping[str, float], shift_ev: float = 0.06
) -> Phases:
    """Factorise a plate into non-negative spectra of phases and their shares.

    The spectrum of a phase may have any shape within `shift_ev` of its line and falls off beyond (a Gaussian envelope),
    so that composition may move it, but phases can't change places. Multiplicative updates of Lee and Seung
    (Nature 401, 788, 1999), which never leave what is zero.

    Parameters
    ----------
    energy_ev : array, shape (n_energy,)
        Rising.
    signal : array, shape (n_wells, n_energy)
        Per energy; NaN counts as no signal. A baseline, the 5 % quantile, is taken off.
    lines_ev : dict of str to float
        Energy of each phase's line.
    shift_ev : float
        How far composition may move a line.

    Raises
    ------
    NavigationError
        If a line lies outside the spectra, or two are closer than a quarter of `shift_ev`.
    """
    names = tuple(lines_ev)
    centres = np.array([lines_ev[name] for name in names])
    if not len(names) or not shift_ev > 0:
        raise NavigationError("phase fractions need the energy of each phase's line, and a shift above 0 eV")
    for name, centre in lines_ev.items():
        if not energy_ev[0] <= centre <= energy_ev[-1]:
            raise NavigationError(
                f"the line of '{name[:30]}' at {centre:g} eV lies outside the spectra, {energy_ev[0]:.2f} to "
                f"{energy_ev[-1]:.2f} eV"
            )
    if len(names) > 1 and np.diff(np.sort(centres)).min() < 0.25 * shift_ev:
        raise NavigationError(f"two phases' lines are closer than {0.25 * shift_ev:.3g} eV: they can't be told apart")
    filled = np.where(np.isfinite(signal), signal, 0.0)
    data = np.maximum(filled - np.quantile(filled, 0.05, axis=1, keepdims=True), 0.0)
    whole = np.trapezoid(data, energy_ev, axis=1)
    lit = whole > 0
    scaled = data[lit] / whole[lit, None]
    envelope = np.exp(-0.5 * ((energy_ev - centres[:, None]) / shift_ev) ** 2)
    envelope[envelope < 1e-3] = 0.0
    h = envelope / np.trapezoid(envelope, energy_ev, axis=1)[:, None]
    w = np.full((len(scaled), len(names)), 1.0 / len(names))
    for _ in range(_ROUNDS):
        w *= (scaled @ h.T) / np.maximum(w @ (h @ h.T), 1e-300)
        step = (w.T @ scaled) / np.maximum((w.T @ w) @ h, 1e-300)
        # half a step keeps a phase that hardly occurs near the shape it is known to have
        h *= np.sqrt(step)
        h = np.minimum(h, h.max(axis=1, keepdims=True) * envelope**0.5 + 1e-300)
        area = np.trapezoid(h, energy_ev, axis=1)
        h /= np.maximum(area, 1e-300)[:, None]
        w *= area
    shares = np.full((len(signal), len(names)), np.nan)
    shares[lit] = w / np.maximum(w.sum(axis=1, keepdims=True), 1e-300)
    residual = np.full(len(signal), np.nan)
    residual[lit] = np.minimum(np.trapezoid(np.abs(scaled - w @ h), energy_ev, axis=1), 1.0)
    return Phases(names, shares, h, residual)


def read_lines(text: str) -> dict[str, float]:
    """Read lines of phases in eV as a person writes them.

    Raises
    ------
    NavigationError

    Examples
    --------
    >>> read_lines("n=1:2.36, 3D:1.6")
    {'n=1': 2.36, '3D': 1.6}
    """
    made = {}
    for part in text.split(","):
        name, _, energy = part.strip().rpartition(":")
        try:
            made[name.strip() or "?"] = float(energy)
        except ValueError:
            raise NavigationError(
                f"'{shorten(part.strip(), 40)}' is no line; write 'n=1:2.36, n=2:2.17, 3D:1.6'"
            ) from None
    return made
