"""``perospin study``: run, list, show and compare studies, and the log of what was tried."""

from perospin.cli.study import results, run
from perospin.cli.study.run import app

__all__ = ["app", "results", "run"]
