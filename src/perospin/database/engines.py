"""How databases are opened and how their errors are told: behind the store, and behind a campaign's log."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Engine, create_engine, event, func, select
from sqlalchemy.pool import StaticPool

from perospin.errors import DataError
from perospin.text import shorten, without_password

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

__all__ = ["WAIT_S", "backup_of", "copy_sqlite", "is_url", "one_writer", "plain", "sqlite_engine"]

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


def copy_sqlite(file: Path, to: Path) -> None:
    """Copy a SQLite file as its last finished transaction left it, while others read and write.

    Raises
    ------
    WriteError
        If the copy can't be written.
    DataError
        If the file can't be read.
    """
    import sqlite3
    from contextlib import closing

    from perospin.saving import whole_file

    with whole_file(to) as part:
        try:
            with (
                closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=WAIT_S)) as old,
                closing(sqlite3.connect(part)) as new,
            ):
                old.backup(new)
        except sqlite3.Error as error:
            raise DataError(f"'{shorten(str(file), 120)}' can't be copied: {error}") from None


def backup_of(file: Path, why: str) -> Path:
    """Name of a copy beside a file that nothing has yet: ``records.sqlite.20261129-081500.why``."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    names = (file.with_name(f"{file.name}.{stamp}{extra}.{why}") for extra in ("", *(f"-{i}" for i in range(2, 1000))))
    return next(name for name in names if not name.exists())


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
