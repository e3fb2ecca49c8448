"""Files written whole or not at all; values as JSON knows them; sizes and checksums."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.errors import RefusedFileError

if TYPE_CHECKING:
    import pandas as pd


LARGEST_BYTES = 2**28
"""A file of a result that is larger is not read."""


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a table atomically; floats in full so that reading gives the same numbers."""
    write_text(path, frame.to_csv(index=False, lineterminator="\n") if len(frame.columns) else "")


def write_text(path: Path, text: str) -> None:
    """Write a file so that an interruption leaves the old one or the new one, never half of it."""
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


def plain(value: Any) -> Any:
    """Turn numpy scalars and arrays, tuples and NaN into what JSON knows (NaN and infinity become null)."""
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
    return hashlib.sha256(path.read_bytes()).hexdigest()
