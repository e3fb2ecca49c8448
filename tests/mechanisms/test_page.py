"""What docs/mechanisms.md promises."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "mechanisms.md"
TEXT = PAGE.read_text(encoding="utf-8")


def test_the_python_blocks_run(capsys: pytest.CaptureFixture[str]):
    blocks = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), {})
    shown = capsys.readouterr().out
    assert "uclear fluctuations (up to 0.03 T)" in shown
    assert "correlation_time = 0.06" in shown or "correlation_time = 6" in shown or "correlation_time = 5" in shown


def test_the_commands_run(capsys: pytest.CaptureFixture[str]):
    from perospin.cli.mechanisms import app

    commands = [line for line in TEXT.splitlines() if line.startswith("perospin mechanisms ")]
    runnable = [line for line in commands if " infer " not in line and " integral " not in line]  # no file here
    assert len(runnable) >= 2
    for line in runnable:
        with pytest.raises(SystemExit) as stop:
            app(args=shlex.split(line)[2:], prog_name="perospin mechanisms")
        assert not stop.value.code
    assert "0.15674" in capsys.readouterr().out


def test_every_figure_is_there_and_shown():
    shown = set(re.findall(r"\(images/mechanisms/(\w+\.png)\)", TEXT))
    assert shown == {path.name for path in (PAGE.parent / "images" / "mechanisms").iterdir()}


def test_every_law_named_on_the_page_exists():
    import perospin.mechanisms as room

    names = re.findall(r"`(\w+_(?:rate|factor|law|hanle|inertia|amplification|precession|tensor|transient))`", TEXT)
    assert names
    assert not [name for name in names if name not in room.__all__]
