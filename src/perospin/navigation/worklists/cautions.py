"""What spoils a day: solvents that dissolve the plate, drying, antisolvents without a time, precipitates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from perospin.navigation.worklists.labware import Plate
from perospin.navigation.worklists.stocks import Stock

if TYPE_CHECKING:
    from perospin.navigation.worklists.plan import Fill

__all__ = ["ANTISOLVENTS", "BOILING_C", "cautions", "plain_solvent", "solubility_m"]

BOILING_C: Mapping[str, float] = {
    "dmf": 153.0, "dmso": 189.0, "nmp": 202.0, "gbl": 204.0, "2-me": 124.0, "acn": 82.0, "ipa": 82.0, "etoh": 78.0,
    "meoh": 65.0, "toluene": 111.0, "chlorobenzene": 132.0, "dcm": 40.0, "chloroform": 61.0, "ethylacetate": 77.0,
    "methylacetate": 57.0, "ether": 35.0, "anisole": 154.0, "water": 100.0, "acetone": 56.0, "thf": 66.0,
}  # fmt: skip
"""Boiling points of usual solvents, degrees Celsius at 1 atm, rounded (CRC Handbook)."""

ANTISOLVENTS = frozenset(
    ("toluene", "chlorobenzene", "ether", "ethylacetate", "methylacetate", "anisole", "chloroform", "dcm")
)
_ATTACK_POLYSTYRENE = frozenset(("dmf", "dmso", "nmp", "gbl", "acn", "thf", "acetone", "2-me", *tuple(ANTISOLVENTS)))
_OTHER_NAMES = {
    "cb": "chlorobenzene", "ea": "ethylacetate", "ma": "methylacetate", "isopropanol": "ipa", "2-propanol": "ipa",
    "acetonitrile": "acn", "mecn": "acn", "ethanol": "etoh", "methanol": "meoh", "diethylether": "ether",
    "dee": "ether", "chcl3": "chloroform", "dichloromethane": "dcm", "h2o": "water", "2-methoxyethanol": "2-me",
    "2me": "2-me", "dimethylformamide": "dmf", "n,n-dimethylformamide": "dmf", "dimethylsulfoxide": "dmso",
    "n-methyl-2-pyrrolidone": "nmp", "gamma-butyrolactone": "gbl", "etoac": "ethylacetate", "meoac": "methylacetate",
}  # fmt: skip


def plain_solvent(name: str) -> str:
    """Key of a solvent: ``Ethyl acetate`` and ``EA`` are ethylacetate."""
    key = "".join(name.casefold().split())
    return _OTHER_NAMES.get(key, key)


def cautions(fills: Sequence[Fill], stocks: Sequence[Stock], plate: Plate, dry_minutes: float) -> list[str]:
    """Say what may spoil the day, one sentence each.

    Parameters
    ----------
    fills : sequence of Fill
    stocks : sequence of Stock
    plate : Plate
    dry_minutes : float
        How long the first drops stand open while the rest is pipetted.
    """
    used = {name for fill in fills for name in fill.made.volumes_ul}
    solvents = {plain_solvent(s): s for stock in stocks if stock.name in used for s in stock.solvent}
    told = []
    material = f"{plate.material} {plate.name}".casefold()
    attack = sorted(solvents[key] for key in solvents if key in _ATTACK_POLYSTYRENE)
    verb = "attack" if len(attack) > 1 else "attacks"
    if attack and ("polystyrene" in material or material.split()[:1] == ["ps"]):
        told.append(f"{', '.join(attack)} {verb} polystyrene; take a plate of polypropylene or glass")
    elif attack and not plate.material:
        told.append(f"the plate's plastic isn't told; {', '.join(attack)} {verb} polystyrene")
    told += _drying(fills, stocks, dry_minutes) + _untimed(fills, stocks) + _precipitates(fills, stocks)
    return told


def _drying(fills: Sequence[Fill], stocks: Sequence[Stock], dry_minutes: float) -> list[str]:
    """Name the volatile solvents that are not pipetted last, and those that stand open long."""
    order = [stock for stock in stocks if any(stock.name in fill.made.volumes_ul for fill in fills)]
    boiling = [
        min((BOILING_C.get(plain_solvent(s), math.inf) for s in stock.solvent), default=math.inf) for stock in order
    ]
    told = []
    for i, (stock, here) in enumerate(zip(order, boiling, strict=True)):
        if here < 90.0 and any(later > here + 40.0 and math.isfinite(later) for later in boiling[i + 1 :]):
            told.append(
                f"'{stock.name}' boils at {here:g} C and comes before less volatile stocks; give it a later 'order'"
            )
    if dry_minutes > 20.0 and any(here < 90.0 for here in boiling):
        told.append(f"pipetting takes about {dry_minutes:.0f} minutes; cover the wells, a volatile solvent dries")
    return told


def is_antisolvent(stock: Stock) -> bool:
    """Whether a stock is an antisolvent of lead halides: no solute, and only such solvents."""
    return not stock.solutes and all(plain_solvent(name) in ANTISOLVENTS for name in stock.solvent)


def _untimed(fills: Sequence[Fill], stocks: Sequence[Stock]) -> list[str]:
    for stock in stocks:
        late = [f for f in fills if stock.name in f.made.volumes_ul and f.antisolvent_s is None]
        if late and is_antisolvent(stock):
            return [f"'{stock.name}' is an antisolvent and well {late[0].well} has no time for it; add 'antisolvent_s'"]
    return []


def solubility_m(solvent: Mapping[str, float], known: Mapping[str, float]) -> float | None:
    """Estimate the solubility in mixed solvents: the logarithms mix by volume (Yalkowsky's log-linear rule).

    None if the solubility in a solvent of more than 1 % isn't known.
    """
    logs = 0.0
    for name, share in solvent.items():
        if name not in known:
            if share > 0.01:
                return None
            continue
        logs += share * math.log(known[name])
    return math.exp(logs)


def _precipitates(fills: Sequence[Fill], stocks: Sequence[Stock]) -> list[str]:
    told = [
        f"'{stock.name}' has {stock.total_m:.3g} M, above its solubility of {stock.solubility_m:.3g} M"
        for stock in stocks
        if stock.solubility_m is not None and stock.total_m > stock.solubility_m * (1 + 1e-9)
    ]
    known: dict[str, dict[str, float]] = {}
    for stock in stocks:
        if stock.solubility_m is not None and len(stock.solvent) == 1:
            for component in stock.solutes:
                known.setdefault(component, {}).setdefault(next(iter(stock.solvent)), stock.solubility_m)
    for fill in fills:
        made = fill.made
        anti = sorted(s for s, share in made.solvent.items() if plain_solvent(s) in ANTISOLVENTS and share > 0.01)
        for component, share in made.shares.items():
            limit = solubility_m(made.solvent, known.get(component, {}))
            if limit is not None and share * made.concentration_m > limit:
                told.append(
                    f"well {fill.well} would precipitate: {component} at {share * made.concentration_m:.3g} M, and "
                    f"{limit:.3g} M dissolves"
                )
            elif limit is None and anti:
                told.append(f"well {fill.well} mixes {component} with the antisolvent {anti[0]}; it will precipitate")
    return told[:20]
