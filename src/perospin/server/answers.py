"""What the service and the agent's tools answer: plain values, numbers with unit, scheme, source and cautions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from perospin.errors import DataError
from perospin.saving import plain
from perospin.text import shorten

if TYPE_CHECKING:
    from perospin.chemistry import IonLibrary, Perovskite
    from perospin.database import Record, Store
    from perospin.studies.predicting.predictor import Predictor

__all__ = [
    "MOST_MATERIALS",
    "MOST_RECORDS",
    "check_study",
    "describe",
    "explain",
    "predict",
    "properties",
    "query",
    "records_of",
    "sources",
    "studies",
    "with_filters",
]

MOST_MATERIALS = 50
"""Formulas of one question."""
MOST_RECORDS = 500
"""Records of one page."""

_T = TypeVar("_T")
_fitting = threading.Lock()


def describe(formulas: Sequence[str], ions: Sequence[str] = ()) -> dict[str, Any]:
    """Describe formulas: chemistry and descriptors of the shipped tables; nothing is computed anew.

    Parameters
    ----------
    formulas : sequence of str
        At most `MOST_MATERIALS`.
    ions : sequence of str
        Cations of the caller's own, ``NAME=SMILES``.

    Returns
    -------
    dict
        ``materials``: formula, family, layers, cautions and ``descriptors``, with ``units`` by name of the column.

    Raises
    ------
    PerospinError
        If a formula can't be read or described.
    """
    from perospin.descriptors import describe as table
    from perospin.units import split_unit

    materials = _materials(formulas, _library(ions))
    frame = table(materials, compute=False)
    rows = []
    for material, (_, row) in zip(materials, frame.iterrows(), strict=True):
        values = {str(name): value for name, value in plain(row.to_dict()).items() if value is not None}
        rows.append(
            {
                "formula": str(material),
                "family": material.family,
                "n_layers": material.n_layers,
                "cautions": list(material.cautions),
                "descriptors": values,
            }
        )
    units = {str(name): unit for name in frame.columns if (unit := split_unit(str(name))[1])}
    return {"materials": rows, "units": units}


def predict(
    formulas: Sequence[str], study: str = "spin-relaxation", part: str | None = None, ions: Sequence[str] = ()
) -> dict[str, Any]:
    """Predict materials with a shipped study.

    Returns
    -------
    dict
        ``predictions``: for each, value, interval and unit, the reciprocal quantity, how the interval was made, what it
        says, the domain with reasons, cautions, contributions, nearest known materials with their sources.

    Raises
    ------
    PerospinError
        If a formula can't be read or described, or there is no such study.
    """
    library = _library(ions)
    materials = _materials(formulas, library)
    predictor = _predictor(study, part)
    found = []
    for material in materials:
        prediction = predictor.predict(material, library, _no_computing)
        found.append(
            prediction.to_dict()
            | {
                "interval_in_words": prediction.interval_in_words,
                "spread_in_words": prediction.spread_in_words,
                "formula_cautions": list(material.cautions),
            }
        )
    return {"predictions": found}


def records_of(store: Store | None, **filters: Any) -> list[Record]:
    """Shipped records, and those of the store, that pass the filters of `perospin.database.select_records`."""
    from perospin.database import select_records

    return select_records(**filters, user=store is not None, store=store)


def query(store: Store | None, limit: int = 100, offset: int = 0, **filters: Any) -> dict[str, Any]:
    """One page of records.

    Parameters
    ----------
    store : Store or None
        Where the group's own records lie.
    limit, offset : int
        Size of the page, at most `MOST_RECORDS`, and how many come before it.
    **filters
        Those of `perospin.database.select_records`.

    Returns
    -------
    dict
        ``records`` (each value with unit, conditions and source), ``total``, ``offset``, and ``next_offset`` (None at
        the end).
    """
    found = records_of(store, **filters)
    page = found[offset : offset + limit]
    after = offset + len(page)
    return {
        "records": [record_dict(record) for record in page],
        "total": len(found),
        "offset": offset,
        "next_offset": after if after < len(found) else None,
    }


def record_dict(record: Record) -> dict[str, Any]:
    """Give a record without the fields that it leaves open."""
    return {name: value for name, value in record.to_dict().items() if value not in (None, "")}


def explain(store: Store | None, record_id: str) -> dict[str, Any]:
    """Give a record with what a reader needs to trust it: property in words, source, history, doubts.

    Raises
    ------
    DataError
        If there is none of this identifier.
    """
    from perospin.database import PROPERTIES
    from perospin.database.sharing import doubts, history

    found = records_of(store, include_unknown=True, include_theory=True)
    record = next((one for one in found if one.record_id == record_id), None)
    if record is None:
        raise DataError(f"there is no record '{shorten(record_id)}'; a query lists them")
    mine = store is not None and record_id.startswith("user-")
    prop = PROPERTIES[record.property]
    others = [other for other in found if other is not record]
    return {
        "record": record_dict(record),
        "property": {"name": prop.name, "unit": prop.unit, "description": prop.description},
        "history": [change.to_dict() for change in history(store, record_id)] if mine and store else [],
        "doubts": [doubt.sentence for doubt in doubts([record], others)],
        "read_in_the_original": record.source.evidence == "primary",
    }


def sources(store: Store | None, **filters: Any) -> dict[str, Any]:
    """Give the sources of the records that pass the filters, with how many records each has."""
    from dataclasses import asdict

    from perospin.database import cited_sources

    return {"sources": [plain(asdict(cited)) for cited in cited_sources(records_of(store, **filters))]}


def properties() -> dict[str, Any]:
    """Give the vocabulary: each property with its unit and what it means."""
    from perospin.database import PROPERTIES

    return {
        "properties": [
            {"name": prop.name, "unit": prop.unit, "description": prop.description} for prop in PROPERTIES.values()
        ]
    }


def studies() -> dict[str, Any]:
    """Give the shipped studies that predict formulas."""
    from perospin.studies.declaration.reading import shipped_studies
    from perospin.studies.study import Study

    return {"studies": [{"name": study.name, "title": study.title} for study in map(Study.load, shipped_studies())]}


def _materials(formulas: Sequence[str], library: IonLibrary | None) -> list[Perovskite]:
    from perospin.chemistry import Perovskite

    if not 0 < len(formulas) <= MOST_MATERIALS:
        raise DataError(f"a question holds 1 to {MOST_MATERIALS} formulas, not {len(formulas)}")
    return [Perovskite.parse(formula, library) for formula in formulas]


def _library(ions: Sequence[str]) -> IonLibrary | None:
    from perospin.chemistry import IonLibrary

    if len(ions) > MOST_MATERIALS:
        raise DataError(f"a question brings at most {MOST_MATERIALS} ions of its own, not {len(ions)}")
    return IonLibrary.default().with_ions(list(ions)) if ions else None


def _predictor(study: str, part: str | None) -> Predictor:
    """Fitted predictor of a shipped study; one thread fits, the others wait."""
    check_study(study)
    with _fitting:
        return _fitted(study, part)


def check_study(study: str) -> None:
    """Refuse what is no shipped study: a caller opens no file of this machine.

    Raises
    ------
    DataError
        If there is no such study.
    """
    from perospin.studies.declaration.reading import shipped_studies

    known = list(shipped_studies())
    if study not in known:  # no path: a caller opens no file of this machine
        from perospin.similar import did_you_mean

        raise DataError(
            f"there is no study '{shorten(study)}'{did_you_mean(study, known)}; there are {', '.join(known)}"
        )


@lru_cache(maxsize=8)
def _fitted(study: str, part: str | None) -> Predictor:
    from perospin.studies.study import Study

    loaded = Study.load(study)
    loaded.check_describes(part)
    return loaded.predictor(part)


def _no_computing(message: str, *_: Any) -> None:
    """Refuse what takes minutes: the predictor announces it before it begins."""
    raise DataError(
        "this cation has no descriptors yet, and they take minutes of quantum chemistry: compute them with `perospin "
        "predict` or `perospin cations table`, where they are kept"
    )


def with_filters(given: Mapping[str, Any], to: Callable[..., _T]) -> _T:
    """Call with the filters that were given."""
    low, high = given.get("min_temperature_k"), given.get("max_temperature_k")
    named = {name: value for name, value in given.items() if value not in (None, "", []) and "temperature" not in name}
    if low is not None or high is not None:
        named["temperature_k"] = (low, high)
    return to(**named)
