"""Measured structural features of materials: from the curated records and the user's store, with their sources.

Several records of one quantity are reduced by one rule (`RULE`), and every number keeps the records behind it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perospin.chemistry import Perovskite
from perospin.database.record import Record

if TYPE_CHECKING:
    from perospin.database import Store

RULE = (
    "Measured values of known composition; polymorphs called non-perovskite are left out. Stated values come before "
    "estimated ones, and those before bounds; extended crystals and films before nanocrystals; then 273 to 320 K "
    "before no stated temperature before the nearest other temperature. The median of what is left is the value. "
    "Cell parameters are taken together from one determination, never mixed. Spacing, metal-halide distance and angle "
    "that no record states come from the shipped crystals of the composition, the median of several."
)
"""How one value is made of several records, in words."""

MEASURED_DESCRIPTIONS: Mapping[str, str] = {
    "measured_exciton_binding_energy_mev": "measured exciton binding energy (meV)",
    "measured_log10_exciton_binding_energy": "log10 of the measured exciton binding energy in meV",
    "measured_band_gap_ev": "measured band gap (eV)",
    "measured_lattice_a_a": "measured cell edge a, in the setting of its source (A)",
    "measured_lattice_b_a": "measured cell edge b, in the setting of its source (A)",
    "measured_lattice_c_a": "measured cell edge c, in the setting of its source (A)",
    "measured_lattice_alpha_deg": "measured cell angle alpha (deg)",
    "measured_lattice_beta_deg": "measured cell angle beta (deg)",
    "measured_lattice_gamma_deg": "measured cell angle gamma (deg)",
    "measured_cell_volume_a3": "measured cell volume, stated or from edges and angles of the same cell (A^3)",
    "measured_volume_per_metal_a3": "measured cell volume per metal atom (A^3), where Z is stated",
    "measured_layer_spacing_a": "measured distance between neighbouring inorganic layers (A)",
    "measured_metal_halide_distance_a": "measured mean metal-halide distance (A)",
    "measured_metal_halide_metal_angle_deg": "measured mean metal-halide-metal angle (deg)",
}
"""Column -> what it is, with its unit."""

STRUCTURAL = frozenset(name for name in MEASURED_DESCRIPTIONS if "exciton" not in name and "gap" not in name)
"""Columns that a crystal structure answers better: filled only where none is given."""

_ALONE = {
    "exciton_binding_energy": "measured_exciton_binding_energy_mev",
    "band_gap": "measured_band_gap_ev",
    "layer_spacing": "measured_layer_spacing_a",
    "metal_halide_distance": "measured_metal_halide_distance_a",
    "metal_halide_metal_angle": "measured_metal_halide_metal_angle_deg",
}
_CELL = {
    "lattice_a": "measured_lattice_a_a",
    "lattice_b": "measured_lattice_b_a",
    "lattice_c": "measured_lattice_c_a",
    "lattice_alpha": "measured_lattice_alpha_deg",
    "lattice_beta": "measured_lattice_beta_deg",
    "lattice_gamma": "measured_lattice_gamma_deg",
    "cell_volume": "measured_cell_volume_a3",
    "formula_units_per_cell": "",
}
_ROOM_K = (273.0, 320.0)
_NANO = re.compile(r"nano|quantum dot|\bNCs?\b|\bQDs?\b", re.IGNORECASE)


@dataclass(frozen=True)
class MeasuredValue:
    """One number for one material, and the records behind it.

    Attributes
    ----------
    material
        Canonical formula.
    column
        Name from `MEASURED_DESCRIPTIONS`.
    value
        In the unit of the column.
    lowest, highest
        Range of the records that were used.
    kind
        ``"stated"``, ``"estimated"`` or ``"bound"``.
    temperature
        ``"room temperature"``, ``"not stated"`` or the temperature in kelvin.
    records
        The records that were used.
    left_out
        Number of records of the same quantity that the rule left out.
    """

    material: str
    column: str
    value: float
    lowest: float
    highest: float
    kind: str
    temperature: str
    records: tuple[Record, ...]
    left_out: int

    def sources(self) -> list[dict[str, Any]]:
        """One flat row a record: what was made of it, and where it was read."""
        return [
            {
                "material": self.material,
                "column": self.column,
                "value": self.value,
                "lowest": self.lowest,
                "highest": self.highest,
                "kind": self.kind,
                "temperature": self.temperature,
                "records_used": len(self.records),
                "records_left_out": self.left_out,
                "record_id": record.record_id,
                "record_value": record.value,
                "record_unit": record.unit,
                "uncertainty": record.uncertainty,
                "technique": record.conditions.technique,
                "phase": record.conditions.phase,
                "doi": record.source.doi,
                "first_author": record.source.first_author,
                "year": record.source.year,
                "located_in": record.source.located_in,
                "evidence": record.source.evidence,
                "url": record.source.url,
                "note": record.note,
            }
            for record in self.records
        ]


SOURCE_COLUMNS = (
    "material", "column", "value", "lowest", "highest", "kind", "temperature", "records_used", "records_left_out",
    "record_id", "record_value", "record_unit", "uncertainty", "technique", "phase", "doi", "first_author", "year",
    "located_in", "evidence", "url", "note",
)  # fmt: skip
"""Columns of the table of sources."""


class MeasuredTable:
    """Measured features by canonical formula; the records are read once.

    Parameters
    ----------
    store
        The user's store, or where it lies; by default the user's own. Its records count like the curated ones.
    """

    def __init__(self, store: Store | Path | str | None = None) -> None:
        from perospin.database.query import select_records

        self._records: dict[str, list[Record]] = {}
        for record in select_records([*_ALONE, *_CELL], store=store):
            if "non-perovskite" not in record.conditions.phase.lower():
                self._records.setdefault(record.formula, []).append(record)
        self._found: dict[str, tuple[MeasuredValue, ...]] = {}

    def __contains__(self, formula: object) -> bool:
        return formula in self._records

    def values(self, formula: str) -> tuple[MeasuredValue, ...]:
        """All measured features of a material, by `RULE`; empty where nothing is known."""
        if formula not in self._found:
            records = self._records.get(formula, [])
            alone = [
                r for p in _ALONE if (r := _alone(formula, p, [x for x in records if x.property == p])) is not None
            ]
            binding = next((v for v in alone if v.column == _ALONE["exciton_binding_energy"]), None)
            if binding is not None:
                alone.append(_log10(binding))
            cell = _cell(formula, [record for record in records if record.property in _CELL])
            names = list(MEASURED_DESCRIPTIONS)
            self._found[formula] = tuple(sorted((*alone, *cell), key=lambda value: names.index(value.column)))
        return self._found[formula]


def measured_rows(
    formulas: Sequence[str | None], with_structure: Iterable[bool], table: MeasuredTable | None = None
) -> tuple[dict[str, list[float]], list[dict[str, Any]], list[str]]:
    """Look up the measured features of materials, with their sources.

    Parameters
    ----------
    formulas
        Canonical formula of each row; None where it isn't known.
    with_structure
        Whether the row's own crystal structure is given: then `STRUCTURAL` columns stay empty.
    table
        Where to look; read afresh if not given.

    Returns
    -------
    columns
        `MEASURED_DESCRIPTIONS`, each a list of numbers, NaN where nothing is known.
    sources
        One row a record, with the keys `SOURCE_COLUMNS`; each material once.
    warnings
        One sentence for each material whose geometry comes from crystals at different temperatures.
    """
    table = MeasuredTable() if table is None else table
    columns = {name: [math.nan] * len(formulas) for name in MEASURED_DESCRIPTIONS}
    told: set[tuple[str, str]] = set()
    sources: list[dict[str, Any]] = []
    warnings: list[str] = []
    for i, (formula, given) in enumerate(zip(formulas, with_structure, strict=True)):
        known = [v for v in (table.values(formula) if formula else ()) if not (given and v.column in STRUCTURAL)]
        for found in known:
            columns[found.column][i] = found.value
            if (found.material, found.column) not in told:
                told.add((found.material, found.column))
                sources += found.sources()
        recorded = {v.column for v in known}
        for crystal in _of_crystals(formula) if formula and not given else ():
            if crystal["column"] not in recorded:  # what a record says was read in the paper itself
                columns[crystal["column"]][i] = crystal["value"]
                if (formula or "", crystal["column"]) not in told:
                    told.add((formula or "", crystal["column"]))
                    sources.append(crystal)
        geometry = {v.temperature: v.column.removeprefix("measured_") for v in known if v.column in STRUCTURAL}
        if len(geometry) > 1:
            parts = ", ".join(f"{column} ({temperature})" for temperature, column in geometry.items())
            warnings.append(f"{formula}: measured geometry is of different crystals or temperatures: {parts}")
    return columns, sources, list(dict.fromkeys(warnings))


_OF_CRYSTALS = {
    "layer_spacing_a": "measured_layer_spacing_a",
    "bx_length_mean_a": "measured_metal_halide_distance_a",
    "bxb_angle_mean_deg": "measured_metal_halide_metal_angle_deg",
}


def _of_crystals(formula: str) -> list[dict[str, Any]]:
    """Geometry of the shipped crystals of a composition, the median of several: rows with the keys `SOURCE_COLUMNS`."""
    from perospin.descriptors.crystals import crystals_of

    rows: list[dict[str, Any]] = []
    crystals = crystals_of(formula)
    for name, column in _OF_CRYSTALS.items():
        values = crystals[name].dropna()
        if len(values):
            stated: dict[str, Any] = {
                "material": formula, "column": column, "value": float(values.median()), "lowest": float(values.min()),
                "highest": float(values.max()), "kind": "crystal", "temperature": "not stated",
                "records_used": len(values), "records_left_out": 0, "doi": "10.1039/d5dd00163c",
                "located_in": f"table structures_2d: {', '.join(crystals.loc[values.index, 'file'])}",
                "evidence": "computed from the deposited crystal",
            }  # fmt: skip
            rows.append({key: stated.get(key) for key in SOURCE_COLUMNS})
    return rows


# --- the rule ----------------------------------------------------------------------------------------------------


def _quality(record: Record) -> int:
    return 2 if record.limit != "value" else 1 if record.estimated else 0


def _warmth(record: Record) -> float:
    """0 at room temperature, 1 where it isn't stated, else 1 + the distance from room temperature (K)."""
    temperature = record.conditions.temperature_k
    if temperature is None:
        return 1.0
    low, high = _ROOM_K
    return 0.0 if low <= temperature <= high else 1.0 + max(low - temperature, temperature - high)


def _rank(record: Record) -> tuple[int, bool, float]:
    conditions = record.conditions
    small = conditions.size_nm is not None or _NANO.search(conditions.form) is not None
    return _quality(record), small, _warmth(record)


def _made(formula: str, column: str, value: float, records: Sequence[Record], left_out: int) -> MeasuredValue:
    first, numbers = records[0], [record.value for record in records]
    warmth = _warmth(first)
    return MeasuredValue(
        material=formula,
        column=column,
        value=value,
        lowest=min(numbers),
        highest=max(numbers),
        kind=("stated", "estimated", "bound")[_quality(first)],
        temperature=(
            "room temperature"
            if warmth == 0
            else "not stated"
            if warmth == 1
            else f"{first.conditions.temperature_k:g} K"
        ),
        records=tuple(records),
        left_out=left_out,
    )


def _alone(formula: str, property: str, records: Sequence[Record]) -> MeasuredValue | None:
    """Median of the best records of one property."""
    from statistics import median

    if not records:
        return None
    best = min(map(_rank, records))
    used = [record for record in records if _rank(record) == best]
    value = float(median(record.value for record in used))
    return _made(formula, _ALONE[property], value, used, len(records) - len(used))


def _log10(binding: MeasuredValue) -> MeasuredValue:
    from dataclasses import replace

    return replace(
        binding,
        column="measured_log10_exciton_binding_energy",
        value=math.log10(binding.value),
        lowest=math.log10(binding.lowest),
        highest=math.log10(binding.highest),
    )


def _cell(formula: str, records: Sequence[Record]) -> list[MeasuredValue]:
    """Cell parameters of the best single determination: same source, same conditions, same remark."""
    cells: dict[Any, dict[str, Record]] = {}
    for record in records:
        cells.setdefault((record.source, record.conditions, record.note), {}).setdefault(record.property, record)
    cells = {key: cell for key, cell in cells.items() if "lattice_a" in cell or "cell_volume" in cell}
    if not cells:
        return []

    def order(cell: Mapping[str, Record]) -> tuple[Any, ...]:
        worst = max(map(_rank, cell.values()))
        return (*worst, -len(cell), next(iter(cell.values())).source.evidence != "primary")

    chosen = min(cells.values(), key=order)
    left_out = len(cells) - 1
    found = [
        _made(formula, column, chosen[name].value, [chosen[name]], left_out)
        for name, column in _CELL.items()
        if column and name in chosen
    ]
    volume, used = _volume(chosen)
    if volume is None:
        return found
    if "cell_volume" not in chosen:
        found.append(_derived(formula, "measured_cell_volume_a3", volume, used, left_out))
    units = chosen.get("formula_units_per_cell")
    if units is not None:
        metals = float(sum(amount for _, amount in Perovskite.parse(formula).b_site))
        per_metal = volume / (units.value * metals)
        found.append(_derived(formula, "measured_volume_per_metal_a3", per_metal, [*used, units], left_out))
    return found


def _derived(formula: str, column: str, value: float, records: Sequence[Record], left_out: int) -> MeasuredValue:
    """Make a value of several quantities of one cell: it has no range of its own."""
    from dataclasses import replace

    return replace(_made(formula, column, value, records, left_out), lowest=value, highest=value)


def _volume(cell: Mapping[str, Record]) -> tuple[float | None, list[Record]]:
    """Volume of a cell in cubic angstrom: as stated, else from all six parameters."""
    if "cell_volume" in cell:
        return cell["cell_volume"].value, [cell["cell_volume"]]
    names = [f"lattice_{name}" for name in ("a", "b", "c", "alpha", "beta", "gamma")]
    if any(name not in cell for name in names):
        return None, []
    a, b, c, *angles = (cell[name].value for name in names)
    alpha, beta, gamma = (math.cos(math.radians(angle)) for angle in angles)
    return a * b * c * math.sqrt(1 - alpha**2 - beta**2 - gamma**2 + 2 * alpha * beta * gamma), [cell[n] for n in names]
