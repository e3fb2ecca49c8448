"""The one way out and the one way in: files whole or not at all, one run a folder, limits before anything is read.

A file is written beside its place under a name that nobody can guess, brought to the disk, and renamed. An interruption
leaves the old file or the new one. A link that stands at the place is replaced, never followed.
"""

from __future__ import annotations

import contextlib
import csv
import functools
import hashlib
import json
import math
import os
import re
import shutil
import stat
import tempfile
import threading
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

from perospin.errors import RefusedFileError, WriteError
from perospin.text import to_spreadsheet

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


LARGEST_BYTES = 2**28
"""A file of a result that is larger is not read."""

LARGEST_TOML_BYTES = 2**20
DEEPEST_TOML, MOST_KEY_PARTS = 32, 16
"""Brackets inside brackets, and parts of a dotted key, that a TOML file may have."""

DEEPEST_JSON = 600

_PART = ".part-"
_LOCK = ".perospin.lock"
_STALE_S = 24 * 3600.0


# -- writing -------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Give a new, empty file beside `path` to write to; it takes the place of `path` when the block ends well.

    Parameters
    ----------
    path : path
        Its folder must be there. The new file has the same ending, by which writers choose their format.

    Raises
    ------
    WriteError
        If the file can't be written: the old one is whole, and nothing is left beside it.
    """
    path = Path(path)
    part: Path | None = None
    try:
        mode = _mode(path)
        _sweep_old(path.absolute().parent)
        handle, name = tempfile.mkstemp(prefix=_PART, suffix=path.suffix, dir=path.absolute().parent)
        os.close(handle)
        part = Path(name)
        yield part
        _to_disk(part)
        part.chmod(mode)
        part.replace(path)
    except OSError as error:
        raise cannot_write(path, error) from None
    except UnicodeEncodeError as error:
        raise WriteError(f"can't write '{path}': {error.object[error.start]!r} is no letter that UTF-8 knows") from None
    finally:
        if part is not None:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)


def cannot_write(path: str | Path, error: OSError) -> WriteError:
    """Say in one sentence why a file or a folder can't be written."""
    reason = (error.strerror or str(error) or type(error).__name__).strip()
    return WriteError(f"can't write '{path}': {reason[:1].lower()}{reason[1:]}")


def _mode(path: Path) -> int:
    """Permissions of the file that is replaced, or those that the user's mask gives a new one."""
    try:
        found = path.lstat().st_mode
    except FileNotFoundError:
        return 0o666 & ~_mask()
    if stat.S_ISREG(found):
        return stat.S_IMODE(found)
    if stat.S_ISLNK(found):
        return 0o666 & ~_mask()
    kind = "a folder" if stat.S_ISDIR(found) else "no ordinary file"
    raise WriteError(f"can't write '{path}': it is {kind}; give the name of a file")


@functools.lru_cache(maxsize=1)
def _mask() -> int:
    mask = os.umask(0o077)  # the only way to ask for it is to set it
    os.umask(mask)
    return mask


def _to_disk(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def write_text(path: str | Path, text: str) -> None:
    """Write a text (UTF-8), whole or not at all."""
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8")


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write bytes, whole or not at all."""
    with whole_file(path) as part:
        part.write_bytes(data)


def write_with(path: str | Path, write: Callable[[TextIO], None]) -> None:
    """Let a function write a text (UTF-8, line ends as it gives them), whole or not at all."""
    with whole_file(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        write(file)


def write_json(path: str | Path, content: Any) -> None:
    """Write plain values as JSON, whole or not at all."""
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def write_csv(frame: pd.DataFrame, path: str | Path) -> None:
    """Write a table, whole or not at all; floats in full so that reading gives the same numbers.

    Texts that a spreadsheet would run as a formula get an apostrophe in front.
    """
    write_text(path, no_formulas(frame).to_csv(index=False, lineterminator="\n") if len(frame.columns) else "")


def no_formulas(frame: pd.DataFrame) -> pd.DataFrame:
    """Copy of a table for a CSV file: no text in it, heading or index, is a formula to a spreadsheet."""
    import pandas as pd

    safe = frame.copy(deep=False)
    for place, kind in enumerate(frame.dtypes):
        if not pd.api.types.is_numeric_dtype(kind):
            safe.isetitem(place, list(map(_no_formula, frame.iloc[:, place])))
    safe.columns = frame.columns.map(_no_formula)
    safe.index = frame.index if pd.api.types.is_numeric_dtype(frame.index.dtype) else frame.index.map(_no_formula)
    safe.index.names = frame.index.names
    return safe


def _no_formula(value: Any) -> Any:
    return to_spreadsheet(value) if isinstance(value, str) else value


def write_rows(path: str | Path, columns: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write dictionaries as CSV, whole or not at all; no text is a formula to a spreadsheet."""
    names = list(columns)

    def write(file: TextIO) -> None:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(map(_no_formula, names))
        writer.writerows([_no_formula(row.get(name, "")) for name in names] for row in rows)

    write_with(path, write)


def write_figure(figure: Figure, path: str | Path, **options: Any) -> None:
    """Draw a figure into a file, whole or not at all; the ending chooses the format."""
    with whole_file(path) as part:
        figure.savefig(part, **options)


# -- folders -------------------------------------------------------------------------------------------------


def name_fault(name: str) -> str | None:
    """Say why a name can't be that of a file inside a folder; None if it can."""
    if not name or name.strip() != name or name.startswith("."):
        return "it must not be empty, start with a dot, or start or end with a space"
    if any(sign in '/\\:*?"<>|' or not sign.isprintable() for sign in name):
        return 'it must hold none of / \\ : * ? " < > | and no invisible sign'
    if len(name.encode("utf-8", "replace")) > 100:
        return "it must not be longer than 100 letters"
    return None


def inner_folder(folder: str | Path, *names: str) -> Path:
    """Make a folder inside `folder`; no name and no link in it leads out.

    Raises
    ------
    WriteError
        If a name could lead elsewhere, a link stands in the way, or the folder can't be made.
    """
    path = make_folder(folder)
    for name in names:
        fault = name_fault(name)
        if fault is not None:
            raise WriteError(f"{name[:60]!r} can't be the name of a folder: {fault}")
        path = path / name
        if path.is_symlink():
            raise WriteError(f"can't write into '{path}': it is a link to another place; remove it")
        make_folder(path)
    return path


def make_folder(folder: str | Path) -> Path:
    """Make a folder and those above it, if they are not there.

    Raises
    ------
    WriteError
        If that can't be done.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise WriteError(f"can't write into '{folder}': it is a file; give a folder") from None
    except OSError as error:
        raise WriteError(f"the folder '{folder}' can't be made: {error.strerror or error}; give another") from None
    return folder


_held: dict[tuple[str, int], int] = {}


@contextlib.contextmanager
def one_run(folder: str | Path, patience_s: float = 0.0) -> Iterator[Path]:
    """Hold a folder for one run: others that want it wait for `patience_s`, then are refused.

    The folder is made if needed. Parts that killed runs left in it are removed. A run may hold its folder twice.

    Raises
    ------
    WriteError
        If another run holds it, or it can't be made or written.
    """
    folder = make_folder(folder)
    key = (str(folder.resolve()), threading.get_ident())
    if _held.get(key):
        _held[key] += 1
        try:
            yield folder
        finally:
            _held[key] -= 1
        return
    try:
        handle = _lock(folder / _LOCK, patience_s)
    except BlockingIOError:
        raise WriteError(
            f"another run is writing into '{folder}'; wait until it has ended, or give another folder"
        ) from None
    except OSError as error:
        raise cannot_write(folder, error) from None
    _held[key] = 1
    try:
        sweep(folder)
        yield folder
    finally:
        del _held[key]
        _unlock(folder / _LOCK, handle)


def _lock(path: Path, patience_s: float) -> int:
    """Open and lock a file; the lock goes with the process, however it ends."""
    deadline = time.monotonic() + patience_s
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644)
        try:
            _try_lock(handle)
            # whoever held it before may have removed the file that we opened
            if os.path.samestat(os.fstat(handle), path.stat()):
                return handle
            os.close(handle)
            continue
        except FileNotFoundError:
            os.close(handle)
            continue
        except BlockingIOError:
            os.close(handle)
            if time.monotonic() >= deadline:
                raise
        except BaseException:
            os.close(handle)
            raise
        time.sleep(0.05)


def _try_lock(handle: int) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except OSError as error:
            raise BlockingIOError(str(error)) from None
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        return  # a file system without locks: nothing more can be known


def _unlock(path: Path, handle: int) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
    os.close(handle)


def sweep(folder: Path, older_than_s: float = 0.0) -> None:
    """Remove what killed runs left half written in a folder and below it; for whoever holds it."""
    for path in folder.rglob(f"{_PART}*"):
        _remove_part(path, older_than_s)


@functools.lru_cache(maxsize=1000)
def _sweep_old(folder: Path) -> None:
    """Remove parts of days ago, once a process and folder; those in use are younger."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(_PART):
                _remove_part(Path(entry.path), _STALE_S)


def _remove_part(path: Path, older_than_s: float) -> None:
    with contextlib.suppress(OSError):
        if older_than_s and time.time() - path.lstat().st_mtime < older_than_s:
            return
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


# -- reading -------------------------------------------------------------------------------------------------


def read_bytes(path: str | Path, what: str, largest: int = LARGEST_BYTES) -> bytes:
    """Read a file, its size checked first; never more than `largest` bytes, whatever the file claims.

    Raises
    ------
    RefusedFileError
        If it is too large, no ordinary file, or can't be read.
    """
    path = Path(path)
    try:
        with _opened(path, what) as file:
            data = file.read(largest + 1)
    except OSError as error:
        raise RefusedFileError(f"{what} '{path}' can't be read: {error.strerror or error}") from None
    if len(data) > largest:
        raise RefusedFileError(
            f"{what} '{path}' has more than {largest / 2**20:.0f} MiB, which no such file has; it is not opened"
        )
    return data


def _opened(path: Path, what: str) -> BinaryIO:
    if path.exists() and not path.is_file():
        kind = "a folder" if path.is_dir() else "no ordinary file"
        raise RefusedFileError(f"{what} '{path}' can't be read: it is {kind}")
    return path.open("rb")


def read_text(path: str | Path, what: str, largest: int = LARGEST_BYTES) -> str:
    """Read a text in UTF-8, its size checked first.

    Raises
    ------
    RefusedFileError
        If it is too large, can't be read, or is no such text.
    """
    try:
        return read_bytes(path, what, largest).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RefusedFileError(f"{what} '{path}' is not UTF-8 text (byte {error.start})") from None


def read_toml(path: str | Path, what: str) -> dict[str, Any]:
    """Read a TOML file within limits of size, depth and length of keys.

    Raises
    ------
    RefusedFileError
        One sentence.
    """
    text = read_text(path, what, LARGEST_TOML_BYTES)
    fault = toml_fault(text)
    if fault is not None:
        raise RefusedFileError(f"{what} '{path}' {fault}; it is not opened")
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        # an integer of thousands of digits is a plain ValueError
        hint = "; is it a TOML file?" if "\0" in text else ""
        raise RefusedFileError(f"{what} '{path}' is not valid TOML: {error}{hint}") from None


_TOKEN = re.compile(
    r'(?P<long>"""|\'\'\')|(?P<part>"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|[A-Za-z0-9_-]+)|(?P<unclosed>["\'])|(?P<comment>#[^\n]*)'
    r"|(?P<open>[\[{])|(?P<close>[\]}])|(?P<dot>\.)|(?P<space>[ \t]+)|(?P<other>.|\n)"
)
_LONG_END = {'"""': re.compile(r'(?:[^"\\]|\\.|"(?!""))*+"""', re.DOTALL), "'''": re.compile(r"(?:[^']|'(?!''))*+'''")}


def toml_fault(text: str) -> str | None:
    """Say what in a TOML text is nested or dotted beyond any that people write; None if nothing is.

    One pass from the first sign to the last: a parser that calls itself for each bracket is never asked.
    """
    at, depth, dots = 0, 0, 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        assert found is not None  # any sign matches
        at, kind = found.end(), found.lastgroup
        if kind == "unclosed":
            return None
        if kind == "long":
            end = _LONG_END[found[0]].match(text, at)
            if end is None:
                return None  # not closed: the parser says so
            at, dots = end.end(), 0
        elif kind == "dot":
            dots += 1
            if dots >= MOST_KEY_PARTS:
                return f"has a key of more than {MOST_KEY_PARTS} parts"
        elif kind == "open":
            depth, dots = depth + 1, 0
            if depth > DEEPEST_TOML:
                return f"is nested deeper than {DEEPEST_TOML} brackets"
        elif kind == "close":
            depth, dots = max(depth - 1, 0), 0
        elif kind not in ("part", "space"):
            dots = 0
    return None


def read_json(data: bytes | str, where: str) -> Any:
    """Read JSON; what isn't JSON, or is nested without end, is refused with a sentence.

    Raises
    ------
    RefusedFileError
    """
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise RefusedFileError(f"{where} is not valid JSON, so it is not opened; get a fresh copy") from error
    if _deeper(content, DEEPEST_JSON):
        raise RefusedFileError(f"{where} is nested deeper than any file of perospin, so it is not opened")
    return content


def _deeper(content: Any, depth: int) -> bool:
    """Whether lists and dictionaries stand in each other more than `depth` times."""
    level = [content]
    for _ in range(depth):
        level = [
            item
            for node in level
            if isinstance(node, list | dict)
            for item in (node.values() if isinstance(node, dict) else node)
            if isinstance(item, list | dict)
        ]
        if not level:
            return False
    return True


def plain(value: Any) -> Any:
    """Turn numpy scalars and arrays, tuples and NaN into what JSON knows (NaN and infinity become null)."""
    import numpy as np

    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def check_size(path: Path) -> None:
    """Refuse a file that is larger than anything perospin writes.

    Raises
    ------
    RefusedFileError
    """
    size = path.stat().st_size
    if size > LARGEST_BYTES:
        raise RefusedFileError(
            f"'{path}' has {size / 2**20:.0f} MiB, more than any result ({LARGEST_BYTES / 2**20:.0f}); it is not opened"
        )


def sha256(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(content: Any) -> str:
    """SHA-256 of plain values, whatever the layout of their text."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
