"""Compositions to make, from a table of one's own."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from perospin.digits import figures
from perospin.errors import NavigationError
from perospin.navigation.worklists.ions import in_ions, ions_of
from perospin.navigation.worklists.recipes import Target, are_shares
from perospin.navigation.worklists.stocks import Stock
from perospin.text import from_spreadsheet, shorten, visible

__all__ = ["load_targets"]

_CONCENTRATION = re.compile(r"conc(?:entration)?\s*(?:[(\[]\s*(m?M|m?mol/l)\s*[)\]])?", re.IGNORECASE)
_FORMULA = ("material", "formula")
_PREFIX = re.compile(r"(?:meant|share|fraction)\s+|.*:")


def load_targets(
    path: Path | str, stocks: Sequence[Stock], concentration_m: float | None = None
) -> tuple[list[Target], list[Stock]]:
    """Read what is to be made, one a row.

    Columns headed as the components of the stocks are shares (``FAPbI3``, also ``meant FAPbI3``, ``mix:FAPbI3``): they
    sum to 1 or 100, or are whole numbers in any ratio.
    Without any, a column ``material`` holds formulas that are mixed from the ions of the stocks. ``name``, ``role``
    (sample or control) and ``concentration (M)`` or (mM) are read if they are there; all other columns are conditions.

    Parameters
    ----------
    path : path
    stocks : sequence of Stock
    concentration_m : float, optional
        Where the table gives none, mol/L of all components, or of formula units; None is undiluted.

    Returns
    -------
    targets : list of Target
    stocks : list of Stock
        The same, as ions if the targets are formulas.

    Raises
    ------
    NavigationError
        One sentence about all rows that are wrong.
    """
    from perospin.sheets.table import open_table

    table = open_table(path)
    heads = [visible(head) for head in table.headings]
    held = {name for stock in stocks for name in stock.solutes}
    parts = {i: plain for i, head in enumerate(heads) if (plain := _PREFIX.sub("", head).strip()) in held}
    formula = next((i for i, head in enumerate(heads) if head.casefold() in _FORMULA), None)
    if not parts and formula is None:
        raise NavigationError(
            f"'{table.name}' says no composition: head its columns with components of the stocks "
            f"({', '.join(sorted(held))[:120]}), or give a column 'material' with formulas"
        )
    used = in_ions(stocks) if not parts else list(stocks)
    targets, mistakes = [], []
    for row, cells in table.rows:
        if not any(cell.strip() for cell in cells):
            continue
        try:
            targets.append(_target(row, heads, cells, parts, formula, concentration_m))
        except NavigationError as error:
            mistakes.append(f"row {row}: {error}")
    if mistakes:
        raise NavigationError.of(f"the table '{table.name}'", mistakes)
    if not targets:
        raise NavigationError(f"'{table.name}' lists nothing to make")
    return targets, used


def _target(
    row: int,
    heads: Sequence[str],
    cells: Sequence[str],
    parts: Mapping[int, str],
    formula: int | None,
    concentration_m: float | None,
) -> Target:
    texts = {i: visible(from_spreadsheet(cell.strip())) for i, cell in enumerate(cells[: len(heads)])}
    name, role, molar = "", "sample", concentration_m
    conditions: dict[str, str | float] = {}
    for i, text in texts.items():
        plain = heads[i].casefold()
        if i in parts or (i == formula and not parts) or not text:
            continue
        if plain == "name":
            name = text
        elif plain == "role":
            role = text.casefold()
        elif found := _CONCENTRATION.fullmatch(heads[i]):
            molar = _number(text, heads[i]) * (1e-3 if (found[1] or "M").casefold().startswith("mm") else 1.0)
        else:
            conditions[heads[i]] = _either(text)
    if role not in ("sample", "control"):
        raise NavigationError(f"a role is sample or control, not '{shorten(role, 30)}'")
    if parts:
        shares: dict[str, float] = {}
        for i, part in parts.items():
            if texts.get(i):
                shares[part] = shares.get(part, 0.0) + _number(texts[i], heads[i])
        whole = all(float(share).is_integer() for share in shares.values())
        if not whole and not are_shares(shares.values()):
            total = figures(sum(shares.values()))
            raise NavigationError(f"the shares sum to {total}, not 1 or 100 (whole numbers may be any ratio)")
        usual = ", ".join(f"{part} {share:.3g}" for part, share in shares.items() if share)
        return Target(name or usual or f"row {row}", shares, molar, role=role, conditions=conditions)
    assert formula is not None  # a table without parts has formulas
    ions = ions_of(texts.get(formula, ""))
    # a concentration of formula units becomes one of all ions
    of_all = None if molar is None else molar * sum(ions.values())
    return Target(name or texts[formula], ions, of_all, role=role, conditions=conditions)


def _number(text: str, heading: str) -> float:
    value = _either(text)
    if isinstance(value, str):
        raise NavigationError(f"'{shorten(text, 30)}' under '{shorten(heading, 30)}' is no number")
    return value


def _either(text: str) -> str | float:
    from perospin.sheets.cells import number

    value = number(text, ".")
    return text if value is None or not math.isfinite(value) else value
