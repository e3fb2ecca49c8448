"""One ion: symbol, charge, SMILES, radius, elements."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from perospin.chemistry.elements import atomic_masses_g_mol

#: Cations with more heavy atoms than this are spacers unless something else says otherwise.
LARGEST_CAGE_ATOMS = 3

Role = Literal["a_site", "spacer", "metal", "anion"]


@dataclass(frozen=True)
class Ion:
    """One ion.

    Attributes
    ----------
    symbol
        Abbreviation used in formulae, e.g. ``"PEA"``, ``"Pb"``, ``"I"``. The charge states of a metal share it.
    name
        Chemical name.
    charge
        Signed charge (e).
    role
        What the ion usually is: ``"a_site"``, ``"spacer"``, ``"metal"`` or ``"anion"``. A formula's
        stoichiometry can overrule the first two.
    smiles
        SMILES of the ion (None for metals).
    aliases
        Other ways of writing it.
    radius_pm
        Effective radius (pm): Shannon, six-coordinate, for metals and halides; 12-coordinate for Cs, Rb, K, Tl;
        published effective radii of molecular cations where there are any.
    radius_source
        Where the radius is from.
    note
        Remarks, above all other uses of the abbreviation.
    elements
        Element counts, hydrogens included, sorted by element.
    listed_in
        Key of the published list that it was added from (see ``perospin.chemistry.names``), or ''.
    """

    symbol: str
    name: str
    charge: int
    role: Role
    smiles: str | None = None
    aliases: tuple[str, ...] = ()
    radius_pm: float | None = None
    radius_source: str = ""
    note: str = ""
    elements: tuple[tuple[str, int], ...] = field(default=(), repr=False)
    listed_in: str = field(default="", repr=False)

    def __hash__(self) -> int:
        return hash((self.symbol, self.charge, self.elements))

    def __str__(self) -> str:
        return self.symbol

    @property
    def composition(self) -> dict[str, int]:
        """Element counts, hydrogens included."""
        return dict(self.elements)

    @property
    def molar_mass_g_mol(self) -> float:
        """Molar mass (g/mol), electrons neither added nor removed for the charge."""
        masses = atomic_masses_g_mol()
        return sum(masses[element] * count for element, count in self.elements)

    @property
    def is_monatomic(self) -> bool:
        """Whether the ion is a single atom (Cs, Pb, I ...)."""
        return sum(count for _, count in self.elements) == 1

    @property
    def is_organic(self) -> bool:
        """Whether the ion is a molecular cation (ammonium and hydrazinium count as such)."""
        return self.charge > 0 and not self.is_monatomic

    @property
    def n_heavy_atoms(self) -> int:
        """Number of atoms that aren't hydrogen."""
        return sum(count for element, count in self.elements if element != "H")
