"""Which analysis a file is for: by its headings and units, then by words in its name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from perospin.errors import DataError
from perospin.measurements.analyses import ANALYSES, Analysis
from perospin.measurements.reading.words.roles import NAMED, get_role

if TYPE_CHECKING:
    from perospin.measurements.reading import Trace

__all__ = ["guess_analyses", "taken_as"]

_MAP_COLUMNS = 12
_HINTS: dict[str, tuple[str, ...]] = {
    "kerr": ("kerr", "faraday", "trkr", "trfr", "tr"),
    "rsa": ("rsa",),
    "hanle": ("hanle",),
    "spin-valve": ("nonlocal", "nl", "hanle"),
    "odmr": ("odmr", "esr"),
    "inertia": ("inertia",),
    "pump-probe": ("pump", "probe", "sc", "cc", "ta", "sctp"),
    "mr": ("mr", "loop", "ciss"),
    "hecht": ("photocurrent", "hecht", "photo"),
    "sclc": ("dark", "sclc"),
    "drift": ("drift", "baseline"),
    "response-time": ("pulse", "pulses", "rise", "response"),
    "stability": ("cycles", "cycling", "stability", "onoff"),
    "cd": ("cd",),
    "cpl": ("cpl",),
}
"""Words in the names of files that tell apart analyses of equal columns."""
_HINT, _OWN_WORD = 30.0, 40.0


def guess_analyses(traces: Sequence[Trace]) -> list[str]:
    """Order the analyses that files could be for, the likeliest first; empty if none fits.

    Parameters
    ----------
    traces
        Files of one measurement, or of a series.
    """
    if not traces:
        return []
    first = traces[0]
    if len(first.names) > _MAP_COLUMNS and _is_matrix(first):
        return ["map"]
    words = set(re.split(r"[^a-z]+", " ".join(trace.source for trace in traces).lower()))
    scored = []
    for entry in ANALYSES.values():
        score = _score(entry, traces)
        if score is None:
            continue
        hinted = any(
            word in words or (len(word) > 3 and any(word in own for own in words))
            for word in _HINTS.get(entry.name, ())
        )
        # an analysis that uses more of the columns comes before one that leaves them
        scored.append((score + _HINT * hinted, entry.name))
    return [name for _, name in sorted(scored, key=lambda pair: -pair[0])]


def _is_matrix(trace: Trace) -> bool:
    """Whether the headings are numbers, or there are none: an axis lies across."""
    bare = sum(bool(re.fullmatch(r"[-+]?[\d.]+(e[-+]?\d+)?|column \d+", name.strip().lower())) for name in trace.names)
    return bare > 0.8 * len(trace.names)


def _score(entry: Analysis, traces: Sequence[Trace]) -> float | None:
    """How well the headings tell an analysis; None if a required column is contradicted."""
    if not entry.x:
        return None
    trace = traces[0]
    at, best = _best(trace, entry.x, set())
    if entry.x == "energy":
        other = _best(trace, "wavelength", set())
        at, best = max((at, best), other, key=lambda pair: pair[1])
    if best < 0.0 or (best < NAMED and at != 0):
        return None
    total, taken = best, {at}
    channels = [role for role in (*entry.roles, *entry.optional) if role != "sigma"]
    if 1 < len(traces) <= len(channels):
        return _by_files(entry, traces, best)
    for role in entry.roles:
        place, score = _best(trace, role, taken)
        if score < 0.0:
            return None
        taken.add(place)
        total += score
        total += _OWN_WORD if any(word == entry.name for word in get_role(role).words) else 0.0
        total += _OWN_WORD if entry.name in trace.names[place].lower().split() else 0.0
    for role in entry.optional:
        place, score = _best(trace, role, taken)
        if score >= NAMED:
            taken.add(place)
            total += score
    # columns left over with numbers in them speak against it
    left = sum(trace.has_numbers(i) for i in range(len(trace.names)) if i not in taken)
    return total / (1 + len(entry.roles)) - 5.0 * left


def _by_files(entry: Analysis, traces: Sequence[Trace], axis: float) -> float | None:
    from perospin.measurements.reading.gathering import assigned

    channels = [role for role in (*entry.roles, *entry.optional) if role != "sigma"]
    if len(traces) < len(entry.roles):
        return None
    told = assigned([trace.source for trace in traces], channels)
    scores = []
    for role, trace in zip(told or channels, traces, strict=False):
        place, score = _best(trace, role, {0})
        if score < 0.0 and place >= 0:
            return None
        scores.append(score)
    return (axis + sum(scores)) / (1 + len(scores)) + (_HINT if told else 0.0)


def _best(trace: Trace, role: str, taken: set[int]) -> tuple[int, float]:
    wanted = get_role(role)
    scores = [
        (wanted.score(label), -i) for i, label in enumerate(trace.labels) if i not in taken and trace.has_numbers(i)
    ]
    score, place = max(scores, default=(-1.0, 1))
    return -place, score


def taken_as(name: str, trace: Trace) -> dict[str, str]:
    """Say which column an analysis takes for what: role to heading; empty where headings don't tell.

    The abscissa comes first. Nothing is refused here: this is for showing and correcting.
    """
    from perospin.measurements.reading.assignment import abscissa, assign

    entry = ANALYSES[name]
    if not entry.x:
        return {}
    try:
        found = assign(trace, entry.roles, entry.optional, entry.x)
    except DataError:
        try:
            return {entry.x: trace.names[abscissa(trace, entry.x)]}
        except DataError:
            return {}
    if found.pair is not None:
        return {entry.x: trace.names[found.at]}
    return {entry.x: trace.names[found.at], **{role: trace.names[i] for role, i in found.chosen.items()}}
