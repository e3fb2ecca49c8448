"""Tables of results in, tables of everything out: CSV, what Excel pastes, workbooks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perospin.errors import DataError, NavigationError, PerospinError
from perospin.navigation.campaign.campaign import OUTCOMES, Campaign
from perospin.navigation.campaign.log import Event
from perospin.navigation.campaign.suggesting import Suggestion
from perospin.sheets.labels import Label
from perospin.text import shorten, visible

__all__ = ["Results", "batch_table", "export_table", "read_results"]

_NAMES = ("name", "material", "formula", "sample")
_STATES = ("outcome", "status")
_OWN = re.compile(r"(?:expected|lower|upper) |reason$")
"""Headings of `batch_table` that come back unread."""


@dataclass(frozen=True)
class Results:
    """Outcomes read from a table.

    Attributes
    ----------
    events : list of Event
        Ready for `Campaign.tell_all`.
    empty : int
        Rows without a value or an outcome: not told yet.
    unread : tuple of str
        Headings that mean nothing to the campaign.
    """

    events: list[Event]
    empty: int
    unread: tuple[str, ...]


def read_results(campaign: Campaign, path: Path | str) -> Results:
    """Read results: every row is checked before any is told.

    Columns: ``name`` (or material, formula, sample), or choices that tell candidates apart; each objective with its
    unit, ``gap (eV)``, its error, ``gap error (eV)``; ``made <choice>``; ``outcome`` (measured, failed, abandoned,
    imported); ``task``; ``note``.

    Raises
    ------
    NavigationError
        One sentence about all rows that are wrong.
    """
    from perospin.sheets.table import error_of, open_table

    table = open_table(path)
    labels, heads = table.labels, [visible(head) for head in table.headings]
    lower = [head.casefold().strip() for head in heads]
    choices = list(next(iter(campaign.space.candidates())).choices)
    named = next((i for i, head in enumerate(lower) if head in _NAMES and heads[i] not in choices), None)
    words = {what: lower.index(what) for what in ("task", "note") if what in lower}
    state = next((lower.index(head) for head in _STATES if head in lower), None)
    targets, errors = _targets(campaign, labels, table.name, error_of)
    chosen = {head: i for i, head in enumerate(heads) if head in choices}
    made = {head[5:]: i for i, head in enumerate(heads) if head.startswith("made ") and head[5:] in choices}
    if named is None and not chosen:
        raise NavigationError(f"'{table.name}' needs a column 'name', or the choices {', '.join(choices)}"[:380])
    if not targets and state is None:
        wanted = " or ".join(f"'{one.label}'" for one in campaign.objectives)
        raise NavigationError(f"'{table.name}' has no column {wanted}, and none 'outcome'; it has {', '.join(heads)}")
    events, mistakes, empty = [], [], 0
    for row, cells in table.rows:
        if not any(cell.strip() for cell in cells):
            continue
        try:
            if len(cells) != len(heads):
                raise NavigationError(f"it has {len(cells)} cells, not {len(heads)}")
            text = [visible(cell.strip()) for cell in cells]
            values, spreads = _numbers(text, targets, heads), _numbers(text, errors, heads, difference=True)
            kind = (text[state].casefold() if state is not None else "") or ("measured" if values else "")
            if not kind:
                empty += 1
                continue
            if kind not in OUTCOMES:
                raise NavigationError(f"the outcome '{shorten(kind, 30)}' is none of {', '.join(OUTCOMES)}")
            told = _choices(text, chosen)
            one = campaign.space.find({"name": text[named]} if named is not None else told)
            apart = next((c for c, v in told.items() if not _agree(one.choices[c], v)), None)
            if apart is not None:
                raise NavigationError(
                    f"'{one.name}' has {apart} = {one.choices[apart]}, not {told[apart]}; what came out otherwise "
                    f"stands in a column 'made {apart}'"
                )
            more = {what: text[i] for what, i in words.items()}
            events.append(campaign.outcome(one.name, values, spreads, kind, _choices(text, made), **more))
        except PerospinError as error:
            mistakes.append(f"row {row}: {error}")
    if mistakes:
        raise NavigationError.of(f"nothing was told, because in '{table.name}' ", mistakes, between="")
    used = {
        *chosen.values(),
        *made.values(),
        *words.values(),
        named,
        state,
        *(i for i, _, _ in targets.values()),
        *(i for i, _, _ in errors.values()),
    }
    return Results(events, empty, tuple(head for i, head in enumerate(heads) if i not in used and not _OWN.match(head)))


_Column = tuple[int, str, str]


def _targets(
    campaign: Campaign, labels: Sequence[Label], where: str, error_of: Any
) -> tuple[dict[str, _Column], dict[str, _Column]]:
    """Columns of objectives and of their errors: place, unit in the table, unit of the objective.

    Raises
    ------
    NavigationError
        If a unit is missing or measures something else.
    """
    from perospin.sheets.table import key_of
    from perospin.units import convert

    targets: dict[str, _Column] = {}
    errors: dict[str, _Column] = {}
    for one in campaign.objectives:
        place = next((i for i, label in enumerate(labels) if key_of(label) == key_of(Label(one.name, ""))), None)
        if place is None:
            continue
        beside = error_of(labels, place)
        for i, found in ((place, targets), (beside, errors)):
            if i is None:
                continue
            unit = labels[i].unit or (labels[place].unit if i == beside else "")
            if bool(unit) != bool(one.unit):
                raise NavigationError(
                    f"'{where}': the column '{labels[i].name}' needs the unit of the objective; head it '{one.label}'"
                )
            try:
                if unit != one.unit:
                    convert(1.0, unit, one.unit, difference=i == beside)
            except DataError as error:
                raise NavigationError(
                    f"'{where}': the column '{labels[i].name}' can't be read in {one.unit}: {error}"
                ) from None
            found[one.name] = (i, unit, one.unit)
    return targets, errors


def _numbers(
    text: Sequence[str], columns: Mapping[str, _Column], heads: Sequence[str], difference: bool = False
) -> dict[str, float]:
    from perospin.sheets.cells import number
    from perospin.units import convert

    made = {}
    for name, (i, unit, wanted) in columns.items():
        if not text[i]:
            continue
        value = number(text[i], ".")
        if value is None:
            raise NavigationError(f"'{shorten(text[i], 30)}' in the column '{shorten(heads[i], 40)}' is no number")
        made[name] = float(value if unit == wanted else convert(value, unit, wanted, difference=difference))
    return made


def _choices(text: Sequence[str], columns: Mapping[str, int]) -> dict[str, str | float]:
    from perospin.sheets.cells import number

    made: dict[str, str | float] = {}
    for name, i in columns.items():
        if text[i]:
            value = number(text[i], ".")
            made[name] = text[i] if value is None else value
    return made


def _agree(meant: str | float, told: str | float) -> bool:
    if isinstance(meant, str) or isinstance(told, str):
        return str(meant) == str(told)
    return abs(meant - told) <= 1e-6 * max(abs(meant), abs(told), 1e-3)


def batch_table(campaign: Campaign, batch: Sequence[Suggestion]) -> list[dict[str, Any]]:
    """Suggestions as rows to be filled in: names, choices, empty results, reasons last."""
    rows = []
    for one in batch:
        row: dict[str, Any] = {"name": one.material, **one.choices}
        for objective in campaign.objectives:
            row |= {objective.label: "", objective.label.replace(objective.name, f"{objective.name} error", 1): ""}
        row |= {"outcome": "", "note": ""}
        for objective in campaign.objectives:
            for word, numbers in (("expected", one.mean), ("lower", one.lower), ("upper", one.upper)):
                row[f"{word} {objective.label}"] = numbers.get(objective.name, "")
        rows.append(
            row | {"expected gain": "" if one.expected_gain is None else one.expected_gain, "reason": one.words}
        )
    return rows


def export_table(campaign: Campaign) -> list[dict[str, Any]]:
    """Give the whole log as rows, one an event."""
    choices = list(next(iter(campaign.space.candidates())).choices)
    rows = []
    for event in campaign.events:
        if event.kind == "begun":
            continue
        row: dict[str, Any] = {
            "number": event.number,
            "time (UTC)": event.at,
            "name": event.material,
            "outcome": event.kind,
        }
        row |= {f"meant {name}": event.meant.get(name, "") for name in choices}
        row |= {f"made {name}": event.made.get(name, event.meant.get(name, "")) for name in choices}
        for one in campaign.objectives:
            row[one.label] = event.values.get(one.name, "")
            row[one.label.replace(one.name, f"{one.name} error", 1)] = event.uncertainties.get(one.name, "")
        gain = event.detail.get("expected_gain")
        rows.append(row | {"expected gain": "" if gain is None else gain, "task": event.task, "note": event.note})
    return rows
