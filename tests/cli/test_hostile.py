"""Files and names that are made to hurt: one sentence of at most 400 letters, exit 2, nothing written elsewhere."""

from __future__ import annotations

import errno
import json
import time
from pathlib import Path
from typing import Any

import pytest

import small_study
from perospin.cli import main
from perospin.errors import FitError
from perospin.fitting.result import Fit
from perospin.studies.result import StudyResult
from perospin.studies.study import Study

CASES = Path(__file__).parents[1] / "data" / "field_cases" / "hostile"


def _run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str]:
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    return int(stop.value.code or 0), capsys.readouterr().err


def _refused(code: int, words: str) -> str:
    lines = words.strip().splitlines()
    assert code == 2
    assert len(lines) == 1
    assert lines[0].startswith("perospin: ")
    assert len(lines[0]) <= len("perospin: ") + 400
    return lines[0]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("boot.toml", "n_bootstrap = 1000000000000: input should be less than or equal to 1000000"),
        ("seed.toml", "seed = -1: input should be greater than or equal to 0"),
        ("slash.toml", "'a/b' can't be the name of a scheme"),
        ("explicit_bombs_ValueError_learning_declaration_py_612.toml", "is not valid TOML"),
        (
            "study_run_mutated_InvalidParameterError_learning_estimators_linear_py_26.toml",
            "estimator 'chosen[alpha=x]': alp",
        ),
        ("study_toml_message___1000_chars.toml", "unknown key"),
    ],
)
def test_a_hostile_study_is_one_sentence(
    name: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = small_study.write(tmp_path).with_name("table.csv")
    path = tmp_path / "study.toml"
    path.write_text((CASES / name).read_text(encoding="utf-8").replace("TABLE.csv", str(table)), encoding="utf-8")
    Study.load("spin-relaxation").check()  # imports are paid once
    began = time.process_time()
    said = _refused(*_run(capsys, "study", "run", path, "--out", tmp_path / "out", "--quiet"))
    assert time.process_time() - began < 2
    assert words in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"alpha": float("nan")}, "alpha = nan of the estimator 'ridge'"),
        ({"alpha": -1}, "alpha = -1 of the estimator 'ridge'"),
        ({"alpha": True}, "alpha = True of the estimator 'ridge'"),
        (
            {"kind": "random_forest", "alpha": None, "n_estimators": 10**12},
            "n_estimators = 1000000000000 of the estimator",
        ),
        (
            {"kind": "random_forest", "alpha": None, "n_estimators": 0},
            "n_estimators = 0 of the estimator 'random_forest'",
        ),
    ],
)
def test_options_are_checked_when_they_are_declared(change: dict[str, Any], words: str, tmp_path: Path) -> None:
    content = small_study.raw()
    content["estimators"][1] = {k: v for k, v in {**content["estimators"][1], **change}.items() if v is not None}
    with pytest.raises(Exception, match=words):
        Study.load(small_study.write(tmp_path, content)).check()


def test_no_name_leads_out_of_the_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evil = "x/../../EVIL"
    content = json.loads(json.dumps(small_study.RAW).replace('"loo"', f'"{evil}"'))
    path = small_study.write(tmp_path, content)
    before = sorted(tmp_path.iterdir())
    assert "can't be the name of a scheme" in _refused(*_run(capsys, "study", "run", path, "--out", tmp_path / "out"))
    grouped = small_study.raw()
    grouped["data"]["groups"]["../up"] = "formula"
    grouped["schemes"][0] = {"kind": "leave_one_group_out", "group": "../up"}
    assert "can't be the name of a scheme" in _refused(
        *_run(capsys, "study", "show", small_study.write(tmp_path, grouped))
    )
    parts = {**small_study.raw(), "parts": {"../evil": {}}}
    assert "it names a folder" in _refused(*_run(capsys, "study", "show", small_study.write(tmp_path, parts)))
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("path", sorted(CASES.glob("saved_fit*.json")), ids=lambda path: path.stem[-12:])
def test_a_mutated_fit_is_refused_when_it_is_opened(path: Path) -> None:
    with pytest.raises(FitError, match="not a saved fit of perospin") as caught:
        Fit.load(path)
    assert len(str(caught.value)) <= 400


def test_a_fit_edited_by_hand_is_refused_by_its_checksum(tmp_path: Path) -> None:
    good = Fit.load(Path(__file__).parents[1] / "fitting" / "data" / "fit_format_1.json")
    content = json.loads(good.save(tmp_path / "fit.json").read_text())
    content["table"]["rows"][0][1] += 1.0
    (tmp_path / "fit.json").write_text(json.dumps(content))
    with pytest.raises(FitError, match="checksum"):
        Fit.load(tmp_path / "fit.json")


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), MemoryError(), RecursionError(),
                                   UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates")])  # fmt: skip
def test_what_the_system_refuses_is_one_sentence(
    error: BaseException, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(Study, "load", fail)
    _refused(*_run(capsys, "study", "show", "spin-relaxation"))


def test_an_interruption_ends_with_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Study, "load", stop)
    assert _run(capsys, "study", "show", "spin-relaxation") == (130, "perospin: interrupted\n")


def test_long_and_invisible_words_are_never_printed(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (("study", "show", "x\x1b[31m" * 3000), ("study", "y\x1b" * 3000), ("--z\x1b" + "z" * 9000,)):
        code, said = _run(capsys, *arguments)
        assert code == 2
        assert "\x1b" not in said
        assert len(said) < 1500  # with the frame that typer draws


def test_a_result_names_no_folder_of_this_computer(tmp_path: Path) -> None:
    result = Study.load(small_study.write(tmp_path)).run(tmp_path / "out", progress=False)
    for path in (tmp_path / "out").rglob("*.*"):
        assert str(tmp_path).encode() not in path.read_bytes(), path.name
    moved = (tmp_path / "out").rename(tmp_path / "moved")
    again = StudyResult.load(moved)
    assert again.base == result.base == str(tmp_path)
