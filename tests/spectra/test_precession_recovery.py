"""Bias and coverage of the precession analyses on simulated data (`benchmarks/precession_recovery.py`)."""

from __future__ import annotations

import pytest

from loading import load


@pytest.fixture(scope="module")
def benchmark():
    return load("benchmarks/precession_recovery.py")


def check(rows, repeats):
    for row in rows:
        where = f"{row.case}, {row.quantity}: {row}"
        assert abs(row.bias_percent) < max(2.0, 4.0 * row.error_percent), where
        assert row.bounds < 0.05, where
        slack = 3.5 * (0.68 * 0.32 / repeats) ** 0.5  # of a proportion of `repeats` draws
        assert 0.68 - slack < row.coverage < 0.68 + slack, where


def test_one_quick_case(benchmark):
    check(benchmark.recover("odmr, widths", 50), 50)


@pytest.mark.slow
@pytest.mark.parametrize(
    "case",
    [
        "kerr, T2* 200 ps, noise 5 %", "kerr, two carriers 1 : 0.2", "nuclear precession", "hanle, noise 1 %",
        "hanle, noise 10 %", "spin valve, L = 0.7 lambda", "spin valve, L = 2 lambda", "odmr, electron and hole",
        "inertia, T1 130 us", "inertia, T1 5 us", "T1 against field", "T1 against temperature",
        "polarisation against power",
    ],
)  # fmt: skip
def test_bias_and_coverage(benchmark, case):
    check(benchmark.recover(case, 150), 150)
