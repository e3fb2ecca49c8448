"""Any string at all parses or raises one PerospinError with a sentence; nothing hangs."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzzing.formulas import PIECES, random_text
from perospin.chemistry import Perovskite
from perospin.errors import PerospinError


def check(text: str) -> bool:
    """Parse a string; True if it is a material. Any other error than ours fails the test."""
    try:
        material = Perovskite.parse(text)
    except PerospinError as error:
        message = str(error)
        assert message, text
        assert "\n" not in message, text
        assert len(message) <= 400, text
        # it names a part of the text, or a place in it
        assert "'" in message or "position" in message or "empty" in message, (text, message)
        return False
    assert Perovskite.parse(str(material)) == material
    return True


def fuzz(count: int, seed: int) -> int:
    """Check `count` random strings; gives how many were materials, and holds the slowest under half a second."""
    rng = random.Random(seed)
    parsed = 0
    for _ in range(count):
        text = random_text(rng)
        took, is_material = _timed(text)
        if took > 0.5:  # the first time may have met a collection of garbage
            took, _ = _timed(text)
        assert took < 0.5, text
        parsed += is_material
    return parsed


def _timed(text: str) -> tuple[float, bool]:
    start = time.process_time()
    is_material = check(text)
    return time.process_time() - start, is_material


@given(st.text())
@settings(max_examples=500, deadline=None)
def test_any_text(text: str) -> None:
    check(text)


@given(st.lists(st.sampled_from(PIECES), max_size=20).map("".join))
@settings(max_examples=1000, deadline=None)
def test_any_pieces(text: str) -> None:
    check(text)


@pytest.mark.slow
def test_five_thousand_strings() -> None:
    assert fuzz(5_000, seed=1) > 200  # the generator does reach formulae


@pytest.mark.slow
def test_a_hundred_and_twenty_thousand_strings() -> None:
    assert fuzz(120_000, seed=2) > 5_000
