"""Descriptors of materials: from composition, from quantum chemistry, and one `describe` over them."""

from perospin.descriptors.cations import build_table, cation_values, shipped_table
from perospin.descriptors.describe import DESCRIPTIONS, describe

__all__ = ["DESCRIPTIONS", "build_table", "cation_values", "describe", "shipped_table"]
