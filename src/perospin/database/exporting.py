"""Write records for others: CSV, Parquet, JSON, and the sources as BibTeX."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from perospin.database.query import to_frame
from perospin.database.record import Record, Source
from perospin.database.tidy import write_records
from perospin.errors import DataError
from perospin.saving import whole_file, write_text
from perospin.text import readable_json, shorten, tex, tex_verbatim

if TYPE_CHECKING:
    from perospin.chemistry import IonLibrary

FORMATS = ("csv", "parquet", "json", "bibtex", "csl", "nomad", "optimade")
_SUFFIXES = {
    ".csv": "csv", ".parquet": "parquet", ".pq": "parquet", ".json": "json", ".bib": "bibtex",
    ".jsonl": "optimade", ".csl.json": "csl", ".archive.json": "nomad",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class CitedSource:
    """One source with what was taken from it.

    Attributes
    ----------
    key
        Citation key, unique within one list.
    source
        One of the sources that agree in DOI (or in URL, or in author and year, when there is no DOI).
    n_records
        Records taken from it.
    properties
        Their properties, sorted.
    evidence
        ``"primary"`` if any record was read in it, else ``"secondary"``.
    """

    key: str
    source: Source
    n_records: int
    properties: tuple[str, ...]
    evidence: str


def cited_sources(records: Iterable[Record]) -> list[CitedSource]:
    """Distinct sources of the records, the most used first."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        source = record.source
        name = source.doi.lower() or source.url or f"{source.first_author}|{source.year}"
        groups.setdefault(name, []).append(record)
    ordered = sorted(groups.values(), key=lambda group: (-len(group), group[0].source.label))
    keys: dict[str, int] = {}
    cited = []
    for group in ordered:
        source = max((r.source for r in group), key=lambda s: (bool(s.first_author), bool(s.year)))
        key = _key(source)
        keys[key] = keys.get(key, 0) + 1
        if keys[key] > 1:
            key = f"{key}_{keys[key]}"
        evidence = "primary" if any(r.source.evidence == "primary" for r in group) else "secondary"
        properties = tuple(sorted({r.property for r in group}))
        cited.append(CitedSource(key, source, len(group), properties, evidence))
    return cited


def to_bibtex(records: Iterable[Record]) -> str:
    """Write the sources of the records as BibTeX; only what is known is written, titles are not."""
    entries = []
    for cited in cited_sources(records):
        source = cited.source
        fields: dict[str, str] = {}
        if source.first_author:
            fields["author"] = f"{{{tex(source.first_author)}}} and others"
        if source.year:
            fields["year"] = str(source.year)
        if source.arxiv:
            fields |= {"eprint": tex_verbatim(source.arxiv), "archiveprefix": "arXiv"}
        if source.doi:
            fields["doi"] = tex_verbatim(source.doi)
        elif source.url:
            fields["url"] = tex_verbatim(source.url)
        count = f"{cited.n_records} record{'s' * (cited.n_records > 1)}"
        fields["note"] = tex(f"{count} ({cited.evidence}): {', '.join(cited.properties)}")
        kind = "article" if source.doi and not source.arxiv else "misc"
        body = ",\n".join(f"  {name} = {{{text}}}" for name, text in fields.items())
        entries.append(f"@{kind}{{{cited.key},\n{body}\n}}\n")
    return "\n".join(entries)


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
        raise DataError(f"can't tell the format of '{shorten(str(path))}'; use one of: {', '.join(FORMATS)}")
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


def _key(source: Source) -> str:
    if source.first_author:
        name = source.first_author
    elif source.doi:
        name = source.doi.split("/", 1)[1]
    else:
        name = re.sub(r"^https?://(www\.)?", "", source.url).split("/")[0]
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    key = re.sub(r"[^A-Za-z0-9]+", "", plain).lower() or "source"
    return f"{key}{source.year}" if source.year and source.first_author else key
