"""What a direction of exchange can't say: by column of a record, with how many of the records lose something."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from perospin.database.exchange.nomad import DIMENSIONS, FORMS
from perospin.database.record import COLUMNS, Conditions, Record, Source

#: Columns that another one of a record repeats, so that nothing is lost without them.
_REPEATED = ("unit",)
_ALL = tuple(name for name in COLUMNS if name not in _REPEATED)


@dataclass(frozen=True, slots=True)
class Loss:
    """One thing that the other side can't say.

    Attributes
    ----------
    what
        Column of a record, or a thing of the other side.
    why
        What happens to it.
    n_records
        Records that lose it; None where it isn't one of a record.
    """

    what: str
    why: str
    n_records: int | None = None


@dataclass(frozen=True, slots=True)
class Direction:
    """One direction of exchange.

    Attributes
    ----------
    key, title
        What commands call it; what it is.
    kept
        Columns that survive.
    instead
        What happens to others.
    others
        What else is lost, with the reason.
    whole, whole_why
        Which records fit at all, and why the others don't.
    words
        Columns of which only these words survive.
    """

    key: str
    title: str
    kept: tuple[str, ...]
    instead: Mapping[str, str]
    others: tuple[tuple[str, str], ...] = ()
    whole: Callable[[Record], bool] = lambda record: True
    whole_why: str = ""
    words: Mapping[str, frozenset[str]] = field(default_factory=dict)


_NOMAD_KEPT = ("formula", "composition", "property", "value", "theory", "doi")
DIRECTIONS: dict[str, Direction] = {
    "csv": Direction("csv", "table of records", _ALL, {}),
    "parquet": Direction("parquet", "Parquet table of records", _ALL, {}),
    "json": Direction("json", "list of records", _ALL, {}),
    "package": Direction(
        "package",
        "data package, RO-Crate",
        _ALL,
        {},
        (
            ("record_id", "written; the store that imports it gives its own"),
            ("history", "who changed a record and when stays in the store"),
            ("files", "raw data stay where they are"),
        ),
    ),
    "bibtex": Direction("bibtex", "BibTeX", ("doi", "first_author", "year", "url"), {}),
    "csl": Direction("csl", "CSL-JSON", ("doi", "first_author", "year", "url"), {}),
    "nomad": Direction(
        "nomad",
        "NOMAD perovskite schema (PerovskiteComposition)",
        _NOMAD_KEPT,
        {
            "material": "written as the canonical formula",
            "form": "NOMAD has seven sample types, not this one",
            "dimensionality": "NOMAD has 0D, 1D, 2D, 2D/3D and 3D, not this word",
            "n_layers": "follows from the ions' amounts",
            "phase": "NOMAD's composition has no crystal phase",
        },
        (("temperature of a band gap", "NOMAD's composition says none"),),
        lambda record: (record.composition, record.property, record.limit) == ("known", "band_gap", "value"),
        "only compositions and band gaps (no bounds) fit: the composition is written, the value is not",
        {"dimensionality": frozenset(DIMENSIONS), "form": frozenset(FORMS.values())},
    ),
    "optimade": Direction(
        "optimade",
        "OPTIMADE 1.2 JSON Lines",
        _ALL,
        {},
        (("positions of atoms", "a record has none: null"), ("amounts of mixed ions", "only as ratios of elements")),
        lambda record: record.composition == "known",
        "a structure needs a composition: the record is left out",
    ),
    "pymatgen": Direction(
        "pymatgen",
        "pymatgen Structure",
        (),
        {},
        (
            ("symmetry operations", "all atoms of the cell are written"),
            ("source and temperature", "in properties only"),
        ),
    ),
    "ase": Direction(
        "ase",
        "ASE Atoms",
        (),
        {},
        (
            ("mixed and partly occupied sites", "ASE has one element a site: such a crystal is refused"),
            ("symmetry operations", "all atoms of the cell are written"),
            ("source and temperature", "in Atoms.info only"),
        ),
    ),
    "from-nomad": Direction(
        "from-nomad",
        "NOMAD perovskite schema",
        (),
        {},
        (
            ("additives and impurities", "a formula has none: told, not read"),
            ("CAS numbers, names of parent compounds", "our ions have none"),
            ("rounded amounts", "NOMAD's numbers are floats: read as the simplest fraction within 1e-6"),
            ("'2D/3D', 'Other'", "kept as the text of dimensionality"),
        ),
    ),
    "from-optimade": Direction(
        "from-optimade",
        "OPTIMADE JSON Lines",
        (),
        {},
        (
            ("properties of other providers", "not read"),
            ("entries without _perospin_ values", "no record; `perospin data structures` writes their CIF"),
        ),
    ),
}


def _default(name: str) -> Any:
    for part in (Record, Conditions, Source):
        for one in fields(part):
            if one.name == name:
                return one.default
    return ""


def losses(key: str, records: Iterable[Record] = ()) -> list[Loss]:
    """Say what is lost when records go to another side, the most frequent first.

    Parameters
    ----------
    key
        One of `DIRECTIONS`.
    records
        The records that go; a column that none of them fills is not listed.
    """
    direction = DIRECTIONS[key]
    given = list(records)
    found = []
    left_out = [record for record in given if not direction.whole(record)]
    if left_out:
        found.append(Loss("value", direction.whole_why, len(left_out)))
    rows = [record.to_dict() for record in given if direction.whole(record)]
    for name in _ALL if direction.kept else ():
        if name in direction.kept:
            continue
        default = _default(name)
        said = {default, "", None, *direction.words.get(name, ())}
        count = sum(row[name] not in said and not (name == "material" and row[name] == row["formula"]) for row in rows)
        if count:
            found.append(Loss(name, direction.instead.get(name, "not said"), count))
    found.sort(key=lambda loss: -(loss.n_records or 0))
    return found + [Loss(what, why) for what, why in direction.others]
