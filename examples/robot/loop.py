"""A laboratory on paper, driven through files only: suggest, worklist, robot and plate reader, plate, tell.

The laboratory (`make_and_read`) knows a response that nobody else knows: emission grows tenfold at a phase boundary and
fades beyond it. Its robot errs by 2 % and 0.2 uL, one well in twenty fails, its lamp drifts. It reads the worklist's
``steps.csv`` and writes ``plate.txt`` as a plate reader does. Everything else is `perospin` on the command line.

Run it from the root of the repository: ``python examples/robot/loop.py FOLDER [--rounds 12] [--law]``. Stop it at any
moment, even by ``kill -9``: the same command goes on, and nothing is lost or told twice.
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

from perospin.cli.main import main as perospin
from perospin.errors import NavigationError
from perospin.navigation import Campaign
from perospin.saving import write_text

COMPONENTS = {"PEA2PbI4": 0.5, "FAPbI3": 1.0, "MAPbBr3": 0.8}
"""Stocks of the laboratory, mol/L."""
SPACE = """[fractions.mix]
components = ["PEA2PbI4", "FAPbI3", "MAPbBr3"]
step = 0.05
"""
STOCKS = "name,solutes,concentration (M),solvent,volume (uL),labware,well\n" + "".join(
    f"{name},{name},{molar},DMF=0.8; DMSO=0.2,20000,rack_24,A{i}\n"
    for i, (name, molar) in enumerate(COMPONENTS.items(), 1)
)
LAW = """[surrogate]
kind = "structured"
[surrogate.law]
kind = "boundary step"
column = "mix:PEA2PbI4"
place = { uniform = [0.1, 0.9] }
below = { normal = [5.0, 1.0] }
step = { normal = [1.0, 0.5] }
width = { lognormal = [0.02, 2.0] }
"""
READ_NM = np.arange(440.0, 840.0, 4.0)
_HC_EV_NM = 1239.841984


def truth(shares: dict[str, float]) -> float:
    """Decimal logarithm of the emission: a step at a boundary and a decay beyond it; the best lies just above it."""
    pea, br = shares.get("PEA2PbI4", 0.0), shares.get("MAPbBr3", 0.0)
    boundary = 0.37 + 0.1 * br
    step = 1.0 / (1.0 + math.exp(-(pea - boundary) / 0.015))
    return 4.7 + step * (1.0 - 1.6 * max(pea - boundary, 0.0)) - 1.2 * (br - 0.25) ** 2


def make_and_read(steps: Path, out: Path, seed: int, number: int) -> None:
    """Pipette what a worklist says, with errors, and read the plate."""
    generator = np.random.default_rng([seed, number])
    amounts: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    with steps.open(newline="") as file:
        for row in csv.DictReader(file):
            volume = float(row["volume (uL)"]) * generator.normal(1.0, 0.02) + generator.normal(0.0, 0.2)
            amounts[row["to well"]][row["stock"]] += max(volume, 0.0) * COMPONENTS[row["stock"]]
    energy, lamp = _HC_EV_NM / READ_NM, 1.0 + 0.05 * math.sin(number)
    columns = {}
    for well, moles in amounts.items():
        total = sum(moles.values())
        shares = {name: amount / total for name, amount in moles.items()}
        line = 1.58 + 0.75 * shares.get("PEA2PbI4", 0.0) + 0.5 * shares.get("MAPbBr3", 0.0)
        light = lamp * 10 ** truth(shares) * np.exp(-0.5 * ((energy - line) / 0.05) ** 2) * (600.0 / READ_NM) ** 2
        if generator.random() < 0.05:
            light = np.zeros_like(energy)  # the film did not form
        columns[well] = light + generator.normal(300.0, 100.0, len(energy))
    lines = [f"{nm:.0f}\t" + "\t".join(f"{one[i]:.0f}" for one in columns.values()) for i, nm in enumerate(READ_NM)]
    write_text(out, "\n".join(["Read 1:EM Spectrum", "", "Wavelength\t" + "\t".join(columns), *lines, ""]))


def run(*arguments: object) -> None:
    """Run a command of perospin; end if it refuses."""
    try:
        perospin([str(one) for one in arguments])
    except SystemExit as ended:
        if ended.code:
            raise


def play_round(folder: Path, number: int, seed: int, count: int = 8) -> Path:
    """Play one round from wherever it stands; the folder of the round."""
    campaign, place = folder / "campaign", folder / f"round-{number:02d}"
    place.mkdir(exist_ok=True)
    work, told = place / "worklist", place / "told.txt"
    if told.exists():
        return place
    if not (work / "map.csv").exists():
        # what is pending was suggested before a kill, or its well couldn't be trusted: it is made now
        missing = count - len(Campaign.open(campaign).status().pending)
        if missing > 0:
            run("campaign", "suggest", campaign, "--count", missing)
        run(
            *("campaign", "worklist", campaign, "--stocks", folder / "stocks.csv", "--robot", "hand"),
            *("--labware", "96-deep", "--volume", 100, "--nearest", "--seed", number, "--out", work),
        )
    if not (place / "plate.txt").exists():
        make_and_read(work / "steps.csv", place / "plate.txt", seed, number)
    if not (place / "plate" / "results.csv").exists():
        run(
            *("plate", place / "plate.txt", "--map", work / "map.csv", "--out", place / "plate"),
            *("--value", "light=peak area"),
        )
    run("campaign", "tell", campaign, place / "plate" / "results.csv")
    write_text(told, "told\n")
    return place


def begin(folder: Path, seed: int, law: bool) -> None:
    """Write the laboratory's files and begin the campaign, unless it has begun."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("space.toml", SPACE), ("stocks.csv", STOCKS), ("model.toml", LAW)):
        write_text(folder / name, text)
    try:
        Campaign.open(folder / "campaign")
    except NavigationError:  # not begun, or killed while it was
        more = ("--model", folder / "model.toml") if law else ()
        run(
            *("campaign", "new", folder / "campaign", "--space", folder / "space.toml"),
            *("--objective", "max log light", "--seed", seed, *more),
        )


def main() -> None:
    """Play all rounds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--law", action="store_true", help="let a law with a phase boundary learn beside the data")
    asked = parser.parse_args()
    begin(asked.folder, asked.seed, asked.law)
    for number in range(asked.rounds):
        play_round(asked.folder, number, asked.seed)
    run("campaign", "status", asked.folder / "campaign")


if __name__ == "__main__":
    sys.exit(main())
