"""Records as OPTIMADE structures (JSON Lines, specification 1.2), and structures of any provider read.

One structure is one composition; its records stand in ``_perospin_records``, and the values of a property in
``_perospin_<property>``, which the first lines define with their units. A record has no atoms: positions are null.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perospin import saving
from perospin.database.citing import cited_sources
from perospin.database.record import Record
from perospin.database.tidy import to_cells
from perospin.database.vocabulary import PROPERTIES
from perospin.errors import DataError, RefusedFileError
from perospin.text import shorten

if TYPE_CHECKING:
    from perospin.chemistry import IonLibrary, Perovskite

PREFIX = "_perospin_"
API_VERSION = "1.2.0"
_LARGEST = 500_000_000
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_OWN = {
    "formula": ("string", "canonical formula with the abbreviations of perospin's ion library"),
    "family": ("string", "3D, RP, DJ, ACI, double, A3B2X9 or other, from the stoichiometry"),
    "n_layers": ("integer", "number of octahedral layers of a layered perovskite"),
    "properties": ("list", "names of the properties that have a value"),
    "records": ("list", "the records: one dictionary a value, columns as in a table of records, cells as text"),
}
_TYPES = {"string": "string", "integer": "integer", "list": "array", "float": "number"}


def definitions(properties: Iterable[str] | None = None) -> dict[str, dict[str, Any]]:
    """Property definitions (OPTIMADE 1.2) of ours, by their prefixed name.

    Parameters
    ----------
    properties
        Names from the vocabulary; all by default.
    """
    found = {}
    for name, (kind, words) in _OWN.items():
        inner = {"properties": "string", "records": "dictionary"}.get(name, "")
        found[PREFIX + name] = _definition(name, words, kind, inner)
    for name in PROPERTIES if properties is None else properties:
        words = f"{PROPERTIES[name].description}; one number a record, in {PROPERTIES[name].unit}"
        found[PREFIX + name] = _definition(name, words, "list", "float", PROPERTIES[name].unit)
    return found


def _definition(name: str, words: str, kind: str, inner: str = "", unit: str = "") -> dict[str, Any]:
    shown = {"1": "dimensionless", "": "inapplicable"}.get(unit, unit)
    entry: dict[str, Any] = {
        "$schema": "https://schemas.optimade.org/meta/v1.2/optimade/property_definition",
        "title": name.replace("_", " "),
        "description": words,
        "x-optimade-type": kind,
        "x-optimade-unit": "inapplicable" if inner else shown,
        "type": [_TYPES[kind], "null"],
        "x-optimade-definition": {
            "kind": "property", "format": "1.2", "version": "1.0.0", "name": PREFIX + name,
            "label": f"{PREFIX}{name}_v1",
        },
    }  # fmt: skip
    if inner:
        entry["items"] = {
            "x-optimade-type": inner,
            "x-optimade-unit": shown,
            "type": ["object" if inner == "dictionary" else _TYPES[inner]],
        }
    if unit:
        entry["unit"] = unit
    return entry


def formula_attributes(amounts: Mapping[str, Fraction | float]) -> dict[str, Any]:
    """Attributes of a structure that follow from the amounts of its elements."""
    counts = _whole(amounts)
    total = sum(counts.values())
    return {
        "elements": list(counts),
        "nelements": len(counts),
        "elements_ratios": [count / total for count in counts.values()],
        "chemical_formula_reduced": _reduced(counts),
        "chemical_formula_anonymous": _anonymous(counts),
    }


def _amounts(material: Perovskite) -> dict[str, Fraction]:
    counts: dict[str, Fraction] = {}
    for ion, amount in (*material.cations, *material.b_site, *material.x_site):
        for element, count in ion.elements:
            counts[element] = counts.get(element, Fraction(0)) + count * amount
    return counts


def _whole(amounts: Mapping[str, Fraction | float]) -> dict[str, int]:
    """Whole numbers of atoms in the smallest ratio, by element in alphabetical order."""
    counts = {element: Fraction(amount).limit_denominator(10_000) for element, amount in amounts.items() if amount}
    scale = math.lcm(*(count.denominator for count in counts.values()))
    whole = {element: int(count * scale) for element, count in sorted(counts.items())}
    common = math.gcd(*whole.values())
    return {element: count // common for element, count in whole.items()}


def _reduced(counts: Mapping[str, int]) -> str:
    return "".join(f"{element}{count if count > 1 else ''}" for element, count in counts.items())


def _anonymous(counts: Mapping[str, int]) -> str:
    names = [first + second for first in ("", *(letter.lower() for letter in _LETTERS)) for second in _LETTERS]
    ordered = sorted(counts.values(), reverse=True)
    return "".join(f"{name}{count if count > 1 else ''}" for name, count in zip(names, ordered, strict=False))


def identifier_of(text: str) -> str:
    """Make the identifier of an entry from any text."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text).strip("_") or "x"


def entries(records: Iterable[Record], ions: IonLibrary | None = None) -> list[dict[str, Any]]:
    """OPTIMADE entries of the records: structures, then references.

    Records without a known composition are left out (see :func:`perospin.database.exchange.losses`).
    """
    from perospin.chemistry import IonLibrary, Perovskite

    library = IonLibrary.of(ions)
    given = [record for record in records if record.composition == "known"]
    groups: dict[str, list[Record]] = {}
    for record in given:
        groups.setdefault(record.formula, []).append(record)
    cited = [one for one in cited_sources(given) if one.source.doi]
    by_doi = {one.source.doi.lower(): one.key for one in cited}
    found = []
    names: dict[str, int] = {}
    for formula, group in groups.items():
        material = Perovskite.parse(formula, library)
        identifier = identifier_of(formula)
        names[identifier] = names.get(identifier, 0) + 1
        if names[identifier] > 1:
            identifier += f"-{names[identifier]}"
        values: dict[str, list[float]] = {}
        for record in group:
            values.setdefault(PREFIX + record.property, []).append(record.value)
        keys = dict.fromkeys(by_doi[r.source.doi.lower()] for r in group if r.source.doi)
        found.append(
            {
                "type": "structures",
                "id": identifier,
                "attributes": {
                    "immutable_id": None,
                    "last_modified": None,
                    **formula_attributes(_amounts(material)),
                    "chemical_formula_descriptive": formula,
                    "chemical_formula_hill": None,
                    "dimension_types": None,
                    "nperiodic_dimensions": None,
                    "lattice_vectors": None,
                    "cartesian_site_positions": None,
                    "nsites": None,
                    "species": None,
                    "species_at_sites": None,
                    "assemblies": None,
                    "structure_features": [],
                    f"{PREFIX}formula": formula,
                    f"{PREFIX}family": material.family,
                    f"{PREFIX}n_layers": material.n_layers,
                    f"{PREFIX}properties": sorted({record.property for record in group}),
                    **values,
                    f"{PREFIX}records": [{k: v for k, v in to_cells(r).items() if v} for r in group],
                },
                "relationships": {"references": {"data": [{"type": "references", "id": key} for key in keys]}},
            }
        )
    for one in cited:
        source = one.source
        found.append(
            {
                "type": "references",
                "id": one.key,
                "attributes": {
                    "last_modified": None,
                    "doi": source.doi,
                    "year": str(source.year) if source.year else None,
                    "authors": [{"name": f"{source.first_author} and others"}] if source.first_author else None,
                    "url": source.url or None,
                },
            }
        )
    return found


def to_jsonl(records: Iterable[Record], ions: IonLibrary | None = None) -> str:
    """Write records as OPTIMADE JSON Lines: header, definitions, structures, references."""
    given = list(records)
    used = [name for name in PROPERTIES if any(record.property == name for record in given)]
    lines = [
        {"x-optimade": {"meta": {"api_version": API_VERSION}, "api_version": API_VERSION}},
        {"type": "info", "id": "structures", "properties": definitions(used)},
        *entries(given, ions),
    ]
    return "".join(json.dumps(line, ensure_ascii=True, allow_nan=False) + "\n" for line in lines)


@dataclass(frozen=True, slots=True)
class OptimadeFile:
    """What an OPTIMADE file holds.

    Attributes
    ----------
    cells
        Cells of the records in it, one dictionary a record.
    structures
        Its structures: identifier and attributes.
    """

    cells: tuple[dict[str, str], ...] = ()
    structures: tuple[tuple[str, dict[str, Any]], ...] = field(default=())


def read_jsonl(path: Path | str) -> OptimadeFile:
    """Read OPTIMADE JSON Lines, or the JSON answer of a ``/structures`` query.

    Raises
    ------
    DataError
        If the file can't be read or is neither; the message says which line.
    """
    shown = shorten(str(path))
    try:
        text = saving.read_text(path, "the file", _LARGEST)
    except RefusedFileError as error:
        raise DataError(str(error)) from error
    cells: list[dict[str, str]] = []
    structures: list[tuple[str, dict[str, Any]]] = []
    for line, entry in _lines(text, shown):
        if not isinstance(entry, dict) or entry.get("type") != "structures":
            continue
        name, attributes = entry.get("id"), entry.get("attributes")
        if not isinstance(name, str) or not isinstance(attributes, dict):
            raise DataError(f"'{shown}', line {line}: a structure needs an id and attributes")
        structures.append((name, attributes))
        rows = attributes.get(f"{PREFIX}records") or []
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise DataError(f"'{shown}', line {line}: {PREFIX}records isn't a list of records")
        cells += [{str(k): "" if v is None else str(v) for k, v in row.items()} for row in rows]
    return OptimadeFile(tuple(cells), tuple(structures))


def _lines(text: str, shown: str) -> Iterator[tuple[int, Any]]:
    first, _, _ = text.partition("\n")
    try:
        head = saving.read_json(first, shown)
    except DataError:
        head = None
    except RefusedFileError:
        head = None
    if isinstance(head, dict) and "x-optimade" in head:
        for number, line in enumerate(text.split("\n")[1:], start=2):
            if line.strip():
                yield number, _json(line, f"'{shown}', line {number}")
        return
    whole = head if isinstance(head, dict) and "data" in head else _json(text, f"'{shown}'")
    data = whole.get("data") if isinstance(whole, dict) else None
    if not isinstance(data, list):
        raise DataError(
            f"'{shown}' is no OPTIMADE file: its first line holds no 'x-optimade', and it is no answer with 'data'"
        )
    yield from ((1, entry) for entry in data)


def _json(text: str, where: str) -> Any:
    try:
        return saving.read_json(text, where)
    except RefusedFileError as error:
        raise DataError(shorten(str(error), 390)) from error
