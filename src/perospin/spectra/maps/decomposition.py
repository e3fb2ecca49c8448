"""How many components a map holds: singular values against what noise alone would give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from perospin.errors import FitError
from perospin.fitting.arrays import Float
from perospin.measurements.maps import SignalMap

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Decomposition", "decompose"]


@dataclass(frozen=True)
class Decomposition:
    """Singular value decomposition of a map, ``signal = kinetics @ diag(singular_values) @ spectra``.

    Attributes
    ----------
    delay_ps, wavelength_nm
        Axes.
    kinetics
        Left singular vectors, (n_delay, k).
    singular_values
        Descending, (k,).
    spectra
        Right singular vectors, (k, n_wavelength).
    threshold
        Singular values above it are not noise.
    significant
        Their number.
    noise
        Standard deviation of the noise that the threshold implies.
    """

    delay_ps: Float
    wavelength_nm: Float
    kinetics: Float
    singular_values: Float
    spectra: Float
    threshold: float
    significant: int
    noise: float

    def signal(self, components: int | None = None) -> Float:
        """Rebuild the map from its first components, (n_delay, n_wavelength)."""
        k = self.significant if components is None else components
        return (self.kinetics[:, :k] * self.singular_values[:k]) @ self.spectra[:k]

    def plot(self) -> Figure:
        """Singular values with the threshold, and the first kinetics and spectra."""
        from perospin.spectra.figures.maps import plot_decomposition

        return plot_decomposition(self)


def decompose(signal_map: SignalMap, noise: float | None = None) -> Decomposition:
    """Decompose a map and count what stands out of the noise.

    Parameters
    ----------
    signal_map
        Without missing points.
    noise
        Standard deviation of one point, if known; default from the map itself.

    Returns
    -------
    Decomposition

    Raises
    ------
    FitError
        If points are missing.

    Notes
    -----
    Threshold for unknown noise: the median singular value times (0.56 b^3 - 0.95 b^2 + 1.82 b + 1.43), b the ratio of
    the map's sides; for known noise sqrt(n) sigma lambda(b) (Gavish and Donoho, IEEE Trans. Inf. Theory 60, 5040, 2014,
    10.1109/TIT.2014.2323359). It assumes noise of one size, independent from point to point: an interpolated map
    (chirp) or drifts between scans change the count.
    """
    if not np.isfinite(signal_map.signal).all():
        raise FitError(f"{signal_map!r} has missing points: crop them away before the decomposition")
    left, values, right = np.linalg.svd(signal_map.signal, full_matrices=False)
    n, m = max(signal_map.shape), min(signal_map.shape)
    ratio = m / n
    if noise is None:
        factor = 0.56 * ratio**3 - 0.95 * ratio**2 + 1.82 * ratio + 1.43
        threshold = factor * float(np.median(values))
        noise = threshold / (np.sqrt(n) * _optimal(ratio))
    else:
        threshold = float(np.sqrt(n) * noise * _optimal(ratio))
    sign = np.where(np.sum(right, axis=1) < 0, -1.0, 1.0)  # singular vectors have no sign of their own: fix one
    return Decomposition(
        signal_map.delay_ps,
        signal_map.wavelength_nm,
        left * sign,
        values,
        right * sign[:, None],
        float(threshold),
        int(np.sum(values > threshold)),
        float(noise),
    )


def _optimal(ratio: float) -> float:
    """Hard threshold for known noise, in units of sqrt(n) sigma."""
    return float(np.sqrt(2 * (ratio + 1) + 8 * ratio / (ratio + 1 + np.sqrt(ratio**2 + 14 * ratio + 1))))
