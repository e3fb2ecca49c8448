"""Maps of signal against delay and wavelength, the way transient-absorption programs write them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from perospin.errors import DataError
from perospin.fitting import Source
from perospin.measurements.maps import SignalMap
from perospin.measurements.reading.formats.axis_files import read_axis
from perospin.measurements.reading.formats.containers import Array, arrays_of, group_of, is_container, shown
from perospin.measurements.reading.grid import Float, Grid, read_grid
from perospin.measurements.reading.headings import said_units
from perospin.measurements.reading.words.conditions import from_name
from perospin.measurements.reading.words.roles import get_role
from perospin.sheets.cells import number, split
from perospin.sheets.files import RawFile, read_raw
from perospin.sheets.labels import is_unit, parse_label
from perospin.units import ELEMENTARY_CHARGE_C, PLANCK_J_S, SPEED_OF_LIGHT_M_S, convert

__all__ = ["Axis", "Matrix", "read_map", "read_matrix", "wavelength_nm"]

Axis = Literal["rows", "columns"]
_HC_EV_NM = PLANCK_J_S * SPEED_OF_LIGHT_M_S / ELEMENTARY_CHARGE_C * 1e9
_DELAY_WORDS = re.compile(r"\b(?:delay|time|zeit|t|ps|fs|ns)\b", re.IGNORECASE)
_SPECTRAL_WORDS = re.compile(r"\b(?:wavelength|wavelengths|lambda|wl|nm|energy|ev|wavenumber|cm-1)\b|λ", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Matrix:
    """A map as read, both axes rising.

    Attributes
    ----------
    delay_ps
        Shape (n_delay,).
    wavelength_nm
        Shape (n_wavelength,).
    signal
        Shape (n_delay, n_wavelength); NaN where a cell is missing.
    source, sha256
        Name and hash of the file.
    comments, warnings
        Text around the numbers; what was assumed or put right.
    doubts
        Those of the warnings on which a result hangs: a unit that the file doesn't state.
    """

    delay_ps: Float
    wavelength_nm: Float
    signal: Float
    source: str
    sha256: str
    comments: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Axes:
    """Both axes and the numbers between them, before it is known which axis is which."""

    down: Float
    across: Float
    values: Float  # (len(down), len(across))
    down_is: str = ""  # "delay", "wavelength" or unknown
    delay_unit: str = ""
    spectral_unit: str = ""


def read_map(
    path: Path | str,
    *,
    delays: Axis | None = None,
    delay_unit: str | None = None,
    spectral_unit: str | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    block: int | None = None,
    dataset: str | None = None,
    delay_file: Path | str | None = None,
    wavelength_file: Path | str | None = None,
    unit: str = "",
    name: str = "",
) -> SignalMap:
    """Read a map of signal against delay and wavelength, ready for correction, decomposition and fit.

    Parameters
    ----------
    path, delays, delay_unit, spectral_unit, delimiter, decimal, block, dataset, delay_file, wavelength_file
        See `read_matrix`.
    unit
        Of the signal: ``"mOD"``, ``"dR/R"``.
    name
        Label; the file's name if not given.

    Returns
    -------
    SignalMap
        It knows its file, its hash, and what its file name says of field, temperature and power.

    Raises
    ------
    DataError
        If the file can't be read.
    """
    found = read_matrix(
        path,
        delays=delays,
        delay_unit=delay_unit,
        spectral_unit=spectral_unit,
        delimiter=delimiter,
        decimal=decimal,
        block=block,
        dataset=dataset,
        delay_file=delay_file,
        wavelength_file=wavelength_file,
    )
    return SignalMap(
        delay_ps=found.delay_ps,
        wavelength_nm=found.wavelength_nm,
        signal=found.signal,
        unit=unit,
        name=name or found.source,
        sources=(Source(found.source, found.sha256),),
        history=(f"read from {found.source}", *found.warnings),
        doubts=found.doubts,
        conditions=from_name(found.source),
    )


def read_matrix(
    path: Path | str,
    *,
    delays: Axis | None = None,
    delay_unit: str | None = None,
    spectral_unit: str | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    block: int | None = None,
    dataset: str | None = None,
    delay_file: Path | str | None = None,
    wavelength_file: Path | str | None = None,
) -> Matrix:
    """Read a map of signal against delay and wavelength.

    Understood are: a matrix whose first row and first column are the axes, with or without a corner cell (Surface
    Xplorer's CSV, KiMoPack's and most programs' own); Glotaran's "Time explicit" and "Wavelength explicit" files; three
    columns delay, wavelength, signal; HDF5 files (also WrightTools' and KiMoPack's) and NumPy archives with a matrix
    and two fitting axes; a matrix with its axes in files of their own. Text around the numbers is kept as comments.

    Parameters
    ----------
    path
        The file.
    delays
        Whether each row or each column of the file is one delay; found out if not given.
    delay_unit, spectral_unit
        Units of the axes (``"fs"``; ``"nm"``, ``"eV"``, ``"cm-1"``); by the file's words, else ps and nm.
    delimiter, decimal, block, dataset
        See `read_trace`.
    delay_file, wavelength_file
        Files with one axis each, where the matrix has none, or only the other one.

    Returns
    -------
    Matrix

    Raises
    ------
    DataError
        If the file can't be read, an axis is missing or out of order, or the axes can't be told apart.
    """
    raw = read_raw(path)
    comments: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    if delay_file is not None or wavelength_file is not None:
        files = {"delay": delay_file, "wavelength": wavelength_file}
        axes = _with_axis_files(raw, files, delays, delimiter, decimal, block, dataset)
    elif is_container(raw):
        axes = _from_container(raw, dataset)
    else:
        grid = read_grid(raw, delimiter=delimiter, decimal=decimal, min_columns=3, block=block)
        axes = _from_grid(grid, raw.name)
        comments = tuple(line.strip() for line in (*grid.before, *grid.after) if line.strip())
        warnings = grid.warnings
        axes = _with_units_of_remarks(axes, comments)
    return _oriented(axes, raw, delays, delay_unit, spectral_unit, comments, warnings)


def _with_axis_files(
    raw: RawFile, files: Mapping[str, Path | str | None], delays: Axis | None, delimiter: str | None,
    decimal: str | None, block: int | None, dataset: str | None,
) -> _Axes:  # fmt: skip
    """Matrix whose axes, or one of them, stand in files of their own."""
    if is_container(raw):
        matrices = [a.values for a in arrays_of(raw, dataset).values() if a.values.ndim == 2]
        if len(matrices) != 1:
            raise DataError(f"'{raw.name:.60}' holds {len(matrices)} matrices: name the data set to read (--dataset)")
        values = matrices[0]
    else:
        values = read_grid(raw, delimiter=delimiter, decimal=decimal, block=block).values
    axes = {kind: read_axis(path) for kind, path in files.items() if path is not None}
    units = {kind: unit for kind, (_, unit) in axes.items()}
    lengths = {kind: len(axis) for kind, (axis, _) in axes.items()}
    told = ", ".join(f"{n} {kind}s" for kind, n in lengths.items())
    rows, columns = values.shape
    kinds = [delays and {"rows": "delay", "columns": "wavelength"}[delays]] if delays else ["delay", "wavelength"]
    fits = []
    for down in kinds:
        across = _other(str(down))
        if len(axes) == 2 and (rows, columns) == (lengths[str(down)], lengths[across]):
            fits.append(_Axes(axes[str(down)][0], axes[across][0], values, str(down)))
        elif down not in axes and columns == lengths.get(across, -1) + 1:
            fits.append(_Axes(values[:, 0], axes[across][0], values[:, 1:], str(down)))
        elif across not in axes and rows == lengths.get(str(down), -1) + 1:
            fits.append(_Axes(axes[str(down)][0], values[0], values[1:], str(down)))
    if len(fits) != 1:
        what = (
            "which way round they belong can't be told: say it, --delays rows or columns" if fits else "they don't fit"
        )
        raise DataError(
            f"'{raw.name:.60}' holds {rows} rows of {columns} numbers, the files of the axes {told}: {what}"
        )
    return replace(fits[0], delay_unit=units.get("delay", ""), spectral_unit=units.get("wavelength", ""))


def _from_grid(grid: Grid, name: str) -> _Axes:
    values, columns = grid.values, grid.values.shape[1]
    before = [line for line in grid.before if line.strip()]
    text = "\n".join(before)
    down_is = ""
    if re.search(r"time\s+explicit", text, re.IGNORECASE):
        down_is = "wavelength"
    elif re.search(r"wavelength\s+explicit", text, re.IGNORECASE):
        down_is = "delay"
    across = _axis_above(before, grid, columns)
    if across is not None:
        corner, row = across
        axes = _Axes(values[:, 0], row, values[:, 1:], down_is)
        return axes if down_is else _labelled(axes, corner)
    if columns > 3 and len(values) > 2 and np.isnan(values[0, :2]).all() and np.isfinite(values[0, 2:]).all():
        raise DataError(
            f"'{name:.60}' is a map over places (two columns of coordinates before the spectra), not over delays: "
            "save one "
            "line of it, or the map over time"
        )
    if columns == 3:
        return _from_long(grid, before, name)
    axes = _Axes(values[1:, 0], values[0, 1:], values[1:, 1:], down_is)
    if len(axes.down) < 2:
        raise DataError(f"'{name}' has {len(values)} rows of numbers: too few for a map")
    return axes


def _axis_above(before: list[str], grid: Grid, columns: int) -> tuple[str, Float] | None:
    """Corner and axis from the last line above the numbers, if it holds an axis."""
    if not before:
        return None
    for delimiter in dict.fromkeys((grid.dialect.delimiter, "\t", ";", None)):
        cells = split(before[-1].lstrip("#% "), delimiter)
        while len(cells) > columns and not cells[-1]:
            cells = cells[:-1]
        if len(cells) not in (columns, columns - 1):
            continue
        corner, rest = ("", cells) if len(cells) == columns - 1 else (cells[0], cells[1:])
        numbers = [number(re.sub(r"\s*[A-Za-z]+$", "", cell), grid.dialect.decimal) for cell in rest]
        if all(value is not None and np.isfinite(value) for value in numbers) and len(numbers) >= 2:
            units = {match[0] for cell in rest if (match := re.search(r"[A-Za-z]+$", cell))}
            return f"{corner} \\ {units.pop()}" if len(units) == 1 else corner, np.array(numbers, dtype=np.float64)
    return None


def _labelled(axes: _Axes, corner: str) -> _Axes:
    """Read a corner cell such as ``wavelength (nm) | delay (ps)``: what runs down stands first."""
    parts = [part for part in re.split(r"[\\|]| vs\.? |/(?=\s*[A-Za-z]{3,})", corner) if part.strip()]
    kinds = [_kind(part) for part in parts]
    units = {kind: parse_label(part).unit for kind, part in zip(kinds, parts, strict=True) if kind}
    for kind, part in zip(kinds, parts, strict=True):
        if kind and not units[kind] and is_unit(part.strip()):
            units[kind] = part.strip()
    if len(kinds) == 2 and kinds[0] != kinds[1]:
        down_is = kinds[0] or {"delay": "wavelength", "wavelength": "delay"}[kinds[1]]
    elif len(kinds) == 1:
        down_is = kinds[0]
    else:
        down_is = ""
    return _Axes(axes.down, axes.across, axes.values, down_is, units.get("delay", ""), units.get("wavelength", ""))


def _kind(text: str) -> str:
    delay, spectral = bool(_DELAY_WORDS.search(text)), bool(_SPECTRAL_WORDS.search(text))
    return "delay" if delay and not spectral else "wavelength" if spectral and not delay else ""


def _from_long(grid: Grid, before: list[str], name: str) -> _Axes:
    """Three columns: two axes, which repeat, and the signal."""
    first, second, signal = grid.values.T
    heading = [parse_label(cell) for cell in split(before[-1], grid.dialect.delimiter)] if before else []
    down, row = np.unique(first, return_inverse=True)
    across, column = np.unique(second, return_inverse=True)
    if not np.isfinite(first).all() or not np.isfinite(second).all():
        raise DataError(f"'{name}' has a row without delay or wavelength")
    if len(down) < 2 or len(across) < 2 or len(signal) < 0.5 * len(down) * len(across):
        raise DataError(
            f"'{name}' has three columns, but they are no map: delay and wavelength must repeat "
            "(for single traces use read_trace)"
        )
    if len({*zip(row.tolist(), column.tolist(), strict=True)}) < len(signal):
        raise DataError(f"'{name}' has the same delay and wavelength twice")
    values = np.full((len(down), len(across)), np.nan)
    values[row, column] = signal
    axes = _Axes(down, across, values)
    if len(heading) != 3:
        return axes
    kinds = [_role(label.name, label.unit) for label in heading[:2]]
    units = {kind: label.unit for kind, label in zip(kinds, heading[:2], strict=True)}
    return _Axes(
        down, across, values, kinds[0] or _other(kinds[1]), units.get("delay", ""), units.get("wavelength", "")
    )


def _role(name: str, unit: str) -> str:
    roles = {"delay": ("delay",), "wavelength": ("wavelength", "energy")}
    return next(
        (
            kind
            for kind, names in roles.items()
            if any(get_role(r).is_named(name, unit) or get_role(r).is_like(name, unit) for r in names)
        ),
        "",
    )


def _other(kind: str) -> str:
    return {"delay": "wavelength", "wavelength": "delay"}.get(kind, "")


def _with_units_of_remarks(axes: _Axes, comments: tuple[str, ...]) -> _Axes:
    """Read remarks such as ``Time units: ps``."""
    found = {"delay": axes.delay_unit, "wavelength": axes.spectral_unit}
    for kind, unit in said_units(comments).items():
        if kind in found:
            found[kind] = found[kind] or unit
    for line in comments:
        if len(line) > 300:
            continue
        axis = re.match(
            r"\W*[xyz][ _-]*(?:axis|label|title|units?)?[ _-]*(?:title|label)?\s*[:=,\t]\s*(\S.*)", line, re.I
        )
        label = parse_label(axis[1].strip(" ,;\t\"'")) if axis else None
        if label is not None and label.unit:
            kind = _role(label.name, label.unit)
            if kind in found:
                found[kind] = found[kind] or label.unit
        match = re.search(r"(time|delay|wavelength|x|y)[ _-]*(?:axis[ _-]*)?units?\s*[:=,\t]\s*([^\s,;]+)", line, re.I)
        if match and is_unit(match[2]):
            kind = {"t": "delay", "d": "delay", "w": "wavelength"}.get(match[1][0].lower()) or _kind(match[2])
            if kind:
                found[kind] = found[kind] or match[2]
    return _Axes(axes.down, axes.across, axes.values, axes.down_is, found["delay"], found["wavelength"])


def _from_container(raw: RawFile, dataset: str | None) -> _Axes:
    found = arrays_of(raw, dataset)
    tables = [(path, a) for path, a in found.items() if a.values.ndim == 2]
    fitting = []
    for path, table in tables:
        # the axes in the group of the matrix; those of the whole file if it has none
        near = [a for p, a in found.items() if a.values.ndim == 1 and group_of(p) == group_of(path)]
        far = [a for a in found.values() if a.values.ndim == 1]
        pair = next((pair for lines in (near, far) if (pair := _pair(lines, table.values.shape)) is not None), None)
        if pair is not None:
            fitting.append((path, table, *pair))
    if len(fitting) != 1:
        what = "several maps" if fitting else "no matrix with two axes that fit it"
        named = {path: found[path] for path, *_ in fitting} or found
        raise DataError(
            f"'{raw.name:.60}' holds {what} ({shown(named)}): name the data set or group to read (--dataset)"
        )
    _, table, down, across = fitting[0]
    kinds = [_role(a.label.name, a.label.unit) for a in (down, across)]
    units = dict(zip(kinds, (down.label.unit, across.label.unit), strict=True))
    return _Axes(
        down.values,
        across.values,
        table.values,
        kinds[0] or _other(kinds[1]),
        units.get("delay", ""),
        units.get("wavelength", ""),
    )


def _pair(lines: list[Array], shape: tuple[int, ...]) -> tuple[Array, Array] | None:
    """Find the one axis down and the one across; in a square matrix the headings decide."""
    downs, acrosses = (_different([a for a in lines if len(a.values) == n]) for n in shape)
    if len(downs) == 1 and len(acrosses) == 1 and downs[0] is not acrosses[0]:
        return downs[0], acrosses[0]
    if len(downs) == 2 and {*map(id, downs)} == {*map(id, acrosses)}:
        kinds = [_role(a.label.name, a.label.unit) for a in downs]
        if kinds[0] == "delay" or kinds[1] == "wavelength":
            return downs[0], downs[1]
        if kinds[1] == "delay" or kinds[0] == "wavelength":
            return downs[1], downs[0]
    return None


def _different(lines: list[Array]) -> list[Array]:
    """Leave out copies of an axis (pandas keeps the columns of a table twice)."""
    kept: list[Array] = []
    for line in lines:
        if not any(np.array_equal(line.values, other.values) for other in kept):
            kept.append(line)
    return kept


def _oriented(
    axes: _Axes,
    raw: RawFile,
    delays: Axis | None,
    delay_unit: str | None,
    spectral_unit: str | None,
    comments: tuple[str, ...],
    warnings: tuple[str, ...],
) -> Matrix:
    for axis, where in ((axes.down, "column"), (axes.across, "row")):
        _check_axis(axis, where, raw.name)
    down_is = {"rows": "delay", "columns": "wavelength"}[delays] if delays else axes.down_is
    if not down_is:
        down_is = _by_values(axes, raw.name)
    delay, spectral = (axes.down, axes.across) if down_is == "delay" else (axes.across, axes.down)
    signal = axes.values if down_is == "delay" else axes.values.T
    unit = spectral_unit or axes.spectral_unit
    doubts: list[str] = []
    if not unit:
        unit = "eV" if bool(np.all((spectral > 0.2) & (spectral < 12.0))) else "nm"
        doubts.append(
            f"{raw.name:.60}: the spectral axis ({spectral.min():g} to {spectral.max():g}) has no unit and is read "
            f"as {unit}: "
            "if it is another, give --spectral-unit"
        )
    if not (delay_unit or axes.delay_unit):
        doubts.append(f"{raw.name:.60}: the delays have no unit and are read as ps: if it is another, give --unit")
    delay_ps = _converted(delay, delay_unit or axes.delay_unit or "ps", "ps", raw.name)
    wavelength = wavelength_nm(spectral, unit, raw.name)
    if np.isnan(signal).all():
        raise DataError(f"'{raw.name}' holds no signal: every cell between the axes is missing")
    in_delay, in_wavelength = np.argsort(delay_ps, kind="stable"), np.argsort(wavelength, kind="stable")
    return Matrix(
        delay_ps=delay_ps[in_delay],
        wavelength_nm=wavelength[in_wavelength],
        signal=np.ascontiguousarray(signal[np.ix_(in_delay, in_wavelength)]),
        source=raw.name,
        sha256=raw.sha256,
        comments=comments,
        warnings=(*warnings, *doubts),
        doubts=tuple(doubts),
    )


def _check_axis(axis: Float, where: str, name: str) -> None:
    bad = np.flatnonzero(~np.isfinite(axis))
    if len(bad):
        raise DataError(f"the first {where} of '{name}' is no axis: its value {bad[0] + 1} is missing")
    steps = np.diff(axis)
    rising, falling = np.count_nonzero(steps > 0), np.count_nonzero(steps < 0)
    if rising and falling:
        wrong = np.flatnonzero(steps < 0 if rising >= falling else steps > 0)[0] + 1
        raise DataError(
            f"the first {where} of '{name}' is no axis: value {wrong + 1} ({axis[wrong]:g}) after {axis[wrong - 1]:g} "
            "breaks the order"
        )
    if not rising and not falling:
        raise DataError(f"the first {where} of '{name}' is no axis: all its values are {axis[0]:g}")


def _by_values(axes: _Axes, name: str) -> str:
    """Tell the axes apart by their values: a wavelength is positive and spans less than a decade."""

    def spectral(axis: Float) -> bool:
        low, high = float(axis.min()), float(axis.max())
        return bool(low > 0 and high / low < 10 and ((low >= 150 and high <= 30000) or (low > 0.2 and high < 12)))

    down, across = spectral(axes.down), spectral(axes.across)
    if down == across:
        raise DataError(
            f"can't tell delay and wavelength of '{name}' apart: the rows run from {axes.down[0]:g} to "
            f"{axes.down[-1]:g}, the columns from {axes.across[0]:g} to {axes.across[-1]:g}; say which holds the "
            "delays (delays='rows' or 'columns')"
        )
    return "wavelength" if down else "delay"


def _converted(values: Float, unit: str, wanted: str, name: str) -> Float:
    try:
        return convert(values, unit, wanted)
    except DataError as error:
        raise DataError(f"an axis of '{name}': {error}") from None


def wavelength_nm(values: Float, unit: str, name: str) -> Float:
    """Wavelengths (nm) from wavelengths, photon energies or wavenumbers; and energies (eV) from nm if `unit` is eV.

    Parameters
    ----------
    values
        Shape (n,).
    unit
        Theirs: ``"nm"``, ``"eV"``, ``"cm-1"``, ...
    name
        Of the file, for messages.

    Raises
    ------
    DataError
        If a value isn't positive or the unit is no length or energy.
    """
    if unit == "nm":
        return values
    if np.any(values <= 0):  # energy = hc/wavelength both ways
        raise DataError(f"the spectral axis of '{name}' must be positive, got {values.min():g} {unit}")
    try:
        return convert(values, unit, "nm")
    except DataError:
        # an energy or a wavenumber
        return _HC_EV_NM / _converted(values, unit, "eV", name)
