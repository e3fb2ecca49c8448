"""The command line (typer and rich). No science here: each command calls one room and prints what it returns."""

from perospin.cli.main import main

__all__ = ["main"]
