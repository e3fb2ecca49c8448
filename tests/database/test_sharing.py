"""Records that several people keep: nothing is lost, nothing enters unseen, and who did what can be told."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perospin.database import Conditions, Record, Source, Store, curated_records
from perospin.database.sharing import (
    accept,
    backup,
    compare,
    doubts,
    history,
    proposals,
    propose,
    records_at,
    reject,
    restore,
)
from perospin.errors import DataError, PerospinError


def made(value: float = 0.3, unit: str = "ps", temperature_k: float | None = 295.0, doi: str = "10.1000/a") -> Record:
    return Record.measured(
        "(PEA)2PbI4", "tau_spin", value, unit, Source(doi=doi), conditions=Conditions(temperature_k=temperature_k)
    )


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    place = tmp_path / "s.sqlite" if request.param == "sqlite" else request.getfixturevalue("postgresql")
    return Store.open(place)


def test_a_proposal_is_in_no_query_until_another_person_accepts_it(store: Store) -> None:
    assert propose(store, [made(), made(0.4)], by="Ada", why="new films") == [1, 2]
    assert store.query() == []
    assert [(p.number, p.by, p.why, p.record) for p in proposals(store)] == [
        (1, "Ada", "new films", made()),
        (2, "Ada", "new films", made(0.4)),
    ]
    with pytest.raises(DataError, match="Ada's own"):
        accept(store, [1, 2], by="Ada")
    assert store.count() == 0
    assert accept(store, [1], by="Grace", why="seen in Fig. 2") == ["user-1"]
    assert store.query() == [made().with_id("user-1")]
    with pytest.raises(DataError, match="say why"):
        reject(store, [2], by="Grace")
    reject(store, [2], by="Grace", why="the figure shows ns")
    (rejected,) = proposals(store, "rejected")
    assert (rejected.decided_by, rejected.decided_why) == ("Grace", "the figure shows ns")
    with pytest.raises(DataError, match="was rejected by Grace"):
        accept(store, [2], by="Grace")
    assert accept(store, propose(store, [made(0.5)], by="Ada"), by="Ada", alone=True) == ["user-2"]


def test_what_is_known_or_proposed_is_not_proposed_again(store: Store) -> None:
    store.add([made()])
    with pytest.raises(DataError, match=r"in the store already \(user-1\)"):
        propose(store, [made(2.0), made()])
    assert proposals(store, None) == []
    propose(store, [made(2.0)])
    with pytest.raises(DataError, match="proposed already"):
        propose(store, [made(2.0)])
    with pytest.raises(DataError, match="no proposal 77"):
        accept(store, [77])


def test_every_change_leaves_who_when_why_and_what_was(store: Store) -> None:
    store.add([made(), made(0.4)], by="Ada")
    store.change("user-1", made(0.31), by="Grace", why="misread")
    store.remove(["user-1"], by="Lise", why="measured again")
    assert [entry.action for entry in history(store, "user-1")] == ["add", "change", "withdraw"]
    added, changed, withdrawn = history(store, "user-1")
    assert (added.by, changed.by, withdrawn.by) == ("Ada", "Grace", "Lise")
    assert changed.differences()["value"] == (0.3, 0.31)
    assert withdrawn.before == made(0.31).with_id("user-1")
    assert withdrawn.why == "measured again"
    assert store.query() == [made(0.4).with_id("user-2")]
    assert [entry.action for entry in history(store)] == ["add", "change", "withdraw"]
    with pytest.raises(DataError, match="never was a record user-9"):
        history(store, "user-9")
    store.remove(["user-2"], by="Lise")
    if store.location.endswith("sqlite"):
        assert store.add([made(0.9)]) == ["user-3"], "a number is never given twice"


def test_a_change_that_is_none_or_makes_a_twin_is_refused(store: Store) -> None:
    store.add([made(), made(0.4)])
    for other, said in ((made(), "nothing would change"), (made(0.4), "user-2 says the same")):
        with pytest.raises(DataError, match=said):
            store.change("user-1", other)
    with pytest.raises(DataError, match="no record user-5"):
        store.change("user-5", made(3.0))
    assert [entry.action for entry in history(store)] == ["add"]


def test_a_backup_restores_everything_into_either_kind(store: Store, tmp_path: Path) -> None:
    store.add([made(), made(0.4)], by="Ada")
    store.change("user-1", made(0.31), by="Grace", why="misread")
    propose(store, [made(7.0)], by="Ada")
    file = tmp_path / "b.zip"
    assert backup(store, file)["records"] == 2
    with Store.open(tmp_path / "other.sqlite") as other:
        assert restore(other, file, by="Lise") is None
        assert other.query() == store.query()
        assert history(other)[:-1] == history(store)
        assert proposals(other) == proposals(store)
        assert other.add([made(9.0)]) == ["user-3"]
        with pytest.raises(DataError, match="isn't empty"):
            restore(other, file)
        kept = restore(other, file, replace=True)
        assert other.count() == 2
        assert kept is not None
        with Store.open(tmp_path / "third.sqlite") as third:
            restore(third, kept)
            assert third.count() == 3
    restored = restore(store, file, replace=True)
    assert restored is not None
    assert store.add([made(9.0)]) == ["user-3"]


def test_a_damaged_backup_restores_nothing(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s.sqlite") as store:
        store.add([made()])
        backup(store, tmp_path / "b.zip")
    whole = (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}

    def written(changed: dict[str, bytes]) -> bytes:
        with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
            for name, content in (parts | changed).items():
                archive.writestr(name, content)
        return (tmp_path / "x.zip").read_bytes()

    row = parts["records.jsonl"].replace(b"0.3", b"0.4")
    for content in (
        b"",
        b"garbage",
        whole[: len(whole) // 2],
        written({"records.jsonl": row}),
        written({"about.json": b"[]"}),
    ):
        (tmp_path / "bad.zip").write_bytes(content)
        with Store.open(tmp_path / "new.sqlite") as store:
            with pytest.raises(DataError, match=r"is no backup|is damaged"):
                restore(store, tmp_path / "bad.zip")
            assert not store.exists


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.floats(1e-3, 1e6), unique=True, max_size=8), st.data())
def test_a_difference_leads_from_one_collection_to_the_other(values: list[float], data: st.DataObject) -> None:
    everything = [dataclasses.replace(made(value, doi=f"10.1000/{i}")) for i, value in enumerate(values)]
    before, after = (data.draw(st.lists(st.sampled_from(everything), unique=True)) if everything else [] for _ in "ab")
    moved = [made(record.value * 2, doi=record.source.doi) if data.draw(st.booleans()) else record for record in after]
    found = compare(before, moved)
    gone = {r.fingerprint() for r in (*found.withdrawn, *(old for old, _ in found.changed))}
    come = [*found.added, *(new for _, new in found.changed)]
    kept = [record for record in before if record.fingerprint() not in gone]
    assert len(kept) == found.n_same
    assert {r.fingerprint() for r in [*kept, *come]} == {r.fingerprint() for r in moved}
    assert not compare(moved, moved)


def test_a_corrected_value_is_a_change_and_not_two_records() -> None:
    found = compare([made(), made(1.0, doi="10.1000/b")], [made(0.31), made(2.0, doi="10.1000/c")])
    assert [(old.value, new.value) for old, new in found.changed] == [(0.3, 0.31)]
    assert [record.value for record in found.added] == [2.0]
    assert [record.value for record in found.withdrawn] == [1.0]
    assert len(records_at("shipped")) == len(curated_records())
    with pytest.raises(DataError, match="neither a store nor a table"):
        records_at("nowhere.sqlite")


def test_units_that_look_wrong_far_values_and_twins_are_doubted() -> None:
    others = [made(0.3), made(0.4, doi="10.1000/b"), made(0.35, doi="10.1000/c")]
    (unit,) = doubts([made(400.0, doi="10.1000/d")], others)
    assert unit.kind == "unit"
    assert "1000 times above 3 others" in unit.sentence
    (far,) = doubts([made(8.0, doi="10.1000/d")], others)
    assert far.kind == "far"
    (twin,) = doubts([made(0.4, doi="10.1000/e")], others)
    assert twin.kind == "twin"
    assert {"10.1000/e", "10.1000/b"} == {record.source.doi for record in twin.records}
    assert doubts([made(400.0, temperature_k=4.0, doi="10.1000/d")], others) == [], "another temperature, another value"
    assert doubts([made(1.0, doi="10.1000/d")], others) == []


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_break_a_restore(content: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "x.zip"
        file.write_bytes(content)
        with Store.open(":memory:") as store, pytest.raises(PerospinError):
            restore(store, file)


def test_a_backup_is_plain_rows(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s.sqlite") as store:
        store.add([made()], by="Ada")
        backup(store, tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        (row,) = map(json.loads, archive.read("records.jsonl").splitlines())
    assert (row["material"], row["value"], row["added_by"]) == ("(PEA)2PbI4", 0.3, "Ada")
