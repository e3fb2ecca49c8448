"""One table of descriptors for any list of materials."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from perospin.chemistry import IonLibrary, Perovskite
from perospin.descriptors.cations import cation_values, missing
from perospin.descriptors.intrinsic import (
    AVERAGED,
    COLUMNS,
    DESCRIPTIONS,
    RAW_COLUMNS,
    SITE,
    SPACER,
    butylammonium,
    cation_row,
    derive,
    site_row,
    spacer_row,
)
from perospin.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DESCRIPTIONS", "describe"]


def _average(parts: Iterable[tuple[float, Fraction]]) -> float:
    weighted = [(value, float(amount)) for value, amount in parts]
    total = sum(amount for _, amount in weighted)
    return sum(value * amount for value, amount in weighted) / total if total else math.nan


def _raw_row(material: Perovskite, level: str, compute: bool) -> dict[str, float]:
    """Averages over the ions of one material, with the keys `RAW_COLUMNS`."""
    row: dict[str, float] = {}
    sites = {"spacer_": material.spacers, "a_site_": material.a_site}
    values = {ion: cation_row(ion, level, compute) for site in sites.values() for ion, _ in site}
    sites = {"": (*material.spacers, *material.a_site), **sites}
    for prefix, ions in sites.items():
        for column in AVERAGED:
            row[prefix + column] = _average((values[ion].get(column, math.nan), amount) for ion, amount in ions)
    row["spacer_charge"] = 0.0
    if material.spacers:
        row["spacer_charge"] = _average((float(ion.charge), amount) for ion, amount in material.spacers)
    spacers = [(spacer_row(ion, compute), amount) for ion, amount in material.spacers]
    for column in SPACER:
        row[f"spacer_{column}"] = _average((s.get(column, math.nan), amount) for s, amount in spacers)
    row["barrier_thickness_a"] = _average((s["barrier_a"], amount) for s, amount in spacers)
    for prefix, site in (("metal_", material.b_site), ("halide_", material.x_site)):
        found = [(site_row(ion), amount) for ion, amount in site]
        for column in SITE:
            row[prefix + column] = _average((one[column], amount) for one, amount in found)
    row["bromide_fraction"] = _average((site_row(ion)["bromide_fraction"], amount) for ion, amount in material.x_site)
    return row


def describe_perovskites(materials: Sequence[Perovskite], level: str, compute: bool) -> pd.DataFrame:
    """Intrinsic columns of parsed materials, one row each, indexed by canonical formula."""
    import numpy as np
    import pandas as pd

    rows = [_raw_row(material, level, compute) for material in materials]
    raw = {column: np.array([row[column] for row in rows], dtype=float) for column in RAW_COLUMNS}
    layers = [material.n_layers for material in materials]
    inverse_n = np.array([1 / n if n else 0.0 for n in layers], dtype=float)
    layered = np.array([bool(m.spacers and m.n_layers) for m in materials], dtype=bool)
    index = pd.Index([m.formula for m in materials], name="material")
    return pd.DataFrame(derive(raw, inverse_n, layered, butylammonium(compute)), index=index, columns=list(COLUMNS))


def describe(
    materials: Iterable[str | Perovskite],
    level: str = "fast",
    *,
    ions: IonLibrary | None = None,
    compute: bool = True,
    on_compute: Callable[[str], None] | None = None,
) -> pd.DataFrame:
    """Describe materials by the intrinsic descriptors of their ions.

    Parameters
    ----------
    materials : iterable of str or Perovskite
        Formulas or parsed materials.
    level : {"fast", "published"}
        Level at which cations are described; never mix levels in one model.
    ions : IonLibrary, optional
        Library for formulas with the user's own ions.
    compute : bool
        Whether cations that no shipped table holds are computed (seconds to minutes each, cached).
    on_compute : callable, optional
        Called with the symbol of each cation just before it is computed.

    Returns
    -------
    DataFrame
        One row a material, indexed by its canonical formula; columns as in `DESCRIPTIONS`, and the averaged ones
        again for the spacer (`spacer_`) and the A site (`a_site_`) apart. NaN where something does not exist
        (a spacer's column in a 3D material). `frame.attrs["level"]` names the level.

    Raises
    ------
    FormulaError
        If a formula can't be read.
    QuantumError
        If a cation must be computed and that fails or is not allowed.
    DataError
        If a single text is given instead of a list.
    """
    if isinstance(materials, str | Perovskite):
        raise DataError("describe takes a list of materials, e.g. describe(['MAPbI3'])")
    parsed = [m if isinstance(m, Perovskite) else Perovskite.parse(m, ions=ions) for m in materials]
    if on_compute is not None:
        cations = dict.fromkeys(ion for m in parsed for ion, _ in (*m.spacers, *m.a_site))
        for one in (level, "neutral"):
            for ion in missing(cations, one):
                on_compute(ion.symbol)
                cation_values(ion, one, compute)
    frame = describe_perovskites(parsed, level, compute)
    frame.attrs["level"] = level
    return frame
