"""Work lists beside those of robotools, and volumes beside pylabrobot's, where an environment of theirs is made.

python -m venv .venv-oracles && .venv-oracles/bin/pip install robotools pylabrobot

PEROSPIN_ORACLES names another Python. robotools is AGPL: it runs in its own process and is never a dependency.
"""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from perospin.navigation.worklists.labware import Plate
from perospin.navigation.worklists.plan import Worklist, plan_worklist
from perospin.navigation.worklists.recipes import Target
from perospin.navigation.worklists.robots import robot
from perospin.navigation.worklists.stocks import Stock

PYTHON = Path(os.environ.get("PEROSPIN_ORACLES", Path(__file__).parents[3] / ".venv-oracles/bin/python"))
RACK = Plate("opentrons_24_aluminumblock_generic_2ml_screwcap", 4, 6, 2000.0, label="stocks")
PLATE = Plate("nest_96_wellplate_2ml_deep", 8, 12, 2000.0, "polypropylene")

ROBOTOOLS = """
import json, sys, robotools
given = json.load(sys.stdin)
kind = {"tecan-evo": robotools.EvoWorklist, "tecan-fluent": robotools.FluentWorklist}[given["robot"]]
rack = robotools.Labware("stocks", 4, 6, min_volume=20, max_volume=2000, initial_volumes=0)
plate = robotools.Labware("plate", 8, 12, min_volume=0, max_volume=2000)
two = lambda well: f"{well[0]}{int(well[1:]):02d}"  # it calls A1 A01
for well, volume in given["filled"].items():
    rack.add(two(well), volume)
with kind() as work:
    for source, well, volume in given["strokes"]:
        work.transfer(rack, two(source), plate, two(well), volume, wash_scheme=1)
volumes = {f"{w[0]}{int(w[1:])}": float(plate.volumes[i]) for w, i in plate.indices.items() if plate.volumes[i] > 0}
json.dump({"lines": list(work), "volumes": volumes}, sys.stdout)
"""

PYLABROBOT = """
import asyncio, csv, io, json, logging, sys
from contextlib import redirect_stdout
from pylabrobot.liquid_handling import LiquidHandler, LiquidHandlerChatterboxBackend
from pylabrobot.resources import Coordinate, Deck, Plate, TipRack, Well, create_ordered_items_2d, set_tip_tracking
from pylabrobot.resources import set_volume_tracking, hamilton_96_tiprack_1000uL

given = json.load(sys.stdin)

def grid(name, columns, rows, most):
    wells = create_ordered_items_2d(
        Well, num_items_x=columns, num_items_y=rows, dx=5, dy=5, dz=1, item_dx=9, item_dy=9, size_x=7, size_y=7,
        size_z=40, max_volume=most,
    )
    return Plate(name, size_x=127, size_y=86, size_z=45, ordered_items=wells)

async def main():
    set_volume_tracking(True)
    set_tip_tracking(False)
    deck = Deck(size_x=2000, size_y=1000, size_z=500)
    handler = LiquidHandler(LiquidHandlerChatterboxBackend(), deck)
    rack, plate = grid("stocks", 6, 4, 2000), grid("plate", 12, 8, 2000)
    tips = hamilton_96_tiprack_1000uL("tips")
    for i, one in enumerate((rack, plate, tips)):
        deck.assign_child_resource(one, location=Coordinate(200 * i, 100, 0))
    await handler.setup()
    for well, volume in given["filled"].items():
        rack.get_well(well).tracker.set_volume(volume)
    places = {"stocks": rack, "plate": plate}
    for row in csv.DictReader(io.StringIO(given["file"])):
        volume = float(row[given["volume"]])
        source = places[row[given["columns"][0]]].get_well(row[given["columns"][1]])
        goal = places[row[given["columns"][2]]].get_well(row[given["columns"][3]])
        await handler.pick_up_tips(tips["A1"])
        await handler.aspirate([source], vols=[volume])
        await handler.dispense([goal], vols=[volume])
        await handler.return_tips()
    return {well.name.rsplit("_", 1)[-1]: well.tracker.get_used_volume() for well in plate.get_all_items()}

with redirect_stdout(io.StringIO()):
    made = asyncio.run(main())
json.dump({"volumes": {well: volume for well, volume in made.items() if volume > 0}}, sys.stdout)
"""


def ask(module: str, program: str, given: dict[str, Any]) -> dict[str, Any]:
    """Run a program in the environment of the oracles; skip where there is none."""
    if not PYTHON.exists() or subprocess.run([PYTHON, "-c", f"import {module}"], check=False).returncode:
        pytest.skip(f"{module} is not in an environment of its own; see the head of this file")
    done = subprocess.run([PYTHON, "-c", program], input=json.dumps(given), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def worklist(name: str) -> Worklist:
    stocks = [
        Stock("PEA2PbI4", {"PEA2PbI4": 0.5}, {"DMF": 1.0}, 1900.0, labware="stocks", well="A1"),
        Stock("FAPbI3", {"FAPbI3": 1.0}, {"DMF": 0.8, "DMSO": 0.2}, 1900.0, labware="stocks", well="B2"),
        Stock("DMF", {}, {"DMF": 1.0}, 1900.0, labware="stocks", well="D6"),
    ]
    targets = [Target(f"s{i}", {"PEA2PbI4": i + 1.0, "FAPbI3": 25.0 - i}, 0.3) for i in range(24)]
    tools = robot(name).pipettes
    return plan_worklist(targets, stocks, PLATE, tools, 60.0, nearest=True, racks={"stocks": RACK})


def strokes(work: Worklist) -> dict[str, Any]:
    return {
        "filled": {stock.well: 1900.0 for stock in work.stocks},
        "strokes": [[one.source_well, one.well, one.volume_ul] for one in work.transfers],
    }


def wanted(work: Worklist) -> dict[str, float]:
    found: dict[str, float] = defaultdict(float)
    for one in work.transfers:
        found[one.well] += one.volume_ul
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tecan-evo", "tecan-fluent"])
def test_robotools_writes_the_same_records(name: str) -> None:
    work = worklist(name)
    theirs = ask("robotools", ROBOTOOLS, {"robot": name, **strokes(work)})
    assert theirs["volumes"] == pytest.approx(wanted(work), abs=1e-6)
    ours = [line for line in robot(name).emit(work)["worklist.gwl"].split("\r\n") if line[:2] in ("A;", "D;")]
    moves = [line for line in theirs["lines"] if line[:2] in ("A;", "D;")]
    # the last field, a rack type that is forced, may be left out when it is empty
    assert ours == [line.removesuffix(";") for line in moves]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["hamilton", "biomek"])
def test_pylabrobot_fills_the_same_wells(name: str) -> None:
    work = worklist(name)
    (text,) = robot(name).emit(work).values()
    head = next(csv.reader(io.StringIO(text)))
    given = {**strokes(work), "file": text, "columns": head[:4], "volume": head[4]}
    theirs = ask("pylabrobot", PYLABROBOT, given)
    assert theirs["volumes"] == pytest.approx(wanted(work), abs=1e-6)
