"""``perospin mcp``: tools for an agent."""

from __future__ import annotations

import typer

from perospin.cli.data.options import StoreOption

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Tools for an agent (Model Context Protocol): they read and predict, nothing else.",
)


@app.command()
def run(store: StoreOption = None) -> None:
    """Answer an agent over standard input and output; it starts this command itself.

    Example: perospin mcp
    """
    from perospin.database import Store
    from perospin.server.mcp import serve

    with Store.open(store) as opened:
        serve(opened)
