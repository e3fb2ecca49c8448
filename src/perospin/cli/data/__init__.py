"""``perospin data``: look at, check, import and export measured values."""

from perospin.cli.data import look, relations, change, exchange, sharing, conflicts, tracing  # noqa: I001  (help order)
from perospin.cli.data.options import app

__all__ = ["app", "change", "conflicts", "exchange", "look", "relations", "sharing", "tracing"]
