from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import LinearRegression

from perospin.errors import StudyError
from perospin.learning import (
    Evaluation,
    Scheme,
    Split,
    build_estimator,
    evaluate,
    in_sample,
    k_fold,
    leave_one_group_out,
    leave_one_out,
    repeated_holdout,
    tagged,
)


def rate(y):
    return 10.0**y


# -- the numbers that the table is known to give -------------------------------------------------------------


def test_two_class_rule_on_the_published_table(spin52):
    rule = build_estimator({"kind": "two_class_rule"}, 0)
    loo = evaluate(rule, spin52.X, spin52.y, leave_one_out(52)).scores(rate)
    assert (round(loo.r2, 2), round(loo.r2_original, 2), round(loo.typical_factor, 2)) == (0.47, 0.35, 1.43)
    loso_scheme = leave_one_group_out(spin52.spacer, "leave_one_spacer_out", "leave-one-spacer-out")
    assert len(loso_scheme) == 25
    loso = evaluate(rule, spin52.X, spin52.y, loso_scheme).scores(rate)
    assert (round(loso.r2, 2), round(loso.r2_original, 2), round(loso.typical_factor, 2)) == (0.47, 0.35, 1.41)
    outside = evaluate(rule, spin52.X, spin52.y, tagged(spin52.origin, "literature", "this_paper")).scores(rate)
    assert (round(outside.r2, 2), round(outside.r2_original, 2), outside.n_rows) == (0.35, -0.42, 14)


@pytest.mark.parametrize(
    ("mean", "log", "linear"), [("median", 0.43, 0.49), ("arithmetic", 0.45, 0.52), ("log", 0.47, 0.35)]
)
def test_class_averages_on_the_published_table(spin52, mean, log, linear):
    rule = build_estimator({"kind": "two_class_rule", "mean": mean}, 0)
    scores = evaluate(rule, spin52.X, spin52.y, leave_one_out(52)).scores(rate)
    assert (round(scores.r2, 2), round(scores.r2_original, 2)) == (log, linear)


def test_mean_and_unscored_rows_on_the_published_table(spin52):
    mean = evaluate(build_estimator({"kind": "mean"}, 0), spin52.X, spin52.y, leave_one_out(52))
    assert round(mean.scores(rate).r2, 2) == -0.04
    assert round(mean.scores(rate).r2_original, 2) == -0.18
    rule = evaluate(build_estimator({"kind": "two_class_rule"}, 0), spin52.X, spin52.y, leave_one_out(52))
    without_three = rule.scores_where(~np.isin(rule.rows, [0, 2, 3]), "3 rows not scored")
    assert round(without_three.r2, 2) == 0.73
    assert "3 rows not scored" in str(without_three)
    assert round(rule.scores_where(~np.isin(rule.rows, [15, 16, 20, 37]), "4 rows not scored").r2, 2) == 0.49


# -- schemes -------------------------------------------------------------------------------------------------


@given(st.integers(3, 30), st.integers(2, 8), st.integers(0, 5))
def test_every_row_is_scored_once_and_never_trained_on(n, k, seed):
    k = min(k, n)
    groups = np.arange(n) // 2
    schemes = [leave_one_out(n), k_fold(n, k, seed)]
    if len(set(groups)) >= 2:
        schemes.append(leave_one_group_out(groups))
        schemes.append(k_fold(n, min(k, len(set(groups))), seed, groups))
    for scheme in schemes:
        tested = np.concatenate([s.test for s in scheme.splits])
        assert_array_equal(np.sort(tested), np.arange(n))
        for split in scheme.splits:
            assert not set(split.train) & set(split.test)
            assert len(split.train) + len(split.test) == n


def test_grouped_folds_keep_groups_whole():
    groups = np.array(list("aabbbcddeeeff"))
    for scheme in (leave_one_group_out(groups), k_fold(13, 3, 0, groups)):
        for split in scheme.splits:
            assert not set(groups[split.train]) & set(groups[split.test])


def test_repeated_holdout_is_reproducible_and_seeded():
    a, b, c = (repeated_holdout(52, 7, 5, seed) for seed in (1, 1, 2))
    assert all(np.array_equal(x.test, y.test) for x, y in zip(a.splits, b.splits, strict=True))
    assert not all(np.array_equal(x.test, y.test) for x, y in zip(a.splits, c.splits, strict=True))
    assert [len(s.test) for s in a.splits] == [7] * 5
    assert a.label == "5 random 45/7 splits, pooled"


@pytest.mark.parametrize(
    ("make", "part"),
    [
        (lambda: leave_one_out(1), "at least 2 rows"),
        (lambda: leave_one_group_out(["a", "a"]), "two groups"),
        (lambda: tagged(["a", "b"], "a", "c"), "no row is tagged 'c'"),
        (lambda: repeated_holdout(5, 5, 2, 0), "cannot hold out 5 of 5"),
        (lambda: k_fold(3, 4, 0), "4 folds are not possible with 3 rows"),
        (lambda: k_fold(4, 3, 0, list("aabb")), "2 groups"),
        (lambda: Split(np.arange(3), np.array([], dtype=int)), "empty test set"),
        (lambda: Scheme("x", "mine", (Split([0, 1], [1, 2]),)), "trains on rows it scores"),
        (lambda: Scheme("x", "mine", ()), "no folds"),
        (lambda: Scheme("x", "mine", (Split([0], [1]),), reference="other"), "unknown R2 reference"),
    ],
)
def test_impossible_schemes_say_why(make, part):
    with pytest.raises(StudyError, match=part):
        make()


def test_schemes_and_evaluations_survive_json(spin52):
    scheme = repeated_holdout(52, 7, 3, 0)
    before = evaluate(build_estimator({"kind": "two_class_rule"}, 0), spin52.X, spin52.y, scheme, name="rule")
    after = Evaluation.from_dict(json.loads(json.dumps(before.to_dict())))
    assert after.scores(rate).to_dict() == before.scores(rate).to_dict()
    pd.testing.assert_frame_equal(after.to_frame(), before.to_frame())
    assert list(before.to_frame()) == ["row", "fold", "y_true", "y_pred", "y_reference"]


# -- what R2 refers to ---------------------------------------------------------------------------------------


def test_reference_follows_the_scheme():
    y = np.array([0.0, 1.0, 5.0, 2.0])
    X = np.zeros((4, 1))
    mean = build_estimator({"kind": "mean"}, 0)
    assert_allclose(evaluate(mean, X, y, leave_one_out(4)).y_reference, 2.0)
    outside = evaluate(mean, X, y, tagged(["a", "a", "b", "b"], "a", "b"))
    assert_allclose(outside.y_reference, 3.5)
    hold = evaluate(mean, X, y, repeated_holdout(4, 1, 6, 0))
    assert hold.scores().r2 == pytest.approx(0.0)  # the mean predicts exactly the training reference
    assert evaluate(mean, X, y, in_sample(4)).scores().r2 == pytest.approx(0.0)
    original = hold.reference(np.exp)
    for value, split in zip(original, hold.scheme.splits, strict=True):
        assert value == pytest.approx(np.exp(y[split.train]).mean())


def test_spread_over_splits():
    X = np.arange(8.0)[:, None]
    folds = evaluate(LinearRegression(), X, 2 * X[:, 0], repeated_holdout(8, 3, 4, 0)).fold_r2()
    assert_allclose(folds, 1.0)
    assert np.isnan(evaluate(LinearRegression(), X, X[:, 0], leave_one_out(8)).fold_r2()).all()


# -- leaks ---------------------------------------------------------------------------------------------------


class Spy(RegressorMixin, BaseEstimator):
    """Predicts the mean, and writes down the row numbers (first column) that it is shown."""

    log: list[tuple[float, frozenset[int]]] = []  # noqa: RUF012

    def __init__(self, level=0.0):
        self.level = level

    def fit(self, X, y):
        self.seen_ = frozenset(np.asarray(X)[:, 0].astype(int).tolist())
        Spy.log.append((self.level, self.seen_))
        self.mean_ = float(np.mean(y))
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_ + self.level)


def test_tuning_never_sees_the_outer_test_rows():
    from perospin.learning import BestOf

    n = 20
    groups = np.arange(n) // 2
    X = np.column_stack([np.arange(n), np.zeros(n)]).astype(float)
    y = np.random.default_rng(0).standard_normal(n)
    Spy.log = []
    chooser = BestOf([Spy(0.0), Spy(0.5), Spy(-0.5)])
    for split in leave_one_group_out(groups).splits:
        Spy.log = []
        chooser.fit_many(X, y, [split.train], groups=groups)
        assert len(Spy.log) == 3 * 5 + 1  # three candidates on five inner folds, one refit
        outer = frozenset(split.test.tolist())
        assert all(not (seen & outer) for _, seen in Spy.log)
        inner = [seen for _, seen in Spy.log[:-1]]
        assert all(len(seen) < len(split.train) for seen in inner)
        # inner folds are grouped as the outer ones: a group is shown whole or not at all
        for seen in inner:
            assert all((2 * g in seen) == (2 * g + 1 in seen) for g in set(groups[split.train].tolist()))


MODELS = [
    {"kind": "ridge", "screen": 0.9},
    {"kind": "svr"},
    {"kind": "gp", "n_particles": 32, "n_chains": 8, "n_draws": 8},
    {"kind": "mlp_ensemble", "members": 2, "steps": 30, "hidden": [3]},
    {"kind": "ridge", "tune": {"alpha": [0.1, 1.0, 10.0], "screen": [0.5, 1.0]}},
    {"kind": "average", "members": [{"kind": "ridge"}, {"kind": "random_forest", "n_estimators": 5}]},
]


@pytest.mark.parametrize("spec", MODELS, ids=lambda s: s["kind"] + ("+tune" if "tune" in s else ""))
def test_a_prediction_does_not_depend_on_anything_else_that_is_held_out(spec):
    """Screening, imputing, scaling and tuning happen inside the fold: the fold's test row is replaced by nonsense."""
    rng = np.random.default_rng(3)
    X = pd.DataFrame(rng.standard_normal((12, 4)), columns=list("abcd"))
    X["e"] = X["a"] + 0.3 * rng.standard_normal(12)
    X.loc[2, "b"] = np.nan
    y = X["a"].to_numpy() + 0.1 * rng.standard_normal(12)
    scheme = Scheme("one", "one split", (Split(np.arange(9), np.arange(9, 12)),))
    first = evaluate(build_estimator(spec, 0), X, y, scheme).y_pred
    other, target = X.copy(), y.copy()
    other.iloc[10:] = 1e3 * rng.standard_normal((2, 5))
    target[9:] = [1e4, -1e4, 1e4]
    second = evaluate(build_estimator(spec, 0), other, target, scheme).y_pred
    assert_allclose(second[0], first[0], rtol=1e-9)


def test_a_column_that_leaks_only_within_folds_gains_nothing():
    """A column equal to the target on training rows but shuffled over held-out rows must not help, only hurt."""
    rng = np.random.default_rng(1)
    y = rng.standard_normal(40)
    scheme = k_fold(40, 5, 0)
    leak = y.copy()
    for split in scheme.splits:
        leak[split.test] = rng.permutation(y[split.test])
    scores = evaluate(build_estimator({"kind": "ridge"}, 0), leak[:, None], y, scheme).scores()
    assert scores.r2 < 0.3
    assert evaluate(build_estimator({"kind": "ridge"}, 0), y[:, None], y, scheme).scores().r2 > 0.98


@pytest.mark.parametrize("spec", MODELS, ids=lambda s: s["kind"] + ("+tune" if "tune" in s else ""))
def test_same_seed_same_numbers(spec, spin52):
    X, y = spin52.X[spin52.eight].iloc[:20], spin52.y[:20]
    scheme = k_fold(20, 3, 0)
    a, b = (evaluate(build_estimator(spec, 7), X, y, scheme).y_pred for _ in range(2))
    assert_array_equal(a, b)


def test_progress_and_wrong_input():
    X, y = np.arange(6.0)[:, None], np.arange(6.0)
    calls: list[tuple[int, int]] = []
    evaluate(LinearRegression(), X, y, leave_one_out(6), progress=lambda done, total: calls.append((done, total)))
    assert calls == [(i, 6) for i in range(1, 7)]
    calls.clear()
    evaluate(build_estimator({"kind": "ridge"}, 0), X, y, leave_one_out(6), progress=lambda d, t: calls.append((d, t)))
    assert calls[-1] == (6, 6)
    with pytest.raises(StudyError, match="missing or infinite in rows \\[2\\]"):
        evaluate(LinearRegression(), X, np.array([0, 1, np.nan, 3, 4, 5.0]), leave_one_out(6))
    with pytest.raises(StudyError, match="6 rows but the target has shape"):
        evaluate(LinearRegression(), X, y[:5], leave_one_out(5))
    with pytest.raises(StudyError, match="names row 6, the table has 6 rows"):
        evaluate(LinearRegression(), X, y, leave_one_out(7))
    with pytest.raises(StudyError, match="2 groups were given"):
        evaluate(LinearRegression(), X, y, leave_one_out(6), groups=["a", "b"])
    with pytest.raises(StudyError, match="1 fitted models were given for 6 folds"):
        evaluate(LinearRegression(), X, y, leave_one_out(6), models=[LinearRegression()])
