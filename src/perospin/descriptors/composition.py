"""Descriptors that need no quantum chemistry: electronegativity, mass, shape and groups of a cation."""

from __future__ import annotations

from collections.abc import Mapping

# Pauling scale (as in pymatgen's element table, against which a test checks every value)
PAULING: Mapping[str, float] = {
    "Ag": 1.93, "Al": 1.61, "Au": 2.54, "B": 2.04, "Ba": 0.89, "Bi": 2.02, "Br": 2.96, "C": 2.55, "Ca": 1.00,
    "Cd": 1.69, "Ce": 1.12, "Cl": 3.16, "Co": 1.88, "Cr": 1.66, "Cs": 0.79, "Cu": 1.90, "Dy": 1.22, "Er": 1.24,
    "Eu": 1.20, "F": 3.98, "Fe": 1.83, "Ga": 1.81, "Gd": 1.20, "Ge": 2.01, "H": 2.20, "Hf": 1.30, "Hg": 2.00,
    "Ho": 1.23, "I": 2.66, "In": 1.78, "Ir": 2.20, "K": 0.82, "La": 1.10, "Li": 0.98, "Lu": 1.27, "Mg": 1.31,
    "Mn": 1.55, "Mo": 2.16, "N": 3.04, "Na": 0.93, "Nd": 1.14, "Ni": 1.91, "O": 3.44, "P": 2.19, "Pb": 2.33,
    "Pd": 2.20, "Pr": 1.13, "Pt": 2.28, "Rb": 0.82, "Rh": 2.28, "Ru": 2.20, "S": 2.58, "Sb": 2.05, "Sc": 1.36,
    "Se": 2.55, "Sm": 1.17, "Sn": 1.96, "Sr": 0.95, "Tb": 1.10, "Te": 2.10, "Ti": 1.54, "Tl": 1.62, "Tm": 1.25,
    "V": 1.63, "Y": 1.22, "Yb": 1.10, "Zn": 1.65, "Zr": 1.33,
}  # fmt: skip


def mean_electronegativity(composition: Mapping[str, int]) -> float:
    """Plain mean of the Pauling electronegativities over all atoms of an ion (the published convention).

    MA: (2.55 + 3.04 + 6 x 2.20) / 8 = 2.349.
    """
    total = sum(composition.values())
    return sum(PAULING[element] * count for element, count in composition.items()) / total
