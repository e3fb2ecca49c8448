"""Abbreviations by source: what a published list of ions means by a name, where that isn't what we mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from perospin.chemistry._tables import read_table
from perospin.errors import DataError
from perospin.text import shorten

#: Our own meaning of every name; said to keep it without a caution.
OWN = "perospin"


@dataclass(frozen=True)
class NameRow:
    """One row of a list of names.

    Attributes
    ----------
    name, alternatives
        Abbreviation in the list, and its other spellings there.
    common_name
        Name of the ion in the list.
    verdict
        ``known`` (an ion of our library), ``protons`` (one of ours, drawn with other protons), ``hand`` (one of ours,
        drawn without its hand), ``added`` (from this list into our library) or ``uncertain`` (not read).
    symbol
        Symbol in our library; empty if uncertain.
    remark
        What differs from the list's drawing, or why the row is uncertain.
    drawn
        SMILES in the list.
    """

    name: str
    alternatives: tuple[str, ...]
    common_name: str
    verdict: str
    symbol: str
    remark: str
    drawn: str


@dataclass(frozen=True)
class NameList:
    """Names of ions as one source uses them.

    Attributes
    ----------
    key
        What ``names=`` and ``--names`` call it.
    title, address, licence
        The source, where it stands, its licence.
    rows
        All A-site rows of the list.
    symbols
        Our symbol by the list's name, alternatives included where one row only claims them.
    uncertain
        Why a name isn't read, by name.
    remarks
        What differs from the list's drawing, by name.
    """

    key: str
    title: str
    address: str
    licence: str
    rows: tuple[NameRow, ...]
    symbols: Mapping[str, str] = field(init=False, repr=False)
    uncertain: Mapping[str, str] = field(init=False, repr=False)
    remarks: Mapping[str, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Find out which names have one meaning in the list."""
        claims: dict[str, list[NameRow]] = {}
        for row in self.rows:
            for other in row.alternatives:
                claims.setdefault(other, []).append(row)
        meant = {name: rows[0] for name, rows in claims.items() if len({row.symbol for row in rows}) == 1}
        meant |= {row.name: row for row in self.rows}  # a row's own name goes before another row's alternative
        certain = {name: row for name, row in meant.items() if row.symbol}
        object.__setattr__(self, "symbols", {name: row.symbol for name, row in certain.items()})
        object.__setattr__(self, "remarks", {n: r.remark for n, r in certain.items() if r.verdict in _DIFFERS})
        object.__setattr__(
            self,
            "uncertain",
            {row.name: row.remark for row in self.rows if not row.symbol and row.name not in ("La", "Tl")},
        )


_DIFFERS = ("protons", "hand")


def get_names(key: str) -> NameList:
    """List of names by its key.

    Raises
    ------
    DataError
        If there is no such list.
    """
    if key not in _LISTS:
        raise DataError(f"there is no list of names '{shorten(str(key), 40)}'; there are: {', '.join(NAME_LISTS)}")
    return _LISTS[key]()


@lru_cache(maxsize=1)
def _nomad() -> NameList:
    rows = tuple(
        NameRow(
            row["name"],
            tuple(part for part in row["alternatives"].split(";") if part and part != row["name"]),
            row["common_name"],
            row["verdict"],
            row["symbol"],
            row["remark"],
            row["drawn"],
        )
        for row in read_table("names_nomad.csv")
    )
    return NameList(
        "nomad",
        "ion list of the Perovskite Database",
        "https://github.com/FAIRmat-NFDI/nomad-perovskite-solar-cells-database (commit 70f6a08, perovskite_ions.xlsx)",
        "Apache-2.0",
        rows,
    )


_LISTS = {"nomad": _nomad}
#: Keys of the lists that ``names=`` takes, our own meaning among them.
NAME_LISTS = (OWN, *_LISTS)
