"""What a log shows of the way so far: the best value after each result, intervals kept, evidence of hypotheses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from perospin.digits import counted, figures, percent
from perospin.navigation.campaign.campaign import Campaign
from perospin.navigation.campaign.log import Event
from perospin.navigation.campaign.maps import Belief, beliefs
from perospin.navigation.campaign.objectives import Objective

__all__ = ["Promise", "Summary", "Target", "evidence", "kept_share", "progress", "promises", "summarise"]

_Z = 1.959964


@dataclass(frozen=True)
class Promise:
    """What a suggestion promised of a target, and what was measured: in its unit.

    Attributes
    ----------
    material : str
    mean, lower, upper, value : float
        The 95 % interval is of the true value; the measured one may lie beside it by its own error.
    kept : bool
        Whether the interval, widened by the stated error of the measurement, holds the value.
    """

    material: str
    mean: float
    lower: float
    upper: float
    value: float
    kept: bool


def progress(events: Sequence[Event], objective: Objective) -> list[tuple[Event, float]]:
    """Every result of the campaign's own task in order, with the best value up to it."""
    made: list[tuple[Event, float]] = []
    best = -np.inf
    for event in events:
        if event.kind in ("measured", "imported") and not event.task and objective.name in event.values:
            best = max(best, float(objective.score(event.values[objective.name])))
            made.append((event, float(objective.back(best))))
    return made


def promises(events: Sequence[Event], objective: Objective) -> list[Promise]:
    """Each measured value beside the last suggestion of the same material before it."""
    open_: dict[str, Event] = {}
    made = []
    for event in events:
        if event.kind == "suggested" and objective.name in event.detail.get("mean", {}):
            open_[event.material] = event
        elif event.kind == "measured" and not event.task and objective.name in event.values:
            asked = open_.pop(event.material, None)
            if asked is None:
                continue
            mean, low, high = (float(asked.detail[part][objective.name]) for part in ("mean", "lower", "upper"))
            value, error = event.values[objective.name], event.uncertainties.get(objective.name, 0.0)
            middle, ends = objective.score(mean), np.sort(objective.score([low, high]))
            half = np.hypot(0.5 * (ends[1] - ends[0]), _Z * float(objective.score_sd(value, error)))
            made.append(
                Promise(event.material, mean, low, high, value, bool(abs(objective.score(value) - middle) <= half))
            )
    return made


def kept_share(made: Sequence[Promise]) -> tuple[float, float, float] | None:
    """Share of intervals that held, and its 95 % range (Wilson); None without any."""
    if not made:
        return None
    n, share = len(made), sum(one.kept for one in made) / len(made)
    middle = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z * np.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2)) / (1 + _Z**2 / n)
    return share, float(max(middle - half, 0.0)), float(min(middle + half, 1.0))


def evidence(events: Sequence[Event]) -> list[tuple[int, dict[str, float]]]:
    """Probabilities of the competing hypotheses at each batch: number of results known then, and the probabilities."""
    made: dict[int, dict[str, float]] = {}
    results = 0
    for event in events:
        results += event.kind in ("measured", "imported")
        if event.kind == "suggested" and event.detail.get("probabilities"):
            made[results] = event.detail["probabilities"]
    return list(made.items())


@dataclass(frozen=True)
class Target:
    """One objective's way: results in order, the best up to each, which are from before, promises and their share."""

    label: str
    log: bool
    values: list[float]
    best: list[float]
    before: list[bool]
    promises: list[Promise]
    kept: tuple[float, float, float] | None


@dataclass(frozen=True)
class Summary:
    """All that a campaign's page shows.

    Attributes
    ----------
    targets : list of Target
    evidence : list
        See `evidence`.
    words : dict
        Texts and tables of the page.
    beliefs : list of Belief
        Slices and maps, one an objective with results.
    """

    targets: list[Target]
    evidence: list[tuple[int, dict[str, float]]]
    words: dict[str, Any]
    beliefs: list[Belief] = field(default_factory=list)


def summarise(campaign: Campaign, name: str, stop_below: float | None = None) -> Summary:
    """Put together what a campaign's page shows; `stop_below` stands in for the stated one."""
    events, now = campaign.events, campaign.status(stop_below)
    targets = []
    for one in campaign.objectives:
        way, made = progress(events, one), promises(events, one)
        values = [event.values[one.name] for event, _ in way]
        old = [event.kind == "imported" for event, _ in way]
        targets.append(Target(one.label, one.log, values, [best for _, best in way], old, made, kept_share(made)))
    last = {event.material: event for event in events if event.kind == "suggested"}
    tiles = [{"value": str(now.measured + now.imported), "what": f"results of {counted(now.candidates, 'candidate')}"}]
    tiles += [
        {"value": figures(best, 3), "what": f"best {one.label}: {material}"}
        for one in campaign.objectives
        if one.name in now.best
        for material, best in [now.best[one.name]]
    ]
    tiles += [{"value": str(now.failed), "what": "failed"}, {"value": str(len(now.pending)), "what": "pending"}]
    goal = " and ".join(f"{'most' if one.goal == 'max' else 'least'} {one.label}" for one in campaign.objectives)
    tried = [_tried(e, campaign.objectives) for e in events if e.kind not in ("begun", "suggested")]
    words = {
        "name": name,
        "title": f"In search of the {goal}",
        "advice": now.advice,
        "tiles": tiles,
        "labels": [one.label for one in campaign.objectives],
        "pending": [_pending(last[material], campaign.objectives) for material in now.pending],
        "tried": tried,
        "shown": {part: any(row[part] for row in tried) for part in ("made", "task", "note")},
        "events": len(events),
        "acquisition": campaign.acquisition,
        "seed": campaign.seed,
    }
    return Summary(targets, evidence(events), words, beliefs(campaign))


def _pending(event: Event, objectives: Sequence[Objective]) -> dict[str, Any]:
    detail = event.detail
    cells = [
        {
            "mean": figures(detail["mean"][one.name], 3),
            "interval": f"{figures(detail['lower'][one.name], 3)} to {figures(detail['upper'][one.name], 3)}",
        }
        if one.name in detail["mean"]
        else {"mean": "", "interval": ""}
        for one in objectives
    ]
    gain = detail["expected_gain"]
    return {
        "material": event.material,
        "cells": cells,
        "gain": "" if gain is None else figures(gain, 2),
        "exploration": percent(detail["exploration"]),
        "reason": event.note,
    }


def _tried(event: Event, objectives: Sequence[Objective]) -> dict[str, Any]:
    cells = []
    for one in objectives:
        value, error = event.values.get(one.name), event.uncertainties.get(one.name)
        cells.append("" if value is None else figures(value) + ("" if error is None else f" ± {figures(error, 2)}"))
    made = ", ".join(f"{name} {value}" for name, value in event.made.items())
    row = {"material": event.material, "kind": event.kind, "cells": cells, "made": made}
    return row | {"task": event.task, "note": event.note, "at": event.at[:16].replace("T", " ")}
