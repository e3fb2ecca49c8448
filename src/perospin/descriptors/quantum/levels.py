"""The two named levels at which cations are computed, and the neutral amines' level.

A model never mixes levels: a new cation is described as the rows it is compared with were.
"""

from __future__ import annotations

from dataclasses import dataclass

from perospin.errors import QuantumError


@dataclass(frozen=True)
class Level:
    """One recipe from a SMILES to numbers.

    Attributes
    ----------
    name : str
        Name used in tables and on the command line.
    geometry : {"gfn2", "b3lyp"}
        Geometry: GFN2-xTB, or B3LYP/6-31G* started from it.
    orbital_basis : str or None
        Basis of the Hartree-Fock calculation whose eigenvalues give HOMO and LUMO; None: not computed.
    response : {"hf", "b3lyp"}
        Method of dipole and polarisability.
    response_basis : str
        Basis of dipole and polarisability.
    n_conformers : int
        Size of the ETKDG ensemble that GFN2-xTB ranks.
    thermal_dipole : bool
        Dipole as the root mean square over conformers, weighted by their GFN2-xTB energies at 298.15 K (what a
        liquid's dielectric constant depends on), instead of the lowest conformer's.
    cation : bool
        Whether it describes cations (and refuses neutral molecules).
    revision : int
        Raised when the recipe changes, so that older cached results are not reused.
    description : str
        One sentence for people.
    """

    name: str
    geometry: str
    orbital_basis: str | None
    response: str
    response_basis: str
    n_conformers: int
    thermal_dipole: bool
    cation: bool
    revision: int
    description: str


LEVELS: dict[str, Level] = {
    level.name: level
    for level in (
        Level(
            name="published",
            geometry="b3lyp",
            orbital_basis="cc-pvtz",
            response="b3lyp",
            response_basis="6-31g*",
            n_conformers=50,
            thermal_dipole=False,
            cation=True,
            revision=1,
            description=(
                "B3LYP/6-31G* geometry, dipole and polarisability, HF/cc-pVTZ orbital energies (the recovered recipe "
                "of the 52-material table, 10.1039/d5sc07406a); iodine with def2 basis and effective core potential, "
                "approximate"
            ),
        ),
        Level(
            name="fast",
            geometry="gfn2",
            orbital_basis="def2-tzvp",
            response="hf",
            response_basis="def2-svp",
            n_conformers=20,
            thermal_dipole=False,
            cation=True,
            revision=1,
            description="GFN2-xTB geometry, HF/def2-TZVP orbital energies, HF/def2-SVP dipole and polarisability",
        ),
        Level(
            name="neutral",
            geometry="gfn2",
            orbital_basis=None,
            response="hf",
            response_basis="def2-svp",
            n_conformers=20,
            thermal_dipole=True,
            cation=False,
            revision=2,
            description=(
                "the neutral amine of a cation: GFN2-xTB geometries, HF/def2-SVP dipole (thermal root mean square over "
                "conformers) and polarisability"
            ),
        ),
    )
}


def get_level(name: str) -> Level:
    """Return the level called `name`.

    Raises
    ------
    QuantumError
        If there is none; the message lists the levels.
    """
    try:
        return LEVELS[name]
    except KeyError:
        raise QuantumError(f"unknown level '{name}': choose one of {', '.join(LEVELS)}") from None
