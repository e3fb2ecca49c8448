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
from perospin.look import BLUE, COLOURS, GREY, RC, WIDE, subscripted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from perospin.detectors.ranking import RankedDevice


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


def ranking_figure(devices: Sequence[RankedDevice]) -> Figure:
    """Draw published over ideal sensitivity against the field; devices without a field stand at the left edge."""
    import matplotlib
    from matplotlib.figure import Figure

    fields = [d.field_v_mm for d in devices if d.field_v_mm > 0]
    edge = min(fields, default=1.0) / 6
    with matplotlib.rc_context(RC):
        figure = Figure(figsize=(WIDE, 4.2), layout="constrained")
        axes = figure.subplots()
        axes.axhline(1.0, color=GREY, linewidth=0.8, linestyle="--")
        axes.annotate("ideal; above it gain", (0.99, 1.0), xycoords=("axes fraction", "data"), fontsize=7, color=GREY,
                      va="bottom", ha="right")  # fmt: skip
        for device in devices:
            powered = device.field_v_mm > 0
            at = device.field_v_mm if powered else edge
            axes.plot([at, at], [device.low, device.high], color=BLUE, linewidth=1)
            axes.plot(at, device.over_ideal, "o", color=BLUE, markerfacecolor=BLUE if powered else "white")
            axes.annotate(subscripted(device.formula), (at, device.over_ideal), xytext=(5, 0), fontsize=7, va="center",
                          textcoords="offset points")  # fmt: skip
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.margins(x=0.2)
        axes.set_xlabel("field (V/mm); open: self-powered, no field")
        axes.set_ylabel("published over ideal sensitivity")
    return figure
