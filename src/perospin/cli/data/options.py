"""Options and choices that several commands of `perospin data` share."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from perospin.chemistry import IonLibrary
    from perospin.database import Record


app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Look at, check, import and export measured values: the curated tables and your own store.",
)


StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store", help="Your store: a file or a database URL (default: $PEROSPIN_STORE, else the user folder)."
    ),
]


JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a program instead of a table.")]


PropertyOption = Annotated[
    list[str] | None, typer.Option("--property", "-p", help="Only this property; may be given several times.")
]


MaterialOption = Annotated[str | None, typer.Option("--material", "-m", help="Only this formula, or words of it.")]


TableOption = Annotated[str | None, typer.Option("--table", "-t", help="Only this curated table, or 'user'.")]


TechniqueOption = Annotated[str | None, typer.Option("--technique", help="Technique contains this.")]


CarrierOption = Annotated[str | None, typer.Option("--carrier", help="electron, hole, exciton or unspecified.")]


EvidenceOption = Annotated[str | None, typer.Option("--evidence", help="primary or secondary.")]


SourceOption = Annotated[str | None, typer.Option("--source", help="DOI, first author or URL contains this.")]


LowOption = Annotated[float | None, typer.Option("--min-temperature", help="Not colder than this, in K.")]


HighOption = Annotated[float | None, typer.Option("--max-temperature", help="Not warmer than this, in K.")]


UnknownOption = Annotated[bool, typer.Option("--unknown", help="Also materials of unknown composition.")]


TheoryOption = Annotated[bool, typer.Option("--theory", help="Also computed values.")]


MappingOption = Annotated[Path | None, typer.Option("--mapping", help="TOML file: which column is which field.")]


AllowUnknownOption = Annotated[
    bool, typer.Option("--allow-unknown", help="Keep materials that are no formula as text, marked.")
]


SkipKnownOption = Annotated[bool, typer.Option("--skip-known", help="Pass over records that are in the store.")]


ByOption = Annotated[str | None, typer.Option("--by", help="Who you are (default: $PEROSPIN_USER, else the login).")]


WhyOption = Annotated[str, typer.Option("--why", help="Reason, kept in the log.")]


IonOption = Annotated[
    list[str] | None, typer.Option("--ion", help="A cation of your own, NAME=SMILES; may be given several times.")
]


def _select(
    property: list[str] | None,
    material: str | None,
    table: str | None,
    technique: str | None,
    carrier: str | None,
    evidence: str | None,
    source: str | None,
    min_temperature: float | None,
    max_temperature: float | None,
    unknown: bool,
    theory: bool,
    store: str | None,
) -> list[Record]:
    from perospin.database import select_records

    return select_records(
        property,
        material,
        table=table,
        technique=technique,
        carrier=carrier,
        evidence=evidence,
        source=source,
        temperature_k=(min_temperature, max_temperature),
        include_unknown=unknown,
        include_theory=theory,
        store=store,
    )


def _ions(definitions: list[str] | None, names: str | None = None) -> IonLibrary | None:
    """Make the library with the user's own cations, and the names of a published list if one is given."""
    from perospin.chemistry import IonLibrary

    return IonLibrary.of(definitions).with_names(names) if definitions or names else None


def _kind(names: Iterable[str]) -> str:
    """Write family and layer number of a formula."""
    from perospin.chemistry import Perovskite
    from perospin.errors import FormulaError

    try:
        material = Perovskite.parse(next(iter(names)))
    except FormulaError:
        return ""
    family = "" if material.family == "other" else f"  {material.family}"
    return f"{family}, n = {material.n_layers}" if material.n_layers else family


def _similar(material: str) -> str:
    """Materials with a similar name, as a hint."""
    from perospin.database import curated_records
    from perospin.similar import similar_names

    names = {record.formula or record.material for record in curated_records()}
    close = similar_names(material, names, most=3, cutoff=0.7)
    return f"; there is something about {', '.join(close)}" if close else "; `perospin data list --all` lists all"
