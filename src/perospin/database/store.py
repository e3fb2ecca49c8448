"""The user's own records: an embedded SQLite file, or any database SQLAlchemy reaches by URL.

Curated tables are text inside the package and are never written to; the store holds only what the user adds.
Each call of `Store.add` is one transaction: a crash in the middle leaves the store as it was before.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, create_engine, delete, func, insert, inspect, make_url, select, update
from sqlalchemy.exc import ArgumentError, IntegrityError, NoSuchModuleError, SQLAlchemyError

from perospin.database import schema
from perospin.database.engines import backup_of, copy_sqlite, is_url, one_writer, plain, sqlite_engine
from perospin.database.record import COLUMNS, Record
from perospin.database.schema import SCHEMA_VERSION
from perospin.errors import DataError
from perospin.text import shorten, without_password

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

ENVIRONMENT_VARIABLE = "PEROSPIN_STORE"
#: Rows written, and identifiers asked for, at a time.
_CHUNK_ROWS = 2000
_CHUNK_NAMES = 500


def default_location() -> str:
    """Where the store lies: the environment variable PEROSPIN_STORE, or the user's data folder."""
    chosen = os.environ.get(ENVIRONMENT_VARIABLE, "").strip()
    if chosen:
        return chosen
    from platformdirs import user_data_path

    return str(user_data_path("perospin", appauthor=False) / "records.sqlite")


class Store:
    """The user's records.

    Open one with `Store.open`; nothing is written to disk before the first `add`.

    Examples
    --------
    >>> store = Store.open(":memory:")
    >>> store.count()
    0
    """

    def __init__(self, engine: Engine, location: str, path: Path | None) -> None:
        self._engine = engine
        self._path = path
        self._copied: Path | None = None
        self.location = location

    @property
    def exists(self) -> bool:
        """False for a file that no `add` has written yet (a database behind a URL is taken to exist)."""
        try:
            return self._path is None or self._path.exists()
        except (OSError, ValueError) as error:
            raise DataError(f"the store '{self.location}' can't be used: {plain(error)}") from None

    @classmethod
    def open(cls, path: Path | str | None = None) -> Store:
        """Open a store.

        Parameters
        ----------
        path
            File name, ``":memory:"``, or a database URL such as ``postgresql+psycopg://user@host/name``; by
            default the environment variable PEROSPIN_STORE or the platform's user data folder.

        Raises
        ------
        DataError
            If the URL is malformed or names a database whose driver is not installed.
        """
        location = str(path) if path is not None else default_location()
        shown = shorten(without_password(location), 120)
        try:
            if is_url(location):
                return cls(create_engine(location), shown, None)
            name = make_url(location).database if location.startswith("sqlite") and "://" in location else location
            if name in (None, "", ":memory:"):
                return cls(sqlite_engine(":memory:"), ":memory:", None)
            file = Path(name).expanduser()
            return cls(sqlite_engine(str(file)), shorten(str(file), 120), file)
        except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, RuntimeError, ValueError) as error:
            raise DataError(
                f"can't open the store '{shown}': {plain(error)}; give a file name or a URL such as "
                "postgresql+psycopg://user@host/name with its driver installed"
            ) from None

    def add(self, records: Iterable[Record], skip_known: bool = False, by: str | None = None) -> list[str]:
        """Add records in one transaction: all of them, or none.

        Parameters
        ----------
        records
            Records to add; their `record_id` is replaced.
        skip_known
            Leave out records that are already in the store instead of refusing.
        by
            Who adds them; by default PEROSPIN_USER or the login.

        Returns
        -------
        list of str
            Identifiers ``"user-<n>"`` of the records added, in order.

        Raises
        ------
        DataError
            If a record is already there (nothing is added then), or the store can't be written.
        """
        kept: dict[str, Record] = {}
        for number, record in enumerate(records, start=1):
            mark = record.fingerprint()
            if mark not in kept:
                kept[mark] = record
            elif not skip_known:
                raise DataError(f"record {number} ({record.brief}) occurs twice; nothing was added")
        name = schema.who(by)
        with self.transaction(write=True) as connection:
            known = self.known_in(connection, kept)
            if known and not skip_known:
                raise DataError(
                    f"{len(known)} of {len(kept)} records are already in the store (the first is "
                    f"{next(iter(known.values()))}); nothing was added"
                )
            fresh = ((mark, record) for mark, record in kept.items() if mark not in known)
            return [f"user-{key}" for key in self.insert(connection, fresh, name, skip_known)]

    def insert(
        self, connection: Connection, fresh: Iterable[tuple[str, Record]], by: str, skip_known: bool = False
    ) -> list[int]:
        """Write records that aren't there yet, given with their fingerprints, in a transaction; gives their numbers."""
        now, keys, left = schema.now(), [], iter(fresh)
        while chunk := list(islice(left, _CHUNK_ROWS)):
            keys += self._insert(connection, chunk, (now, by), skip_known)
        return keys

    def known(self, records: Sequence[Record]) -> dict[int, str]:
        """Position in `records` of each record that is already in the store, with its identifier there."""
        return self.known_marks([record.fingerprint() for record in records])

    def known_marks(self, marks: Sequence[str]) -> dict[int, str]:
        """Like `known`, for fingerprints that were computed already."""
        if not self._exists():
            return {}
        with self.transaction() as connection:
            found = self.known_in(connection, marks)
        return {i: found[mark] for i, mark in enumerate(marks) if mark in found}

    def remove(self, record_ids: Iterable[str], by: str | None = None, why: str = "") -> int:
        """Withdraw the user's records of these identifiers; returns how many.

        What they held, who withdrew them, when and why stays in the log of changes.

        Raises
        ------
        DataError
            If one of them is not in the store (nothing is removed then).
        """
        keys = [key_of(name) for name in dict.fromkeys(record_ids)]
        person = schema.who(by)
        with self.transaction(write=True) as connection:
            found = self.rows(connection, keys)
            absent = [key for key in keys if key not in found]
            if absent:
                raise DataError(f"no record user-{absent[0]} in the store; nothing was removed")
            for key in keys:
                self.log(connection, "withdraw", key, person, why, before=found[key])
            for part in _parts(keys):
                connection.execute(delete(schema.records).where(schema.records.c.id.in_(part)))
        return len(keys)

    def change(self, record_id: str, record: Record, by: str | None = None, why: str = "") -> None:
        """Put another content into a record; the former one stays in the log of changes.

        Raises
        ------
        DataError
            If the record isn't there, nothing would change, or another record says the same already.
        """
        key, mark, person = key_of(record_id), record.fingerprint(), schema.who(by)
        with self.transaction(write=True) as connection:
            found = self.rows(connection, [key])
            if key not in found:
                raise DataError(f"no record {record_id} in the store; nothing was changed")
            if same := self.known_in(connection, [mark]):
                what = "nothing would change" if same[mark] == record_id else f"{same[mark]} says the same already"
                raise DataError(f"{record_id} was not changed: {what}")
            cells = {**record.to_dict(), "fingerprint": mark}
            del cells["record_id"]
            connection.execute(update(schema.records).where(schema.records.c.id == key).values(cells))
            self.log(connection, "change", key, person, why, found[key], self.rows(connection, [key])[key])

    @staticmethod
    def rows(connection: Connection, keys: Sequence[int]) -> dict[int, dict[str, Any]]:
        """Rows of these numbers as they lie in the table."""
        found: dict[int, dict[str, Any]] = {}
        for part in _parts(keys):
            for row in connection.execute(select(schema.records).where(schema.records.c.id.in_(part))).mappings():
                found[row["id"]] = dict(row)
        return found

    @staticmethod
    def log(
        connection: Connection,
        action: str,
        key: int | None,
        by: str,
        why: str,
        before: dict[str, Any] | None = None,
        after: dict[str, Any] | None = None,
    ) -> None:
        """Write down what happens to a record, in the transaction in which it happens."""
        entry = {"at": schema.now(), "by": by, "action": action, "record": key, "why": why}
        entry |= {"before": None if before is None else json.dumps(before)}
        entry |= {"after": None if after is None else json.dumps(after)}
        connection.execute(insert(schema.changes).values(entry))

    def query(
        self,
        property: str | None = None,
        formula: str | None = None,
        material: str | None = None,
    ) -> list[Record]:
        """Read records, oldest first, optionally of one property, canonical formula or material text."""
        if not self._exists():
            return []
        statement = select(schema.records.c.id, *schema.record_cells).order_by(schema.records.c.id)
        for name, wanted in (("property", property), ("formula", formula), ("material", material)):
            if wanted is not None:
                statement = statement.where(schema.records.c[name] == wanted)
        with self.transaction() as connection:
            rows = connection.execute(statement).mappings().all()
        return [record_of(dict(row)) for row in rows]

    def count(self) -> int:
        """Count the records."""
        if not self._exists():
            return 0
        with self.transaction() as connection:
            return int(connection.scalar(select(func.count()).select_from(schema.records)) or 0)

    def close(self) -> None:
        """Release the connections."""
        self._engine.dispose()

    def __enter__(self) -> Store:
        """Use the store in a ``with`` block; it is closed at the end."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Close the store."""
        self.close()

    def _exists(self) -> bool:
        """Whether anything was ever stored; reading must not create a file."""
        if not self.exists:
            return False
        with self._guard():
            return inspect(self._engine).has_table("records")

    @contextmanager
    def _guard(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, OSError, ValueError, OverflowError) as error:
            raise DataError(f"the store '{self.location}' can't be used: {plain(error)}") from None

    @contextmanager
    def transaction(self, write: bool = False, migrate: bool = False, still: bool = False) -> Iterator[Connection]:
        """One transaction: whole or not at all. One that writes upgrades an old SQLite store first, after a backup.

        With `still`, all that is read is the state of one moment, whoever writes meanwhile.

        Raises
        ------
        DataError
            If the store can't be used, is newer than this perospin, or is an old one behind a URL and `migrate`, which
            an administrator decides, isn't given.
        """
        if write and self._path is not None:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                folder = shorten(str(self._path.parent), 120)
                raise DataError(f"can't create the folder '{folder}': {error.strerror}") from None
        options: dict[str, Any] = {"perospin_writes": write}
        if still and self._engine.dialect.name == "postgresql":  # a reader of a SQLite file has it anyway
            options["isolation_level"] = "REPEATABLE READ"
        engine = self._engine.execution_options(**options)
        with self._guard(), engine.begin() as connection:
            if write:
                one_writer(connection)
                if not inspect(connection).has_table("about"):
                    schema.metadata.create_all(connection)
                    connection.execute(insert(schema.about).values(name="schema_version", value=str(SCHEMA_VERSION)))
            version = self._version(connection)
            if version < SCHEMA_VERSION and write:
                self._upgrade(connection, version, migrate)
            yield connection

    def state(self) -> tuple[int, ...]:
        """Numbers that change whenever the store does: cheap to ask, so that answers can be kept."""
        if (self.version() or 0) < SCHEMA_VERSION:
            return (self.count(),)
        tables = (schema.records, schema.changes, schema.proposals, schema.links)
        with self.transaction() as connection:
            return tuple(int(connection.scalar(select(func.max(table.c.id))) or 0) for table in tables)

    def migrate(self) -> Path | None:
        """Bring an old store to today's schema; a SQLite file is copied first, and the copy's name is given.

        Raises
        ------
        DataError
            If there is no store, or it can't be used.
        """
        if not self._exists():
            raise DataError(f"there is no store at '{self.location}'")
        self._copied = None
        with self.transaction(write=True, migrate=True):
            return self._copied

    def version(self) -> int | None:
        """Version of the schema of this store; None if nothing was ever stored."""
        if not self._exists():
            return None
        with self.transaction() as connection:
            return self._version(connection)

    def _version(self, connection: Connection) -> int:
        said = connection.scalar(select(schema.about.c.value).where(schema.about.c.name == "schema_version"))
        version = int(said) if said and said.isdecimal() else 0
        if not 1 <= version <= SCHEMA_VERSION:
            raise DataError(
                f"the store '{self.location}' has schema version {said}, this perospin knows versions 1 to "
                f"{SCHEMA_VERSION}: use a newer perospin"
            )
        return version

    def _upgrade(self, connection: Connection, version: int, migrate: bool) -> None:
        from perospin.database.migrations import upgrade

        if self._path is None and not migrate:
            raise DataError(
                f"the store '{self.location}' has schema version {version}, this perospin writes version "
                f"{SCHEMA_VERSION}: back it up, then run `perospin data migrate` once for all who use it"
            )
        if self._path is not None:
            self._copied = backup_of(self._path, f"schema-{version}")
            copy_sqlite(self._path, self._copied)  # nothing was written yet: the copy is the old store
        upgrade(connection, version)

    @staticmethod
    def known_in(connection: Connection, marks: Iterable[str]) -> dict[str, str]:
        """Find the identifiers of the fingerprints that are in the store."""
        asked = sorted(set(marks))
        columns = select(schema.records.c.fingerprint, schema.records.c.id)
        count = connection.scalar(select(func.count()).select_from(schema.records)) or 0
        if count <= len(asked):  # fewer rows than questions
            wanted = set(asked)
            return {mark: f"user-{key}" for mark, key in connection.execute(columns) if mark in wanted}
        found: dict[str, str] = {}
        for start in range(0, len(asked), _CHUNK_NAMES):  # SQLite allows a limited number of bound values
            part = asked[start : start + _CHUNK_NAMES]
            rows = connection.execute(columns.where(schema.records.c.fingerprint.in_(part)))
            found.update({mark: f"user-{key}" for mark, key in rows})
        return found

    def _insert(
        self, connection: Connection, fresh: list[tuple[str, Record]], added: tuple[str, str], skip_known: bool
    ) -> list[int]:
        """Write rows; the keys of those written, in order.

        With SQLite no one else can write meanwhile, with PostgreSQL no other perospin. Another program may, so known
        rows are passed over by the database itself where it can.
        """
        name = self._engine.dialect.name
        now, by = added
        if name == "sqlite":
            # the number of a withdrawn record is never given again
            used = [connection.scalar(select(func.max(c))) or 0 for c in (schema.records.c.id, schema.changes.c.record)]
            first = max(used) + 1
            keys = list(range(first, first + len(fresh)))
            cells = [
                (key, mark, now, *record.values()[1:], by) for key, (mark, record) in zip(keys, fresh, strict=True)
            ]
            # as text, since a million rows are too many for what SQLAlchemy does to each
            connection.exec_driver_sql(str(insert(schema.records).compile(self._engine)), cells)
            return keys
        rows = [{"fingerprint": mark, "added_at": now, "added_by": by, **record.to_dict()} for mark, record in fresh]
        try:
            if skip_known and name == "postgresql":
                from sqlalchemy.dialects import postgresql

                fresh_ones = postgresql.insert(schema.records).on_conflict_do_nothing(index_elements=["fingerprint"])
                told = fresh_ones.returning(schema.records.c.fingerprint, schema.records.c.id)
                found = connection.execute(told, rows).all()
                place = dict(tuple(row) for row in found)
                return [place[row["fingerprint"]] for row in rows if row["fingerprint"] in place]
            statement = insert(schema.records).returning(schema.records.c.id, sort_by_parameter_order=True)
            return list(connection.scalars(statement, rows))
        except IntegrityError:
            raise DataError("another process added one of these records meanwhile; nothing was added") from None


def key_of(record_id: str) -> int:
    """Give the number of a record of the store.

    Raises
    ------
    DataError
        If the identifier isn't one of the store's.
    """
    if not re.fullmatch(r"user-[0-9]{1,15}", record_id):
        raise DataError(f"'{shorten(record_id)}' is not a record of the store; those are called user-1, user-2, ...")
    return int(record_id[5:])


def record_of(row: Mapping[str, Any]) -> Record:
    """Make a record of a row of the table."""
    return Record.from_dict({"record_id": f"user-{row['id']}", **{k: row[k] for k in COLUMNS if k != "record_id"}})


def _parts(keys: Sequence[int]) -> Iterator[Sequence[int]]:
    """Cut a list: a database allows a limited number of bound values."""
    for start in range(0, len(keys), _CHUNK_NAMES):
        yield keys[start : start + _CHUNK_NAMES]
