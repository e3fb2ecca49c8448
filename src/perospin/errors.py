"""Every error that perospin raises on purpose.

Each carries one sentence that says what is wrong, where, and what would be right; the command line prints
that sentence and exits with code 2.
"""

from __future__ import annotations


class PerospinError(Exception):
    """Base of all errors raised on purpose by perospin."""


class FormulaError(PerospinError):
    """A chemical formula can't be read, or is not a charge-neutral halide perovskite."""


class UnknownIonError(FormulaError):
    """A formula names an ion that is not in the library."""


class AmbiguousIonError(FormulaError):
    """An abbreviation stands for several ions; the message lists them."""


class DataError(PerospinError):
    """A table, record or unit is wrong; the message names the cell."""


class StudyError(PerospinError):
    """A study file, an estimator or a validation scheme is wrong."""


class TooFewRowsError(StudyError):
    """A part of a study has fewer rows than it declares to need; the message says how many there are."""


class RefusedFileError(StudyError):
    """A file of a model or a result is foreign, damaged, changed or too new; nothing in it was executed."""


class QuantumError(PerospinError):
    """A quantum-chemical calculation failed or was asked for something impossible."""


class StructureError(PerospinError):
    """A structure file can't be read, or holds something a structure descriptor isn't defined for."""


class MissingExtraError(PerospinError):
    """An optional dependency is needed; the message names the extra to install."""


class FitError(PerospinError):
    """Measured data or a model can't be fitted as asked; the message says what would be right."""
