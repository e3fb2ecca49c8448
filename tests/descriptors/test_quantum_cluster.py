"""A real Dask cluster on this machine: one scheduler, two workers, kills and interrupts.

Slow; needs the extra `cluster`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest

from perospin.descriptors.quantum import Request, ResultCache, compute_all
from perospin.errors import QuantumError

pytest.importorskip("distributed", reason="needs the extra 'cluster'")

from perospin.descriptors.quantum.cluster import dask_executor

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks ps for child processes"),
]

SMALL = ["[NH4+]", "C[NH3+]", "O[NH3+]", "NC=[NH2+]"]


def _dask(folder: Path, name: str, *arguments: str) -> subprocess.Popen[bytes]:
    # a dead worker's molecule is given out again once
    environment = dict(os.environ, OMP_NUM_THREADS="1", DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="1")
    log = (folder / f"{name}.log").open("wb")
    command = [sys.executable, "-m", "dask", *arguments, "--scheduler-file", str(folder / "scheduler.json")]
    return subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True, cwd=folder)


def _wait_for(condition: Callable[[], object], what: str, seconds: float = 500) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.1)


def _children(pid: int, part: str) -> list[int]:
    """Processes below `pid` whose command line holds `part`."""
    listed = subprocess.run(["ps", "-ww", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(maxsplit=2) for line in listed.splitlines()]
    below = {pid}
    for _ in range(4):
        below |= {int(row[0]) for row in rows if int(row[1]) in below}
    return [int(row[0]) for row in rows if int(row[0]) in below and len(row) > 2 and part in row[2]]


@pytest.fixture
def cluster(tmp_path, monkeypatch) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Scheduler file and the two worker processes."""
    monkeypatch.setenv("PEROSPIN_CACHE", str(tmp_path / "cache"))
    started = [_dask(tmp_path, "scheduler", "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")]
    try:
        _wait_for((tmp_path / "scheduler.json").is_file, "the scheduler")
        options = ("worker", "--nthreads", "1", "--no-dashboard", "--name")
        started += [_dask(tmp_path, name, *options, name) for name in ("a", "b")]
        file = str(tmp_path / "scheduler.json")

        from distributed import Client

        with Client(scheduler_file=file, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=120)
        yield file, started[1:]
    finally:
        for process in started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _worker_process(nanny: subprocess.Popen[bytes]) -> list[int]:
    return [pid for pid in _children(nanny.pid, "multiprocessing.spawn") if pid != nanny.pid]


def _busy(workers: list[subprocess.Popen[bytes]]) -> list[tuple[subprocess.Popen[bytes], int]]:
    """Workers that compute a molecule, with the process that does."""
    return [(w, pid) for w in workers for pid in _children(w.pid, "perospin.descriptors.quantum.worker")]


def test_two_workers_give_the_numbers_that_this_process_gives(cluster, tmp_path):
    file, _ = cluster
    requests = [Request.ion(s, "fast") for s in SMALL]
    with dask_executor(file) as executor:
        there = compute_all(requests, executor=executor)
        assert compute_all(requests, executor=executor).n_computed == 0  # from the cache of this process
    assert there.failures == {}
    here = compute_all(requests, workers=2, cache=ResultCache(tmp_path / "other"))
    for request in requests:
        assert there.answers[request]["values"] == pytest.approx(here.answers[request]["values"], rel=1e-5, abs=1e-5)


def test_a_killed_workers_molecule_is_done_again_by_another(cluster):
    file, workers = cluster
    requests = [Request.ion("C[NH3+]", "published"), Request.ion("[NH4+]", "fast")]
    killed: list[int] = []

    def kill() -> None:
        _wait_for(lambda: _busy(workers), "a molecule in progress")
        worker, child = _busy(workers)[0]
        os.killpg(worker.pid, signal.SIGKILL)  # nanny, worker: the node is gone
        killed.append(child)

    with dask_executor(file) as executor:
        killer = Thread(target=kill)
        killer.start()
        batch = compute_all(requests, executor=executor)
        killer.join()
    assert killed
    assert batch.failures == {}
    assert set(batch.answers) == set(requests)


def test_a_molecule_that_kills_its_worker_twice_is_reported_and_the_rest_is_done(cluster):
    file, workers = cluster
    poison = Request.ion("CCCCCCCCCC[NH3+]", "published")
    others = [Request.ion(s, "fast") for s in SMALL[:2]]
    kills = 0

    def kill() -> None:
        nonlocal kills
        while kills < 2:
            _wait_for(lambda: len(ResultCache().files()) == 2 and _busy(workers), "the long molecule alone")
            nanny, child = _busy(workers)[0]
            time.sleep(0.5)
            for pid in _worker_process(nanny):
                os.kill(pid, signal.SIGKILL)  # the nanny starts another worker
            kills += 1
            _wait_for(lambda child=child: child not in [pid for _, pid in _busy(workers)], "the child's end")

    with dask_executor(file) as executor:
        killer = Thread(target=kill)
        killer.start()
        batch = compute_all([poison, *others], executor=executor)
        killer.join()
    assert set(batch.answers) == set(others)
    assert "the worker died each time" in batch.failures[poison]


def _interrupt_and_go_on(folder: Path, *options: str) -> None:
    """Ctrl-C on a run after its second result; the same command again ends it and makes nothing twice."""
    listed, out = folder / "cations.txt", folder / "out.csv"
    listed.write_text("\n".join([*SMALL, "N[NH3+]"]))
    # a background shell starts its children with SIGINT ignored: take Python's usual handler back
    script = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    script += "; from perospin.cli import main; main()"
    command = [
        *(sys.executable, "-c", script, "cations", "compute", str(listed), "--level", "fast", "--no-shipped"),
        *("--out", str(out), *options),
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as run:
        try:
            _wait_for(lambda: len(ResultCache().files()) >= 2 or run.poll() is not None, "two results")
            run.send_signal(signal.SIGINT)
            _, said = run.communicate(timeout=120)
        finally:
            run.kill()
    assert run.returncode == 130
    assert "the same command goes on from there" in said
    assert not out.exists()
    kept = {path: path.stat().st_mtime_ns for path in ResultCache().files()}
    assert 2 <= len(kept) < 5
    assert ResultCache().verify() == []
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert len(ResultCache().files()) == 5
    assert {path: path.stat().st_mtime_ns for path in kept} == kept  # none was made again
    assert out.read_text().count(",ok,") == 5


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path, monkeypatch):
    monkeypatch.setenv("PEROSPIN_CACHE", str(tmp_path / "cache"))
    _interrupt_and_go_on(tmp_path, "--workers", "2")


def test_an_interrupted_run_on_a_cluster_goes_on_where_it_stopped(cluster, tmp_path):
    _interrupt_and_go_on(tmp_path, "--scheduler", cluster[0])


def test_an_address_without_a_scheduler_is_one_sentence():
    with (
        pytest.raises(QuantumError, match="no Dask scheduler answers"),
        dask_executor("tcp://127.0.0.1:9"),
    ):
        pass
