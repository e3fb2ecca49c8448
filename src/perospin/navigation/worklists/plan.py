"""The plan of a plate: recipes, wells, strokes, and what to look out for."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from perospin.errors import NavigationError
from perospin.navigation.worklists.cautions import cautions, is_antisolvent
from perospin.navigation.worklists.labware import Pipette, Plate
from perospin.navigation.worklists.layout import free_wells, laid_out
from perospin.navigation.worklists.recipes import Made, Target, pipette_for, recipe, shortfall
from perospin.navigation.worklists.simulator import Transfer, simulate
from perospin.navigation.worklists.stocks import Stock
from perospin.text import shorten

__all__ = ["Fill", "Worklist", "plan_worklist"]

_SECONDS_A_STROKE = 12.0
"""A usual time of one stroke with its tip; only to say how long wells stand open."""


@dataclass(frozen=True)
class Fill:
    """One well: what it was meant to hold, and what it is made of.

    Attributes
    ----------
    well : str
    target : Target
    made : Made
        After rounding.
    replicate : int
        From 1.
    """

    well: str
    target: Target
    made: Made
    replicate: int = 1

    @property
    def antisolvent_s(self) -> float | None:
        """When the antisolvent is dropped, in seconds, if the target says so."""
        for name, value in self.target.conditions.items():
            plain = name.casefold().replace(" ", "_")
            if plain.startswith(("antisolvent_s", "antisolvent_time", "antisolvent_(s")) and not isinstance(value, str):
                return float(value)
        return None


@dataclass(frozen=True)
class Worklist:
    """All that a machine or a person needs.

    Attributes
    ----------
    plate : Plate
    stocks : tuple of Stock
        In the order of mixing.
    pipettes : tuple of Pipette
    fills : tuple of Fill
    transfers : tuple of Transfer
        Strokes in their order.
    cautions : tuple of str
    dead_volume_ul : float
    racks : dict of str to Plate
        Racks of the stocks, where they are known.
    """

    plate: Plate
    stocks: tuple[Stock, ...]
    pipettes: tuple[Pipette, ...]
    fills: tuple[Fill, ...]
    transfers: tuple[Transfer, ...]
    cautions: tuple[str, ...]
    dead_volume_ul: float
    racks: Mapping[str, Plate] = field(default_factory=dict)

    def simulated(self) -> dict[str, Made]:
        """Say what the simulator finds in each well."""
        return simulate(self.transfers, self.stocks, self.plate, self.pipettes, self.dead_volume_ul)


def plan_worklist(
    targets: Sequence[Target],
    stocks: Sequence[Stock],
    plate: Plate,
    pipettes: Sequence[Pipette],
    volume_ul: float = 100.0,
    replicates: int = 1,
    layout: str = "rows",
    used: Collection[str] = (),
    leave_edge: bool = False,
    dead_volume_ul: float = 20.0,
    mix: bool = True,
    nearest: bool = False,
    seed: int = 0,
    racks: Mapping[str, Plate] | None = None,
) -> Worklist:
    """Turn compositions into strokes of pipettes, tried on paper before anybody fills a well.

    Parameters
    ----------
    targets : sequence of Target
        Samples and controls.
    stocks : sequence of Stock
        A name may occur several times, for vessels of the same solution.
    plate : Plate
    pipettes : sequence of Pipette
    volume_ul : float
        Of each well.
    replicates : int
        Wells of each sample.
    layout : {"rows", "random", "blocked"}
    used : collection of str
        Wells that are filled already.
    leave_edge : bool
        Leave the outer wells empty.
    dead_volume_ul : float
        What can't be drawn from a stock's vessel.
    mix : bool
        Mix each well after its last stroke.
    nearest : bool
        Make the nearest composition where the wished one can't be made.
    seed : int
    racks : dict of str to Plate, optional
        Racks of the stocks, by the name that the stocks give as labware.

    Raises
    ------
    NavigationError
        If a composition can't be made, a stock doesn't suffice, or a well would overflow.
    """
    if not (math.isfinite(volume_ul) and 0 < volume_ul <= plate.volume_ul):
        raise NavigationError(f"a well of '{plate.label}' holds {plate.volume_ul:g} uL; {volume_ul:g} uL don't fit")
    if not targets or not stocks or not pipettes or replicates < 1:
        raise NavigationError("a worklist needs samples, stocks, pipettes, and one replicate or more")
    if not dead_volume_ul >= 0:
        raise NavigationError(f"a dead volume is 0 uL or more, not {dead_volume_ul:g}")
    standing = dict(racks or {})
    for stock in stocks:
        if stock.labware in standing:
            standing[stock.labware].checked(stock.well)
    ordered = _ordered(stocks)
    kinds = _one_a_name(ordered)
    made, off = [], []
    for target in targets:
        one = recipe(target, kinds, volume_ul, pipettes)
        made.append(one)
        if one.volume_ul > plate.volume_ul:
            raise NavigationError(f"'{shorten(target.name, 60)}' would overflow its well of {plate.volume_ul:g} uL")
        if not one.as_meant:
            off.append(shortfall(target, one, volume_ul, pipettes))
    if off and not nearest:
        raise NavigationError.of("no worklist was written", off)
    wells = laid_out(len(targets), replicates, free_wells(plate, used, leave_edge), layout, seed)
    fills = [
        Fill(well, target, one, r)
        for target, one, places in zip(targets, made, wells, strict=True)
        for r, well in enumerate(places, start=1)
    ]
    fills.sort(key=lambda fill: plate.number(fill.well))
    transfers = _strokes(fills, ordered, pipettes, dead_volume_ul, mix)
    minutes = len(transfers) * _SECONDS_A_STROKE / 60.0
    told = cautions(fills, kinds, plate, minutes) + (off if nearest else [])
    work = Worklist(
        plate, tuple(ordered), tuple(pipettes), tuple(fills), tuple(transfers), tuple(told), dead_volume_ul, standing
    )
    work.simulated()
    return work


def _ordered(stocks: Sequence[Stock]) -> list[Stock]:
    """Solvents first, then as listed, antisolvents last; a stock's own `order` counts before that."""

    def place(stock: Stock) -> tuple[float, int]:
        usual = 2 if is_antisolvent(stock) else 1 if stock.solutes else 0
        return (math.inf if stock.order is None else stock.order, usual)

    return sorted(stocks, key=place)


def _one_a_name(stocks: Sequence[Stock]) -> list[Stock]:
    kinds: dict[str, Stock] = {}
    for stock in stocks:
        same = kinds.setdefault(stock.name, stock)
        if (same.solutes, same.solvent) != (stock.solutes, stock.solvent):
            raise NavigationError(f"two different stocks are called '{shorten(stock.name, 40)}'; rename one")
    return list(kinds.values())


def _strokes(
    fills: Sequence[Fill], stocks: Sequence[Stock], pipettes: Sequence[Pipette], dead_ul: float, mix: bool
) -> list[Transfer]:
    needed: dict[str, float] = {}
    for fill in fills:
        for name, volume in fill.made.volumes_ul.items():
            needed[name] = needed.get(name, 0.0) + volume
    vessels: dict[str, list[Stock]] = {}
    for stock in stocks:
        vessels.setdefault(stock.name, []).append(stock)
    lacking = []
    for name, volume in needed.items():
        have = sum(max(0.0, one.volume_ul - dead_ul) for one in vessels[name])
        if volume > have + 1e-6:
            lacking.append(
                f"'{shorten(name, 40)}' needs {volume:.4g} uL and gives {have:.4g} uL above the dead volume of "
                f"{dead_ul:g} uL"
            )
    if lacking:
        raise NavigationError.of("a stock doesn't suffice", lacking)
    left = {(one.labware, one.well): one.volume_ul - dead_ul for one in stocks}
    made: list[Transfer] = []
    held: dict[str, set[str]] = {}
    clean = False
    for name in vessels:
        for fill in fills:
            if not (volume := fill.made.volumes_ul.get(name, 0.0)):
                continue
            tool = pipette_for(volume, pipettes)
            for stroke in _divided(volume, tool):
                source = next((o for o in vessels[name] if left[o.labware, o.well] >= stroke - 1e-6), None)
                if source is None:
                    raise NavigationError(f"no vessel of '{shorten(name, 40)}' has {stroke:g} uL left for one stroke")
                left[source.labware, source.well] -= stroke
                # a tip that has touched nothing but its own stock serves the next well too
                same = clean and made[-1].stock == name and made[-1].pipette == tool.name
                clean = held.setdefault(fill.well, set()) <= {name}
                held[fill.well].add(name)
                delay = fill.antisolvent_s if is_antisolvent(source) else None
                made.append(
                    Transfer(source.labware, source.well, fill.well, stroke, tool.name, name, not same, delay_s=delay)
                )
    if mix:
        final = {one.well: i for i, one in enumerate(made)}
        several = {fill.well for fill in fills if len(fill.made.volumes_ul) > 1}
        for well, i in final.items():
            if well in several:
                made[i] = replace(made[i], mix=True)
                if i + 1 < len(made):
                    made[i + 1] = replace(made[i + 1], new_tip=True)
    return made


def _divided(volume_ul: float, tool: Pipette) -> list[float]:
    """Divide a volume into equal strokes of whole steps."""
    count = max(1, math.ceil(volume_ul / tool.maximum_ul - 1e-9))
    whole, rest = divmod(round(volume_ul / tool.step_ul), count)
    return [round((whole + (i < rest)) * tool.step_ul, 6) for i in range(count)]


def map_rows(work: Worklist) -> list[dict[str, str | float]]:
    """Give the map of the plate as rows: what each well was meant to hold, and what it holds."""
    names = list(dict.fromkeys(n for fill in work.fills for n in (*fill.target.shares, *fill.made.shares)))
    conditions = list(dict.fromkeys(n for fill in work.fills for n in fill.target.conditions))
    rows: list[dict[str, str | float]] = []
    for fill in work.fills:
        row: dict[str, str | float] = {
            "well": fill.well,
            "name": fill.target.name,
            "role": fill.target.role,
            "replicate": fill.replicate,
        }
        row |= {f"meant {name}": fill.target.shares.get(name, 0.0) for name in names}
        row |= {f"made {name}": fill.made.shares.get(name, 0.0) for name in names}
        row |= {"concentration (M)": fill.made.concentration_m, "volume (uL)": fill.made.volume_ul}
        row |= {name: fill.target.conditions.get(name, "") for name in conditions if name not in row}
        row |= {f"{stock.name} (uL)": fill.made.volumes_ul.get(stock.name, 0.0) for stock in work.stocks}
        rows.append(row)
    return rows


def stock_totals(work: Worklist) -> Mapping[str, float]:
    """Add up the volume drawn of each stock, uL."""
    totals: dict[str, float] = {}
    for one in work.transfers:
        totals[one.stock] = totals.get(one.stock, 0.0) + one.volume_ul
    return totals
