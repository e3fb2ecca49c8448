"""Publish records as a folder fit for a repository, and read such a folder back.

The folder is a Frictionless data package (``datapackage.json``, https://specs.frictionlessdata.io), an RO-Crate
(``ro-crate-metadata.json``) and holds what a DOI agency asks for (``datacite.json``). The same records and the same
metadata give the same bytes.
"""

from __future__ import annotations

import csv
import datetime
import hashlib
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perospin import saving
from perospin.database.benchmark import TABLES, data_file
from perospin.database.citing import cited_sources, to_bibtex
from perospin.database.exchange.citing import Creator, to_csl, to_datacite
from perospin.database.exchange.crate import METADATA as CRATE
from perospin.database.exchange.crate import to_crate
from perospin.database.exchange.words import record_fields
from perospin.database.record import COLUMNS, Record, normalise_doi
from perospin.database.tidy import to_cells
from perospin.database.vocabulary import PROPERTIES
from perospin.errors import DataError, RefusedFileError
from perospin.text import control_character, from_spreadsheet, readable_json, shorten, to_spreadsheet

if TYPE_CHECKING:
    from perospin.chemistry import Ion, IonLibrary

PACKAGE, SUMS, RECORDS = "datapackage.json", "SHA256SUMS", "records.csv"
_LARGEST = 500_000_000

#: SPDX name: words, address of the text.
LICENCES = {
    "CC-BY-4.0": (
        "Creative Commons Attribution 4.0 International",
        "https://creativecommons.org/licenses/by/4.0/",
        "You may share and adapt these data for any purpose if you name their creators and say what you changed.",
    ),
    "CC0-1.0": (
        "Creative Commons Zero 1.0 Universal",
        "https://creativecommons.org/publicdomain/zero/1.0/",
        "The creators waive their rights in these data as far as the law lets them.",
    ),
    "ODC-By-1.0": (
        "Open Data Commons Attribution License 1.0",
        "https://opendatacommons.org/licenses/by/1-0/",
        "You may share and adapt these data for any purpose if you name their creators.",
    ),
}

#: Curated tables whose rows were copied from a published table, and that table.
_COPIED = {"spin52": "spin52", "hoip192": "hoip192", "thin_film": "thin_film", "structures": "structures_2d"}

_MEDIA = {".csv": "text/csv", ".json": "application/json", ".bib": "application/x-bibtex", ".md": "text/markdown"}
_HOLDS = {
    RECORDS: "the records, one value a row",
    "properties.csv": "the properties: canonical unit and meaning",
    "ions.csv": "the ions of the formulas: abbreviation, name, charge, SMILES",
    "sources.bib": "the sources as BibTeX",
    "sources.csl.json": "the sources as CSL-JSON",
    "datacite.json": "metadata of the data set for a DOI",
    PACKAGE: "schema of the tables (Frictionless data package)",
    "README.md": "what this is",
    "LICENSE": "licence of the data set",
}


@dataclass(frozen=True, slots=True)
class Publication:
    """What is said about a data set.

    Attributes
    ----------
    title, description, version
        Of the data set.
    creators
        Who made it. A DOI needs at least one.
    licence
        One of `LICENCES`.
    date
        Day of publication, ``YYYY-MM-DD``.
    doi
        If one is reserved already.
    publisher
        The repository.
    keywords
        Words to be found by.
    """

    title: str = ""
    description: str = ""
    version: str = "1.0.0"
    creators: tuple[Creator, ...] = ()
    licence: str = "CC-BY-4.0"
    date: str = ""
    doi: str = ""
    publisher: str = "Zenodo"
    keywords: tuple[str, ...] = ("halide perovskite", "spin relaxation")

    def __post_init__(self) -> None:
        """Check the words.

        Raises
        ------
        DataError
            If the licence is unknown, the date isn't one, the DOI isn't one, or a text holds a control character.
        """
        if self.licence not in LICENCES:
            raise DataError(f"unknown licence '{shorten(self.licence)}'; use one of: {', '.join(LICENCES)}")
        for name in ("title", "description", "version", "publisher"):
            if found := control_character(getattr(self, name)):
                raise DataError(f"the {name} holds the control character {found}; leave it out")
        try:
            datetime.date.fromisoformat(self.date or "2000-01-01")
        except ValueError:
            raise DataError(f"'{shorten(self.date)}' is no date; write e.g. 2026-11-29") from None
        if self.doi:
            object.__setattr__(self, "doi", normalise_doi(self.doi))

    @property
    def missing(self) -> tuple[str, ...]:
        """What a DOI agency still asks for."""
        return tuple(name for name in ("title", "creators", "description") if not getattr(self, name))


def publish(
    records: Sequence[Record],
    folder: Path | str,
    about: Publication | None = None,
    ions: IonLibrary | None = None,
) -> list[str]:
    """Write a folder fit for a repository.

    Parameters
    ----------
    records
        What to publish, at least one.
    folder
        A new or empty folder, or one that this function wrote, which is replaced.
    about
        Title, creators, licence ...
    ions
        Ion library with the user's own cations, if a formula holds any.

    Returns
    -------
    list of str
        Names of the files. ``SHA256SUMS`` is written last: a folder without it was interrupted.

    Raises
    ------
    DataError
        If there is no record, the folder holds something else, or a formula holds an ion that `ions` lacks.
    """
    if not records:
        raise DataError("there is no record to publish")
    where = Path(folder)
    _check_empty(where)
    files = _contents(list(records), about or Publication(), ions)
    saving.make_folder(where)
    (where / SUMS).unlink(missing_ok=True)
    for name, content in files.items():
        saving.write_bytes(where / name, content)
    for old in where.iterdir():
        if old.name not in files and (old.name in _HOLDS or old.name.startswith("LICENSE.")):
            old.unlink()
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(files.items()))
    saving.write_text(where / SUMS, sums)
    return [*sorted(files), SUMS]


def _check_empty(where: Path) -> None:
    if not where.exists():
        return
    if not where.is_dir():
        raise DataError(f"'{shorten(str(where))}' is a file; give a new folder")
    ours = {*_HOLDS, CRATE, SUMS}
    others = [p.name for p in where.iterdir() if p.name not in ours and not p.name.startswith(("LICENSE.", "."))]
    if others:
        raise DataError(
            f"the folder '{shorten(str(where))}' holds '{shorten(min(others))}': give a new or empty folder"
        )


def _contents(records: list[Record], about: Publication, ions: IonLibrary | None) -> dict[str, bytes]:
    sources = cited_sources(records)
    words, address, meaning = LICENCES[about.licence]
    licence = (about.licence, words, address)
    n_materials = len({record.formula or record.material for record in records})
    properties = [name for name in PROPERTIES if any(record.property == name for record in records)]
    title = about.title or f"Properties of halide perovskites: {', '.join(properties[:4])}" + (
        " and others" if len(properties) > 4 else ""
    )
    description = about.description or (
        f"{len(records)} values of {len(properties)} properties of {n_materials} materials from {len(sources)} "
        "sources; each with its unit, its conditions and the place where it was read."
    )
    date = about.date or datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    copied = _copied(records)
    tables = {
        RECORDS: _csv(COLUMNS, (to_cells(record) for record in records)),
        "properties.csv": _csv(
            ("property", "unit", "description"),
            (
                {"property": name, "unit": PROPERTIES[name].unit, "description": PROPERTIES[name].description}
                for name in properties
            ),
        ),
        "ions.csv": _csv(("symbol", "name", "charge", "smiles"), _ion_rows(records, ions)),
    }
    files: dict[str, bytes] = {name: text.encode() for name, text in tables.items()}
    files["sources.bib"] = to_bibtex(records).encode()
    files["sources.csl.json"] = _json(to_csl(sources))
    files |= {f"LICENSE.{name}": text for name, (_, text) in copied.items()}
    files["LICENSE"] = _licence_text(about, words, address, meaning, copied).encode()
    files["README.md"] = _readme(title, description, about, words, properties, sources, copied).encode()
    files[PACKAGE] = _json(_datapackage(title, description, about, date, sources, licence, files))
    files["datacite.json"] = _json(
        to_datacite(
            title, description, about.creators, licence, sources, date=date, version=about.version, doi=about.doi,
            publisher=about.publisher, keywords=about.keywords, n_bytes=sum(map(len, files.values())),
        )
    )  # fmt: skip
    listed = {
        name: (_MEDIA.get(Path(name).suffix, "text/plain"), _HOLDS.get(name, "licence of a copied table"), len(content))
        for name, content in files.items()
    }
    files[CRATE] = _json(
        to_crate(
            title, description, about.creators, licence, sources, listed, date=date, version=about.version,
            doi=about.doi, keywords=about.keywords,
        )
    )  # fmt: skip
    return files


def _csv(columns: Sequence[str], rows: Any) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: to_spreadsheet(str(text)) for name, text in row.items()})
    return out.getvalue()


def _json(content: Any) -> bytes:
    return (readable_json(content) + "\n").encode()


def _ion_rows(records: list[Record], ions: IonLibrary | None) -> list[dict[str, str]]:
    from perospin.chemistry import IonLibrary, Perovskite
    from perospin.errors import FormulaError

    library = IonLibrary.of(ions)
    found: dict[tuple[str, int], Ion] = {}
    for formula in dict.fromkeys(record.formula for record in records if record.formula):
        try:
            material = Perovskite.parse(formula, library)
        except FormulaError as error:
            raise DataError(f"the formula '{shorten(formula)}' can't be published: {error}") from error
        for ion, _ in (*material.cations, *material.b_site, *material.x_site):
            found[ion.symbol, ion.charge] = ion
    return [
        {"symbol": ion.symbol, "name": ion.name, "charge": str(ion.charge), "smiles": ion.smiles or ""}
        for _, ion in sorted(found.items())
    ]


def _copied(records: list[Record]) -> dict[str, tuple[str, bytes]]:
    """Find copied tables whose rows are among the records: what they are, and the text of their licence."""
    found = {}
    for table, name in _COPIED.items():
        if any(record.origin and record.record_id.startswith(f"{table}-") for record in records):
            copy = TABLES[name]
            folder = copy.file.rpartition("/")[0]
            text = data_file(f"{folder}/LICENSE").read_bytes()
            found[name] = (f"{copy.description}; {copy.source}; {copy.licence}", text)
    return found


def _licence_text(
    about: Publication, words: str, address: str, meaning: str, copied: dict[str, tuple[str, bytes]]
) -> str:
    who = "; ".join(creator.name for creator in about.creators) or "the creators of this data set"
    lines = [f"{words} ({about.licence})", "", f"Data set by {who}.", meaning, f"Full text: {address}legalcode", ""]
    if about.licence == "ODC-By-1.0":
        lines[4] = f"Full text: {address}"
    if copied:
        lines += ["Some rows were copied from tables with a licence of their own, which holds for them:", ""]
        lines += [f"- {words} (text: LICENSE.{name})" for name, (words, _) in copied.items()]
        lines += [""]
    return "\n".join(lines)


def _readme(
    title: str, description: str, about: Publication, words: str, properties: list[str], sources: list[Any],
    copied: dict[str, tuple[str, bytes]],
) -> str:  # fmt: skip
    who = "; ".join(creator.name for creator in about.creators)
    lines = [f"# {title}", "", description, ""]
    lines += [f"By {who}. " if who else "", f"Version {about.version}. Licence: {words}, see LICENSE.", ""]
    if copied:
        lines += ["Rows copied from published tables keep their licence: " + ", ".join(copied) + ".", ""]
    lines += ["| file | what |", "|---|---|"]
    lines += [f"| `{name}` | {holds} |" for name, holds in _HOLDS.items()]
    lines += [f"| `{CRATE}` | the same for machines (RO-Crate 1.1) |", f"| `{SUMS}` | `sha256sum -c {SUMS}` |", ""]
    lines += ["| property | unit | meaning |", "|---|---|---|"]
    lines += [f"| `{name}` | {PROPERTIES[name].unit} | {PROPERTIES[name].description} |" for name in properties]
    lines += [
        "",
        f"{len(sources)} sources: `sources.bib`, `sources.csl.json`. An empty cell is a value that was not stated.",
        "A cell that starts with `'` is text: the mark keeps a spreadsheet from running it as a formula.",
        "",
        "Read it back: `perospin data import FOLDER`.",
        "",
    ]
    return "\n".join(lines)


def _datapackage(
    title: str, description: str, about: Publication, date: str, sources: list[Any], licence: tuple[str, str, str],
    files: dict[str, bytes],
) -> dict[str, Any]:  # fmt: skip
    name, words, address = licence

    def resource(file: str, fields: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        content = files[file]
        return {
            "name": file.removesuffix(".csv"),
            "path": file,
            "profile": "tabular-data-resource",
            "description": _HOLDS[file],
            "format": "csv",
            "mediatype": "text/csv",
            "encoding": "utf-8",
            "bytes": len(content),
            "hash": f"sha256:{hashlib.sha256(content).hexdigest()}",
            "schema": {"fields": fields, "missingValues": [""], **more},
        }

    def text(column: str, words: str, kind: str = "string") -> dict[str, Any]:
        return {"name": column, "type": kind, "description": words}

    return {
        "profile": "tabular-data-package",
        "name": re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:80] or "perospin-records",
        **({"id": f"https://doi.org/{about.doi}"} if about.doi else {}),
        "title": title,
        "description": description,
        "version": about.version,
        "created": f"{date}T00:00:00Z",
        "keywords": list(about.keywords),
        "licenses": [{"name": name, "title": words, "path": address}],
        **(
            {"contributors": [{"title": creator.name, "role": "author"} for creator in about.creators]}
            if about.creators
            else {}
        ),
        "sources": [
            {"title": cited.source.label, **({"path": path} if (path := _address(cited.source)) else {})}
            for cited in sources
        ],
        "resources": [
            resource(
                RECORDS,
                record_fields(),
                foreignKeys=[{"fields": "property", "reference": {"resource": "properties", "fields": "property"}}],
            ),
            resource(
                "properties.csv",
                [text("property", "name"), text("unit", "canonical unit"), text("description", "meaning")],
                primaryKey="property",
            ),
            resource(
                "ions.csv",
                [
                    text("symbol", "abbreviation in the formulas"),
                    text("name", "chemical name"),
                    text("charge", "signed charge (e)", "integer"),
                    text("smiles", "SMILES; empty for a metal"),
                ],
            ),
        ],
    }


def _address(source: Any) -> str:
    return f"https://doi.org/{source.doi}" if source.doi else str(source.url)


@dataclass(frozen=True, slots=True)
class Package:
    """A published folder that was found whole: its table of records and the cations that are new to our library."""

    table: Path
    cations: dict[str, dict[str, str]]


def open_package(folder: Path | str, ions: IonLibrary | None = None) -> Package:
    """Check a published folder and say where its records are.

    Raises
    ------
    DataError
        If the folder isn't one, was interrupted or changed, or one of its abbreviations is another ion here.
    """
    where = Path(folder)
    shown = shorten(str(where))
    if not (where / PACKAGE).is_file():
        raise DataError(f"the folder '{shown}' holds no {PACKAGE}: give a table, or what `perospin data publish` wrote")
    if not (where / SUMS).is_file():
        raise DataError(
            f"the folder '{shown}' lacks {SUMS}, which is written last: it is incomplete, or another program's; give "
            "its table with --mapping, or publish it again"
        )
    for line in _read(where / SUMS).splitlines():
        sum_, _, name = line.partition("  ")
        if saving.name_fault(name) or not re.fullmatch(r"[0-9a-f]{64}", sum_):
            raise DataError(f"'{shown}/{SUMS}' has the line '{shorten(line)}'; each is a SHA-256 sum and a file name")
        if not (where / name).is_file():
            raise DataError(f"the folder '{shown}' lacks '{shorten(name)}', which its {SUMS} lists")
        if saving.sha256(where / name) != sum_:
            raise DataError(
                f"'{shown}/{shorten(name)}' was changed after it was published (its SHA-256 sum differs); import the "
                "file itself if you mean the change"
            )
    if not (where / RECORDS).is_file():
        raise DataError(f"the folder '{shown}' holds no {RECORDS}")
    return Package(where / RECORDS, _new_cations(where / "ions.csv", ions))


def _read(path: Path) -> str:
    try:
        return saving.read_text(path, "the file", _LARGEST)
    except RefusedFileError as error:
        raise DataError(str(error)) from error


def _new_cations(path: Path, ions: IonLibrary | None) -> dict[str, dict[str, str]]:
    from perospin.chemistry import IonLibrary

    library = IonLibrary.of(ions)
    new: dict[str, dict[str, str]] = {}
    for row in csv.DictReader(io.StringIO(_read(path))) if path.is_file() else ():
        symbol, smiles = (from_spreadsheet(row.get(name) or "") for name in ("symbol", "smiles"))
        if symbol in library:
            ours = library.get(symbol)
            if smiles and ours.smiles and not _same(smiles, ours.smiles):
                raise DataError(
                    f"'{shorten(symbol)}' in this package is {shorten(smiles)}, here it is {ours.name} "
                    f"({ours.smiles}): rename it in the package's formulas before you import them"
                )
        elif smiles and not (row.get("charge") or "").startswith("-"):
            new[symbol] = {"smiles": smiles, "name": from_spreadsheet(row.get("name") or symbol)}
    return new


def _same(one: str, other: str) -> bool:
    if one == other:
        return True
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(one)
    return molecule is not None and Chem.MolToSmiles(molecule) == Chem.CanonSmiles(other)
