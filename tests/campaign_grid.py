"""A small grid of candidates whose true values are known, for tests of campaigns."""

from __future__ import annotations

import numpy as np

from perospin.navigation.campaign.candidates import CandidateTable


def grid() -> CandidateTable:
    """Spacer, bromide fraction and temperature: 2 x 6 x 5 candidates."""
    rows = [[spacer, x, t] for spacer in ("BA", "PEA") for x in np.linspace(0, 1, 6) for t in (60.0, 80, 100, 120, 140)]
    names = [f"{spacer}-{x:.1f}-{t:g}" for spacer, x, t in rows]
    return CandidateTable(["spacer", "bromide", "temperature (C)"], rows, names)


def truth(choices: dict[str, str | float]) -> float:
    """Best for PEA at 0.6 and 100 C."""
    x, t = float(choices["bromide"]), float(choices["temperature (C)"])
    return 2.0 - 3 * (x - 0.6) ** 2 - ((t - 100) / 60) ** 2 + 0.2 * (choices["spacer"] == "PEA")
