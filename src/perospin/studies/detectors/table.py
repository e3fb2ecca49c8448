"""The records of detectors and band gaps as one table: material, conditions, what else is known of the device.

Nothing that a source does not state is filled in here; a study says what stands for a missing value. A computed or
estimated value is marked and weighs less.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from statistics import median
from typing import TYPE_CHECKING, Any

from perospin.chemistry.elements import atomic_numbers
from perospin.errors import DataError
from perospin.studies.lifetimes.table import _is_described

if TYPE_CHECKING:
    import pandas as pd

    from perospin.database import Record

__all__ = ["ESTIMATED_WEIGHT", "QUANTITIES", "cautions", "on_record", "question", "read"]

QUANTITIES = ("band_gap", "mu_tau", "xray_sensitivity", "xray_detection_limit")
"""Properties that a row may hold; a part of the study takes one of them."""

ESTIMATED_WEIGHT = 0.25
"""Weight of a computed or estimated value beside a measured one: as if its standard error were twice as large."""

_COMPANIONS: Mapping[str, tuple[str, bool]] = {
    "sourced_gap_ev": ("band_gap", False),
    "log_mu_tau": ("mu_tau", True),
    "log_resistivity": ("resistivity", True),
    "log_traps": ("trap_density", True),
    "lattice_a_a": ("lattice_a", False),
    "lattice_b_a": ("lattice_b", False),
    "lattice_c_a": ("lattice_c", False),
}
"""Columns of what else was measured: the property, and whether its logarithm (base 10) is taken."""

_FORMS: Mapping[str, str] = {
    "wafer": r"wafer|pressed|pellet",
    "composite": r"membrane|polymer|composite|PDMS",
    "film": r"film|coated|printed|nanocrystal|quantum dot|microwall",
    "single crystal": r"crystal",
}
"""Classes of forms, the first that fits wins: a film of crystals is a film."""


def read(store: Any = None, user: bool = True) -> tuple[pd.DataFrame, list[str]]:
    """Read all records of `QUANTITIES` whose composition is known and described, the user's own included.

    Parameters
    ----------
    store : Store or path, optional
        The user's store.
    user : bool
        Whether to read it.

    Returns
    -------
    frame : DataFrame
        ``record_id``, ``formula``, ``cations`` (all cations, joined), ``repeat`` (rows that
        measure, or compute, the same), ``quantity``, ``value`` (in the unit of the
        vocabulary), ``limit`` ("value", "at least", "at most"), ``obtained`` ("measured", "computed"), ``weight``
        (`ESTIMATED_WEIGHT` for a computed or estimated value, else 1), ``source``, ``dimensionality`` ("3D" to "0D"),
        ``form``, the published formula of the gap in two readings (``published_gap_masses``,
        ``published_gap_numbers``); then NaN where not stated: ``log_field`` (log10 of V/mm), ``energy_kev`` (photon
        energy or tube voltage, as stated), what else the same device has or, lacking that, the median of its material
        (``sourced_gap_ev``, ``log_mu_tau``, ``log_resistivity``, ``log_traps``, ``lattice_a_a`` ...), and an empty
        column of standard deviations of each (``log_field_sd`` ...), which the study fills.
    notes : list of str
        What was left out, in sentences.
    """
    import pandas as pd

    from perospin.database import select_records

    asked = {"include_theory": True, "user": user, "store": store}
    everything = select_records(list(QUANTITIES), include_unknown=True, **asked)
    known = [record for record in everything if record.composition == "known"]
    notes = []
    if len(known) < len(everything):
        notes.append(f"{len(everything) - len(known)} records without a certain composition are left out")
    undescribed = {formula for formula in {record.formula for record in known} if not _is_described(formula)}
    if undescribed:
        count = sum(record.formula in undescribed for record in known)
        known = [record for record in known if record.formula not in undescribed]
        notes.append(
            f"{count} left out because no shipped table describes a cation of {', '.join(sorted(undescribed))}"
        )
    notes.append("what else is known of a device: its own value, else the median of those of its material")
    beside = _Beside(select_records([name for name, _ in _COMPANIONS.values()], user=user, store=store))
    return pd.DataFrame([_row(record, beside) for record in known]), notes


class _Beside:
    """What else was measured: by device (rows of one line of a table), else by material."""

    def __init__(self, records: list[Record]) -> None:
        self._by: dict[tuple[str, str], list[float]] = {}
        for record in records:
            if record.theory or record.estimated:
                continue
            for key in {_device(record), record.formula}:
                self._by.setdefault((key, record.property), []).append(record.value)

    def of(self, record: Record, name: str) -> float:
        for key in (_device(record), record.formula):
            found = self._by.get((key, name))
            if found:
                return float(median(found))
        return math.nan


def _device(record: Record) -> str:
    """Name of the device that a record belongs to: the line of the curated table that states it."""
    return record.record_id.removesuffix(f"-{record.property}")


def _row(record: Record, beside: _Beside) -> dict[str, Any]:
    from perospin.chemistry import Perovskite

    conditions = record.conditions
    field = conditions.bias_field_v_mm
    numbers = {
        # a field of zero (self-powered) has no logarithm; the device's own field is not stated
        "log_field": math.log10(field) if field is not None and field > 0 else math.nan,
        "energy_kev": math.nan if conditions.xray_energy_kev is None else conditions.xray_energy_kev,
    }
    for column, (name, logarithm) in _COMPANIONS.items():
        value = math.nan if name == record.property else beside.of(record, name)
        numbers[column] = math.log10(value) if logarithm and value > 0 else value
    material = Perovskite.parse(record.formula)
    computed = record.theory
    return {
        "record_id": record.record_id,
        "formula": record.formula,
        "cations": "+".join(sorted(ion.symbol for ion, _ in material.cations)),
        "repeat": f"{record.formula}, {'computed' if computed else 'measured'}",
        "quantity": record.property,
        "value": record.value,
        "limit": {"value": "value", "lower": "at least"}.get(record.limit, "at most"),
        "obtained": "computed" if computed else "measured",
        "weight": ESTIMATED_WEIGHT if computed or record.estimated else 1.0,
        "source": record.source.doi or record.source.url or record.source.label,
        "dimensionality": _dimensionality(record),
        "form": form_class(conditions.form),
        **_published_gaps(material),
        **numbers,
        **{f"{name}_sd": math.nan for name in numbers},
    }


def _published_gaps(material: Any) -> dict[str, float]:
    """Read the published formula Eg = log(Z_B Z_X) + sqrt(Z_B) with masses and ln, and with atomic numbers and log10.

    Zhang, Huang et al., "Machine learning aided parameter analysis in Perovskite X-ray Detector", eq. 3; what Z and log
    stand for is not said there. For lead iodide the readings give 24.6 and 12.7, so neither is a gap in eV.
    """
    masses, numbers = [], []
    for site in (material.b_site, material.x_site):
        amount = float(sum(share for _, share in site))
        masses.append(sum(ion.molar_mass_g_mol * float(share) for ion, share in site) / amount)
        z = [max(atomic_numbers()[element] for element in ion.composition) * float(share) for ion, share in site]
        numbers.append(sum(z) / amount)
    return {
        "published_gap_masses": math.log(masses[0] * masses[1]) + math.sqrt(masses[0]),
        "published_gap_numbers": math.log10(numbers[0] * numbers[1]) + math.sqrt(numbers[0]),
    }


def _dimensionality(record: Record) -> str:
    found = re.match(r"(quasi-)?([0-3]D)", record.conditions.dimensionality)
    return found[2] if found else ""


def form_class(form: str) -> str:
    """Class of a form, one of single crystal, wafer, film, composite; empty for one that isn't stated.

    Examples
    --------
    >>> form_class("polycrystalline thick film"), form_class("single crystal (Bridgman)"), form_class("")
    ('film', 'single crystal', '')
    """
    if "not in excerpt" in form:
        return ""
    return next((name for name, words in _FORMS.items() if re.search(words, form)), "")


def question(
    *,
    field_v_mm: float | None = None,
    energy_kev: float | None = None,
    gap_ev: float | None = None,
    mu_tau_cm2_v: float | None = None,
    dimensionality: str = "",
    form: str = "",
    obtained: str = "measured",
) -> dict[str, Any]:
    """Columns of a row to predict; what is not asked for is left open.

    Raises
    ------
    DataError
        For a word that the records don't know, or an impossible number.
    """
    from perospin.database.vocabulary import check_words

    check_words(
        {
            "dimensionality": (dimensionality, ("", "0D", "1D", "2D", "3D")),
            "form": (form, ("", *_FORMS)),
            "obtained": (obtained, ("measured", "computed")),
        }
    )
    numbers = {
        "field_v_mm": ("log_field", field_v_mm, True),
        "energy_kev": ("energy_kev", energy_kev, False),
        "gap_ev": ("sourced_gap_ev", gap_ev, False),
        "mu_tau_cm2_v": ("log_mu_tau", mu_tau_cm2_v, True),
    }
    columns: dict[str, Any] = {"dimensionality": dimensionality, "form": form, "obtained": obtained}
    for what, (column, value, logarithm) in numbers.items():
        if value is None:
            continue
        if not (math.isfinite(value) and value > 0):
            raise DataError(f"{what} is {value:g}; it must be a finite number above 0")
        columns[column], columns[f"{column}_sd"] = (math.log10(value) if logarithm else value), 0.0
    return columns


def cautions(table: pd.DataFrame, material: Any, asked: Mapping[str, Any]) -> list[str]:
    """Say what the records can't support of a prediction."""
    found = []
    if "log_field_sd" in table and (table["log_field_sd"] == 0).any() and "field_v_mm" not in asked:
        found.append(
            "no field was asked for: the interval holds for the fields of the records, most of them not stated"
        )
    mixed = "quantity" in table and (table["quantity"] == "computed").any()
    if mixed and asked.get("obtained", "measured") == "measured":
        found.append("computed gaps are among the training rows, with a quarter of the weight of measured ones")
    return found


def on_record(table: pd.DataFrame, formula: str) -> tuple[dict[str, Any], ...]:
    """List the records of one material: record_id, value (unit of the target), source."""
    return tuple(
        {"record_id": str(row["row"]), "value": float(row["target"]), "source": str(row["source"])}
        for row in table[table["formula"] == formula].to_dict("records")
    )
