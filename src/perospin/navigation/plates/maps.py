"""The map of a plate: what is in each well."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perospin.errors import NavigationError
from perospin.navigation.worklists.labware import split_well
from perospin.text import from_spreadsheet, shorten, visible

__all__ = ["PlateMap", "load_map"]


@dataclass(frozen=True)
class PlateMap:
    """What is in each well.

    Attributes
    ----------
    rows : dict of str to dict
        Cells by heading, for each well.
    """

    rows: dict[str, dict[str, str]]

    def cell(self, well: str, heading: str) -> str:
        """Return a cell, ``""`` if there is none."""
        return self.rows.get(well, {}).get(heading, "")

    def name(self, well: str) -> str:
        """Return what a well is called: its name, or its place."""
        return self.cell(well, "name") or well

    @property
    def made(self) -> list[str]:
        """Headings with what was made (``made FAPbI3``), or all numeric ones of a map that has none."""
        heads = list(dict.fromkeys(head for row in self.rows.values() for head in row))
        return [head for head in heads if head.startswith("made ")]

    def composition(self, wells: list[str]) -> NDArray[np.float64]:
        """Made shares of some wells, shape (n_wells, n_components); NaN where unknown."""
        made = self.made
        values = [[_number(self.cell(well, head)) for head in made] for well in wells]
        return np.array(values, dtype=float).reshape(len(wells), len(made))


def load_map(path: Path | str) -> PlateMap:
    """Read a map: a row a well with a column ``well``, or components in rows and wells in columns (A1, A2, ...).

    The second kind gives amounts, which become shares.

    Raises
    ------
    NavigationError
    """
    from perospin.sheets.table import open_table

    table = open_table(path)
    heads = [visible(head) for head in table.headings]
    if "well" in (lower := [head.casefold() for head in heads]):
        place, rows = lower.index("well"), {}
        for number, cells in table.rows:
            if len(cells) <= place or not cells[place].strip():
                continue
            well = _plain(cells[place], f"row {number} of '{table.name}'")
            if well in rows:
                raise NavigationError(f"'{table.name}' lists the well {well} twice, again in row {number}")
            rows[well] = {
                head: visible(from_spreadsheet(cell.strip())) for head, cell in zip(heads, cells, strict=False)
            }
        if rows:
            return PlateMap(rows)
        raise NavigationError(f"the map '{table.name}' lists no well")
    wells = [head for head in heads if _is_well(head)]
    if len(wells) < 2:
        raise NavigationError(f"'{table.name}' is no map of a plate; it needs a column 'well', or columns A1, A2, ...")
    amounts: dict[str, dict[str, float]] = {_plain(well, table.name): {} for well in wells}
    for number, cells in table.rows:
        if not any(cell.strip() for cell in cells):
            continue
        for head, cell in zip(heads, cells, strict=False):
            if _is_well(head):
                value = _number(cell)
                if not value >= 0:
                    raise NavigationError(
                        f"row {number} of '{table.name}': the amount '{shorten(cell, 20)}' in {head} is no number of 0 "
                        "or more"
                    )
                amounts[_plain(head, table.name)][visible(cells[0].strip())] = value
    made = {}
    for well, parts in amounts.items():
        if (total := sum(parts.values())) > 0:
            name = ", ".join(f"{part} {value / total:.3g}" for part, value in parts.items())
            made[well] = {"well": well, "name": name} | {f"made {p}": repr(v / total) for p, v in parts.items()}
    return PlateMap(made)


def _is_well(text: str) -> bool:
    try:
        split_well(text)
    except NavigationError:
        return False
    return True


def _plain(text: str, where: str) -> str:
    try:
        row, column = split_well(text)
    except NavigationError as error:
        raise NavigationError(f"{where}: {error}") from None
    return f"{chr(ord('A') + row)}{column + 1}"


def _number(text: str) -> float:
    from perospin.sheets.cells import number

    value = number(text.strip(), ".")
    return float("nan") if value is None else value
