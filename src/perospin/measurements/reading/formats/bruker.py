"""Files of Bruker's EPR spectrometers: BES3T (``.DSC`` and ``.DTA``) and ESP or WinEPR (``.par`` and ``.spc``)."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from perospin.errors import DataError
from perospin.measurements.reading.grid import Float
from perospin.measurements.reading.trace import Trace
from perospin.sheets.files import RawFile, read_raw, text_of
from perospin.sheets.labels import Label, as_unit
from perospin.text import shorten

__all__ = ["is_bruker", "trace_of"]

_FORMATS = {"D": "f8", "F": "f4", "I": "i4", "S": "i2", "C": "i1"}
_MAX_POINTS = 5_000_000


def is_bruker(raw: RawFile) -> bool:
    """Whether the file is one of a pair, by its ending and that of its partner, or by how it begins."""
    ending = raw.path.suffix.lower()
    if ending == ".dsc":
        return raw.content.lstrip()[:5] == b"#DESC"
    if ending == ".dta":
        return _partner(raw.path, ".dsc") is not None
    if ending == ".par":
        return _partner(raw.path, ".spc") is not None
    return ending == ".spc" and _partner(raw.path, ".par") is not None


def _partner(path: Path, ending: str) -> Path | None:
    for other in (ending, ending.upper()):
        if path.with_suffix(other).is_file():
            return path.with_suffix(other)
    return None


def trace_of(raw: RawFile, block: int | None = None) -> Trace:
    """Field (or other abscissa) and signal.

    Parameters
    ----------
    raw
        Either file of the pair.
    block
        Which spectrum of a file that holds several, counted from 1.

    Raises
    ------
    DataError
        If the partner is missing, or the files contradict each other, or there are several spectra and `block` doesn't
        say which.
    """
    modern = raw.path.suffix.lower() in (".dsc", ".dta")
    endings = (".dsc", ".dta") if modern else (".par", ".spc")
    paths = [_partner(raw.path, ending) for ending in endings]
    for path, ending in zip(paths, endings, strict=True):
        if path is None:
            raise DataError(
                f"'{raw.name:.60}' is one of two files: '{raw.path.stem:.50}{ending.upper()}' is missing beside it"
            )
    described, data = (raw if path == raw.path else read_raw(path) for path in paths if path is not None)
    keys = _keys(text_of(described))
    table, labels = _bes3t(keys, data, described.name, block) if modern else _esp(keys, data, described.name)
    header = dict(list(keys.items())[:500])
    for key, name, unit in (
        ("MWFQ", "frequency", "Hz"),
        ("MF", "frequency", "GHz"),
        ("STMP", "temperature", "K"),
        ("TE", "temperature", "K"),
    ):
        if key in keys and re.fullmatch(r"[-+\d.eE]{1,30}", keys[key]):
            header.setdefault(name, f"{keys[key]} {unit}")
    return Trace(labels=labels, values=table, source=data.name, sha256=data.sha256, header=header)


def _keys(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in text.splitlines()[:5000]:
        match = re.match(r"([A-Za-z]\w{0,15})\s+(\S.*)", line[:300])
        if match:
            found.setdefault(match[1].upper(), match[2].strip().strip("'"))
    return found


def _number(keys: dict[str, str], key: str, name: str) -> float:
    text = keys.get(key, "").split(",")[0].strip()
    try:
        value = float(text) if len(text) < 40 else float("nan")
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise DataError(f"'{name:.60}' doesn't say {key} as a number ('{shorten(text, 20)}'): it is cut or changed")
    return value


def _axis(start: float, width: float, points: int) -> Float:
    return start + width * np.arange(points) / (points - 1)


def _bes3t(keys: dict[str, str], data: RawFile, name: str, block: int | None) -> tuple[Float, tuple[Label, ...]]:
    points = _number(keys, "XPTS", name)
    rows = _number(keys, "YPTS", name) if keys.get("YTYP", "NODATA") != "NODATA" else 1.0
    if not 2 <= points <= _MAX_POINTS or not 1 <= rows <= _MAX_POINTS or points * rows > _MAX_POINTS:
        raise DataError(f"'{name:.60}' says that it has {points:g} x {rows:g} points; 2 to {_MAX_POINTS} are read")
    if keys.get("ZTYP", "NODATA") != "NODATA" or keys.get("XTYP", "IDX") != "IDX":
        raise DataError(
            f"'{name:.60}' has an abscissa that isn't evenly spaced, or three dimensions: export it as ASCII"
        )
    complex_ = keys.get("IKKF", "REAL").upper().startswith("CPLX")
    kind = keys.get("IRFMT", "D").split(",")[0].upper()
    if kind not in _FORMATS or "," in keys.get("IKKF", ""):
        raise DataError(
            f"'{name:.60}' holds several channels or numbers of the kind '{shorten(kind, 10)}': export it as ASCII"
        )
    order = "<" if keys.get("BSEQ", "BIG").upper().startswith("LIT") else ">"
    dtype = np.dtype(f"{order}{_FORMATS[kind]}")
    needed = int(points) * int(rows) * (2 if complex_ else 1)
    if len(data.content) != needed * dtype.itemsize:
        raise DataError(
            f"'{data.name:.60}' has {len(data.content)} bytes, but '{name:.60}' describes {needed * dtype.itemsize}: "
            "they don't belong together, or one is cut"
        )
    values = np.frombuffer(data.content, dtype).astype(np.float64).reshape(int(rows), int(points), -1)
    values[~np.isfinite(values)] = np.nan
    if (rows > 1 and block is None) or (block is not None and not 1 <= block <= rows):
        raise DataError(f"'{data.name:.60}' holds {rows:g} spectra: choose one by its number (--block 1)")
    x = _axis(_number(keys, "XMIN", name), _number(keys, "XWID", name), int(points))
    names = ("signal", "quadrature") if complex_ else ("signal",)
    heading = Label(_x_name(keys.get("XNAM", "")), as_unit(keys.get("XUNI", "").strip("' ")))
    return np.column_stack([x, values[(block or 1) - 1]]), (heading, *map(Label, names))


def _x_name(text: str) -> str:
    plain = text.strip("' ").lower()
    return "field" if "field" in plain else plain or "x"


def _esp(keys: dict[str, str], data: RawFile, name: str) -> tuple[Float, tuple[Label, ...]]:
    dtype = np.dtype("<f4") if "DOS" in keys else np.dtype(">i4")
    points = len(data.content) // 4
    declared = next((_number(keys, key, name) for key in ("ANZ", "RES", "XPLS") if key in keys), float(points))
    if declared != points or len(data.content) % 4 or not 2 <= points <= _MAX_POINTS:
        raise DataError(
            f"'{data.name:.60}' holds {points} points, but '{name:.60}' describes {declared:g}: it holds several "
            "spectra, or "
            "one of the files is cut; export it as ASCII"
        )
    if "XXLB" in keys and "XXWI" in keys:
        start, width = _number(keys, "XXLB", name), _number(keys, "XXWI", name)
    elif "HCF" in keys and "HSW" in keys:
        width = _number(keys, "HSW", name)
        start = _number(keys, "HCF", name) - 0.5 * width
    else:
        start, width = _number(keys, "GST", name), _number(keys, "GSI", name)
    unit = as_unit(keys.get("XXUN", keys.get("JUN", "G")))
    values = np.frombuffer(data.content, dtype).astype(np.float64)
    values[~np.isfinite(values)] = np.nan
    return np.column_stack([_axis(start, width, points), values]), (Label("field", unit), Label("signal"))
