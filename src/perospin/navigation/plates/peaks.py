"""Emission lines of all wells at once: energies, widths and areas with uncertainties."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perospin.units import ELEMENTARY_CHARGE_C, PLANCK_J_S, SPEED_OF_LIGHT_M_S

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
_CHUNK, _STEPS = 512, 60


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
    count, points = signal.shape
    seen, where, wide, shoulders = _found(energy_ev, signal)
    best, errors = np.full((count, 5), np.nan), np.full((count, 5), np.nan)
    fitted = np.full((count, points), np.nan)
    status = ["" if one else "no line above the noise" for one in seen]
    rows, middle = np.flatnonzero(seen), energy_ev.mean()
    for chunk in np.array_split(rows, max(1, -(-len(rows) // _CHUNK))):
        if not len(chunk):
            continue
        near = np.abs(energy_ev[None, :] - energy_ev[where[chunk], None]) <= _REACH * wide[chunk, None]
        near &= np.isfinite(signal[chunk])
        found, spread, done = _fit(energy_ev, signal[chunk], near, energy_ev[where[chunk]], wide[chunk])
        best[chunk], errors[chunk] = found, spread
        about = found - np.array([middle, 0, 0, 0, 0])
        fitted[chunk] = np.where(near, _curve(energy_ev - middle, about)[0], np.nan)
        for row, good in zip(chunk, done, strict=True):
            status[row] = "" if good else "the fit of the line did not settle"
    # a line that left its spectrum, or can't be told from noise, is none
    outside = rows[
        ~((best[rows, 0] > energy_ev[0]) & (best[rows, 0] < energy_ev[-1]) & (best[rows, 2] > 0))
        | (best[rows, 1] > energy_ev[-1] - energy_ev[0])
        | ~(best[rows, 2] > _SURE * errors[rows, 2])
    ]
    best[outside], errors[outside], fitted[outside] = np.nan, np.nan, np.nan
    for row in outside:
        status[row] = "no line that is sure"
    height = best[:, 2] * _FWHM / (best[:, 1] * np.sqrt(2.0 * np.pi))
    columns = (best[:, 0], errors[:, 0], best[:, 1], errors[:, 1], best[:, 2], errors[:, 2], height)
    return Peaks(*columns, tuple(status), shoulders, fitted)


def _curve(energy_ev: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Compute a line on a straight baseline, (n, n_energy), and its slopes by energy, ln width, area, offset, slope."""
    centre, fwhm, area, offset, slope = (values[:, i, None] for i in range(5))
    width = fwhm / _FWHM
    x = energy_ev[None, :] - centre
    unit = np.exp(-np.minimum(0.5 * (x / width) ** 2, 700.0)) / (width * np.sqrt(2.0 * np.pi))
    line = area * unit
    far = np.broadcast_to(energy_ev[None, :], x.shape)
    derivatives = np.stack([line * x / width**2, line * ((x / width) ** 2 - 1.0), unit, np.ones_like(x), far], axis=2)
    return line + offset + slope * far, derivatives


def _fit(
    energy_ev: FloatArray, signal: FloatArray, near: NDArray[np.bool_], centre: FloatArray, width: FloatArray
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Levenberg and Marquardt, all spectra at once; a compiled batch would compile anew for each window.

    Returns
    -------
    values, errors : array, shape (n, 5)
        Energy, full width, area, offset, slope; errors from the scatter of the residuals.
    done : array of bool, shape (n,)
    """
    reach = near.any(axis=0)
    x, y, weight = energy_ev[reach], np.where(near, signal, 0.0)[:, reach], near[:, reach].astype(float)
    mean = energy_ev.mean()
    x = x - mean  # the slope turns about the middle of the spectra
    low = np.min(np.where(near, signal, np.inf), axis=1)
    high = np.max(np.where(near, signal, -np.inf), axis=1)
    area = (high - low) * width * np.sqrt(2.0 * np.pi) / _FWHM
    values = np.stack([centre - mean, width, area, low, np.zeros(len(low))], axis=1)
    widths = 0.5 * np.diff(energy_ev).min(), 2.0 * (energy_ev[-1] - energy_ev[0])
    damping, done = np.full(len(values), 1e-2), np.zeros(len(values), dtype=bool)

    def state(tried: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        model, slopes = _curve(x, tried)
        left = (y - model) * weight
        slopes = slopes * weight[:, :, None]
        return (left**2).sum(axis=1), np.swapaxes(slopes, 1, 2) @ slopes, (slopes * left[:, :, None]).sum(axis=1)

    cost, matrix, gradient = state(values)
    for _ in range(_STEPS):
        size = np.einsum("nii->ni", matrix).copy()
        size[size <= 0] = 1.0
        scale = np.sqrt(size)
        normal = matrix / (scale[:, :, None] * scale[:, None, :]) + damping[:, None, None] * np.eye(5)
        step = np.linalg.solve(normal + 1e-12 * np.eye(5), (gradient / scale)[:, :, None])[:, :, 0] / scale
        tried = values + step
        tried[:, 1] = np.clip(values[:, 1] * np.exp(np.clip(step[:, 1], -0.5, 0.5)), *widths)
        tried[:, 0] = np.clip(tried[:, 0], 2.0 * x[0] - x[-1], 2.0 * x[-1] - x[0])
        new = state(tried)
        better = new[0] < cost
        small = better & (cost - new[0] <= 1e-9 * cost)
        values[better] = tried[better]
        for old, fresh in zip((cost, matrix, gradient), new, strict=True):
            old[better] = fresh[better]
        damping = np.where(better, damping / 5.0, damping * 4.0)
        done |= small | (damping > 1e8)
        if done.all():
            break
    dof = np.maximum(weight.sum(axis=1) - 5, 1)
    size = np.sqrt(np.maximum(np.einsum("nii->ni", matrix), 1e-300))
    spread = np.linalg.inv(matrix / (size[:, :, None] * size[:, None, :]) + 1e-12 * np.eye(5))
    errors = np.sqrt(np.maximum(np.einsum("nii->ni", spread), 0.0) * (cost / dof)[:, None]) / size
    errors[:, 1] *= values[:, 1]
    values[:, 0] += mean
    return values, errors, done & (weight.sum(axis=1) > 6)


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
