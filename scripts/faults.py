"""Break what can break while perospin writes: kills, full disk, read-only folders, eight writers, planted links.

Run as ``python scripts/faults.py``; prints a table (kind, tries, failures) and ends with 1 if anything failed. A
failure is a file that is neither the old nor the new one, a result lost or there twice, something left beside it, a
file written outside the folder, or a traceback.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "scripts")]
import shared_faults as shared  # noqa: E402

_LEFT = ".part-*"


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """Make a folder of its own, removed at the end."""
    with tempfile.TemporaryDirectory(prefix="perospin-faults-") as name:
        yield Path(name)


def _python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, *arguments]


def _perospin(*arguments: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    code = "from perospin.cli import main; main()"
    command = _python(code, *map(str, arguments))
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)  # type: ignore[call-overload]


_WRITER = """
import sys
from pathlib import Path
from perospin.saving import one_run, write_text
folder = Path(sys.argv[1])
print("ready", flush=True)
while True:
    with one_run(folder, patience_s=60.0):
        for number in range(20):
            for letter in "ab":
                write_text(folder / "value.txt", letter * 400_000)
"""


def kills(tries: int) -> tuple[int, int]:
    """Kill a writer at random moments; the file must be whole, and the next holder must find no parts."""
    from perospin.saving import one_run

    failures, draw = 0, random.Random(1)
    with folder() as here:
        for _ in range(tries):
            process = subprocess.Popen(_python(_WRITER, str(here)), stdout=subprocess.PIPE)
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(draw.uniform(0.0, 0.05))
            process.send_signal(signal.SIGKILL)
            process.wait()
            process.stdout.close()
            path = here / "value.txt"
            if path.exists() and path.read_text() not in ("a" * 400_000, "b" * 400_000):
                failures += 1
            with one_run(here, patience_s=5.0):  # the lock of a killed process is free
                failures += bool(list(here.glob(_LEFT)))
    return tries, failures


def killed_studies(tries: int) -> tuple[int, int]:
    """Kill a study again and again; it goes on where it stopped, with the scores of one that ran through."""
    import small_study
    from perospin.studies.result import StudyResult
    from perospin.studies.study import Study

    failures, draw = 0, random.Random(2)
    with folder() as here:
        file = small_study.write(here)
        Study.load(file).run(here / "whole", progress=False)
        expected = StudyResult.load(here / "whole")
        code = "import sys; from perospin.cli import main; print('ready', flush=True); main(sys.argv[1:])"
        command = _python(code, "study", "run", str(file), "--out", str(here / "out"), "--quiet")
        for _ in range(tries):
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(draw.uniform(1.0, 8.0))
            process.send_signal(signal.SIGKILL)
            process.wait()
            if (here / "out" / "result.json").is_file():
                with contextlib.suppress(Exception):
                    StudyResult.load(here / "out")
                    continue
                failures += 1
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        found = StudyResult.load(here / "out")
        for name, part in found.parts.items():
            pair = [p.scores.drop(columns="seconds").to_csv(index=False) for p in (part, expected.parts[name])]
            failures += pair[0] != pair[1]
        failures += done.returncode != 0
        failures += bool(list((here / "out").rglob(_LEFT)))
    return tries, failures


def _commands() -> dict[str, Callable[[Path], list[str | Path]]]:
    """Commands that write, each by the place it is given."""
    return {
        "data export csv": lambda out: ["data", "export", out / "records.csv"],
        "data export json": lambda out: ["data", "export", out / "records.json"],
        "data export parquet": lambda out: ["data", "export", out / "records.parquet"],
        "data export bib": lambda out: ["data", "export", out / "records.bib"],
        "describe": lambda out: ["describe", "(PEA)2PbI4", "--out", out / "described.csv"],
        "describe parquet": lambda out: ["describe", "(PEA)2PbI4", "--out", out / "described.parquet"],
    }


def _refused(done: subprocess.CompletedProcess[str]) -> bool:
    """One sentence, exit 2, no traceback."""
    lines = [line for line in done.stderr.strip().splitlines() if line.startswith("perospin:")]
    return done.returncode == 2 and len(lines) == 1 and len(lines[0]) <= 410 and "Traceback" not in done.stderr


def full_disk() -> tuple[int, int]:
    """Writers on a file system that fills up: the old file stays, nothing is left.

    The limit on the size of a file stands in for the disk where none can be mounted.
    """
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300)); "
        "from perospin.cli import main; main(sys.argv[1:])"
    )
    tries = failures = 0
    with folder() as here:
        out = here / "out"
        out.mkdir()
        environment = {**os.environ, "PEROSPIN_STATE": str(here / "state"), "PYTHONDONTWRITEBYTECODE": "1"}
        for words in _commands().values():
            command = words(out)
            target = Path(command[-1])
            target.write_text("old")
            done = subprocess.run(
                _python(code, *map(str, command)), capture_output=True, text=True, timeout=120, check=False,
                env=environment,
            )  # fmt: skip
            tries += 1
            failures += not (_refused(done) and target.read_text() == "old" and not list(out.glob(_LEFT)))
        with Path("/dev/full").open("w") as full:
            done = subprocess.run(
                [*_python("from perospin.cli import main; main()"), "study", "list"],
                stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
            )  # fmt: skip
        tries += 1
        failures += not _refused(done)
    return tries, failures


def read_only() -> tuple[int, int]:
    """Writers into folders that can't be written: a file in the way, no folder, and (unless root) no permission."""
    tries = failures = 0
    with folder() as here:
        file = here / "a_file"
        file.write_text("mine")
        locked = here / "locked"
        locked.mkdir()
        places = [file, here / "missing"]
        if os.geteuid() != 0:
            locked.chmod(0o555)
            places.append(locked)
        elif Path("/proc/sys/kernel").is_dir():
            places.append(Path("/proc/sys/kernel"))  # no one makes files there
        for words in _commands().values():
            for place in places:
                tries += 1
                failures += not (_refused(_perospin(*words(place))) and file.read_text() == "mine")
        locked.chmod(0o755)
        import small_study

        study = small_study.write(here)
        for place in places:
            if place != here / "missing":
                tries += 1
                failures += not _refused(_perospin("study", "run", study, "--out", place, "--quiet"))
    return tries, failures


_COUNTER = """
import sys
from pathlib import Path
from perospin.saving import one_run, write_text
folder, times = Path(sys.argv[1]), int(sys.argv[2])
for _ in range(times):
    with one_run(folder, patience_s=300.0):
        path = folder / "count.txt"
        count = int(path.read_text()) if path.exists() else 0
        write_text(path, str(count + 1))
"""


def writers(times: int) -> tuple[int, int]:
    """Eight processes count in one file: no step is lost, none is double; one study, eight runs: one result."""
    with folder() as here:
        crowd = [subprocess.Popen(_python(_COUNTER, str(here), str(times))) for _ in range(8)]
        failures = sum(process.wait() != 0 for process in crowd)
        failures += abs(int((here / "count.txt").read_text()) - 8 * times)
        failures += len([path for path in here.iterdir() if path.name != "count.txt"])
    return 8 * times, failures


def studies_at_once() -> tuple[int, int]:
    """Eight runs of one study into one folder: one holds it, the others are refused with a sentence."""
    import small_study
    from perospin.studies.result import StudyResult

    with folder() as here:
        study = small_study.write(here)
        code = "from perospin.cli import main; main()"
        command = _python(code, "study", "run", str(study), "--out", str(here / "out"), "--quiet")
        crowd = [
            subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for _ in range(8)
        ]
        said = [(process.communicate()[1], process.returncode) for process in crowd]
        right = [rc == 0 or (rc == 2 and "another run is writing" in words) for words, rc in said]
        failures = right.count(False) + (not any(rc == 0 for _, rc in said))
        StudyResult.load(here / "out")
        failures += bool(list((here / "out").rglob(_LEFT)))
    return 8, failures


def links() -> tuple[int, int]:
    """Links planted at every place that a result is written to: what they point at stays as it is."""
    import small_study
    from perospin.errors import PerospinError
    from perospin.fitting.result import Fit
    from perospin.saving import inner_folder, one_run
    from perospin.studies.result import StudyResult
    from perospin.studies.study import Study

    tries = failures = 0
    with folder() as here:
        victim = here / "victim"
        victim.mkdir()
        (victim / "file").write_text("mine")
        old = Fit.load(ROOT / "tests" / "fitting" / "data" / "fit_format_1.json")
        result = Study.load(small_study.write(here)).run(here / "out", progress=False)
        written = [path for path in (here / "out").rglob("*") if path.is_file() and "cells" not in path.parts]
        for path in written:
            path.unlink()
            path.symlink_to(victim / "file")
        result.save(here / "out")
        StudyResult.load(here / "out")
        tries += len(written)
        failures += (victim / "file").read_text() != "mine"
        for name in ("fit.json", "fit.json.part", ".part-fit.json"):
            place = here / name
            place.symlink_to(victim / "file")
            old.save(here / "fit.json")
            tries += 1
            failures += (victim / "file").read_text() != "mine"
        (here / "trap").mkdir()
        (here / "trap" / "tables").symlink_to(victim)
        for call in (
            lambda: inner_folder(here / "trap", "tables", "small"),
            lambda: inner_folder(here, "..", "evil"),
            lambda: result.save(here / "trap"),
        ):
            tries += 1
            try:
                call()
                failures += 1
            except PerospinError:
                failures += sorted(p.name for p in victim.iterdir()) != ["file"]
        (here / "linked").mkdir()
        (here / "linked" / ".perospin.lock").symlink_to(victim / "made")
        tries += 1
        try:
            with one_run(here / "linked"):
                failures += 1
        except PerospinError:
            failures += (victim / "made").exists()
    return tries, failures


def run(scale: float = 1.0) -> list[tuple[str, int, int]]:
    """Every kind of fault: name, tries, failures. `scale` below 1 makes fewer tries."""
    n = max(int(160 * scale), 2)
    m = max(int(40 * scale), 1)
    kinds: dict[str, Callable[[], tuple[int, int]]] = {
        "writer killed": lambda: kills(n),
        "study killed": lambda: killed_studies(m),
        "full disk": full_disk,
        "folder that can't be written": read_only,
        "eight writers, one file": lambda: writers(max(int(25 * scale), 2)),
        "eight runs, one folder": studies_at_once,
        "planted links": links,
        "store: writer killed": lambda: shared.stores_killed(m),
        "store: migration killed": lambda: shared.migrations_killed(m),
        "store: backup and restore killed": lambda: shared.backups_killed(max(m // 2, 1)),
        "PostgreSQL: writer killed": lambda: shared.postgresql_killed(m),
        "campaign: writer killed": lambda: shared.campaigns_killed(max(m // 2, 1)),
        "service killed": lambda: shared.services_killed(max(m // 2, 1)),
    }
    return [(name, *check()) for name, check in kinds.items()]


def main() -> int:
    """Print the table; also as JSON with ``--json FILE``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the tries to make")
    parser.add_argument("--json", type=Path, help="write the table to this file too")
    asked = parser.parse_args()
    rows = run(asked.scale)
    print(f"{'kind':<30} {'tries':>6} {'failures':>9}")
    for name, tries, failures in rows:
        print(f"{name:<30} {tries:>6} {failures:>9}")
    if asked.json is not None:
        from perospin.saving import write_json

        write_json(asked.json, [{"kind": k, "tries": t, "failures": f} for k, t, f in rows])
    return int(any(failures for _, _, failures in rows))


if __name__ == "__main__":
    sys.exit(main())
