from __future__ import annotations

import importlib

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
