"""Recovery of simulated Kerr, Hanle, ODMR and inertia measurements by their analyses.

For each case many noisy measurements of known parameters are simulated and fitted. Printed: bias of the median (% of
the truth), its standard error, how often the 68 % interval holds the truth (60 to 76 % is sound for 200 repeats), and
how often the fit gave a bound instead of a value.

    python benchmarks/precession_recovery.py [--repeats 200] [CASE ...]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from perospin import mechanisms
from perospin.measurements import SpinFit
from perospin.spectra import (
    fit_hanle,
    fit_kerr,
    fit_kerr_series,
    fit_nuclear_precession,
    fit_odmr,
    fit_polarisation_power,
    fit_resonance_width,
    fit_resonant_amplification,
    fit_spin_inertia,
    fit_spin_valve,
    fit_t1_field,
    fit_t1_temperature,
)
from perospin.spectra.signals import simulate
from perospin.spectra.signals.signals import RADIANS_PER_PS_TESLA

DELAY = np.linspace(0.0, 2000.0, 300)
FIELD = np.linspace(-0.06, 0.06, 121)
WIDE = np.linspace(-0.2, 0.2, 161)
SPECTRUM = np.linspace(0.0, 0.2, 201)
MODULATION = np.geomspace(50.0, 1e5, 25)
PERIOD = 1e6 / 76.0


@dataclass(frozen=True)
class Case:
    """A measurement with known parameters: ``run(seed)`` simulates and fits, `truths` must come back."""

    run: Callable[[int], SpinFit]
    truths: dict[str, float]


def kerr(time: float, noise: float) -> Case:
    def run(seed: int) -> SpinFit:
        signal = simulate.kerr_trace(
            DELAY, field_t=0.5, g_factor=1.96, dephasing_time_ps=time, phase_rad=0.4, noise=noise, seed=seed
        )
        return fit_kerr(DELAY, signal, field_t=0.5)

    return Case(run, {"g_factor": 1.96, "dephasing_time_ps": time})


def kerr_pair(ratio: float) -> Case:
    def run(seed: int) -> SpinFit:
        signal = simulate.kerr_trace(
            DELAY, field_t=0.5, g_factor=[1.96, 0.7], dephasing_time_ps=[400.0, 800.0], amplitude=[1.0, ratio],
            noise=0.05, seed=seed,
        )  # fmt: skip
        return fit_kerr(DELAY, signal, components=2, field_t=0.5)

    return Case(run, {"g_factor_2": 0.7, "dephasing_time_1_ps": 400.0, "dephasing_time_2_ps": 800.0})


def kerr_fields(convention: str) -> Case:
    fields = (0.1, 0.2, 0.4, 0.7, 1.0)

    def run(seed: int) -> SpinFit:
        rng = np.random.default_rng(seed)
        traces = []
        for field in fields:
            turn = RADIANS_PER_PS_TESLA * field * DELAY
            spread = 0.03 * turn if convention == "linear" else 0.5 * (0.03 * turn) ** 2
            clean = np.exp(-DELAY / 2000.0 - spread) * np.cos(1.96 * turn)
            traces.append((DELAY, clean + 0.05 * rng.standard_normal(DELAY.size)))
        return fit_kerr_series(traces, fields, convention=convention)  # type: ignore[arg-type]

    return Case(run, {"g_factor": 1.96, "g_spread": 0.03, "dephasing_time_zero_field_ps": 2000.0})


def nuclear(seed: int) -> SpinFit:
    signal = simulate.nuclear_trace(DELAY, nuclear_field_t=0.012, g_factor=1.68, noise=0.05, seed=seed)
    return fit_nuclear_precession(DELAY, signal, g_factor=1.68)


def amplification(seed: int) -> SpinFit:
    field = np.linspace(-0.02, 0.03, 250)
    signal = simulate.resonant_amplification_curve(
        field, g_factor=1.96, dephasing_time_ps=8000.0, period_ps=PERIOD, delay_ps=PERIOD, noise=0.03, seed=seed
    )
    return fit_resonant_amplification(field, signal, PERIOD)


def hanle(noise: float) -> Case:
    def run(seed: int) -> SpinFit:
        signal = simulate.hanle_curve(
            FIELD, g_factor=2.5, lifetime_ps=2000.0, spin_lifetime_ps=1000.0, noise=noise, seed=seed
        )
        return fit_hanle(FIELD, signal, g_factor=2.5, initial_polarisation=1.0)

    return Case(run, {"lifetime_ps": 2000.0 / 3.0, "spin_lifetime_ps": 1000.0})


def spin_valve(length: float) -> Case:
    clean = simulate.spin_valve_curve(WIDE, lifetime_ps=500.0, diffusion_cm2_s=190.0, length_um=length)

    def run(seed: int) -> SpinFit:
        noise = 0.02 * clean.max() * np.random.default_rng(seed).standard_normal(clean.size)
        return fit_spin_valve(WIDE, clean + noise, length_um=length)

    return Case(run, {"lifetime_ps": 500.0, "diffusion_cm2_s": 190.0})


def odmr(seed: int) -> SpinFit:
    signal = simulate.odmr_spectrum(
        SPECTRUM, frequency_ghz=1.13, g_factor=[1.68, 0.8], g_spread=[0.15, 0.05], nuclear_field_t=[0.012, 0.01],
        amplitude=[1.0, 0.5], noise=0.04, seed=seed,
    )  # fmt: skip
    return fit_odmr(SPECTRUM, signal, frequency_ghz=1.13, components=2)


def widths(seed: int) -> SpinFit:
    field = np.linspace(0.02, 0.2, 10)
    clean = mechanisms.resonance_width(field, 0.012, 1.68, 0.15)
    return fit_resonance_width(field, clean + 3e-4 * np.random.default_rng(seed).standard_normal(10), 1.68)


def inertia(time: float) -> Case:
    def run(seed: int) -> SpinFit:
        return fit_spin_inertia(MODULATION, simulate.inertia_curve(MODULATION, t1_ps=time, noise=0.02, seed=seed))

    return Case(run, {"t1_ps": time})


def inertia_pair(seed: int) -> SpinFit:
    signal = simulate.inertia_curve(MODULATION, t1_ps=[1300e6, 70e6], amplitude=[0.6, 0.4], noise=0.005, seed=seed)
    return fit_spin_inertia(MODULATION, signal, components=2)


def t1_field(seed: int) -> SpinFit:
    field = np.geomspace(0.015, 0.2, 9)
    t1 = simulate.t1_against_field(
        field, spin_lifetime_ps=0.8e9, correlation_time_ps=60e6, nuclear_field_t=0.012, relative_noise=0.05, seed=seed
    )
    return fit_t1_field(field, t1, nuclear_field_t=0.012)


def t1_temperature(seed: int) -> SpinFit:
    temperature = np.array([1.6, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0])
    t1 = simulate.t1_against_temperature(
        temperature, spin_lifetime_ps=0.8e9, activation_rate_per_ps=20e-6, activation_energy_mev=3.2,
        relative_noise=0.05, seed=seed,
    )  # fmt: skip
    return fit_t1_temperature(temperature, t1)


def polarisation(seed: int) -> SpinFit:
    power = np.geomspace(0.05, 20.0, 12)
    clean = mechanisms.optical_orientation(2000.0, 1000.0 / (1.0 + power / 3.0))
    degree = clean + 0.004 * np.random.default_rng(seed).standard_normal(power.size)
    return fit_polarisation_power(power, degree, effect="spin", initial_polarisation=1.0)


CASES = {
    "kerr, T2* 200 ps, noise 5 %": kerr(200.0, 0.05),
    "kerr, T2* 1 ns, noise 5 %": kerr(1000.0, 0.05),
    "kerr, T2* 60 ps, noise 20 %": kerr(60.0, 0.2),
    "kerr, two carriers 1 : 1": kerr_pair(1.0),
    "kerr, two carriers 1 : 0.2": kerr_pair(0.2),
    "kerr, five fields, linear": kerr_fields("linear"),
    "kerr, five fields, gaussian": kerr_fields("gaussian"),
    "nuclear precession": Case(nuclear, {"nuclear_field_t": 0.012}),
    "resonant amplification": Case(amplification, {"g_factor": 1.96, "dephasing_time_ps": 8000.0}),
    "hanle, noise 1 %": hanle(0.0033),
    "hanle, noise 10 %": hanle(0.033),
    "spin valve, L = 0.7 lambda": spin_valve(2.1),
    "spin valve, L = 2 lambda": spin_valve(6.2),
    "odmr, electron and hole": Case(odmr, {"g_factor_1": 1.68, "g_factor_2": 0.8}),
    "odmr, widths": Case(widths, {"g_spread": 0.15, "nuclear_field_t": 0.012}),
    "inertia, T1 130 us": inertia(130e6),
    "inertia, T1 5 us": inertia(5e6),
    "inertia, two species": Case(inertia_pair, {"t1_1_ps": 1300e6, "t1_2_ps": 70e6}),
    "T1 against field": Case(t1_field, {"spin_lifetime_ps": 0.8e9, "correlation_time_ps": 60e6}),
    "T1 against temperature": Case(t1_temperature, {"activation_energy_mev": 3.2, "spin_lifetime_ps": 0.8e9}),
    "polarisation against power": Case(polarisation, {"ratio": 2.0}),
}


@dataclass(frozen=True)
class Recovered:
    """What became of one quantity: bias of the median and its standard error (%), coverage, share of bounds."""

    case: str
    quantity: str
    truth: float
    bias_percent: float
    error_percent: float
    coverage: float
    bounds: float


def recover(name: str, repeats: int) -> list[Recovered]:
    """Simulate and fit one case many times."""
    case = CASES[name]
    found: dict[str, list[float]] = {quantity: [] for quantity in case.truths}
    held: dict[str, list[bool]] = {quantity: [] for quantity in case.truths}
    for seed in range(repeats):
        fit = case.run(seed)
        for quantity, truth in case.truths.items():
            value = fit[quantity]
            if value.status in ("fitted", "derived"):
                found[quantity].append(value.value / truth - 1.0)
                held[quantity].append(value.low <= truth <= value.high)
    out = []
    for quantity, truth in case.truths.items():
        share = np.array(found[quantity])
        count = max(share.size, 1)
        out.append(
            Recovered(
                name, quantity, truth, 100.0 * float(np.median(share)) if share.size else np.nan,
                125.0 * float(np.std(share)) / np.sqrt(count) if share.size else np.nan,
                float(np.mean(held[quantity])) if share.size else np.nan, 1.0 - share.size / repeats,
            )
        )  # fmt: skip
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", help="beginning of a case's name; all by default")
    parser.add_argument("--repeats", type=int, default=200)
    arguments = parser.parse_args()
    chosen = [name for name in CASES if not arguments.cases or name.startswith(tuple(arguments.cases))]
    print(f"{'case':<30} {'quantity':<29} {'truth':>9} {'bias %':>8} {'±':>5} {'68 % holds':>10} {'bounds':>7}")
    for name in chosen:
        for row in recover(name, arguments.repeats):
            print(
                f"{row.case:<30} {row.quantity:<29} {row.truth:>9.4g} {row.bias_percent:>8.2f} "
                f"{row.error_percent:>5.2f} {row.coverage:>10.1%} {row.bounds:>7.1%}",
                flush=True,
            )


if __name__ == "__main__":
    main()
