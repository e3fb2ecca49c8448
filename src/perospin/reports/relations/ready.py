"""Plots that are asked for again and again, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["READY", "Ready"]


@dataclass(frozen=True)
class Ready:
    """A ready plot.

    Attributes
    ----------
    title : str
    x, y : str
        Axes; `y` is empty for the values of one property by material.
    filters : mapping
        Of `perospin.database.select_records`.
    law : str
        Carrier of the universal curve of g against the gap that is drawn; empty for none.
    line : str
        What to keep in mind.
    """

    title: str
    x: str
    y: str = ""
    filters: Mapping[str, Any] = field(default_factory=dict)
    law: str = ""
    line: str = ""


READY: Mapping[str, Ready] = {
    "lifetime-room": Ready(
        "Spin lifetime by material, room temperature", "tau_spin", filters={"temperature_k": (250.0, None)},
        line="Techniques differ in what they see: compare within one colour.",
    ),
    "lifetime-cold": Ready(
        "Spin lifetime by material, 80 K and below", "tau_spin", filters={"temperature_k": (None, 80.0)},
        line="T1, T2 and T2* are other quantities and stand in plots of their own.",
    ),
    "lifetime-layers": Ready(
        "Spin lifetime against layer number", "n_layers", "tau_spin", {"temperature_k": (250.0, None)},
        line="Spacers differ among the materials of one n.",
    ),
    "g-electron-gap": Ready(
        "Electron g factor against band gap", "band_gap", "g_factor:electron", law="electron",
        line="Curve: the universal law of bulk lead halides; gaps and g factors are often of different samples.",
    ),
    "g-hole-gap": Ready(
        "Hole g factor against band gap", "band_gap", "g_factor:hole", law="hole",
        line="Curve: the universal law of bulk lead halides; gaps and g factors are often of different samples.",
    ),
    "gcd-polarisation": Ready("Dissymmetry of absorption against spin polarisation", "g_CD", "spin_polarisation"),
    "gcd-magnetoresistance": Ready("Dissymmetry of absorption against magnetoresistance", "g_CD", "magnetoresistance"),
    "rashba-disparity": Ready(
        "Rashba coefficient against bond-angle disparity", "delta_beta_deg", "rashba_alpha",
        line="Disparity: median over the known crystals of the composition.",
    ),
    "splitting-disparity": Ready(
        "Spin splitting against bond-angle disparity", "delta_beta_deg", "spin_splitting_energy",
        line="Disparity: median over the known crystals of the composition.",
    ),
    "limit-sensitivity": Ready(
        "X-ray detection limit against sensitivity", "xray_sensitivity", "xray_detection_limit",
        line="Fields, tube voltages and gains differ: not a ranking.",
    ),
}  # fmt: skip
"""Ready plots by name."""
