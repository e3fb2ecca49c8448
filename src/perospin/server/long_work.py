"""Long work that a caller asks for: a study that runs, a prediction whose cation needs quantum chemistry."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from perospin.errors import DataError, PerospinError
from perospin.jobs import work
from perospin.server import answers
from perospin.text import shorten

if TYPE_CHECKING:
    from perospin.server.messages import Job

__all__ = ["MOST_AT_ONCE", "BusyError", "cancel", "result", "start", "status"]


class BusyError(PerospinError):
    """Too much runs already."""


MOST_AT_ONCE = 2
"""Pieces of long work that run at a time on this machine."""


def start(asked: Job, store: str = "") -> dict[str, Any]:
    """Start what was asked for, or find it running or done.

    Raises
    ------
    PerospinError
        If the formula or the study is wrong, or too much runs already.
    """
    from perospin.chemistry import IonLibrary, Perovskite

    answers.check_study(asked.study)
    if asked.task == "predict":
        if asked.formula is None:
            raise DataError("a prediction needs a formula")
        Perovskite.parse(asked.formula, IonLibrary.of(asked.ions or None))
        given = {"formula": asked.formula, "study": asked.study, "ions": asked.ions, "conditions": {}}
        one = work.of("cations", given, store=store)
    else:
        given = {"study": asked.study, "parts": asked.parts}
        one = work.of("study", given, store=store)
    if one.state not in ("running", "done"):
        running = sum(other.state == "running" for other in map(work.Work, _folders()))
        if running >= MOST_AT_ONCE:
            raise BusyError(f"{running} pieces of long work run already; ask again when one of them has ended")
        work.start("cations" if asked.task == "predict" else "study", given, store=store)
    return status(one.folder.name)


def status(name: str) -> dict[str, Any]:
    """How a piece of work stands.

    Raises
    ------
    DataError
        If there is none of this name.
    """
    one = _named(name)
    what, done, in_all = one.progress
    told = {"job": name, "state": one.state, "seconds": round(one.seconds, 1)}
    told |= {"progress": {"what": what, "done": done, "in_all": in_all}}
    return told | ({"error": one.error} if one.state == "failed" else {})


def result(name: str) -> dict[str, Any]:
    """Give what a finished piece of work found.

    Raises
    ------
    DataError
        If it isn't done.
    """
    from perospin.saving import plain

    one = _named(name)
    if one.state != "done":
        raise DataError(f"this work is {one.state}, so it has no result; ask /v1/jobs/{name}")
    task, given, _ = work.request_of(one.folder)
    if task == "cations":
        return answers.predict([given["formula"]], given["study"], ions=given["ions"])
    from perospin.studies import StudyResult

    found = StudyResult.load(one.results)
    scores = {part: held.scores.to_dict("records") for part, held in found.parts.items()}
    return {"study": found.name, "title": found.title, "scores": plain(scores), "provenance": plain(found.provenance)}


def cancel(name: str) -> dict[str, Any]:
    """End a piece of work; what it has finished is kept."""
    _named(name).cancel()
    return status(name)


def _named(name: str) -> work.Work:
    folder = work.works_folder() / name
    if not re.fullmatch(r"[0-9a-f]{32}", name) or not folder.is_dir():
        raise DataError(f"there is no long work '{shorten(name)}' here")
    return work.Work(folder)


def _folders() -> list[Any]:
    return [path for path in work.works_folder().glob("*") if path.is_dir()]
