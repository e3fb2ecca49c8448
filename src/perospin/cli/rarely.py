"""Options that most never need, which ``--help`` lists last in a panel of their own; and those of all commands."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer

from perospin.progress import QUIET

PANEL = "Rarely needed"


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


RARE: dict[str, frozenset[str]] = {
    "": _names(
        "--block --composition --dataset --decimal --delimiter --estimated --no-shipped --nuts --pattern --robust "
        "--scheduler --seed --skip-lines --start --workers"
    ),
    "study run": _names("--quiet"),
    "study compare": _names("--part-b"),
    "study save-model": _names("--quiet"),
    "study conditions": _names("--quiet"),
    "predict": _names("--part --model --json"),
    "screen": _names("--part --diverse"),
    "describe": _names("--sources --store --compute --level"),
    "fit pump-probe": _names("--population-components --population-lifetime-ps --wavelength-nm"),
    "fit map": _names(
        "--population-components --before-ps --chirp-coefficients --spectral-unit --delay-file --wavelength-file"
    ),
    "fit kerr": _names("--envelope --start-ps --joint"),
    "fit hanle": _names(
        "--width-um --sheet-conductance-ms --contacts --contact-resistance-ohm --difference --magnitude"
    ),
    "fit cd": _names("--scatter --baseline"),
    "attenuation": _names("--cell-volume --formula-units"),
    "campaign new": _names("--acquisition --cost --stop-below"),
    "campaign suggest": _names("--acquisition"),
    "mechanisms integral": _names("--scattering-exponent"),
    "mechanisms infer": _names("--candidate --max-mechanisms --celsius"),
    "data list": _names("--unknown --theory --store --evidence"),
    "data show": _names("--store"),
    "data sources": _names("--unknown --theory"),
    "data check": _names("--allow-unknown"),
    "data import": _names("--allow-unknown --skip-known --store"),
    "data export": _names("--unknown --theory --store --evidence"),
    "data add": _names("--place --allow-unknown --theory --evidence --store"),
    "data remove": _names("--store"),
    "cations compute": _names("--extra --smiles-column --name-column"),
}
"""Command (``""`` for all) -> its options that most never need."""


def quiet(value: bool) -> None:
    """Show no progress from now on, if the option was given."""
    if value:
        os.environ[QUIET] = "1"


def no_color(value: bool) -> None:
    """Print without colours from now on, if the option was given; the variable is known to all terminal programs."""
    if value:
        os.environ["NO_COLOR"] = "1"


QuietOption = Annotated[
    bool, typer.Option("--quiet", callback=quiet, help="Show no progress.", show_default=False, rich_help_panel=PANEL)
]
NoColorOption = Annotated[
    bool,
    typer.Option(
        "--no-color", callback=no_color, help="Print without colours, as NO_COLOR=1 does.", show_default=False,
        rich_help_panel=PANEL,
    ),
]  # fmt: skip


def shared_options() -> list[Any]:
    """Give the options that every command has."""
    model = typer.Typer(add_completion=False)

    @model.command()
    def all_have(quiet: QuietOption = False, no_color: NoColorOption = False) -> None: ...

    found = [option for option in typer.main.get_command(model).params if option.name != "help"]
    for option in found:
        option.expose_value = False
    return found


def share(command: Any) -> None:
    """Give the shared options to every command below this one that has none of their name."""
    if hasattr(command, "commands"):
        for below in command.commands.values():
            share(below)
        return
    known = {name for option in command.params for name in option.opts}
    command.params += [option for option in shared_options() if not known.intersection(option.opts)]


def rare_last(command: Any, path: str) -> None:
    """Move the options that are rarely needed behind all others, in every command below this one."""
    for name, below in getattr(command, "commands", {}).items():
        rare_last(below, f"{path} {name}")
    rare = RARE[""] | RARE.get(path, _names(""))
    for option in command.params:
        if rare.intersection(option.opts):
            option.rich_help_panel = PANEL
    command.params.sort(key=lambda option: getattr(option, "rich_help_panel", None) == PANEL)
