"""Each machine's file is read back by a reader written from the format's description, and moves the same volumes."""

from __future__ import annotations

import ast
import csv
import io
import json
import re
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perospin.errors import NavigationError
from perospin.navigation.worklists.labware import PLATES, Plate, split_well
from perospin.navigation.worklists.plan import Worklist, plan_worklist
from perospin.navigation.worklists.recipes import Target
from perospin.navigation.worklists.robots import ROBOTS, robot
from perospin.navigation.worklists.stocks import Stock

RACK = Plate("opentrons_24_aluminumblock_generic_2ml_screwcap", 4, 6, 2000.0, label="stocks")
PLATE = Plate("nest_96_wellplate_2ml_deep", 8, 12, 2000.0, "polypropylene")
Moved = dict[tuple[str, str, str], float]


def worklist(name: str, shares: list[int], volume_ul: float = 60.0) -> Worklist:
    stocks = [
        Stock("PEA2PbI4", {"PEA2PbI4": 0.5}, {"DMF": 1.0}, 90_000.0, well="A1"),
        Stock("FAPbI3; wet", {"FAPbI3": 1.0}, {"DMF": 0.8, "DMSO": 0.2}, 90_000.0, well="B2"),
        Stock("DMF", {}, {"DMF": 1.0}, 90_000.0, well="D6"),
    ]
    targets = [Target(f"s{i}", {"PEA2PbI4": float(a), "FAPbI3": 20.0 - a}, 0.3) for i, a in enumerate(shares)]
    tools = robot(name).pipettes
    return plan_worklist(targets, stocks, PLATE, tools, volume_ul, nearest=True, racks={"stocks": RACK})


def place(number: int, rows: int) -> str:
    column, row = divmod(number - 1, rows)
    return f"{'ABCDEFGHIJKLMNOP'[row]}{column + 1}"


def rows_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def read_gwl(files: dict[str, str]) -> Moved:
    """Tecan: A and D records with 10 semicolons at most; a D gives what the A before it took."""
    moved: Moved = defaultdict(float)
    taken: tuple[str, str, float] | None = None
    for line in files["worklist.gwl"].split("\r\n")[:-1]:
        fields = line.split(";")
        if fields[0] == "A":
            assert taken is None
            assert len(fields) == 10
            taken = (fields[1], place(int(fields[4]), 4), float(fields[6]))
        elif fields[0] == "D":
            assert taken is not None
            assert taken[2] == float(fields[6])
            moved[taken[0], taken[1], place(int(fields[4]), 8)] += taken[2]
            taken = None
        else:
            assert fields[0] in ("B", "C", "W")
            assert len(fields) == 2
    return moved


def read_fluent_csv(files: dict[str, str]) -> Moved:
    moved: Moved = defaultdict(float)
    head, *rows = rows_of(files["worklist.csv"])
    assert head[:5] == ["SourceLabware", "SourcePosition", "DestinationLabware", "DestinationPosition", "Volume"]
    for row in rows:
        moved[row[0], place(int(row[1]), 4), place(int(row[3]), 8)] += float(row[4])
    return moved


def read_pick_list(files: dict[str, str]) -> Moved:
    moved: Moved = defaultdict(float)
    for row in csv.DictReader(io.StringIO(files["worklist.csv"])):
        moved[row["Source Plate"], row["Source Well"], row["Destination Well"]] += float(row["Volume (uL)"])
    return moved


def read_epmotion(files: dict[str, str]) -> Moved:
    moved: Moved = defaultdict(float)
    for text in files.values():
        head, *rows = rows_of(text)
        assert ",".join(head) == "Rack,Source,Rack,Destination,Volume,Tool"
        assert len(rows) <= 500
        for rack, source, to_rack, goal, volume, _tool in rows:
            assert (rack, to_rack) == ("1", "1")
            moved["stocks", source, goal] += float(volume)
    return moved


def read_echo(files: dict[str, str]) -> Moved:
    moved: Moved = defaultdict(float)
    for row in csv.DictReader(io.StringIO(files["picklist.csv"])):
        nanolitres = float(row["Transfer Volume"])
        assert nanolitres % 2.5 == 0
        moved[row["Source Plate Name"], row["Source Well"], row["Destination Well"]] += nanolitres / 1000
    return moved


def read_echo_525(files: dict[str, str]) -> Moved:
    assert all(float(r["Transfer Volume"]) % 25 == 0 for r in csv.DictReader(io.StringIO(files["picklist.csv"])))
    return read_echo(files)


def read_mosquito(files: dict[str, str]) -> Moved:
    moved: Moved = defaultdict(float)
    lines = files["worklist.csv"].split("\r\n")
    assert lines[0] == "worklist,"
    names = dict(line.removeprefix("COMMENT, position ").split(": ") for line in lines if line.startswith("COMMENT"))
    for line in lines[2:-1]:
        kind, *fields = line.split(",")
        if kind == "COPY":
            source, first, last, row, goal, column, to_row, nanolitres = map(int, fields)
            assert first == last
            assert goal == 1
            wells = [f"{'ABCDEFGH'[r - 1]}{c}" for r, c in ((row, first), (to_row, column))]
            moved[names[str(source)], wells[0], wells[1]] += nanolitres / 1000
    return moved


def read_pascal(files: dict[str, str]) -> Moved:
    moved: Moved = defaultdict(float)
    stocks = {(r["Labware"], r["Well"]): r for r in csv.DictReader(io.StringIO(files["stocksolutions.csv"]))}
    assert all(isinstance(ast.literal_eval(row["Solutes"]), dict) for row in stocks.values())
    net = json.loads(files["maestronetlist.json"])
    for source, goals in net["mixing"].items():
        rack, well = source.rsplit("-", 1)
        assert (rack, well) in stocks
        for goal, volume in goals.items():
            moved[rack, well, goal.rsplit("-", 1)[1]] += volume
    slots = [row["storage_slot"] for row in csv.DictReader(io.StringIO(files["sampledataframe.csv"]))]
    solutes = [one["worklist"][0]["details"]["drops"][0]["solution"]["solutes"] for one in net["samples"].values()]
    for text in solutes:
        # a name, then its amount
        parts = dict(re.fullmatch(r"([A-Za-z]+)([\d.]*)", part).groups() for part in text.split("_"))  # type: ignore[union-attr]
        assert set(parts) <= {"PEA", "FA", "Pb", "I"}
        assert float(parts["Pb"] or 1) == pytest.approx(1.0, abs=1e-3)
    assert slots == [one["storage_slot"]["slot"] for one in net["samples"].values()]
    return moved


def read_steps(files: dict[str, str]) -> Moved:
    moved: Moved = defaultdict(float)
    for row in csv.DictReader(io.StringIO(files["steps.csv"])):
        moved[row["from"], row["position"], row["to well"]] += float(row["volume (uL)"])
    drawn = sum(float(row["drawn (uL)"]) for row in csv.DictReader(io.StringIO(files["stocks_needed.csv"])))
    assert drawn == pytest.approx(sum(moved.values()), rel=1e-3)
    return moved


class Deck:
    """Stands for Opentrons' protocol context: notes what the protocol does, refuses what the robot would."""

    def __init__(self) -> None:
        self.slots: dict[str, str] = {}
        self.moved: Moved = defaultdict(float)
        self.tips = 0

    def load_trash_bin(self, slot: str) -> None:
        assert slot == "A3"

    def load_labware(self, name: str, slot: str) -> Labware:
        assert slot not in self.slots
        self.slots[slot] = name
        return Labware(slot)

    def load_instrument(self, name: str, mount: str, tip_racks: list[Labware]) -> Tool:
        assert mount in ("left", "right")
        return Tool(self, 96 * len(tip_racks))


class Labware(dict[str, Any]):
    def __init__(self, slot: str) -> None:
        self.slot = slot

    def __missing__(self, well: str) -> Well:
        return Well(self.slot, well)


class Well:
    def __init__(self, slot: str, name: str) -> None:
        self.slot, self.name = slot, name

    def top(self) -> Well:
        return self


class Tool:
    def __init__(self, deck: Deck, tips: int) -> None:
        self.deck, self.left, self.tip, self.inside = deck, tips, False, None

    def pick_up_tip(self) -> None:
        assert not self.tip
        assert self.left > 0
        self.tip, self.left = True, self.left - 1

    def drop_tip(self) -> None:
        assert self.tip
        self.tip = False

    def aspirate(self, volume: float, well: Well) -> None:
        assert self.tip
        assert self.inside is None
        self.inside = (well, volume)  # type: ignore[assignment]

    def dispense(self, volume: float, well: Well) -> None:
        source, taken = self.inside  # type: ignore[misc]
        assert taken == volume
        self.deck.moved["stocks", source.name, well.name] += volume
        self.inside = None

    def mix(self, times: int, volume: float, well: Well) -> None:
        assert self.tip
        assert volume > 0

    def blow_out(self, well: Well) -> None:
        assert self.tip


def read_protocol(files: dict[str, str], level: str = "2.15", kind: str = "OT-2") -> Moved:
    space: dict[str, Any] = {}
    exec(compile(files["protocol.py"], "protocol.py", "exec"), space)
    assert space["requirements"] == {"robotType": kind, "apiLevel": level}
    deck = Deck()
    space["run"](deck)
    assert RACK.name in deck.slots.values()
    return deck.moved


def read_flex(files: dict[str, str]) -> Moved:
    return read_protocol(files, "2.20", "Flex")


READERS: dict[str, Callable[[dict[str, str]], Moved]] = {
    "opentrons-ot2": read_protocol,
    "opentrons-flex": read_flex,
    "tecan-evo": read_gwl,
    "tecan-fluent": read_gwl,
    "tecan-fluent-csv": read_fluent_csv,
    "hamilton": read_pick_list,
    "biomek": read_pick_list,
    "epmotion": read_epmotion,
    "echo": read_echo,
    "echo-525": read_echo_525,
    "mosquito": read_mosquito,
    "pascal": read_pascal,
    "hand": read_steps,
}


def test_each_machine_has_a_reader() -> None:
    assert set(READERS) == set(ROBOTS)


@settings(deadline=None, max_examples=12)
@given(shares=st.lists(st.integers(0, 20), min_size=1, max_size=10))
@pytest.mark.parametrize("name", sorted(ROBOTS))
def test_files_are_read_back(name: str, shares: list[int]) -> None:
    work = worklist(name, shares)
    found = READERS[name](robot(name).emit(work))
    wanted: Moved = defaultdict(float)
    for one in work.transfers:
        wanted[one.source_labware, one.source_well, one.well] += one.volume_ul
    assert found.keys() == wanted.keys()
    assert {key: found[key] for key in wanted} == pytest.approx(dict(wanted), abs=1e-6)


def test_epmotion_takes_500_rows_a_file() -> None:
    files = robot("epmotion").emit(worklist("epmotion", [i % 19 + 1 for i in range(96)], 900.0))
    assert list(files) == ["worklist.csv"] or all(len(rows_of(text)) <= 501 for text in files.values())
    many = worklist("mosquito", [5] * 8, 100.0)
    parts = robot("epmotion").emit(Worklist(many.plate, many.stocks, many.pipettes, many.fills, many.transfers, (), 0))
    assert len(parts) == -(-len(many.transfers) // 500)
    assert len(parts) > 1
    assert sum(len(rows_of(text)) - 1 for text in parts.values()) == len(many.transfers)


def test_a_rack_without_a_shape_is_not_guessed() -> None:
    work = worklist("tecan-evo", [5])
    unknown = Worklist(work.plate, work.stocks, work.pipettes, work.fills, work.transfers, (), 20.0)
    with pytest.raises(NavigationError, match="the shape of the rack 'stocks' isn't known, so that D6 has no number"):
        robot("tecan-evo").emit(unknown)


def test_a_deck_that_is_full() -> None:
    work = worklist("opentrons-ot2", [i % 20 for i in range(96)], 1500.0)
    stroke = work.transfers[-1]
    many = Worklist(work.plate, work.stocks, work.pipettes, work.fills, (stroke,) * 1000, (), 20.0, work.racks)
    with pytest.raises(NavigationError, match="make fewer wells in one run"):
        robot("opentrons-ot2").emit(many)


def test_an_unknown_machine() -> None:
    with pytest.raises(NavigationError, match="did you mean 'opentrons-flex'"):
        robot("opentron-flex")


def test_wells_of_stocks_must_exist() -> None:
    stock = Stock("a", {"FAPbI3": 1.0}, {"DMF": 1.0}, 900.0, well="D7")
    with pytest.raises(NavigationError, match="no well D7 on 'stocks'; its last one is D6"):
        plan_worklist(
            [Target("a", {"FAPbI3": 1.0})], [stock], PLATES["96"], ROBOTS["hand"].pipettes, racks={"stocks": RACK}
        )
    assert split_well("d06") == (3, 5)


def test_opentrons_takes_load_names_only() -> None:
    work = worklist("opentrons-ot2", [5])
    plain = Worklist(PLATES["96"], work.stocks, work.pipettes, work.fills, work.transfers, (), 20.0, work.racks)
    with pytest.raises(NavigationError, match="'96-well plate' is no labware of Opentrons"):
        robot("opentrons-ot2").emit(plain)
