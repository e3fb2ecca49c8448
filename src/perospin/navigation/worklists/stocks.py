"""Stock solutions: what is in them, in which solvent, how much, and where they stand."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from perospin.errors import NavigationError
from perospin.text import shorten, visible

__all__ = ["Stock", "load_stocks"]

_PART = re.compile(r"\s*(.+?)\s*[=:]\s*([-+.\deE]+)\s*")
_HEADING = re.compile(r"\s*(.*?)\s*(?:[(\[]([^)\]]*)[)\]])?\s*")  # "uL" and "M" are no units of measured columns
_UNITS = {"m": 1.0, "mol/l": 1.0, "mm": 1e-3, "mmol/l": 1e-3}
_COLUMNS = {
    "name": ("name", "stock", "solution"),
    "solutes": ("solutes", "solute", "components", "component"),
    "concentration": ("concentration", "molarity", "conc"),
    "solvent": ("solvent", "solvents"),
    "solubility": ("solubility",),
    "volume": ("volume",),
    "labware": ("labware", "rack", "plate"),
    "well": ("well", "position"),
    "order": ("order", "mixing order"),
}


@dataclass(frozen=True)
class Stock:
    """A solution in its vessel.

    Attributes
    ----------
    name : str
    solutes : dict of str to float
        Concentration of each component, mol/L; empty for a pure solvent.
    solvent : dict of str to float
        Shares by volume, which sum to 1.
    volume_ul : float
        How much there is.
    labware, well : str
        Where it stands.
    solubility_m : float or None
        Most of all solutes together that this solvent dissolves, mol/L.
    order : int or None
        Place in the order of mixing; by default solvents first, then as they are listed.
    """

    name: str
    solutes: Mapping[str, float]
    solvent: Mapping[str, float]
    volume_ul: float
    labware: str = "stocks"
    well: str = "A1"
    solubility_m: float | None = None
    order: int | None = None
    total_m: float = field(init=False)

    def __post_init__(self) -> None:
        where = f"the stock '{shorten(self.name, 40)}'"
        if not self.name.strip():
            raise NavigationError("each stock needs a name")
        if not (math.isfinite(self.volume_ul) and self.volume_ul > 0):
            raise NavigationError(f"{where} needs a volume above 0 uL, not {self.volume_ul:g}")
        if any(not (math.isfinite(c) and c > 0) for c in self.solutes.values()):
            raise NavigationError(f"{where} needs concentrations above 0 mol/L")
        if any(not s > 0 for s in self.solvent.values()) or abs(sum(self.solvent.values()) - 1) > 1e-3:
            raise NavigationError(f"the solvents of {where} must have shares above 0 that sum to 1")
        if self.solubility_m is not None and not (math.isfinite(self.solubility_m) and self.solubility_m > 0):
            raise NavigationError(f"the solubility of {where} must be above 0 mol/L")
        object.__setattr__(self, "total_m", float(sum(self.solutes.values())))


def load_stocks(path: Path | str) -> list[Stock]:
    """Read stocks from a table, one a row.

    Columns: ``name``; ``solutes`` (one component, ``PEAI=2; PbI2=1`` in parts, or PASCAL's ``{'FA': 0.9, ...}`` in
    mol/L); ``concentration (M)`` or (mM), which multiplies the parts; ``solvent`` (``DMF=0.8; DMSO=0.2`` by volume);
    ``volume (uL)`` or (mL); ``labware`` and ``well``; ``solubility (M)`` and ``order`` if known. A row without
    solutes is a pure solvent.

    Raises
    ------
    NavigationError
        One sentence about all rows that are wrong.
    """
    from perospin.sheets.table import open_table

    table = open_table(path)
    split = [_HEADING.fullmatch(visible(heading)) for heading in table.headings]
    heads = [found[1].casefold() if found else "" for found in split]
    place = {what: next((heads.index(n) for n in names if n in heads), None) for what, names in _COLUMNS.items()}
    missing = [what for what in ("solvent", "volume") if place[what] is None]
    if missing:
        raise NavigationError(
            f"the stocks '{table.name}' need a column '{missing[0]}'; give name, solutes, concentration (M), solvent, "
            "volume (uL), labware, well"
        )
    units = [(found[2] or "").strip() if found else "" for found in split]
    stocks, mistakes = [], []
    for row, cells in table.rows:
        if not any(cell.strip() for cell in cells):
            continue
        text = {what: cells[i].strip() if i is not None and i < len(cells) else "" for what, i in place.items()}
        unit = {what: units[i] if i is not None else "" for what, i in place.items()}
        try:
            stocks.append(_stock(text, unit, row))
        except NavigationError as error:
            mistakes.append(f"row {row}: {error}")
    if mistakes:
        raise NavigationError.of(f"the stocks '{table.name}'", mistakes)
    if not stocks:
        raise NavigationError(f"'{table.name}' lists no stock")
    taken: dict[tuple[str, str], str] = {}
    for one in stocks:
        other = taken.setdefault((one.labware, one.well), one.name)
        if other is not one.name or sum((s.labware, s.well) == (one.labware, one.well) for s in stocks) > 1:
            raise NavigationError(f"'{one.name}' and another stock stand in {one.labware} {one.well}; move one")
    return stocks


def _stock(text: Mapping[str, str], unit: Mapping[str, str], row: int) -> Stock:
    solvent = _parts(text["solvent"], "solvent")
    if not solvent:
        raise NavigationError("it has no solvent; name it, such as DMF")
    whole = sum(solvent.values())
    parts = _parts(text["solutes"], "solutes")
    concentration = _number(text["concentration"], "concentration")
    factor = _UNITS.get(unit["concentration"].casefold() or "m")
    if factor is None:
        raise NavigationError(f"concentrations are in M or mM, not {unit['concentration']}")
    # PASCAL and lists of molarities give mol/L themselves; parts are multiplied by the concentration
    absolute = text["solutes"].startswith("{") or concentration is None
    if concentration == 0:
        parts = {}
    elif parts and concentration is None and len(parts) == 1 and "=" not in text["solutes"]:
        raise NavigationError("it has no concentration; write it in mol/L")
    solutes = {name: share * (1.0 if absolute else (concentration or 0.0) * factor) for name, share in parts.items()}
    scale = {"ul": 1.0, "ml": 1e3, "l": 1e6}.get(unit["volume"].replace("µ", "u").replace("μ", "u").casefold() or "ul")
    volume = _number(text["volume"], "volume")
    if scale is None or volume is None:
        raise NavigationError("it needs a volume in uL or mL")
    solubility = _number(text["solubility"], "solubility")
    order = _number(text["order"], "order")
    solvent = {name: share / whole for name, share in solvent.items()}
    name = text["name"] or ("+".join(solutes) or "+".join(solvent))
    limit = None if solubility is None else solubility * _UNITS.get(unit["solubility"].casefold() or "m", 1.0)
    return Stock(
        visible(name),
        solutes,
        solvent,
        volume * scale,
        visible(text["labware"]) or "stocks",
        visible(text["well"]).upper() or f"A{row - 1}",
        limit,
        None if order is None else int(order),
    )


def _parts(text: str, what: str) -> dict[str, float]:
    if not text:
        return {}
    if text.startswith("{"):
        try:
            read = ast.literal_eval(text[:5000])
            return {str(name): float(share) for name, share in dict(read).items()}
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            raise NavigationError(f"its {what} can't be read; write them as DMF=0.8; DMSO=0.2") from None
    pieces: Sequence[str] = [piece for piece in re.split(r"[;,+]" if "=" in text else r";", text) if piece.strip()]
    made: dict[str, float] = {}
    for piece in pieces:
        found = _PART.fullmatch(piece)
        name, share = (found[1], _number(found[2], what)) if found else (piece.strip(), 1.0)
        if name in made or share is None:
            raise NavigationError(f"its {what} name '{shorten(name, 30)}' twice, or without a number")
        made[visible(name)] = share
    return made


def _number(text: str, what: str) -> float | None:
    from perospin.sheets.cells import number

    if not text:
        return None
    value = number(text, ".")
    if value is None or not math.isfinite(value):
        raise NavigationError(f"its {what} '{shorten(text, 30)}' is no number")
    return value
