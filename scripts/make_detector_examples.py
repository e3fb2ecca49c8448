"""Write examples/detector: data simulated at the values of (m-F-PEA)2PbI4 of Zhang et al., with noise."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))


def main() -> None:
    from detectors import devices

    rng = np.random.default_rng(7)
    folder = ROOT / "examples" / "detector"
    folder.mkdir(parents=True, exist_ok=True)
    dose = np.array([2.7, 5.4, 8.1, 10.8, 14.0, 18.0, 22.7])
    current = 1033.7e-6 * 0.01 * dose * 1e-6 + 5e-11
    cycles = np.arange(0.0, 200.0, 0.1)
    lit = ((cycles % 2) > 1) * (1 - 0.02 * cycles / 200)
    voltage, photo = devices.hecht(rng)
    dark_v, dark = devices.dark(rng)
    frequency, farad = devices.capacitance(rng)
    drift_s, drift = devices.drift(rng)
    pulse_s, pulse = devices.pulses(rng)
    tables = {
        "photocurrent": ("voltage (V),current (nA)", voltage, 1e9 * photo),
        "dark": ("voltage (V),current (nA)", dark_v, 1e9 * dark),
        "capacitance": ("frequency (Hz),capacitance (pF)", frequency, 1e12 * farad),
        "dose": ("dose rate (uGy/s),current (nA)", dose, 1e9 * (current + 1e-13 * rng.standard_normal(7))),
        "snr": ("dose rate (uGy/s),SNR", dose, 0.4 + 2.6 / 1.41 * dose + 0.2 * rng.standard_normal(7)),
        "drift": ("time (s),current (pA)", drift_s, 1e12 * drift),
        "pulses": ("time (ms),current (nA)", 1e3 * pulse_s, 1e9 * pulse),
        "cycles": ("time (s),current (nA)", cycles, lit + 0.1 + 0.02 * rng.standard_normal(len(cycles))),
    }
    for name, (heading, x, y) in tables.items():
        rows = "\n".join(f"{a:.6g},{b:.6g}" for a, b in zip(x, y, strict=True))
        (folder / f"{name}.csv").write_text(f"{heading}\n{rows}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
