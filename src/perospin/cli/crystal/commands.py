"""All commands of ``perospin crystal``: importing them registers them."""

from __future__ import annotations

from perospin.cli.crystal import build as _build  # noqa: F401
from perospin.cli.crystal import relax as _relax  # noqa: F401
from perospin.cli.crystal import stability as _stability  # noqa: F401
from perospin.cli.crystal.group import app

__all__ = ["app"]
