"""``perospin serve``: the service, and who may write through it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perospin.cli.data.options import StoreOption

app = typer.Typer(
    add_completion=False,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Serve records, predictions and campaigns to a group over HTTP.",
)
token = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Who may write: make, list and revoke tokens.",
)
app.add_typer(token, name="token")


@app.callback()
def run(
    context: typer.Context,
    store: StoreOption = None,
    campaigns: Annotated[Path | None, typer.Option(help="Folder whose campaigns are served by name.")] = None,
    host: Annotated[
        str, typer.Option(help="127.0.0.1 for this computer alone; 0.0.0.0 lets the network in, unencrypted.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where it listens.")] = 8600,
    workers: Annotated[int, typer.Option("--workers", min=1, max=64, help="Processes.")] = 1,
    read_needs_token: Annotated[bool, typer.Option("--read-needs-token", help="Reading needs a token too.")] = False,
    optimade: Annotated[
        str, typer.Option("--optimade", help="Serve OPTIMADE too; its address, ending in /optimade.", metavar="URL")
    ] = "",
    rate: Annotated[int, typer.Option("--rate", min=1, help="Questions a minute of one caller.")] = 6000,
) -> None:
    """Serve until Ctrl-C ends it.

    Example: perospin serve
    """
    if context.invoked_subcommand is not None:
        return
    from perospin.database.store import default_location
    from perospin.server.serving import LOOPBACK, Settings, check, serve

    settings = Settings(
        store=store or default_location(),
        campaigns="" if campaigns is None else str(campaigns),
        read_needs_token=read_needs_token,
        optimade_url=optimade,
        rate_per_minute=rate,
    )
    check(settings, host, port)
    typer.echo(f"perospin listens at http://{host}:{port} (what it offers: /openapi.json); Ctrl-C ends it")
    if host not in LOOPBACK:
        typer.echo(
            "everybody in this network can read, and nothing is encrypted: tokens can be overheard. Put a proxy with "
            "TLS before it"
        )
    serve(settings, host, port, workers)


@token.command("add")
def add_token(
    name: Annotated[str, typer.Argument(help="Its owner; what is written with it bears this name.")],
    scope: Annotated[
        list[str] | None, typer.Option("--scope", help="propose, review, campaign, compute or read; repeatable.")
    ] = None,
    store: StoreOption = None,
) -> None:
    """Make a token and print it, once: only its hash is kept.

    Example: perospin serve token add "Ada" --scope propose
    """
    from perospin.database import Store
    from perospin.server.tokens import add

    with Store.open(store) as opened:
        typer.echo(add(opened, name, scope or ["propose"]))


@token.command("list")
def list_tokens(store: StoreOption = None) -> None:
    """List who has a token and what it allows.

    Example: perospin serve token list
    """
    from perospin.database import Store
    from perospin.server.tokens import listed
    from perospin.text import visible

    with Store.open(store) as opened:
        found = listed(opened)
        for one in found:
            since = f"since {one.made_at[:10]}" + (f", revoked {one.revoked_at[:10]}" if one.revoked_at else "")
            typer.echo(f"{visible(one.name)}  {', '.join(one.scopes)}  {since}")
        if not found:
            typer.echo("nobody has a token; `perospin serve token add NAME` makes one")


@token.command("revoke")
def revoke_token(
    name: Annotated[str, typer.Argument(help="Owner of the token.")],
    store: StoreOption = None,
) -> None:
    """Let a token allow nothing from now on.

    Example: perospin serve token revoke "Ada"
    """
    from perospin.database import Store
    from perospin.server.tokens import revoke

    with Store.open(store) as opened:
        revoke(opened, name)
        typer.echo(f"the token of {name} allows nothing from now on")
