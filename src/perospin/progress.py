"""The one progress line: what is done, how much of how much, for how long."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

QUIET = "PEROSPIN_QUIET"
"""Environment variable that hides all progress lines; ``--quiet`` sets it."""

Progress = Callable[[str, int, int], None]
"""Called as ``progress(what, done, in_all)`` while long work goes on; `in_all` is 0 where nobody knows it."""


class progress_line:
    """Context that turns `progress` into a callable: a line on the terminal, the user's own callable, or nothing.

    Parameters
    ----------
    progress : bool or callable
        True shows a line on standard error that vanishes at the end; a callable gets ``(what, done, in_all)``.
    """

    def __init__(self, progress: bool | Progress = True) -> None:
        self._progress = progress
        self._bar: Any = None

    def __enter__(self) -> Progress | None:
        if callable(self._progress):
            return self._progress
        if not self._progress or os.environ.get(QUIET):
            return None
        from rich.console import Console
        from rich.markup import escape
        from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar

        self._bar = Bar(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._bar.start()
        task = self._bar.add_task("", total=None)

        def tell(what: str, done: int, in_all: int) -> None:
            self._bar.update(task, description=escape(what), completed=done, total=in_all or None)

        return tell

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.stop()
