"""Which column of a file is the abscissa and which the channels: the best match wins, a contradiction never."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from perospin.errors import DataError
from perospin.measurements.reading.grid import Float
from perospin.measurements.reading.trace import Trace
from perospin.measurements.reading.words.roles import NAMED, Role, get_role
from perospin.sheets.labels import Label
from perospin.units import convert

__all__ = ["Assignment", "abscissa", "assign", "repeats_of", "stand_in"]

#: A row of turning points in the first column of a file without headings: it is no abscissa.
_TURNS = {"field": 0.2, "voltage": 0.2}
_CONDITIONS = ("temperature", "power", "field", "frequency", "voltage", "wavelength", "sigma")


@dataclass
class Assignment:
    """What was chosen.

    Attributes
    ----------
    at
        Position of the abscissa.
    chosen
        Positions of the channels by role.
    pair
        Positions of the intensities of both helicities, where a polarisation is wanted and only they are there.
    spreads
        Positions of the errors of both traces, same- and counter-circular, where each has a column of its own.
    notes, doubts
        What was taken for what where headings don't tell it, and what could as well have been taken.
    """

    at: int
    chosen: dict[str, int] = field(default_factory=dict)
    pair: tuple[int, int] | None = None
    spreads: tuple[int, int] | None = None
    notes: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


def stand_in(role: Role, label: Label, x: str) -> str:
    """Name what stands in for a quantity where only its shape or ratios of it matter; ``""`` if a column doesn't.

    A resistivity for a resistance, and an absorption coefficient for the absorbance of an edge.
    """
    unit, name = {"resistance": ("ohm*cm", "resistivity"), "absorbance": ("cm-1", "coefficient")}.get(
        role.name, ("", "")
    )
    if not unit or not label.unit or (role.name == "absorbance" and x != "energy"):
        return ""
    try:
        convert(1.0, label.unit, unit)
    except DataError:
        return ""
    return name


def _scores(trace: Trace, role: Role, x: str, *, sizes: bool = True) -> list[float]:
    """How well each column fits a role; negative where it can't be: no numbers, another unit, an impossible size."""
    found = []
    for i, label in enumerate(trace.labels):
        score = role.score(label)
        if score < 0.0 and stand_in(role, label, x):
            score = max(role.score(Label(label.name)) - 10.0, 5.0)
        impossible = sizes and score >= 0.0 and not role.possible(trace.values[:, i], role.unit_of(label))
        if impossible or not trace.has_numbers(i):
            score = -1.0
        found.append(score)
    return found


def is_bare(trace: Trace) -> bool:
    """Whether the file has no headings."""
    return all(re.fullmatch(r"column \d+|row", name) for name in trace.names)


def abscissa(trace: Trace, x: str) -> int:
    """Position of the abscissa.

    Raises
    ------
    DataError
        If no heading tells it and the first column can't be it.
    """
    kinds = ("wavelength", "energy") if x in ("wavelength", "energy") else (x,)
    scores = np.max([_scores(trace, get_role(kind), x, sizes=False) for kind in kinds], axis=0)
    best = int(np.argmax(scores))
    if scores[best] >= NAMED:
        return best
    empty = [i for i, label in enumerate(trace.labels) if any(get_role(k).score(label) >= 90.0 for k in kinds)]
    if empty:
        return empty[0]  # it has no numbers, which is said where it is read
    free = [i for i in range(len(scores)) if trace.has_numbers(i)]
    if not free or scores[free[0]] < 0.0:
        raise DataError(_missing(trace, x, [x]))
    first = free[0]
    if not _in_order(trace.values[:, first], x):
        raise DataError(
            f"no heading of '{trace.source:.60}' tells the {x}, and column {first + 1} "
            f"('{trace.names[first]:.40}') isn't in "
            f"order: name the columns, {x} first (--columns 3,1,2)"
        )
    return first


def _in_order(values: Float, x: str) -> bool:
    steps = np.diff(values[np.isfinite(values)])
    steps = steps[steps != 0.0]
    turns = int(np.count_nonzero(np.diff(np.sign(steps))))
    return turns <= (_TURNS[x] * len(values) if x in _TURNS and len(values) > 10 else 2 if x in _TURNS else 0)


def assign(trace: Trace, roles: Sequence[str], optional: Sequence[str], x: str) -> Assignment:
    """Choose the abscissa and the channels of one file.

    All columns are scored for all roles by name, unit and size. The best pair of column and role is settled first. A
    required role that no heading tells takes a column that contradicts nothing, if there is one such column for each.

    Raises
    ------
    DataError
        If a required role has no candidate, or more than one that headings don't tell apart.
    """
    at = abscissa(trace, x)
    wanted = [*roles, *optional]
    # of an edge only the shape counts
    scores = {role: _scores(trace, get_role(role), x, sizes=x != "energy") for role in wanted}
    found = Assignment(at)
    chosen = found.chosen
    bare = is_bare(trace)
    free = [i for i in range(len(trace.names)) if i != at and trace.has_numbers(i)]
    pairs = sorted(
        ((scores[role][i], -k, -i) for k, role in enumerate(wanted) for i in free if scores[role][i] >= NAMED),
        reverse=True,
    )
    for score, k, i in pairs:
        role, column = wanted[-k], -i
        if role in chosen or column in chosen.values():
            continue
        chosen[role] = column
        ties = [j for j in free if j != column and scores[role][j] == score and j not in chosen.values()]
        if ties and role in roles:
            found.doubts.append(
                f"{trace.source:.60}: {role} from '{trace.names[column]:.40}', but '{trace.names[ties[0]]:.40}' "
                "fits as well: "
                "name the columns to choose (--columns)"
            )
    if "polarisation" in roles and "polarisation" not in chosen:
        pair = _helicities(trace, free)
        if pair is not None:
            found.pair = pair
            names = " and ".join(f"'{trace.names[i]:.40}'" for i in pair)
            found.notes.append(f"{trace.source:.60}: polarisation from {names}, (I+ - I-)/(I+ + I-)")
            return found
    left = [i for i in free if i not in chosen.values()]
    unnamed = [role for role in roles if role not in chosen]
    if bare:
        _in_turn(trace, roles, optional, x, left, scores, chosen)
    else:
        _by_exclusion(trace, wanted, unnamed, x, left, scores, chosen)
    if {"same", "counter", "sigma"} <= {*chosen}:
        errors = [i for i in free if scores["sigma"][i] >= NAMED]
        if len(errors) == 2:  # the order of the columns tells which is whose
            found.spreads = (errors[0], errors[1]) if chosen["same"] < chosen["counter"] else (errors[1], errors[0])
            left = [i for i in left if i not in errors]
    left = [i for i in left if i not in chosen.values()]
    _refuse_stray(trace, optional, chosen, left)
    missing = [role for role in roles if role not in chosen]
    if missing:
        raise DataError(_missing(trace, missing[0], [x, *wanted]))
    if left or bare or unnamed:
        taken = ", ".join(f"{role} from '{trace.names[i]:.40}'" for role, i in chosen.items())
        rest = f"; not used: {', '.join(f'{trace.names[i]:.24}' for i in left[:6])}" if left else ""
        found.notes.append(f"{trace.source:.60}: {x} from '{trace.names[at]:.40}', {taken}{rest}")
    return found


def _helicities(trace: Trace, free: Sequence[int]) -> tuple[int, int] | None:
    best = []
    for role in ("right", "left"):
        scores = [get_role(role).score(trace.labels[i]) for i in free]
        if not scores or max(scores) < NAMED:
            return None
        best.append(free[scores.index(max(scores))])
    return (best[0], best[1]) if best[0] != best[1] else None


def _in_turn(
    trace: Trace, roles: Sequence[str], optional: Sequence[str], x: str, left: Sequence[int],
    scores: dict[str, list[float]], chosen: dict[str, int],
) -> None:  # fmt: skip
    """Take the columns of a file without headings in their order."""
    wanted = [*roles, *optional]
    if len(left) > len(wanted):
        raise DataError(
            f"'{trace.source:.60}' has {len(left) + 1} columns of numbers and no headings: name those of "
            f"{', '.join([x, *wanted])} in this order (--columns 1,2)"
        )
    free = list(left)
    with_units = any(trace.units)
    for role in wanted:
        if role in chosen:
            continue
        if with_units:  # of those without names, these tell something
            free = [i for i in free if scores[role][i] >= 0.0] if role in roles else free
        if not free:
            break
        i = free.pop(0)
        if scores[role][i] < 0.0:
            if role in optional:
                continue
            raise DataError(_missing(trace, role, [x, *wanted]))
        values = trace.values[:, i]
        if role == "sigma" and not np.all(values[np.isfinite(values)] > 0.0):
            raise DataError(
                f"'{trace.source:.60}' has no headings, and column {i + 1} can't be the uncertainty, as it isn't "
                "positive: "
                f"name the columns of {', '.join([x, *wanted])} in this order (--columns 1,2)"
            )
        chosen[role] = i


def _by_exclusion(
    trace: Trace, wanted: Sequence[str], unnamed: Sequence[str], x: str, left: Sequence[int],
    scores: dict[str, list[float]], chosen: dict[str, int],
) -> None:  # fmt: skip
    """Give required roles that no heading tells the columns that contradict nothing."""
    if not unnamed:
        return
    candidates = [i for i in left if all(scores[role][i] >= 0.0 for role in unnamed)]
    # a unit that fits, or a word for signals of its kind, says more than nothing
    if len(candidates) > len(unnamed):
        most = sorted((max(scores[role][i] for role in unnamed) for i in candidates), reverse=True)
        if most[len(unnamed) - 1] > most[len(unnamed)]:
            candidates = [i for i in candidates if max(scores[r][i] for r in unnamed) >= most[len(unnamed) - 1]]
    if len(candidates) < len(unnamed):
        chosen.update(zip(unnamed, candidates, strict=False))
        return
    others = [i for i in candidates if not _is_condition(trace.labels[i])]
    if len(others) > len(unnamed) and (len(unnamed) > 1 or len(others) > len(wanted)):
        raise DataError(
            f"'{trace.source:.60}' has {len(trace.names)} columns whose headings don't tell {', '.join(unnamed)}: "
            "name the "
            f"columns in the order {', '.join([x, *wanted])} (--columns 1,2), or give one file for each"
        )
    if len(others) > len(unnamed) and len(unnamed) == 1 and unnamed[0] != "same":
        shown = ", ".join(f"{trace.names[i]:.24}" for i in others[:6])
        raise DataError(
            f"'{trace.source:.60}' has no heading that tells the {unnamed[0]}, and several columns that it could "
            f"be ({shown}): "
            f"name the columns in the order {', '.join([x, *wanted])} (--columns 1,2)"
        )
    chosen.update(zip(unnamed, others or candidates, strict=False))


def spread_of(trace: Trace) -> int | None:
    """Position of the one column of errors; None if there is none, or several."""
    scores = _scores(trace, get_role("sigma"), "")
    found = [i for i, score in enumerate(scores) if score >= NAMED]
    return found[0] if len(found) == 1 else None


def _is_condition(label: Label) -> bool:
    return any(get_role(name).is_named(label.name, label.unit) for name in _CONDITIONS)


def _refuse_stray(trace: Trace, optional: Sequence[str], chosen: dict[str, int], left: Sequence[int]) -> None:
    """Refuse a second trace that no heading calls the counter-circular one."""
    if "counter" not in optional or "counter" in chosen:
        return
    counter = get_role("counter")
    stray = [i for i in left if counter.score(trace.labels[i]) >= 0.0 and not _is_condition(trace.labels[i])]
    if stray:
        shown = ", ".join(f"{name:.24}" for name in trace.names[:10])
        raise DataError(
            f"'{trace.source:.60}' has the columns {shown}, whose headings don't tell same- from counter-circular: "
            "name "
            "delay and trace, or delay, same and counter, in this order (--columns 1,2,3)"
        )


def _missing(trace: Trace, role: str, order: Sequence[str]) -> str:
    shown = ", ".join(
        f"{label.name:.24}{f' ({label.unit:.10})' if label.unit else ''}{'' if trace.has_numbers(i) else ' (empty)'}"
        for i, label in enumerate(trace.labels[:8])
    )
    for i, label in enumerate(trace.labels):
        if role == "absorbance" and label.unit == "%":
            return (
                f"column '{label.name:.40}' of '{trace.source:.60}' is a transmittance, not an absorbance: "
                "give -log10 of it"
            )
        wanted = get_role(role)
        if trace.has_numbers(i) and wanted.score(label) >= NAMED and np.isfinite(wanted.largest):
            largest = float(np.nanmax(np.abs(trace.values[:, i])))
            return (
                f"column '{label.name:.40}' of '{trace.source:.60}' reaches {largest:.4g} {wanted.unit_of(label)}, "
                "which is no "
                f"{role}: name the right column, or write its unit into the heading"
            ).replace(" ,", ",")
    return (
        f"'{trace.source:.60}' has no column for {role}: it has {shown}, and none can be it by name, unit and "
        "size; name the "
        f"columns in the order {', '.join(order)} (--columns 1,2)"
    )


def repeats_of(trace: Trace, role: str, at: int) -> list[int]:
    """Positions of the columns that hold a channel, and repeated curves of it, in a file of its own.

    Raises
    ------
    DataError
        If there is none.
    """
    wanted = get_role(role)
    scores = _scores(trace, wanted, "")
    free = [i for i in range(len(trace.names)) if i != at and scores[i] >= 0.0]
    if not free:
        raise DataError(_missing(trace, role, [role]))
    best = max(scores[i] for i in free)
    if best >= NAMED:
        return (
            [scores.index(best)]
            if role not in ("current_up", "current_down")
            else [i for i in free if scores[i] >= NAMED]
        )
    told = [i for i in free if scores[i] > 0.0]
    return told or free
