"""Descriptors of single cations: tables at each level of theory, and how they compare."""

from perospin.descriptors.cations.table import Cation, cation_table

__all__ = ["Cation", "cation_table"]
