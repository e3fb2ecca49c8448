"""Quantum-chemical descriptors of ions: conformers and geometry, then orbitals, dipole and polarisability."""

from perospin.descriptors.quantum.engine import cache_folder, canonical_smiles, compute_ion
from perospin.descriptors.quantum.levels import LEVELS, Level, get_level

__all__ = ["LEVELS", "Level", "cache_folder", "canonical_smiles", "compute_ion", "get_level"]
