"""One part of a study in a process of its own, started by `perospin.studies.running.beside`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

__all__ = ["main"]

_TOLD_S = 0.2
"""Seconds between two lines of progress."""


def main() -> None:
    """Run one part as standard input says, and print progress; this is the child."""
    from threadpoolctl import threadpool_limits

    from perospin.studies.declaration.reading import parse_study
    from perospin.studies.part import run_part
    from perospin.studies.running.cells import Cells
    from perospin.studies.study import Study

    asked = json.loads(sys.stdin.read())
    header, parts, raw = parse_study(asked["raw"], where=f"the study '{asked['part']}'")
    name = asked["part"]
    study = Study(header.name, "", "", parts, name, raw, base=asked["base"])
    last = 0.0

    def tell(what: str, done: int, in_all: int) -> None:
        nonlocal last
        if time.monotonic() - last > _TOLD_S:
            last = time.monotonic()
            print(json.dumps([what, done, in_all]), flush=True)

    with threadpool_limits(1):
        run_part(name, study.parts[name], study.dataset(name), Cells(Path(asked["cells"])), tell, study.name)
