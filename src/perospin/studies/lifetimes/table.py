"""The records of spin lifetimes as one table: material, conditions, source, and what each stated value means.

Nothing that a source does not state is filled in. What isn't stated is carried as such: a temperature told only in
words ("cryogenic", "ambient") has the range of those words, any other has the range of all stated ones, and a carrier,
technique or form that isn't stated is alike to none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.digits import counted
from perospin.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from perospin.database import Record

__all__ = ["QUANTITIES", "TECHNIQUES", "cautions", "on_record", "question", "read", "technique_class"]

QUANTITIES = ("tau_spin", "T1", "T2", "T2_star")
"""Properties that are modelled together; they stay apart in the model and are never averaged."""

TECHNIQUES: Mapping[str, tuple[str, ...]] = {
    "pump-probe": ("CPTA", "CPTR", "CP_pump_probe", "TRKR", "TRFR"),
    "Hanle": ("Hanle_GMR", "Hanle_optical"),
    "resident spins": ("RSA", "ODMR", "spin_inertia", "mode_locking", "spin_noise"),
}
"""Classes of techniques: pump and probe within a nanosecond, Hanle curves, and long-lived resident spins (resonant
amplification, inertia, mode locking, magnetic resonance, noise)."""

_AMBIENT_K, _CRYOGENIC_K = (295.0, 1.05), (5.0, 2.5)
"""Temperature that a word stands for, and the factor within which it lies (one standard deviation)."""
_UNKNOWN_K = (40.0, 6.0)
"""The same for a temperature of which nothing is said: 1.6 to 300 K within about one standard deviation."""
_ZERO_FIELD_T = 0.01
"""Field (T) below which spins feel the nuclei rather than the field; log10(1 + B / this) is what the model reads."""
_UNKNOWN_FIELD = (1.0, 1.0)
"""log10(1 + B / zero field) where no field is stated: mean and standard deviation."""


def technique_class(technique: str) -> str:
    """Class of a technique; empty for one that isn't stated or belongs to none."""
    return next((name for name, members in TECHNIQUES.items() if technique in members or technique == name), "")


def read(store: Any = None, user: bool = True) -> tuple[pd.DataFrame, list[str]]:
    """Read all records of `QUANTITIES` whose composition is known and described, the user's own included.

    A value that stands in two tables from one source is taken once, from the table that states more conditions.

    Parameters
    ----------
    store : Store or path, optional
        The user's store.
    user : bool
        Whether to read it.

    Returns
    -------
    frame : DataFrame
        ``record_id``, ``formula``, ``quantity``, ``value_ps``, ``limit`` ("value", "at least", "at most"), ``carrier``,
        ``technique`` (a class of `TECHNIQUES`), ``form``, ``source`` (empty where not stated), ``log_temperature``
        (log10 of the temperature over 295 K), ``log_field`` (log10 of 1 + field / 10 mT), and their standard
        deviations ``log_temperature_sd`` and ``log_field_sd``.
    notes : list of str
        What was left out, in sentences.
    """
    import pandas as pd

    from perospin.database import select_records

    everything = select_records(list(QUANTITIES), include_unknown=True, user=user, store=store)
    known = [record for record in everything if record.composition == "known"]
    kept, twice = _once(known)
    notes = []
    undescribed = {formula for formula in {record.formula for record in kept} if not _is_described(formula)}
    if len(known) < len(everything):
        notes.append(f"left out: {counted(len(everything) - len(known), 'record')} without a certain composition")
    if twice:
        notes.append(f"taken once: {counted(twice, 'value')} in two tables from one source")
    if undescribed:
        count = sum(record.formula in undescribed for record in kept)
        kept = [record for record in kept if record.formula not in undescribed]
        notes.append(
            f"{count} left out because no shipped table describes a cation of {', '.join(sorted(undescribed))}"
        )
    return pd.DataFrame([_row(record) for record in kept]), notes


def _row(record: Record) -> dict[str, Any]:
    conditions = record.conditions
    return {
        "record_id": record.record_id,
        "formula": record.formula,
        "quantity": record.property,
        "value_ps": record.value,
        "limit": {"value": "value", "lower": "at least"}.get(record.limit, "at most"),
        "carrier": "" if conditions.carrier in (None, "unspecified") else conditions.carrier,
        "technique": technique_class(conditions.technique),
        "form": _form(record),
        "source": _source(record),
        **_measured("log_temperature", _temperature(record)),
        **_measured("log_field", _field(conditions.field_t)),
    }


def _measured(name: str, known: tuple[float, float]) -> dict[str, float]:
    return {name: known[0], f"{name}_sd": known[1]}


def question(
    quantity: str = "tau_spin",
    *,
    temperature_k: float | None = None,
    field_t: float | None = None,
    carrier: str = "",
    technique: str = "",
    form: str = "",
) -> dict[str, Any]:
    """Columns of a row to predict; what is not asked for is left open and widens the interval.

    Raises
    ------
    DataError
        For a quantity, carrier, technique or form that the model doesn't know, or an impossible number.
    """
    from perospin.database.vocabulary import CARRIERS, check_words

    check_words(
        {
            "quantity": (quantity, QUANTITIES),
            "carrier": (carrier, ("", *CARRIERS)),
            "technique": (technique, ("", *TECHNIQUES, *(name for names in TECHNIQUES.values() for name in names))),
            "form": (form, ("", "single crystal", "film", "nanocrystal")),
        }
    )
    for what, number in (("temperature_k", temperature_k), ("field_t", field_t)):
        if number is not None and not (math.isfinite(number) and number >= 0 and (number > 0 or what == "field_t")):
            raise DataError(f"{what} is {number:g}; it must be a finite number above 0")
    warmth = _log_temperature(*_UNKNOWN_K) if temperature_k is None else _log_temperature(temperature_k, 1.0)
    return {
        "quantity": quantity,
        "carrier": "" if carrier == "unspecified" else carrier,
        "technique": technique_class(technique),
        "form": form,
        "source": "",
        **_measured("log_temperature", warmth),
        **_measured("log_field", _field(field_t)),
    }


# -- what the records can't support --------------------------------------------------------------------------

_FEW_MATERIALS = 5
_FEW_FIELDS = 10


def cautions(table: pd.DataFrame, material: Any, asked: Mapping[str, Any]) -> list[str]:
    """Say what the records can't support of a prediction.

    Parameters
    ----------
    table : DataFrame
        The training rows: ``formula``, ``quantity``, ``limit`` (0 a value) and the columns of `read` for conditions.
    material : Perovskite
    asked : mapping
        Arguments of `question`.
    """
    from perospin.chemistry import Perovskite

    quantity, temperature_k, field_t = (asked.get(name) for name in ("quantity", "temperature_k", "field_t"))
    quantity, found = quantity or "tau_spin", []
    mine = table[(table["limit"] == 0) & (table["quantity"] == quantity)]
    materials = set(mine["formula"].tolist())
    if len(materials) < _FEW_MATERIALS:
        found.append(
            f"only {len(materials)} material{'s have' if len(materials) != 1 else ' has'} a stated {quantity}: the "
            "value rests on other quantities and the interval on other materials"
        )
    layered = {formula for formula in materials if Perovskite.parse(formula).n_layers is not None}
    if material.n_layers is not None and not layered:
        found.append(f"no layered material has a stated {quantity}")
    measured = table.loc[table["log_temperature_sd"] == 0, "log_temperature"]
    if temperature_k is None:
        found.append("no temperature was asked for: the interval holds for any from about 5 to 300 K")
    elif not float(measured.min()) <= _log_temperature(temperature_k, 1.0)[0] <= float(measured.max()) + 0.02:
        found.append(f"{temperature_k:g} K lies outside the temperatures that records state")
    fields = int((table["log_field_sd"] == 0).sum())
    if field_t is not None and fields < _FEW_FIELDS:
        found.append(f"too few records state a magnetic field ({fields}): its effect is not known from them")
    known = [Perovskite.parse(formula) for formula in dict.fromkeys(table["formula"].tolist())]
    for word, site in (("metal", "b_site"), ("halide", "x_site")):
        seen = {ion.symbol for one in known for ion, _ in getattr(one, site)}
        new = sorted({ion.symbol for ion, _ in getattr(material, site)} - seen)
        if new:
            found.append(f"{word} {', '.join(new)} is in no record: out of domain")
    return found


def on_record(table: pd.DataFrame, formula: str) -> tuple[dict[str, Any], ...]:
    """List the records of one material: record_id, quantity, value (ps), limit in words, temperature (K), source."""
    words = {0: "value", 1: "at least", -1: "at most"}
    return tuple(
        {
            "record_id": str(row["row"]),
            "quantity": str(row["quantity"]),
            "value_ps": float(row["target"]),
            "limit": words[int(row["limit"])],
            "temperature_k": 295.0 * 10.0 ** float(row["log_temperature"]) if row["log_temperature_sd"] == 0 else None,
            "source": str(row["source"]),
        }
        for row in table[table["formula"] == formula].to_dict("records")
    )


# -- what a record says --------------------------------------------------------------------------------------


def _once(records: Iterable[Record]) -> tuple[list[Record], int]:
    """Drop values of one source that stand twice, within 2 %; the record with more stated conditions stays."""
    kept: list[Record] = []
    twice = 0
    for record in sorted(records, key=lambda r: -_stated(r)):
        if any(_says_no_more(record, other) for other in kept):
            twice += 1
        else:
            kept.append(record)
    return sorted(kept, key=lambda r: r.record_id), twice


def _says_no_more(record: Record, other: Record) -> bool:
    """Whether another record gives the same value of the same source, and every condition that this one states."""
    one, two = record.conditions, other.conditions
    conditions = ("temperature_k", "field_t", "carrier", "technique", "form")
    return (
        bool(record.source.doi)
        and (record.formula, record.property, record.source.doi, record.limit)
        == (other.formula, other.property, other.source.doi, other.limit)
        and abs(other.value / record.value - 1.0) < 0.02
        and _stated(record) < _stated(other)
        and all(getattr(one, name) in (None, "", getattr(two, name)) for name in conditions)
    )


def _stated(record: Record) -> int:
    conditions = record.conditions
    given = (conditions.temperature_k, conditions.field_t, conditions.carrier, conditions.technique, conditions.form)
    return sum(value not in (None, "") for value in given)


def _form(record: Record) -> str:
    conditions = record.conditions
    if conditions.dimensionality == "NC" or conditions.form in ("glass", "nanocrystal"):
        return "nanocrystal"
    return conditions.form if conditions.form in ("single crystal", "film") else ""


def _source(record: Record) -> str:
    """Source of a record; the rows that the 52-material table took from unnamed papers stand for themselves."""
    if record.record_id.startswith("spin52") and "which paper is not said" in record.note:
        return f"{record.source.doi}, from unnamed papers"
    return record.source.doi or record.source.label


def _temperature(record: Record) -> tuple[float, float]:
    if record.record_id.startswith("spin52"):
        # 295 K there is told as assumed: the table's paper measured and collected at ambient temperature
        return _log_temperature(*_AMBIENT_K)
    stated = record.conditions.temperature_k
    if stated is not None:
        return _log_temperature(max(stated, 0.1), 1.0)
    words = record.note.lower()
    if "cryogenic" in words or "low temperature" in words or "low-temperature" in words:
        return _log_temperature(*_CRYOGENIC_K)
    return _log_temperature(*_UNKNOWN_K)


def _log_temperature(kelvin: float, factor: float) -> tuple[float, float]:
    return math.log10(kelvin / 295.0), math.log10(factor)


def _field(field_t: float | None) -> tuple[float, float]:
    return _UNKNOWN_FIELD if field_t is None else (math.log10(1.0 + abs(field_t) / _ZERO_FIELD_T), 0.0)


def _is_described(formula: str) -> bool:
    """Whether shipped tables describe every cation: what a machine has computed besides must not change the rows."""
    from perospin.descriptors import describe
    from perospin.errors import QuantumError

    try:
        described = describe([formula], level="fast", compute=False)
    except QuantumError:
        return False
    return bool(np.isfinite(described[list(_NEEDED)].to_numpy(dtype=float)).all())


_NEEDED = ("inverse_n", "spacer_charge_per_n", "excess_mu2_per_volume", "excess_barrier_a", "halide_z")
"""Descriptors that the model reads."""
