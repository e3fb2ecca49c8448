"""How far to trust relaxed starts: all of them with their energies, and what they agree about."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from perospin.descriptors.structure.describing import describe_structure
from perospin.descriptors.structure.identify import identify
from perospin.descriptors.structure.ordering import read_sites
from perospin.descriptors.structure.relaxing.files import Outcome
from perospin.descriptors.structure.relaxing.trust_table import SAME_MEV
from perospin.descriptors.structure.symmetry import group_within
from perospin.errors import DataError, StructureError

if TYPE_CHECKING:
    import pandas as pd
    from pymatgen.core import Structure

    from perospin.chemistry import IonLibrary, Perovskite

__all__ = ["JUDGED", "WINDOW_MEV", "Interval", "intervals", "rank_starts", "resting_group"]

WINDOW_MEV = 50.0
"""Starts up to so far above the lowest (meV per spacer) could as well be the crystal."""

JUDGED = (
    "layer_spacing_a", "area_per_b_a2", "bxb_angle_in_plane_deg", "bxb_angle_mean_deg", "bx_length_mean_a",
    "sigma_deg", "delta_beta_deg", "nitrogen_depth_a", "layer_shift_t1", "layer_shift_t2",
)  # fmt: skip
"""Columns of `describe_structure` that get an interval."""

_SAME_A, _SAME_DEG = 0.05, 1.0
"""Within all three, two starts ended in one minimum."""
_REST_A = 0.1


@dataclass(frozen=True)
class Interval:
    """What starts of one material agree about.

    Attributes
    ----------
    value : float
        Of the start with the lowest energy.
    low, high : float
        Extremes over all starts within the window; NaN if only one start lies in it, as one start tells no spread.
    n_starts : int
        Starts within the window.
    """

    value: float
    low: float
    high: float
    n_starts: int


def rank_starts(outcomes: Iterable[Outcome], ions: IonLibrary | None = None) -> pd.DataFrame:
    """List relaxed crystals by material and energy.

    Parameters
    ----------
    outcomes : iterable of Outcome
        From :func:`relax_files`.
    ions : IonLibrary, optional
        Library that knows the spacers.

    Returns
    -------
    DataFrame, one row a file
        ``material`` (empty where the molecules aren't told: in a start of a known material a bond broke or a proton
        moved), ``energy_above_lowest_mev`` (per ``unit``: spacer, or metal where there is none; within one material
        and one engine), ``rank`` (1 is the lowest), ``same_as`` (file of lower energy that ended in the same minimum:
        within 5 meV, 0.05 A and 1 degree), ``in_window``, ``space_group`` (within 0.1 A), `JUDGED`, residual force
        and stress, ``converged``, engine and dispersion, ``remark``. Files that were not relaxed come last, with the
        reason as the remark. Crystals that did not converge have no rank: their energy is only an upper limit.
    """
    import pandas as pd

    rows = [_row(outcome, ions) for outcome in outcomes]
    frame = pd.DataFrame(rows, columns=_COLUMNS)
    ranked = frame[(frame["material"] != "") & frame["converged"].astype(bool)]
    for _, group in ranked.groupby(["material", "engine", "version", "dispersion"], sort=False):
        ordered = group.sort_values("energy_ev_per_unit", kind="stable")
        above = 1000.0 * (ordered["energy_ev_per_unit"] - ordered["energy_ev_per_unit"].iloc[0])
        frame.loc[ordered.index, "energy_above_lowest_mev"] = above
        frame.loc[ordered.index, "rank"] = range(1, len(ordered) + 1)
        frame.loc[ordered.index, "in_window"] = above <= WINDOW_MEV
        frame.loc[ordered.index, "same_as"] = _same(frame.loc[ordered.index])
    return frame.sort_values(
        ["material", "rank"], key=lambda c: c.replace("", "~") if c.name == "material" else c, kind="stable"
    ).reset_index(drop=True)


_COLUMNS = (
    "file", "material", "rank", "energy_above_lowest_mev", "in_window", "same_as", "converged", "space_group", *JUDGED,
    "energy_ev", "energy_ev_per_unit", "unit", "n_atoms", "force_ev_a", "stress_gpa", "steps", "seconds", "engine",
    "version", "dispersion", "remark",
)  # fmt: skip


def _row(outcome: Outcome, ions: IonLibrary | None) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(_COLUMNS, math.nan)
    row |= {"file": outcome.source, "material": "", "in_window": False, "same_as": "", "space_group": ""}
    row |= {"unit": "", "engine": "", "version": "", "dispersion": "", "remark": outcome.reason, "converged": False}
    row |= {name: outcome.values[name] for name in _COLUMNS if name in outcome.values}
    if outcome.crystal is None:
        return row
    structure = outcome.structure()
    found = identify(structure, ions)
    if found.material is None:
        row["remark"] = found.reason
    else:
        counted = found.material.spacers or found.material.b_site
        row["material"] = found.material.formula
        row["unit"] = "spacer" if found.material.spacers else "metal"
        row["energy_ev_per_unit"] = row["energy_ev"] / sum(found.amounts[ion.symbol] for ion, _ in counted)
        if not row["converged"]:
            row["remark"] = "not converged: give it more steps"
    try:
        described = describe_structure(structure)
    except StructureError as error:
        return row | {"remark": row["remark"] or str(error)}
    row |= {name: described.values[name] for name in JUDGED}
    row["space_group"] = resting_group(structure)
    if not row["remark"] and found.material is not None:
        row["remark"] = _not_as_told(found.material, described.labels)
    return row


def _not_as_told(material: Perovskite, labels: Mapping[str, str]) -> str:
    """Where the network isn't the one of the formula."""
    if material.spacers and labels["dimensionality"] != "2D":
        return f"no layers: the network is {labels['dimensionality']}"
    if labels["connectivity"] != "corner":
        return f"octahedra share {labels['connectivity']}, not corners alone"
    return ""


def _same(ordered: pd.DataFrame) -> list[str]:
    """For each row, the file of the first row before it that is the same minimum."""
    columns = ["energy_above_lowest_mev", "layer_spacing_a", "bxb_angle_mean_deg"]
    values, files = ordered[columns].to_numpy(dtype=float), ordered["file"].astype(str).tolist()
    told: list[str] = []
    for k, value in enumerate(values):
        near = (abs(values[:k] - value) <= [SAME_MEV, _SAME_A, _SAME_DEG]).all(axis=1)
        told.append(next((files[j] for j in range(k) if near[j] and not told[j]), ""))
    return told


def resting_group(structure: Structure) -> str:
    """Space group within 0.1 A: what rests at 0.05 eV/A is off its place by some hundredths of an angstrom.

    Parameters
    ----------
    structure : pymatgen.core.Structure

    Returns
    -------
    str
        International symbol; empty if spglib finds none.
    """
    return group_within(read_sites(structure), _REST_A)


def intervals(ranked: pd.DataFrame, material: str) -> Mapping[str, Interval]:
    """Read off what the starts of one material say about each descriptor.

    The interval is the spread over starts within `WINDOW_MEV` of the lowest. It says how much the start decides; it
    holds nothing of the engine's own error, which the table of trust tells.

    Parameters
    ----------
    ranked : DataFrame
        From :func:`rank_starts`.
    material : str
        Formula, as in the table.

    Returns
    -------
    mapping of str to Interval
        One for each of `JUDGED`.

    Raises
    ------
    DataError
        If the table has no converged start of the material, or starts of several engines.
    """
    rows = ranked[(ranked["material"] == material) & ranked["rank"].notna()]
    if rows.empty:
        raise DataError(f"no start of {material} converged: give more steps, or relax more starts")
    if len(rows[["engine", "version", "dispersion"]].drop_duplicates()) > 1:
        raise DataError(f"starts of {material} come from several engines: their energies can't be compared")
    rows = rows.sort_values("rank")
    inside = rows[rows["in_window"].astype(bool)]
    out = {}
    for name in JUDGED:
        values = inside[name].dropna()
        several = len(values) > 1
        out[name] = Interval(
            float(rows[name].iloc[0]),
            float(values.min()) if several else math.nan,
            float(values.max()) if several else math.nan,
            len(inside),
        )
    return out
