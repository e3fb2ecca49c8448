"""``perospin app``: the web app."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Start the web app in your browser.",
)


@app.command()
def run(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where it listens.")] = 8501,
    address: Annotated[
        str, typer.Option(help="127.0.0.1 for this computer alone; 0.0.0.0 lets the network in, without a password.")
    ] = "127.0.0.1",
    folder: Annotated[
        Path, typer.Option(help="Folder whose campaigns and results of studies the app shows; new ones are made in it.")
    ] = Path(),
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Don't open a browser.")] = False,
) -> None:
    """Start the web app and open it in a browser; Ctrl-C ends it.

    Example: perospin app
    """
    from perospin.app.launching import launch

    launch(address, port, not no_browser, folder)
