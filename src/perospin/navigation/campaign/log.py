"""The log of a campaign: one SQLite file, or a table of a PostgreSQL database, that only grows.

Each call of `Log.append` is one transaction: all events, or none. Nothing is changed or taken away, by triggers in the
file or the database itself.
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
from perospin.text import shorten, without_password

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
_FILE_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS events (number INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL,"
    " kind TEXT NOT NULL, mark TEXT UNIQUE, data TEXT NOT NULL)",
    "CREATE TRIGGER IF NOT EXISTS no_change BEFORE UPDATE ON events"
    " BEGIN SELECT RAISE(ABORT, 'the log only grows'); END",
    "CREATE TRIGGER IF NOT EXISTS no_removal BEFORE DELETE ON events"
    " BEGIN SELECT RAISE(ABORT, 'the log only grows'); END",
)
# a database holds many campaigns
_SERVER_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS campaign_events (campaign TEXT NOT NULL, number INTEGER NOT NULL, at TEXT NOT NULL,"
    " kind TEXT NOT NULL, mark TEXT, data TEXT NOT NULL, PRIMARY KEY (campaign, number), UNIQUE (campaign, mark))",
    "CREATE OR REPLACE FUNCTION campaign_events_only_grow() RETURNS trigger LANGUAGE plpgsql"
    " AS $$ BEGIN RAISE EXCEPTION 'the log only grows'; END $$",
    "CREATE OR REPLACE TRIGGER no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON campaign_events"
    " FOR EACH STATEMENT EXECUTE FUNCTION campaign_events_only_grow()",
)


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
    """Events in one SQLite file, or of one campaign in a PostgreSQL database.

    Parameters
    ----------
    place : path or str
        The file, whose folder must be there; or ``postgresql+psycopg://user@host/database#campaign``.

    Raises
    ------
    NavigationError
        If the URL is malformed, or names a database whose driver is not installed.
    """

    def __init__(self, place: Path | str) -> None:
        from perospin.database.engines import is_url, sqlite_engine

        self.shown, self._name, self._server = shorten(without_password(str(place)), 120), "", is_url(str(place))
        if not self._server:
            self._engine = sqlite_engine(str(place), log=True)
            self._table, self._mine = "events", ":campaign = ''"
            return
        from sqlalchemy import create_engine
        from sqlalchemy.exc import ArgumentError, NoSuchModuleError

        address, _, self._name = str(place).partition("#")
        try:
            self._engine = create_engine(address)
        except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, ValueError):
            self._server = False
        if not self._server or not self._name.strip() or self._engine.dialect.name != "postgresql":
            raise NavigationError(
                f"can't open the campaign '{self.shown}': give a folder, or a URL such as "
                "postgresql+psycopg://user@host/database#name with its driver installed (pip install psycopg)"
            )
        self._table, self._mine = "campaign_events", "campaign = :campaign"

    @contextmanager
    def _connection(self, writes: bool) -> Iterator[Any]:
        from sqlalchemy.exc import SQLAlchemyError

        from perospin.database.engines import one_writer, plain

        try:
            with self._engine.execution_options(perospin_writes=writes).begin() as connection:
                if writes:
                    one_writer(connection)
                yield connection
        except (SQLAlchemyError, OSError) as error:
            raise NavigationError(f"the campaign's log '{self.shown}' can't be used: {plain(error)}") from None

    def _ask(self, connection: Any, statement: str, **values: Any) -> Any:
        from sqlalchemy import text

        return connection.execute(text(statement), {"campaign": self._name} | values)

    @property
    def exists(self) -> bool:
        """Whether the database holds this campaign; asked of a URL only."""
        from sqlalchemy import inspect

        with self._connection(writes=False) as connection:
            return inspect(connection).has_table(self._table) and self._last(connection) > 0

    def _last(self, connection: Any) -> int:
        found = self._ask(connection, f"SELECT MAX(number) FROM {self._table} WHERE {self._mine}").scalar()
        return int(found or 0)

    def create(self, first: Event) -> None:
        """Begin the log with its first event.

        Raises
        ------
        NavigationError
            If there is one already.
        """
        with self._connection(writes=True) as connection:
            for statement in _SERVER_SCHEMA if self._server else _FILE_SCHEMA:
                connection.exec_driver_sql(statement)
            if self._last(connection):
                raise NavigationError(f"'{self.shown}' is a campaign already; open it, or give another folder or name")
            self._write(connection, [first])

    def events(self, after: int = 0) -> list[Event]:
        """All events after a number, in order."""
        statement = f"SELECT number, at, kind, data FROM {self._table} WHERE {self._mine} AND number > :after"
        with self._connection(writes=False) as connection:
            rows = self._ask(connection, f"{statement} ORDER BY number", after=after).all()
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
            if seen is not None and self._last(connection) != seen:
                return []
            return self._write(connection, events, again)

    def _write(self, connection: Any, events: Sequence[Event], again: bool = False) -> list[Event]:
        now, written = datetime.now(UTC).isoformat(timespec="seconds"), []
        number = self._last(connection)
        names = ("campaign",) * self._server + ("number", "at", "kind", "mark", "data")
        insert = f"INSERT INTO {self._table} ({', '.join(names)}) VALUES ({', '.join(f':{one}' for one in names)})"
        known = f"SELECT 1 FROM {self._table} WHERE {self._mine} AND mark = :mark"
        for event in events:
            if event.kind not in KINDS:
                raise NavigationError(f"unknown kind of event '{event.kind}'; known are {', '.join(KINDS)}")
            # what is told once more on purpose, and every suggestion, is an event of its own
            mark = None if again or event.kind in ("suggested", "abandoned") else event.mark
            if mark and self._ask(connection, known, mark=mark).first():
                continue
            number += 1
            self._ask(connection, insert, number=number, at=now, kind=event.kind, mark=mark, data=event._data())
            written.append(event)
        return written

    def close(self) -> None:
        """Let go of the file or the connection."""
        self._engine.dispose()
