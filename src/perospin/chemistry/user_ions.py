"""The user's own cations: from a TOML file or ``NAME=SMILES`` (with RDKit, imported here only)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perospin import saving
from perospin.chemistry.elements import atomic_masses_g_mol
from perospin.chemistry.ion import LARGEST_CAGE_ATOMS, Ion, Role
from perospin.errors import DataError, RefusedFileError
from perospin.text import control_character, shorten

if TYPE_CHECKING:
    from rdkit.Chem import Mol

    from perospin.chemistry.ions import IonLibrary

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9,'-]{1,31}")
_KEYS = {"smiles", "name", "role", "aliases", "radius_pm", "note"}
_MAX_SMILES = 400
_MAX_WORDS = 200
_MAX_IONS = 500


def read_toml(path: str | Path) -> dict[str, Any]:
    """Table ``[ions]`` of a TOML file.

    Raises
    ------
    DataError
        If the file can't be read, isn't TOML or has no such table.
    """
    try:
        content = saving.read_toml(path, "the ion file")
    except RefusedFileError as error:
        raise DataError(str(error)) from error
    ions = content.get("ions")
    if not isinstance(ions, dict) or not ions:
        raise DataError(f"the ion file '{path}' needs a table [ions] with entries such as MYION = \"C[NH3+]\"")
    return ions


def read_argument(text: str) -> tuple[str, str]:
    """Split ``NAME=SMILES`` at its first equals sign.

    Raises
    ------
    DataError
        If it isn't of this form.
    """
    name, equals, smiles = text.partition("=")
    if not equals or not name.strip() or not smiles.strip():
        raise DataError(f"'{shorten(text)}' isn't of the form NAME=SMILES, e.g. PEEA=[NH3+]CCc1ccccc1")
    return name.strip(), smiles.strip()


def extend(library: IonLibrary, ions: Mapping[str, str | Mapping[str, Any]] | Iterable[str]) -> IonLibrary:
    """Return the library with the user's cations added; see :meth:`IonLibrary.with_ions`."""
    if isinstance(ions, str):
        ions = [ions]
    entries: list[tuple[str, Any]] = (
        list(ions.items()) if isinstance(ions, Mapping) else [read_argument(text) for text in ions]
    )
    if len(entries) > _MAX_IONS:
        raise DataError(f"{len(entries)} ions are given at once; at most {_MAX_IONS} are read")
    for name, entry in entries:
        library = _with_ion(library, name, entry)
    return library


def _with_ion(library: IonLibrary, name: str, entry: str | Mapping[str, Any]) -> IonLibrary:
    _check_label(name)
    fields: Mapping[str, Any] = {"smiles": entry} if isinstance(entry, str) else entry
    if not isinstance(fields, Mapping) or not isinstance(fields.get("smiles"), str):
        raise DataError(f"ion '{name}' needs its SMILES as text, e.g. {name} = \"C[NH3+]\"")
    if unknown := set(fields) - _KEYS:
        raise DataError(f"ion '{name}' has an unknown entry '{shorten(min(unknown))}': use {', '.join(sorted(_KEYS))}")
    aliases = fields.get("aliases", ())
    if not isinstance(aliases, list | tuple) or not all(isinstance(alias, str) for alias in aliases):
        raise DataError(f"the aliases of ion '{name}' must be a list of texts")
    for alias in aliases:
        _check_label(alias)
    molecule = read_cation(name, fields["smiles"])
    ion = _make_ion(name, molecule, fields)
    same = _same_ion(library, ion)
    for label in (name, *aliases):
        taken = label in library and (same is None or library.get(label) != same)
        if taken:
            owner = library.get(label)
            raise DataError(f"'{label}' already stands for {owner.symbol} ({owner.name}): choose another name")
        if label not in library and _readable_without(library, label):
            raise DataError(f"'{label}' can already be read as a formula of known ions: choose another name")
    ambiguous = {k: v for k, v in library.ambiguous.items() if k not in (name, *aliases)}
    if same is not None:  # the library has it already: the user's name is one more alias
        labels = dict.fromkeys([*same.aliases, *(label for label in (name, *aliases) if label != same.symbol)])
        extended = Ion(**{**vars(same), "aliases": tuple(labels)})
        return type(library)([extended if other == same else other for other in library], ambiguous, library.names)
    return type(library)([*library, ion], ambiguous, library.names)


def _check_label(label: str) -> None:
    if not _NAME.fullmatch(label) or not re.search(r"[A-Z]", label):
        raise DataError(
            f"'{shorten(label)}' can't name an ion in a formula: use 2 to 32 letters, digits, hyphens, commas "
            "or primes, a capital letter among them"
        )


def _readable_without(library: IonLibrary, label: str) -> bool:
    """Whether a name could be read as a sequence of known ions and amounts, e.g. ``MAPb``."""
    from perospin.chemistry.parse import read_formula
    from perospin.errors import PerospinError

    try:
        read_formula(label, library)
    except PerospinError:
        return False
    return True


def read_cation(name: str, smiles: str) -> Mol:
    """Molecule of a SMILES that must be one cation of charge 1 or 2, hydrogens added.

    Raises
    ------
    DataError
        If it can't be read, is neutral (the message gives the protonated SMILES if it has an amine), has several parts,
        a radical, or another charge.
    """
    from rdkit import Chem, rdBase

    shown = shorten(smiles)
    if len(smiles) > _MAX_SMILES:
        raise DataError(f"the SMILES of ion '{name}' has {len(smiles)} characters; at most {_MAX_SMILES} are read")
    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(smiles) if smiles.isascii() and smiles.isprintable() else None
    if molecule is None or molecule.GetNumAtoms() == 0:
        raise DataError(f"'{shown}' (ion '{name}') isn't a valid SMILES: write e.g. [NH3+]CCc1ccccc1")
    if "." in Chem.MolToSmiles(molecule):
        raise DataError(f"'{shown}' (ion '{name}') has several parts: give the cation alone")
    charge = Chem.GetFormalCharge(molecule)
    if charge == 0:
        hint = _protonated(molecule)
        advice = f"write the protonated cation, {hint}" if hint else "write the cation with its charge, e.g. C[NH3+]"
        raise DataError(f"'{shown}' (ion '{name}') is a neutral molecule: {advice}")
    if charge not in (1, 2):
        raise DataError(f"'{shown}' (ion '{name}') has charge {charge:+d}: A-site cations and spacers have +1 or +2")
    if any(atom.GetNumRadicalElectrons() and molecule.GetNumAtoms() > 1 for atom in molecule.GetAtoms()):
        raise DataError(f"'{shown}' (ion '{name}') has an atom with a free valence: check its hydrogens and charge")
    molecule = Chem.AddHs(molecule)
    for atom in molecule.GetAtoms():
        if atom.GetSymbol() not in atomic_masses_g_mol():
            raise DataError(f"'{shown}' (ion '{name}') has element '{atom.GetSymbol()}', which no cation here can have")
    return molecule


def _protonated(molecule: Mol) -> str | None:
    """SMILES with the first amine or pyridine nitrogen protonated."""
    from rdkit import Chem

    for pattern in (
        "[NX3;H2;!$(N-C=[O,S,N]);!$(N-a)]",
        "[NX3;!$(N-C=[O,S,N]);!$(N-a);!$(N~[O])]",
        "[nX2]",
        "[NX3;H2]-a",
    ):
        match = molecule.GetSubstructMatch(Chem.MolFromSmarts(pattern))
        if match:
            editable = Chem.RWMol(molecule)
            atom = editable.GetAtomWithIdx(match[0])
            atom.SetNumExplicitHs(atom.GetTotalNumHs() + 1)
            atom.SetFormalCharge(1)
            atom.SetNoImplicit(True)
            return str(Chem.MolToSmiles(editable))
    return None


def _make_ion(name: str, molecule: Mol, fields: Mapping[str, Any]) -> Ion:
    from rdkit import Chem

    role: Role
    heavy = molecule.GetNumHeavyAtoms()
    charge = Chem.GetFormalCharge(molecule)
    given = fields.get("role")
    if given not in (None, "a_site", "spacer"):
        raise DataError(
            f'the role of ion \'{name}\' must be "a_site" or "spacer", not {shorten(given, 30)!r}'
            if isinstance(given, str)
            else f'the role of ion \'{name}\' must be the text "a_site" or "spacer"'
        )
    role = given or ("a_site" if charge == 1 and heavy <= LARGEST_CAGE_ATOMS else "spacer")
    for key in ("name", "note"):
        text = fields.get(key, "")
        if not isinstance(text, str) or len(text) > _MAX_WORDS or control_character(text):
            raise DataError(f"{key} of ion '{name}' must be a text of at most {_MAX_WORDS} letters on one line")
    radius = fields.get("radius_pm")
    if radius is not None and (isinstance(radius, bool) or not isinstance(radius, int | float) or not 0 < radius < 1e5):
        raise DataError(f"radius_pm of ion '{name}' must be a positive number of picometres below 1e5")
    counts = Counter(atom.GetSymbol() for atom in molecule.GetAtoms())
    return Ion(
        symbol=name,
        name=str(fields.get("name", name)),
        charge=charge,
        role=role,
        smiles=Chem.MolToSmiles(Chem.RemoveHs(molecule)),
        aliases=tuple(fields.get("aliases", ())),
        radius_pm=None if radius is None else float(radius),
        radius_source="" if radius is None else "given by the user",
        note=str(fields.get("note", "defined by the user")),
        elements=tuple(sorted(counts.items())),
    )


def _same_ion(library: IonLibrary, ion: Ion) -> Ion | None:
    """Find the library's ion with the same molecule, if any."""
    from rdkit import Chem

    for other in library.cations:
        if (
            other.elements == ion.elements
            and other.charge == ion.charge
            and other.smiles
            and Chem.MolToSmiles(Chem.MolFromSmiles(other.smiles)) == ion.smiles
        ):
            return other
    return None
