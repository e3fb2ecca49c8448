from __future__ import annotations

import re
from pathlib import Path

import matplotlib
import pytest

from perospin.studies.declaration.sections import ExplainSection

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize("page", ["uncertainty.md", "explanations.md"])
def test_the_examples_run(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    matplotlib.use("Agg")
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, page, "exec"), {})
    if page == "uncertainty.md":
        told = [float(share) for share in re.findall(r"0\.\d+", capsys.readouterr().out)]
        assert told[:2] == pytest.approx([0.5, 0.8], abs=0.15)


@pytest.mark.parametrize("page", ["uncertainty.md", "explanations.md", "validation.md", "estimators.md", "transfer.md"])
def test_links_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", (DOCS / page).read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (DOCS / target).exists(), target


def test_the_declaration_on_the_page_is_one() -> None:
    import tomllib

    text = (DOCS / "explanations.md").read_text(encoding="utf-8")
    declared = tomllib.loads(re.findall(r"```toml\n(.*?)```", text, flags=re.DOTALL)[0])
    assert ExplainSection.model_validate(declared["explain"]).directions == ["gp-averaged"]
