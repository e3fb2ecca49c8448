"""Records that one person proposes and another one accepts.

A proposal is in no query and in no study until it is accepted. ``propose(store, records, by=, why=)`` gives the numbers
of the proposals; ``proposals(store)`` lists those that are open; ``accept(store, numbers, by=, why=)`` gives the
identifiers of the new records; ``reject(store, numbers, by=, why=)`` keeps them with the reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from perospin.database import schema
from perospin.database.record import Record
from perospin.errors import DataError
from perospin.text import shorten

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from perospin.database.store import Store

__all__ = ["STATES", "Proposal", "accept", "proposals", "propose", "reject"]

STATES = ("open", "accepted", "rejected")
_MOST = 10_000


@dataclass(frozen=True)
class Proposal:
    """A record that somebody proposed.

    Attributes
    ----------
    number
        Its number in the store.
    record
        What is proposed.
    by, at, why
        Who proposed it, when (UTC), and the reason.
    state
        One of `STATES`.
    decided_by, decided_at, decided_why
        Who accepted or rejected it, when, and the reason.
    record_id
        Identifier of the record that an accepted proposal became.
    """

    number: int
    record: Record
    by: str
    at: str
    why: str
    state: str
    decided_by: str = ""
    decided_at: str = ""
    decided_why: str = ""
    record_id: str = ""

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON-able values."""
        return {**{name: getattr(self, name) for name in self.__dataclass_fields__}, "record": self.record.to_dict()}


def propose(
    store: Store, records: Iterable[Record], by: str | None = None, why: str = "", request: str | None = None
) -> list[int]:
    """Propose records: all of them, or none.

    Parameters
    ----------
    store : Store
        The store of the group.
    records : iterable of Record
        At most 10,000 at a time.
    by : str, optional
        Who proposes; by default PEROSPIN_USER or the login.
    why : str
        What the reviewer should know.
    request : str, optional
        The sender's own name of this message. The same message sent again, after a lost answer, proposes nothing more
        and gives the same numbers.

    Returns
    -------
    list of int
        Numbers of the proposals, in order.

    Raises
    ------
    DataError
        If a record is in the store or proposed already, there are too many, or another message had this name.
    """
    person = schema.who(by)
    asked: dict[str, Record] = {}
    for record in records:
        if asked.setdefault(record.fingerprint(), record) is not record:
            raise DataError(f"{record.brief} occurs twice; nothing was proposed")
        if len(asked) > _MOST:
            raise DataError(f"more than {_MOST} records at once; propose them in parts")
    table, marks = schema.proposals, list(asked)
    with store.transaction(write=True) as connection:
        if request is not None:
            sent = connection.execute(
                select(table.c.id, table.c.fingerprint)
                .where(table.c.request == request, table.c.by == person)
                .order_by(table.c.id)
            ).all()
            if sent and [row.fingerprint for row in sent] != marks:
                raise DataError(f"another message of {person} was called '{shorten(request)}': give it a new name")
            if sent:
                return [row.id for row in sent]
        if known := store.known_in(connection, marks):
            mark, name = next(iter(known.items()))
            raise DataError(f"{asked[mark].brief} is in the store already ({name}); nothing was proposed")
        waiting = connection.execute(
            select(table.c.fingerprint, table.c.id).where(table.c.state == "open")
        )  # few: they wait for a person
        for mark, number in waiting:
            if mark in asked:
                raise DataError(f"{asked[mark].brief} is proposed already (number {number}); nothing was proposed")
        said = {"at": schema.now(), "by": person, "why": why.strip(), "state": "open", "request": request}
        numbers = []
        for mark, record in asked.items():
            cells = {"fingerprint": mark, "content": json.dumps(record.to_dict()), **said}
            numbers.append(connection.scalars(insert(table).returning(table.c.id), [cells]).one())
        return numbers


def proposals(store: Store, state: str | None = "open") -> list[Proposal]:
    """Proposals of a state, or all if None, oldest first.

    Raises
    ------
    DataError
        If the state is none of `STATES`.
    """
    if state is not None and state not in STATES:
        raise DataError(f"'{shorten(state)}' is no state of a proposal; use one of: {', '.join(STATES)}")
    if (store.version() or 0) < 2:
        return []
    asked = select(schema.proposals).order_by(schema.proposals.c.id)
    with store.transaction() as connection:
        rows = connection.execute(asked if state is None else asked.where(schema.proposals.c.state == state))
        return [_proposal(row) for row in rows.mappings()]


def accept(
    store: Store, numbers: Sequence[int], by: str | None = None, why: str = "", alone: bool = False
) -> list[str]:
    """Accept proposals: they become records, all of them or none.

    Parameters
    ----------
    store : Store
        Where they were proposed.
    numbers : sequence of int
        Their numbers.
    by : str, optional
        Who accepts: another person than who proposed, unless `alone`.
    why : str
        Kept in the log.
    alone : bool
        Whether somebody may accept their own proposal.

    Returns
    -------
    list of str
        Identifiers of the records, in order.

    Raises
    ------
    DataError
        If one isn't open, is the person's own, or is in the store by now.
    """
    person = schema.who(by)
    with store.transaction(write=True) as connection:
        chosen = _open(connection, numbers)
        for proposal in chosen:
            if proposal.by == person and not alone:
                raise DataError(
                    f"proposal {proposal.number} is {person}'s own: another person has to accept it (or say --alone if "
                    "you work alone); nothing was accepted"
                )
        marks = {proposal.record.fingerprint(): proposal.record for proposal in chosen}
        if known := store.known_in(connection, list(marks)):
            mark, name = next(iter(known.items()))
            raise DataError(f"{marks[mark].brief} is in the store by now ({name}); nothing was accepted")
        keys = store.insert(connection, marks.items(), person)
        for proposal, key in zip(chosen, keys, strict=True):
            _decide(connection, proposal.number, "accepted", person, why, key)
            told = f"proposal {proposal.number} by {proposal.by}" + (f" ({proposal.why})" if proposal.why else "")
            told += f": {why.strip()}" if why.strip() else ""
            store.log(connection, "accept", key, person, told)
        return [f"user-{key}" for key in keys]


def reject(store: Store, numbers: Sequence[int], by: str | None = None, why: str = "") -> None:
    """Reject proposals; they are kept with the reason, which is a must.

    Raises
    ------
    DataError
        If no reason is given, or one isn't open.
    """
    person = schema.who(by)
    if not why.strip():
        raise DataError("say why it is rejected, so that who proposed it can mend it")
    with store.transaction(write=True) as connection:
        for proposal in _open(connection, numbers):
            _decide(connection, proposal.number, "rejected", person, why, None)
            store.log(connection, "reject", None, person, f"proposal {proposal.number} by {proposal.by}: {why.strip()}")


def _open(connection: Connection, numbers: Sequence[int]) -> list[Proposal]:
    asked = list(dict.fromkeys(numbers))
    table = schema.proposals
    rows = connection.execute(select(table).where(table.c.id.in_(asked))).mappings()
    found = {row["id"]: _proposal(row) for row in rows}
    for number in asked:
        if number not in found:
            raise DataError(f"there is no proposal {number}; `perospin data review` lists those that wait")
        if found[number].state != "open":
            done = found[number]
            raise DataError(f"proposal {number} was {done.state} by {done.decided_by} on {done.decided_at[:10]}")
    return [found[number] for number in asked]


def _decide(connection: Connection, number: int, state: str, by: str, why: str, record: int | None) -> None:
    said = {"state": state, "decided_at": schema.now(), "decided_by": by, "decided_why": why.strip(), "record": record}
    connection.execute(update(schema.proposals).where(schema.proposals.c.id == number).values(said))


def _proposal(row: Any) -> Proposal:
    return Proposal(
        row["id"],
        Record.from_dict(json.loads(row["content"])),
        row["by"],
        row["at"],
        row["why"],
        row["state"],
        row["decided_by"] or "",
        row["decided_at"] or "",
        row["decided_why"] or "",
        "" if row["record"] is None else f"user-{row['record']}",
    )
