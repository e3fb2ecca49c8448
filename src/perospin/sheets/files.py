"""A file as bytes, its hash, and its text whatever the encoding; what isn't text is refused by name."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from perospin.errors import DataError
from perospin.sheets.workbook import is_workbook, split_sheet, workbook_text
from perospin.text import visible

__all__ = ["RawFile", "plain_text", "read_raw", "text_of"]

_MAX_BYTES = 250_000_000
_KINDS = (
    (b"PK\x03\x04", "an Excel workbook that can't be opened, or another archive: save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Office file: save the sheet as CSV"),
    (b"CPY", "an Origin project: export the worksheet as ASCII"),
    (b"MATLAB 5.0", "a MATLAB file: save it as text, or with -v7.3 as HDF5"),
    (b"\x1f\x8b", "compressed: unpack it first"),
    (b"BZh", "compressed: unpack it first"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"%PDF", "a PDF document"),
)


@dataclass(frozen=True)
class RawFile:
    """Content of a file.

    Attributes
    ----------
    path
        Where it was read.
    content
        All of its bytes.
    sheet
        Sheet of a workbook that was asked for; ``""`` if none.
    """

    path: Path
    content: bytes
    sheet: str = ""

    @property
    def name(self) -> str:
        """File name without folder, control characters escaped."""
        return visible(self.path.name)

    @property
    def sha256(self) -> str:
        """SHA-256 of the bytes, as 64 hexadecimal digits."""
        return hashlib.sha256(self.content).hexdigest()


def read_raw(path: Path | str, largest_bytes: int = _MAX_BYTES) -> RawFile:
    """Read a file whole; ``book.xlsx:Sheet 2`` names a sheet of a workbook.

    Raises
    ------
    DataError
        If there is no such file, it can't be opened, is empty, or is larger than `largest_bytes` (default 250 MB).
    """
    path, sheet = Path(path), ""
    file, named = split_sheet(str(path))
    if named and Path(file).is_file():
        path, sheet = Path(file), named
    shown = visible(str(path))
    shown = shown if len(shown) <= 160 else f"...{shown[-160:]}"
    try:
        if path.is_dir():
            raise DataError(f"'{shown}' is a folder, not a file")
        if path.exists() and not path.is_file():
            raise DataError(f"'{shown}' is a device or a pipe, not a file")
        if path.stat().st_size > largest_bytes:
            size = path.stat().st_size / 1e6
            raise DataError(
                f"'{visible(path.name):.60}' has {size:.0f} MB; at most {largest_bytes / 1e6:.0f} MB are read"
            )
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"can't read '{shown}': {error.strerror or 'it is no file'}") from None
    except ValueError:  # a name with a zero byte
        raise DataError(f"can't read '{shown}': it is no name of a file") from None
    if not content.strip():
        raise DataError(f"'{shown}' is empty")
    return RawFile(path, content, sheet)


def text_of(raw: RawFile) -> str:
    """Decode UTF-8, UTF-16 (with or without byte-order mark) or the Windows encoding; a workbook is its one sheet.

    Control characters are replaced.

    Raises
    ------
    DataError
        If the bytes are not text; the message says what the file is where that can be told.
    """
    return _clean(plain_text(raw))


def plain_text(raw: RawFile) -> str:
    """Text of a file as `text_of` decodes it, with its control characters.

    Raises
    ------
    DataError
        If the bytes are not text; the message says what the file is where that can be told.
    """
    content = raw.content
    if is_workbook(content):
        return workbook_text(content, raw.name, raw.sheet)
    for start, kind in _KINDS:
        if content.startswith(start):
            raise DataError(f"'{raw.name}' is not a text file but {kind}")
    text = _decoded(content)
    sample = text[:100_000]
    control = sum(not (c.isprintable() or c in "\t\r\n\f\v" or (c > "\x9f" and c.isspace())) for c in sample)
    if "\0" in sample or control > 0.02 * len(sample) + 2:
        raise DataError(f"'{raw.name}' is not a text file: export the data as CSV or tab-separated text")
    return text


def _clean(text: str) -> str:
    # what would move a terminal's cursor or hide a word gets a mark, every kind of blank becomes one
    odd = {c for c in set(text) if not c.isprintable() and c not in "\t\r\n"}
    return text.translate({ord(c): " " if c.isspace() else "\ufffd" for c in odd}) if odd else text


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    head = content[:2000]
    for encoding, nul in (("utf-16-le", head[1::2]), ("utf-16-be", head[::2])):
        # numbers written in UTF-16 have a zero in every second byte
        if len(nul) > 2 and nul.count(0) > 0.8 * len(nul):
            return content.decode(encoding, errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")
