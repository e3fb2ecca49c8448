"""The engine's book-keeping, with a stand-in for the child process that answers at once, fails or dies as told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from perospin.descriptors.quantum import Request, ResultCache, compute_all, compute_ion, engine, program_versions
from perospin.errors import QuantumError

CHILD = """
import json, os, sys, time
request = json.load(sys.stdin)
open(os.path.join({log!r}, request["smiles"] + f" {{os.getpid()}}"), "w").close()
kind = {kinds!r}.get(request["smiles"], "answer")
if kind == "fail":
    print(json.dumps({{"error": "the self-consistent field did not converge"}})); sys.exit()
if kind == "crash":
    sys.exit("Segmentation something")
if kind == "killed" or kind == "killed once" and not os.path.exists({mark!r}):
    open({mark!r}, "w").close()
    os.kill(os.getpid(), 9)
if kind == "hang":
    time.sleep(600)
print(json.dumps({{
    "values": {{"homo_ev": -float(len(request["smiles"]))}}, "symbols": ["N"], "positions_a": [[0, 0, 0]],
    "conformer": {{"rule": "", "n_found": 1, "above_lowest_gfn2_ev": 0.0}}, "seconds": 0.1,
    "versions": {{"rdkit": "0"}} if kind == "other versions" else {versions!r},
}}))
"""


@pytest.fixture
def child(tmp_path, monkeypatch):
    """Install the stand-in; give a function that says what each SMILES does, and one that counts its starts."""
    monkeypatch.setenv("PEROSPIN_CACHE", str(tmp_path / "cache"))
    log = tmp_path / "log"
    log.mkdir()

    def behave(**kinds: str) -> None:
        names = {"ammonium": "[NH4+]", "methyl": "C[NH3+]", "ethyl": "CC[NH3+]", "propyl": "CCC[NH3+]"}
        script = CHILD.format(
            log=str(log),
            kinds={names[k]: v for k, v in kinds.items()},
            mark=str(tmp_path / "mark"),
            versions=dict(program_versions()),
        )
        monkeypatch.setattr(engine, "_WORKER", (sys.executable, "-S", "-c", script))

    def starts(smiles: str) -> list[int]:
        return [int(path.name.split()[1]) for path in log.iterdir() if path.name.split()[0] == smiles]

    behave()
    return behave, starts


SMILES = ("[NH4+]", "C[NH3+]", "CC[NH3+]", "CCC[NH3+]")
REQUESTS = [Request.ion(s, "fast") for s in SMILES]


def _gone(pid: int) -> bool:
    """Whether a process ends within ten seconds."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def test_each_molecule_is_computed_once_and_then_fetched(child):
    _, starts = child
    heard = []
    first = compute_all([*REQUESTS, *REQUESTS], workers=2, on_result=lambda r, reason: heard.append((r, reason)))
    assert first.n_computed == 4
    assert sorted(r.smiles for r, reason in heard if not reason) == sorted(SMILES)
    again = compute_all(REQUESTS)
    assert again.n_computed == 0
    assert {r.smiles: a["values"] for r, a in again.answers.items()} == {s: {"homo_ev": -float(len(s))} for s in SMILES}
    assert [len(starts(s)) for s in SMILES] == [1, 1, 1, 1]


def test_a_failure_is_reported_with_its_reason_and_does_not_stop_the_rest(child):
    behave, starts = child
    behave(methyl="fail", ethyl="crash")
    batch = compute_all(REQUESTS, workers=2)
    assert sorted(r.smiles for r in batch.answers) == ["CCC[NH3+]", "[NH4+]"]
    reasons = {r.smiles: reason for r, reason in batch.failures.items()}
    assert reasons["C[NH3+]"] == "'C[NH3+]' at level fast: the self-consistent field did not converge"
    assert reasons["CC[NH3+]"].endswith("died (exit 1): Segmentation something")
    assert len(starts("C[NH3+]")) == len(starts("CC[NH3+]")) == 1  # it would fail again
    behave()
    assert compute_all(REQUESTS).n_computed == 2  # failures are not kept: the next run tries them again


def test_a_killed_molecule_is_done_again_once(child):
    behave, starts = child
    behave(methyl="killed once")
    assert compute_ion("C[NH3+]", "fast")["values"] == {"homo_ev": -7.0}
    assert len(starts("C[NH3+]")) == 2


def test_a_molecule_killed_twice_is_reported(child):
    behave, starts = child
    behave(methyl="killed")
    with pytest.raises(QuantumError, match="was killed twice"):
        compute_ion("C[NH3+]", "fast")
    assert len(starts("C[NH3+]")) == 2


def test_a_worker_with_other_versions_is_refused_and_nothing_is_kept(child):
    behave, _ = child
    behave(methyl="other versions")
    batch = compute_all(REQUESTS)
    assert "install the same versions" in batch.failures[REQUESTS[1]]
    assert len(batch.answers) == len(ResultCache().files()) == 3


def test_a_time_limit_ends_the_child(child):
    behave, starts = child
    behave(methyl="hang")
    with pytest.raises(QuantumError, match="took longer than 1 s"):
        compute_ion("C[NH3+]", "fast", timeout_s=1)
    assert _gone(starts("C[NH3+]")[0])


def test_an_interrupt_keeps_what_is_finished_and_leaves_no_child(child):
    behave, starts = child
    behave(methyl="hang")

    def interrupt(request: Request, reason: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):  # as soon as the first of the other three has ended
        compute_all(REQUESTS, workers=2, on_result=interrupt)
    assert all(_gone(pid) for s in SMILES for pid in starts(s))
    kept = len(ResultCache().files())
    assert kept >= 1
    behave()
    assert compute_all(REQUESTS).n_computed == 4 - kept


def test_any_executor_will_do_and_stays_open(child):
    with ThreadPoolExecutor(2) as pool:
        assert compute_all(REQUESTS, executor=pool).n_computed == 4
        assert pool.submit(int, "7").result() == 7


def test_another_seed_is_another_result(child):
    _, starts = child
    compute_ion("C[NH3+]", "fast", seed=1)
    compute_ion("C[NH3+]", "fast", seed=2)
    assert len(starts("C[NH3+]")) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="asks ps for the child processes")
def test_a_child_ends_when_its_parent_is_killed(tmp_path):
    environment = dict(os.environ, PEROSPIN_CACHE=str(tmp_path))
    script = "from perospin.descriptors.quantum import compute_ion; compute_ion('CCCCCCCCCCCC[NH3+]', 'published')"
    parent = subprocess.Popen([sys.executable, "-c", script], env=environment)
    children: list[str] = []
    while not children and parent.poll() is None:
        time.sleep(0.2)
        listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(parent.pid)], capture_output=True, text=True)
        children = listed.stdout.split()
    time.sleep(3)  # it has read its request
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert _gone(int(children[0]))
