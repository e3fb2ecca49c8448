"""A corner of the recovery grid of benchmarks/recovery.py, with fewer repeats."""

from __future__ import annotations

from types import ModuleType

import pytest

from loading import load


@pytest.fixture(scope="module")
def grid() -> ModuleType:
    return load("benchmarks/recovery.py")


@pytest.mark.slow
@pytest.mark.parametrize(("ratio", "noise"), [(3.0, 0.03), (10.0, 0.01), (1.0, 0.01)])
def test_resolved_lifetimes_come_back_with_honest_intervals(grid: ModuleType, ratio: float, noise: float) -> None:
    cell = grid.one_component(ratio, noise, 120)
    assert cell.determined
    assert abs(cell.bias) < 0.02
    assert 0.55 < cell.coverage < 0.81  # three standard deviations of 120 trials around 0.68


@pytest.mark.slow
def test_two_components_come_back(grid: ModuleType) -> None:
    for cell in grid.two_components(0.5, 0.01, 120):
        assert abs(cell.bias) < 0.02
        assert 0.55 < cell.coverage < 0.81


@pytest.mark.parametrize("ratio", [pytest.param(0.1, marks=pytest.mark.slow), 0.3])
def test_unresolved_lifetimes_are_bounds(grid: ModuleType, ratio: float) -> None:
    cell = grid.one_component(ratio, 0.01, 12)
    assert cell.valued == 0
    assert cell.bounded >= 10
    assert cell.bound_holds == cell.bounded
