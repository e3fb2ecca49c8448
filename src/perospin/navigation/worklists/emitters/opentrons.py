"""Opentrons: a Python protocol for the OT-2 or the Flex, with the API level that it is written for."""

from __future__ import annotations

import math
import re

from perospin.errors import NavigationError
from perospin.navigation.worklists.plan import Worklist
from perospin.text import shorten

__all__ = ["flex", "ot2"]

_OT2_SLOTS = tuple(str(number) for number in range(1, 12))
_FLEX_SLOTS = tuple(f"{row}{column}" for row in "DCBA" for column in (1, 2, 3) if (row, column) != ("A", 3))

_PROTOCOL = '''"""Made by perospin. Load it in the Opentrons app; custom labware must be imported there first."""

metadata = {{"protocolName": "perospin worklist", "description": {description!r}}}
requirements = {{"robotType": {robot!r}, "apiLevel": {level!r}}}

# slot: labware
LABWARE = {labware}
# pipette: (mount, tip rack, slots of the tip racks)
PIPETTES = {pipettes}
# pipette, slot and well of the stock, slot and well of the plate, uL, new tip, uL mixed at the end (0: none), stock
STROKES = [
{strokes}
]


def run(protocol):
    deck = {{slot: protocol.load_labware(name, slot) for slot, name in LABWARE.items()}}
{trash}    tools = {{}}
    for name, (mount, rack, slots) in PIPETTES.items():
        racks = [protocol.load_labware(rack, slot) for slot in slots]
        tools[name] = protocol.load_instrument(name, mount, tip_racks=racks)
    held = None
    for name, source_slot, source, slot, well, volume, new_tip, mixed, stock in STROKES:
        tool = tools[name]
        if new_tip or held is not tool:
            if held is not None:
                held.drop_tip()
            tool.pick_up_tip()
            held = tool
        tool.aspirate(volume, deck[source_slot][source])
        tool.dispense(volume, deck[slot][well])
        if mixed:
            tool.mix(3, mixed, deck[slot][well])
        tool.blow_out(deck[slot][well].top())
    if held is not None:
        held.drop_tip()
'''


def ot2(work: Worklist) -> dict[str, str]:
    """Protocol for an OT-2, API level 2.15."""
    return _protocol(work, "OT-2", "2.15", _OT2_SLOTS, "")


def flex(work: Worklist) -> dict[str, str]:
    """Protocol for a Flex, API level 2.20; the trash bin stands in A3."""
    return _protocol(work, "Flex", "2.20", _FLEX_SLOTS, '    protocol.load_trash_bin("A3")\n')


def _protocol(work: Worklist, robot: str, level: str, slots: tuple[str, ...], trash: str) -> dict[str, str]:
    free = list(slots)
    used = {stroke.pipette for stroke in work.transfers}
    tools = [tool for tool in work.pipettes if tool.name in used]
    if len(tools) > 2:
        raise NavigationError(f"an {robot} carries two pipettes; this worklist uses {len(tools)}")
    sources = list(dict.fromkeys(stroke.source_labware for stroke in work.transfers))
    tips = {tool.name: 0 for tool in tools}
    held = ""
    for stroke in work.transfers:
        if stroke.new_tip or stroke.pipette != held:
            tips[stroke.pipette] += 1
        held = stroke.pipette
    racks = {name: math.ceil(count / 96) for name, count in tips.items()}
    needed = 1 + len(sources) + sum(racks.values())
    if needed > len(free):
        raise NavigationError(
            f"the deck of an {robot} has {len(free)} free slots; the plate, {len(sources)} racks of stocks and "
            f"{sum(racks.values())} racks of tips need {needed}: make fewer wells in one run"
        )
    plate = free.pop(0)
    place = {name: free.pop(0) for name in sources}
    labware = {plate: work.plate.name} | {
        slot: work.racks[name].name if name in work.racks else name for name, slot in place.items()
    }
    for name in labware.values():
        if not re.fullmatch(r"[a-z0-9_.]+", name):
            raise NavigationError(
                f"'{shorten(name, 40)}' is no labware of Opentrons; give load names such as "
                "corning_96_wellplate_360ul_flat as 'name' in the labware file, for the racks of stocks too"
            )
    pipettes = {
        tool.name: (mount, tool.tips, [free.pop(0) for _ in range(racks[tool.name])])
        for tool, mount in zip(tools, ("left", "right"), strict=False)
    }
    largest = {tool.name: tool for tool in tools}
    filled: dict[str, float] = {}
    lines = []
    for stroke in work.transfers:
        filled[stroke.well] = filled.get(stroke.well, 0.0) + stroke.volume_ul
        tool = largest[stroke.pipette]
        mixed = round(min(0.5 * filled[stroke.well], tool.maximum_ul), 1) if stroke.mix else 0
        row = (
            stroke.pipette, place[stroke.source_labware], stroke.source_well, plate, stroke.well,
            round(stroke.volume_ul, 4), stroke.new_tip, mixed if mixed >= tool.minimum_ul else 0, stroke.stock,
        )  # fmt: skip
        lines.append(f"    {row!r},")
    text = _PROTOCOL.format(
        description=f"{len(work.fills)} wells, {len(work.transfers)} strokes",
        robot=robot,
        level=level,
        labware=repr(labware),
        pipettes=repr(pipettes),
        strokes="\n".join(lines),
        trash=trash,
    )
    return {"protocol.py": text}
