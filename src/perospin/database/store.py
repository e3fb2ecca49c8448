"""The user's own records: an embedded SQLite file, or any database SQLAlchemy reaches by URL.

Curated tables are text inside the package and are never written to; the store holds only what the user adds.
Each call of `Store.add` is one transaction: a crash in the middle leaves the store as it was before.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
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
    select,
)
from sqlalchemy.exc import ArgumentError, IntegrityError, NoSuchModuleError, SQLAlchemyError

from perospin.database.record import COLUMNS, Record
from perospin.errors import DataError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

ENVIRONMENT_VARIABLE = "PEROSPIN_STORE"
SCHEMA_VERSION = 1

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
        return self._path is None or self._path.exists()

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
        try:
            if "://" in location and not location.startswith("sqlite:"):
                return cls(create_engine(location), location, None)
            if location == ":memory:":
                from sqlalchemy.pool import StaticPool

                return cls(create_engine("sqlite://", poolclass=StaticPool), location, None)
            file = Path(location.removeprefix("sqlite:///")).expanduser()
            engine = create_engine(f"sqlite:///{file}", connect_args={"timeout": 30})
            return cls(engine, str(file), file)
        except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
            raise DataError(
                f"can't open the store '{location}': {_plain(error)}; give a file name or a URL such as "
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
        rows: list[dict[str, Any]] = []
        seen: set[str] = set()
        now = datetime.now(UTC).isoformat(timespec="seconds")
        for number, record in enumerate(records, start=1):
            mark = record.fingerprint()
            if mark in seen:
                if skip_known:
                    continue
                raise DataError(f"record {number} ({_brief(record)}) occurs twice; nothing was added")
            seen.add(mark)
            values = record.to_dict()
            del values["record_id"]
            rows.append({"fingerprint": mark, "added_at": now, **values})
        with self._transaction(write=True) as connection:
            known = self._known(connection, seen)
            if known and not skip_known:
                raise DataError(
                    f"{len(known)} of {len(rows)} records are already in the store (the first is "
                    f"{next(iter(known.values()))}); nothing was added"
                )
            fresh = [row for row in rows if row["fingerprint"] not in known]
            if not fresh:
                return []
            statement = insert(_records).returning(_records.c.id, sort_by_parameter_order=True)
            try:
                return [f"user-{key}" for key in connection.scalars(statement, fresh)]
            except IntegrityError:
                raise DataError("another process added one of these records meanwhile; nothing was added") from None

    def known(self, records: Sequence[Record]) -> dict[int, str]:
        """Position in `records` of each record that is already in the store, with its identifier there."""
        marks = [record.fingerprint() for record in records]
        if not self._exists():
            return {}
        with self._transaction() as connection:
            found = self._known(connection, set(marks))
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
            prefix, _, number = name.partition("-")
            if prefix != "user" or not number.isdigit():
                raise DataError(f"'{name}' is not a record of the store; those are called user-1, user-2, ...")
            keys.append(int(number))
        with self._transaction(write=True) as connection:
            present = set(connection.scalars(select(_records.c.id).where(_records.c.id.in_(keys))))
            absent = [key for key in keys if key not in present]
            if absent:
                raise DataError(f"no record user-{absent[0]} in the store; nothing was removed")
            connection.execute(delete(_records).where(_records.c.id.in_(keys)))
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
        except SQLAlchemyError as error:
            raise DataError(f"the store '{self.location}' can't be used: {_plain(error)}") from None

    @contextmanager
    def _transaction(self, write: bool = False) -> Iterator[Connection]:
        if write and self._path is not None:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise DataError(f"can't create the folder '{self._path.parent}': {error.strerror}") from None
        with self._guard(), self._engine.begin() as connection:
            if write:
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
    def _known(connection: Connection, marks: set[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        ordered = sorted(marks)
        for start in range(0, len(ordered), 500):  # SQLite allows a limited number of bound values
            statement = select(_records.c.fingerprint, _records.c.id).where(
                _records.c.fingerprint.in_(ordered[start : start + 500])
            )
            found.update({mark: f"user-{key}" for mark, key in connection.execute(statement)})
        return found


def _brief(record: Record) -> str:
    return f"{record.material}, {record.property} = {record.value:g} {record.unit}"


def _plain(error: Exception) -> str:
    """First line of a database error, without the statement that caused it."""
    return str(getattr(error, "orig", None) or error).splitlines()[0].rstrip(".")
