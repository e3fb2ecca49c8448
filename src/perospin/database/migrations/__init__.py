"""From each schema of the store to the next, with Alembic.

A new one is a file in `versions`, and its tables in `perospin.database.schema`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import update

from perospin.database.schema import SCHEMA_VERSION, about

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

__all__ = ["upgrade"]


def upgrade(connection: Connection, version: int) -> None:
    """Bring the tables of a schema version to today's, inside the transaction of this connection.

    Parameters
    ----------
    connection : Connection
        In a transaction that writes.
    version : int
        What the table `about` says.
    """
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.stamp(config, f"{version:04d}")
    command.upgrade(config, "head")
    connection.execute(update(about).where(about.c.name == "schema_version").values(value=str(SCHEMA_VERSION)))
