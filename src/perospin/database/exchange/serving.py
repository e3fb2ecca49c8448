"""A read-only OPTIMADE endpoint of the records, to be mounted in a server (extra ``optimade``)."""

from __future__ import annotations

import itertools
import re
import tempfile
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perospin._optional import require
from perospin.database.exchange.optimade import PREFIX, definitions, entries
from perospin.database.record import Record

if TYPE_CHECKING:
    from perospin.chemistry import IonLibrary

_NUMBERS = itertools.count(1)


def _settings(records: list[Record], base_url: str | None) -> dict[str, Any]:
    from importlib.metadata import version

    used = {record.property for record in records}
    fields = [
        {
            "name": name.removeprefix(PREFIX),
            "description": entry["description"],
            "type": entry["x-optimade-type"],
            **({"unit": entry["unit"]} if "unit" in entry else {}),
        }
        for name, entry in definitions(used).items()
    ]
    return {
        "insert_test_data": False,
        "database_backend": "mongomock",
        "mongo_database": f"perospin-{next(_NUMBERS)}",  # collections in memory are told apart by this name
        "log_dir": Path(tempfile.gettempdir()),
        "base_url": base_url,
        "provider": {
            "prefix": "perospin",
            "name": "perospin",
            "description": "measured properties of halide perovskites, each with its source",
        },
        "provider_fields": {"structures": fields},
        "implementation": {"name": "perospin", "version": version("perospin")},
        "page_limit": 20,
        "page_limit_max": 200,
    }


def _literal(collection: Any) -> Any:
    """Read filters by the letter: the package's own reader takes brackets of a formula for a pattern."""
    from optimade.filtertransformers.mongo import MongoTransformer

    class Literal(MongoTransformer):  # type: ignore[misc]
        def fuzzy_string_op_rhs(self, arg: Any) -> Any:
            *operator, pattern = arg
            return super().fuzzy_string_op_rhs([*operator, re.escape(str(pattern))])

    return Literal(mapper=collection.resource_mapper)


def optimade_app(records: Iterable[Record], ions: IonLibrary | None = None, base_url: str | None = None) -> Any:
    """Make the ASGI application that answers ``/structures``, ``/references`` and ``/info`` for these records.

    The ``optimade`` package does the work, in memory. The records are those of the moment: make a new application after
    a change.

    Parameters
    ----------
    records
        Those to be served; the ones without a known composition are left out.
    ions
        Ion library with the user's own cations.
    base_url
        Where the application is mounted, for the links in its answers, e.g. ``https://example.org/optimade``.

    Raises
    ------
    MissingExtraError
        If the package ``optimade`` (or its ``mongomock``) isn't installed.
    """
    require("mongomock", "optimade")
    require("optimade", "optimade")
    given = list(records)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on a missing configuration file: all is given here
        from optimade.server.config import ServerConfig
        from optimade.server.create_app import create_app

        config = ServerConfig(**_settings(given, base_url))
        app = create_app(config, logger_tag="perospin")
    for collection in app.state.entry_collections.values():
        collection.transformer = _literal(collection)
    for entry in entries(given, ions):
        attributes = {name.removeprefix(PREFIX): value for name, value in entry["attributes"].items()}
        document = {"id": entry["id"], **attributes, "relationships": entry.get("relationships", {})}
        app.state.entry_collections[entry["type"]].insert([document])
    return app
