"""Several processes, names of files and passwords: what happens to a store in daily use."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from perospin.database import Record, Source, Store
from perospin.database.sharing import history
from perospin.errors import DataError

SOURCE = Source(first_author="Me")

WRITER = """
import sys, time
from pathlib import Path
from perospin.database import Record, Source, Store

file, gate, number = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
source = Source(first_author="Me")
records = [Record.measured("MAPbI3", "tau_spin", 1.0 + i, "ps", source) for i in range(40)]
own = Record.measured("MAPbI3", "tau_spin", 1000.0 + number, "ps", source)
Path(f"{gate}.{number}").touch()
while not gate.exists():
    time.sleep(0.005)
with Store.open(file) as store:
    print(len(store.add([own])), end=" ")
    print(sum(len(store.add(records[i : i + 4], skip_known=True)) for i in range(0, 40, 4)))
"""

STREAM = """
import sys, time
from pathlib import Path
from perospin.database import Record, Source, Store
from perospin.database.sharing import accept, propose

file, gate, number = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
mine = Source(first_author="Me")
own = [Record.measured("MAPbI3", "tau_spin", 1000.0 * number + i + 1, "ps", mine) for i in range(500)]
both = [Record.measured("MAPbI3", "tau_spin", 1e6 + i, "ps", Source(first_author="All")) for i in range(50)]
Path(f"{gate}.{number}").touch()
while not gate.exists():
    time.sleep(0.005)
with Store.open(file) as store:
    for start in range(0, 400, 10):
        for name in store.add(own[start : start + 10], by=f"writer {number}"):
            print(name)
        store.add(both[start // 8 : start // 8 + 2], skip_known=True)
    for start in range(400, 500, 20):
        asked = propose(store, own[start : start + 20], by=f"writer {number}")
        for name in accept(store, asked, by=f"reviewer {number}"):
            print(name)
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """File of a new store, or address of a new schema in a PostgreSQL database."""
    if request.param == "sqlite":
        return str(tmp_path / "store.sqlite")
    address: str = request.getfixturevalue("postgresql")
    return address


def test_what_is_known_is_skipped_or_refused(store: str) -> None:
    records = [Record.measured("MAPbI3", "tau_spin", 1.0 + i, "ps", SOURCE) for i in range(5)]
    with Store.open(store) as opened:
        assert len(opened.add(records[:3])) == 3
        assert len(opened.add(records, skip_known=True)) == 2
        with pytest.raises(DataError, match="5 of 5 records are already in the store"):
            opened.add(records)
        assert sorted(record.value for record in opened.query()) == [1.0, 2.0, 3.0, 4.0, 5.0]


def _eight(program: str, store: str, folder: Path) -> list[str]:
    """What eight processes print that run this program at once."""
    gate = folder / "gate"
    children = [
        subprocess.Popen(
            [sys.executable, "-c", program, store, str(gate), str(number)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for number in range(8)
    ]  # fmt: skip
    try:
        end = time.monotonic() + 120
        while not all(Path(f"{gate}.{number}").exists() for number in range(8)) and time.monotonic() < end:
            time.sleep(0.02)
        gate.touch()
        said = [child.communicate(timeout=300) for child in children]
    finally:
        for child in children:
            child.kill()
            child.wait()
    assert [err for _, err in said] == [""] * 8
    assert [child.returncode for child in children] == [0] * 8
    return [out for out, _ in said]


def test_eight_processes_use_a_new_store_at_once(store: str, tmp_path: Path) -> None:
    """None fails, nothing is lost, nothing is stored twice."""
    said = _eight(WRITER, store, tmp_path)
    assert [out.split()[0] for out in said] == ["1"] * 8
    assert sum(int(out.split()[1]) for out in said) == 40  # each shared record was added by one of them
    with Store.open(store) as opened:
        values = sorted(record.value for record in opened.query())
    assert values == [1.0 + i for i in range(40)] + [1000.0 + i for i in range(8)]


@pytest.mark.slow
def test_eight_processes_of_500_records(store: str, tmp_path: Path) -> None:
    """Those told to be stored are stored once, under the number told; the history knows the writer of each."""
    said = [out.split() for out in _eight(STREAM, store, tmp_path)]
    assert [len(names) for names in said] == [500] * 8
    with Store.open(store) as opened:
        stored = {record.record_id: record.value for record in opened.query()}
        n_own = sum(value < 1e6 for value in stored.values())
        assert (len(stored), n_own, len(set(stored.values()))) == (8 * 500 + 50, 8 * 500, 8 * 500 + 50)
        for number, names in enumerate(said):
            assert sorted(stored[name] for name in names) == [1000.0 * number + i + 1 for i in range(500)]
        log = history(opened)
    assert sum(entry.action == "accept" for entry in log) == 8 * 100
    assert {entry.by for entry in log if entry.action == "accept"} == {f"reviewer {i}" for i in range(8)}


@pytest.mark.parametrize("name", ["100%.sqlite", "what?mode=ro.sqlite", "a%20b.sqlite", "#1 & 2.sqlite", "ä:b.sqlite"])
def test_a_name_stays_what_it_is(tmp_path: Path, name: str) -> None:
    with Store.open(tmp_path / name) as store:
        store.add([Record.measured("MAPbI3", "T1", 1.0, "ns", SOURCE)])
    assert [path.name for path in tmp_path.iterdir()] == [name]
    with sqlite3.connect(tmp_path / name) as raw:
        assert raw.execute("SELECT count(*) FROM records").fetchone() == (1,)
    raw.close()


def test_a_url_of_sqlite_names_a_file_or_memory(tmp_path: Path) -> None:
    with Store.open(f"sqlite:///{tmp_path}/a.sqlite") as store:
        store.add([Record.measured("MAPbI3", "T1", 1.0, "ns", SOURCE)])
    assert (tmp_path / "a.sqlite").exists()
    with Store.open("sqlite://") as store:
        assert store.location == ":memory:"


@pytest.mark.parametrize(
    "url",
    [
        "nosuchdb://me:secret@host/name",
        "nosuchdb://me:sec@secret@host/name",
        "postgresql+nosuchdriver://me@host/name?password=secret",
        "nosuchdb://me:secret@host:port/name",
    ],
)
def test_no_password_in_a_message(url: str) -> None:
    with pytest.raises(DataError, match="can't open the store") as caught:
        Store.open(url)
    assert "secret" not in str(caught.value)
    assert "me" in str(caught.value)


@pytest.mark.parametrize("name", ["user-²", "user-" + "9" * 40, "user--1", "user-1 ", "x" * 1000, "user-\x1b[2J"])
def test_no_identifier_breaks_the_store(name: str) -> None:
    with Store.open(":memory:") as store:
        store.add([Record.measured("MAPbI3", "T1", 1.0, "ns", SOURCE)])
        with pytest.raises(DataError) as caught:
            store.remove([name])
        assert store.count() == 1
    assert len(str(caught.value)) <= 400
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", ["a\0b.sqlite", "~nobody-of-this-name/x.sqlite", "x" * 300 + ".sqlite"])
def test_a_name_that_no_file_can_have(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError), Store.open(name) as store:
        store.add([Record.measured("MAPbI3", "T1", 1.0, "ns", SOURCE)])


def test_a_large_import_takes_linear_time(tmp_path: Path) -> None:
    from perospin.database import import_file

    lines = ["material,property,value,unit,temperature_k,first_author,year"]
    lines += [f"MAPbI3,tau_spin,{1 + i / 1000},ps,{4 + i % 300},Chen,2024" for i in range(5000)]
    table = tmp_path / "large.csv"
    table.write_text("\n".join(lines), encoding="utf-8")
    with Store.open(tmp_path / "store.sqlite") as store:
        start = time.process_time()
        assert len(import_file(table, store)) == 5000
        spent_s = time.process_time() - start
        assert store.count() == 5000
    assert spent_s < 2.5  # 0.1 ms a row, with room for a busy computer; it was 0.7 ms
