"""HDF5 files and NumPy archives: data sets that fit together as columns or as a map."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from perospin.errors import DataError
from perospin.measurements.reading.formats.bounded import bounded_memory, heap_fault
from perospin.measurements.reading.grid import Float
from perospin.measurements.reading.trace import Trace
from perospin.sheets.files import RawFile
from perospin.sheets.labels import Label, as_unit, parse_label
from perospin.text import visible

__all__ = ["Array", "arrays_of", "group_of", "is_container", "trace_of"]

_HDF5 = b"\x89HDF\r\n\x1a\n"
_NPY = b"\x93NUMPY"
_UNIT_NAMES = ("unit", "units", "Unit", "Units", "UNIT", "UNITS")
#: Numbers that all data sets of a file may hold, and bytes of an archive: what they declare is checked first.
_MAX_NUMBERS = 10_000_000
_MAX_BYTES = 8 * _MAX_NUMBERS
_MAX_SETS = 10_000
#: Memory that the HDF5 library may take beside the numbers.
_ROOM = 128 * 2**20


@dataclass(frozen=True, eq=False)
class Array:
    """A data set: its label and its numbers."""

    label: Label
    values: Float


def is_container(raw: RawFile) -> bool:
    """Whether the file is HDF5, ``.npy`` or ``.npz`` (by its content, not by its name)."""
    archive = raw.content.startswith(b"PK\x03\x04") and raw.name.lower().endswith(".npz")
    return raw.content.startswith((_HDF5, _NPY)) or archive


def arrays_of(raw: RawFile, dataset: str | None = None) -> dict[str, Array]:
    """All numeric data sets with one or two dimensions, by path.

    Dimensions of length 1 don't count: WrightTools keeps its axes so.

    Parameters
    ----------
    raw
        The file.
    dataset
        Only this data set, or those in this group.

    Raises
    ------
    DataError
        If the file is broken, holds no such data set, declares more than 10 million numbers, or takes its numbers from
        other files.
    """
    wanted = None if dataset is None else dataset.strip("/")
    try:
        found = _hdf5(raw, wanted) if raw.content.startswith(_HDF5) else _numpy(raw)
    except DataError:
        raise
    except (Exception, RecursionError) as error:  # h5py and numpy raise nearly anything on a broken file
        told = (str(error) or type(error).__name__).splitlines()[0]
        raise DataError(f"can't read '{raw.name:.60}': the file is broken ({visible(told):.80})") from None
    if wanted is not None:
        chosen = {path: a for path, a in found.items() if path == wanted or path.startswith(f"{wanted}/")}
        if not chosen:
            raise DataError(f"'{raw.name:.60}' has no numeric data set '{visible(wanted):.60}'; it has {shown(found)}")
        return chosen
    if not found:
        raise DataError(f"'{raw.name:.60}' holds no data set of numbers with one or two dimensions")
    return found


def shown(found: Mapping[str, Array]) -> str:
    """Paths and shapes, for messages."""
    parts = [f"{path[-30:]} {'x'.join(map(str, a.values.shape))}" for path, a in list(found.items())[:6]]
    return (", ".join(parts) + (", ..." if len(found) > 6 else "")) or "none"


def group_of(path: str) -> str:
    """Group that a data set lies in."""
    return path.rpartition("/")[0]


def _hdf5(raw: RawFile, wanted: str | None) -> dict[str, Array]:
    import h5py

    fault = heap_fault(raw.content)
    if fault is not None:
        raise DataError(f"can't read '{raw.name:.60}': the file is broken ({fault})")
    found: dict[str, Array] = {}
    total = 0
    with bounded_memory(_ROOM), h5py.File(io.BytesIO(raw.content), "r") as file:
        sets: list[tuple[str, Any]] = []

        def visit(path: str, item: Any) -> bool | None:
            if isinstance(item, h5py.Dataset):
                sets.append((path, item))
            return True if len(sets) > _MAX_SETS else None

        file.visititems(visit)
        if len(sets) > _MAX_SETS:
            raise DataError(f"'{raw.name:.60}' holds more than {_MAX_SETS} data sets")
        for path, item in sets:
            if wanted is not None and path != wanted and not path.startswith(f"{wanted}/"):
                continue
            if item.dtype.kind not in "iuf" or item.shape is None:
                continue
            lengths = tuple(n for n in item.shape if n != 1) or (1,) * min(item.ndim, 1)
            if len(lengths) not in (1, 2) or 0 in lengths:
                continue
            if item.external or item.is_virtual:
                raise DataError(
                    f"the data set '{visible(path[-40:])}' of '{raw.name:.60}' takes its numbers from another "
                    "file: copy "
                    "them into one file"
                )
            total += math.prod(lengths)
            if total > _MAX_NUMBERS:
                raise DataError(
                    f"'{raw.name:.60}' declares over {_MAX_NUMBERS:,} numbers "
                    f"('{visible(path[-40:])}': "
                    f"{'x'.join(map(str, item.shape))}); "
                    "save the part that is needed, or name a data set"
                )
            unit = next((_text(item.attrs[key]) for key in _UNIT_NAMES if _is_word(item.attrs, key)), "")
            with bounded_memory(_ROOM + 32 * math.prod(lengths)):  # four arrays of 8 bytes a number
                values = np.asarray(item[()], dtype=np.float64).reshape(lengths)
            found[visible(path)] = _array(visible(path), values, unit)
    return found


def _is_word(attributes: Any, key: str) -> bool:
    """Whether an attribute is there and is one text or number; the library crashes on some other types."""
    import h5py

    if key not in attributes:
        return False
    told = attributes.get_id(key)
    return told.get_type().get_class() in (h5py.h5t.STRING, h5py.h5t.INTEGER, h5py.h5t.FLOAT) and math.prod(
        told.shape or ()
    ) in (0, 1)


def _text(value: Any) -> str:
    return visible((value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value))[:60])


def _numpy(raw: RawFile) -> dict[str, Array]:
    arrays: dict[str, bytes] = {"data": raw.content}
    if not raw.content.startswith(_NPY):
        with zipfile.ZipFile(io.BytesIO(raw.content)) as archive:
            members = [item for item in archive.infolist() if item.filename.endswith(".npy")]
            size = sum(item.file_size for item in members)
            if size > _MAX_BYTES or len(members) > _MAX_SETS:
                raise DataError(
                    f"'{raw.name:.60}' unpacks to {size / 1e6:.0f} MB; at most {_MAX_BYTES / 1e6:.0f} MB are read"
                )
            arrays = {item.filename.removesuffix(".npy"): archive.read(item) for item in members}
    found = {}
    for name, content in arrays.items():
        stream = io.BytesIO(content)
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(stream)
        size = math.prod(shape) * max(dtype.itemsize, 1)
        if size > len(content):
            raise DataError(
                f"'{raw.name:.60}' declares an array of {'x'.join(map(str, shape))} numbers but holds "
                f"{len(content)} bytes: it is cut"
            )
        lengths = tuple(n for n in shape if n != 1) or (1,) * min(len(shape), 1)
        if dtype.kind not in "iuf" or len(lengths) not in (1, 2) or 0 in lengths:
            continue
        values = np.load(io.BytesIO(content), allow_pickle=False)
        found[visible(name)] = _array(visible(name), np.asarray(values, dtype=np.float64).reshape(lengths), "")
    return found


def _array(path: str, values: Float, unit: str) -> Array:
    label = parse_label(path.rsplit("/", 1)[-1])
    values = values if values.flags.writeable else np.array(values)
    values[~np.isfinite(values)] = np.nan
    return Array(Label(label.name, as_unit(unit) if unit and unit != "None" else label.unit), values)


def trace_of(raw: RawFile, dataset: str | None = None) -> Trace:
    """Columns of a container: the one-dimensional data sets of equal length, or the one table in it.

    Raises
    ------
    DataError
        If there are none, or several sets of them.
    """
    found = arrays_of(raw, dataset)
    lines = {path: array for path, array in found.items() if array.values.ndim == 1}
    lengths = [len(array.values) for array in lines.values()]
    common = {n for n in lengths if lengths.count(n) >= 2}
    groups = {group_of(path) for path, array in lines.items() if len(array.values) in common}
    tables = {path: a for path, a in found.items() if a.values.ndim == 2 and min(a.values.shape) <= 32}
    if len(common) == 1 and len(groups) == 1:
        chosen = [array for array in lines.values() if len(array.values) in common]
        labels = tuple(array.label for array in chosen)
        values: Float = np.column_stack([array.values for array in chosen])
    elif len(tables) == 1 and not common:
        table = next(iter(tables.values())).values
        values = np.array(table if table.shape[0] >= table.shape[1] else table.T)
        labels = tuple(Label(f"column {n}") for n in range(1, values.shape[1] + 1))
    else:
        raise DataError(
            f"can't tell which data sets of '{raw.name:.60}' belong together ({shown(found)}): "
            "name their group or data set"
        )
    return Trace(labels=labels, values=values, source=raw.name, sha256=raw.sha256)
