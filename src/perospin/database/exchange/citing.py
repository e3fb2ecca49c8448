"""Sources and creators in the languages of reference managers and of DOI agencies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from perospin.errors import DataError
from perospin.text import shorten

if TYPE_CHECKING:
    from perospin.database.citing import CitedSource

_ORCID = re.compile(r"(?:https?://orcid\.org/)?(\d{4}-\d{4}-\d{4}-\d{3}[\dX])")


@dataclass(frozen=True, slots=True)
class Creator:
    """Who made a data set.

    Attributes
    ----------
    name
        ``"Family, Given"``, or the name of a group.
    orcid
        ORCID identifier (four groups of four), or ``""``.
    """

    name: str
    orcid: str = ""

    @classmethod
    def read(cls, text: str) -> Creator:
        """Read ``"Family, Given"`` or ``"Family, Given; 0000-0002-1825-0097"``.

        Raises
        ------
        DataError
            If the name is empty or the ORCID isn't one (its last digit is a checksum).
        """
        name, _, orcid = (part.strip() for part in text.partition(";"))
        if not name:
            raise DataError(f"'{shorten(text)}' names no creator; write e.g. 'Curie, Marie; 0000-0002-1825-0097'")
        if not orcid:
            return cls(name)
        match = _ORCID.fullmatch(orcid)
        if match is None or not _checks(match[1]):
            raise DataError(
                f"'{shorten(orcid)}' is no ORCID identifier (four groups of four digits, the last a checksum); "
                "write e.g. 'Curie, Marie; 0000-0002-1825-0097'"
            )
        return cls(name, match[1])

    @property
    def parts(self) -> tuple[str, str]:
        """Family and given name; the given one is empty for a group."""
        family, _, given = (part.strip() for part in self.name.partition(","))
        return family, given


def _checks(orcid: str) -> bool:
    """ISO 7064 MOD 11-2 over the digits of an ORCID identifier."""
    digits = orcid.replace("-", "")
    total = 0
    for digit in digits[:-1]:
        total = (total + int(digit)) * 2
    return "0123456789X"[(12 - total % 11) % 11] == digits[-1]


def to_csl(sources: Iterable[CitedSource]) -> list[dict[str, Any]]:
    """Write sources as CSL-JSON (what Zotero and pandoc read); only what is known is written, titles are not."""
    items = []
    for cited in sources:
        source = cited.source
        item: dict[str, Any] = {"id": cited.key, "type": "article-journal" if source.doi else "webpage"}
        if source.arxiv:
            item |= {"type": "article", "publisher": "arXiv", "number": source.arxiv}
        if source.first_author:
            item["author"] = [{"family": source.first_author}, {"literal": "others"}]
        if source.year:
            item["issued"] = {"date-parts": [[source.year]]}
        if source.doi:
            item["DOI"] = source.doi
        if source.url:
            item["URL"] = source.url
        count = f"{cited.n_records} record{'s' * (cited.n_records > 1)}"
        item["note"] = f"{count} ({cited.evidence}): {', '.join(cited.properties)}"
        items.append(item)
    return items


def to_datacite(
    title: str, description: str, creators: Sequence[Creator], licence: tuple[str, str, str],
    sources: list[CitedSource], *, date: str, version: str, doi: str, publisher: str, keywords: Sequence[str],
    n_bytes: int,
) -> dict[str, Any]:  # fmt: skip
    """Metadata of a data set in DataCite's schema 4.5, as its REST interface takes them."""
    name, words, address = licence
    people = []
    for creator in creators:
        family, given = creator.parts
        person: dict[str, Any] = {"name": creator.name, "nameType": "Personal" if given else "Organizational"}
        if given:
            person |= {"familyName": family, "givenName": given}
        if creator.orcid:
            person["nameIdentifiers"] = [
                {
                    "nameIdentifier": f"https://orcid.org/{creator.orcid}",
                    "nameIdentifierScheme": "ORCID",
                    "schemeUri": "https://orcid.org",
                }
            ]
        people.append(person)
    return {
        "schemaVersion": "http://datacite.org/schema/kernel-4",
        **({"doi": doi, "identifiers": [{"identifier": doi, "identifierType": "DOI"}]} if doi else {}),
        "types": {"resourceTypeGeneral": "Dataset", "resourceType": "Measured values with sources"},
        "creators": people,
        "titles": [{"title": title}],
        "publisher": {"name": publisher},
        "publicationYear": int(date[:4]),
        "dates": [{"date": date, "dateType": "Issued"}],
        "language": "en",
        "version": version,
        "subjects": [{"subject": word} for word in keywords],
        "descriptions": [{"description": description, "descriptionType": "Abstract"}],
        "rightsList": [
            {"rights": words, "rightsUri": address, "rightsIdentifier": name, "rightsIdentifierScheme": "SPDX"}
        ],
        "formats": ["text/csv"],
        "sizes": [f"{n_bytes} bytes"],
        "relatedIdentifiers": [
            {"relatedIdentifier": cited.source.doi, "relatedIdentifierType": "DOI", "relationType": "IsDerivedFrom"}
            for cited in sources
            if cited.source.doi
        ],
    }
