"""Density of a material, and where it is from: given, a cell, the database, or ions' volumes with an interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from perospin.detectors.attenuation import COMPARISON, composition_of, density_from_cell
from perospin.errors import DataError, PerospinError
from perospin.fitting.arrays import Float

__all__ = ["Density", "density_from_cif", "density_of", "estimated_density"]

_FEWEST_CRYSTALS = 3
"""Crystals that must hold an element before its volume is told."""
_LEVEL = 0.9
_RARE_A3 = 50.0
"""Volume of an atom of a rare element, about that of lead, tin or bismuth, to count formula units."""


@dataclass(frozen=True)
class Density:
    """A density and its source.

    Attributes
    ----------
    value_g_cm3 : float
    source : str
        In words, for people.
    low_g_cm3, high_g_cm3 : float
        Interval (90 %) of an estimate; NaN of a value that is given, measured or tabulated.
    """

    value_g_cm3: float
    source: str
    low_g_cm3: float = math.nan
    high_g_cm3: float = math.nan

    def __str__(self) -> str:
        within = "" if math.isnan(self.low_g_cm3) else f", {self.low_g_cm3:.3g} to {self.high_g_cm3:.3g}"
        return f"{self.value_g_cm3:.4g} g/cm3 ({self.source}{within})"


def density_from_cif(formula: str, path: str | Path) -> Density:
    """Density from the cell of a crystal file: its volume and its metal atoms count, the formula gives the mass.

    Hydrogens or guests that the file lacks don't matter.

    Raises
    ------
    DataError
        If the metals or halides of the file are not those of the formula.
    """
    from perospin.descriptors.structure.reading import read_structure

    structure = read_structure(path)
    cell = {str(symbol): float(amount) for symbol, amount in structure.composition.get_el_amt_dict().items()}
    wanted = composition_of(formula)
    # what is neither organic nor hydrogen counts the formula units
    heavy = {symbol: count for symbol, count in wanted.items() if symbol not in ("H", "C", "N", "O", "F", "S")}
    units = {symbol: cell.get(symbol, 0.0) / count for symbol, count in heavy.items()}
    if not units or min(units.values()) <= 0 or max(units.values()) > 1.05 * min(units.values()):
        told = ", ".join(f"{symbol} {cell.get(symbol, 0):g}" for symbol in heavy) or "nothing heavy"
        raise DataError(f"'{Path(path).name:.60}' is no crystal of {formula:.60}: its cell holds {told}")
    count = sum(units.values()) / len(units)
    value = density_from_cell(formula, float(structure.volume), count)
    return Density(value, f"cell of {Path(path).name}: {structure.volume:.1f} A3 with {count:g} formula units")


def _metals(formula: str) -> float:
    from perospin.chemistry import Perovskite

    return float(sum(amount for _, amount in Perovskite.parse(formula).b_site))


def _where(value: Any) -> str:
    source = value.records[0].source
    return f"{source.doi or source.label}, temperature: {value.temperature}"


def _formula_units(formula: str, volume_a3: float) -> int | None:
    """Count formula units in a cell, where the ions' volumes leave no doubt; a rare element counts as a metal."""
    volumes, holds, _ = _volumes()
    one = sum(
        count * (volumes[symbol] if holds.get(symbol, 0) >= _FEWEST_CRYSTALS else _RARE_A3)
        for symbol, count in composition_of(formula).items()
    )
    units = round(volume_a3 / one)
    return units if units >= 1 and abs(volume_a3 / one / units - 1) < min(0.15, 0.3 / units) else None


def _on_record(formula: str) -> Density | None:
    """Density from a cell on record, else from the median of the shipped crystals of the composition."""
    from perospin.descriptors.crystals import crystals_of
    from perospin.descriptors.measured import MeasuredTable

    found = {value.column: value for value in MeasuredTable().values(formula)}
    known, cell = found.get("measured_volume_per_metal_a3"), found.get("measured_cell_volume_a3")
    if known is not None:
        density = density_from_cell(formula, known.value * _metals(formula), 1)
        return Density(density, f"cell in the database, {_where(known)}")
    units = None if cell is None else _formula_units(formula, cell.value)
    if cell is not None and units is not None:
        density = density_from_cell(formula, cell.value, units)
        return Density(density, f"cell in the database, {units} formula units by the ions' volumes, {_where(cell)}")
    crystals = crystals_of(formula)
    volumes = crystals["volume_per_b_a3"].dropna()
    if volumes.empty:
        return None
    density = density_from_cell(formula, float(np.median(volumes)) * _metals(formula), 1)
    files = ", ".join(str(name) for name in crystals.loc[volumes.index, "file"][:3])
    return Density(density, f"median of {len(volumes)} crystals of the table structures_2d: {files}")


@lru_cache(maxsize=1)
def _volumes() -> tuple[dict[str, float], dict[str, int], Float]:
    """Volume of each element (A3), how many crystals hold it, and relative held-out errors of the sums.

    Least squares of the relative error over the shipped crystals and the cells on record; errors by leave-one-out.
    """
    from perospin.database import load_table, select_records
    from perospin.descriptors.measured import MeasuredTable

    table = load_table("structures_2d")
    told = table[(table["formula"] != "") & (table["hydrogens"] != "some missing") & (table["new_ions"] == "")]
    per_metal = {str(name): float(group.median()) for name, group in told.groupby("formula")["volume_per_b_a3"]}
    measured = MeasuredTable()
    for formula in sorted({record.formula for record in select_records(["formula_units_per_cell"], user=False)}):
        for value in measured.values(formula):
            if value.column == "measured_volume_per_metal_a3":
                per_metal[formula] = value.value
    counts, volumes = [], []
    for formula, volume in per_metal.items():
        if not math.isfinite(volume):
            continue
        try:
            atoms = composition_of(formula)
        except PerospinError:
            continue
        counts.append(atoms)
        volumes.append(volume * _metals(formula))
    elements = sorted({symbol for atoms in counts for symbol in atoms})
    holds = {symbol: sum(symbol in atoms for atoms in counts) for symbol in elements}
    v = np.array(volumes)
    design = np.array([[atoms.get(symbol, 0.0) for symbol in elements] for atoms in counts]) / v[:, None]
    # a weak pull towards 15 A3 an atom holds what few crystals hold
    gram = design.T @ design + 1e-6 * np.eye(len(elements))
    inverse = np.linalg.inv(gram)
    found = inverse @ (design.T @ np.ones(len(v)) + 1e-6 * 15.0)
    lever = np.einsum("ij,jk,ik->i", design, inverse, design)
    errors = (design @ found - 1.0) / (1.0 - lever)
    return dict(zip(elements, found.tolist(), strict=True)), holds, errors


def estimated_density(formula: str) -> Density:
    """Density from volumes of the elements that the shipped crystals give, with the interval of held-out crystals.

    Raises
    ------
    DataError
        If it holds an element of fewer than three crystals.
    """
    atoms = composition_of(formula)
    volumes, holds, errors = _volumes()
    rare = [symbol for symbol in atoms if holds.get(symbol, 0) < _FEWEST_CRYSTALS]
    if rare:
        raise DataError(
            f"the density of {formula:.60} can't be estimated: too few crystals of the database hold "
            f"{', '.join(rare)}; give --density 4.16 (g/cm3), --cif, or --cell-volume with --formula-units"
        )
    value = density_from_cell(formula, sum(count * volumes[symbol] for symbol, count in atoms.items()), 1)
    low, high = (float(q) for q in np.quantile(errors, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2]))
    # an error of the volume is one of the density, the other way round
    return Density(
        value,
        f"estimated from volumes of the ions in {len(errors)} crystals, {_LEVEL:.0%} interval",
        value * (1 + low),
        value * (1 + high),
    )


def density_of(
    formula: str,
    *,
    given_g_cm3: float | None = None,
    cif: str | Path | None = None,
    cell: tuple[float, int] | None = None,
) -> Density:
    """Density as given, from a crystal file, a cell, the database, or the volumes of the ions, whichever comes first.

    Parameters
    ----------
    formula : str
    given_g_cm3 : float, optional
    cif : path, optional
        Crystal file.
    cell : (volume in A3, formula units), optional

    Raises
    ------
    DataError
        If nothing tells it, or a given one is no solid's.
    """
    if given_g_cm3 is not None:
        if not 0 < given_g_cm3 < 25:
            raise DataError(f"a density of {given_g_cm3:g} g/cm3 is no solid's: give it in g/cm3, e.g. --density 4.16")
        return Density(given_g_cm3, "given")
    if cif is not None:
        return density_from_cif(formula, cif)
    if cell is not None:
        volume, units = cell
        return Density(density_from_cell(formula, volume, units), f"cell of {volume:g} A3 with {units} formula units")
    for name, (plain, tabulated) in COMPARISON.items():
        if formula in (name, plain):
            return Density(tabulated, f"handbook value of {name}, not measured on your sample")
    canonical = _canonical(formula)
    if canonical is None:
        raise DataError(
            f"the density of {formula:.60} is not known: give --density 4.16 (g/cm3), --cif, or --cell-volume (A3) "
            "with --formula-units"
        )
    return _on_record(canonical) or estimated_density(formula)


def _canonical(formula: str) -> Any:
    from perospin.chemistry import Perovskite

    try:
        return str(Perovskite.parse(formula))
    except PerospinError:
        return None
