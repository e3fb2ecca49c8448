"""Pages are run as scripts: Streamlit puts its own in the place of the main module."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

_MAIN = sys.modules["__main__"]


@pytest.fixture(autouse=True)
def _main_module() -> Iterator[None]:
    """Give the main module back: processes that a later test starts import it."""
    yield
    sys.modules["__main__"] = _MAIN
