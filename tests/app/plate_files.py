"""Stocks, compositions and a simulated plate for the tests of the page."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from perospin.navigation.plates.peaks import HC_EV_NM

STOCKS = (
    "name,solutes,concentration (M),solvent,volume (uL),labware,well\n"
    "PEA,PEA2PbI4,0.5,DMF,4000,stocks_24,A1\n"
    "FA,FAPbI3,1.0,DMF=0.8; DMSO=0.2,4000,stocks_24,A2\n"
    "dmf,,,DMF,4000,stocks_24,A3\n"
)
TARGETS = "name,FAPbI3,PEA2PbI4,concentration (M),anneal (C)\n" + "".join(
    f"m{i},{i / 8},{1 - i / 8},0.3,{100 + i}\n" for i in range(9)
)
SPACE = '[fractions.mix]\ncomponents = ["PEA2PbI4", "FAPbI3"]\nstep = 0.05\n'
WELLS = [f"{row}{column}" for row in "ABCD" for column in range(1, 7)]


def plate_file() -> bytes:
    """Spectra of 24 wells; D6 is empty."""
    rng, nm = np.random.default_rng(5), np.arange(440.0, 840.0, 2.0)
    signal = rng.normal(100.0, 20.0, (24, len(nm)))
    for i in range(23):
        signal[i] += 20_000 * np.exp(-0.5 * ((HC_EV_NM / nm - 1.6 - 0.03 * i) / 0.05) ** 2)
    lines = [f"{w:.0f}\t" + "\t".join(f"{v:.1f}" for v in signal[:, j]) for j, w in enumerate(nm)]
    return "\r\n".join(["Read 1:EM Spectrum", "Wavelength\t" + "\t".join(WELLS), *lines, ""]).encode("utf-16")


def plate_map() -> bytes:
    rows = [f"{w},m{i},{'control' if i == 0 else 'sample'},{i / 23},{1 - i / 23}" for i, w in enumerate(WELLS)]
    return ("\n".join(["well,name,role,made x,made y", *rows]) + "\n").encode()


def written(folder: Path) -> dict[str, Path]:
    """Write all of them into a folder."""
    contents = {
        "stocks.csv": STOCKS.encode(),
        "targets.csv": TARGETS.encode(),
        "plate.txt": plate_file(),
        "map.csv": plate_map(),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {name: folder / name for name in contents}
