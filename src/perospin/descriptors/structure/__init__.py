"""Crystal structures: from a file to octahedra, layers and angles, as numbers that depend on the crystal alone."""

from perospin.descriptors.structure.columns import STRUCTURE_DESCRIPTIONS
from perospin.descriptors.structure.describing import StructureDescriptors, describe_structure
from perospin.descriptors.structure.reading import example_structures, read_structure

__all__ = [
    "STRUCTURE_DESCRIPTIONS",
    "StructureDescriptors",
    "describe_structure",
    "example_structures",
    "read_structure",
]
