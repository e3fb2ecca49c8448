"""What each column of a table of records means, for the schema of a published table."""

from __future__ import annotations

from typing import Any

from perospin.database.record import COLUMNS, CONDITION_UNITS, MOST_LAYERS
from perospin.database.vocabulary import CARRIERS, COMPOSITIONS, EVIDENCE, LIFETIME_CONVENTIONS, LIMITS, PROPERTIES

#: Column, type, description.
_FIELDS: tuple[tuple[str, str, str], ...] = (
    ("record_id", "string", "identifier of the record"),
    ("material", "string", "material as the source writes it"),
    ("formula", "string", "canonical formula; its abbreviations stand in ions.csv; empty if not known"),
    ("composition", "string", "whether the composition is known"),
    ("property", "string", "name of the property, see properties.csv"),
    ("value", "number", "value in the canonical unit"),
    ("unit", "string", "canonical unit of the property"),
    ("uncertainty", "number", "one standard deviation, in the canonical unit"),
    ("limit", "string", "value, or a bound: upper, lower, up_to (largest of a series)"),
    ("original_value", "number", "value as the source states it"),
    ("original_unit", "string", "unit as the source states it"),
    ("dimensionality", "string", "dimensionality as stated"),
    ("n_layers", "integer", "number of octahedral layers; empty for 3D"),
    ("phase", "string", "crystal phase as stated"),
    ("space_group", "string", "space group as stated"),
    ("form", "string", "form of the sample"),
    ("size_nm", "number", "crystal or layer size"),
    ("carrier", "string", "whose spin or mass it is"),
    ("technique", "string", "method of measurement or computation"),
    ("temperature_k", "number", "sample temperature"),
    ("field_t", "number", "magnetic field"),
    ("excitation_nm", "number", "pump wavelength"),
    ("fluence_uj_cm2", "number", "pump fluence"),
    ("lifetime_convention", "string", "meaning of a lifetime; empty if the source does not say"),
    ("direction", "string", "direction of field or crystal"),
    ("handedness", "string", "enantiomer"),
    ("wavelength_nm", "number", "wavelength at which the value was read"),
    ("energy_ev", "number", "photon energy at which the value was read"),
    ("xray_energy_kev", "number", "X-ray photon energy or tube voltage"),
    ("bias_field_v_mm", "number", "electric field"),
    ("device", "string", "device layout as stated"),
    ("estimated", "boolean", "the number was not stated as such: derived, assumed or an order of magnitude"),
    ("theory", "boolean", "computed, not measured"),
    ("doi", "string", "DOI of the source"),
    ("first_author", "string", "first author of the source, or who measured it"),
    ("year", "integer", "year of the source"),
    ("located_in", "string", "place in the source"),
    ("evidence", "string", "primary: read in the work that reports it; secondary: quoted elsewhere"),
    ("url", "string", "page where it was read"),
    ("note", "string", "what else the reader must know"),
    ("origin", "string", "table, row and column (or file) it was taken from"),
)
_WORDS = {
    "composition": COMPOSITIONS,
    "limit": LIMITS,
    "carrier": CARRIERS,
    "evidence": EVIDENCE,
    "lifetime_convention": LIFETIME_CONVENTIONS,
    "property": tuple(PROPERTIES),
}
_POSITIVE = ("size_nm", "excitation_nm", "wavelength_nm", "energy_ev", "xray_energy_kev")
_ALWAYS = ("material", "property", "value", "unit")


def record_fields() -> list[dict[str, Any]]:
    """Fields of a table of records, in their order, as a table schema of the Frictionless standard has them.

    A unit stands in the entry ``unit`` (the standard allows entries of one's own).
    """
    found = []
    for name, kind, description in _FIELDS:
        field: dict[str, Any] = {"name": name, "type": kind, "description": description}
        if name in CONDITION_UNITS:
            field["unit"] = CONDITION_UNITS[name]
        constraints: dict[str, Any] = {"required": True} if name in _ALWAYS else {}
        if name in _WORDS:
            constraints["enum"] = list(_WORDS[name])
        if kind == "boolean":
            field |= {"trueValues": ["true"], "falseValues": ["false"]}
        if name == "n_layers":
            constraints |= {"minimum": 1, "maximum": MOST_LAYERS}
        elif name in ("uncertainty", "temperature_k", "fluence_uj_cm2", *_POSITIVE):
            constraints["minimum"] = 0
        if constraints:
            field["constraints"] = constraints
        found.append(field)
    if [field["name"] for field in found] != list(COLUMNS):
        raise AssertionError("the words for the columns of a record don't follow COLUMNS")
    return found
