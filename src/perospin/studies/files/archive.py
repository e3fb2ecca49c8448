"""One file of numbers and text that is safe to open: a zip archive of JSON and ``.npy`` arrays, nothing else.

The file is a valid ``.npz``: ``numpy.load`` shows what is in it. It is read without unpacking anything to disk, every
name in it is one that perospin writes, declared sizes are checked before a byte is read, arrays are plain numbers, and
every member has a checksum. The checksums find damage and careless editing; they are no signature, and need not be:
there is nothing in such a file that could be executed.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perospin.errors import RefusedFileError
from perospin.saving import read_json, whole_file

__all__ = ["ARRAY_KINDS", "LARGEST_BYTES", "read_archive", "write_archive"]

LARGEST_BYTES = 2**30
"""A file that declares more content than this is not read."""

ARRAY_KINDS = "biuf"
"""Kinds of numbers an array may hold: boolean, integer, unsigned, floating."""

_MANIFEST = "manifest.json"
_CONTENT = "content.json"
_ARRAY = re.compile(r"arrays/(\d{1,6})\.npy\Z")
_LARGEST_TEXT = 2**26
_LARGEST_HEADER = 10_000
# Deflate reaches 1032 on nothing but zeros; files of some size never come near this.
_LARGEST_RATIO, _SMALL = 200, 2**24
_TIME = (1980, 1, 1, 0, 0, 0)  # of every member, so that equal content gives equal bytes


# -- writing -------------------------------------------------------------------------------------------------


def write_archive(
    path: str | Path, what: str, version: int, content: Mapping[str, Any], arrays: list[NDArray[Any]]
) -> Path:
    """Write a file atomically.

    Parameters
    ----------
    path : path
    what : str
        What the file holds, for example "perospin model".
    version : int
        Version of that format.
    content : mapping
        Plain values for JSON.
    arrays : list of ndarray
        Numbers, of any shape.

    Raises
    ------
    RefusedFileError
        If an array holds anything but numbers, or the file would be too large to be opened again.
    """
    from importlib import metadata

    path = Path(path)
    members = {_CONTENT: json.dumps(content, allow_nan=False, ensure_ascii=False).encode()}
    for number, array in enumerate(arrays):
        if array.dtype.kind not in ARRAY_KINDS:
            raise RefusedFileError(f"'{path.name}': an array of {array.dtype} can't be written, only numbers can")
        buffer = io.BytesIO()
        little = array.astype(array.dtype.newbyteorder("<"), copy=False)
        np.lib.format.write_array(buffer, np.ascontiguousarray(little), version=(1, 0), allow_pickle=False)
        members[f"arrays/{number}.npy"] = buffer.getvalue()
    total = sum(len(data) for data in members.values())
    if total > LARGEST_BYTES or len(members[_CONTENT]) > _LARGEST_TEXT:
        raise RefusedFileError(
            f"'{path.name}' would hold {total / 2**20:.0f} MiB, but at most {LARGEST_BYTES / 2**20:.0f} are opened; "
            "choose a smaller model, for example a Gaussian process with fewer draws"
        )
    manifest = {
        "what": what,
        "format": version,
        "perospin": metadata.version("perospin"),
        "members": {name: {"bytes": len(data), "sha256": _sha256(data)} for name, data in members.items()},
    }
    with whole_file(path) as part, zipfile.ZipFile(part, "w") as archive:
        for name, data in {_MANIFEST: json.dumps(manifest, indent=1).encode(), **members}.items():
            entry = zipfile.ZipInfo(name, _TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return path


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# -- reading -------------------------------------------------------------------------------------------------


def read_archive(path: str | Path, what: str, newest: int) -> tuple[int, dict[str, Any], list[NDArray[Any]]]:
    """Read a file written by `write_archive`; nothing in it is executed, and nothing is unpacked to disk.

    Parameters
    ----------
    path : path
    what : str
        What the file must hold.
    newest : int
        The newest version of the format that this perospin knows.

    Returns
    -------
    version : int
    content : dict
    arrays : list of ndarray
        Read-only.

    Raises
    ------
    RefusedFileError
        If there is no such file, or it is foreign, damaged, changed, too large or of a newer format: one sentence.
    """
    path = Path(path)
    if not path.is_file():
        raise RefusedFileError(f"there is no file '{path}'")
    try:
        with zipfile.ZipFile(path) as archive:
            return _read(archive, path, what, newest)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, struct.error, UnicodeError) as error:
        raise RefusedFileError(f"'{path}' {_guess(path, what)}") from error
    except OSError as error:
        raise RefusedFileError(f"'{path}' can't be read: {error.strerror or error}") from error


def _read(
    archive: zipfile.ZipFile, path: Path, what: str, newest: int
) -> tuple[int, dict[str, Any], list[NDArray[Any]]]:
    entries = {entry.filename: entry for entry in archive.infolist()}
    _check_entries(archive, entries, path, what)
    manifest = read_json(_member(archive, entries[_MANIFEST], path), f"'{path}' ({_MANIFEST})")
    version = _check_manifest(manifest, path, what, newest)
    listed = manifest["members"]
    if set(listed) != set(entries) - {_MANIFEST}:
        raise RefusedFileError(f"'{path}' does not hold what its own list says, so it is not opened")
    arrays: dict[int, NDArray[Any]] = {}
    content: Any = None
    for name, known in listed.items():
        data = _member(archive, entries[name], path)
        if not isinstance(known, dict) or known.get("sha256") != _sha256(data):
            raise RefusedFileError(
                f"'{path}' was damaged or changed after it was written (checksum of {name}); get a fresh copy"
            )
        found = _ARRAY.match(name)
        if found:
            arrays[int(found[1])] = _array(data, f"'{path}' ({name})")
        else:
            content = read_json(data, f"'{path}' ({name})")
    if not isinstance(content, dict) or sorted(arrays) != list(range(len(arrays))):
        raise RefusedFileError(f"'{path}' does not hold what its own list says, so it is not opened")
    return version, content, [arrays[number] for number in range(len(arrays))]


def _check_entries(archive: zipfile.ZipFile, entries: Mapping[str, zipfile.ZipInfo], path: Path, what: str) -> None:
    """Names, flags and declared sizes, before anything is read."""
    if len(entries) != len(archive.infolist()):
        raise RefusedFileError(f"'{path}' holds two members of one name, so it is not opened")
    if _MANIFEST not in entries:
        raise RefusedFileError(f"'{path}' is not a {what}: {_other_archive(entries)}")
    strange = next((n for n in entries if n not in (_MANIFEST, _CONTENT) and not _ARRAY.match(n)), None)
    if strange is not None:
        raise RefusedFileError(f"'{path}' holds {strange[:60]!r}, which no {what} does, so it is not opened")
    for entry in entries.values():
        if entry.flag_bits & 1 or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise RefusedFileError(f"'{path}' is encrypted or packed in a way that no {what} is, so it is not opened")
    on_disk = path.stat().st_size
    declared = sum(entry.file_size for entry in entries.values())
    packed = sum(entry.compress_size for entry in entries.values())
    text = sum(entry.file_size for name, entry in entries.items() if not _ARRAY.match(name))
    if declared > LARGEST_BYTES or text > 2 * _LARGEST_TEXT:
        raise RefusedFileError(
            f"'{path}' declares {declared / 2**20:.0f} MiB of content; at most {LARGEST_BYTES / 2**20:.0f} are opened"
        )
    if packed > on_disk or (declared > _SMALL and declared > _LARGEST_RATIO * on_disk):
        raise RefusedFileError(
            f"'{path}' unpacks to far more than it can hold, as a zip bomb does, so it is not opened"
        )


def _member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> bytes:
    """Content of a member, never more than it declares."""
    with archive.open(entry) as file:
        data = file.read(entry.file_size + 1)
    if len(data) != entry.file_size:
        raise RefusedFileError(f"'{path}' is incomplete: {entry.filename} is cut short; get a fresh copy")
    return data


def _check_manifest(manifest: Any, path: Path, what: str, newest: int) -> int:
    if not isinstance(manifest, dict) or not isinstance(manifest.get("members"), dict):
        raise RefusedFileError(f"'{path}' is not a {what}")
    if manifest.get("what") != what:
        raise RefusedFileError(f"'{path}' is not a {what} but says it is {str(manifest.get('what'))[:60]!r}")
    version = manifest.get("format")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise RefusedFileError(f"'{path}' is not a {what}: it has no format number")
    if version > newest:
        raise RefusedFileError(
            f"'{path}' has format {version}, written by a newer perospin ({str(manifest.get('perospin'))[:20]}); this "
            f"one reads formats up to {newest}: update perospin"
        )
    return version


def _array(data: bytes, where: str) -> NDArray[Any]:
    """Read one ``.npy`` member: its shape must account for its bytes before an array is made of them."""
    buffer = io.BytesIO(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a header of Python 2 is none of ours
            if np.lib.format.read_magic(buffer) != (1, 0):
                raise ValueError("version")
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(buffer, max_header_size=_LARGEST_HEADER)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError, UserWarning) as error:
        raise RefusedFileError(f"{where} is not an array as perospin writes them, so it is not opened") from error
    if dtype.hasobject or dtype.kind not in ARRAY_KINDS:
        raise RefusedFileError(f"{where} holds {dtype}, which may hide code or is no number, so it is not opened")
    rest = len(data) - buffer.tell()
    if fortran or any(size < 0 for size in shape) or math.prod(shape) * dtype.itemsize != rest:
        raise RefusedFileError(f"{where} is not as large as its shape {shape} says, so it is not opened")
    return np.frombuffer(data, dtype=dtype, offset=buffer.tell()).reshape(shape)


# -- words ---------------------------------------------------------------------------------------------------


def _other_archive(names: Mapping[str, Any]) -> str:
    if "schema.json" in names:
        return "it is a skops file, which can name code of other libraries; perospin writes and reads numbers alone"
    if names and all(name.endswith(".npy") for name in names):
        return "it is a plain .npz of arrays"
    return "it has no manifest"


def _guess(path: Path, what: str) -> str:
    """Say what a file that is no readable archive seems to be."""
    with path.open("rb") as file:
        head = file.read(8)
    if head.startswith(b"PK"):
        return f"is damaged or cut short, so it is not opened as a {what}; get a fresh copy"
    pickled = head[:1] == b"\x80" or path.suffix.lower() in (".pkl", ".pickle", ".joblib")
    if pickled:
        return f"is a Python pickle, which can run code when it is opened; perospin never opens one (no {what})"
    return f"is not a {what}"
