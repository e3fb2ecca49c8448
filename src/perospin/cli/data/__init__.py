"""``perospin data``: look at, check, import and export measured values."""

from perospin.cli.data import look, relations, change, exchange, sharing, conflicts  # noqa: I001  (the order of the help)
from perospin.cli.data.options import app

__all__ = ["app", "change", "conflicts", "exchange", "look", "relations", "sharing"]
