"""The process that does one piece of work: ``python -m perospin.jobs.working FOLDER``."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from types import FrameType

from perospin.errors import PerospinError
from perospin.jobs.tasks import TASKS
from perospin.jobs.work import request_of
from perospin.saving import make_folder, one_run, write_json

_LEAST_S = 0.2


def main(folder: Path) -> None:
    """Do the work of a folder; how it ended stands in its ``end.json``."""
    # the interruption unwinds the stack, so that whatever a task holds is let go
    signal.signal(signal.SIGTERM, _stop)
    last = 0.0

    def tell(what: str, done: int, in_all: int) -> None:
        nonlocal last
        if time.monotonic() - last > _LEAST_S or done == in_all:
            last = time.monotonic()
            write_json(folder / "progress.json", {"what": what, "done": done, "in_all": in_all})

    with one_run(folder, patience_s=5.0):
        try:
            task, parameters, files = request_of(folder)
            TASKS[task](parameters, files, make_folder(folder / "results"), tell)
        except PerospinError as error:
            end = {"state": "failed", "error": str(error)}
        except KeyboardInterrupt:
            end = {"state": "cancelled", "error": "cancelled"}
        except MemoryError:
            end = {"state": "failed", "error": "there is not enough memory for this; ask for less at once"}
        except OSError as error:
            end = {"state": "failed", "error": f"can't read or write a file: {error.strerror or error}"}
        else:
            end = {"state": "done", "error": ""}
        write_json(folder / "end.json", end)


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main(Path(sys.argv[1]))
