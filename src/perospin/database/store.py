"""The user's own records: an embedded SQLite file, or any database SQLAlchemy reaches by URL.

Curated tables are text inside the package and are never written to; the store holds only what the user adds.
Each call of `Store.add` is one transaction: a crash in the middle leaves the store as it was before.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Boolean,
    Column,
    Engine,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    delete,
    func,
    insert,
    inspect,
    make_url,
    select,
)
from sqlalchemy.exc import ArgumentError, IntegrityError, NoSuchModuleError, SQLAlchemyError

from perospin.database.engines import is_url, one_writer, plain, sqlite_engine
from perospin.database.record import COLUMNS, Record
from perospin.errors import DataError
from perospin.text import shorten, without_password

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

ENVIRONMENT_VARIABLE = "PEROSPIN_STORE"
SCHEMA_VERSION = 1
#: Rows written, and identifiers asked for, at a time.
_CHUNK_ROWS = 2000
_CHUNK_NAMES = 500

_metadata = MetaData()

_KIND: dict[str, Any] = {
    **dict.fromkeys(("n_layers", "year"), Integer),
    **dict.fromkeys(("estimated", "theory"), Boolean),
    **dict.fromkeys(
        (
            "value",
            "uncertainty",
            "original_value",
            "size_nm",
            "temperature_k",
            "field_t",
            "excitation_nm",
            "fluence_uj_cm2",
            "wavelength_nm",
            "energy_ev",
            "xray_energy_kev",
            "bias_field_v_mm",
        ),
        Float,
    ),
}

_records = Table(
    "records",
    _metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("fingerprint", String(64), nullable=False, unique=True),
    Column("added_at", String(32), nullable=False),
    *(Column(name, _KIND.get(name, Text)) for name in COLUMNS if name != "record_id"),
)
_about = Table("about", _metadata, Column("name", String(64), primary_key=True), Column("value", Text, nullable=False))


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

    def add(self, records: Iterable[Record], skip_known: bool = False) -> list[str]:
        """Add records in one transaction: all of them, or none.

        Parameters
        ----------
        records
            Records to add; their `record_id` is replaced.
        skip_known
            Leave out records that are already in the store instead of refusing.

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
                raise DataError(f"record {number} ({_brief(record)}) occurs twice; nothing was added")
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self._transaction(write=True) as connection:
            known = self._known(connection, kept)
            if known and not skip_known:
                raise DataError(
                    f"{len(known)} of {len(kept)} records are already in the store (the first is "
                    f"{next(iter(known.values()))}); nothing was added"
                )
            fresh = ((mark, record) for mark, record in kept.items() if mark not in known)
            keys: list[int] = []
            while chunk := list(islice(fresh, _CHUNK_ROWS)):
                keys += self._insert(connection, chunk, now, skip_known)
            return [f"user-{key}" for key in keys]

    def known(self, records: Sequence[Record]) -> dict[int, str]:
        """Position in `records` of each record that is already in the store, with its identifier there."""
        return self.known_marks([record.fingerprint() for record in records])

    def known_marks(self, marks: Sequence[str]) -> dict[int, str]:
        """Like `known`, for fingerprints that were computed already."""
        if not self._exists():
            return {}
        with self._transaction() as connection:
            found = self._known(connection, marks)
        return {i: found[mark] for i, mark in enumerate(marks) if mark in found}

    def remove(self, record_ids: Iterable[str]) -> int:
        """Remove the user's records of these identifiers; returns how many.

        Raises
        ------
        DataError
            If one of them is not in the store (nothing is removed then).
        """
        keys: list[int] = []
        for name in dict.fromkeys(record_ids):
            if not re.fullmatch(r"user-[0-9]{1,15}", name):
                raise DataError(f"'{shorten(name)}' is not a record of the store; those are called user-1, user-2, ...")
            keys.append(int(name[5:]))
        parts = [keys[i : i + _CHUNK_NAMES] for i in range(0, len(keys), _CHUNK_NAMES)]
        with self._transaction(write=True) as connection:
            present = {
                key
                for part in parts
                for key in connection.scalars(select(_records.c.id).where(_records.c.id.in_(part)))
            }
            absent = [key for key in keys if key not in present]
            if absent:
                raise DataError(f"no record user-{absent[0]} in the store; nothing was removed")
            for part in parts:
                connection.execute(delete(_records).where(_records.c.id.in_(part)))
        return len(keys)

    def query(
        self,
        property: str | None = None,
        formula: str | None = None,
        material: str | None = None,
    ) -> list[Record]:
        """Read records, oldest first, optionally of one property, canonical formula or material text."""
        if not self._exists():
            return []
        statement = select(_records).order_by(_records.c.id)
        for name, wanted in (("property", property), ("formula", formula), ("material", material)):
            if wanted is not None:
                statement = statement.where(_records.c[name] == wanted)
        with self._transaction() as connection:
            rows = connection.execute(statement).mappings().all()
        return [
            Record.from_dict({"record_id": f"user-{row['id']}", **{k: row[k] for k in COLUMNS if k != "record_id"}})
            for row in rows
        ]

    def count(self) -> int:
        """Count the records."""
        if not self._exists():
            return 0
        with self._transaction() as connection:
            return int(connection.scalar(select(func.count()).select_from(_records)) or 0)

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
    def _transaction(self, write: bool = False) -> Iterator[Connection]:
        if write and self._path is not None:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                folder = shorten(str(self._path.parent), 120)
                raise DataError(f"can't create the folder '{folder}': {error.strerror}") from None
        engine = self._engine.execution_options(perospin_writes=write)
        with self._guard(), engine.begin() as connection:
            if write:
                one_writer(connection)
                _metadata.create_all(connection)
            version = connection.scalar(select(_about.c.value).where(_about.c.name == "schema_version"))
            if version is None and write:
                connection.execute(insert(_about).values(name="schema_version", value=str(SCHEMA_VERSION)))
            elif version is not None and version != str(SCHEMA_VERSION):
                raise DataError(
                    f"the store '{self.location}' has schema version {version}, this perospin writes version "
                    f"{SCHEMA_VERSION}; export it with the version that made it and import it here"
                )
            yield connection

    @staticmethod
    def _known(connection: Connection, marks: Iterable[str]) -> dict[str, str]:
        """Find the identifiers of the fingerprints that are in the store."""
        asked = sorted(set(marks))
        columns = select(_records.c.fingerprint, _records.c.id)
        count = connection.scalar(select(func.count()).select_from(_records)) or 0
        if count <= len(asked):  # fewer rows than questions
            wanted = set(asked)
            return {mark: f"user-{key}" for mark, key in connection.execute(columns) if mark in wanted}
        found: dict[str, str] = {}
        for start in range(0, len(asked), _CHUNK_NAMES):  # SQLite allows a limited number of bound values
            part = asked[start : start + _CHUNK_NAMES]
            rows = connection.execute(columns.where(_records.c.fingerprint.in_(part)))
            found.update({mark: f"user-{key}" for mark, key in rows})
        return found

    def _insert(self, connection: Connection, fresh: list[tuple[str, Record]], now: str, skip_known: bool) -> list[int]:
        """Write rows; the keys of those written, in order.

        With SQLite no one else can write meanwhile, with PostgreSQL no other perospin. Another program may, so known
        rows are passed over by the database itself where it can.
        """
        name = self._engine.dialect.name
        if name == "sqlite":
            first = (connection.scalar(select(func.max(_records.c.id))) or 0) + 1
            keys = list(range(first, first + len(fresh)))
            cells = [(key, mark, now, *record.values()[1:]) for key, (mark, record) in zip(keys, fresh, strict=True)]
            # as text, since a million rows are too many for what SQLAlchemy does to each
            connection.exec_driver_sql(str(insert(_records).compile(self._engine)), cells)
            return keys
        rows = [{"fingerprint": mark, "added_at": now, **record.to_dict()} for mark, record in fresh]
        try:
            if skip_known and name == "postgresql":
                from sqlalchemy.dialects import postgresql

                added = postgresql.insert(_records).on_conflict_do_nothing(index_elements=["fingerprint"])
                found = connection.execute(added.returning(_records.c.fingerprint, _records.c.id), rows).all()
                place = dict(tuple(row) for row in found)
                return [place[row["fingerprint"]] for row in rows if row["fingerprint"] in place]
            statement = insert(_records).returning(_records.c.id, sort_by_parameter_order=True)
            return list(connection.scalars(statement, rows))
        except IntegrityError:
            raise DataError("another process added one of these records meanwhile; nothing was added") from None


def _brief(record: Record) -> str:
    return f"{shorten(record.material)}, {record.property} = {record.value:g} {record.unit}"
