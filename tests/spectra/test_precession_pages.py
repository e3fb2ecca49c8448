"""Every example of the pages on precession and relaxation runs, and still prints the numbers shown below it."""

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


@pytest.mark.slow
@pytest.mark.parametrize("page", ["kerr", "hanle", "odmr", "spin_inertia"])
def test_examples_print_what_the_page_shows(page):
    text = (PAGES / f"{page}.md").read_text(encoding="utf-8")
    space: dict[str, Any] = {}
    blocks = list(BLOCK.finditer(text))
    assert blocks
    for block in blocks:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(block["code"], space)
        if block["shown"] is None:
            continue
        found, shown = printed.getvalue().splitlines(), block["shown"].splitlines()
        assert len(found) == len(shown)
        for ours, theirs in zip(found, shown, strict=True):
            assert NUMBER.sub("#", ours) == NUMBER.sub("#", theirs)
            for a, b in zip(NUMBER.findall(ours), NUMBER.findall(theirs), strict=True):
                # uncertainties and correlations are shown with two digits; the last one may differ between machines
                assert float(a) == pytest.approx(float(b), rel=0.05, abs=1e-9)


def test_figures_of_the_pages_exist():
    for page in ("kerr", "hanle", "odmr", "spin_inertia"):
        for name in re.findall(r"!\[[^]]*\]\(([^)]+)\)", (PAGES / f"{page}.md").read_text(encoding="utf-8")):
            assert (PAGES / name).resolve().is_file(), name
