"""A whole store in one file, read at one moment, for the same or another kind of database."""

from __future__ import annotations

import hashlib
import json
import zipfile
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from sqlalchemy import Table, delete, func, insert, select, text

from perospin.database import schema
from perospin.database.store import Store, record_of
from perospin.errors import DataError, PerospinError
from perospin.saving import whole_file
from perospin.text import shorten

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

__all__ = ["backup", "restore"]

_FORMAT = "perospin store"
_TABLES = (schema.records, schema.changes, schema.proposals, schema.blobs, schema.links)
_CHUNK = 1000
_LONGEST = 400_000_000
# characters of one line: a file beside a record, in base 64


def backup(store: Store, file: str | Path) -> dict[str, int]:
    """Write a store to one file: rows as JSON lines with their checksums, in a zip archive.

    Parameters
    ----------
    store : Store
        Others may write to it meanwhile; the file holds the state of one moment.
    file : path
        Replaced only when everything was written.

    Returns
    -------
    dict
        Number of rows of each table.

    Raises
    ------
    DataError
        If the store is empty or can't be read, or is of an older schema.
    """
    version = store.version()
    if version is None:
        raise DataError(f"there is no store at '{store.location}', so there is nothing to back up")
    if version < schema.SCHEMA_VERSION:
        raise DataError(f"'{store.location}' has schema version {version}: run `perospin data migrate` first")
    rows, sums = {}, {}
    with (
        whole_file(file) as part,
        store.transaction(still=True) as connection,
        zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for table in _TABLES:
            with archive.open(f"{table.name}.jsonl", "w", force_zip64=True) as out:
                rows[table.name], sums[table.name] = _write(connection, table, out)
        head = {"format": _FORMAT, "schema": version, "made_at": schema.now(), "rows": rows, "sha256": sums}
        archive.writestr("about.json", json.dumps(head, indent=1))
    return rows


def restore(store: Store, file: str | Path, replace: bool = False, by: str | None = None) -> Path | None:
    """Put a backup into a store: all of it, or nothing.

    Parameters
    ----------
    store : Store
        An empty one, of any kind.
    file : path
        What `backup` wrote; every checksum is tested before anything is written.
    replace : bool
        Whether a store that holds something may be replaced. It is backed up first, beside `file`.
    by : str, optional
        Who restores; stands in the log.

    Returns
    -------
    path or None
        Backup of what was replaced.

    Raises
    ------
    DataError
        If the file is no backup or damaged, or the store isn't empty and `replace` isn't given.
    """
    person, path = schema.who(by), Path(file)
    kept: Path | None = None
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise DataError(f"'{shorten(str(path))}' is no backup of a store: {error}") from None
    with archive:
        head = _checked(archive, path)
        if (store.version() or 0) and _filled(store):
            if not replace:
                raise DataError(
                    f"the store '{store.location}' isn't empty; restore into a new one with --store, or say --replace "
                    "(what is there is backed up first)"
                )
            kept = path.with_name(f"{path.name}.replaced-{schema.now().replace(':', '').replace('+0000', 'Z')}")
            if store.version() != schema.SCHEMA_VERSION:
                store.migrate()
            backup(store, kept)
        with store.transaction(write=True) as connection:
            for table in reversed(_TABLES):
                if replace:
                    connection.execute(delete(table))
                elif connection.scalar(select(func.count()).select_from(table)):
                    raise DataError("somebody wrote to the store meanwhile; nothing was restored")
            for table in _TABLES:
                for chunk in _chunks(archive, table):
                    connection.execute(insert(table), chunk)
                _continue_numbers(connection, table)
            store.log(connection, "restore", None, person, f"{path.name}, made {head['made_at']}")
    return kept


def _write(connection: Connection, table: Table, out: IO[bytes]) -> tuple[int, str]:
    found, count = hashlib.sha256(), 0
    rows = connection.execution_options(yield_per=_CHUNK).execute(select(table).order_by(*table.primary_key)).mappings()
    for row in rows:
        cells = {k: b64encode(v).decode() if isinstance(v, bytes) else v for k, v in row.items()}
        line = json.dumps(cells, separators=(",", ":")).encode() + b"\n"
        found.update(line)
        out.write(line)
        count += 1
    return count, found.hexdigest()


def _checked(archive: zipfile.ZipFile, path: Path) -> Mapping[str, Any]:
    where = f"'{shorten(str(path))}'"
    try:
        head = json.loads(_line(archive.open("about.json")).decode())
        whole = isinstance(head, dict) and head.get("format") == _FORMAT
    except (KeyError, ValueError, zipfile.BadZipFile, RuntimeError):
        whole = False
    if not whole:
        raise DataError(f"{where} is no backup of a store; `perospin data backup` writes them")
    if head.get("schema") != schema.SCHEMA_VERSION:
        raise DataError(
            f"{where} holds schema version {shorten(str(head.get('schema')))}, this perospin restores version "
            f"{schema.SCHEMA_VERSION}: restore it with the perospin that made it, then run `perospin data migrate`"
        )
    for table in _TABLES:
        found, count = hashlib.sha256(), 0
        try:
            with archive.open(f"{table.name}.jsonl") as lines:
                while line := lines.readline(_LONGEST):
                    found.update(line)
                    count += 1
        except (KeyError, zipfile.BadZipFile, OSError, EOFError, ValueError, RuntimeError):
            count = -1
        if count != head["rows"].get(table.name) or found.hexdigest() != head["sha256"].get(table.name):
            raise DataError(f"{where} is damaged (table {table.name}); nothing was restored: take another backup")
    return dict(head)


def _line(file: IO[bytes]) -> bytes:
    with file:
        return file.read(1_000_000)


def _chunks(archive: zipfile.ZipFile, table: Table) -> Iterator[list[dict[str, Any]]]:
    known = {column.name for column in table.columns}
    chunk: list[dict[str, Any]] = []
    with archive.open(f"{table.name}.jsonl") as lines:
        for line in lines:
            try:
                row = json.loads(line)
                if set(row) != known:
                    raise ValueError
                if "content" in row and table is schema.blobs:
                    row["content"] = b64decode(row["content"], validate=True)
                    if hashlib.sha256(row["content"]).hexdigest() != row["sha256"]:
                        raise ValueError
                if table is schema.records and record_of(row).fingerprint() != row["fingerprint"]:
                    raise ValueError
            except (ValueError, TypeError, PerospinError):
                raise DataError(f"a row of table {table.name} is no row of a store; nothing was restored") from None
            chunk.append(row)
            if len(chunk) == _CHUNK:
                yield chunk
                chunk = []
    if chunk:
        yield chunk


def _filled(store: Store) -> bool:
    with store.transaction() as connection:
        has = {"records": schema.records}
        if (store.version() or 0) >= 2:
            has |= {table.name: table for table in _TABLES}
        return any(connection.scalar(select(func.count()).select_from(table)) for table in has.values())


def _continue_numbers(connection: Connection, table: Table) -> None:
    """Let PostgreSQL count on from the largest number."""
    if connection.dialect.name == "postgresql" and "id" in table.c:
        last = connection.scalar(select(func.max(table.c.id)))
        connection.execute(
            text("SELECT setval(pg_get_serial_sequence(:name, 'id'), :last, :used)"),
            {"name": table.name, "last": last or 1, "used": last is not None},
        )
