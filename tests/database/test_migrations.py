"""Stores of older schemas go on, with nothing lost; newer ones are refused."""

from __future__ import annotations

import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

from perospin.database import Record, Source, Store
from perospin.database.schema import SCHEMA_VERSION, metadata
from perospin.errors import DataError

FIRST = Path(__file__).parents[1] / "data" / "store_schema_1.sqlite"
NEW = Record.measured("MAPbI3", "T1", 7.0, "ps", Source(first_author="Giovanni"))


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return Path(shutil.copy(FIRST, tmp_path / "records.sqlite"))


def test_an_old_store_is_read_without_being_touched(old: Path) -> None:
    with Store.open(old) as store:
        assert store.version() == 1
        assert [record.material for record in store.query()] == ["(PEA)2PbI4", "(BA)2PbI4"]
    assert old.read_bytes() == FIRST.read_bytes()


def test_an_old_store_upgrades_itself_when_written_and_leaves_a_copy(old: Path) -> None:
    with Store.open(old) as store:
        before = store.query()
        assert store.add([NEW], by="Ada") == ["user-3"]
        assert store.query() == [*before, NEW.with_id("user-3")]
        assert store.version() == SCHEMA_VERSION
    (copy,) = old.parent.glob("records.sqlite.*.schema-1")
    with Store.open(copy) as store:
        assert store.version() == 1
        assert store.query() == before


def test_it_has_the_tables_of_a_new_one(old: Path, tmp_path: Path) -> None:
    def shape(file: Path) -> dict[str, list[tuple[str, str, bool]]]:
        look = inspect(create_engine(f"sqlite:///{file}"))
        return {
            name: sorted((c["name"], str(c["type"]), c["nullable"]) for c in look.get_columns(name))
            for name in metadata.tables
        }

    for file in (old, tmp_path / "new.sqlite"):
        with Store.open(file) as store:
            store.add([NEW])
    assert shape(old) == shape(tmp_path / "new.sqlite")


def test_writers_that_meet_an_old_store_migrate_it_once(old: Path) -> None:
    records = [Record.measured("MAPbI3", "T1", 1.0 + i, "ps", Source(first_author="G")) for i in range(6)]

    def add(record: Record) -> list[str]:
        with Store.open(old) as store:
            return store.add([record])

    with ThreadPoolExecutor(6) as pool:
        names = sorted(name for part in pool.map(add, records) for name in part)
    assert names == [f"user-{i}" for i in range(3, 9)]
    assert len(list(old.parent.glob("records.sqlite.*.schema-1"))) == 1


def test_a_migration_that_fails_leaves_the_old_store(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(connection: object, version: int) -> None:
        connection.execute(text("ALTER TABLE records ADD COLUMN added_by TEXT"))  # type: ignore[attr-defined]
        raise OSError("the disk is full")

    monkeypatch.setattr("perospin.database.migrations.upgrade", fail)
    with Store.open(old) as store, pytest.raises(DataError, match="the disk is full"):
        store.add([NEW])
    with Store.open(old) as store:
        assert store.version() == 1
        assert store.count() == 2


def test_a_newer_store_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "new.sqlite"
    with Store.open(file) as store:
        store.add([NEW])
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE about SET value = '99'")
        connection.commit()
    with Store.open(file) as store:
        for act in (store.query, lambda: store.add([NEW])):
            with pytest.raises(DataError, match="has schema version 99, this perospin knows versions 1 to"):
                act()


def test_behind_a_url_only_an_administrator_migrates(postgresql: str) -> None:
    with Store.open(postgresql) as store:
        store.add([NEW])
    engine = create_engine(postgresql)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE records DROP COLUMN added_by"))
        connection.execute(text("DROP TABLE changes, proposals, blobs, links, tokens"))
        connection.execute(text("UPDATE about SET value = '1'"))
    engine.dispose()
    other = Record.measured("MAPbI3", "T1", 8.0, "ps", Source(first_author="Giovanni"))
    with Store.open(postgresql) as store:
        assert store.count() == 1
        with pytest.raises(DataError, match="run `perospin data migrate` once"):
            store.add([other])
        store.migrate()
        assert store.add([other], by="Ada") == ["user-2"]
