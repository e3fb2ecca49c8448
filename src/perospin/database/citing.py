"""Sources of records: each once, with what was taken from it; as BibTeX."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from perospin.database.record import Record, Source
from perospin.text import tex, tex_verbatim


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
