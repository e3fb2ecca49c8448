"""Single cations as the 52-material table describes them, un-averaged from its rows."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from perospin.chemistry import Perovskite

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("homo_ev", "lumo_ev", "dipole_debye", "polarisability_bohr3", "molecular_radius_a")


@lru_cache(maxsize=1)
def cation_values_of_spin52() -> pd.DataFrame:
    """Descriptors of single cations as the 52-material table (10.1039/d5sc07406a) has them.

    Rows with one organic cation give them directly; where a row mixes one new cation with known ones, its
    composition average is solved for the new one. The first row that tells a cation counts. Rows without a certain
    composition, and rows whose molecular radius is not the average (15, 18), are left out.

    Returns
    -------
    DataFrame
        Indexed by the cation's symbol, columns `COLUMNS` and `row` (where it was read).
    """
    import pandas as pd

    from perospin.database import load_table

    table = load_table("spin52")
    rows = [r for r in table.to_dict("records") if isinstance(r["formula"], str) and r["formula"]]
    parsed = [(r, Perovskite.parse(r["formula"])) for r in rows if r["row"] not in (15, 18)]
    known: dict[str, dict[str, float]] = {}
    for _ in range(2):
        for row, material in parsed:
            cations = [(ion.symbol, float(n)) for ion, n in (*material.spacers, *material.a_site) if ion.is_organic]
            new = [(symbol, n) for symbol, n in cations if symbol not in known]
            if len(new) != 1 or len(cations) != len(material.spacers) + len(material.a_site):
                continue
            (symbol, count), total = new[0], sum(n for _, n in cations)
            known[symbol] = {
                c: (row[c] * total - sum(known[s][c] * n for s, n in cations if s != symbol)) / count for c in COLUMNS
            } | {"row": row["row"]}
    frame = pd.DataFrame(known).T
    frame.index.name = "cation"
    return frame
