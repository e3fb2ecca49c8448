"""Write descriptor tables piece by piece to CSV or Parquet; the file appears when it is complete."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perospin.errors import DataError
from perospin.saving import cannot_write, whole_file

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
                frame.to_csv(part, mode="a", header=not self.rows, encoding="utf-8", lineterminator="\n")
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
