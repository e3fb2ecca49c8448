"""Excel workbooks (.xlsx) as text: one sheet, cells between tabs, for the readers of text tables."""

from __future__ import annotations

import datetime
import io
import re
import zipfile
from typing import Any

from perospin.errors import DataError
from perospin.text import shorten

__all__ = ["is_workbook", "split_sheet", "workbook_text"]

_MAX_BYTES = 1_000_000_000
_MAX_CELLS = 20_000_000
_NAMED = re.compile(r"(?P<file>.+\.xls[xm]):(?P<sheet>[^/\\]+)", re.IGNORECASE)


def split_sheet(path: str) -> tuple[str, str]:
    """File and sheet of ``book.xlsx:Sheet 2``; an empty sheet if none is named.

    Examples
    --------
    >>> split_sheet("data/book.xlsx:Sheet 2"), split_sheet("book.xlsx")
    (('data/book.xlsx', 'Sheet 2'), ('book.xlsx', ''))
    """
    match = _NAMED.fullmatch(path)
    return (match["file"], match["sheet"]) if match else (path, "")


def is_workbook(content: bytes) -> bool:
    """Whether the bytes are an Excel workbook of 2007 or later."""
    if not content.startswith(b"PK\x03\x04"):
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return False


def workbook_text(content: bytes, name: str, sheet: str = "") -> str:
    """Cells of one sheet as lines of text, with tabs between them; numbers in full precision.

    Parameters
    ----------
    content
        Bytes of the workbook.
    name
        What messages call it.
    sheet
        Name of the sheet; may be left out where only one holds cells.

    Raises
    ------
    DataError
        If the workbook is damaged or too large, several sheets hold cells and none is named, or a formula has no
        stored value.
    """
    import openpyxl

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _MAX_BYTES:
                raise DataError(f"'{name:.60}' unpacks to over {_MAX_BYTES / 1e9:.0f} GB; save the sheet as CSV")
        values = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        formulas = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=False)
        tables = {str(page.title): (page, formulas[page.title]) for page in values.worksheets}
        if sheet and sheet not in tables:
            raise DataError(f"'{name:.60}' has no sheet '{shorten(sheet, 40)}'; it has: {', '.join(tables):.150}")
        texts = {title: _text(pages, title, name) for title, pages in tables.items() if not sheet or title == sheet}
    except DataError:
        raise
    except Exception as error:  # openpyxl raises what its XML parsers raise
        raise DataError(
            f"'{name:.60}' is not a readable Excel workbook ({shorten(str(error), 80)}): save the sheet as CSV"
        ) from error
    filled = {title: text for title, text in texts.items() if text.strip()}
    if len(filled) > 1:
        first = next(iter(filled))
        raise DataError(
            f"'{name:.60}' has {len(filled)} sheets with cells ({', '.join(filled):.120}): name one behind a colon, "
            f"'{name:.60}:{first:.40}'"
        )
    if not filled:
        raise DataError(f"'{name:.60}' is empty: no sheet of the workbook holds a cell")
    return next(iter(filled.values()))


def _text(pages: tuple[Any, Any], title: str, name: str) -> str:
    lines, count = [], 0
    for number, (row, formulas) in enumerate(
        zip(pages[0].iter_rows(values_only=True), pages[1].iter_rows(values_only=True), strict=True), 1
    ):
        count += len(row)
        if count > _MAX_CELLS:
            raise DataError(f"sheet '{shorten(title, 40)}' of '{name:.60}' has over {_MAX_CELLS} cells; save it as CSV")
        for column, (value, formula) in enumerate(zip(row, formulas, strict=True)):
            if value is None and isinstance(formula, str) and formula.startswith("="):
                raise DataError(
                    f"row {number}, column {column + 1} of sheet '{shorten(title, 40)}' in '{name:.60}' holds a "
                    "formula without its value: open the file in Excel or LibreOffice, save it, and try again"
                )
        lines.append("\t".join(_cell(value) for value in row).rstrip("\t"))
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    return " ".join(str(value).split())
