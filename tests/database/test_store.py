from __future__ import annotations

import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from perospin.database import Record, Source, Store, data_file, load_records, select_records
from perospin.errors import DataError

SOURCE = Source(first_author="Me", year=2026, located_in="notebook 3, page 12")


def record(value: float = 1.0, material: str = "(PEA)2PbI4", property: str = "tau_spin") -> Record:
    return Record.measured(material, property, value, "ps", SOURCE)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "store.sqlite"


def test_records_survive_closing(file: Path) -> None:
    with Store.open(file) as store:
        assert store.add([record(1.0), record(2.0)]) == ["user-1", "user-2"]
    with Store.open(file) as store:
        found = store.query()
        assert [r.record_id for r in found] == ["user-1", "user-2"]
        assert [r.with_id("") for r in found] == [record(1.0), record(2.0)]
        assert store.count() == 2


def test_reading_creates_nothing(file: Path) -> None:
    with Store.open(file) as store:
        assert store.query() == []
        assert store.count() == 0
        assert store.known([record()]) == {}
    assert not file.parent.exists()


def test_query_by_property_formula_and_text(file: Path) -> None:
    unknown = Record.measured("a film", "tau_spin", 3.0, "ps", SOURCE, composition="unknown")
    with Store.open(file) as store:
        store.add([record(1.0), record(2.0, "MAPbI3"), record(5.0, property="T1"), unknown])
        assert [r.value for r in store.query(property="T1")] == [5.0]
        assert [r.value for r in store.query(formula="MAPbI3")] == [2.0]
        assert [r.value for r in store.query(material="a film")] == [3.0]


def test_all_or_nothing_when_one_is_known(file: Path) -> None:
    with Store.open(file) as store:
        store.add([record(1.0)])
        with pytest.raises(DataError, match=r"1 of 3 records are already in the store .*user-1.*nothing was added"):
            store.add([record(2.0), record(1.0), record(3.0)])
        assert store.count() == 1
        assert store.add([record(2.0), record(1.0), record(3.0)], skip_known=True) == ["user-2", "user-3"]


def test_a_record_twice_in_one_call_is_refused(file: Path) -> None:
    with Store.open(file) as store:
        with pytest.raises(DataError, match=r"record 2 .* occurs twice"):
            store.add([record(1.0), record(1.0)])
        assert store.count() == 0
        assert len(store.add([record(1.0), record(1.0)], skip_known=True)) == 1


def test_failure_while_reading_the_input_adds_nothing(file: Path) -> None:
    def broken() -> object:
        yield record(1.0)
        raise DataError("row 2 is bad")

    with Store.open(file) as store:
        with pytest.raises(DataError, match="row 2"):
            store.add(broken())  # type: ignore[arg-type]
        assert store.count() == 0


def test_remove_is_all_or_nothing_and_spares_curated_records(file: Path) -> None:
    with Store.open(file) as store:
        store.add([record(1.0), record(2.0)])
        with pytest.raises(DataError, match="no record user-9"):
            store.remove(["user-1", "user-9"])
        assert store.count() == 2
        with pytest.raises(DataError, match="'excitons-001' is not a record of the store"):
            store.remove(["excitons-001"])
        assert store.remove(["user-1"]) == 1
        assert [r.value for r in store.query()] == [2.0]


def test_curated_tables_are_never_touched(file: Path) -> None:
    names = ["records/spin52.csv", "records/g_factors.csv", "spin52/spin52.csv"]
    before = [hashlib.sha256(data_file(name).read_bytes()).hexdigest() for name in names]
    curated = select_records("tau_spin", "(PEA)2PbI4", user=False)
    with Store.open(file) as store:
        store.add([curated[0], record(9.0)])  # even a curated record becomes a record of its own
        both = load_records("tau_spin", "(PEA)2PbI4", store=store)
    assert [r.record_id for r in curated] + ["user-1", "user-2"] == list(both.index)
    assert before == [hashlib.sha256(data_file(name).read_bytes()).hexdigest() for name in names]


def test_environment_variable_names_the_store(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEROSPIN_STORE", str(file))
    with Store.open() as store:
        store.add([record(4.5)])
    assert file.exists()
    assert load_records(table="user")["value"].tolist() == [4.5]
    assert select_records("tau_spin", "(PEA)2PbI4", user=False) == [
        r for r in select_records("tau_spin", "(PEA)2PbI4") if not r.record_id.startswith("user")
    ]


def test_default_place_is_the_users_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    from platformdirs import user_data_path

    monkeypatch.delenv("PEROSPIN_STORE", raising=False)
    with Store.open() as store:
        assert Path(store.location) == user_data_path("perospin", appauthor=False) / "records.sqlite"


def test_memory_store() -> None:
    with Store.open(":memory:") as store:
        store.add([record()])
        assert store.count() == 1


def test_a_file_that_is_no_store(tmp_path: Path) -> None:
    wrong = tmp_path / "notes.txt"
    wrong.write_text("not a database, but long enough to look at\n" * 40, encoding="utf-8")
    with Store.open(wrong) as store, pytest.raises(DataError, match="can't be used: file is not a database"):
        store.query()


@pytest.mark.parametrize("url", ["nosuchdb://host/name", "postgresql+nosuchdriver://host/name"])
def test_an_unusable_url_is_one_sentence(url: str) -> None:
    with pytest.raises(DataError, match="can't open the store") as caught:
        Store.open(url)
    assert "\n" not in str(caught.value)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with Store.open(tmp_path / "file" / "store.sqlite") as store, pytest.raises(DataError, match="can't create"):
        store.add([record()])


def test_a_store_of_another_version_is_refused(file: Path) -> None:
    with Store.open(file) as store:
        store.add([record()])
    with sqlite3.connect(file) as raw:
        raw.execute("UPDATE about SET value = '99' WHERE name = 'schema_version'")
    raw.close()
    with Store.open(file) as store, pytest.raises(DataError, match="schema version 99"):
        store.query()


def test_postgresql_statements_compile() -> None:
    """No server here: the schema and the insert must at least be valid for that dialect."""
    from sqlalchemy import insert
    from sqlalchemy.dialects import postgresql
    from sqlalchemy.schema import CreateTable

    from perospin.database.schema import metadata, records

    for table in metadata.sorted_tables:
        assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=postgresql.dialect()))
    statement = insert(records).returning(records.c.id)
    assert "RETURNING records.id" in str(statement.compile(dialect=postgresql.dialect()))


IMPORT = """
import sys
from pathlib import Path
from sqlalchemy import event
from perospin.database import Record, Source, Store

source = Source(first_author="Me")
store = Store.open(sys.argv[1])

def stop(connection, cursor, statement, parameters, context, executemany):
    if statement.startswith("INSERT INTO records"):
        Path(sys.argv[2]).write_text("in the middle")  # part of the rows is written, nothing is committed
        import time; time.sleep(60)

event.listen(store._engine, "after_cursor_execute", stop)
store.add(Record.measured("MAPbI3", "tau_spin", 10.0 + i, "ps", source) for i in range(3000))
"""


def test_kill_in_the_middle_of_an_import_leaves_the_store_as_it_was(file: Path, tmp_path: Path) -> None:
    with Store.open(file) as store:
        store.add([record(1.0), record(2.0)])
    mark = tmp_path / "mark"
    child = subprocess.Popen([sys.executable, "-c", IMPORT, str(file), str(mark)])
    try:
        end = time.monotonic() + 60
        while not mark.exists() and time.monotonic() < end:
            assert child.poll() is None
            time.sleep(0.02)
        assert mark.exists()
        os.kill(child.pid, signal.SIGKILL)
    finally:
        child.kill()
        child.wait()
    with Store.open(file) as store:
        assert [r.value for r in store.query()] == [1.0, 2.0]
        assert store.add([record(3.0)]) == ["user-3"]
