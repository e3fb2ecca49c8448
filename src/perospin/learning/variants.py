"""The log of variants tried: every study that is run on a table leaves its settings and scores in the user's log.

Whoever tries enough models finds one that looks good. The count makes these forking paths visible: it is kept by the
engine, not by memory, and printed in every report. The log is one JSON line an entry; it stays on this computer.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perospin.learning.cells import fingerprint, scheme_digest

if TYPE_CHECKING:
    from perospin.learning.result import PartResult
    from perospin.learning.running import Run

__all__ = ["ENVIRONMENT_VARIABLE", "Tried", "VariantLog", "counted", "log_location", "record_run"]

ENVIRONMENT_VARIABLE = "PEROSPIN_STATE"
_PATIENCE_S = 2.0


def log_location() -> Path:
    """Return the file of the log: in the folder named by PEROSPIN_STATE, or in the user's state folder."""
    chosen = os.environ.get(ENVIRONMENT_VARIABLE, "").strip()
    if chosen:
        return Path(chosen) / "variants.jsonl"
    from platformdirs import user_state_path

    return Path(user_state_path("perospin", appauthor=False)) / "variants.jsonl"


@dataclass(frozen=True)
class Tried:
    """What the log knows about one table.

    Attributes
    ----------
    table : str
        Fingerprint of the table's target column.
    settings : int
        Different model settings scored on it: specification, columns, transform, filters, seed.
    scored : int
        Different pairs of settings and validation scheme.
    runs : int
        Runs of parts of studies.
    studies : tuple of str
        Names of those studies.
    first, last : str
        Dates of the first and the last entry.
    """

    table: str
    settings: int
    scored: int
    runs: int
    studies: tuple[str, ...]
    first: str
    last: str


class VariantLog:
    """The log of variants; safe to append to from several processes, and never a reason for a run to fail.

    Parameters
    ----------
    path : path, optional
        The file; `log_location` if None.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = log_location() if path is None else Path(path)

    def append(self, entries: Iterable[Mapping[str, Any]]) -> bool:
        """Write entries, all in one piece, behind what is there; False if that is not possible here."""
        lines = "".join(json.dumps(dict(entry), sort_keys=True) + "\n" for entry in entries)
        if not lines:
            return True
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                with _locked(descriptor):
                    data = lines.encode()
                    size = os.fstat(descriptor).st_size
                    if size:
                        os.lseek(descriptor, size - 1, os.SEEK_SET)
                        if os.read(descriptor, 1) != b"\n":
                            data = b"\n" + data  # a writer was killed in the middle of a line
                    while data:
                        data = data[os.write(descriptor, data) :]
            finally:
                os.close(descriptor)
        except OSError:
            return False
        return True

    def read(self, table: str | None = None) -> list[dict[str, Any]]:
        """Entries in the order they were written, of one table if its fingerprint (or the start of it) is given.

        Lines that can't be read are passed over: a damaged log is no reason to lose the rest of it.
        """
        try:
            text = self.path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return []
        found = []
        for line in text.splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict) and isinstance(entry.get("table"), str) and "what" in entry:
                found.append(entry)
        return [entry for entry in found if table is None or entry["table"].startswith(table)]

    def tried(self, table: str | None = None) -> list[Tried]:
        """Summarise what was tried on each table, the last used first."""
        by_table: dict[str, list[dict[str, Any]]] = {}
        for entry in self.read(table):
            by_table.setdefault(entry["table"], []).append(entry)
        found = [_summary(name, entries) for name, entries in by_table.items()]
        return sorted(found, key=lambda tried: tried.last, reverse=True)


def _summary(table: str, entries: list[dict[str, Any]]) -> Tried:
    variants = [entry for entry in entries if entry["what"] == "variant"]
    times = sorted(str(entry.get("time", "")) for entry in entries)
    return Tried(
        table,
        len({entry.get("settings") for entry in variants}),
        len({(entry.get("settings"), entry.get("scheme_sha256")) for entry in variants}),
        sum(entry["what"] == "run" for entry in entries),
        tuple(dict.fromkeys(str(entry.get("study")) for entry in entries)),
        times[0][:10],
        times[-1][:10],
    )


@contextlib.contextmanager
def _locked(descriptor: int) -> Iterator[None]:
    """Hold the file's lock if the system has one to give; wait at most two seconds for it.

    Without the lock one write at the end of the file is still whole on local file systems.
    """
    try:
        import fcntl
    except ImportError:  # Windows: appends of one write each are whole there
        yield
        return
    deadline, held = time.monotonic() + _PATIENCE_S, False
    while not held and time.monotonic() < deadline:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            held = True
        except BlockingIOError:
            time.sleep(0.01)
        except OSError:
            break  # a file system without locks
    try:
        yield
    finally:
        if held:
            fcntl.flock(descriptor, fcntl.LOCK_UN)


def record_run(run: Run, study: str) -> dict[str, Any]:
    """Log every variant that a run scored.

    A variant that the log already holds with the same score is not written again; the run itself always is.

    Returns
    -------
    dict
        ``table`` (fingerprint), ``this_run`` (different settings scored in this run) and ``logged`` (False if the log
        can't be written), for `counted`.
    """
    from importlib import metadata

    log = VariantLog()
    table, now = run.data.table_sha256, datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    common = {
        "time": now,
        "version": metadata.version("perospin"),
        "study": study,
        "part": run.name,
        "table": table,
        "data": run.data.sha256,
        "n_rows": len(run.data),
        "target": run.part.target.quantity,
    }
    variants: dict[tuple[str, str], dict[str, Any]] = {}
    for (name, scheme), done in run.evaluations.items():
        if name not in run.tried or name.startswith("("):
            continue  # a grid, whose members stand for it, or a model that a sanity test brings along
        settings, plan = _settings(run, name), run.schemes[scheme]
        score = done.scores()
        variants[settings, scheme_digest(plan)] = {
            **common,
            "what": "variant",
            "estimator": name,
            "settings": settings,
            "scheme": plan.label,
            "scheme_sha256": scheme_digest(plan),
            "in_sample": plan.in_sample,
            "r2": None if score.r2 != score.r2 else round(score.r2, 6),
        }
    known = {(entry.get("settings"), entry.get("scheme_sha256"), entry.get("r2")) for entry in log.read(table)}
    new = [v for v in variants.values() if (v["settings"], v["scheme_sha256"], v["r2"]) not in known]
    settings_here = {settings for settings, _ in variants}
    written = log.append([*new, {**common, "what": "run", "n_settings": len(settings_here)}])
    return {"table": table, "this_run": len(settings_here), "logged": written}


def counted(parts: Mapping[str, PartResult]) -> dict[str, PartResult]:
    """Add to each part what the log knows about its table once all parts have run."""
    log = VariantLog()
    found = {}
    for name, part in parts.items():
        known = dict(part.provenance["variants"])
        tried = next(iter(log.tried(known["table"])), None) if known["logged"] else None
        known["logged"] = tried is not None
        if tried is not None:
            known |= {"settings": tried.settings, "studies": list(tried.studies), "since": tried.first}
        found[name] = dataclasses.replace(part, provenance={**part.provenance, "variants": known})
    return found


def _settings(run: Run, name: str) -> str:
    """Fingerprint of all that makes a variant: the model, what it reads, and how rows and target were prepared."""
    spec, columns = run.tried[name]
    data = run.part.data
    prepared = {
        "transform": run.part.target.transform,
        "descriptors": run.part.descriptors.model_dump(),
        "corrected": data.corrected,
        "where": [condition.model_dump() for condition in data.where],
        "assume": {label: item.formula for label, item in data.assume.items()},
        "weight": data.weight,
        "y_sd": data.y_sd,
    }
    return fingerprint({"spec": spec, "columns": list(columns), "prepared": prepared, "seed": run.part.seed})
