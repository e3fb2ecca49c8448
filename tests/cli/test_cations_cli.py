from __future__ import annotations

from pathlib import Path

import pytest

from perospin.cli import main


def _run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as stop:
        main(["cations", *(str(argument) for argument in arguments)])
    return int(stop.value.code or 0)


def test_a_table_without_a_folder_is_refused_before_hours_of_computing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perospin.descriptors.build_table", None)  # it must not come so far
    assert _run("table", "fast", "--out", tmp_path / "none" / "x.csv") == 2
    assert "there is no folder" in capsys.readouterr().err


def test_an_unknown_level_is_reported_before_any_progress(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("compute", "PEA", "--level", "best") == 2
    error = capsys.readouterr().err
    assert error.startswith("perospin: unknown level 'best'")
    assert len(error.strip().splitlines()) == 1


def test_figures_are_never_folded_at_80_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert _run("compare") == 0
    lines = capsys.readouterr().out.splitlines()
    row = next(line for line in lines if line.startswith("PEA "))
    assert [len(cell.partition(".")[2]) for cell in row.split()[1:]] == [4] * 5
