"""Long work in a process of its own: it shows progress, can be cancelled, and outlives a reload of the page.

A piece of work is a task's name and plain parameters. Both, with all else that decides its numbers (perospin's own
files, the libraries, the user's records), name its folder in the cache: equal questions share one folder, so they are
computed once. The process holds the folder while it runs.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perospin.errors import WriteError
from perospin.saving import digest, inner_folder, one_run, read_json, write_bytes, write_json

__all__ = ["Work", "of", "remove_old", "request_of", "start", "works_folder"]

_REQUEST, _PROGRESS, _END, _PROCESS = "request.json", "progress.json", "end.json", "process.json"
_STARTING_S = 30.0
_children: list[subprocess.Popen[bytes]] = []


def works_folder() -> Path:
    """Folder of all pieces of work: ``app`` in $PEROSPIN_CACHE, or in the platform's cache directory for users."""
    override = os.environ.get("PEROSPIN_CACHE")
    if override:
        return Path(override) / "app"
    import platformdirs

    return Path(platformdirs.user_cache_dir("perospin")) / "app"


@dataclass(frozen=True)
class Work:
    """One piece of work, known by its folder.

    Attributes
    ----------
    folder : Path
    """

    folder: Path

    @property
    def results(self) -> Path:
        """Folder that the task writes into."""
        return self.folder / "results"

    @property
    def state(self) -> str:
        """``"new"``, ``"running"``, ``"done"``, ``"failed"`` or ``"cancelled"``."""
        _reap()
        end = self._read(_END)
        if end is not None:
            return str(end["state"])
        process = self._read(_PROCESS)
        if process is None:
            return "new"
        if self._held() or (time.time() - float(process["started"]) < _STARTING_S and _alive(int(process["pid"]))):
            return "running"
        return "failed"

    @property
    def error(self) -> str:
        """Why it failed, in one sentence."""
        end = self._read(_END)
        return str(end["error"]) if end else "the process ended without a word, perhaps for lack of memory"

    @property
    def progress(self) -> tuple[str, int, int]:
        """What is being done, how much of it is done, and of how much (0: nobody knows)."""
        found = self._read(_PROGRESS)
        return (str(found["what"]), int(found["done"]), int(found["in_all"])) if found else ("starting", 0, 0)

    @property
    def seconds(self) -> float:
        """Time since the start."""
        process = self._read(_PROCESS)
        return time.time() - float(process["started"]) if process else 0.0

    def cancel(self) -> None:
        """End the process and keep what it has finished; asking again goes on where the task can."""
        process = self._read(_PROCESS)
        if process is None or self.state != "running":
            return
        try:
            os.kill(int(process["pid"]), signal.SIGTERM)
        except (OSError, ValueError):
            return
        end = time.monotonic() + 10.0
        while self._held() and time.monotonic() < end:
            time.sleep(0.05)
        if self._held():  # deep inside a library that doesn't listen
            with contextlib.suppress(OSError):
                os.killpg(int(process["pid"]), signal.SIGKILL)
        write_json(self.folder / _END, {"state": "cancelled", "error": "cancelled"})

    def forget(self) -> None:
        """Let the next `start` begin anew; what the task keeps for itself stays."""
        for name in (_END, _PROGRESS, _PROCESS):
            (self.folder / name).unlink(missing_ok=True)

    def _held(self) -> bool:
        if not self.folder.is_dir():
            return False
        try:
            with one_run(self.folder):
                return False
        except WriteError:
            return True

    def _read(self, name: str) -> Any:
        path = self.folder / name
        try:
            return json.loads(path.read_bytes())
        except (OSError, ValueError):
            return None


def of(task: str, parameters: Mapping[str, Any], files: Mapping[str, bytes] | None = None, store: str = "") -> Work:
    """Find the work of a question, started or not.

    Parameters
    ----------
    task : str
        A name of `perospin.jobs.tasks.TASKS`.
    parameters : mapping
        Plain values.
    files : mapping, optional
        Name to content of files that the task reads, uploaded ones for example.
    store : str
        Where the user's records lie, if not in the usual place.
    """
    from perospin.studies.provenance import package_sha256, versions
    from perospin.studies.running.cells import DECIDING

    key = digest(
        {
            "task": task,
            "parameters": dict(parameters),
            "files": {name: hashlib.sha256(content).hexdigest() for name, content in (files or {}).items()},
            "package": package_sha256(),
            "versions": versions(DECIDING),
            "records": _records(store),
        }
    )
    return Work(works_folder() / key[:32])


def _records(store: str) -> list[Any]:
    """Where the user's records lie and, of a file, when it was last written: studies may read them."""
    from perospin.database.engines import is_url
    from perospin.database.store import default_location

    where = store or default_location()
    if is_url(where):
        return [where]
    files = [Path(where), Path(f"{where}-wal")]
    return [where, *([path.stat().st_mtime_ns, path.stat().st_size] for path in files if path.is_file())]


def start(task: str, parameters: Mapping[str, Any], files: Mapping[str, bytes] | None = None, store: str = "") -> Work:
    """Start the work of a question, unless it runs or is done already; parameters as in `of`."""
    work = of(task, parameters, files, store)
    # two who ask at the same moment start it once
    with one_run(inner_folder(works_folder(), "starting"), patience_s=30.0):
        if work.state not in ("running", "done"):
            _begin(work, task, parameters, files, store)
    return work


def _begin(work: Work, task: str, parameters: Mapping[str, Any], files: Mapping[str, bytes] | None, store: str) -> None:
    from perospin.database.store import ENVIRONMENT_VARIABLE

    inner_folder(works_folder(), work.folder.name)
    work.forget()
    for place, content in enumerate((files or {}).values()):
        # by number: a name from outside is no path
        write_bytes(work.folder / f"file-{place}", content)
    write_json(work.folder / _REQUEST, {"task": task, "parameters": dict(parameters), "files": list(files or {})})
    process = subprocess.Popen(
        [sys.executable, "-m", "perospin.jobs.working", str(work.folder)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        env=os.environ | ({ENVIRONMENT_VARIABLE: store} if store else {}),
    )  # fmt: skip
    _children.append(process)
    write_json(work.folder / _PROCESS, {"pid": process.pid, "started": time.time()})
    remove_old()


def request_of(folder: Path) -> tuple[str, dict[str, Any], dict[str, Path]]:
    """Task, parameters and files of a piece of work, for the process that does it."""
    found = read_json((folder / _REQUEST).read_bytes(), _REQUEST)
    files = {str(name): folder / f"file-{place}" for place, name in enumerate(found["files"])}
    return str(found["task"]), dict(found["parameters"]), files


def remove_old(keep: int = 40) -> None:
    """Remove the folders of the longest unused works."""
    folders = sorted(
        (p for p in works_folder().glob("*") if p.is_dir() and p.name != "starting"), key=lambda p: -p.stat().st_mtime
    )
    for folder in folders[keep:]:
        if Work(folder).state != "running":
            shutil.rmtree(folder, ignore_errors=True)


def _reap() -> None:
    _children[:] = [child for child in _children if child.poll() is None]


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
