"""Long work: computed once for equal questions, with progress, cancelled on demand, known after a restart."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from perospin.jobs import work


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # fitted models stay where they are kept
    monkeypatch.setattr(work, "works_folder", lambda: tmp_path)


def wait(found: work.Work, states: tuple[str, ...], patience_s: float = 60.0) -> str:
    end = time.monotonic() + patience_s
    while (state := found.state) not in states and time.monotonic() < end:
        time.sleep(0.1)
    return state


QUESTION = {"formula": "(BA)2PbI4", "ions": [], "study": "spin-relaxation", "conditions": {}}


def test_equal_questions_are_one_work() -> None:
    first = work.start("cations", QUESTION)
    assert work.start("cations", dict(reversed(QUESTION.items()))) == first
    assert work.of("cations", QUESTION | {"formula": "(PEA)2PbI4"}) != first
    assert work.of("cations", QUESTION, {"a.csv": b"1"}) != work.of("cations", QUESTION, {"a.csv": b"2"})
    assert wait(first, ("done", "failed")) == "done", first.error
    began = json.loads((first.folder / "process.json").read_bytes())["started"]
    assert work.start("cations", QUESTION).state == "done"
    assert json.loads((first.folder / "process.json").read_bytes())["started"] == began


def test_a_wrong_question_fails_in_one_sentence() -> None:
    found = work.start("cations", QUESTION | {"formula": "(FOO)2PbI4"})
    assert wait(found, ("done", "failed")) == "failed"
    assert "unknown ion 'FOO'" in found.error


def test_it_is_cancelled_and_begins_anew() -> None:
    found = work.start("cations", QUESTION)
    assert found.state == "running"
    found.cancel()
    assert found.state == "cancelled"
    again = work.start("cations", QUESTION)
    assert again.state in ("running", "done")
    assert wait(again, ("done", "failed")) == "done", again.error


def test_a_process_that_vanished_is_told() -> None:
    found = work.of("cations", QUESTION)
    found.folder.mkdir(parents=True)
    (found.folder / "process.json").write_text(json.dumps({"pid": 2**22 + 1, "started": time.time()}))
    assert found.state == "failed"
    assert "without a word" in found.error


def test_names_of_files_are_no_paths(tmp_path: Path) -> None:
    found = work.start("cations", QUESTION, {"../../evil": b"x"})
    assert wait(found, ("done", "failed")) == "failed"
    assert "is no name of a file here" in found.error
    assert not list(tmp_path.rglob("*evil*"))


def test_new_records_or_new_code_make_a_new_question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = tmp_path / "records.sqlite"
    monkeypatch.setenv("PEROSPIN_STORE", str(records))
    before = work.of("study", {"study": "lifetimes", "parts": []})
    records.write_bytes(b"one more record")
    after = work.of("study", {"study": "lifetimes", "parts": []})
    assert after != before
    monkeypatch.setattr("perospin.studies.provenance.package_sha256", lambda: "other code")
    assert work.of("study", {"study": "lifetimes", "parts": []}) not in (before, after)


def test_two_who_ask_at_once_start_one_process() -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: work.start("cations", QUESTION), range(4)))
    assert len({one.folder for one in found}) == 1
    assert len({json.loads((one.folder / "process.json").read_text())["pid"] for one in found}) == 1
    started = [child for child in work._children if child.args[-1] == str(found[0].folder)]  # type: ignore[index]
    assert len(started) == 1
    assert wait(found[0], ("done", "failed")) == "done", found[0].error


def test_another_store_is_another_question_and_reaches_the_process(tmp_path: Path) -> None:
    mine = str(tmp_path / "mine.sqlite")
    assert work.of("cations", QUESTION).folder != work.of("cations", QUESTION, store=mine).folder
    found = work.start("cations", QUESTION, store=mine)
    pid = json.loads((found.folder / "process.json").read_text())["pid"]
    environment = Path(f"/proc/{pid}/environ")
    if environment.exists():
        assert f"PEROSPIN_STORE={mine}" in environment.read_bytes().decode().split("\0")
    found.cancel()
