"""Reading the small text tables that are shipped beside this module."""

from __future__ import annotations

import csv
from importlib.resources import files


def read_table(name: str) -> list[dict[str, str]]:
    """Rows of a shipped CSV table, as text."""
    text = files("perospin.chemistry").joinpath("data", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
