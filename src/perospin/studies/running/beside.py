"""Parts of a study in processes of their own: they fill the cells that the run then reads.

A part's numbers don't depend on the other parts, so that they are the same however many processes there are. A child
that fails says nothing here: the run finds its cells missing, computes them, and tells what is wrong.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

__all__ = ["fill_cells"]

Progress = Callable[[str, int, int], None]
_START = "from perospin.studies.part_alone import main; main()"


def fill_cells(
    study: Mapping[str, Any], parts: Sequence[str], cells: Path, workers: int, progress: Progress | None = None
) -> None:
    """Run parts in child processes, `workers` at a time, each with one thread.

    Parameters
    ----------
    study : mapping
        ``raw`` and ``base`` of the study.
    parts : sequence of str
        Names of the parts.
    cells : path
        Folder of the cells.
    workers : int
        Processes at a time.
    progress : callable, optional
        Hears what the children tell.
    """
    children: list[subprocess.Popen[str]] = []
    environment = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

    def one(part: str) -> None:
        child = subprocess.Popen(
            (sys.executable, "-c", _START), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, env=environment,
        )  # fmt: skip
        children.append(child)
        assert child.stdin is not None
        assert child.stdout is not None
        with contextlib.suppress(BrokenPipeError):  # it has ended already
            child.stdin.write(json.dumps({**study, "part": part, "cells": str(cells)}))
            child.stdin.close()
        for line in child.stdout:
            if progress is not None:
                progress(*json.loads(line))
        child.wait()

    pool = ThreadPoolExecutor(workers)
    try:
        for done in [pool.submit(one, part) for part in parts]:
            done.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in children:
            child.kill()  # nothing happens to one that has ended
        pool.shutdown(wait=True)
