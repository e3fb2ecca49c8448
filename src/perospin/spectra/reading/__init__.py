"""Readers of measurement files: columns, maps and series, from text, HDF5 and NumPy archives."""

from perospin.spectra.reading.tables import Trace, read_trace

__all__ = ["Trace", "read_trace"]
