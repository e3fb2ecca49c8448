from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import LinearRegression

from perospin.errors import StudyError
from perospin.learning import build_estimator, evaluate, k_fold
from perospin.learning.estimators import StackModel
from perospin.learning.estimators.combine import _nonnegative

# Two halves of one law: each member sees one column.
HALVES = [{"kind": "ridge", "features": ["a"], "alpha": 1e-6}, {"kind": "ridge", "features": ["b"], "alpha": 1e-6}]


def table(noise: float, n: int = 60) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(0)
    common = rng.standard_normal(n)
    X = pd.DataFrame({"a": common + rng.standard_normal(n), "b": common + rng.standard_normal(n), "junk": 0.0})
    X["junk"] = rng.standard_normal(n)
    return X, common + noise * rng.standard_normal(n)


def test_two_noisy_views_are_averaged():
    X, y = table(0.1)
    model = build_estimator({"kind": "stack", "members": HALVES}, 0).fit(X, y)
    assert model.used_ in ("mean", "stack")
    assert model.inner_mse_[model.used_] < model.inner_mse_["best member"]
    assert_allclose(model.weights_.sum(), 1.0, atol=1e-6)
    parts = np.array([m.predict(X) for m in model.members_])
    assert_allclose(model.predict(X), model.weights_ @ parts)


def test_where_one_member_is_right_it_is_used_alone():
    X, _ = table(0.1)
    y = 2.0 * X["a"].to_numpy()
    members = [HALVES[0], {"kind": "ridge", "features": ["junk"], "name": "junk"}]
    model = build_estimator({"kind": "stack", "members": members}, 0).fit(X, y)
    assert_allclose(model.weights_, [1.0, 0.0], atol=1e-3)
    assert_allclose(model.predict(X), y, atol=1e-2)


def test_a_stack_that_does_not_win_falls_back_to_the_best_member():
    """Members that differ by luck alone: weights learnt on twelve rows must not be trusted."""
    rng = np.random.default_rng(1)
    used = []
    for seed in range(12):
        X = pd.DataFrame(rng.standard_normal((12, 3)), columns=["a", "b", "junk"])
        y = X["a"].to_numpy() + 0.05 * rng.standard_normal(12)
        members = [{**HALVES[0], "name": "right"}, {"kind": "ridge", "features": ["junk"], "name": "junk"}]
        model = build_estimator({"kind": "stack", "members": members}, seed).fit(X, y)
        used.append(model.used_)
        if model.used_ == "right":
            assert model.weights_.tolist() == [1.0, 0.0]
            assert model.members_[1] is None
            assert min(model.inner_mse_["stack"], model.inner_mse_["mean"]) >= model.inner_mse_["best member"]
    assert used.count("right") > 0
    assert "junk" not in used


def test_the_decision_never_sees_the_held_out_rows():
    """Nested: whatever the targets of the test rows, the fold's weights stay."""
    X, y = table(0.3)
    model = build_estimator({"kind": "stack", "members": HALVES}, 0)
    train = k_fold(60, 4, 0).trains[0]
    changed = y.copy()
    changed[np.setdiff1d(np.arange(60), train)] += 100.0
    first, second = (model.fit_many(X, target, [train])[0] for target in (y, changed))
    assert_allclose(first.weights_, second.weights_)
    assert first.used_ == second.used_


def test_stack_out_of_fold_is_at_least_as_good_as_its_members():
    X, y = table(0.1)
    scheme = k_fold(60, 6, 1)
    scores = [evaluate(build_estimator(spec, 0), X, y, scheme).scores().r2 for spec in HALVES]
    stacked = evaluate(build_estimator({"kind": "stack", "members": HALVES}, 0), X, y, scheme).scores().r2
    assert stacked > max(scores) + 0.05


def test_groups_stay_together():
    """Rows of a group are copies: with inner folds that split them, memorising would win."""
    rng = np.random.default_rng(2)
    X = pd.DataFrame({"a": np.repeat(rng.standard_normal(15), 4)})
    y = np.repeat(rng.standard_normal(15), 4)
    memory = {"kind": "random_forest", "min_samples_leaf": 1, "n_estimators": 20, "name": "memory"}
    spec = {"kind": "stack", "members": [{"kind": "mean", "name": "mean of all"}, memory]}
    grouped = build_estimator(spec, 0).fit(X, y, groups=np.repeat(np.arange(15), 4))
    mixed = build_estimator(spec, 0).fit(X, y)
    assert mixed.inner_mse_["memory"] < 0.1 * mixed.inner_mse_["mean of all"]
    assert grouped.inner_mse_["memory"] > 0.8 * grouped.inner_mse_["mean of all"]


def test_nonnegative_weights_by_hand():
    rng = np.random.default_rng(3)
    y = rng.standard_normal(50)
    even = np.full(50, 1 / 50)
    assert_allclose(_nonnegative(np.array([y, -y]), y, even), [1.0, 0.0], atol=1e-3)
    truth = 0.3 * rng.standard_normal(50)
    guess = np.array([y + truth, y - truth])
    assert_allclose(_nonnegative(guess, y, even), [0.5, 0.5], atol=1e-3)
    assert_allclose(_nonnegative(np.ones((2, 50)), np.ones(50), even).sum(), 1.0)


def test_wrong_members():
    with pytest.raises(StudyError, match="at least two members"):
        StackModel([LinearRegression()]).fit(np.ones((4, 1)), np.ones(4))
    with pytest.raises(StudyError, match="needs 'members'"):
        build_estimator({"kind": "stack"}, 0)
