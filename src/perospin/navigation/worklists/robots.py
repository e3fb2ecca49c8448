"""Every machine that a worklist can be written for: its pipettes, and who writes its files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from perospin.errors import NavigationError
from perospin.navigation.worklists.emitters import opentrons, pascal, tables, tecan
from perospin.navigation.worklists.labware import Pipette
from perospin.navigation.worklists.plan import Worklist
from perospin.similar import did_you_mean

__all__ = ["ROBOTS", "Robot", "robot"]


@dataclass(frozen=True)
class Robot:
    """A machine.

    Attributes
    ----------
    words : str
        What it is and what it is given.
    pipettes : tuple of Pipette
        Its usual ones.
    emit : callable
        Gives the texts of its files by name.
    """

    words: str
    pipettes: tuple[Pipette, ...]
    emit: Callable[[Worklist], dict[str, str]]


_HAND = (Pipette("P20", 2.0, 20.0, 0.1), Pipette("P200", 20.0, 200.0, 0.5), Pipette("P1000", 200.0, 1000.0, 1.0))
_OT2 = (
    Pipette("p20_single_gen2", 1.0, 20.0, 0.1, "opentrons_96_tiprack_20ul"),
    Pipette("p300_single_gen2", 20.0, 300.0, 0.5, "opentrons_96_tiprack_300ul"),
)
_FLEX = (
    Pipette("flex_1channel_50", 1.0, 50.0, 0.1, "opentrons_flex_96_tiprack_50ul"),
    Pipette("flex_1channel_1000", 5.0, 1000.0, 0.5, "opentrons_flex_96_tiprack_1000ul"),
)
_LIHA = (Pipette("DiTi 200", 2.0, 180.0, 0.1), Pipette("DiTi 1000", 10.0, 950.0, 0.5))
_HEAD = (Pipette("50 uL tip", 1.0, 50.0, 0.1), Pipette("1000 uL tip", 10.0, 1000.0, 0.5))
_EP = (Pipette("TS_50", 1.0, 50.0, 0.1), Pipette("TS_300", 20.0, 300.0, 0.5), Pipette("TS_1000", 40.0, 1000.0, 1.0))

ROBOTS: Mapping[str, Robot] = {
    "opentrons-ot2": Robot("Opentrons OT-2: Python protocol, API level 2.15", _OT2, opentrons.ot2),
    "opentrons-flex": Robot("Opentrons Flex: Python protocol, API level 2.20", _FLEX, opentrons.flex),
    "tecan-evo": Robot("Tecan EVO: .gwl work list for EVOware", _LIHA, tecan.evo),
    "tecan-fluent": Robot("Tecan Fluent: .gwl work list for FluentControl", _LIHA, tecan.fluent),
    "tecan-fluent-csv": Robot("Tecan Fluent: CSV for FluentControl", _LIHA, tecan.fluent_csv),
    "hamilton": Robot("Hamilton: CSV of plates and wells, uL", _HEAD, tables.pick_list),
    "biomek": Robot("Beckman Biomek: CSV for Transfer From File, uL", _HEAD, tables.pick_list),
    "epmotion": Robot("Eppendorf epMotion: CSV for epBlue, 500 rows a file", _EP, tables.epmotion),
    "echo": Robot(
        "Echo 55x and 65x: pick list, drops of 2.5 nL", (Pipette("drops", 0.0025, 10.0, 0.0025),), tables.echo
    ),
    "echo-525": Robot("Echo 525: pick list, drops of 25 nL", (Pipette("drops", 0.025, 5.0, 0.025),), tables.echo),
    "mosquito": Robot("Mosquito: COPY records, nL", (Pipette("needle", 0.025, 1.2, 0.005),), tables.mosquito),
    "pascal": Robot("PASCAL: stocks, samples, netlist", _OT2, pascal.pascal),
    "hand": Robot("a person: steps in their order, and what of each stock is needed", _HAND, tables.by_hand),
}
"""Machines by the name that ``--robot`` takes."""


def robot(name: str) -> Robot:
    """Give a machine by its name.

    Raises
    ------
    NavigationError
    """
    if name not in ROBOTS:
        hint = did_you_mean(name, ROBOTS, otherwise=f"known are {', '.join(ROBOTS)}", quoted=True)
        raise NavigationError(f"no worklist is written for '{name[:40]}'; {hint}")
    return ROBOTS[name]
