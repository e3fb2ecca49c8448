"""Descriptors of materials: from composition, quantum chemistry, crystal structures and measurements."""

from perospin.descriptors.candidates import CandidateGrid, known_cations
from perospin.descriptors.cations import build_table, cation_values, shipped_table
from perospin.descriptors.columnar import describe_blocks, write_candidates
from perospin.descriptors.describe import describe
from perospin.descriptors.intrinsic import DESCRIPTIONS

__all__ = [
    "DESCRIPTIONS",
    "CandidateGrid",
    "build_table",
    "cation_values",
    "describe",
    "describe_blocks",
    "known_cations",
    "shipped_table",
    "write_candidates",
]
