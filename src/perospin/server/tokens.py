"""Who may write through the service: random tokens, of which the store keeps the hash and what they allow."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from perospin.database import schema
from perospin.errors import DataError
from perospin.text import shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perospin.database import Store

__all__ = ["SCOPES", "Token", "add", "listed", "revoke", "whose"]

SCOPES = ("read", "propose", "review", "campaign", "compute")
"""What a token may allow; `read` matters where the service isn't open for reading."""
_PREFIX = "perospin_"


@dataclass(frozen=True)
class Token:
    """A token as the store knows it: the name of its owner, what it allows, and since when; not the token."""

    name: str
    scopes: tuple[str, ...]
    made_at: str
    revoked_at: str = ""


def add(store: Store, name: str, scopes: Sequence[str]) -> str:
    """Make a token for a person or program and give it, once: only its hash is kept.

    Parameters
    ----------
    store : Store
        The store that the service serves.
    name : str
        Its owner: what is written with it bears this name.
    scopes : sequence of str
        Of `SCOPES`.

    Raises
    ------
    DataError
        If a scope is unknown or the name has a token already.
    """
    owner, wanted = schema.who(name), tuple(dict.fromkeys(scopes))
    for scope in wanted:
        if scope not in SCOPES:
            raise DataError(f"there is no scope '{shorten(scope)}'; use: {', '.join(SCOPES)}")
    if not wanted:
        raise DataError(f"a token allows something: give a scope, of: {', '.join(SCOPES)}")
    token = _PREFIX + secrets.token_urlsafe(32)  # 256 random bits: a plain hash can't be turned back
    with store.transaction(write=True) as connection:
        if connection.scalar(select(schema.tokens.c.name).where(schema.tokens.c.name == owner)):
            raise DataError(f"'{shorten(owner)}' has a token already, or had one: take another name")
        cells = {"sha256": _hash(token), "scopes": " ".join(wanted), "made_at": schema.now()}
        connection.execute(insert(schema.tokens).values(name=owner, **cells))
    return token


def revoke(store: Store, name: str) -> None:
    """Let a token allow nothing from now on.

    Raises
    ------
    DataError
        If nobody of this name has one.
    """
    held = schema.tokens.c
    with store.transaction(write=True) as connection:
        done = connection.execute(
            update(schema.tokens).where(held.name == name, held.revoked_at.is_(None)).values(revoked_at=schema.now())
        )
        if not done.rowcount:
            raise DataError(f"'{shorten(name)}' has no token that is in force")


def listed(store: Store) -> list[Token]:
    """Tokens of a store, without the tokens themselves."""
    if (store.version() or 0) < 2:
        return []
    with store.transaction() as connection:
        rows = connection.execute(select(schema.tokens).order_by(schema.tokens.c.made_at, schema.tokens.c.name))
        return [Token(row.name, tuple(row.scopes.split()), row.made_at, row.revoked_at or "") for row in rows]


def whose(store: Store, token: str) -> Token | None:
    """Find the token in force that hashes to the same; None if there is none."""
    if not token.startswith(_PREFIX) or len(token) > 200 or (store.version() or 0) < 2:
        return None
    # looked up by its hash: how long that takes tells nothing about the token
    asked = select(schema.tokens).where(schema.tokens.c.sha256 == _hash(token), schema.tokens.c.revoked_at.is_(None))
    with store.transaction() as connection:
        row = connection.execute(asked).one_or_none()
    return None if row is None else Token(row.name, tuple(row.scopes.split()), row.made_at)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
