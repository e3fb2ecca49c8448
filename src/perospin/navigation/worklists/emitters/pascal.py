"""PASCAL, a robot that spins perovskite films: its stocks, samples and netlist."""

from __future__ import annotations

import json

from perospin.errors import NavigationError
from perospin.navigation.worklists.emitters.tables import csv_text
from perospin.navigation.worklists.ions import as_ions
from perospin.navigation.worklists.plan import Fill, Worklist

__all__ = ["pascal"]


def pascal(work: Worklist) -> dict[str, str]:
    """Write stock solutions, samples, and the netlist: which volume goes from which position to which well."""
    stocks = csv_text(
        ("Labware", "Well", "Volume (uL)", "Solutes", "Molarity (M)", "Solvent"),
        [
            (s.labware, s.well, s.volume_ul, repr(dict(s.solutes)), s.total_m, repr(dict(s.solvent)))
            for s in work.stocks
        ],
    )
    head = ("", "name", "storage_tray", "storage_slot", "worklist")
    samples = [
        (i, fill.target.name, work.plate.label, fill.well, json.dumps([_drop(work, fill)]))
        for i, fill in enumerate(work.fills)
    ]
    mixing: dict[str, dict[str, float]] = {}
    for stroke in work.transfers:
        goals = mixing.setdefault(f"{stroke.source_labware}-{stroke.source_well}", {})
        goal = f"{work.plate.label}-{stroke.well}"
        goals[goal] = round(goals.get(goal, 0.0) + stroke.volume_ul, 6)
    netlist = {
        "name": "perospin worklist",
        "description": f"{len(work.fills)} wells",
        "mixing": mixing,
        "samples": {
            f"sample{i}": {
                "name": f"sample{i}",
                "storage_slot": {"slot": fill.well, "tray": work.plate.label},
                "worklist": [_drop(work, fill) | {"sample": f"sample{i}"}],
            }
            for i, fill in enumerate(work.fills)
        },
    }
    return {
        "stocksolutions.csv": stocks,
        "sampledataframe.csv": csv_text(head, samples),
        "maestronetlist.json": json.dumps(netlist, indent=1, ensure_ascii=False) + "\n",
    }


def _formula(parts: dict[str, float]) -> str:
    """Write parts as PASCAL does: FA0.78_Cs0.12, solvents DMF0.75_DMSO0.25."""
    try:
        ions = as_ions(parts)  # PEA2PbI40.5 would be read as forty
    except NavigationError:
        ions = parts
    return "_".join(name if share == 1 else f"{name}{share:.4g}" for name, share in ions.items())


def _drop(work: Worklist, fill: Fill) -> dict[str, object]:
    """One drop of the mixed well on a spinning substrate; the spin itself is the laboratory's recipe."""
    solution = {
        "solutes": _formula(fill.made.shares),
        "molarity": round(fill.made.concentration_m, 6),
        "solvent": _formula(fill.made.solvent),
        "well": {"labware": work.plate.label, "well": fill.well},
    }
    drop = {"solution": solution, "volume": round(fill.made.volume_ul, 4)}
    if fill.antisolvent_s is not None:
        drop["antisolvent_time"] = fill.antisolvent_s
    return {"name": "spincoat", "details": {"drops": [drop]}, "precedent": None}
