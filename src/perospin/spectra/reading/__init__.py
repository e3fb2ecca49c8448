"""Readers of measurement files: columns, maps and series, from text, HDF5 and NumPy archives."""

from perospin.spectra.reading.gathering import Measurement, gather
from perospin.spectra.reading.matrices import read_map
from perospin.spectra.reading.series import Series, read_series, series_files
from perospin.spectra.reading.tables import Trace, read_trace

__all__ = ["Measurement", "Series", "Trace", "gather", "read_map", "read_series", "read_trace", "series_files"]
