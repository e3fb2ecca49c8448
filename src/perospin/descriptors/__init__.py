"""Descriptors of materials: from composition, quantum chemistry, crystal structures and measurements."""

from perospin.descriptors.candidates.columnar import describe_blocks, write_candidates
from perospin.descriptors.candidates.grid import CandidateGrid, known_cations
from perospin.descriptors.cations.table import build_table, cation_values, shipped_table
from perospin.descriptors.describe import STRUCTURE_TEXTS, describe
from perospin.descriptors.intrinsic import DESCRIPTIONS
from perospin.descriptors.measured import MEASURED_DESCRIPTIONS, MeasuredTable, MeasuredValue
from perospin.descriptors.packing import PACKING_DESCRIPTIONS, packing_columns
from perospin.descriptors.structure.columns import STRUCTURE_DESCRIPTIONS
from perospin.descriptors.structure.identify import Identification, identify

__all__ = [
    "DESCRIPTIONS",
    "MEASURED_DESCRIPTIONS",
    "PACKING_DESCRIPTIONS",
    "STRUCTURE_DESCRIPTIONS",
    "STRUCTURE_TEXTS",
    "CandidateGrid",
    "Identification",
    "MeasuredTable",
    "MeasuredValue",
    "build_table",
    "cation_values",
    "describe",
    "describe_blocks",
    "identify",
    "known_cations",
    "packing_columns",
    "shipped_table",
    "write_candidates",
]
