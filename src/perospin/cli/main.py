"""Entry point of ``perospin``: sub-commands are imported only when they run, errors become one sentence.

Exit codes: 0 done, 2 a mistake in what was asked or a disk, memory or file that does not allow it (one sentence on
standard error), 130 interrupted.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from perospin.cli.rarely import NoColorOption, QuietOption, rare_last, share
from perospin.errors import PerospinError, sentence

COMMANDS: dict[str, tuple[str, str]] = {
    "app": ("perospin.cli.start.app", "Start the web app in your browser."),
    "study": ("perospin.cli.study.run", "Run, list and show studies: data to validated model to report."),
    "predict": ("perospin.cli.predict", "Predict a property of materials, with interval, domain and reasons."),
    "screen": ("perospin.cli.screen", "Which materials of a space to make next."),
    "describe": ("perospin.cli.describe", "Describe formulas and crystal structures: one row a material."),
    "crystal": ("perospin.cli.crystal.commands", "Crystals that nobody has grown: build starts from a formula."),
    "fit": ("perospin.cli.fit.lifetimes", "Fit spin-dynamics measurements: files to lifetime, figure and record."),
    "attenuation": ("perospin.cli.attenuation", "X-ray attenuation of a formula: coefficients, thickness, K edges."),
    "detector": ("perospin.cli.detector", "X-ray detectors: a folder of measurements to one page."),
    "campaign": ("perospin.cli.campaign", "Ask which materials to make next, and tell what came of them."),
    "plate": ("perospin.cli.plate", "Spectra of a plate: numbers of each well, a page, results for a campaign."),
    "diffraction": ("perospin.cli.diffraction", "Layer spacing, layer number and orientation from (00l) peaks."),
    "mechanisms": ("perospin.cli.mechanisms", "Spin relaxation rate laws, and which one your data speak for."),
    "data": ("perospin.cli.data.change", "Look at, check, import and export measured values."),
    "cations": ("perospin.cli.cations", "Look at cations and compute their descriptors."),
    "serve": ("perospin.cli.start.serve", "Serve records, predictions and campaigns to a group over HTTP."),
    "mcp": ("perospin.cli.start.mcp", "Tools for an agent (Model Context Protocol): they read and predict."),
    "report": ("perospin.cli.start.report", "Run the shipped studies and write their reports, as make report does."),
    "doctor": ("perospin.cli.start.doctor", "Check the installation: versions, extras, cache, write rights, speed."),
}
"""Name of each sub-command: the module that holds its typer `app`, and its line in ``perospin --help``."""


_MOST_MISTAKES = 40


class LazyGroup(TyperGroup):
    """A group that knows its sub-commands by name and help text, and imports one only when it is run."""

    def make_context(self, *given: Any, **more: Any) -> Any:
        """Read the command line; a message about it is as short as any other."""
        with _shortened():
            return super().make_context(*given, **more)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        with _shortened():
            try:
                return super().invoke(ctx)
            except KeyboardInterrupt:
                _say("interrupted")
                raise typer.Exit(130) from None
            except BrokenPipeError:
                # The reader of our output (head, less) has gone; nothing is wrong.
                _let_go(sys.stdout)
                raise typer.Exit(0) from None

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
        share(loaded)
        rare_last(loaded, name)
        return name, loaded, rest


app = typer.Typer(
    cls=LazyGroup,
    add_completion=True,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Predict, measure and understand spin relaxation in halide perovskites, with honest error bars.",
)


def _version(value: bool) -> None:
    if value:
        from importlib.metadata import version

        typer.echo(f"perospin {version('perospin')}")
        raise typer.Exit


_GREETING = """\
perospin: from the formula of a halide perovskite to a spin lifetime with an honest error bar.

  perospin predict "(PEA)2PbI4"                    the lifetime of a material, with its interval
  perospin fit pump-probe SC.txt CC.txt            two traces to a lifetime
  perospin screen --spacers all --metal Pb --halide I --layers 1    what to make next

All commands: perospin --help. The app: perospin app. Something wrong: perospin doctor."""


@app.callback()
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    quiet: QuietOption = False,
    no_color: NoColorOption = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(_GREETING)


@contextlib.contextmanager
def _shortened() -> Iterator[None]:
    """Make the message of an error about the command line one that can be shown."""
    try:
        yield
    except Exception as error:
        if isinstance(getattr(error, "message", None), str):
            error.message = sentence(error.message)  # type: ignore[attr-defined]
        raise


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit; what goes wrong is printed as one sentence, without a traceback.

    Parameters
    ----------
    arguments : sequence of str, optional
        In place of ``sys.argv[1:]``.

    Raises
    ------
    SystemExit
        Always: 0 done, 2 a mistake in what was asked (or a full disk, too little memory), 130 interrupted.
    """
    for stream in (sys.stdout, sys.stderr):
        # a terminal that does not know a letter gets its number
        with contextlib.suppress(AttributeError, ValueError, OSError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        try:
            app(args=None if arguments is None else list(arguments), prog_name="perospin")
        finally:
            sys.stdout.flush()
    except PerospinError as error:
        _fail_with(error)
    except BrokenPipeError:
        _let_go(sys.stdout)
        sys.exit(0)
    except OSError as error:
        where = f" '{os.fsdecode(error.filename)}'" if isinstance(error.filename, str | bytes) else ""
        reason = (error.strerror or str(error) or type(error).__name__).strip()
        _let_go(sys.stdout)
        _fail(f"can't read or write{where or ' a file or the output'}: {reason[:1].lower()}{reason[1:]}")
    except MemoryError:
        _fail("there is not enough memory for this; give fewer rows, a smaller file or a coarser grid")
    except RecursionError:
        _fail("the input is nested deeper than anything that perospin reads; write it in fewer levels")
    except UnicodeEncodeError as error:
        _fail(f"{error.object[error.start]!r} is no letter that can be written; take it out of the name or the text")
    except KeyboardInterrupt:
        _say("interrupted")
        sys.exit(130)


def _say(text: str) -> None:
    """Print one sentence on standard error, if there still is one."""
    with contextlib.suppress(OSError, ValueError):
        print(f"perospin: {sentence(text)}", file=sys.stderr, flush=True)


def _fail(text: str) -> None:
    _say(text)
    sys.exit(2)


def _fail_with(error: PerospinError) -> None:
    """Print an error; one that names several mistakes as a list of all of them."""
    if not error.mistakes:
        _fail(str(error))
    where = str(error.args[0]).partition(error.mistakes[0])[0].rstrip(" ,:")
    _say(f"{where}: {len(error.mistakes)} mistakes")
    for mistake in error.mistakes[:_MOST_MISTAKES]:
        with contextlib.suppress(OSError, ValueError):
            print(f"  - {sentence(mistake)}", file=sys.stderr)
    if len(error.mistakes) > _MOST_MISTAKES:
        with contextlib.suppress(OSError, ValueError):
            print(f"  - and {len(error.mistakes) - _MOST_MISTAKES} more", file=sys.stderr)
    sys.exit(2)


def _let_go(stream: Any) -> None:
    """Lead what is still to be written to nowhere, so that Python's own end does not complain."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
