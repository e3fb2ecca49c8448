"""The log of a campaign: one SQLite file that only grows.

Each call of `Log.append` is one transaction: all events, or none. Nothing is changed or taken away, by triggers in the
file itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from perospin.errors import NavigationError
from perospin.text import shorten

__all__ = ["KINDS", "Event", "Log"]

KINDS: Mapping[str, str] = {
    "begun": "the campaign was declared",
    "suggested": "a material was suggested, and is pending until something is told of it",
    "measured": "a result, of a suggestion or of any other material of the space",
    "failed": "the material couldn't be made or measured: the campaign learns to avoid its like",
    "abandoned": "a suggestion is no longer pending, for a reason that says nothing of the material",
    "imported": "a result from before the campaign",
}
"""Kinds of events, in words."""
_DATA = ("material", "meant", "made", "values", "uncertainties", "task", "note", "detail")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (number INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, kind TEXT NOT NULL,
 mark TEXT UNIQUE, data TEXT NOT NULL);
CREATE TRIGGER IF NOT EXISTS no_change BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'the log only grows'); END;
CREATE TRIGGER IF NOT EXISTS no_removal BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'the log only grows'); END
"""


@dataclass(frozen=True)
class Event:
    """One line of the log.

    Attributes
    ----------
    kind : str
        A key of `KINDS`.
    material : str
        Name of the candidate.
    meant, made : dict of str to str or float
        Choices as they were suggested, and as they turned out; the campaign learns from the latter.
    values, uncertainties : dict of str to float
        By target; a standard deviation that isn't known is left out.
    task : str
        What the value belongs to, such as another laboratory; ``""`` is the campaign's own.
    note : str
    detail : dict
        What else is to be remembered: a suggestion's reasons, the campaign's declaration. Plain JSON.
    number : int
        Place in the log, from 1.
    at : str
        Time in UTC.
    """

    kind: str
    material: str = ""
    meant: dict[str, str | float] = field(default_factory=dict)
    made: dict[str, str | float] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=dict)
    uncertainties: dict[str, float] = field(default_factory=dict)
    task: str = ""
    note: str = ""
    detail: dict[str, Any] = field(default_factory=dict)
    number: int = 0
    at: str = ""

    def _data(self) -> str:
        content = asdict(self)
        return json.dumps({name: content[name] for name in _DATA}, sort_keys=True, allow_nan=False)

    @property
    def mark(self) -> str:
        """Hash of what was told: equal for the same row told twice."""
        return hashlib.sha256(f"{self.kind} {self._data()}".encode()).hexdigest()


class Log:
    """Events in one SQLite file.

    Parameters
    ----------
    path : path
        The file; its folder must be there.
    """

    def __init__(self, path: Path) -> None:
        from perospin.database.engines import sqlite_engine

        self.path = path
        self._engine = sqlite_engine(str(path), log=True)

    @contextmanager
    def _connection(self, writes: bool) -> Iterator[Any]:
        from sqlalchemy.exc import SQLAlchemyError

        from perospin.database.engines import plain

        try:
            with self._engine.execution_options(perospin_writes=writes).begin() as connection:
                yield connection
        except (SQLAlchemyError, OSError) as error:
            shown = shorten(str(self.path), 120)
            raise NavigationError(f"the campaign's log '{shown}' can't be used: {plain(error)}") from None

    def create(self, first: Event) -> None:
        """Begin the log with its first event.

        Raises
        ------
        NavigationError
            If there is one already.
        """
        with self._connection(writes=True) as connection:
            for statement in _SCHEMA.strip().split(";\n"):
                connection.exec_driver_sql(statement)
            if connection.exec_driver_sql("SELECT COUNT(*) FROM events").scalar():
                raise NavigationError(
                    f"'{shorten(str(self.path), 120)}' is a campaign already; open it, or give another folder"
                )
            self._write(connection, [first])

    def events(self, after: int = 0) -> list[Event]:
        """All events after a number, in order."""
        with self._connection(writes=False) as connection:
            rows = connection.exec_driver_sql(
                "SELECT number, at, kind, data FROM events WHERE number > ? ORDER BY number", (after,)
            ).all()
        return [Event(kind=kind, number=number, at=at, **json.loads(data)) for number, at, kind, data in rows]

    def append(self, events: Sequence[Event], seen: int | None = None, again: bool = False) -> list[Event]:
        """Write events in one transaction: all, or none.

        Parameters
        ----------
        events : sequence of Event
        seen : int, optional
            The last number that these events were made from: if the log has grown since, nothing is written.
        again : bool
            Write also what was told before, word for word (a repeat that gave the same number).

        Returns
        -------
        list of Event
            Those written; what the log held already is left out. Empty if the log has grown.
        """
        with self._connection(writes=True) as connection:
            last = connection.exec_driver_sql("SELECT MAX(number) FROM events").scalar() or 0
            if seen is not None and last != seen:
                return []
            return self._write(connection, events, again)

    @staticmethod
    def _write(connection: Any, events: Sequence[Event], again: bool = False) -> list[Event]:
        now, written = datetime.now(UTC).isoformat(timespec="seconds"), []
        for event in events:
            if event.kind not in KINDS:
                raise NavigationError(f"unknown kind of event '{event.kind}'; known are {', '.join(KINDS)}")
            # what is told once more on purpose, and every suggestion, is an event of its own
            mark = None if again or event.kind in ("suggested", "abandoned") else event.mark
            known = "SELECT 1 FROM events WHERE mark = ?"
            if mark and connection.exec_driver_sql(known, (mark,)).first():
                continue
            connection.exec_driver_sql(
                "INSERT INTO events (at, kind, mark, data) VALUES (?, ?, ?, ?)", (now, event.kind, mark, event._data())
            )
            written.append(event)
        return written

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()
