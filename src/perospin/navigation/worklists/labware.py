"""Plates and their wells, and the pipettes that fill them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perospin.errors import NavigationError
from perospin.text import shorten

__all__ = ["PLATES", "Pipette", "Plate", "load_deck", "load_plate", "plate_of", "shape_of", "split_well"]

_SHAPES = {24: (4, 6), 48: (6, 8), 96: (8, 12), 384: (16, 24)}
_WELL = re.compile(r"([A-Za-z])0*([1-9]\d?)")


def split_well(well: str) -> tuple[int, int]:
    """Row and column of a well, from 0: ``B3`` and ``b03`` are (1, 2).

    Raises
    ------
    NavigationError
    """
    found = _WELL.fullmatch(well.strip())
    if found is None:
        raise NavigationError(f"'{shorten(well, 30)}' is no well; write a letter and a number, such as B3")
    return ord(found[1].upper()) - ord("A"), int(found[2]) - 1


def shape_of(wells: Sequence[str]) -> tuple[int, int]:
    """Rows and columns of the smallest usual plate that has these wells.

    Examples
    --------
    >>> shape_of(["A1", "B3"]), shape_of(["H12"])
    ((4, 6), (8, 12))
    """
    places = [split_well(well) for well in wells]
    rows, columns = max(row for row, _ in places), max(column for _, column in places)
    return next((s for s in _SHAPES.values() if rows < s[0] and columns < s[1]), (26, 48))


@dataclass(frozen=True)
class Pipette:
    """What one tip can do.

    Attributes
    ----------
    name : str
        As the machine calls it.
    minimum_ul, maximum_ul, step_ul : float
        Least and largest volume of one stroke, and the step in which it is set.
    tips : str
        Rack of its tips, as the machine calls it.
    """

    name: str
    minimum_ul: float
    maximum_ul: float
    step_ul: float
    tips: str = ""

    def __post_init__(self) -> None:
        if not (0 < self.step_ul <= self.minimum_ul < self.maximum_ul < math.inf):
            raise NavigationError(
                f"the pipette '{shorten(self.name, 40)}' needs 0 < step <= least < largest volume, in uL; it has "
                f"{self.step_ul:g}, {self.minimum_ul:g} and {self.maximum_ul:g}"
            )


@dataclass(frozen=True)
class Plate:
    """A plate of wells that are filled.

    Attributes
    ----------
    name : str
        As the machine calls the labware.
    rows, columns : int
    volume_ul : float
        What a well holds.
    material : str
        Plastic, such as polypropylene or polystyrene; ``""`` if unknown.
    label : str
        Name of this plate.
    """

    name: str
    rows: int
    columns: int
    volume_ul: float
    material: str = ""
    label: str = "plate"

    def __post_init__(self) -> None:
        if not (1 <= self.rows <= 26 and 1 <= self.columns <= 48 and 0 < self.volume_ul < math.inf):
            raise NavigationError(
                f"the plate '{shorten(self.name, 40)}' needs 1 to 26 rows, 1 to 48 columns and a volume above 0 uL"
            )

    @property
    def wells(self) -> list[str]:
        """Wells row by row: A1, A2, ..., B1."""
        return [self.well(row, column) for row in range(self.rows) for column in range(self.columns)]

    def well(self, row: int, column: int) -> str:
        """Name of a well, counted from 0."""
        return f"{chr(ord('A') + row)}{column + 1}"

    def checked(self, well: str) -> str:
        """Return the plain name of a well of this plate (``a01`` is A1).

        Raises
        ------
        NavigationError
            If there is none of that name.
        """
        row, column = split_well(well)
        if row >= self.rows or column >= self.columns:
            last = self.well(self.rows - 1, self.columns - 1)
            raise NavigationError(f"there is no well {shorten(well, 20)} on '{self.label}'; its last one is {last}")
        return self.well(row, column)

    def number(self, well: str) -> int:
        """Count a well down the columns, from 1: A1, B1, ... (the way of Tecan)."""
        row, column = split_well(self.checked(well))
        return column * self.rows + row + 1


PLATES: Mapping[str, Plate] = {
    "24": Plate("24-well plate", 4, 6, 3400.0),
    "48": Plate("48-well plate", 6, 8, 1500.0),
    "96": Plate("96-well plate", 8, 12, 360.0),
    "96-deep": Plate("96-well deep plate, polypropylene", 8, 12, 2000.0, "polypropylene"),
    "384": Plate("384-well plate", 16, 24, 112.0),
}
"""Usual plates by the number of their wells."""


def plate_of(count: int) -> Plate:
    """Give the usual plate of 24, 48, 96 or 384 wells.

    Raises
    ------
    NavigationError
    """
    if str(count) not in PLATES:
        raise NavigationError(f"there is no usual plate of {count} wells; there are 24, 48, 96 and 384")
    return PLATES[str(count)]


def load_plate(path: Path | str) -> Plate:
    """Read a plate: the number of its wells, a short JSON file, or an Opentrons labware definition.

    The short file holds ``name``, ``wells`` (or ``rows`` and ``columns``), ``volume_ul`` and ``material``.

    Raises
    ------
    NavigationError
    """
    return load_deck(path)[0]


def load_deck(path: Path | str) -> tuple[Plate, dict[str, Plate]]:
    """Read a plate as `load_plate` does, and the racks of the stocks, which its short file may hold as ``racks``.

    Returns
    -------
    plate : Plate
    racks : dict of str to Plate
        By the name that stocks give as their labware.

    Raises
    ------
    NavigationError
    """
    from perospin.saving import read_json, read_text

    if str(path) in PLATES:
        return PLATES[str(path)], {}
    name = shorten(str(path), 80)
    content = read_json(read_text(path, "labware"), f"'{name}'")
    if not isinstance(content, dict):
        raise NavigationError(f"'{name}' is no labware; it needs name, wells, volume_ul and material")
    if "ordering" in content:
        return _opentrons(content, name), {}
    racks = content.pop("racks", {})
    if not isinstance(racks, dict) or not all(isinstance(rack, dict) for rack in racks.values()):
        raise NavigationError(f"the racks of '{name}' are a plate each, by the name that stocks give as labware")
    return _short(content, name), {
        str(label): _short(rack | {"label": str(label)}, f"{name}, rack {shorten(str(label), 40)}")
        for label, rack in racks.items()
    }


def _short(content: Mapping[str, Any], where: str) -> Plate:
    unknown = sorted(set(content) - {"name", "wells", "rows", "columns", "volume_ul", "material", "label"})
    if unknown:
        raise NavigationError(
            f"'{where}' holds '{shorten(unknown[0], 30)}'; known are name, wells (or rows and columns), volume_ul, "
            "material, label"
        )
    try:
        shape = (
            _SHAPES[int(content["wells"])] if "wells" in content else (int(content["rows"]), int(content["columns"]))
        )
        return Plate(
            str(content["name"]),
            *shape,
            float(content["volume_ul"]),
            str(content.get("material", "")),
            str(content.get("label", "plate")),
        )
    except (KeyError, TypeError, ValueError):
        raise NavigationError(
            f"'{where}' is no plate: it needs a name, wells of 24, 48, 96 or 384 (or rows and columns), and volume_ul"
        ) from None


def _opentrons(content: Mapping[str, Any], where: str) -> Plate:
    """Read Opentrons' labware schema 2: `ordering` lists the wells of each column."""
    try:
        ordering: Sequence[Sequence[str]] = content["ordering"]
        rows, columns = max(len(column) for column in ordering), len(ordering)
        volumes = [float(content["wells"][well]["totalLiquidVolume"]) for column in ordering for well in column]
        named = content.get("parameters", {}).get("loadName") or content["metadata"]["displayName"]
        plate = Plate(str(named), rows, columns, min(volumes))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise NavigationError(f"'{where}' is no whole Opentrons labware definition; export it anew") from None
    if [[plate.well(r, c) for r in range(rows)] for c in range(columns)] != [list(column) for column in ordering]:
        raise NavigationError(f"the wells of '{where}' are no full grid A1, B1, ...; only grids can be filled")
    return plate
