"""Files that are neither tables nor containers: JCAMP-DX, and the pairs of files of Bruker's EPR spectrometers."""

from __future__ import annotations

from perospin.measurements.reading.formats import bruker, jcamp
from perospin.measurements.reading.trace import Trace
from perospin.sheets.files import RawFile

__all__ = ["trace_of_format"]


def trace_of_format(raw: RawFile, block: int | None = None) -> Trace | None:
    """Columns of a file in one of these formats; None if it is in none.

    Raises
    ------
    DataError
        If it is, but can't be read, or holds several spectra and `block` doesn't say which.
    """
    if jcamp.is_jcamp(raw):
        return jcamp.trace_of(raw, block)
    if bruker.is_bruker(raw):
        return bruker.trace_of(raw, block)
    return None
