from __future__ import annotations

import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from perospin.database import load_table

DICATIONS = {"3AMP", "4AMP", "3AMPY", "4AMPY", "ODA", "APD"}
PUBLISHED_EIGHT = [
    "dipole_debye",
    "molar_mass",
    "electronegativity",
    "molecular_radius_a",
    "tolerance_factor",
    "homo_ev",
    "lumo_ev",
    "inverse_n",
]


@pytest.fixture(scope="session")
def spin52() -> SimpleNamespace:
    """The published table with the class columns built by hand: X, y (log10 rate), spacer, origin."""
    table = load_table("spin52")
    spacers = []
    for name, formula, n in zip(table["name"], table["formula"].fillna(""), table["n_layers"], strict=True):
        found = re.match(r"\(([^)]+)\)", formula)
        if n == 100:
            spacers.append("3D-Cs" if name.startswith("CsPb") else "3D-FA" if "FA" in name else "3D-MA")
        else:
            spacers.append(found.group(1) if found else "BA")  # rows 16 and 17 have no certain formula
    X = table.select_dtypes("number").drop(columns=["row", "rate_per_ps"], errors="ignore").astype(float)
    X["inverse_n"] = np.where(table["n_layers"] == 100, 0.0, 1.0 / table["n_layers"])
    X["is_n1"] = (table["n_layers"] == 1).astype(float)
    X["spacer_charge"] = [0.0 if s.startswith("3D") else 2.0 if s in DICATIONS else 1.0 for s in spacers]
    return SimpleNamespace(
        X=pd.DataFrame(X),
        y=np.log10(table["rate_per_ps"].to_numpy(dtype=float)),
        spacer=np.array(spacers),
        origin=table["origin"].to_numpy(dtype=object),
        eight=PUBLISHED_EIGHT,
    )
