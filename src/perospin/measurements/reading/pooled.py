"""Measurements under several conditions in one file: they are split or named, never pooled in silence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from perospin.errors import DataError
from perospin.measurements.reading.grid import Float
from perospin.measurements.reading.trace import Trace
from perospin.measurements.reading.words.roles import NAMED, get_role
from perospin.sheets.labels import Label, kind_of_unit
from perospin.units import convert

__all__ = ["levels", "passes", "select", "settled"]

#: Conditions that a file may hold several of, and the least difference (in the unit of the role) that counts.
_CONDITIONS = {"temperature": 0.5, "field": 1e-3, "frequency": 0.0, "wavelength": 0.5, "power": 0.0}
_LEAST_ROWS = 3
_MOST_LEVELS = 40
_FEW = 6


def levels(values: Float, least: float = 0.0) -> list[tuple[float, float]]:
    """Separate values that a quantity settles on.

    Parameters
    ----------
    values
        Shape (n,).
    least
        Smallest difference that counts.

    Returns
    -------
    list of (float, float)
        Lower and upper end of each level, in rising order; one level if the values run through their range.
    """
    rows = np.sort(values[np.isfinite(values)])
    if len(rows) < 2 * _LEAST_ROWS:
        return [(float(rows[0]), float(rows[-1]))] if len(rows) else []
    steps = np.diff(rows)
    jitter = float(np.percentile(steps, 90.0)) if len(rows) > 20 else float(np.median(steps))
    largest = float(np.max(np.abs(rows)))
    cut = max(10.0 * jitter, 0.02 * largest, least)
    cuts = np.flatnonzero(steps > cut)
    groups = np.split(rows, cuts + 1)
    if len(groups) > _MOST_LEVELS or any(len(group) < _LEAST_ROWS for group in groups):
        return [(float(rows[0]), float(rows[-1]))]
    spread = max(float(np.ptp(group)) for group in groups)
    if len(groups) > 1 and spread > 0.5 * float(steps[cuts].min()):
        return [(float(rows[0]), float(rows[-1]))]
    return [(float(group[0]), float(group[-1])) for group in groups]


def settled(trace: Trace, x: str, used: Iterable[str]) -> list[str]:
    """Refuse a file that holds measurements under several conditions.

    Returns
    -------
    list of str
        Doubts about other columns that take a few values only: a gate, a helicity, the number of a scan.

    Raises
    ------
    DataError
        If a column of a condition (temperature, field, ...) that isn't part of the analysis takes several values.
    """
    doubts: list[str] = []
    for i, label in enumerate(trace.labels):
        values = np.unique(trace.values[np.isfinite(trace.values[:, i]), i])
        if 2 <= len(values) <= _FEW and _takes_turns(trace.values[:, i], values) and _is_setting(label, x, used):
            shown = ", ".join(f"{value:.4g}" for value in values)
            doubts.append(
                f"{trace.source:.60}: '{label.name:.40}' takes {len(values)} values ({shown}), and all rows are "
                "fitted as one: "
                f"choose with --where '{label.name:.30}={values[0]:.4g}' if they are different measurements"
            )
    for name, least in _CONDITIONS.items():
        role = get_role(name)
        if name == x or name in used or (x, name) in (("energy", "wavelength"), ("wavelength", "energy")):
            continue
        for i, label in enumerate(trace.labels):
            if role.score(label) < NAMED or not trace.has_numbers(i):
                continue
            unit = role.unit_of(label)
            if kind_of_unit(unit):
                continue
            scale = float(convert(1.0, role.unit, unit, difference=True)) if unit else 1.0
            found = levels(trace.values[:, i], least * scale)
            if len(found) > 1:
                shown = ", ".join(f"{0.5 * (low + high):.4g}" for low, high in found[:6]) + (
                    ", ..." if len(found) > 6 else ""
                )
                raise DataError(
                    f"'{trace.source:.60}' holds measurements at {len(found)} values of '{label.name:.40}' "
                    f"({shown} {unit}), "
                    f"which one fit would pool: choose one, --where {name}={0.5 * sum(found[0]):.4g}, or save each "
                    "as a file"
                )
    return doubts


def _takes_turns(column: Float, values: Float) -> bool:
    """Whether each value is taken often, and the rows come in runs of one value or in turns."""
    return all(np.count_nonzero(column == value) >= max(_LEAST_ROWS, 0.1 * len(column)) for value in values)


def _is_setting(label: Label, x: str, used: Iterable[str]) -> bool:
    """Whether a column that no role of the analysis claims is a setting of the measurement."""
    plain = label.name.lower()
    if any(word in plain for word in ("flag", "status", "range", "overload", "gain")):
        return False
    return not label.name.startswith("column ") and all(get_role(role).score(label) < NAMED for role in (x, *used))


def select(trace: Trace, where: Mapping[str, float] | None) -> Trace:
    """Rows of a trace under given conditions.

    Parameters
    ----------
    trace
        The trace.
    where
        Column or quantity to value, in the unit of the column. All rows on the level nearest to the value are kept.

    Raises
    ------
    DataError
        If there is no such column, or no level near the value.
    """
    for name, value in (where or {}).items():
        column = name if name.lower() in (n.lower() for n in trace.names) else None
        if column is None and name in _CONDITIONS:
            column = trace.find(name)
        at = trace.index(column if column is not None else name)
        values = trace.values[:, at]
        found = levels(values)
        low, high = min(found, key=lambda ends: abs(0.5 * (ends[0] + ends[1]) - value), default=(np.nan, np.nan))
        near = max(0.05 * abs(value), 2.0 * (high - low))
        if not low - near <= value <= high + near:
            shown = ", ".join(f"{0.5 * (a + b):.4g}" for a, b in found[:8])
            raise DataError(
                f"no row of '{trace.source:.60}' has {name:.40} = {value:g}; it takes {shown or 'no value'}"
            )
        trace = trace.where((values >= low) & (values <= high))
    return trace


def passes(values: Float) -> int:
    """How often an abscissa runs through (most of) its range in one direction."""
    rows = values[np.isfinite(values)]
    if len(rows) < 2 * _LEAST_ROWS:
        return 1
    span = float(np.ptp(rows))
    steps = np.diff(rows)
    signs = np.sign(steps)
    moving = np.flatnonzero(signs)
    if not len(moving):
        return 1
    cuts = np.flatnonzero(np.diff(signs[moving]))
    runs = np.split(moving, cuts + 1)
    full = [run for run in runs if len(run) >= _LEAST_ROWS - 1 and abs(rows[run[-1] + 1] - rows[run[0]]) > 0.7 * span]
    return max(1, len(full))
