from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perospin.errors import StudyError
from perospin.learning import build_estimator, evaluate, k_fold, leave_one_group_out
from perospin.learning.estimators.tuning import search_points


def test_lists_within_the_budget_are_gone_through_in_full() -> None:
    tune = {"a": [1, 2], "b": ["x", "y", "z"]}
    everything = search_points(tune, None, 0)
    assert len(everything) == 6
    assert search_points(tune, 6, 0) == everything
    assert len(search_points(tune, 5, 0)) <= 5


@given(st.integers(1, 60), st.integers(0, 5))
def test_a_budget_is_kept_and_covers_each_range(budget: int, seed: int) -> None:
    tune = {
        "rate": {"low": 1e-3, "high": 10.0, "log": True},
        "size": {"low": 3, "high": 40, "integer": True},
        "kind": ["a", "b"],
    }
    points = search_points(tune, budget, seed)
    assert points == search_points(tune, budget, seed)
    assert 1 <= len(points) <= budget
    rates = np.sort([p["rate"] for p in points])
    assert rates.min() >= 1e-3
    assert rates.max() <= 10.0
    assert all(isinstance(p["size"], int) and 3 <= p["size"] <= 40 for p in points)
    if len(points) == budget:
        # one point in each equal part of the logarithmic range
        parts = np.floor(budget * np.log10(rates / 1e-3) / 4 + 1e-6 * np.arange(budget))
        assert len(set(np.clip(parts, 0, budget - 1))) >= budget - 1


@pytest.mark.parametrize(
    ("tune", "budget", "message"),
    [
        ({"a": []}, None, "at least one value"),
        ({"a": 3}, None, "must be a table of option"),
        ([1], None, "must be a table of option"),
        ({"a": {"low": 1, "high": 1}}, 5, "low < high"),
        ({"a": {"low": 0, "high": 1, "log": True}}, 5, "low > 0 for log"),
        ({"a": {"low": 0, "high": 1, "step": 2}}, 5, "must be a table of option"),
        ({"a": {"low": 0, "high": 1}}, None, "add tune_budget"),
        ({"a": [1, 2]}, 0, "whole number of at least 1"),
    ],
)
def test_a_wrong_search_is_one_sentence(tune: object, budget: int | None, message: str) -> None:
    with pytest.raises(StudyError, match=message):
        search_points(tune, budget, 0)  # type: ignore[arg-type]


def test_a_search_with_a_budget_runs_inside_each_outer_fold() -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.standard_normal((40, 3)), columns=list("abc"))
    y = X["a"].to_numpy() + 0.1 * rng.standard_normal(40)
    spec = {
        "kind": "ridge",
        "features": list("abc"),
        "tune": {"alpha": {"low": 1e-3, "high": 1e5, "log": True}},
        "tune_budget": 9,
        "tune_folds": 3,
    }
    model = build_estimator(spec, 1)
    assert len(model.candidates) == 9
    chosen = model.fit(X, y)
    assert float(chosen.best_label_.removeprefix("alpha = ")) < 30
    groups = np.arange(40) // 2
    scores = evaluate(model, X, y, leave_one_group_out(groups), groups=groups).scores()
    assert scores.r2 > 0.95
    with pytest.raises(StudyError, match="unknown option 'alhpa'"):
        build_estimator({**spec, "tune": {"alhpa": [1.0]}}, 1)
    assert (
        evaluate(model, X, y, k_fold(40, 4, 0)).y_pred.tolist()
        == evaluate(model, X, y, k_fold(40, 4, 0)).y_pred.tolist()
    )
