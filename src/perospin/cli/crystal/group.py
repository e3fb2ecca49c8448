"""The group ``perospin crystal``; its commands register here."""

from __future__ import annotations

import typer

__all__ = ["app"]

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Crystals that nobody has grown: build starts, relax them.",
)


@app.callback()
def _group() -> None:
    """Crystals that nobody has grown: build starts, relax them."""
