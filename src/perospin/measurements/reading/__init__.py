"""Readers of measurement files: columns, maps and series, from text, HDF5 and NumPy archives."""

from perospin.measurements.reading.gathering import Measurement, gather
from perospin.measurements.reading.matrices import read_map
from perospin.measurements.reading.plates import PlateRead, read_plate
from perospin.measurements.reading.series import Series, read_series, series_files
from perospin.measurements.reading.tables import read_trace
from perospin.measurements.reading.trace import Trace

__all__ = [
    "Measurement",
    "PlateRead",
    "Series",
    "Trace",
    "gather",
    "read_map",
    "read_plate",
    "read_series",
    "read_trace",
    "series_files",
]
