"""Sentences on the terminal: an indent that every line keeps, no word and no DOI broken."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from perospin.progress import Progress, progress_line

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["JsonOption", "announce", "announcing", "print_json", "say", "show_rows"]

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of words.")]


def print_json(value: Any) -> None:
    """Print a result for programs; NaN and infinity become null."""
    import json

    from perospin.saving import plain

    typer.echo(json.dumps(plain(value), indent=1, ensure_ascii=False))


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


_WORDS = (26, 20, 16)
"""Letters to which a word may be broken in a narrow column, from the best; a DOI never is."""


def show_rows(
    console: Console,
    names: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    whole: Container[int] = (),
    right: Container[int] = (),
    title: str = "",
    once: bool = False,
) -> None:
    """Print a table in which no DOI is cut; where the terminal is too narrow for that, each row is a paragraph.

    Parameters
    ----------
    console
        Where to.
    names, rows
        Headings and cells, plain text.
    whole
        Positions of the columns whose cells stay on one line.
    right
        Positions of the columns that end at one edge: figures.
    title
        Above.
    once
        Whether the table leaves out what the first cell repeats from the row above.
    """
    from rich.markup import escape
    from rich.table import Table

    count = len(names)
    widest = [max(map(len, (names[i], *(row[i] for row in rows)))) for i in range(count)]
    room = console.width - 2 * (count - 1)
    for most in _WORDS:
        least = [
            widest[i] if i in whole else _longest((names[i], *(row[i] for row in rows)), most) for i in range(count)
        ]
        if sum(least) <= room:
            break
    if sum(least) > room:
        if title:
            console.print(f"[bold cyan]{escape(title)}[/bold cyan]")
        for row in (names, *rows):
            text = escape("  ".join(cell for cell in row if cell))
            say(console, f"[bold]{text}[/bold]" if row is names else text, indent=0, hang=4)
        return
    # what is left goes where cells would be folded, one letter at a time to the column that lacks most
    widths = list(least)
    for _ in range(min(room, sum(widest)) - sum(least)):
        widths[max(range(count), key=lambda i: widest[i] - widths[i])] += 1
    table = Table(
        box=None, pad_edge=False, header_style="bold", title=escape(title) or None, title_justify="left",
        title_style="bold cyan",
    )  # fmt: skip
    for i, name in enumerate(names):
        justify: Literal["left", "right"] = "right" if i in right else "left"
        table.add_column(escape(name), justify=justify, width=widths[i], overflow="fold")
    before = None
    for row in rows:
        first = "" if once and row[0] == before else row[0]
        before = row[0]
        table.add_row(*map(escape, (first, *row[1:])))
    console.print(table)


def _longest(cells: Iterable[str], most: int) -> int:
    """Letters of the longest word, of one that is no DOI at most `most`."""
    words = (word for cell in cells for word in cell.split())
    return max((len(word) if word.startswith("10.") else min(len(word), most) for word in words), default=0)


def _cut(text: str, room: int) -> int:
    """Length of the first line: up to the last blank that fits; a longer word is not broken."""
    if len(text) <= room:
        return len(text)
    at = text.rfind(" ", 0, room + 1)
    if at <= 0:
        at = text.find(" ", room)
    return len(text) if at < 0 else at
