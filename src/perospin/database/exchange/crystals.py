"""Crystals of other programs: pymatgen structures, ASE atoms, OPTIMADE structures, CIF files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perospin import saving
from perospin._optional import require
from perospin.errors import DataError
from perospin.text import shorten

if TYPE_CHECKING:
    from ase import Atoms
    from pymatgen.core import Structure

_MOST_SITES = 10_000


def to_ase(structure: Structure) -> Atoms:
    """ASE atoms of a pymatgen structure, in the same order; properties of the structure stand in ``info``.

    Raises
    ------
    DataError
        If a site is mixed or partly occupied, which ASE can't say.
    MissingExtraError
        If ASE isn't installed.
    """
    require("ase", "exchange")
    from ase import Atoms

    for number, site in enumerate(structure, start=1):
        if not site.is_ordered:
            raise DataError(
                f"site {number} ({site.species_string}) is mixed or partly occupied, which ASE can't say; choose one "
                "occupation first"
            )
    atoms = Atoms(
        symbols=[site.specie.symbol for site in structure],
        scaled_positions=structure.frac_coords,
        cell=structure.lattice.matrix,
        pbc=True,
    )
    atoms.info.update(structure.properties)
    return atoms


def from_ase(atoms: Atoms) -> Structure:
    """Pymatgen structure of ASE atoms, in the same order; ``info`` becomes properties.

    Raises
    ------
    DataError
        If the atoms aren't periodic in three directions, or the cell has no volume.
    """
    from pymatgen.core import Lattice, Structure

    if not all(atoms.pbc) or abs(atoms.cell.volume) < 1e-6:
        raise DataError("these atoms aren't a crystal: a crystal is periodic in three directions and has a cell")
    return Structure(
        Lattice(atoms.cell.array),
        atoms.get_chemical_symbols(),
        atoms.get_scaled_positions(wrap=False),
        properties=dict(atoms.info),
    )


def to_optimade(structure: Structure, identifier: str) -> dict[str, Any]:
    """OPTIMADE entry of a pymatgen structure (specification 1.2)."""
    counts = structure.composition.element_composition
    from perospin.database.exchange.optimade import formula_attributes

    names: dict[str, dict[str, Any]] = {}
    at_sites = []
    for site in structure:
        name = "".join(f"{s.symbol}{x:g}" if x != 1 else s.symbol for s, x in _shares(site))
        shares = _shares(site)
        left = 1 - sum(x for _, x in shares)
        names.setdefault(
            name,
            {
                "name": name,
                "chemical_symbols": [s.symbol for s, _ in shares] + (["vacancy"] if left > 1e-6 else []),
                "concentration": [x for _, x in shares] + ([left] if left > 1e-6 else []),
            },
        )
        at_sites.append(name)
    return {
        "type": "structures",
        "id": identifier,
        "attributes": {
            "last_modified": None,
            **formula_attributes({e.symbol: x for e, x in counts.items()}),
            "dimension_types": [1, 1, 1],
            "nperiodic_dimensions": 3,
            "lattice_vectors": structure.lattice.matrix.tolist(),
            "cartesian_site_positions": structure.cart_coords.tolist(),
            "nsites": len(structure),
            "species": list(names.values()),
            "species_at_sites": at_sites,
            "structure_features": ["disorder"] if not structure.is_ordered else [],
        },
    }


def _shares(site: Any) -> list[tuple[Any, float]]:
    return sorted(((s, float(x)) for s, x in site.species.element_composition.items()), key=lambda p: p[0].symbol)


def from_optimade(attributes: Mapping[str, Any], name: str = "structure") -> Structure:
    """Pymatgen structure of the attributes of an OPTIMADE structure.

    Raises
    ------
    DataError
        If it has no cell or positions, isn't periodic in three directions, or its species don't fit its sites.
    """
    from pymatgen.core import Lattice, Structure

    shown = shorten(name)
    vectors, positions = attributes.get("lattice_vectors"), attributes.get("cartesian_site_positions")
    at_sites, species = attributes.get("species_at_sites"), attributes.get("species")
    if not vectors or not positions or not at_sites:
        raise DataError(f"'{shown}' has a composition but no positions of atoms")
    if attributes.get("dimension_types", [1, 1, 1]) != [1, 1, 1]:
        raise DataError(f"'{shown}' isn't periodic in three directions, so it is no crystal")
    if len(positions) != len(at_sites) or len(positions) > _MOST_SITES:
        raise DataError(f"'{shown}' has {len(positions)} positions for {len(at_sites)} sites (at most {_MOST_SITES})")
    made = {}
    for one in species or [{"name": s, "chemical_symbols": [s], "concentration": [1]} for s in dict.fromkeys(at_sites)]:
        pairs = zip(one["chemical_symbols"], one["concentration"], strict=False)
        made[one["name"]] = {symbol: share for symbol, share in pairs if symbol not in ("vacancy", "X") and share > 0}
    try:
        return Structure(
            Lattice(vectors), [made[at] for at in at_sites], positions, coords_are_cartesian=True,
            properties={"name": name},
        )  # fmt: skip
    except (KeyError, ValueError, TypeError) as error:
        raise DataError(f"the sites of '{shown}' don't fit its species: {shorten(str(error), 120)}") from None


def write_crystals(file: Path | str, folder: Path | str) -> tuple[list[Path], list[tuple[str, str]]]:
    """Write each crystal of an OPTIMADE file as CIF.

    Returns
    -------
    list of Path, list of (str, str)
        The files, and the structures that are no crystal with the reason.

    Raises
    ------
    DataError
        If the file can't be read or holds no structure.
    """
    require("pymatgen", "structure")
    from pymatgen.io.cif import CifWriter

    from perospin.database.exchange.optimade import identifier_of, read_jsonl

    found = read_jsonl(file)
    if not found.structures:
        raise DataError(f"'{shorten(str(file))}' holds no structure")
    where = saving.make_folder(folder)
    written, refused = [], []
    for number, (name, attributes) in enumerate(found.structures, start=1):
        try:
            structure = from_optimade(attributes, name)
        except DataError as error:
            refused.append((name, str(error)))
            continue
        path = where / f"{number:04d}_{identifier_of(name)[:60]}.cif"
        saving.write_text(path, str(CifWriter(structure, significant_figures=10)))
        written.append(path)
    return written, refused
