"""Groups of rows that validation may hold out as wholes: spacers, families, layers."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.errors import DataError, StudyError

if TYPE_CHECKING:
    import pandas as pd

    from perospin.studies.declaration.sections import DataSection


def spacer_group(material: Any) -> str:
    """Name the spacer of a layered material; a 3D one is named after its main A-site cation (``3D-MA``)."""
    if material.spacers:
        return "+".join(sorted(ion.symbol for ion, _ in material.spacers))
    if material.a_site:
        return "3D-" + max(material.a_site, key=lambda pair: pair[1])[0].symbol
    return "no cation"


def spacer_family(material: Any) -> str:
    """Name the kind of spacer: its charge and its skeleton, for example ``monovalent aromatic``; 3D ones have none."""
    from perospin.descriptors.molecules import group_flags

    kinds = set()
    for ion, _ in material.spacers:
        charge = {1: "monovalent", 2: "divalent"}.get(ion.charge, f"charge {ion.charge}")
        if ion.smiles is None:
            kinds.add(f"{charge} inorganic")
            continue
        flags = group_flags(ion.smiles)
        kinds.add(f"{charge} {'aromatic' if flags['aromatic'] else 'ring' if flags['ring'] else 'chain'}")
    return "+".join(sorted(kinds)) or "no spacer"


def layer_group(material: Any) -> str:
    """Name the number of layers, ``n = 2``; ``3D`` for bulk."""
    return "3D" if material.n_layers is None else f"n = {material.n_layers}"


def _sites(part: Iterable[tuple[Any, Fraction]]) -> str:
    return "+".join(sorted(ion.symbol for ion, _ in part))


def _group(
    definition: str,
    frame: pd.DataFrame,
    labels: pd.Series,
    described: list[str],
    materials: list[Any],
    section: DataSection,
) -> list[str]:
    """Group labels: ``column:NAME``, source, row, or what the formula says (formula, spacer, halide, layers...)."""
    if definition.startswith("column:"):
        return [str(value) for value in frame[definition.removeprefix("column:")]]
    readers: dict[str, Callable[[Any], str]] = {
        "formula": str,
        "spacer": spacer_group,
        "spacer_family": spacer_family,
        "a_site": lambda m: _sites(m.a_site) or "none",
        "metal": lambda m: _sites(m.b_site),
        "halide": lambda m: _sites(m.x_site),
        "layers": layer_group,
        "family": lambda m: str(m.family),
    }
    if definition == "source":
        if section.source_column is None:
            raise StudyError("groups by source need the key source_column in [data], the column with each row's source")
        return [str(value) for value in frame[section.source_column]]
    if definition != "row" and definition not in readers:
        raise StudyError(
            f"group definition '{definition}' is unknown; allowed: column:NAME, row, source, {', '.join(readers)}"
        )
    if definition == "row":
        return [f"row {label}" for label in labels]
    reader = readers[definition]
    # A row without a formula can't be shown to belong anywhere, so it stands alone.
    return [
        f"row {label}" if material is None else reader(material)
        for label, material in zip(labels, materials, strict=True)
    ]


def _time(cell: Any, label: str, column: str, where: str) -> float:
    """Read a year (2021, 2021.5) or an ISO date (2021-06-30) as a number of years."""
    text = str(cell).strip()
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}([T ].*)?", text):
        try:
            day = datetime.date.fromisoformat(text[:10])
        except ValueError:
            pass
        else:
            start, end = datetime.date(day.year, 1, 1), datetime.date(day.year + 1, 1, 1)
            return day.year + (day - start).days / (end - start).days
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise DataError(f"{where}, row {label}, column '{column}': '{text}' is neither a year nor a date (2021-06-30)")
    return value
