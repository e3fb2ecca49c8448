from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.stats import binom

from perospin.errors import StudyError
from perospin.learning import Scheme, Split, build_estimator, k_fold, leave_one_group_out, leave_one_out
from perospin.learning.intervals.coverage import Coverage, binomial_band, nested_coverage
from perospin.learning.intervals.intervals import fit_intervals


def table(n=60, seed=0):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.standard_normal((n, 2)), columns=["a", "b"])
    return X, X["a"].to_numpy() + rng.standard_normal(n)


@pytest.mark.parametrize("spread", ["own", "none"])
def test_it_is_the_interval_made_inside_each_training_set(spread):
    X, y = table(24)
    groups = np.repeat(list("abcdef"), [2, 3, 4, 4, 5, 6])
    scheme = leave_one_group_out(groups)
    model = build_estimator({"kind": "gp", "mode": "map"}, 0)
    done = nested_coverage(model, X, y, scheme, exchangeable=groups, levels=(0.6, 0.8), spread=spread, name="gp")
    for split in scheme.splits:
        inner = leave_one_group_out(groups[split.train])
        made = fit_intervals(
            model,
            X.iloc[split.train],
            y[split.train],
            inner,
            exchangeable=groups[split.train],
            spread=spread,
        )
        for column, level in enumerate((0.6, 0.8)):
            low, high = made.predict(X.iloc[split.test], level)
            assert_allclose(done.low[split.test, column], low, atol=1e-6)
            assert_allclose(done.high[split.test, column], high, atol=1e-6)
    again = Coverage.from_dict(json.loads(json.dumps(done.to_dict())))
    assert_allclose(again.low, done.low)
    assert again.to_frame().equals(done.to_frame())


def test_the_held_out_rows_play_no_part_in_their_intervals():
    X, y = table(20)
    model = build_estimator({"kind": "ridge"}, 0)
    before = nested_coverage(model, X, y, k_fold(20, 5, 0), levels=(0.7,))
    fold = k_fold(20, 5, 0).splits[0].test
    changed = y.copy()
    changed[fold] += 100.0
    after = nested_coverage(model, X, changed, k_fold(20, 5, 0), levels=(0.7,))
    assert_allclose(after.low[fold], before.low[fold])
    assert_allclose(after.high[fold], before.high[fold])
    assert not np.allclose(after.low, before.low)


def test_coverage_is_about_nominal_on_independent_rows():
    hits, count = np.zeros(3), 0
    model = build_estimator({"kind": "ridge"}, 0)
    for seed in range(12):
        X, y = table(40, seed)
        done = nested_coverage(model, X, y, k_fold(40, 10, seed), levels=(0.5, 0.8, 0.9))
        hits += done.covered.sum(axis=0)
        count += 40
    for hit, level in zip(hits, (0.5, 0.8, 0.9), strict=True):
        low, high = binom.interval(0.999, count, level)
        assert low <= hit <= high


def grouped(seed):
    """One large easy group and many small hard ones: the next group is a hard one, most rows are easy."""
    rng = np.random.default_rng(seed)
    sizes = [30] + [1] * 25
    groups = np.repeat(np.arange(26), sizes)
    y = np.where(groups == 0, 0.05, 1.0) * rng.standard_normal(len(groups))
    return pd.DataFrame({"a": rng.standard_normal(len(groups))}), y, groups


@pytest.mark.slow
def test_rows_of_one_group_do_not_make_the_next_group_look_easy():
    model = build_estimator({"kind": "mean"}, 0)
    equal, by_row = [], []
    for seed in range(20):
        X, y, groups = grouped(seed)
        scheme = leave_one_group_out(groups)
        options = {"levels": (0.8,), "spread": "none"}
        equal.append(nested_coverage(model, X, y, scheme, exchangeable=groups, **options).observed_by_group()[0])
        rows = nested_coverage(model, X, y, scheme, **options)
        by_row.append(Coverage(**{**vars(rows), "groups": groups.astype(str)}).observed_by_group()[0])
    assert np.mean(equal) == pytest.approx(0.8, abs=0.04)
    assert np.mean(by_row) < 0.7


def test_bands_and_table():
    low, high = binomial_band([0.5, 0.9], 52)
    assert_allclose(low, [binom.ppf(0.025, 52, p) / 52 for p in (0.5, 0.9)])
    assert (low < [0.5, 0.9]).all()
    assert (high > [0.5, 0.9]).all()
    X, y = table(12)
    done = nested_coverage(build_estimator({"kind": "mean"}, 0), X, y, leave_one_out(12), levels=(0.5, 0.95), name="m")
    frame = done.to_frame()
    assert list(frame["estimator"]) == ["m", "m"]
    assert list(frame["n_groups"]) == [12, 12]
    assert frame["coverage"].iloc[1] == 1.0  # eleven rows can't carry 95 %: infinite, and said so by the width
    assert np.isinf(frame["width"].iloc[1])


def test_impossible_requests():
    X, y = table(101)
    model = build_estimator({"kind": "mean"}, 0)
    with pytest.raises(StudyError, match="at least three folds; '2-fold cross-validation' has 2"):
        nested_coverage(model, X, y, k_fold(101, 2, 0))
    with pytest.raises(StudyError, match=r"need 5050 fits .* k_fold with k = 20"):
        nested_coverage(model, X, y, leave_one_out(101))
    half = Scheme("half", "half", (Split(np.arange(50), np.arange(50, 101)),))
    with pytest.raises(StudyError, match="holds out every row once"):
        nested_coverage(model, X, y, half)
