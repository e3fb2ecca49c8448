"""Open what `perospin data import` is given: a table, a published folder, a NOMAD archive or an OPTIMADE file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from perospin import saving
from perospin.database.record import COLUMNS
from perospin.database.tidy import read_table
from perospin.errors import DataError, RefusedFileError
from perospin.sheets.table import Table
from perospin.text import shorten

if TYPE_CHECKING:
    from perospin.chemistry import IonLibrary

_LARGEST = 500_000_000


@dataclass(frozen=True, slots=True)
class Opened:
    """A table of records as text, the ion library that its formulas need, and what is to be told."""

    table: Table
    ions: IonLibrary | None
    remarks: tuple[str, ...] = ()


def open_records(
    path: Path | str, ions: IonLibrary | None = None, constants: Mapping[str, str] | None = None
) -> Opened:
    """Open a file or folder by what it is.

    A folder is a data package; ``.jsonl`` is OPTIMADE; ``.json`` is a NOMAD archive (or a list of them), an OPTIMADE
    answer, or a list of records as `perospin data export` writes it; anything else is a table.

    Parameters
    ----------
    path
        File or folder.
    ions
        Ion library with the user's own cations.
    constants
        Fields that every record takes where its own are empty (the source of an archive that names none).

    Raises
    ------
    DataError
        If it can't be read.
    """
    where = Path(path)
    if where.is_dir():
        from perospin.chemistry import IonLibrary
        from perospin.database.exchange.package import open_package

        package = open_package(where, ions)
        library = IonLibrary.of(ions).with_ions(package.cations) if package.cations else ions
        return Opened(read_table(package.table), library)
    suffix = where.suffix.lower()
    if suffix == ".jsonl":
        return Opened(_optimade(where, constants), ions)
    if suffix == ".json":
        return _json(where, ions, constants)
    return Opened(read_table(where), ions)


def _optimade(where: Path, constants: Mapping[str, str] | None) -> Table:
    from perospin.database.exchange.optimade import PREFIX, read_jsonl

    found = read_jsonl(where)
    if not found.cells:
        raise DataError(
            f"'{shorten(str(where))}' holds {len(found.structures)} structures but no {PREFIX}records, so there is no "
            "value to import; `perospin data structures` writes their crystals as CIF"
        )
    return _table(where, found.cells, constants)


def _json(where: Path, ions: IonLibrary | None, constants: Mapping[str, str] | None) -> Opened:
    shown = shorten(str(where))
    try:
        content = saving.read_json(saving.read_text(where, "the file", _LARGEST), shown)
    except RefusedFileError as error:
        raise DataError(shorten(str(error), 390)) from error
    if isinstance(content, dict) and isinstance(content.get("data"), list):
        return Opened(_optimade(where, constants), ions)
    if isinstance(content, list) and content and all(isinstance(e, dict) and "property" in e for e in content):
        cells = [{key: _cell(value) for key, value in entry.items()} for entry in content]
        return Opened(_table(where, cells, constants), ions)
    from perospin.database.exchange.nomad import nomad_cells

    cells, remarks = nomad_cells(content, ions)
    if not cells:
        raise DataError(
            shorten(f"'{shown}' holds no band gap, so no record: {'; '.join(remarks) or 'it is empty'}", 390)
        )
    return Opened(_table(where, cells, constants), ions, tuple(remarks))


def _cell(value: object) -> str:
    if value is None or value is False:
        return ""
    return "true" if value is True else str(value)


def _table(where: Path, cells: Iterable[Mapping[str, str]], constants: Mapping[str, str] | None) -> Table:
    given = [{**(constants or {}), **{k: v for k, v in row.items() if v}} for row in cells]
    unknown = sorted({name for row in given for name in row} - set(COLUMNS))
    headings = (*(name for name in COLUMNS if any(name in row for row in given)), *unknown)

    def rows() -> Iterator[tuple[int, list[str]]]:
        for number, row in enumerate(given, start=2):
            yield number, [row.get(name, "") for name in headings]

    return Table(where.name, headings, ("",) * len(headings), rows())
