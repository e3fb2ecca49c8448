from __future__ import annotations

import importlib
import json
import runpy
import sys
from pathlib import Path

import pytest

from perospin.cli import main
from perospin.cli.main import COMMANDS


def _run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    return int(stop.value.code or 0)


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("--help") == 0
    text = capsys.readouterr().out
    assert all(name in text for name in COMMANDS)


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_loads_and_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert hasattr(importlib.import_module(COMMANDS[name][0]), "app")
    assert _run(name, "--help") == 0
    assert "Usage: perospin " + name in capsys.readouterr().out.replace("\n", " ")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("--version") == 0
    assert capsys.readouterr().out.startswith("perospin ")


def test_a_misspelt_command_gets_a_suggestion_and_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("stduy") == 2
    assert "Did you mean 'study'" in " ".join(capsys.readouterr().err.split())


def test_an_error_on_purpose_is_one_line_and_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("study", "show", "nothing-like-it") == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("perospin: unknown study 'nothing-like-it'")
    assert len(captured.err.strip().splitlines()) == 1


def test_perospin_alone_greets_with_three_commands_that_exist(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run() == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("  perospin ")]
    assert len(lines) == 3
    assert {line[1] for line in lines} <= set(COMMANDS)


def test_doctor_names_what_cant_be_written_and_what_would_help(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PEROSPIN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PEROSPIN_STORE", str(tmp_path / "records.sqlite"))
    monkeypatch.setattr("perospin.cli.start.doctor.os.access", lambda path, _: Path(path) != tmp_path)
    assert _run("doctor", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["versions"]["perospin"]
    assert {place["what"] for place in found["places"]} == {"computed cations", "fitted models", "your records"}
    assert any("your records can't be written" in text and "PEROSPIN_STORE" in text for text in found["problems"])
    assert all(not missing for missing in (found["extras"]["quantum"], found["extras"]["structure"]))


def test_report_runs_every_study_and_the_page_of_what_to_make_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = []
    monkeypatch.setattr(
        "perospin.cli.study.run.run", lambda name, out, quiet, workers: ran.append((name, out, workers))
    )
    monkeypatch.setattr("perospin.navigation.screen", lambda space, study, **_: (space.size, study))
    monkeypatch.setattr("perospin.navigation.screening.page.page", lambda found: f"<p>{found}</p>")
    assert _run("report", "--out", str(tmp_path / "r"), "--quiet") == 0
    assert [name for name, _, _ in ran] == ["spin-relaxation", "hoip-band-gap"]
    assert "spin-relaxation" in (tmp_path / "r" / "what-to-make-next.html").read_text()
    assert "report.html" in capsys.readouterr().out.splitlines()[-1]


def test_python_runs_the_package(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["perospin", "--version"])
    with pytest.raises(SystemExit) as stop:
        runpy.run_module("perospin", run_name="__main__")
    assert not stop.value.code
    assert capsys.readouterr().out.startswith("perospin ")
