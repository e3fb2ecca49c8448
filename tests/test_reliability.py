"""A slice of `scripts/faults.py` and `scripts/fuzz_files.py`: nothing lost, nothing left, nothing uncaught."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


def _script(name: str) -> ModuleType:
    path = Path(__file__).parents[1] / "scripts" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("kind", "tries"), [("toml", 40), ("fits", 150), ("results", 8), ("models", 8)])
def test_broken_files_open_or_are_refused(kind: str, tries: int) -> None:
    tally = getattr(_script("fuzz_files"), kind)(tries)
    assert tally.tries >= tries
    assert tally.failures == 0, tally.seen


def test_links_planted_in_a_folder_are_not_followed() -> None:
    tries, failures = _script("faults").links()
    assert tries > 10
    assert failures == 0


@pytest.mark.slow
def test_nothing_is_lost_whatever_breaks() -> None:
    rows = _script("faults").run(0.05)
    assert {kind: failures for kind, _, failures in rows if failures} == {}
