"""Run the protocols for both Opentrons robots in Opentrons' own simulator, which needs an environment of its own.

python -m venv .venv-opentrons && .venv-opentrons/bin/pip install 'opentrons<9'
python scripts/opentrons_simulate.py .venv-opentrons/bin/python

Opentrons' package pins NumPy below 2, so perospin can't share its environment. Exit 0 if both protocols run.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from perospin.navigation import ROBOTS, Plate, Stock, Target, plan_worklist

# before Python 3.12 some versions of pydantic refuse the TypedDict that Opentrons uses
SIMULATE = """
import sys, typing, typing_extensions
typing.TypedDict = typing_extensions.TypedDict
from opentrons import simulate
with open(sys.argv[1]) as file:
    steps, _ = simulate.simulate(file, sys.argv[1])
print(len(steps), "steps")
"""


def main(python: str) -> int:
    """Simulate 24 wells of each robot; how many protocols failed."""
    rack = Plate("opentrons_24_aluminumblock_generic_2ml_screwcap", 4, 6, 2000.0, label="stocks")
    plate = Plate("nest_96_wellplate_2ml_deep", 8, 12, 2000.0, "polypropylene")
    stocks = [
        Stock("PEA", {"PEA2PbI4": 0.5}, {"DMF": 1.0}, 1900.0, well="A1"),
        Stock("FA", {"FAPbI3": 1.0}, {"DMF": 0.8, "DMSO": 0.2}, 1900.0, well="B2"),
    ]
    targets = [Target(f"s{i}", {"PEA2PbI4": i + 1.0, "FAPbI3": 25.0 - i}) for i in range(24)]
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in ("opentrons-ot2", "opentrons-flex"):
            work = plan_worklist(targets, stocks, plate, ROBOTS[name].pipettes, 60.0, racks={"stocks": rack})
            file = Path(folder) / "protocol.py"
            file.write_text(ROBOTS[name].emit(work)["protocol.py"], encoding="utf-8")
            done = subprocess.run([python, "-c", SIMULATE, str(file)], capture_output=True, text=True, check=False)
            last = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()[-1:]
            print(f"{name}: {'ran' if done.returncode == 0 else 'FAILED'}, {' '.join(last)}")
            failed += done.returncode != 0
    return failed


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
