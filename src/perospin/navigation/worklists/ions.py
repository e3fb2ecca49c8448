"""Ions of salts and perovskites: PEAI, PbI2 and FAPbI3 mix to (PEA)2(FA)Pb2I7."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from perospin.errors import FormulaError, NavigationError
from perospin.navigation.worklists.stocks import Stock
from perospin.text import shorten

__all__ = ["as_ions", "in_ions", "ions_of"]

_SALT = re.compile(r"\(?(.+?)\)?(\d*)(I|Br|Cl)(\d*)")


def ions_of(formula: str) -> dict[str, float]:
    """Ions of one formula unit.

    Raises
    ------
    NavigationError
        If it is no perovskite and no halide of a known cation.

    Examples
    --------
    >>> ions_of("PEAI"), ions_of("PbI2"), ions_of("(PEA)2PbI4")
    ({'PEA': 1.0, 'I': 1.0}, {'Pb': 1.0, 'I': 2.0}, {'PEA': 2.0, 'Pb': 1.0, 'I': 4.0})
    """
    from perospin.chemistry.ions import IonLibrary
    from perospin.chemistry.perovskite import Perovskite

    try:
        found = Perovskite.parse(formula)
    except FormulaError:
        salt, library = _SALT.fullmatch(formula.strip()), IonLibrary.default()
        if salt is not None and salt[1] in library:
            cation, number, halides = library.get(salt[1]), int(salt[2] or 1), int(salt[4] or 1)
            if cation.charge * number == halides:
                return {cation.symbol: float(number), salt[3]: float(halides)}
        raise NavigationError(
            f"'{shorten(formula, 40)}' is no perovskite and no halide of a known cation, such as PEAI or PbI2"
        ) from None
    ions: dict[str, float] = {}
    for site in (found.spacers, found.a_site, found.b_site, found.x_site):
        for ion, amount in site:
            ions[ion.symbol] = ions.get(ion.symbol, 0.0) + float(amount)
    return ions


def as_ions(amounts: Mapping[str, float]) -> dict[str, float]:
    """Add up the ions of several amounts of formula units."""
    ions: dict[str, float] = {}
    for formula, amount in amounts.items():
        for ion, count in ions_of(formula).items():
            ions[ion] = ions.get(ion, 0.0) + amount * count
    return ions


def in_ions(stocks: Sequence[Stock]) -> list[Stock]:
    """Give the same stocks with the concentrations of their ions.

    Raises
    ------
    NavigationError
        One sentence that names the stock.
    """
    made = []
    for stock in stocks:
        try:
            made.append(replace(stock, solutes=as_ions(stock.solutes), solubility_m=None))
        except NavigationError as error:
            raise NavigationError(f"the stock '{shorten(stock.name, 40)}': {error}") from None
    return made
