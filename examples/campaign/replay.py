"""Replay a campaign on measured lifetimes, to see when the longest one is found.

The candidates are the 30 materials of ``examples/materials.csv``. A "measurement" looks its lifetime up in that table.

Run it from the root of the repository: ``python examples/campaign/replay.py [FOLDER]``.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pandas as pd

import perospin as ps
from perospin.navigation import CandidateTable
from perospin.navigation.campaign.history import summarise
from perospin.reports.campaigns.write import campaign_page

COLUMNS = ["homo_ev", "lumo_ev", "dipole_debye", "polarisability_a3", "molar_mass_g_mol", "inverse_n"]


def replay(folder: Path) -> list[str]:
    """Ask for four materials at a time, tell their lifetimes, five times; the materials in the order measured."""
    table = pd.read_csv(Path(__file__).parents[1] / "materials.csv").set_index("material")
    lifetime = table["spin lifetime (ps)"]
    described = ps.describe(list(lifetime.index))[COLUMNS]
    candidates = CandidateTable(COLUMNS, described.to_numpy().tolist(), list(lifetime.index))
    campaign = ps.Campaign.new(folder, candidates, "max log spin lifetime (ps)", stop_below=0.02)
    order = []
    for _ in range(5):
        for one in campaign.suggest(4):
            campaign.tell(one.material, {"spin lifetime": float(lifetime[one.material])})
            order.append(one.material)
    longest = str(lifetime.idxmax())
    found = f"found as number {1 + order.index(longest)}" if longest in order else f"not among the first {len(order)}"
    print(f"longest lifetime: {longest}, {lifetime.max():.3g} ps; {found} of {len(lifetime)}")
    campaign.suggest(4)
    print(campaign.status().advice)
    print(campaign_page(summarise(campaign, "replay"), folder / "report"))
    campaign.close()
    return order


if __name__ == "__main__":
    replay(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp()) / "replay")
