"""Write the example files of `perospin fit` into examples/spectra: simulated, with noise, in common formats.

Parameters are those of published work where there is any: 10.1039/d5sc07406a (7.76 ps) and arXiv 2603.03038 (g = 1.68,
Delta g = 0.15, Delta_N = 12 mT, T1 = 130 us, tau_s = 0.8 ms, tau_c = 60 us, E_a = 3.2 meV).

    python scripts/spectra_examples.py [FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from perospin.spectra.chirality.absorption_edge import elliott
from perospin.spectra.chirality.circular_dichroism import MDEG_PER_ABSORBANCE
from perospin.spectra.signals import simulate
from perospin.spectra.signals.signals import RADIANS_PER_PS_TESLA
from perospin.spectra.signals.simulate import simulate_pump_probe

FOLDER = Path(__file__).resolve().parent.parent / "examples" / "spectra"


def write(path: Path, head: list[str], *columns: np.ndarray, sign: str = "\t", comma: bool = False) -> None:
    """Columns under a remark that they are simulated; `comma` writes decimal commas."""
    lines = ["# simulated, not measured (scripts/spectra_examples.py)", sign.join(head)]
    for row in zip(*columns, strict=True):
        text = sign.join(f"{value:.6g}" for value in row)
        lines.append(text.replace(".", ",") if comma else text)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def pump_probe(folder: Path) -> None:
    delay = np.concatenate([np.arange(-2, 3, 0.05), np.arange(3, 20, 0.25), np.geomspace(20, 100, 50)])
    same, counter = simulate_pump_probe(
        delay, 7.76, population_lifetime_ps=250.0, amplitude=4.0, irf_fwhm_ps=0.25, noise=0.02, seed=1
    )
    write(folder / "pump_probe_SC.txt", ["Delay (ps)", "dA (mOD)"], delay, same)
    write(folder / "pump_probe_CC.txt", ["Delay (ps)", "dA (mOD)"], delay, counter)
    fast = np.arange(-1, 3, 0.02)
    same, counter = simulate_pump_probe(
        fast, 0.12, population_lifetime_ps=30.0, amplitude=4.0, irf_fwhm_ps=0.10, noise=0.02, seed=2
    )
    write(folder / "pump_probe_fast.csv", ["delay_fs", "same", "counter"], 1e3 * fast, same, counter, sign=",")


def maps(folder: Path) -> None:
    delay = np.concatenate([np.arange(-1, 2, 0.1), np.geomspace(2, 100, 50)])
    wavelength = np.arange(490.0, 545.0, 1.25)
    bleach = np.exp(-0.5 * ((wavelength - 516) / 6) ** 2)
    induced = -0.45 * np.exp(-0.5 * ((wavelength - 530) / 8) ** 2)
    draw = np.random.default_rng(3)
    for name, sign in (("SC", 1.0), ("CC", -1.0)):
        same, counter = simulate_pump_probe(delay, 7.76, population_lifetime_ps=250.0, irf_fwhm_ps=0.25)
        mean, spin = 0.5 * (same + counter), 0.5 * (same - counter)
        signal = 5 * np.outer(mean, bleach + induced) + 5 * sign * np.outer(spin, bleach - 0.3 * induced)
        signal += 0.02 * draw.normal(size=signal.shape)
        # as Surface Xplorer writes it: wavelengths down, delays across, remarks behind
        rows = ["0," + ",".join(f"{t:.5g}" for t in delay)]
        rows += [f"{w:g}," + ",".join(f"{v:.5g}" for v in line) for w, line in zip(wavelength, signal.T, strict=True)]
        remarks = ["Time units: ps", "Z axis title: dA (mOD)", "simulated, not measured (scripts/spectra_examples.py)"]
        (folder / f"map_{name}.csv").write_text("\n".join([*rows, *remarks]) + "\n")


def kerr(folder: Path) -> None:
    delay = np.arange(-50.0, 2000.0, 10.0)
    for field in (50, 100, 200, 300, 500):
        signal = simulate.kerr_trace(
            delay, field_t=1e-3 * field, g_factor=1.96, amplitude=1.0, phase_rad=0.1, noise=0.03, seed=field,
            dephasing_time_ps=1.0 / (1 / 2000.0 + 0.03 * RADIANS_PER_PS_TESLA * 1e-3 * field),
        )  # fmt: skip
        signal = np.where(delay >= 0, signal, 0.03 * np.random.default_rng(field).normal(size=len(delay)))
        write(folder / "kerr" / f"kerr_{field}mT_5K.csv", ["delay_ps", "kerr_mrad"], delay, signal, sign=",")


def fields(folder: Path) -> None:
    field = np.linspace(-60e-3, 60e-3, 121)
    polarisation = simulate.hanle_curve(field, g_factor=2.0, lifetime_ps=2000.0, spin_lifetime_ps=1000.0, noise=0.005)
    write(folder / "hanle.txt", ["B (mT)", "polarisation"], 1e3 * field, polarisation, sign=";", comma=True)
    sweep = np.linspace(-10e-3, 10e-3, 401)
    signal = simulate.resonant_amplification_curve(
        sweep, g_factor=2.5, dephasing_time_ps=5000.0, period_ps=1e6 / 76.0, delay_ps=1e6 / 76.0 - 20.0, noise=0.002
    )
    write(folder / "rsa.csv", ["field (mT)", "kerr (a.u.)"], 1e3 * sweep, signal, sign=",")
    axis = np.arange(20e-3, 160e-3, 1e-3)
    for frequency in (1.13, 1.7, 2.2):
        signal = simulate.odmr_spectrum(
            axis, frequency_ghz=frequency, g_factor=1.68, g_spread=0.15, nuclear_field_t=0.012, noise=0.03,
            seed=int(100 * frequency),
        )  # fmt: skip
        name = f"odmr_{1e3 * frequency:.0f}MHz_1.6K.csv"
        write(folder / "odmr" / name, ["field_mt", "signal"], 1e3 * axis, signal, sign=",")


def relaxation(folder: Path) -> None:
    frequency = np.geomspace(100, 50e3, 25)
    signal = simulate.inertia_curve(frequency, t1_ps=130e6, noise=0.01, seed=4)
    write(folder / "inertia.csv", ["modulation frequency (Hz)", "signal"], frequency, signal, sign=",")
    field = np.array([13, 16, 20, 26, 35, 45, 60, 80, 100, 130]) * 1e-3
    t1 = simulate.t1_against_field(
        field, spin_lifetime_ps=0.8e9, correlation_time_ps=60e6, nuclear_field_t=0.012, relative_noise=0.05, seed=5
    )
    write(folder / "t1_field.csv", ["field (mT)", "T1 (us)"], 1e3 * field, 1e-6 * t1, sign=",")
    temperature = np.array([1.6, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0])
    t1 = simulate.t1_against_temperature(
        temperature, spin_lifetime_ps=0.8e9, activation_rate_per_ps=20e-6, activation_energy_mev=3.2,
        relative_noise=0.05, seed=6,
    )  # fmt: skip
    write(folder / "t1_temperature.csv", ["temperature (K)", "T1 (us)"], temperature, 1e-6 * t1, sign=",")


def chirality(folder: Path) -> None:
    draw = np.random.default_rng(7)
    x = np.arange(600.0, 400.0, -0.5)
    a = 0.6 * np.exp(-0.5 * ((x - 498) / 9) ** 2) + 0.3 / (1 + np.exp((x - 485) / 6)) + 0.02
    cd = MDEG_PER_ABSORBANCE * a * 1.2e-3 * np.exp(-0.5 * ((x - 502) / 12) ** 2) + 0.3 * draw.normal(size=len(x))
    a += 1e-4 * draw.normal(size=len(x))
    head = ["TITLE", "simulated, not measured (scripts/spectra_examples.py)"]
    lines = ["\t".join(head), "DATA TYPE\t", "ORIGIN\tJASCO format", "DELTAX\t-0.5", "XUNITS\tNANOMETERS"]
    lines += ["YUNITS\tCD [mdeg]", "YUNITS2\tHT [V]", "YUNITS3\tABSORBANCE", f"NPOINTS\t{len(x)}", "XYDATA"]
    lines += [f"{w:.1f}\t{c:.4f}\t{300 + 0.5 * (600 - w):.1f}\t{v:.5f}" for w, c, v in zip(x, cd, a, strict=True)]
    (folder / "cd.txt").write_text("\n".join([*lines, "", "##### Extended Information", "Response\t1 sec"]) + "\n")
    x = np.arange(480.0, 600.0, 0.5)
    mean = 3e4 * np.exp(-0.5 * ((x - 528) / 10) ** 2)
    left, right = (draw.poisson(mean * factor + 200.0) for factor in (1.015, 0.985))
    write(folder / "cpl.csv", ["wavelength_nm", "left", "right"], x, left, right, sign=",")
    up = np.linspace(-0.1, 0.1, 121)
    field = np.concatenate([up, up[::-1]])
    s = np.repeat([1.0, -1.0], len(up)) * field
    ohm = 1000 + 5 * (np.tanh((s - 0.006) / 2e-3) - np.tanh((s - 0.025) / 3e-3)) + 0.3 * draw.normal(size=len(field))
    write(folder / "loop.csv", ["field (mT)", "resistance (ohm)"], 1e3 * field, ohm, sign=",")
    voltage = np.linspace(-2, 2, 41)
    for name, factor in (("up", 1.6), ("down", 0.4)):
        curves = factor * np.sinh(1.5 * voltage) * (1 + 0.2 * draw.normal(size=(20, len(voltage))))
        head = ["bias (V)", *(f"curve {n} (nA)" for n in range(1, 21))]
        write(folder / f"iv_{name}.txt", head, voltage, *curves)
    energy = np.linspace(2.2, 2.8, 200)
    shape = np.add(*elliott(energy, 2.5, 0.06, 0.02))
    edge = 0.05 + 0.6 * shape / shape.max() + 0.004 * draw.normal(size=len(energy))
    order = np.argsort(1239.841984 / energy)
    write(folder / "edge.csv", ["wavelength (nm)", "absorbance"], (1239.841984 / energy)[order], edge[order], sign=",")


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for make in (pump_probe, maps, kerr, fields, relaxation, chirality):
        make(folder)
    print(f"{sum(1 for path in folder.rglob('*') if path.is_file())} files in {folder}")


if __name__ == "__main__":
    main()
