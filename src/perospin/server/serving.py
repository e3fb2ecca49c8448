"""Settings of the service, and how it is started: on this machine alone unless told otherwise."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from perospin._optional import require
from perospin.errors import DataError
from perospin.text import shorten

__all__ = ["LOOPBACK", "Settings", "check", "serve"]

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_PREFIX = "PEROSPIN_SERVER_"


@dataclass(frozen=True)
class Settings:
    """What a service serves, and how much of it.

    Attributes
    ----------
    store
        File or URL of the group's records; empty for the shipped records alone.
    campaigns
        Folder whose campaigns are served by name; empty for none.
    read_needs_token
        Whether reading needs a token too.
    optimade_url
        Address under which the records are served as OPTIMADE too, such as ``http://127.0.0.1:8600/optimade``; empty
        for not. They are the records of the moment when the service starts.
    rate_per_minute
        Questions a minute that one caller (token, else address) may ask, of each worker; writing and predicting count
        ten times.
    largest_body_kb
        Of a message.
    """

    store: str = ""
    campaigns: str = ""
    read_needs_token: bool = False
    optimade_url: str = ""
    rate_per_minute: int = 6000
    largest_body_kb: int = 1024

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises
        ------
        DataError
            If a limit isn't positive, or OPTIMADE has no address or should need a token.
        """
        if self.optimade_url and not self.optimade_url.startswith(("http://", "https://")):
            raise DataError(
                f"'{shorten(self.optimade_url)}' is no address for OPTIMADE; for example http://127.0.0.1:8600/optimade"
            )
        if self.optimade_url and self.read_needs_token:
            raise DataError("OPTIMADE is open to all, so it can't be served where reading needs a token")
        for name in ("rate_per_minute", "largest_body_kb"):
            if getattr(self, name) < 1:
                raise DataError(f"{name} is {getattr(self, name)}; it must be 1 or more")

    def to_environment(self) -> dict[str, str]:
        """Write the settings for the workers, which start by themselves."""
        return {_PREFIX + name.upper(): str(value) for name, value in asdict(self).items()}

    @classmethod
    def from_environment(cls) -> Settings:
        """Read what `to_environment` wrote, or what an administrator set; defaults for the rest.

        Raises
        ------
        DataError
            If a value is of the wrong kind.
        """
        given: dict[str, Any] = {}
        for field in fields(cls):
            text = os.environ.get(_PREFIX + field.name.upper())
            if text is None:
                continue
            if isinstance(field.default, bool):
                if text not in ("True", "False", "1", "0"):
                    raise DataError(f"{_PREFIX}{field.name.upper()} is '{shorten(text)}'; say 1 or 0")
                given[field.name] = text in ("True", "1")
            elif isinstance(field.default, int):
                if not text.isdecimal():
                    raise DataError(f"{_PREFIX}{field.name.upper()} is '{shorten(text)}'; it must be a whole number")
                given[field.name] = int(text)
            else:
                given[field.name] = text
        return cls(**given)


def serve(settings: Settings, host: str = "127.0.0.1", port: int = 8600, workers: int = 1) -> None:
    """Serve until interrupted.

    Parameters
    ----------
    settings : Settings
        What is served.
    host, port : str, int
        Where it listens.
    workers : int
        Processes; one that dies is started again.

    Raises
    ------
    MissingExtraError
        If the extra ``server`` isn't installed.
    DataError
        If the store can't be opened, the folder of campaigns isn't there, or the port is taken.
    """
    require("fastapi", "server")
    uvicorn = require("uvicorn", "server")
    check(settings, host, port)
    os.environ.update(settings.to_environment())
    uvicorn.run(
        "perospin.server.http:create_app",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=30,
        limit_concurrency=512,
    )


def check(settings: Settings, host: str, port: int) -> None:
    """Refuse what can't be served, before anything is.

    Raises
    ------
    DataError
        If the store can't be opened, the folder of campaigns isn't there, or the port is taken.
    """
    import socket

    from perospin.database import Store

    if settings.store:
        with Store.open(settings.store) as store:
            store.count()
    if settings.campaigns and not Path(settings.campaigns).is_dir():
        raise DataError(f"there is no folder '{shorten(settings.campaigns)}' for campaigns")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError as error:
            raise DataError(f"can't listen at {shorten(host)}:{port} ({error.strerror}); try another --port") from None
