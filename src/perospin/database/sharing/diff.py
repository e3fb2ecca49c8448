"""What differs between two collections of records: added, changed, withdrawn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perospin.database.record import Record

__all__ = ["Difference", "compare", "records_at"]

# what makes a record the same statement, corrected, and not another one
_WHERE = ("doi", "first_author", "year", "url", "located_in")
_SAMPLE = (
    "dimensionality",
    "n_layers",
    "form",
    "size_nm",
    "carrier",
    "technique",
    "temperature_k",
    "field_t",
    "excitation_nm",
    "fluence_uj_cm2",
    "direction",
    "handedness",
    "wavelength_nm",
    "energy_ev",
    "device",
)


@dataclass(frozen=True)
class Difference:
    """Records of two collections, told apart.

    Attributes
    ----------
    added, withdrawn
        Records that are in the second collection only, and in the first only.
    changed
        Former and new record of the same statement: same material, property, source, place in it and sample.
    n_same
        How many are equal.
    """

    added: tuple[Record, ...]
    changed: tuple[tuple[Record, Record], ...]
    withdrawn: tuple[Record, ...]
    n_same: int

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return bool(self.added or self.changed or self.withdrawn)

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON-able values."""
        return {
            "added": [record.to_dict() for record in self.added],
            "changed": [
                {"before": old.to_dict(), "after": new.to_dict(), "fields": list(differing(old, new))}
                for old, new in self.changed
            ],
            "withdrawn": [record.to_dict() for record in self.withdrawn],
            "n_same": self.n_same,
        }


def differing(old: Record, new: Record) -> dict[str, tuple[Any, Any]]:
    """Fields in which two records differ, identifier and origin aside."""
    former, later = old.to_dict(), new.to_dict()
    return {
        name: (former[name], later[name])
        for name in former
        if former[name] != later[name] and name not in ("record_id", "origin")
    }


def compare(before: Iterable[Record], after: Iterable[Record]) -> Difference:
    """Compare two collections.

    Equal records are told by their fingerprint. Of the others, two are one changed record if one of each side, and only
    one, speaks of the same material, property, source, place and sample; else they are withdrawn and added: nothing is
    guessed.
    """
    old = {record.fingerprint(): record for record in before}
    new = {record.fingerprint(): record for record in after}
    gone = [record for mark, record in old.items() if mark not in new]
    come = [record for mark, record in new.items() if mark not in old]
    sides: dict[tuple[Any, ...], tuple[list[Record], list[Record]]] = defaultdict(lambda: ([], []))
    for side, records in enumerate((gone, come)):
        for record in records:
            sides[_statement(record)][side].append(record)
    pairs = [(first[0], second[0]) for first, second in sides.values() if len(first) == len(second) == 1]
    taken = {id(record) for pair in pairs for record in pair}
    return Difference(
        tuple(record for record in come if id(record) not in taken),
        tuple(pairs),
        tuple(record for record in gone if id(record) not in taken),
        len(old) - len(gone),
    )


def records_at(place: str) -> Sequence[Record]:
    """Read the records of a place: ``shipped``, a store (file or URL), or a table that `perospin data export` wrote.

    Raises
    ------
    DataError
        If nothing is there, or it can't be read.
    """
    from perospin.database.engines import is_url
    from perospin.database.query import curated_records
    from perospin.database.store import Store
    from perospin.database.tidy import read_records
    from perospin.errors import DataError
    from perospin.text import shorten

    if place in ("shipped", "curated"):
        return curated_records()
    if not is_url(place) and Path(place).suffix.lower() in (".csv", ".tsv", ".txt"):
        return read_records(place)
    with Store.open(place) as store:
        if not store.exists:
            raise DataError(f"there is neither a store nor a table at '{shorten(place)}'")
        return store.query()


def _statement(record: Record) -> tuple[Any, ...]:
    flat = record.to_dict()
    doi = {"doi": flat["doi"].lower()}
    return (
        record.formula or record.material.lower(),
        record.property,
        record.theory,
        *((flat | doi)[name] for name in (*_WHERE, *_SAMPLE)),
    )
