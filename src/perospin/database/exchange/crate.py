"""RO-Crate 1.1 metadata of a published folder (https://w3id.org/ro/crate/1.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from perospin.database.citing import CitedSource
    from perospin.database.exchange.citing import Creator

METADATA = "ro-crate-metadata.json"
_CONTEXT = "https://w3id.org/ro/crate/1.1/context"
_PROFILE = "https://w3id.org/ro/crate/1.1"


def to_crate(
    title: str, description: str, creators: Sequence[Creator], licence: tuple[str, str, str],
    sources: list[CitedSource], files: Mapping[str, tuple[str, str, int]], *, date: str, version: str, doi: str,
    keywords: Sequence[str],
) -> dict[str, Any]:  # fmt: skip
    """Describe a folder as an RO-Crate: one flat list of entities that point at one another.

    Parameters
    ----------
    title, description, creators, licence, sources, date, version, doi, keywords
        Of the data set; the licence as (SPDX name, words, address).
    files
        Name of each file, with its media type, what it holds and its size (bytes).
    """
    _, words, address = licence
    people = [
        {
            "@id": f"https://orcid.org/{creator.orcid}" if creator.orcid else f"#creator-{number}",
            "@type": "Person" if creator.parts[1] else "Organization",
            "name": creator.name,
        }
        for number, creator in enumerate(creators, start=1)
    ]
    works = [
        {
            "@id": f"https://doi.org/{cited.source.doi}",
            "@type": "ScholarlyArticle",
            "name": cited.source.label,
            "identifier": f"https://doi.org/{cited.source.doi}",
        }
        for cited in sources
        if cited.source.doi
    ]
    root: dict[str, Any] = {
        "@id": "./",
        "@type": "Dataset",
        "name": title,
        "description": description,
        "datePublished": date,
        "version": version,
        "license": {"@id": address},
        "keywords": ", ".join(keywords),
        "author": [{"@id": person["@id"]} for person in people],
        "citation": [{"@id": work["@id"]} for work in works],
        "hasPart": [{"@id": name} for name in sorted(files)],
    }
    if doi:
        root["identifier"] = f"https://doi.org/{doi}"
    parts = [
        {
            "@id": name,
            "@type": "File",
            "name": name,
            "description": holds,
            "encodingFormat": media,
            "contentSize": str(size),
        }
        for name, (media, holds, size) in sorted(files.items())
    ]
    return {
        "@context": _CONTEXT,
        "@graph": [
            {
                "@id": METADATA,
                "@type": "CreativeWork",
                "conformsTo": {"@id": _PROFILE},
                "about": {"@id": "./"},
            },
            root,
            {"@id": address, "@type": "CreativeWork", "name": words, "identifier": address},
            *people,
            *works,
            *parts,
        ],
    }
