from __future__ import annotations

import json
from pathlib import Path

import pytest

import small_study
from perospin.cli import main
from perospin.studies.study import Study


def _run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    return int(stop.value.code or 0)


def test_the_last_line_of_a_run_is_the_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = small_study.write(tmp_path)
    assert _run("study", "run", study, "--out", tmp_path / "out") == 0
    lines = capsys.readouterr().out.strip().splitlines()
    assert lines[-1] == str(tmp_path / "out" / "report.html")
    assert (tmp_path / "out" / "report.html").is_file()
    assert any("leave one" in line for line in lines)


def test_own_data_and_parts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = small_study.write(tmp_path)
    small_study.table().iloc[:11].to_csv(tmp_path / "mine.csv", index=False)
    assert _run("study", "run", study, "--data", tmp_path / "mine.csv", "-o", tmp_path / "out") == 2
    assert "no row is tagged 'new'" in capsys.readouterr().err
    assert _run("study", "run", study, "--part", "other", "-o", tmp_path / "out") == 2
    assert "has no part 'other'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("row,name\n1,2\n", "column 'rate_per_ps' is missing"),
        ("", "is empty"),
        ("a,b\n1\n", "line 2 has 1 cells where the header has 2"),
    ],
)
def test_a_broken_table_is_one_sentence_and_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], table: str, message: str
) -> None:
    (tmp_path / "mine.csv").write_text(table)
    assert _run("study", "run", "paper-format", "--data", tmp_path / "mine.csv", "-o", tmp_path / "out", "-q") == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert len(error.strip().splitlines()) == 1


def test_an_unreadable_study_file_is_one_sentence_and_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.toml").write_text("name = [")
    assert _run("study", "run", tmp_path / "bad.toml", "-o", tmp_path / "out") == 2
    assert "not valid TOML" in capsys.readouterr().err


def test_an_output_folder_that_is_a_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out").write_text("")
    assert _run("study", "run", small_study.write(tmp_path), "-o", tmp_path / "out") == 2
    assert "is a file; give a folder" in capsys.readouterr().err


def test_an_interruption_says_how_to_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    study = small_study.write(tmp_path)
    monkeypatch.setattr(Study, "run", interrupted)
    assert _run("study", "run", study, "-o", tmp_path / "out") == 130
    assert "run the same command again to go on" in capsys.readouterr().err


def test_list_and_show(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("study", "list") == 0
    text = capsys.readouterr().out
    assert all(name in text for name in ("spin-relaxation", "hoip-band-gap", "paper-format"))
    assert _run("study", "show", small_study.write(tmp_path)) == 0
    text = capsys.readouterr().out
    assert "two-class rule (baseline)" in text
    assert "leave one spacer out" in text


@pytest.mark.slow
def test_names_of_estimators_stay_whole_at_80_columns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert _run("study", "run", small_study.write(tmp_path), "--out", tmp_path / "out") == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("ridge, chosen on the scored folds ") for line in lines)
    assert "  c  old rows predict the new" in [line.rstrip() for line in lines]
    assert max(map(len, lines[:-1])) <= 80


def test_a_refused_run_leaves_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("study", "run", "paper-format", "--data", tmp_path, "-o", tmp_path / "out", "-q") == 2
    assert "is a folder, not a file" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_that_can_not_be_written_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", "out/cells")

    monkeypatch.setattr(Study, "run", refused)
    assert _run("study", "run", small_study.write(tmp_path), "-o", tmp_path / "out", "-q") == 2
    assert "can't read or write 'out/cells': permission denied" in capsys.readouterr().err


@pytest.mark.slow
def test_cautions_and_the_count_of_variants_stand_under_the_scores(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = small_study.write(tmp_path)
    assert _run("study", "run", study, "--out", tmp_path / "out") == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "Before you believe this: • The table has only 16 rows" in out
    assert "kept on one side of every split" in out
    assert "3 declared; the log on this computer holds" in out


def test_two_results_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = small_study.raw()
    content["checks"] = {"n_bootstrap": 10, "n_shuffles": 0}
    for folder, alpha in (("a", 0.1), ("b", 50.0)):
        (tmp_path / folder).mkdir()
        content["estimators"][1]["alpha"] = alpha
        study = small_study.write(tmp_path / folder, content)
        Study.load(study).run(tmp_path / folder / "out", progress=False)
    table = tmp_path / "scores.csv"
    assert _run("study", "compare", tmp_path / "a" / "out", tmp_path / "b" / "out", "--out", table) == 0
    out = capsys.readouterr().out
    assert "alpha 0.1 in A, 50.0 in B" in " ".join(out.split())
    assert "leave one spacer out" in out
    assert "identical to the last digit: two-class rule" in out
    assert "in sample: says nothing about new materials" in out
    assert all(len(line) <= 80 for line in out.splitlines() if "written to" not in line and "out)" not in line)
    assert table.read_text().startswith("estimator_a,")
    assert _run("study", "compare", tmp_path / "a", tmp_path / "b") == 2
    assert "holds no result" in capsys.readouterr().err


def test_the_log_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEROSPIN_STATE", str(tmp_path / "state"))
    assert _run("study", "log") == 0
    assert "No model was logged for any table" in capsys.readouterr().out
    content = small_study.raw()
    content["checks"] = {"n_bootstrap": 10, "n_shuffles": 0}
    Study.load(small_study.write(tmp_path, content)).run(progress=False)
    assert _run("study", "log", "--full") == 0
    out = capsys.readouterr().out
    assert "small" in out
    assert "leave one spacer out" in " ".join(out.split())
    assert _run("study", "log", "--json") == 0
    entries = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {entry["what"] for entry in entries} == {"variant", "run"}
    assert _run("study", "log", "zz") == 0
    assert "starts with 'zz'" in capsys.readouterr().out
