"""Lines of the phases of a film from the database: n = 1, 2, 3, ... and 3D, each with its source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perospin.errors import FormulaError, NavigationError
from perospin.navigation.plates.maps import PlateMap
from perospin.text import shorten

if TYPE_CHECKING:
    from perospin.chemistry.perovskite import Perovskite
    from perospin.database.record import Record

__all__ = ["PhaseLine", "known_lines", "load_lines", "phase_lines", "read_lines"]

FloatArray = NDArray[np.float64]
_LAYERS = range(1, 6)
_NO_LINE = ("rydberg", "quasi-particle", "quasiparticle", "indirect")
"""Words of a technique or note that make a gap no optical line: the exciton lies a binding energy below it."""


@dataclass(frozen=True)
class PhaseLine:
    """Where the light of one phase lies.

    Attributes
    ----------
    name : str
        n=1, n=2, ..., 3D.
    energy_ev : float or array, shape (n_wells,)
        One for all wells, or one a well where the composition changes over the plate.
    source : str
        Where each number comes from.
    """

    name: str
    energy_ev: float | FloatArray
    source: str


def phase_lines(
    plate_map: PlateMap,
    wells: Sequence[str],
    range_ev: tuple[float, float],
    own: Sequence[PhaseLine] | None = None,
) -> tuple[list[PhaseLine], list[str]]:
    """Choose the lines of a plate: yours, or those of the database for what the map says is in the wells.

    Parameters
    ----------
    plate_map : PlateMap
    wells : sequence of str
    range_ev : (float, float)
        Ends of the spectra; lines of the database outside are left out.
    own : sequence of PhaseLine, optional
        Lines of yours. If one of them is named by a formula, the database is asked for the other phases.

    Returns
    -------
    lines : list of PhaseLine
        None if shares would say nothing: fewer than two lines, or no layers on the plate.
    said : list of str
        What the database lacks.
    """
    if own is not None and not any(_parsed(line.name) for line in own):
        return list(own), []
    layers = any((one := _parsed(head.removeprefix("made "))) and one.spacers for head in plate_map.made)
    if not layers and not own:
        return [], []
    lines, missing = known_lines(plate_map, wells, own or ())
    seen = [line for line in lines if range_ev[0] <= np.min(line.energy_ev) and np.max(line.energy_ev) <= range_ev[1]]
    lacks = ", ".join(missing[:5]) + (" and others" if len(missing) > 5 else "")
    ask = "give a table with the columns phase, energy (eV), source by --lines"
    if len(seen) < 2:
        known = f" ({', '.join(f'{line.name} {np.mean(line.energy_ev):.3g} eV' for line in seen)})" if seen else ""
        many = "one line" if seen else "no line"
        lacking = f"; it has no measured one of {lacks}" if missing else ""
        return [], [
            f"no shares of phases: the database knows {many}{known} in the range of the spectra{lacking}; {ask}"
        ]
    said = [f"phases without a line, whose light is counted to others: {lacks}; {ask}"] if missing else []
    if len(seen) < len(lines):
        names = {line.name for line in seen}
        outside = ", ".join(line.name for line in lines if line.name not in names)
        said.append(f"phases whose line lies outside the spectra, left out: {outside}")
    return seen, said


def known_lines(
    plate_map: PlateMap,
    wells: Sequence[str],
    own: Sequence[PhaseLine] = (),
    records: Iterable[Record] | None = None,
) -> tuple[list[PhaseLine], list[str]]:
    r"""Look up the lines of the phases that the components of a plate can make.

    Components are the formulas behind ``made`` in the map. Their 3D members give the line of 3D, mixed by Vegard's law
    in the shares of each well, :math:`E = \sum_i x_i E_i / \sum_i x_i`. The database holds no bowing of a mixture, so
    none is assumed: a mixed halide may lie below it. Layers of the same spacer, cage cation, metal and halide
    are looked up for n = 1 to 5. Taken are measured optical gaps; calculated and estimated ones, and gaps without the
    exciton, are not.

    Parameters
    ----------
    plate_map : PlateMap
    wells : sequence of str
    own : sequence of PhaseLine, optional
        Lines of yours, which go before those of the database. Formulas as names (FAPbI3) are mixed as above; other
        names (n=1, 3D) stand as they are.
    records : iterable of Record, optional
        Where to look. Default: the shipped database.

    Returns
    -------
    lines : list of PhaseLine
        n = 1 first, 3D last.
    missing : list of str
        Materials for which there is no line.
    """
    parts = [_parsed(head.removeprefix("made ")) for head in plate_map.made]
    gaps, named = _gaps(records), []
    for line in own:
        if (mine := _parsed(line.name)) is None:
            named.append(line)
        else:
            gaps[mine.formula] = (float(np.mean(line.energy_ev)), f"{np.mean(line.energy_ev):g} eV ({line.source})")
    shares = np.nan_to_num(plate_map.composition(list(wells)))
    bulk = [i for i, one in enumerate(parts) if one is not None and one.family == "3D"]
    layered = [one for one in parts if one is not None and one.spacers]
    lines: list[PhaseLine] = []
    missing: list[str] = []
    cages, covered = [parts[i] for i in bulk], {line.name for line in named}
    formulas = {made: n for one in layered for n in _LAYERS if (made := _with_layers(one, cages, n))}
    for formula, n in formulas.items():
        if (gap := gaps.get(formula)) is None:
            missing += [formula] if f"n={n}" not in covered else []
        elif f"n={n}" not in [line.name for line in lines]:
            lines.append(PhaseLine(f"n={n}", gap[0], f"{formula}: {gap[1]}"))
    names = {i: parts[i].formula for i in bulk}  # type: ignore[union-attr]
    lacking = [names[i] for i in bulk if names[i] not in gaps]
    missing += lacking if "3D" not in covered else []
    if bulk and not lacking:
        energy = np.array([gaps[names[i]][0] for i in bulk])
        weight = shares[:, bulk]
        whole = weight.sum(axis=1)
        # a well without a 3D component is given the mean of the others: its line is not looked at
        mixed = np.where(whole > 0, weight @ energy / np.where(whole > 0, whole, 1.0), np.nan)
        mixed = np.where(np.isfinite(mixed), mixed, np.nanmean(mixed) if whole.any() else energy.mean())
        told = "; ".join(f"{names[i]}: {gaps[names[i]][1]}" for i in bulk)
        one_line: float | FloatArray = float(mixed[0]) if np.ptp(mixed) < 1e-9 else mixed
        lines.append(PhaseLine("3D", one_line, told + (", Vegard's law without bowing" if len(bulk) > 1 else "")))
    lines = [*named, *(line for line in lines if line.name not in covered)]
    return sorted(lines, key=lambda line: (line.name == "3D", line.name)), missing


def _parsed(text: str) -> Perovskite | None:
    from perospin.chemistry.perovskite import Perovskite

    try:
        return Perovskite.parse(text)
    except FormulaError:
        return None


def _gaps(records: Iterable[Record] | None) -> dict[str, tuple[float, str]]:
    """Optical gaps by formula, and what to say of them; primary sources first, then the newest."""
    from perospin.database import curated_records

    found: dict[str, list[Record]] = {}
    for one in curated_records() if records is None else records:
        words = f"{one.conditions.technique} {one.note}".casefold()
        theory = one.theory or one.estimated or any(word in words for word in ("dft", "hse", "theory"))
        if one.property == "band_gap" and one.composition == "known" and one.limit == "value" and not theory:
            cold = one.conditions.temperature_k is not None and one.conditions.temperature_k < 200.0
            if not cold and "helium" not in words and not any(word in words for word in _NO_LINE):
                found.setdefault(one.formula, []).append(one)
    made = {}
    for formula, several in found.items():
        best = min(several, key=lambda one: (one.source.evidence != "primary", -(one.source.year or 0)))
        place = best.source.doi or best.source.url or best.origin
        made[formula] = (float(best.value), f"{best.value:g} eV, {best.conditions.technique or 'gap'} ({place})")
    return made


def _with_layers(one: Perovskite, bulk: Sequence[Perovskite | None], layers: int) -> str | None:
    """Give the formula of the same spacer, metal and halide with another layer number; None without a cage cation."""
    if one.n_layers == layers:
        return one.formula
    cages = [ion for ion, _ in one.a_site] or [ion for other in bulk if other is not None for ion, _ in other.a_site]
    if len(one.spacers) != 1 or len(one.b_site) != 1 or len(one.x_site) != 1 or (layers > 1 and not cages):
        return None
    spacer, metal, halide = one.spacers[0][0], one.b_site[0][0], one.x_site[0][0]
    count = 2 if spacer.charge == 1 else 1
    cage = f"({cages[0].symbol}){layers - 1}" if layers > 1 else ""
    text = f"({spacer.symbol}){count}{cage}{metal.symbol}{layers}{halide.symbol}{3 * layers + 1}"
    return None if (made := _parsed(text)) is None else made.formula


def load_lines(path: Path | str) -> list[PhaseLine]:
    """Read lines from a table with the columns ``phase``, ``energy (eV)`` and, if you like, ``source``.

    Raises
    ------
    NavigationError
    """
    from perospin.sheets.cells import number
    from perospin.sheets.table import open_table

    table = open_table(path)
    heads = [head.strip().casefold() for head in table.headings]
    if not {"phase", "energy (ev)"} <= set(heads):
        raise NavigationError(f"'{table.name}' holds no lines; it needs the columns 'phase' and 'energy (eV)'")
    found: dict[str, PhaseLine] = {}
    for row, cells in table.rows:
        cell = dict(zip(heads, (one.strip() for one in cells), strict=False))
        if not any(cell.values()):
            continue
        name, energy = cell.get("phase", ""), number(cell.get("energy (ev)", ""), ".")
        if not name or energy is None or not 0.3 < energy < 6.0:
            raise NavigationError(
                f"row {row} of '{table.name}' is no line: a phase and an energy of 0.3 to 6 eV are wanted, not "
                f"'{shorten(name, 20)}' and '{shorten(cell.get('energy (ev)', ''), 20)}'"
            )
        if name in found:
            raise NavigationError(f"'{table.name}' gives the phase '{shorten(name, 30)}' twice, again in row {row}")
        found[name] = PhaseLine(name, energy, cell.get("source", "") or Path(path).name)
    if not found:
        raise NavigationError(f"'{table.name}' holds no lines")
    return list(found.values())


def read_lines(text: str) -> list[PhaseLine]:
    """Read lines of phases in eV as a person writes them.

    Raises
    ------
    NavigationError

    Examples
    --------
    >>> [(line.name, line.energy_ev) for line in read_lines("n=1:2.36, 3D:1.6")]
    [('n=1', 2.36), ('3D', 1.6)]
    """
    made = []
    for part in text.split(","):
        name, _, energy = part.strip().rpartition(":")
        try:
            made.append(PhaseLine(name.strip() or "?", float(energy), "as given"))
        except ValueError:
            raise NavigationError(
                f"'{shorten(part.strip(), 40)}' is no line; write 'n=1:2.36, n=2:2.17, 3D:1.6'"
            ) from None
    return made
