"""``perospin data``: look at, check, import and export measured values."""

# isort: off  # the order of the help
from perospin.cli.data import look, relations, change, exchange, sharing, conflicts, tracing
from perospin.cli.data.options import app

__all__ = ["app", "change", "conflicts", "exchange", "look", "relations", "sharing", "tracing"]
