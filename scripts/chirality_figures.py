"""Draw the figures of docs/spectra/chirality.md and docs/spectra.md from the example files.

python scripts/chirality_figures.py [FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path

from perospin.measurements import SpinFit
from perospin.measurements.reading import gather
from perospin.spectra import (
    fit_absorption_edge,
    fit_circular_dichroism,
    fit_current_polarisation,
    fit_luminescence,
    fit_magnetoresistance,
    fit_pump_probe,
)

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples" / "spectra"


def fits() -> dict[str, SpinFit]:
    cd = gather([EXAMPLES / "cd.txt"], ["ellipticity", "absorbance"], x="wavelength")
    cpl = gather([EXAMPLES / "cpl.csv"], ["left", "right"], x="wavelength")
    loop = gather([EXAMPLES / "loop.csv"], ["resistance"], x="field")
    iv = gather([EXAMPLES / "iv_up.txt", EXAMPLES / "iv_down.txt"], ["current_up", "current_down"], x="voltage")
    edge = gather([EXAMPLES / "edge.csv"], ["absorbance"], x="energy")
    pair = gather([EXAMPLES / f"pump_probe_{name}.txt" for name in ("SC", "CC")], ["same", "counter"], x="delay")
    return {
        "circular_dichroism": fit_circular_dichroism(cd.x, cd["ellipticity"], cd["absorbance"], window_nm=(480, 530)),
        "luminescence": fit_luminescence(cpl.x, cpl["left"], cpl["right"], background_left=200, background_right=200),
        "loop": fit_magnetoresistance(loop.x, loop["resistance"]),
        "current": fit_current_polarisation(iv.x, iv.repeats["current_up"], iv.repeats["current_down"]),
        "edge": fit_absorption_edge(edge.x, edge["absorbance"]),
        "two_files": fit_pump_probe(pair.x, pair["same"], pair["counter"]),
    }


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images" / "spectra"
    folder.mkdir(parents=True, exist_ok=True)
    for name, fit in fits().items():
        fit.plot().savefig(folder / f"{name}.png", dpi=200)
        print(folder / f"{name}.png")


if __name__ == "__main__":
    main()
