"""A slice of `scripts/faults.py`: nothing lost, nothing left; and the page that shows what all of it came to."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest

from loading import load


def _script(name: str) -> ModuleType:
    return load(f"scripts/{name}.py")


def test_links_planted_in_a_folder_are_not_followed() -> None:
    tries, failures = _script("faults").links()
    assert tries > 10
    assert failures == 0


@pytest.mark.slow
def test_nothing_is_lost_whatever_breaks() -> None:
    rows = _script("faults").run(0.05)
    assert {kind: failures for kind, _, failures in rows if failures} == {}


def test_the_page_is_what_the_command_writes() -> None:
    docs = Path(__file__).parents[1] / "docs"
    written = _script("reliability_page").page()
    assert (docs / "reliability.md").read_text(encoding="utf-8") == written
    kept = json.loads((docs / "reliability" / "inputs.json").read_text(encoding="utf-8"))
    assert sorted(kept) == _script("fuzz").KINDS  # no kind is left out


def test_a_campaign_goes_on_and_tries_again_what_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fuzz, page = _script("fuzz"), _script("reliability_page")
    monkeypatch.setattr(fuzz, "CAMPAIGN", {"formulas": (10, 20)})
    broken = {1003}

    def one_slice(kind: str, inputs: int, seed: int) -> dict[str, object]:
        return {"kind": kind, "tries": inputs, "uncaught": 2 * (seed in broken), "examples": []}

    monkeypatch.setattr(fuzz, "one_slice", one_slice)
    (tmp_path / "faults.json").write_text("[]", encoding="utf-8")
    assert fuzz.campaign(tmp_path / "inputs.json", 1.0) == 1
    assert "| 200 | 0 | 2 | 0 |" in page.page(tmp_path)
    broken.clear()
    assert fuzz.campaign(tmp_path / "inputs.json", 1.0) == 0
    assert "| 200 | 0 | 0 | 2 |" in page.page(tmp_path)
