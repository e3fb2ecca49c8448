"""The manual page names every column, and its example runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from perospin.descriptors.structure import STRUCTURE_DESCRIPTIONS

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "structures.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("column", STRUCTURE_DESCRIPTIONS)
def test_every_column_is_explained(column: str) -> None:
    assert f"`{column}`" in PAGE


def test_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    for code in re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL):
        exec(compile(code, "docs/structures.md", "exec"), {})
    assert capsys.readouterr().out.startswith("P-1 2D 16.888")
