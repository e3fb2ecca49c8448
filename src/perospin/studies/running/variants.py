"""The log of variants tried: every study that is run on a table leaves its settings and scores in the user's log.

Whoever tries enough models finds one that looks good. The count makes these forking paths visible: it is kept by the
engine, not by memory, and printed in every report. The log is one JSON line an entry; it stays on this computer.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["ENVIRONMENT_VARIABLE", "Tried", "VariantLog", "log_location"]

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
