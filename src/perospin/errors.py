"""Every error that perospin raises on purpose.

Each carries one sentence that says what is wrong, where, and what would be right; the command line prints
that sentence and exits with code 2.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Self

LONGEST = 400
"""Letters of the longest message."""

_SECRET = re.compile(r"(?<=://)([^\s/@:]{0,200}):[^\s/@]{1,200}@")


def sentence(text: str) -> str:
    """Make a message fit to be shown: no control signs, no password of an address, at most `LONGEST` letters.

    What is left out is in the middle: where it went wrong stands at the start, what would be right at the end.

    Examples
    --------
    >>> sentence("no store at 'postgresql://me:secret@host/lab'")
    "no store at 'postgresql://me:***@host/lab'"
    """
    if len(text) > 20 * LONGEST:
        text = text[: 10 * LONGEST] + " ... " + text[-10 * LONGEST :]
    text = _SECRET.sub(r"\1:***@", text)
    shown = "".join(
        sign if sign.isprintable() else " " if sign.isspace() else "\N{REPLACEMENT CHARACTER}" for sign in text
    )
    if len(shown) <= LONGEST:
        return shown
    end = LONGEST * 2 // 5
    return f"{shown[: LONGEST - end - 5]} ... {shown[-end:]}"


def several(mistakes: Sequence[str], most: int = LONGEST - 130) -> str:
    """One sentence about all mistakes: as many as `most` letters hold, and how many more there are.

    Examples
    --------
    >>> several(["row 1: no number", "row 4: no number"])
    'row 1: no number; row 4: no number'
    """
    told = [mistakes[0]]
    for mistake in mistakes[1:]:
        if len("; ".join([*told, mistake])) > most:
            break
        told.append(mistake)
    more = len(mistakes) - len(told)
    return "; ".join(told) + (f"; and {more} more" if more else "")


class PerospinError(Exception):
    """Base of all errors raised on purpose by perospin.

    Attributes
    ----------
    mistakes : tuple of str
        Every mistake, where there are several: the message names as many as it holds, a list can show all.
    """

    mistakes: tuple[str, ...] = ()

    @classmethod
    def of(cls, where: str, mistakes: Sequence[str], between: str = ": ") -> Self:
        """One error about all mistakes in `where`."""
        error = cls(f"{where}{between}{several(mistakes)}")
        error.mistakes = tuple(mistakes) if len(mistakes) > 1 else ()
        return error

    def __str__(self) -> str:
        return sentence(super().__str__())


class FormulaError(PerospinError):
    """A chemical formula can't be read, or is not a charge-neutral halide perovskite."""


class UnknownIonError(FormulaError):
    """A formula names an ion that is not in the library."""


class AmbiguousIonError(FormulaError):
    """An abbreviation stands for several ions; the message lists them."""


class DataError(PerospinError):
    """A table, record or unit is wrong; the message names the cell."""


class WriteError(DataError):
    """A file or a folder can't be written; what was there before is whole, and nothing is left beside it."""


class StudyError(PerospinError):
    """A study file, an estimator or a validation scheme is wrong."""


class TooFewRowsError(StudyError):
    """A part of a study has fewer rows than it declares to need; the message says how many there are."""


class RefusedFileError(StudyError):
    """A file of a model or a result is foreign, damaged, changed or too new; nothing in it was executed."""


class NavigationError(PerospinError):
    """A space of materials, a surrogate or a campaign is wrong, or was given rows that don't belong to it."""


class QuantumError(PerospinError):
    """A quantum-chemical calculation failed or was asked for something impossible."""


class StructureError(PerospinError):
    """A structure file can't be read, or holds something a structure descriptor isn't defined for."""


class MissingExtraError(PerospinError):
    """An optional dependency is needed; the message names the extra to install."""


class FitError(PerospinError):
    """Measured data or a model can't be fitted as asked; the message says what would be right."""
