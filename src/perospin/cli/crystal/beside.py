"""What stands beside a crystal that was built or relaxed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perospin.digits import counted, figures

__all__ = ["expected_words"]


def expected_words(beside: Mapping[str, Any]) -> str:
    """Spacing by the shipped study, and of known crystals, from `perospin.studies.structures.spacing_beside`."""
    told = beside["study_spacing_from"]
    if beside["study_spacing_a"] == beside["study_spacing_a"]:
        low, high = figures(beside["study_spacing_low_a"]), figures(beside["study_spacing_high_a"])
        told = f"study layer-spacing: {figures(beside['study_spacing_a'])} A (90 %: {low} to {high})"
    if beside["n_crystals"]:
        crystal = figures(beside["crystal_spacing_a"])
        return f"{told}; known: {crystal} A (median of {counted(beside['n_crystals'], 'crystal')})"
    return f"{told}; no crystal is known"
