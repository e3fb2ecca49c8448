"""Tables of the store, their version, and the name under which somebody writes."""

from __future__ import annotations

import getpass
import os
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Boolean, Column, Float, Integer, LargeBinary, MetaData, String, Table, Text

from perospin.database.record import COLUMNS
from perospin.errors import DataError
from perospin.text import shorten

__all__ = ["SCHEMA_VERSION", "USER_VARIABLE", "about", "blobs", "changes", "links", "metadata", "now", "proposals"]
__all__ += ["record_cells", "records", "tokens", "who"]

SCHEMA_VERSION = 2
"""1: records. 2: who added them, log of changes, proposals, files. `migrations` leads from each to the next."""
USER_VARIABLE = "PEROSPIN_USER"

metadata = MetaData()

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

records = Table(
    "records",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("fingerprint", String(64), nullable=False, unique=True),
    Column("added_at", String(32), nullable=False),
    *(Column(name, _KIND.get(name, Text)) for name in COLUMNS if name != "record_id"),
    Column("added_by", Text),
)
about = Table("about", metadata, Column("name", String(64), primary_key=True), Column("value", Text, nullable=False))

changes = Table(
    "changes",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", String(32), nullable=False),
    Column("by", Text, nullable=False),
    Column("action", String(16), nullable=False),
    Column("record", Integer, index=True),
    Column("why", Text, nullable=False),
    Column("before", Text),
    Column("after", Text),
)
"""What happened to a record after it was added; that it was added, when and by whom stands in its own row."""

proposals = Table(
    "proposals",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("fingerprint", String(64), nullable=False, index=True),
    Column("at", String(32), nullable=False),
    Column("by", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("decided_at", String(32)),
    Column("decided_by", Text),
    Column("decided_why", Text),
    Column("record", Integer),
    Column("request", String(200), index=True),
)
"""`request` is the sender's name of the message, so that a message sent twice proposes once."""

blobs = Table(
    "blobs",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("size", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
)
"""Files by the hash of their content, so that two records of one trace keep it once."""

links = Table(
    "links",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("record", Integer, nullable=False, index=True),
    Column("sha256", String(64), nullable=False),
    Column("role", String(16), nullable=False),
    Column("name", Text, nullable=False),
    Column("at", String(32), nullable=False),
    Column("by", Text, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("scopes", Text, nullable=False),
    Column("made_at", String(32), nullable=False),
    Column("revoked_at", String(32)),
)
"""Who may write through the service: the hash of a random token, never the token."""


record_cells = tuple(records.c[name] for name in COLUMNS if name != "record_id")
"""Columns that make up a record, in the order of `COLUMNS`."""


def now() -> str:
    """Return the time as the store keeps it: UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def who(name: str | None = None) -> str:
    """Under which name something is written: the one given, that of PEROSPIN_USER, or the login.

    Raises
    ------
    DataError
        If the name is empty, long, or holds control characters.
    """
    chosen = name if name is not None else os.environ.get(USER_VARIABLE)
    if chosen is None:
        try:
            chosen = getpass.getuser()
        except (KeyError, OSError, ImportError):
            raise DataError(f"nobody is logged in here; say who you are with --by or {USER_VARIABLE}") from None
    chosen = " ".join(chosen.split(" ")).strip()
    if not chosen or len(chosen) > 200 or not chosen.isprintable():
        raise DataError(f"'{shorten(chosen)}' is no name of a person: give up to 200 characters in one line")
    return chosen
