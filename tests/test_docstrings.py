"""Every example in a docstring runs and prints what it says."""

from __future__ import annotations

import doctest
import importlib
import inspect
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src"
MODULES = sorted(
    ".".join(path.relative_to(SOURCE).with_suffix("").parts)
    for path in SOURCE.rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


def test_there_are_examples() -> None:
    assert len(MODULES) > 10


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    module = importlib.import_module(name)
    finder, runner = doctest.DocTestFinder(), doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    tests = finder.find(module, name)
    found = {test.name for test in tests}
    # a decorator may hide a function from doctest's own search
    for own, value in vars(module).items():
        if inspect.isfunction(inspect.unwrap(value)) and getattr(value, "__module__", "") == name:
            tests += [t for t in finder.find(value, f"{name}.{own}", globs=vars(module).copy()) if t.name not in found]
    for test in tests:
        assert runner.run(test).failed == 0
    assert runner.summarize(verbose=False).attempted > 0
