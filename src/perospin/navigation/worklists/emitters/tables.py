"""Machines that take a plain table: Hamilton, Biomek, epMotion, Echo, Mosquito; and people."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from perospin.errors import NavigationError
from perospin.navigation.worklists.labware import split_well
from perospin.navigation.worklists.plan import Worklist, stock_totals
from perospin.text import to_spreadsheet

__all__ = ["by_hand", "csv_text", "echo", "epmotion", "mosquito", "pick_list"]

EPMOTION_ROWS = 500
"""Rows that epBlue reads from one file."""


def csv_text(head: Sequence[str], rows: Iterable[Sequence[str | int | float]], end: str = "\n") -> str:
    """Write a table; no text in it is a formula to a spreadsheet."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator=end)
    writer.writerow(head)
    writer.writerows([to_spreadsheet(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return file.getvalue()


def pick_list(work: Worklist) -> dict[str, str]:
    """Write source and destination, plate and well, uL: what VENUS and Biomek ("Transfer From File") take."""
    head = ("Source Plate", "Source Well", "Destination Plate", "Destination Well", "Volume (uL)", "New Tip")
    rows = [
        (o.source_labware, o.source_well, work.plate.label, o.well, f"{o.volume_ul:.2f}", int(o.new_tip))
        for o in work.transfers
    ]
    return {"worklist.csv": csv_text(head, rows, "\r\n")}


def epmotion(work: Worklist) -> dict[str, str]:
    """Write files of 500 rows for epBlue: Rack,Source,Rack,Destination,Volume,Tool; racks are counted from 1."""
    racks = list(dict.fromkeys(one.source_labware for one in work.transfers))
    tools = list(dict.fromkeys(tool.name for tool in work.pipettes))
    head = ("Rack", "Source", "Rack", "Destination", "Volume", "Tool")
    rows = [
        (
            racks.index(o.source_labware) + 1,
            o.source_well,
            1,
            o.well,
            f"{o.volume_ul:.3f}",
            tools.index(o.pipette) + 1,
        )
        for o in work.transfers
    ]
    parts = [rows[i : i + EPMOTION_ROWS] for i in range(0, len(rows), EPMOTION_ROWS)]
    return {
        "worklist.csv" if len(parts) == 1 else f"worklist_{number:02d}.csv": csv_text(head, part, "\r\n")
        for number, part in enumerate(parts, start=1)
    }


def echo(work: Worklist) -> dict[str, str]:
    """Pick list of an Echo: nL, in the drops of its pipette."""
    head = (
        "Source Plate Name", "Source Plate Type", "Source Well", "Destination Plate Name", "Destination Well",
        "Transfer Volume", "Sample Name",
    )  # fmt: skip
    rows = [
        (
            o.source_labware,
            work.racks[o.source_labware].name if o.source_labware in work.racks else "384PP_DMSO2",
            o.source_well,
            work.plate.label,
            o.well,
            f"{1000.0 * o.volume_ul:.1f}",
            o.stock,
        )
        for o in work.transfers
    ]
    return {"picklist.csv": csv_text(head, rows, "\r\n")}


def mosquito(work: Worklist) -> dict[str, str]:
    """Work list of a Mosquito: COPY records with positions, columns and rows as numbers, nL.

    COPY, position of the source, its first and last column, its row, position of the plate, column, row, volume.
    """
    positions = {name: i for i, name in enumerate(dict.fromkeys(o.source_labware for o in work.transfers), start=2)}
    if len(positions) > 4:
        raise NavigationError(f"a Mosquito has five positions; {len(positions)} racks of stocks and a plate don't fit")
    lines = ["worklist,", "TipChangeStrategy,always", f"COMMENT, position 1: {work.plate.label}"]
    lines += [f"COMMENT, position {i}: {name.replace(',', ' ')}" for name, i in positions.items()]
    for o in work.transfers:
        (row, column), (to_row, to_column) = split_well(o.source_well), split_well(o.well)
        place = positions[o.source_labware]
        fields = (place, column + 1, column + 1, row + 1, 1, to_column + 1, to_row + 1, round(1000.0 * o.volume_ul))
        lines.append("COPY," + ",".join(map(str, fields)))
    return {"worklist.csv": "\r\n".join(lines) + "\r\n"}


def by_hand(work: Worklist) -> dict[str, str]:
    """Two tables for a person: the steps in their order, and what of each stock is needed."""
    head = (
        "step", "stock", "from", "position", "to well", "volume (uL)", "pipette", "new tip", "mix after",
        "at (s)", "done",
    )  # fmt: skip
    rows = [
        (
            i, o.stock, o.source_labware, o.source_well, o.well, f"{o.volume_ul:g}", o.pipette,
            "yes" if o.new_tip else "", "yes" if o.mix else "", "" if o.delay_s is None else f"{o.delay_s:g}", "",
        )
        for i, o in enumerate(work.transfers, start=1)
    ]  # fmt: skip
    totals = stock_totals(work)
    needed = [(name, f"{volume:.4g}", f"{volume + work.dead_volume_ul:.4g}") for name, volume in totals.items()]
    return {
        "steps.csv": csv_text(head, rows),
        "stocks_needed.csv": csv_text(("stock", "drawn (uL)", "with dead volume (uL)"), needed),
    }
