"""Noise of a detector's current, signal-to-noise ratio and detection limit, and estimates for a pixel."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from perospin.errors import DataError
from perospin.fitting.arrays import real
from perospin.units import BOLTZMANN_J_K, ELEMENTARY_CHARGE_C

__all__ = [
    "current_noise_a",
    "dqe_zero_estimate",
    "limit_from_noise",
    "limit_interval_from_noise",
    "pixel_mtf_estimate",
    "signal_to_noise",
]

SNR_AT_LIMIT = 3.0
"""IUPAC's convention for a detection limit."""


def current_noise_a(
    current_a: Any,
    bandwidth_hz: float,
    *,
    resistance_ohm: float = math.inf,
    temperature_k: float = 295.0,
    flicker: float = 0.0,
    lowest_hz: float = 0.01,
) -> Any:
    """Root-mean-square noise of a current (A): shot, thermal and 1/f noise, added as squares.

    Parameters
    ----------
    current_a : float or ndarray
        Dark plus photocurrent.
    bandwidth_hz : float
    resistance_ohm, temperature_k : float
        For the thermal noise; none without a resistance.
    flicker : float
        ``S_I = flicker * I^2 / f``, no unit; from a noise spectrum.
    lowest_hz : float
        Where the 1/f noise starts: the inverse of the measuring time.
    """
    current = np.abs(real(current_a, "current_a"))
    if not (bandwidth_hz > lowest_hz > 0 and resistance_ohm > 0 and temperature_k > 0 and flicker >= 0):
        raise DataError("noise needs a bandwidth above lowest_hz, a positive resistance and temperature, flicker >= 0")
    shot = 2 * ELEMENTARY_CHARGE_C * current * bandwidth_hz
    thermal = 4 * BOLTZMANN_J_K * temperature_k * bandwidth_hz / resistance_ohm
    return np.sqrt(shot + thermal + flicker * current**2 * math.log(bandwidth_hz / lowest_hz))[()]


def signal_to_noise(
    dose_rate_gy_s: Any, sensitivity_uc_gy_cm2: float, area_cm2: float, dark_a: float, bandwidth_hz: float, **noise: Any
) -> Any:
    """Photocurrent over the noise of the whole current; `noise` as for `current_noise_a`."""
    photo = 1e-6 * sensitivity_uc_gy_cm2 * area_cm2 * real(dose_rate_gy_s, "dose_rate_gy_s")
    return photo / current_noise_a(photo + abs(dark_a), bandwidth_hz, **noise)


def limit_from_noise(
    sensitivity_uc_gy_cm2: float, area_cm2: float, dark_a: float, bandwidth_hz: float, **noise: Any
) -> float:
    """Dose rate (Gy/s) at a signal-to-noise ratio of 3.

    Raises
    ------
    DataError
        If 1/f noise keeps the ratio below 3 at any dose rate.
    """
    from scipy.optimize import brentq

    if not (sensitivity_uc_gy_cm2 > 0 and area_cm2 > 0):
        raise DataError("sensitivity and area must be positive")

    def missing(log_dose: float) -> float:
        ratio = signal_to_noise(10**log_dose, sensitivity_uc_gy_cm2, area_cm2, dark_a, bandwidth_hz, **noise)
        return float(ratio) - SNR_AT_LIMIT

    if missing(3.0) < 0:
        raise DataError("the signal-to-noise ratio stays below 3 up to 1000 Gy/s: noise, area or sensitivity is wrong")
    return 10 ** float(brentq(missing, -30.0, 3.0))


def limit_interval_from_noise(
    sensitivity_uc_gy_cm2: tuple[float, float],
    area_cm2: float,
    dark_a: tuple[float, float],
    bandwidth_hz: float,
    *,
    level: float = 0.68,
    **noise: Any,
) -> tuple[float, float, float]:
    """Dose rate (Gy/s) at a signal-to-noise ratio of 3 and its interval.

    Parameters
    ----------
    sensitivity_uc_gy_cm2, dark_a : (value, standard uncertainty)
    area_cm2, bandwidth_hz : float
    level : float
        Of the interval.
    **noise
        As for `current_noise_a`.

    Returns
    -------
    value, low, high : float
        To first order in the logarithms of sensitivity and dark current, which count as independent.

    Examples
    --------
    >>> value, low, high = limit_interval_from_noise((1000.0, 50.0), 0.01, (1e-10, 1e-11), 1.0)
    >>> low < value < high
    True
    """
    from scipy.special import ndtri

    (size, size_sd), (dark, dark_sd) = sensitivity_uc_gy_cm2, (abs(dark_a[0]), dark_a[1])
    if not (size > 0 and size_sd >= 0 and dark_sd >= 0 and 0 < level < 1):
        raise DataError("sensitivity must be positive, uncertainties at least 0 and the level between 0 and 1")
    value = limit_from_noise(size, area_cm2, dark, bandwidth_hz, **noise)
    step = 1e-3
    by_size = limit_from_noise(size * math.exp(step), area_cm2, dark, bandwidth_hz, **noise)
    parts = [math.log(by_size / value) / step * size_sd / size]
    if dark > 0:
        by_dark = limit_from_noise(size, area_cm2, dark * math.exp(step), bandwidth_hz, **noise)
        parts.append(math.log(by_dark / value) / step * dark_sd / dark)
    factor = math.exp(float(ndtri(0.5 + 0.5 * level)) * math.hypot(*parts))
    return value, value / factor, value * factor


def pixel_mtf_estimate(frequency_per_mm: Any, pitch_mm: float) -> Any:
    """Modulation transfer of a square pixel alone, an estimate: no charge sharing, no spread of light."""
    if not pitch_mm > 0:
        raise DataError(f"the pitch of the pixels is {pitch_mm:g} mm; it must be positive")
    return np.abs(np.sinc(np.asarray(frequency_per_mm, dtype=float) * pitch_mm))


def dqe_zero_estimate(absorbed: float, swank: float = 1.0) -> float:
    """DQE at zero frequency, an estimate: absorbed fraction times Swank factor, no electronic noise."""
    if not (0 <= absorbed <= 1 and 0 < swank <= 1):
        raise DataError("the absorbed fraction and the Swank factor must lie between 0 and 1")
    return absorbed * swank
