"""Files beside records: raw traces, the fits that made values, crystals; kept once each, by the hash of their bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from perospin.database import schema
from perospin.database.store import key_of
from perospin.errors import DataError
from perospin.text import shorten

if TYPE_CHECKING:
    from perospin.database.store import Store

__all__ = ["MOST_BYTES", "ROLES", "Beside", "attach", "content", "files"]

ROLES = ("trace", "fit", "crystal", "other")
"""Raw measurement, fit saved by perospin, crystal structure, anything else."""
MOST_BYTES = 64 * 1024 * 1024
"""Largest file that is kept; of a larger one, only the hash is."""


@dataclass(frozen=True)
class Beside:
    """A file beside a record.

    Attributes
    ----------
    name
        Name of the file, without its folder.
    role
        One of `ROLES`.
    sha256
        Of its bytes.
    content
        The bytes; None where only the hash is known.
    record_id, by, at
        Record that it belongs to, who attached it, when (UTC); empty before it is attached.
    size
        In bytes; None where only the hash is known.
    """

    name: str
    role: str
    sha256: str
    content: bytes | None = None
    record_id: str = ""
    by: str = ""
    at: str = ""
    size: int | None = None

    def __post_init__(self) -> None:
        """Check what a store keeps.

        Raises
        ------
        DataError
            If the role is unknown, the name is no name of a file, or the bytes aren't those of the hash.
        """
        if self.role not in ROLES:
            raise DataError(f"'{shorten(self.role)}' is no role of a file; use one of: {', '.join(ROLES)}")
        if not self.name or len(self.name) > 255 or not self.name.isprintable() or set(self.name) & set("/\\"):
            raise DataError(f"'{shorten(self.name)}' is no name of a file: give up to 255 characters, no folder")
        if self.content is not None and hashlib.sha256(self.content).hexdigest() != self.sha256:
            raise DataError(f"the file '{shorten(self.name)}' isn't the one with the hash {self.sha256[:12]}...")

    @classmethod
    def of(cls, content: bytes, name: str, role: str) -> Beside:
        """Make one of bytes; the content of one larger than `MOST_BYTES` is left out."""
        kept = content if len(content) <= MOST_BYTES else None
        return cls(name, role, hashlib.sha256(content).hexdigest(), kept, size=len(content))

    @classmethod
    def read(cls, path: str | Path, role: str) -> Beside:
        """Make one of a file.

        Raises
        ------
        DataError
            If it can't be read.
        """
        path = Path(path)
        try:
            return cls.of(path.read_bytes(), path.name, role)
        except OSError as error:
            raise DataError(f"can't read '{shorten(str(path))}': {error.strerror or error}") from None

    def to_dict(self) -> dict[str, Any]:
        """Give what is known of it, without the bytes, as JSON-able values."""
        return {name: getattr(self, name) for name in ("name", "role", "sha256", "record_id", "by", "at", "size")}


def attach(store: Store, record_ids: Sequence[str], beside: Iterable[Beside], by: str | None = None) -> int:
    """Put files beside records: all, or none.

    Parameters
    ----------
    store : Store
        Where the records are.
    record_ids : sequence of str
        Records that all of the files belong to.
    beside : iterable of Beside
        The files. What is there already isn't attached twice.
    by : str, optional
        Who attaches; by default PEROSPIN_USER or the login.

    Returns
    -------
    int
        How many links between a record and a file are new.

    Raises
    ------
    DataError
        If a record isn't in the store.
    """
    given = list(beside)
    person, keys = schema.who(by), {key_of(name): name for name in record_ids}
    count = 0
    with store.transaction(write=True) as connection:
        found = store.rows(connection, list(keys))
        absent = [name for key, name in keys.items() if key not in found]
        if absent:
            raise DataError(f"no record {absent[0]} in the store; nothing was attached")
        for file in given:
            there = select(schema.blobs.c.sha256).where(schema.blobs.c.sha256 == file.sha256)
            if file.content is not None and connection.scalar(there) is None:
                cells = {"sha256": file.sha256, "size": len(file.content), "content": file.content}
                connection.execute(insert(schema.blobs).values(cells))
            for key in keys:
                links = schema.links.c
                same = select(links.id).where(
                    links.record == key, links.sha256 == file.sha256, links.role == file.role, links.name == file.name
                )
                if connection.scalar(same) is not None:
                    continue
                link = {"record": key, "sha256": file.sha256, "role": file.role, "name": file.name}
                connection.execute(insert(schema.links).values(**link, at=schema.now(), by=person))
                store.log(connection, "attach", key, person, f"{file.role} {file.name}, sha256 {file.sha256}")
                count += 1
    return count


def files(store: Store, record_id: str) -> list[Beside]:
    """Files beside a record, in the order in which they were attached, without their bytes (`content` gives them).

    Raises
    ------
    DataError
        If the identifier isn't one of the store's.
    """
    key = key_of(record_id)
    if (store.version() or 0) < 2:
        return []
    links, blobs = schema.links, schema.blobs
    asked = (
        select(links, blobs.c.size)
        .join(blobs, blobs.c.sha256 == links.c.sha256, isouter=True)
        .where(links.c.record == key)
        .order_by(links.c.id)
    )
    with store.transaction() as connection:
        rows = connection.execute(asked).mappings().all()
    return [
        Beside(row["name"], row["role"], row["sha256"], None, record_id, row["by"], row["at"], row["size"])
        for row in rows
    ]


def content(store: Store, sha256: str) -> bytes:
    """Bytes of a file that the store keeps, checked against their hash.

    Raises
    ------
    DataError
        If the store doesn't keep it, or its bytes were damaged.
    """
    found = None
    if (store.version() or 0) >= 2:
        with store.transaction() as connection:
            found = connection.scalar(select(schema.blobs.c.content).where(schema.blobs.c.sha256 == sha256))
    if found is None:
        raise DataError(f"'{store.location}' keeps no file with the hash {shorten(sha256, 70)}")
    if hashlib.sha256(found).hexdigest() != sha256:
        raise DataError(f"the file with the hash {sha256} was damaged in '{store.location}'; restore a backup")
    return bytes(found)
