"""Data simulated at the values of the paper's device, (m-F-PEA)2PbI4, 0.7 mm thick."""

from __future__ import annotations

import numpy as np

from perospin import detectors as d

GAP_MM, GAP_CM, AREA_MM2 = 0.7, 0.07, 1.0
MU_TAU, TRAPS, MOBILITY, RESISTIVITY, EPS = 1.81e-4, 6.4e10, 9.76e-2, 3.78e11, 6.0


def hecht(rng):
    voltage = np.geomspace(1, 400, 30)
    return voltage, 1e-9 * d.hecht(voltage, MU_TAU, GAP_CM) * (1 + 0.01 * rng.standard_normal(30))


def dark_current_a(voltage, area_mm2=AREA_MM2):
    """Ohmic up to the trap-filled limit, Child from 70 V on, a straight rise between."""
    first, second = 47.28860, 70.0
    ohmic, child = first / (RESISTIVITY * GAP_CM), d.mott_gurney(second, MOBILITY, GAP_CM, EPS)
    slope = np.log(child / ohmic) / np.log(second / first)
    density = np.where(
        voltage < first,
        voltage / (RESISTIVITY * GAP_CM),
        np.where(voltage < second, ohmic * (voltage / first) ** slope, d.mott_gurney(voltage, MOBILITY, GAP_CM, EPS)),
    )
    return density * area_mm2 / 100


def dark(rng):
    voltage = np.geomspace(1, 300, 120)
    return voltage, dark_current_a(voltage) * 10 ** (0.03 * rng.standard_normal(120))


def capacitance(rng):
    frequency = np.geomspace(1e3, 1e6, 25)
    farads = EPS * 8.8541878188e-14 * AREA_MM2 / 100 / GAP_CM
    return frequency, farads * (1 + 0.02 * rng.standard_normal(25))


def drift(rng):
    """Dark current over four hours at 200 V/mm, in a device of 0.01 cm2."""
    time = np.arange(0.0, 14400.0, 120.0)
    slope = 9.59e-8 * 1e-9 * 2000.0 * 0.01
    return time, 1e-11 + slope * time + 1e-15 * rng.standard_normal(len(time))


def pulses(rng, noise_a=2e-11):
    time = np.arange(0.0, 1.4, 1e-3)
    rise, fall = 16.8e-3 / np.log(9), 29.1e-3 / np.log(9)
    current = np.full(len(time), 1e-10)
    for start in (0.2, 0.8):
        lit = 1 - np.exp(-np.clip(time - start, 0, None) / rise)
        current += 1e-9 * np.where(time < start + 0.3, lit, np.exp(-np.clip(time - start - 0.3, 0, None) / fall))
    return time, current + noise_a * rng.standard_normal(len(time))
