from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import small_study
from perospin.studies.running.variants import VariantLog, log_location
from perospin.studies.study import Study


def run(folder: Path, content: dict | None = None) -> dict:
    """Run the small study (without its slower checks) and return what the log then knew."""
    content = content or small_study.raw()
    content["checks"] = {"n_bootstrap": 10, "n_shuffles": 0}
    content["schemes"] = [s for s in content["schemes"] if s["kind"] not in ("repeated_holdout", "tagged")]
    for section in ("explain", "claims"):
        content.pop(section, None)
    part = Study.load(small_study.write(folder, content)).run(progress=False)["small"]
    return dict(part.provenance["variants"])


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> VariantLog:
    monkeypatch.setenv("PEROSPIN_STATE", str(tmp_path / "state"))
    return VariantLog()


def test_every_run_is_logged_and_the_same_settings_count_once(tmp_path: Path, log: VariantLog) -> None:
    first = run(tmp_path)
    # rule, ridge, the average, and three members of the grid
    assert (first["logged"], first["this_run"], first["settings"]) == (True, 6, 6)
    again = run(tmp_path)
    assert again["settings"] == 6
    (tried,) = log.tried()
    assert (tried.runs, tried.studies, tried.table) == (2, ("small",), first["table"])
    content = small_study.raw()
    content["estimators"][1]["alpha"] = 0.5
    content["target"]["low_range"] = 2.0  # how a figure looks is no variant
    assert run(tmp_path, content)["settings"] == 7
    content["seed"] = 4
    assert run(tmp_path, content)["settings"] == 13


def test_dropping_rows_or_changing_the_scale_is_another_variant_of_the_same_table(
    tmp_path: Path, log: VariantLog
) -> None:
    table = run(tmp_path)["table"]
    content = small_study.raw()
    content["data"]["where"] = [{"column": "name", "drop": ["(EOA)2PbI4"]}]
    dropped = run(tmp_path, content)
    assert dropped["table"] == table
    assert dropped["settings"] == 12
    linear = small_study.raw()
    linear["target"]["transform"] = "none"
    assert run(tmp_path, linear)["settings"] == 18


def test_an_entry_says_what_was_scored_how(tmp_path: Path, log: VariantLog) -> None:
    run(tmp_path)
    entries = [e for e in log.read() if e["what"] == "variant"]
    ridge = {e["scheme"]: e for e in entries if e["estimator"] == "ridge"}
    assert set(ridge) >= {"leave one spacer out", "leave one out, each material on one side", "in sample"}
    assert ridge["in sample"]["in_sample"]
    assert {e["study"] for e in entries} == {"small"}
    assert all(isinstance(e["r2"], float) and len(e["settings"]) == 64 for e in entries)
    assert not [e for e in entries if e["estimator"].startswith("(")]


def test_a_run_goes_on_where_the_log_can_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("PEROSPIN_STATE", str(tmp_path / "file"))
    found = run(tmp_path)
    assert not found["logged"]
    assert found["this_run"] == 6
    assert VariantLog().read() == []


def test_damaged_lines_are_passed_over_and_a_torn_one_is_closed(tmp_path: Path) -> None:
    log = VariantLog(tmp_path / "variants.jsonl")
    entry = {"what": "variant", "table": "t", "settings": "s", "scheme_sha256": "x", "study": "a", "time": "2026-01-01"}
    assert log.append([entry])
    with log.path.open("ab") as file:
        file.write(b'\xff\n[1]\n{"what": 3}\n{"torn": ')
    assert log.append([{**entry, "settings": "other"}])
    assert [e["settings"] for e in log.read("t")] == ["s", "other"]
    assert log.tried()[0].settings == 2
    assert log.read("u") == []


def test_several_writers_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "variants.jsonl"
    code = (
        "import sys; from perospin.studies.running.variants import VariantLog\n"
        "log = VariantLog(sys.argv[1])\n"
        "for i in range(40):\n"
        "    log.append([{'what': 'variant', 'table': 't', 'settings': f'{sys.argv[2]}-{i}-{j}', 'x': 'y' * 3000}"
        " for j in range(3)])\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, str(path), str(number)]) for number in range(3)]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    lines = path.read_text().splitlines()
    assert len(lines) == 360
    assert len({json.loads(line)["settings"] for line in lines}) == 360


def test_the_environment_says_where(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PEROSPIN_STATE", str(tmp_path))
    assert log_location() == tmp_path / "variants.jsonl"
    monkeypatch.delenv("PEROSPIN_STATE")
    assert log_location().name == "variants.jsonl"
    assert "perospin" in str(log_location())
