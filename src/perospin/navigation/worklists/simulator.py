"""A liquid handler on paper: every volume in every vessel, and a refusal of what a machine would spoil."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from perospin.errors import NavigationError
from perospin.navigation.worklists.labware import Pipette, Plate
from perospin.navigation.worklists.recipes import Made, made_of
from perospin.navigation.worklists.stocks import Stock
from perospin.text import shorten

__all__ = ["Transfer", "simulate"]


@dataclass(frozen=True)
class Transfer:
    """One stroke of a pipette.

    Attributes
    ----------
    source_labware, source_well : str
        Where a stock stands.
    well : str
        Well of the plate.
    volume_ul : float
    pipette : str
        Name of the pipette.
    stock : str
        Name of the stock, for people; the position counts.
    new_tip : bool
        Whether a fresh tip is taken before.
    mix : bool
        Whether the well is mixed after it.
    delay_s : float or None
        When it is to be dropped, counted from the start of the spin; of an antisolvent.
    """

    source_labware: str
    source_well: str
    well: str
    volume_ul: float
    pipette: str
    stock: str = ""
    new_tip: bool = True
    mix: bool = False
    delay_s: float | None = None


def simulate(
    transfers: Sequence[Transfer],
    stocks: Sequence[Stock],
    plate: Plate,
    pipettes: Sequence[Pipette],
    dead_volume_ul: float = 0.0,
    filled_ul: Mapping[str, float] | None = None,
) -> dict[str, Made]:
    """Follow all volumes, and say what each well holds in the end.

    Parameters
    ----------
    transfers : sequence of Transfer
        In the order of the machine.
    stocks : sequence of Stock
    plate : Plate
    pipettes : sequence of Pipette
    dead_volume_ul : float
        What stays at the bottom of each stock's vessel.
    filled_ul : dict of str to float, optional
        What wells hold before.

    Returns
    -------
    dict of str to Made
        By well.

    Raises
    ------
    NavigationError
        With the number of the stroke: a well is overfilled or doesn't exist, a source is empty or unknown, a volume is
        below the pipette's least, above its tip, or no multiple of its step.
    """
    standing = {(stock.labware, stock.well): i for i, stock in enumerate(stocks)}
    left = [stock.volume_ul for stock in stocks]
    tools = {one.name: one for one in pipettes}
    held = {plate.checked(well): volume for well, volume in (filled_ul or {}).items()}
    volumes: dict[str, dict[str, float]] = {}
    for number, one in enumerate(transfers, start=1):
        where = f"stroke {number} ({one.volume_ul:g} uL into {shorten(one.well, 20)})"
        try:
            well = plate.checked(one.well)
        except NavigationError as error:
            raise NavigationError(f"{where}: {error}") from None
        _check_tip(where, one, tools)
        place = standing.get((one.source_labware, one.source_well))
        if place is None:
            raise NavigationError(f"{where}: no stock stands in {one.source_labware} {one.source_well}")
        if one.volume_ul > left[place] - dead_volume_ul + 1e-6:
            raise NavigationError(
                f"{where}: the stock '{shorten(stocks[place].name, 40)}' is empty, {left[place]:.4g} uL are left and "
                f"{dead_volume_ul:g} uL stay in the vessel"
            )
        left[place] -= one.volume_ul
        held[well] = held.get(well, 0.0) + one.volume_ul
        if held[well] > plate.volume_ul + 1e-6:
            raise NavigationError(f"{where}: the well overflows, {held[well]:.4g} uL in {plate.volume_ul:g} uL")
        inside = volumes.setdefault(well, {})
        inside[stocks[place].name] = inside.get(stocks[place].name, 0.0) + one.volume_ul
    return {well: made_of(inside, stocks) for well, inside in volumes.items()}


def _check_tip(where: str, one: Transfer, tools: Mapping[str, Pipette]) -> None:
    tool = tools.get(one.pipette)
    if tool is None:
        raise NavigationError(f"{where}: there is no pipette '{shorten(one.pipette, 40)}', only {', '.join(tools)}")
    if one.volume_ul > tool.maximum_ul + 1e-9:
        raise NavigationError(f"{where}: the tip of '{tool.name}' holds {tool.maximum_ul:g} uL; take a larger one")
    if not one.volume_ul >= tool.minimum_ul - 1e-9:
        raise NavigationError(f"{where}: '{tool.name}' moves {tool.minimum_ul:g} uL at least; take a smaller one")
    steps = one.volume_ul / tool.step_ul
    if abs(steps - round(steps)) > 1e-4:
        raise NavigationError(f"{where}: '{tool.name}' is set in steps of {tool.step_ul:g} uL")
