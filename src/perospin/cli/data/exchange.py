"""``perospin data``: publish records, and say what an exchange can't carry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perospin.cli.data.options import (
    CarrierOption,
    EvidenceOption,
    HighOption,
    IonOption,
    LowOption,
    PropertyOption,
    SourceOption,
    StoreOption,
    TableOption,
    TechniqueOption,
    TheoryOption,
    UnknownOption,
    _ions,
    _select,
    app,
)
from perospin.cli.data.printing import _plural
from perospin.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from perospin.database import Record


@app.command()
def publish(
    material: Annotated[str | None, typer.Argument(help="Only this formula, or words of it.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write: new, empty, or published before.")] = Path(
        "published"
    ),
    title: Annotated[str, typer.Option("--title", help="Title of the data set.")] = "",
    creator: Annotated[
        list[str] | None, typer.Option("--creator", help="'Family, Given; ORCID'; may be given several times.")
    ] = None,
    licence: Annotated[str, typer.Option("--licence", help="CC-BY-4.0, CC0-1.0 or ODC-By-1.0.")] = "CC-BY-4.0",
    description: Annotated[str, typer.Option("--description", help="What the data are, in a few sentences.")] = "",
    property: PropertyOption = None,
    table: TableOption = None,
    technique: TechniqueOption = None,
    carrier: CarrierOption = None,
    evidence: EvidenceOption = None,
    source: SourceOption = None,
    min_temperature: LowOption = None,
    max_temperature: HighOption = None,
    unknown: UnknownOption = False,
    theory: TheoryOption = False,
    ion: IonOption = None,
    publisher: Annotated[str, typer.Option("--publisher", help="The repository.")] = "Zenodo",
    version: Annotated[str, typer.Option("--version", help="Of the data set.")] = "1.0.0",
    date: Annotated[str, typer.Option("--date", help="Day of publication, YYYY-MM-DD [today].")] = "",
    doi: Annotated[str, typer.Option("--doi", help="If the repository has reserved one.")] = "",
    store: StoreOption = None,
) -> None:
    """Write records as a folder fit for a repository: tables with their schema, sources, licence, checksums.

    Example: perospin data publish --property tau_spin --out published --creator "Curie, Marie"

    `perospin data import FOLDER` reads it back. The same records, words and date give the same bytes.
    """
    from perospin.database.exchange import LICENCES, Creator, Publication
    from perospin.database.exchange import publish as write

    about = Publication(
        title, description, version, tuple(Creator.read(text) for text in creator or ()), licence, date, doi, publisher
    )
    records = _select(
        property, material, table, technique, carrier, evidence, source, min_temperature, max_temperature,
        unknown, theory, store,
    )  # fmt: skip
    files = write(records, out, about, _ions(ion))
    typer.echo(f"published {_plural(len(records), 'record')} in {visible(str(out))}: {', '.join(files)}")
    typer.echo(f"licence {licence} ({LICENCES[licence][0]}); check: cd {visible(str(out))}; sha256sum -c SHA256SUMS")
    if about.missing:
        options = ", ".join({"creators": "--creator"}.get(name, f"--{name}") for name in about.missing)
        typer.echo(f"before you ask for a DOI, give {options}")
    tell_losses("package", records)


def tell_losses(key: str, records: Iterable[Record]) -> None:
    """Print what the other side can't say about these records."""
    from rich.console import Console

    from perospin.cli.paragraphs import show_rows
    from perospin.database.exchange import DIRECTIONS, losses

    found = losses(key, records)
    if not found:
        typer.echo("nothing is lost")
        return
    rows = [[loss.what, "-" if loss.n_records is None else str(loss.n_records), loss.why] for loss in found]
    show_rows(
        Console(highlight=False), ["lost", "records", "why"], rows, right=[1],
        title=f"What {DIRECTIONS[key].title} can't say",
    )  # fmt: skip


@app.command()
def lost(
    direction: Annotated[str, typer.Argument(help="csv, package, nomad, from-nomad ...; none: all of them.")] = "",
    property: PropertyOption = None,
    store: StoreOption = None,
) -> None:
    """Say what is lost in a direction of exchange, over your records and the curated ones.

    Example: perospin data lost nomad
    """
    from perospin.database.exchange import DIRECTIONS
    from perospin.errors import DataError
    from perospin.text import shorten

    if direction and direction not in DIRECTIONS:
        raise DataError(f"there is no direction '{shorten(direction)}'; use one of: {', '.join(DIRECTIONS)}")
    records = _select(property, None, None, None, None, None, None, None, None, True, True, store)
    for key in [direction] if direction else DIRECTIONS:
        if not direction:
            typer.echo(f"{key}:")
        tell_losses(key, records)


@app.command()
def structures(
    file: Annotated[Path, typer.Argument(help="OPTIMADE JSON Lines, or the JSON answer of a /structures query.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for one CIF a structure.")] = Path("structures"),
) -> None:
    """Write the crystals of an OPTIMADE file as CIF, to be described.

    Example: perospin data structures examples/optimade.jsonl --out structures
    """
    from perospin.database.exchange import write_crystals

    written, refused = write_crystals(file, out)
    for name, why in refused:
        typer.echo(f"not written: {visible(name)}: {why}", err=True)
    typer.echo(
        f"wrote {_plural(len(written), 'crystal')} to {visible(str(out))}; perospin describe {visible(str(out))}"
    )
    tell_losses("from-optimade", [])
    raise typer.Exit(2 if refused else 0)
