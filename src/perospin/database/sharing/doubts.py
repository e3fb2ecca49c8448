"""Records that a person should look at: units that look wrong, values far from the rest, twins under two DOIs."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median
from typing import TYPE_CHECKING

from perospin.database.vocabulary import get_property
from perospin.text import shorten

if TYPE_CHECKING:
    from perospin.database.record import Record

__all__ = ["FAR", "Doubt", "doubts"]

FAR = 10.0
"""How many times a value differs from the middle of the others before somebody should look."""
_STEPS = {1e3: "1000 times", 1e6: "a million times", 1e9: "10⁹ times", 1e12: "10¹² times"}
_NEAR = 1.5
# temperatures and layer thicknesses within this factor are alike


@dataclass(frozen=True)
class Doubt:
    """Why somebody should look at a record.

    Attributes
    ----------
    kind
        ``unit``, ``far`` or ``twin``.
    records
        The record in doubt first, then those that it was compared with.
    sentence
        What is odd, and what to check.
    """

    kind: str
    records: tuple[Record, ...]
    sentence: str


def doubts(asked: Iterable[Record], beside: Sequence[Record] = ()) -> list[Doubt]:
    """Doubts about some records, compared with each other and with others.

    Parameters
    ----------
    asked : iterable of Record
        Records that are looked at.
    beside : sequence of Record
        Records that they are compared with besides, such as the shipped ones.

    Returns
    -------
    list of Doubt
        A value is compared with the middle of the others of the same material, property, kind of carrier, convention
        and like temperature (within a factor of 1.5, or both unstated). A ratio of 1000, 10⁶, 10⁹ or 10¹² within a
        factor of 2 looks like a wrong unit; any other beyond 10 is far. Equal statements under two sources are twins.
    """
    mine = list(asked)
    marks = {record.fingerprint() for record in mine}
    alike: dict[tuple[object, ...], list[Record]] = defaultdict(list)
    for record in [*mine, *(other for other in beside if other.fingerprint() not in marks)]:
        alike[_key(record)].append(record)
    found = []
    for record in mine:
        others = [other for other in alike[_key(record)] if other is not record]
        found += _far(record, [other for other in others if _like(record, other)])
    for group in alike.values():
        for one, two in combinations(group, 2):
            if one.fingerprint() in marks and _twins(one, two):
                found.append(
                    Doubt(
                        "twin",
                        (one, two),
                        f"{_brief(one)} stands under {_source(one)} and under {_source(two)}: if it is one "
                        "measurement, keep the one that was read in the original",
                    )
                )
    return found


def _far(record: Record, others: Sequence[Record]) -> list[Doubt]:
    if record.limit != "value" or not get_property(record.property).positive:
        return []
    others = [other for other in others if other.limit == "value"]
    if not others:
        return []
    middle = median(other.value for other in others)
    ratio = max(record.value / middle, middle / record.value)
    if ratio < FAR:
        return []
    of = f"{len(others)} others" if len(others) > 1 else f"the other one ({_source(others[0])})"
    where = "above" if record.value > middle else "below"
    for step, words in _STEPS.items():
        if 0.5 < ratio / step < 2.0:
            said = f"{_brief(record)} lies about {words} {where} {of} of the same material: is its unit right?"
            return [Doubt("unit", (record, *others), said)]
    said = (
        f"{_brief(record)} lies {ratio:.3g} times {where} the middle of {of} of the same material: check value, "
        "unit and conditions"
    )
    return [Doubt("far", (record, *others), said)]


def _key(record: Record) -> tuple[object, ...]:
    conditions = record.conditions
    return (
        record.formula or record.material.lower(),
        record.property,
        record.theory,
        conditions.carrier,
        conditions.lifetime_convention,
    )


def _like(one: Record, two: Record) -> bool:
    return all(
        (a is None) == (b is None) and (a is None or b is None or a == b or _within(a, b))
        for a, b in (
            (one.conditions.temperature_k, two.conditions.temperature_k),
            (one.conditions.size_nm, two.conditions.size_nm),
            (one.conditions.field_t, two.conditions.field_t),
        )
    )


def _within(a: float, b: float) -> bool:
    return a > 0 and b > 0 and max(a, b) / min(a, b) <= _NEAR


def _twins(one: Record, two: Record) -> bool:
    if one.source.doi.lower() == two.source.doi.lower() and one.source.label == two.source.label:
        return False
    same = math.isclose(one.value, two.value, rel_tol=1e-9) and one.uncertainty == two.uncertainty
    return same and one.limit == two.limit and one.conditions == two.conditions


def _brief(record: Record) -> str:
    name = f"{record.record_id}: " if record.record_id else ""
    unit = f" {record.unit}" if record.unit != "1" else ""
    return f"{name}{shorten(record.material, 60)}, {record.property} = {record.value:.4g}{unit}"


def _source(record: Record) -> str:
    return shorten(record.source.doi or record.source.label, 80)
