"""Emission lines of all wells at once: energies, widths and areas with uncertainties."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perospin.units import ELEMENTARY_CHARGE_C, PLANCK_J_S, SPEED_OF_LIGHT_M_S

if TYPE_CHECKING:
    from perospin.fitting import SeparableModel

__all__ = ["HC_EV_NM", "Peaks", "fit_peaks", "noise_of", "per_energy"]

FloatArray = NDArray[np.float64]
HC_EV_NM = PLANCK_J_S * SPEED_OF_LIGHT_M_S / ELEMENTARY_CHARGE_C * 1e9
_FWHM = 2.0 * np.sqrt(2.0 * np.log(2.0))
_SEEN = 6.0
"""Heights of the noise that a line needs to be one."""
_SURE = 7.0
"""Standard errors of its area that a line needs: the best of many bumps of pure noise reaches four."""
_REACH = 2.0
"""Half width of the window of a fit, in full widths of the line."""


@dataclass(frozen=True)
class Peaks:
    """The strongest line of each spectrum.

    Attributes
    ----------
    energy_ev, fwhm_ev, area, height : array, shape (n,)
        NaN where there is no line. The area is that of the spectrum per energy, without the baseline.
    energy_error_ev, fwhm_error_ev, area_error : array, shape (n,)
        Standard errors of the fit.
    status : tuple of str
        In words; empty where the fit is sound.
    shoulders : array of int, shape (n,)
        Other lines in the spectrum.
    fitted : array, shape (n, n_energy)
        Line and baseline; NaN outside the window.
    """

    energy_ev: FloatArray
    energy_error_ev: FloatArray
    fwhm_ev: FloatArray
    fwhm_error_ev: FloatArray
    area: FloatArray
    area_error: FloatArray
    height: FloatArray
    status: tuple[str, ...]
    shoulders: NDArray[np.int64]
    fitted: FloatArray


def per_energy(wavelength_nm: FloatArray, signal: FloatArray, emission: bool = True) -> tuple[FloatArray, FloatArray]:
    r"""Change from wavelength to energy.

    Parameters
    ----------
    wavelength_nm : array, shape (n,)
        Rising.
    signal : array, shape (..., n)
        Emission per wavelength, or absorbance.
    emission : bool
        An emission spectrum is a density and takes the Jacobian, :math:`I(E) = I(\lambda)\,\lambda^2/hc`
        (J. Phys. Chem. Lett. 4, 3316, 2013); an absorbance does not.

    Returns
    -------
    energy_ev : array, shape (n,)
        Rising.
    signal : array, shape (..., n)
        Emission per eV if the first was per nm.
    """
    energy = HC_EV_NM / wavelength_nm
    changed = signal * wavelength_nm**2 / HC_EV_NM if emission else signal
    return energy[::-1].copy(), changed[..., ::-1].copy()


def noise_of(signal: FloatArray) -> FloatArray:
    """Noise of each spectrum from its second differences, which a smooth line hardly has; shape (n,)."""
    bend = np.diff(signal, 2, axis=-1) / np.sqrt(6.0)
    bend[~np.isfinite(bend).any(axis=-1)] = 0.0
    return np.asarray(1.4826 * np.nanmedian(np.abs(bend), axis=-1))


def fit_peaks(energy_ev: FloatArray, signal: FloatArray) -> Peaks:
    """Fit the strongest line of each spectrum: a Gaussian per energy on a straight baseline, within its surroundings.

    Parameters
    ----------
    energy_ev : array, shape (n_energy,)
        Rising.
    signal : array, shape (n, n_energy)
        Per energy; NaN where a point doesn't count.
    """
    from perospin.fitting import FitStatus, fit_batch

    count = len(signal)
    seen, where, wide, shoulders = _found(energy_ev, signal)
    best, errors = np.full((count, 3), np.nan), np.full((count, 3), np.nan)
    fitted = np.full(signal.shape, np.nan)
    status = ["" if one else "no line above the noise" for one in seen]
    rows = np.flatnonzero(seen)
    if len(rows):
        centre, width = energy_ev[where[rows]], wide[rows]
        near = np.abs(energy_ev - centre[:, None]) <= _REACH * width[:, None]
        starts = {"energy_ev": centre, "fwhm_ev": width}
        found = fit_batch(_line(), energy_ev, np.where(near, signal[rows], np.nan), starts=starts)
        best[rows], errors[rows] = found.values[:, :3], found.uncertainty[:, :3]
        fitted[rows] = np.where(near, found.best_fit, np.nan)
        for row, one in zip(rows, found.status, strict=True):
            status[row] = "" if one == FitStatus.CONVERGED else "the fit of the line did not settle"
    # a line that left its spectrum, or can't be told from noise, is none
    outside = rows[
        ~((best[rows, 0] > energy_ev[0]) & (best[rows, 0] < energy_ev[-1]) & (best[rows, 2] > 0))
        | (best[rows, 1] > energy_ev[-1] - energy_ev[0])
        | (best[rows, 1] < 0.5 * np.diff(energy_ev).min())
        | ~(best[rows, 2] > _SURE * errors[rows, 2])
    ]
    best[outside], errors[outside], fitted[outside] = np.nan, np.nan, np.nan
    for row in outside:
        status[row] = "no line that is sure"
    height = best[:, 2] * _FWHM / (best[:, 1] * np.sqrt(2.0 * np.pi))
    columns = (best[:, 0], errors[:, 0], best[:, 1], errors[:, 1], best[:, 2], errors[:, 2], height)
    return Peaks(*columns, tuple(status), shoulders, fitted)


@functools.cache
def _line() -> SeparableModel:
    """Gaussian per energy on a straight baseline, which turns about the middle of the spectra."""
    from perospin.fitting import Parameter, Quantity, SeparableModel, namespace

    def basis(energy_ev: Any, theta: Mapping[str, Any]) -> list[Any]:
        xp, width = namespace(energy_ev), theta["fwhm_ev"] / _FWHM
        away = xp.minimum(0.5 * ((energy_ev - theta["energy_ev"]) / width) ** 2, 700.0)
        line = xp.exp(-away) / (width * np.sqrt(2.0 * np.pi))
        return [line, xp.ones_like(energy_ev), energy_ev - energy_ev.mean()]

    return SeparableModel(
        "line on a straight baseline",
        (
            Parameter("energy_ev", "eV", "energy", 2.0, scale=0.05),
            Parameter("fwhm_ev", "eV", "full width at half maximum", 0.1, low=1e-5, high=20.0, positive=True),
        ),
        (Quantity("area"), Quantity("offset"), Quantity("slope")),
        basis,
        x=(Quantity("energy_ev", "eV", "energy"),),
    )


def _found(
    energy_ev: FloatArray, signal: FloatArray
) -> tuple[NDArray[np.bool_], NDArray[np.int64], FloatArray, NDArray[np.int64]]:
    """Whether a spectrum has a line, where, how wide at half its height, and how many others there are."""
    from scipy.ndimage import uniform_filter1d
    from scipy.signal import find_peaks

    filled = np.where(np.isfinite(signal), signal, 0.0)
    span = max(3, len(energy_ev) // 60)
    smooth = uniform_filter1d(filled, span, axis=1)
    floor = np.quantile(smooth, 0.1, axis=1)
    where = np.argmax(smooth, axis=1)
    height = smooth[np.arange(len(smooth)), where] - floor
    noise = np.nan_to_num(noise_of(signal))
    seen = (height > _SEEN * noise / np.sqrt(span)) & (height > 0) & (np.isfinite(signal).sum(axis=1) > 8)
    above = smooth - floor[:, None] > 0.5 * height[:, None]
    index = np.arange(len(energy_ev))
    left = np.max(np.where(~above & (index[None, :] < where[:, None]), index, 0), axis=1)
    right = np.min(np.where(~above & (index[None, :] > where[:, None]), index, len(energy_ev) - 1), axis=1)
    width = np.maximum(energy_ev[right] - energy_ev[left], 3.0 * np.median(np.diff(energy_ev)))
    shoulders = np.zeros(len(signal), dtype=np.int64)
    for row in np.flatnonzero(seen):
        least = max(0.1 * height[row], _SEEN * noise[row])
        shoulders[row] = max(0, len(find_peaks(smooth[row], prominence=least)[0]) - 1)
    return seen, where, width, shoulders
