"""Cations that a user names with ``--ion``, and whose abbreviations ``--names`` means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from perospin.chemistry import IonLibrary

__all__ = ["NamesOption", "library_with"]

NamesOption = Annotated[
    str | None,
    typer.Option(
        "--names",
        help="Whose abbreviations: nomad (the Perovskite Database) or perospin; see `perospin cations names`.",
    ),
]


def library_with(ions: Sequence[str] | None, names: str | None = None) -> IonLibrary:
    """Ion library with the cations of ``--ion``; one that the library knows by another name is told."""
    from perospin.chemistry import IonLibrary

    library = IonLibrary.of(list(ions) if ions else None)
    for text in ions or ():
        name = text.partition("=")[0].strip()
        ion = library.get(name)
        if ion.symbol != name:
            typer.echo(f"{name} = {ion.symbol} ({ion.name}, known)", err=True)
    return library if names is None else library.with_names(names)
