"""``perospin data``: look at, check, import and export measured values."""

# the order of the help
# isort: off
from perospin.cli.data import look, relations, change, exchange, sharing, conflicts, tracing
from perospin.cli.data.options import app

__all__ = ["app", "change", "conflicts", "exchange", "look", "relations", "sharing", "tracing"]
