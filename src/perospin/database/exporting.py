"""Write records for others: CSV, Parquet, JSON, and the sources as BibTeX."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from perospin.database.citing import cited_sources, to_bibtex
from perospin.database.query import to_frame
from perospin.database.record import Record
from perospin.database.tidy import write_records
from perospin.errors import DataError
from perospin.saving import whole_file, write_text
from perospin.text import readable_json, shorten

if TYPE_CHECKING:
    from perospin.chemistry import IonLibrary

FORMATS = ("csv", "parquet", "json", "bibtex", "csl", "nomad", "optimade")
_SUFFIXES = {
    ".csv": "csv", ".parquet": "parquet", ".pq": "parquet", ".json": "json", ".bib": "bibtex",
    ".jsonl": "optimade", ".csl.json": "csl", ".archive.json": "nomad",
}  # fmt: skip


def format_of(path: Path | str, format: str | None = None) -> str:
    """Format that is given, or told by the suffix of a file.

    Raises
    ------
    DataError
        If there is no such format, or the suffix tells none.
    """
    name = Path(path).name.lower()
    by_suffix = (kind for suffix, kind in sorted(_SUFFIXES.items(), key=lambda p: -len(p[0])) if name.endswith(suffix))
    chosen = format or next(by_suffix, None)
    if chosen not in FORMATS:
        what = (
            f"there is no format '{shorten(format)}'" if format else f"can't tell the format of '{shorten(str(path))}'"
        )
        raise DataError(f"{what}; use one of: {', '.join(FORMATS)}")
    return chosen


def export_records(
    records: Sequence[Record], path: Path | str, format: str | None = None, ions: IonLibrary | None = None
) -> int:
    """Write records to a file.

    Parameters
    ----------
    records
        Records to write.
    path
        Target; it is replaced only when everything was written.
    format
        One of `FORMATS`; by default told by the file's suffix (``.jsonl`` is OPTIMADE, ``.archive.json`` NOMAD,
        ``.csl.json`` CSL-JSON).
    ions
        Ion library with the user's own cations, for NOMAD and OPTIMADE.

    Returns
    -------
    int
        Number of records.

    Raises
    ------
    DataError
        If the format is unknown or the file can't be written.
    """
    path = Path(path)
    chosen = format_of(path, format)
    if chosen == "csv":
        write_records(records, path)
    elif chosen == "json":
        write_text(path, to_json(records))
    elif chosen == "bibtex":
        write_text(path, to_bibtex(records))
    elif chosen in ("csl", "nomad", "optimade"):
        write_text(path, _foreign(records, chosen, ions))
    else:
        with whole_file(path) as part:
            to_frame(records).to_parquet(part)
    return len(records)


def _foreign(records: Sequence[Record], chosen: str, ions: IonLibrary | None) -> str:
    from perospin.database.exchange import records_to_nomad, to_csl, to_jsonl

    if chosen == "optimade":
        return to_jsonl(records, ions)
    content = to_csl(cited_sources(records)) if chosen == "csl" else records_to_nomad(records, ions)
    return readable_json(content) + "\n"


def to_json(records: Iterable[Record]) -> str:
    """Write records as a JSON list; fields without a value are left out."""
    rows = [{k: v for k, v in r.to_dict().items() if v not in (None, "")} for r in records]
    return readable_json(rows) + "\n"
