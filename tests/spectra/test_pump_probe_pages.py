"""Every example of the pages on pump-probe, maps and fitting runs, and still prints the numbers shown below it."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest

PAGES = Path(__file__).resolve().parents[2] / "docs" / "spectra"
BLOCK = re.compile(r"```python\n(?P<code>.*?)```\n(?:\n```text\n(?P<shown>.*?)```\n)?", re.DOTALL)
NUMBER = re.compile(r"[-+]?[0-9]+\.?[0-9]*(?:e[-+]?[0-9]+)?")


@pytest.mark.parametrize("page", ["pump_probe", "maps", "fitting"])
def test_examples_print_what_the_page_shows(page: str) -> None:
    text = (PAGES / f"{page}.md").read_text(encoding="utf-8")
    space: dict[str, Any] = {}
    blocks = list(BLOCK.finditer(text))
    assert blocks
    for block in blocks:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(block["code"], space)
        found, shown = printed.getvalue().splitlines(), (block["shown"] or "").splitlines()
        assert len(found) == len(shown)
        for ours, theirs in zip(found, shown, strict=True):
            assert NUMBER.sub("#", ours) == NUMBER.sub("#", theirs)
            for a, b in zip(NUMBER.findall(ours), NUMBER.findall(theirs), strict=True):
                # a time zero of 0.00006 ps is zero; the last digit may differ between machines
                assert float(a) == pytest.approx(float(b), rel=0.05, abs=2e-5)


@pytest.mark.parametrize("page", ["pump_probe", "maps", "fitting"])
def test_figures_exist(page: str) -> None:
    for name in re.findall(r"!\[[^]]*\]\(([^)]+)\)", (PAGES / f"{page}.md").read_text(encoding="utf-8")):
        assert (PAGES / name).resolve().is_file(), name
