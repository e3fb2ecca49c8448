"""From one or several files to the columns an analysis asks for: which is the abscissa, which the channels."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from perospin.errors import DataError
from perospin.fitting import Source
from perospin.measurements.reading.assignment import abscissa, assign, repeats_of, spread_of, stand_in
from perospin.measurements.reading.grid import Float
from perospin.measurements.reading.matrices import wavelength_nm
from perospin.measurements.reading.pooled import passes, select, settled
from perospin.measurements.reading.tables import read_trace
from perospin.measurements.reading.trace import Trace
from perospin.measurements.reading.words.roles import Role, get_role
from perospin.sheets.labels import is_opaque
from perospin.units import convert

__all__ = ["Measurement", "assigned", "gather"]

_PAIR = ("same", "counter")
_LARGEST_T = 100.0  # no steady field is larger
_LARGEST_PS = 1e11  # a clock, not a delay
_SWEEPS = ("field", "voltage")  # these run forth and back


@dataclass(frozen=True, eq=False)
class Measurement:
    """Columns of a measurement in the units of the analyses.

    Attributes
    ----------
    x
        Abscissa, shape (n,), in the order of the file.
    channels
        By role, shape (n,) each.
    repeats
        By role, all columns that were taken for it, shape (n_columns, n): repeated curves.
    sources
        The files.
    conditions
        What file names and remarks say of field, temperature and so on.
    notes
        What was taken for what, where that wasn't certain, and what was put right.
    doubts
        Those of the notes on which the result hangs: a unit that no file states, a channel that could be another. They
        belong into the result, the record and the page.
    x_unit
        Unit of the abscissa in the file, or the one given; ``""`` if it was assumed.
    signal_unit
        Unit of a detector's signal in the file, for the axis of a figure; ``""`` if it states none.
    """

    x: Float
    channels: Mapping[str, Float]
    sources: tuple[Source, ...]
    repeats: Mapping[str, Float] = field(default_factory=dict)
    conditions: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    x_unit: str = ""
    signal_unit: str = ""

    def __getitem__(self, role: str) -> Float:
        return self.channels[role]

    def get(self, role: str) -> Float | None:
        """Channel, or None if there is none."""
        return self.channels.get(role)

    def delay_as_written(self) -> tuple[Float, str]:
        """Delays (n,) in the unit of their file, and that unit ("ps" if it was assumed).

        An analysis that knows the unit mistakes nanoseconds for no femtoseconds, and draws its axis in it.
        """
        unit = self.x_unit or "ps"
        return self.x / float(convert(1.0, unit, "ps")), unit


@dataclass
class _Told:
    """Notes and doubts while files are read."""

    notes: list[str]
    doubts: list[str]
    signal_unit: str = ""

    def doubt(self, sentence: str) -> None:
        self.notes.append(sentence)
        self.doubts.append(sentence)


def gather(
    files: Sequence[Path | str],
    roles: Sequence[str],
    *,
    x: str,
    optional: Sequence[str] = (),
    columns: Sequence[str] | None = None,
    x_unit: str | None = None,
    where: Mapping[str, float] | None = None,
    channels: Sequence[str] | None = None,
    **options: Any,
) -> Measurement:
    """Read the abscissa and the channels that an analysis needs.

    Channels are found by their headings and units (`ROLES`): the column that fits a role best is taken for it, and one
    whose unit, name or size contradicts never is. In a file without headings the columns stand in the order of `roles`.
    With as many files as roles each file holds one channel: which one is told by the file's name, else by the order.

    Parameters
    ----------
    files
        One file, or one for each role.
    roles
        Channels that are needed.
    x
        Role of the abscissa.
    optional
        Channels that are taken if a heading names them, or if the file without headings has as many columns, or if
        there are more files.
    columns
        Names or numbers (from 1) of the columns to take: abscissa, then channels in the order of `roles` and
        `optional`.
    x_unit
        Unit of the abscissa if the file doesn't say it.
    where
        Conditions to choose rows by, column (or quantity) to value: ``{"temperature": 10}`` of a file that holds loops
        at several temperatures.
    channels
        Role of each of several files; told by their names, else by their order, if not given.
    **options
        For `read_trace`.

    Returns
    -------
    Measurement

    Raises
    ------
    DataError
        If a file can't be read or a channel is missing, or files don't share their abscissa, or a file holds
        measurements under several conditions.
    """
    traces = [select(read_trace(path, **options), where) for path in files]
    if not traces:
        raise DataError("no file was given")
    wanted = [*roles, *optional]
    if len(traces) > len(wanted):
        raise DataError(f"{len(traces)} files were given, but there are only {len(wanted)} channels: {_list(wanted)}")
    if 1 < len(traces) < len(roles):
        raise DataError(f"{len(traces)} files were given: give one, or one for each of {_list(roles)}")
    told = _Told([sentence for trace in traces for sentence in trace.warnings], [])
    if len(traces) == 1:
        axis, values, repeats = _from_one(traces[0], roles, optional, x, columns, x_unit, told)
    else:
        axis, values, repeats = _from_several(traces, wanted, x, columns, x_unit, told, channels)
        if "sigma" in optional and {*_PAIR} == {*values} and columns is None:
            values |= _errors_of_each(traces, values, x, told)
    largest = float(np.nanmax(np.abs(axis), initial=0.0))
    if x == "field" and largest > _LARGEST_T:
        raise DataError(
            f"fields up to {largest:g} can't be tesla: write the unit into the heading, 'field (mT)', or name it"
        )
    if x == "delay" and largest > _LARGEST_PS:
        raise DataError(
            f"delays up to {largest * 1e-12:g} s are none: name the column of the delay, or write its unit into the "
            "heading, 'delay (ps)'"
        )
    for trace in traces:
        for doubt in settled(trace, x, {*wanted}):
            told.doubt(doubt)
    if (runs := passes(axis)) > (2 if x in _SWEEPS else 1):
        told.doubt(
            f"{traces[0].source:.60}: the {x} runs {runs} times through its range, and all of it is fitted as one: "
            "if these "
            "are scans of different things, save each as a file"
        )
    for role, found in values.items() if x != "energy" else ():
        _check_size(found, get_role(role), traces[0].source)
    conditions: dict[str, float] = {}
    for trace in traces:
        conditions.update(trace.conditions)
    return Measurement(
        x=axis,
        channels=values,
        repeats=repeats,
        sources=tuple(Source(trace.source, trace.sha256) for trace in traces),
        conditions={k: v for k, v in conditions.items() if all(t.conditions.get(k, v) == v for t in traces)},
        notes=tuple(told.notes),
        doubts=tuple(told.doubts),
        x_unit=_unit_of(traces[0], columns, x, x_unit),
        signal_unit=told.signal_unit,
    )


def _check_size(values: Float, role: Role, source: str) -> None:
    if not role.unit and not role.possible(values, ""):
        largest = float(np.nanmax(np.abs(values), initial=0.0))
        hint = ", or write % into its heading" if role.name == "polarisation" else ""
        raise DataError(
            f"the {role.name} of '{source:.60}' reaches {largest:.4g}, but it is at most {role.largest:g}: name "
            "the right "
            f"column (--columns){hint}"
        )


def _unit_of(trace: Trace, columns: Sequence[str] | None, x: str, given: str | None) -> str:
    at = trace.index(columns[0]) if columns else abscissa(trace, x)
    return get_role(x).unit_of(trace.labels[at]) or given or ""


def _list(names: Sequence[str]) -> str:
    return ", ".join(f"{name:.24}" for name in names[:12]) + (", ..." if len(names) > 12 else "")


def _from_one(
    trace: Trace,
    roles: Sequence[str],
    optional: Sequence[str],
    x: str,
    columns: Sequence[str] | None,
    x_unit: str | None,
    told: _Told,
) -> tuple[Float, dict[str, Float], dict[str, Float]]:
    wanted = [*roles, *optional]
    if columns is not None:
        if not len(roles) < len(columns) <= len(wanted) + 1:
            raise DataError(f"name the columns of {_list([x, *wanted])}, got {len(columns)}: {_list(columns)}")
        at = trace.index(columns[0])
        chosen: dict[str, int] = dict(zip(wanted, (trace.index(c) for c in columns[1:]), strict=False))
    else:
        found = assign(trace, roles, optional, x)
        at, chosen = found.at, found.chosen
        told.notes.extend(found.notes)
        for doubt in found.doubts:
            told.doubt(doubt)
        if found.pair is not None:  # a polarisation from its two intensities
            return _axis(trace, at, x, x_unit, told), *_polarisation(trace, found.pair)
        return _axis(trace, at, x, x_unit, told), *_channels(trace, chosen, x, told, found.spreads)
    return _axis(trace, at, x, x_unit, told), *_channels(trace, chosen, x, told)


def _polarisation(trace: Trace, pair: tuple[int, int]) -> tuple[dict[str, Float], dict[str, Float]]:
    plus, minus = (np.array(trace.values[:, i]) for i in pair)
    total = plus + minus
    if np.any(total[np.isfinite(total)] <= 0.0):
        raise DataError(
            f"the intensities '{trace.names[pair[0]]:.40}' and '{trace.names[pair[1]]:.40}' of "
            f"'{trace.source:.60}' add up to "
            "zero or less: subtract the background, or give the polarisation itself"
        )
    values = (plus - minus) / total
    return {"polarisation": values}, {"polarisation": values[None, :]}


def _from_several(
    traces: Sequence[Trace],
    wanted: Sequence[str],
    x: str,
    columns: Sequence[str] | None,
    x_unit: str | None,
    told: _Told,
    given: Sequence[str] | None = None,
) -> tuple[Float, dict[str, Float], dict[str, Float]]:
    order = list(given) if given else assigned([trace.source for trace in traces], wanted)
    if given and (len(given) != len(traces) or len({*given}) != len(given) or not {*given} <= {*wanted}):
        raise DataError(f"each of {len(traces)} files needs a channel of its own among {_list(wanted)}: {_list(given)}")
    if order is None:
        order = list(wanted[: len(traces)])
        taken = ", ".join(f"{role} is '{trace.source:.60}'" for role, trace in zip(order, traces, strict=True))
        told.notes.append(f"files were taken in the order given: {taken}")
    axes, channels, repeats = [], {}, {}
    for role, trace in zip(order, traces, strict=True):
        at = trace.index(columns[0]) if columns else abscissa(trace, x)
        rest = [trace.index(c) for c in columns[1:]] if columns and len(columns) > 1 else repeats_of(trace, role, at)
        axes.append(_axis(trace, at, x, x_unit, told))
        stack = np.stack([_converted(trace, i, get_role(role), x, told) for i in rest])
        repeats[role], channels[role] = stack, stack[0]
        taken_later = spread_of(trace) if {*_PAIR} == {*order} and "sigma" in wanted and columns is None else None
        known = (at, *rest, taken_later)
        left = [n for i, n in enumerate(trace.names) if i not in known and trace.has_numbers(i)]
        if left:
            told.notes.append(
                f"{trace.source:.60}: {role} from {_list([trace.names[i] for i in rest])}; not used: {_list(left)}"
            )
    for trace, axis in zip(traces[1:], axes[1:], strict=True):
        _same_axis(axes[0], axis, traces[0].source, trace.source, x)
    return axes[0], channels, repeats


def _errors_of_each(traces: Sequence[Trace], channels: Mapping[str, Float], x: str, told: _Told) -> dict[str, Float]:
    """Error columns of files that hold one channel each, as a row a file; none unless every file has one.

    `channels` stand in the order of the files, whatever told which file is which.
    """
    found: dict[str, Float] = {}
    for role, trace in zip(channels, traces, strict=True):
        at = spread_of(trace)
        if at is not None:
            of = repeats_of(trace, role, abscissa(trace, x))[0]
            found[role] = _uncertainty(trace, at, of, get_role(role), channels[role])
    lacking = [trace.source for role, trace in zip(channels, traces, strict=True) if role not in found]
    if found and lacking:
        told.doubt(
            f"error columns were not used, as {_list(lacking)} has none: the scatter of the points stands for them"
        )
        return {}
    if not found:
        return {}
    told.notes.append("each file's error column weights its points")
    return {"sigma": np.stack([found[role] for role in _PAIR])}


def _same_axis(one: Float, other: Float, first: str, second: str, x: str) -> None:
    if len(one) != len(other):
        raise DataError(f"'{first}' has {len(one)} rows and '{second}' {len(other)}: both need the same {x} values")
    span = float(np.nanmax(one) - np.nanmin(one)) or 1.0
    apart = np.flatnonzero(~(np.abs(one - other) <= 1e-6 * span) & np.isfinite(one) & np.isfinite(other))
    if len(apart):
        i = int(apart[0])
        raise DataError(
            f"'{first}' and '{second}' don't share their {x} values: row {i + 1} has {one[i]:g} and {other[i]:g}"
        )


def assigned(names: Sequence[str], wanted: Sequence[str]) -> list[str] | None:
    """Role of each file by the words in its name; None if they don't tell it for every file."""
    found: list[str] = []
    for name in names:
        parts = set(re.split(r"[^a-z]+", name.rsplit(".", 1)[0].lower()))
        roles = [role for role in wanted if parts & {role, *get_role(role).words}]
        if len(roles) != 1 or roles[0] in found:
            return None
        found.append(roles[0])
    return found


def roles_of_maps(names: Sequence[str], channels: Sequence[str] | None = None) -> tuple[list[str], str]:
    """Role of each file of a map or a pair of maps, and a note where only the order of the files tells it.

    Parameters
    ----------
    names
        Of the files.
    channels
        Role of each file; told by the names, else by the order, if not given.

    Raises
    ------
    DataError
        If there are more than two files, or the roles given aren't those of a map or a pair.
    """
    if len(names) > 2:
        raise DataError(f"{len(names)} files were given: a map, or a pair of maps (same- and counter-circular)")
    if channels:
        if {*channels} != {*_PAIR[: len(names)]} or len(channels) != len(names):
            raise DataError(f"a map is 'same', a pair of maps 'same' and 'counter', not {_list(channels)}")
        return list(channels), ""
    if len(names) < 2:
        return ["same"], ""
    if order := assigned(names, _PAIR):
        return order, ""
    return list(_PAIR), f"files were taken in the order given: same is '{names[0]}', counter '{names[1]}'"


def _axis(trace: Trace, at: int, x: str, x_unit: str | None, told: _Told) -> Float:
    role, label = get_role(x), trace.labels[at]
    if not trace.has_numbers(at):
        raise DataError(f"column '{label.name:.40}' of '{trace.source:.60}', the {x}, holds no number")
    # a wrong unit is a mistake even where the file has its own
    if x_unit is not None and x in ("wavelength", "energy"):
        wavelength_nm(np.ones(1), x_unit, trace.source)
    elif x_unit is not None:
        convert(1.0, x_unit, role.unit)
    spectral = x in ("wavelength", "energy")
    own = (
        get_role("wavelength").unit_of(label) or get_role("energy").unit_of(label) if spectral else role.unit_of(label)
    )
    unit = own or x_unit or ""
    if spectral:
        values = np.array(trace.values[:, at])
        if not unit:
            unit = "eV" if float(np.nanmax(values)) < 15.0 else "nm"
            told.doubt(
                f"{trace.source:.60}: '{label.name:.40}' has no unit and is taken as {unit}: if it is another, "
                "give --unit"
            )
        nanometres = wavelength_nm(values, unit, trace.source)
        if x == "wavelength":
            return nanometres
        return values if unit == "eV" else wavelength_nm(nanometres, "eV", trace.source)
    if not unit and role.unit:
        told.doubt(
            f"{trace.source:.60}: '{label.name:.40}' has no unit and is taken as {role.unit}: if it is another, "
            "give --unit"
        )
    return trace.column(at + 1, role.unit, assume=unit)


def _channels(
    trace: Trace, chosen: Mapping[str, int], x: str, told: _Told, both: tuple[int, int] | None = None
) -> tuple[dict[str, Float], dict[str, Float]]:
    channels = {role: _converted(trace, i, get_role(role), x, told) for role, i in chosen.items()}
    first = next(iter(chosen))
    if "sigma" in chosen and first != "sigma":
        channels["sigma"] = _uncertainty(trace, chosen["sigma"], chosen[first], get_role(first), channels[first])
    repeats = {role: values[None, :] for role, values in channels.items()}
    if both is not None and {*_PAIR} <= {*channels}:
        rows = zip(_PAIR, both, strict=True)
        channels["sigma"] = np.stack(
            [_uncertainty(trace, at, chosen[of], get_role(of), channels[of]) for of, at in rows]
        )
    return channels, repeats


def _uncertainty(trace: Trace, at: int, of: int, role: Role, values: Float) -> Float:
    """Uncertainties in the unit of their channel, which a heading such as 'error' leaves out."""
    own, theirs = trace.labels[at].unit, trace.labels[of].unit
    spread = np.array(trace.values[:, at])
    unit = own or theirs
    if own == "%" and theirs != "%":
        return spread / 100.0 * np.abs(values)
    if role.name == "polarisation" and unit == "%":
        return spread / 100.0
    if not role.unit or not unit or is_opaque(unit):
        return spread
    return spread * float(convert(1.0, unit, role.unit))


def _converted(trace: Trace, at: int, role: Role, x: str, told: _Told) -> Float:
    label, source = trace.labels[at], trace.source
    name = f"'{label.name:.40}'"
    unit = role.unit_of(label)
    if role.name == "polarisation" and unit == "%":
        return np.array(trace.values[:, at]) / 100.0
    if role.name == "absorbance" and (unit == "%" or label.name.lower().startswith("trans")):
        raise DataError(f"column {name} of '{source:.60}' is a transmittance, not an absorbance: give -log10 of it")
    instead = stand_in(role, label, x)
    if instead == "coefficient":
        return np.array(trace.values[:, at])
    if instead == "resistivity":
        told.doubt(f"{source:.60}: {name} is in {unit}, taken as it stands: only ratios of it mean something")
        return np.array(trace.values[:, at])
    if role.name != "sigma" and role.score(label) < 0.0 and role.fits(unit) is False:
        raise DataError(f"column {name} of '{source:.60}' is in {unit}: it can't be the {role.name}")
    if role.name in ("lifetime", "ellipticity") and not unit:
        told.doubt(f"{source:.60}: {name} has no unit and is taken as {role.unit}")
    if role.unit and unit and is_opaque(unit):
        told.notes.append(f"{source:.60}: {name} in {unit} is taken as {role.unit}")
        return np.array(trace.values[:, at])
    if role.unit:
        return trace.column(at + 1, role.unit, assume=unit)
    if role.name != "sigma":
        told.signal_unit = told.signal_unit or label.unit
    return np.array(trace.values[:, at])
