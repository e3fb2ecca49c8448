"""Sentences on the terminal: an indent that every line keeps, no word and no DOI broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import typer

from perospin.progress import Progress, progress_line

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["announce", "announcing", "say"]


def announce(words: str) -> None:
    """Say on standard error which cation is computed now, and for how long about."""
    typer.echo(f"computing {words}; it is kept for later ...", err=True)


@contextmanager
def announcing(quiet: bool) -> Iterator[Callable[[str], None] | None]:
    """Give a callback that announces a cation and shows the time that has passed; None if `quiet`."""
    if quiet:
        yield None
        return
    with ExitStack() as stack:
        lines: list[Progress | None] = []

        def tell(words: str) -> None:
            announce(words)
            if not lines:
                lines.append(stack.enter_context(progress_line()))
            if lines[0] is not None:
                lines[0](f"computing {words.partition(' ')[0]}", 0, 0)

        yield tell


def say(console: Console, markup: str, indent: int = 2, hang: int = 0) -> None:
    """Print one paragraph, every line indented.

    Parameters
    ----------
    console
        Where to.
    markup
        Text with rich's markup; foreign text in it must be escaped.
    indent
        Blanks before each line.
    hang
        More blanks before all lines but the first.
    """
    from rich.text import Text

    text = Text.from_markup(markup)
    width = max(console.width - indent - hang, 20)
    first = True
    rest = text
    while True:
        room = width + (hang if first else 0)
        cut = _cut(rest.plain, room)
        line, rest = rest[:cut], rest[cut:]
        line.rstrip()
        console.print(Text(" " * (indent if first else indent + hang)) + line, soft_wrap=True)
        rest = rest[len(rest.plain) - len(rest.plain.lstrip()) :]
        first = False
        if not rest.plain:
            return


def _cut(text: str, room: int) -> int:
    """Length of the first line: up to the last blank that fits; a longer word is not broken."""
    if len(text) <= room:
        return len(text)
    at = text.rfind(" ", 0, room + 1)
    if at <= 0:
        at = text.find(" ", room)
    return len(text) if at < 0 else at
