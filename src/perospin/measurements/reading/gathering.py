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
from perospin.measurements.reading.grid import Float
from perospin.measurements.reading.labels import as_unit, is_opaque, is_unit
from perospin.measurements.reading.matrices import wavelength_nm
from perospin.measurements.reading.roles import Role, get_role
from perospin.measurements.reading.tables import read_trace
from perospin.measurements.reading.trace import Trace
from perospin.units import convert

__all__ = ["Measurement", "assigned", "gather"]

_LARGEST_T = 100.0  # no steady field is larger


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
    x_unit
        Unit of the abscissa in the file, or the one given; ``""`` if it was assumed.
    """

    x: Float
    channels: Mapping[str, Float]
    sources: tuple[Source, ...]
    repeats: Mapping[str, Float] = field(default_factory=dict)
    conditions: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    x_unit: str = ""

    def __getitem__(self, role: str) -> Float:
        return self.channels[role]

    def get(self, role: str) -> Float | None:
        """Channel, or None if there is none."""
        return self.channels.get(role)


def gather(
    files: Sequence[Path | str],
    roles: Sequence[str],
    *,
    x: str,
    optional: Sequence[str] = (),
    columns: Sequence[str] | None = None,
    x_unit: str | None = None,
    **options: Any,
) -> Measurement:
    """Read the abscissa and the channels that an analysis needs.

    Channels are found by their headings (`ROLES`); in a file without headings they stand in the order of `roles`. With
    as many files as roles each file holds one channel: which one is told by the file's name, else by the order.

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
    **options
        For `read_trace`.

    Returns
    -------
    Measurement

    Raises
    ------
    DataError
        If a file can't be read or a channel is missing, or files don't share their abscissa.
    """
    traces = [read_trace(path, **options) for path in files]
    if not traces:
        raise DataError("no file was given")
    wanted = [*roles, *optional]
    if len(traces) > len(wanted):
        raise DataError(f"{len(traces)} files were given, but there are only {len(wanted)} channels: {_list(wanted)}")
    if 1 < len(traces) < len(roles):
        raise DataError(f"{len(traces)} files were given: give one, or one for each of {_list(roles)}")
    notes = [sentence for trace in traces for sentence in trace.warnings]
    if len(traces) == 1:
        axis, channels, repeats = _from_one(traces[0], roles, optional, x, columns, x_unit, notes)
    else:
        axis, channels, repeats = _from_several(traces, wanted, x, columns, x_unit, notes)
    if x == "field" and np.nanmax(np.abs(axis), initial=0.0) > _LARGEST_T:
        raise DataError(
            f"fields up to {np.nanmax(np.abs(axis)):g} can't be tesla: write the unit into the heading, 'field "
            "(mT)', or name it"
        )
    conditions: dict[str, float] = {}
    for trace in traces:
        conditions.update(trace.conditions)
    return Measurement(
        x=axis,
        channels=channels,
        repeats=repeats,
        sources=tuple(Source(trace.source, trace.sha256) for trace in traces),
        conditions={k: v for k, v in conditions.items() if all(t.conditions.get(k, v) == v for t in traces)},
        notes=tuple(notes),
        x_unit=_unit_of(traces[0], columns, x, x_unit),
    )


def _unit_of(trace: Trace, columns: Sequence[str] | None, x: str, given: str | None) -> str:
    at = trace.index(columns[0]) if columns else _abscissa(trace, x)
    return _written(trace, at, get_role(x)) or given or ""


def _written(trace: Trace, at: int, role: Role) -> str:
    """Give the unit in the heading, also where the heading is nothing but a unit: nm, V."""
    label = trace.labels[at]
    if label.unit or not is_unit(label.name) or not role.unit:
        return label.unit
    try:
        convert(1.0, as_unit(label.name), role.unit)
    except DataError:
        return ""
    return as_unit(label.name)


def _list(names: Sequence[str]) -> str:
    return ", ".join(names)


def _from_one(
    trace: Trace,
    roles: Sequence[str],
    optional: Sequence[str],
    x: str,
    columns: Sequence[str] | None,
    x_unit: str | None,
    notes: list[str],
) -> tuple[Float, dict[str, Float], dict[str, Float]]:
    wanted = [*roles, *optional]
    if columns is not None:
        if not len(roles) < len(columns) <= len(wanted) + 1:
            raise DataError(f"name the columns of {_list([x, *wanted])}, got {len(columns)}: {_list(columns)}")
        chosen: dict[str, int] = dict(zip(wanted, (trace.index(c) for c in columns[1:]), strict=False))
        return _axis(trace, trace.index(columns[0]), x, x_unit, notes), *_channels(trace, chosen, notes)
    at = _abscissa(trace, x)
    chosen = {}
    for role in wanted:
        name = trace.find(role)
        if name is not None and trace.index(name) not in (at, *chosen.values()):
            chosen[role] = trace.index(name)
    bare = all(re.fullmatch(r"column \d+", name) for name in trace.names)
    free = [i for i in range(len(trace.names)) if i not in (at, *chosen.values())]
    unnamed = [role for role in roles if role not in chosen]
    if len(unnamed) > 1 and len(free) > len(wanted):
        raise DataError(
            f"'{trace.source}' has {len(trace.names)} columns whose headings don't tell {_list(unnamed)}: name the "
            f"columns in the order {_list([x, *wanted])}, or give one file for each"
        )
    for role in wanted if bare else roles:
        if role not in chosen and free:
            chosen[role] = free.pop(0)
    other = [
        get_role(role) for role in ("temperature", "power", "field", "frequency", "voltage", "wavelength", "sigma")
    ]
    stray = [i for i in free if not any(role.is_named(trace.labels[i].name, trace.labels[i].unit) for role in other)]
    if "counter" in optional and "counter" not in chosen and stray:
        raise DataError(
            f"'{trace.source}' has the columns {_list(trace.names)}, whose headings don't tell same- from "
            "counter-circular: name delay and trace, or delay, same and counter, in this order"
        )
    missing = [role for role in roles if role not in chosen]
    if missing:
        raise DataError(
            f"'{trace.source}' has no column for {missing[0]}: it has {_list(trace.names)}; name the columns in the "
            f"order {_list([x, *wanted])}"
        )
    taken = ", ".join(f"{role} from '{trace.names[i]}'" for role, i in chosen.items())
    if free or bare or unnamed:
        left = f"; not used: {_list([trace.names[i] for i in free])}" if free else ""
        notes.append(f"{trace.source}: {x} from '{trace.names[at]}', {taken}{left}")
    return _axis(trace, at, x, x_unit, notes), *_channels(trace, chosen, notes)


def _from_several(
    traces: Sequence[Trace],
    wanted: Sequence[str],
    x: str,
    columns: Sequence[str] | None,
    x_unit: str | None,
    notes: list[str],
) -> tuple[Float, dict[str, Float], dict[str, Float]]:
    order = assigned([trace.source for trace in traces], wanted)
    if order is None:
        order = list(wanted[: len(traces)])
        taken = ", ".join(f"{role} is '{trace.source}'" for role, trace in zip(order, traces, strict=True))
        notes.append(f"files were taken in the order given: {taken}")
    axes, channels, repeats = [], {}, {}
    for role, trace in zip(order, traces, strict=True):
        at = trace.index(columns[0]) if columns else _abscissa(trace, x)
        if columns and len(columns) > 1:
            rest = [trace.index(c) for c in columns[1:]]
        else:
            named = trace.find(role)
            own = trace.index(named) if named is not None else at
            rest = [own] if own != at else [i for i in range(len(trace.names)) if i != at]
        if not rest:
            raise DataError(f"'{trace.source}' has no column for {role}")
        axes.append(_axis(trace, at, x, x_unit, notes))
        stack = np.stack([_converted(trace, i, get_role(role), notes) for i in rest])
        repeats[role], channels[role] = stack, stack[0]
    for trace, axis in zip(traces[1:], axes[1:], strict=True):
        _same_axis(axes[0], axis, traces[0].source, trace.source, x)
    return axes[0], channels, repeats


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


def _abscissa(trace: Trace, x: str) -> int:
    for role in ("wavelength", "energy") if x in ("wavelength", "energy") else (x,):
        name = trace.find(role)
        if name is not None:
            return trace.index(name)
    return 0


def _axis(trace: Trace, at: int, x: str, x_unit: str | None, notes: list[str]) -> Float:
    role, label = get_role(x), trace.labels[at]
    if not np.isfinite(trace.values[:, at]).any():
        raise DataError(f"column '{label.name}' of '{trace.source}', the {x}, holds no number")
    # a wrong unit is a mistake even where the file has its own
    if x_unit is not None and x in ("wavelength", "energy"):
        wavelength_nm(np.ones(1), x_unit, trace.source)
    elif x_unit is not None:
        convert(1.0, x_unit, role.unit)
    unit = _written(trace, at, role) or x_unit or ""
    if x in ("wavelength", "energy"):
        values = np.array(trace.values[:, at])
        if not unit:
            unit = "eV" if float(np.nanmax(values)) < 15.0 else "nm"
            notes.append(f"{trace.source}: '{label.name}' has no unit and is taken as {unit}")
        nanometres = wavelength_nm(values, unit, trace.source)
        if x == "wavelength":
            return nanometres
        return values if unit == "eV" else wavelength_nm(nanometres, "eV", trace.source)
    if not unit and role.unit:
        notes.append(f"{trace.source}: '{label.name}' has no unit and is taken as {role.unit}")
    return trace.column(at + 1, role.unit, assume=unit)


def _channels(trace: Trace, chosen: Mapping[str, int], notes: list[str]) -> tuple[dict[str, Float], dict[str, Float]]:
    channels = {role: _converted(trace, i, get_role(role), notes) for role, i in chosen.items()}
    first = next(iter(chosen))
    if "sigma" in chosen and first != "sigma":
        channels["sigma"] = _uncertainty(trace, chosen["sigma"], chosen[first], get_role(first), channels[first])
    return channels, {role: values[None, :] for role, values in channels.items()}


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


def _converted(trace: Trace, at: int, role: Role, notes: list[str]) -> Float:
    label = trace.labels[at]
    if role.name == "polarisation" and label.unit == "%":
        return np.array(trace.values[:, at]) / 100.0
    if role.name == "absorbance" and (label.unit == "%" or label.name.lower().startswith("trans")):
        raise DataError(
            f"column '{label.name}' of '{trace.source}' is a transmittance, not an absorbance: give -log10 of it"
        )
    if role.name == "lifetime" and not label.unit:
        notes.append(f"{trace.source}: '{label.name}' has no unit and is taken as {role.unit}")
    if role.unit and label.unit and is_opaque(label.unit):
        notes.append(f"{trace.source}: '{label.name}' in {label.unit} is taken as {role.unit}")
        return np.array(trace.values[:, at])
    return trace.column(at + 1, role.unit)
