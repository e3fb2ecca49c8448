"""The records of spin lifetimes as one table: material, conditions, source, and what each stated value means.

Nothing that a source does not state is filled in. What isn't stated is carried as such: a temperature told only in
words ("cryogenic", "ambient") has the range of those words, any other has the range of all stated ones, and a carrier,
technique or form that isn't stated is alike to none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perospin.errors import DataError, StudyError

if TYPE_CHECKING:
    import pandas as pd

    from perospin.database import Record

__all__ = [
    "MATERIAL_COLUMNS",
    "QUANTITIES",
    "TECHNIQUES",
    "Conditioned",
    "lifetime_table",
    "material_features",
    "question",
    "technique_class",
]

FloatArray = NDArray[np.float64]

QUANTITIES = ("tau_spin", "T1", "T2", "T2_star")
"""Properties that are modelled together; they stay apart in the model and are never averaged."""

MATERIAL_COLUMNS: Mapping[str, tuple[float, float]] = {
    "is_n1_monovalent": (0.0, 0.5),
    "inverse_n": (0.0, 0.5),
    "spacer_charge_per_n": (0.0, 1.0),
    "excess_mu2_per_volume": (0.0, 0.05),
    "excess_barrier_a": (0.0, 2.0),
    "halide_z": (53.0, 12.0),
    "caesium_fraction": (0.0, 0.5),
}
"""What is known of a material, with a zero and a scale fixed beforehand: class and interface of the spacer as in the
study spin-relaxation, the halide and the share of caesium on the A site."""

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


@dataclass(frozen=True, eq=False)
class Conditioned:
    """Rows of lifetimes under conditions, or questions for such rows.

    Attributes
    ----------
    formula, quantity, carrier, technique, form, source : ndarray of str, shape (n_rows,)
        Empty where not stated; `technique` is a class of `TECHNIQUES`.
    log_temperature, temperature_sd : ndarray, shape (n_rows,)
        log10 of the temperature over 295 K, and how uncertain that is.
    log_field, field_sd : ndarray, shape (n_rows,)
        log10(1 + field / 10 mT), and how uncertain that is.
    features : ndarray, shape (n_rows, n_columns)
        `MATERIAL_COLUMNS`, scaled.
    value_ps : ndarray, shape (n_rows,)
        Stated value; NaN for a question.
    limit : ndarray of int, shape (n_rows,)
        0 a value, -1 the truth is at most this, +1 it is at least this.
    record_id : ndarray of str, shape (n_rows,)
    notes : tuple of str
        What was left out, in sentences.
    """

    formula: NDArray[np.str_]
    quantity: NDArray[np.str_]
    carrier: NDArray[np.str_]
    technique: NDArray[np.str_]
    form: NDArray[np.str_]
    source: NDArray[np.str_]
    log_temperature: FloatArray
    temperature_sd: FloatArray
    log_field: FloatArray
    field_sd: FloatArray
    features: FloatArray
    value_ps: FloatArray
    limit: NDArray[np.int64]
    record_id: NDArray[np.str_]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.formula)

    @property
    def y(self) -> FloatArray:
        """log10 of the lifetime in ps, shape (n_rows,)."""
        return np.log10(self.value_ps)

    @property
    def stated(self) -> NDArray[np.int64]:
        """Numbers of the rows that are values, not limits."""
        return np.flatnonzero(self.limit == 0)

    def take(self, rows: Sequence[int] | NDArray[np.int64]) -> Conditioned:
        """Return some of the rows."""
        index = np.asarray(rows, dtype=np.int64)
        own = {name: getattr(self, name)[index] for name in self.__dataclass_fields__ if name != "notes"}
        return Conditioned(**own, notes=self.notes)

    def to_frame(self) -> pd.DataFrame:
        """Rows as a table for people."""
        import pandas as pd

        names = ("record_id", "formula", "quantity", "value_ps", "limit", "carrier", "technique", "form", "source")
        frame = pd.DataFrame({name: getattr(self, name) for name in names})
        frame["temperature_k"] = 295.0 * 10.0**self.log_temperature
        frame["temperature_factor"] = 10.0**self.temperature_sd
        return frame


def technique_class(technique: str) -> str:
    """Class of a technique; empty for one that isn't stated or belongs to none."""
    return next((name for name, members in TECHNIQUES.items() if technique in members or technique == name), "")


def lifetime_table(store: Any = None, user: bool = True) -> Conditioned:
    """Read all records of `QUANTITIES` whose composition is known, the user's own included.

    A value that stands in two tables from one source is taken once, from the table that states more conditions.

    Parameters
    ----------
    store : Store or path, optional
        The user's store.
    user : bool
        Whether to read it.

    Raises
    ------
    StudyError
        If a cation's descriptors are neither shipped nor computed.
    """
    from perospin.database import select_records

    everything = select_records(list(QUANTITIES), include_unknown=True, user=user, store=store)
    known = [record for record in everything if record.composition == "known"]
    kept, twice = _once(known)
    notes = []
    undescribed = {formula for formula in {record.formula for record in kept} if not _is_described(formula)}
    if len(known) < len(everything):
        notes.append(f"{len(everything) - len(known)} records without a certain composition are left out")
    if twice:
        notes.append(f"{twice} values that stand in two tables from one source are taken once")
    if undescribed:
        count = sum(record.formula in undescribed for record in kept)
        kept = [record for record in kept if record.formula not in undescribed]
        notes.append(
            f"{count} left out because no shipped table describes a cation of {', '.join(sorted(undescribed))}"
        )
    return _build(
        formula=[record.formula for record in kept],
        quantity=[record.property for record in kept],
        carrier=[c if (c := record.conditions.carrier) != "unspecified" else "" for record in kept],
        technique=[technique_class(record.conditions.technique) for record in kept],
        form=[_form(record) for record in kept],
        source=[_source(record) for record in kept],
        temperature=[_temperature(record) for record in kept],
        field=[_field(record.conditions.field_t) for record in kept],
        value_ps=[record.value for record in kept],
        limit=[{"value": 0, "lower": 1}.get(record.limit, -1) for record in kept],
        record_id=[record.record_id for record in kept],
        notes=tuple(notes),
    )


def question(
    formula: str,
    quantity: str = "tau_spin",
    *,
    temperature_k: float | None = None,
    field_t: float | None = None,
    carrier: str = "",
    technique: str = "",
    form: str = "",
    ions: Any = None,
) -> Conditioned:
    """One row to predict; what is not asked for is left open and widens the interval.

    Raises
    ------
    DataError
        For a quantity, carrier, technique or form that the model doesn't know, or an impossible number.
    FormulaError
        If the formula can't be read.
    """
    from perospin.chemistry import Perovskite
    from perospin.database.vocabulary import CARRIERS

    known = {
        "quantity": (quantity, QUANTITIES),
        "carrier": (carrier, ("", *CARRIERS)),
        "technique": (technique, ("", *TECHNIQUES, *(name for names in TECHNIQUES.values() for name in names))),
        "form": (form, ("", "single crystal", "film", "nanocrystal")),
    }
    for what, (given, allowed) in known.items():
        if given not in allowed:
            raise DataError(f"unknown {what} '{given}'; use one of: {', '.join(word for word in allowed if word)}")
    for what, number in (("temperature_k", temperature_k), ("field_t", field_t)):
        if number is not None and not (math.isfinite(number) and number >= 0 and (number > 0 or what == "field_t")):
            raise DataError(f"{what} is {number:g}; it must be a finite number above 0")
    warmth = _log_temperature(*_UNKNOWN_K) if temperature_k is None else _log_temperature(temperature_k, 1.0)
    return _build(
        formula=[str(Perovskite.parse(formula, ions))],
        quantity=[quantity],
        carrier=["" if carrier == "unspecified" else carrier],
        technique=[technique_class(technique)],
        form=[form],
        source=[""],
        temperature=[warmth],
        field=[_field(field_t)],
        value_ps=[math.nan],
        limit=[0],
        record_id=[""],
        ions=ions,
        compute=True,
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


# -- materials -----------------------------------------------------------------------------------------------


def _build(
    *,
    temperature: Sequence[tuple[float, float]],
    field: Sequence[tuple[float, float]],
    ions: Any = None,
    compute: bool = False,
    notes: tuple[str, ...] = (),
    **columns: Sequence[Any],
) -> Conditioned:
    words = {k: np.array(v, dtype=str) for k, v in columns.items() if k not in ("value_ps", "limit")}
    return Conditioned(
        **words,
        value_ps=np.array(columns["value_ps"], dtype=float),
        limit=np.array(columns["limit"], dtype=np.int64),
        log_temperature=np.array([mean for mean, _ in temperature]),
        temperature_sd=np.array([sd for _, sd in temperature]),
        log_field=np.array([mean for mean, _ in field]),
        field_sd=np.array([sd for _, sd in field]),
        features=material_features(columns["formula"], ions, compute),
        notes=notes,
    )


def _is_described(formula: str) -> bool:
    """Whether shipped tables describe every cation: what a machine has computed besides must not change the rows."""
    from perospin.errors import QuantumError

    try:
        material_features([formula])
    except QuantumError:
        return False
    return True


def material_features(formulas: Sequence[str], ions: Any = None, compute: bool = False) -> FloatArray:
    """`MATERIAL_COLUMNS` of each formula, from its zero in units of its scale, shape (n_rows, n_columns).

    Parameters
    ----------
    formulas : sequence of str
    ions : IonLibrary, optional
        With the user's own ions.
    compute : bool
        Whether a cation that isn't in the shipped tables is computed (seconds to minutes, kept).

    Raises
    ------
    QuantumError
        If a cation isn't described and may not be computed.
    StudyError
        If a descriptor is not known for a material.
    """
    from perospin.chemistry import Perovskite
    from perospin.descriptors import describe

    unique = list(dict.fromkeys(formulas))
    materials = [Perovskite.parse(formula, ions) for formula in unique]
    table = describe(materials, level="fast", compute=compute, ions=ions)
    described = table.astype(float).reset_index(drop=True)
    described["caesium_fraction"] = [
        sum(float(share) for ion, share in m.a_site if ion.symbol == "Cs")
        / max(sum(float(share) for _, share in m.a_site), 1e-12)
        if m.a_site
        else 0.0
        for m in materials
    ]
    single = (described["is_n1"] > 0.5) & (np.abs(described["spacer_charge"] - 1.0) < 0.5)
    described["is_n1_monovalent"] = single.astype(float)
    values = described[list(MATERIAL_COLUMNS)].to_numpy(dtype=float)
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        row, column = (int(v) for v in bad[0])
        raise StudyError(
            f"'{unique[row]}' has no value for the descriptor '{list(MATERIAL_COLUMNS)[column]}', so its lifetime "
            "can't be modelled"
        )
    zero, scale = np.array(list(MATERIAL_COLUMNS.values())).T
    where = {formula: i for i, formula in enumerate(unique)}
    return np.asarray(((values - zero) / scale)[[where[formula] for formula in formulas]])
