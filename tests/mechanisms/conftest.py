"""Laws are tested far outside their ranges too; the warning has tests of its own (test_validity.py)."""

from __future__ import annotations

import pytest

_IGNORED = "ignore::perospin.mechanisms.validity.SpinRelaxationWarning"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/mechanisms" in item.path.as_posix():
            item.add_marker(pytest.mark.filterwarnings(_IGNORED))
