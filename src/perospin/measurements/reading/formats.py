from perospin.measurements.reading.files import RawFile
def trace_of_format(raw, block): return None
