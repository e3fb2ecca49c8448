"""Read records: the curated tables of the package and the user's store together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from perospin.database.benchmark import data_file
from perospin.database.record import COLUMNS, Record, canonical_formula
from perospin.database.vocabulary import CARRIERS, EVIDENCE, get_property
from perospin.errors import DataError, FormulaError
from perospin.text import shorten

if TYPE_CHECKING:
    import pandas as pd

    from perospin.database.store import Store

CURATED: dict[str, str] = {
    "spin_lifetimes_layered": "spin lifetimes of layered perovskites, from abstracts",
    "spin_lifetimes_3d_nc": "spin lifetimes of 3D perovskites and nanocrystals, from abstracts",
    "spin_lifetimes_papers": "spin lifetimes read in the text and figures of papers",
    "spin52": "the 52 spin relaxation rates of 10.1039/d5sc07406a as lifetimes",
    "g_factors": "electron, hole and exciton g factors",
    "spin_splitting": "Rashba coefficients and spin splitting energies",
    "excitons": "binding energies, gaps, masses, mobilities, phonon energies, permittivities",
    "chiral_spin": "circular dichroism, polarised emission, spin-selective transport",
    "structures": "unit cells and geometry",
    "xray_detectors": "X-ray detectors: sensitivity, detection limit, transport",
    "hoip192": "HSE06 band gaps of 192 hybrid perovskites (theory)",
    "thin_film": "instability of caesium, formamidinium and methylammonium lead iodide alloys",
}


@cache
def curated_table(name: str) -> tuple[Record, ...]:
    """Read the records of one curated table.

    Raises
    ------
    DataError
        If there is no such table.
    """
    from perospin.database.tidy import read_records

    if name not in CURATED:
        raise DataError(f"no curated table '{shorten(name)}'; there are: {', '.join(CURATED)}")
    return tuple(read_records(data_file(f"records/{name}.csv"), trusted=True))


def curated_records() -> tuple[Record, ...]:
    """All curated records, table after table."""
    return tuple(record for name in CURATED for record in curated_table(name))


def select_records(
    property: str | Sequence[str] | None = None,
    material: str | None = None,
    *,
    include_unknown: bool = False,
    include_theory: bool = False,
    table: str | None = None,
    technique: str | None = None,
    carrier: str | None = None,
    evidence: str | None = None,
    source: str | None = None,
    temperature_k: tuple[float | None, float | None] | None = None,
    user: bool = True,
    store: Store | Path | str | None = None,
) -> list[Record]:
    """Curated and user's records that pass every given filter.

    Parameters
    ----------
    property
        Name or names from `PROPERTIES`. Spin lifetimes of different kinds are different properties; asking for
        several returns them side by side, told apart by `Record.property`.
    material
        Formula in any notation (compared by canonical formula), or part of a description in words.
    include_unknown
        Also records whose composition is not known or not a formula.
    include_theory
        Also computed values.
    table
        Only this curated table, or ``"user"`` for the store.
    technique, source
        Part of the technique; part of the DOI, first author or URL. Case is ignored.
    carrier, evidence
        Exact words.
    temperature_k
        Lowest and highest temperature (K), either may be None; records without a stated temperature are then
        left out.
    user
        Whether to read the user's store.
    store
        Store, or where it lies; by default the user's.

    Returns
    -------
    list of Record

    Raises
    ------
    DataError
        If a name is not in the vocabulary.
    """
    wanted = {get_property(name).name for name in ([property] if isinstance(property, str) else property or [])}
    for what, given, known in (("carrier", carrier, CARRIERS), ("evidence", evidence, EVIDENCE)):
        if given and given not in known:
            raise DataError(f"unknown {what} '{shorten(given)}'; use one of: {', '.join(known)}")
    records: Iterable[Record]
    if table is not None and table != "user":
        records = curated_table(table)
    else:
        records = [] if table == "user" else curated_records()
        if user:
            records = [*records, *_user_records(store)]
    formula, words = _material_key(material)
    low, high = temperature_k or (None, None)

    def passes(record: Record) -> bool:
        conditions, origin = record.conditions, record.source
        if wanted and record.property not in wanted:
            return False
        if not include_unknown and record.composition != "known":
            return False
        if not include_theory and record.theory:
            return False
        if material is not None:
            same = bool(formula) and record.formula == formula
            if not same and (formula or words not in record.material.lower()):
                return False
        if technique and technique.lower() not in conditions.technique.lower():
            return False
        if carrier and carrier != conditions.carrier:
            return False
        if evidence and evidence != origin.evidence:
            return False
        if source and source.lower() not in f"{origin.doi} {origin.first_author} {origin.url}".lower():
            return False
        if low is not None or high is not None:
            temperature = conditions.temperature_k
            if temperature is None:
                return False
            if (low is not None and temperature < low) or (high is not None and temperature > high):
                return False
        return True

    return [record for record in records if passes(record)]


def load_records(
    property: str | Sequence[str] | None = None,
    material: str | None = None,
    *,
    include_unknown: bool = False,
    include_theory: bool = False,
    table: str | None = None,
    technique: str | None = None,
    carrier: str | None = None,
    evidence: str | None = None,
    source: str | None = None,
    temperature_k: tuple[float | None, float | None] | None = None,
    user: bool = True,
    store: Store | Path | str | None = None,
) -> pd.DataFrame:
    """Curated and user's records as a table; the parameters are those of `select_records`.

    Returns
    -------
    pandas.DataFrame
        One row a record, index `record_id`, columns as in `COLUMNS`; `value` is in `unit`, the canonical unit of
        `property`; a missing number is NaN.

    Raises
    ------
    DataError
        If a name is not in the vocabulary.

    Examples
    --------
    >>> float(load_records("tau_spin", "(APD)PbI4", user=False)["value"].min())  # ps
    7.751937984496124
    """
    return to_frame(
        select_records(
            property,
            material,
            include_unknown=include_unknown,
            include_theory=include_theory,
            table=table,
            technique=technique,
            carrier=carrier,
            evidence=evidence,
            source=source,
            temperature_k=temperature_k,
            user=user,
            store=store,
        )
    )


def to_frame(records: Iterable[Record]) -> pd.DataFrame:
    """Arrange records as a table with index `record_id`; see `load_records`."""
    import pandas as pd

    frame = pd.DataFrame([record.to_dict() for record in records], columns=list(COLUMNS))
    for name in ("year", "n_layers"):
        frame[name] = frame[name].astype("Int64")
    numbers = [
        "value", "uncertainty", "original_value", "size_nm", "temperature_k", "field_t", "excitation_nm",
        "fluence_uj_cm2", "wavelength_nm", "energy_ev", "xray_energy_kev", "bias_field_v_mm",
    ]  # fmt: skip
    frame[numbers] = frame[numbers].astype(float)
    frame[["estimated", "theory"]] = frame[["estimated", "theory"]].astype(bool)
    return frame.set_index("record_id")


def _user_records(store: Store | Path | str | None) -> list[Record]:
    from perospin.database.store import Store

    if isinstance(store, Store):
        return store.query()
    with Store.open(store) as opened:
        if store is not None and not opened.exists:
            raise DataError(f"there is no store at '{opened.location}'; `perospin data import` and `add` make one")
        return opened.query()


def _material_key(material: str | None) -> tuple[str, str]:
    """Canonical formula and lower-case words of what the user asked for."""
    if material is None:
        return "", ""
    try:
        return canonical_formula(material), material.lower()
    except FormulaError:
        return "", material.lower().strip()
