"""Every example of the index, the page on files and that on chirality runs, and prints what is shown below it."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest
import typer

from perospin.cli.fit.arguments import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("spectra.md", "spectra/files.md", "spectra/chirality.md")
BLOCK = re.compile(r"```python\n(?P<code>.*?)```\n(?:\n```text\n(?P<shown>.*?)```\n)?", re.DOTALL)
NUMBER = re.compile(r"[-+]?[0-9]+\.?[0-9]*(?:e[-+]?[0-9]+)?")


@pytest.mark.parametrize("page", PAGES)
def test_examples_print_what_the_page_shows(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    space: dict[str, Any] = {}
    blocks = list(BLOCK.finditer((ROOT / "docs" / page).read_text(encoding="utf-8")))
    assert blocks
    for block in blocks:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(block["code"], space)
        if block["shown"] is None:
            continue
        ours, theirs = printed.getvalue(), block["shown"]
        assert NUMBER.sub("#", ours) == NUMBER.sub("#", theirs)
        # the last digit of an uncertainty may differ between machines
        found, shown = ([float(n) for n in NUMBER.findall(text)] for text in (ours, theirs))
        assert found == pytest.approx(shown, rel=0.05, abs=1e-9)


@pytest.mark.parametrize("page", PAGES)
def test_pictures_and_links_exist(page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (ROOT / "docs" / page).parent.joinpath(target).resolve().is_file(), target


def test_the_pages_hold_every_command() -> None:
    pages = [ROOT / "docs" / "spectra.md", *(ROOT / "docs" / "detectors").glob("*.md")]
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    for command in typer.main.get_command(app).commands:  # type: ignore[attr-defined]
        assert f"`fit {command}`" in text or f"perospin fit {command} " in text, command
