"""Settings that all tests share."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

# a busy machine is not a bug: no time limit for single examples
settings.register_profile("perospin", deadline=None)
settings.load_profile("perospin")


@pytest.fixture(autouse=True, scope="session")
def _state_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Studies run by tests leave nothing in the log of variants of whoever runs the tests."""
    before = os.environ.get("PEROSPIN_STATE")
    os.environ["PEROSPIN_STATE"] = str(tmp_path_factory.mktemp("state"))
    yield
    if before is None:
        del os.environ["PEROSPIN_STATE"]
    else:
        os.environ["PEROSPIN_STATE"] = before
