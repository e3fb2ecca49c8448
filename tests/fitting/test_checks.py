"""Checks that every analysis makes of its data."""

from __future__ import annotations

import numpy as np
import pytest

from perospin.errors import FitError
from perospin.fitting import check_times_ps, check_trace

X = np.arange(10.0)
Y = np.exp(-X)


def test_clean_data_pass_untouched() -> None:
    trace = check_trace(X, {"signal": Y})
    assert trace.warnings == ()
    assert np.array_equal(trace["signal"], Y)
    assert len(trace) == 10


def test_missing_rows_are_dropped_with_a_warning() -> None:
    y = Y.copy()
    y[3] = np.nan
    trace = check_trace(X, {"a": y, "b": Y}, sigma=np.ones(10))
    assert len(trace) == 9
    assert trace.sigma is not None
    assert len(trace.sigma) == 9
    assert "1 of 10 rows" in trace.warnings[0]


def test_reversed_and_shuffled_axes_are_sorted() -> None:
    back = check_trace(X[::-1], {"signal": Y[::-1]})
    assert np.array_equal(back.x, X)
    assert np.array_equal(back["signal"], Y)
    assert "runs backwards" in back.warnings[0]
    order = np.random.default_rng(0).permutation(10)
    mixed = check_trace(X[order], {"signal": Y[order]}, sigma=0.1)
    assert np.array_equal(mixed["signal"], Y)
    assert "not in order" in mixed.warnings[0]


def test_repeated_points_and_plateaus_are_told() -> None:
    assert "more than once" in check_trace(np.repeat(X, 2), {"signal": np.repeat(Y, 2)}).warnings[0]
    clipped = np.minimum(Y + 1.0, 1.01)
    clipped[:6] = 1.01
    assert "saturated" in check_trace(X, {"signal": clipped}).warnings[0]
    assert check_trace(X, {"signal": np.where(X < 6, 0.0, Y)}).warnings == ()  # zeros before the pump are no saturation


@pytest.mark.parametrize(
    ("x", "channels", "words"),
    [
        (X, {"signal": Y[:-1]}, "delay_ps has 10 values and signal 9"),
        (X, {"signal": ["a"] * 10}, "signal holds something that is not a number"),
        ([], {"signal": []}, "empty"),
        (X[:4], {"signal": Y[:4]}, "only 4 usable points"),
        (X, {"signal": np.full(10, 2.0)}, "constant"),
        (np.ones(10), {"signal": Y}, "every delay_ps is 1"),
        (X, {"signal": np.stack([Y, Y])}, "one column"),
    ],
)
def test_errors(x: object, channels: dict, words: str) -> None:
    with pytest.raises(FitError, match=words):
        check_trace(x, channels)


def test_delays_in_femtoseconds_are_noticed() -> None:
    _, notes = check_times_ps(np.linspace(5.0, 30000.0, 100))
    assert "look like fs" in notes[0]
    assert "delay_unit='fs'" in notes[0]
    converted, notes = check_times_ps(np.linspace(5.0, 30000.0, 100), unit="fs")
    assert converted[-1] == pytest.approx(30.0)
    assert not notes
    assert not check_times_ps(np.linspace(-2, 1500, 300))[1]
    assert "look like s" in check_times_ps(np.linspace(0, 1e-9, 10))[1][0]
