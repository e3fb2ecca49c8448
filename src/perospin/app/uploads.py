"""Uploaded files: kept in a folder of this process under names that are no paths, and read by the ordinary readers."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from perospin.errors import DataError

__all__ = ["LARGEST_TOGETHER", "contents", "plain_name", "stored", "together"]

LARGEST_TOGETHER = 256 * 2**20
"""Bytes of all files that one page takes."""


@lru_cache(maxsize=1)
def _folder() -> tempfile.TemporaryDirectory[str]:
    # it is removed when the process ends
    return tempfile.TemporaryDirectory(prefix="perospin-app-")


def plain_name(name: str) -> str:
    """Make the name of an uploaded file harmless; what tells conditions (``kerr_100mT_5K.csv``) stays.

    Examples
    --------
    >>> plain_name("../../etc/passwd"), plain_name("kerr 100mT(5K).csv")
    ('passwd', 'kerr 100mT_5K_.csv')
    """
    last = re.split(r"[/\\]", name)[-1]
    kept = re.sub(r"[^\w.+\- ]", "_", last).strip(" .")
    return kept[-120:] or "file"


def contents(files: Sequence[Any]) -> dict[str, bytes]:
    """Content of uploaded files by harmless names.

    Parameters
    ----------
    files : sequence
        With ``name`` and ``getvalue()``, as Streamlit gives them.

    Raises
    ------
    DataError
        If they are too large together, or two have the same name.
    """
    found = [(plain_name(file.name), bytes(file.getvalue())) for file in files]
    if sum(len(content) for _, content in found) > LARGEST_TOGETHER:
        raise DataError(f"the files are larger than {LARGEST_TOGETHER // 2**20} MB together; give fewer at once")
    names = [name for name, _ in found]
    double = next((name for name in names if names.count(name) > 1), None)
    if double is not None:
        raise DataError(f"two files are called '{double}': give them different names")
    return dict(found)


def stored(files: Sequence[Any]) -> list[Path]:
    """Write uploaded files, each into a folder of its own content, and return their paths; errors as `contents`."""
    return [together({name: content}) / name for name, content in contents(files).items()]


def together(files: Mapping[str, bytes]) -> Path:
    """Write files that belong together into one folder, and return it; their names are those of `contents`."""
    key = hashlib.sha256()
    for name, content in sorted(files.items()):
        key.update(hashlib.sha256(name.encode() + b"\0" + content).digest())
    folder = Path(_folder().name) / key.hexdigest()[:32]
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        if not (folder / name).is_file():
            (folder / name).write_bytes(content)
    return folder
