"""Which packings become starts: charges join the score, and what is packed alike is taken once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perospin.descriptors.structure.building.drawing import Draw
from perospin.descriptors.structure.building.spacers import Conformer

if TYPE_CHECKING:
    from pymatgen.core import Structure

__all__ = ["Distinct", "electrostatic"]

Float = NDArray[np.float64]

_KCAL_MOL_PER_EV, _KCAL_MOL_A = 23.0605, 332.0637
_SCREENING = 2.0
"""Electrons of molecules screen charges: the square of a refractive index of 1.4, as organic matter has."""
_FORMAL = {"Pb": 2.0, "Sn": 2.0, "Ge": 2.0, "Cl": -1.0, "Br": -1.0, "I": -1.0}
_ALIKE, _ALIKE_SPACING_A = 0.15, 0.5
"""Two packings are alike if their layers are as far apart within the second, and their heavy atoms are apart by less
than the first (rms, over the cube root of the volume of an atom)."""


def electrostatic(structure: Structure, drawn: Draw) -> float:
    """Electrostatic energy of a packing: molecules with each other and with the slabs (kcal/mol).

    Slabs have formal charges, molecules those of MMFF94; the sum is Ewald's (pymatgen) and screened by the electrons.
    What a rigid molecule has inside is left out: its strain counts elsewhere.

    Parameters
    ----------
    structure
        All atoms in the order of the packing: slab, molecules, and the same of the next layer where it is turned.
    drawn
        What was packed.

    Returns
    -------
    float
        Per cell of one layer, screened.
    """
    from pymatgen.core import Structure
    from pymatgen.core.ewald import EwaldSummation

    n_images, n_layers = len(drawn.motif.operations), 2 if drawn.turned else 1
    shapes = [one.shape for one in drawn.molecules]
    of_slab = [_FORMAL[symbol] for symbol in drawn.slab.symbols]
    of_molecules = [shape.charges_e for shape in shapes] * n_images
    charges = np.tile(np.concatenate([of_slab, *of_molecules]), n_layers)
    charged = Structure(structure.lattice, structure.species, structure.frac_coords)
    charged.add_oxidation_state_by_site(charges.tolist())
    in_all = EwaldSummation(charged).total_energy * _KCAL_MOL_PER_EV / n_layers
    return (in_all - n_images * sum(_inside(shape) for shape in shapes)) / _SCREENING


def _inside(shape: Conformer) -> float:
    """Pairs of one molecule (kcal/mol, not screened)."""
    first, second = np.triu_indices(len(shape.charges_e), 1)
    apart = np.linalg.norm(shape.positions_a[first] - shape.positions_a[second], axis=1)
    return float(np.sum(_KCAL_MOL_A * shape.charges_e[first] * shape.charges_e[second] / apart))


class Distinct:
    """Packings of one kind of symmetry that were taken, to see whether the next one is new."""

    def __init__(self) -> None:
        from pymatgen.core.structure_matcher import StructureMatcher

        self._matcher = StructureMatcher(ltol=0.1, stol=0.3, angle_tol=4, primitive_cell=False, scale=False)
        self._taken: list[tuple[Structure, float]] = []

    def takes(self, structure: Structure, spacing_a: float) -> bool:
        """Whether a packing is unlike all before; then it is one of them."""
        heavy = structure.copy()
        heavy.remove_species(["H"])
        for other, its_spacing_a in self._taken:
            if abs(its_spacing_a - spacing_a) > _ALIKE_SPACING_A:
                continue
            apart = self._matcher.get_rms_dist(other, heavy)
            if apart is not None and apart[0] < _ALIKE:
                return False
        self._taken.append((heavy, spacing_a))
        return True
