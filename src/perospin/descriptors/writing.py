"""Write descriptor tables piece by piece to CSV or Parquet; the file appears when it is complete."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perospin.errors import DataError
from perospin.saving import cannot_write, no_formulas, whole_file

if TYPE_CHECKING:
    from types import TracebackType

    import pandas as pd

ENDINGS = (".csv", ".parquet")


class TableWriter:
    """Context that takes frames one after the other; used as ``with TableWriter(path) as out: out.write(frame)``.

    All frames have the same columns; the index becomes the first one. An exception leaves no file, and one that was
    there untouched.

    Parameters
    ----------
    path
        File to write; its ending, .csv or .parquet, chooses the format.

    Raises
    ------
    DataError
        If the ending is another one, or the file can't be written.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.rows = 0
        self._file = contextlib.ExitStack()
        self._part: Path | None = None
        self._parquet: Any = None
        if self.path.suffix.lower() not in ENDINGS:
            raise DataError(f"can't write '{path}': a table is written as .csv or .parquet")
        if not self.path.parent.is_dir():
            raise DataError(f"can't write '{path}': there is no folder '{self.path.parent}'")
        if self.path.is_dir():
            raise DataError(f"can't write '{path}': it is a folder")

    def __enter__(self) -> TableWriter:
        return self

    def _begun(self) -> Path:
        """Where the rows go until all are there; a table without a row makes no file."""
        if self._part is None:
            self._part = self._file.enter_context(whole_file(self.path))
        return self._part

    def write(self, frame: pd.DataFrame) -> None:
        """Append the rows of a frame."""
        part = self._begun()
        try:
            if self.path.suffix.lower() == ".csv":
                safe = no_formulas(frame)
                safe.to_csv(part, mode="a", header=not self.rows, encoding="utf-8", lineterminator="\n")
            else:
                self._write_parquet(frame, part)
        except OSError as error:
            raise cannot_write(self.path, error) from None
        self.rows += len(frame)

    def _write_parquet(self, frame: pd.DataFrame, part: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        plain = frame.copy(deep=False)
        plain.attrs = {}  # what a frame remembers of one piece is not true of the whole file
        table = pa.Table.from_pandas(plain.reset_index(), preserve_index=False).replace_schema_metadata()
        if self._parquet is None:
            self._parquet = pq.ParquetWriter(part, table.schema, compression="zstd")
        self._parquet.write_table(table)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._parquet is not None:
                self._parquet.close()
        except OSError as failure:
            error = error or failure
            self._file.__exit__(type(failure), failure, failure.__traceback__)
            raise cannot_write(self.path, failure) from None
        self._file.__exit__(kind, error, trace)


class UnfinishedTable:
    """Rows of structure files, kept on disk as they come, so that an interrupted run goes on where it stopped.

    They lie beside the table that they will become, under its name and a fingerprint of the settings:
    ``table.csv.1a2b3c4d.part``. Rows made with other settings, or before their file was changed, are made again.

    Parameters
    ----------
    path
        The table to write in the end (.csv or .parquet).
    settings
        Everything that decides the numbers, as plain values.
    """

    def __init__(self, path: str | Path, settings: Mapping[str, Any]) -> None:
        self.table = TableWriter(path)
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:8]
        self._part = self.table.path.with_name(f"{self.table.path.name}.{digest}.part")
        for other in self.table.path.parent.glob(f"{self.table.path.name}.????????.part"):
            if other != self._part:
                other.unlink(missing_ok=True)
        if self._part.is_symlink():  # its name can be guessed: a link planted there would lead elsewhere
            self._part.unlink()
        self.done = self._read()

    def _read(self) -> set[str]:
        """Find the files with a complete row that is younger than the file; write the part again with these rows."""
        if not self._part.is_file():
            return set()
        since = self._part.stat().st_mtime
        with self._part.open(encoding="utf-8", newline="") as file:
            header, *rows = list(csv.reader(file)) or [[]]
        if "structure" not in header:
            return set()
        place = header.index("structure")
        good = [
            row
            for row in rows
            if len(row) == len(header) and (told := Path(row[place])).is_file() and told.stat().st_mtime <= since
        ]
        since_ns = self._part.stat().st_mtime_ns
        with whole_file(self._part) as new, new.open("w", encoding="utf-8", newline="") as part:
            csv.writer(part, lineterminator="\n").writerows([header, *good])
        os.utime(self._part, ns=(since_ns, since_ns))  # a row stays as old as it is
        return {row[place] for row in good}

    def write(self, frame: pd.DataFrame) -> None:
        """Append the rows of a frame, at once."""
        new = not self._part.is_file()
        try:
            # never through a link that came meanwhile
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
            with os.fdopen(os.open(self._part, flags, 0o666), "a", encoding="utf-8", newline="") as part:
                frame.to_csv(part, header=new, lineterminator="\n")
        except OSError as error:
            raise cannot_write(self._part, error) from None

    def finish(self, columns: Sequence[str] | None = None) -> tuple[int, int]:
        """Write the table, only some of its columns if they are named, and remove the part; rows and columns."""
        import pandas as pd

        from perospin.descriptors.describe import STRUCTURE_TEXTS

        if not self._part.is_file():
            return 0, 0
        names = _header(self._part)
        texts = dict.fromkeys(("material", *STRUCTURE_TEXTS, *(n for n in names if n.endswith("_from"))), "str")
        frame = pd.read_csv(
            self._part, index_col="material", dtype=texts, keep_default_na=False,
            na_values={name: [""] for name in names if name not in texts},
        )  # fmt: skip
        frame = frame if columns is None else frame[list(columns)]
        with self.table as out:
            out.write(frame)
        self._part.unlink()
        return frame.shape


def _header(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file))
