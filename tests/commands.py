"""Every command of `perospin`, by its path."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any

import typer.main

from perospin.cli.main import COMMANDS


def every_command(prepare: Callable[[Any, str], object]) -> dict[str, Any]:
    """All commands below those of `COMMANDS`, each group prepared as the entry point does: (group, its name)."""
    found: dict[str, Any] = {}
    for name, (module, _) in COMMANDS.items():
        command = typer.main.get_command(importlib.import_module(module).app)
        prepare(command, name)
        found.update(_below(command, name))
    return found


def _below(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    if hasattr(command, "commands"):
        for name, one in command.commands.items():
            yield from _below(one, f"{path} {name}")
    else:
        yield path, command
