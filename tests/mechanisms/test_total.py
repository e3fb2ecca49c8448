from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perospin.errors import DataError
from perospin.mechanisms import total_rate

rates = st.floats(0.0, 1e6)


@given(st.lists(rates, min_size=1, max_size=5))
def test_shares_add_up_to_one(values: list[float]):
    total = total_rate({str(i): v for i, v in enumerate(values)})
    assert total.total_per_ps == pytest.approx(sum(values))
    if sum(values) > 0:
        assert sum(total.shares.values()) == pytest.approx(1.0)
        assert total.lifetime_ps == pytest.approx(1 / sum(values))
    else:
        assert np.isinf(total.lifetime_ps)
        assert all(np.isnan(share) for share in total.shares.values())


def test_shapes_broadcast():
    total = total_rate({"a": [1.0, 3.0], "b": 2.0})
    assert total.total_per_ps == pytest.approx([3.0, 5.0])
    assert total.shares["a"] == pytest.approx([1 / 3, 3 / 5])
    assert list(total.dominant) == ["b", "a"]


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        ({}, "at least one mechanism"),
        ({"a": -1.0}, "the rate of a must be finite and not negative, got -1"),
        ({"a": float("nan")}, "must be finite"),
        ({"a": "fast"}, "must be a number"),
        ({"a": [1.0, 2.0], "b": [1.0, 2.0, 3.0]}, "shapes don't fit together"),
    ],
)
def test_mistakes_are_said_in_one_sentence(given_, words: str):
    with pytest.raises(DataError, match=words):
        total_rate(given_)
