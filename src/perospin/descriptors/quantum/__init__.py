"""Quantum-chemical descriptors of ions: conformers and geometry, then orbitals, dipole and polarisability."""

from perospin.descriptors.quantum.cache import ResultCache, cache_folder, program_versions
from perospin.descriptors.quantum.engine import Batch, Request, canonical_smiles, compute_all, compute_ion
from perospin.descriptors.quantum.levels import LEVELS, Level, get_level
from perospin.descriptors.quantum.protonation import protonate, protonation_choices, require_cation

__all__ = [
    "LEVELS",
    "Batch",
    "Level",
    "Request",
    "ResultCache",
    "cache_folder",
    "canonical_smiles",
    "compute_all",
    "compute_ion",
    "get_level",
    "program_versions",
    "protonate",
    "protonation_choices",
    "require_cation",
]
