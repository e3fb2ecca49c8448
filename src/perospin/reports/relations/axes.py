"""What can stand on an axis: a property of the records, a condition of a record, or a column of known crystals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.database import PROPERTIES, Record, select_records
from perospin.database.vocabulary import CARRIERS
from perospin.errors import DataError, FormulaError
from perospin.similar import did_you_mean

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CONDITION_AXES", "CRYSTAL_AXES", "Axis", "axes_listed", "axis", "values_of", "words_of"]

CONDITION_AXES: Mapping[str, tuple[str, str]] = {
    "n_layers": ("layers n, from the formula", ""),
    "temperature_k": ("temperature", "K"),
    "field_t": ("magnetic field", "T"),
    "fluence_uj_cm2": ("pump fluence", "µJ/cm²"),
    "size_nm": ("size", "nm"),
    "year": ("year of publication", ""),
}
"""Axes that belong to a record, not to a material: name to words and unit."""

CRYSTAL_AXES: Mapping[str, tuple[str, str]] = {
    "delta_beta_deg": ("bond-angle disparity Δβ of the crystals", "deg"),
    "delta_beta_in_deg": ("in-plane bond-angle disparity of the crystals", "deg"),
    "layer_spacing_a": ("layer spacing of the crystals", "Å"),
    "bxb_angle_in_plane_deg": ("metal-halide-metal angle in the sheet, of the crystals", "deg"),
    "bx_length_mean_a": ("metal-halide distance of the crystals", "Å"),
    "distortion_index": ("bond-length distortion of the octahedra, of the crystals", ""),
    "bond_angle_variance_deg2": ("bond-angle variance of the octahedra, of the crystals", "deg²"),
}
"""Axes from crystals of the same composition: name to words and unit."""


@dataclass(frozen=True)
class Axis:
    """One axis.

    Attributes
    ----------
    name : str
        As it was asked for, ``g_factor:hole`` for one carrier.
    kind : str
        ``"property"``, ``"condition"`` or ``"crystal"``.
    column : str
        The name without a carrier.
    carrier : str
        Empty for all.
    words, unit : str
    """

    name: str
    kind: str
    column: str
    carrier: str
    words: str
    unit: str

    @property
    def label(self) -> str:
        """Words and unit, for a figure."""
        return f"{self.words} ({self.unit})" if self.unit else self.words


def axes_listed() -> dict[str, str]:
    """Names of all axes and what they are; properties without a record are left out."""
    from perospin.database import curated_records

    held = {record.property for record in curated_records()}
    found = {name: PROPERTIES[name].description for name in PROPERTIES if name in held}
    return found | {name: words for name, (words, _) in (*CONDITION_AXES.items(), *CRYSTAL_AXES.items())}


def axis(name: str) -> Axis:
    """Read the name of an axis.

    Raises
    ------
    DataError
        If there is no such axis or carrier; a close name is suggested.
    """
    column, _, carrier = name.strip().partition(":")
    if carrier and carrier not in CARRIERS:
        raise DataError(f"unknown carrier '{carrier:.40}' in '{name:.60}'; use one of: {', '.join(CARRIERS)}")
    for kind, table in (("condition", CONDITION_AXES), ("crystal", CRYSTAL_AXES)):
        if column in table:
            if carrier:
                raise DataError(f"'{column}' belongs to no carrier; write '{column}' alone")
            return Axis(name, kind, column, "", *table[column])
    if column not in PROPERTIES:
        hint = did_you_mean(column, axes_listed(), otherwise="`perospin data list` shows the names")
        raise DataError(f"unknown quantity '{column:.60}'; {hint}")
    unit = PROPERTIES[column].unit
    words = column.replace("_", " ").replace("xray", "X-ray") + (f" of the {carrier}" if carrier else "")
    return Axis(name, "property", column, carrier, words, "" if unit == "1" else unit)


def values_of(asked: Axis, **filters: Any) -> list[Record]:
    """Select the records of a property, one carrier's where the axis names one; bounds and largest values are left out.

    Parameters
    ----------
    asked : Axis
        Of the kind ``"property"``.
    **filters
        As `perospin.database.select_records` takes them.
    """
    given = {**filters, **({"carrier": asked.carrier} if asked.carrier else {})}
    return [record for record in select_records(asked.column, **given) if record.limit == "value" and record.formula]


def condition_of(record: Record, column: str) -> float:
    """Give the number that a record states for a condition axis; NaN where it states none."""
    from perospin.chemistry import Perovskite

    if column == "year":
        return float(record.source.year or np.nan)
    if column == "n_layers":
        try:
            layers = Perovskite.parse(record.formula).n_layers
        except FormulaError:
            layers = None
        return float(layers or np.nan)
    value = getattr(record.conditions, column)
    return float("nan") if value is None else float(value)


def crystal_value(formula: str, column: str) -> tuple[float, str]:
    """Median over the known crystals of a composition, and which they are; NaN where none is known."""
    from perospin.descriptors.crystals import crystals_of

    known: pd.DataFrame = crystals_of(formula)
    values = known[column].dropna()
    return (float(values.median()), f"{len(values)} crystal{'s' * (len(values) > 1)}") if len(values) else (np.nan, "")


def words_of(record: Record) -> str:
    """Say in one line what a record holds: material, value, conditions, who."""
    conditions = record.conditions
    told = [
        "" if conditions.temperature_k is None else f"{conditions.temperature_k:g} K",
        "" if conditions.field_t is None else f"{conditions.field_t:g} T",
        conditions.technique,
        conditions.form,
        "" if conditions.carrier == "unspecified" else conditions.carrier,
        record.source.label,
    ]
    bound = {"upper": "< ", "lower": "> ", "up_to": "up to "}.get(record.limit, "")
    unit = "" if record.unit == "1" else f" {record.unit}"
    return f"{record.formula or record.material}, {bound}{record.value:.4g}{unit}; " + ", ".join(filter(None, told))


def source_of(record: Record) -> str:
    """Address of the source of a record; empty if it has none."""
    return f"https://doi.org/{record.source.doi}" if record.source.doi else record.source.url
