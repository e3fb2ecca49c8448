"""The examples of docs/descriptors.md run, and what stands below them is what comes out."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pandas as pd
import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "descriptors.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", PAGE, flags=re.DOTALL)


def test_examples_run_and_give_what_the_page_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PEROSPIN_STORE", str(tmp_path / "none.sqlite"))
    names: dict[str, object] = {}
    compared = 0
    for (kind, code), (_, below) in zip(BLOCKS, [*BLOCKS[1:], ("", "")], strict=True):
        if kind != "python":
            continue
        tree = ast.parse(code)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "docs/descriptors.md", "exec"), names)
        shown = eval(compile(ast.Expression(last.value), "docs/descriptors.md", "eval"), names) if last else None
        if isinstance(shown, pd.DataFrame) and below:
            tokens = set(shown.reset_index().to_string().split()) | {"material"}
            assert set(below.split()) <= tokens, set(below.split()) - tokens
            compared += 1
    assert compared == 4
    frame = names["frame"]
    assert isinstance(frame, pd.DataFrame)
    # the table below the grid is its first block
    grid_table = next(text for kind, text in BLOCKS if not kind and "(PA)2PbI3Br" in text)
    assert set(grid_table.split()) <= {"material", *frame.reset_index().head(3).round(3).to_string().split()}
    assert (tmp_path / "candidates.parquet").is_file()
