"""``perospin fit``: raw traces to lifetimes, g factors and dissymmetries, with figure and database record."""

from perospin.cli.fit import lifetimes, precession, relaxation, chirality, detectors  # noqa: I001  (the order of the help)
from perospin.cli.fit.arguments import app

__all__ = ["app", "chirality", "detectors", "lifetimes", "precession", "relaxation"]
