"""Read a crystal structure from a file, or say in one sentence why not."""

from __future__ import annotations

import codecs
import math
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perospin._optional import require
from perospin.errors import StructureError

if TYPE_CHECKING:
    from pymatgen.core import Structure

NOTES = "reading_notes"
"""Key of `Structure.properties` under which :func:`read_structure` leaves what was odd about the file."""

_COORDINATES = ("_atom_site_fract_x", "_atom_site_fract_y", "_atom_site_fract_z")
_GROUP, _OCCUPANCY = "_atom_site_disorder_group", "_atom_site_occupancy"
_HARMLESS = ("rounded to ideal values",)

LARGEST_BYTES = 50_000_000
_LONGEST_CELL_A = 500.0
_FLATTEST_CELL = 1e-3  # volume over the product of the edges
_EMPTIEST_CELL_A3 = 10_000.0  # volume for each atom
_FARTHEST = 1e4  # fractional coordinate
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32", codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16",
}  # fmt: skip


def example_structures() -> dict[str, Path]:
    """Structure files that ship with perospin (sources and licences: README.md beside them).

    Returns
    -------
    dict
        Name -> path of the CIF.
    """
    folder = Path(str(files("perospin.database") / "tables" / "cif"))
    return {path.stem: path for path in sorted(folder.glob("*.cif"))}


@contextmanager
def _quiet(notes: list[str]) -> Iterator[None]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    notes.extend(str(item.message) for item in caught if not issubclass(item.category, DeprecationWarning))


def _one_line(error: BaseException | str, limit: int = 200) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= limit else text[: limit - 3] + "..."


def _encoding(content: bytes) -> str:
    """Tell UTF-8, UTF-16 and UTF-32 by the byte-order mark, UTF-16 also without one."""
    for mark, name in _MARKS.items():
        if content.startswith(mark):
            return name
    even, odd = content[0:400:2].count(0), content[1:400:2].count(0)
    half = max(len(content[:400]) // 4, 1)  # every other byte of plain letters is zero
    return "utf-16-le" if odd > half > even else "utf-16-be" if even > half > odd else "utf-8"


def _check_possible(name: str, structure: Any) -> None:
    """Refuse a cell that no crystal has, and atoms that are none, before anything is computed from them.

    Raises
    ------
    StructureError
        If an edge isn't finite or is too long, the cell is flat or empty, a coordinate is far outside, or an atom type
        is no element.
    """
    for specie in structure.composition:
        if type(specie).__name__ == "DummySpecies":
            raise StructureError(f"{name}: the atom type {specie.symbol!r} is no element")
    lattice = structure.lattice
    edges = [float(edge) for edge in lattice.abc]
    if not all(0.0 < edge <= _LONGEST_CELL_A for edge in edges):
        shown = ", ".join(f"{edge:.4g}" for edge in edges)
        raise StructureError(f"{name} has cell edges of {shown} A: they must lie between 0 and {_LONGEST_CELL_A:g} A")
    volume = abs(float(lattice.volume))
    if not volume >= _FLATTEST_CELL * math.prod(edges):
        raise StructureError(f"{name} has a flat cell of {volume:.3g} A^3: its three edges must span a volume")
    if volume > _EMPTIEST_CELL_A3 * len(structure):
        raise StructureError(f"{name} has {len(structure)} atoms in {volume:.3g} A^3: the cell is nearly empty")
    if not (abs(structure.frac_coords) < _FARTHEST).all():
        raise StructureError(f"{name} has an atom far outside its cell, or one without a place: check the coordinates")


def _drop_unplaced(name: str, cif: Any, notes: list[str]) -> None:
    """Remove hydrogens without coordinates; pymatgen would put an atom at '.' on the origin without a word."""
    for block in cif.data.values():
        columns = [block.data[key] for key in _COORDINATES]
        unplaced = [i for i, xyz in enumerate(zip(*columns, strict=False)) if any(c.strip() in (".", "?") for c in xyz)]
        if not unplaced:
            continue
        labels = block.data.get("_atom_site_label", block.data.get("_atom_site_type_symbol"))
        symbols = block.data.get("_atom_site_type_symbol", labels)
        heavy = [labels[i] for i in unplaced if re.match(r"[HD](?![a-z])", symbols[i]) is None]
        if heavy:
            raise StructureError(f"{name} gives no coordinates for atom {heavy[0]}; every atom but H needs x, y and z")
        notes.append(f"{len(unplaced)} hydrogen atom{'s' * (len(unplaced) > 1)} without coordinates left out")
        keep = [i for i in range(len(labels)) if i not in set(unplaced)]
        for loop in block.loops:
            if _COORDINATES[0] in loop:
                for key in loop:
                    block.data[key] = [block.data[key][i] for i in keep]


def _keep_group(name: str, cif: Any, group: int) -> None:
    """Keep the atoms outside all disorder groups and those of one group, the latter fully occupied."""
    for block in cif.data.values():
        loop = next(loop for loop in block.loops if _COORDINATES[0] in loop)
        if _GROUP not in loop:
            raise StructureError(f"{name} names no disorder groups ({_GROUP}): keep one alternative by hand")
        groups = [int(g) if re.fullmatch(r"-?\d+", g) else 0 for g in block.data[_GROUP]]
        if group not in groups:
            known = ", ".join(map(str, sorted(set(groups) - {0}))) or "none"
            raise StructureError(f"{name} has no disorder group {group}; it has: {known}")
        keep = [i for i, g in enumerate(groups) if g in (0, group)]
        if _OCCUPANCY in loop and group > 0:  # negative groups overlap their own symmetry copies
            block.data[_OCCUPANCY] = [
                "1" if g == group else o for g, o in zip(groups, block.data[_OCCUPANCY], strict=True)
            ]
        for key in loop:
            block.data[key] = [block.data[key][i] for i in keep]


def _check_ratio(structure: Any, block: Any, name: str, notes: list[str]) -> None:
    """Refuse a truncated atom list: metals and halogens must stand in the ratio of the file's own formula.

    Anything else that is short is told only: it may be disordered or belong to solvent that was not located.
    """
    from pymatgen.core import Composition, Element

    text = block.data.get("_chemical_formula_sum")
    if not isinstance(text, str):
        return
    try:
        stated = Composition(text.replace("?", ""))
    except Exception:
        return
    found = structure.composition.element_composition
    inorganic = {e.symbol for e in stated if e.is_metal or e.is_halogen or e.symbol in ("Ge", "Sb", "Te")}
    absent = {symbol for symbol in inorganic if found[symbol] == 0 and Element(symbol).is_halogen}
    inorganic -= absent
    amounts = [(symbol, stated[symbol], found[symbol]) for symbol in sorted(inorganic)]
    total, got = sum(a for _, a, _ in amounts), sum(a for _, _, a in amounts)
    if not total:
        return  # neither metal nor halogen: nothing to hold the formula against
    for symbol, wanted, present in amounts:
        if got == 0 or abs(present / got - wanted / total) > 0.02:
            raise StructureError(
                f"the atoms listed in {name} don't add up to its formula {text!r} ({symbol} is off): "
                "the file looks truncated or its symmetry operations are missing"
            )
    short = [
        e.symbol
        for e in stated
        if e.symbol not in inorganic
        and not (e.symbol in ("H", "D") and found[e] == 0)  # told by itself
        and abs(found[e] * total / (stated[e] * got) - 1.0) > 0.01
    ]
    if short:
        notes.append(f"fewer or more {', '.join(sorted(short))} among the atoms than the file's formula says")


def _read_cif(path: Path, block_name: str | None, group: int | None, notes: list[str]) -> Any:
    from pymatgen.io.cif import CifFile, CifParser

    content = path.read_bytes()
    text = content.decode(_encoding(content), errors="replace")
    with _quiet([]):
        cif = CifFile.from_str(text)
    with_atoms = {
        name: block
        for name, block in cif.data.items()
        if all(isinstance(block.data.get(k), list) for k in _COORDINATES)
    }
    if not with_atoms:
        raise StructureError(f"{path.name} holds no atom positions (_atom_site_fract_x, _y, _z)")
    if block_name is None and len(with_atoms) > 1:
        names = ", ".join(with_atoms)
        raise StructureError(
            f"{path.name} holds {len(with_atoms)} structures; choose one with block=... out of: {names}"
        )
    chosen = next(iter(with_atoms)) if block_name is None else block_name
    if chosen not in with_atoms:
        raise StructureError(f"{path.name} has no structure {chosen!r}; it has: {', '.join(with_atoms)}")
    block = with_atoms[chosen]
    cif.data = {chosen: block}
    if group is not None:
        _keep_group(path.name, cif, group)
    _drop_unplaced(path.name, cif, notes)
    with _quiet(notes):
        parser = CifParser.from_str(str(cif), occupancy_tolerance=1.02, check_cif=False)
        structure = parser.parse_structures(primitive=False, on_error="raise")[0]
    if group is None:
        _check_ratio(structure, block, path.name, notes)
    return structure


def _read_other(path: Path, notes: list[str]) -> Any:
    from pymatgen.core import Structure

    content = path.read_bytes()
    encoding = _encoding(content)
    with _quiet(notes):
        if encoding != "utf-8" and re.search(r"POSCAR|CONTCAR|\.vasp$", path.name):
            structure = Structure.from_str(content.decode(encoding, errors="replace"), fmt="poscar")
        else:
            structure = Structure.from_file(str(path))
    if any("false names" in note for note in notes):
        raise StructureError(f"{path.name} doesn't name its elements: add the line of element symbols above the counts")
    return structure


def read_structure(path: str | Path, *, block: str | None = None, disorder_group: int | None = None) -> Structure:
    """Read one crystal structure.

    Parameters
    ----------
    path
        A CIF, a POSCAR (``POSCAR*``, ``CONTCAR*``, ``*.vasp``) or any other periodic format pymatgen reads by its name.
    block
        Name of the data block of a CIF that holds several structures.
    disorder_group
        Keep this disorder group of a CIF (SHELX "PART") at full occupancy and drop the others: the authors' own ordered
        model of a structure whose halides are split.

    Returns
    -------
    pymatgen.core.Structure
        All sites of the cell as the file gives them, partial occupancies included. What was odd about the file is in
        ``structure.properties["reading_notes"]``; :func:`describe_structure` repeats it among its warnings.

    Raises
    ------
    StructureError
        If the file is missing, empty, truncated, holds several structures, or isn't a structure at all.
    MissingExtraError
        Without pymatgen.
    """
    require("pymatgen.core", "structure")
    file = Path(path)
    if not file.is_file():
        raise StructureError(f"no file {str(path)!r}")
    if file.stat().st_size == 0:
        raise StructureError(f"{file.name} is empty")
    if file.stat().st_size > LARGEST_BYTES:
        raise StructureError(f"{file.name} is larger than {LARGEST_BYTES // 10**6} MB: no crystal structure needs that")
    notes: list[str] = []
    try:
        is_cif = file.suffix.lower() in (".cif", ".mcif")
        if not is_cif and (block is not None or disorder_group is not None):
            raise StructureError(f"{file.name} isn't a CIF: data blocks and disorder groups are a matter of CIFs")
        structure = _read_cif(file, block, disorder_group, notes) if is_cif else _read_other(file, notes)
    except StructureError:
        raise
    except Exception as error:  # pymatgen's readers raise whatever their parsing trips over
        reason = _one_line(error) or type(error).__name__
        if "Unrecognized extension" in reason:
            known = "give it the ending .cif or .vasp, or call it POSCAR"
            raise StructureError(f"the name of {file.name} doesn't tell its format: {known}") from error
        raise StructureError(
            f"{file.name} can't be read as a crystal structure; is it complete, and of the format its name says? "
            f"({reason})"
        ) from error
    if len(structure) == 0:
        raise StructureError(f"{file.name} holds no atoms")
    _check_possible(file.name, structure)
    kept = [_one_line(note) for note in dict.fromkeys(notes) if not any(text in note for text in _HARMLESS)]
    structure.properties[NOTES] = kept
    return structure
