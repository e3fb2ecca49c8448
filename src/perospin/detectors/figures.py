"""Figures of detectors: attenuation against energy and thickness."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.detectors.attenuation import (
    COMPARISON,
    absorbed_fraction,
    edges_within,
    mass_attenuation,
)  # fmt: skip
from perospin.look import BLUE, COLOURS, GREY, RC, WIDE

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def attenuation_figure(formula: str, density_g_cm3: float, energy_kev: float, thickness_mm: float) -> Figure:
    """Linear coefficient against energy with K edges, and absorbed fraction against thickness, beside known ones."""
    import matplotlib
    from matplotlib.figure import Figure

    energy = np.geomspace(10.0, 150.0, 400)
    edges = edges_within(formula, 10.0, 150.0)
    # both sides of each edge, so that the step stands upright
    energy = np.sort(np.concatenate([energy, *([e - 1e-4, e + 1e-4] for e in edges.values())]))
    rows: list[tuple[str, str, float, Any]] = [(formula, formula, density_g_cm3, BLUE)]
    rows += [(name, plain, rho, c) for (name, (plain, rho)), c in zip(COMPARISON.items(), COLOURS[1:], strict=True)]
    depth = np.geomspace(max(1e-3, thickness_mm / 100), max(10.0, 10 * thickness_mm), 200)
    with matplotlib.rc_context(RC):
        figure = Figure(figsize=(WIDE, 3.2), layout="constrained")
        left, right = figure.subplots(1, 2)
        for place, (label, plain, density, colour) in enumerate(rows):
            look = {"color": colour, "linewidth": 1.8 if place == 0 else 0.9, "zorder": 3 if place == 0 else 2}
            look["linestyle"] = "--" if label == "CZT" else "-"  # else it covers CdTe
            left.loglog(energy, density * np.asarray(mass_attenuation(plain, energy)), label=label, **look)
            mu = density * mass_attenuation(plain, energy_kev)
            right.semilogx(depth, 100 * absorbed_fraction(mu, depth), label=label, **look)
        for symbol, edge in edges.items():
            left.axvline(edge, color=GREY, linewidth=0.5, linestyle=":")
            left.annotate(f"{symbol} K", (edge, 0.98), xycoords=("data", "axes fraction"), rotation=90, va="top",
                          ha="right", fontsize=7, color=GREY)  # fmt: skip
        left.set_xlabel("photon energy (keV)")
        left.set_ylabel("linear coefficient (1/cm)")
        left.set_xticks([10, 20, 50, 100], ["10", "20", "50", "100"])
        left.minorticks_off()
        right.axvline(thickness_mm, color=GREY, linewidth=0.5, linestyle=":")
        right.set_xlabel("thickness (mm)")
        right.set_ylabel(f"attenuated at {energy_kev:g} keV (%)")
        right.set_ylim(0, 102)
        right.legend(fontsize=7)
    return figure
