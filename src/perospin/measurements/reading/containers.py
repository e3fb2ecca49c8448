"""HDF5 files and NumPy archives: data sets that fit together as columns or as a map."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from perospin.errors import DataError
from perospin.measurements.reading.files import RawFile
from perospin.measurements.reading.grid import Float
from perospin.measurements.reading.labels import Label, as_unit, parse_label
from perospin.measurements.reading.trace import Trace

__all__ = ["Array", "arrays_of", "is_container", "trace_of"]

_HDF5 = b"\x89HDF\r\n\x1a\n"
_NPY = b"\x93NUMPY"
_UNIT_NAMES = ("unit", "units", "Unit", "Units", "UNIT", "UNITS")


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

    Parameters
    ----------
    raw
        The file.
    dataset
        Only this data set, or those in this group.

    Raises
    ------
    DataError
        If the file is broken, or holds no such data set.
    """
    try:
        found = _hdf5(raw) if raw.content.startswith(_HDF5) else _numpy(raw)
    except (OSError, ValueError, KeyError, EOFError, RuntimeError) as error:
        raise DataError(f"can't read '{raw.name}': the file is broken ({str(error).splitlines()[0]:.80})") from None
    except Exception as error:
        if type(error).__name__ != "BadZipFile":
            raise
        raise DataError(f"can't read '{raw.name}': the archive is broken") from None
    if dataset is not None:
        wanted = dataset.strip("/")
        chosen = {path: a for path, a in found.items() if path == wanted or path.startswith(f"{wanted}/")}
        if not chosen:
            raise DataError(f"'{raw.name}' has no numeric data set '{dataset}'; it has {_shown(found)}")
        return chosen
    if not found:
        raise DataError(f"'{raw.name}' holds no data set of numbers with one or two dimensions")
    return found


def _shown(found: Mapping[str, Array]) -> str:
    parts = [f"{path} {'x'.join(map(str, a.values.shape))}" for path, a in list(found.items())[:12]]
    return ", ".join(parts) or "none"


def _hdf5(raw: RawFile) -> dict[str, Array]:
    import h5py

    found: dict[str, Array] = {}
    with h5py.File(io.BytesIO(raw.content), "r") as file:

        def visit(path: str, item: Any) -> None:
            if not isinstance(item, h5py.Dataset) or item.ndim not in (1, 2) or item.size == 0:
                return
            if item.dtype.kind not in "iuf":
                return
            unit = next((_text(item.attrs[key]) for key in _UNIT_NAMES if key in item.attrs), "")
            found[path] = _array(path, np.asarray(item[()], dtype=np.float64), unit)

        file.visititems(visit)
    return found


def _text(value: Any) -> str:
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)


def _numpy(raw: RawFile) -> dict[str, Array]:
    loaded = np.load(io.BytesIO(raw.content), allow_pickle=False)
    items = {"data": loaded} if isinstance(loaded, np.ndarray) else {name: loaded[name] for name in loaded.files}
    return {
        name: _array(name, np.asarray(values, dtype=np.float64), "")
        for name, values in items.items()
        if values.ndim in (1, 2) and values.size and values.dtype.kind in "iuf"
    }


def _array(path: str, values: Float, unit: str) -> Array:
    label = parse_label(path.rsplit("/", 1)[-1])
    values[~np.isfinite(values)] = np.nan
    return Array(Label(label.name, as_unit(unit) if unit else label.unit), values)


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
    tables = {path: a for path, a in found.items() if a.values.ndim == 2 and min(a.values.shape) <= 32}
    if len(common) == 1:
        chosen = [array for array in lines.values() if len(array.values) in common]
        labels = tuple(array.label for array in chosen)
        values: Float = np.column_stack([array.values for array in chosen])
    elif len(tables) == 1 and not common:
        table = next(iter(tables.values())).values
        values = np.array(table if table.shape[0] >= table.shape[1] else table.T)
        labels = tuple(Label(f"column {n}") for n in range(1, values.shape[1] + 1))
    else:
        raise DataError(
            f"can't tell which data sets of '{raw.name}' belong together ({_shown(found)}): "
            "name their group or data set"
        )
    return Trace(labels=labels, values=values, source=raw.name, sha256=raw.sha256)
