"""Courses of a process variable: counted exactly, listed lazily, drawn fairly, checked."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perospin.errors import NavigationError
from perospin.navigation import Space
from perospin.navigation.space.trajectories import Trajectory

ANNEAL: dict[str, Any] = {
    "times": [0, 2, 5], "low": 60, "high": 120, "step": 20, "max_slope": 10, "unit": "C", "time_unit": "min",
}  # fmt: skip


@settings(deadline=None)
@given(
    st.lists(st.integers(1, 3), min_size=1, max_size=3),
    st.integers(1, 4),
    st.one_of(st.none(), st.sampled_from([0.5, 1.0, 1.5])),
)
def test_counts_and_lists_are_those_of_brute_force(gaps: list[int], n: int, slope: float | None) -> None:
    times = [0.0, *map(float, itertools.accumulate(gaps))]
    course = Trajectory(times=times, low=0, high=n, step=1, max_slope=slope)
    every = [
        values
        for values in itertools.product(range(n + 1), repeat=len(times))
        if slope is None
        or all(abs(b - a) <= slope * gap + 1e-12 for a, b, gap in zip(values, values[1:], gaps, strict=False))
    ]
    assert list(course.courses()) == every
    assert course.count == len(every)
    drawn = course.draw(np.random.default_rng(n))
    assert drawn in set(every)
    assert not course.fault(drawn)
    assert all(
        bool(course.fault(values)) == (values not in set(every)) for values in [(0,) * len(times), (n,) * len(times)]
    )


def test_each_course_is_drawn_as_often() -> None:
    course = Trajectory(times=[0, 1, 2], low=0, high=2, step=1, max_slope=1)
    generator = np.random.default_rng(1)
    drawn = Counter(course.draw(generator) for _ in range(3400))
    assert len(drawn) == course.count == 17
    assert max(abs(count - 200) for count in drawn.values()) < 60  # four standard deviations


def test_a_huge_number_of_courses_is_counted_and_sampled_at_once() -> None:
    many = {"times": list(range(30)), "low": 0, "high": 100, "step": 1}
    space = Space.from_dict({"trajectories": {"anneal": many}})
    assert space.size == 101**30
    assert len(list(itertools.islice(space.candidates(), 5))) == 5
    assert len(space.sample(5, np.random.default_rng(2))) == 5


def test_a_trajectory_is_a_part_of_a_space() -> None:
    space = Space.from_dict(
        {"trajectories": {"anneal": ANNEAL}, "variables": {"speed": {"values": [1, 2]}},
         "rules": [{"rule": "anneal_3 >= anneal_1"}]}
    )  # fmt: skip
    listed = list(space.candidates())
    assert space.size == 2 * Trajectory(**ANNEAL).count
    assert space.count == len(listed) < space.size
    assert listed[0].name == "speed 1, anneal 60 60 60 C at 0 2 5 min"
    inputs, columns = space.encode(listed[:4])
    assert columns.names == ("speed", "anneal:1", "anneal:2", "anneal:3")
    assert inputs[0].tolist() == [1.0, 60.0, 60.0, 60.0]
    found = space.find({"speed": 2, "anneal:1": 61.5, "anneal:2": 70, "anneal:3": 99})
    assert found.choices["anneal:1"] == 61.5
    again = Space.from_dict(space.to_dict())
    assert again.size == space.size
    for wrong, said in (
        ({"anneal:3": 130.0}, "set point 3 is 130, outside 60 to 120 C"),
        ({"anneal:2": 100.0}, "from set point 1 to 2 it changes by 20 C/min, more than 10"),
    ):
        with pytest.raises(NavigationError, match=said):
            space.find({"speed": 2, "anneal:1": 60, "anneal:2": 60, "anneal:3": 60, **wrong})


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"times": [0, 0]}, "times must rise"),
        ({"low": 130}, "low < high"),
        ({"step": 0.001}, "more than 1000 values"),
        ({"max_slope": 0}, "greater than 0"),
    ],
)
def test_mistakes_are_told(more: dict[str, Any], said: str) -> None:
    with pytest.raises(NavigationError, match=said):
        Space.from_dict({"trajectories": {"anneal": {**ANNEAL, **more}}})
