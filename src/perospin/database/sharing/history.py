"""What happened to the records of a store: who, when, why, and what they were before."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from perospin.database import schema
from perospin.database.store import key_of, record_of
from perospin.errors import DataError

if TYPE_CHECKING:
    from perospin.database.record import Record
    from perospin.database.store import Store

__all__ = ["Change", "history"]


@dataclass(frozen=True)
class Change:
    """One entry of the log.

    Attributes
    ----------
    at
        UTC, to the second.
    by
        Who did it; empty where an older perospin didn't ask.
    action
        ``add``, ``change``, ``withdraw``, ``accept``, ``reject``, ``attach`` or ``restore``.
    record_id
        ``user-<n>``; empty where the entry is about no single record.
    why
        In words, or how many records were added together.
    before, after
        The record before and after, where there is one.
    """

    at: str
    by: str
    action: str
    record_id: str = ""
    why: str = ""
    before: Record | None = None
    after: Record | None = None

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON-able values."""
        said = {name: getattr(self, name) for name in ("at", "by", "action", "record_id", "why")}
        return said | {
            name: None if (record := getattr(self, name)) is None else record.to_dict() for name in ("before", "after")
        }

    def differences(self) -> dict[str, tuple[Any, Any]]:
        """Fields that changed, with the former and the new value."""
        if self.before is None or self.after is None:
            return {}
        old, new = self.before.to_dict(), self.after.to_dict()
        return {name: (old[name], new[name]) for name in old if old[name] != new[name]}


def history(store: Store, record_id: str | None = None) -> list[Change]:
    """Log of a store, or of one of its records, oldest first.

    Parameters
    ----------
    store : Store
        Where to look.
    record_id : str, optional
        ``user-<n>``; withdrawn records have a history too. Without it, records that one person added in one second
        are one entry.

    Raises
    ------
    DataError
        If there never was such a record.
    """
    if not store.exists:
        if record_id is not None:
            raise DataError(f"there never was a record {record_id} in '{store.location}'")
        return []
    key = None if record_id is None else key_of(record_id)
    if (store.version() or 0) < 2:  # it kept the date alone
        rows = [(row.added_at, "", row.number) for row in _added(store, key, named=False)]
        entries = []
    else:
        rows = [(row.added_at, row.added_by or "", row.number) for row in _added(store, key, named=True)]
        entries = _logged(store, key)
    if key is None:
        added = [Change(at, by, "add", why=f"{n} record{'s' * (n > 1)}") for at, by, n in rows]
    else:
        added = [Change(at, by, "add", f"user-{key}") for at, by, _ in rows]
        if not added and not entries:
            raise DataError(f"there never was a record {record_id} in '{store.location}'")
        former = next((before for _, before in entries if before is not None), None)
        if not added and former is not None:  # withdrawn: the log holds when it was added
            added = [Change(former["added_at"], former.get("added_by") or "", "add", f"user-{key}")]
    return sorted([*added, *(change for change, _ in entries)], key=lambda change: change.at)


def _added(store: Store, key: int | None, named: bool) -> list[Any]:
    columns = [schema.records.c.added_at, *([schema.records.c.added_by] if named else [])]
    asked = select(*columns, func.count().label("number")).group_by(*columns).order_by(*columns)
    with store.transaction() as connection:
        return list(connection.execute(asked if key is None else asked.where(schema.records.c.id == key)))


def _logged(store: Store, key: int | None) -> list[tuple[Change, dict[str, Any] | None]]:
    log = schema.changes.c
    asked = select(schema.changes).order_by(log.id)
    with store.transaction() as connection:
        rows = connection.execute(asked if key is None else asked.where(log.record == key)).mappings().all()
    found = []
    for row in rows:
        before, after = (None if row[name] is None else json.loads(row[name]) for name in ("before", "after"))
        records = [None if cells is None or "id" not in cells else record_of(cells) for cells in (before, after)]
        name = "" if row["record"] is None else f"user-{row['record']}"
        found.append((Change(row["at"], row["by"], row["action"], name, row["why"], *records), before))
    return found
