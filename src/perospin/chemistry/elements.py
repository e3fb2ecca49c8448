"""Atomic masses and Hill formulae."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from perospin.chemistry._tables import read_table

_TERM = re.compile(r"([A-Z][a-z]?)(\d*)")


@lru_cache(maxsize=1)
def atomic_masses_g_mol() -> Mapping[str, float]:
    """Return the standard atomic masses (g/mol) of H to Bi by element symbol (RDKit's values)."""
    return {row["symbol"]: float(row["atomic_mass_g_mol"]) for row in read_table("elements.csv")}


@lru_cache(maxsize=1)
def atomic_numbers() -> Mapping[str, int]:
    """Return the atomic numbers of H to Bi by element symbol."""
    return {row["symbol"]: int(row["atomic_number"]) for row in read_table("elements.csv")}


def parse_hill(formula: str) -> dict[str, int]:
    """Element counts of a sum formula such as ``C8H12N`` (no brackets, no charge)."""
    counts: dict[str, int] = {}
    for symbol, count in _TERM.findall(formula):
        counts[symbol] = counts.get(symbol, 0) + int(count or 1)
    return counts
