"""How databases are opened and how their errors are told: behind the store, and behind a campaign's log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.pool import StaticPool

from perospin.text import shorten, without_password

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

__all__ = ["WAIT_S", "plain", "sqlite_engine"]

WAIT_S = 180
"""How long a process waits for another one that writes (an import of a million rows takes about a minute)."""


def sqlite_engine(file: str, log: bool = False) -> Engine:
    """Engine for a SQLite file, or ``:memory:``.

    Its transactions begin where ours do: a writer takes the lock at once, so that it never finds, after it has read,
    that another one was faster; the driver's own way takes it at the first write.

    With `log`, what is written goes to a write-ahead log that is brought to the disk at each commit: readers never wait
    for a writer, and what was committed stays whatever is killed.
    """
    url = URL.create("sqlite", database=None if file == ":memory:" else file)  # % and ? in the name stay what they are
    options = {"poolclass": StaticPool} if file == ":memory:" else {}
    engine = create_engine(url, connect_args={"timeout": WAIT_S}, **options)

    @event.listens_for(engine, "connect")
    def _leave_transactions_to_us(connection: Any, _: Any) -> None:
        connection.isolation_level = None
        if log:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("perospin_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def plain(error: Exception) -> str:
    """First line of a database error, without the statement that caused it and without passwords."""
    lines = str(getattr(error, "orig", None) or getattr(error, "strerror", None) or error).splitlines() or [""]
    return shorten(without_password(lines[0]).rstrip("."), 160) or type(error).__name__
