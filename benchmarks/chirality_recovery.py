"""Bias and coverage of the analyses of docs/spectra/chirality.md on simulated data.

    python benchmarks/chirality_recovery.py [SIMULATIONS]

Bias: mean of the fitted values over the true one. Coverage: how often the 68 % interval holds the true value.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np

from perospin.measurements import SpinFit
from perospin.spectra import (
    elliott,
    fit_absorption_edge,
    fit_circular_dichroism,
    fit_current_polarisation,
    fit_luminescence,
    fit_magnetoresistance,
)
from perospin.spectra.chirality.circular_dichroism import MDEG_PER_ABSORBANCE

UP = np.linspace(-0.1, 0.1, 121)
FIELD, DIRECTION = np.concatenate([UP, UP[::-1]]), np.repeat([1.0, -1.0], len(UP))
X = np.arange(430.0, 600.0, 0.5)
VOLTAGE = np.linspace(-2.0, 2.0, 81)
ENERGY = np.linspace(2.2, 2.8, 241)


def band(centre: float, width: float) -> np.ndarray:
    return np.exp(-0.5 * ((X - centre) / width) ** 2)


def edge(binding_mev: float, width_mev: float) -> Callable[[np.random.Generator], SpinFit]:
    shape = np.add(*elliott(ENERGY, 2.5, 1e-3 * binding_mev, 1e-3 * width_mev))
    clean = 0.05 + 0.5 * shape / shape.max()
    return lambda draw: fit_absorption_edge(ENERGY, clean + 0.006 * draw.normal(size=len(ENERGY)))


def valve(draw: np.random.Generator) -> SpinFit:
    s = DIRECTION * FIELD
    clean = 1000 + 5 * (np.tanh((s - 0.006) / 0.002) - np.tanh((s - 0.025) / 0.003))
    return fit_magnetoresistance(FIELD, clean + 0.3 * draw.normal(size=len(s)), loop="spin_valve")


def half_valve(draw: np.random.Generator) -> SpinFit:
    clean = 500 + 10 * np.tanh((FIELD - 0.01 * DIRECTION) / 0.02)
    return fit_magnetoresistance(FIELD, clean + 0.3 * draw.normal(size=len(FIELD)), loop="half_valve")


def dichroism(draw: np.random.Generator) -> SpinFit:
    a = 0.6 * band(510, 9) + 0.25 / (1 + np.exp((X - 500) / 6))
    theta = MDEG_PER_ABSORBANCE * a * 2e-3 * band(512, 15)
    return fit_circular_dichroism(X, theta + draw.normal(size=len(X)), a)


def luminescence(draw: np.random.Generator) -> SpinFit:
    mean = 2e4 * band(520, 10)
    left, right = (draw.poisson(factor * mean + 300.0) - 300.0 for factor in (1.03, 0.97))
    return fit_luminescence(X, left, right)


def currents(draw: np.random.Generator) -> SpinFit:
    shape = np.sinh(1.5 * VOLTAGE)
    up, down = (f * shape * (1 + 0.2 * draw.normal(size=(n, len(shape)))) for f, n in ((1.5, 30), (0.5, 25)))
    return fit_current_polarisation(VOLTAGE, up, down)


CASES: tuple[tuple[str, str, float, Callable[[np.random.Generator], SpinFit]], ...] = (
    ("edge, 60 meV, width 20 meV", "exciton_binding_energy_mev", 60.0, edge(60.0, 20.0)),
    ("edge, 20 meV, width 10 meV", "exciton_binding_energy_mev", 20.0, edge(20.0, 10.0)),
    ("edge, 12 meV, width 20 meV", "exciton_binding_energy_mev", 12.0, edge(12.0, 20.0)),
    ("spin valve, 1 %", "magnetoresistance_percent", 1.0, valve),
    ("half valve, 4 %", "magnetoresistance_percent", 4.0, half_valve),
    ("g_CD, 0.002", "g_cd", 2e-3, dichroism),
    ("g_lum, 0.06", "g_lum", 0.06, luminescence),
    ("current, 50 %", "spin_polarisation_percent", 50.0, currents),
)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    print(f"{'case':28s} {'bias (%)':>9s} {'spread (%)':>11s} {'coverage':>9s}   ({count} simulations)")
    for label, name, truth, simulate in CASES:
        found = [simulate(np.random.default_rng(seed))[name] for seed in range(count)]
        values = np.array([value.value for value in found]) / truth - 1.0
        covered = np.mean([value.low <= truth <= value.high for value in found])
        print(f"{label:28s} {100 * values.mean():9.2f} {100 * values.std():11.2f} {covered:9.2f}", flush=True)


if __name__ == "__main__":
    main()
