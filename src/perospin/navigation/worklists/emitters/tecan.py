"""Tecan: .gwl work lists for EVOware and FluentControl, and a CSV for FluentControl."""

from __future__ import annotations

import re

from perospin.errors import NavigationError
from perospin.navigation.worklists.emitters.tables import csv_text
from perospin.navigation.worklists.labware import Plate, plate_of, split_well
from perospin.navigation.worklists.plan import Worklist
from perospin.text import shorten

__all__ = ["evo", "fluent", "fluent_csv"]

_LONGEST_LABEL = 32


def position(work: Worklist, labware: str, well: str) -> int:
    """Count a well of a stock's rack down the columns, from 1.

    Raises
    ------
    NavigationError
        If the shape of the rack isn't known.
    """
    rack = work.racks.get(labware)
    if rack is None:
        told = re.search(r"(?<!\d)(24|48|96|384)(?!\d)", labware)
        row, column = split_well(well)
        if told is None and column == 0:
            return row + 1
        if told is None:
            raise NavigationError(
                f"the shape of the rack '{shorten(labware, 40)}' isn't known, so that {well} has no number; give it as "
                "'racks' in the labware file"
            )
        rack = plate_of(int(told[1]))
    return rack.number(well)


def _label(text: str) -> str:
    if ";" in text or len(text) > _LONGEST_LABEL or not text.isprintable():
        raise NavigationError(
            f"the label '{shorten(text, 40)}' can't stand in a .gwl file: {_LONGEST_LABEL} letters at most, and no ';'"
        )
    return text


def _gwl(work: Worklist, encoding: str) -> str:
    """Write A and D records of 10 fields, W after each tip, B between stocks (EVOware manual, worklists)."""
    plate: Plate = work.plate
    lines = [f"C;perospin: {len(work.fills)} wells, {len(work.transfers)} strokes"]
    last = None
    for i, one in enumerate(work.transfers):
        if one.stock != last:
            lines += ["B;"] if last is not None else []
            name = one.stock.encode(encoding, "replace").decode(encoding).replace(";", ",")
            lines.append(f"C;{name}")
            last = one.stock
        volume = f"{one.volume_ul:.2f}"
        source, goal = position(work, one.source_labware, one.source_well), plate.number(one.well)
        lines.append(f"A;{_label(one.source_labware)};;;{source};;{volume};;;")
        lines.append(f"D;{_label(plate.label)};;;{goal};;{volume};;;")
        # the tip stays only while the next stroke may use it too
        if i + 1 == len(work.transfers) or work.transfers[i + 1].new_tip:
            lines.append("W;")
    return "\r\n".join(lines) + "\r\n"


def evo(work: Worklist) -> dict[str, str]:
    """Work list for EVOware: records A, D, W, B, C; volumes in uL with two decimals."""
    return {"worklist.gwl": _gwl(work, "latin-1")}


def fluent(work: Worklist) -> dict[str, str]:
    """Work list for FluentControl, which reads the same records."""
    return {"worklist.gwl": _gwl(work, "utf-8")}


def fluent_csv(work: Worklist) -> dict[str, str]:
    """Table for FluentControl's import: labels and positions, uL."""
    rows = [
        (
            one.source_labware,
            position(work, one.source_labware, one.source_well),
            work.plate.label,
            work.plate.number(one.well),
            f"{one.volume_ul:.2f}",
            "new" if one.new_tip else "keep",
        )
        for one in work.transfers
    ]
    head = ("SourceLabware", "SourcePosition", "DestinationLabware", "DestinationPosition", "Volume", "Tip")
    return {"worklist.csv": csv_text(head, rows, "\r\n")}
