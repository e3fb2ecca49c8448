"""Files beside records, and the chain from a raw file to a prediction."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import small_study
from perospin.cli.main import app
from perospin.database import Conditions, Record, Source, Store
from perospin.database.sharing import Beside, attach, backup, content, files, history, restore
from perospin.errors import DataError

SPECTRA = Path(__file__).parents[2] / "examples" / "spectra"
PUMP_PROBE = [str(SPECTRA / name) for name in ("pump_probe_SC.txt", "pump_probe_CC.txt")]
SOURCE = Source(first_author="Ada")


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    place = tmp_path / "s.sqlite" if request.param == "sqlite" else request.getfixturevalue("postgresql")
    with Store.open(place) as opened:
        opened.add([Record.measured("MAPbI3", "tau_spin", 1.0 + i, "ps", SOURCE) for i in range(2)])
        yield opened


def test_a_file_is_kept_once_for_two_records(store: Store) -> None:
    raw = Beside.of(b"0 1\n1 0.5\n", "a.txt", "trace")
    assert attach(store, ["user-1", "user-2"], [raw], by="Ada") == 2
    assert attach(store, ["user-1"], [raw], by="Ada") == 0
    (found,) = files(store, "user-2")
    assert (found.name, found.role, found.size, found.by) == ("a.txt", "trace", 10, "Ada")
    assert content(store, found.sha256) == raw.content
    assert [entry.action for entry in history(store, "user-1")] == ["add", "attach"]
    with store.transaction() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM blobs").scalar() == 1


def test_a_file_of_a_record_that_is_not_there_changes_nothing(store: Store) -> None:
    with pytest.raises(DataError, match="no record user-3"):
        attach(store, ["user-1", "user-3"], [Beside.of(b"x", "a.txt", "trace")])
    assert files(store, "user-1") == []
    assert len(history(store)) == 1


def test_backup_takes_the_files_along(store: Store, tmp_path: Path) -> None:
    attach(store, ["user-1"], [Beside.of(bytes(range(256)), "a.bin", "other")])
    backup(store, tmp_path / "b.zip")
    with Store.open(tmp_path / "new.sqlite") as new:
        restore(new, tmp_path / "b.zip")
        assert content(new, files(new, "user-1")[0].sha256) == bytes(range(256))


@pytest.mark.parametrize("name", ["", "a/b.txt", "..\\a", "a\nb", "x" * 256])
def test_a_name_that_is_no_file(name: str) -> None:
    with pytest.raises(DataError, match="is no name of a file"):
        Beside.of(b"x", name, "trace")


def test_wrong_role_and_wrong_hash() -> None:
    with pytest.raises(DataError, match="use one of: trace, fit, crystal, other"):
        Beside.of(b"x", "a", "picture")
    with pytest.raises(DataError, match="isn't the one with the hash"):
        Beside("a", "trace", "0" * 64, b"x")


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s.sqlite") as store:
        store.add([Record.measured("MAPbI3", "tau_spin", 1.0, "ps", SOURCE)])
        attach(store, ["user-1"], [Beside.of(b"good", "a", "trace")])
        with sqlite3.connect(tmp_path / "s.sqlite") as raw:
            raw.execute("UPDATE blobs SET content = x'00'")
        raw.close()
        with pytest.raises(DataError, match="was damaged"):
            content(store, hashlib.sha256(b"good").hexdigest())


def test_a_large_file_leaves_its_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    # the module, which has the name of its function
    monkeypatch.setattr(sys.modules[Beside.__module__], "MOST_BYTES", 3)
    large = Beside.of(b"four", "a", "trace")
    assert (large.content, large.sha256) == (None, hashlib.sha256(b"four").hexdigest())


def call(*arguments: object, code: int = 0) -> str:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == code, done.output
    return done.output


def small_study_of_records(folder: Path, place: str) -> Path:
    """Write a study of the lifetimes of a store that runs in a second."""
    raw: dict[str, Any] = small_study.predicting()
    raw["data"] = {
        "row": "record_id",
        "formula": "formula",
        "groups": {"compound": "formula", "spacer": "spacer", "family": "family"},
        "store": {"property": "tau_spin", "table": "user", "store": place},
    }
    raw["target"] = {"column": "value", "quantity": "spin lifetime", "unit": "ps", "transform": "log10"}
    raw["schemes"] = [{"kind": "leave_one_out", "name": "loo", "label": "leave one out"}]
    raw["verdict"] = {"estimator": "ridge", "scheme": "loo", "supports": ["Nothing."]}
    path = folder / "mine.toml"
    path.write_text(small_study.to_toml(raw), encoding="utf-8")
    return path


@pytest.mark.slow
def test_from_a_raw_file_to_a_prediction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fit, store, study, predict; the chain names each by its hash, and a changed record is told."""
    place = str(tmp_path / "group.sqlite")
    monkeypatch.setenv("PEROSPIN_STORE", place)
    others = ("(BA)2PbI4", "MAPbI3", "CsPbI3", "(BA)2(MA)Pb2I7", "(PEA)2(MA)Pb2I7", "FAPbI3", "MAPbBr3", "(3AMP)PbI4")
    with Store.open() as store:
        warm = Conditions(temperature_k=295)
        store.add(Record.measured(m, "tau_spin", 1.0 + i, "ps", SOURCE, conditions=warm) for i, m in enumerate(others))
    call("fit", "pump-probe", *PUMP_PROBE, "--material", "(PEA)2PbI4", "--source", "Ada", "--store")
    study = small_study_of_records(tmp_path, place)
    call("study", "run", study, "--out", tmp_path / "result")
    said = call("predict", "(4AMP)PbI4", "--study", study, "--json")
    (tmp_path / "p.json").write_text(said, encoding="utf-8")
    asked = ("data", "trace", "user-9", "--study", tmp_path / "result", "--prediction", tmp_path / "p.json")
    chain = json.loads(call(*asked, "--json"))
    raw = {Path(name).name: hashlib.sha256(Path(name).read_bytes()).hexdigest() for name in PUMP_PROBE}
    assert {file["name"]: file["sha256"] for file in chain["files"] if file["role"] == "trace"} == raw
    (fit,) = chain["fits"].values()
    assert fit["files"] == raw
    assert fit["value"] == pytest.approx(chain["record"]["value"])
    (use,) = chain["studies"]
    assert (use["row"], use["same"], use["study"]) == ("user-9", True, "small")
    (made,) = use["predictions"]
    assert made["formula"] == "(4AMP)PbI4"
    assert made["data_sha256"] == use["data_sha256"] == json.loads(said)[0]["data_sha256"]

    out = tmp_path / "files"
    printed = call(*asked, "--out", out)
    assert f"sha256 {raw['pump_probe_SC.txt']}" in printed
    assert "predicts (4AMP)PbI4: spin lifetime" in printed
    assert {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in out.glob("*.txt")} == raw

    call("data", "change", "user-9", "--value", "9", "--why", "misread", "--by", "Grace")
    assert "this row says something else than the record now does" in call(*asked)
    assert "none of these studies has it among its rows" in call(
        "data", "trace", "spin52-013", "--study", tmp_path / "result"
    )


def test_what_is_no_fit_is_not_kept_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEROSPIN_STORE", str(tmp_path / "s.sqlite"))
    with Store.open() as store:
        store.add([Record.measured("MAPbI3", "tau_spin", 1.0, "ps", SOURCE)])
    (tmp_path / "fit.json").write_text("{}", encoding="utf-8")
    call("data", "attach", "user-1", tmp_path / "fit.json", "--as", "fit", code=1)
    call("data", "attach", "user-1", tmp_path / "fit.json", "--as", "crystal", code=1)
    with Store.open() as store:
        assert files(store, "user-1") == []
    crystal = next((Path(__file__).parents[2] / "examples" / "crystals").glob("*.cif"))
    assert "1 of 1 files attached" in call("data", "attach", "user-1", crystal, "--as", "crystal")
    assert "no record 'user-7'" in str(CliRunner().invoke(app, ["data", "trace", "user-7"]).exception)
