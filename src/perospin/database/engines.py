"""How databases are opened and how their errors are told: behind the store, and behind a campaign's log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Engine, create_engine, event, func, select
from sqlalchemy.pool import StaticPool

from perospin.text import shorten, without_password

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

__all__ = ["WAIT_S", "is_url", "one_writer", "plain", "sqlite_engine"]

WAIT_S = 180
"""How long a process waits for another one that writes (an import of a million rows takes about a minute)."""
_WRITER_LOCK = 7_369_813  # any number that no other program of the database locks


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


def is_url(location: str) -> bool:
    """Whether this names a database behind a URL, such as ``postgresql+psycopg://user@host/name``, and no file."""
    return "://" in location and not location.startswith("sqlite")


def one_writer(connection: Connection) -> None:
    """Wait until no other transaction writes to a PostgreSQL database; SQLite files have it by themselves."""
    if connection.dialect.name == "postgresql":  # one writer at a time, as SQLite has it; reading goes on
        connection.execute(select(func.pg_advisory_xact_lock(_WRITER_LOCK)))


def plain(error: Exception) -> str:
    """First line of a database error, without the statement that caused it and without passwords."""
    lines = str(getattr(error, "orig", None) or getattr(error, "strerror", None) or error).splitlines() or [""]
    return shorten(without_password(lines[0]).rstrip("."), 160) or type(error).__name__
