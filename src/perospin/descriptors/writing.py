"""Write descriptor tables piece by piece to CSV or Parquet; the file appears when it is complete."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from perospin.errors import DataError

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
        self._part = self.path.with_name(self.path.name + ".part")
        self._parquet: Any = None
        if self.path.suffix.lower() not in ENDINGS:
            raise DataError(f"can't write '{path}': a table is written as .csv or .parquet")
        if not self.path.parent.is_dir():
            raise DataError(f"can't write '{path}': there is no folder '{self.path.parent}'")
        if self.path.is_dir():
            raise DataError(f"can't write '{path}': it is a folder")

    def __enter__(self) -> TableWriter:
        return self

    def write(self, frame: pd.DataFrame) -> None:
        """Append the rows of a frame."""
        try:
            if self.path.suffix.lower() == ".csv":
                frame.to_csv(
                    self._part, mode="a" if self.rows else "w", header=not self.rows, encoding="utf-8",
                    lineterminator="\n",
                )  # fmt: skip
            else:
                self._write_parquet(frame)
        except OSError as error:
            raise DataError(f"can't write '{self.path}': {error.strerror or error}") from None
        self.rows += len(frame)

    def _write_parquet(self, frame: pd.DataFrame) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        plain = frame.copy(deep=False)
        plain.attrs = {}  # what a frame remembers of one piece is not true of the whole file
        table = pa.Table.from_pandas(plain.reset_index(), preserve_index=False).replace_schema_metadata()
        if self._parquet is None:
            self._parquet = pq.ParquetWriter(self._part, table.schema, compression="zstd")
        self._parquet.write_table(table)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._parquet is not None:
                self._parquet.close()
            if kind is None and self._part.exists():
                self._part.replace(self.path)
        except OSError as failure:
            raise DataError(f"can't write '{self.path}': {failure.strerror or failure}") from None
        finally:
            self._part.unlink(missing_ok=True)
