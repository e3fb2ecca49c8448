"""Entry point of ``perospin``: sub-commands are imported only when they run, errors become one sentence.

Exit codes: 0 done, 2 a mistake in what was asked (one sentence on standard error), 130 interrupted.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from perospin.errors import PerospinError

COMMANDS: dict[str, tuple[str, str]] = {
    "study": ("perospin.cli.study.run", "Run, list and show studies: data to validated model to report."),
    "predict": ("perospin.cli.predict", "Predict a property of materials, with interval, domain and reasons."),
    "describe": ("perospin.cli.describe", "Describe formulas and crystal structures: one row a material."),
    "fit": ("perospin.cli.fit.lifetimes", "Fit spin-dynamics measurements: files to lifetime, figure and record."),
    "mechanisms": ("perospin.cli.mechanisms", "Spin relaxation rate laws, and which one your data speak for."),
    "data": ("perospin.cli.data.change", "Look at, check, import and export measured values."),
    "cations": ("perospin.cli.cations", "Look at cations and compute their descriptors."),
}
"""Name of each sub-command: the module that holds its typer `app`, and its line in ``perospin --help``."""


class LazyGroup(TyperGroup):
    """A group that knows its sub-commands by name and help text, and imports one only when it is run."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of all sub-commands, in the order of `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a stand-in with the help text only: enough for the list of commands and for completion."""
        if cmd_name not in COMMANDS:
            return None
        return TyperCommand(cmd_name, help=COMMANDS[cmd_name][1])

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Import the module of the command that was asked for."""
        self.commands = dict.fromkeys(COMMANDS)  # type: ignore[assignment]  # names for "did you mean"
        name, command, rest = super().resolve_command(ctx, args)
        if name is None or command is None:
            return name, command, rest
        module = importlib.import_module(COMMANDS[name][0])
        loaded = typer.main.get_command(module.app)
        loaded.name = name
        return name, loaded, rest


app = typer.Typer(
    cls=LazyGroup,
    add_completion=True,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Predict, measure and understand spin relaxation in halide perovskites, with honest error bars.",
)


def _version(value: bool) -> None:
    if value:
        from importlib.metadata import version

        typer.echo(f"perospin {version('perospin')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit; a `PerospinError` is printed as one sentence, without a traceback.

    Parameters
    ----------
    arguments : sequence of str, optional
        In place of ``sys.argv[1:]``.

    Raises
    ------
    SystemExit
        Always: 0 done, 2 a mistake in what was asked, 130 interrupted.
    """
    try:
        app(args=None if arguments is None else list(arguments), prog_name="perospin")
    except PerospinError as error:
        print(f"perospin: {error}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        # The reader of our output (head, less) has gone; nothing is wrong.
        sys.stderr.close()
        sys.exit(0)
