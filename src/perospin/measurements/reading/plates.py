"""Plate readers: spectra of all wells of a plate, one block a read, whoever made the instrument.

What is read: columns headed ``Wavelength, A1, A2, ...`` (BioTek and Agilent, SpectraMax, Tecan), wells in rows with the
wavelengths above (BMG, Tecan Spark), and long tables with a row a point. Words around them name the reads.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perospin.errors import DataError
from perospin.fitting.arrays import Float
from perospin.sheets.cells import parse_cell, split
from perospin.sheets.files import plain_text, read_raw
from perospin.text import shorten, visible

__all__ = ["PlateRead", "read_plate"]

_WELL = re.compile(r"([A-P])0*([1-9]\d?)", re.IGNORECASE)
_WAVELENGTH = re.compile(r"(?:wave\s*-?length|wavel\.?|lambda|λ|nm|wl)\b", re.IGNORECASE)
_ABSORPTION = re.compile(r"\babs|\bOD\b|absorb|extinction", re.IGNORECASE)
_EMISSION = re.compile(r"\bem(?:ission)?\b|fluor|\bPL\b|\bRFU\b|\bRLU\b|lumin", re.IGNORECASE)
_TIME = re.compile(r"(?:time|zeit|cycle time)\D{0,12}?(\d+(?:[.,]\d+)?)\s*(s|sec|min|h|hours?)\b", re.IGNORECASE)
_CLOCK = re.compile(r"(?<![\d:])(\d{1,3}):(\d{2}):(\d{2})(?![\d:])")
_SECONDS = {"s": 1.0, "sec": 1.0, "min": 60.0, "h": 3600.0, "hour": 3600.0, "hours": 3600.0}
_SHORTEST, _LONGEST_NM = 150.0, 3000.0
_FEWEST = 3
_OVERFLOW = 1e30  # what some instruments write for it


@dataclass(frozen=True, eq=False)
class PlateRead:
    """Spectra of the wells of a plate, from one read.

    Attributes
    ----------
    name : str
        As the file calls it.
    kind : str
        emission, absorption, or ``""`` if the file doesn't say.
    wavelength_nm : array, shape (n,)
        Rising.
    wells : tuple of str
        A1, A2, ...
    signal : array, shape (n_wells, n)
        NaN where a cell is empty or over the detector's range.
    saturated : array of bool, shape (n_wells, n)
        Where the detector was over its range (``OVRFLW``).
    time_s : float or None
        When it was read, if the file says.
    source, sha256 : str
        Name and hash of the file.
    warnings : tuple of str
    """

    name: str
    kind: str
    wavelength_nm: Float
    wells: tuple[str, ...]
    signal: Float
    saturated: np.ndarray
    time_s: float | None
    source: str
    sha256: str
    warnings: tuple[str, ...] = ()


@dataclass
class _Block:
    title: str
    wells: list[str]
    wavelength: list[float]
    values: list[list[float]]  # a row a wavelength
    over: list[list[bool]]


def read_plate(path: Path | str) -> list[PlateRead]:
    """Read all spectra in the export of a plate reader.

    Parameters
    ----------
    path : path
        Text of any encoding and delimiter, or a workbook.

    Returns
    -------
    list of PlateRead
        One a read; blocks without a number are left out.

    Raises
    ------
    DataError
        One sentence, if there is no spectrum of a well in it.
    """
    raw = read_raw(path)
    name = shorten(visible(raw.name))
    lines = plain_text(raw).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    delimiter = _delimiter(lines)
    table = [split(line, delimiter) if line.strip() else [] for line in lines]
    decimal = _decimal(table, delimiter)
    blocks = _long(table, decimal) or _blocks(table, decimal, name)
    empty = sum(not any(math.isfinite(v) for row in one.values for v in row) for one in blocks)
    reads = [
        _read(one, raw.name, raw.sha256, name)
        for one in blocks
        if any(math.isfinite(v) for row in one.values for v in row) or any(map(any, one.over))
    ]
    if not reads:
        raise DataError(
            f"'{name}' has no spectra of a plate's wells; export a table with a column 'Wavelength' and columns A1, A2 "
            "and so on (or wells in rows, wavelengths in columns)"
        )
    if empty:
        told = f"{empty} empty block{'s' if empty > 1 else ''} left out"
        first = reads[0]
        reads[0] = PlateRead(**{**first.__dict__, "warnings": (*first.warnings, told)})
    return reads


def _delimiter(lines: Sequence[str]) -> str:
    """Between cells: what the lines with wells, or most lines, have most of."""
    sample = [line for line in lines if line.strip()][:5000]
    return max("\t;,", key=lambda sign: (sum(line.count(sign) >= _FEWEST - 1 for line in sample), sign == "\t"))


def _decimal(table: Sequence[Sequence[str]], delimiter: str) -> str:
    if delimiter == ",":
        quoted = sum(bool(re.fullmatch(r"-?\d+,\d+", cell)) for cells in table[:2000] for cell in cells[:8])
        return "," if quoted else "."
    commas = points = 0
    for cells in table[:4000]:
        for cell in cells[:8]:
            commas += bool(re.fullmatch(r"-?\d+,\d+(?:[eE][-+]?\d+)?", cell))
            points += bool(re.fullmatch(r"-?\d+\.\d+(?:[eE][-+]?\d+)?", cell))
    return "," if commas > points else "."


def _value(cell: str, decimal: str) -> tuple[float, bool] | None:
    """Read a cell: its number, and whether it is over the range; None if neither."""
    if decimal == ".":
        try:
            value = float(cell)
        except ValueError:
            pass
        else:
            if math.isfinite(value) and value < _OVERFLOW:
                return value, False
    if cell in ("?????", "?", "-----"):
        return math.nan, False
    found = parse_cell(cell, decimal)
    if found is None:
        return None
    return found.value, found.overloaded


def _well(cell: str) -> str | None:
    found = _WELL.fullmatch(cell)
    return None if found is None or int(found[2]) > 24 else f"{found[1].upper()}{int(found[2])}"


def _is_wavelength(value: float | None) -> bool:
    return value is not None and _SHORTEST <= value <= _LONGEST_NM


def _plain(cell: str, decimal: str) -> float | None:
    cell = re.sub(r"\s*nm$", "", cell)
    found = _value(cell, decimal) if cell else None
    return None if found is None or not math.isfinite(found[0]) else found[0]


def _blocks(table: Sequence[Sequence[str]], decimal: str, where: str) -> list[_Block]:
    blocks: list[_Block] = []
    title, row = "", 0
    while row < len(table):
        cells = table[row]
        wells = [_well(cell) for cell in cells]
        first = next((i for i, well in enumerate(wells) if well), None)
        spectral = next((i for i, cell in enumerate(cells) if _WAVELENGTH.match(cell)), None)
        count = sum(well is not None for well in wells)
        if spectral is not None and first is not None and spectral < first and count >= 1:
            row, block = _columns(table, row, spectral, wells, title, decimal, where)
            blocks.append(block)
            continue
        numbers = [_plain(cell, decimal) for cell in cells]
        spectrum = [i for i, value in enumerate(numbers) if _is_wavelength(value)]
        if len(spectrum) >= _FEWEST and count == 0 and _monotone([numbers[i] for i in spectrum]):
            row, found = _rows(table, row, spectrum, [float(numbers[i] or 0.0) for i in spectrum], title, decimal)
            if found is not None:
                blocks.append(found)
                continue
        if any(cells):
            words = " ".join(cell for cell in cells if cell)
            title = words if not any(value is not None for value in numbers) or ":" in words else title
        row += 1
    return blocks


def _monotone(values: Sequence[float | None]) -> bool:
    steps = np.diff([value or 0.0 for value in values])
    return bool((steps > 0).all() or (steps < 0).all())


def _columns(
    table: Sequence[Sequence[str]],
    row: int,
    spectral: int,
    wells: Sequence[str | None],
    title: str,
    decimal: str,
    where: str,
) -> tuple[int, _Block]:
    """Wavelengths down, wells across."""
    places = [i for i, well in enumerate(wells) if well]
    block = _Block(title, [str(wells[i]) for i in places], [], [], [])
    if len(set(block.wells)) < len(block.wells):
        again = next(well for well in block.wells if block.wells.count(well) > 1)
        raise DataError(f"'{where}', line {row + 1}: two columns are headed {again}; each well needs one column")
    row += 1
    while row < len(table):
        cells = table[row]
        value = _plain(cells[spectral], decimal) if len(cells) > spectral else None
        if value is None:
            if any(cells) or (row + 1 < len(table) and not _starts(table[row + 1], spectral, decimal)):
                break
            row += 1
            continue
        _append(block, value, [cells[i] if i < len(cells) else "" for i in places], decimal)
        row += 1
    return row, block


def _starts(cells: Sequence[str], spectral: int, decimal: str) -> bool:
    return len(cells) > spectral and _is_wavelength(_plain(cells[spectral], decimal))


def _append(block: _Block, wavelength: float, cells: Sequence[str], decimal: str) -> None:
    block.wavelength.append(wavelength)
    if decimal == ".":
        try:  # most rows
            plain = list(map(float, cells))
        except ValueError:
            pass
        else:
            if all(map(math.isfinite, plain)) and max(plain) < _OVERFLOW:
                block.values.append(plain)
                block.over.append([False] * len(plain))
                return
    read = [_value(cell, decimal) or (math.nan, False) for cell in cells]
    block.values.append([value for value, _ in read])
    block.over.append([over for _, over in read])


def _rows(
    table: Sequence[Sequence[str]],
    row: int,
    places: Sequence[int],
    wavelength: list[float],
    title: str,
    decimal: str,
) -> tuple[int, _Block | None]:
    """Wells down, wavelengths across: a well's name stands in front, in one cell or as letter and number."""
    wells: list[str] = []
    values: list[list[float]] = []
    over: list[list[bool]] = []
    start, row = row, row + 1
    while row < len(table):
        cells = table[row]
        lead = [cell for cell in cells[: places[0]] if cell]
        well = next((w for w in map(_well, lead) if w), None)
        if well is None and len(lead) >= 2 and re.fullmatch(r"[A-P]", lead[0], re.IGNORECASE) and lead[1].isdigit():
            well = _well(lead[0] + lead[1])
        if well is None:
            if not wells and not any(_plain(cell, decimal) is not None for cell in cells):
                row += 1  # headings between the wavelengths and the wells
                if row - start > 3:
                    break
                continue
            break
        read = [_value(cells[i], decimal) if i < len(cells) else None for i in places]
        wells.append(well)
        values.append([one[0] if one else math.nan for one in read])
        over.append([one[1] if one else False for one in read])
        row += 1
    if not wells:
        return start, None
    return row, _Block(title, wells, wavelength, np.array(values).T.tolist(), np.array(over).T.tolist())


def _long(table: Sequence[Sequence[str]], decimal: str) -> list[_Block]:
    """Read a row a point: columns well, wavelength, signal, and a read or a time."""
    head_row = next((i for i, cells in enumerate(table[:50]) if len([c for c in cells if c]) >= _FEWEST), None)
    if head_row is None:
        return []
    heads = [cell.casefold() for cell in table[head_row]]
    well = next((i for i, head in enumerate(heads) if head in ("well", "position", "well id")), None)
    spectral = next((i for i, head in enumerate(heads) if _WAVELENGTH.match(head)), None)
    if well is None or spectral is None:
        return []
    group = next((i for i, head in enumerate(heads) if head.startswith(("read", "cycle", "time"))), None)
    signal = next((i for i in range(len(heads)) if i not in (well, spectral, group) and heads[i]), None)
    if signal is None:
        return []
    points: dict[str, dict[tuple[str, float], tuple[float, bool]]] = {}
    for cells in table[head_row + 1 :]:
        if len(cells) <= max(well, spectral, signal):
            continue
        name, value = _well(cells[well]), _plain(cells[spectral], decimal)
        if name is None or value is None:
            continue
        label = "" if group is None else cells[group]
        points.setdefault(label, {})[name, value] = _value(cells[signal], decimal) or (math.nan, False)
    blocks = []
    for label, found in points.items():
        wells = list(dict.fromkeys(name for name, _ in found))
        waves = sorted({value for _, value in found})
        nothing = (math.nan, False)
        unit = re.search(r"[(\[](\w+)[)\]]", table[head_row][group]) if group is not None else None
        title = (
            f"{table[head_row][signal]} {heads[group].split()[0]} {label}"
            if group is not None
            else (table[head_row][signal])
        )
        blocks.append(
            _Block(
                f"{title} {unit[1]}" if unit else title,
                wells,
                waves,
                [[found.get((name, value), nothing)[0] for name in wells] for value in waves],
                [[found.get((name, value), nothing)[1] for name in wells] for value in waves],
            )
        )
    return blocks


def _read(block: _Block, source: str, sha256: str, where: str) -> PlateRead:
    wavelength = np.array(block.wavelength)
    order = np.argsort(wavelength, kind="stable")
    wavelength = wavelength[order]
    if len(wavelength) < _FEWEST or not (np.diff(wavelength) > 0).all():
        raise DataError(
            f"'{where}', read '{shorten(block.title, 40)}': the wavelengths must be {_FEWEST} or more, each once; they "
            "are not"
        )
    if wavelength[0] < _SHORTEST or wavelength[-1] > _LONGEST_NM:
        raise DataError(f"'{where}': wavelengths from {wavelength[0]:g} to {wavelength[-1]:g} are no nanometres")
    kind = "absorption" if _ABSORPTION.search(block.title) else "emission" if _EMISSION.search(block.title) else ""
    return PlateRead(
        visible(shorten(block.title, 80)) or "read",
        kind,
        wavelength,
        tuple(block.wells),
        np.array(block.values, dtype=float)[order].T.copy(),
        np.array(block.over, dtype=bool)[order].T.copy(),
        _time(block.title),
        source,
        sha256,
    )


def _time(title: str) -> float | None:
    if found := _CLOCK.search(title):
        return 3600.0 * int(found[1]) + 60.0 * int(found[2]) + int(found[3])
    if found := _TIME.search(title):
        return float(found[1].replace(",", ".")) * _SECONDS[found[2].lower()]
    return None
